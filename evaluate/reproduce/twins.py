"""Models of one architecture and data set that have the same weights, to the last bit, in some of their trials.

To what follows the first layer, two activations can be one function: trained from the same seed, they then end at the
same weights, and are one network under two names.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from .scored import Measured


class Shared(NamedTuple):
    """Weights that several models have: of each model its name and the trials, for all models in one order."""

    dataset: str
    architecture: str
    sha256: tuple[str, ...]
    models: tuple[tuple[str, tuple[int, ...]], ...]

    def among(self, names: Collection[str]) -> bool:
        """Whether two or more of these models are among `names`."""
        return sum(name in names for name, _ in self.models) > 1

    def told(self) -> str:
        """Which trials of which models have the same weights, in a sentence."""
        (name, trials), *others = self.models
        same = " and ".join(f"{_numbered(numbers)} of {other}" for other, numbers in others)
        have = "has" if len(trials) == 1 else "have"
        return f"{_numbered(trials).capitalize()} of {name} {have} the same weights, to the last bit, as {same}."


def shared_weights(models: Iterable[Measured]) -> tuple[Shared, ...]:
    """What weights several models of one architecture and data set have, by the content hashes of their trials."""
    owners: dict[tuple[str, str, str], dict[str, int]] = {}
    for model in models:
        for trial, sha256 in zip(model.trials, model.sha256, strict=True):
            owners.setdefault((model.dataset, model.architecture, sha256), {})[model.name] = trial
    together: dict[tuple[str, str, tuple[str, ...]], list[tuple[str, dict[str, int]]]] = {}
    for (dataset, architecture, sha256), trials in owners.items():
        if len(trials) > 1:
            together.setdefault((dataset, architecture, tuple(trials)), []).append((sha256, trials))
    return tuple(
        Shared(
            dataset,
            architecture,
            tuple(sha256 for sha256, _ in found),
            tuple((name, tuple(trials[name] for _, trials in found)) for name in names),
        )
        for (dataset, architecture, names), found in together.items()
    )


def _numbered(trials: tuple[int, ...]) -> str:
    *first, last = map(str, trials)
    return f"trials {', '.join(first)} and {last}" if first else f"trial {last}"
