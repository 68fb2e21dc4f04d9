"""Files on disk: the cache folder, atomic writes, content hashes."""

import contextlib
import errno
import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .errors import CacheError

notices = logging.getLogger("motifzoo")


def cache_dir() -> Path:
    """The folder of generated data and results: $MOTIFZOO_CACHE, $XDG_CACHE_HOME/motifzoo or ~/.cache/motifzoo."""
    if chosen := os.environ.get("MOTIFZOO_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "motifzoo"


def data_dir() -> Path:
    """The folder of what the user made and nothing can make again: $MOTIFZOO_DATA, $XDG_DATA_HOME/motifzoo or
    ~/.local/share/motifzoo."""
    if chosen := os.environ.get("MOTIFZOO_DATA"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "motifzoo"


_FULL: Final = {errno.ENOSPC, errno.EDQUOT}
_REFUSED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_UNFINISHED: Final = re.compile(r"\.tmp-[0-9a-f]{12}-.")  # as `atomic_path` names them
_FOLDERS: Final = {"MOTIFZOO_DATA": data_dir, "MOTIFZOO_CACHE": cache_dir}


def cannot_write(path: Path, error: OSError) -> CacheError:
    """The error for a file or folder that the file system refuses, with what helps against that."""
    return CacheError(refused(path, error))


def refused(path: Path, error: OSError) -> str:
    """What the file system refuses to write, why, and what helps: two sentences."""
    return f"cannot write {path}: {error.strerror or error}. {remedy(path, error)}"


def remedy(path: Path, error: OSError) -> str:
    """What helps when the file system refuses to write a file or folder: a sentence."""
    variable = next((name for name, folder in _FOLDERS.items() if path.is_relative_to(folder())), None)
    elsewhere = f"set {variable} to another folder" if variable else "choose another folder"
    advice = " or ".join(filter(None, (remedy_there(error), elsewhere)))
    return f"{advice[0].upper()}{advice[1:]}."


def remedy_there(error: OSError) -> str:
    """What helps in the place where the file system refuses to write, as an imperative; "" where nothing is known."""
    number = error.errno
    if number is None and (said := re.search(r"\(os error ([0-9]+)\)", str(error))):
        number = int(said[1])  # safetensors tells it in words only
    if number in _FULL:
        return "free some space"
    return "make the folder writable" if number in _REFUSED else ""


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, remove it on any failure.

    A reader sees the old file or the whole new one, and a killed run leaves at most a `.tmp-*` file that nothing reads
    (`remove_unfinished`). Raises CacheError, naming the folder, when the file system refuses (read-only, full).
    """
    temporary = path.parent / f".tmp-{secrets.token_hex(6)}-{path.name}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary.is_file():
            temporary.chmod(0o644)  # some writers make files that only their owner can read
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed run's `atomic_path` left in a folder, and nothing that anyone else called alike."""
    for path in folder.glob(".tmp-*"):
        if _UNFINISHED.match(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def sha256_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
