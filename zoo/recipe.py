"""Recipes: what to train and how, as data.

A recipe file is TOML. The packaged ones in `recipes/` span grids (architectures x activations on one data set); a
file of one's own may do the same. Every setting of training has the protocol's value as its default.
"""

import hashlib
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..data_cards.cards import list_datasets, load_card
from ..errors import ModelError, describe_invalid, unknown_name
from .architectures import ARCHITECTURES, layers
from .layers import ACTIVATIONS, Layer
from .names import ModelName, parse

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Training(_Strict):
    """How a model is trained; the defaults are the protocol's, section 3.

    `l2` multiplies the sum of squares of every conv and dense kernel but the head's; `layer1_l2`, where given,
    takes its place for the first conv. With `reverse_complements` every training sequence is there twice, as it is and
    as its opposite strand. The learning rate is multiplied by `decay_factor` after `decay_patience`
    epochs without an improvement above `decay_margin`, never below `decay_floor`; training stops after
    `stop_patience` epochs without any improvement of the validation score.
    """

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 100
    batch_size: Count = 100
    learning_rate: Positive = 1e-3
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    eps: Positive = 1e-7
    l2: Annotated[float, Field(ge=0)] = 1e-6
    layer1_l2: Annotated[float, Field(ge=0)] | None = None
    decay_factor: Annotated[float, Field(gt=0, lt=1)] = 0.2
    decay_patience: Count = 5
    decay_margin: Annotated[float, Field(ge=0)] = 1e-4
    decay_floor: Positive = 1e-7
    stop_patience: Count = 20
    reverse_complements: bool = False


class Recipe(_Strict):
    """One model to train: architecture x activation x data set, how many trials (seeds 0, 1, ...), settings."""

    architecture: str
    activation: str
    dataset: str
    trials: Annotated[int, Field(ge=1, le=1000)]
    training: Training = Training()

    @property
    def name(self) -> str:
        """The model's name."""
        return str(ModelName(self.architecture, self.activation, self.dataset))

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides a trial's weights, but its seed."""
        return hashlib.sha256(self.model_dump_json(exclude={"trials"}).encode()).hexdigest()

    def layers(self) -> tuple[Layer, ...]:
        """The network's layer specs for this data set."""
        card = load_card(self.dataset)
        return layers(self.architecture, self.activation, length=card.length, outputs=len(card.classes))


class Grid(_Strict):
    """A recipe file: every architecture with every activation on one data set."""

    dataset: str
    architectures: tuple[str, ...]
    activations: tuple[str, ...]
    trials: Annotated[int, Field(ge=1, le=1000)]
    training: Training = Training()

    def recipes(self) -> Iterator[Recipe]:
        """The grid's recipes, in the order of the file."""
        for architecture in self.architectures:
            for activation in self.activations:
                yield Recipe(
                    architecture=architecture,
                    activation=activation,
                    dataset=self.dataset,
                    trials=self.trials,
                    training=self.training,
                )


def read_recipes(text: str, source: str) -> tuple[Recipe, ...]:
    """The recipes of a TOML file. Raises ModelError naming `source` and the field, UnknownNameError for wrong names."""
    try:
        grid = Grid.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"recipe {source} is not TOML: {error}.") from error
    except ValidationError as error:
        raise ModelError(f"recipe {source} is not valid: {describe_invalid(error)}") from error
    for kind, given, known in (
        ("data set", [grid.dataset], list_datasets()),
        ("architecture", grid.architectures, ARCHITECTURES),
        ("activation", grid.activations, ACTIVATIONS),
    ):
        for name in given:
            if name not in known:
                raise unknown_name(kind, name, known)
    return tuple(grid.recipes())


@cache
def packaged() -> dict[str, Recipe]:
    """The packaged recipes by model name."""
    found: dict[str, Recipe] = {}
    for path in sorted((files(__package__) / "recipes").iterdir(), key=lambda entry: entry.name):
        for recipe in read_recipes(path.read_text(encoding="utf-8"), path.name):
            if recipe.name in found:
                raise ModelError(f"two packaged recipes are named {recipe.name!r}: {path.name} repeats one.")
            found[recipe.name] = recipe
    return found


def find(text: str) -> tuple[Recipe, ...]:
    """Recipes by the name of a model, the name of a packaged file, or the path of a TOML file.

    A model name without a packaged recipe gets the protocol's settings and ten trials.
    """
    if text.endswith(".toml"):
        path = Path(text)
        try:
            return read_recipes(path.read_text(encoding="utf-8"), text)
        except FileNotFoundError as error:
            raise ModelError(f"recipe file {text} does not exist.") from error
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"cannot read recipe file {text}: {error}.") from error
    grids = {path.name.removesuffix(".toml"): path for path in (files(__package__) / "recipes").iterdir()}
    if text in grids:
        return read_recipes(grids[text].read_text(encoding="utf-8"), f"{text}.toml")
    if text in packaged():
        return (packaged()[text],)
    name = parse(text)
    if name.dataset not in list_datasets():
        raise unknown_name("data set", name.dataset, list_datasets(), hint="`motifzoo datasets` lists them.")
    return (Recipe(architecture=name.architecture, activation=name.activation, dataset=name.dataset, trials=10),)
