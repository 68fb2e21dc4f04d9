"""From single sequences, or blocks of an array, to pieces of splits: how large a piece is, and how one is filled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError
from ..cards import Card, SplitName
from ..content import Split, no_placements
from ..onehot import encode
from . import Pieces

MAX_LENGTH: Final = 1_000_000  # nt in a sequence; a longer one is a chromosome, not something a network reads
MAX_ROWS: Final = 16_384  # sequences in a piece
_MAX_BYTES = 64 << 20  # of the source in a piece, where its sequences are long


def piece_rows(row_bytes: int) -> int:
    """How many sequences of `row_bytes` each a piece has: 1 to MAX_ROWS."""
    return max(1, min(MAX_ROWS, _MAX_BYTES // max(1, row_bytes)))


def only_source(card: Card, files: Mapping[str, Path]) -> Path:
    """The file of a format that keeps a whole data set in one. Raises DataError for a card with several sources."""
    if len(files) != 1:
        raise DataError(
            f"data set {card.name!r} has {len(files)} sources ({', '.join(files)}); its reader takes exactly one."
        )
    return next(iter(files.values()))


@dataclass
class _Rows:
    sequences: list[str] = field(default_factory=list)
    labels: list[npt.NDArray[np.int8]] = field(default_factory=list)
    about: list[tuple[str | int, ...]] = field(default_factory=list)


class Gatherer:
    """Gathers single sequences into pieces of their splits.

    length: nt of every sequence. about: the further columns' names and types; without any, pieces have no `about`.
    """

    def __init__(self, length: int, about: Mapping[str, pa.DataType]) -> None:
        self._schema = pa.schema(list(about.items()))
        self._size = piece_rows(length)
        self._rows: dict[SplitName, _Rows] = {}

    def add(
        self, split: SplitName, sequence: str, labels: npt.NDArray[np.int8], about: Sequence[str | int] = ()
    ) -> Pieces:
        """Take one sequence (ASCII), its labels `(C,)` and its values of the further columns; yield a full piece."""
        rows = self._rows.setdefault(split, _Rows())
        rows.sequences.append(sequence)
        rows.labels.append(labels)
        rows.about.append(tuple(about))
        if len(rows.sequences) == self._size:
            yield split, self._piece(self._rows.pop(split))

    def rest(self) -> Pieces:
        """The pieces that are not full."""
        for split, rows in self._rows.items():
            yield split, self._piece(rows)
        self._rows = {}

    def _piece(self, rows: _Rows) -> Split:
        about = None
        if len(self._schema):
            columns = zip(*rows.about, strict=True)
            about = pa.table(
                [pa.array(column, kind) for column, kind in zip(columns, self._schema.types, strict=True)],
                schema=self._schema,
            )
        return Split(encode(rows.sequences), np.stack(rows.labels), no_placements(), about)
