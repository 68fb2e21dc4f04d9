"""Trials of different models of a benchmark that have the same weights, by the hashes that their records state."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final, NamedTuple

from ..entries import Entry
from .model_view import MOST_TRIALS

MOST_MODELS: Final = 20  # that a page names

Holders = Mapping[str, Mapping[str, list[int]]]  # weights' hash -> model -> its trials


class SameWeights(NamedTuple):
    """Trials of a model, `own`, that have the weights of the trials `theirs` of each of `models`."""

    own: tuple[int, ...]
    theirs: tuple[int, ...]
    models: tuple[str, ...]


def holders(entries: Iterable[Entry]) -> Holders:
    """Who has which weights, of all entries of a benchmark."""
    found: dict[str, dict[str, list[int]]] = {}
    for entry in entries:
        for trial in entry.trials:
            found.setdefault(trial.model_sha256, {}).setdefault(entry.model, []).append(trial.trial)
    return found


def same_weights(entry: Entry, every: Holders) -> tuple[SameWeights, ...]:
    """What an entry's page says of other models with weights of its trials; empty where there is none."""
    pairs: dict[str, list[tuple[int, int]]] = {}
    for trial in entry.trials[:MOST_TRIALS]:
        for model, others in islice(every[trial.model_sha256].items(), MOST_MODELS + 1):
            if model != entry.model:
                pairs.setdefault(model, []).extend((trial.trial, other) for other in others[:MOST_TRIALS])
    alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = {}
    for model, matched in pairs.items():
        own, theirs = (tuple(dict.fromkeys(column)) for column in zip(*matched, strict=True))
        alike.setdefault((own, theirs), []).append(model)
    return tuple(SameWeights(own, theirs, tuple(models)) for (own, theirs), models in alike.items())
