"""Rows of HDF5 files, in the authors' layout or Basset's, which bring their splits.

What `export` writes beside the authors' arrays is read back: `about_<split>_<column>`, and the names of the classes.
"""

import contextlib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import pyarrow as pa

from ...errors import DataError
from ..cards import SplitName
from ..readers import Pieces, authors_h5, basset_h5, onehot_h5
from .request import TASKS, Request, Task
from .rows import Intake

ABOUT: Final = "about_{split}_{column}"
CLASSES: Final = "classes"  # attribute: names of the classes
TASK: Final = "task"  # attribute: binary, multi-class or multi-label


def is_basset(path: Path) -> bool:
    """Whether the arrays are named as Basset names them. Raises DataError for what is no HDF5 file."""
    with onehot_h5.open_h5(path) as file:
        return any(f"{word}_in" in onehot_h5.keys(file) for word in ("train", "valid", "test"))


def intake(path: Path, request: Request, *, basset: bool) -> Intake:
    """The rows of a file. Raises DataError for what the readers of these layouts refuse."""
    reader = basset_h5 if basset else authors_h5
    shape = reader.shape(path)
    # A file with one array of sequences calls it X_train, whatever it is.
    stated = request.splits_stated and len(shape.sizes) > 1
    about: dict[SplitName, pa.Table] = {}
    classes, task = shape.names, None
    if not basset:
        with onehot_h5.open_h5(path) as file:
            about = _about(file, shape.sizes)
            classes, task = _stated(file, shape.classes)
    batches = _batches(reader.pieces(path), about, stated)
    first = next(batches)
    return Intake(first.schema, chain([first], batches), classes, task)


def _batches(pieces: Pieces, about: Mapping[SplitName, pa.Table], stated: bool) -> Iterator[pa.RecordBatch]:
    done: dict[SplitName, int] = dict.fromkeys(about, 0)
    for name, piece in pieces:
        table = piece.to_arrow(motifs=False).combine_chunks()
        table = table.add_column(2, "split", pa.array([name if stated else None] * len(table), pa.string()))
        if name in about:
            part = about[name].slice(done[name], len(table))
            done[name] += len(table)
            for column in part.column_names:
                table = table.append_column(column, part[column].combine_chunks())
        yield from table.to_batches()


def _about(file: h5py.File, sizes: Mapping[SplitName, int]) -> dict[SplitName, pa.Table]:
    """The further columns that every split has, as `export` writes them."""
    there = onehot_h5.keys(file)
    prefixes = {split: ABOUT.format(split=split, column="") for split in sizes}
    names = {
        split: [key[len(prefix) :] for key in there if key.startswith(prefix)] for split, prefix in prefixes.items()
    }
    common = [name for name in next(iter(names.values())) if all(name in others for others in names.values())]
    if not common:
        return {}
    return {
        split: pa.table({name: _column(file, prefixes[split] + name, count) for name in common})
        for split, count in sizes.items()
    }


def _column(file: h5py.File, key: str, count: int) -> pa.Array:
    array = onehot_h5.dataset(file, key)
    if array.dtype.kind != "i":
        return pa.array(onehot_h5.strings(file, key, count), pa.string())
    if array.shape != (count,):
        raise DataError(f"{file.filename}: {key} has shape {array.shape}; it must have {count:,} values.")
    try:
        values = array[:]
    except (OSError, RuntimeError) as error:
        raise DataError(f"{file.filename}: {key} is damaged or cut short.") from error
    return pa.array(values.astype(np.int64), pa.int64())


def _stated(file: h5py.File, count: int) -> tuple[tuple[str, ...], Task | None]:
    """The names of the classes and the task, where the file's attributes state them."""
    values: list[Any] = []
    task: object = None
    # Attributes of other kinds than ours may be of types that h5py cannot read.
    with contextlib.suppress(OSError, TypeError, ValueError):
        values = np.ravel(file.attrs.get(CLASSES, [])).tolist()
        task = file.attrs.get(TASK)
    names = tuple(value.strip() for value in values if isinstance(value, str) and value.strip())
    found = next((known for known in TASKS if isinstance(task, str) and known == task), None)
    return names if len(names) == len(set(names)) == count else (), found
