"""A small writable Hugging Face hub for tests, on loopback, that the real huggingface_hub client talks to.

    with HubServer(tmp_path) as server:
        server.create("motifzoo/model")
        api = HfApi(endpoint=server.url, token="hf_maintainer")

Tokens are users: `hf_maintainer` may write to the organisation motifzoo, `hf_alice`, `hf_bob` ... (any `hf_NAME` given
to `HubServer(users=...)`) to their own namespace; everyone may open pull requests on what they can see. `fail` scripts
faults, `on` runs a function before a request is answered (to lose a race), `requests` lists what was asked.
"""

import binascii
import re
import socket
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hub_repos import MAIN, Discussion, RefusalError, Repo
from hub_routes import API_ROUTES, Answer, Request, resolve_file

USERS = ("maintainer", "alice", "bob")
HTML = b"<!doctype html><html><body>Log in to the network first.</body></html>"
_RESOLVE = re.compile(r"^/(?:(datasets|spaces)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)$")


class Asked(NamedTuple):
    """A request as it arrived: method, path with its query, the user behind the token."""

    method: str
    path: str
    user: str | None


@dataclass
class Fault:
    """A scripted fault; `hits` counts the requests that met it. `times` None: every request from then on."""

    method: str
    path: re.Pattern[str]
    times: int | None = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    drop: str | None = None
    truncate: bool = False
    delay: float = 0.0
    call: Callable[[], object] | None = None
    hits: int = 0

    def meets(self, method: str, path: str) -> bool:
        spent = self.times is not None and self.hits >= self.times
        return not spent and self.method in ("*", method) and self.path.search(path) is not None


def point_at(patch: pytest.MonkeyPatch, server: "HubServer", home: Path, user: str | None = None) -> None:
    """Set the environment as someone has it who uses this hub: endpoint, cache folder, token."""
    patch.setenv("HF_ENDPOINT", server.url)
    patch.setenv("HF_HOME", str(home))
    for name in ("HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DOWNLOAD_TIMEOUT"):
        patch.delenv(name, raising=False)
    if user is not None:
        patch.setenv("HF_TOKEN", f"hf_{user}")


class HubServer:
    """The hub: `url`, and what tests look at or change behind the client's back.

    folder: where file contents lie. users: names whose tokens `hf_NAME` are valid. organisations: name -> members.
    page: entries a page of a tree listing has.
    """

    def __init__(
        self,
        folder: Path,
        *,
        users: Collection[str] = USERS,
        organisations: Mapping[str, Collection[str]] | None = None,
        page: int = 1000,
    ) -> None:
        self.users = {f"hf_{name}": name for name in users}
        self.organisations = {"motifzoo": ("maintainer",)} if organisations is None else dict(organisations)
        self.page = page
        self.requests: list[Asked] = []
        self.lock = threading.RLock()
        self.closed = threading.Event()
        self.repos: dict[tuple[str, str], Repo] = {}
        self._faults: list[Fault] = []
        self._blobs = folder / "blobs"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.hub = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> "HubServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the door: from now on the hub cannot be reached."""
        self.closed.set()
        self._http.shutdown()
        self._http.close_lines()
        self._http.server_close()

    def fail(
        self,
        method: str,
        path: str,
        *,
        times: int | None = 1,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        drop: str | None = None,
        truncate: bool = False,
        delay: float = 0.0,
    ) -> Fault:
        """Script a fault for requests of `method` ("*": any) whose path and query match the regular expression `path`.

        status: answer this instead (with `headers`, `body`), nothing is done. body alone: 200 with this content in
        place of the right one. drop: close the line "before" the request is done, "after" it is done and before a word
        of the answer, or "half" way through the answer. truncate: an answer that is well formed and half as long as it
        should be. delay: seconds before any of this, or before the right answer.
        """
        assert drop in (None, "before", "after", "half"), drop
        fault = Fault(method, re.compile(path), times, status, headers or {}, body, drop, truncate, delay)
        self._faults.append(fault)
        return fault

    def on(self, method: str, path: str, call: Callable[[], object], *, times: int | None = 1) -> Fault:
        """Run `call` when a matching request arrives, before it is answered: someone else was faster."""
        fault = Fault(method, re.compile(path), times, call=call)
        self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """Forget every scripted fault."""
        self._faults.clear()

    def create(
        self, name: str, kind: str = "model", *, private: bool = False, gated: bool = False, sdk: str | None = None
    ) -> Repo:
        """A new repository of kind model, dataset or space."""
        with self.lock:
            if (kind, name) in self.repos:
                raise RefusalError(409, "You already created this repo")
            repo = Repo(kind, name, self._blobs, private=private, gated=gated, sdk=sdk)
            self.repos[kind, name] = repo
            return repo

    def repo(self, name: str, kind: str = "model") -> Repo:
        return self.repos[kind, name]

    def commit(
        self, name: str, changes: Mapping[str, bytes | None], kind: str = "model", *, title: str = "change"
    ) -> str:
        """Commit to main behind the client's back, in a repository made if need be; returns the commit id."""
        with self.lock:
            repo = self.repos.get((kind, name)) or self.create(name, kind)
            return repo.commit(MAIN, changes, title=title, author=name.split("/")[0]).sha

    def files(self, name: str, kind: str = "model", revision: str = "main") -> dict[str, bytes]:
        """Every file at a revision, .gitattributes aside."""
        with self.lock:
            found = self.repo(name, kind).resolve(revision).files
        return {path: blob.read() for path, blob in found.items() if path != ".gitattributes"}

    def history(self, name: str, kind: str = "model") -> list[str]:
        """Titles of the commits of main, newest first, first parents only."""
        with self.lock:
            repo = self.repo(name, kind)
            commit, titles = repo.resolve("main"), []
            while True:
                titles.append(commit.title)
                if not commit.parents:
                    return titles
                commit = repo.commits[commit.parents[0]]

    def discussions(self, name: str, kind: str = "dataset") -> list[Discussion]:
        with self.lock:
            return list(self.repo(name, kind).discussions.values())

    def asked(self, method: str, path: str) -> int:
        """How many requests of `method` ("*": any) matched the regular expression `path`."""
        return sum(method in ("*", was.method) and re.search(path, was.path) is not None for was in self.requests)

    def take_fault(self, asked: Asked) -> Fault | None:
        with self.lock:
            self.requests.append(asked)
            for fault in self._faults:
                if fault.meets(asked.method, asked.path):
                    fault.hits += 1
                    return fault
        return None

    def may_write(self, user: str | None, name: str) -> bool:
        namespace = name.split("/")[0]
        return user is not None and (user == namespace or user in self.organisations.get(namespace, ()))

    def visible(self, kind: str, name: str, user: str | None) -> Repo:
        """The repository, if this user may know of it; refuses as the real hub does."""
        repo = self.repos.get((kind, name))
        if repo is None or (repo.private and not self.may_write(user, name)):
            if user is None:
                raise RefusalError(401, "Invalid username or password.")
            raise RefusalError(404, "Repository not found", "RepoNotFound")
        return repo


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    hub: HubServer

    def __init__(self, *args: Any) -> None:
        self._lines: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._lines.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._lines.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""

    def close_lines(self) -> None:
        """Close what keep-alive holds open, so that a stopped hub answers nobody."""
        for line in list(self._lines):
            self.shutdown_request(line)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _serve(self) -> None:
        hub = self.server.hub
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ").strip()
        fault = hub.take_fault(Asked(self.command, self.path, hub.users.get(token)))
        if fault and fault.delay:
            hub.closed.wait(fault.delay)
        if fault and fault.call:
            fault.call()
        if fault and fault.drop == "before":
            return self._hang_up()
        if fault and fault.status:
            return self._send(Answer(fault.status, fault.body or b'{"error": "scripted"}', dict(fault.headers)))
        answer = self._answer(token, content)
        if fault and fault.drop == "after":
            return self._hang_up()
        if fault and fault.body is not None:
            answer = Answer(200, fault.body, {**answer.headers, **fault.headers})
        if fault and fault.truncate:
            answer = answer._replace(body=answer.body[: len(answer.body) // 2])
        return self._send(answer, half=fault is not None and fault.drop == "half")

    def _answer(self, token: str, content: bytes) -> Answer:
        hub = self.server.hub
        parts = urlsplit(self.path)
        try:
            if token and token not in hub.users:
                raise RefusalError(401, "Invalid credentials in Authorization header")
            request = Request(
                hub,
                self.command,
                parts.path,
                parse_qs(parts.query),
                {key.lower(): value for key, value in self.headers.items()},
                content,
                hub.users.get(token),
            )
            with hub.lock:
                if found := _RESOLVE.match(parts.path):
                    kind = {"datasets": "dataset", "spaces": "space", None: "model"}[found[1]]
                    return resolve_file(request, kind, unquote(found[2]), unquote(found[3]), unquote(found[4]))
                for methods, pattern, route in API_ROUTES:
                    if self.command in methods and (found := pattern.match(parts.path)):
                        return route(request, *(group and unquote(group) for group in found.groups()))
            raise RefusalError(404, f"no such route: {self.command} {self.path}")
        except RefusalError as refusal:
            headers = {"X-Error-Message": refusal.message.encode("ascii", "replace").decode()}
            if refusal.code:
                headers["X-Error-Code"] = refusal.code
            return Answer.json({"error": refusal.message}, refusal.status, headers)
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            return Answer.json({"error": f"malformed request: {error!r}"}, 400)

    def _send(self, answer: Answer, *, half: bool = False) -> None:
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
        headers["Content-Length"] = str(len(answer.body))
        headers["X-Request-Id"] = "Root=1-test"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body[: len(answer.body) // 2] if half else answer.body)
        if half:
            self._hang_up()

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
