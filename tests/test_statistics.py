"""Welch, Holm and intervals against SciPy, and by their laws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from motifzoo.evaluate.statistics import holm, spread, welch

samples = st.lists(st.floats(-100, 100).map(lambda value: round(value, 6)), min_size=2, max_size=12)


@given(samples)
def test_spread_is_scipys_interval(values: list[float]) -> None:
    found = spread(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert found.sd == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    if found.sd > 1e-9:
        expected = stats.t.interval(0.95, len(values) - 1, found.mean, found.sd / np.sqrt(len(values)))
        assert (found.low, found.high) == pytest.approx(expected, rel=1e-9)


@given(st.floats(-100, 100), st.integers(2, 12))
def test_equal_values_have_themselves_as_mean_and_no_spread(value: float, count: int) -> None:
    """Three times 0.1 has a mean above 0.1 in floating point, and so a spread where there is none."""
    found = spread([value] * count)
    assert (found.mean, found.sd, found.low, found.high, found.varies) == (value, 0, value, value, False)
    assert spread([value] * count + [value + 1]).varies
    assert not spread([value]).varies


def test_spread_of_few_trials_claims_no_interval() -> None:
    one, none = spread([0.5]), spread([])
    assert (one.mean, one.n, none.n) == (0.5, 1, 0)
    assert np.isnan([one.sd, one.low, one.high, none.mean, none.sd, none.low, none.high]).all()


@given(samples, samples)
def test_welch_is_scipys(a: list[float], b: list[float]) -> None:
    first, second = spread(a), spread(b)
    found = float(welch(first.mean, first.sd, first.n, second.mean, second.sd, second.n))
    reverse = float(welch(second.mean, second.sd, second.n, first.mean, first.sd, first.n))
    assert found == pytest.approx(reverse, rel=1e-9, abs=1e-300)
    if first.sd > 1e-6 and second.sd > 1e-6:
        assert found == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-6, abs=1e-12)


def test_welch_without_spread_and_without_trials() -> None:
    found = welch([1, 1, 1, 1], [0, 0, 0.1, np.nan], [3, 3, 3, 1], [1, 2, 2, 2], [0, 0, 0, 0.1], 3)
    assert found[0] == 1
    assert found[1] == 0
    assert 0 < found[2] < 0.01
    assert np.isnan(found[3])


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03 .04 times 4 3 2 1 is .04 .06 .06 .04, and no step may go below the one before.
    assert holm([0.04, 0.01, np.nan, 0.03, 0.02]) == pytest.approx([0.06, 0.04, np.nan, 0.06, 0.06], nan_ok=True)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_keeps_order_and_lies_between_raw_and_bonferroni(p: list[float]) -> None:
    found = holm(p)
    assert np.all(found >= p)
    assert np.all(found <= np.minimum(1, np.array(p) * len(p)) + 1e-15)
    assert np.all(np.diff(found[np.argsort(p, kind="stable")]) >= 0)


def test_holm_keeps_the_shape() -> None:
    assert holm(np.full((2, 3), 0.01)).shape == (2, 3)
