"""Controls: rows of the leaderboard that are no contestants and say what its numbers are worth.

| control | what it is | what its numbers say |
|---|---|---|
| untrained | a network's initial weights, seeds 0-2 | what an architecture scores before it learns |
| motif_scan | the planted motifs as filters, and as a scan | what knowing the motifs scores, and nothing else |
| random_attribution | uniform noise as the map, seeds 0-2 | chance |

The fourth control, networks trained on shuffled labels, are models of the zoo: `packaged` puts them on a board.
"""
