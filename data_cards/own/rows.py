"""What the readers of one's own files have in common: blocks of rows of one schema, whatever the file was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from ...errors import DataError
from ..cards import Card, SplitName
from ..content import LABELS
from ..readers.gather import MAX_ROWS
from .request import Task

_MAX_LETTERS = 32 << 20  # of a block
_SPLIT_WORDS: Final[dict[str, SplitName]] = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "dev": "valid",
    "test": "test",
    "testing": "test",
}
PLACE: Final = {"chrom": pa.string(), "start": pa.int64(), "end": pa.int64()}
BASE: Final = ("sequence", "label", "split")  # the columns that every block has


@dataclass
class Noticed:
    """What was done while reading: how many letters were lower case."""

    masked: int = 0


@dataclass(frozen=True)
class Intake:
    """The rows of a user's files, in blocks.

    Columns: sequence; label, a text or a list of 0 and 1; split, null where the file states none; then what is known
    about the sequences, null where it is not. classes, task: what the file says of its list labels. card: that of the
    data set which a folder holds. noticed: filled while the blocks are read.
    """

    schema: pa.Schema
    blocks: Iterator[pa.RecordBatch]
    classes: tuple[str, ...] = ()
    task: Task | None = None
    card: Card | None = None
    noticed: Noticed = field(default_factory=Noticed)


class BlockWriter:
    """Gathers rows, tuples in the order of a schema, into blocks."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[Sequence[Any]] = []
        self._letters = 0

    def add(self, row: Sequence[Any]) -> Iterator[pa.RecordBatch]:
        """Take a row, the sequence first; yield a full block."""
        self._rows.append(row)
        self._letters += len(row[0])
        if len(self._rows) == MAX_ROWS or self._letters > _MAX_LETTERS:
            yield from self.rest()

    def rest(self) -> Iterator[pa.RecordBatch]:
        """The rows since the last block."""
        if self._rows:
            columns = zip(*self._rows, strict=True)
            arrays = [pa.array(column, kind) for column, kind in zip(columns, self._schema.types, strict=True)]
            yield pa.record_batch(arrays, schema=self._schema)
        self._rows, self._letters = [], 0


def schema(about: dict[str, pa.DataType], *, listed: bool = False) -> pa.Schema:
    """The schema of blocks with these columns about the sequences; `listed` labels are lists."""
    base = {"sequence": pa.string(), "label": LABELS if listed else pa.string(), "split": pa.string()}
    return pa.schema(list((base | about).items()))


def split_name(text: str) -> SplitName:
    """The split that a word such as `training` or `val` means. Raises DataError for another word."""
    found = _SPLIT_WORDS.get(text.strip().lower())
    if found is None:
        raise DataError(
            f"the split {text!r} is none of train, valid and test (training, val, validation, dev and testing are "
            "understood too). To have the sequences split here instead, give --split."
        )
    return found


def whole_number(text: str, column: str) -> int:
    """A position. Raises DataError for what is no whole number."""
    try:
        return int(text)
    except ValueError:
        raise DataError(f"{column} is {text!r}; it must be a whole number.") from None
