"""Downloads over HTTP: cut, refused, misled and continued, against a server on loopback."""

import errno
import io
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.live import Live
from upstream import (
    Answer,
    Handler,
    Upstream,
    cut,
    deaf,
    endless,
    etag,
    page,
    partial,
    reset,
    serve,
    status,
    untagged,
)

from motifzoo.data_cards import download as module
from motifzoo.data_cards.download import TRIES, UnavailableError, WrongContentError, download, looks_like_html

CONTENT = bytes(range(256)) * 16


@pytest.fixture(scope="module")
def waits() -> Iterator[list[float]]:
    """The pauses between tries, which the tests do not make."""
    taken: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "sleep", taken.append)
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield taken


@pytest.fixture(scope="module")
def running(waits: list[float]) -> Iterator[Upstream]:
    with serve() as upstream:
        yield upstream


@pytest.fixture
def upstream(running: Upstream, waits: list[float]) -> Upstream:
    renew(running, CONTENT)
    waits.clear()
    return running


def renew(upstream: Upstream, content: bytes, *plan: Answer) -> None:
    upstream.files = {"/file.h5": content}
    upstream.plan[:] = plan
    upstream.asked.clear()
    upstream.sent = 0


def get(
    upstream: Upstream, part: Path, *, size: int | None = None, hashed: bool = True, path: str = "/file.h5"
) -> bytes:
    url = upstream.url + path
    download(url, part, shown=url, name="file.h5", size=size, hashed=hashed)
    return part.read_bytes()


def starts(upstream: Upstream) -> list[int]:
    """The byte that each request asked to begin with."""
    return [int(asked.range.removeprefix("bytes=")[:-1]) if asked.range else 0 for asked in upstream.asked]


# Cut and continued


@given(
    content=st.binary(min_size=1, max_size=3000).filter(lambda content: not looks_like_html(content)),
    cuts=st.lists(st.integers(0, 1000), max_size=8),
    stated=st.booleans(),
    hashed=st.booleans(),
)
@settings(deadline=None, max_examples=50)
def test_cut_at_any_bytes_and_still_identical(
    tmp_path_factory: pytest.TempPathFactory,
    running: Upstream,
    content: bytes,
    cuts: list[int],
    stated: bool,
    hashed: bool,
) -> None:
    # One try in between brings something, so that bad luck in a row never uses up all of them.
    plan = [cut(count) for at, count in enumerate(cuts) if count > 0 or at % 3]
    renew(running, content, *plan)
    part = tmp_path_factory.mktemp("cut") / "file.part"
    assert get(running, part, size=len(content) if stated else None, hashed=hashed) == content
    # Nothing came twice, and each request began where the one before it ended.
    assert running.sent == len(content)
    assert starts(running) == sorted(starts(running))


@given(left=st.integers(0, len(CONTENT) + 50), stated=st.booleans())
@example(left=len(CONTENT), stated=False)
@example(left=len(CONTENT) + 1, stated=True)
@settings(deadline=None, max_examples=30)
def test_an_earlier_download_is_continued_wherever_it_ended(
    tmp_path_factory: pytest.TempPathFactory, running: Upstream, left: int, stated: bool
) -> None:
    renew(running, CONTENT)
    part = tmp_path_factory.mktemp("left") / "file.part"
    part.write_bytes((CONTENT + b"x" * 50)[:left])
    assert get(running, part, size=len(CONTENT) if stated else None) == CONTENT
    assert running.sent == (len(CONTENT) - left if left <= len(CONTENT) else len(CONTENT))
    # What is too long is known without asking where the length is stated.
    assert len(running.asked) == (left != len(CONTENT) if stated else 1 + (left > len(CONTENT)))


def test_a_validator_is_asked_with(upstream: Upstream, tmp_path: Path) -> None:
    upstream.plan[:] = [cut(1000)]
    assert get(upstream, tmp_path / "part", hashed=False) == CONTENT
    assert [(asked.range, asked.if_range) for asked in upstream.asked] == [(None, None), ("bytes=1000-", etag(CONTENT))]


def test_a_date_serves_where_the_tag_is_weak(upstream: Upstream, tmp_path: Path) -> None:
    date = "Wed, 21 Oct 2015 07:28:00 GMT"

    def weak(handler: Handler, content: bytes) -> None:
        handler.head(200, ETag='W/"x"', Last_Modified=date, Content_Length=len(content))
        handler.body(content[:10])

    upstream.plan[:] = [weak]
    get(upstream, tmp_path / "part", hashed=False)
    assert upstream.asked[1].if_range == date


def test_a_file_that_changed_meanwhile_is_started_over(upstream: Upstream, tmp_path: Path) -> None:
    def change(handler: Handler, content: bytes) -> None:
        cut(1000)(handler, content)
        upstream.files["/file.h5"] = CONTENT[::-1]

    upstream.plan[:] = [change]
    assert get(upstream, tmp_path / "part", hashed=False) == CONTENT[::-1]


def test_bytes_that_nothing_vouches_for_are_not_continued(upstream: Upstream, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b"of something else")
    assert get(upstream, part, hashed=False) == CONTENT
    upstream.plan[:] = [cut(7, tagged=False), untagged]
    part.unlink()
    assert get(upstream, part, hashed=False) == CONTENT
    assert [asked.range for asked in upstream.asked] == [None, None, None]


def test_a_server_that_ignores_ranges(upstream: Upstream, tmp_path: Path) -> None:
    upstream.plan[:] = [cut(1000), deaf]
    assert get(upstream, tmp_path / "part") == CONTENT
    assert starts(upstream) == [0, 1000]


def test_a_server_that_always_cuts_and_never_continues_is_given_up(upstream: Upstream, tmp_path: Path) -> None:
    def answer(handler: Handler, content: bytes) -> None:
        handler.head(200, Content_Length=len(content))
        handler.body(content[:100])

    upstream.plan[:] = [answer] * 50
    with pytest.raises(UnavailableError):
        get(upstream, tmp_path / "part")
    assert len(upstream.asked) == 1 + TRIES - 1  # the first one got somewhere


@pytest.mark.parametrize(
    "odd",
    [
        partial("bytes 5-9/4096", b"01234"),
        partial("nonsense", b"01234"),
        status(416),
        status(416, Content_Range="bytes */77"),
    ],
    ids=["elsewhere", "illegible", "416", "416 of another length"],
)
def test_a_wrong_answer_to_a_range_starts_over(upstream: Upstream, tmp_path: Path, odd: Answer) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:1000])
    upstream.plan[:] = [odd]
    assert get(upstream, part) == CONTENT
    assert starts(upstream) == [1000, 0]


def test_a_shorter_range_than_asked_for_is_followed_by_another(upstream: Upstream, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:1000])
    upstream.plan[:] = [partial(f"bytes 1000-1499/{len(CONTENT)}", CONTENT[1000:1500])]
    assert get(upstream, part) == CONTENT
    assert starts(upstream) == [1000, 1500]


def test_a_whole_part_needs_no_request(upstream: Upstream, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT)
    assert get(upstream, part, size=len(CONTENT)) == CONTENT
    assert upstream.asked == []


# Tried again, and not


def test_errors_that_pass_are_waited_out_longer_each_time(
    upstream: Upstream, tmp_path: Path, waits: list[float]
) -> None:
    upstream.plan[:] = [status(500), status(503), reset, status(408)]
    assert get(upstream, tmp_path / "part") == CONTENT
    assert len(waits) == 4
    for wait, middle in zip(waits, (0.5, 1, 2, 4), strict=True):
        assert middle * 0.5 <= wait <= middle * 1.5


def test_errors_that_do_not_pass_are_given_up(
    upstream: Upstream, tmp_path: Path, caplog: pytest.LogCaptureFixture, waits: list[float]
) -> None:
    upstream.plan[:] = [status(502)] * 10
    with pytest.raises(UnavailableError) as error:
        get(upstream, tmp_path / "part")
    assert str(error.value) == "the server answers 502 Bad Gateway; tried 5 times"
    assert len(upstream.asked) == TRIES
    assert caplog.messages == [
        f"file.h5: the server answers 502 Bad Gateway; trying again in {wait:.1f} s." for wait in waits
    ]


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [("7", 7, 7), ("86400", 60, 60), ("soon", 0, 1), ("-3", 0, 1), ("", 0, 1), ("date", 20, 30)],
)
def test_a_wait_that_the_server_asks_for(
    upstream: Upstream, tmp_path: Path, waits: list[float], asked: str, low: float, high: float
) -> None:
    if asked == "date":
        asked = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    upstream.plan[:] = [status(429, Retry_After=asked)]
    assert get(upstream, tmp_path / "part") == CONTENT
    (wait,) = waits
    assert low <= wait <= high


@pytest.mark.parametrize(
    ("code", "phrase"), [(404, "Not Found"), (403, "Forbidden"), (401, "Unauthorized"), (204, "No Content")]
)
def test_a_refusal_is_taken_at_its_word(upstream: Upstream, tmp_path: Path, code: int, phrase: str) -> None:
    upstream.plan[:] = [status(code)]
    with pytest.raises(UnavailableError) as error:
        get(upstream, tmp_path / "part")
    assert str(error.value) == f"the server answers {code} {phrase}"
    assert len(upstream.asked) == 1
    assert not (tmp_path / "part").exists()


def test_a_silent_server(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(handler: Handler, content: bytes) -> None:
        handler.head(200, Content_Length=len(content))
        handler.body(content[:100])
        sleep(1)

    monkeypatch.setattr(module, "SILENT_SECONDS", 0.1)
    upstream.plan[:] = [silent]
    assert get(upstream, tmp_path / "part") == CONTENT
    assert starts(upstream) == [0, 100]


def test_nobody_at_the_address(upstream: Upstream, tmp_path: Path, waits: list[float]) -> None:
    with pytest.raises(UnavailableError) as error:
        download("http://127.0.0.1:1/x", tmp_path / "part", shown="", name="x", size=None, hashed=True)
    assert str(error.value) == "no connection ([Errno 111] Connection refused); tried 5 times"
    assert len(waits) == TRIES - 1


# Where a URL leads


def test_redirects_are_followed(upstream: Upstream, tmp_path: Path) -> None:
    upstream.plan[:] = [status(302, Location="/elsewhere"), status(301, Location=f"{upstream.url}/file.h5")]
    assert get(upstream, tmp_path / "part") == CONTENT


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://a..b/"])
def test_a_redirect_to_no_http_address(upstream: Upstream, tmp_path: Path, target: str) -> None:
    upstream.plan[:] = [status(302, Location=target)]
    with pytest.raises(UnavailableError) as error:
        get(upstream, tmp_path / "part")
    assert str(error.value) == "it leads to an address that is not a legal http or https URL"
    assert not (tmp_path / "part").exists()


def test_a_redirect_in_circles(upstream: Upstream, tmp_path: Path) -> None:
    upstream.plan[:] = [status(302, Location="/file.h5")] * 50
    with pytest.raises(UnavailableError) as error:
        get(upstream, tmp_path / "part")
    assert str(error.value) == "it is redirected in circles"


@pytest.mark.parametrize("url", ["ftp://host/x", "file:///etc/passwd", "http://", "http://h:99999/", "http://[h/", ""])
def test_a_url_that_is_none(tmp_path: Path, url: str) -> None:
    with pytest.raises(UnavailableError) as error:
        download(url, tmp_path / "part", shown=url, name="x", size=None, hashed=True)
    assert str(error.value) == "it is not a legal http or https URL"


# Not the file


@pytest.mark.parametrize(
    ("head", "content_type", "expected"),
    [
        (b"<!DOCTYPE html>", "", True),
        (b"\xef\xbb\xbf\r\n <HTML lang=en>", "application/octet-stream", True),
        (b"<script>", "text/html; charset=utf-8", True),
        (b"<?xml version='1.0'?>", "application/xhtml+xml", True),
        (b"<?xml version='1.0'?>", "application/xml", False),
        (b">chr1:1-200 1\nACGT", "text/html", False),
        (b"\x89HDF\r\n\x1a\n", "text/html", False),
        (b"", "text/html", False),
    ],
)
def test_what_looks_like_a_web_page(head: bytes, content_type: str, expected: bool) -> None:
    assert looks_like_html(head, content_type) is expected


def test_a_web_page_does_not_cost_what_is_on_disk(upstream: Upstream, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(CONTENT[:1000])
    upstream.plan[:] = [page("text/html")]
    with pytest.raises(WrongContentError) as error:
        get(upstream, part, size=len(CONTENT))
    assert str(error.value) == "it answers with a web page (HTML) instead of the file"
    assert part.read_bytes() == CONTENT[:1000]
    assert len(upstream.asked) == 1


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_another_length_than_stated(upstream: Upstream, tmp_path: Path, size: int) -> None:
    with pytest.raises(WrongContentError) as error:
        get(upstream, tmp_path / "part", size=size)
    assert str(error.value) == f"it has 4,096 bytes there, and its card says {size:,}"
    assert not (tmp_path / "part").exists()


def test_never_more_than_stated(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = Recorder(monkeypatch)
    upstream.plan[:] = [endless]
    with pytest.raises(WrongContentError) as error:
        get(upstream, tmp_path / "part", size=len(CONTENT))
    assert str(error.value) == "it sends more than the 4,096 bytes that its card says"
    assert written.bytes <= len(CONTENT)
    assert not (tmp_path / "part").exists()


class Recorder:
    """Files opened by path count the bytes written to them, and refuse those that do not fit on the disk."""

    def __init__(self, patch: pytest.MonkeyPatch, room: int | None = None) -> None:
        self.bytes = 0
        recorder = self

        class Counted(io.FileIO):
            def write(self, data: Any, /) -> int:
                fits = len(data) if room is None else min(len(data), room - recorder.bytes)
                if fits <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                recorder.bytes += fits
                return super().write(bytes(data[:fits]))

        plain = Path.open

        def opened(path: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if mode in ("wb", "ab"):
                return io.BufferedWriter(Counted(path, mode[0]))
            return plain(path, mode, *rest, **named)

        patch.setattr(Path, "open", opened)


def test_a_full_disk_keeps_what_fitted(upstream: Upstream, tmp_path: Path) -> None:
    part = tmp_path / "part"
    with pytest.MonkeyPatch.context() as patch:
        Recorder(patch, room=1500)
        with pytest.raises(OSError, match="No space left"):
            get(upstream, part)
    kept = len(part.read_bytes())
    assert 0 < kept < len(CONTENT)
    assert get(upstream, part) == CONTENT
    assert starts(upstream) == [0, kept]


# Progress


def test_a_bar_on_a_terminal(upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        module, "Console", lambda **_: Console(file=screen, force_terminal=True, width=80, color_system=None)
    )
    upstream.files["/file.h5"] = CONTENT * 500
    upstream.plan[:] = [cut(1_000_000)]
    get(upstream, tmp_path / "part")
    drawn = [line for line in re.split(r"[\r\n]+|\x1b\[[0-9;?]*[A-Za-z]", screen.getvalue()) if line.strip()]
    assert drawn.count("fetching file.h5") == 1
    assert drawn[-1].startswith("2.0/2.0 MB ━━━━━━━━━━━━━━━━━━━━ ")
    assert max(len(line) for line in drawn) <= 80
    assert "\x1b[1A" not in screen.getvalue()  # one bar, also after the cut


def test_a_notice_where_there_is_no_terminal(
    upstream: Upstream, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    get(upstream, tmp_path / "small")
    assert caplog.messages == []
    upstream.files["/file.h5"] = CONTENT * 500
    get(upstream, tmp_path / "large")
    assert caplog.messages == [f"fetching file.h5 (2.0 MB) from {upstream.url}/file.h5."]
    assert capfd.readouterr() == ("", "")


def test_a_display_that_is_already_there_is_left_alone(
    upstream: Upstream, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = io.StringIO()
    monkeypatch.setattr(module, "Console", lambda **_: Console(file=ours, force_terminal=True))
    upstream.files["/file.h5"] = CONTENT * 500
    with Live("working", console=Console(file=io.StringIO(), force_terminal=True)):
        get(upstream, tmp_path / "part")
    assert ours.getvalue() == ""
    assert caplog.messages == [f"fetching file.h5 (2.0 MB) from {upstream.url}/file.h5."]
