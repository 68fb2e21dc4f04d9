"""The images of a model's page: one SVG file of its filters, one of its attribution maps.

A file holds many pictures, each under a name of its own (`<view id="f3">`), and a page shows one of them with
`<img src="filters.svg#f3">`: the browser reads one small file, and pages stay small however many filters there are.
The glyphs' colours read on white and on black; the words belong to the page.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, NamedTuple

from ...report.attribution_views import AttributionView
from ...report.filter_views import FiltersView, FilterView
from ...report.glyphs import GLYPHS, number

MOST_FILTERS: Final = 320
FILTERS_FILE: Final = "filters.svg"
MAPS_FILE: Final = "maps.svg"
_COLUMNS: Final = 2
_CELL: Final = (330.0, 132.0)  # px of a filter on the sheet
_LOGOS: Final = (20.0, 52.0)  # px: where the first logo begins, and the next one below it
_LOGO_HEIGHT: Final = 48.0
_TRACK_HEIGHT: Final = 66.0
_COLUMN: Final = 12.0  # px of a logo's column


class Picture(NamedTuple):
    """A picture in a file: its name there, and its size in px."""

    name: str
    width: float
    height: float


class FilterPicture(NamedTuple):
    """A filter with its picture (None for one without a logo): the filter's logo, over its motif's where it has one."""

    filter: FilterView
    picture: Picture | None


def filters_file(view: FiltersView, label: str) -> tuple[str, tuple[FilterPicture, ...]]:
    """The sheet of a model's filters as an SVG file, best ones first, and where each filter is on it.

    label: the whole image's description. At most 320 filters are drawn.
    """
    filters = [entry for group in view.groups for entry in group.filters][:MOST_FILTERS]
    parts: list[str] = []
    pictures = []
    for place, entry in enumerate(filters):
        left, top = (place % _COLUMNS) * _CELL[0], (place // _COLUMNS) * _CELL[1]
        logos = [logo for logo in (entry.logo, entry.best.logo if entry.best else None) if logo]
        parts.append(f'<text x="{number(left)}" y="{number(top + 12)}">{escape(_caption(entry))}</text>')
        parts += [
            f'<g transform="translate({number(left)} {number(top + _LOGOS[0] + index * _LOGOS[1])})">{logo}</g>'
            for index, logo in enumerate(logos)
        ]
        picture = None
        if logos:
            height = _LOGO_HEIGHT + (len(logos) - 1) * _LOGOS[1]
            picture = Picture(f"f{entry.number}", _width(logos[0]), height)
            parts.append(_view(picture, left, top + _LOGOS[0]))
        pictures.append(FilterPicture(entry, picture))
    rows = -(-len(filters) // _COLUMNS)
    return _file(parts, _COLUMNS * _CELL[0], rows * _CELL[1], label), tuple(pictures)


def maps_file(view: AttributionView, label: str) -> tuple[str, tuple[tuple[Picture, ...], ...]]:
    """The attribution maps of a model as an SVG file, and for each sequence the picture of each of its tracks."""
    parts: list[str] = []
    pictures = []
    top = 0.0
    for number_, sequence in enumerate(view.sequences):
        row = []
        for index, track in enumerate(sequence.tracks):
            picture = Picture(f"s{number_}t{index}", float(sequence.width), _TRACK_HEIGHT)
            parts += [f'<g transform="translate(0 {number(top)})">{track.svg}</g>', _view(picture, 0.0, top)]
            row.append(picture)
            top += _TRACK_HEIGHT
        pictures.append(tuple(row))
    width = max((float(sequence.width) for sequence in view.sequences), default=0.0)
    return _file(parts, width, top, label), tuple(pictures)


def _view(picture: Picture, left: float, top: float) -> str:
    box = " ".join(map(number, (left, top, picture.width, picture.height)))
    return f'<view id="{picture.name}" viewBox="{box}" preserveAspectRatio="xMinYMin meet"/>'


def _file(parts: Iterable[str], width: float, height: float, label: str) -> str:
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    content = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(label)}" {size} '
        f'font-family="sans-serif" font-size="12" fill="#333">{GLYPHS}\n{content}\n</svg>\n'
    )


def _width(logo: str) -> float:
    """The width that a logo's own `<svg>` states."""
    return float(logo.partition(' width="')[2].partition('"')[0])


def _caption(entry: FilterView) -> str:
    best = entry.best
    true = f"; {entry.true_motif}" if entry.true_motif else ""
    if best is None:
        return f"filter {entry.number}"
    if best.logo is None:
        return f"filter {entry.number}: no match"
    return f"filter {entry.number}: {best.name or best.id}, E {best.e_value}{true}"


def filter_words(entry: FilterView, motif: str) -> str:
    """What a screen reader says of a filter's picture. motif: what the page calls a motif that counts."""
    best = entry.best
    if best is None:
        return f"filter {entry.number}"
    if best.logo is None:
        return f"filter {entry.number}, which matches no motif"
    strand = ", as its reverse complement" if best.reverse else ""
    counted = f"; hits the {motif} {entry.true_motif}" if entry.true_motif else ""
    return f"filter {entry.number} over {best.name or best.id} {best.id}{strand}{counted}"


def rows_of(pictures: Sequence[FilterPicture], numbers: Iterable[int]) -> list[FilterPicture]:
    """The pictures of some filters, in the order of their numbers given."""
    found = {item.filter.number: item for item in pictures}
    return [found[wanted] for wanted in numbers if wanted in found]
