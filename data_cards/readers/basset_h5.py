"""Basset's layout: HDF5 with `train_in`, `train_out`, the same for valid and test, and the names of the classes.

`train_in` is one-hot (N, 4, 1, L) or (N, 4, L), channels A, C, G, T, a column of four quarters (or of zeros) being an
N; `train_out` is 0 or 1, (N, C); `target_labels` (C,) names the classes. The sequences' names are kept as `about`
column `id` where every split has them (`train_headers` and so on); Basset's own files have `test_headers` alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import pyarrow as pa

from ...errors import DataError
from ..cards import SPLITS, BassetH5, Card, SplitName
from . import Pieces, onehot_h5
from .gather import only_source


def shape(path: Path) -> onehot_h5.Shape:
    """What the file holds, its values unread. Raises DataError for what is not in this layout; one split is enough."""
    with onehot_h5.open_h5(path) as file:
        return _shape(file)


def pieces(path: Path) -> Pieces:
    """The rows of the splits that the file has. Raises DataError as `shape`, and for values that are not as above."""
    with onehot_h5.open_h5(path) as file:
        splits = _splits(file)
        there = onehot_h5.keys(file)
        named = all(f"{name}_headers" in there for name in splits)
        for name, part in splits.items():
            headers = onehot_h5.strings(file, f"{name}_headers", len(part)) if named else []
            for rows, split in part.blocks():
                yield (
                    name,
                    replace(split, about=pa.table({"id": pa.array(headers[rows], pa.string())})) if named else split,
                )


def read(settings: BassetH5, card: Card, files: Mapping[str, Path]) -> Pieces:
    """The pieces of a data set in one file of this layout; see `readers.read`.

    Raises DataError also when the file names other classes than the card, or in another order.
    """
    path = only_source(card, files)
    found = shape(path)
    onehot_h5.check_complete(path, found.sizes)
    for number, (there, stated) in enumerate(zip(found.names, card.classes, strict=False)):
        if there != stated:
            raise DataError(
                f"{path}: its class {number} (from 0) is {there!r}; the card of {card.name!r} says {stated!r}."
            )
    yield from pieces(path)


def _shape(file: h5py.File) -> onehot_h5.Shape:
    splits = _splits(file)
    found = onehot_h5.shape_of(splits)
    if "target_labels" not in onehot_h5.keys(file):
        return found
    return replace(found, names=tuple(onehot_h5.strings(file, "target_labels", found.classes)))


def _splits(file: h5py.File) -> dict[SplitName, onehot_h5.Arrays]:
    there = onehot_h5.keys(file)
    splits: dict[SplitName, onehot_h5.Arrays] = {}
    for name in SPLITS:
        inputs, outputs = f"{name}_in", f"{name}_out"
        for key, other in ((inputs, outputs), (outputs, inputs)):
            if key not in there and other in there:
                raise onehot_h5.missing(Path(file.filename), f"{key}, which belongs to {other}", there)
        if inputs in there:
            splits[name] = onehot_h5.arrays(file, inputs, outputs)
    if not splits:
        raise onehot_h5.missing(Path(file.filename), "train_in and train_out", there)
    onehot_h5.check_alike(splits)
    return splits
