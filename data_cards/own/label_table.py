"""Labels in a table of their own: ids in the first column, labels in the second, as TSV, CSV or words."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import DataError
from ..readers.text import lines

_SHOWN = 3  # ids in a message


class LabelTable:
    """The labels of a table, which must be for the ids that are asked for, no more and no less.

    The first line may be a header line: it is one when neither its id nor its label is found elsewhere.
    Raises DataError for a line without two values and for an id that two lines have.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._labels: dict[str, str] = {}
        self._asked: set[str] = set()
        self._missing: list[str] = []
        line_of: dict[str, int] = {}
        for line, values in _parsed(path):
            if len(values) < 2 or not values[0]:
                raise DataError(f"{path}, line {line}: it must have an id and a label, in its first two columns.")
            name, label = values[0], values[1]
            if name in line_of:
                raise DataError(f"{path}, line {line}: the id {name!r} stands in line {line_of[name]} already.")
            line_of[name] = line
            self._labels[name] = label
        if not self._labels:
            raise DataError(f"{path} is empty: there is no label in it.")

    def label(self, name: str) -> str:
        """The label of a sequence; empty for an id that the table lacks, which `check` reports."""
        self._asked.add(name)
        if name not in self._labels:
            self._missing.append(name)
        return self._labels.get(name, "")

    def check(self) -> None:
        """Raise DataError when ids that were asked for are not in the table, or others are."""
        extra = [name for name in self._labels if name not in self._asked]
        first = next(iter(self._labels))
        if extra and extra[0] == first and Counter(self._labels.values())[self._labels[first]] == 1:
            extra = extra[1:]
        problems = []
        if self._missing:
            problems.append(f"{len(self._missing):,} of the sequences have no line in it ({_few(self._missing)})")
        if extra:
            problems.append(f"{len(extra):,} of its ids are of no sequence ({_few(extra)})")
        if problems:
            raise DataError(
                f"the labels in {self.path} do not match the sequences: {'; '.join(problems)}. An id is the first word "
                "of a header."
            )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _parsed(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The values of each line that is not empty, and its number; the first line shows what separates them."""
    separator: str | None = None
    for number, line in enumerate(lines(path), 1):
        text = line.strip()
        if not text:
            continue
        if number == 1 or separator is None:
            separator = "\t" if "\t" in text else "," if "," in text else " "
        if separator == " ":
            yield number, text.split()
        else:
            # Not stripped before: an empty label at the end of a line is a value.
            yield number, [value.strip() for value in next(csv.reader([line.rstrip("\n")], delimiter=separator))]
