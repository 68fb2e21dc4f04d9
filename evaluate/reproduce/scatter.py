"""Classification against what a person can read: a dot a trial, a model's mean with its name beside it. SVG."""

from collections.abc import Sequence
from html import escape

import numpy as np

from ..metric_table import METRICS
from ..report.glyphs import number as px
from .axes import Scale, close_scale, scale_of, tick_text
from .questions import kind_of
from .trades import Plot, Point
from .wording import axis_title, metric_words, number

_SIDE = 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 128.0, 8.0, 42.0
_LINE = 13.0  # px between two names


def scatter(plot: Plot, plots: Sequence[Plot]) -> str:
    """One plot as SVG; `plots` share its scale of what a person can read. Classification has a scale of its own:
    architectures may differ so much in it that on a shared one their networks would be a blob."""
    across = close_scale([x for point in plot.points for _, x, _ in point.trials], _SIDE)
    shown = [y for other in plots for point in other.points for _, _, y in point.trials]
    up = scale_of(plot.y_metric, [*shown, *(mean for other in plots for _, mean in other.untrained)], _SIDE)
    width, height = _SIDE + _LEFT + _RIGHT, _SIDE + _TOP + _BOTTOM
    dots = "".join(_trials(point, across, up) for point in plot.points)
    names = _names(plot.points, across, up)
    box = f"{px(-_LEFT)} {px(-_TOP)} {px(width)} {px(height)}"
    return (
        f'<svg class="scatter" role="img" aria-label="{escape(_told(plot))}" viewBox="{box}" width="{px(width)}" '
        f'height="{px(height)}">{_ground(plot, across, up)}{dots}{names}</svg>'
    )


def _ground(plot: Plot, across: Scale, up: Scale) -> str:
    side = px(_SIDE)
    grid = "".join(f"M{px(across.at(tick))} 0V{side}" for tick in across.ticks())
    grid += "".join(f"M0 {px(_SIDE - up.at(tick))}H{side}" for tick in up.ticks())
    texts = "".join(
        f'<text x="{px(across.at(tick))}" y="{px(_SIDE + 15)}" text-anchor="middle">{tick_text(tick)}</text>'
        for tick in across.ticks()
    ) + "".join(
        f'<text x="-7" y="{px(_SIDE - up.at(tick) + 4)}" text-anchor="end">{tick_text(tick)}</text>'
        for tick in up.ticks()
    )
    chance = f'<path class="chance" d="M0 {px(_SIDE - up.at(0.5))}H{side}"/>' if plot.y_metric.endswith("auroc") else ""
    untrained = "".join(
        f'<path class="before" d="M0 {px(_SIDE - up.at(mean))}H{side}"><title>{escape(label)}: {number(mean)}'
        "</title></path>"
        for label, mean in plot.untrained
    )
    half = px(_SIDE / 2)
    return (
        f'<path class="grid" d="{grid}"/>{chance}{untrained}<path class="frame" d="M0 0V{side}H{side}"/>{texts}'
        f'<text x="{half}" y="{px(_SIDE + 33)}" text-anchor="middle">{axis_title(plot.x_metric)}</text>'
        f'<text transform="translate(-31 {half}) rotate(-90)" text-anchor="middle">{_up_title(plot.y_metric)}</text>'
    )


def _up_title(metric: str) -> str:
    return axis_title(metric) if metric.startswith("attribution/") else f"{METRICS[metric].title} (share)"


def _trials(point: Point, across: Scale, up: Scale) -> str:
    dots = "".join(
        f'<circle cx="{px(across.at(x))}" cy="{px(_SIDE - up.at(y))}" r="2.2"><title>{escape(point.label)}, trial '
        f"{trial}: {number(x)}, {number(y)}</title></circle>"
        for trial, x, y in point.trials
    )
    return f'<g class="{kind_of(point.label)}"><g class="trials">{dots}</g></g>'


def _names(points: Sequence[Point], across: Scale, up: Scale) -> str:
    """The means, and on the right the models' names, spread so that none covers another, each led to its mean."""
    ordered = sorted(points, key=lambda point: (-point.y.mean, point.label))
    wanted = [_SIDE - up.at(point.y.mean) for point in ordered]
    placed = apart(wanted, _LINE, _SIDE)
    drawn = []
    for point, name_y in zip(ordered, placed, strict=True):
        x, y = across.at(point.x.mean), _SIDE - up.at(point.y.mean)
        drawn.append(
            f'<g class="{kind_of(point.label)}"><path class="lead" d="M{px(x)} {px(y)}L{px(_SIDE + 8)} {px(name_y)}"/>'
            f'<path class="centre" d="M{px(x - 4)} {px(y)}l4 -4 4 4 -4 4z"/>'
            f'<text class="label" x="{px(_SIDE + 11)}" y="{px(name_y + 4)}">{escape(point.label)}</text></g>'
        )
    return "".join(drawn)


def apart(wanted: Sequence[float], gap: float, length: float) -> list[float]:
    """The places nearest to the wanted ones (ascending; least squares) that are `gap` apart, or less where so many do
    not fit, and lie within 0 and `length`."""
    from scipy.optimize import isotonic_regression

    gap = min(gap, length / max(1, len(wanted) - 1))
    steps = gap * np.arange(len(wanted))
    # Less these steps, "a gap apart" is "not descending", and the last place ends at what the steps leave.
    places = isotonic_regression(np.asarray(wanted, np.float64) - steps).x
    return [float(place) for place in np.clip(places, 0.0, length - steps[-1]) + steps]


def _told(plot: Plot) -> str:
    rows = [f"{point.label} {number(point.x.mean)}, {number(point.y.mean)}" for point in plot.points]
    before = "".join(f"; before training: {label} {number(mean)}" for label, mean in plot.untrained)
    return (
        f"{metric_words(plot.y_metric)} against {metric_words(plot.x_metric)}, {plot.architecture}; "
        f"means over trials: {'; '.join(rows)}{before}"
    )
