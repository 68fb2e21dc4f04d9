"""Tables with a header line: TSV or CSV, plain or gzip.

The header line tells the two apart: tabs if it has any, commas otherwise. A value may stand in double quotes.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from ...errors import DataError
from ..cards import Card, Table
from . import Pieces
from .gather import Gatherer, only_source
from .labels import LabelCoder, listed
from .text import check_dna, lines

if TYPE_CHECKING:
    import _csv

_TEXT = ("id", "chrom")  # kept as text even where all are numbers, as in chromosomes 1 to 19
_WHOLE = ("start", "end")
_INT64 = np.iinfo(np.int64)


class Row(NamedTuple):
    """The wanted values of one row, white space around them dropped, and the line of the file that it ends in."""

    line: int
    values: tuple[str, ...]


def columns(path: Path) -> tuple[str, ...]:
    """The names in the header line. Raises DataError for an empty file, and for names that are empty or repeated."""
    return _parsed(path)[0]


def rows(path: Path, wanted: Sequence[str]) -> Iterator[Row]:
    """The rows of a table, in its order, with the values of the columns `wanted`, in that order.

    Empty lines are passed over. Raises DataError, naming the line, for a column that there is not, a row with more or
    fewer values than the header line, and an empty value in a column that is wanted.
    """
    names, parsed = _parsed(path)
    for name in wanted:
        if name not in names:
            raise DataError(f"{path} has no column {name!r}; its columns are {listed(names)}.")
    places = [names.index(name) for name in wanted]
    for line, values in parsed:
        if len(values) != len(names):
            raise DataError(f"{path}, line {line}: {len(values)} values for {len(names)} columns.")
        chosen = tuple(values[place].strip() for place in places)
        if "" in chosen:
            raise DataError(f"{path}, line {line}: column {wanted[chosen.index('')]!r} is empty.")
        yield Row(line, chosen)


def read(settings: Table, card: Card, files: Mapping[str, Path]) -> Pieces:
    """The pieces of a data set in one table; see `readers.read`.

    `about` has the columns of `keep`: `id` and `chrom` are text, `start` and `end` int64, and of the others those are
    int64 whose values are all whole numbers as Python writes them.
    """
    path = only_source(card, files)
    kept = _kept(path, settings.keep)
    coder = LabelCoder(card, settings.classes)
    gatherer = Gatherer(card.length, kept)
    for line, values in rows(path, (settings.sequence, settings.label, settings.split, *settings.keep.values())):
        sequence, label, part, *about = values
        where = f"{path}, line {line}"
        split = settings.splits.get(part)
        if split is None:
            raise DataError(f"{where}: the split {part!r} is none of {listed(tuple(settings.splits))}.")
        if len(sequence) != card.length:
            raise DataError(
                f"{where}: the sequence has {len(sequence)} nt; the card of {card.name!r} says {card.length}."
            )
        try:
            check_dna(sequence)
            labels = coder.row(label)
        except DataError as error:
            raise DataError(f"{where}: {error}") from error
        typed = [int(value) if kind == pa.int64() else value for value, kind in zip(about, kept.values(), strict=True)]
        yield from gatherer.add(split, sequence, labels, typed)
    yield from gatherer.rest()


def _kept(path: Path, keep: Mapping[str, str]) -> dict[str, pa.DataType]:
    """The types of the kept columns, for which the whole table is read once. Raises DataError for a start or end that
    is no whole number."""
    whole = {name for name in keep if name not in _TEXT}
    for line, values in rows(path, tuple(keep.values())) if whole else ():
        for name, value in zip(keep, values, strict=True):
            if name in whole and not _is_whole(value):
                if name in _WHOLE:
                    raise DataError(
                        f"{path}, line {line}: column {keep[name]!r} has {value!r}; it must be a whole number."
                    )
                whole.remove(name)
    return {name: pa.int64() if name in whole else pa.string() for name in keep}


def _is_whole(value: str) -> bool:
    try:
        number = int(value)
    except ValueError:
        return False
    # What would not be written back as it stood, such as 007 or 1_000, is a name.
    return str(number) == value and _INT64.min <= number <= _INT64.max


def _parsed(path: Path) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str]]]]:
    """The names of the columns, and the rows below with the line that each ends in."""
    stream = lines(path)
    first = next(stream, "")
    if not first.strip():
        raise DataError(f"{path} has no header line: its first line is empty.")
    reader = csv.reader(chain([first], stream), delimiter="\t" if "\t" in first else ",", strict=True)
    parsed = _numbered(reader, path)
    names = tuple(name.strip() for name in next(parsed)[1])
    for name in names:
        if not name:
            raise DataError(f"{path}: column {names.index(name) + 1} has no name in the header line.")
        if names.count(name) > 1:
            raise DataError(f"{path}: two columns are named {name!r} in the header line.")
    return names, parsed


def _numbered(reader: "_csv.Reader", path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        for values in reader:
            if values:
                yield reader.line_num, values
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}.") from error
