"""Publishing to a hub: models, data sets, a leaderboard's results, its site; each as one commit of what changed."""
