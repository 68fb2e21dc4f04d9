"""One-hot sequences and labels in HDF5: which arrays make a split, what is wrong with them, and their rows in blocks.

The files come from strangers: a link is not followed, an array is not believed to hold more than its file can, and
nothing is read before its size is known.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import numpy.typing as npt

from ...errors import DataError
from ..cards import SPLITS, SplitName
from ..content import Split, no_placements
from ..onehot import ALPHABET, Codes, from_onehot
from .gather import MAX_LENGTH, piece_rows
from .labels import listed
from .text import kind_of, read_head

MAX_CLASSES: Final = 100_000
_MAX_CHUNK = 1 << 30  # bytes of a chunk, which HDF5 unpacks whole
# Deflate shrinks at most to a thousandth, and one-hot DNA in float64 to a sixtieth.
_MAX_RATIO = 1000
_TRUSTED = 256 << 20  # bytes that any array may claim
_ORDER_NAMES = ("alphabet", "channels", "channel_order")  # attributes in which files state the order of the channels


@dataclass(frozen=True)
class Shape:
    """What a file holds: nt of every sequence, number of labels of each, and how many sequences each split has.

    names: those of the classes, where the file states them; otherwise empty.
    """

    length: int
    classes: int
    sizes: Mapping[SplitName, int]
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrays:
    """The sequences `(N, 4, L)` or `(N, 4, 1, L)` and labels `(N, C)` or `(N,)` of one split, in an open file."""

    path: Path
    inputs: h5py.Dataset
    outputs: h5py.Dataset

    @property
    def length(self) -> int:
        """Nt of every sequence."""
        return int(self.inputs.shape[-1])

    @property
    def classes(self) -> int:
        """How many labels a sequence has."""
        return 1 if self.outputs.ndim == 1 else int(self.outputs.shape[1])

    def __len__(self) -> int:
        return int(self.inputs.shape[0])

    def blocks(self) -> Iterator[tuple[slice, Split]]:
        """The rows in the file's order, some at a time. Raises DataError for what is not one-hot, or no 0 and 1."""
        size = piece_rows(4 * self.length * self.inputs.dtype.itemsize + self.classes * self.outputs.dtype.itemsize)
        chunk = self.inputs.chunks[0] if self.inputs.chunks else 1
        size -= size % chunk if size > chunk else 0  # or the chunk at the border would be unpacked twice
        for begin in range(0, len(self), size):
            rows = slice(begin, min(begin + size, len(self)))
            with _reading(self.path):
                onehot, labels = self.inputs[rows], self.outputs[rows]
            codes = self._codes(onehot.reshape(len(onehot), len(ALPHABET), self.length), begin)
            yield rows, Split(codes, self._labels(labels.reshape(len(labels), self.classes), begin), no_placements())

    def _codes(self, onehot: npt.NDArray[Any], begin: int) -> Codes:
        with contextlib.suppress(DataError):
            return from_onehot(onehot)
        # Basset writes an N as four quarters.
        onehot = np.where((onehot == 0.25).all(axis=1, keepdims=True), 0, onehot)
        with contextlib.suppress(DataError):
            return from_onehot(onehot)
        wrong = ((onehot != 0) & (onehot != 1)).any(axis=1) | (np.count_nonzero(onehot, axis=1) > 1)
        row, position = np.argwhere(wrong)[0]
        values = ", ".join(f"{value:g}" for value in onehot[row, :, position].astype(float))
        raise DataError(
            f"{self.path}: {_name(self.inputs)} is not one-hot: its sequence {begin + row} (from 0) has {values} at "
            f"position {position}. Each position must have one 1 and three 0, or four 0 for an unknown nucleotide."
        )

    def _labels(self, labels: npt.NDArray[Any], begin: int) -> npt.NDArray[np.int8]:
        wrong = (labels != 0) & (labels != 1)
        if wrong.any():
            row, column = np.argwhere(wrong)[0]
            raise DataError(
                f"{self.path}: {_name(self.outputs)} has {float(labels[row, column]):g} in row {begin + row}, "
                f"column {column} (from 0). Labels must be 0 or 1, with a column for each class."
            )
        return labels.astype(np.int8)


@contextlib.contextmanager
def open_h5(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file, open for reading. Raises DataError for a file that is missing, is none, or is cut short."""
    head = read_head(path)
    if not h5py.is_hdf5(path):
        kind = kind_of(head) or ("empty" if not head else None)
        what = f"is {kind}, not" if kind else "is not"
        raise DataError(f"{path} {what} an HDF5 file. Get it again, or give the file in the format that it is in.")
    with _reading(path):
        file = h5py.File(path, "r", locking="best-effort")
    with file:
        yield file


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    # What HDF5 says about a damaged file comes as any of these.
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = " ".join(str(error).strip("'\"").split())[:200]
        raise DataError(
            f"{path} is cut short, damaged, or packed in a way that this HDF5 cannot read ({reason})."
        ) from error


def keys(file: h5py.File) -> tuple[str, ...]:
    """Names of what stands at the top of a file."""
    with _reading(Path(file.filename)):
        return tuple(map(_text, file))  # h5py gives bytes for a name that is not UTF-8


def dataset(file: h5py.File, key: str) -> h5py.Dataset:
    """An array at the top of a file, which must be there.

    Raises DataError for what is no array, is a link, keeps its values in other files, or claims more than fits in it.
    """
    path = Path(file.filename)
    with _reading(path):
        link, kind = file.get(key, getlink=True), None
        if isinstance(link, h5py.HardLink):
            kind = file.get(key, getclass=True)
    if kind is None:
        raise DataError(f"{path}: {key} is a link. Links are not followed: write the array itself into the file.")
    if kind is not h5py.Dataset:
        raise DataError(f"{path}: {key} is a group, not an array.")
    with _reading(path):
        array = file[key]
        if array.is_virtual or array.external:
            raise DataError(
                f"{path}: {key} keeps its values in other files. These are not opened: write the values into the file."
            )
    _check_storage(path, array)
    return array


def _check_storage(path: Path, array: h5py.Dataset) -> None:
    key, parts, written = _name(array), 0, 0
    with _reading(path):
        claimed = int(array.nbytes) if array.shape else 0
        stored = array.id.get_storage_size()
        if array.chunks:
            parts = math.prod(-(-length // step) for length, step in zip(array.shape, array.chunks, strict=True))
            written = array.id.get_num_chunks()
            chunk = math.prod(array.chunks) * array.dtype.itemsize
            if chunk > _MAX_CHUNK:
                raise DataError(f"{path}: {key} has chunks of {chunk:,} bytes; at most {_MAX_CHUNK:,} can be read.")
    # HDF5 gives zeros for what was never written: sequences of N, and negatives.
    if claimed and (not stored or written < parts):
        raise DataError(f"{path}: {key} was not written to its end: {written:,} of its {parts or 1:,} parts are there.")
    if claimed > max(_TRUSTED, _MAX_RATIO * stored):
        raise DataError(
            f"{path}: {key} of shape {array.shape} claims {claimed:,} bytes, and {stored:,} are stored for it, which "
            "sequences and their labels do not allow."
        )


def arrays(file: h5py.File, inputs_key: str, outputs_key: str) -> Arrays:
    """The two arrays of a split. Raises DataError for shapes and types that cannot be sequences and their labels."""
    path = Path(file.filename)
    inputs, outputs = dataset(file, inputs_key), dataset(file, outputs_key)
    for array in (inputs, outputs):
        if array.dtype.kind not in "biuf":
            raise DataError(f"{path}: {_name(array)} has values of type {array.dtype}; they must be numbers.")
    _check_inputs(path, inputs)
    if outputs.ndim not in (1, 2) or 0 in outputs.shape[1:] or max(outputs.shape[1:], default=1) > MAX_CLASSES:
        raise DataError(
            f"{path}: {outputs_key} has shape {outputs.shape}; labels have shape (N, C) for C classes, at most "
            f"{MAX_CLASSES:,}, or (N,) for one."
        )
    if len(inputs) != len(outputs):
        raise DataError(
            f"{path}: {inputs_key} has {len(inputs):,} sequences and {outputs_key} has labels for {len(outputs):,}."
        )
    return Arrays(path, inputs, outputs)


def _check_inputs(path: Path, inputs: h5py.Dataset) -> None:
    key, shape, channels = _name(inputs), inputs.shape, len(ALPHABET)
    for holder in (inputs, inputs.file):
        for name in _ORDER_NAMES:
            with _reading(path):
                order = "".join(map(_text, np.ravel(holder.attrs.get(name, "")).tolist()))
            letters = "".join(filter(str.isalpha, order)).upper()
            if letters != ALPHABET and sorted(letters) == sorted(ALPHABET):
                raise DataError(
                    f"{path}: its attribute {name} says that the channels are {letters}; they must be {ALPHABET}. "
                    f"Write {key} anew in that order: `x[:, {[letters.index(letter) for letter in ALPHABET]}]`."
                )
    expected = f"sequences have shape (N, {channels}, L) or (N, {channels}, 1, L)"
    if shape is None or len(shape) not in (3, 4):
        raise DataError(f"{path}: {key} has shape {shape}; {expected}.")
    if shape[1] != channels and channels in shape[2:]:
        axis = shape.index(channels, 2)
        # What is left of a rank 4 is the length and an axis of 1, which comes first.
        others = sorted((other for other in range(1, len(shape)) if other != axis), key=lambda other: shape[other] != 1)
        raise DataError(
            f"{path}: {key} has shape {shape}, its {channels} channels on axis {axis}; {expected}. Write it anew "
            f"with its axes moved: `x.transpose{(0, axis, *others)}`."
        )
    if shape[1] != channels:
        raise DataError(
            f"{path}: {key} has shape {shape}, which is {shape[1]} channels; {expected}, channels A, C, G, T."
        )
    if len(shape) == 4 and shape[2] != 1:
        raise DataError(f"{path}: {key} has shape {shape}; {expected}.")
    if not 0 < shape[-1] <= MAX_LENGTH:
        raise DataError(f"{path}: {key} has sequences of {shape[-1]:,} nt; 1 to {MAX_LENGTH:,} can be read.")


def check_alike(splits: Mapping[SplitName, Arrays]) -> None:
    """Raise DataError for splits that differ in the length of sequences or the number of classes."""
    if len({(part.length, part.classes) for part in splits.values()}) > 1:
        each = "; ".join(f"{name}: {part.length} nt, {part.classes}" for name, part in splits.items())
        path = next(iter(splits.values())).path
        raise DataError(f"{path}: its splits differ in the length of sequences or the number of classes ({each}).")


def shape_of(splits: Mapping[SplitName, Arrays]) -> Shape:
    """The shape of a file with these splits, one at least, which are alike."""
    first = next(iter(splits.values()))
    return Shape(first.length, first.classes, {name: len(part) for name, part in splits.items()})


def missing(path: Path, wanted: str, there: tuple[str, ...]) -> DataError:
    """The error for arrays that a file lacks: `wanted` says which."""
    return DataError(f"{path} lacks {wanted}. It has: {listed(there) or 'nothing'}.")


def check_complete(path: Path, sizes: Mapping[SplitName, int]) -> None:
    """Raise DataError for a file without one of the splits."""
    absent = [name for name in SPLITS if name not in sizes]
    if absent:
        raise DataError(f"{path} has no {' and no '.join(absent)} split; a data set has train, valid and test.")


def strings(file: h5py.File, key: str, count: int) -> list[str]:
    """An array of `count` strings, of fixed or of free width. Raises DataError for anything else."""
    path = Path(file.filename)
    array = dataset(file, key)
    if array.shape != (count,) or (array.dtype.kind != "S" and h5py.check_string_dtype(array.dtype) is None):
        raise DataError(f"{path}: {key} has shape {array.shape} and type {array.dtype}; it must be {count:,} strings.")
    with _reading(path):
        return [_text(value) for value in array[:]]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _name(array: h5py.Dataset) -> str:
    return str(array.name).lstrip("/")
