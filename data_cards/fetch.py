"""Upstream files: where each is looked for, how it is known to be whole, and what to do where it cannot be had.

In this order: the cache, the mirror that MOTIFZOO_MIRROR names (a folder, or an http or https URL), the card's URL.
"""

import hashlib
import os
import re
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import CacheError, MotifzooError, unknown_name
from ..files import atomic_path, cache_dir, cannot_write, notices, sha256_file, write_text
from .cards import Copy, Source

_MEND_MIRROR: Final = "Put the right file there, or unset MOTIFZOO_MIRROR; then type the same command again."


class FetchError(MotifzooError):
    """An upstream file that cannot be had, or is not the one that its card describes."""


class Received(BaseModel):
    """What a file in the cache came to when it was fetched, kept beside it; `url` is where it came from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    bytes: int
    sha256: str


class _Held(NamedTuple):
    """A verified file on this machine, and whether it is the source itself or one of its copies."""

    path: Path
    sha256: str
    item: Source | Copy


def fetch(source: Source) -> Path:
    """The path of a source's file, whole and as its card describes it.

    It is fetched once into `sources/` of the cache folder; one in a mirror folder is used where it is. A download that
    was cut is continued by the next call, and two processes do not download the same file twice. Where the source
    names a member of a zip archive, bytes and sha256 are the archive's and the path is that of the member, extracted
    into the cache, or that of one of the source's copies, where the mirror has only that. A file whose card states no
    sha256 is used as it comes, with a notice that says what it was.

    Raises FetchError when the file cannot be had or is another one, and CacheError when the cache folder refuses.
    """
    held = _find(source)
    if source.member is None or held.item is not source:
        return held.path
    return _extract(source.member, held)


def _find(source: Source) -> _Held:
    if held := _cached(source):
        return held
    mirror = os.environ.get("MOTIFZOO_MIRROR", "")
    remote = re.match("https?://", mirror, re.IGNORECASE)
    if mirror and not remote and (held := _in_folder(source, mirror)):
        return held
    with _alone(source):
        # Another process may have fetched it while this one waited.
        if held := _cached(source):
            return held
        if _place(source).exists():
            notices.warning("the cached copy of %s is damaged; it is fetched again.", source.file)
        if remote and (held := _from_mirror(source, mirror)):
            return held
        return _from_url(source)


def _cached(source: Source) -> _Held | None:
    for item in _alternatives(source):
        path = _place(item)
        try:
            record = Received.model_validate_json(_record(path).read_bytes())
            size = path.stat().st_size
        except (OSError, ValidationError):
            continue
        # Its hash was checked before it came here; what can happen to it since then shows in its size.
        if size == record.bytes and item.bytes in (None, size) and item.sha256 in (None, record.sha256):
            return _Held(path, record.sha256, item)
    return None


def _in_folder(source: Source, mirror: str) -> _Held | None:
    folder = Path(mirror).expanduser()
    if not folder.is_dir():
        raise FetchError(
            f"MOTIFZOO_MIRROR is {_shown(mirror)}, which is neither a folder nor an http or https URL. Correct it, or "
            "unset it to fetch from the URLs that the cards name."
        )
    for item in _alternatives(source):
        path = folder / item.file
        if path.is_file():
            try:
                return _Held(path, _verify(item, path, str(path), _MEND_MIRROR), item)
            except OSError as error:
                raise FetchError(f"cannot read {path}: {error.strerror}. {_MEND_MIRROR}") from error
    notices.warning("%s, named by MOTIFZOO_MIRROR, lacks %s.", folder, source.file)
    return None


def _from_mirror(source: Source, mirror: str) -> _Held | None:
    from .download import UnavailableError

    base, mark, query = mirror.partition("?")
    for item in _alternatives(source):
        url = f"{base.rstrip('/')}/{item.file}"
        try:
            # What follows the question mark may be a key, and is not shown.
            return _download(item, url + mark + query, _shown(url), _MEND_MIRROR)
        except UnavailableError as error:
            notices.warning("cannot fetch %s, named by MOTIFZOO_MIRROR: %s.", _shown(url), error)
    return None


def _from_url(source: Source) -> _Held:
    from .download import UnavailableError

    size = "size not stated" if source.bytes is None else f"{source.bytes:,} bytes"
    described = f"{size}, sha256 {source.sha256 or 'not stated'}"
    then = (
        f"put it into a folder as {source.file}, and type the same command again after: "
        "export MOTIFZOO_MIRROR=/path/to/that/folder"
    )
    if source.url is None:
        raise FetchError(f"{source.file} ({described}) must be got by hand: {source.obtain.rstrip('.')}. Then {then}")
    url = _shown(source.url)
    by_hand = f"get the file in another way ({described}), {then}"
    try:
        return _download(source, source.url, url, f"Try again later; if it stays so, {by_hand}")
    except UnavailableError as error:
        raise FetchError(f"cannot fetch {source.file} from {url}: {error}. To do without it, {by_hand}") from error


def _download(item: Source | Copy, url: str, shown: str, advice: str) -> _Held:
    """Download into the cache. `shown` is the URL without its secrets, `advice` what to do where it is another file.

    Lets UnavailableError through: what that means depends on whether there is another place to look.
    """
    # Not at the top: the HTTP client takes a tenth of a second to import, and most calls find the file.
    from .download import WrongContentError, download, forget

    path = _place(item)
    part = path.with_name(f"{path.name}.part")
    try:
        continued = part.exists()
        download(url, part, shown=shown, name=item.file, size=item.bytes, hashed=item.sha256 is not None)
        if continued and item.sha256 not in (None, sha256_file(part)):
            notices.warning("what was left of an earlier download of %s does not fit; starting over.", item.file)
            forget(part)
            download(url, part, shown=shown, name=item.file, size=item.bytes, hashed=True)
        try:
            sha256 = _verify(item, part, shown, advice)
        except FetchError:
            forget(part)
            raise
        record = Received(url=shown, bytes=part.stat().st_size, sha256=sha256)
        write_text(_record(path), record.model_dump_json(indent=2) + "\n")
        os.replace(part, path)
        forget(part)
    except WrongContentError as error:
        raise FetchError(f"cannot fetch {item.file} from {shown}: {error}. {advice}") from error
    except OSError as error:
        raise _refused(error, " What was received is kept, and the same command goes on from there.") from error
    return _Held(path, sha256, item)


def _verify(item: Source | Copy, path: Path, shown: str, advice: str) -> str:
    """The sha256 of the file at `path`, once it is known to be what the card describes."""
    found = sha256_file(path)
    if found == item.sha256:
        return found
    from .download import looks_like_html

    with path.open("rb") as stream:
        head = stream.read(512)
    if looks_like_html(head):
        raise FetchError(f"{shown} is a web page (HTML) instead of the file. {advice}")
    size = path.stat().st_size
    if item.sha256 is not None:
        wrong = f"expected sha256 {item.sha256}, found {found}"
    elif item.bytes not in (None, size):
        wrong = f"expected {item.bytes:,} bytes, found {size:,}"
    else:
        notices.warning(
            "the card states no sha256 for %s; it is used as it comes: %s bytes, sha256 %s.",
            item.file,
            f"{size:,}",
            found,
        )
        return found
    raise FetchError(f"{shown} is not the file that its card describes: {wrong}. {advice}")


def _extract(member: str, held: _Held) -> Path:
    """The path of a member of a zip archive, extracted into the cache under a name of our own making."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", member.rpartition("/")[2])[-100:]
    target = _folder() / f"{held.sha256[:12]}-{_short_hash(member)}-{plain}"
    try:
        with zipfile.ZipFile(held.path) as archive:
            if member not in archive.NameToInfo:
                raise FetchError(f"in {held.path}: {unknown_name('member', member, archive.namelist())}")
            info = archive.getinfo(member)
            if target.is_file() and target.stat().st_size == info.file_size:
                return target
            with atomic_path(target) as temporary, archive.open(info) as packed, temporary.open("wb") as stream:
                # Gives no more bytes than the archive states for the member, and checks their CRC.
                shutil.copyfileobj(packed, stream, 1 << 20)
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error) as error:
        raise FetchError(f"cannot extract {member} from {held.path}: {error}.") from error
    return target


@contextmanager
def _alone(source: Source) -> Iterator[None]:
    """Hold the lock on a source's place in the cache."""
    path = _place(source)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            notices.warning("another process is fetching %s; waiting for it.", source.file)
            lock.acquire()
    except OSError as error:
        raise _refused(error) from error
    try:
        yield
    finally:
        lock.release()


def _alternatives(source: Source) -> tuple[Source | Copy, ...]:
    """The files that serve, the first that is found."""
    return (source, *source.copies)


def _refused(error: OSError, more: str = "") -> CacheError:
    return CacheError(f"{cannot_write(_folder(), error)}{more}")


def _shown(url: str) -> str:
    """A URL without user name and password."""
    return re.sub(r"(?<=://)[^/?#]*@", "", url)


def _folder() -> Path:
    return cache_dir() / "sources"


def _place(item: Source | Copy) -> Path:
    """Where a file is kept: its name, after what tells it from others of that name."""
    if item.sha256 is not None:
        return _folder() / f"{item.sha256[:12]}-{item.file}"
    origin = item.url or "" if isinstance(item, Source) else ""
    return _folder() / f"unstated-{_short_hash(origin)}-{item.file}"


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
