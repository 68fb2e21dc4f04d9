"""Bringing a repository to a wanted state: one commit of what differs, or none."""

import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

from ...errors import HubError
from ...zoo.hub.address import HubAddress
from ...zoo.hub.cache import Listing
from ...zoo.hub.client import Hub
from ...zoo.hub.commits import Content
from ...zoo.hub.words import LostRaceError, NoRepositoryError
from .files import refuse_secrets

_ATTEMPTS: Final = 8
_PAUSE_SECONDS: Final = 0.2


class Wanted(NamedTuple):
    """The state a repository should have: its files, which of the others are to go, and what was left out."""

    files: Mapping[str, Content]
    stale: Callable[[str], bool] = lambda path: False
    left_out: tuple[str, ...] = ()


class FileChange(NamedTuple):
    """What happens to one file; `bytes` is its new size, 0 where it goes."""

    path: str
    action: Literal["add", "change", "delete"]
    bytes: int


class Published(NamedTuple):
    """What was published where, or would be: `commit` and `url` are None for a dry run and where nothing changed."""

    name: str
    address: HubAddress
    changes: tuple[FileChange, ...]
    unchanged: int
    left_out: tuple[str, ...]
    commit: str | None
    url: str | None


class Remote(NamedTuple):
    """A repository as it is: its page, newest commit (None if there is no repository yet) and listing.

    `fetch` gives a folder that holds some of its files.
    """

    url: str
    commit: str | None
    listing: Listing
    fetch: Callable[[list[str]], Path]


def push(
    hub: Hub,
    address: HubAddress,
    name: str,
    wanted: Callable[[Remote], Wanted],
    *,
    dry_run: bool = False,
    private: bool = False,
) -> Published:
    """Commit what differs from `wanted`, which is asked again with the new state when somebody else was faster.

    A repository that is not there is made, `private` or public; a dry run makes and sends nothing. Raises HubError.
    """
    for attempt in range(_ATTEMPTS):
        remote = _remote(hub, address, create=not dry_run, private=private)
        state = wanted(remote)
        changes, operations = _differences(state, remote.listing)
        refuse_secrets({path: content for path, content in operations.items() if content is not None})
        done = Published(
            name, address, changes, len(state.files) - sum(item.action != "delete" for item in changes),
            state.left_out, None, None,
        )  # fmt: skip
        if dry_run or not operations:
            return done
        try:
            sent = hub.commit(address, operations, f"Publish {name}", remote.commit)
        except LostRaceError:
            # Not all at once again: those who lost together would lose together.
            time.sleep(_PAUSE_SECONDS * (attempt + 1) * (1 + random.random()))
            continue
        return done._replace(commit=sent.sha, url=sent.url)
    raise HubError(
        f"publishing {name} to {address}: others committed {_ATTEMPTS} times in between. Nothing was lost; try again."
    )


def _remote(hub: Hub, address: HubAddress, *, create: bool, private: bool) -> Remote:
    url = f"{hub.endpoint}/{address.path}"
    try:
        head = hub.head(address)
    except NoRepositoryError:
        if not create:
            return Remote(url, None, {}, lambda paths: Path())
        hub.create(address, private=private)
        head = hub.head(address)
    listing = hub.listing(address, head)

    def fetch(paths: list[str]) -> Path:
        return hub.fetch(address, head, paths, max_bytes=sum(listing[path].size for path in paths))

    return Remote(url, head, listing, fetch)


def _differences(state: Wanted, present: Listing) -> tuple[tuple[FileChange, ...], dict[str, Content | None]]:
    changes: list[FileChange] = []
    operations: dict[str, Content | None] = {}
    for path, content in sorted(state.files.items()):
        if path in present and present[path].holds(content):
            continue
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        changes.append(FileChange(path, "change" if path in present else "add", size))
        operations[path] = content
    for path in sorted(present.keys() - state.files.keys()):
        if state.stale(path):
            changes.append(FileChange(path, "delete", 0))
            operations[path] = None
    return tuple(changes), operations
