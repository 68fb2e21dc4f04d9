"""Text files from outside, plain or gzip, a line at a time, and the letters of the sequences in them."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ...errors import DataError
from ..onehot import LETTERS

MAX_LINE: Final = 2_000_000  # characters, more than a sequence of the greatest length and what stands beside it
# DNA shrinks to about a quarter; what shrinks to a hundredth is no collection of different sequences.
_MAX_RATIO = 100
_TRUSTED = 256 << 20  # characters that any file may expand to

_KINDS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ\x00": "an xz file",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"MATLAB 5.0": "a MATLAB file",
}
_GZIP = b"\x1f\x8b"
_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_NOT_DNA = re.compile(f"[^{LETTERS}{LETTERS.lower()}]")


def kind_of(head: bytes) -> str | None:
    """What a file is that begins with `head`, as a phrase with its article; None for text and what is not known."""
    if _HTML.match(head):
        return "an HTML page"
    if head.startswith(_GZIP):
        return "a gzip file"
    return next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)


def read_head(path: Path) -> bytes:
    """The first bytes of a file, for `kind_of`. Raises DataError for a file that cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(1024)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}.") from error


def lines(path: Path) -> Iterator[str]:
    r"""The lines of a UTF-8 text file, plain or gzip, whatever its name; each ends with `\n`, the last perhaps not.

    Line ends of any system are read as `\n`; a byte order mark is dropped. Raises DataError, with the line where there
    is one, for a file that cannot be read, is something else than text, is damaged, has a line of more than MAX_LINE
    characters, or expands to more than a hundred times its size.
    """
    head = read_head(path)
    kind = kind_of(head)
    if kind not in (None, "a gzip file"):
        raise DataError(f"{path} is {kind}, not a text file.{_advice(kind)}")
    number = 0
    try:
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) if kind else raw as stream:
            size = path.stat().st_size
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape")
            total = 0
            while line := text.readline(MAX_LINE + 1):
                number += 1
                total += len(line)
                if len(line) > MAX_LINE:
                    raise DataError(f"{path}, line {number}: the line has more than {MAX_LINE:,} characters.")
                if total > _TRUSTED and total > _MAX_RATIO * size:
                    raise DataError(
                        f"{path} expands to more than {_MAX_RATIO} times its size, which sequences do not. If it is "
                        "what it should be, unpack it and give the unpacked file."
                    )
                if not line.isascii():
                    _check_utf8(line, path, number)
                yield line
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} is cut short or damaged after line {number} ({str(error).rstrip('.')}). Get it again."
        ) from error
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error


def _advice(kind: str | None) -> str:
    if kind == "an HTML page":
        return " A server sends such a page in place of a file that it does not have: get the file again."
    return " Unpack it first." if kind in ("a zip archive", "a bzip2 file", "an xz file", "a zstd file") else ""


def _check_utf8(line: str, path: Path, number: int) -> None:
    try:
        line.encode()
    except UnicodeEncodeError as error:
        byte = ord(error.object[error.start]) - 0xDC00
        raise DataError(
            f"{path}, line {number}: byte 0x{byte:02x} is not UTF-8 text. Save the file as UTF-8."
        ) from error


def check_dna(sequence: str) -> None:
    """Raise DataError for a sequence with a letter that is not A, C, G, T, N or an IUPAC code of DNA, in any case."""
    found = _NOT_DNA.search(sequence)
    if found is None:
        return
    letter, position = found.group(), found.start() + 1
    others = {other.upper() for other in _NOT_DNA.findall(sequence)}
    if others == {"U"}:
        advice = " This looks like RNA: write T for U."
    elif others <= set("EFIJLOPQXZ*"):
        advice = " This looks like protein, and the networks read DNA."
    elif others <= set("-."):
        advice = " Take the gaps of the alignment out."
    else:
        advice = ""
    raise DataError(f"{letter!r} at position {position} is not DNA (A, C, G, T, N or an IUPAC code).{advice}")
