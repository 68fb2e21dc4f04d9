"""Computed arrays kept in the cache by content, so that nothing is computed twice and a killed run resumes.

A stage is one unit of computation (predictions, filter counts, one attribution method). Its key is a hash of everything
its arrays depend on; its file is a safetensors file with the seconds it took.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..errors import CacheError
from ..files import atomic_path, cache_dir, notices

Arrays = dict[str, npt.NDArray[Any]]


class Stage(NamedTuple):
    """A stage's arrays, how long they took to compute (seconds, then) and on what, and if the cache had them."""

    arrays: Arrays
    seconds: float
    device: str
    cached: bool


def stage_key(parts: Mapping[str, object]) -> str:
    """Hex SHA-256 of what a stage's arrays depend on, as sorted JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def run_stage(
    name: str,
    parts: Mapping[str, object],
    compute: Callable[[], Arrays],
    describe_device: Callable[[], str],
    *,
    fresh: bool = False,
) -> Stage:
    """The stage's arrays: from the cache when its key is there, else computed and kept.

    A damaged cache file is computed again with a notice; a cache that cannot be written costs a notice only.
    `fresh` computes whatever the cache holds.
    """
    path = cache_dir() / "stages" / f"{name}-{stage_key({'stage': name, **parts})}.safetensors"
    found = None if fresh else _read(path)
    if found is not None:
        return found
    started = time.perf_counter()
    arrays = compute()
    stage = Stage(arrays, time.perf_counter() - started, describe_device(), False)
    try:
        with atomic_path(path) as temporary:
            stored = {key: np.ascontiguousarray(value) for key, value in arrays.items()}
            try:
                save_file(stored, temporary, {"seconds": repr(stage.seconds), "device": stage.device})
            except SafetensorError as error:  # what it makes of a full disk
                raise OSError(str(error)) from error
    except CacheError as error:
        notices.warning("%s is not kept for next time: %s", name, error)
    return stage


def _read(path: Path) -> Stage | None:
    try:
        if not path.is_file():
            return None
        with safe_open(path, framework="numpy") as handle:
            about = handle.metadata() or {}
            arrays = {key: handle.get_tensor(key) for key in handle.keys()}  # noqa: SIM118
            return Stage(arrays, float(about["seconds"]), about["device"], True)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        notices.warning("cached file %s is damaged (%s); it is computed again.", path.name, error)
        return None
