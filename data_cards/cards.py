"""Data cards: the facts about each data set, typed, from `<name>/card.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import DataError, describe_invalid, unknown_name

SplitName = Literal["train", "valid", "test"]
GroupName = Literal["classification", "filters", "attribution"]
SPLITS: Final[tuple[SplitName, ...]] = ("train", "valid", "test")


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


class Card(_Strict):
    """What a data set is.

    `classes` names the outputs; `monitor` is the validation score that training watches; `benchmarks` are the
    measurements the set has ground truth for; `ground_truth` maps each true motif to the JASPAR ids that count
    as it; `fingerprint` is the hash of the content (`content.fingerprint`).
    """

    name: str
    version: Annotated[int, Field(ge=1)]
    title: str
    summary: str
    task: Literal["binary", "multi-label"]
    classes: tuple[str, ...]
    length: Annotated[int, Field(gt=0)]
    monitor: Literal["auroc", "aupr"]
    benchmarks: tuple[GroupName, ...]
    licence: str
    source: str
    fingerprint: str
    splits: Mapping[SplitName, int]
    ground_truth: Mapping[str, tuple[str, ...]]
    generator: Generator

    @property
    def benchmark(self) -> str:
        """Name of the benchmark on this data: `name@version`."""
        return f"{self.name}@{self.version}"


@cache
def list_datasets() -> tuple[str, ...]:
    """Names of the packaged data sets, sorted."""
    folders = files(__package__).iterdir()
    return tuple(sorted(folder.name for folder in folders if (folder / "card.toml").is_file()))


@cache
def load_card(name: str) -> Card:
    """The card of a data set. Raises UnknownNameError, or DataError for a card with wrong or unknown fields."""
    if name not in list_datasets():
        raise unknown_name("data set", name, list_datasets(), hint="`motifzoo datasets` lists them.")
    source = files(__package__) / name / "card.toml"
    try:
        card = Card.model_validate(tomllib.loads(source.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"the card of data set {name!r} is not TOML: {error}.") from error
    except ValidationError as error:
        raise DataError(f"the card of data set {name!r} is not valid: {describe_invalid(error)}") from error
    if card.name != name:
        raise DataError(f"the card in folder {name!r} is named {card.name!r}: the two must be equal.")
    return card
