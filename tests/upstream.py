"""A small HTTP server on loopback that misbehaves as told, for the tests of downloads."""

import hashlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    """What a request asked for."""

    path: str
    range: str | None
    if_range: str | None
    authorization: str | None


@dataclass
class Upstream:
    """Serves `files` by path; the first answers of `plan` come before the good ones."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    plan: list["Answer"] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0  # bytes of bodies


class Handler(BaseHTTPRequestHandler):
    """One connection; an answer is a function of it and of the content at its path."""

    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def do_GET(self) -> None:
        names = ("Range", "If-Range", "Authorization")
        self.upstream.asked.append(Asked(self.path, *(self.headers.get(name) for name in names)))
        content = self.upstream.files.get(self.path.partition("?")[0])
        answer = self.upstream.plan.pop(0) if self.upstream.plan else good
        if content is None and answer is good:
            answer = status(404)
        answer(self, content or b"")
        self.close_connection = True

    def head(self, code: int, **headers: str | int) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Connection", "close")
        self.end_headers()

    def body(self, data: bytes) -> None:
        self.upstream.sent += len(data)  # first: whoever has received the last byte may look at once
        self.wfile.write(data)

    def log_message(self, *message: object) -> None:
        pass


Answer = Callable[[Handler, bytes], None]


def etag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def cut(count: int | None, *, tagged: bool = True) -> Answer:
    """Range requests as HTTP wants them, but the connection closes after so many bytes."""

    def answer(handler: Handler, content: bytes) -> None:
        start = 0
        current = handler.headers.get("If-Range") in (None, etag(content))
        if (asked := handler.headers.get("Range")) and current:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        tag = {"ETag": etag(content)} if tagged else {}
        if start >= len(content) > 0:
            handler.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
            return
        left = content[start:]
        if start:
            span = f"bytes {start}-{len(content) - 1}/{len(content)}"
            handler.head(206, Content_Range=span, Content_Length=len(left), **tag)
        else:
            handler.head(200, Content_Length=len(left), **tag)
        handler.body(left[:count])

    return answer


good = cut(None)


def untagged(handler: Handler, content: bytes) -> None:
    """As `good`, saying nothing about which content it is."""
    cut(None, tagged=False)(handler, content)


def deaf(handler: Handler, content: bytes) -> None:
    """The whole file, whatever range was asked for."""
    handler.head(200, Content_Length=len(content))
    handler.body(content)


def endless(handler: Handler, content: bytes) -> None:
    """The file and more of the same, of no stated length."""
    handler.head(200)
    handler.body(content * 3)


def reset(handler: Handler, content: bytes) -> None:
    """The connection is reset instead of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def status(code: int, **headers: str | int) -> Answer:
    """No file but a status."""
    return lambda handler, _: handler.head(code, Content_Length=0, **headers)


def page(content_type: str, text: bytes = b"\n<!DOCTYPE html>\n<html><body>Log in</body></html>") -> Answer:
    """A web page in place of the file, and a success by its status."""

    def answer(handler: Handler, _: bytes) -> None:
        handler.head(200, Content_Type=content_type, Content_Length=len(text))
        handler.body(text)

    return answer


def partial(span: str, body: bytes = b"") -> Answer:
    """A 206 with this Content-Range."""

    def answer(handler: Handler, _: bytes) -> None:
        handler.head(206, Content_Range=span, Content_Length=len(body))
        handler.body(body)

    return answer


@contextmanager
def serve() -> Iterator[Upstream]:
    """A server in a thread of its own, for as long as the block lasts."""
    upstream = Upstream()
    handler = type("BoundHandler", (Handler,), {"upstream": upstream})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        upstream.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield upstream
        server.shutdown()
        thread.join()
