"""Dots and intervals: every trial's score as a dot, their mean as a bar, and its 95 % interval as a line.

Names, plot and numbers are three SVG images side by side. What lies in the plot lies at a percentage of its width, so
that it takes whatever width the page has without a letter or dot changing its size.

Networks before training share a row: a mean for each and no interval, and a line through the chart where their score
is what to read the others' against.
"""

from collections.abc import Sequence
from html import escape
from itertools import islice
from typing import Final

from ..report.glyphs import number as px
from .axes import Scale, scale_of, tick_text
from .questions import REFERENCE, kind_of
from .tables import Cell, Panel
from .wording import axis_title, mean_sd, metric_words, number

_ROW, _TOP, _BOTTOM = 22.0, 6.0, 38.0
_LETTER, _BOLD = 6.7, 7.8  # px, the mean width of a name's letters in a wide font
_NUMBERS = 126.0  # px for "0.81 ± 0.02* n 10"
_RADIUS = 2.4
_SPREAD = 7.5  # px that dots may move from their row's middle
_NARROW = 180.0  # px that the plot has on a phone: there dots must not cover each other
UNTRAINED: Final = "untrained"


def dot_chart(panel: Panel, panels: Sequence[Panel]) -> str:
    """One panel as HTML; `panels` share its scale and the width of its names."""
    labels = {cell.label for other in panels for cell in other.cells} | {UNTRAINED}
    names = max(len(label) * (_BOLD if label == REFERENCE else _LETTER) for label in labels) + 8
    values = [value for other in panels for cell in (*other.cells, *other.untrained) for _, value in cell.values]
    scale = scale_of(panel.metric, values, 100)
    middles = [_TOP + _ROW * (place + 0.5) for place in range(len(panel.cells) + bool(panel.untrained))]
    rows = list(zip(panel.cells, middles, strict=False))
    left = "".join(_name(_kind(cell), cell.label, middle, names - 8) for cell, middle in rows)
    plot = "".join(_row(*row, scale) for row in rows)
    right = "".join(_numbers(*row, panel) for row in rows)
    if panel.untrained:
        left += _name(UNTRAINED, UNTRAINED, middles[-1], names - 8)
        plot += _untrained_row(panel.untrained, middles[-1], scale)
        right += _untrained_numbers(panel.untrained, middles[-1])
    bottom = _TOP + _ROW * len(middles)
    height = px(bottom + _BOTTOM)
    return (
        f'<div class="dots" role="img" aria-label="{escape(_told(panel))}">'
        f'<svg width="{px(names)}" height="{height}">{left}</svg>'
        f'<svg class="plot-area" height="{height}">{_ground(panel, scale, bottom)}{plot}</svg>'
        f'<svg width="{px(_NUMBERS)}" height="{height}">{right}</svg></div>'
    )


def _line(kind: str, x: float, y: float, to_x: float, to_y: float) -> str:
    """A line; x in percent and y in px."""
    return f'<line class="{kind}" x1="{px(x, 2)}%" y1="{px(y)}" x2="{px(to_x, 2)}%" y2="{px(to_y)}"/>'


def _ground(panel: Panel, scale: Scale, bottom: float) -> str:
    """Grid, the levels of chance and of attribution before training, ticks and the axis' title."""
    drawn = [_line("grid-line", scale.at(tick), _TOP, scale.at(tick), bottom) for tick in scale.ticks()]
    if panel.metric.endswith("auroc"):
        drawn.append(_line("chance", scale.at(0.5), 0, scale.at(0.5), bottom))
    if panel.metric.startswith("attribution/"):
        places = [scale.at(cell.spread.mean) for cell in panel.untrained]
        drawn += [_line("before", place, 0, place, bottom) for place in places]
    drawn.append(_line("frame", 0, bottom, 100, bottom))
    drawn += [_text(scale.at(tick), bottom + 14, tick_text(tick)) for tick in scale.ticks()]
    return "".join(drawn) + _text(50, bottom + 31, axis_title(panel.metric))


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{px(x, 2)}%" y="{px(y)}" text-anchor="middle">{text}</text>'


def _kind(cell: Cell) -> str:
    if not cell.values:
        return "absent"
    return kind_of(cell.label)


def _name(kind: str, label: str, middle: float, right: float) -> str:
    place = f'x="{px(right)}" y="{px(middle + 4)}" text-anchor="end"'
    return f'<g class="{kind}"><text class="label" {place}>{escape(label)}</text></g>'


def _numbers(cell: Cell, middle: float, panel: Panel) -> str:
    if cell.values:
        mark = "*" if panel.marked(cell.model) else ""
        sd = f" \u00b1 {number(cell.spread.sd, 2)}" if cell.spread.n > 1 else ""
        text = f'{number(cell.spread.mean, 2)}{sd}{mark}<tspan class="n" dx="5">n {cell.spread.n}</tspan>'
    else:
        text = "missing"
    return f'<g class="{_kind(cell)}"><text x="12" y="{px(middle + 4)}">{text}</text></g>'


def _untrained_numbers(cells: Sequence[Cell], middle: float) -> str:
    """The mean of each network in the colour of its activation, and how many trials each is of."""
    means = ", ".join(f'<tspan class="{_untrained_kind(cell)}">{number(cell.spread.mean, 2)}</tspan>' for cell in cells)
    trials = ", ".join(dict.fromkeys(str(cell.spread.n) for cell in cells))
    text = f'{means}<tspan class="n" dx="5">n {trials}</tspan>'
    return f'<g class="{UNTRAINED}"><text x="12" y="{px(middle + 4)}">{text}</text></g>'


def _untrained_kind(cell: Cell) -> str:
    """How a network is drawn: as a model of its activation is."""
    return kind_of(cell.label.partition("-")[0])


def _untrained_row(cells: Sequence[Cell], middle: float, scale: Scale) -> str:
    """Dots and mean of each network, in the colour of its activation."""
    away = iter(swarm([scale.at(value) * _NARROW / 100 for cell in cells for _, value in cell.values]))
    drawn = []
    for cell in cells:
        dots = _dots(cell, middle, list(islice(away, len(cell.values))), scale)
        mean = scale.at(cell.spread.mean)
        drawn.append(
            f'<g class="{_untrained_kind(cell)}"><g class="trials">{dots}</g>'
            f"{_line('mean', mean, middle - 7, mean, middle + 7)}</g>"
        )
    return f'<g class="{UNTRAINED}">{"".join(drawn)}</g>'


def _dots(cell: Cell, middle: float, away: Sequence[float], scale: Scale) -> str:
    """A dot a trial, each as far from the middle as `away` says."""
    return "".join(
        f'<circle cx="{px(scale.at(value), 2)}%" cy="{px(middle + y)}" r="{px(_RADIUS)}"><title>{escape(cell.label)}, '
        f"trial {trial}: {number(value)}</title></circle>"
        for (trial, value), y in zip(cell.values, away, strict=True)
    )


def _row(cell: Cell, middle: float, scale: Scale) -> str:
    """A model's interval, dots and mean; an end of the interval that lies outside of the scale has no cap.

    Trials that do not differ have no interval: one of no width would look certain.
    """
    found = cell.spread
    away = swarm([scale.at(value) * _NARROW / 100 for _, value in cell.values])
    drawn = f'<g class="trials">{_dots(cell, middle, away, scale)}</g>'
    if found.n > 1:
        mean = scale.at(found.mean)
        drawn += _line("mean", mean, middle - 7, mean, middle + 7)
    if found.varies:
        caps = [scale.at(end) for end in (found.low, found.high) if scale.holds(end)]
        drawn = (
            _line("interval", scale.at(found.low), middle, scale.at(found.high), middle)
            + "".join(_line("interval", end, middle - 4, end, middle + 4) for end in caps)
            + drawn
        )
    return f'<g class="{_kind(cell)}">{drawn}</g>'


def swarm(places: Sequence[float]) -> list[float]:
    """How far dots at these px are moved off the middle, so that as few as may be cover another; in the order given."""
    levels: list[int] = []
    for index, x in enumerate(places):
        near = {levels[other] for other in range(index) if abs(places[other] - x) < 2 * _RADIUS}
        levels.append(next(level for level in range(len(places)) if level not in near))
    # Levels 0, 1, 2, 3, 4 lie at 0, 1, -1, 2, -2 steps from the middle.
    steps = [(level + 1) // 2 * (1 if level % 2 else -1) for level in levels]
    step = min(2 * _RADIUS, _SPREAD / max([1, *map(abs, steps)]))
    return [away * step for away in steps]


def _told(panel: Panel) -> str:
    """The chart for a screen reader."""
    cells = (*panel.cells, *panel.untrained)
    rows = [f"{cell.label} {mean_sd(cell.spread) if cell.values else 'missing'}" for cell in cells]
    return f"{metric_words(panel.metric)}, {panel.architecture}; mean, standard deviation, trials: {'; '.join(rows)}"
