"""Weights: safetensors files, read by a loader that trusts nothing in them.

The header is parsed under a size cap and its tensors must tile the file; names, shapes and dtypes must equal the
network's exactly; every value must be finite; the content must have the hash that config.json states. Reading needs
only NumPy, so hashes can be checked without starting PyTorch.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from ..files import atomic_path

MAX_HEADER_BYTES = 1_000_000
MAX_FILE_BYTES = 2_000_000_000
_DTYPES: Final[dict[str, np.dtype[Any]]] = {"F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}

Arrays = dict[str, npt.NDArray[Any]]


class TensorSpec(NamedTuple):
    """What a tensor must be: safetensors dtype ("F32", "I64") and shape."""

    dtype: str
    shape: tuple[int, ...]


def content_hash(arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over the tensors sorted by name: name, dtype, shape and bytes of each, whatever file holds them."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        dtype = _NAMES[array.dtype.newbyteorder("<")]
        shape = ",".join(str(size) for size in array.shape)
        digest.update(f"{name}\0{dtype}\0{shape}\0".encode())
        digest.update(array.astype(_DTYPES[dtype], copy=False).tobytes())
    return digest.hexdigest()


def write_weights(arrays: Mapping[str, npt.NDArray[Any]], path: Path) -> str:
    """Write a safetensors file atomically and return the content hash; raises CacheError when the folder refuses."""
    save_arrays(arrays, path, ("format", "pt"))
    return content_hash(arrays)


def save_arrays(arrays: Mapping[str, npt.NDArray[Any]], path: Path, about: tuple[str, str]) -> None:
    """Write arrays atomically to a safetensors file with one metadata entry; with more, its bytes would not repeat.

    Raises CacheError when the folder refuses.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    with atomic_path(path) as temporary:
        try:
            save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, temporary, dict([about]))
        except SafetensorError as error:  # what it makes of a full disk
            raise OSError(str(error)) from error


def read_weights(path: Path) -> Arrays:
    """All tensors of a safetensors file, as NumPy arrays of their own memory.

    Raises ModelError for anything that is not a whole, plain safetensors file of F32 and I64 tensors, or that holds
    a NaN or an infinity.
    """
    data = _read_bytes(path)
    header, start = _parse_header(path, data)
    arrays: Arrays = {}
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1][1]):
        spec, begin, stop = entry
        if begin != end:
            raise ModelError(f"{path} is damaged: tensor {name!r} starts at byte {begin} where {end} was expected.")
        needed = math.prod(spec.shape) * _DTYPES[spec.dtype].itemsize
        if stop - begin != needed:
            raise ModelError(f"{path} is damaged: tensor {name!r} needs {needed} bytes and has {stop - begin}.")
        if start + stop > len(data):
            raise ModelError(
                f"{path} is cut short: tensor {name!r} ends at byte {start + stop} and the file at {len(data)}."
            )
        values = np.frombuffer(data, _DTYPES[spec.dtype], math.prod(spec.shape), start + begin)
        arrays[name] = values.reshape(spec.shape).copy()
        end = stop
    if start + end != len(data):
        raise ModelError(f"{path} is damaged: {len(data) - start - end} bytes follow the last tensor.")
    for name in sorted(arrays):
        bad = int(np.count_nonzero(~np.isfinite(arrays[name])))
        if bad:
            raise ModelError(f"tensor {name!r} in {path} holds {bad} values that are NaN or infinite.")
    return arrays


def check_weights(path: Path, arrays: Mapping[str, npt.NDArray[Any]], expected: Mapping[str, TensorSpec]) -> None:
    """Raise ModelError unless names, dtypes and shapes are exactly `expected`, and every running variance is >= 0."""
    missing, extra = sorted(expected.keys() - arrays.keys()), sorted(arrays.keys() - expected.keys())
    if missing or extra:
        problems = [f"lacks {_listing(missing)}"] if missing else []
        problems += [f"has {_listing(extra)}, which the config's layers do not"] if extra else []
        raise ModelError(f"{path} does not fit config.json: it {' and '.join(problems)}.")
    for name, spec in expected.items():
        found = TensorSpec(_NAMES[arrays[name].dtype], arrays[name].shape)
        if found != spec:
            raise ModelError(
                f"tensor {name!r} in {path} is {found.dtype} {list(found.shape)} and config.json makes it "
                f"{spec.dtype} {list(spec.shape)}."
            )
        if name.endswith("running_var") and np.any(arrays[name] < 0):
            raise ModelError(f"tensor {name!r} in {path} holds a negative variance.")


def check_hash(path: Path, arrays: Mapping[str, npt.NDArray[Any]], stated: str) -> None:
    """Raise ModelError unless the tensors' content hash is the one that config.json states."""
    found = content_hash(arrays)
    if found != stated:
        raise ModelError(
            f"{path} has content hash {found[:12]} and config.json states {stated[:12]}: these are not the weights "
            "that were published. Fetch the model again."
        )


def _listing(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _read_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{path} has {size:,} bytes; the limit is {MAX_FILE_BYTES:,}.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"weights file {path} does not exist.") from error
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}.") from error


def _parse_header(path: Path, data: bytes) -> tuple[dict[str, tuple[TensorSpec, int, int]], int]:
    """Each tensor's spec and byte range, and where the tensors' bytes begin."""
    if len(data) < 8:
        raise ModelError(f"{path} is cut short: {len(data)} bytes are no safetensors file.")
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER_BYTES:
        # A short header's length may begin with these very bytes, but then it goes on with zeros.
        if data[:2] == b"PK" or (data[:1] == b"\x80" and data[1:2] in b"\x02\x03\x04\x05"):
            raise ModelError(f"{path} is a pickle, not a safetensors file. Pickles can run code; nothing was loaded.")
        raise ModelError(
            f"{path} is not a usable safetensors file: its header claims {length:,} bytes; the limit is "
            f"{MAX_HEADER_BYTES:,}."
        )
    if 8 + length > len(data):
        raise ModelError(f"{path} is cut short: its header needs {length:,} bytes and {len(data) - 8:,} follow.")
    try:
        raw = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_no_duplicates)
        if not isinstance(raw, dict):
            raise TypeError("not an object")
        raw.pop("__metadata__", None)
        return {name: _parse_entry(entry) for name, entry in raw.items()}, 8 + length
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"{path} has a malformed safetensors header: {error}.") from error


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _parse_entry(entry: Any) -> tuple[TensorSpec, int, int]:
    if set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError("a tensor needs dtype, shape and data_offsets and nothing else")
    if entry["dtype"] not in _DTYPES:
        raise ValueError(f"dtype {entry['dtype']!r} is not F32 or I64")
    numbers = [*entry["shape"], *entry["data_offsets"]]
    if len(entry["data_offsets"]) != 2 or not all(type(value) is int and 0 <= value < 2**40 for value in numbers):
        raise ValueError("shape and data_offsets must be whole numbers, data_offsets two of them")
    # A tensor without elements takes no bytes, whatever its other sizes; NumPy still multiplies them.
    if 0 in entry["shape"] and math.prod(size or 1 for size in entry["shape"]) >= 2**40:
        raise ValueError("a shape is larger than any file")
    begin, stop = entry["data_offsets"]
    if len(entry["shape"]) > 8 or stop < begin:
        raise ValueError("a shape has more than 8 dimensions or a tensor ends before it begins")
    return TensorSpec(entry["dtype"], tuple(entry["shape"])), begin, stop
