"""One file over HTTP: streamed to disk, continued where it was cut, tried again where that can help.

Knows nothing of data sets: which file, from where, and what a failure means to a person is `fetch.py`'s business.
"""

import os
import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from pathlib import Path
from time import sleep
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx2
from rich.console import Console
from rich.file_proxy import FileProxy
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from .. import __version__
from ..files import notices

TRIES: Final = 5  # in a row that bring nothing new; one that does starts the count anew
CONNECT_SECONDS: Final = 10
SILENT_SECONDS: Final = 30  # without a byte, before a connection counts as dead
FIRST_WAIT: Final = 0.5  # seconds before the second try, doubled before each further one
LONGEST_WAIT: Final = 60.0  # also where the server asks for more
LARGE: Final = 1_000_000  # bytes worth a notice where no bar can be drawn
_PASSING: Final = frozenset({408, 425, 429, *range(500, 600)})  # status codes that another try may not get


class UnavailableError(Exception):
    """The file cannot be had from this URL now; the text says why, as the end of a sentence."""


class WrongContentError(Exception):
    """The URL holds something else than the file; the text says what, as the end of a sentence."""


class _CutError(Exception):
    """This try failed in a way that the next may not; `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def download(url: str, part: Path, *, shown: str, name: str, size: int | None, hashed: bool) -> None:
    """Make `part` the whole of what is at an http or https URL, going on from the bytes that it holds already.

    `shown` is the URL without what is secret in it and `name` the file's, for progress and notices. `size` is the
    file's length in bytes, where it is stated; never more than that is written. `hashed` says that the caller knows
    the file's hash: then bytes in `part` that this URL does not vouch for are continued all the same. Memory does not
    depend on the size. Raises UnavailableError and WrongContentError, and OSError where the disk refuses; `part` is
    kept for another time, unless it holds more bytes than the file has.
    """
    address, login = _split(url)
    # Ranges count the bytes that are sent, so nothing may be compressed on the way.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"motifzoo/{__version__}"}
    timeout = httpx2.Timeout(SILENT_SECONDS, connect=CONNECT_SECONDS)
    failures, furthest = 0, _length(part)
    with (
        _Progress(name, shown) as progress,
        httpx2.Client(auth=login, headers=headers, timeout=timeout, follow_redirects=True) as client,
    ):
        transfer = _Transfer(client, address, shown, part, size, hashed, progress)
        while True:
            try:
                return transfer.receive()
            except _CutError as cut:
                # Only bytes never reached before count: a server that cannot continue could be asked for ever.
                reached = _length(part)
                failures = 1 if reached > furthest else failures + 1
                furthest = max(reached, furthest)
                if failures == TRIES:
                    raise UnavailableError(f"{cut}; tried {TRIES} times") from cut
                wait = min(max(FIRST_WAIT * 2 ** (failures - 1) * random.uniform(0.5, 1.5), cut.wait), LONGEST_WAIT)
                notices.warning("%s: %s; trying again in %.1f s.", name, cut, wait)
                sleep(wait)


def looks_like_html(head: bytes, content_type: str = "") -> bool:
    """Whether the first bytes of a file, and what a server calls it, are those of a web page."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:15].lower()
    if content_type.partition(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
        return start.startswith(b"<")
    return start.startswith((b"<!doctype html", b"<html"))


def forget(part: Path) -> None:
    """Remove a partial download and what is known about it."""
    part.unlink(missing_ok=True)
    _origin(part).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Transfer:
    """The tries at one file."""

    client: httpx2.Client
    address: str
    shown: str
    part: Path
    size: int | None
    hashed: bool
    progress: "_Progress"

    def receive(self) -> None:
        """Ask for what is missing and append it."""
        have = _length(self.part)
        if self.size is not None and have > self.size:
            forget(self.part)
            have = 0
        if have == self.size:
            return
        asked = self._range(have)
        with _response(self.client, self.address, asked) as response:
            if asked and response.status_code == 416:
                if _content_range(response) == (None, have):
                    return
                forget(self.part)
                raise _CutError(f"the server cannot continue at byte {have:,}")
            _check_status(response)
            start, total = _extent(response)
            if start not in (0, have):
                forget(self.part)
                raise _CutError(f"the server does not continue at byte {have:,} as asked")
            chunks = response.iter_raw()
            first = next(chunks, b"")
            # Before anything is overwritten: a log-in page on the way to the server must not cost what is on disk.
            if start == 0 and looks_like_html(first, response.headers.get("Content-Type", "")):
                raise WrongContentError("it answers with a web page (HTML) instead of the file")
            if self.size is not None and total not in (None, self.size):
                raise WrongContentError(f"it has {total:,} bytes there, and its card says {self.size:,}")
            self.progress.begin(start, self.size or total)
            with self.part.open("ab" if start else "wb") as stream:
                if start == 0:
                    self._note_origin(response)
                done = start
                for chunk in chain((first,), chunks):
                    done += len(chunk)
                    if self.size is not None and done > self.size:
                        forget(self.part)
                        raise WrongContentError(f"it sends more than the {self.size:,} bytes that its card says")
                    stream.write(chunk)
                    self.progress.advance(len(chunk))
                stream.flush()
                os.fsync(stream.fileno())  # afterwards a whole file is told by its size
        # A body without a stated length, or a range shorter than asked for, ends early without an error.
        if (whole := self.size or total) is not None and done < whole:
            raise _CutError(f"the connection ended after {done:,} of {whole:,} bytes")

    def _range(self, have: int) -> dict[str, str]:
        """The headers that ask for the bytes from `have` on; none where the whole file must be asked for."""
        validator = self._validator()
        if not have or not (validator or self.hashed):
            return {}
        return {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})

    def _validator(self) -> str:
        """What tells the server which content the bytes on disk are of, if it said so when it sent them."""
        try:
            origin, validator = _origin(self.part).read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, ValueError):
            return ""
        return validator if origin == self.shown else ""

    def _note_origin(self, response: httpx2.Response) -> None:
        etag = response.headers.get("ETag", "")
        # A weak one says "much the same", which is not enough to join two pieces.
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified", "")
        _origin(self.part).write_text(f"{self.shown}\n{validator}\n", encoding="utf-8")


@contextmanager
def _response(client: httpx2.Client, address: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
    """The answer to a request, its body to be read inside the block; what the network does becomes our own errors."""
    try:
        with client.stream("GET", address, headers=headers) as response:
            yield response
    except httpx2.ConnectTimeout as error:
        raise _CutError(f"no connection within {CONNECT_SECONDS} s") from error
    except httpx2.TimeoutException as error:
        raise _CutError(f"the server was silent for {SILENT_SECONDS} s") from error
    except (httpx2.ConnectError, httpx2.ProxyError) as error:
        raise _CutError(f"no connection ({error})") from error
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL, UnicodeError, OverflowError) as error:
        raise UnavailableError("it leads to an address that is not a legal http or https URL") from error
    except httpx2.TooManyRedirects as error:
        raise UnavailableError("it is redirected in circles") from error
    except httpx2.RequestError as error:
        # The rest of the client's sentence counts the bytes of this try alone.
        raise _CutError(f"the connection broke ({str(error).partition(' (')[0]})") from error


def _check_status(response: httpx2.Response) -> None:
    if response.status_code in (200, 206):
        return
    reason = f"the server answers {response.status_code} {response.reason_phrase}".rstrip()
    if response.status_code in _PASSING:
        raise _CutError(reason, _asked_wait(response.headers.get("Retry-After", "")))
    raise UnavailableError(reason)


def _asked_wait(value: str) -> float:
    """Seconds that a Retry-After header asks for, given as such or as a date; 0 where it says nothing legible."""
    if value.isdecimal():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


def _extent(response: httpx2.Response) -> tuple[int | None, int | None]:
    """Where in the file the body begins, and the length of the whole file; None where the server does not say."""
    if response.status_code == 206:
        return _content_range(response)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _content_range(response: httpx2.Response) -> tuple[int | None, int | None]:
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    start, total = found.groups() if found else (None, "*")
    return None if start is None else int(start), None if total == "*" else int(total)


def _split(url: str) -> tuple[str, tuple[str, str] | None]:
    """The URL without user name and password, and these: so that no log of the client's can show them."""
    try:
        parts = urlsplit(url)
        legal = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        legal = False
    if not legal:
        raise UnavailableError("it is not a legal http or https URL")
    user, _, host = parts.netloc.rpartition("@")
    login = (unquote(parts.username or ""), unquote(parts.password or "")) if user else None
    return parts._replace(netloc=host).geturl(), login


def _origin(part: Path) -> Path:
    """Where the URL and the validator of a partial download are noted."""
    return part.with_name(f"{part.name}-origin")


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class _Progress:
    """A bar on standard error where that is a terminal of ours alone; elsewhere a notice, for a large file."""

    def __init__(self, name: str, shown: str) -> None:
        self._name = name
        self._shown = shown
        self._bars: Progress | None = None
        self._begun = False

    def __enter__(self) -> "_Progress":
        console = Console(stderr=True)
        # A live display that is already there owns the terminal: two would overwrite each other's lines.
        if console.is_terminal and not isinstance(sys.stderr, FileProxy):
            columns = (DownloadColumn(), BarColumn(bar_width=20), TransferSpeedColumn(), TimeRemainingColumn())
            self._bars = Progress(*columns, console=console)
            self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def begin(self, done: int, total: int | None) -> None:
        """A body begins at byte `done` of `total`."""
        if self._bars is not None:
            if not self._begun:
                # A line of its own, so that the numbers fit beside the bar in 80 columns.
                self._bars.console.print(f"fetching {self._name}", markup=False, highlight=False)
            # A new task for each try: the speed is that of this one.
            for task in self._bars.task_ids:
                self._bars.remove_task(task)
            self._task = self._bars.add_task("", completed=done, total=total)
        elif not self._begun and (total is None or total - done > LARGE):
            length = "size unknown" if total is None else decimal(total)
            notices.warning("fetching %s (%s) from %s.", self._name, length, self._shown)
        self._begun = True

    def advance(self, count: int) -> None:
        """That many bytes more are on disk."""
        if self._bars is not None:
            self._bars.advance(self._task, count)
