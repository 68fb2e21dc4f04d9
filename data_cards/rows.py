"""DNA codes that stay on disk: the sequence column of a memory-mapped Arrow table, read a few rows at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ..errors import DataError
from .onehot import Codes, encode_bytes

Rows = slice | npt.NDArray[np.int64]
_BLOCK = 16_384  # rows converted at a time where a whole column is walked


def open_mapped(path: Path) -> pa.Table:
    """An Arrow file as a table whose columns stay on disk until they are read. Raises OSError or ArrowException."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def text_blocks(column: pa.ChunkedArray) -> list[npt.NDArray[np.uint8]]:
    """The letters of a string column, uint8 `(n, L)` for each chunk, without a copy.

    Raises DataError when a value is missing or the strings are not equally long.
    """
    blocks: list[npt.NDArray[np.uint8]] = []
    length: int | None = None
    for chunk in column.chunks:
        if len(chunk) == 0:
            continue
        if chunk.null_count:
            raise DataError(f"{chunk.null_count} sequences are missing.")
        offset_type = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
        # The array may be a slice of longer buffers.
        offsets = np.frombuffer(chunk.buffers()[1], offset_type)[chunk.offset : chunk.offset + len(chunk) + 1]
        widths = np.diff(offsets)
        length = int(widths[0]) if length is None else length
        if np.any(widths != length):
            raise DataError(f"sequences of {length} nt and of {widths[widths != length][0]} nt are in one data set.")
        letters = chunk.buffers()[2]
        text = np.frombuffer(letters, np.uint8) if letters is not None else np.zeros(0, np.uint8)
        blocks.append(text[offsets[0] : offsets[-1]].reshape(len(chunk), length))
    return blocks


class MappedCodes:
    """Codes `(N, L)` uint8 of a string column; indexing by a slice or row numbers reads and encodes those rows only.

    rows: the rows of the column that there are, in their order; all by default.
    """

    dtype = np.dtype(np.uint8)
    ndim = 2

    def __init__(self, column: pa.ChunkedArray, rows: npt.NDArray[np.int64] | None = None) -> None:
        self._column = column
        self._rows = rows
        self._blocks = text_blocks(column)
        self._ends = np.cumsum([len(block) for block in self._blocks], dtype=np.int64)
        width = self._blocks[0].shape[1] if self._blocks else 0
        self.shape = (len(column) if rows is None else len(rows), width)

    @property
    def column(self) -> pa.ChunkedArray:
        """The sequences as strings; read into memory where the rows were chosen."""
        return self._column if self._rows is None else self._column.take(pa.array(self._rows))

    def select(self, rows: npt.NDArray[np.int64]) -> "MappedCodes":
        """The chosen rows, still on disk."""
        return MappedCodes(self._column, rows if self._rows is None else self._rows[rows])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Rows) -> Codes:
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        elif rows.dtype == np.bool_:
            rows = np.flatnonzero(rows)
        if len(rows) and (rows.min() < -len(self) or rows.max() >= len(self)):
            raise IndexError(f"row out of range for {len(self)} sequences")
        wanted = np.where(rows < 0, rows + len(self), rows)
        if self._rows is not None:
            wanted = self._rows[wanted]
        text = np.empty((len(wanted), self.shape[1]), np.uint8)
        block_of = np.searchsorted(self._ends, wanted, side="right")
        for number in np.unique(block_of):
            chosen = block_of == number
            block = self._blocks[number]
            text[chosen] = block[wanted[chosen] - (self._ends[number] - len(block))]
        return encode_bytes(text)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        codes = self[:]
        return codes if dtype is None else codes.astype(dtype)


AnyCodes = Codes | MappedCodes


def blocks(codes: AnyCodes, size: int = _BLOCK) -> Iterator[Codes]:
    """Consecutive runs of rows, `size` at a time."""
    for begin in range(0, len(codes), size):
        yield codes[begin : begin + size]
