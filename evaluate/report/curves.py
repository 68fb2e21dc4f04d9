"""ROC and precision-recall curves as SVG.

One class is drawn large. Up to 24 classes get a small panel each, their own curve over the others in grey, so that no
line has to be found by its colour. More are drawn together, with the best, the median and the worst named.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from ...metrics import Curve, precision_recall_curve, roc_curve
from .glyphs import number

Points = npt.NDArray[np.float64]

PANELS = 24  # the most classes that get a panel each
_LARGE, _SMALL = 300.0, 116.0  # side of a plot in px
_SLACK = 0.2  # px a drawn line may lie off its curve
_GREY_SLACK = 1.0  # the same of a line in the background
_ROLES = (("best", ""), ("median", "7 3"), ("worst", "2 3"))


class ClassCurves(NamedTuple):
    """The curves of one class on the test split.

    auroc, aupr: areas (trapezoid) and the curves behind them; all None, and `undefined` says why, where there are
    none. positives: share of sequences with label 1, in [0, 1], the chance level of precision.
    """

    name: str
    positives: float
    auroc: float | None
    aupr: float | None
    roc: Curve | None
    precision_recall: Curve | None
    undefined: str | None


class Plot(NamedTuple):
    """A titled image: `svg` is one ROC or precision-recall plot, `area` the text of the area under it."""

    title: str
    area: str
    svg: str


class Line(NamedTuple):
    """An entry of a legend: which class, its part ("best", "median", "worst") and its dashes as SVG writes them."""

    role: str
    dashes: str
    curves: ClassCurves


def class_curves(labels: npt.ArrayLike, probabilities: npt.ArrayLike, names: Sequence[str]) -> tuple[ClassCurves, ...]:
    """Curves and areas of every class; labels (0 or 1) and probabilities `(N, C)`, C names.

    Raises DataError when the three do not agree.
    """
    truth, scores = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    if truth.ndim != 2 or truth.shape != scores.shape or truth.shape[1] != len(names):
        raise DataError(
            f"labels {truth.shape} and probabilities {scores.shape} must both have shape (N, {len(names)}), "
            "one column for each class."
        )
    return tuple(_of_class(truth[:, column], scores[:, column], name) for column, name in enumerate(names))


def _of_class(labels: npt.NDArray[np.generic], scores: Points, name: str) -> ClassCurves:
    positives = float(np.count_nonzero(labels) / len(labels)) if len(labels) else 0.0
    reason = None
    if not np.isfinite(scores).all():
        reason = "some predictions are not finite"
    elif positives in (0.0, 1.0):
        reason = f"every test sequence has label {int(positives)}" if len(labels) else "there are no test sequences"
    if reason:
        return ClassCurves(name, positives, None, None, None, None, reason)
    roc, recalled = roc_curve(labels, scores), precision_recall_curve(labels, scores)
    return ClassCurves(name, positives, _area(roc), _area(recalled), roc, recalled, None)


def _area(curve: Curve) -> float:
    return float(np.trapezoid(curve.y, curve.x))


def large_plots(lines: Sequence[Line], behind: Sequence[ClassCurves] = ()) -> tuple[Plot, Plot]:
    """ROC and precision-recall at full size: `lines` with their dashes over the curves of `behind` in grey."""
    told = "; ".join(f"{line.role} {line.curves.name} {line.curves.auroc:.3f}".strip() for line in lines)
    told_pr = "; ".join(f"{line.role} {line.curves.name} {line.curves.aupr:.3f}".strip() for line in lines)
    chance = lines[0].curves.positives if len(lines) == 1 and not behind else None
    drawn = [(line.dashes, line.role, line.curves) for line in lines]
    roc = [
        _ground(_LARGE, "false-positive rate", "true-positive rate"),
        _diagonal(_LARGE),
        _grey((curves.roc for curves in behind), _LARGE),
        *(_path(curves.roc, _LARGE, f"curve {role}", dashes) for dashes, role, curves in drawn),
    ]
    recalled = [
        _ground(_LARGE, "recall", "precision"),
        "" if chance is None else _level(chance, _LARGE),
        _grey((curves.precision_recall for curves in behind), _LARGE),
        *(_path(curves.precision_recall, _LARGE, f"curve {role}", dashes) for dashes, role, curves in drawn),
    ]
    return (
        Plot("ROC", "AUROC", _large(roc, f"ROC curve; area: {told}")),
        Plot("Precision-recall", "AUPR", _large(recalled, f"Precision-recall curve; area: {told_pr}")),
    )


def small_plots(curves: ClassCurves, behind: str) -> tuple[Plot, Plot]:
    """A class's two small panels, over the grey curves that `shared_ground` defined under the id `behind`."""
    roc = [_use(f"{behind}-roc"), _diagonal(_SMALL), _path(curves.roc, _SMALL, "curve")]
    recalled = [
        _use(f"{behind}-pr"),
        _level(curves.positives, _SMALL),
        _path(curves.precision_recall, _SMALL, "curve"),
    ]
    return (
        Plot("ROC", f"{curves.auroc:.3f}", _small(roc, f"{curves.name}: ROC curve, area {curves.auroc:.3f}")),
        Plot(
            "Precision-recall",
            f"{curves.aupr:.3f}",
            _small(recalled, f"{curves.name}: precision-recall curve, area {curves.aupr:.3f}"),
        ),
    )


def shared_ground(every: Sequence[ClassCurves], identifier: str) -> str:
    """The grey curves of all classes, drawn once for all small panels: an SVG that shows nothing by itself."""
    frame = f'<path class="frame" d="M0 0H{number(_SMALL)}V{number(_SMALL)}H0Z"/>'
    roc = _grey((curves.roc for curves in every), _SMALL)
    recalled = _grey((curves.precision_recall for curves in every), _SMALL)
    return (
        '<svg class="defs" aria-hidden="true" width="0" height="0"><defs>'
        f'<g id="{identifier}-roc">{frame}{roc}</g><g id="{identifier}-pr">{frame}{recalled}</g></defs></svg>'
    )


def highlights(every: Sequence[ClassCurves]) -> tuple[Line, ...]:
    """Best, median and worst class by AUROC, of those that have one."""
    ranked = sorted((curves for curves in every if curves.auroc is not None), key=lambda curves: -(curves.auroc or 0.0))
    if len(ranked) < 3:
        return tuple(Line("", dashes, curves) for (_, dashes), curves in zip(_ROLES, ranked, strict=False))
    chosen = (ranked[0], ranked[len(ranked) // 2], ranked[-1])
    return tuple(Line(role, dashes, curves) for (role, dashes), curves in zip(_ROLES, chosen, strict=True))


def simplified(curve: Curve, side: float, slack: float = _SLACK) -> Points:
    """Few points `(n, 2)`, in px of a plot of this side, whose line keeps within 1.5 `slack` px of the curve.

    Ramer 1972, Douglas & Peucker 1973; y points down as in SVG.
    """
    points = np.stack([curve.x, 1.0 - curve.y], axis=1) * side
    # A split of 10,000 sequences has thousands of points that fall on the same tenth of a px.
    grid = np.round(2.0 * points / slack) * slack / 2.0
    points = grid[np.concatenate([[True], np.any(grid[1:] != grid[:-1], axis=1)])]
    kept = np.zeros(len(points), dtype=bool)
    kept[[0, -1]] = True
    pending = [(0, len(points) - 1)]
    while pending:
        first, last = pending.pop()
        if last - first < 2:
            continue
        inner, start, chord = points[first + 1 : last], points[first], points[last] - points[first]
        length = float(np.hypot(*chord))
        away = inner - start
        distance = np.abs(chord[0] * away[:, 1] - chord[1] * away[:, 0]) / length if length else np.hypot(*away.T)
        farthest = int(distance.argmax())
        if distance[farthest] > slack:
            middle = first + 1 + farthest
            kept[middle] = True
            pending += [(first, middle), (middle, last)]
    result: Points = points[kept]
    return result


def _data(curve: Curve | None, side: float, slack: float = _SLACK) -> str:
    if curve is None:
        return ""
    return "M" + " ".join(f"{number(x)} {number(y)}" for x, y in simplified(curve, side, slack).tolist())


def _path(curve: Curve | None, side: float, kind: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path class="{kind.strip()}"{dashed} d="{_data(curve, side)}"/>'


def _grey(curves: Iterable[Curve | None], side: float) -> str:
    return f'<path class="others" d="{"".join(_data(curve, side, _GREY_SLACK) for curve in curves)}"/>'


def _use(identifier: str) -> str:
    return f'<use href="#{identifier}"/>'


def _diagonal(side: float) -> str:
    return f'<path class="chance" d="M0 {number(side)} {number(side)} 0"/>'


def _level(share: float, side: float) -> str:
    return f'<path class="chance" d="M0 {number((1 - share) * side)}H{number(side)}"/>'


def _ground(side: float, x_title: str, y_title: str) -> str:
    """Frame, ticks at 0, 0.5 and 1 with a light grid, axis titles."""
    edge, half = number(side), number(side / 2)
    ticks = "".join(
        f'<text x="{number(share * side)}" y="{number(side + 16)}" text-anchor="middle">{text}</text>'
        f'<text x="-7" y="{number((1 - share) * side + 4)}" text-anchor="end">{text}</text>'
        for share, text in ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))
    )
    return (
        f'<path class="grid" d="M{half} 0V{edge}M0 {half}H{edge}"/>'
        f'<path class="frame" d="M0 0H{edge}V{edge}H0Z"/>{ticks}'
        f'<text x="{half}" y="{number(side + 36)}" text-anchor="middle">{escape(x_title)}</text>'
        f'<text transform="translate(-34 {half}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text>'
    )


def _large(parts: Sequence[str], label: str) -> str:
    width, height = number(_LARGE + 58), number(_LARGE + 52)
    return (
        f'<svg class="plot" role="img" aria-label="{escape(label)}" width="{width}" height="{height}" '
        f'viewBox="-48 -8 {width} {height}">{"".join(parts)}</svg>'
    )


def _small(parts: Sequence[str], label: str) -> str:
    side = number(_SMALL + 4)
    return (
        f'<svg class="plot" role="img" aria-label="{escape(label)}" width="{side}" height="{side}" '
        f'viewBox="-2 -2 {side} {side}">{"".join(parts)}</svg>'
    )
