"""What the generated files say about a data set's tables: size, hash and columns of each Parquet file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ...files import sha256_file
from ..cards import SPLITS, Card, SplitName
from ..content import Split, no_placements
from ..store import parquet_path

# The names of splits that Hugging Face's users expect, where they differ from those of the files.
PUBLIC_SPLIT: Final[Mapping[SplitName, str]] = {"train": "train", "valid": "validation", "test": "test"}
_TYPES: Final = {"string": pa.string(), "int64": pa.int64()}


class Table(NamedTuple):
    """One Parquet file of a data set: its rows, its size, that of its content uncompressed, its hash and columns."""

    file: str
    rows: int
    bytes: int
    uncompressed: int
    sha256: str
    schema: pa.Schema


Tables = Mapping[SplitName, Table]


def read_tables(folder: Path) -> Tables:
    """The tables in a folder, empty when not every split has one. Raises OSError or ArrowException."""
    paths = {name: parquet_path(folder, name) for name in SPLITS}
    if not all(path.is_file() for path in paths.values()):
        return {}
    return {name: _read(path) for name, path in paths.items()}


def _read(path: Path) -> Table:
    with pq.ParquetFile(path) as parquet:
        about = parquet.metadata
        content = sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
        return Table(path.name, about.num_rows, path.stat().st_size, content, sha256_file(path), parquet.schema_arrow)


def columns(card: Card, tables: Tables) -> pa.Schema:
    """The columns of the tables, those that the card promises where there is none yet."""
    if tables:
        return tables["train"].schema
    nothing = Split(np.zeros((0, card.length), np.uint8), np.zeros((0, len(card.classes)), np.int8), no_placements())
    further = pa.schema([(column.name, _TYPES[column.type]) for column in card.columns])
    return pa.schema([*nothing.to_arrow(motifs=card.generator is not None).schema, *further])


def meanings(card: Card) -> dict[str, str]:
    """What the columns mean, as far as the card says."""
    count = len(card.classes)
    label = {
        "binary": f"1 for {card.classes[0]!r}, 0 for not (a list of one)",
        "multi-label": f"a list of {count}, one a class in their order: 1 where the class is true of the sequence",
        "multi-class": f"a list of {count}, one a class in their order: exactly one of them is 1",
    }[card.task]
    letters = "A, C, G, T" if card.generator is not None else "A, C, G, T, or N where it is not known"
    return {
        "sequence": f"DNA, {card.length} letters: {letters}",
        "label": label,
        "motifs": "the planted motifs: `id` in JASPAR, `start` (0-based), `strand` (-: the reverse complement)",
        **{column.name: column.meaning for column in card.columns},
    }
