"""What is kept of a hub: files in huggingface_hub's own cache, and beside them the listings they are checked against.

The layout is the library's documented one, so its other users share the files: `<type>s--<org>--<name>/` with `refs/`
(branch -> commit), `blobs/` and `snapshots/<commit>/`. `listings/<commit>.json` in it is ours; a commit never changes,
so neither does its listing.
"""

import contextlib
import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ...errors import CacheError
from ...files import write_text
from .address import HubAddress

_BLOCK = 1 << 20
_BLOB = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Listed(NamedTuple):
    """A file as the hub lists it: size in bytes, and its SHA-256 where it is in large storage, else its git blob id."""

    size: int
    sha256: str | None
    git: str

    def holds(self, content: bytes | Path) -> bool:
        """Whether this is exactly the content of a file, or these bytes."""
        if isinstance(content, bytes):
            return self._is(len(content), io.BytesIO(content))
        try:
            with content.open("rb") as file:
                return self._is(content.stat().st_size, file)
        except FileNotFoundError:
            return False

    def _is(self, size: int, stream: BinaryIO) -> bool:
        if size != self.size:
            return False
        digest = hashlib.sha256() if self.sha256 else hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        while block := stream.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest() == (self.sha256 or self.git)


Listing = dict[str, Listed]


def offline() -> bool:
    """Whether HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set now; the library reads them only once, on import."""
    value = os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE") or ""
    return value.upper() in ("1", "ON", "YES", "TRUE")


def stall_seconds() -> float:
    """Seconds of silence after which a line counts as dead: $HF_HUB_DOWNLOAD_TIMEOUT, else 30."""
    try:
        return float(os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT") or 30)
    except ValueError:
        return 30.0


def cache_folder() -> Path:
    """The library's cache as the environment has it now: $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub."""
    if chosen := os.environ.get("HF_HUB_CACHE"):
        return Path(os.path.expandvars(chosen)).expanduser()
    home = os.environ.get("HF_HOME")
    if not home:
        home = str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def repo_folder(address: HubAddress) -> Path:
    """Where the cache keeps this repository."""
    return cache_folder() / "--".join((f"{address.repo_type}s", *address.repo_id.split("/")))


def remember_revision(address: HubAddress, sha: str) -> None:
    """Note which commit a branch or tag means now. A cache that cannot be written is no reason to fail."""
    path = repo_folder(address) / "refs" / (address.revision or "main")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sha, encoding="ascii")


def known_revision(address: HubAddress) -> str | None:
    """The commit a branch or tag meant when the hub was last asked; None when it never was."""
    try:
        sha = (repo_folder(address) / "refs" / (address.revision or "main")).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return HubAddress(address.repo_type, address.repo_id, sha).commit


def remember_listing(address: HubAddress, sha: str, listing: Mapping[str, Listed]) -> None:
    """Keep a commit's listing, so that its files can be checked without the hub; if the cache can be written."""
    with contextlib.suppress(CacheError):
        write_text(_listing_path(address, sha), json.dumps({path: list(entry) for path, entry in listing.items()}))


def known_listing(address: HubAddress, sha: str) -> Listing | None:
    """The listing of a commit, if it was ever asked for."""
    try:
        raw = json.loads(_listing_path(address, sha).read_bytes())
        return {path: Listed(int(size), sha256, str(git)) for path, (size, sha256, git) in raw.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def snapshot_listing(address: HubAddress, sha: str) -> Listing:
    """What the cache holds of a commit, checkable because the library names each blob after its hash.

    For files that another program fetched: it may be a part of the commit only.
    """
    snapshot = repo_folder(address) / "snapshots" / sha
    found = {}
    for path in snapshot.rglob("*"):
        name = path.resolve().name
        if path.is_symlink() and path.is_file() and _BLOB.fullmatch(name):
            sha256 = name if len(name) == 64 else None
            found[path.relative_to(snapshot).as_posix()] = Listed(path.stat().st_size, sha256, name)
    return found


def _listing_path(address: HubAddress, sha: str) -> Path:
    return repo_folder(address) / "listings" / f"{sha}.json"


def forget_file(path: Path) -> None:
    """Remove a cached file that is not what the hub lists, and the blob behind it."""
    with contextlib.suppress(OSError):
        blob = path.resolve()
        path.unlink(missing_ok=True)
        blob.unlink(missing_ok=True)
