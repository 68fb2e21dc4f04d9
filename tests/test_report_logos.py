"""The report's SVG: logos from matrices, attribution tracks, ROC and precision-recall curves."""

import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from motifzoo.errors import DataError
from motifzoo.evaluate.report import attribution_svg, logo_svg
from motifzoo.evaluate.report.curves import (
    class_curves,
    highlights,
    large_plots,
    shared_ground,
    simplified,
    small_plots,
)
from motifzoo.evaluate.report.glyphs import GLYPHS, number
from motifzoo.metrics import Curve, aupr, auroc

SVG = "{http://www.w3.org/2000/svg}"
HIDDEN = 0.4  # px: letters below are left out
EDGE = 0.05 + 1e-9  # px: edges are rounded to a tenth


def letters(svg):
    """The placed glyphs of a standalone image: (letter, x, y, width, height) in document order."""
    root = ElementTree.fromstring(svg)
    return [
        (use.get("href").removeprefix("#"), *(float(use.get(key)) for key in ("x", "y", "width", "height")))
        for use in root.iter(f"{SVG}use")
    ]


def bits(column):
    return 2 + sum(share * np.log2(share) for share in column if share > 0)


def distributions(columns):
    raw = arrays(np.float64, (4, columns), elements=st.floats(0.001, 1))
    return raw.map(lambda values: values / values.sum(axis=0))


def outline(path):
    """Anchor points and control points of an SVG path that uses M, L, H, V, C, S, Z in absolute coordinates."""
    anchors, controls, at = [], [], (0.0, 0.0)
    for command, rest in re.findall(r"([MLHVCSZ])([^MLHVCSZ]*)", path):
        values = [float(text) for text in rest.replace(",", " ").split()]
        if command == "H":
            steps = [[(value, at[1])] for value in values]
        elif command == "V":
            steps = [[(at[0], value)] for value in values]
        else:
            size = {"M": 2, "L": 2, "C": 6, "S": 4, "Z": 1}[command]
            steps = [
                list(zip(values[i : i + size : 2], values[i + 1 : i + size : 2], strict=True))
                for i in range(0, len(values), size)
            ]
        for step in steps:
            controls += step[:-1]
            at = step[-1]
            anchors.append(at)
    return anchors, controls


def test_each_glyph_fills_its_box_exactly():
    shapes = re.findall(r'<symbol id="([ACGT])"[^>]*><path[^>]* d="([^"]+)"', GLYPHS)
    assert [letter for letter, _ in shapes] == list("ACGT")
    for _, path in shapes:
        anchors, controls = outline(path)
        for axis in (0, 1):
            assert {min(point[axis] for point in anchors), max(point[axis] for point in anchors)} == {0, 100}
        # A Bezier curve stays inside the hull of its control points.
        assert all(0 <= value <= 100 for point in controls for value in point)


def test_a_certain_column_is_one_letter_of_full_height():
    assert letters(logo_svg([[0.0], [0.0], [1.0], [0.0]], label="G", height=40, column_width=10)) == [
        ("G", 0, 0, 10, 40)
    ]


def test_two_equal_letters_share_one_bit_and_uniform_columns_are_empty():
    matrix = np.array([[0.5, 0.25], [0, 0.25], [0, 0.25], [0.5, 0.25]])
    assert letters(logo_svg(matrix, label="W", height=40, column_width=10)) == [
        ("A", 0, 30, 10, 10),
        ("T", 0, 20, 10, 10),
    ]


@settings(deadline=None)
@given(distributions(5), st.floats(20, 100))
def test_columns_are_as_tall_as_their_information(matrix, height):
    drawn = letters(logo_svg(matrix, label="x", height=height, column_width=10))
    for column in range(5):
        stack = sorted((item for item in drawn if item[1] == 10 * column), key=lambda item: -item[2])
        tall = bits(matrix[:, column]) * height / 2
        sizes = sorted(matrix[:, column] * tall)
        visible = [size for size in sizes if size > HIDDEN + 1e-9]
        assert len(visible) <= len(stack) <= sum(size > HIDDEN - 1e-9 for size in sizes)
        if not visible:
            continue
        # Small letters, which may be hidden, lie at the bottom: the top is the whole column's information.
        assert abs((height - stack[-1][2]) - tall) <= EDGE
        shares = [matrix["ACGT".index(item[0]), column] for item in stack]
        assert shares == sorted(shares)
        for item, share in zip(stack, shares, strict=True):
            assert abs(item[4] - share * tall) <= 2 * EDGE
        for lower, upper in pairwise(stack):
            assert abs(upper[2] + upper[4] - lower[2]) <= 1e-6


@settings(deadline=None)
@given(distributions(4), st.integers(0, 5), st.integers(0, 5))
def test_start_shifts_a_logo_by_whole_columns(matrix, start, room):
    plain = letters(logo_svg(matrix, label="x", column_width=8))
    image = logo_svg(matrix, label="x", column_width=8, start=start, columns=start + 4 + room)
    assert letters(image) == [(letter, x + 8 * start, *rest) for letter, x, *rest in plain]
    assert float(ElementTree.fromstring(image).get("width")) == 8 * (start + 4 + room)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"matrix": np.ones((3, 5))},
            "a logo is drawn from a matrix of shape (4, W), rows A, C, G, T; got (3, 5).",
        ),
        (
            {"matrix": np.full((4, 2), np.nan)},
            "a logo is drawn from probabilities: every value must lie between 0 and 1.",
        ),
        (
            {"matrix": np.full((4, 2), 0.25), "start": 3, "columns": 4},
            "2 columns that begin at 3 do not fit into a logo of 4 columns.",
        ),
    ],
)
def test_logo_refuses(arguments, message):
    with pytest.raises(DataError) as caught:
        logo_svg(label="x", **arguments)
    assert str(caught.value) == message


def test_labels_are_escaped():
    hostile = '"><script>x</script>'
    for svg in (logo_svg(np.eye(4), label=hostile), attribution_svg([0], [1.0], label=hostile)):
        assert ElementTree.fromstring(svg).get("aria-label") == hostile


def test_negative_scores_hang_below_the_axis_upside_down():
    svg = attribution_svg([0, 1, 2, 3], [3.0, -1.0, 0.0, 1.5], label="x", height=40, column_width=5, headroom=10)
    assert letters(svg) == [("A", 0, 10, 5, 30), ("c", 5, 40, 5, 10), ("T", 15, 25, 5, 15)]
    axis = ElementTree.fromstring(svg).find(f".//{SVG}path[@class='axis']")
    assert axis.get("d") == "M0 40H20"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.one_of(st.floats(-1e3, 1e3), st.sampled_from([np.nan, np.inf, -np.inf]))),
        min_size=1,
        max_size=30,
    )
)
@example([(0, 2.2250738585072014e-308)])
def test_letters_are_proportional_to_scores(positions):
    codes, scores = np.array([code for code, _ in positions]), np.array([score for _, score in positions])
    usable = np.isfinite(scores) & (codes < 4)
    low, high = min(scores[usable].min(initial=0), 0), max(scores[usable].max(initial=0), 0)
    drawn = {item[1]: item for item in letters(attribution_svg(codes, scores, label="x", height=50, column_width=5))}
    for index, (code, score) in enumerate(positions):
        size = abs(score) * 50 / (high - low) if usable[index] and high > low else 0.0
        if size < HIDDEN - 1e-9:
            assert 5 * index not in drawn
        elif size > HIDDEN + 1e-9:
            letter, _, top, _, height = drawn[5 * index]
            assert letter == ("ACGT" if score > 0 else "acgt")[code]
            assert abs(height - size) <= EDGE
            axis = 50 * high / (high - low)
            assert abs((top + height if score > 0 else top) - axis) <= 2 * EDGE


def test_limits_fix_the_scale_and_shading_spans_positions():
    svg = attribution_svg([0, 1], [1.0, 0.5], label="x", height=40, column_width=5, limits=(0, 2), shaded=[(1, 2)])
    assert letters(svg) == [("A", 0, 20, 5, 20), ("C", 5, 30, 5, 10)]
    shade = ElementTree.fromstring(svg).find(f".//{SVG}rect")
    assert [shade.get(key) for key in ("x", "y", "width", "height")] == ["5", "0", "5", "40"]


def test_attribution_refuses_unequal_shapes():
    with pytest.raises(DataError) as caught:
        attribution_svg([0, 1], [1.0], label="x")
    assert str(caught.value) == "codes (2,) and scores (1,) must have the same shape (L,)."


@given(st.floats(-1e4, 1e4))
def test_numbers_are_short_and_right(value):
    text = number(value)
    assert abs(float(text) - value) <= 0.05 + 1e-9
    assert re.fullmatch(r"0|-?([1-9]\d*(\.[1-9])?|\.[1-9])", text)


def predictions(classes, rows=400, seed=0):
    rng = np.random.default_rng(seed)
    labels = (rng.random((rows, classes)) < 0.3).astype(np.int8)
    # Rounding makes ties, which curves cross in one step.
    return labels, np.round(1 / (1 + np.exp(-rng.normal(size=labels.shape) - 2 * labels)), 2)


def test_areas_are_those_of_the_metrics():
    labels, probabilities = predictions(5)
    found = class_curves(labels, probabilities, list("abcde"))
    np.testing.assert_allclose([curves.auroc for curves in found], auroc(labels.T, probabilities.T), rtol=1e-12)
    np.testing.assert_allclose([curves.aupr for curves in found], aupr(labels.T, probabilities.T), rtol=1e-12)


def test_classes_without_a_curve_say_why():
    labels, probabilities = predictions(3)
    labels[:, 0], labels[:, 1] = 0, 1
    probabilities[7, 2] = np.nan
    assert [curves.undefined for curves in class_curves(labels, probabilities, list("abc"))] == [
        "every test sequence has label 0",
        "every test sequence has label 1",
        "some predictions are not finite",
    ]
    empty = class_curves(np.zeros((0, 1)), np.zeros((0, 1)), ["a"])
    assert empty[0].undefined == "there are no test sequences"


def test_curves_refuse_disagreeing_shapes():
    with pytest.raises(DataError) as caught:
        class_curves(np.zeros((3, 2)), np.zeros((3, 1)), ["a", "b"])
    assert str(caught.value) == (
        "labels (3, 2) and probabilities (3, 1) must both have shape (N, 2), one column for each class."
    )


def distances(points, line):
    """From each point `(n, 2)` to the nearest segment of a polyline `(m, 2)`."""
    starts, chords = line[:-1], np.diff(line, axis=0)
    away = points[:, None] - starts
    share = np.clip((away * chords).sum(-1) / np.maximum((chords**2).sum(-1), 1e-12), 0, 1)
    return np.hypot(*(away - share[..., None] * chords).transpose(2, 0, 1)).min(axis=1)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 1.0]))
def test_drawn_lines_keep_to_the_curve(seed, slack):
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.random(60)), rng.random(60).cumsum()
    curve = Curve(np.concatenate([[0.0], x, [1.0]]), np.concatenate([[0.0], y / y[-1], [1.0]]))
    line = simplified(curve, 300.0, slack)
    exact = np.stack([curve.x, 1 - curve.y], axis=1) * 300
    assert distances(exact, line).max() <= 1.5 * slack
    np.testing.assert_allclose(line[[0, -1]], [[0, 300], [300, 0]], atol=1e-9)


def test_a_straight_line_needs_two_points():
    ramp = np.linspace(0, 1, 1000)
    assert simplified(Curve(ramp, ramp), 300.0).tolist() == [[0.0, 300.0], [300.0, 0.0]]


def test_highlights_are_the_best_the_median_and_the_worst():
    labels, probabilities = predictions(9)
    probabilities[:, 3] = labels[:, 3]
    probabilities[:, 5] = 1 - labels[:, 5]
    every = class_curves(labels, probabilities, [f"c{index}" for index in range(9)])
    best, median, worst = highlights(every)
    assert (best.role, best.curves.name, worst.role, worst.curves.name) == ("best", "c3", "worst", "c5")
    assert median.curves.auroc == sorted(curves.auroc for curves in every)[4]


def test_plots_are_well_formed_and_named():
    labels, probabilities = predictions(3)
    every = class_curves(labels, probabilities, ["a<b", "c&d", "e"])
    plots = [*large_plots(highlights(every), every), *small_plots(every[0], "ground")]
    for plot in plots:
        assert ElementTree.fromstring(plot.svg).get("aria-label")
    assert ElementTree.fromstring(plots[2].svg).get("aria-label") == f"a<b: ROC curve, area {every[0].auroc:.3f}"
    ground = ElementTree.fromstring(shared_ground(every, "ground"))
    assert {group.get("id") for group in ground.iter("g")} == {"ground-roc", "ground-pr"}
