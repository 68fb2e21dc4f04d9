"""Recipes: what to train and how, as data.

A recipe file is TOML: one grid (architectures x activations on one data set), or several as `[[grid]]` tables with the
same fields each. The packaged ones are in `recipes/`. Every setting of training has the protocol's value as its
default.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..data_cards.cards import list_datasets, load_card
from ..errors import ModelError, describe_invalid, unknown_name
from .architectures import ARCHITECTURES, layers
from .layers import ACTIVATIONS, Layer
from .names import VARIANT, ModelName, parse


def _no_activation(variant: str) -> str:
    if variant in ACTIVATIONS:
        raise ValueError(f"{variant!r} is an activation, and a name that ends in two of them has no one meaning")
    return variant


# The limits keep every number within float32 and a 64-bit index, in which training has it.
_LARGEST: Final = 1e30
Positive = Annotated[float, Field(gt=0, le=_LARGEST)]
NotNegative = Annotated[float, Field(ge=0, le=_LARGEST)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]
Variant = Annotated[str, Field(pattern=VARIANT), AfterValidator(_no_activation)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Training(BaseModel):
    """How a model is trained; the defaults are the protocol's, section 3.

    `l2` multiplies the sum of squares of every conv and dense kernel but the head's; `layer1_l2`, where given,
    takes its place for the first conv. With `reverse_complements` every training sequence is there twice, as it is and
    as its opposite strand. With `shuffled_labels`, a control, each training sequence has the labels of another one,
    the same in every trial (`controls.training_split`); validation keeps its own. The learning rate is multiplied by
    `decay_factor` after `decay_patience` epochs without an improvement above `decay_margin`, never below
    `decay_floor`; training stops after `stop_patience` epochs without any improvement of the validation score.
    """

    # Strict: a "no" in quotes is no truth value, and would otherwise shuffle the labels.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 100
    batch_size: Count = 100
    learning_rate: Positive = 1e-3
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    eps: Positive = 1e-7
    l2: NotNegative = 1e-6
    layer1_l2: NotNegative | None = None
    decay_factor: Annotated[float, Field(gt=0, lt=1)] = 0.2
    decay_patience: Count = 5
    decay_margin: NotNegative = 1e-4
    decay_floor: Positive = 1e-7
    stop_patience: Count = 20
    reverse_complements: bool = False
    shuffled_labels: bool = False


class Recipe(_Strict):
    """One model to train: architecture x activation x data set, how many trials (seeds 0, 1, ...), settings.

    `variant` is the part of the name that tells the model from those that are trained in another way, "" where the
    settings are the usual ones for its data set.
    """

    architecture: str
    activation: str
    dataset: str
    trials: Annotated[int, Field(ge=1, le=1000, strict=True)]
    variant: Variant = ""
    training: Training = Training()

    @property
    def name(self) -> str:
        """The model's name."""
        return str(ModelName(self.architecture, self.activation, self.dataset, self.variant))

    @property
    def digest(self) -> str:
        """SHA-256 of everything that decides a trial's weights, but its seed."""
        # A setting that is younger than the first checkpoints counts where it is used, so that they keep theirs.
        younger = set() if self.training.shuffled_labels else {"shuffled_labels"}
        decisive = self.model_dump_json(exclude={"trials": True, "variant": True, "training": younger})
        return hashlib.sha256(decisive.encode()).hexdigest()

    def layers(self) -> tuple[Layer, ...]:
        """The network's layer specs for this data set."""
        card = load_card(self.dataset)
        return layers(self.architecture, self.activation, length=card.length, outputs=len(card.classes))


class Grid(_Strict):
    """Every architecture with every activation on one data set, trained alike; `variant` as in `Recipe`."""

    dataset: str
    architectures: Annotated[tuple[str, ...], Field(min_length=1)]
    activations: Annotated[tuple[str, ...], Field(min_length=1)]
    trials: Annotated[int, Field(ge=1, le=1000, strict=True)]
    variant: Variant = ""
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
                    variant=self.variant,
                    training=self.training,
                )


class Grids(_Strict):
    """A recipe file of several grids."""

    grid: Annotated[tuple[Grid, ...], Field(min_length=1)]


def read_recipes(text: str, source: str) -> tuple[Recipe, ...]:
    """The recipes of a TOML file, in its order.

    Raises ModelError naming `source` and the field, or the model that two recipes would have as their name;
    UnknownNameError for wrong names.
    """
    model: type[Grid | Grids] = Grid
    try:
        content = tomllib.loads(text)
        model = Grids if "grid" in content else Grid
        read = model.model_validate(content)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(f"recipe {source} is not TOML: {error}.") from error
    except ValidationError as error:
        raise ModelError(f"recipe {source} is not valid: {describe_invalid(error, model)}") from error
    recipes: dict[str, Recipe] = {}
    for grid in read.grid if isinstance(read, Grids) else (read,):
        _check_names(grid)
        for recipe in grid.recipes():
            if recipe.name in recipes:
                raise ModelError(
                    f"recipe {source} has two models named {recipe.name!r}: give the grid of one of them a variant, "
                    'such as variant = "l2", which becomes part of the name.'
                )
            recipes[recipe.name] = recipe
    return tuple(recipes.values())


def _check_names(grid: Grid) -> None:
    given: tuple[tuple[str, Iterable[str], Iterable[str]], ...] = (
        ("data set", (grid.dataset,), list_datasets()),
        ("architecture", grid.architectures, ARCHITECTURES),
        ("activation", grid.activations, ACTIVATIONS),
    )
    for kind, names, known in given:
        for name in names:
            if name not in known:
                raise unknown_name(kind, name, known)


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

    A model name without a packaged recipe gets the protocol's settings and ten trials, reverse complements where the
    protocol adds them to the data set; one with a variant means nothing without its recipe. Raises ModelError for a
    file that is no recipe, UnknownNameError for wrong names.
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
    if name.variant:
        raise unknown_name("model", text, packaged(), hint="A variant needs a recipe: write a TOML file with one.")
    alike = (recipe.training for recipe in packaged().values() if recipe.dataset == name.dataset)
    training = Training(reverse_complements=any(settings.reverse_complements for settings in alike))
    return (
        Recipe(
            architecture=name.architecture,
            activation=name.activation,
            dataset=name.dataset,
            trials=10,
            training=training,
        ),
    )
