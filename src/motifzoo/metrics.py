"""Area under the ROC and precision-recall curves, exact with ties, many rows at once.

Shared by training (the validation score it monitors) and evaluation, hence beside both rather than in either.

| name | range | chance | direction | source |
|---|---|---|---|---|
| auroc | 0 to 1 | 0.5 | higher is better | trapezoid over the ROC curve; Fawcett 2006 |
| aupr | 0 to 1 | share of positives | higher is better | trapezoid over its points from recall 0, precision 1 |

AUPR by the trapezoid is what the study reports; average precision (a step function) is another number.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .errors import DataError

Floats = npt.NDArray[np.float64]


class Counts(NamedTuple):
    """True and false positives above each threshold, `(R, n)` each, from the highest score down.

    `ends` marks the last position of each run of equal scores: only there is a point of the curve.
    """

    true: npt.NDArray[np.int64]
    false: npt.NDArray[np.int64]
    ends: npt.NDArray[np.bool_]


def _counts(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Counts:
    truth = np.atleast_2d(np.asarray(labels))
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if truth.shape != values.shape:
        raise DataError(f"labels {truth.shape} and scores {values.shape} must have the same shape.")
    if not np.all((truth == 0) | (truth == 1)):
        raise DataError("labels must be 0 or 1.")
    order = np.argsort(-values, axis=1, kind="stable")
    ranked = np.take_along_axis(values, order, axis=1)
    positive = np.take_along_axis(truth.astype(np.int64), order, axis=1)
    true = np.cumsum(positive, axis=1)
    false = np.arange(1, values.shape[1] + 1) - true
    ends = np.ones(values.shape, dtype=bool)
    ends[:, :-1] = ranked[:, 1:] != ranked[:, :-1]
    return Counts(true, false, ends)


def _previous(values: npt.NDArray[np.int64], ends: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """At each position, `values` at the last curve point before it; 0 before the first."""
    index = np.where(ends, np.arange(1, values.shape[1] + 1), 0)
    before = np.zeros_like(index)
    before[:, 1:] = np.maximum.accumulate(index, axis=1)[:, :-1]
    padded = np.concatenate([np.zeros((len(values), 1), values.dtype), values], axis=1)
    return np.take_along_axis(padded, before, axis=1)


def _undefined(counts: Counts, scores: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Rows without an area: one class only, or a score that is not a number."""
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    result: npt.NDArray[np.bool_] = (
        (counts.true[:, -1] == 0) | (counts.false[:, -1] == 0) | np.isnan(values).any(axis=1)
    )
    return result


def auroc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Area under the ROC curve of each row; ties count half.

    labels: 0 or 1, `(R, n)` or `(n,)`; scores: the same shape. Returns `(R,)`, NaN for rows with one class only or a
    NaN score. Raises DataError for other labels or unequal shapes.
    """
    counts = _counts(labels, scores)
    # Twice the area in whole counts, so that the only rounding is the final division.
    strips = (counts.true + _previous(counts.true, counts.ends)) * (counts.false - _previous(counts.false, counts.ends))
    doubled = np.sum(strips, axis=1, where=counts.ends)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = doubled / (2.0 * counts.true[:, -1] * counts.false[:, -1])
    return np.where(_undefined(counts, scores), np.nan, area)


def aupr(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Area under the precision-recall curve of each row by the trapezoid rule; shapes and errors as `auroc`."""
    counts = _counts(labels, scores)
    true_before = _previous(counts.true, counts.ends)
    false_before = _previous(counts.false, counts.ends)
    precision = counts.true / (counts.true + counts.false)
    before = true_before + false_before
    precision_before = np.where(before == 0, 1.0, true_before / np.maximum(before, 1))
    strips = (precision + precision_before) * (counts.true - true_before)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = np.sum(strips, axis=1, where=counts.ends) / (2.0 * counts.true[:, -1])
    return np.where(_undefined(counts, scores), np.nan, area)


class Curve(NamedTuple):
    """Points of a curve: x and y, `(n,)` each."""

    x: Floats
    y: Floats


def roc_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Curve:
    """False- (x) against true-positive rate (y) of one row, from (0, 0) to (1, 1), a point for each distinct score."""
    counts = _counts(labels, scores)
    kept = counts.ends[0]
    x = np.concatenate([[0.0], counts.false[0, kept] / max(counts.false[0, -1], 1)])
    y = np.concatenate([[0.0], counts.true[0, kept] / max(counts.true[0, -1], 1)])
    return Curve(x, y)


def precision_recall_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Curve:
    """Recall (x) against precision (y) of one row, from recall 0, precision 1, a point for each distinct score."""
    counts = _counts(labels, scores)
    true, false = counts.true[0, counts.ends[0]], counts.false[0, counts.ends[0]]
    return Curve(
        np.concatenate([[0.0], true / max(counts.true[0, -1], 1)]), np.concatenate([[1.0], true / (true + false)])
    )
