"""Residual blocks with dilation: the same everywhere a block is built, and nothing changes for those without."""

import json

import numpy as np
import pytest
import torch
from attribution_networks import plain_mutagenesis, sequences
from torch import nn
from torch.nn import functional

from motifzoo.evaluate.attribution.methods import attribute
from motifzoo.zoo.arrangements import Batched, Grouped
from motifzoo.zoo.builder import Network, ResidualBlock, build, initialise
from motifzoo.zoo.config import ModelConfig, read_config
from motifzoo.zoo.layers import Activation, BatchNorm, Conv, Dense, Flatten, Layer, Residual
from motifzoo.zoo.sources import PRETRAINED
from motifzoo.zoo.stacked_layers import StackedLayers, State

LAYERS: tuple[Layer, ...] = (
    Conv(name="conv", filters=3, kernel=5),
    BatchNorm(name="norm"),
    Activation(name="activation", function="exponential"),
    Residual(name="block", kernel=3, dilation=4),
    Flatten(name="flatten"),
    Dense(name="head", units=2, bias=True),
)
LENGTH = 30


def trained(seed: int) -> Network:
    """A network whose norms are not ones and zeros, so that a mix-up shows."""
    network = build(LAYERS, LENGTH)
    generator = torch.Generator().manual_seed(seed)
    initialise(network, generator)
    for name, tensor in network.state_dict().items():
        if "norm" in name and tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5, generator=generator)
    return network


@pytest.mark.parametrize("name", ["residualbind-relu.chip-irf1", "residualbind-exponential.chip-zbed2"])
def test_published_configs_stay_as_they_are(name: str) -> None:
    text = (PRETRAINED / name / "config.json").read_text()
    config = read_config(PRETRAINED / name)
    written = json.loads(config.model_dump_json())
    assert written["layers"] == json.loads(text)["layers"]
    assert ModelConfig.model_validate(written) == config


def test_the_spec_keeps_its_dilation() -> None:
    spec = Residual(name="block", kernel=3, dilation=4)
    assert Residual.model_validate_json(spec.model_dump_json()) == spec
    assert "dilation" not in Residual(name="block", kernel=3).model_dump()


def test_the_block_by_its_formula() -> None:
    block = trained(0)[3].double()
    assert isinstance(block, ResidualBlock)
    x = torch.randn(2, 3, LENGTH, dtype=torch.float64)

    def norm(values: torch.Tensor, layer: nn.BatchNorm1d) -> torch.Tensor:
        mean, variance, weight, bias = (
            tensor[:, None] for tensor in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
        )
        return (values - mean) / torch.sqrt(variance + layer.eps) * weight + bias

    # "same" for three taps four apart is four zeros on either side.
    inner = functional.conv1d(functional.pad(x, (4, 4)), block.conv1.weight, dilation=4)
    inner = norm(inner.relu(), block.norm1).relu()
    inner = functional.conv1d(functional.pad(inner, (4, 4)), block.conv2.weight, dilation=4)
    torch.testing.assert_close(block(x), (x + norm(inner.relu(), block.norm2)).relu(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("arrangement", [Grouped(), Batched()], ids=["grouped", "batched"])
def test_stacked_blocks_are_the_blocks_alone(arrangement: Grouped | Batched) -> None:
    networks = [trained(seed).double() for seed in (1, 2)]
    stack = StackedLayers([LAYERS, LAYERS], arrangement, "activation")
    state = {
        name: torch.stack([network.state_dict()[name] for network in networks]) for name in networks[0].state_dict()
    }
    onehot = torch.from_numpy(sequences(4, LENGTH)).double().unflatten(0, (2, 2))
    found = stack.rest(stack.first(onehot, State(state, state, False)), State(state, state, False))
    for number, network in enumerate(networks):
        torch.testing.assert_close(found[number], network(onehot[number]), rtol=1e-10, atol=1e-12)


def test_mutagenesis_reaches_as_far_as_the_block() -> None:
    network, onehot = trained(3), sequences(2, LENGTH)
    maps = attribute(network, onehot, method="mutagenesis")
    np.testing.assert_allclose(maps, plain_mutagenesis(network, onehot), rtol=0, atol=1e-6)


def test_deepshap_explains_it() -> None:
    assert np.isfinite(attribute(trained(4), sequences(2, LENGTH), method="deepshap")).all()
