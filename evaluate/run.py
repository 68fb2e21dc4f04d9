"""One trial being evaluated: its identity, its cached stages, and its network, loaded only when a stage needs it."""

import hashlib
import json
import platform
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..data_cards.content import SequenceDataset
from ..data_cards.duplicates import leaked
from ..zoo.sources import Source
from ..zoo.weights import check_hash, read_weights
from .protocol import PROTOCOL
from .stages import Arrays, Stage, run_stage

if TYPE_CHECKING:
    from ..zoo.builder import Network

_PACKAGES = ("motifzoo", "torch", "numpy", "tangermeme")


class Progress(Protocol):
    """What a caller sees of an evaluation while it goes on."""

    def stage(self, name: str) -> None:
        """A stage that must be computed begins."""

    def step(self, done: int, total: int) -> None:
        """`done` of `total` units of the present stage are done."""


def versions() -> dict[str, str]:
    """Versions of Python and of the packages whose arithmetic the numbers depend on."""
    return {"python": platform.python_version(), **{package: version(package) for package in _PACKAGES}}


class TrialRun:
    """What the score groups of `groups` compute from: a verified trial, its data, and cached stages.

    kept: rows of the test split that are scored; the `left_out` others are in train too. test: the rows kept.
    device: as `zoo.device.pick_device` takes it. `fresh` recomputes stages that the cache holds.
    Raises ModelError when the weights are not the ones config.json states.
    """

    def __init__(
        self,
        source: Source,
        dataset: SequenceDataset,
        *,
        device: str = "cpu",
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.source = source
        self.dataset = dataset
        left_out = leaked(dataset)
        self.kept = np.flatnonzero(~left_out)
        self.left_out = int(left_out.sum())
        self.test = dataset.test.subset(self.kept) if self.left_out else dataset.test
        self.stages: dict[str, Stage] = {}
        self._fresh = fresh
        self._progress = progress
        self._device = device
        check_hash(source.weights, read_weights(source.weights), source.sha256)
        config = source.config
        shape = [[layer.model_dump() for layer in config.layers], config.input_length, config.filter_layer]
        self._key = {
            "weights": source.sha256,
            # The tensors alone do not say which function they parametrise.
            "network": hashlib.sha256(json.dumps(shape).encode()).hexdigest(),
            "data": dataset.fingerprint,
            "rows": hashlib.sha256(self.kept.tobytes()).hexdigest(),
            "protocol": PROTOCOL,
            "device": device.split(":")[0],
            "versions": versions(),
        }

    @cached_property
    def network(self) -> "Network":
        """The network in eval mode on the device."""
        from ..zoo.load import load_source

        return load_source(self.source, self._device)

    def stage(self, name: str, compute: Callable[[], Arrays], **parameters: object) -> Arrays:
        """The arrays of a stage, from the cache or computed; `parameters` are what else they depend on."""

        def announced() -> Arrays:
            if self._progress is not None:
                self._progress.stage(name)
            return compute()

        found = run_stage(name, {**self._key, **parameters}, announced, self._describe_device, fresh=self._fresh)
        self.stages[name] = found
        return found.arrays

    def step(self, done: int, total: int) -> None:
        """Report progress within the present stage."""
        if self._progress is not None:
            self._progress.step(done, total)

    def _describe_device(self) -> str:
        from ..zoo.device import describe_device, pick_device

        return describe_device(pick_device(self._device))
