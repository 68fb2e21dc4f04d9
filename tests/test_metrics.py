"""AUROC, AUPR and their curves: by hand, against scikit-learn to 1e-12 with any ties, and their laws."""

from random import Random

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sklearn

from motifzoo.errors import DataError
from motifzoo.metrics import aupr, auroc, precision_recall_curve, roc_curve

Labels = npt.NDArray[np.int8]
Scores = npt.NDArray[np.float64]

SCORES = st.one_of(
    st.integers(0, 3).map(float),  # heavy ties
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0.0, -0.0, 1e-300, -1e300, np.inf, -np.inf]),
)


@st.composite
def rows(draw: st.DrawFn) -> tuple[Labels, Scores]:
    """Rows with both classes."""
    shape = (draw(st.integers(1, 4)), draw(st.integers(2, 40)))
    labels = draw(hnp.arrays(np.int8, shape, elements=st.integers(0, 1)))
    labels[:, 0], labels[:, -1] = 1, 0
    return labels, draw(hnp.arrays(np.float64, shape, elements=draw(st.sampled_from([SCORES, st.integers(0, 1)]))))


def finite(scores: Scores) -> Scores:
    """The same order and ties, in numbers scikit-learn takes."""
    return np.unique(scores, return_inverse=True)[1].reshape(scores.shape).astype(np.float64)


@given(rows())
def test_areas_equal_scikit_learn(drawn: tuple[Labels, Scores]) -> None:
    labels, scores = drawn
    for truth, values, roc, pr in zip(labels, finite(scores), auroc(labels, scores), aupr(labels, scores), strict=True):
        precision, recall, _ = sklearn.precision_recall_curve(truth, values)
        assert roc == pytest.approx(sklearn.roc_auc_score(truth, values), abs=1e-12)
        assert pr == pytest.approx(sklearn.auc(recall, precision), abs=1e-12)


@given(rows())
def test_curves_equal_scikit_learn(drawn: tuple[Labels, Scores]) -> None:
    labels, scores = drawn[0][0], drawn[1][0]
    false, true, _ = sklearn.roc_curve(labels, finite(scores), drop_intermediate=False)
    precision, recall, _ = sklearn.precision_recall_curve(labels, finite(scores))
    ours = roc_curve(labels, scores)
    np.testing.assert_allclose(ours.x, false, rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.y, true, rtol=0, atol=1e-12)
    ours = precision_recall_curve(labels, scores)
    np.testing.assert_allclose(ours.x, recall[::-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(ours.y, precision[::-1], rtol=0, atol=1e-12)


@given(rows())
def test_an_area_is_the_trapezoid_under_its_curve(drawn: tuple[Labels, Scores]) -> None:
    labels, scores = drawn[0][0], drawn[1][0]
    for area, curve in ((auroc, roc_curve), (aupr, precision_recall_curve)):
        points = curve(labels, scores)
        trapezoid = np.sum(np.diff(points.x) * (points.y[1:] + points.y[:-1])) / 2
        assert area(labels, scores)[0] == pytest.approx(trapezoid, abs=1e-12)


@given(rows())
def test_auroc_is_the_share_of_pairs_in_order(drawn: tuple[Labels, Scores]) -> None:
    labels, scores = drawn
    for truth, values, area in zip(labels, finite(scores), auroc(labels, scores), strict=True):
        pairs = values[truth == 1][:, None] - values[truth == 0]
        assert area == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)), abs=1e-12)


@given(rows(), st.randoms(use_true_random=False))
def test_laws(drawn: tuple[Labels, Scores], random: Random) -> None:
    labels, scores = drawn
    order = list(range(labels.shape[1]))
    random.shuffle(order)
    for area in (auroc, aupr):
        expected = area(labels, scores)
        assert np.all((expected >= 0) & (expected <= 1))
        # the order of the columns, and of the rows, changes nothing
        np.testing.assert_array_equal(area(labels[:, order], scores[:, order]), expected)
        np.testing.assert_array_equal(area(labels[::-1], scores[::-1]), expected[::-1])
        # nor does a row's company, or an order-preserving map
        np.testing.assert_array_equal(area(labels[0], scores[0]), expected[:1])
        np.testing.assert_array_equal(area(labels, 2 * finite(scores) - 7), expected)
    # exchanging the classes mirrors the ROC curve
    np.testing.assert_allclose(auroc(1 - labels, scores), 1 - auroc(labels, scores), rtol=0, atol=1e-12)


def test_by_hand() -> None:
    labels = [[0, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 1], [1, 0, 0, 0]]
    scores = [[0.1, 0.4, 0.35, 0.8], [0.9, 0.8, 0.2, 0.1], [1.0, 1.0, 1.0, 1.0], [0.5, 0.5, 0.1, 0.9]]
    np.testing.assert_allclose(auroc(labels, scores), [0.75, 1, 0.5, 0.5], rtol=0, atol=1e-15)
    # row 0: precision 1, 1/2, 2/3 at recall 1/2, 1/2, 1; row 2: one step from 1 to 1/2; row 3: 0 at recall 0 after
    # the false 0.9, then 1/3 at recall 1
    expected = [0.5 * 1 + 0.5 * (1 / 2 + 2 / 3) / 2, 1, 0.75, (0 + 1 / 3) / 2]
    np.testing.assert_allclose(aupr(labels, scores), expected, rtol=0, atol=1e-15)


def test_curves_by_hand() -> None:
    labels, scores = [0, 1, 1, 0, 1], [0.3, 0.9, 0.3, 0.5, 0.1]
    roc = roc_curve(labels, scores)
    assert roc.x.tolist() == [0, 0, 0.5, 1, 1]
    np.testing.assert_allclose(roc.y, [0, 1 / 3, 1 / 3, 2 / 3, 1])
    pr = precision_recall_curve(labels, scores)
    np.testing.assert_allclose(pr.x, [0, 1 / 3, 1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(pr.y, [1, 1, 1 / 2, 1 / 2, 3 / 5])


@pytest.mark.parametrize("area", [auroc, aupr])
def test_rows_without_an_area_are_nan_and_the_others_stay(area: object) -> None:
    assert callable(area)
    labels = np.array([[0, 1, 1], [0, 0, 0], [1, 1, 1], [0, 1, 1]])
    scores = np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3], [0.1, np.nan, 0.3]])
    assert np.array_equal(area(labels, scores), [1, np.nan, np.nan, np.nan], equal_nan=True)


def test_float32_scores_that_differ_in_the_last_bit_are_no_tie() -> None:
    low = np.float32(0.1)
    high = np.nextafter(low, np.float32(1))
    assert auroc([1, 0], np.array([high, low])).tolist() == [1]


def test_many_rows_and_long_ones() -> None:
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, (100, 200)), random.integers(0, 30, (100, 200))
    expected = [sklearn.roc_auc_score(truth, values) for truth, values in zip(labels, scores, strict=True)]
    np.testing.assert_allclose(auroc(labels, scores), expected, rtol=0, atol=1e-12)
    labels, scores = random.integers(0, 2, 300_000), random.integers(0, 1000, 300_000)
    precision, recall, _ = sklearn.precision_recall_curve(labels, scores)
    assert auroc(labels, scores)[0] == pytest.approx(sklearn.roc_auc_score(labels, scores), abs=1e-12)
    assert aupr(labels, scores)[0] == pytest.approx(sklearn.auc(recall, precision), abs=1e-12)


@pytest.mark.parametrize("area", [auroc, aupr, roc_curve, precision_recall_curve])
def test_wrong_arguments(area: object) -> None:
    assert callable(area)
    with pytest.raises(DataError) as error:
        area([0, 1, 1], [0.5, 0.5])
    assert str(error.value) == "labels (1, 3) and scores (1, 2) must have the same shape."
    for labels in ([0, 2], [0.5, 1], [-1, 1]):
        with pytest.raises(DataError) as error:
            area(labels, [0.5, 0.5])
        assert str(error.value) == "labels must be 0 or 1."
    with pytest.raises(DataError) as error:
        area(np.zeros((2, 0)), np.zeros((2, 0)))
    assert str(error.value) == "there are no scores."


@pytest.mark.parametrize("area", [auroc, aupr])
def test_no_rows_have_no_areas(area: object) -> None:
    assert callable(area)
    assert area(np.zeros((0, 5)), np.zeros((0, 5))).shape == (0,)
