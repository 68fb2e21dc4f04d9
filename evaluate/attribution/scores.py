"""How well attribution maps find planted motifs: ground-truth positions, and each sequence's AUROC and AUPR."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ...metrics import aupr, auroc

Floats = npt.NDArray[np.float64]

THRESHOLD: Final = 0.01  # bits: a position above this was drawn from a motif


class MapScores(NamedTuple):
    """Scores of n sequences: auroc and aupr `(n,)`, NaN where undefined (one class only, or a score not finite)."""

    auroc: Floats
    aupr: Floats


def information_bits(truth: npt.ArrayLike) -> Floats:
    """Bits of each position, 2 + sum p log2(p + 1e-10), `(n, L)`, from its nucleotides' probabilities `(n, 4, L)`."""
    values = np.asarray(truth, dtype=np.float64)
    bits: Floats = 2.0 + (values * np.log2(values + 1e-10)).sum(axis=1)
    return bits


def score_maps(scores: npt.ArrayLike, information: npt.ArrayLike) -> MapScores:
    """AUROC and AUPR of each sequence's position scores `(n, L)` for its motif positions (information above 0.01)."""
    labels = np.asarray(information) > THRESHOLD
    values = np.asarray(scores, dtype=np.float64)
    finite = np.where(np.isfinite(values), values, np.nan)  # an overflow has no rank
    return MapScores(auroc(labels, finite), aupr(labels, finite))
