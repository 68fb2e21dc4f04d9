"""Spread over trials and tests of differences: mean and interval, Welch's t-test, Holm's correction.

Everything works on whole arrays of summaries, so that a board of thousands of entries is compared in one go. Student's
t distribution is SciPy's; the rest is arithmetic.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

CONFIDENCE: Final = 0.95
SIGNIFICANCE: Final = 0.05

Floats = npt.NDArray[np.float64]


class Spread(NamedTuple):
    """Mean over trials, unbiased standard deviation, their number, and the ends of the 95 % interval of the mean.

    `sd`, `low` and `high` are NaN with fewer than two trials, `mean` with none.
    """

    mean: float
    sd: float
    n: int
    low: float
    high: float

    @property
    def varies(self) -> bool:
        """Whether two of the values differ; where none do, an interval of no width would claim to be certain."""
        return self.sd > 0


def spread(values: Sequence[float] | Floats) -> Spread:
    """The spread of one metric over trials; undefined values must be left out before. Interval: Student's t."""
    array = np.asarray(values, np.float64)
    count = len(array)
    if count == 0:
        return Spread(np.nan, np.nan, 0, np.nan, np.nan)
    mean = float(array.mean())
    if count == 1:
        return Spread(mean, np.nan, 1, np.nan, np.nan)
    if array.min() == array.max():  # rounding can give equal values another mean, and with it some spread
        same = float(array[0])
        return Spread(same, 0.0, count, same, same)
    sd = float(array.std(ddof=1))
    half = float(interval_half(np.float64(sd), np.int64(count)))
    return Spread(mean, sd, count, mean - half, mean + half)


def interval_half(sd: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    """Half of the 95 % interval of a mean: t of n - 1 degrees of freedom times sd / sqrt(n); NaN where n < 2."""
    from scipy.special import stdtrit

    sd, n = np.asarray(sd, np.float64), np.asarray(n, np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        quantile = stdtrit(np.where(n > 1, n - 1, np.nan), 0.5 + CONFIDENCE / 2)
        return np.asarray(quantile * sd / np.sqrt(n), np.float64)


def welch(
    mean_a: npt.ArrayLike, sd_a: npt.ArrayLike, n_a: npt.ArrayLike,
    mean_b: npt.ArrayLike, sd_b: npt.ArrayLike, n_b: npt.ArrayLike,
) -> Floats:  # fmt: skip
    """Two-sided p-values of Welch's t-test from summaries; all arguments broadcast.

    NaN where either side has fewer than two trials. Where neither side varies at all, p is 1 for equal means and 0 for
    others, the test's limits.
    """
    sizes = np.asarray(n_a, np.float64), np.asarray(n_b, np.float64)
    t, degrees = welch_t(mean_a, sd_a, n_a, mean_b, sd_b, n_b)
    return np.where((sizes[0] > 1) & (sizes[1] > 1), two_sided(t, degrees), np.nan)


def welch_t(
    mean_a: npt.ArrayLike, sd_a: npt.ArrayLike, n_a: npt.ArrayLike,
    mean_b: npt.ArrayLike, sd_b: npt.ArrayLike, n_b: npt.ArrayLike,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Welch's t and its degrees of freedom, as `welch` takes them, for two or more trials on either side.

    Where neither side varies, t is 0 for equal means and infinite for others, with 1 degree of freedom.
    """
    mean_a, sd_a, n_a, mean_b, sd_b, n_b = (
        np.asarray(item, np.float64) for item in (mean_a, sd_a, n_a, mean_b, sd_b, n_b)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        part_a, part_b = sd_a**2 / n_a, sd_b**2 / n_b
        variance = part_a + part_b
        difference = mean_a - mean_b
        t = difference / np.sqrt(variance)
        share = part_a / variance  # of both; its squares do not underflow as those of variances do
        degrees = 1 / (share**2 / (n_a - 1) + (1 - share) ** 2 / (n_b - 1))
        if not variance.all():
            still = variance == 0
            t = np.where(still, np.where(difference == 0, 0.0, np.copysign(np.inf, difference)), t)
            degrees = np.where(still, 1.0, degrees)
    return np.asarray(t, np.float64), np.asarray(degrees, np.float64)


def two_sided(t: npt.ArrayLike, degrees: npt.ArrayLike) -> Floats:
    """Two-sided p-values of Student's t; NaN where t or the degrees of freedom are."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(degrees, -np.abs(t)), np.float64)


def holm(p: npt.ArrayLike) -> Floats:
    """Holm's step-down adjusted p-values of one family of tests; NaN entries are no tests and stay NaN."""
    values = np.asarray(p, np.float64)
    adjusted = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values.flat[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted.flat[order] = np.minimum(1.0, np.maximum.accumulate(values.flat[order] * factors))
    return adjusted
