"""One trainer a folder: a lock that the kernel gives up for a process that is killed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from ..errors import ModelError
from ..files import cannot_write, remove_unfinished
from .config import MODEL_NAME

# What only a trainer writes into model folders, as `files.atomic_path` names it until it is whole; a README.md or
# scores.json may be another command's that is at work.
_UNFINISHED: Final = re.compile(r"\.tmp-[0-9a-f]{12}-(model\.safetensors|training\.json|config\.json)")
_TRIAL: Final = re.compile(r"trial-[0-9]+")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock on a folder to train into, made where there is none; what a killed trainer half wrote is removed,
    from the model folders in it too.

    Raises ModelError when another process has the lock, CacheError when the folder refuses.
    """
    lock = FileLock(folder / ".training.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise ModelError(
            f"another process is training into {folder}. Wait for it to end, or train into another folder."
        ) from error
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        remove_unfinished(folder)
        for model in _folders_in(folder, re.compile(MODEL_NAME)):
            for place in (model, *_folders_in(model, _TRIAL)):
                _remove_unfinished(place)
        yield
    finally:
        lock.release()


def _folders_in(folder: Path, name: re.Pattern[str]) -> list[Path]:
    return [path for path in folder.iterdir() if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink()]


def _remove_unfinished(folder: Path) -> None:
    for path in folder.glob(".tmp-*"):
        if _UNFINISHED.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)
