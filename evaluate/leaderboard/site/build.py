"""`build_site`: write the pages of a board into a folder, which then needs no server."""

import os
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ....errors import BoardError
from ..boards.board import Board
from .files import MARK, SPACE, site_files


class Site(NamedTuple):
    """What was built: the folder, how many files and bytes, and what is wrong with files of the board."""

    folder: Path
    files: int
    size: int
    problems: tuple[str, ...]


def build_site(board: Board, folder: Path) -> Site:
    """Write the pages of a board into `folder`, in place of the site that was there before.

    The same state of a board gives the same bytes. The pages appear together: a build that fails leaves what was
    there. Raises BoardError for a folder that holds something else than a site or that cannot be written, and what
    reading the board raises.
    """
    _check(folder)
    snapshot = board.snapshot()
    paths = frozenset(board.paths("results", snapshot.revision))
    staged = folder.parent / f".tmp-{secrets.token_hex(6)}-{folder.name}"
    files, size = 0, 0
    try:
        for path, text in site_files(snapshot, paths, lambda wanted: board.read_bytes(wanted, snapshot.revision)):
            target = staged / PurePosixPath(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = text.encode()
            target.write_bytes(content)
            files, size = files + 1, size + len(content)
        _replace(folder, staged)
    except OSError as error:
        raise BoardError(f"cannot write the pages to {folder}: {error.strerror}. Give another --output.") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return Site(folder, files, size, tuple(snapshot.problems))


def _check(folder: Path) -> None:
    """Refuse a folder whose content a build must not replace."""
    try:
        mark = folder / MARK
        free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
        if free or (mark.is_file() and mark.read_text(encoding="utf-8", errors="replace") == SPACE):
            return
    except OSError as error:
        raise BoardError(f"cannot read {folder}: {error.strerror}. Give another --output.") from error
    raise BoardError(
        f"{folder} holds something else than a leaderboard's pages, and a build would replace it. Give an empty or a "
        "new folder with --output."
    )


def _replace(folder: Path, staged: Path) -> None:
    """Put the new pages in place of the old ones, which are moved away first: a folder is not renamed onto another."""
    old = folder.parent / f"{staged.name}-old"
    if folder.exists():
        os.replace(folder, old)
    os.replace(staged, folder)
    shutil.rmtree(old, ignore_errors=True)
