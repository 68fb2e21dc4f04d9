"""Sending a commit so that a broken line neither loses it nor makes it twice."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, RepoFile
from huggingface_hub.errors import HfHubHTTPError

from .address import HubAddress
from .cache import Listed

Content = bytes | Path
Changes = Mapping[str, Content | None]
_PATHS_A_QUESTION = 100


class Committed(NamedTuple):
    """A commit that is on the hub: its id, its page, and the number of the pull request where it is one."""

    sha: str
    url: str
    pull_request: int | None


def listed(entry: RepoFile) -> Listed:
    """A file of the client's listings as the cache keeps it."""
    return Listed(entry.size, entry.lfs.sha256 if entry.lfs else None, entry.blob_id)


def send(
    api: HfApi, address: HubAddress, changes: Changes, message: str, parent: str | None, *, as_pull_request: bool
) -> Committed:
    """Make one commit, or find that an earlier attempt made it.

    Where the line broke before the answer, or somebody's commit is already on `parent`, it is looked up whether that
    commit is this one. Raises what the client raises when it is not there.
    """
    operations = [
        CommitOperationDelete(path)
        if content is None
        else CommitOperationAdd(path, content if isinstance(content, bytes) else str(content))
        for path, content in changes.items()
    ]
    try:
        made = api.create_commit(
            address.repo_id,
            operations,
            commit_message=message,
            repo_type=address.repo_type,
            revision=address.revision,
            parent_commit=parent,
            create_pr=as_pull_request,
        )
    except (httpx2.TransportError, HfHubHTTPError) as error:
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else 500
        if status != 412 and status < 500:
            raise
        look = _find_request if as_pull_request else _find_commit
        if (found := look(api, address, changes, message, parent)) is None:
            raise
        return found
    return Committed(made.oid, str(made.pr_url or made.commit_url), made.pr_num)


def _find_commit(
    api: HfApi, address: HubAddress, changes: Changes, message: str, parent: str | None
) -> Committed | None:
    """The commit since `parent` that has this message and this content."""
    commits = api.list_repo_commits(address.repo_id, repo_type=address.repo_type, revision=address.revision)
    for commit in commits:
        if commit.commit_id == parent:
            return None
        if commit.title == _title(message) and _holds(api, address, changes, commit.commit_id):
            return Committed(commit.commit_id, f"{api.endpoint}/{address.path}/commit/{commit.commit_id}", None)
    return None


def _find_request(
    api: HfApi, address: HubAddress, changes: Changes, message: str, parent: str | None
) -> Committed | None:
    """Our own open pull request that has this message and this content."""
    for request in api.get_repo_discussions(
        address.repo_id,
        repo_type=address.repo_type,
        discussion_type="pull_request",
        discussion_status="open",
        author=str(api.whoami()["name"]),
    ):
        ref = f"refs/pr/{request.num}"
        if request.title == _title(message) and _holds(api, address, changes, ref):
            sha = str(api.repo_info(address.repo_id, repo_type=address.repo_type, revision=ref).sha)
            return Committed(sha, request.url, request.num)
    return None


def _title(message: str) -> str:
    return message.split("\n", 1)[0].strip()


def _holds(api: HfApi, address: HubAddress, changes: Changes, revision: str) -> bool:
    """Whether a revision has every changed file as it should be, and none that should be gone."""
    paths = list(changes)
    for start in range(0, len(paths), _PATHS_A_QUESTION):
        part = paths[start : start + _PATHS_A_QUESTION]
        found = api.get_paths_info(address.repo_id, part, revision=revision, repo_type=address.repo_type)
        files = {entry.path: entry for entry in found if isinstance(entry, RepoFile)}
        for path in part:
            content = changes[path]
            if content is None and path in files:
                return False
            if content is not None and (path not in files or not listed(files[path]).holds(content)):
                return False
    return True
