"""The layout of the paper's authors: HDF5 with `X_train`, `Y_train` and the same for valid and test.

X is one-hot (N, 4, L) or (N, 4, 1, L), channels A, C, G, T, a column of zeros (or of four quarters) being an N; Y is
0 or 1, (N, C) or (N,). Either letter may be lower case; `val` and `validation` are taken for `valid`. Other arrays are
left alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import h5py

from ...errors import DataError
from ..cards import AuthorsH5, Card, SplitName
from . import Pieces, onehot_h5
from .gather import only_source

SPLIT_KEYS: Final[Mapping[SplitName, tuple[str, ...]]] = {
    "train": ("train",),
    "valid": ("valid", "val", "validation"),
    "test": ("test",),
}


def shape(path: Path) -> onehot_h5.Shape:
    """What the file holds, its values unread. Raises DataError for what is not in this layout; one split is enough."""
    with onehot_h5.open_h5(path) as file:
        return onehot_h5.shape_of(_splits(file))


def pieces(path: Path) -> Pieces:
    """The rows of the splits that the file has. Raises DataError as `shape`, and for values that are not as above."""
    with onehot_h5.open_h5(path) as file:
        for name, part in _splits(file).items():
            for _, split in part.blocks():
                yield name, split


def read(settings: AuthorsH5, card: Card, files: Mapping[str, Path]) -> Pieces:
    """The pieces of a data set in one file of this layout; see `readers.read`."""
    path = only_source(card, files)
    onehot_h5.check_complete(path, shape(path).sizes)
    yield from pieces(path)


def _splits(file: h5py.File) -> dict[SplitName, onehot_h5.Arrays]:
    there = onehot_h5.keys(file)
    splits: dict[SplitName, onehot_h5.Arrays] = {}
    for name in SPLIT_KEYS:
        inputs, outputs = (_key(file, there, letter, name) for letter in "XY")
        if inputs is None and outputs is None:
            continue
        if inputs is None or outputs is None:
            lacking = f"{'X' if inputs is None else 'Y'}_{name}, which belongs to {inputs or outputs}"
            raise onehot_h5.missing(Path(file.filename), lacking, there)
        splits[name] = onehot_h5.arrays(file, inputs, outputs)
    if not splits:
        raise onehot_h5.missing(Path(file.filename), "X_train and Y_train (or x_train and y_train)", there)
    onehot_h5.check_alike(splits)
    return splits


def _key(file: h5py.File, there: tuple[str, ...], letter: str, split: SplitName) -> str | None:
    spellings = [f"{case}_{word}" for case in (letter, letter.lower()) for word in SPLIT_KEYS[split]]
    found = [key for key in spellings if key in there]
    if len(found) > 1:
        raise DataError(f"{file.filename} has {' and '.join(found)}, and either may be the {split} split. Remove one.")
    return found[0] if found else None
