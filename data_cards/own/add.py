"""Make a data set of a user's files."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError, MotifzooError
from ...files import write_text
from ..cards import SPLITS, Card, SplitName, load_card, own_dir
from ..content import LABELS, Split, no_placements
from ..pages import card_files
from ..readers.gather import piece_rows
from ..rows import MappedCodes
from ..store import write_splits
from . import labels as meanings
from .facts import check_name, draft, write_card
from .folder import is_packaged, put_in_place, workplace
from .formats import intake
from .request import Request
from .rows import Intake
from .splitting import Division, divide
from .staging import Staged, stage


class Added(NamedTuple):
    """A data set that was added: its card, its folder, and sentences about what was done and noticed."""

    card: Card
    folder: Path
    notes: tuple[str, ...]


class _Labelled(NamedTuple):
    card: Card
    labels: npt.NDArray[np.int8]


def add(request: Request) -> Added:
    """Make a data set of the files in a request; afterwards it is loaded by its name like any other.

    Sequences stay on disk all along: memory holds their labels, and the columns about them. Raises DataError for files
    that cannot be read, labels that are no classes, splits that lack a class, and a name that is taken; then nothing
    is written.
    """
    check_name(request.name)
    _version(request)
    with workplace(request.name) as place:
        # Asked again: another process may have added one of this name while this one waited.
        version = _version(request)
        rows = intake(request)
        staged = stage(rows, place / "rows.arrow", request.length)
        draft_card, labels = _labelled(request, rows, staged, version)
        codes = MappedCodes(staged.table["sequence"])
        division = divide(request, staged, codes, labels, draft_card.classes)
        folder = place / request.name
        dataset = write_splits(draft_card, _pieces(staged, codes, labels, division), folder)
        notes = (*division.notes, *staged.notes)
        card = _completed(dataset.card, labels, division, rows.card, notes)
        del dataset  # it may hold files of the folder that is about to be renamed
        (folder / "built.json").unlink(missing_ok=True)  # the card says all of it
        write_card(card, folder)
        for name, text in card_files(card, folder).items():
            write_text(folder / name, text)
        put_in_place(folder, request.name)
    return Added(card, own_dir() / request.name, (division.how, *notes))


def _version(request: Request) -> int:
    """The version that the data set will have. Raises DataError when its name is taken."""
    name = request.name
    if is_packaged(name):
        raise DataError(f"data set {name!r} comes with motifzoo: choose another name.")
    if not (own_dir() / name).exists():
        return 1
    if not request.replace:
        raise DataError(
            f"there is a data set {name!r} already: choose another name, or give --replace to put this one in its "
            "place."
        )
    try:
        return load_card(name).version + 1
    except MotifzooError:
        return 1


def _labelled(request: Request, rows: Intake, staged: Staged, version: int) -> _Labelled:
    """The card as far as labels decide it, and the labels, int8 `(N, C)`."""
    if rows.schema.field("label").type != LABELS:
        meaning = meanings.of_texts(staged.labels, request)
        card = draft(request, staged, meaning, rows.card, version)
        return _Labelled(card, meanings.coded(staged.table["label"], card, meaning))
    labels = Split.from_arrow(staged.table.select(["sequence", "label"]), mapped=True).labels
    names, task = rows.classes, rows.task
    if rows.card is not None and len(rows.card.classes) == labels.shape[1]:
        names, task = rows.card.classes, rows.card.task
    return _Labelled(
        draft(request, staged, meanings.of_lists(labels, names, task, request), rows.card, version), labels
    )


def _pieces(
    staged: Staged, codes: MappedCodes, labels: npt.NDArray[np.int8], division: Division
) -> Iterator[tuple[SplitName, Split]]:
    """The rows of each split in the order of the files. Planted motifs are among the columns `about`, and are written
    as such, which is how they are read again."""
    size = piece_rows(staged.length)
    for number, name in enumerate(SPLITS):
        chosen = np.flatnonzero(division.splits == number)
        for begin in range(0, len(chosen), size):
            rows = chosen[begin : begin + size]
            about = staged.about.take(pa.array(rows)) if staged.about.num_columns else None
            yield name, Split(codes[rows], labels[rows], no_placements(), about)


def _completed(
    card: Card, labels: npt.NDArray[np.int8], division: Division, origin: Card | None, notes: tuple[str, ...]
) -> Card:
    """The card with what was counted; the content of a generated data set, unchanged, keeps its generator."""
    positives = {
        name: tuple(labels[division.splits == number].sum(axis=0, dtype=int).tolist())
        for number, name in enumerate(SPLITS)
    }
    update: dict[str, object] = {
        "positives": positives,
        "traps": tuple(dict.fromkeys((*card.traps, *notes))),
        "collection": card.collection or division.how,
    }
    if origin is not None and origin.generator is not None and origin.fingerprint == card.fingerprint:
        update |= {"generator": origin.generator, "benchmarks": origin.benchmarks}
    return card.model_copy(update=update)
