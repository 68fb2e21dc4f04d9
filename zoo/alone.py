"""One trainer a folder: a lock that the kernel gives up for a process that is killed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import ModelError
from ..files import cannot_write, remove_unfinished


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock on a folder to train into, made where there is none; what a killed trainer half wrote is removed.

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
        yield
    finally:
        lock.release()
