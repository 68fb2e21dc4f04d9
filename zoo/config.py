"""config.json: everything about a model but its tensors.

The file comes from strangers too, so it is validated field by field, its size is capped, and the layers must fit
together before anything is allocated.
"""

import unicodedata
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from ..errors import ModelError, describe_invalid
from ..files import write_text
from .layers import MAX_LENGTH, Activation, Layers
from .recipe import Training
from .shapes import default_filter_layer, plan

FORMAT: Final = 1
MAX_CONFIG_BYTES = 1_000_000
MODEL_NAME = r"^[a-z0-9][a-z0-9_-]{0,79}\.[a-z0-9][a-z0-9-]{0,79}$"


def visible(text: str) -> str:
    """The text, if a reader sees all of it: a terminal obeys some other characters, some turn the way it is written."""
    for letter in text:
        category = unicodedata.category(letter)
        if category[0] == "C" or category in ("Zl", "Zp"):
            raise ValueError(f"text cannot hold U+{ord(letter):04X}, which is not a visible character")
    return text


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(visible)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataRevision(_Strict):
    """The data a model was trained on: name, version and content fingerprint."""

    name: Text
    version: Annotated[int, Field(ge=1)]
    fingerprint: Sha256


class Trial(_Strict):
    """One trained replicate: its number and seed, the content hash of its tensors, and how training went.

    `device` is where it trained, `epochs` how many it ran, `seconds` the training time, `score` the final validation
    score, `stacked` whether it trained in a stack, which rounds otherwise than training alone; None where that is not
    known, or the score undefined. `precision` is what the layers behind the first activation trained in, None for
    float32.
    """

    trial: Annotated[int, Field(ge=0, le=999_999)]
    seed: int
    sha256: Sha256
    device: Text
    epochs: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None
    score: float | None = None
    torch: Text | None = None
    stacked: bool | None = None
    precision: Literal["tf32", "bfloat16"] | None = None

    @model_serializer(mode="wrap")
    def _written(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without a precision of None, so that configs that are older than the field stay as they are."""
        fields: dict[str, Any] = written(self)
        return {name: value for name, value in fields.items() if (name, value) != ("precision", None)}


class ModelConfig(_Strict):
    """A model: the network as layer specs, what it reads and predicts, what it was trained on, and its trials."""

    format: Literal[1] = FORMAT
    name: Annotated[str, Field(pattern=MODEL_NAME)]
    architecture: Text
    activation: Text
    alphabet: Literal["ACGT"] = "ACGT"
    input_length: Annotated[int, Field(ge=1, le=MAX_LENGTH)]
    outputs: Annotated[tuple[Text, ...], Field(min_length=1, max_length=10_000)]
    layers: Layers
    filter_layer: Text
    dataset: DataRevision
    training: Training | None
    trials: Annotated[tuple[Trial, ...], Field(min_length=1, max_length=1000)]
    licence: Text

    @model_validator(mode="after")
    def _consistent(self) -> "ModelConfig":
        try:
            planned = plan(self.layers, self.input_length)
            default_filter_layer(self.layers)
        except ModelError as error:
            raise ValueError(str(error)) from error
        if planned.shapes[-1] != (len(self.outputs),):
            raise ValueError(
                f"the last layer puts out shape {planned.shapes[-1]} and the config names {len(self.outputs)} outputs"
            )
        names = {layer.name: index for index, layer in enumerate(self.layers)}
        if self.filter_layer not in names:
            raise ValueError(f"filter_layer {self.filter_layer!r} is not among the layers")
        if len(planned.shapes[names[self.filter_layer]]) != 2:
            raise ValueError(f"filter_layer {self.filter_layer!r} does not put out channels x positions")
        studied = self.layers[names[self.filter_layer]]
        if isinstance(studied, Activation) and studied.function != self.activation:
            raise ValueError(
                f"activation is {self.activation!r} and filter_layer {self.filter_layer!r} applies {studied.function!r}"
            )
        numbers = [trial.trial for trial in self.trials]
        if len(set(numbers)) != len(numbers):
            raise ValueError("two trials have the same number")
        # The spread over trials would count such weights twice.
        first: dict[str, int] = {}
        for trial in self.trials:
            if (other := first.setdefault(trial.sha256, trial.trial)) != trial.trial:
                raise ValueError(f"two trials have the same weights: {other} and {trial.trial}")
        return self

    def trial(self, number: int) -> Trial:
        """One trial's entry. Raises ModelError listing the trials there are."""
        for trial in self.trials:
            if trial.trial == number:
                return trial
        known = ", ".join(str(trial.trial) for trial in self.trials)
        raise ModelError(f"model {self.name!r} has no trial {number}; it has {known}.")


def read_config(folder: Path) -> ModelConfig:
    """The config of a model folder. Raises ModelError for a missing, oversized or invalid config.json."""
    path = folder / "config.json"
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ModelError(f"{path} is larger than {MAX_CONFIG_BYTES:,} bytes, which no config needs.")
        return ModelConfig.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ModelError(f"{folder} has no config.json, so it is not a model folder.") from error
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}.") from error
    except ValidationError as error:
        raise ModelError(f"{path} is not valid: {describe_invalid(error, ModelConfig)}") from error


def write_config(config: ModelConfig, folder: Path) -> None:
    """Write config.json atomically. Raises ModelError for a config that nobody could read again."""
    text = config.model_dump_json(indent=2) + "\n"
    try:
        ModelConfig.model_validate_json(text)  # a copy with other trials (`model_copy`) was never checked
    except ValidationError as error:
        raise ModelError(f"{folder / 'config.json'} cannot be written: {describe_invalid(error)}") from error
    write_text(folder / "config.json", text)
