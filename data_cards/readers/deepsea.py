"""DeepSEA's training bundle: three MATLAB files, of which some rows and label columns are kept.

`train.mat` is 22 GB of numbers when inflated, so nothing here is ever whole in memory. In each file the rows are the
fastest axis: a position of all sequences lies together, and a sequence is spread over the whole file. So the labels
are read first, and then, for as many kept rows as fit into memory, every position once.
"""

import errno
import gzip
import math
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final, Protocol

import h5py
import numpy as np
import numpy.typing as npt

from ...errors import CacheError, DataError
from ...files import cache_dir, remedy
from ..cards import SPLITS, Card, DeepSea, SplitName
from ..content import Split, no_placements
from ..onehot import OTHER, Codes
from . import Pieces
from .gather import MAX_ROWS, only_source
from .mat5 import BLOCK_BYTES, MAX_BLOCK_BYTES, find, is_mat5

CHANNELS: Final = (0, 2, 1, 3)  # codes of the bundle's channels, A, G, C, T

_FILES: Final[dict[str, SplitName]] = {f"{split}.mat": split for split in SPLITS}
_MAX_MEMBER = 64 << 30  # bytes of an unpacked file
_GROUP_BYTES = 256 << 20  # of codes and labels that are filled together
_WINDOW_BYTES = 64 << 20  # of labels, and of the numbers of their rows, looked through together
_NUMBERS_BYTES = 3 * 8  # what choosing among rows takes for each
_GAP_BYTES = 64 << 10  # reading across a gap of as much is cheaper than a read of its own
_CONVERT_BYTES = 1 << 20  # of one-hot values converted at a time: what stays in a processor's cache
_COPY_BYTES = 1 << 20
_SEVERAL = 255
# By the channels that are 1, as a sum of 1 for the first, 2, 4, 8.
_CODE_OF_CHANNELS = np.full(16, _SEVERAL, np.uint8)
_CODE_OF_CHANNELS[0] = OTHER
_CODE_OF_CHANNELS[[1, 2, 4, 8]] = CHANNELS


class Matrix(Protocol):
    """A matrix on disk; `mat5.Matrix5` says what its members mean."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def stripe(self) -> int: ...

    def blocks(
        self, slabs: Sequence[int] | npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[int, int, npt.NDArray[Any]]]: ...


class MatrixH5:
    """A matrix in a version 7.3 file, read in whole chunks, and only those that hold chosen slabs and rows."""

    def __init__(self, file: h5py.File, name: str, where: str) -> None:
        self._where, self._name = where, name
        try:
            # Links may lead to other files, which are not opened.
            own = sorted(key for key in file if isinstance(file.get(key, getlink=True), h5py.HardLink))
            there = ", ".join(key for key in own if not key.startswith("#")) or "none"
            if name not in own:
                raise DataError(f"{where} has no variable {name!r}; it has: {there}.")
            self._data = file[name]
        except (OSError, RuntimeError, KeyError) as error:
            raise self._damaged(error) from error
        full = isinstance(self._data, h5py.Dataset) and len(self._data.shape or ()) > 1
        full = full and not self._data.is_virtual and not self._data.external  # values in other files are not opened
        if not full or self._data.dtype.kind not in "uifb":
            raise DataError(f"variable {name!r} of {where} is not a full matrix of numbers.")
        self.shape: tuple[int, ...] = self._data.shape
        self._slabs, *_, self.stripe = self._data.chunks or (1, *self.shape[1:-1], 1)
        if self._bytes(self._slabs, self.stripe) > MAX_BLOCK_BYTES:
            raise DataError(
                f"variable {name!r} of {where} is stored in chunks of {self._data.chunks}, too large to be read in "
                f"parts: at most {MAX_BLOCK_BYTES >> 20} MiB may be needed at a time."
            )

    def blocks(
        self, slabs: Sequence[int] | npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
        """See `Matrix5.blocks`; a block has no more rows than the chunks it is read from."""
        unit = self._bytes(self._slabs, self.stripe)
        parts = _runs(rows, self.stripe, most=max(1, BLOCK_BYTES // unit), gap=_GAP_BYTES // unit)
        longest = max((end - begin for begin, end in parts), default=1)
        most = max(1, BLOCK_BYTES // self._bytes(self._slabs, longest))
        buffer = np.empty(0, self._data.dtype)
        for first, last in _runs(np.unique(slabs), self._slabs, most=most, gap=0):
            for begin, end in parts:
                shape = (min(last, self.shape[0]) - first, *self.shape[1:-1], min(end, self.shape[-1]) - begin)
                size = math.prod(shape)
                if len(buffer) < size:
                    buffer = np.empty(size, self._data.dtype)
                values = buffer[:size].reshape(shape)
                try:
                    self._data.read_direct(values, np.s_[first:last, ..., begin:end])
                except (OSError, RuntimeError) as error:
                    raise self._damaged(error) from error
                yield first, begin, values

    def _bytes(self, slabs: int, rows: int) -> int:
        size: int = slabs * math.prod(self.shape[1:-1]) * rows * self._data.dtype.itemsize
        return max(1, size)

    def _damaged(self, error: Exception) -> DataError:
        return DataError(
            f"{self._where} is damaged: variable {self._name!r} cannot be read ({_one_line(error)}). "
            "Delete the file and fetch it again."
        )


def _runs(chosen: npt.NDArray[np.int64], unit: int, *, most: int, gap: int) -> list[tuple[int, int]]:
    """Ranges that hold all chosen numbers (sorted), of whole units, at most `most` each, not more than `gap` idle."""
    units = chosen // unit
    units = units[np.flatnonzero(np.diff(units, prepend=-1))]
    runs: list[tuple[int, int]] = []
    for part in np.split(units, np.flatnonzero(np.diff(units) > gap + 1) + 1):
        if len(part):
            ends = [*range(int(part[0]), int(part[-1]) + 1, most), int(part[-1]) + 1]
            runs += [(begin * unit, end * unit) for begin, end in pairwise(ends)]
    return runs


def read(settings: DeepSea, card: Card, files: Mapping[str, Path]) -> Pieces:
    """The splits of DeepSEA's bundle: `columns` of its labels, and the rows with a positive among them.

    files: one entry, the bundle as a tar archive (.gz or not) or as a folder with `train.mat`, `valid.mat` and
    `test.mat`. Each is a MATLAB file of version 7.3 (HDF5) or 5 with `<split>xdata` (N, 4, L), one-hot in the order
    A, G, C, T, all zeros where the nucleotide is unknown, and `<split>data` (N, classes), 0 or 1.

    Memory does not grow with the number of rows; `benchmarks/deepsea.py` measures it, for the published size too. HDF5
    needs random access, so the files of an archive are unpacked one after the other into the cache folder, each removed
    when it is read.

    Raises DataError, naming the file, for one that is damaged or holds something else, and CacheError when there is no
    room to unpack.
    """
    path = only_source(card, files)
    if len(settings.columns) != len(card.classes):
        raise DataError(
            f"the card of {card.name!r} names {len(card.classes)} classes and its reader keeps {len(settings.columns)} "
            "columns; there must be one column for each class."
        )
    found: set[SplitName] = set()
    # An error's traceback would keep the generator, and with it the unpacked file, alive.
    with closing(_in_folder(path) if path.is_dir() else _in_archive(path)) as members:
        for split, file in members:
            found.add(split)
            with open_variables(file, split, f"{split}.mat in {path}", card, settings) as (x, labels):
                yield from ((split, piece) for piece in pieces(x, labels, f"{split}.mat in {path}", settings.columns))
    _check_complete(path, found)


def _check_complete(path: Path, found: set[SplitName]) -> None:
    missing = [name for name, split in _FILES.items() if split not in found]
    if missing:
        raise DataError(f"{path} has no {' and no '.join(missing)}; DeepSEA's bundle has {', '.join(_FILES)}.")


def _in_folder(path: Path) -> Generator[tuple[SplitName, Path], None, None]:
    inside = path / "deepsea_train"  # as the archive has it
    folder = inside if inside.is_dir() else path
    files = {split: folder / name for name, split in _FILES.items() if (folder / name).is_file()}
    _check_complete(path, set(files))
    yield from files.items()


def _in_archive(path: Path) -> Generator[tuple[SplitName, Path], None, None]:
    """Unpack the three files one after the other, each removed when the next is asked for."""
    with _room(path) as folder, _stream(path) as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                seen: set[SplitName] = set()
                for member in archive:
                    name = PurePosixPath(member.name).name
                    if name not in _FILES:
                        continue
                    split = _FILES[name]
                    _check_member(member, path, again=split in seen)
                    seen.add(split)
                    # Never a path that the archive names.
                    target = folder / name
                    _unpack(archive.extractfile(member), target, member.size, f"{name} in {path}")
                    yield split, target
                    target.unlink()
            while stream.read(_COPY_BYTES):  # to the end, where the checksum stands
                pass
        except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(
                f"{path} cannot be unpacked: {_one_line(error)}. It was cut short or is something else: delete it and "
                "fetch it again."
            ) from error


def _check_member(member: tarfile.TarInfo, path: Path, *, again: bool) -> None:
    wrong = ""
    if not member.isreg():
        wrong = "is no plain file"
    elif again:
        wrong = "is a second one of that name"
    elif member.size > _MAX_MEMBER:
        wrong = f"has {member.size:,} bytes, and {_MAX_MEMBER:,} are the most that is unpacked"
    if wrong:
        raise DataError(f"{path} is not DeepSEA's bundle: {member.name!r} in it {wrong}.")


@contextmanager
def _room(path: Path) -> Iterator[Path]:
    """A folder in the cache folder that is removed in the end."""
    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(prefix=".tmp-", suffix="-deepsea", dir=cache_dir())
    except OSError as error:
        raise _no_room(path.name, error) from error
    with folder as name:
        yield Path(name)


def _no_room(what: str, error: OSError) -> CacheError:
    reason = error.strerror or str(error)
    return CacheError(f"cannot unpack {what} into {cache_dir()}: {reason}. {remedy(cache_dir(), error)}")


@contextmanager
def _stream(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a tar archive, inflated where it is a .gz."""
    with path.open("rb") as file:
        head = file.read(512)
        file.seek(0)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(file, "rb") as inflated:
                yield inflated  # type: ignore[misc]
        elif head[257:262] == b"ustar":
            yield file
        else:
            raise DataError(f"{path} is no tar archive; it {_beginning(head)}. Delete it and fetch it again.")


def _unpack(source: Any, target: Path, size: int, what: str) -> None:
    try:
        free = shutil.disk_usage(target.parent).free
        if free < size:
            raise OSError(errno.ENOSPC, f"it takes {size:,} bytes and {free:,} are free")
        with target.open("wb") as out:
            while part := source.read(_COPY_BYTES):
                out.write(part)
    except gzip.BadGzipFile:
        raise
    except OSError as error:
        raise _no_room(what, error) from error


@contextmanager
def open_variables(
    path: Path, split: SplitName, where: str, card: Card, settings: DeepSea
) -> Iterator[tuple[Matrix, Matrix]]:
    """The sequences `<split>xdata` and the labels `<split>data` of a MATLAB file that messages call `where`.

    Raises DataError for a file that is none of version 5 or 7.3, is damaged, lacks one of the two, or holds them in
    shapes that do not fit the card or each other.
    """
    names = f"{split}xdata", f"{split}data"
    x: Matrix
    labels: Matrix
    if h5py.is_hdf5(path):
        try:
            file = h5py.File(path, "r")
        except OSError as error:
            raise DataError(f"{where} is damaged: {_one_line(error)}. Delete the file and fetch it again.") from error
        with file:
            x, labels = (MatrixH5(file, name, where) for name in names)
            _check_shapes(x, labels, names, where, card, settings)
            yield x, labels
    elif is_mat5(path):
        x, labels = (find(path, name, where) for name in names)
        _check_shapes(x, labels, names, where, card, settings)
        yield x, labels
    else:
        with path.open("rb") as stream:
            head = stream.read(512)
        raise DataError(f"{where} is no MATLAB file of version 5 or 7.3; it {_beginning(head)}.")


def _check_shapes(x: Matrix, labels: Matrix, names: tuple[str, str], where: str, card: Card, settings: DeepSea) -> None:
    wanted = {names[0]: f"(rows, 4, {card.length})", names[1]: "(rows, classes)"}
    right = {names[0]: x.shape[:-1] == (card.length, 4), names[1]: len(labels.shape) == 2}
    for name, matrix in zip(names, (x, labels), strict=True):
        if not right[name]:
            raise DataError(
                f"variable {name!r} of {where} has shape {matrix.shape[::-1]}, as MATLAB counts; it must be "
                f"{wanted[name]}."
            )
    if x.shape[-1] != labels.shape[-1]:
        raise DataError(f"{where} has {x.shape[-1]:,} sequences and labels for {labels.shape[-1]:,}.")
    if max(settings.columns) >= labels.shape[0]:
        raise DataError(
            f"column {max(settings.columns)} of {names[1]!r} is asked for, and {where} has {labels.shape[0]} columns, "
            "counted from 0."
        )


def pieces(x: Matrix, labels: Matrix, where: str, columns: Sequence[int]) -> Iterator[Split]:
    """The rows with a positive among the `columns` of the labels, in upstream's order, at most MAX_ROWS at a time.

    Raises DataError, naming the row, for labels other than 0 and 1 and for kept sequences that are not one-hot.
    """
    size = _GROUP_BYTES // (x.shape[0] + len(columns) + _NUMBERS_BYTES)
    for rows, kept in _groups(labels, where, columns, max(1, size)):
        codes = _codes(x, rows, where)
        for begin in range(0, len(rows), MAX_ROWS):
            part = slice(begin, begin + MAX_ROWS)
            yield Split(np.ascontiguousarray(codes[:, part].T), kept[part], no_placements())


def _groups(
    labels: Matrix, where: str, columns: Sequence[int], size: int
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]]:
    """The kept rows, in order, and their labels `(n, C)`; `size` at a time."""
    rows, kept = np.zeros(0, np.int64), np.zeros((0, len(columns)), np.int8)
    window = max(1, _WINDOW_BYTES // (len(columns) + _NUMBERS_BYTES))
    if window > labels.stripe:
        window -= window % labels.stripe
    for begin in range(0, labels.shape[-1], window):
        seen = _labels(labels, np.arange(begin, min(begin + window, labels.shape[-1])), where, columns)
        positive = np.flatnonzero(seen.any(axis=0))
        rows, kept = np.concatenate([rows, positive + begin]), np.concatenate([kept, seen[:, positive].T])
        while len(rows) >= size:
            yield rows[:size], kept[:size]
            rows, kept = rows[size:], kept[size:]
    if len(rows):
        yield rows, kept


def _labels(labels: Matrix, rows: npt.NDArray[np.int64], where: str, columns: Sequence[int]) -> npt.NDArray[np.int8]:
    """Labels `(C, n)` of consecutive rows."""
    out = np.empty((len(columns), len(rows)), np.int8)
    for first, start, block in labels.blocks(np.unique(columns), rows):
        begin, end = max(start, int(rows[0])), min(start + block.shape[-1], int(rows[-1]) + 1)
        for index, column in enumerate(columns):
            if not first <= column < first + len(block):
                continue
            values = block[column - first, begin - start : end - start]
            wrong = np.flatnonzero((values != 0) & (values != 1))
            if len(wrong):
                raise DataError(
                    f"{where} has the label {values[wrong[0]]} in row {begin + wrong[0]}, column {column}, counted "
                    "from 0; labels must be 0 or 1."
                )
            out[index, begin - rows[0] : end - rows[0]] = values
    return out


def _codes(x: Matrix, rows: npt.NDArray[np.int64], where: str) -> Codes:
    """Codes `(L, n)` of the rows."""
    out = np.empty((x.shape[0], len(rows)), np.uint8)
    for first, start, block in x.blocks(range(x.shape[0]), rows):
        begin, end = np.searchsorted(rows, (start, start + block.shape[-1]))
        chosen = rows[begin:end] - start
        step = max(1, _CONVERT_BYTES // max(1, 4 * len(chosen)))
        for offset in range(0, len(block), step):
            values = np.take(block[offset : offset + step], chosen, axis=-1)
            codes, wrong = _from_channels(values)
            if wrong.any():
                row = rows[begin + int(np.flatnonzero(wrong.any(axis=0))[0])]
                raise DataError(
                    f"sequence {row} of {where}, counted from 0, is not one-hot: each position must hold 0 and 1 only, "
                    "with at most one 1."
                )
            out[first + offset : first + offset + len(codes), begin:end] = codes
    return out


def _from_channels(values: npt.NDArray[Any]) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """Codes `(positions, n)` of one-hot values `(positions, 4, n)`, and where they are not one-hot."""
    present = values == 1
    a, g, c, t = np.moveaxis(present.view(np.uint8), 1, 0)
    codes = _CODE_OF_CHANNELS[a | g << 1 | c << 2 | t << 3]
    return codes, (values != present).any(axis=1) | (codes == _SEVERAL)


def _beginning(head: bytes) -> str:
    text = " ".join(head[:40].decode("ascii", "replace").split())
    return f"begins with {text!r}" if head else "is empty"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200].rstrip(".")
