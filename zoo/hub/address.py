"""Where something is on a hub: `hf://org/name`, `hf://datasets/org/name@revision`."""

import re
from typing import Literal, NamedTuple

from ...errors import HubError

SCHEME = "hf://"
RepoType = Literal["model", "dataset", "space"]

_PREFIXES: dict[RepoType, str] = {"model": "", "dataset": "datasets/", "space": "spaces/"}
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_REVISION = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}"
_ADDRESS = re.compile(rf"(?:(models|datasets|spaces)/)?({_NAME}/{_NAME})(?:@({_REVISION}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


class HubAddress(NamedTuple):
    """A repository on a hub and, unless None, a branch, tag, `refs/pr/N` or commit id in it."""

    repo_type: RepoType
    repo_id: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str, default: RepoType = "model") -> "HubAddress":
        """`hf://[models/|datasets/|spaces/]org/name[@revision]`; `default` is the type where no prefix says it.

        Raises HubError for anything else.
        """
        found = _ADDRESS.fullmatch(text.removeprefix(SCHEME)) if text.startswith(SCHEME) else None
        prefix, repo_id, revision = found.groups() if found else (None, "", None)
        if not found or any(pair in f"{repo_id} {revision or ''}" for pair in ("..", "--", "//")):
            raise HubError(
                f"{text!r} is no address on a hub. Write hf://org/name, hf://datasets/org/name or "
                "hf://spaces/org/name, and @revision after it for another revision than main."
            )
        types: dict[str, RepoType] = {"models": "model", "datasets": "dataset", "spaces": "space"}
        return cls(types[prefix] if prefix else default, repo_id, revision)

    @property
    def commit(self) -> str | None:
        """The revision where it is a full commit id, which means the same content for ever; else None."""
        return self.revision if self.revision and _COMMIT.fullmatch(self.revision) else None

    @property
    def path(self) -> str:
        """The repository as it stands in a hub's URLs: `org/name`, `datasets/org/name`, `spaces/org/name`."""
        return f"{_PREFIXES[self.repo_type]}{self.repo_id}"

    def __str__(self) -> str:
        return f"{SCHEME}{self.path}" + (f"@{self.revision}" if self.revision else "")
