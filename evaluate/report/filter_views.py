"""First-layer filters as a report shows them: each a logo, beside the motif it hits best."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...data_cards.motifs import Motif, search_database
from ...errors import MotifzooError
from ..protocol import E_VALUE
from ..results import FilterResult, Result
from ..tomtom import consensus
from .logos import logo_svg
from .sides import FILTERS, HITS, Alignment, SideFiles
from .words import PLANTED, UNDEFINED, TruthWords, e_value


class MotifView(NamedTuple):
    """A motif beside a filter: id, name, E as text, and its logo where the two are aligned (a hit)."""

    id: str
    name: str
    e_value: str
    reverse: bool
    logo: str | None


class FilterView(NamedTuple):
    """A filter that has a matrix. `true_motif` names the true motif it hits; `also` is that hit, where another
    motif fits better."""

    number: int
    logo: str | None
    best: MotifView | None
    true_motif: str | None
    also: MotifView | None


class FilterGroup(NamedTuple):
    """Filters of one outcome, best E first."""

    title: str
    meaning: str
    muted: bool
    filters: tuple[FilterView, ...]


class FiltersView(NamedTuple):
    """All filters: those with a matrix in groups, then the numbers of the dead ones by why they are dead.

    counted: one sentence about them. motif: what a filter's badge calls the motif it names. known: for each known
    motif of real DNA its name and the best E of any filter, best first.
    """

    counted: str
    motif: str
    known: tuple[tuple[str, str], ...]
    groups: tuple[FilterGroup, ...]
    dead: Mapping[str, tuple[int, ...]]


def filters_view(
    result: Result, sides: SideFiles, truth: Mapping[str, Sequence[str]], words: TruthWords = PLANTED
) -> FiltersView | None:
    """Every filter of a result, those on true motifs first; None when filters were not evaluated.

    truth: planted or known motif -> the ids that count as it; words: how to speak of them. Raises MotifzooError when
    the side files lack a filter or a hit that the result has.
    """
    if not result.filters:
        return None
    draw = _Draw(result, sides, truth)
    alive = sorted((entry for entry in result.filters if entry.dead is None), key=_by_e)
    dead: dict[str, tuple[int, ...]] = {}
    for entry in result.filters:
        if entry.dead is not None:
            dead[entry.dead] = (*dead.get(entry.dead, ()), entry.filter)
    true = [entry for entry in alive if entry.true_motif is not None]
    other = [entry for entry in alive if entry.true_motif is None and entry.hits]
    without = [entry for entry in alive if not entry.hits]
    other_title = ("Match another motif", f"hits, but none to {words.source}")
    if not truth:
        other_title = ("Match a motif", words.none)
    groups = (
        (f"Match a {words.motif}", f"their hits include {words.source}", False, true),
        (*other_title, False, other),
        ("No match", f"no motif reaches E {E_VALUE:g}; the nearest is named", True, without),
    )
    total, matched = len(result.filters), len(true) + len(other)
    counted = (
        f"{total} filter{'' if total == 1 else 's'}: {matched} hit at least one motif at E \u2264 {E_VALUE:g}, "
        f"{len(true)} of them {words.source}; {len(without)} hit none; {total - len(alive)} dead."
    )
    return FiltersView(
        counted,
        words.motif,
        tuple(_known(result)),
        tuple(
            FilterGroup(title, meaning, muted, tuple(map(draw.filter, entries)))
            for title, meaning, muted, entries in groups
            if entries
        ),
        dead,
    )


def _known(result: Result) -> Iterator[tuple[str, str]]:
    prefix = "filters/target_e/"
    values = {name.removeprefix(prefix): value for name, value in result.metrics.items() if name.startswith(prefix)}
    for name, value in sorted(values.items(), key=lambda item: (item[1] is None, item[1])):
        yield name, UNDEFINED if value is None else e_value(value)


def _by_e(entry: FilterResult) -> tuple[float, int]:
    return (float("inf") if entry.best_e is None else entry.best_e, entry.filter)


class _Draw:
    """Draws the filters of one result."""

    def __init__(self, result: Result, sides: SideFiles, truth: Mapping[str, Sequence[str]]) -> None:
        self._sides = sides
        self._truth = truth
        self._motifs = {motif.id: motif for motif in search_database()}
        self._has_hits = any(file.name == HITS for file in result.files.values())
        self._remedy = f"Evaluate again: {result.stamps.command}"

    def filter(self, entry: FilterResult) -> FilterView:
        matrix = self._matrix(entry)
        alignment = self._alignment(entry, entry.best_motif) if entry.hits else None
        motif = self._motifs.get(entry.best_motif or "")
        logo, beside = None, None
        if matrix is not None:
            label = f"filter {entry.filter}: {entry.consensus or consensus(matrix)}"
            if alignment is None or motif is None:
                logo = _logo(matrix, label, 0, matrix.width)
            else:
                logo, beside = _pair(matrix, label, motif, alignment)
        best = None
        if entry.best_motif is not None and entry.best_e is not None:
            reverse = alignment is not None and alignment.reverse
            name = entry.best_motif_name or ""
            best = MotifView(entry.best_motif, name, e_value(entry.best_e), reverse, beside)
        return FilterView(entry.filter, logo, best, entry.true_motif, next(self._also(entry), None))

    def _matrix(self, entry: FilterResult) -> Motif | None:
        if self._sides.filters is None:
            return None
        matrix = self._sides.filters.get(entry.filter)
        if matrix is None:
            raise MotifzooError(f"{FILTERS} has no matrix of filter {entry.filter}. {self._remedy}")
        return matrix

    def _alignment(self, entry: FilterResult, motif: str | None) -> Alignment | None:
        if not self._has_hits:
            return None
        found = self._sides.alignments.get((entry.filter, motif or ""))
        if found is None:
            raise MotifzooError(f"{HITS} has no line for filter {entry.filter} and motif {motif}. {self._remedy}")
        return found

    def _also(self, entry: FilterResult) -> Iterator[MotifView]:
        """The filter's hits to its true motif, unless that is what it matches best."""
        identifiers = self._truth.get(entry.true_motif or "", ())
        if entry.best_motif in identifiers:
            return
        for identifier in entry.hits:
            if identifier in identifiers and (hit := self._alignment(entry, identifier)):
                name = self._motifs[identifier].name if identifier in self._motifs else ""
                yield MotifView(identifier, name, e_value(hit.e_value), hit.reverse, None)


def _logo(motif: Motif, label: str, start: int, columns: int) -> str:
    # Files round to a few decimals, so a column's sum may be off by as much.
    shares = motif.probabilities / motif.probabilities.sum(axis=0)
    return logo_svg(shares, label=label, height=48, column_width=12, start=start, columns=columns, standalone=False)


def _pair(matrix: Motif, label: str, motif: Motif, alignment: Alignment) -> tuple[str, str]:
    """Logos of a filter and of a motif, over the same columns."""
    shown = motif.reverse_complement() if alignment.reverse else motif
    first = min(0, alignment.start)
    columns = max(matrix.width, alignment.start + motif.width) - first
    strand = ", reverse complement" if alignment.reverse else ""
    named = f"{motif.id} {motif.name}{strand}: {consensus(shown)}"
    return _logo(matrix, label, -first, columns), _logo(shown, named, alignment.start - first, columns)
