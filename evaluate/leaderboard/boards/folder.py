"""A board in a folder: changes under a lock that the kernel frees when a process dies, and as a whole or not at all."""

import filecmp
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from ....errors import BoardError
from ....files import remedy_there
from ..store import read_store, shown
from . import admission, journal, layout
from .board import MAX_READ_BYTES, Change, Files, Proposal, Snapshot

LOCK_SECONDS: Final = 600.0
_READS: Final = 5  # how often a reader begins again before it keeps writers out
_BUSY_SECONDS: Final = 10.0  # how long a reader that cannot write waits for a writer to end its change
_POLL_SECONDS: Final = 0.02
_LOCK: Final = "lock"


class FolderBoard:
    """The board in the folder `root`. `name` is what a person types for it, `lock_seconds` how long a change waits."""

    def __init__(self, root: Path, name: str | None = None, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self.root = root
        self.name = str(root) if name is None else name
        self.url: str | None = None
        self._lock_seconds = lock_seconds

    def snapshot(self) -> Snapshot:
        """All records. A change that a killed process left half-way is ended first, where the folder can be written."""
        for _ in range(_READS):
            problem = self._wait_or_end() if journal.under_way(self.root) else ""
            before = journal.generation(self.root)
            found = self._read()
            if problem:
                return Snapshot(found.revision, found.records, [problem, *found.problems])
            if not journal.under_way(self.root) and journal.generation(self.root) == before:
                return found
        with self._locked():
            return self._read()

    def read_bytes(self, path: str, revision: str) -> bytes:
        """A file's bytes, as they are now."""
        layout.check_path(path)
        journal.refuse_links(self.root, path)
        try:
            if (size := (self.root / path).stat().st_size) > MAX_READ_BYTES:
                raise BoardError(f"{self.root / path} has {size:,} bytes; the limit is {MAX_READ_BYTES:,}.")
            return (self.root / path).read_bytes()
        except FileNotFoundError:
            raise BoardError(f"board {self.name} has no file {path}.") from None
        except OSError as error:
            raise BoardError(f"cannot read {self.root / path}: {error.strerror}.") from error

    def paths(self, prefix: str, revision: str) -> list[str]:
        """The paths of all files in a folder of the board, as they are now; links and hidden files are none."""
        return sorted(_walk(self.root, prefix.strip("/")))

    def propose(self, change: Files, message: str) -> Proposal:
        """Add claimed records, which are rows at once; the proposal's id is their model."""
        with self._locked():
            snapshot = self._read()
            new = admission.check_proposal(change, snapshot)
            self._commit(change, admission.outdated_details(change, new, snapshot))
        return Proposal(", ".join(sorted({record.model for record in new.values()})), None)

    def proposals(self) -> list[Proposal]:
        """None: what is submitted to a folder is on the board."""
        return []

    def proposal_files(self, proposal_id: str) -> tuple[str, dict[str, int]]:
        """Raises BoardError: a folder has no proposals."""
        raise BoardError(
            f"board {self.name} is a folder and has no proposal {shown(proposal_id)}: what is submitted to it is a "
            "claimed row at once."
        )

    def apply(self, update: Callable[[Snapshot], Change], message: str, closes: Proposal | None = None) -> str:
        """Change the board; others wait while `update` runs. `message` and `closes` are for boards with a history."""
        with self._locked():
            snapshot = self._read()
            change = update(snapshot)
            new = admission.check_change(change, snapshot)
            changed = self._commit(change, admission.outdated_details(change, new, snapshot))
            return self._read().revision if changed else snapshot.revision

    def _read(self) -> Snapshot:
        found = read_store(self.root)
        return Snapshot(found.digest, found.records, found.problems)

    def _commit(self, change: Change, outdated: Iterable[str]) -> bool:
        """Write what differs from what is there, without the outdated folders; returns whether anything does."""
        gone: Change = {path: None for folder in outdated for path in _walk(self.root, folder)}
        change = {path: content for path, content in {**gone, **change}.items() if not self._is_so(path, content)}
        present = {path for folder in layout.folders_of(change) for path in _walk(self.root, folder)}
        layout.check_together((present | set(change)) - {path for path, content in change.items() if content is None})
        if change:
            with self._explained():
                journal.commit(self.root, change)
        return bool(change)

    def _is_so(self, path: str, content: bytes | Path | None) -> bool:
        there = self.root / path
        journal.refuse_links(self.root, path)
        if content is None or not there.exists():
            return content is None and not there.exists()
        if isinstance(content, bytes):
            return there.stat().st_size == len(content) and there.read_bytes() == content
        return filecmp.cmp(there, content, shallow=False)

    def _wait_or_end(self) -> str:
        """Wait for the writer that is at work, or end the change of one that died.

        Returns a sentence where neither was possible: whoever may not write can only wait.
        """
        if os.access(self.root, os.W_OK):
            with self._locked():
                return ""
        until = time.monotonic() + _BUSY_SECONDS
        while time.monotonic() < until:
            time.sleep(_POLL_SECONDS)
            if not journal.under_way(self.root):
                return ""
        return (
            f"a change of board {self.name} was cut off half-way and the folder cannot be written to end it: some rows "
            "may be missing. Any command on it by somebody who may write there ends it."
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out; a change that one of them left half-way is ended first."""
        if not self.root.is_dir():
            raise BoardError(f"board folder {self.root} does not exist. Correct the name, or make it to begin a board.")
        journal.refuse_links(self.root, f"{journal.STATE}/{_LOCK}")
        with self._explained():
            state = self.root / journal.STATE
            if not state.is_dir():
                state.mkdir(exist_ok=True)
                (state / ".gitignore").write_text("*\n", encoding="ascii")
            lock = FileLock(state / _LOCK, timeout=self._lock_seconds, poll_interval=_POLL_SECONDS)
            try:
                lock.acquire()
            except Timeout:
                raise BoardError(
                    f"board {self.name} has been locked by another process for {self._lock_seconds:g} s. Nothing was "
                    "changed; type the same command again when that process is done."
                ) from None
        try:
            with self._explained():
                journal.finish(self.root)
            yield
        finally:
            lock.release()
            # Who asks again at once would always win against those who look for the lock now and then.
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            told = (
                "The change is written down there, and the next command on this board ends it"
                if journal.under_way(self.root)
                else "Nothing was changed"
            )
            there = remedy_there(error) or "mend that"
            raise BoardError(
                f"cannot write board {self.name}: {error.strerror or error}. {told}. {there.capitalize()}, then type "
                "the same command again."
            ) from error


def _walk(root: Path, folder: str) -> Iterator[str]:
    """The paths of the ordinary files under a folder of the root; where it cannot be read, none.

    Deeper than a board's paths reach it is not entered.
    """
    try:
        with os.scandir(root / folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
    except OSError:
        return
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if len(path) > layout.MAX_PATH:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, path)
        elif entry.is_file(follow_symlinks=False):
            yield path
