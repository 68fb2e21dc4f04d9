"""A data set in memory: splits of sequences, labels and planted motifs, as Arrow tables, tensors and a fingerprint."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from . import synthetic
from .cards import SPLITS, Card, SplitName
from .motifs import jaspar2016
from .onehot import Codes, OneHot, decode, encode_bytes, to_onehot

if TYPE_CHECKING:
    import datasets

_MOTIF = pa.struct([("id", pa.string()), ("start", pa.int32()), ("strand", pa.string())])
SCHEMA = pa.schema([("sequence", pa.string()), ("label", pa.list_(pa.int8())), ("motifs", pa.list_(_MOTIF))])


def _numbers(array: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The values of a primitive Arrow array, without a copy; `to_numpy` would import pandas, most of a second."""
    return np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


@dataclass(frozen=True)
class Split:
    """Sequences of one split.

    codes: uint8 `(N, L)`, see `onehot`. labels: int8 `(N, C)`, 0 or 1. placements: the planted motifs (synthetic sets).
    """

    codes: Codes
    labels: npt.NDArray[np.int8]
    placements: synthetic.Placements

    def __len__(self) -> int:
        return len(self.codes)

    def onehot(self, rows: slice | npt.NDArray[np.int64] = slice(None)) -> OneHot:
        """One-hot float32 `(n, 4, L)` of the chosen rows, channels A, C, G, T."""
        return to_onehot(self.codes[rows])

    def truth(self, rows: slice | npt.NDArray[np.int64] = slice(None)) -> npt.NDArray[np.float64]:
        """The probabilities each position was drawn from, float64 `(n, 4, L)`: 0.25 outside planted motifs."""
        chosen = np.arange(len(self))[rows]
        planted = self.placements.take(chosen)
        matrices = {motif.id: motif.probabilities for motif in jaspar2016()}
        oriented = [
            matrices[name] if strand == "+" else matrices[name][::-1, ::-1]
            for name, strand in zip(planted.motif, planted.strand, strict=True)
        ]
        return synthetic.probability_model(len(chosen), self.codes.shape[1], planted.row, oriented, planted.start)

    def subset(self, rows: slice | npt.NDArray[np.int64]) -> "Split":
        """The chosen rows as a split of their own."""
        chosen = np.arange(len(self))[rows]
        return Split(self.codes[chosen], self.labels[chosen], self.placements.take(chosen))

    def to_arrow(self) -> pa.Table:
        """Columns sequence, label (a list with one 0/1 a class) and motifs (a list of id, start, strand)."""
        counts = np.bincount(self.placements.row, minlength=len(self))
        offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
        motifs = pa.StructArray.from_arrays(
            [
                pa.array(self.placements.motif, pa.string()),
                pa.array(self.placements.start, pa.int32()),
                pa.array(self.placements.strand, pa.string()),
            ],
            fields=list(_MOTIF),
        )
        classes = self.labels.shape[1]
        label_offsets = pa.array(np.arange(len(self) + 1) * classes, pa.int32())
        columns = [
            pa.array(decode(self.codes), pa.string()),
            pa.ListArray.from_arrays(label_offsets, pa.array(self.labels.ravel())),
            pa.ListArray.from_arrays(offsets, motifs),
        ]
        return pa.Table.from_arrays(columns, schema=SCHEMA)

    def to_dataset(self) -> "datasets.Dataset":
        """The split as a Hugging Face `datasets.Dataset` (imports `datasets`)."""
        import datasets

        return datasets.Dataset(self.to_arrow())

    @classmethod
    def from_arrow(cls, table: pa.Table) -> "Split":
        """The inverse of `to_arrow`."""
        columns = {name: table[name].combine_chunks() for name in SCHEMA.names}
        sequences, labels, motifs = columns["sequence"], columns["label"], columns["motifs"]
        text = np.frombuffer(sequences.buffers()[2], dtype=np.uint8)
        offsets = _numbers(motifs.offsets, np.int32)
        planted = motifs.values
        placements = synthetic.Placements(
            np.repeat(np.arange(len(table)), np.diff(offsets)),
            np.array(planted.field("id").to_pylist(), dtype=object),
            _numbers(planted.field("start"), np.int32).astype(np.int64),
            np.array(planted.field("strand").to_pylist(), dtype=object),
        )
        codes = encode_bytes(text.reshape(len(table), -1))
        return cls(codes, _numbers(labels.values, np.int8).reshape(len(table), -1), placements)


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

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content, whatever the file format: sequences, labels and planted motifs of every split."""
        digest = hashlib.sha256()
        for name in SPLITS:
            split = self.split(name)
            digest.update(f"{name} {len(split)} {split.codes.shape[1]} {split.labels.shape[1]}\n".encode())
            digest.update(split.codes.tobytes())
            digest.update(split.labels.astype(np.int8).tobytes())
            planted = split.placements
            digest.update(planted.row.astype("<i8").tobytes())
            digest.update(planted.start.astype("<i8").tobytes())
            digest.update("\n".join(planted.motif.tolist()).encode())
            digest.update("".join(planted.strand.tolist()).encode())
        return digest.hexdigest()
