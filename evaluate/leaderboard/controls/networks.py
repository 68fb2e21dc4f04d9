"""Model folders of controls: networks as they are before training, and one whose filters are the planted motifs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ....data_cards.content import SequenceDataset
from ....data_cards.motifs import Motif
from ....zoo.builder import Network, build
from ....zoo.config import DataRevision, ModelConfig, Trial, write_config
from ....zoo.layers import Activation, Conv, Dense, GlobalPool, Layer
from ....zoo.load import to_arrays
from ....zoo.recipe import Recipe, packaged
from ....zoo.shapes import default_filter_layer
from ....zoo.sources import Source, weights_path
from ....zoo.training import starting_network
from ....zoo.weights import write_weights
from ...pwm import log_odds

SEEDS: Final = (0, 1, 2)
ACTIVATIONS: Final = ("relu", "exponential")  # the study's two ends, and those of the networks with shuffled labels
SCAN: Final = "motif-scan"
_LICENCE: Final = "MIT"


def untrained_recipes(dataset: str) -> list[Recipe]:
    """What the untrained networks of a data set would be trained by: every architecture that the zoo trains on it."""
    architectures = dict.fromkeys(recipe.architecture for recipe in packaged().values() if recipe.dataset == dataset)
    return [
        Recipe(
            architecture=architecture, activation=activation, dataset=dataset, trials=len(SEEDS), variant="untrained"
        )
        for architecture in architectures
        for activation in ACTIVATIONS
    ]


def untrained_sources(recipe: Recipe, dataset: SequenceDataset, folder: Path) -> list[Source]:
    """A model folder with the weights that training starts from, one trial a seed."""
    networks = [starting_network(recipe, seed, dataset) for seed in SEEDS]
    return _write(recipe.name, recipe.architecture, recipe.activation, networks, dataset, folder)


def scan_source(motifs: Sequence[Motif], dataset: SequenceDataset, folder: Path) -> Source:
    """A model folder with a network whose first-layer filters are the motifs' log-odds, one a motif.

    Each matrix stands in the middle of its kernel; the map of a filter is the score in bits of the window around each
    position, by a linear activation. What comes after it is never computed.
    """
    width = max(motif.width for motif in motifs) | 1  # odd, so that the middle is a position
    layers: tuple[Layer, ...] = (
        Conv(name="conv1", filters=len(motifs), kernel=width, padding="same"),
        Activation(name="conv1_activation", function="linear"),
        GlobalPool(name="pool", mode="max"),
        Dense(name="head", units=len(dataset.card.classes)),
    )
    network = build(layers, dataset.card.length)
    kernels = np.zeros((len(motifs), 4, width), np.float32)
    for kernel, motif in zip(kernels, motifs, strict=True):
        start = (width - motif.width) // 2
        kernel[:, start : start + motif.width] = log_odds(motif)
    state = {name: torch.zeros_like(tensor) for name, tensor in network.state_dict().items()}
    network.load_state_dict(state | {"conv1.weight": torch.from_numpy(kernels)})
    (source,) = _write(f"{SCAN}.{dataset.card.name}", SCAN, "linear", [network], dataset, folder)
    return source


def _write(
    name: str,
    architecture: str,
    activation: str,
    networks: Sequence[Network],
    dataset: SequenceDataset,
    folder: Path,
) -> list[Source]:
    """Write a model folder; its trials and their seeds are 0, 1, ..."""
    target = folder / name
    hashes = [write_weights(to_arrays(one), weights_path(target, trial)) for trial, one in enumerate(networks)]
    card, layers = dataset.card, networks[0].specs
    config = ModelConfig(
        name=name,
        architecture=architecture,
        activation=activation,
        input_length=card.length,
        outputs=card.classes,
        layers=layers,
        filter_layer=default_filter_layer(layers),
        dataset=DataRevision(name=card.name, version=card.version, fingerprint=dataset.fingerprint),
        training=None,
        trials=tuple(
            Trial(trial=trial, seed=trial, sha256=digest, device="cpu") for trial, digest in enumerate(hashes)
        ),
        licence=_LICENCE,
    )
    write_config(config, target)
    return [Source(name, target, config, trial) for trial in range(len(networks))]
