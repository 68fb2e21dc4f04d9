"""Rows of FASTA files: label, split, id, place and further fields from the headers.

A field `key=value` anywhere in a header is a column of that name where every record has it, `split` the split and
`chrom`, `start`, `end` the place; in ids and values `%20` is a space and so on, as `export` writes them.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pyarrow as pa

from ...errors import DataError
from ..readers.fasta import LABEL_FORMS, Record, header_id, header_label, header_name, header_place, records
from .label_table import LabelTable
from .request import Given
from .rows import BASE, PLACE, BlockWriter, Intake, Noticed, schema, split_name, whole_number

_LABEL: Final = re.compile(r'(?:^|(?<=[\s|]))label=("[^"]*"|[^\s|]*)', re.IGNORECASE)
_FIELD: Final = re.compile(r"(?:^|(?<=[\s|]))([A-Za-z][A-Za-z0-9_]{0,63})=([^\s|]*)")
_TAKEN: Final = ("id", "motifs", *BASE, *PLACE)


def intake(files: Sequence[Given], table: LabelTable | None, *, use_splits: bool) -> Intake:
    """The rows of FASTA files. Raises DataError, while they are read, for what `readers.fasta` refuses, for a record
    without a label, and for an id that two records of a file have."""
    fields = _fields(next(records(files[0].path)).header)
    about = {"id": pa.string(), **PLACE, **{key: pa.string() for key in fields if key not in _TAKEN}}
    columns = schema(about)
    noticed = Noticed()
    return Intake(columns, _blocks(files, table, columns, noticed, use_splits), noticed=noticed)


def _blocks(
    files: Sequence[Given], table: LabelTable | None, columns: pa.Schema, noticed: Noticed, use_splits: bool
) -> Iterator[pa.RecordBatch]:
    further = columns.names[len(BASE) + 1 + len(PLACE) :]
    writer = BlockWriter(columns)
    for given in files:
        first: dict[str, int] = {}
        for record in records(given.path):
            fields = _fields(record.header)
            try:
                label = _label(given, table, record.header)
                split = given.split or (split_name(fields["split"]) if use_splits and "split" in fields else None)
                place = _place(record, fields)
                name = _name(record.header, stated=table is None and given.label is None)
                if name is not None:
                    _check_new(name, first.setdefault(name, record.number), record.number)
            except DataError as error:
                raise DataError(f"{_where(given.path, record)}: {error}") from error
            noticed.masked += record.masked
            rest = (None if fields.get(key) is None else unquote(fields[key]) for key in further)
            yield from writer.add((record.sequence, label, split, name, *place, *rest))
    yield from writer.rest()
    if table is not None:
        table.check()


def _label(given: Given, table: LabelTable | None, header: str) -> str:
    if given.label is not None:
        return given.label
    if table is not None:
        name = header_name(header)
        if name is None:
            raise DataError("the header is empty, so there is no id to look its label up with.")
        return table.label(unquote(name))
    label = header_label(header)
    if label is None:
        raise DataError(
            f"it has no label. {LABEL_FORMS} Otherwise give a table of ids and labels (--label-from labels.tsv), or "
            "the sequences of the other class in a file of their own (--negatives background.fa)."
        )
    return label


def _name(header: str, *, stated: bool) -> str | None:
    name = header_id(header) if stated else header_name(header)
    return None if name is None or "=" in name else unquote(name)


def _check_new(name: str, first: int, number: int) -> None:
    if first != number:
        raise DataError(f"it has the id {name!r}, and so has record {first}: ids must be different.")


def _place(record: Record, fields: dict[str, str]) -> tuple[str | None, int | None, int | None]:
    if PLACE.keys() <= fields.keys():
        start, end = (whole_number(fields[key], key) for key in ("start", "end"))
        return unquote(fields["chrom"]), start, end
    return header_place(record.header, len(record.sequence)) or (None, None, None)


def _fields(header: str) -> dict[str, str]:
    return dict(_FIELD.findall(_LABEL.sub(" ", header))) if "=" in header else {}


def _where(path: Path, record: Record) -> str:
    header = record.header if len(record.header) <= 60 else f"{record.header[:57]}..."
    return f"{path}, line {record.line}: record {record.number} ({'>' + header!r})"
