"""The folder of a user's own data set: who may change it, and how it is replaced and removed as a whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ...errors import DataError
from ...files import notices, refused
from ..cards import PACKAGED, own_dir


def cannot_write(error: OSError) -> DataError:
    """The error for what the file system refuses in the folder of the user's data sets."""
    return DataError(refused(own_dir(), error))


def is_packaged(name: str) -> bool:
    """Whether a data set that comes with motifzoo has this name."""
    return (PACKAGED / name / "card.toml").is_file()


@contextmanager
def workplace(name: str) -> Iterator[Path]:
    """An empty folder to make the data set in, while no other process makes or removes one of this name.

    It is removed at the end, and so is what a killed run left there. Raises DataError when the file system refuses.
    """
    try:
        own_dir().mkdir(parents=True, exist_ok=True)
        lock = FileLock(own_dir() / f".{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            notices.warning("another process is working on data set %s; waiting for it.", name)
            lock.acquire()
    except OSError as error:
        raise cannot_write(error) from error
    place = own_dir() / f".making-{name}"
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        yield place
    except OSError as error:
        raise cannot_write(error) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)
        lock.release()


def put_in_place(made: Path, name: str) -> None:
    """Rename a finished folder to that of the data set; what was there goes with the workplace, or stays on failure."""
    target, aside = own_dir() / name, made.parent / "replaced"
    if target.exists():
        os.replace(target, aside)
    try:
        os.replace(made, target)
    except OSError:
        if aside.exists():
            os.replace(aside, target)
        raise
