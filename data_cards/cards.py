"""Data cards: the facts about each data set, typed, from `<name>/card.toml`.

A card is looked for beside this module (the packaged data sets) and in the user's data folder (their own ones).
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import DataError, describe_invalid, unknown_name
from ..files import data_dir

SplitName = Literal["train", "valid", "test"]
GroupName = Literal["classification", "filters", "attribution"]
SPLITS: Final[tuple[SplitName, ...]] = ("train", "valid", "test")
PACKAGED: Final = Path(__file__).parent
DATASET_NAME: Final = r"^[a-z0-9][a-z0-9-]{0,63}$"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Background(_Strict):
    """Which further motifs the negative half plants: `drawn` of a permutation, less `removed`, the first `kept`."""

    drawn: Annotated[int, Field(gt=0)]
    removed: tuple[int, ...]
    kept: Annotated[int, Field(gt=0)]


class Generator(_Strict):
    """Parameters of a synthetic set's draw (see `synthetic.py`)."""

    seed: int
    core: tuple[str, ...]
    count_probabilities: tuple[float, ...]
    count_offset: int
    gap_high: float
    background: Background | None = None


class Copy(_Strict):
    """A file that holds what a source holds, under another name: what a mirror may have in its place."""

    file: FileName
    bytes: Annotated[int, Field(ge=1)]
    sha256: Sha256


class Source(_Strict):
    """One upstream file: its name on disk, where it is, and how to know that it is whole.

    `bytes` and `sha256` are those of the file at `url`, absent where nobody has stated them: then the file is used as
    it comes, with a notice. `split` is the split it holds, for formats with a file for each. `member` is the file
    wanted, where `url` is a zip archive (a wheel is one). `copies` hold the wanted file itself, plain or gzipped.
    Without a `url` nobody serves the file: `obtain` says how a person gets it.
    """

    file: FileName
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=2000)] | None = None
    bytes: Annotated[int, Field(ge=1)] | None = None
    sha256: Sha256 | None = None
    split: SplitName | None = None
    member: str | None = None
    copies: tuple[Copy, ...] = ()
    obtain: str = ""

    @model_validator(mode="after")
    def _obtainable(self) -> "Source":
        if (self.url is None) != bool(self.obtain):
            raise ValueError(f"{self.file} needs a url, or the words how to obtain it")
        if self.copies and self.member is None:
            raise ValueError(f"{self.file} has copies of a member that it does not name")
        return self


class AuthorsH5(_Strict):
    """The study's HDF5: `X_train` or `x_train` (N, 4, L) or (N, 4, 1, L), `Y_train` (N, C), valid and test alike."""

    format: Literal["authors-h5"]


class Fasta(_Strict):
    """A FASTA file for each split, the label in the header; `valid_share` of the training split is held out."""

    format: Literal["fasta"]
    valid_share: Annotated[float, Field(gt=0, lt=1)] | None = None


class Table(_Strict):
    """A table with a header line: which columns hold the sequence, the label and the split, and what they mean.

    `classes` are the label column's values in the order of the card's classes, of a binary card the negative and the
    positive one; `splits` maps the split column's values.
    `keep` maps a name in the data set (`id`, `chrom`, `start`, `end`) to the column that it is kept from.
    """

    format: Literal["table"]
    sequence: str
    label: str
    classes: tuple[str, ...]
    split: str
    splits: Mapping[str, SplitName]
    keep: Mapping[str, str] = {}


class BassetH5(_Strict):
    """Basset's HDF5: `train_in` (N, 4, 1, L), `train_out` (N, C), valid and test alike."""

    format: Literal["basset-h5"]


class DeepSea(_Strict):
    """DeepSEA's bundle of MATLAB files; `columns` of its 919 are kept, and rows with at least one positive there."""

    format: Literal["deepsea"]
    columns: tuple[Annotated[int, Field(ge=0)], ...]


Reader = Annotated[AuthorsH5 | Fasta | Table | BassetH5 | DeepSea, Field(discriminator="format")]


class Column(_Strict):
    """What a table says about a sequence beside its letters and labels: `chrom`, say, is a string, the chromosome."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    type: Literal["string", "int64"]
    meaning: Name


class Card(_Strict):
    """What a data set is.

    `classes` names the outputs; in a multi-class set exactly one of them is true of each sequence. `monitor` is the
    validation score that training watches; `benchmarks` are the measurements the set allows. `ground_truth` (synthetic
    sets) maps each planted motif to the JASPAR ids that count as it; `known_motifs` (in vivo) does so for the motifs
    of each class's factors. `splits` are the sizes, `positives` how many sequences of a split each class is true of,
    and `fingerprint` the hash of the content (`SequenceDataset`); all are empty for a set that nobody has built from
    its sources yet. A set comes from its `generator`, or from `sources` by a `reader`; one of the user's own has
    neither, only the tables beside its card.

    `assay`, `organism`, `genome` and `licence` (an SPDX identifier) say "not stated upstream" where that is so.
    `licence_covers` says what the licence is of and who states it; `collection` how the data came about, up to their
    labels; `citation` is one reference a line, the first that of the data; `creators` made the data set, `published`
    is the date or year of that; `traps` are sentences that a user must know; `columns` are further ones of the tables.
    """

    name: Annotated[str, Field(pattern=DATASET_NAME)]
    version: Annotated[int, Field(ge=1)]
    title: Name
    summary: str
    task: Literal["binary", "multi-label", "multi-class"]
    classes: Annotated[tuple[Name, ...], Field(min_length=1)]
    length: Annotated[int, Field(gt=0)]
    monitor: Literal["auroc", "aupr"]
    benchmarks: tuple[GroupName, ...]
    assay: str
    organism: str
    genome: str
    licence: str
    source: str
    citation: str
    traps: tuple[str, ...] = ()
    creators: tuple[Name, ...] = ()
    published: Annotated[str, Field(pattern=r"^(\d{4}(-\d{2}-\d{2})?)?$")] = ""
    homepage: Annotated[str, Field(pattern=r"^(https?://[^\s]+)?$")] = ""
    licence_covers: str = ""
    collection: str = ""
    columns: tuple[Column, ...] = ()
    fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    splits: Mapping[SplitName, Annotated[int, Field(gt=0)]] = {}
    positives: Mapping[SplitName, tuple[Annotated[int, Field(gt=0)], ...]] = {}
    ground_truth: Mapping[str, tuple[str, ...]] = {}
    known_motifs: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    sources: tuple[Source, ...] = ()
    reader: Reader | None = None
    generator: Generator | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "Card":
        if self.generator is not None and (self.reader is not None or self.sources):
            raise ValueError("a data set has a generator or sources, not both")
        if (self.reader is None) != (not self.sources):
            raise ValueError("sources and their reader go together")
        if (self.task == "binary") != (len(self.classes) == 1):
            raise ValueError(f"a {self.task} data set cannot have {len(self.classes)} classes")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("two classes have the same name")
        for name in self.known_motifs:
            if name not in self.classes:
                raise ValueError(f"known_motifs names {name!r}, which is not a class")
        for field, stated in (("splits", self.splits), ("positives", self.positives)):
            if stated and set(stated) != set(SPLITS):
                raise ValueError(f"{field} must state the sizes of train, valid and test")
        for name, counts in self.positives.items():
            if len(counts) != len(self.classes):
                raise ValueError(f"positives of {name} must state {len(self.classes)} numbers, one a class")
        return self

    @property
    def benchmark(self) -> str:
        """Name of the benchmark on this data: `name@version`."""
        return f"{self.name}@{self.version}"


def _folders() -> dict[str, Path]:
    """The folder of every data set by name; a packaged one wins over one of the user's."""
    found: dict[str, Path] = {}
    for root in (own_dir(), PACKAGED):
        if root.is_dir():
            found |= {path.parent.name: path.parent for path in root.glob("*/card.toml")}
    return found


def own_dir() -> Path:
    """The folder of the user's own data sets."""
    return data_dir() / "datasets"


def list_datasets() -> tuple[str, ...]:
    """Names of all data sets, the packaged and the user's own, sorted."""
    return tuple(sorted(_folders()))


def card_folder(name: str) -> Path:
    """The folder that holds a data set's card. Raises UnknownNameError."""
    folders = _folders()
    if name not in folders:
        raise unknown_name("data set", name, folders, hint="`motifzoo datasets` lists them.")
    return folders[name]


def load_card(name: str) -> Card:
    """The card of a data set. Raises UnknownNameError, or DataError for a card with wrong or unknown fields."""
    path = card_folder(name) / "card.toml"
    return read_card(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def read_card(path: Path, changed: int = 0) -> Card:
    """The card in a file; `changed` tells one state of the file from another. Errors as `load_card`."""
    name = path.parent.name
    try:
        card = Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"the card of data set {name!r} is not TOML: {error}.") from error
    except ValidationError as error:
        raise DataError(f"the card of data set {name!r} is not valid: {describe_invalid(error)}") from error
    except OSError as error:
        raise DataError(f"cannot read the card of data set {name!r}: {error.strerror}.") from error
    if card.name != name:
        raise DataError(f"the card in folder {name!r} is named {card.name!r}: the two must be equal.")
    return card
