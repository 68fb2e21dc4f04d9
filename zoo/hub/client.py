"""The hub client: what a revision is, which files it has, fetching them checked, proposing and committing changes."""

import logging
import os
import shutil
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeVar

from huggingface_hub import HfApi, RepoFile, get_token
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils.tqdm import tqdm

from ...errors import HubError
from ...files import atomic_path
from . import cache
from .address import HubAddress
from .bounds import bounded
from .commits import Changes, Committed, listed, send
from .words import TROUBLES, UnreachableError, in_words, passing

PUBLIC = "https://huggingface.co"
PATIENCE_SECONDS = 60.0
_COMMIT_STALL_SECONDS = 120.0
_SLOWEST_LINE = 50_000  # bytes a second; a download that long may still be taken up again where it broke off
_WORKERS = 8

notices = logging.getLogger("motifzoo")
Answer = TypeVar("Answer")


class PullRequest(NamedTuple):
    """An open pull request: its number, the ref its commits are on, and that ref's commit."""

    number: int
    ref: str
    sha: str


class _NoBar(tqdm):
    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{**settings, "disable": True})  # type: ignore[no-untyped-call]


def connect(endpoint: str | None = None, token: str | None = None, *, patience: float = PATIENCE_SECONDS) -> "Hub":
    """A client of the hub at `endpoint` ($HF_ENDPOINT, or the public hub).

    token: default the user's own ($HF_TOKEN or that of `hf auth login`). patience: seconds after which an operation
    that keeps failing is not tried again. Nothing is sent yet. Raises HubError for an endpoint that is no URL.
    """
    chosen = (endpoint or os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")
    if not chosen.startswith(("http://", "https://")):
        raise HubError(f"HF_ENDPOINT is {chosen!r}; a hub's address begins with https://.")
    return Hub(chosen, token or get_token(), patience)


class Hub:
    """One hub and who we are there. Every method raises HubError, in words, for whatever goes wrong."""

    def __init__(self, endpoint: str, token: str | None, patience: float) -> None:
        self.endpoint = endpoint
        self.signed_in = token is not None
        self._patience = patience
        self._api = HfApi(endpoint=endpoint, token=token or False, library_name="motifzoo")

    def resolve(self, address: HubAddress) -> str:
        """The commit id (40 hex digits) that an address means; without a revision, main.

        A commit id is itself. Where the hub is unreachable or HF_HUB_OFFLINE is set, what it meant when last asked.
        """
        if address.commit:
            return address.commit
        try:
            return self.head(address)
        except UnreachableError as error:
            known = cache.known_revision(address)
            if known is None:
                raise
            if not cache.offline():
                notices.warning("%s The copy of %s fetched earlier is used.", error, known[:12])
            return known

    def head(self, address: HubAddress) -> str:
        """The commit id that an address means on the hub now, never from the cache: what a change is based on."""

        def ask() -> str:
            # By name also for main: olah knows the commits of its mirrors only so.
            revision = address.revision or "main"
            info = self._api.repo_info(address.repo_id, repo_type=address.repo_type, revision=revision)
            sha = HubAddress(address.repo_type, address.repo_id, info.sha).commit
            if sha is None:
                raise LookupError("no commit id in the answer")
            return sha

        sha = self._ask(address, f"looking up {address}", ask)
        cache.remember_revision(address, sha)
        return sha

    def history(self, address: HubAddress) -> list[str]:
        """The ids of all commits that an address has, newest first."""

        def ask() -> list[str]:
            found = self._api.list_repo_commits(
                address.repo_id, repo_type=address.repo_type, revision=address.revision or "main"
            )
            return [commit.commit_id for commit in found]

        return self._ask(address, f"reading the history of {address}", ask)

    def files(self, address: HubAddress, sha: str) -> dict[str, int]:
        """Every file of a commit, path -> size in bytes."""
        return {path: entry.size for path, entry in self.listing(address, sha).items()}

    def listing(self, address: HubAddress, sha: str) -> cache.Listing:
        """Every file of a commit with the hashes it must have; from the cache where it was asked for before."""
        if (known := cache.known_listing(address, sha)) is not None:
            return known
        pinned = address._replace(revision=sha)

        def ask() -> cache.Listing:
            tree = self._api.list_repo_tree(address.repo_id, recursive=True, revision=sha, repo_type=address.repo_type)
            return {entry.path: listed(entry) for entry in tree if isinstance(entry, RepoFile)}

        listing = self._ask(pinned, f"listing {pinned}", ask)
        if listing:  # a real commit has files; an empty answer must not be remembered for ever
            cache.remember_listing(address, sha, listing)
        return listing

    def fetch(
        self,
        address: HubAddress,
        sha: str,
        paths: Collection[str] | None = None,
        *,
        max_bytes: int,
        into: Path | None = None,
    ) -> Path:
        """Fetch files of a commit (all, or `paths`) and return the folder that holds them.

        The folder is the commit's snapshot in the library's cache, or `into`, which then holds plain copies. Every file
        is checked against the hub's listing, also one that was cached before; nothing is downloaded when the files are
        together larger than `max_bytes` or one of `paths` is missing. Raises HubError: then the folder is not complete.
        """
        pinned = address._replace(revision=sha)
        try:
            listing = self.listing(address, sha)
        except UnreachableError:
            listing = cache.snapshot_listing(address, sha)
            if paths is None or not set(paths) <= listing.keys():
                raise
        wanted = sorted(listing if paths is None else set(paths))
        if missing := [path for path in wanted if path not in listing]:
            raise HubError(f"{pinned} has no file {missing[0]}; it has {_some(sorted(listing)) or 'none at all'}.")
        if wrong := [path for path in wanted if not is_safe(path)]:
            raise HubError(f"{pinned} has a file named {wrong[0]!r}, which is no safe path. Nothing was downloaded.")
        total = sum(listing[path].size for path in wanted)
        if total > max_bytes:
            raise HubError(
                f"fetching {_some(wanted)} of {pinned}: the hub lists {total:,} bytes and the limit is {max_bytes:,}. "
                "Nothing was downloaded."
            )

        def get(path: str) -> None:
            found = self._get(pinned, path, listing[path])
            if into is not None:
                with atomic_path(into / path) as temporary:
                    shutil.copyfile(found, temporary)

        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(get, wanted))
        return into if into is not None else cache.repo_folder(address) / "snapshots" / sha

    def _get(self, pinned: HubAddress, path: str, right: cache.Listed) -> Path:
        """One file, from the cache or the hub, whose content is what the hub lists."""

        def ask(again: bool) -> Path:
            return Path(
                self._api.hf_hub_download(
                    pinned.repo_id,
                    path,
                    repo_type=pinned.repo_type,
                    revision=pinned.revision,
                    cache_dir=cache.cache_folder(),
                    force_download=again,
                    local_files_only=cache.offline(),
                    tqdm_class=_NoBar,
                )
            )

        doing = f"fetching {path} of {pinned}"
        for again in (False, True):
            if again and cache.offline():
                break
            found = self._ask(pinned, doing, partial(ask, again), slow=right.size / _SLOWEST_LINE, local=True)
            if right.holds(found):
                return found
            cache.forget_file(found)
        raise HubError(
            f"{doing}: its content is not what the hub lists (damaged on the way, or something between changes it). "
            "It was removed from the cache; try again, without HF_HUB_OFFLINE."
        )

    def create(self, address: HubAddress, *, private: bool = False) -> None:
        """Make the repository where there is none; a Space is a static one."""

        def ask() -> None:
            sdk = "static" if address.repo_type == "space" else None
            self._api.create_repo(
                address.repo_id, repo_type=address.repo_type, private=private, space_sdk=sdk, exist_ok=True
            )

        self._ask(address, f"making {address}", ask)

    def commit(
        self,
        address: HubAddress,
        operations: Changes,
        message: str,
        parent: str | None,
        *,
        as_pull_request: bool = False,
    ) -> Committed:
        """One atomic commit on `parent`: path -> content, a local file to upload, or None to delete.

        as_pull_request: propose it instead. When the line breaks, it is found out whether the commit arrived; it is
        never made twice. Raises LostRaceError when `parent` is no longer the newest commit.
        """
        doing = f"{'proposing a change to' if as_pull_request else 'committing to'} {address}"

        def ask() -> Committed:
            return send(self._api, address, operations, message, parent, as_pull_request=as_pull_request)

        return self._ask(address, doing, ask, stall=_COMMIT_STALL_SECONDS)

    def pull_requests(self, address: HubAddress) -> list[PullRequest]:
        """The open pull requests, oldest first."""

        def ask() -> list[PullRequest]:
            repo = {"repo_id": address.repo_id, "repo_type": address.repo_type}
            refs = self._api.list_repo_refs(**repo, include_pull_requests=True).pull_requests or []
            found = [PullRequest(int(ref.ref.rpartition("/")[2]), ref.ref, ref.target_commit) for ref in refs]
            if not found:
                return []
            try:
                opened = self._api.get_repo_discussions(
                    **repo, discussion_type="pull_request", discussion_status="open"
                )
                still_open = {discussion.num for discussion in opened}
            except HfHubHTTPError as error:
                if error.response.status_code != 404:
                    raise
                still_open = {request.number for request in found}  # a hub without discussions: refs are all there is
            return sorted(request for request in found if request.number in still_open)

        return self._ask(address, f"listing the pull requests of {address}", ask)

    def close_pull_request(self, address: HubAddress, number: int, comment: str) -> None:
        """Close a pull request with a comment; one that is closed already stays so."""

        def ask() -> None:
            self._api.change_discussion_status(
                address.repo_id, number, "closed", comment=comment, repo_type=address.repo_type
            )

        self._ask(address, f"closing pull request {number} of {address}", ask)

    def whoami(self) -> str | None:
        """The user's name on this hub; None without a token."""
        if not self.signed_in:
            return None
        address = HubAddress("model", "your/account")
        return self._ask(address, "asking the hub who you are", lambda: str(self._api.whoami()["name"]))

    def _ask(
        self,
        address: HubAddress,
        doing: str,
        call: Callable[[], Answer],
        *,
        stall: float | None = None,
        slow: float = 0.0,
        local: bool = False,
    ) -> Answer:
        """Call the client within bounds of time; troubles that pass are tried again, others become words.

        stall: seconds of silence to bear, where an answer takes longer than most. slow: seconds for a transfer.
        local: the call is served from the cache where HF_HUB_OFFLINE is set, and so is not refused.
        """
        with bounded(doing, self._patience + slow, stall or cache.stall_seconds()) as budget:
            while True:
                try:
                    if cache.offline() and not local:
                        raise OfflineModeIsEnabled(doing)
                    return call()
                except TROUBLES as error:
                    if not (passing(error, budget.status) and budget.wait()):
                        raise in_words(
                            error, address, doing, self.endpoint, signed_in=self.signed_in, seen=budget.status
                        ) from error


def is_safe(path: str) -> bool:
    """Whether a path in a repository stays inside the folder it is written to, on every system."""
    parts = PurePosixPath(path).parts
    return (
        path == "/".join(parts) != ""
        and not any(part in ("/", "..", ".git") for part in parts)
        and not any(letter in '\\:*?"<>|' or not letter.isprintable() for letter in path)
    )


def _some(paths: Iterable[str]) -> str:
    listed = list(paths)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
