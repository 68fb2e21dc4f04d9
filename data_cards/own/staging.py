"""The rows of a user's files as one table on disk, so that what must be known of all of them needs no memory."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from ..content import LABELS
from ..readers.labels import listed
from ..rows import open_mapped
from .rows import BASE, PLACE, Intake

_TEXT: Final = ("id", "chrom")  # kept as text even where all are numbers, as in chromosomes 1 to 19
_INT64_DIGITS: Final = 18


@dataclass(frozen=True)
class Staged:
    """All rows, in the files' order: `table` is memory-mapped, every sequence has `length` nt.

    labels: how many rows have each text label; empty for lists. about: the further columns, each complete, in memory.
    split: whether every row states its split. notes: sentences about what was done to the rows.
    """

    table: pa.Table
    length: int
    labels: Mapping[str, int]
    about: pa.Table
    split: bool
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return int(self.table.num_rows)


def stage(intake: Intake, path: Path, length: int | None) -> Staged:
    """Write the rows to the Arrow file `path` and open it; with `length`, sequences are cut or padded to that first.

    Raises DataError when there is no row, lengths differ, or some rows state a split and others none.
    """
    lengths: Counter[int] = Counter()
    labels: Counter[str] = Counter()
    nulls: Counter[str] = Counter()
    whole = {field.name for field in intake.schema if field.type == pa.string()} - {*BASE, *_TEXT}
    cut = padded = rows = 0
    with pa.ipc.new_file(str(path), intake.schema) as writer:
        for block in intake.blocks:
            sizes = pc.utf8_length(block.column("sequence"))
            if length is not None:
                cut += pc.sum(pc.greater(sizes, length)).as_py() or 0
                padded += pc.sum(pc.less(sizes, length)).as_py() or 0
                block = _centred(block, length)
                sizes = pc.utf8_length(block.column("sequence"))
            for found in pc.value_counts(sizes).to_pylist():
                lengths[found["values"]] += found["counts"]
            if intake.schema.field("label").type != LABELS:
                for found in pc.value_counts(block.column("label")).to_pylist():
                    labels[found["values"]] += found["counts"]
            for column in block.schema.names:
                nulls[column] += block.column(column).null_count
            whole -= {column for column in whole if not _all_whole(block.column(column))}
            rows += len(block)
            writer.write_batch(block)
    if not rows:
        raise DataError("there are no sequences in the files given.")
    if len(lengths) > 1:
        raise _ragged(lengths)
    if 0 < nulls["split"] < rows:
        raise DataError(
            f"{nulls['split']:,} of {rows:,} sequences state no split, and the others do. Give --split to split all of "
            "them anew, or complete the file."
        )
    table = open_mapped(path)
    kept, notes = _complete(table, nulls, whole)
    return Staged(
        table,
        next(iter(lengths)),
        labels,
        kept,
        nulls["split"] == 0,
        (*_letter_notes(intake.noticed.masked, rows * next(iter(lengths)), cut, padded, length), *notes),
    )


def _letter_notes(masked: int, letters: int, cut: int, padded: int, length: int | None) -> list[str]:
    notes = []
    if masked:
        notes.append(f"{masked:,} of {letters:,} letters were lower case (soft-masked); they are read as upper case.")
    if cut:
        notes.append(f"{_sequences(cut)} longer than {length} nt and cut to the centre.")
    if padded:
        notes.append(f"{_sequences(padded)} shorter than {length} nt and padded with N on both sides.")
    return notes


def _sequences(count: int) -> str:
    return f"{count:,} sequence{' was' if count == 1 else 's were'}"


def _complete(table: pa.Table, nulls: Mapping[str, int], whole: set[str]) -> tuple[pa.Table, list[str]]:
    """The further columns that every row has a value of, whole numbers as such, and what is said of the others."""
    columns: dict[str, Any] = {}
    notes = []
    for name in table.column_names:
        if name in BASE or nulls[name] == table.num_rows:
            continue
        if nulls[name]:
            notes.append(f"{name} is not known of {nulls[name]:,} of {table.num_rows:,} sequences, and is left out.")
            continue
        column = table[name].combine_chunks() if name != "motifs" else table[name]
        columns[name] = column.cast(pa.int64()) if name in whole else column
    return pa.table(columns), notes


def _all_whole(array: pa.Array) -> bool:
    """Whether all values are whole numbers that are written back as they stand, unlike 007; nulls are passed over."""
    return all(
        value is None
        or (len(value) <= _INT64_DIGITS and value.removeprefix("-").isdecimal() and str(int(value)) == value)
        for value in array.to_pylist()
    )


def _centred(block: pa.RecordBatch, length: int) -> pa.RecordBatch:
    """The sequences cut or padded to `length` around their centres; a place that was that of a cut sequence follows."""
    sequences = block.column("sequence").to_pylist()
    cuts = [max(0, len(sequence) - length) // 2 for sequence in sequences]
    fitted = [
        ("N" * ((length - len(sequence)) // 2) + sequence[cut : cut + length]).ljust(length, "N")
        for sequence, cut in zip(sequences, cuts, strict=True)
    ]
    columns = {name: block.column(name) for name in block.schema.names}
    columns["sequence"] = pa.array(fitted, pa.string())
    if "motifs" in columns:
        raise DataError("--length would move the planted motifs of these sequences; leave it out.")
    if PLACE.keys() <= columns.keys():
        starts, ends = columns["start"].to_pylist(), columns["end"].to_pylist()
        for row, (sequence, cut) in enumerate(zip(sequences, cuts, strict=True)):
            if len(sequence) > length and starts[row] is not None and ends[row] - starts[row] == len(sequence):
                starts[row] += cut
                ends[row] = starts[row] + length
        columns["start"], columns["end"] = pa.array(starts, pa.int64()), pa.array(ends, pa.int64())
    return pa.record_batch(list(columns.values()), schema=block.schema)


def _ragged(lengths: Counter[int]) -> DataError:
    common = lengths.most_common(1)[0]
    few = sorted(lengths)
    which = listed([f"{size} nt" for size in few]) if len(few) <= 5 else f"{few[0]} to {few[-1]} nt"
    return DataError(
        f"the sequences have {len(lengths)} lengths ({which}; {common[1]:,} of {lengths.total():,} have {common[0]} "
        f"nt), and networks read one. Say which: `--length {common[0]}` cuts longer ones to their centre and pads "
        "shorter ones with N."
    )
