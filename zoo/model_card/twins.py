"""Trials of different models whose weights are equal to the last bit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..config import ModelConfig, Trial


class Twin(NamedTuple):
    """A trial, and the model that it is of."""

    model: ModelConfig
    trial: Trial


Twins = Mapping[str, Sequence[Twin]]  # by content hash


def find_twins(models: Iterable[ModelConfig]) -> Twins:
    """The trials of these models by the content hash of their weights, of hashes that several have."""
    found: dict[str, list[Twin]] = {}
    for model in models:
        for trial in model.trials:
            found.setdefault(trial.sha256, []).append(Twin(model, trial))
    return {digest: twins for digest, twins in found.items() if len(twins) > 1}


def tell_twins(config: ModelConfig, twins: Twins) -> str:
    """What a model's card says of trials that share their weights with another model's; empty where none does."""
    sentences = []
    alike: dict[tuple[str, ...], list[int]] = {}  # models whose trials of the same numbers have the weights
    apart = True
    for trial in config.trials:
        others = [twin for twin in twins.get(trial.sha256, ()) if twin.model.name != config.name]
        if others and all(twin.trial.trial == trial.trial for twin in others):
            alike.setdefault(tuple(twin.model.name for twin in others), []).append(trial.trial)
        elif others:
            sentences.append(_one(trial.trial, [(twin.model.name, twin.trial.trial) for twin in others]))
        apart = apart and all(
            twin.trial.seed == trial.seed and twin.model.activation != config.activation for twin in others
        )
    for names, (*numbers, last) in alike.items():
        if numbers:
            sentences.append(
                f"Trials {', '.join(map(str, numbers))} and {last} have the same weights as the same trials of "
                f"{' and '.join(f'`{name}`' for name in names)}, to the last bit."
            )
        else:
            sentences.append(_one(last, [(name, last) for name in names]))
    if sentences and apart:
        sentences.append(
            "They were trained apart, from the same seed: to what follows the first layer, their activations were one "
            "function in training."
        )
    return " ".join(sentences)


def _one(trial: int, others: Iterable[tuple[str, int]]) -> str:
    names = " and ".join(f"`{name}:{number}`" for name, number in others)
    return f"Trial {trial} has the same weights as {names}, to the last bit."
