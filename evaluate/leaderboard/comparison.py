"""Which of many means are told apart: Welch's test of every pair, Holm's correction over all pairs.

A board of thousands of entries has millions of pairs, and most of them need no p-value: their t says at once on which
side of any threshold that Holm's correction may come to they are.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..statistics import SIGNIFICANCE, Floats, two_sided, welch_t

_BLOCK: Final = 2**17  # pairs compared at once: their arrays stay in a processor's cache
_MOST_DEGREES: Final = 1000  # of the table of critical values; larger ones are treated as this many
_MARGIN: Final = 1e-6  # of critical values: far above their rounding, far below what would cost time

Ints = npt.NDArray[np.int64]


class Sample(NamedTuple):
    """K means, the unbiased standard deviations and the numbers (two or more each) of the trials behind them, `(K,)`"""

    mean: Floats
    sd: Floats
    n: Ints


class Comparison(NamedTuple):
    """Of each of K means in their order, how many earlier and how many later ones it is told apart from, `(K,)`.

    below: two are told apart whose p-value is below this, Holm's threshold.
    """

    earlier: Ints
    later: Ints
    below: float


class _Block(NamedTuple):
    """The pairs of some means, the rows, with all later ones, the columns; t is 0 where the column is not later, or
    neither of the two varies."""

    rows: slice
    columns: slice
    t: Floats
    degrees: Floats


def compare(sample: Sample) -> Comparison:
    """Compare every pair of K means: told apart are those with a p-value, by Welch, below 0.05, adjusted by Holm.

    The family of tests is all K (K - 1) / 2 pairs. A pair with a mean that is not finite is not told apart, nor is one
    in which no trial differs from its fellows: scores such as 30 of 32 filters repeat by chance, and a spread of nought
    would make the test certain of two trials.
    """
    size = len(sample.mean)
    pairs = size * (size - 1) // 2
    earlier, later = np.zeros(size, np.int64), np.zeros(size, np.int64)
    bounds = _bounds(pairs)
    rejected = 0
    first, second, p = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)], [np.zeros(0)]
    for rows, columns, t, degrees in _blocks(sample):
        with np.errstate(invalid="ignore"):  # degrees of means that are not finite: t is NaN, and above no bound
            possible, certain = bounds.take(degrees.astype(np.intp), axis=1, mode="clip")
        apart = t > certain
        rejected += int(apart.sum())
        later[rows] += apart.sum(axis=1)
        earlier[columns] += apart.sum(axis=0)
        row, column = np.nonzero((t > possible) & ~apart)
        first.append(rows.start + row)
        second.append(columns.start + column)
        p.append(two_sided(t[row, column], degrees[row, column]))
    every = np.concatenate(p)
    below = _holm_threshold(every, rejected, pairs)
    apart = every < below
    later += np.bincount(np.concatenate(first)[apart], minlength=size)
    earlier += np.bincount(np.concatenate(second)[apart], minlength=size)
    return Comparison(earlier, later, below)


def first_apart(sample: Sample, index: int, below: float) -> int:
    """The first mean after `index` that is told apart from it at Holm's threshold; K where none is."""
    start, width = index + 1, 16
    while start < len(sample.mean):
        others = Sample._make(column[start : start + width] for column in sample)
        varies = (sample.sd[index] > 0) | (others.sd > 0)
        p = two_sided(*welch_t(sample.mean[index], sample.sd[index], sample.n[index], *others))
        apart = varies & (p < below)
        if apart.any():
            return start + int(apart.argmax())
        start, width = start + width, 2 * width
    return len(sample.mean)


def _blocks(sample: Sample) -> Iterator[_Block]:
    mean, sd, n = sample
    size = len(mean)
    begin = 0
    while begin < size - 1:
        end = min(size - 1, begin + max(1, _BLOCK // (size - begin)))
        rows, columns = slice(begin, end), slice(begin + 1, size)
        t, degrees = welch_t(mean[rows, None], sd[rows, None], n[rows, None], mean[columns], sd[columns], n[columns])
        varies = (sd[rows, None] > 0) | (sd[columns] > 0)
        yield _Block(rows, columns, np.triu(np.where(varies, np.abs(t), 0.0)), degrees)
        begin = end


def _bounds(pairs: int) -> Floats:
    """Bounds of t by whole degrees of freedom, rounded down, `(2, 1001)`, whatever the other pairs are.

    Up to the first no hypothesis is rejected, since p is not below 0.05; above the second every one is, since p is
    below 0.05 / pairs. Critical values fall as degrees of freedom rise, so each bound is that of the worse end.
    """
    from scipy.special import ndtri, stdtrit

    degrees = np.arange(1, _MOST_DEGREES + 1)
    possible, certain = (-stdtrit(degrees, p / 2) for p in (SIGNIFICANCE, SIGNIFICANCE / max(1, pairs)))
    normal = -ndtri(SIGNIFICANCE / 2)
    return np.stack(
        [
            np.append(possible, normal) * (1 - _MARGIN),
            np.append(np.inf, certain) * (1 + _MARGIN),
        ]
    )


def _holm_threshold(p: Floats, rejected: int, pairs: int) -> float:
    """What the p-values of the rejected hypotheses are below, and no others.

    p: those that are neither certain nor impossible, in any order; `rejected` others are certainly below 0.05 / pairs,
    so that it does not matter where among the smallest they stand. Holm rejects the k-th smallest of all while it is
    below 0.05 / (pairs - k + 1), a limit that rises: the first that fails parts the two.
    """
    limits = SIGNIFICANCE / (pairs - rejected - np.arange(len(p)))
    fails = np.sort(p) >= limits
    return float(limits[fails.argmax()]) if fails.any() else SIGNIFICANCE
