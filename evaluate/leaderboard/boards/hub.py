"""A board in a data set repository on a hub: submissions are pull requests, changes are commits on the newest one."""

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ....errors import BoardError, HubError
from ....zoo.hub import cache
from ....zoo.hub.address import SCHEME, HubAddress
from ....zoo.hub.client import Hub, PullRequest, connect
from ....zoo.hub.words import LostRaceError, UnreachableError
from ..record import MAX_RECORD_BYTES, Record
from ..store import RECORD_SHAPE, RESULTS, record_at, shown
from . import admission, layout
from .board import MAX_READ_BYTES, Change, Files, Proposal, Snapshot

RACE_SECONDS: Final = 600.0
_MAX_PACK_BYTES: Final = 1_000_000_000
_LONGEST_WAIT: Final = 8.0
_PACK: Final = "records.parquet"
_MANY: Final = 20  # records: fewer are fetched one by one

notices = logging.getLogger("motifzoo")


class HubBoard:
    """The board at `hf://ORG/NAME[@REVISION]`, a data set repository. Raises HubError for another address.

    hub: the client, by default that of the user's own token. race_seconds: how long a change is tried again that others
    are faster than.
    """

    def __init__(self, text: str, hub: Hub | None = None, *, race_seconds: float = RACE_SECONDS) -> None:
        self._address = HubAddress.parse(text, default="dataset")
        if self._address.repo_type != "dataset":
            raise HubError(f"{text} is no board: a board is a data set repository. Write hf://ORG/NAME.")
        self._hub = hub if hub is not None else connect()
        self._race_seconds = race_seconds
        self._parsed: dict[tuple[str, str], Record | str] = {}

    @property
    def name(self) -> str:
        """The board as a person types it."""
        address = self._address
        return f"{SCHEME}{address.repo_id}" + (f"@{address.revision}" if address.revision else "")

    @property
    def url(self) -> str | None:
        """The repository's page."""
        return f"{self._hub.endpoint}/{self._address.path}"

    def snapshot(self) -> Snapshot:
        """All records of the newest commit, or of the revision in the board's address."""
        return self._snapshot(self._hub.resolve(self._address))

    def read_bytes(self, path: str, revision: str) -> bytes:
        """One file's bytes at a commit, of the board or of a proposal."""
        layout.check_path(path)
        folder = self._hub.fetch(self._address, revision, [path], max_bytes=MAX_READ_BYTES)
        return (folder / path).read_bytes()

    def paths(self, prefix: str, revision: str) -> list[str]:
        """The paths of all files in a folder of a commit; hidden files are none."""
        inside = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        listing = self._hub.listing(self._address, revision)
        return sorted(path for path in listing if path.startswith(inside) and not f"/{path}".count("/."))

    def propose(self, change: Files, message: str) -> Proposal:
        """Open a pull request with claimed records. What another open one holds already is refused."""
        self._refuse_if_pinned()
        sha = self._hub.head(self._address)
        snapshot = self._snapshot(sha)
        new = admission.check_proposal(change, snapshot)
        self._refuse_if_proposed(new, self._hub.listing(self._address, sha))
        needed = self._needed(change, admission.outdated_details(change, new, snapshot), sha)
        made = self._hub.commit(self._address, needed, message, sha, as_pull_request=True)
        return Proposal(str(made.pull_request), made.url)

    def proposals(self) -> list[Proposal]:
        """The open pull requests that add or change files under `results/`, oldest first."""
        main = self._history(self._address)
        found = []
        for request in self._hub.pull_requests(self._address):
            if any(path.startswith(f"{RESULTS}/") for path in self._changed(request, main)):
                found.append(self._proposal(request))
        return found

    def proposal_files(self, proposal_id: str) -> tuple[str, dict[str, int]]:
        """The commit of an open pull request, and path and size of what it proposes.

        That is every file that it adds or changes, and all others of the trials and model folders in which it does so.
        """
        requests = {str(request.number): request for request in self._hub.pull_requests(self._address)}
        if proposal_id not in requests:
            some = ", ".join(sorted(requests, key=int)[:20]) or "none"
            raise BoardError(f"board {self.name} has no open pull request {shown(proposal_id)!r}; open are: {some}.")
        request = requests[proposal_id]
        changed = self._changed(request, self._history(self._address))
        trials = {layout.trial_of(path) for path in changed} - {None}
        models = {layout.folder_model(path) for path in changed} - {None}
        return request.sha, {
            path: entry.size
            for path, entry in self._hub.listing(self._address, request.sha).items()
            if path in changed or layout.trial_of(path) in trials or layout.folder_model(path) in models
        }

    def apply(self, update: Callable[[Snapshot], Change], message: str, closes: Proposal | None = None) -> str:
        """Commit what `update` makes of the newest state; begun anew whenever somebody else commits first."""
        self._refuse_if_pinned()
        until = time.monotonic() + self._race_seconds
        wait = 0.1
        while True:
            try:
                revision = self._apply_once(update, message)
                break
            except LostRaceError:
                if time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0, wait))
            wait = min(2 * wait, _LONGEST_WAIT)
        if closes is not None:
            self._close(closes, revision)
        return revision

    def _apply_once(self, update: Callable[[Snapshot], Change], message: str) -> str:
        sha = self._hub.head(self._address)
        snapshot = self._snapshot(sha)
        change = update(snapshot)
        new = admission.check_change(change, snapshot)
        needed = self._needed(change, admission.outdated_details(change, new, snapshot), sha)
        return self._hub.commit(self._address, needed, message, sha).sha if needed else sha

    def _close(self, proposal: Proposal, revision: str) -> None:
        try:
            self._hub.close_pull_request(self._address, int(proposal.id), f"Taken over as commit {revision}.")
        except HubError as error:
            notices.warning("the change is made; pull request %s could not be closed: %s", proposal.id, error)

    def _refuse_if_pinned(self) -> None:
        if self._address.commit:
            raise BoardError(
                f"board {self.name} is one commit for ever, and cannot be changed. Leave out the part from @ on."
            )

    def _snapshot(self, sha: str) -> Snapshot:
        """The records of a commit. Only files that no commit read before had are fetched."""
        listing = self._hub.listing(self._address, sha)
        wanted = {path: entry for path, entry in sorted(listing.items()) if layout.is_record(path)}
        problems = [
            f"{shown(path)} stands where no record does: a record's file is {RECORD_SHAPE}."
            for path in sorted(listing)
            if path.startswith(f"{RESULTS}/") and path.endswith(".json") and layout.trial_of(path) is None
        ]
        fresh = [path for path, entry in wanted.items() if (path, entry.git) not in self._parsed]
        small = [path for path in fresh if wanted[path].size <= MAX_RECORD_BYTES]
        for path in set(fresh) - set(small):
            self._parsed[path, wanted[path].git] = (
                f"{path} has {wanted[path].size:,} bytes; a record has at most {MAX_RECORD_BYTES:,}."
            )
        for path, content in self._record_contents(sha, small).items():
            try:
                self._parsed[path, wanted[path].git] = record_at(path, content)
            except BoardError as error:
                self._parsed[path, wanted[path].git] = str(error)
        found = {path: self._parsed[path, entry.git] for path, entry in wanted.items()}
        problems += [text for text in found.values() if isinstance(text, str)]
        return Snapshot(sha, {path: row for path, row in found.items() if isinstance(row, Record)}, problems)

    def _record_contents(self, sha: str, paths: Sequence[str]) -> dict[str, bytes]:
        """The files of many records of the board: from records.parquet, as far as what it holds is what the hub lists.

        It is made now and then; what came since is fetched file by file.
        """
        listing = self._hub.listing(self._address, sha)
        packed: dict[str, bytes] = {}
        if len(paths) >= _MANY and _PACK in listing:
            from ..exports.table import record_files

            folder = self._hub.fetch(self._address, sha, [_PACK], max_bytes=_MAX_PACK_BYTES)
            found = record_files(folder / _PACK, set(paths))
            packed = {path: content for path, content in found.items() if listing[path].holds(content)}
        return packed | self._contents(sha, [path for path in paths if path not in packed])

    def _contents(self, sha: str, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of small files, from the cache whichever commit they came with."""
        listing = self._hub.listing(self._address, sha)
        blobs = cache.repo_folder(self._address) / "blobs"
        found: dict[str, bytes] = {}
        missing = []
        for path in paths:
            entry = listing[path]
            try:
                content = (blobs / (entry.sha256 or entry.git)).read_bytes()
            except OSError:
                content = b""
            if entry.holds(content):
                found[path] = content
            else:
                missing.append(path)
        if missing:
            size = sum(listing[path].size for path in missing)
            folder = self._hub.fetch(self._address, sha, missing, max_bytes=size)
            found |= {path: (folder / path).read_bytes() for path in missing}
        return found

    def _needed(self, change: Change, outdated: Iterable[str], sha: str) -> dict[str, bytes | Path | None]:
        """What of a change differs from a commit, with the outdated details deleted."""
        listing = self._hub.listing(self._address, sha)
        folders = tuple(f"{folder}/" for folder in outdated)
        gone: Change = {path: None for path in listing if path.startswith(folders)} if folders else {}
        needed = {
            path: content
            for path, content in {**gone, **change}.items()
            if (path in listing if content is None else path not in listing or not listing[path].holds(content))
        }
        near = tuple(f"{folder}/" for folder in layout.folders_of(needed))
        deleted = {path for path, content in needed.items() if content is None}
        layout.check_together(({path for path in listing if path.startswith(near)} | set(needed)) - deleted)
        for path, content in needed.items():
            if isinstance(content, Path) and (content.is_symlink() or not content.is_file()):
                raise BoardError(f"{content}, which should become {path}, is no ordinary file; a board has no others.")
        return needed

    def _refuse_if_proposed(self, new: Mapping[str, Record], present: cache.Listing) -> None:
        """Raise BoardError where an open pull request holds one of these trials already."""
        for request in self._hub.pull_requests(self._address):
            listing = self._hub.listing(self._address, request.sha)
            held = [
                path
                for path in new
                if path in listing and listing[path] != present.get(path) and listing[path].size <= MAX_RECORD_BYTES
            ]
            for path, content in self._contents(request.sha, held).items():
                try:
                    other = record_at(path, content)
                except BoardError:
                    continue  # somebody's broken proposal keeps nobody out
                if (other.model_sha256, other.submitter) == (new[path].model_sha256, new[path].submitter):
                    raise BoardError(
                        f"{other.model}:{other.trial} was submitted already, with the same weights, and waits in "
                        f"{self._proposal(request).url}."
                    )

    def _proposal(self, request: PullRequest) -> Proposal:
        return Proposal(str(request.number), f"{self.url}/discussions/{request.number}")

    def _changed(self, request: PullRequest, main: Sequence[str] | None) -> set[str]:
        """The paths that a pull request adds to or changes of the commit of main that it began from.

        Of a hub that tells no history, the paths that it adds to the newest commit: rows that others have changed since
        would look changed by the request.
        """
        own = self._history(self._address._replace(revision=request.ref)) if main is not None else None
        after = self._hub.listing(self._address, request.sha)
        if main is None or own is None:
            return after.keys() - self._hub.listing(self._address, self._hub.head(self._address))
        known = frozenset(main)
        base = next((commit for commit in own if commit in known), None)
        before = self._hub.listing(self._address, base) if base else {}
        return {path for path, entry in after.items() if before.get(path) != entry}

    def _history(self, address: HubAddress) -> Sequence[str] | None:
        """The ids of all commits of an address, newest first; None where the hub, or a mirror, does not tell them."""
        try:
            return self._hub.history(address)
        except UnreachableError:
            raise
        except HubError:
            return None
