"""DeepSHAP: completeness for every activation and architecture, by hand, against captum where captum is right."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from attribution_networks import LENGTHS, additive, architecture, network_of, probability, sequences, small
from captum.attr import DeepLiftShap
from torch import nn

from motifzoo.data_cards.onehot import encode, to_onehot
from motifzoo.evaluate.attribution import deepshap
from motifzoo.evaluate.attribution.error import AttributionError
from motifzoo.evaluate.attribution.methods import attribute
from motifzoo.evaluate.attribution.shuffles import shuffled
from motifzoo.zoo.activations import FUNCTIONS
from motifzoo.zoo.builder import Network
from motifzoo.zoo.layers import Activation, Attention, Conv, Dense, Flatten, GlobalPool, Layer, Lstm, Pool

ROWS = np.array([4, 0, 17])


def mean_difference(network: Network, onehot: np.ndarray, references: int) -> np.ndarray:
    """f(x) - mean f(reference), float64, by passing both through the network."""
    network = network.double()
    x = torch.from_numpy(onehot).double()
    with torch.inference_mode():
        theirs = probability(network, shuffled(x, ROWS[: len(x)], references).flatten(0, 1))
        return (probability(network, x) - theirs.unflatten(0, (len(x), -1)).mean(1)).numpy()


@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
@pytest.mark.parametrize("name", ["cnn-local", "cnn-dist"])
def test_complete_for_every_activation(name: str, activation: str) -> None:
    network = architecture(name, activation)
    onehot = sequences(2, LENGTHS[name])
    maps = attribute(network, onehot, method="deepshap", rows=ROWS[:2], references=3)
    np.testing.assert_allclose(maps.sum((1, 2)), mean_difference(network, onehot, 3), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("activation", ["relu", "exponential"])
@pytest.mark.parametrize("name", sorted(set(LENGTHS) - {"cnn-local", "cnn-dist"}))
def test_complete_for_every_architecture(name: str, activation: str) -> None:
    network = architecture(name, activation)
    onehot = sequences(2, LENGTHS[name])
    maps = attribute(network, onehot, method="deepshap", rows=ROWS[:2], references=2)
    np.testing.assert_allclose(maps.sum((1, 2)), mean_difference(network, onehot, 2), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("mode", ["max", "mean"])
def test_complete_for_the_other_pools(mode: str) -> None:
    layers: list[Layer] = [
        Conv(name="conv1", filters=4, kernel=5),
        Activation(name="conv1_activation", function="exponential"),
        Pool(name="pool1", size=3, mode="mean"),
        Conv(name="conv2", filters=4, kernel=4, padding="valid", dilation=2),
        Activation(name="conv2_activation", function="relu"),
        GlobalPool(name="pool2", mode=mode),
        Dense(name="head", units=1),
    ]
    network, onehot = network_of(layers, 32), sequences(2, 32)
    maps = attribute(network, onehot, method="deepshap", rows=ROWS[:2], references=4)
    np.testing.assert_allclose(maps.sum((1, 2)), mean_difference(network, onehot, 4), rtol=1e-5, atol=1e-7)


def test_additive_network_by_hand() -> None:
    # Every shuffle of "AG" has the logit 1, so each multiplier is the sigmoid's derivative there times weight / 2, and
    # shares come from the shuffles that are "GA".
    network, onehot = additive([0, 1, 2, 3], 2), to_onehot(encode(["AG"]))
    maps = attribute(network, onehot, method="deepshap", rows=[3])
    swapped = shuffled(torch.from_numpy(onehot), np.array([3]))[0, :, 2, 0].mean().item()
    assert 0 < swapped < 1
    slope = np.exp(-1) / (1 + np.exp(-1)) ** 2
    expected = np.zeros((4, 2))
    expected[2] = swapped * slope * np.array([-1, 1])  # G's weight / 2 is 1, A's 0
    np.testing.assert_allclose(maps[0], expected, rtol=1e-6, atol=1e-12)


def test_rescale_rule_by_hand() -> None:
    # One filter over both positions: z = 1 for "CA", -2 for "AC"; relu; logit = relu(z) - 0.5.
    layers: list[Layer] = [
        Conv(name="conv1", filters=1, kernel=2, padding="valid"),
        Activation(name="conv1_activation", function="relu"),
        Flatten(name="flatten"),
        Dense(name="head", units=1, bias=True),
    ]
    network = network_of(layers, 2)
    with torch.no_grad():
        network.conv1.weight.copy_(torch.tensor([[[1.0, 0.0], [1.0, -3.0], [0.0, 0.0], [0.0, 0.0]]]))
        network.head.weight.fill_(1.0)
        network.head.bias.fill_(-0.5)
    onehot = to_onehot(encode(["CA"]))
    maps = attribute(network, onehot, method="deepshap", rows=[3])
    swapped = shuffled(torch.from_numpy(onehot), np.array([3]))[0, :, 0, 0].mean().item()
    assert 0 < swapped < 1
    # relu's slope between -2 and 1 is 1/3; the sigmoid's between -0.5 and 0.5 is tanh(1/4).
    multiplier = np.tanh(0.25) / 3
    expected = np.zeros((4, 2))
    expected[1] = swapped * multiplier * np.array([1 * 1, -3 * -1])
    expected[0] = swapped * multiplier * np.array([1 * -1, 0 * 1])
    np.testing.assert_allclose(maps[0], expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(maps.sum(), swapped * np.tanh(0.25), rtol=1e-6)


TORCH = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softplus": nn.Softplus, "elu": nn.ELU}


@pytest.mark.parametrize("activation", sorted(TORCH))
def test_equals_captum_on_a_network_without_pools(activation: str) -> None:
    network, onehot = small(activation, pool=False), sequences(3, 24)
    maps = attribute(network, onehot, method="deepshap", rows=ROWS)
    # captum's rules go by torch's own classes, and want each module once.
    modules = [
        {"conv1_activation": TORCH[activation](), "dense1_activation": nn.ReLU()}.get(name, module)
        for name, module in network.double().named_children()
    ]
    explainer = DeepLiftShap(nn.Sequential(*modules, nn.Sigmoid()))
    x = torch.from_numpy(onehot).double()
    for row, references in enumerate(shuffled(x, ROWS)):
        oracle = explainer.attribute(x[row : row + 1], references, target=0)[0].detach().numpy()
        np.testing.assert_allclose(maps[row], oracle, rtol=1e-4, atol=1e-7 * np.abs(oracle).max())


def test_a_sequence_that_shuffling_leaves_as_it_is_has_no_shares() -> None:
    maps = attribute(small("exponential"), to_onehot(encode(["A" * 24])), method="deepshap")
    assert np.all(maps == 0)


def test_unknown_nucleotides_are_let_in() -> None:
    network, onehot = small("exponential"), sequences(3, 24, unknown=True)
    maps = attribute(network, onehot, method="deepshap", rows=ROWS)
    np.testing.assert_allclose(maps.sum((1, 2)), mean_difference(network, onehot, 10), rtol=1e-5, atol=1e-7)


def test_an_overflow_stays_visible() -> None:
    network, onehot = small("exponential"), sequences(2, 24)
    with torch.no_grad():
        network.conv1_norm.bias.fill_(800.0)  # exp overflows float64 above 709.8
    assert np.isnan(attribute(network, onehot, method="deepshap")).any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("layer", "kind"), [(Attention(name="mixed", heads=2), "attention"), (Lstm(name="mixed", units=2), "lstm")]
)
def test_layers_without_a_rule_are_refused(layer: Layer, kind: str) -> None:
    layers: list[Layer] = [
        Conv(name="conv1", filters=4, kernel=3),
        Activation(name="conv1_activation", function="relu"),
        layer,
        GlobalPool(name="pool"),
        Dense(name="head", units=1),
    ]
    with pytest.raises(AttributionError) as error:
        attribute(network_of(layers, 12), sequences(1, 12), method="deepshap")
    assert str(error.value) == (
        f"deepshap cannot explain layer 'mixed' ({kind}): the rescale rule is defined for layers of one input and this "
        "one multiplies its inputs. Use saliency, mutagenesis or integrated_gradients."
    )


def test_a_failed_check_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepshap, "_multipliers", lambda explained, x, references, pairs: torch.zeros_like(references))
    with pytest.raises(AttributionError) as error:
        attribute(small("exponential"), sequences(1, 24), method="deepshap", rows=[42])
    assert str(error.value) == (
        "deepshap failed its own check: for the sequence in row 42 the attributions miss the difference between the "
        "sequence's and a reference's probability by 1 of it, and the limit is 0.001. A layer of the network has no "
        "correct rescale rule; use another method."
    )


def test_a_wrong_rule_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # The plain gradient in place of the rescale rule.
    monkeypatch.setattr(deepshap, "_rescale", lambda module, grad_input, grad_output: grad_input)
    with pytest.raises(AttributionError, match=r"^deepshap failed its own check: for the sequence in row 0 "):
        attribute(small("exponential"), sequences(1, 24), method="deepshap")


UNWRITABLE = """
import numba.core.caching as caching
# What is left where neither the installation nor the user's home can be written: the folder that a setting names.
caching.CacheImpl._locator_classes = [caching.UserProvidedCacheLocator]
import numpy, torch
from motifzoo.evaluate.attribution.methods import attribute
from motifzoo.zoo.architectures import layers
from motifzoo.zoo.builder import build
network = build(layers("cnn-local", "relu", length=200, outputs=1), 200)
onehot = torch.eye(4)[torch.arange(200) % 4].T[None]
print(attribute(network, onehot, method="deepshap", rows=[0], references=2).shape)
"""


def test_where_only_motifzoos_cache_can_be_written(tmp_path: Path) -> None:
    environment = os.environ | {"MOTIFZOO_CACHE": str(tmp_path / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    command = [sys.executable, "-c", UNWRITABLE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "(1, 4, 200)\n", done.stderr
    assert list((tmp_path / "cache" / "numba").rglob("*.nbi"))
    (tmp_path / "file").touch()
    environment["MOTIFZOO_CACHE"] = str(tmp_path / "file")
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.stderr.splitlines()[-1] == (
        "motifzoo.errors.CacheError: there is no folder to keep in what numba compiles, not even "
        f"{tmp_path / 'file' / 'numba'}: set NUMBA_CACHE_DIR or MOTIFZOO_CACHE to one that can be written."
    )
