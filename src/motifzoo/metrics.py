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
Counts = npt.NDArray[np.int64]


class Points(NamedTuple):
    """The points of R rows' curves, one for each distinct score from the highest down; the rows follow each other.

    true, false: positives and negatives that score as high or higher, `(P,)`; true_before, false_before: those of the
    row's point before, 0 at its first. first: where each row begins, `(R,)`. positives, negatives: of each row, `(R,)`.
    """

    true: Counts
    false: Counts
    true_before: Counts
    false_before: Counts
    first: Counts
    positives: Counts
    negatives: Counts


def _points(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Points:
    truth = np.atleast_2d(np.asarray(labels))
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if truth.shape != values.shape:
        raise DataError(f"labels {truth.shape} and scores {values.shape} must have the same shape.")
    if not np.all((truth == 0) | (truth == 1)):
        raise DataError("labels must be 0 or 1.")
    if values.shape[1] == 0:
        raise DataError("there are no scores.")
    order = np.argsort(-values, axis=1)  # equal scores in any order: only the last of them is a point
    ranked = np.take_along_axis(values, order, axis=1)
    ends = np.ones(values.shape, dtype=bool)
    np.not_equal(ranked[:, 1:], ranked[:, :-1], out=ends[:, :-1])
    sums = np.cumsum(np.take_along_axis(truth == 1, order, axis=1), axis=1, dtype=np.int64)
    places = np.flatnonzero(ends)
    true = sums.ravel()[places]
    false = places % values.shape[1] + 1 - true
    own = np.count_nonzero(ends, axis=1)
    first = np.cumsum(own) - own
    positives = sums[:, -1]
    return Points(
        true, false, _before(true, first), _before(false, first), first, positives, values.shape[1] - positives
    )


def _before(counts: Counts, first: Counts) -> Counts:
    """Each point's predecessor in its row; 0 for a row's first."""
    before = np.empty_like(counts)
    before[1:] = counts[:-1]
    before[first] = 0
    return before


def _defined(areas: Floats, points: Points, scores: npt.ArrayLike) -> Floats:
    """The areas, NaN for rows with one class only or a score that is not a number."""
    values = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    undefined = (points.positives == 0) | (points.negatives == 0) | np.isnan(values).any(axis=1)
    return np.where(undefined, np.nan, areas)


def auroc(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Area under the ROC curve of each row; ties count half.

    labels: 0 or 1, `(R, n)` or `(n,)`; scores: the same shape. Returns `(R,)`, NaN for rows with one class only or a
    NaN score. Raises DataError for other labels, unequal shapes or no scores at all.
    """
    points = _points(labels, scores)
    # Twice the area in whole counts, so that the only rounding is the final division.
    strips = (points.true + points.true_before) * (points.false - points.false_before)
    doubled = np.add.reduceat(strips, points.first)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = doubled / (2.0 * points.positives * points.negatives)
    return _defined(area, points, scores)


def aupr(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Floats:
    """Area under the precision-recall curve of each row by the trapezoid rule; shapes and errors as `auroc`."""
    points = _points(labels, scores)
    precision = points.true / (points.true + points.false)
    precision_before = np.empty_like(precision)
    precision_before[1:] = precision[:-1]
    precision_before[points.first] = 1.0
    strips = (precision + precision_before) * (points.true - points.true_before)
    with np.errstate(invalid="ignore", divide="ignore"):
        area = np.add.reduceat(strips, points.first) / (2.0 * points.positives)
    return _defined(area, points, scores)


class Curve(NamedTuple):
    """Points of a curve: x and y, `(n,)` each."""

    x: Floats
    y: Floats


def roc_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Curve:
    """False- (x) against true-positive rate (y) of one row, from (0, 0) to (1, 1), a point for each distinct score."""
    points = _points(labels, scores)
    x = np.concatenate([[0.0], points.false / max(int(points.negatives[0]), 1)])
    y = np.concatenate([[0.0], points.true / max(int(points.positives[0]), 1)])
    return Curve(x, y)


def precision_recall_curve(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Curve:
    """Recall (x) against precision (y) of one row, from recall 0, precision 1, a point for each distinct score."""
    points = _points(labels, scores)
    recall = np.concatenate([[0.0], points.true / max(int(points.positives[0]), 1)])
    return Curve(recall, np.concatenate([[1.0], points.true / (points.true + points.false)]))
