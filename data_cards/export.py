"""Write a data set to files that other tools read: Parquet, HDF5 in the layout of the paper's authors, FASTA.

All are written in blocks, whatever the size of the data set, and whole or not at all. `own.add` reads each of them.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

import h5py
import numpy as np
import pyarrow as pa

from ..errors import DataError
from ..files import atomic_path, cannot_write
from .cards import SPLITS, SplitName
from .content import SequenceDataset, Split, no_placements
from .onehot import OTHER, decode
from .own.facts import write_card
from .own.h5_rows import ABOUT, CLASSES, TASK
from .pages import write_pages
from .readers.gather import piece_rows
from .rows import blocks
from .store import write_splits

Format = Literal["parquet", "h5", "fasta"]
_CHUNK: Final = 1000  # sequences converted at a time: 3 MB of one-hot at 200 nt
_MAX_ATTRIBUTE: Final = 4000  # strings; HDF5 keeps 64 KB of an attribute
_UNSAFE: Final = ' |="%'  # quoted in a header, beside what is not printable ASCII
_SAFE: Final = "".join(letter for letter in map(chr, range(33, 127)) if letter not in _UNSAFE)


class Exported(NamedTuple):
    """The file or folder written, and sentences about what it does not hold of the data set."""

    path: Path
    notes: tuple[str, ...]


def export_parquet(dataset: SequenceDataset, folder: Path) -> Exported:
    """Write a folder as motifzoo keeps it: a Parquet file a split, card.toml and the pages of a Hugging Face data set.

    Nothing is lost. Raises DataError when there is something at `folder`, CacheError when it cannot be written.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise DataError(f"{folder} is there already: give a new folder, or remove it first.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".tmp-", dir=folder.parent) as scratch:
            made = Path(scratch) / dataset.card.name
            written = write_splits(dataset.card, _pieces(dataset), made)
            (made / "built.json").unlink(missing_ok=True)  # the card says all of it
            write_card(written.card, made)
            write_pages(written, made)
            os.replace(made, folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    return Exported(folder, ())


def _pieces(dataset: SequenceDataset) -> Iterator[tuple[SplitName, Split]]:
    size = piece_rows(dataset.card.length)
    for name, split in dataset.splits():
        for begin in range(0, len(split), size):
            piece = split.subset(slice(begin, begin + size))
            # Of a generated data set `write_splits` writes the planted motifs itself.
            yield name, piece if dataset.card.generator is not None else _motifs_as_column(piece, split)


def _motifs_as_column(piece: Split, split: Split) -> Split:
    if not len(split.placements.row):
        return piece
    motifs = piece.to_arrow(motifs=True)["motifs"]
    about = pa.table({"motifs": motifs}) if piece.about is None else piece.about.append_column("motifs", motifs)
    return Split(piece.codes, piece.labels, no_placements(), about)


def export_h5(dataset: SequenceDataset, path: Path) -> Exported:
    """Write `X_<split>` (N, 4, L) one-hot and `Y_<split>` (N, C) labels, for train, valid and test.

    Both are float32, gzip-compressed, channels A, C, G, T. A data set with planted motifs gets `model_<split>`
    (N, 4, L), the probabilities that letters were drawn from; each further column is `about_<split>_<column>`.
    Attributes: name, version, fingerprint, task, classes. One-hot has a column of zeros for N and for the other
    ambiguity codes. Raises CacheError when the folder refuses.
    """
    ambiguous = 0
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["name"] = dataset.card.name
        file.attrs["version"] = dataset.card.version
        file.attrs["fingerprint"] = dataset.fingerprint
        file.attrs[TASK] = dataset.card.task
        if len(dataset.card.classes) <= _MAX_ATTRIBUTE:
            file.attrs[CLASSES] = list(dataset.card.classes)
        planted = any(len(split.placements.row) for _, split in dataset.splits())
        for name, split in dataset.splits():
            shape = (len(split), 4, split.codes.shape[1])
            chunks = (min(_CHUNK, len(split)), *shape[1:])
            sequences = file.create_dataset(f"X_{name}", shape, "f4", chunks=chunks, compression="gzip")
            model = None
            if planted:
                model = file.create_dataset(f"model_{name}", shape, "f4", chunks=chunks, compression="gzip")
            file.create_dataset(f"Y_{name}", data=split.labels.astype(np.float32))
            for begin in range(0, len(split), _CHUNK):
                rows = slice(begin, min(begin + _CHUNK, len(split)))
                sequences[rows] = split.onehot(rows)
                ambiguous += int((split.codes[rows] > OTHER).sum())
                if model is not None:
                    model[rows] = split.truth(rows)
            if (about := split.about) is not None:
                for column in about.column_names:
                    _write_column(file, ABOUT.format(split=name, column=column), about[column])
    notes = []
    if ambiguous:
        notes.append(f"{ambiguous:,} IUPAC ambiguity letters became N: one-hot cannot tell them apart.")
    if planted:
        notes.append("The planted motifs are there as the probabilities model_<split>, not as a list.")
    return Exported(path, tuple(notes))


def _write_column(file: h5py.File, key: str, column: pa.ChunkedArray) -> None:
    whole = pa.types.is_integer(column.type)
    kind: Any = np.int64 if whole else h5py.string_dtype()
    array = file.create_dataset(key, (len(column),), kind, chunks=True, compression="gzip")
    begin = 0
    for chunk in column.chunks:
        array[begin : begin + len(chunk)] = chunk.to_numpy() if whole else chunk.to_pylist()
        begin += len(chunk)


def export_fasta(dataset: SequenceDataset, path: Path) -> Exported:
    """Write one FASTA file of all splits, upper case, a line a sequence: `>id label=1 split=train chrom=chr1 ...`.

    The label is 0 or 1 of a binary data set, otherwise the names of the classes with commas between them. Sequences
    without an id are called `train-1` and so on; further columns are `key=value`, spaces and the like as `%20`.
    Raises DataError for names of classes that a header cannot hold, CacheError when the folder refuses.
    """
    label_of = _labels(dataset)
    planted = any(len(split.placements.row) for _, split in dataset.splits())
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii", newline="\n") as stream:
        for name in SPLITS:
            split = dataset.split(name)
            about = split.about if split.about is not None else pa.table({})
            columns = [column for column in about.column_names if column != "id"]
            begin = 0
            for codes in blocks(split.codes, piece_rows(dataset.card.length)):
                rows = slice(begin, begin + len(codes))
                part = about.slice(begin, len(codes))
                ids = _values(part, "id") if "id" in part.column_names else None
                values = [_values(part, column) for column in columns]
                for number, (sequence, labels) in enumerate(zip(decode(codes), split.labels[rows], strict=True)):
                    header = [
                        ids[number] if ids else f"{name}-{begin + number + 1}",
                        f"label={label_of(labels)}",
                        f"split={name}",
                        *(f"{column}={value[number]}" for column, value in zip(columns, values, strict=True)),
                    ]
                    stream.write(f">{' '.join(header)}\n{sequence}\n")
                begin += len(codes)
    notes = ["The planted motifs are left out; Parquet keeps them."] if planted else []
    return Exported(path, tuple(notes))


def _values(table: pa.Table, column: str) -> list[str]:
    return [quote(str(value), safe=_SAFE) for value in table[column].to_pylist()]


def _labels(dataset: SequenceDataset) -> Callable[[np.ndarray[Any, np.dtype[np.int8]]], str]:
    """How labels `(C,)` of 0 and 1 are written in a header."""
    classes = dataset.card.classes
    if dataset.card.task == "binary":
        return lambda labels: str(labels[0])
    for name in classes:
        if any(mark in name for mark in ',;"\n') or name != name.strip() or not name.isascii():
            raise DataError(
                f"class {name!r} cannot be named in a FASTA header (no commas, semicolons or quotes, ASCII only): "
                "export to parquet or h5 instead."
            )

    def written(labels: np.ndarray[Any, np.dtype[np.int8]]) -> str:
        text = ",".join(classes[number] for number in np.flatnonzero(labels))
        return f'"{text}"' if " " in text or "|" in text else text

    return written


EXPORTS: Final[dict[Format, Callable[[SequenceDataset, Path], Exported]]] = {
    "parquet": export_parquet,
    "h5": export_h5,
    "fasta": export_fasta,
}
