"""The repositories behind the hub for tests: immutable commits, refs, discussions and pull requests."""

import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

MAIN = "refs/heads/main"
LFS_PATTERNS = ("*.safetensors", "*.parquet", "*.h5", "*.bin", "*.gz")
_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


class RefusalError(Exception):
    """An answer that is no success: its status, the hub's words and error code."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def git_oid(content: bytes) -> str:
    """The SHA-1 that git gives a blob."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Blob:
    """A file's content: git and SHA-256 hashes, size, and where the bytes lie."""

    oid: str
    sha256: str
    size: int
    path: Path

    def read(self) -> bytes:
        return self.path.read_bytes()


@dataclass(frozen=True)
class Commit:
    sha: str
    parents: tuple[str, ...]
    files: Mapping[str, Blob]
    title: str
    description: str
    author: str
    date: str


@dataclass
class Discussion:
    """A discussion or pull request; `base` is the commit that a pull request started from."""

    num: int
    title: str
    author: str
    is_pull_request: bool
    status: str
    created: str
    base: str | None = None
    merged_as: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ref(self) -> str:
        return f"refs/pr/{self.num}"

    def add(self, kind: str, author: str, data: dict[str, Any]) -> dict[str, Any]:
        event = {
            "id": f"{self.num:08x}{len(self.events):08x}",
            "type": kind,
            "createdAt": now(),
            "author": {"name": author},
            "data": data,
        }
        self.events.append(event)
        return event

    def comment(self, author: str, text: str) -> dict[str, Any]:
        latest = {"raw": text, "html": text, "updatedAt": now(), "author": {"name": author}}
        return self.add("comment", author, {"edited": False, "hidden": False, "latest": latest, "history": []})

    def set_status(self, author: str, status: str) -> dict[str, Any]:
        self.status = status
        return self.add("status-change", author, {"status": status})


class Repo:
    """One repository. Commits never change; refs point at them."""

    def __init__(self, kind: str, name: str, blobs: Path, *, private: bool, gated: bool, sdk: str | None) -> None:
        self.kind, self.name, self.private, self.gated, self.sdk = kind, name, private, gated, sdk
        self.created = now()
        self.refs: dict[str, str] = {}
        self.commits: dict[str, Commit] = {}
        self.discussions: dict[int, Discussion] = {}
        self._blobs = blobs
        self._serial = itertools.count()
        first: dict[str, bytes | None] = {".gitattributes": b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n"}
        if kind == "space":
            first["README.md"] = f"---\ntitle: {name}\nsdk: {sdk}\n---\n".encode()
        self.commit(MAIN, first, title="initial commit", author=name.split("/")[0])

    def resolve(self, revision: str) -> Commit:
        """The commit of a branch, tag, `refs/...` or full commit id. Refuses with RevisionNotFound."""
        for ref in (f"refs/heads/{revision}", f"refs/tags/{revision}", revision):
            if ref in self.refs:
                return self.commits[self.refs[ref]]
        if revision in self.commits:
            return self.commits[revision]
        raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def ref_of(self, revision: str) -> str:
        """The ref that a commit to `revision` moves. Refuses what is no branch or open pull request."""
        for ref in (f"refs/heads/{revision}", revision):
            if ref in self.refs and not ref.startswith("refs/tags/"):
                return ref
        raise RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")

    def commit(
        self,
        ref: str,
        changes: Mapping[str, bytes | None],
        *,
        title: str,
        author: str,
        description: str = "",
        parent: str | None = None,
        merging: str | None = None,
    ) -> Commit:
        """One commit on `ref`; None deletes a file, or a folder where the path ends with a slash.

        Refuses with 412 when `parent` is not the ref's head.
        """
        head = self.refs.get(ref)
        if parent is not None and (head is None or not head.startswith(parent.lower())):
            raise RefusalError(412, "A commit has happened since. Please refresh and try again.")
        files = dict(self.commits[head].files) if head else {}
        for path, content in changes.items():
            check_path(path)
            if content is not None:
                files[path] = self._store(content)
                continue
            gone = [name for name in files if name == path or (path.endswith("/") and name.startswith(path))]
            if not gone:
                raise RefusalError(404, f"A file with this name doesn't exist: {path}", "EntryNotFound")
            for name in gone:
                del files[name]
        for path in files:
            if any(str(parent_folder) in files for parent_folder in itertools.islice(_parents(path), 64)):
                raise RefusalError(400, f"{path} is below a file.")
        parents = tuple(sha for sha in (head, merging) if sha)
        key = [parents, {path: blob.oid for path, blob in files.items()}, title, description, author]
        sha = hashlib.sha1(json.dumps([*key, self.name, self.kind, next(self._serial)]).encode()).hexdigest()
        made = Commit(sha, parents, dict(sorted(files.items())), title, description, author, now())
        self.commits[sha] = made
        self.refs[ref] = sha
        return made

    def open_discussion(
        self, title: str, author: str, text: str, *, pull_request: bool, base: str | None = None
    ) -> Discussion:
        number = len(self.discussions) + 1
        status = "draft" if pull_request and base is None else "open"
        made = Discussion(number, title, author, pull_request, status, now())
        if pull_request:
            made.base = self.resolve(base or "main").sha
            self.refs[made.ref] = made.base
        made.comment(author, text)
        self.discussions[number] = made
        return made

    def discussion(self, number: int) -> Discussion:
        if number not in self.discussions:
            raise RefusalError(404, f"Discussion {number} not found")
        return self.discussions[number]

    def conflicts(self, request: Discussion) -> list[str]:
        """Files that both the pull request and main changed since it started, each in another way."""
        if not request.is_pull_request or request.status in ("merged", "closed"):
            return []
        ours, theirs = self._changed(request, self.refs[MAIN]), self._changed(request, self.refs[request.ref])
        return sorted(path for path in ours.keys() & theirs.keys() if ours[path] != theirs[path])

    def merge(self, request: Discussion, author: str) -> Commit:
        """Merge a pull request into main. Refuses one that is not open or conflicts."""
        if not request.is_pull_request or request.status not in ("open", "draft"):
            raise RefusalError(400, f"This pull request is {request.status}.")
        if conflicts := self.conflicts(request):
            raise RefusalError(409, f"Conflicting files: {', '.join(conflicts)}")
        present = self.resolve("main").files
        changes = {
            path: blob.read() if blob else None
            for path, blob in self._changed(request, self.refs[request.ref]).items()
            if blob or path in present
        }
        made = self.commit(
            MAIN,
            changes,
            title=f"{request.title} (#{request.num})",
            author=author,
            merging=self.refs[request.ref],
        )
        request.merged_as = made.sha
        request.set_status(author, "merged")
        return made

    def _changed(self, request: Discussion, head: str) -> dict[str, Blob | None]:
        before, after = self.commits[request.base or ""].files, self.commits[head].files
        paths = before.keys() | after.keys()
        return {path: after.get(path) for path in paths if before.get(path) != after.get(path)}

    def _store(self, content: bytes) -> Blob:
        blob = Blob(git_oid(content), hashlib.sha256(content).hexdigest(), len(content), self._blobs / git_oid(content))
        if not blob.path.exists():
            blob.path.write_bytes(content)
        return blob


def check_path(path: str) -> None:
    """Refuse what the real hub refuses as a file's path."""
    parts = path.removesuffix("/").split("/")
    if any(part in ("", ".", "..", ".git") for part in parts) or re.search(r"[\x00-\x1f\\]", path):
        raise RefusalError(400, f"Invalid path: {path!r}")


def _parents(path: str) -> Iterable[str]:
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def is_lfs(path: str) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in LFS_PATTERNS)


def entry(path: str, blob: Blob) -> dict[str, Any]:
    """A file of a tree listing."""
    if not is_lfs(path):
        return {"type": "file", "oid": blob.oid, "size": blob.size, "path": path}
    pointer = _POINTER.format(blob.sha256, blob.size).encode()
    lfs = {"oid": blob.sha256, "size": blob.size, "pointerSize": len(pointer)}
    return {"type": "file", "oid": git_oid(pointer), "size": blob.size, "path": path, "lfs": lfs}


def tree(commit: Commit, folder: str, *, recursive: bool) -> list[dict[str, Any]]:
    """What lies in a folder ("" for the root), sorted by path. Refuses with EntryNotFound."""
    prefix = f"{folder}/" if folder else ""
    found = {}
    for path, blob in commit.files.items():
        if not path.startswith(prefix):
            continue
        parts = path.removeprefix(prefix).split("/")
        for depth in range(1, len(parts) if recursive else min(len(parts), 2)):
            name = prefix + "/".join(parts[:depth])
            oid = hashlib.sha1(f"{commit.sha}{name}".encode()).hexdigest()
            found[name] = {"type": "directory", "oid": oid, "size": 0, "path": name}
        if recursive or len(parts) == 1:
            found[path] = entry(path, blob)
    if folder and not found:
        raise RefusalError(404, f'"{folder}" does not exist on "{commit.sha}"', "EntryNotFound")
    return [found[name] for name in sorted(found)]
