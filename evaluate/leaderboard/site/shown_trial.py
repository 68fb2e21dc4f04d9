"""The trial that a model's page shows in pictures, from the details that lie beside its record.

Details are a submitter's files until a maintainer has recomputed the trial, and are read as such: of limited size,
only as JSON, MEME, TSV and safetensors, and one that cannot be used becomes a sentence on the page.
"""

from collections.abc import Callable, Container
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from ....data_cards.cards import Card
from ....errors import BoardError, MotifzooError
from ...report.attribution_views import AttributionView, attribution_view
from ...report.filter_views import FiltersView, filters_view
from ...report.sides import FILTERS, HITS, Attribution, read_side_files
from ...report.words import truth_words
from ...results import Result, read_result
from ...targets import known_names
from ..current import packaged_card
from ..details import MAPPED_SEQUENCES, MAPS, MAX_DETAIL_BYTES, RESULT, read_maps
from ..entries import Entry
from ..record import Record
from .pictures import FILTERS_FILE, MAPS_FILE, FilterPicture, Picture, filters_file, maps_file
from .words import label

MAX_LENGTH = 3000  # nt of a sequence whose maps are drawn

Paths = Container[str]
Read = Callable[[str], bytes]


class ShownTrial(NamedTuple):
    """The pictures of one trial. `files`: SVG texts by file name. `problem`: why there are no pictures, or ""."""

    trial: int
    filters: FiltersView | None
    filter_pictures: tuple[FilterPicture, ...]
    attribution: AttributionView | None
    map_pictures: tuple[tuple[Picture, ...], ...]
    files: dict[str, str]
    problem: str


def show_trial(entry: Entry, paths: Paths, read: Read) -> ShownTrial | None:
    """The first trial of an entry that has details; None without any. Which one is shown never depends on its scores.

    paths: those of the board; read: the bytes of one.
    """
    for record in entry.trials:
        prefix = f"{record.path.with_suffix('')}/"
        if prefix + RESULT in paths:
            try:
                return _show(entry, record, prefix, paths, read)
            except MotifzooError as error:
                return ShownTrial(record.trial, None, (), None, (), {}, str(error))
    return None


def _show(entry: Entry, record: Record, prefix: str, paths: Paths, read: Read) -> ShownTrial:
    with TemporaryDirectory(prefix="motifzoo-") as temporary:
        folder = Path(temporary)
        for name in (RESULT, FILTERS, HITS):
            if prefix + name in paths:
                (folder / name).write_bytes(_limited(prefix + name, read))
        card = packaged_card(entry.benchmark)
        try:
            result = _own(read_result(folder / RESULT), record, prefix)
            words = truth_words(result)
            filters = filters_view(result, read_side_files(result, folder), _truth(card), words)
        except MotifzooError as error:
            # Not the folder of this moment, and not the command that a stranger's result gives as the remedy.
            told = str(error).replace(f"{folder}/", prefix).partition(" Evaluate again:")[0]
            raise BoardError(told) from error
    maps = None
    if prefix + MAPS in paths:
        found = _drawable(read_maps(_limited(prefix + MAPS, read), prefix + MAPS), prefix + MAPS)
        maps = attribution_view(found, card.classes if card else (), words)
    files: dict[str, str] = {}
    filter_pictures: tuple[FilterPicture, ...] = ()
    map_pictures: tuple[tuple[Picture, ...], ...] = ()
    about = f"of {label(entry)} on {entry.benchmark}, trial {record.trial}"
    if filters and filters.groups:
        files[FILTERS_FILE], filter_pictures = filters_file(filters, f"First-layer filters {about}")
    if maps:
        files[MAPS_FILE], map_pictures = maps_file(maps, f"Attribution maps {about}")
    return ShownTrial(record.trial, filters, filter_pictures, maps, map_pictures, files, "")


def _limited(path: str, read: Read) -> bytes:
    content = read(path)
    if len(content) > MAX_DETAIL_BYTES:
        raise BoardError(f"{path} has {len(content):,} bytes; such a file has at most {MAX_DETAIL_BYTES:,}.")
    return content


def _own(result: Result, record: Record, prefix: str) -> Result:
    stated = result.benchmark, result.model, result.trial, result.stamps.model_sha256
    if stated != (record.benchmark, record.model, record.trial, record.model_sha256):
        raise BoardError(f"{prefix}{RESULT} is the result of another trial or of other weights than the record's.")
    return result


def _drawable(found: Attribution, where: str) -> Attribution:
    count, length = found.codes.shape
    if count > MAPPED_SEQUENCES or length > MAX_LENGTH:
        raise BoardError(
            f"{where} holds {count} sequences of {length} nt; a page draws at most {MAPPED_SEQUENCES} of {MAX_LENGTH}."
        )
    return found


def _truth(card: Card | None) -> dict[str, tuple[str, ...]]:
    if card is None:
        return {}
    stated = card.ground_truth if card.generator is not None else known_names(card)
    return {name: tuple(identifiers) for name, identifiers in stated.items()}
