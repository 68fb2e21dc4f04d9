"""config.json of a submission: strict JSON, honest names, a network that can be evaluated on its benchmark."""

import json
import math
import re
from pathlib import Path
from typing import Any, Final

from ....data_cards.cards import Card
from ....errors import ModelError, UnknownNameError
from ....zoo import layers as specs
from ....zoo.architectures import ARCHITECTURES
from ....zoo.architectures import layers as known_layers
from ....zoo.config import ModelConfig, read_config
from ....zoo.names import ModelName, parse
from ....zoo.shapes import plan
from ..current import packaged_card
from .cost import check_cost
from .limits import LIMITS, Limits, printable

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._,:;/+@()\[\]-]{0,199}")
_LICENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]{0,39}")
_LARGEST_SEED: Final = 2**63


def parse_strictly(text: bytes) -> Any:
    """A JSON text without keys given twice, NaN, infinities or numbers of thousands of digits.

    Raises ValueError or RecursionError saying what is wrong.
    """
    return json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
        raise ValueError(f"the field {twice!r} is given twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is larger than any number here")
    return value


def load_config(folder: Path) -> tuple[ModelConfig | None, list[str]]:
    """The config of a folder, or why there is none that could be read."""
    try:
        parse_strictly((folder / "config.json").read_bytes())
        return read_config(folder), []
    except (ModelError, OSError, ValueError, RecursionError) as error:
        reason = str(error).removeprefix(f"{folder / 'config.json'} ")
        # Long enough for five fields and what each may be.
        return None, [f"config.json: {printable(reason, 1000)}"]


def check_config(config: ModelConfig, limits: Limits = LIMITS) -> list[str]:
    """Why a config cannot be submitted; empty if nothing speaks against it."""
    reasons = _texts(config)
    card = packaged_card(f"{config.dataset.name}@{config.dataset.version}")
    if card is None:
        reasons.append(
            f"config.json: there is no benchmark {printable(config.dataset.name)}@{config.dataset.version}; "
            "`motifzoo datasets` lists the data sets."
        )
    else:
        reasons += _fit(config, card)
        reasons += check_cost(config.layers, config.input_length, card.splits.get("test", 0), limits)
    reasons += _names(config) + _filters(config, limits)
    if len(config.trials) > limits.trials:
        reasons.append(f"config.json: it has {len(config.trials)} trials; the limit is {limits.trials}.")
    reasons += [
        f"config.json: the seed of trial {trial.trial} is not between 0 and 2^63 - 1."
        for trial in config.trials
        if not 0 <= trial.seed < _LARGEST_SEED
    ]
    return reasons


def _texts(config: ModelConfig) -> list[str]:
    texts = {"architecture": config.architecture}
    for trial in config.trials:
        texts[f"device of trial {trial.trial}"] = trial.device
        if trial.torch is not None:
            texts[f"torch of trial {trial.trial}"] = trial.torch
    reasons = [
        f"config.json: {what} is {printable(text)!r}; write it with letters a to z, digits, spaces and "
        ". , : ; / + @ - _ ( ) [ ] only, a letter or digit first."
        for what, text in texts.items()
        if not _PLAIN.fullmatch(text)
    ]
    if not _LICENCE.fullmatch(config.licence):
        reasons.append(
            f"config.json: licence is {printable(config.licence)!r}; write an SPDX identifier such as MIT or CC-BY-4.0."
        )
    return reasons


def _fit(config: ModelConfig, card: Card) -> list[str]:
    """Whether the network is made for the benchmark's data."""
    reasons = []
    if card.fingerprint and config.dataset.fingerprint != card.fingerprint:
        reasons.append(
            f"config.json: it was trained on data with fingerprint {config.dataset.fingerprint[:12]} and "
            f"{card.benchmark} has {card.fingerprint[:12]}."
        )
    if config.input_length != card.length:
        reasons.append(
            f"config.json: input_length is {config.input_length} and the sequences of {card.name} have {card.length}."
        )
    if config.outputs != card.classes:
        classes = ", ".join(map(repr, card.classes[:12]))
        more = f" and {len(card.classes) - 12} more" if len(card.classes) > 12 else ""
        reasons.append(f"config.json: outputs must be the classes of {card.name}, in their order: {classes}{more}.")
    return reasons


def _names(config: ModelConfig) -> list[str]:
    """Whether the names say what the model is: the study's architectures and data sets keep theirs."""
    reasons = []
    if config.name.rpartition(".")[2] != config.dataset.name:
        reasons.append(
            f"config.json: the name {config.name} must end in .{printable(config.dataset.name)}, the name of its data."
        )
    claimed = _study_name(config.name)
    if claimed is not None and (claimed.architecture, claimed.activation) != (config.architecture, config.activation):
        reasons.append(
            f"config.json: the name {config.name} says architecture {claimed.architecture} with {claimed.activation}, "
            f"and the fields say {printable(config.architecture)} with {printable(config.activation)}. Choose another "
            "name."
        )
    if config.architecture.lower() in ARCHITECTURES and not _is_known(config):
        reasons.append(
            f"config.json: architecture {config.architecture} is one of the study's, and the layers are others. Give a "
            "design of your own a name of its own."
        )
    return reasons


def _study_name(name: str) -> ModelName | None:
    try:
        return parse(name)
    except UnknownNameError:
        return None


def variant_of(config: ModelConfig) -> str:
    """The part of a name that tells the model from its like: `l2` of `cnn-deep-log_relu-l2.synthetic-codes`."""
    known = _study_name(config.name)
    return "" if known is None else known.variant


def _is_known(config: ModelConfig) -> bool:
    """Whether the layers compute what the study's architecture of that name does, whatever they are called."""
    try:
        expected = known_layers(
            config.architecture, config.activation, length=config.input_length, outputs=len(config.outputs)
        )
    except UnknownNameError:
        return False
    return [_function(layer) for layer in config.layers] == [_function(layer) for layer in expected]


def _function(layer: specs.Layer) -> dict[str, Any]:
    return layer.model_dump(exclude={"name", "init", "momentum", "rate"})


def _filters(config: ModelConfig, limits: Limits) -> list[str]:
    """Whether the filters can be matched with motifs, and `activation` says which function makes their maps."""
    index = next(place for place, layer in enumerate(config.layers) if layer.name == config.filter_layer)
    studied, before = config.layers[index], config.layers[:index]
    if not isinstance(studied, specs.Activation):
        return [f"config.json: filter_layer {config.filter_layer!r} must be an activation, so that its maps have one."]
    if not any(isinstance(layer, specs.Conv) for layer in before):
        return [f"config.json: filter_layer {config.filter_layer!r} must come after a conv, whose filters are studied."]
    filters = plan(config.layers, config.input_length).shapes[index][0]
    if filters > limits.filters:
        return [f"config.json: {config.filter_layer!r} has {filters:,} filters; the limit is {limits.filters:,}."]
    pools = [layer.name for layer in before if isinstance(layer, specs.Pool)]
    if pools:
        return [
            f"config.json: filter_layer {config.filter_layer!r} comes after the pool layer {pools[0]!r}; filters can "
            "be matched with motifs only before any pooling."
        ]
    return []
