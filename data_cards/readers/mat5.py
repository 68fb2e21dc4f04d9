"""Numeric matrices of MATLAB's version 5 files (`save -v6` and `-v7`) as a stream: a few slabs in memory at a time.

`scipy.io.loadmat` holds a whole matrix and, while it inflates it, a second copy: too much for DeepSEA's `test.mat`.
The layout is MathWorks' "MAT-File Level 5 File Format": a header of 128 bytes, then one element for each variable,
deflated or not, whose values come in column-major order, the rows fastest.
"""

import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import DataError

BLOCK_BYTES: Final = 32 << 20  # of a matrix in memory at a time, unless a single slab is larger
MAX_BLOCK_BYTES: Final = 256 << 20  # no more than that, however large a slab is

_HEADER = 128
_VERSION = 0x0100
_MATRIX, _COMPRESSED = 14, 15
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_KINDS = {1: "a cell array", 2: "a struct", 3: "an object", 4: "text", 5: "a sparse matrix"}
_NUMERIC = range(6, 16)  # array classes: double, single, and the integers; logical is a flag on uint8
_COMPLEX = 0x0800
_MAX_NAME = 4096
_MAX_AXES = 32
_INPUT = 64 << 10  # deflated bytes handed to zlib at a time; it copies what it leaves
_OUTPUT = 1 << 20  # bytes taken from it at a time; it needs room for as much again


class _Header(NamedTuple):
    """What precedes the values: the axes in MATLAB's order, how the values are stored, and `kind`, empty for numbers.

    `tail` holds the values themselves where they are so few (4 bytes) that they stand in the tag.
    """

    name: str
    kind: str
    axes: tuple[int, ...] = ()
    dtype: np.dtype[Any] = np.dtype("u1")
    tail: bytes | None = None


class _DamagedError(Exception):
    """An element that is not as the format has it; the message says how."""


class _Element:
    """The bytes of a variable from front to back, inflated where they are deflated."""

    def __init__(self, file: BinaryIO, offset: int, size: int, *, deflated: bool) -> None:
        file.seek(offset)
        self._file, self._left = file, size
        self._inflater = zlib.decompressobj() if deflated else None

    def read(self, size: int) -> bytes:
        out = bytearray(size)
        self.readinto(memoryview(out))
        return bytes(out)

    def readinto(self, out: memoryview) -> None:
        """Fill `out`. Raises _DamagedError when the element ends before."""
        while len(out):
            part = self._some(min(len(out), _OUTPUT))
            if not part:
                raise _DamagedError("a variable ends before its values do")
            out[: len(part)] = part
            out = out[len(part) :]

    def finish(self) -> None:
        """Read what is left, which may be padding; zlib compares its checksum at the end. Raises _DamagedError."""
        if self._inflater is None:
            return
        left = 0
        while left < 8 and (part := self._some(8)):
            left += len(part)
        if left >= 8 or not self._inflater.eof:
            raise _DamagedError("a compressed variable does not end where its values do")

    def _some(self, limit: int) -> bytes:
        if self._inflater is None:
            return self._input(limit)
        while not self._inflater.eof:
            deflated = self._inflater.unconsumed_tail or self._input(_INPUT)
            try:
                part = self._inflater.decompress(deflated, limit)
            except zlib.error as error:
                raise _DamagedError(f"a compressed variable is damaged ({error})") from error
            if part:
                return part
            if not deflated:
                break
        return b""

    def _input(self, limit: int) -> bytes:
        part = self._file.read(min(limit, self._left))
        self._left -= len(part)
        return part


def _sub(element: _Element, order: str, limit: int) -> bytes:
    """The content of a short sub-element, without its padding to 8 bytes."""
    _, size, tail = _tag(element, order)
    if tail is not None:
        return tail
    if size > limit:
        raise _DamagedError("the header of a variable is too long")
    return element.read(-(-size // 8) * 8)[:size]


def _tag(element: _Element, order: str) -> tuple[int, int, bytes | None]:
    """Type and size of a sub-element, and its content when it is small enough to stand in the tag."""
    tag = element.read(8)
    kind, size = struct.unpack(f"{order}II", tag)
    if kind >> 16:
        size = kind >> 16
        if size > 4:
            raise _DamagedError("the header of a variable is garbled")
        return kind & 0xFFFF, size, tag[4 : 4 + size]
    return kind, size, None


def _header(element: _Element, order: str) -> _Header:
    flags = _sub(element, order, 8)
    if len(flags) != 8:
        raise _DamagedError("the header of a variable is garbled")
    (word,) = struct.unpack_from(f"{order}I", flags)
    kind = word & 0xFF
    if kind not in _NUMERIC and kind not in _KINDS:
        return _Header("", "something other than numbers")  # a function or an object: its header goes on otherwise
    axes = _sub(element, order, 4 * _MAX_AXES)
    if len(axes) % 4 or len(axes) < 8:
        raise _DamagedError("the header of a variable is garbled")
    shape = struct.unpack(f"{order}{len(axes) // 4}i", axes)
    name = _sub(element, order, _MAX_NAME).decode("latin-1")
    if kind in _KINDS or word & _COMPLEX:
        return _Header(name, _KINDS.get(kind, "a complex matrix"))
    stored, size, tail = _tag(element, order)
    if stored not in _STORED or min(shape) < 0:
        raise _DamagedError("the header of a variable is garbled")
    dtype = np.dtype(order + _STORED[stored])
    needed = math.prod(shape) * dtype.itemsize
    if size != needed:
        raise _DamagedError(f"variable {name!r} has {size:,} bytes of values where its shape needs {needed:,}")
    return _Header(name, "", shape, dtype, tail)


@dataclass(frozen=True)
class Matrix5:
    """A matrix in a version 5 file; its values stay there until they are read.

    shape: MATLAB's, reversed, so the rows come last, as HDF5 shows a version 7.3 file. A slab is one index of the first
    axis. stripe: rows that can be read without reading others: all of them.
    """

    path: Path
    where: str
    name: str
    shape: tuple[int, ...]
    order: str
    offset: int
    size: int
    deflated: bool

    @property
    def stripe(self) -> int:
        return max(1, self.shape[-1])

    def blocks(
        self, slabs: Sequence[int] | npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
    ) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
        """Blocks that together hold the chosen slabs of the chosen rows: first slab, first row, values
        `(slabs, ..., rows)`.

        The values are of the type that they are stored as (MATLAB stores whole doubles as bytes where they fit) and
        are valid until the next block. The rows are always all rows, and every byte of the variable is read, so that
        damage anywhere in it is noticed. Raises DataError, naming the file, for a damaged variable.
        """
        try:
            with self.path.open("rb") as file:
                element = _Element(file, self.offset, self.size, deflated=self.deflated)
                if self.deflated:
                    element.read(8)
                header = _header(element, self.order)
                yield from self._values(element, header, np.asarray(slabs))
                element.finish()
        except _DamagedError as error:
            raise _damaged(self.where, error) from error

    def _values(
        self, element: _Element, header: _Header, slabs: npt.NDArray[np.int64]
    ) -> Iterator[tuple[int, int, npt.NDArray[Any]]]:
        if header.tail is not None:
            yield 0, 0, np.frombuffer(header.tail, header.dtype).reshape(self.shape)
            return
        slab = math.prod(self.shape[1:]) * header.dtype.itemsize
        if slab > MAX_BLOCK_BYTES:
            raise _DamagedError(
                f"variable {self.name!r} has {slab:,} bytes for one index of its last axis, an absurd number"
            )
        step = max(1, BLOCK_BYTES // max(1, slab))
        buffer = bytearray(min(step, self.shape[0]) * slab)
        for first in range(0, self.shape[0], step):
            count = min(step, self.shape[0] - first)
            element.readinto(memoryview(buffer)[: count * slab])
            if np.any((slabs >= first) & (slabs < first + count)):
                values = np.frombuffer(buffer, header.dtype, count * slab // header.dtype.itemsize)
                yield first, 0, values.reshape(count, *self.shape[1:])


def is_mat5(path: Path) -> bool:
    """Whether a file has the header of a version 5 file."""
    with path.open("rb") as file:
        return _byte_order(file.read(_HEADER)) is not None


def _byte_order(header: bytes) -> str | None:
    order = {b"IM": "<", b"MI": ">"}.get(header[126:128])
    if order is None or struct.unpack_from(f"{order}H", header, 124) != (_VERSION,):
        return None
    return order


def find(path: Path, name: str, where: str) -> Matrix5:
    """The numeric matrix `name` of a version 5 file that messages call `where`.

    Every variable's place and header is looked at, so a file that was cut short is noticed here. Raises DataError for a
    file that is no version 5 file, is damaged, or has no such matrix.
    """
    others: list[str] = []
    found: Matrix5 | None = None
    try:
        for header, matrix in _walk(path, where):
            if header.name != name:
                others.append(header.name)
            elif header.kind:
                raise DataError(f"variable {name!r} of {where} is {header.kind}; it must be a full matrix of numbers.")
            else:
                found = found or matrix
    except _DamagedError as error:
        raise _damaged(where, error) from error
    if found is None:
        there = ", ".join(sorted(other for other in others if other)) or "none"
        raise DataError(f"{where} has no variable {name!r}; it has: {there}.")
    return found


def _walk(path: Path, where: str) -> Iterator[tuple[_Header, Matrix5]]:
    size = path.stat().st_size
    with path.open("rb") as file:
        order = _byte_order(file.read(_HEADER))
        if order is None:
            raise DataError(f"{where} is not a MATLAB file of version 5.")
        offset = _HEADER
        while offset < size:
            file.seek(offset)
            tag = file.read(8)
            kind, length = struct.unpack(f"{order}II", tag) if len(tag) == 8 else (0, 0)
            offset += 8
            if len(tag) < 8 or offset + length > size:
                raise _DamagedError("it ends within a variable")
            if kind not in (_MATRIX, _COMPRESSED):
                raise _DamagedError(f"byte {offset - 8:,} does not begin a variable")
            element = _Element(file, offset, length, deflated=kind == _COMPRESSED)
            if kind == _COMPRESSED and struct.unpack(f"{order}II", element.read(8))[0] != _MATRIX:
                raise _DamagedError(f"byte {offset - 8:,} does not begin a variable")
            header = _header(element, order)
            yield (
                header,
                Matrix5(path, where, header.name, header.axes[::-1], order, offset, length, kind == _COMPRESSED),
            )
            offset += length


def _damaged(where: str, error: _DamagedError) -> DataError:
    return DataError(f"{where} is damaged: {error}. Delete the file and fetch it again.")
