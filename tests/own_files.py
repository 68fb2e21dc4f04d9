"""Small files of labelled sequences, and a data folder for what is made of them, for the tests of one's own data."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from motifzoo.data_cards.onehot import decode


def random_sequences(count: int, length: int = 60, seed: int = 0) -> list[str]:
    """Random DNA."""
    return decode(np.random.default_rng(seed).integers(4, size=(count, length), dtype=np.uint8))


def write_fasta(path: Path, headers: Sequence[str], sequences: Sequence[str]) -> Path:
    """A FASTA file, a line a sequence."""
    records = (f">{header}\n{sequence}\n" for header, sequence in zip(headers, sequences, strict=True))
    path.write_text("".join(records), encoding="utf-8")
    return path


def labelled_fasta(path: Path, count: int = 40, length: int = 60, seed: int = 0) -> Path:
    """Random sequences `>peak_0 label=1`, half of them positive."""
    return write_fasta(
        path, [f"peak_{n} label={1 - n % 2}" for n in range(count)], random_sequences(count, length, seed)
    )
