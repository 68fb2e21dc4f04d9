"""A data set: splits of sequences, labels and planted motifs, as Arrow tables, tensors and a fingerprint."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..errors import DataError
from . import synthetic
from .cards import SPLITS, Card, SplitName
from .motifs import jaspar2016
from .onehot import OneHot, decode_bytes, encode_bytes, to_onehot
from .rows import AnyCodes, MappedCodes, Rows, blocks, text_blocks

if TYPE_CHECKING:
    import datasets

_MOTIF = pa.struct([("id", pa.string()), ("start", pa.int32()), ("strand", pa.string())])
LABELS = pa.list_(pa.int8())
_CHUNK_BYTES = 1 << 30  # Arrow counts the letters of a chunk of strings in 32 bits


def no_placements() -> synthetic.Placements:
    """The planted motifs of real DNA: none are known."""
    none = np.zeros(0, np.int64)
    return synthetic.Placements(none, none.astype(object), none, none.astype(object))


def _numbers(array: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The values of a primitive Arrow array, without a copy; `to_numpy` would import pandas, most of a second."""
    if len(array) == 0:
        return np.zeros(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


def _sequences(codes: AnyCodes) -> pa.ChunkedArray:
    """Codes as a column of strings, without a Python string for each."""
    if isinstance(codes, MappedCodes):
        return codes.column
    length = codes.shape[1]
    rows = max(1, _CHUNK_BYTES // max(1, length))
    chunks = [
        pa.StringArray.from_buffers(
            len(part),
            pa.py_buffer(np.arange(len(part) + 1, dtype=np.int32) * length),
            pa.py_buffer(decode_bytes(part).tobytes()),
        )
        for part in blocks(codes, rows)
    ]
    return pa.chunked_array(chunks, pa.string())


def _labels(column: pa.ChunkedArray) -> npt.NDArray[np.int8]:
    """Label lists as int8 `(N, C)`. Raises DataError for a missing value or lists of different lengths."""
    parts: list[npt.NDArray[np.int8]] = []
    for chunk in column.cast(LABELS).chunks:
        if len(chunk) == 0:
            continue
        values, widths = chunk.flatten(), np.diff(_numbers(chunk.offsets, np.int32))
        if chunk.null_count or values.null_count or np.any(widths != widths[0]):
            raise DataError("labels are missing for some sequences or classes.")
        parts.append(_numbers(values, np.int8).reshape(len(chunk), -1))
    if len({part.shape[1] for part in parts}) > 1:
        raise DataError("labels are missing for some sequences or classes.")
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.int8)


def _placements(column: pa.ChunkedArray) -> synthetic.Placements:
    lists = column.combine_chunks()
    planted = lists.flatten()
    return synthetic.Placements(
        np.repeat(np.arange(len(lists)), np.diff(_numbers(lists.offsets, np.int32))),
        np.array(planted.field("id").to_pylist(), dtype=object),
        _numbers(planted.field("start"), np.int32).astype(np.int64),
        np.array(planted.field("strand").to_pylist(), dtype=object),
    )


@dataclass(frozen=True)
class Split:
    """Sequences of one split.

    codes: uint8 `(N, L)`, see `onehot`; a `MappedCodes` when they stay on disk. labels: int8 `(N, C)`, 0 or 1.
    placements: the planted motifs (synthetic sets). about: further columns, one row a sequence, such as `id`, `chrom`,
    `start` (0-based) and `end`; None without any.
    """

    codes: AnyCodes
    labels: npt.NDArray[np.int8]
    placements: synthetic.Placements
    about: pa.Table | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def onehot(self, rows: Rows = slice(None)) -> OneHot:
        """One-hot float32 `(n, 4, L)` of the chosen rows, channels A, C, G, T."""
        return to_onehot(self.codes[rows])

    def truth(self, rows: Rows = slice(None)) -> npt.NDArray[np.float64]:
        """The probabilities each position was drawn from, float64 `(n, 4, L)`: 0.25 outside planted motifs."""
        chosen = np.arange(len(self))[rows]
        planted = self.placements.take(chosen)
        matrices = {motif.id: motif.probabilities for motif in jaspar2016()}
        oriented = [
            matrices[name] if strand == "+" else matrices[name][::-1, ::-1]
            for name, strand in zip(planted.motif, planted.strand, strict=True)
        ]
        return synthetic.probability_model(len(chosen), self.codes.shape[1], planted.row, oriented, planted.start)

    def subset(self, rows: Rows) -> "Split":
        """The chosen rows as a split of their own; sequences on disk stay there."""
        chosen = np.arange(len(self))[rows]
        about = None if self.about is None else self.about.take(pa.array(chosen))
        codes = self.codes.select(chosen) if isinstance(self.codes, MappedCodes) else self.codes[chosen]
        return Split(codes, self.labels[chosen], self.placements.take(chosen), about)

    def to_arrow(self, *, motifs: bool | None = None) -> pa.Table:
        """Columns sequence, label (a list with one 0/1 a class), motifs (a list of id, start, strand), and `about`'s.

        motifs: whether that column is there; by default, when a motif was planted anywhere.
        """
        classes = self.labels.shape[1]
        # A list's values are counted in 32 bits.
        rows = max(1, _CHUNK_BYTES // max(1, classes))
        labels = [
            pa.ListArray.from_arrays(pa.array(np.arange(len(part) + 1) * classes, pa.int32()), pa.array(part.ravel()))
            for part in (self.labels[begin : begin + rows] for begin in range(0, len(self), rows))
        ]
        columns = {"sequence": _sequences(self.codes), "label": pa.chunked_array(labels, LABELS)}
        if len(self.placements.row) > 0 if motifs is None else motifs:
            columns["motifs"] = self._motifs()
        if self.about is not None:
            columns |= dict(zip(self.about.column_names, self.about.columns, strict=True))
        return pa.table(columns)

    def _motifs(self) -> pa.Array:
        counts = np.bincount(self.placements.row, minlength=len(self))
        offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
        planted = pa.StructArray.from_arrays(
            [
                pa.array(self.placements.motif, pa.string()),
                pa.array(self.placements.start, pa.int32()),
                pa.array(self.placements.strand, pa.string()),
            ],
            fields=list(_MOTIF),
        )
        return pa.ListArray.from_arrays(offsets, planted)

    def to_dataset(self) -> "datasets.Dataset":
        """The split as a Hugging Face `datasets.Dataset` (imports `datasets`)."""
        import datasets

        return datasets.Dataset(self.to_arrow())

    @classmethod
    def from_arrow(cls, table: pa.Table, *, mapped: bool = False) -> "Split":
        """The inverse of `to_arrow`; with `mapped` the sequences stay where the table has them.

        Raises DataError for missing columns or values, and for sequences or labels of different lengths.
        """
        for name in ("sequence", "label"):
            if name not in table.column_names:
                raise DataError(f"there is no column {name!r}; there are {', '.join(table.column_names) or 'none'}.")
        column = table["sequence"]
        codes: AnyCodes
        if mapped:
            codes = MappedCodes(column)
        else:
            parts = [encode_bytes(block) for block in text_blocks(column)]
            codes = np.concatenate(parts) if parts else np.zeros((0, 0), np.uint8)
        placements = _placements(table["motifs"]) if "motifs" in table.column_names else no_placements()
        others = [name for name in table.column_names if name not in ("sequence", "label", "motifs")]
        return cls(codes, _labels(table["label"]), placements, table.select(others) if others else None)


@dataclass(frozen=True)
class SequenceDataset:
    """A data set: its card, and the splits train, valid and test."""

    card: Card
    train: Split
    valid: Split
    test: Split

    def split(self, name: SplitName) -> Split:
        """One split by name."""
        return {"train": self.train, "valid": self.valid, "test": self.test}[name]

    def splits(self) -> Iterator[tuple[SplitName, Split]]:
        """The splits with their names, train first."""
        for name in SPLITS:
            yield name, self.split(name)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content, whatever the file format: sequences, labels and planted motifs of every split.

        What a split says `about` its sequences is not part of it: no score depends on that.
        """
        digest = hashlib.sha256()
        for name, split in self.splits():
            digest.update(f"{name} {len(split)} {split.codes.shape[1]} {split.labels.shape[1]}\n".encode())
            for part in blocks(split.codes):
                digest.update(part.tobytes())
            digest.update(split.labels.astype(np.int8).tobytes())
            planted = split.placements
            digest.update(planted.row.astype("<i8").tobytes())
            digest.update(planted.start.astype("<i8").tobytes())
            digest.update("\n".join(planted.motif.tolist()).encode())
            digest.update("".join(planted.strand.tolist()).encode())
        return digest.hexdigest()
