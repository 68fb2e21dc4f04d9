"""The shared leaderboard: store, ranking, submission, verification, page."""
