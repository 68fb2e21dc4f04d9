"""FASTA: the records of a file, what their headers say, and the data set of a card with a file for each split.

What a header says. Its fields are separated by white space or `|`. The label is `VALUE` where a field is
`label=VALUE` (or `label="A VALUE"`), anywhere in the header; otherwise it is the last field, which may be the only
one, as in `>1`. A last field that is a place or has a `=` is no label. Several classes in a label are separated by
commas or semicolons. The id is the first word of what stands beside the label. A place is `chr1:100-200` or
`chr1:100-200(+)`, alone or after `name::`, as `bedtools getfasta` writes them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import pyarrow as pa

from ...errors import DataError
from ...files import notices
from ..cards import SPLITS, Card, Fasta, SplitName
from . import Pieces
from .gather import MAX_LENGTH, Gatherer
from .labels import LabelCoder, label_names
from .text import check_dna, lines

_Result = TypeVar("_Result")
_LABEL = re.compile(r'(?:^|(?<=[\s|]))label=("[^"]*"|[^\s|]*)', re.IGNORECASE)
_FIELD = re.compile(r"[^\s|]+")
_PLACE = re.compile(r"(?:.*::)?([^\s:|]+):(\d{1,15})-(\d{1,15})(?:\([+.-]\))?")
LABEL_FORMS: Final = (
    "A label is the whole header (`>1`), its last field (`>peak_7 1`, `>peak_7|1`), or stated anywhere in it "
    "(`>peak_7 label=1`)."
)


class Record(NamedTuple):
    """One record: the header without `>` and the white space around it, the sequence in upper case, and, for messages
    and counts, the line of the header (from 1), the record's number (from 1) and how many letters were lower case."""

    header: str
    sequence: str
    line: int
    number: int
    masked: int


class Place(NamedTuple):
    """Where a sequence is from: half-open, `start` counted from 0."""

    chrom: str
    start: int
    end: int


@dataclass(frozen=True)
class Survey:
    """What a whole file holds.

    length: nt of every sequence. labels: how many records have each label, as it stands in the headers. named, placed:
    whether every record has an id, and a place. masked: letters in lower case.
    """

    records: int
    length: int
    labels: Mapping[str, int]
    named: bool
    placed: bool
    masked: int


def records(path: Path) -> Iterator[Record]:
    """The records of a FASTA file, plain or gzip, in its order.

    Sequences may be wrapped, and hold N and IUPAC codes. They may differ in length, and headers may repeat: `survey`
    checks that. Raises DataError, naming line and record, for a file that is empty or no text, for text before the
    first header, and for a record without a sequence, with more than MAX_LENGTH nt, or with a letter that is not DNA.
    """
    header: str | None = None
    parts: list[str] = []
    start = number = length = 0
    for line_number, line in enumerate(lines(path), 1):
        text = line.strip()
        if text.startswith(">"):
            if header is not None:
                yield _record(path, header, parts, start, number)
            header, parts, start, number, length = text[1:].strip(), [], line_number, number + 1, 0
        elif text:
            if header is None:
                raise DataError(
                    f"{path}, line {line_number}: {_shortened(text)!r} stands before the first header; in a FASTA file "
                    "a line with `>` and a name comes before each sequence."
                )
            length += len(text)
            if length > MAX_LENGTH:
                raise DataError(
                    f"{_where(path, start, number, header)} has more than {MAX_LENGTH:,} nt: this looks like a genome. "
                    "Cut windows of equal length out of it first, as `bedtools getfasta` does."
                )
            parts.append(text)
    if header is None:
        raise DataError(f"{path} is empty: there is no record in it.")
    yield _record(path, header, parts, start, number)


def _record(path: Path, header: str, parts: list[str], line: int, number: int) -> Record:
    text = "".join(parts)
    if not text:
        raise DataError(f"{_where(path, line, number, header)} has no sequence.")
    try:
        check_dna(text)
    except DataError as error:
        raise DataError(f"{_where(path, line, number, header)}: {error}") from error
    sequence = text.upper()
    masked = 0 if sequence == text else sum(map(str.islower, text))
    return Record(header, sequence, line, number, masked)


def header_label(header: str) -> str | None:
    """The label that a header states, in the forms of this module; None without one.

    `label=` alone is the empty label: none of the classes. Raises DataError for a header that states two.
    """
    stated: set[str] = {value.strip('"').strip() for value in _LABEL.findall(header)}
    if len(stated) > 1:
        raise DataError(f"the header states {len(stated)} labels: {', '.join(sorted(map(repr, stated)))}.")
    if stated:
        return stated.pop()
    fields: list[str] = _FIELD.findall(header)
    if not fields or "=" in fields[-1] or _PLACE.fullmatch(fields[-1]):
        return None
    # `>1 1` is the first record, with label 1; `>peak 0 1` may be two labels or a count and a label.
    if len(fields) > 2 and {fields[-2], fields[-1]} <= {"0", "1"}:
        raise DataError(
            f"the header ends in {fields[-2]!r} and {fields[-1]!r}, and either may be the label. Write `label=` before "
            "the one that is."
        )
    return fields[-1]


def header_id(header: str) -> str | None:
    """The id of a record whose header holds the label too: the first word beside the label; None without one."""
    rest: str = _LABEL.sub(" ", header)
    if rest == header and (label := header_label(header)) is not None:
        rest = header[: header.rindex(label)]
    words = rest.split()
    return (words[0].strip("|") or None) if words else None


def header_name(header: str) -> str | None:
    """The id of a record whose label is elsewhere, as in a table: the header's first word; None for an empty one."""
    words = header.split(maxsplit=1)
    return words[0] if words else None


def header_place(header: str, length: int) -> Place | None:
    """Where a header says that its sequence of `length` nt is from; None when it does not.

    `chr1:100-200` is half-open and counts from 0. Where that would be one nt less than the sequence has, the header
    counts from 1 and includes the end, as `samtools faidx` writes it, and `start` becomes one less.
    """
    for field in _FIELD.findall(header):
        if found := _PLACE.fullmatch(field):
            start, end = int(found[2]), int(found[3])
            if start > 0 and end - start + 1 == length:
                start -= 1
            return Place(found[1], start, end) if start < end else None
    return None


def survey(
    path: Path,
    label_of: Callable[[str], str | None] = header_label,
    id_of: Callable[[str], str | None] = header_id,
) -> Survey:
    """Read a FASTA file once, and say what it holds; labels and ids come from headers, by `label_of` and `id_of`.

    For labels in a table pass the look-up of `header_name` in it, and `header_name` itself. Both may raise DataError:
    it is raised with the place in the file before it. Raises DataError also as `records` does, for sequences that are
    not equally long, an id that two records have, a record without a label, and labels that name as many classes as
    there are records.
    """
    lengths: Counter[int] = Counter()
    labels: Counter[str] = Counter()
    ids: dict[str, int] = {}
    named = placed = True
    masked = 0
    uneven: Record | None = None
    for record in records(path):
        where = _where(path, record.line, record.number, record.header)
        label = _located(label_of, record.header, where)
        if label is None:
            raise DataError(f"{where} has no label. {LABEL_FORMS}")
        name = _located(id_of, record.header, where)
        if name is not None:
            first = ids.setdefault(name, record.number)
            if first != record.number:
                raise DataError(f"{where} has the id {name!r}, and so has record {first}: ids must be different.")
        lengths[len(record.sequence)] += 1
        if len(lengths) == 2 and uneven is None:
            uneven = record
        labels[label] += 1
        named = named and name is not None
        placed = placed and header_place(record.header, len(record.sequence)) is not None
        masked += record.masked
    count = lengths.total()
    if uneven is not None:
        raise DataError(
            f"{path} has sequences of {len(lengths)} lengths, {min(lengths)} to {max(lengths)} nt "
            f"({lengths.most_common(1)[0][0]} nt most often); the first that differs is record {uneven.number}, line "
            f"{uneven.line}. All must be equally long: cut them out anew, around their centres."
        )
    if count > 2 and len({name for label in labels for name in label_names(label)}) >= count:
        raise DataError(f"{path}: its {count:,} headers end in as many different words, so no labels. {LABEL_FORMS}")
    return Survey(count, next(iter(lengths)), labels, named, placed, masked)


def read(settings: Fasta, card: Card, files: Mapping[str, Path]) -> Pieces:
    """The pieces of a data set with a FASTA file for each split; see `readers.read`.

    With `valid_share`, the last share of each label's records in a training file (in a multi-label set, of all records)
    is the validation split. Such files come sorted by place, so that windows which overlap stand together: of tfbs-tp53
    a random tenth shares 50 nt or more with training in half of its sequences, the last tenth in fewer than 1 of 100.
    `about` has `id`, and `chrom`, `start` and `end`, where every record of every file has them.
    """
    parts = _parts(settings, card, files)
    surveys = [survey(path) for _, path in parts]
    for (_, path), found in zip(parts, surveys, strict=True):
        if found.length != card.length:
            raise DataError(f"{path} has sequences of {found.length} nt; the card of {card.name!r} says {card.length}.")
        if found.masked:
            notices.warning(
                "%s: %s of %s letters are lower case (soft-masked); they are read as upper case.",
                path.name,
                f"{found.masked:,}",
                f"{found.records * found.length:,}",
            )
    named, placed = all(found.named for found in surveys), all(found.placed for found in surveys)
    about = {"id": pa.string()} if named else {}
    if placed:
        about |= {"chrom": pa.string(), "start": pa.int64(), "end": pa.int64()}
    gatherer = Gatherer(card.length, about)
    coder = LabelCoder(card)
    for (split, path), found in zip(parts, surveys, strict=True):
        share = settings.valid_share if split == "train" else None
        trained = _trained(found, card, share or 0.0)
        seen: Counter[str] = Counter()
        for record in records(path):
            label = header_label(record.header) or ""
            row = _located(coder.row, label, _where(path, record.line, record.number, record.header))
            group = _group(label, card)
            seen[group] += 1
            target: SplitName = split if seen[group] <= trained[group] else "valid"
            values: list[str | int] = [header_id(record.header) or ""] if named else []
            if placed and (place := header_place(record.header, card.length)):
                values += place
            yield from gatherer.add(target, record.sequence, row, values)
    yield from gatherer.rest()


def _group(label: str, card: Card) -> str:
    # A combination of labels may be rare, and none of its few records would ever be held out.
    return "" if card.task == "multi-label" else label


def _trained(found: Survey, card: Card, share: float) -> Counter[str]:
    """How many records of each group come before those that are held out."""
    counts: Counter[str] = Counter()
    for label, count in found.labels.items():
        counts[_group(label, card)] += count
    return Counter({group: count - round(share * count) for group, count in counts.items()})


def _where(path: Path, line: int, number: int, header: str) -> str:
    return f"{path}, line {line}: record {number} ({_shortened('>' + header)!r})"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _located(function: Callable[[str], _Result], value: str, where: str) -> _Result:
    try:
        return function(value)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _parts(settings: Fasta, card: Card, files: Mapping[str, Path]) -> list[tuple[SplitName, Path]]:
    """The files with the split that the card gives to each. Raises DataError when a split has no file."""
    parts: list[tuple[SplitName, Path]] = []
    for source in card.sources:
        if source.split is None:
            raise DataError(f"data set {card.name!r}: the card must say which split its source {source.file!r} holds.")
        parts.append((source.split, files[source.file]))
    given = {split for split, _ in parts}
    if settings.valid_share and "valid" in given:
        raise DataError(f"data set {card.name!r}: the card has a source for valid, and `valid_share` too. Remove one.")
    if settings.valid_share:
        given.add("valid")
    missing = [split for split in SPLITS if split not in given]
    if missing:
        raise DataError(
            f"data set {card.name!r}: no source of the card holds its {' and '.join(missing)} split."
            + (" `valid_share` holds a part of train out as valid." if "valid" in missing else "")
        )
    return parts
