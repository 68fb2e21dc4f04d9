"""Validation scores of a whole stack: AUROC and AUPR of many replicas beside scikit-learn's, one row after another.

Run `python benchmarks/metrics.py`. Times are the best of several runs on one thread; what counts is the ratios.
"""

import time
from collections.abc import Callable

import numpy as np
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score

from motifzoo.metrics import aupr, auroc

REPLICAS, PREDICTIONS = 170, 36_000  # synthetic-motifs: 3,000 validation sequences of 12 classes
SAMPLE = 10  # replicas that scikit-learn scores, since it takes long


def best(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the fastest of several runs."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def their_aupr(labels: np.ndarray, scores: np.ndarray) -> float:
    """The trapezoid over scikit-learn's curve."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(auc(recall, precision))


def main() -> None:
    """Print the table."""
    draws = np.random.default_rng(0)
    labels = (draws.random((REPLICAS, PREDICTIONS)) < 0.1).astype(np.float32)
    scores = draws.standard_normal((REPLICAS, PREDICTIONS)) + labels
    few = list(zip(labels[:SAMPLE], scores[:SAMPLE], strict=True))
    print(f"{REPLICAS} replicas, {PREDICTIONS:,} predictions each")
    print(f"{'':<8}{'scikit-learn':>14}{'motifzoo':>10}{'ratio':>7}{'apart by':>11}")
    for name, ours, theirs in (("AUROC", auroc, roc_auc_score), ("AUPR", aupr, their_aupr)):
        found = ours(labels, scores)
        apart = max(abs(theirs(*row) - value) for row, value in zip(few, found, strict=False))
        slow = best(lambda theirs=theirs: [theirs(*row) for row in few], 2) * REPLICAS / SAMPLE
        fast = best(lambda ours=ours: ours(labels, scores))
        print(f"{name:<8}{slow:>12.2f} s{fast:>8.2f} s{slow / fast:>7.1f}{apart:>11.0e}")


if __name__ == "__main__":
    main()
