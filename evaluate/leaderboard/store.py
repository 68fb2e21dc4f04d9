"""The records in a board's folder: found, read and parsed in one pass, whatever else lies there.

A file that is no record costs nobody else's row: it becomes a sentence among the problems.
"""

import gc
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from ...errors import BoardError
from .record import MAX_RECORD_BYTES, Record, parse_record

RESULTS: Final = "results"
RECORD_SHAPE: Final = "results/<benchmark>/<model>/trial-<k>.json"

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_BUFFER: Final = 16_384  # a record fits; a larger buffer costs more to allocate than the read itself


class Store(NamedTuple):
    """What a board's folder holds: records by their path, what is wrong with other files, and a content hash.

    `digest` is a SHA-256 over paths and bytes of all files that should be records: equal digests, equal rows.
    """

    records: dict[str, Record]
    problems: list[str]
    digest: str


def read_records(folder: Path) -> tuple[dict[str, Record], list[str]]:
    """The records of a board's folder by their path in it (`results/<benchmark>/<model>/trial-<k>.json`), and a
    sentence for each file that should be one and cannot be used.

    Raises BoardError when the folder cannot be read.
    """
    store = read_store(folder)
    return store.records, store.problems


def read_store(folder: Path) -> Store:
    """The records of a board's folder with a hash of their files. Raises BoardError when the folder cannot be read."""
    records: dict[str, Record] = {}
    problems: list[str] = []
    digest = hashlib.sha256()
    with collector_paused():
        for place, path in _files(folder, problems):
            try:
                data = _read(path, place)
                digest.update(f"{shown(place)}\0{len(data)}\0".encode())
                digest.update(data)
                records[place] = record_at(place, data)
            except BoardError as error:
                problems.append(str(error))
            except OSError as error:
                problems.append(f"{shown(place)} cannot be read: {error.strerror}.")
    return Store(records, problems, digest.hexdigest())


def record_at(place: str, data: bytes) -> Record:
    """The record in a file of a board. Raises BoardError, also for a record whose place is another one."""
    record = parse_record(data, shown(place))
    if place != (right := f"{RESULTS}/{record.benchmark}/{record.model}/trial-{record.trial}.json"):
        raise BoardError(f"{shown(place)} holds the record of {right}: move it there or remove it.")
    return record


def shown(name: str) -> str:
    """A file's name as it can be printed: one that holds control characters is quoted and escaped."""
    return name if name.isprintable() else ascii(name)


def _files(folder: Path, problems: list[str]) -> Iterator[tuple[str, str]]:
    """Place and path of every file that should be a record, in the order of their names."""
    if not folder.is_dir():
        raise BoardError(f"board folder {folder} does not exist. Correct the name, or make the folder to begin one.")
    top = folder / RESULTS
    if top.is_symlink():
        problems.append(f"{RESULTS} is a symbolic link; it was not followed.")
        return
    if not top.exists():
        return
    for benchmark in _folders(str(top), RESULTS, problems):
        place = f"{RESULTS}/{benchmark.name}"
        for model in _folders(benchmark.path, place, problems):
            inside = f"{place}/{model.name}"
            for entry in _entries(model.path, inside, problems):
                if not entry.name.endswith(".json"):
                    continue
                if entry.is_file(follow_symlinks=False):
                    yield f"{inside}/{entry.name}", entry.path
                else:
                    problems.append(f"{shown(f'{inside}/{entry.name}')} is no ordinary file; it was left out.")


def _folders(path: str, place: str, problems: list[str]) -> Iterator[os.DirEntry[str]]:
    for entry in _entries(path, place, problems):
        name = shown(f"{place}/{entry.name}")
        if entry.is_dir(follow_symlinks=False):
            yield entry
        elif entry.is_symlink():
            problems.append(f"{name} is a symbolic link; it was not followed.")
        elif entry.name.endswith(".json"):
            problems.append(f"{name} stands where no record does: a record's file is {RECORD_SHAPE}.")


def _entries(path: str, place: str, problems: list[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            return sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(f"{shown(place)} cannot be read: {error.strerror}.")
        return []


def _read(path: str, place: str) -> bytes:
    descriptor = os.open(path, _FLAGS)
    try:
        data = os.read(descriptor, _BUFFER)
        if len(data) == _BUFFER:
            if (size := os.fstat(descriptor).st_size) > MAX_RECORD_BYTES:
                raise BoardError(f"{shown(place)} has {size:,} bytes; a record has at most {MAX_RECORD_BYTES:,}.")
            while more := os.read(descriptor, MAX_RECORD_BYTES):
                data += more
        return data
    finally:
        os.close(descriptor)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Python's cycle collector is off inside: walking the growing heap of records again and again doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
