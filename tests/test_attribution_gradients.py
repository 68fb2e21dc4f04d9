"""Saliency and integrated gradients: by hand, against captum, against the protocol's definition, and their laws."""

import numpy as np
import pytest
import torch
from attribution_networks import additive, architecture, probability, sequences, small
from captum.attr import IntegratedGradients, Saliency

from motifzoo.data_cards.onehot import encode, to_onehot
from motifzoo.evaluate.attribution import gradients
from motifzoo.evaluate.attribution.methods import attribute, position_scores
from motifzoo.evaluate.attribution.shuffles import shuffled
from motifzoo.zoo.activations import FUNCTIONS
from motifzoo.zoo.builder import Network

ROWS = np.array([4, 0, 17])
AG = to_onehot(encode(["AG"]))


def baselines_of(network: Network, onehot: np.ndarray, count: int) -> torch.Tensor:
    return shuffled(torch.from_numpy(onehot), ROWS, count).to(next(network.parameters()).dtype)


def test_saliency_by_hand() -> None:
    # The logit of "AG" is (0 + 2) / 2 = 1; its gradient at every position is the weights / 2.
    maps = attribute(additive([0, 1, 2, 3], 2), AG, method="saliency")
    slope = np.exp(-1) / (1 + np.exp(-1)) ** 2
    np.testing.assert_allclose(maps[0], slope * np.array([[0, 0.5, 1, 1.5]] * 2).T, rtol=1e-6)
    np.testing.assert_allclose(position_scores("saliency", maps, AG), [[0, slope]], rtol=1e-6)


@pytest.mark.parametrize("logit", [-60.0, 60.0])
def test_saliency_of_a_saturated_probability_keeps_its_digits(logit: float) -> None:
    maps = attribute(additive([0, 1, 2, 3], 2, bias=logit - 1), AG, method="saliency")
    np.testing.assert_allclose(maps[0, 1], 0.5 * np.exp(-60.0), rtol=1e-4)


@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
def test_saliency_equals_captum(activation: str) -> None:
    network, onehot = small(activation), sequences(3, 24)
    x = torch.from_numpy(onehot).requires_grad_()
    oracle = Saliency(lambda x: probability(network, x)).attribute(x, abs=False).detach().numpy()
    maps = attribute(network, onehot, method="saliency")
    np.testing.assert_allclose(maps, oracle, rtol=1e-4, atol=1e-6 * np.abs(oracle).max() + 1e-10)


@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
def test_integrated_gradients_equal_captum_left_riemann_sum(activation: str) -> None:
    network, onehot = small(activation).double(), sequences(3, 24)
    baselines = baselines_of(network, onehot, 10)
    captum = IntegratedGradients(lambda x: probability(network, x), multiply_by_inputs=False)
    oracle = [
        captum.attribute(x.expand(10, -1, -1), own, n_steps=20, method="riemann_left").mean(0)
        for x, own in zip(torch.from_numpy(onehot).double(), baselines, strict=True)
    ]
    maps = attribute(network, onehot, method="integrated_gradients", rows=ROWS)
    expected = torch.stack(oracle).numpy()
    # captum's fractions of the path are float32, which the steepest activations magnify a thousandfold in the logit;
    # its p (1 - p) has no digits left in float64 where p is 1 - 1e-16.
    np.testing.assert_allclose(maps, expected, rtol=2e-7, atol=2e-6 * np.abs(expected).max() + 1e-16)


@pytest.mark.parametrize("name", ["cnn-dist", "cnn-local", "residualbind"])
def test_integrated_gradients_equal_the_definition(name: str) -> None:
    network = architecture(name, "exponential")
    onehot = sequences(3, network.input_shape[1])
    maps = attribute(network, onehot, method="integrated_gradients", rows=ROWS, references=2)
    expected = np.zeros(onehot.shape)
    for row, own in enumerate(baselines_of(network, onehot, 2)):
        x = torch.from_numpy(onehot[row])
        for baseline in own:
            for step in range(20):
                point = (baseline + (x - baseline) * step / 20)[None].requires_grad_()
                (gradient,) = torch.autograd.grad(probability(network, point).sum(), point)
                expected[row] += gradient[0].numpy() / 40
    np.testing.assert_allclose(maps, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


def test_integrated_gradients_of_an_additive_network_by_hand() -> None:
    # A shuffle leaves the logit as it is: 1 at every point of every path, so the mean gradient is the gradient.
    network = additive([0, 1, 2, 3], 2)
    maps = attribute(network, AG, method="integrated_gradients")
    np.testing.assert_allclose(maps, attribute(network, AG, method="saliency"), rtol=1e-6)


def test_more_steps_come_nearer_to_completeness(monkeypatch: pytest.MonkeyPatch) -> None:
    network, onehot = small("exponential").double(), sequences(3, 24)
    baselines = baselines_of(network, onehot, 1)[:, 0]
    x = torch.from_numpy(onehot).double()
    with torch.inference_mode():
        change = (probability(network, x) - probability(network, baselines)).numpy()
    gaps = []
    for steps in (5, 20, 200):
        monkeypatch.setattr(gradients, "STEPS", steps)
        maps = attribute(network, onehot, method="integrated_gradients", rows=ROWS, references=1)
        gaps.append(np.abs((maps * (x - baselines).numpy()).sum((1, 2)) - change).max())
    assert gaps[0] > 2 * gaps[1] > 4 * gaps[2]
    assert gaps[2] < 1e-2 * np.abs(change).max()


@pytest.mark.parametrize("method", ["saliency", "integrated_gradients"])
def test_an_overflow_stays_visible(method: str) -> None:
    network, onehot = small("exponential"), sequences(2, 24)
    with torch.no_grad():
        network.conv1_norm.bias.fill_(200.0)
    assert not np.isfinite(attribute(network, onehot, method=method)).any()
