"""A web server for a site on this machine alone."""

from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from ....errors import BoardError

LOOPBACK: Final = "127.0.0.1"
_HOSTS: Final = {LOOPBACK, "localhost"}


class _Handler(SimpleHTTPRequestHandler):
    """Files of the folder, and nothing else: no listings, no links that lead out, no name but this machine's own.

    A page elsewhere that calls this server by a name of its own (DNS rebinding) is refused.
    """

    server_version = "motifzoo"
    sys_version = ""

    def send_head(self) -> Any:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in _HOSTS:
            self.send_error(HTTPStatus.FORBIDDEN, "this server answers to 127.0.0.1 and localhost only")
            return None
        if not Path(self.translate_path(self.path)).resolve().is_relative_to(Path(self.directory).resolve()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def list_directory(self, path: Any) -> None:
        self.send_error(HTTPStatus.NOT_FOUND)

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the terminal is for what concerns the person at it."""


def site_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of a site's folder on 127.0.0.1, not yet running; port 0 takes a free one.

    Raises BoardError for a port that is taken or not allowed.
    """
    try:
        return ThreadingHTTPServer((LOOPBACK, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise BoardError(
            f"cannot serve on port {port} of {LOOPBACK}: {error.strerror}. Give another --port, or 0 for a free one."
        ) from error
