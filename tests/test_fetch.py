"""Upstream files: the cache, the mirror and the card's URL, and the message for each way that they fail."""

import hashlib
import io
import logging
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from time import sleep

import pytest
from upstream import Handler, Upstream, cut, endless, good, page, serve, status, untagged

from motifzoo.data_cards import download
from motifzoo.data_cards.cards import Copy, Source, load_card
from motifzoo.data_cards.fetch import FetchError, fetch
from motifzoo.errors import CacheError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
CONTENT = bytes(range(256)) * 16
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BY_HAND = (
    f"get the file in another way (4,096 bytes, sha256 {SHA256}), put it into a folder as file.h5, and type the same "
    "command again after: export MOTIFZOO_MIRROR=/path/to/that/folder"
)
MEND = "Put the right file there, or unset MOTIFZOO_MIRROR; then type the same command again."


@pytest.fixture(scope="module")
def running() -> Iterator[Upstream]:
    with serve() as upstream:
        yield upstream


@pytest.fixture
def upstream(running: Upstream) -> Upstream:
    running.files = {"/file.h5": CONTENT}
    running.plan.clear()
    running.asked.clear()
    running.sent = 0
    return running


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of fetched files, empty at first; nothing waits between two tries."""
    monkeypatch.setattr(download, "sleep", lambda seconds: None)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MOTIFZOO_MIRROR", raising=False)
    return tmp_path / "cache" / "sources"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("MOTIFZOO_MIRROR", str(folder))
    return folder


def source_at(upstream: Upstream, content: bytes = CONTENT, **changes: object) -> Source:
    facts = {
        "file": "file.h5",
        "url": f"{upstream.url}/file.h5",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return Source.model_validate(facts | changes)


def message_of(source: Source, error: type[Exception] = FetchError) -> str:
    with pytest.raises(error) as caught:
        fetch(source)
    return str(caught.value)


def unfinished(kept: Path) -> list[str]:
    return [path.name for path in kept.iterdir() if ".part" in path.name or path.name.startswith(".tmp")]


# The cache


def test_fetched_once(upstream: Upstream, kept: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = source_at(upstream)
    path = fetch(source)
    assert path == kept / f"{SHA256[:12]}-file.h5"
    assert path.read_bytes() == CONTENT
    assert fetch(source) == path
    assert len(upstream.asked) == 1
    assert unfinished(kept) == []
    assert caplog.messages == []


def test_another_content_of_the_same_name_is_another_file(upstream: Upstream) -> None:
    first = fetch(source_at(upstream))
    upstream.files["/file.h5"] = CONTENT[::-1]
    second = fetch(source_at(upstream, CONTENT[::-1]))
    assert (first.read_bytes(), second.read_bytes()) == (CONTENT, CONTENT[::-1])


@pytest.mark.parametrize("stated", [True, False])
def test_a_damaged_copy_is_fetched_again(upstream: Upstream, stated: bool, caplog: pytest.LogCaptureFixture) -> None:
    source = source_at(upstream) if stated else source_at(upstream, bytes=None, sha256=None)
    path = fetch(source)
    path.write_bytes(CONTENT[:-1])
    caplog.clear()
    assert fetch(source).read_bytes() == CONTENT
    assert caplog.messages[0] == "the cached copy of file.h5 is damaged; it is fetched again."


@pytest.mark.parametrize("record", ["", "{}", f'{{"url": "", "bytes": {len(CONTENT)}, "sha256": "{"0" * 64}"}}'])
def test_a_copy_whose_record_does_not_fit_is_fetched_again(upstream: Upstream, record: str) -> None:
    path = fetch(source_at(upstream))
    path.with_name(f"{path.name}.json").write_text(record)
    assert fetch(source_at(upstream)) == path
    assert len(upstream.asked) == 2


def test_a_cache_that_cannot_be_written(
    upstream: Upstream, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file")
    assert message_of(source_at(upstream), CacheError) == (
        f"cannot write {kept}: Not a directory. Set MOTIFZOO_CACHE to another folder."
    )


def test_a_full_disk(upstream: Upstream, kept: Path) -> None:
    kept.mkdir(parents=True)
    part = kept / f"{SHA256[:12]}-file.h5.part"
    part.symlink_to("/dev/full")
    assert message_of(source_at(upstream), CacheError) == (
        f"cannot write {kept}: No space left on device. Free some space or set MOTIFZOO_CACHE to another "
        "folder. What was received is kept, and the same command goes on from there."
    )
    assert part.is_symlink()


# Downloads


def test_goes_on_from_an_earlier_call(upstream: Upstream) -> None:
    source = source_at(upstream)
    upstream.plan[:] = [cut(3000), *[cut(0)] * download.TRIES]
    with pytest.raises(FetchError):
        fetch(source)
    upstream.plan.clear()
    upstream.asked.clear()
    assert fetch(source).read_bytes() == CONTENT
    assert [asked.range for asked in upstream.asked] == ["bytes=3000-"]


def test_bytes_that_do_not_fit_are_thrown_away(
    upstream: Upstream, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept.mkdir(parents=True)
    (kept / f"{SHA256[:12]}-file.h5.part").write_bytes(b"x" * 1000)
    assert fetch(source_at(upstream)).read_bytes() == CONTENT
    assert caplog.messages == ["what was left of an earlier download of file.h5 does not fit; starting over."]


def test_another_file_than_described(upstream: Upstream, kept: Path) -> None:
    upstream.files["/file.h5"] = CONTENT[::-1]
    found = hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert message_of(source_at(upstream)) == (
        f"{upstream.url}/file.h5 is not the file that its card describes: expected sha256 {SHA256}, found {found}. "
        f"Try again later; if it stays so, {BY_HAND}"
    )
    assert unfinished(kept) == []


def test_another_length_than_described(upstream: Upstream, kept: Path) -> None:
    upstream.files["/file.h5"] = CONTENT * 2
    assert message_of(source_at(upstream)) == (
        f"cannot fetch file.h5 from {upstream.url}/file.h5: it has 8,192 bytes there, and its card says 4,096. "
        f"Try again later; if it stays so, {BY_HAND}"
    )
    upstream.plan[:] = [endless]
    assert message_of(source_at(upstream)) == (
        f"cannot fetch file.h5 from {upstream.url}/file.h5: it sends more than the 4,096 bytes that its card says. "
        f"Try again later; if it stays so, {BY_HAND}"
    )
    assert unfinished(kept) == []


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_web_page_instead_of_the_file(upstream: Upstream, kept: Path, content_type: str) -> None:
    upstream.plan[:] = [page(content_type)]
    assert message_of(source_at(upstream)) == (
        f"cannot fetch file.h5 from {upstream.url}/file.h5: it answers with a web page (HTML) instead of the file. "
        f"Try again later; if it stays so, {BY_HAND}"
    )
    assert unfinished(kept) == []


def test_a_web_page_that_arrives_in_drops(upstream: Upstream, kept: Path) -> None:
    text = b"<!doctype html><html>"

    def drip(handler: Handler, _: bytes) -> None:
        handler.head(200, Content_Length=len(text))
        handler.body(text[:2])
        handler.wfile.flush()
        arrived.wait(timeout=10)
        handler.body(text[2:])

    arrived = threading.Event()
    upstream.plan[:] = [drip]
    with pytest.MonkeyPatch.context() as patch:
        # The client has seen the first drop when it begins to write.
        patch.setattr(download._Progress, "begin", lambda *_: arrived.set())
        source = source_at(upstream, bytes=None, sha256=None)
        assert message_of(source).startswith(f"{upstream.url}/file.h5 is a web page (HTML) instead of the file. ")
    assert unfinished(kept) == []


def test_offline() -> None:
    source = Source(file="file.h5", url="http://me:secret@127.0.0.1:1/file.h5", bytes=4096, sha256=SHA256)
    assert message_of(source) == (
        "cannot fetch file.h5 from http://127.0.0.1:1/file.h5: no connection ([Errno 111] Connection refused); tried 5 "
        f"times. To do without it, {BY_HAND}"
    )


def test_offline_and_nothing_stated() -> None:
    assert message_of(Source(file="file.h5", url="http://127.0.0.1:1/file.h5")) == (
        "cannot fetch file.h5 from http://127.0.0.1:1/file.h5: no connection ([Errno 111] Connection refused); tried 5 "
        "times. To do without it, get the file in another way (size not stated, sha256 not stated), put it into a "
        "folder as file.h5, and type the same command again after: export MOTIFZOO_MIRROR=/path/to/that/folder"
    )


def test_the_advice_of_the_message_helps(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(file="file.h5", url="http://127.0.0.1:1/file.h5", bytes=4096, sha256=SHA256)
    with pytest.raises(FetchError):
        fetch(source)
    (mirror / "file.h5").write_bytes(CONTENT)
    assert fetch(source).read_bytes() == CONTENT


def test_a_file_that_nobody_serves(mirror: Path) -> None:
    source = Source(file="file.h5", obtain="run the preprocessing of its authors.", bytes=4096, sha256=SHA256)
    assert message_of(source) == (
        f"file.h5 (4,096 bytes, sha256 {SHA256}) must be got by hand: run the preprocessing of its authors. Then put "
        "it into a folder as file.h5, and type the same command again after: export "
        "MOTIFZOO_MIRROR=/path/to/that/folder"
    )
    (mirror / "file.h5").write_bytes(CONTENT)
    assert fetch(source) == mirror / "file.h5"


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_nothing_stated_is_used_as_it_comes(
    upstream: Upstream, caplog: pytest.LogCaptureFixture, size: int | None
) -> None:
    source = source_at(upstream, bytes=size, sha256=None)
    upstream.plan[:] = [untagged]
    path = fetch(source)
    assert path.read_bytes() == CONTENT
    assert caplog.messages == [
        f"the card states no sha256 for file.h5; it is used as it comes: 4,096 bytes, sha256 {SHA256}."
    ]
    assert fetch(source) == path
    assert len(upstream.asked) == len(caplog.messages) == 1


def test_two_processes_download_once(upstream: Upstream, tmp_path: Path) -> None:
    notice = "another process is fetching file.h5; waiting for it.\n"
    logs = [tmp_path / "0.log", tmp_path / "1.log"]

    def held(handler: Handler, content: bytes) -> None:
        # Either process may be first; the download goes on once the other one says that it waits.
        for _ in range(1200):
            if any(log.read_text() == notice for log in logs):
                break
            sleep(0.05)
        good(handler, content)

    upstream.plan[:] = [held]
    code = (
        "import sys; from motifzoo.data_cards.cards import Source; from motifzoo.data_cards.fetch import fetch; "
        "print(fetch(Source.model_validate_json(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, source_at(upstream).model_dump_json()]
    with logs[0].open("w") as first, logs[1].open("w") as second:
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) for log in (first, second)
        ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert sorted(log.read_text() for log in logs) == ["", notice]
    assert outputs[0] == outputs[1]
    assert Path(outputs[0].strip()).read_bytes() == CONTENT
    assert len(upstream.asked) == 1


# The mirror


def test_a_mirror_folder_is_used_in_place(upstream: Upstream, mirror: Path, kept: Path) -> None:
    (mirror / "file.h5").write_bytes(CONTENT)
    assert fetch(source_at(upstream)) == mirror / "file.h5"
    assert upstream.asked == []
    assert not kept.exists()


def test_a_mirror_folder_that_lacks_the_file(
    upstream: Upstream, mirror: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert fetch(source_at(upstream)).read_bytes() == CONTENT
    assert caplog.messages == [f"{mirror}, named by MOTIFZOO_MIRROR, lacks file.h5."]


def test_a_mirror_folder_with_another_file(upstream: Upstream, mirror: Path) -> None:
    (mirror / "file.h5").write_bytes(CONTENT[::-1])
    found = hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert message_of(source_at(upstream)) == (
        f"{mirror}/file.h5 is not the file that its card describes: expected sha256 {SHA256}, found {found}. {MEND}"
    )
    assert message_of(source_at(upstream, bytes=7, sha256=None)) == (
        f"{mirror}/file.h5 is not the file that its card describes: expected 7 bytes, found 4,096. {MEND}"
    )
    assert upstream.asked == []


def test_a_web_page_saved_in_place_of_the_file(upstream: Upstream, mirror: Path) -> None:
    (mirror / "file.h5").write_bytes(b"<!DOCTYPE html><title>file.h5</title>")
    assert message_of(source_at(upstream)) == f"{mirror}/file.h5 is a web page (HTML) instead of the file. {MEND}"


def test_a_mirror_that_is_no_folder(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_MIRROR", "ftp://me:secret@host/data")
    assert message_of(source_at(upstream)) == (
        "MOTIFZOO_MIRROR is ftp://host/data, which is neither a folder nor an http or https URL. Correct it, or unset "
        "it to fetch from the URLs that the cards name."
    )


def test_a_mirror_at_a_url(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.files = {"/mirror/file.h5": CONTENT}
    monkeypatch.setenv("MOTIFZOO_MIRROR", f"{upstream.url}/mirror/")
    assert fetch(source_at(upstream)).read_bytes() == CONTENT
    assert [asked.path for asked in upstream.asked] == ["/mirror/file.h5"]
    assert caplog.messages == []


def test_a_mirror_at_a_url_that_lacks_the_file(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MOTIFZOO_MIRROR", f"{upstream.url}/mirror")
    assert fetch(source_at(upstream)).read_bytes() == CONTENT
    assert caplog.messages == [
        f"cannot fetch {upstream.url}/mirror/file.h5, named by MOTIFZOO_MIRROR: the server answers 404 Not Found."
    ]


def test_a_mirror_that_breaks_off_is_continued_upstream(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream.files["/mirror/file.h5"] = CONTENT
    upstream.plan[:] = [cut(3000), *[cut(0)] * (download.TRIES - 1)]
    monkeypatch.setenv("MOTIFZOO_MIRROR", f"{upstream.url}/mirror")
    assert fetch(source_at(upstream)).read_bytes() == CONTENT
    # What the mirror said about its bytes is nothing to the other server; the hash vouches for the whole.
    assert upstream.asked[-1][:3] == ("/file.h5", "bytes=3000-", None)


def test_a_mirror_at_a_url_with_another_file(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream.files["/mirror/file.h5"] = CONTENT[::-1]
    found = hashlib.sha256(CONTENT[::-1]).hexdigest()
    monkeypatch.setenv("MOTIFZOO_MIRROR", f"{upstream.url}/mirror")
    assert message_of(source_at(upstream)) == (
        f"{upstream.url}/mirror/file.h5 is not the file that its card describes: expected sha256 {SHA256}, found "
        f"{found}. {MEND}"
    )


def test_secrets_reach_the_mirror_and_nobody_else(
    upstream: Upstream,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = upstream.url.removeprefix("http://")
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("MOTIFZOO_MIRROR", f"http://me:hidden%21@{place}/mirror?key=hidden")
    upstream.files["/mirror/file.h5"] = CONTENT
    upstream.plan[:] = [status(503)]
    fetch(source_at(upstream))
    assert [asked.path for asked in upstream.asked] == ["/mirror/file.h5?key=hidden"] * 2
    assert [asked.authorization for asked in upstream.asked] == ["Basic bWU6aGlkZGVuIQ=="] * 2
    upstream.files["/mirror/file.h5"] = CONTENT[:5]
    texts = [message_of(source_at(upstream, CONTENT[:4], bytes=None))]
    upstream.plan[:] = [status(404)]
    fetch(source_at(upstream, CONTENT))
    texts += [record.getMessage() for record in caplog.records if record.name == "motifzoo"]
    texts += [path.read_text() for path in kept.glob("*.json")]
    assert len(texts) >= 3
    for text in texts:
        assert "hidden" not in text
        assert "@" not in text
    assert "hidden%21" not in caplog.text  # nor in what the HTTP client logs


# Members of archives


def zip_of(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def wheel_at(upstream: Upstream, archive: bytes, member: str, **changes: object) -> Source:
    upstream.files["/some.whl"] = archive
    return source_at(upstream, archive, file="some.whl", url=f"{upstream.url}/some.whl", member=member, **changes)


def test_a_member_of_an_archive(upstream: Upstream, kept: Path) -> None:
    source = wheel_at(
        upstream, zip_of(**{"package/data/table one.txt": CONTENT, "other": b""}), "package/data/table one.txt"
    )
    path = fetch(source)
    assert path.read_bytes() == CONTENT
    assert path.parent == kept
    assert path.name.endswith("-table_one.txt")
    path.write_bytes(b"damaged")
    assert fetch(source).read_bytes() == CONTENT
    assert len(upstream.asked) == 1


def test_members_of_one_name_are_told_apart(upstream: Upstream) -> None:
    archive = zip_of(**{"a/table.txt": b"a", "b/table.txt": b"b"})
    assert [fetch(wheel_at(upstream, archive, f"{x}/table.txt")).read_bytes() for x in "ab"] == [b"a", b"b"]


@pytest.mark.parametrize("member", ["../../../evil", "/evil", "..\\..\\evil", "a/..", "a/.", "x/" + "e" * 300])
def test_a_member_stays_in_the_cache(upstream: Upstream, kept: Path, tmp_path: Path, member: str) -> None:
    path = fetch(wheel_at(upstream, zip_of(**{member: CONTENT}), member))
    assert path.read_bytes() == CONTENT
    assert path.parent == kept
    assert path.resolve().parent == kept.resolve()


def test_a_member_that_there_is_not(upstream: Upstream, kept: Path) -> None:
    archive = zip_of(**{"data/table.txt": CONTENT})
    place = kept / f"{hashlib.sha256(archive).hexdigest()[:12]}-some.whl"
    assert message_of(wheel_at(upstream, archive, "data/tables.txt")) == (
        f"in {place}: unknown member 'data/tables.txt': did you mean 'data/table.txt'?"
    )


def test_an_archive_that_is_none(upstream: Upstream, kept: Path) -> None:
    place = kept / f"{SHA256[:12]}-some.whl"
    assert message_of(wheel_at(upstream, CONTENT, "x")) == f"cannot extract x from {place}: File is not a zip file."


def test_a_member_longer_than_it_says(upstream: Upstream, kept: Path) -> None:
    archive = bytearray(zip_of(x=CONTENT))
    honest = len(CONTENT).to_bytes(4, "little")
    assert archive.count(honest) == 2
    archive = archive.replace(honest, (100).to_bytes(4, "little"))
    source = wheel_at(upstream, bytes(archive), "x")
    place = kept / f"{hashlib.sha256(archive).hexdigest()[:12]}-some.whl"
    assert message_of(source) == f"cannot extract x from {place}: Bad CRC-32 for file 'x'."
    assert not list(kept.glob("*-x"))
    assert unfinished(kept) == []


def test_a_copy_stands_in_for_the_member(
    upstream: Upstream, mirror: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Copy(file="table.tsv", bytes=len(CONTENT), sha256=SHA256)
    source = wheel_at(upstream, zip_of(x=CONTENT), "x", copies=(copy,))
    (mirror / "table.tsv").write_bytes(CONTENT)
    assert fetch(source) == mirror / "table.tsv"
    monkeypatch.setenv("MOTIFZOO_MIRROR", f"{upstream.url}/mirror")
    upstream.files["/mirror/table.tsv"] = CONTENT
    assert fetch(source) == fetch(source) == kept / f"{SHA256[:12]}-table.tsv"
    assert [asked.path for asked in upstream.asked] == ["/mirror/some.whl", "/mirror/table.tsv"]


# The real files


@pytest.mark.skipif(not SHARED.is_dir(), reason="the upstream files are not beside the repository")
@pytest.mark.parametrize("name", ["chip-irf1", "chip-zbed2"])
def test_real_files_are_those_that_the_cards_describe(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_MIRROR", str(SHARED))
    for source in load_card(name).sources:
        assert source.sha256 is not None
        assert fetch(source) == SHARED / source.file
