"""filters.svg: the filters of one trial on one sheet, each logo over that of the motif it matches."""

from html import escape
from pathlib import Path
from typing import Final

from ...data_cards.cards import load_card
from ..results import Result
from ..targets import known_names
from .filter_views import FilterView, filters_view
from .glyphs import GLYPHS, number
from .sides import read_side_files
from .words import truth_words

MOST: Final = 96  # filters on a sheet; the best come first
_COLUMNS: Final = 3
_CELL: Final = (290.0, 84.0)  # px
_SCALE: Final = 0.5  # of the report's logos, 48 px high
_CAPTION: Final = 18.0


def filter_sheet(result: Result, folder: Path) -> str | None:
    """The sheet as an SVG, from a result and the side files in its folder; None where no filter has a matrix.

    Filters that hit a true motif come first, then those that hit another, then those that hit none; best E first in
    each. Raises MotifzooError for side files that are not the result's.
    """
    card = load_card(result.dataset)
    truth = card.ground_truth if card.generator is not None else known_names(card)
    view = filters_view(result, read_side_files(result, folder), truth, truth_words(result))
    filters = [entry for group in view.groups for entry in group.filters][:MOST] if view else []
    if not filters:
        return None
    rows = -(-len(filters) // _COLUMNS)
    width, height = _COLUMNS * _CELL[0], rows * _CELL[1]
    cells = [_cell(entry, place % _COLUMNS, place // _COLUMNS) for place, entry in enumerate(filters)]
    label = escape(f"First-layer filters of {result.model}, trial {result.trial}, as sequence logos")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{number(width)}" '
        f'height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}" font-family="sans-serif" '
        f'font-size="11" fill="#808080">{GLYPHS}\n' + "\n".join(cells) + "\n</svg>\n"
    )


def _cell(entry: FilterView, column: int, row: int) -> str:
    parts = [f'<text y="12">{escape(_caption(entry))}</text>']
    logos = [entry.logo, entry.best.logo if entry.best else None]
    for place, logo in enumerate(filter(None, logos)):
        top = _CAPTION + place * 30.0
        parts.append(f'<g transform="translate(0 {number(top)}) scale({_SCALE})">{logo}</g>')
    return f'<g transform="translate({number(column * _CELL[0])} {number(row * _CELL[1])})">{"".join(parts)}</g>'


def _caption(entry: FilterView) -> str:
    best = entry.best
    if best is None:
        return f"filter {entry.number}"
    if best.logo is None:
        return f"filter {entry.number}: no match (nearest {best.name}, E {best.e_value})"
    true = f", hits {entry.true_motif}" if entry.true_motif else ""
    return f"filter {entry.number}: {best.id} {best.name}, E {best.e_value}{true}"
