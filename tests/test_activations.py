"""The eighteen first-layer activations against their formulas, written out with `math`."""

import math
from collections.abc import Callable

import pytest
import torch

from motifzoo.errors import UnknownNameError
from motifzoo.zoo.activations import FUNCTIONS, Activation

EPS = 2.0**-52  # distance between 1 and the next float64


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


FORMULAS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(x, 0),
    "exponential": math.exp,
    "sigmoid": sigmoid,
    "tanh": math.tanh,
    "softplus": lambda x: math.log1p(math.exp(-abs(x))) + max(x, 0),
    "linear": lambda x: x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "shift_relu": lambda x: max(x - 0.2, 0),
    "scale_relu": lambda x: max(x * x * x, 0),
    "shift_scale_relu": lambda x: max((x - 0.2) * (x - 0.2) * (x - 0.2), 0),
    "shift_sigmoid": lambda x: sigmoid(x - 8),
    "scale_sigmoid": lambda x: 4000 * sigmoid(x),
    "shift_scale_sigmoid": lambda x: 4000 * sigmoid(x - 8),
    "shift_tanh": lambda x: math.tanh(x - 6),
    "scale_tanh": lambda x: 500 * math.tanh(x) + 500,
    "shift_scale_tanh": lambda x: 500 * math.tanh(x - 6) + 500,
    "exp_relu": lambda x: max(math.exp(0.1 * x) - 1, 0),
    "log_relu": lambda x: max(math.log(abs(x) + 1e-10), 0),
}

POINTS = [-700.0, -88.8, -20.5, -6.0, -3.0, -1.0, -0.5, -1e-3, -1e-12, 0.0, 1e-12, 1e-3, 0.1, 0.2, 0.25, 0.5, 1.0]
POINTS += [2.0, 5.75, 6.0, 8.0, 11.1, 19.5, 20.5, 30.0, 88.8, 700.0]

# Above 20 PyTorch's softplus is x itself, which is off by log(1 + exp(-20)) at most: nothing in float32.
ABSOLUTE = {
    "softplus": math.log1p(math.exp(-20)),
    "scale_tanh": 500 * EPS,
    "shift_scale_tanh": 500 * EPS,
    "exp_relu": EPS,
}

TERMS = {"scale_tanh": 500, "shift_scale_tanh": 500}  # larger than the values, which are their sums


def test_there_are_eighteen() -> None:
    assert len(FUNCTIONS) == 18
    assert set(FUNCTIONS) == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_values(name: str) -> None:
    """Within a few units in the last place of float64; absolutely so where a formula subtracts near-equal numbers."""
    found = Activation(name)(torch.tensor(POINTS, dtype=torch.float64)).tolist()
    for x, y in zip(POINTS, found, strict=True):
        assert y == pytest.approx(FORMULAS[name](x), rel=8 * EPS, abs=2 * ABSOLUTE.get(name, 1e-300)), f"at {x}"


@pytest.mark.parametrize("name", FORMULAS)
def test_slopes(name: str) -> None:
    """Backpropagation gives the formula's slope, by central differences where the formula has no kink."""
    step = 1e-6
    points = [-2.5, -0.7, 0.35, 0.9, 1.3, 4.0, 7.5]
    x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    Activation(name)(x).sum().backward()
    assert x.grad is not None
    for point, slope in zip(points, x.grad.tolist(), strict=True):
        numeric = (FORMULAS[name](point + step) - FORMULAS[name](point - step)) / (2 * step)
        # Both values are rounded at the size of the formula's terms, and the difference is divided by the step.
        terms = max(abs(FORMULAS[name](point)), TERMS.get(name, 1))
        assert slope == pytest.approx(numeric, rel=1e-8, abs=4 * terms * EPS / step), f"at {point}"


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_are_finite_at_zero(name: str) -> None:
    """Inputs of exactly 0 occur (dead filters), and one NaN would spoil a whole attribution map."""
    x = torch.zeros(3, requires_grad=True)
    Activation(name)(x).sum().backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())


@pytest.mark.parametrize("name", FORMULAS)
def test_any_shape_and_type(name: str) -> None:
    x = torch.linspace(-3, 3, 24)
    activation = Activation(name)
    assert activation(x).dtype == torch.float32
    assert torch.equal(activation(x.reshape(2, 3, 4)), activation(x).reshape(2, 3, 4))


def test_the_exponential_overflows_where_float32_does() -> None:
    x = torch.tensor([88.7, 88.8])
    assert torch.isfinite(Activation("exponential")(x)).tolist() == [True, False]


def test_each_is_a_module_of_its_own_without_parameters() -> None:
    """Attribution hooks look an activation up by module."""
    one, other = Activation("relu"), Activation("relu")
    assert one is not other
    assert list(one.parameters()) == list(one.buffers()) == []
    assert repr(one) == "Activation(relu)"


def test_unknown_activation() -> None:
    with pytest.raises(UnknownNameError) as error:
        Activation("exponental")
    assert str(error.value) == "unknown activation 'exponental': did you mean 'exponential' or 'exp_relu'?"


def test_unknown_activation_that_resembles_none() -> None:
    with pytest.raises(UnknownNameError) as error:
        Activation("gaussian")
    assert str(error.value) == f"unknown activation 'gaussian': known: {', '.join(sorted(FORMULAS))}."
