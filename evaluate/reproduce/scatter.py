"""Classification against what a person can read: a dot a trial, a model's mean with its name beside it. SVG."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from ...data_cards.cards import load_card
from ..metric_table import METRICS
from ..report.glyphs import number as px
from ..statistics import spread
from .axes import Scale, close_scale, scale_of, tick_text
from .questions import TRADES, Trade, kind_of, place
from .scored import Measured, Scored
from .wording import axis_title, metric_words, number

_SIDE = 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 128.0, 8.0, 42.0
_LINE = 13.0  # px between two names


class Point(NamedTuple):
    """A model: (trial, x, y) of its trials that have both scores, and the means of these."""

    label: str
    trials: tuple[tuple[int, float, float], ...]
    x: float
    y: float


class Plot(NamedTuple):
    """One score against classification in one architecture. `rho`: Spearman's rank correlation of the models' means,
    None with fewer than three models or where one of the two does not vary."""

    x_metric: str
    y_metric: str
    architecture: str
    points: tuple[Point, ...]
    rho: float | None


class Traded(NamedTuple):
    """A section of plots."""

    trade: Trade
    plots: tuple[Plot, ...]


def trades(scored: Scored) -> tuple[Traded, ...]:
    """The sections that there are scores for; controls are no part of them."""
    found = (Traded(trade, tuple(_plots(trade, scored))) for trade in TRADES)
    return tuple(traded for traded in found if traded.plots)


def _plots(trade: Trade, scored: Scored) -> Iterable[Plot]:
    models = [model for model in scored.models if model.dataset == trade.dataset and not model.control]
    models.sort(key=lambda model: place(model.architecture, model.label))
    x_metric = f"classification/{load_card(trade.dataset).monitor}"
    for metric in trade.metrics:
        for architecture in dict.fromkeys(model.architecture for model in models):
            points = [
                point
                for model in models
                if model.architecture == architecture and (point := _point(model, x_metric, metric)) is not None
            ]
            if points:
                yield Plot(x_metric, metric, architecture, tuple(points), _rho(points))


def _point(model: Measured, x_metric: str, y_metric: str) -> Point | None:
    across = dict(model.defined(x_metric))
    trials = tuple((trial, across[trial], value) for trial, value in model.defined(y_metric) if trial in across)
    if not trials:
        return None
    x, y = (spread([trial[axis] for trial in trials]).mean for axis in (1, 2))
    return Point(model.label, trials, x, y)


def _rho(points: Sequence[Point]) -> float | None:
    from scipy.stats import spearmanr

    x, y = ([point[axis] for point in points] for axis in (2, 3))
    if len(points) < 3 or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    return float(spearmanr(x, y).statistic)


def scatter(plot: Plot, plots: Sequence[Plot]) -> str:
    """One plot as SVG; `plots` share its scales."""
    every = [trial for other in plots for point in other.points for trial in point.trials]
    across = close_scale([x for _, x, _ in every], _SIDE)
    up = scale_of(plot.y_metric, [y for _, _, y in every], _SIDE)
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
    half = px(_SIDE / 2)
    return (
        f'<path class="grid" d="{grid}"/>{chance}<path class="frame" d="M0 0V{side}H{side}"/>{texts}'
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
    ordered = sorted(points, key=lambda point: (-point.y, point.label))
    wanted = [_SIDE - up.at(point.y) for point in ordered]
    placed = apart(wanted, _LINE, _SIDE)
    drawn = []
    for point, name_y in zip(ordered, placed, strict=True):
        x, y = across.at(point.x), _SIDE - up.at(point.y)
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
    rows = [f"{point.label} {number(point.x)}, {number(point.y)}" for point in plot.points]
    return (
        f"{metric_words(plot.y_metric)} against {metric_words(plot.x_metric)}, {plot.architecture}; "
        f"means over trials: {'; '.join(rows)}"
    )
