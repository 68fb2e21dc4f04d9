"""Filter matrices from window counts, and their clipping to the informative part (protocol section 4, steps 2-3)."""

import numpy as np
import numpy.typing as npt

_BITS = 0.5  # a column above this information is part of the motif
_MARGIN = 3  # columns kept on either side of it

Matrix = npt.NDArray[np.float64]


def frequencies(counts: npt.ArrayLike) -> Matrix:
    """A filter's matrix from its counts `(..., 4, W)`: the shares of each column's known letters, which sum to 1.

    Without unknown nucleotides this is the mean of the aligned one-hot windows. An unknown one says nothing of its
    column, so it is left out there; a column of them alone says nothing at all and is 0.25 throughout.
    """
    values = np.asarray(counts, dtype=np.float64)
    known = values.sum(axis=-2, keepdims=True)
    return np.where(known > 0, values / np.maximum(known, 1), 0.25)


def information(matrix: npt.ArrayLike) -> Matrix:
    """Bits of each column, 2 + sum p log2 p with 0 log 0 = 0; matrix `(..., 4, W)`, result `(..., W)`, 0 to 2."""
    values = np.asarray(matrix, dtype=np.float64)
    logs = np.log2(values, out=np.zeros_like(values), where=values > 0)
    result: Matrix = 2.0 + np.sum(values * logs, axis=-2)
    return result


def clip(matrix: Matrix) -> Matrix:
    """The columns from 3 before the first above 0.5 bits to 3 after the last; all of them when none is above."""
    informative = np.flatnonzero(information(matrix) > _BITS)
    if len(informative) == 0:
        return matrix
    return matrix[:, max(informative[0] - _MARGIN, 0) : informative[-1] + _MARGIN + 1]


def why_dead(windows: int, finite: bool) -> str | None:
    """Why a filter has no matrix, or None: its map is not finite, or fewer than two windows align to it."""
    if not finite:
        return "non-finite feature map"
    return {0: "no windows", 1: "one window"}.get(windows)
