"""Changes of a folder that happen as a whole, though a process can be killed between any two of its files.

New files are written under `.motifzoo/staged/` and then named in `.motifzoo/journal.json`: from the moment that this
file exists the change holds, before it there was none. Then the files are moved to their places and the journal goes.
Whoever next locks the folder ends a change whose process died, and drops staged files that no journal names. All
functions but `under_way` and `generation` want the folder's lock held.
"""

import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ....errors import BoardError
from . import layout
from .board import MAX_READ_BYTES, Change

STATE: Final = ".motifzoo"

_JOURNAL: Final = "journal.json"
_STAGED: Final = "staged"
_GENERATION: Final = "generation"


class _Journal(BaseModel):
    """`moves` maps a path to the name of its staged file, `deletes` are paths that go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    moves: Mapping[str, Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]]
    deletes: tuple[str, ...]


def under_way(root: Path) -> bool:
    """Whether a change holds whose files are not all in their places yet."""
    return (root / STATE / _JOURNAL).exists()


def generation(root: Path) -> str:
    """A token that every change replaces; "" before the first."""
    return (_content(root / STATE / _GENERATION) or b"").decode("ascii", "replace")


def commit(root: Path, change: Change) -> None:
    """Make a change whose paths are checked. Raises OSError or BoardError; without a journal nothing has changed."""
    state = root / STATE
    staged = state / _STAGED
    moves: dict[str, str] = {}
    try:
        staged.mkdir()
        for number, (path, content) in enumerate(sorted(change.items())):
            refuse_links(root, path)
            if content is None:
                continue
            # Folders first: to make one can fail for want of space, and after the journal that would be late.
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            _write(staged / str(number), content)
            moves[path] = str(number)
        deletes = tuple(path for path, content in change.items() if content is None)
        _replace(state / _JOURNAL, _Journal(moves=moves, deletes=deletes).model_dump_json().encode())
    except (OSError, BoardError):
        shutil.rmtree(staged, ignore_errors=True)
        raise
    finish(root)


def finish(root: Path) -> None:
    """End the change that the journal names, if there is one, and drop what no journal names.

    Raises OSError, or BoardError for a journal that no process of this program left so.
    """
    state = root / STATE
    journal = _read(state / _JOURNAL)
    if journal is not None:
        for path, name in journal.moves.items():
            source, target = state / _STAGED / name, root / path
            refuse_links(root, path)
            if source.exists():  # else it was moved before the process died
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
        for path in journal.deletes:
            refuse_links(root, path)
            (root / path).unlink(missing_ok=True)
            _prune(root, path)
        # The generation changes before the journal goes: a reader that saw no journal sees that it must read again.
        _replace(state / _GENERATION, secrets.token_hex(8).encode())
        (state / _JOURNAL).unlink()
    shutil.rmtree(state / _STAGED, ignore_errors=True)


def refuse_links(root: Path, path: str) -> None:
    """Raise BoardError where a path leads through a symbolic link, or where a folder or its file should be another."""
    parts = path.split("/")
    for end in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:end])
        try:
            mode = place.lstat().st_mode
        except FileNotFoundError:
            return
        if stat.S_ISLNK(mode):
            raise BoardError(f"{place} is a symbolic link, and a board has none: remove it.")
        if stat.S_ISDIR(mode) != (end < len(parts)):
            raise BoardError(
                f"{place} is a {'folder' if stat.S_ISDIR(mode) else 'file'}, where {path} needs the other."
            )


def _read(path: Path) -> _Journal | None:
    content = _content(path)
    if content is None:
        return None
    try:
        journal = _Journal.model_validate_json(content)
        for name in (*journal.moves, *journal.deletes):
            layout.check_path(name)
    except (ValidationError, BoardError) as error:
        raise BoardError(
            f"{path} is damaged, so that a change of the board that was cut off cannot be ended. Restore the board's "
            f"folder from a copy, or remove {path.parent} and check the newest results."
        ) from error
    return journal


def _content(path: Path) -> bytes | None:
    """A file of the state; None where there is none. The folder may come from a stranger: no link or pipe is read."""
    try:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_READ_BYTES:
            return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BoardError(f"cannot read {path}: {error.strerror}.") from error
    raise BoardError(f"{path} is no file of a board's state: remove {path.parent} and check the newest results.")


def _write(path: Path, content: bytes | Path) -> None:
    with path.open("xb") as target:
        if isinstance(content, bytes):
            target.write(content)
        elif content.is_symlink() or not content.is_file():
            raise BoardError(f"{content} is no ordinary file; a board has no others.")
        else:
            with content.open("rb") as source:
                shutil.copyfileobj(source, target, 1 << 20)
        _flush(target.fileno())


def _replace(path: Path, content: bytes) -> None:
    """Write a small file so that it is there whole or as it was; on the disk, and what was staged before it too."""
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("wb") as stream:
        stream.write(content)
        stream.flush()
        _flush(stream.fileno())
    os.replace(temporary, path)


def _flush(descriptor: int) -> None:
    os.fsync(descriptor)


def _prune(root: Path, path: str) -> None:
    """Remove the folders that a deletion left empty, up to the first part of the path."""
    for folder in list((root / path).parents)[: path.count("/") - 1]:
        try:
            folder.rmdir()
        except OSError:
            return
