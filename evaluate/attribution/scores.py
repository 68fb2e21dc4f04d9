"""How well attribution maps find planted motifs: ground-truth positions, and each sequence's AUROC and AUPR."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ...metrics import aupr, auroc

Floats = npt.NDArray[np.float64]

THRESHOLD: Final = 0.01  # bits: a position above this was drawn from a motif


class MapScores(NamedTuple):
    """Scores of n sequences: auroc and aupr `(n,)`, NaN where undefined (one class only, or a score not a number)."""

    auroc: Floats
    aupr: Floats


def information_bits(truth: npt.ArrayLike) -> Floats:
    """Bits of each position, `(n, L)`, from the probabilities it was drawn from, `(n, 4, L)`: 2 + sum p log2(p + 1e-10)."""
    values = np.asarray(truth, dtype=np.float64)
    bits: Floats = 2.0 + (values * np.log2(values + 1e-10)).sum(axis=1)
    return bits


def score_maps(scores: npt.ArrayLike, information: npt.ArrayLike) -> MapScores:
    """AUROC and AUPR of each sequence's position scores `(n, L)` for its motif positions (information above 0.01)."""
    labels = np.asarray(information) > THRESHOLD
    return MapScores(auroc(labels, scores), aupr(labels, scores))
