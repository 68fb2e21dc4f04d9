"""What all attribution methods share: shuffles, scores, the caller's network left alone, batches, errors."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from attribution_networks import additive, architecture, sequences, small

from motifzoo.data_cards.onehot import encode, to_onehot
from motifzoo.errors import DataError, MotifzooError, UnknownNameError
from motifzoo.evaluate import protocol
from motifzoo.evaluate.attribution.methods import METHODS, attribute, position_scores
from motifzoo.evaluate.attribution.scores import information_bits, score_maps
from motifzoo.evaluate.attribution.shuffles import permutations, shuffled

EVERY = pytest.mark.parametrize("method", sorted(METHODS))


def test_the_methods_are_the_protocols() -> None:
    assert tuple(METHODS) == protocol.METHODS


# Shuffles


def test_permutations_are_the_same_everywhere() -> None:
    assert permutations(0, 8, 2).tolist() == [[3, 2, 1, 6, 0, 7, 4, 5], [3, 5, 7, 0, 6, 2, 4, 1]]
    assert permutations(7, 8, 2, seed=3).tolist() == [[5, 3, 2, 1, 0, 6, 7, 4], [1, 7, 4, 3, 0, 6, 5, 2]]


def test_permutations_are_permutations_and_differ() -> None:
    orders = np.concatenate([permutations(row, 50, 10, seed) for row in (0, 1) for seed in (0, 1)])
    assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(50), (40, 1)))
    assert len(np.unique(orders, axis=0)) == 40


def test_fewer_permutations_are_the_first_ones() -> None:
    np.testing.assert_array_equal(permutations(5, 31, 3), permutations(5, 31, 25)[:3])


def test_permutations_are_uniform() -> None:
    orders = np.concatenate([permutations(row, 4, 100) for row in range(240)])
    _, counts = np.unique(orders, axis=0, return_counts=True)
    # 24 orders of 1000 expected draws each; 6 standard deviations.
    assert len(counts) == 24
    assert np.abs(counts - 1000).max() < 6 * np.sqrt(1000)


def test_shuffled_keeps_the_composition_and_follows_the_rows() -> None:
    onehot = torch.from_numpy(sequences(3, 40, unknown=True))
    rows = np.array([9, 2, 5])
    made = shuffled(onehot, rows, 4, seed=1)
    assert made.shape == (3, 4, 4, 40)
    assert torch.equal(made.sum(3), onehot.sum(2)[:, None].expand(-1, 4, -1))
    for index, row in enumerate(rows):
        for order, sequence in zip(permutations(int(row), 40, 4, seed=1), made[index], strict=True):
            assert torch.equal(sequence, onehot[index][:, torch.from_numpy(order)])


# Contracts of every method


@EVERY
def test_the_callers_network_is_left_as_it_was(method: str) -> None:
    network = small("exponential").train()
    calls: list[object] = []
    network.conv1_activation.register_forward_hook(lambda *_: calls.append(None))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    state = torch.get_rng_state()
    with torch.no_grad():
        attribute(network, sequences(3, 24), method=method)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert calls == []
    assert [len(module._forward_hooks) + len(module._backward_hooks) for module in network.children()].count(0) == 9


@EVERY
def test_dropout_and_batch_statistics_are_those_of_evaluation(method: str) -> None:
    network, onehot = small("exponential"), sequences(3, 24)
    expected = attribute(network, onehot, method=method)
    np.testing.assert_array_equal(attribute(network.train(), onehot, method=method), expected)


@EVERY
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_works_inside_no_grad(method: str, mode: Callable[[], torch.no_grad]) -> None:
    network, onehot = small("exponential"), sequences(2, 24)
    expected = attribute(network, onehot, method=method)
    with mode():
        np.testing.assert_array_equal(attribute(network, torch.from_numpy(onehot), method=method), expected)


@EVERY
def test_batch_size_and_order_change_nothing(method: str) -> None:
    network, onehot, rows = small("exponential"), sequences(7, 24), np.arange(10, 17)
    maps = attribute(network, onehot, method=method, rows=rows)
    assert maps.dtype == np.float32
    assert maps.shape == (7, 4, 24)
    tolerance = {"rtol": 0, "atol": 1e-6 * np.abs(maps).max()}
    for batch_size in (1, 13, 1000):
        again = attribute(network, onehot, method=method, rows=rows, batch_size=batch_size)
        np.testing.assert_allclose(again, maps, **tolerance)
    backwards = attribute(network, onehot[::-1], method=method, rows=rows[::-1])
    np.testing.assert_allclose(backwards[::-1], maps, **tolerance)
    part = attribute(network, onehot[2:4], method=method, rows=rows[2:4])
    np.testing.assert_allclose(part, maps[2:4], **tolerance)


@EVERY
def test_the_seed_and_rows_matter_to_shuffles_only(method: str) -> None:
    network, onehot = small("exponential"), sequences(2, 24)
    maps = attribute(network, onehot, method=method)
    uses_shuffles = method in ("integrated_gradients", "deepshap")
    for changed in ({"seed": 1}, {"rows": [5, 6]}, {"references": 3}):
        assert np.array_equal(attribute(network, onehot, method=method, **changed), maps) != uses_shuffles


@EVERY
def test_progress_ends_with_all_sequences(method: str) -> None:
    seen: list[tuple[int, int]] = []
    attribute(
        small(), sequences(5, 24), method=method, batch_size=2, progress=lambda done, total: seen.append((done, total))
    )
    assert [total for _, total in seen] == [5] * len(seen)
    done = [done for done, _ in seen]
    assert len(done) > 1
    assert done == sorted(set(done))
    assert done[-1] == 5


@EVERY
def test_the_chosen_output_is_explained(method: str) -> None:
    both, onehot = small("exponential", outputs=2), sequences(3, 24)
    first, second = (attribute(both, onehot, method=method, output=output) for output in (0, 1))
    assert np.abs(first - second).max() > 1e-4
    with torch.no_grad():
        for parameter in (both.head.weight, both.head.bias):
            parameter.copy_(parameter.flip(0))
    np.testing.assert_allclose(attribute(both, onehot, method=method), second, rtol=0, atol=1e-7)


@EVERY
def test_no_sequences_make_no_maps(method: str) -> None:
    assert attribute(small(), sequences(0, 24), method=method).shape == (0, 4, 24)


@EVERY
def test_maps_of_an_additive_network_find_its_informative_positions(method: str) -> None:
    # Only G counts; a position scores when it holds one, or would (mutagenesis) at every position.
    onehot = to_onehot(encode(["ACGTTGCA"]))
    scores = position_scores(method, attribute(additive([0, 0, 8, 0], 8), onehot, method=method), onehot)[0]
    assert min(scores[2], scores[5]) > 1.2 * max(np.delete(scores, [2, 5]).max(), 0)


def test_a_device_by_name() -> None:
    network, onehot = small(), sequences(1, 24)
    expected = attribute(network, onehot, method="saliency")
    for device in ("cpu", torch.device("cpu")):
        np.testing.assert_array_equal(attribute(network, onehot, method="saliency", device=device), expected)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        (
            {"method": "salience"},
            UnknownNameError,
            "unknown attribution method 'salience': did you mean 'saliency'?",
        ),
        (
            {"onehot": np.zeros((2, 24, 4), np.float32)},
            DataError,
            "one-hot sequences must have shape (N, 4, L), got (2, 24, 4).",
        ),
        (
            {"onehot": np.full((2, 4, 24), 0.25, np.float32)},
            DataError,
            "one-hot sequences must hold only 0 and 1, with at most one 1 in each column.",
        ),
        (
            {"onehot": sequences(2, 25)},
            DataError,
            "the sequences have 25 nt and the network takes 24 nt: use sequences of that length.",
        ),
        ({"output": 1}, DataError, "output 1 is not one of the network's 1 outputs, 0 to 0."),
        ({"output": -1}, DataError, "output -1 is not one of the network's 1 outputs, 0 to 0."),
        ({"rows": [3]}, DataError, "rows must be 2 whole numbers from 0, one for each sequence."),
        ({"rows": [0.5, 1.0]}, DataError, "rows must be 2 whole numbers from 0, one for each sequence."),
        ({"rows": [-1, 1]}, DataError, "rows must be 2 whole numbers from 0, one for each sequence."),
        ({"references": 0}, DataError, "references is 0 and must be at least 1."),
        ({"seed": -1}, DataError, "seed is -1 and must be at least 0."),
        (
            {"batch_size": 0},
            DataError,
            "batch_size is 0 and must be at least 1, or None for the method's own choice.",
        ),
        ({"device": "tpu"}, MotifzooError, "'tpu' is not a device: write cpu, cuda, cuda:0, mps or auto."),
    ],
)
def test_wrong_arguments(changed: dict[str, object], error: type[Exception], message: str) -> None:
    arguments: dict[str, object] = {"network": small(), "onehot": sequences(2, 24), "method": "saliency", **changed}
    with pytest.raises(error) as raised:
        attribute(**arguments)
    assert str(raised.value) == message


# Scores


def test_position_scores_by_hand() -> None:
    onehot = to_onehot(encode(["CN"]))
    maps = np.array([[[1, 5], [-2, 6], [3, 7], [4, 8]]], np.float32)
    for method in ("saliency", "integrated_gradients", "deepshap"):
        assert position_scores(method, maps, onehot).tolist() == [[-2.0, 0.0]]
    np.testing.assert_allclose(position_scores("mutagenesis", maps, onehot), [[np.sqrt(30), 0]], rtol=1e-6)


def test_position_scores_wrong_arguments() -> None:
    with pytest.raises(DataError) as error:
        position_scores("saliency", np.zeros((1, 4, 3), np.float32), np.zeros((1, 4, 2), np.float32))
    assert str(error.value) == "maps (1, 4, 3) and one-hot sequences (1, 4, 2) must have the same shape."
    with pytest.raises(UnknownNameError) as unknown:
        position_scores("deepshop", np.zeros((1, 4, 3), np.float32), np.zeros((1, 4, 3), np.float32))
    assert str(unknown.value) == "unknown attribution method 'deepshop': did you mean 'deepshap'?"


def test_information_by_hand() -> None:
    columns = [[0.25] * 4, [1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.28, 0.24, 0.24, 0.24]]
    expected = [0, 2, 1, 2 + 0.28 * np.log2(0.28) + 3 * 0.24 * np.log2(0.24)]
    np.testing.assert_allclose(information_bits(np.array([columns]).transpose(0, 2, 1))[0], expected, atol=2e-9)


def test_scores_by_hand() -> None:
    information = np.array([[0.0, 2.0, 0.0101, 0.01]] * 4)
    scores = np.array([[0.1, 0.9, 0.8, 0.2], [0.9, 0.1, 0.2, 0.8], [0.5, 0.5, 0.5, 0.5], [0.9, 0.8, 0.1, 0.2]])
    found = score_maps(scores, information)
    np.testing.assert_allclose(found.auroc, [1, 0, 0.5, 0.25])
    # The worst order has precisions 0, 0, 1/3, 1/2 at recalls 0, 0, 1/2, 1; the tie one step from 1 to 1/2; the last
    # precisions 0, 1/2, 1/3, 1/2 at recalls 0, 1/2, 1/2, 1.
    expected = [1, (0 + 1 / 3) / 4 + (1 / 3 + 1 / 2) / 4, (1 + 1 / 2) / 2, (0 + 1 / 2) / 4 + (1 / 3 + 1 / 2) / 4]
    np.testing.assert_allclose(found.aupr, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_sequences_without_a_score_are_nan_and_no_other(bad: float) -> None:
    information = np.array([[0.0, 2.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [2.0, 2.0, 2.0]])
    scores = np.array([[0.0, 1.0, 0.5], [0.0, 1.0, bad], [0.0, 1.0, 0.5], [0.0, 1.0, 0.5]])
    found = score_maps(scores, information)
    for values in (found.auroc, found.aupr):
        assert np.isnan(values).tolist() == [False, True, True, True]
        assert values[0] == 1


def test_a_real_architecture_by_every_method() -> None:
    network = architecture("cnn-local", "exponential")
    onehot = sequences(3, network.input_shape[1])
    for method in METHODS:
        scores = position_scores(method, attribute(network, onehot, method=method, references=2), onehot)
        assert scores.shape == (3, network.input_shape[1])
        assert np.isfinite(scores).all()
        assert np.ptp(scores) > 0
