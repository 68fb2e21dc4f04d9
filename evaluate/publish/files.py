"""Which files of a folder are published: those of known kinds, never hidden or temporary ones, and no secrets."""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from huggingface_hub import get_token

from ...errors import HubError
from ...zoo.hub.client import is_safe
from ...zoo.hub.commits import Content

_TEMPORARY: Final = re.compile(r"(?:~\$|#).*|.*(?:~|\.tmp|\.bak|\.swp|\.orig|\.part|\.lock)|__pycache__", re.IGNORECASE)
# Names of files that nobody means to publish, whatever is in them.
_PRIVATE: Final = re.compile(
    r"(?:.*[._-])?(?:secrets?|credentials?|passwords?|tokens?|id_(?:rsa|ed25519|ecdsa))(?:\.(?:json|txt|toml|ya?ml))?",
    re.IGNORECASE,
)
_SECRETS: Final = {
    "an access token of a hub": re.compile(rb"\bhf_[A-Za-z0-9]{30,}\b"),
    "an access token of GitHub": re.compile(rb"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})"),
    "an access key of Amazon": re.compile(rb"\bAKIA[0-9A-Z]{16}\b"),
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}
# Patterns would find nonsense in compressed numbers; a token itself is looked for there too.
_BINARY: Final = (".safetensors", ".parquet", ".png", ".webp", ".ico", ".woff2")


class Collected(NamedTuple):
    """Files to publish, path in the repository -> file, and the paths that are left out."""

    files: dict[str, Content]
    left_out: tuple[str, ...]


def collect(folder: Path, suffixes: Collection[str]) -> Collected:
    """The files under a folder that have one of these suffixes.

    Left out are other kinds, links, hidden files and folders, temporary files of editors and of this program, and
    files named as secrets are. Nothing is read.
    """
    files: dict[str, Content] = {}
    left_out = []
    for parent, folders, names in os.walk(folder):
        place = Path(parent)
        for name in sorted(folders):
            if _unwanted(place / name):
                left_out.append((place / name).relative_to(folder).as_posix() + "/")
        folders[:] = sorted(name for name in folders if not _unwanted(place / name))
        for name in sorted(names):
            path = place / name
            inside = path.relative_to(folder).as_posix()
            if _unwanted(path) or path.suffix.lower() not in suffixes or not is_safe(inside):
                left_out.append(inside)
            else:
                files[inside] = path
    return Collected(files, tuple(left_out))


def _unwanted(path: Path) -> bool:
    name = path.name
    return bool(name.startswith(".") or path.is_symlink() or _TEMPORARY.fullmatch(name) or _PRIVATE.fullmatch(name))


def refuse_secrets(files: Mapping[str, Content]) -> None:
    """Raise HubError, naming the file and not the secret, when a file holds a key or access token."""
    token = (get_token() or "").encode()
    for path, content in files.items():
        data = content if isinstance(content, bytes) else content.read_bytes()
        found = "your own access token" if token and token in data else _secret(path, data)
        if found:
            raise HubError(f"{path} holds what looks like {found}. Remove it; nothing was published.")


def _secret(path: str, data: bytes) -> str | None:
    if path.lower().endswith(_BINARY):
        return None
    return next((what for what, pattern in _SECRETS.items() if pattern.search(data)), None)
