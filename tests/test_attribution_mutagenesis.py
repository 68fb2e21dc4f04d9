"""Mutagenesis by windows against the plain way: architectures, random layer lists, borders, unknown nucleotides."""

import numpy as np
import pytest
import torch
from attribution_networks import additive, architecture, network_of, plain_mutagenesis, sequences, small
from hypothesis import example, given, settings
from hypothesis import strategies as st

from motifzoo.errors import ModelError
from motifzoo.evaluate.attribution.methods import attribute
from motifzoo.evaluate.attribution.windows import Window, bind, run
from motifzoo.zoo import architectures
from motifzoo.zoo.activations import FUNCTIONS
from motifzoo.zoo.builder import build
from motifzoo.zoo.layers import (
    Activation,
    Attention,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    Layer,
    Lstm,
    Pool,
    Residual,
)
from motifzoo.zoo.shapes import plan


@pytest.mark.parametrize("activation", ["relu", "exponential"])
@pytest.mark.parametrize("name", sorted(architectures.ARCHITECTURES))
def test_every_architecture_equals_the_plain_way(name: str, activation: str) -> None:
    network = architecture(name, activation)
    length = network.input_shape[1]
    onehot = sequences(2, length)
    positions = sorted({*range(0, length, 19), 1, 2, 8, 9, 10, *range(length - 5, length)})
    maps = attribute(network, onehot, method="mutagenesis")
    plain = plain_mutagenesis(network, onehot, positions)
    assert np.abs(plain[:, :, positions]).max() > 1e-4
    np.testing.assert_allclose(maps[:, :, positions], plain[:, :, positions], rtol=0, atol=1e-6)


@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
def test_every_activation_equals_the_plain_way(activation: str) -> None:
    network, onehot = small(activation, length=40), sequences(3, 40)
    maps = attribute(network, onehot, method="mutagenesis")
    np.testing.assert_allclose(maps, plain_mutagenesis(network, onehot), rtol=0, atol=1e-6)


@st.composite
def layer_lists(draw: st.DrawFn) -> tuple[list[Layer], int]:
    """Layers that fit together, and a length: local ones in any order, then any way down to a vector."""
    length = draw(st.integers(1, 40))
    small_numbers = st.integers(1, 4)
    layers: list[Layer] = []

    def add(layer: Layer) -> None:
        try:
            plan([*layers, layer], length)
        except ModelError:
            return  # does not fit what is left of the length
        layers.append(layer)

    for index in range(draw(st.integers(1, 6))):
        name = f"layer{index}"
        match draw(st.sampled_from(["conv", "conv", "pool", "activation", "norm", "dropout", "residual"])):
            case "conv":
                add(
                    Conv(
                        name=name,
                        filters=draw(small_numbers),
                        kernel=draw(st.integers(1, 7)),
                        padding=draw(st.sampled_from(["same", "valid"])),
                        dilation=draw(st.integers(1, 3)),
                        bias=draw(st.booleans()),
                    )
                )
            case "pool":
                add(Pool(name=name, size=draw(st.integers(1, 9)), mode=draw(st.sampled_from(["max", "mean"]))))
            case "activation":
                add(Activation(name=name, function=draw(st.sampled_from(["relu", "exponential", "tanh", "elu"]))))
            case "norm":
                add(BatchNorm(name=name))
            case "dropout":
                add(Dropout(name=name, rate=0.5))
            case "residual":
                add(Residual(name=name, kernel=draw(st.integers(1, 5))))
    if not layers:
        layers.append(Dropout(name="dropout", rate=0.5))
    match draw(st.sampled_from(["flatten", "flatten", "max", "mean", "attention", "lstm"])):
        case "flatten":
            layers.append(Flatten(name="vector"))
        case "max":
            layers.append(GlobalPool(name="vector", mode="max"))
        case "mean":
            layers.append(GlobalPool(name="vector", mode="mean"))
        case "attention":
            layers += [Attention(name="mixed", heads=1), Conv(name="late", filters=3, kernel=2), Flatten(name="vector")]
        case "lstm":
            layers += [Lstm(name="mixed", units=2), GlobalPool(name="vector", mode="mean")]
    layers += [Dense(name="dense", units=3), Activation(name="last", function="tanh"), Dense(name="head", units=1)]
    return layers, length


def overflowing() -> list[Layer]:
    """An exponential of one of one of one: infinite for some nucleotides."""
    exponentials = [Activation(name=f"layer{index}", function="exponential") for index in range(4)]
    dense = Dense(name="dense", units=3, bias=False)
    return [
        exponentials[0],
        BatchNorm(name="norm"),
        *exponentials[1:],
        Flatten(name="vector"),
        dense,
        Dense(name="head", units=1),
    ]


@settings(max_examples=80, deadline=None)
@given(layer_lists(), st.integers(0, 2**16), st.booleans())
@example((overflowing(), 1), 0, False)
def test_any_layers_equal_the_plain_way(drawn: tuple[list[Layer], int], seed: int, unknown: bool) -> None:
    layers, length = drawn
    network = network_of(layers, length, seed, filter_layer=layers[0].name).double()
    onehot = sequences(2, length, seed, unknown)
    maps = attribute(network, onehot, method="mutagenesis")
    # In float64 the two ways may differ by the rounding of the float32 map alone.
    np.testing.assert_allclose(maps, plain_mutagenesis(network, onehot), rtol=1.2e-7, atol=1e-14)


@pytest.mark.parametrize(
    "first",
    [Attention(name="first", heads=2), Lstm(name="first", units=2), GlobalPool(name="first"), Flatten(name="first")],
    ids=lambda layer: layer.kind,
)
def test_a_first_layer_that_is_not_local_goes_the_plain_way(first: Layer) -> None:
    layers = [first, *([Flatten(name="flatten")] if first.kind in ("attention", "lstm") else [])]
    network = network_of(
        [Dropout(name="start", rate=0.1), *layers, Dense(name="head", units=1)], 12, filter_layer="start"
    )
    onehot = sequences(2, 12)
    assert bind(tuple(network.children()), torch.from_numpy(onehot)).stages == ()
    plain = plain_mutagenesis(network, onehot)
    assert np.abs(plain).max() > 1e-3
    np.testing.assert_allclose(attribute(network, onehot, method="mutagenesis"), plain, rtol=0, atol=1e-6)


def test_by_hand() -> None:
    # Weights A 0, C 1, G 2, T 3 of 2 positions: the logit of "AG" is (0 + 2) / 2 = 1, of "TG" (3 + 2) / 2 = 2.5.
    maps = attribute(
        additive([0, 1, 2, 3], 2), np.array([[[1, 0], [0, 0], [0, 1], [0, 0]]], "f4"), method="mutagenesis"
    )
    sigmoid = [1 / (1 + np.exp(-z)) for z in (0, 0.5, 1, 1.5, 2, 2.5)]
    first = [0, sigmoid[3] - sigmoid[2], sigmoid[4] - sigmoid[2], sigmoid[5] - sigmoid[2]]
    second = [sigmoid[0] - sigmoid[2], sigmoid[1] - sigmoid[2], 0, sigmoid[3] - sigmoid[2]]
    np.testing.assert_allclose(maps[0], np.array([first, second]).T, rtol=1e-6, atol=1e-8)


def test_saturated_probabilities_still_differ() -> None:
    onehot = np.zeros((1, 4, 2), np.float32)
    onehot[:, 0] = 1
    # "AA" has logit 20, and each C in it adds 0.5: in float32 all of these probabilities are 1.
    maps = attribute(additive([0, 1, 0, 0], 2, bias=20.0), onehot, method="mutagenesis")
    np.testing.assert_allclose(maps[0, 1], 1 / (1 + np.exp(-20.5)) - 1 / (1 + np.exp(-20.0)), rtol=1e-5)


def test_the_present_nucleotide_has_exactly_zero() -> None:
    onehot = sequences(5, 24, unknown=True)
    maps = attribute(small("exponential", pool=False), onehot, method="mutagenesis")
    assert np.all(maps[onehot == 1] == 0)
    assert np.all(maps[onehot == 0] != 0)


def test_one_sequence_alone_equals_one_among_others() -> None:
    network, onehot = small("exponential", length=60), sequences(9, 60)
    together = attribute(network, onehot, method="mutagenesis")
    for row in (0, 8):
        alone = attribute(network, onehot[row : row + 1], method="mutagenesis")
        np.testing.assert_allclose(alone[0], together[row], rtol=0, atol=1e-6)


def test_an_overflow_is_the_plain_ways_overflow() -> None:
    network = small("exponential", length=24)
    with torch.no_grad():
        network.conv1_norm.bias.fill_(87.0)  # exp overflows float32 above 88.7
    onehot = sequences(4, 24)
    maps, plain = attribute(network, onehot, method="mutagenesis"), plain_mutagenesis(network, onehot)
    assert 0 < np.isnan(plain).mean() < 1
    differs = onehot == 0
    np.testing.assert_array_equal(np.isnan(maps[differs]), np.isnan(plain[differs]))


def test_windows_are_as_wide_as_a_mutation_reaches() -> None:
    network = build(architectures.layers("cnn-dist", "relu", length=200, outputs=1), 200)
    bound = bind(tuple(network.children()), torch.from_numpy(sequences(2, 200)))
    assert [type(module).__name__ for module in bound.rest][:2] == ["Flatten", "Linear"]
    reached = []
    for count in (1, 4, 7, 8, 12, len(bound.stages)):
        window = run(bound.stages[:count], Window(100, torch.zeros(2, 3, 4, 1)))
        reached.append((window.start, window.stop))
    # conv 19: 100 -+ 9; conv 7: 3 more a side; pool 4: 88 // 4 to 112 // 4; conv 7 valid: 6 more on the left; pool 4
    # of 16 .. 28: 4 to 7; conv 3 valid: 2 to 7, pool 3: 0 to 2
    assert reached == [(91, 110), (88, 113), (22, 29), (16, 29), (2, 8), (0, 3)]


def test_a_substitution_in_the_dropped_tail_of_a_pool_changes_nothing() -> None:
    layers = [
        Conv(name="conv1", filters=2, kernel=1),
        Activation(name="conv1_activation", function="relu"),
        Pool(name="pool1", size=5),
        Flatten(name="flatten"),
        Dense(name="head", units=1),
    ]
    maps = attribute(network_of(layers, 13), sequences(3, 13), method="mutagenesis")
    assert np.all(maps[:, :, 10:] == 0)
    assert np.any(maps[:, :, :10] != 0)
