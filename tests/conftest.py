"""Fixtures shared by the tests: a cache folder of their own, and small model folders made on the spot."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from model_folders import ModelFactory, small_layers

from motifzoo.data_cards.cards import load_card
from motifzoo.zoo.builder import build, initialise
from motifzoo.zoo.config import DataRevision, ModelConfig, Trial, write_config
from motifzoo.zoo.layers import Layer
from motifzoo.zoo.load import to_arrays
from motifzoo.zoo.sources import weights_path
from motifzoo.zoo.weights import write_weights

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Tests share a cache and a data folder of their own and never touch the user's."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTIFZOO_CACHE", str(folder))
        patch.setenv("MOTIFZOO_DATA", str(tmp_path_factory.mktemp("data")))
        yield folder


@pytest.fixture
def make_model(tmp_path: Path) -> ModelFactory:
    """Make a model folder with random weights; returns the folder."""

    def make(
        name: str = "tiny-relu.synthetic-codes",
        *,
        activation: str = "relu",
        dataset: str = "synthetic-codes",
        layers: tuple[Layer, ...] | None = None,
        input_length: int = 200,
        outputs: tuple[str, ...] = ("core motifs only",),
        trials: int = 1,
        scale: float = 1.0,
    ) -> Path:
        folder = tmp_path / name
        layers = layers or small_layers(activation, len(outputs))
        entries = []
        for trial in range(trials):
            network = build(layers, input_length)
            initialise(network, torch.Generator().manual_seed(trial))
            arrays = to_arrays(network)
            arrays["conv1.weight"] = (arrays["conv1.weight"] * scale).astype(np.float32)
            digest = write_weights(arrays, weights_path(folder, trial))
            entries.append(Trial(trial=trial, seed=trial, sha256=digest, device="cpu"))
        card = load_card(dataset)
        config = ModelConfig(
            name=name,
            architecture="tiny",
            activation=activation,
            input_length=input_length,
            outputs=outputs,
            layers=layers,
            filter_layer="conv1_activation",
            dataset=DataRevision(name=dataset, version=card.version, fingerprint=card.fingerprint),
            training=None,
            trials=tuple(entries),
            licence="MIT",
        )
        write_config(config, folder)
        return folder

    return make
