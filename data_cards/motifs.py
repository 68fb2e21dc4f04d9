"""Motif matrices: the class, JASPAR count files, the MEME format, and the packaged JASPAR 2016.

Matrices are `(4, W)`, rows A, C, G, T. Formats: https://meme-suite.org/meme/doc/meme-format.html (minimal format) and
JASPAR's "PFM" download (`>id<tab>name`, then one bracketed row of counts a letter).
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from ..files import write_text

Matrix = npt.NDArray[np.float64]

ALPHABET = "ACGT"
MAX_WIDTH = 100
DEFAULT_NSITES = 20.0  # what the MEME format prescribes where a file does not say
QUERY_DECIMALS = 4

_MAX_BYTES = 64 * 2**20
_SUM_TOLERANCE = 0.02  # four values rounded to two decimals
_NOT_SEARCHED = "MA0615.1"
_COUNTS = Path(__file__).parent / "jaspar2016" / "pfm_vertebrates.txt"
_COUNT_ROW = re.compile(r"([A-Za-z])\s*\[(.*)\]")
_KEY_VALUE = re.compile(r"(\w+)\s*=\s*(\S+)")


@dataclass(frozen=True, eq=False)
class Motif:
    """One motif.

    id: without blanks. name: free text on one line, may be empty. probabilities: float64 `(4, W)`, 1 <= W <= 100,
    columns sum to 1 within 0.02 (files round; nothing is renormalised here); kept as a read-only copy.
    nsites: how many sites the matrix was estimated from (the weight of the data against a pseudocount).
    Two motifs are equal only if they are the same object; compare contents with `content_hash`.
    Raises DataError when any of this does not hold.
    """

    id: str
    name: str
    probabilities: Matrix
    nsites: float = DEFAULT_NSITES

    def __post_init__(self) -> None:
        matrix = np.array(self.probabilities, dtype=np.float64)
        if not self.id or re.search(r"\s", self.id):
            raise DataError(f"motif id {self.id!r}: an id is one word, without blanks.")
        if re.search(r"[\r\n\t]", self.name):
            raise DataError(f"motif {self.id}: its name {self.name!r} must be on one line, without tabs.")
        if matrix.ndim != 2 or matrix.shape[0] != len(ALPHABET) or not 1 <= matrix.shape[1] <= MAX_WIDTH:
            raise DataError(
                f"motif {self.id}: a matrix of shape {matrix.shape} was given; "
                f"legal is (4, W) with 1 <= W <= {MAX_WIDTH}, rows A, C, G, T."
            )
        if not 0 < self.nsites < float("inf"):
            raise DataError(f"motif {self.id}: nsites is {self.nsites:g}; it must be a finite number above 0.")
        if problem := _first_bad_column(matrix):
            raise DataError(f"motif {self.id}, column {problem[0] + 1}: {problem[1]}.")
        matrix.flags.writeable = False
        object.__setattr__(self, "probabilities", matrix)

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.probabilities.shape[1])

    def reverse_complement(self) -> "Motif":
        """The same motif as the other strand shows it (same id and name)."""
        return replace(self, probabilities=self.probabilities[::-1, ::-1])


def _first_bad_column(matrix: Matrix) -> tuple[int, str] | None:
    """Index of the first column of `(4, W)` that is no probability distribution, and what is wrong with it."""
    with np.errstate(invalid="ignore"):
        good = (matrix >= 0).all(axis=0) & (np.abs(matrix.sum(axis=0) - 1) <= _SUM_TOLERANCE + 1e-12)
    if good.all():
        return None
    index = int(good.argmin())
    column = matrix[:, index]
    shown = " ".join(f"{value:g}" for value in column)
    if not np.isfinite(column).all():
        return index, f"the probabilities {shown} are not all finite"
    if (column < 0).any():
        return index, f"the probabilities {shown} are not all 0 or more"
    return index, f"the probabilities {shown} sum to {column.sum():g}; they must sum to 1 (within {_SUM_TOLERANCE})"


def content_hash(motifs: Iterable[Motif]) -> str:
    """Hex SHA-256 of ids, names, nsites and matrices in the order given: the identity of a motif database."""
    digest = hashlib.sha256()
    for motif in motifs:
        digest.update(f"{motif.id}\t{motif.name}\t{motif.nsites!r}\t{motif.width}\n".encode())
        digest.update(motif.probabilities.astype("<f8").tobytes())
    return digest.hexdigest()


def query_motif(identifier: str, probabilities: Matrix) -> Motif:
    """A filter's matrix `(4, W)` as a query file carries it: four decimals, nsites = W.

    Matching the returned motif and matching what `meme_text` writes of it are the same computation.
    """
    return Motif(identifier, "", _printed(probabilities, QUERY_DECIMALS), float(np.shape(probabilities)[-1]))


def _printed(matrix: Matrix, decimals: int) -> Matrix:
    """The values that a file with this many decimals holds (`np.round` differs from printing where digits tie)."""
    return np.array([[float(f"{value:.{decimals}f}") for value in row] for row in matrix.tolist()])


def meme_text(motifs: Iterable[Motif]) -> str:
    """The motifs in MEME's minimal format: four decimals, uniform background."""
    lines = ["MEME version 4", "", f"ALPHABET= {ALPHABET}", "", "strands: + -", "", "Background letter frequencies"]
    lines.append(" ".join(f"{letter} 0.25" for letter in ALPHABET))
    for motif in motifs:
        lines += ["", f"MOTIF {motif.id} {motif.name}".rstrip()]
        lines.append(f"letter-probability matrix: alength= 4 w= {motif.width} nsites= {motif.nsites:.10g}")
        lines += [" ".join(f"{value:.{QUERY_DECIMALS}f}" for value in column) for column in motif.probabilities.T]
    return "\n".join(lines) + "\n"


def write_meme(path: Path, motifs: Iterable[Motif]) -> None:
    """Write `meme_text` atomically. Raises CacheError when the file cannot be written."""
    write_text(path, meme_text(motifs))


@cache
def jaspar2016() -> tuple[Motif, ...]:
    """JASPAR 2016 CORE vertebrates: 519 motifs, each column its counts divided by their sum."""
    return read_jaspar(_COUNTS)


@cache
def search_database() -> tuple[Motif, ...]:
    """The 518 motifs that filters are matched against: JASPAR 2016 without MA0615.1, in JASPAR's order.

    Equal in every digit to the MEME file that published Tomtom results are computed against. That file has six
    decimals, made from the frequencies times and again over nsites; the rounding moves p-values by up to 2e-4 of
    themselves, so it is repeated here rather than left out.
    """
    return tuple(
        replace(motif, probabilities=_printed(motif.probabilities * motif.nsites / motif.nsites, 6))
        for motif in jaspar2016()
        if motif.id != _NOT_SEARCHED
    )


def read_jaspar(path: Path) -> tuple[Motif, ...]:
    """The motifs of a JASPAR count file; nsites is the mean column total, rounded half up.

    Raises DataError, naming file and line, for whatever is malformed.
    """
    lines = _lines(path)
    motifs: list[Motif] = []
    starts = [number for number, line in enumerate(lines) if line.startswith(">")]
    filled = [number for number, line in enumerate(lines) if line.strip()]
    if not starts or filled[0] != starts[0]:
        raise DataError(f"{path}, line 1: a JASPAR count file starts with '>id<tab>name'; found {_shown(lines[0])}.")
    seen: dict[str, int] = {}
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        words = lines[start][1:].split(maxsplit=1)
        if not words:
            raise DataError(f"{path}, line {start + 1}: '>' without an id.")
        _check_unique(seen, words[0], path, start)
        rows = [number for number in range(start + 1, end) if lines[number].strip()]
        if len(rows) != len(ALPHABET):
            raise DataError(
                f"{path}, line {start + 1}: motif {words[0]} has {len(rows)} rows of counts; legal is 4, A, C, G, T."
            )
        counts = [
            _count_row(lines[number], letter, path, number) for number, letter in zip(rows, ALPHABET, strict=True)
        ]
        if len({len(row) for row in counts}) != 1 or not 1 <= len(counts[0]) <= MAX_WIDTH:
            raise DataError(
                f"{path}, line {start + 1}: motif {words[0]} has rows of {', '.join(str(len(row)) for row in counts)} "
                f"counts; legal is four rows of one length, 1 to {MAX_WIDTH}."
            )
        matrix = np.array(counts)
        totals = matrix.sum(axis=0)
        if not (totals > 0).all():
            raise DataError(
                f"{path}, line {start + 1}: motif {words[0]}, column {int(totals.argmin()) + 1}: its counts sum to 0."
            )
        nsites = max(1.0, float(np.floor(totals.mean() + 0.5)))
        motifs.append(Motif(words[0], words[1].strip() if len(words) > 1 else "", matrix / totals, nsites))
    return tuple(motifs)


def _count_row(line: str, letter: str, path: Path, number: int) -> list[float]:
    parsed = _COUNT_ROW.fullmatch(line.strip())
    try:
        values = [float(word) for word in parsed[2].split()] if parsed and parsed[1] == letter else None
    except ValueError:
        values = None
    if values is None or not all(0 <= value < float("inf") for value in values):
        raise DataError(
            f"{path}, line {number + 1}: expected '{letter} [ counts ]' with counts of 0 or more; found {_shown(line)}."
        )
    return values


def read_meme(path: Path) -> tuple[Motif, ...]:
    """The motifs of a file in MEME's minimal format, values as printed; a missing nsites= is 20.

    DNA only. The file's background frequencies are not used: motifzoo's background is uniform. Raises DataError,
    naming file and line, for whatever is malformed or missing.
    """
    lines = _lines(path)
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if not lines[first].startswith("MEME version"):
        raise DataError(
            f"{path}, line {first + 1}: a MEME motif file starts with 'MEME version 4'; found {_shown(lines[first])}."
        )
    motifs: list[Motif] = []
    seen: dict[str, int] = {}
    open_at: int | None = None
    words: Sequence[str] = ()
    number = first + 1
    while number < len(lines):
        line = lines[number].strip()
        if line.startswith("ALPHABET") and not re.fullmatch(r"ALPHABET\s*=\s*ACGT", line):
            raise DataError(
                f"{path}, line {number + 1}: found {_shown(line)}; legal is 'ALPHABET= ACGT' (DNA motifs only)."
            )
        if re.match(r"MOTIF\b", line):
            if open_at is not None:
                raise _no_matrix(path, open_at, words[0])
            words = line.split(maxsplit=2)[1:]
            if not words:
                raise DataError(f"{path}, line {number + 1}: 'MOTIF' without an id.")
            _check_unique(seen, words[0], path, number)
            open_at = number
        elif line.startswith("letter-probability matrix"):
            if open_at is None:
                raise DataError(f"{path}, line {number + 1}: a matrix without a 'MOTIF' line before it.")
            width, nsites = _header(line, path, number)
            matrix = _probability_rows(lines, number, width, path)
            name = " ".join(words[1].split()) if len(words) > 1 else ""
            motifs.append(Motif(words[0], name, matrix, nsites))
            number += matrix.shape[1]
            open_at = None
        number += 1
    if open_at is not None:
        raise _no_matrix(path, open_at, words[0])
    if not motifs:
        raise DataError(f"{path}: no motifs in it; each needs a 'MOTIF id' line and a 'letter-probability matrix'.")
    return tuple(motifs)


def _no_matrix(path: Path, number: int, identifier: str) -> DataError:
    return DataError(f"{path}, line {number + 1}: motif {identifier} has no 'letter-probability matrix'.")


def _header(line: str, path: Path, number: int) -> tuple[int | None, float]:
    """w= (None where the file does not say) and nsites= of a matrix' header line."""
    fields = dict(_KEY_VALUE.findall(line))
    where = f"{path}, line {number + 1}"
    if fields.get("alength", "4") != "4":
        raise DataError(f"{where}: alength= {fields['alength']}; legal is 4 (DNA motifs only).")
    width = fields.get("w")
    if width is not None and not (width.isdecimal() and len(width) < 10 and 1 <= int(width) <= MAX_WIDTH):
        raise DataError(f"{where}: w= {width[:40]}; legal is a width of 1 to {MAX_WIDTH} columns.")
    try:
        nsites = float(fields.get("nsites", DEFAULT_NSITES))
    except ValueError:
        nsites = 0.0
    if not 0 < nsites < float("inf"):
        raise DataError(
            f"{where}: nsites= {fields['nsites'][:40]}; legal is a finite number above 0 "
            f"(leave nsites= out for {DEFAULT_NSITES:g})."
        )
    return None if width is None else int(width), nsites


def _probability_rows(lines: list[str], header: int, width: int | None, path: Path) -> Matrix:
    """The rows below line index `header` as `(4, W)`."""
    rows: list[list[float]] = []
    for number in range(header + 1, len(lines)):
        words = lines[number].split()
        try:
            row = [float(word) for word in words]
        except ValueError:
            # A line that starts like a row but is none is a damaged row, not the end of the matrix.
            if re.match(r"[-+.\d]", words[0]) or (width is not None and len(rows) < width):
                raise DataError(
                    f"{path}, line {number + 1}: expected a row of four probabilities; found {_shown(lines[number])}."
                ) from None
            break
        if not row:
            break
        if len(row) != len(ALPHABET):
            raise DataError(f"{path}, line {number + 1}: a row of {len(row)} probabilities; legal is four, A, C, G, T.")
        rows.append(row)
        if len(rows) > (width or MAX_WIDTH):
            break
    legal = f"w= {width} of line {header + 1} promises {width}" if width else f"legal is 1 to {MAX_WIDTH}"
    if not rows or len(rows) > (width or MAX_WIDTH) or (width and len(rows) != width):
        found = f"more than {width or MAX_WIDTH}" if len(rows) > (width or MAX_WIDTH) else f"{len(rows)}"
        raise DataError(f"{path}, line {header + 1 + len(rows)}: the matrix has {found} rows; {legal}.")
    matrix = np.array(rows).T
    if problem := _first_bad_column(matrix):
        raise DataError(f"{path}, line {header + 2 + problem[0]}: {problem[1]}.")
    return matrix


def _lines(path: Path) -> list[str]:
    """The lines of a text file of motifs (at least one)."""
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise DataError(f"{path} has {size} bytes; a motif file may have {_MAX_BYTES}.")
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise DataError(f"{path} is not a text file; a motif file is (MEME minimal format or JASPAR counts).")
    if not text.strip():
        raise DataError(f"{path} is empty; a motif file has at least one motif.")
    return text.replace("\r\n", "\n").split("\n")


def _check_unique(seen: dict[str, int], identifier: str, path: Path, number: int) -> None:
    if identifier in seen:
        raise DataError(
            f"{path}, line {number + 1}: motif {identifier} is there twice (first in line {seen[identifier] + 1}); "
            "ids must differ."
        )
    seen[identifier] = number


def _shown(line: str) -> str:
    """A line of somebody's file, quoted and short enough for a message."""
    text = line.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...")
