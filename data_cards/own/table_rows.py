"""Rows of tables with a header line (TSV or CSV): which columns hold what."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa

from ...errors import DataError
from ..readers import table
from ..readers.labels import listed
from ..readers.text import check_dna
from .request import Given, Request
from .rows import BASE, PLACE, BlockWriter, Intake, Noticed, schema, split_name, whole_number

# The names that columns go by, whatever their case; the first that a table has is taken.
KNOWN: Final = {
    "sequence": ("sequence", "seq"),
    "label": ("label", "class", "target"),
    "split": ("split",),
    "id": ("id", "name"),
    "chrom": ("chrom", "chr", "chromosome", "seqnames"),
    "start": ("start", "chromstart"),
    "end": ("end", "chromend"),
}
_BED: Final = re.compile(r"\S+\t\d+\t\d+(\t|$)")


class Roles(NamedTuple):
    """The column that holds each thing, by the name that it has in the data set; sequence, label and split apart."""

    sequence: str
    label: str | None
    split: str | None
    about: dict[str, str]


def roles(path: Path, there: Sequence[str], request: Request) -> Roles:
    """Find the columns in a table's header line. Raises DataError for one that is asked for and not there."""

    for stated in (request.sequence_column, request.label_column, request.split_column, *request.keep):
        if stated is not None and stated not in there:
            raise DataError(f"{path} has no column {stated!r}; its columns are {listed(tuple(there))}.")

    def find(what: str, stated: str | None = None, needed: str = "") -> str | None:
        if stated is not None:
            return stated
        lower = {name.lower(): name for name in reversed(there)}
        found = next((lower[name] for name in KNOWN[what] if name in lower), None)
        if found is None and needed:
            raise DataError(
                f"{path} has no column {what!r}; its columns are {listed(tuple(there))}. Say which one holds the "
                f"{what} with {needed}.{_bed_advice(there)}"
            )
        return found

    sequence = find("sequence", request.sequence_column, "--sequence-column")
    label = None if request.negatives else find("label", request.label_column, "--label-column")
    in_files = request.test is not None
    split = find("split", request.split_column) if request.splits_stated and not in_files else None
    about = {name: found for name in ("id", *PLACE) if (found := find(name))}
    for column in request.keep:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", column) or column in (*BASE, "motifs"):
            raise DataError(f"--keep {column}: a column to keep must have a name of letters, digits and _.")
        about.setdefault(column, column)
    assert sequence is not None
    return Roles(sequence, label, split, about)


def _bed_advice(there: Sequence[str]) -> str:
    if not _BED.match("\t".join(there)):
        return ""
    return " This looks like BED: `bedtools getfasta` gets the sequences of its places as FASTA."


def intake(files: Sequence[Given], request: Request) -> Intake:
    """The rows of tables. Raises DataError, while they are read, for what `readers.table` refuses and for letters that
    are not DNA."""
    found = [(given, roles(given.path, table.columns(given.path), request)) for given in files]
    about = {name: PLACE.get(name, pa.string()) for name in found[0][1].about}
    columns = schema(about)
    noticed = Noticed()
    return Intake(columns, _blocks(found, columns, noticed), noticed=noticed)


def _blocks(found: Sequence[tuple[Given, Roles]], columns: pa.Schema, noticed: Noticed) -> Iterator[pa.RecordBatch]:
    names = columns.names[len(BASE) :]
    writer = BlockWriter(columns)
    for given, role in found:
        for name in names:
            if name not in role.about:
                raise DataError(f"{given.path} has no column for {name}, and {found[0][0].path} has one.")
        wanted = [role.sequence, *(column for column in (role.label, role.split) if column)]
        for line, values in table.rows(given.path, [*wanted, *(role.about[name] for name in names)]):
            rest = iter(values)
            sequence = next(rest)
            try:
                check_dna(sequence)
                label = next(rest) if role.label else given.label
                split = split_name(next(rest)) if role.split else given.split
                about = [
                    whole_number(value, role.about[name]) if columns.field(name).type == pa.int64() else value
                    for name, value in zip(names, rest, strict=True)
                ]
            except DataError as error:
                raise DataError(f"{given.path}, line {line}: {error}") from error
            upper = sequence.upper()
            noticed.masked += 0 if upper == sequence else sum(map(str.islower, sequence))
            yield from writer.add((upper, label, split, *about))
    yield from writer.rest()
