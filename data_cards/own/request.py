"""What a user asks for when they add a data set."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from ...errors import DataError
from ..cards import SplitName

Format = Literal["fasta", "table", "authors-h5", "basset-h5", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
Task = Literal["binary", "multi-class", "multi-label"]
TASKS: Final[tuple[Task, ...]] = get_args(Task)


class Shares(NamedTuple):
    """Which part of the sequences each split gets; the three add up to 1."""

    train: float = 0.7
    valid: float = 0.1
    test: float = 0.2

    @classmethod
    def parse(cls, text: str) -> "Shares":
        """Shares written as `0.7,0.1,0.2`. Raises DataError for anything but three shares above 0 that add up to 1."""
        try:
            values = [float(part) for part in text.split(",")]
        except ValueError:
            values = []
        if len(values) != 3 or min(values) <= 0 or not math.isclose(sum(values), 1, abs_tol=1e-6):
            raise DataError(
                f"the shares {text!r} are not three numbers above 0 that add up to 1, for train, valid and test: "
                "write, for example, 0.7,0.1,0.2."
            )
        return cls(*values)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A data set to add.

    file: all of the sequences, or those of train where `test` is given; a folder of Parquet files has all splits.
    negatives: sequences without the class that those of `file` have. label_from: a table of ids and labels; None for
    labels in the headers or columns. positive: the label that means 1. classes: names of the classes, in order.
    shares, by_chromosome: how to split; with neither the files' own splits stand, if they have any. length: cut or pad
    sequences to as many nt. keep: further columns of a table to keep. facts: fields of the card, such as `title`.
    known_motifs: `NAME=ID` or `CLASS:NAME=ID`, with JASPAR ids. replace: whether one of the user's own of this name may
    be replaced.
    """

    name: str
    file: Path
    valid: Path | None = None
    test: Path | None = None
    negatives: Path | None = None
    format: Format | None = None
    label_from: Path | None = None
    positive: str | None = None
    classes: tuple[str, ...] = ()
    task: Task | None = None
    shares: Shares | None = None
    by_chromosome: bool = False
    seed: int = 0
    length: int | None = None
    sequence_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    keep: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    known_motifs: Sequence[str] = ()
    replace: bool = False

    def __post_init__(self) -> None:
        if self.valid and not self.test:
            raise DataError("--valid needs --test beside it: the splits are either made here, or each has its file.")
        if self.test and self.negatives:
            raise DataError(
                "--negatives and --test do not go together: put each split's sequences into one file, with labels in "
                "the headers (`>peak_7 label=1`)."
            )
        if self.negatives and self.label_from:
            raise DataError("--negatives says what the labels are, so --label-from must be left out.")
        if self.shares and (self.split_column or (self.valid and self.test)):
            raise DataError("--split makes the splits, so --split-column or --valid must be left out.")
        if self.by_chromosome and (self.test or self.split_column):
            raise DataError("--split-by-chromosome makes the splits, so --test and --split-column must be left out.")

    @property
    def splits_stated(self) -> bool:
        """Whether splits that the files state are to be used."""
        return self.split_column is not None or (self.shares is None and not self.by_chromosome)

    def files(self) -> tuple["Given", ...]:
        """The files, with the split or the label that all sequences of one have."""
        if self.test:
            parts = (("train", self.file), ("valid", self.valid), ("test", self.test))
            return tuple(Given(path, split=split) for split, path in parts if path)  # type: ignore[arg-type]
        if self.negatives:
            return Given(self.file, label="1"), Given(self.negatives, label="0")
        return (Given(self.file),)


class Given(NamedTuple):
    """A file, and what its place in the request says about its sequences."""

    path: Path
    split: SplitName | None = None
    label: str | None = None
