"""A private copy of a submission: what is checked is what was copied, whatever happens to the original meanwhile."""

import os
import stat
from pathlib import Path
from typing import Final

from .limits import LIMITS, Limits, refusal
from .listing import check_listing, is_kept, list_folder

_BLOCK: Final = 1 << 20


def copy_in(folder: Path, into: Path, limits: Limits = LIMITS) -> Path:
    """Copy the files of a submission into the new folder `into`, and return it.

    Names and sizes are checked before anything is read; each file is opened once, without following links or waiting
    for a pipe, and read once, no further than its limit. Copies are plain files without any right to execute; what
    only a hub needs stays behind. Raises BoardError listing every reason for which the folder is refused.
    """
    what = f"submission {folder}"
    if not folder.is_dir():
        raise refusal(what, ["it is not a folder: give the folder that holds config.json."])
    try:
        found, reasons = list_folder(folder)
    except OSError as error:
        raise refusal(what, [f"it cannot be read: {error.strerror}."]) from error
    reasons += check_listing({path: status.st_size for path, status in found.items()}, limits)
    if reasons:
        raise refusal(what, reasons)
    into.mkdir(mode=0o700)
    for path, listed in found.items():
        if not is_kept(path):
            continue
        (into / path).parent.mkdir(exist_ok=True)
        reason = _copy(folder, path, into / path, listed)
        if reason is not None:
            raise refusal(what, [reason])
    return into


def _copy(folder: Path, path: str, target: Path, listed: os.stat_result) -> str | None:
    """Copy one file, the one that was listed; returns why not, or None."""
    changed = f"{path} changed while it was read. Stop what writes to it, then submit again."
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(folder / path, flags)
    except FileNotFoundError:
        return changed
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    with os.fdopen(descriptor, "rb") as source, target.open("xb") as copy:
        # The name may stand for another file by now, in a folder that is a link to elsewhere.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or _identity(os.fstat(descriptor)) != _identity(listed):
            return changed
        left = listed.st_size
        while left and (block := source.read(min(_BLOCK, left))):
            copy.write(block)
            left -= len(block)
        whole = not left and not source.read(1)
        return None if whole and _identity(os.fstat(descriptor)) == _identity(listed) else changed


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_nlink
