"""What the hub for tests answers: one function a route, in the JSON that the real client reads."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, quote, urlencode

from hub_repos import MAIN, Blob, Commit, Discussion, RefusalError, Repo, entry, is_lfs, tree

if TYPE_CHECKING:
    from hub_server import HubServer


class Answer(NamedTuple):
    status: int
    body: bytes
    headers: Mapping[str, str]

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> "Answer":
        return cls(status, json.dumps(value).encode(), headers or {})


class Request(NamedTuple):
    """A request and who sent it; `user` is None without a token."""

    hub: "HubServer"
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    content: bytes
    user: str | None

    def flag(self, name: str) -> bool:
        return self.query.get(name, [""])[0].lower() in ("1", "true")

    def body(self) -> Any:
        return json.loads(self.content or b"{}")

    def repo(self, kinds: str, name: str) -> Repo:
        return self.hub.visible(kinds.removesuffix("s"), name, self.user)

    def signed_in(self) -> str:
        if self.user is None:
            raise RefusalError(401, "Invalid username or password.")
        return self.user

    def may_write(self, repo: Repo, *, why: str) -> str:
        user = self.signed_in()
        if not self.hub.may_write(user, repo.name):
            raise RefusalError(403, why)
        return user


def whoami(request: Request) -> Answer:
    user = request.signed_in()
    orgs = [{"name": name} for name, members in request.hub.organisations.items() if user in members]
    return Answer.json({"type": "user", "name": user, "fullname": user.title(), "orgs": orgs})


def validate_yaml(request: Request) -> Answer:
    """Errors for front matter that is no YAML mapping, a warning where there is none."""
    import yaml

    found = re.match(r"---\n(.*?)\n---(\n|$)", request.body()["content"], re.DOTALL)
    if not found:
        return Answer.json({"errors": [], "warnings": [{"message": "empty or missing yaml metadata in repo card"}]})
    try:
        if not isinstance(yaml.safe_load(found[1]), dict):
            raise yaml.YAMLError("not a mapping")
    except yaml.YAMLError as error:
        return Answer.json({"errors": [{"message": str(error)}], "warnings": []}, 400)
    return Answer.json({"errors": [], "warnings": []})


def create_repo(request: Request) -> Answer:
    user, body = request.signed_in(), request.body()
    kind = body.get("type") or "model"
    name = f"{body.get('organization') or user}/{body['name']}"
    url = f"{request.hub.url}/{'' if kind == 'model' else kind + 's/'}{name}"
    if not request.hub.may_write(user, name):
        raise RefusalError(
            403, f'You don\'t have the rights to create a {kind} under the namespace "{name.split("/")[0]}"'
        )
    if (kind, name) in request.hub.repos:
        return Answer.json({"error": f"You already created this {kind} repo: {name}", "url": url}, 409)
    if kind == "space" and not body.get("sdk"):
        raise RefusalError(400, "sdk is missing")
    request.hub.create(name, kind, private=body.get("visibility") == "private", sdk=body.get("sdk"))
    return Answer.json({"url": url})


def repo_info(request: Request, kinds: str, name: str, revision: str | None) -> Answer:
    repo = request.repo(kinds, name)
    commit = repo.resolve(revision or "main")
    siblings: list[dict[str, Any]] = []
    for path, blob in commit.files.items():
        sibling: dict[str, Any] = {"rfilename": path}
        if request.flag("blobs"):
            listed = entry(path, blob)
            sibling |= {"size": blob.size, "blobId": listed["oid"]}
            if is_lfs(path):
                pointer = listed["lfs"]["pointerSize"]
                sibling["lfs"] = {"sha256": blob.sha256, "size": blob.size, "pointerSize": pointer}
        siblings.append(sibling)
    info = {
        "_id": f"{abs(hash(name)):024x}"[:24],
        "id": name,
        "author": name.split("/")[0],
        "sha": commit.sha,
        "lastModified": commit.date,
        "createdAt": repo.created,
        "private": repo.private,
        "gated": "manual" if repo.gated else False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "siblings": siblings,
    }
    if repo.kind == "space":
        info["sdk"] = repo.sdk
    return Answer.json(info)


def list_tree(request: Request, kinds: str, name: str, revision: str, folder: str | None) -> Answer:
    commit = request.repo(kinds, name).resolve(revision)
    entries = tree(commit, folder or "", recursive=request.flag("recursive"))
    start = int(request.query.get("cursor", ["0"])[0])
    end = start + request.hub.page
    headers = {}
    if end < len(entries):
        query = {key: values[0] for key, values in request.query.items()} | {"cursor": str(end)}
        headers["Link"] = f'<{request.hub.url}{request.path}?{urlencode(query)}>; rel="next"'
    page = entries[start:end]
    return Answer.json(_expanded(page, commit) if request.flag("expand") else page, headers=headers)


def paths_info(request: Request, kinds: str, name: str, revision: str) -> Answer:
    commit = request.repo(kinds, name).resolve(revision)
    form = parse_qs(request.content.decode())
    known = {item["path"]: item for item in tree(commit, "", recursive=True)}
    found = [known[path] for path in dict.fromkeys(form.get("paths", [])) if path in known]
    return Answer.json(_expanded(found, commit) if form.get("expand", [""])[0].lower() == "true" else found)


def _expanded(entries: list[dict[str, Any]], commit: Commit) -> list[dict[str, Any]]:
    last = {"id": commit.sha, "title": commit.title, "date": commit.date}
    safe = {"status": "safe", "avScan": {"status": "safe"}, "pickleImportScan": None}
    return [
        {**item, "lastCommit": last, **({"securityFileStatus": safe} if item["type"] == "file" else {})}
        for item in entries
    ]


def list_commits(request: Request, kinds: str, name: str, revision: str) -> Answer:
    repo = request.repo(kinds, name)
    commit: Commit | None = repo.resolve(revision)
    found = []
    while commit:
        found.append(
            {
                "id": commit.sha,
                "title": commit.title,
                "message": commit.description,
                "authors": [{"user": commit.author}],
                "date": commit.date,
            }
        )
        commit = repo.commits[commit.parents[0]] if commit.parents else None
    return Answer.json(found)


def list_refs(request: Request, kinds: str, name: str) -> Answer:
    repo = request.repo(kinds, name)

    def under(prefix: str) -> list[dict[str, str]]:
        return [
            {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": sha}
            for ref, sha in repo.refs.items()
            if ref.startswith(prefix)
        ]

    answer = {"branches": under("refs/heads/"), "converts": [], "tags": under("refs/tags/")}
    if request.flag("include_prs"):
        answer["pullRequests"] = under("refs/pr/")
    return Answer.json(answer)


def create_tag(request: Request, kinds: str, name: str, revision: str) -> Answer:
    return _create_ref(request, kinds, name, f"refs/tags/{request.body()['tag']}", revision)


def create_branch(request: Request, kinds: str, name: str, branch: str) -> Answer:
    return _create_ref(request, kinds, name, f"refs/heads/{branch}", request.body().get("startingPoint") or "main")


def _create_ref(request: Request, kinds: str, name: str, ref: str, revision: str) -> Answer:
    repo = request.repo(kinds, name)
    request.may_write(repo, why="Forbidden")
    if ref in repo.refs:
        raise RefusalError(409, f"Reference already exists: {ref}")
    repo.refs[ref] = repo.resolve(revision).sha
    return Answer.json({})


def preupload(request: Request, kinds: str, name: str, revision: str) -> Answer:
    repo = request.repo(kinds, name)
    user = request.signed_in()
    if not (request.flag("create_pr") or _may_commit(request, repo, revision, user)):
        raise RefusalError(403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request")
    present = repo.resolve(revision).files
    files = [
        {
            "path": file["path"],
            "uploadMode": "regular",
            "shouldIgnore": False,
            "oid": present[file["path"]].oid if file["path"] in present else None,
        }
        for file in request.body()["files"]
    ]
    return Answer.json({"files": files, "commitOid": repo.resolve(revision).sha})


def _may_commit(request: Request, repo: Repo, revision: str, user: str) -> bool:
    if (found := re.fullmatch(r"refs/pr/([0-9]+)", revision)) and repo.discussion(int(found[1])).author == user:
        return True
    return request.hub.may_write(user, repo.name)


def commit(request: Request, kinds: str, name: str, revision: str) -> Answer:
    repo = request.repo(kinds, name)
    user = request.signed_in()
    create_pr = request.flag("create_pr")
    if not (create_pr or _may_commit(request, repo, revision, user)):
        raise RefusalError(403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request")
    header: dict[str, Any] = {}
    changes: dict[str, bytes | None] = {}
    for line in request.content.splitlines():
        item = json.loads(line)
        key, value = item["key"], item["value"]
        if key == "header":
            header = value
        elif key == "file":
            changes[value["path"]] = base64.b64decode(value["content"], validate=True)
        elif key in ("deletedFile", "deletedFolder"):
            path = value["path"]
            changes[path if key == "deletedFile" else path.rstrip("/") + "/"] = None
        else:
            raise RefusalError(400, f"{key} is not taken here")
    title, text, parent = header["summary"], header.get("description", ""), header.get("parentCommit")
    base = f"{request.hub.url}/{'' if repo.kind == 'model' else repo.kind + 's/'}{repo.name}"
    if create_pr:
        opened = repo.open_discussion(title, user, text, pull_request=True, base=parent or revision)
        made = repo.commit(opened.ref, changes, title=title, author=user, description=text)
        opened.add("commit", user, {"subject": title, "oid": made.sha})
        answer = {"pullRequestUrl": f"{base}/discussions/{opened.num}"}
    else:
        ref = repo.ref_of(revision)
        made = repo.commit(ref, changes, title=title, author=user, description=text, parent=parent)
        answer = {}
    return Answer.json({"success": True, "commitOid": made.sha, "commitUrl": f"{base}/commit/{made.sha}", **answer})


def resolve_file(request: Request, kind: str, name: str, revision: str, path: str) -> Answer:
    """A file's bytes, or the range of them that was asked for."""
    repo = request.repo(kind, name)
    if repo.gated and not request.hub.may_write(request.user, name):
        raise RefusalError(403 if request.user else 401, f"Access to {kind} {name} is restricted.", "GatedRepo")
    commit = repo.resolve(revision)
    blob: Blob | None = commit.files.get(path)
    if blob is None:
        raise RefusalError(404, "Entry not found", "EntryNotFound")
    content = blob.read()
    etag = f'"{blob.sha256 if is_lfs(path) else blob.oid}"'
    headers = {
        "X-Repo-Commit": commit.sha,
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(path.rpartition('/')[2])}",
    }
    if is_lfs(path):
        headers |= {"X-Linked-Etag": etag, "X-Linked-Size": str(blob.size)}
    wanted = re.fullmatch(r"bytes=([0-9]*)-([0-9]*)", request.headers.get("range", ""))
    if not wanted:
        return Answer(200, content, headers)
    size = len(content)
    start = int(wanted[1]) if wanted[1] else max(0, size - int(wanted[2]))
    end = min(int(wanted[2]), size - 1) if wanted[1] and wanted[2] else size - 1
    if start >= size or end < start:
        return Answer(416, b"", {"Content-Range": f"bytes */{size}"})
    return Answer(206, content[start : end + 1], {**headers, "Content-Range": f"bytes {start}-{end}/{size}"})


def list_discussions(request: Request, kinds: str, name: str) -> Answer:
    repo = request.repo(kinds, name)
    kind, status = (request.query.get(key, ["all"])[0] for key in ("type", "status"))
    author = request.query.get("author", [None])[0]
    found = [
        discussion
        for discussion in reversed(repo.discussions.values())
        if kind in ("all", "pull_request" if discussion.is_pull_request else "discussion")
        and (status == "all" or (status == "open") == (discussion.status in ("open", "draft")))
        and author in (None, discussion.author)
    ]
    start = int(request.query.get("p", ["0"])[0]) * 10
    page = [_summary(repo, discussion) for discussion in found[start : start + 10]]
    return Answer.json({"discussions": page, "count": len(found), "start": start})


def create_discussion(request: Request, kinds: str, name: str) -> Answer:
    repo, body = request.repo(kinds, name), request.body()
    opened = repo.open_discussion(
        body["title"], request.signed_in(), body.get("description", ""), pull_request=bool(body.get("pullRequest"))
    )
    return Answer.json({"num": opened.num, "pullRequest": opened.is_pull_request})


def discussion_details(request: Request, kinds: str, name: str, number: str) -> Answer:
    repo = request.repo(kinds, name)
    found = repo.discussion(int(number))
    details = {**_summary(repo, found), "events": found.events, "filesWithConflicts": repo.conflicts(found)}
    if found.is_pull_request:
        details |= {"diff": "", "changes": {"base": MAIN, "mergeCommitId": found.merged_as}}
    return Answer.json(details)


def comment_discussion(request: Request, kinds: str, name: str, number: str) -> Answer:
    found = request.repo(kinds, name).discussion(int(number))
    return Answer.json({"newMessage": found.comment(request.signed_in(), request.body()["comment"])})


def change_status(request: Request, kinds: str, name: str, number: str) -> Answer:
    repo, body = request.repo(kinds, name), request.body()
    found = repo.discussion(int(number))
    user = request.signed_in()
    if user != found.author:
        request.may_write(repo, why="Forbidden")
    if found.status == "merged":
        raise RefusalError(400, "This pull request is merged.")
    if body.get("comment"):
        found.comment(user, body["comment"])
    return Answer.json({"newStatus": found.set_status(user, body["status"])})


def merge_pull_request(request: Request, kinds: str, name: str, number: str) -> Answer:
    repo = request.repo(kinds, name)
    user = request.may_write(repo, why="Forbidden")
    found = repo.discussion(int(number))
    if text := request.body().get("comment"):
        found.comment(user, text)
    repo.merge(found, user)
    return Answer.json({"success": True})


def _summary(repo: Repo, discussion: Discussion) -> dict[str, Any]:
    return {
        "num": discussion.num,
        "title": discussion.title,
        "author": {"name": discussion.author},
        "status": discussion.status,
        "createdAt": discussion.created,
        "isPullRequest": discussion.is_pull_request,
        "repo": {"name": repo.name, "type": repo.kind},
    }


_REPO = r"/api/(models|datasets|spaces)/([^/]+/[^/]+)"
API_ROUTES: list[tuple[tuple[str, ...], re.Pattern[str], Callable[..., Answer]]] = [
    (methods, re.compile(f"^{pattern}$"), route)
    for methods, pattern, route in (
        (("GET",), r"/api/whoami-v2", whoami),
        (("POST",), r"/api/validate-yaml", validate_yaml),
        (("POST",), r"/api/repos/create", create_repo),
        (("GET", "HEAD"), _REPO + r"(?:/revision/([^/]+))?", repo_info),
        (("GET",), _REPO + r"/tree/([^/]+)(?:/(.+))?", list_tree),
        (("POST",), _REPO + r"/paths-info/([^/]+)", paths_info),
        (("GET",), _REPO + r"/commits/([^/]+)", list_commits),
        (("GET",), _REPO + r"/refs", list_refs),
        (("POST",), _REPO + r"/tag/([^/]+)", create_tag),
        (("POST",), _REPO + r"/branch/([^/]+)", create_branch),
        (("POST",), _REPO + r"/preupload/([^/]+)", preupload),
        (("POST",), _REPO + r"/commit/([^/]+)", commit),
        (("GET",), _REPO + r"/discussions", list_discussions),
        (("POST",), _REPO + r"/discussions", create_discussion),
        (("GET",), _REPO + r"/discussions/([0-9]+)", discussion_details),
        (("POST",), _REPO + r"/discussions/([0-9]+)/comment", comment_discussion),
        (("POST",), _REPO + r"/discussions/([0-9]+)/status", change_status),
        (("POST",), _REPO + r"/discussions/([0-9]+)/merge", merge_pull_request),
    )
]
