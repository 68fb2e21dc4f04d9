"""Stacks: every replica does what it would do alone, whoever is beside it, and a stack survives what befalls it."""

import itertools
import logging
import math
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils._python_dispatch import TorchDispatchMode

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.data_cards.onehot import to_onehot
from motifzoo.errors import CacheError, DataError, ModelError, MotifzooError
from motifzoo.metrics import aupr, auroc
from motifzoo.zoo import checkpoint
from motifzoo.zoo.architectures import ARCHITECTURES, layers
from motifzoo.zoo.arrangements import Arrangement, Batched, Grouped
from motifzoo.zoo.batches import Batches
from motifzoo.zoo.builder import Network, build, initialise
from motifzoo.zoo.dropout import Draws, keep_
from motifzoo.zoo.layers import Attention, Conv, Dense, Layer, Lstm, Pool
from motifzoo.zoo.mersenne_twister import below_
from motifzoo.zoo.recipe import Recipe, Training
from motifzoo.zoo.schedule import Epoch
from motifzoo.zoo.stacked import StackProgress, _Trainer, train_stack
from motifzoo.zoo.stacked_epoch import Data, Precision, Replica, Stack, Turn
from motifzoo.zoo.stacked_layers import check_stackable
from motifzoo.zoo.stacked_run import Run
from motifzoo.zoo.stacked_state import StackState, fresh_tensors
from motifzoo.zoo.training import Trained, _optimizer, pooled_scores, train, validation_score, weight_decays

CPU = torch.device("cpu")
LENGTHS = {"basset": 600, "residualbind": 400}
ARRANGEMENTS = [Grouped(), Batched()]


def planted(count: int, seed: int) -> Split:
    """Half of the random sequences hold the same eight letters four times."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, (count, 200)).astype(np.uint8)
    for row in range(1, count, 2):
        for start in generator.integers((0, 50, 100, 145), (43, 93, 143, 193)):
            codes[row, start : start + 8] = [3, 2, 0, 1, 3, 1, 0, 1]
    return Split(codes, (np.arange(count) % 2).astype(np.int8)[:, None], no_placements())


@pytest.fixture(scope="module")
def data() -> SequenceDataset:
    """41 training sequences: batches of 10, the last of 11."""
    return SequenceDataset(load_card("synthetic-codes"), planted(41, 1), planted(30, 2), planted(2, 3))


def recipe(activation: str = "exponential", architecture: str = "cnn-local", **training: Any) -> Recipe:
    settings = Training.model_validate({"epochs": 2, "batch_size": 10} | training)
    return Recipe(
        architecture=architecture, activation=activation, dataset="synthetic-codes", trials=1, training=settings
    )


Runs = Sequence[tuple[Recipe, int]]
Results = dict[tuple[str, int], Trained]


def run(runs: Runs, data: SequenceDataset, folder: Path, **options: Any) -> Results:
    """All results by the recipe's digest and trial."""
    found = list(train_stack(runs, data, device=CPU, checkpoint_dir=folder, **options))
    results = {(trained.state.recipe, trained.state.seed): trained for _, _, trained in found}
    assert len(results) == len(found)
    assert results.keys() == {(recipe.digest, trial) for recipe, trial, _ in found}
    return results


def alone(recipe: Recipe, trial: int, data: SequenceDataset, path: Path) -> Trained:
    return train(recipe, trial, data, device=CPU, checkpoint_path=path)


@pytest.fixture
def one_thread() -> Any:
    """What a stack computes with, so that its checkpoints are those of the one-by-one trainer."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def assert_close(one: Trained, other: Trained, steps: float = 1.0) -> None:
    """The same epochs, and numbers equal but for rounding and what it may lead to.

    Adam moves a weight whose gradient is nothing but rounding by up to the learning rate, so single weights may be
    `steps` steps of 1e-3 apart; on average they are within a hundredth of that. Another batch, mask or order moves all
    by whole steps.
    """
    left, right = one.network.state_dict(), other.network.state_dict()
    assert list(left) == list(right)
    for name in left:
        apart = (left[name].double() - right[name].double()).abs() / (1.0 + right[name].double().abs())
        assert float(apart.max()) <= 1e-3 * steps, name
        assert float(apart.mean()) <= 1e-5 * steps, name
    assert len(one.state.history) == len(other.state.history)
    for a, b in zip(one.state.history, other.state.history, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-5 * steps)
        assert a.learning_rate == b.learning_rate


def assert_same(one: Trained, other: Trained) -> None:
    left, right = one.network.state_dict(), other.network.state_dict()
    assert [name for name in left if not torch.equal(left[name], right[name])] == []
    assert one.state.history == other.state.history
    assert one.state.schedule == other.state.schedule


# One step, against each network alone, in float64


def networks_of(architecture: str, activations: Sequence[str]) -> list[Network]:
    length = LENGTHS.get(architecture, 200)
    networks = []
    for seed, activation in enumerate(activations):
        network = build(layers(architecture, activation, length=length, outputs=3), length).double()
        generator = torch.Generator().manual_seed(seed)
        initialise(network, generator)
        for name, parameter in network.named_parameters():
            if "norm" in name or name == "head.bias":  # away from ones and zeros, so that a mix-up shows
                nn.init.uniform_(parameter, 0.5, 1.5, generator=generator)
        networks.append(network)
    return networks


def batch_of(replicas: int, length: int, rows: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of its own for each replica: one-hot float64 `(R, rows, 4, length)` and labels `(R, rows, 3)`."""
    generator = np.random.default_rng(0)
    onehot = to_onehot(generator.integers(0, 4, (replicas * rows, length)).astype(np.uint8))
    labels = torch.from_numpy(generator.integers(0, 2, (replicas, rows, 3))).double()
    return torch.from_numpy(onehot).double().unflatten(0, (replicas, rows)), labels


def stack_of(
    networks: Sequence[Network],
    arrangement: Arrangement,
    settings: Sequence[Training],
    tensors: Sequence[Mapping[str, torch.Tensor]] | None = None,
) -> Stack:
    """A stack without data; tensors: the networks' checkpoints, by default of untrained ones."""
    tensors = [fresh_tensors(network) for network in networks] if tensors is None else tensors
    replicas = [
        Replica(network, own, weight_decays(network, training), seed)
        for seed, (network, training, own) in enumerate(zip(networks, settings, tensors, strict=True))
    ]
    return Stack(replicas, Data(None, None, "auroc"), settings[0], arrangement, CPU)  # type: ignore[arg-type]


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(100 + number) for number in range(count)]


def draws(count: int) -> Draws:
    return Draws(generators(count))


@pytest.mark.parametrize("arrangement", ARRANGEMENTS, ids=["grouped", "batched"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_step_of_a_stack_is_a_step_of_each_network(architecture: str, arrangement: Arrangement) -> None:
    """Losses, gradients and running averages, dropout included, with two activations in one stack."""
    networks = networks_of(architecture, ["exponential", "tanh", "tanh"])
    onehot, labels = batch_of(3, LENGTHS.get(architecture, 200))
    stack = stack_of(networks, arrangement, [Training()] * 3)
    losses = stack.backward(onehot, labels, draws(3))
    gradient = stack.state.weights.grad
    assert gradient is not None
    after = stack.state.replicas()
    for number, network in enumerate(networks):
        with torch.random.fork_rng():
            torch.manual_seed(100 + number)
            loss = binary_cross_entropy_with_logits(network.train()(onehot[number]), labels[number])
        loss.backward()
        assert float(losses[number]) == pytest.approx(loss.item(), rel=1e-12)
        expected = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])  # type: ignore[union-attr]
        torch.testing.assert_close(gradient[number], expected, rtol=1e-10, atol=1e-10 * float(expected.abs().max()))
        for name, average in network.named_buffers():
            if average.is_floating_point():
                torch.testing.assert_close(after[number][f"model.{name}"], average, rtol=1e-12, atol=1e-12)


UNUSUAL: tuple[Layer, ...] = (
    Conv(name="conv1", filters=5, kernel=4, dilation=3, bias=True),
    *layers("cnn-local", "relu", length=200, outputs=1)[1:3],
    Pool(name="pool1", size=7, mode="mean"),
    Conv(name="conv2", filters=6, kernel=3, padding="valid", dilation=2, bias=True),
    *layers("cnn-local", "relu", length=200, outputs=1)[-6:-5],
    Dense(name="head", units=3, bias=True),
)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS, ids=["grouped", "batched"])
def test_layers_that_no_architecture_of_the_study_has(arrangement: Arrangement) -> None:
    """An even, dilated kernel, biases, mean-pooling that leaves positions over."""
    networks = [build(UNUSUAL, 90).double() for _ in range(2)]
    for seed, network in enumerate(networks):
        initialise(network, torch.Generator().manual_seed(seed))
    onehot, labels = batch_of(2, 90)
    stack = stack_of(networks, arrangement, [Training()] * 2)
    losses = stack.backward(onehot, labels, draws(2))
    assert stack.state.weights.grad is not None
    for number, network in enumerate(networks):
        loss = binary_cross_entropy_with_logits(network.train()(onehot[number]), labels[number])
        loss.backward()
        assert float(losses[number]) == pytest.approx(loss.item(), rel=1e-12)
        expected = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])  # type: ignore[union-attr]
        torch.testing.assert_close(stack.state.weights.grad[number], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS, ids=["grouped", "batched"])
def test_the_first_steps_are_adams(arrangement: Arrangement) -> None:
    """Each replica with its own learning rate and penalties; the parameters of six steps of `torch.optim.Adam`."""
    settings = [
        Training(),
        Training(learning_rate=1e-2, l2=0.1),
        Training(learning_rate=3e-3, layer1_l2=0.5),
    ]
    networks = networks_of("cnn-dist", ["relu"] * 3)
    stack = stack_of(networks, arrangement, settings)
    optimizers = [_optimizer(network, training) for network, training in zip(networks, settings, strict=True)]
    rates = torch.tensor([[training.learning_rate] for training in settings], dtype=torch.float64)
    streams = draws(3)
    states = [generator.get_state() for generator in generators(3)]
    for _ in range(6):
        onehot, labels = batch_of(3, 200)
        stack.backward(onehot, labels, streams)
        stack.state.step(rates)
        for number, (network, optimizer) in enumerate(zip(networks, optimizers, strict=True)):
            with torch.random.fork_rng():
                torch.set_rng_state(states[number])
                optimizer.zero_grad()
                binary_cross_entropy_with_logits(network.train()(onehot[number]), labels[number]).backward()
                optimizer.step()
                states[number] = torch.get_rng_state()
    for tensors, network, optimizer in zip(stack.state.replicas(), networks, optimizers, strict=True):
        for name, value in network.state_dict().items():
            torch.testing.assert_close(tensors[f"model.{name}"], value, rtol=1e-8, atol=1e-9)
        for name, parameter in network.named_parameters():
            for key, value in optimizer.state[parameter].items():
                torch.testing.assert_close(tensors[f"adam.{name}.{key}"], value, rtol=1e-8, atol=1e-12)


def test_lower_precision_begins_behind_the_first_activation() -> None:
    """bfloat16 has 8 bits: losses and gradients agree to a few times 2^-8. The first layer's averages are the same."""
    networks = [network.float() for network in networks_of("cnn-dist", ["exponential"] * 2)]
    onehot, labels = batch_of(2, 200, rows=50)
    full = stack_of(networks, Batched(), [Training()] * 2)
    low = Stack(
        [Replica(network, fresh_tensors(network), weight_decays(network, Training()), 0) for network in networks],
        Data(None, None, "auroc"),  # type: ignore[arg-type]
        Training(),
        Batched(),
        CPU,
        "bfloat16",
    )
    losses = [stack.backward(onehot.float(), labels.float(), draws(2)) for stack in (full, low)]
    torch.testing.assert_close(losses[1], losses[0], rtol=0.02, atol=0.0)
    assert not torch.equal(losses[1], losses[0])
    name = "conv1_norm.running_var"
    assert torch.equal(low.state.averages[name], full.state.averages[name])
    assert low.state.weights.grad is not None
    assert full.state.weights.grad is not None
    agreement = torch.cosine_similarity(low.state.weights.grad, full.state.weights.grad)
    assert float(agreement.min()) > 0.98


def test_a_stack_gives_back_what_it_was_made_of() -> None:
    networks = [build(layers("cnn-dist", "relu", length=200, outputs=1), 200) for _ in range(3)]
    tensors: list[Mapping[str, torch.Tensor]] = []
    for seed, network in enumerate(networks):
        generator = torch.Generator().manual_seed(seed)
        tensors.append(
            {
                name: torch.rand(value.shape, generator=generator) if value.dim() else torch.full_like(value, 7 + seed)
                for name, value in fresh_tensors(network).items()
            }
        )
    decays = [weight_decays(networks[0], Training())] * 3
    for row, found in zip(tensors, StackState(networks[0], tensors, decays, Training(), CPU).replicas(), strict=True):
        assert row.keys() == found.keys()
        assert all(torch.equal(row[name], found[name]) and row[name].dtype == found[name].dtype for name in row)


@pytest.mark.parametrize("arrangement", ARRANGEMENTS, ids=["grouped", "batched"])
def test_a_stack_that_lost_members_goes_on_as_one_built_of_the_others(arrangement: Arrangement) -> None:
    """Weights, moments, running averages, penalties and functions stay with their replica."""
    rates = torch.tensor([[1e-3], [2e-3], [3e-3], [4e-3]], dtype=torch.float64)
    settings = [Training(l2=penalty) for penalty in (1e-6, 1e-3, 1e-2, 1e-1)]
    networks = networks_of("cnn-local", ["exponential", "relu", "relu", "tanh"])
    onehot, labels = batch_of(4, 200)
    stack = stack_of(networks, arrangement, settings)
    stack.backward(onehot, labels, draws(4))
    stack.state.step(rates)
    rows = [0, 2, 3]
    others = stack.state.replicas(rows)
    everyone = stack.state.replicas()
    for row, other in zip(rows, others, strict=True):
        assert all(torch.equal(other[name], everyone[row][name]) for name in everyone[row])
    stack.keep(rows)
    built = stack_of([networks[row] for row in rows], arrangement, [settings[row] for row in rows], others)
    for one in (stack, built):
        one.backward(onehot[rows], labels[rows], Draws(generators(4)[1:]))
        one.state.step(rates[rows])
    assert len(stack.state) == 3
    for kept, fresh in zip(stack.state.replicas(), built.state.replicas(), strict=True):
        assert all(torch.equal(kept[name], fresh[name]) for name in fresh)


@pytest.mark.parametrize("shape", [(1,), (7, 3), (3, 50_000)])
@pytest.mark.parametrize("probability", [0.9, 0.8, 0.5, 1.0, 0.123456789])
def test_dropout_keeps_what_pytorch_keeps(probability: float, shape: tuple[int, ...]) -> None:
    one, other = (torch.Generator().manual_seed(2**40 + 3) for _ in range(2))
    for _ in range(2):
        ours = keep_(torch.empty(shape, dtype=torch.bool), probability, one)
        assert torch.equal(ours, torch.empty(shape, dtype=torch.bool).bernoulli_(probability, generator=other))
    assert torch.equal(one.get_state(), other.get_state())


@given(st.integers(0, 2**32 - 1), st.integers(0, 2000), st.integers(0, 5000), st.integers(0, 2**64 - 1))
def test_the_generators_blocks_are_numpys(seed: int, skipped: int, count: int, bound: int) -> None:
    oracle = np.random.MT19937(seed)
    oracle.random_raw(skipped)
    before: dict[str, Any] = oracle.state["state"]  # type: ignore[assignment]
    words = oracle.random_raw(2 * count).reshape(-1, 2)
    mask = 2**53 - 1
    expected = (words[:, 0] << np.uint64(32) | words[:, 1]) & np.uint64(mask) < np.uint64(bound)
    state, out = before["key"].astype(np.uint32), np.empty(count, np.bool_)
    position = below_(out, np.uint64(bound), np.uint64(mask), state, before["pos"])
    assert np.array_equal(out, expected)
    after: dict[str, Any] = oracle.state["state"]  # type: ignore[assignment]
    assert np.array_equal(state, after["key"])
    assert position == after["pos"]


@given(
    seed=st.integers(0, 2**64 - 1),
    calls=st.lists(st.tuples(st.integers(0, 2000), st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=4),
)
def test_dropout_takes_turns_with_other_draws(seed: int, calls: list[tuple[int, float, int]]) -> None:
    """Other draws take single words, so that a draw of two may begin with the last word of the generator's block."""
    one, other = (torch.Generator().manual_seed(seed) for _ in range(2))
    for size, probability, words in calls:
        ours = keep_(torch.empty(size, dtype=torch.bool), probability, one)
        assert torch.equal(ours, torch.empty(size, dtype=torch.bool).bernoulli_(probability, generator=other))
        drawn = [torch.empty(words, dtype=torch.int32).random_(generator=generator) for generator in (one, other)]
        assert torch.equal(*drawn)
    assert torch.equal(torch.rand(700, generator=one), torch.rand(700, generator=other))


# Whole runs, against the trainer that trains one after another


def ahead(seeds: Sequence[int], steps: int, shape: tuple[int, ...]) -> list[torch.Tensor]:
    """What dropout keeps as on a GPU, of two layers in turn."""
    found = Draws([torch.Generator().manual_seed(seed) for seed in seeds], ahead=4)
    return [found.keep(step % 2, (len(seeds), *shape), 0.7, CPU) for step in range(2 * steps)]


def test_draws_for_several_steps_at_once() -> None:
    """Each step and layer has its own, whatever other replicas there are, and in the right number."""
    three, one = ahead([5, 6, 7], 10, (3, 1000)), ahead([6], 10, (3, 1000))
    assert all(torch.equal(kept[1], alone[0]) for kept, alone in zip(three, one, strict=True))
    assert all(kept.is_contiguous() and kept.dtype == torch.bool for kept in three)
    rows = torch.stack(three).flatten(0, 1).flatten(1).double()
    assert float(rows.mean()) == pytest.approx(0.7, abs=5 * math.sqrt(0.21 / rows.numel()))
    apart = torch.corrcoef(rows) - torch.eye(len(rows))
    assert float(apart.abs().max()) < 6 / math.sqrt(rows.shape[1])


def test_a_replicas_draws_lie_together_however_many_others_there_are() -> None:
    """A GPU draws entries that are further apart than 32-bit offsets reach in parts, each with numbers of its own.

    As large as deepsea-tf12's first layer in a stack of 200, of which no numbers are needed here.
    """
    shape, drawn = (200, 300, 100, 1000), []

    class Seen(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func.overloadpacket is torch.ops.aten.bernoulli_:
                drawn.append(args[0])
            return func(*args, **(kwargs or {}))

    found = Draws(generators(200), ahead=4)
    with Seen():
        kept = [found.keep(0, shape, 0.5, torch.device("meta")) for _ in range(4)]
    assert len(drawn) == 200
    assert all(part.is_contiguous() and part.numel() == 4 * math.prod(shape[1:]) < 2**31 for part in drawn)
    assert all(part.is_contiguous() and tuple(part.shape) == shape for part in kept)


def test_a_shorter_batch_has_draws_of_its_own_size() -> None:
    found = Draws(generators(2), ahead=4)
    shapes = [(2, 10, 5), (2, 10, 5), (2, 3, 5), (2, 10, 5)]
    assert [tuple(found.keep(0, shape, 0.5, CPU).shape) for shape in shapes] == shapes


@pytest.mark.parametrize("monitor", ["auroc", "aupr"])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_validation_scores_do_not_depend_on_threads(monitor: str, threads: int, data: SequenceDataset) -> None:
    networks = [network.float() for network in networks_of("cnn-local", ["relu", "exponential", "tanh"])]
    replicas = [Replica(one, fresh_tensors(one), weight_decays(one, Training()), 0) for one in networks]
    labels = np.random.default_rng(0).integers(0, 2, (len(data.valid), 3)).astype(np.int8)
    batches = Batches(Split(data.valid.codes, labels, no_placements()), CPU)
    stack = Stack(replicas, Data(batches, batches, monitor), Training(), Grouped(), CPU)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = stack.scores()
    finally:
        torch.set_num_threads(before)
    with torch.inference_mode():
        onehot = batches.onehot(torch.arange(len(data.valid)))
        logits = [one.eval()(onehot).double().numpy().ravel() for one in networks]
    curve = auroc if monitor == "auroc" else aupr
    assert found == pytest.approx([float(curve(labels.ravel(), each)[0]) for each in logits], abs=1e-3)
    assert len(set(found)) == 3


@pytest.mark.parametrize(("at_once", "rows"), [(1, [1, 1, 1]), (180, [2, 1]), (1 << 20, [3])])
def test_validation_scores_are_made_of_a_few_rows_at_a_time(
    at_once: int, rows: list[int], data: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And from one vector of labels: what all areas would take at once is many times as large as the predictions."""
    networks = [network.float() for network in networks_of("cnn-local", ["relu", "exponential", "tanh"])]
    replicas = [Replica(one, fresh_tensors(one), weight_decays(one, Training()), 0) for one in networks]
    labels = np.random.default_rng(0).integers(0, 2, (len(data.valid), 3)).astype(np.int8)
    batches = Batches(Split(data.valid.codes, labels, no_placements()), CPU)
    stack = Stack(replicas, Data(batches, batches, "auroc"), Training(), Grouped(), CPU)
    seen = []

    def spy(labels: Any, logits: Any, monitor: str) -> list[float]:
        seen.append((labels, logits))
        return pooled_scores(labels, logits, monitor)

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        expected = stack.scores()
        monkeypatch.setattr("motifzoo.zoo.stacked_epoch._AT_ONCE", at_once)
        monkeypatch.setattr("motifzoo.zoo.stacked_epoch.pooled_scores", spy)
        assert stack.scores() == expected
    finally:
        torch.set_num_threads(before)
    assert [(given.shape, logits.shape) for given, logits in seen] == [((90,), (number, 90)) for number in rows]
    assert len({id(given) for given, _ in seen}) == 1


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_a_score_of_predictions_that_are_not_finite(value: float, data: SequenceDataset) -> None:
    """Of that replica alone, as of that network alone; an infinite one would have its place among the others."""
    networks = [network.float() for network in networks_of("cnn-local", ["relu", "relu"])]
    with torch.no_grad():
        networks[1].get_parameter("head.bias")[0] = value
    labels = np.random.default_rng(0).integers(0, 2, (len(data.valid), 3)).astype(np.int8)
    batches = Batches(Split(data.valid.codes, labels, no_placements()), CPU)
    replicas = [Replica(one, fresh_tensors(one), weight_decays(one, Training()), 0) for one in networks]
    for monitor in ("auroc", "aupr"):
        stack = Stack(replicas, Data(batches, batches, monitor), Training(), Grouped(), CPU)
        found = stack.scores()
        single = [validation_score(one, batches, monitor) for one in networks]
        assert [math.isnan(score) for score in found] == [math.isnan(score) for score in single] == [False, True]


@pytest.mark.parametrize("width", [1, 3])
def test_a_replica_follows_its_seed_trained_alone(width: int, data: SequenceDataset, tmp_path: Path) -> None:
    """One epoch of four steps in float32; later, rounding has grown."""
    runs = [(recipe("exponential", epochs=1), 0), (recipe("relu", epochs=1), 0), (recipe("exponential", epochs=1), 5)]
    found = run(runs, data, tmp_path / "stack", width=width)
    for wanted, trial in runs:
        expected = alone(wanted, trial, data, tmp_path / f"{wanted.name}-{trial}")
        assert_close(found[wanted.digest, trial], expected)
        assert found[wanted.digest, trial].state.history[0].score == pytest.approx(expected.state.history[0].score)


def test_opposite_strands_too(data: SequenceDataset, tmp_path: Path) -> None:
    wanted = recipe(epochs=1, reverse_complements=True, batch_size=20)
    found = run([(wanted, 0), (wanted, 1)], data, tmp_path / "stack", width=2)
    for trial in (0, 1):
        assert_close(found[wanted.digest, trial], alone(wanted, trial, data, tmp_path / f"{trial}"))


def mislabelled(split: Split, seed: int) -> Split:
    """A fifth of the labels turned round, so that scores stay short of perfect and differ between seeds."""
    turned = np.random.default_rng(seed).random(split.labels.shape) < 0.2
    return Split(split.codes, np.where(turned, 1 - split.labels, split.labels).astype(np.int8), split.placements)


def test_shuffled_labels_too(data: SequenceDataset, tmp_path: Path) -> None:
    """The control and the model itself in one call, which cannot share a stack."""
    control = recipe("relu", epochs=1, shuffled_labels=True)
    runs = [(recipe(epochs=1), 0), (control, 0)]
    found = run(runs, data, tmp_path / "stack", width=2)
    for wanted, trial in runs:
        assert_close(found[wanted.digest, trial], alone(wanted, trial, data, tmp_path / wanted.digest))


@pytest.mark.slow
def test_at_the_end_stacks_are_as_good_as_training_alone(tmp_path: Path) -> None:
    """Eight seeds of each: the means differ by at most three standard errors, and both have learned what there is."""
    train_split, valid = (mislabelled(planted(count, seed), seed) for count, seed in ((400, 1), (300, 2)))
    data = SequenceDataset(load_card("synthetic-codes"), train_split, valid, planted(2, 3))
    wanted = recipe(epochs=12, batch_size=20)
    found = run([(wanted, trial) for trial in range(8)], data, tmp_path / "stack", width=8)
    ours = [trained.state.history[-1] for trained in found.values()]
    theirs = [alone(wanted, trial, data, tmp_path / f"{trial}").state.history[-1] for trial in range(8, 16)]
    for pick in (lambda epoch: epoch.score, lambda epoch: epoch.loss):
        one, other = [pick(epoch) for epoch in ours], [pick(epoch) for epoch in theirs]
        error = math.sqrt((statistics.variance(one) + statistics.variance(other)) / 8)
        assert 0 < abs(statistics.mean(one) - statistics.mean(other)) <= 3 * error
    assert statistics.mean(epoch.score for epoch in ours + theirs) > 0.7  # of 0.8: a fifth of the labels is wrong


@pytest.mark.parametrize("width", [1, 2, 4])
def test_replicas_stop_each_in_its_time_and_others_take_their_places(
    width: int, data: SequenceDataset, tmp_path: Path
) -> None:
    """Five runs of 1 to 4 epochs, one of which its patience ends."""
    runs = [(recipe(epochs=epochs), epochs) for epochs in (3, 1, 4, 2)]
    runs.append((recipe(epochs=9, stop_patience=1, decay_patience=1, learning_rate=1e-30), 7))
    found = run(runs, data, tmp_path, width=width)
    for wanted, trial in runs[:4]:
        assert len(found[wanted.digest, trial].state.history) == wanted.training.epochs
    stopped = found[runs[4][0].digest, 7].state
    assert stopped.schedule.stopped
    scores = [epoch.score for epoch in stopped.history]
    assert len(scores) < 9
    assert scores[-1] <= max(scores[:-1])
    assert all(later > earlier for earlier, later in itertools.pairwise(scores[:-1]))


def test_a_replica_does_not_depend_on_the_others(data: SequenceDataset, tmp_path: Path) -> None:
    """Nor on their order, their number, or when they leave."""
    wanted = recipe(epochs=2)
    by_itself = run([(wanted, 3)], data, tmp_path / "one")[wanted.digest, 3]
    others = [(recipe("relu", epochs=1), 3), (recipe("tanh"), 1), (recipe(epochs=2), 0)]
    for number, place in enumerate((0, 2, 3)):
        runs = [*others[:place], (wanted, 3), *others[place:]]
        found = run(runs, data, tmp_path / f"{number}", width=4)[wanted.digest, 3]
        assert_close(found, by_itself, 10)


def test_recipes_that_cannot_share_a_stack_take_turns(data: SequenceDataset, tmp_path: Path) -> None:
    runs = [(recipe(epochs=1), 0), (recipe(epochs=1, architecture="cnn-dist"), 0), (recipe(epochs=1), 1)]
    runs.append((recipe("relu", epochs=1, batch_size=20), 1))
    found = run(runs, data, tmp_path / "stack", width=4)
    for wanted, trial in runs:
        assert_close(found[wanted.digest, trial], alone(wanted, trial, data, tmp_path / f"{wanted.digest}{trial}"))


def test_recipes_that_differ_in_their_variant_only(data: SequenceDataset, tmp_path: Path) -> None:
    """They have one digest, and each its own results and checkpoints."""
    runs = [(recipe("relu", epochs=1).model_copy(update={"variant": variant}), 0) for variant in ("", "a", "b")]
    assert len({wanted.digest for wanted, _ in runs}) == 1
    found = list(train_stack(runs, data, device=CPU, checkpoint_dir=tmp_path, width=3))
    assert {(wanted.name, trial) for wanted, trial, _ in found} == {(wanted.name, trial) for wanted, trial in runs}
    assert {path.name for path in tmp_path.glob("*.safetensors")} == {
        f"{wanted.name}.trial-0.safetensors" for wanted, _ in runs
    }


def test_a_replica_that_diverges_ends_and_the_others_go_on(
    data: SequenceDataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wild = recipe("relu", learning_rate=1e30, epochs=9)
    runs = [(recipe(), 0), (wild, 0), (recipe(), 1)]
    with caplog.at_level(logging.WARNING, "motifzoo"):
        found = run(runs, data, tmp_path / "all", width=3)
    lost = found[wild.digest, 0].state
    assert lost.diverged
    assert len(lost.history) < 9
    assert [record.message for record in caplog.records] == [
        f"cnn-local-relu.synthetic-codes:0 diverged in epoch {len(lost.history)} (loss nan); it ends."
    ]
    without = run([runs[0], runs[2]], data, tmp_path / "without", width=3)
    for key, expected in without.items():
        assert not found[key].state.diverged
        assert_close(found[key], expected, 10)


def test_progress_is_reported(data: SequenceDataset, tmp_path: Path) -> None:
    class Seen(StackProgress):
        def __init__(self) -> None:
            self.epochs: list[tuple[str, int, int, Epoch, float]] = []
            self.totals: list[tuple[float, float, float]] = []

        def epoch(self, recipe: Recipe, trial: int, number: int, record: Epoch, seconds: float) -> None:
            self.epochs.append((recipe.digest, trial, number, record, seconds))

        def overall(self, done: float, to_go: float, left: float) -> None:
            self.totals.append((done, to_go, left))

    runs = [(recipe(epochs=2), 0), (recipe("relu", epochs=3), 0)]
    seen = Seen()
    found = run(runs, data, tmp_path, width=2, progress=seen)
    for wanted, trial in runs:
        own = [epoch[2:4] for epoch in seen.epochs if epoch[:2] == (wanted.digest, trial)]
        state = found[wanted.digest, trial].state
        assert own == list(enumerate(state.history))
        assert state.seconds == max(epoch[4] for epoch in seen.epochs if epoch[:2] == (wanted.digest, trial))
    assert seen.totals[-1] == (5.0, 0, 0.0)
    assert all(done + to_go == 5 and left >= 0 for done, to_go, left in seen.totals)


def test_the_callers_settings_are_left_alone(data: SequenceDataset, tmp_path: Path) -> None:
    before = torch.get_rng_state(), torch.get_num_threads()
    run([(recipe(epochs=1), 0)], data, tmp_path)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]


# Interruptions

FOUR = [(recipe(activation, epochs=3), trial) for activation in ("exponential", "relu") for trial in (0, 1)]


@pytest.fixture(scope="module")
def undisturbed(data: SequenceDataset, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(FOUR, data, tmp_path_factory.mktemp("undisturbed"))


class Interrupt:
    """Ctrl-C once so many epochs have been reported."""

    def __init__(self, after: int) -> None:
        self._left = after

    def epoch(self, recipe: Recipe, trial: int, number: int, record: Epoch, seconds: float) -> None:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt

    def overall(self, done: float, to_go: float, left: float) -> None:
        pass


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_an_interrupted_call_goes_on_where_it_was(
    seconds: float, data: SequenceDataset, undisturbed: Results, tmp_path: Path
) -> None:
    """From the last epochs that were saved, which may be none."""
    for after in (1, 3, 6):
        with pytest.raises(KeyboardInterrupt):
            run(FOUR, data, tmp_path / f"{after}", progress=Interrupt(after), checkpoint_seconds=seconds)
        found = run(FOUR, data, tmp_path / f"{after}")
        for key, expected in undisturbed.items():
            assert_same(found[key], expected)


def train_until_killed(folder: str) -> None:
    """In a process of its own: say so when the first checkpoint is half written, and wait."""

    def half_written(tensors: dict[str, torch.Tensor], file: Path, metadata: dict[str, str]) -> None:
        whole(tensors, file, metadata=metadata)
        if metadata["state"].count('"score"') == 2:
            os.truncate(file, file.stat().st_size // 2)
            print("now", flush=True)
            time.sleep(600)

    whole: Callable[..., None] = checkpoint.save_file
    checkpoint.save_file = half_written
    data = SequenceDataset(load_card("synthetic-codes"), planted(41, 1), planted(30, 2), planted(2, 3))
    run(FOUR, data, Path(folder), checkpoint_seconds=0.0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_leaves_runs_that_resume(data: SequenceDataset, undisturbed: Results, tmp_path: Path) -> None:
    code = "import runpy, sys; runpy.run_path(sys.argv[1])['train_until_killed'](sys.argv[2])"
    with subprocess.Popen(
        [sys.executable, "-c", code, __file__, tmp_path], env={**os.environ}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL)
    found = run(FOUR, data, tmp_path)
    for key, expected in undisturbed.items():
        assert_same(found[key], expected)


def test_replicas_at_different_epochs_share_a_stack(
    data: SequenceDataset, undisturbed: Results, tmp_path: Path
) -> None:
    """As after a kill between two of a stack's checkpoints."""
    with pytest.raises(KeyboardInterrupt):
        run(FOUR, data, tmp_path, progress=Interrupt(1), checkpoint_seconds=0.0)
    for path in sorted(tmp_path.glob("*.safetensors"))[1:]:
        path.unlink()
    found = run(FOUR, data, tmp_path, width=4)
    for key, expected in undisturbed.items():
        assert_close(found[key], expected, 10)


@pytest.mark.usefixtures("one_thread")
def test_either_trainer_goes_on_from_the_others_checkpoint(data: SequenceDataset, tmp_path: Path) -> None:
    short, wanted = recipe(epochs=1), recipe(epochs=2)
    path = tmp_path / f"{wanted.name}.trial-0.safetensors"
    expected = alone(wanted, 0, data, tmp_path / "expected")

    def as_of(longer: Recipe) -> None:
        state, tensors = checkpoint.read(path)
        checkpoint.write(path, state.model_copy(update={"recipe": longer.digest}), tensors)

    run([(short, 0)], data, tmp_path)
    as_of(wanted)
    assert_close(alone(wanted, 0, data, path), expected, 10)
    path.unlink()
    alone(short, 0, data, path)
    as_of(wanted)
    assert_close(run([(wanted, 0)], data, tmp_path)[wanted.digest, 0], expected, 10)


def test_a_finished_replica_is_not_trained_again(data: SequenceDataset, tmp_path: Path) -> None:
    wanted = recipe(epochs=1)
    first = run([(wanted, 0)], data, tmp_path)[wanted.digest, 0]
    again = run([(wanted, 0)], data, tmp_path, progress=Interrupt(1))[wanted.digest, 0]
    assert_same(first, again)
    assert not any(module.training for module in again.network.modules())


# What cannot be done


def test_two_trainers_on_one_folder(data: SequenceDataset, tmp_path: Path) -> None:
    with FileLock(tmp_path / ".training.lock"), pytest.raises(ModelError) as error:
        run([(recipe(), 0)], data, tmp_path)
    assert str(error.value) == (
        f"another process is training into {tmp_path}. Wait for it to end, or train into another folder."
    )
    assert run([(recipe(epochs=1), 0)], data, tmp_path)


def test_a_checkpoint_of_another_recipe(data: SequenceDataset, tmp_path: Path) -> None:
    one, other = recipe(epochs=1), recipe(epochs=1, l2=1e-5)
    run([(one, 0)], data, tmp_path)
    with pytest.raises(ModelError) as error:
        run([(recipe("relu"), 0), (other, 0)], data, tmp_path)
    path = tmp_path / f"{one.name}.trial-0.safetensors"
    assert str(error.value) == (
        f"checkpoint {path} was made with another recipe ({one.digest[:12]}, now {other.digest[:12]}). "
        "Train into another folder, or delete it to start over."
    )


@pytest.mark.parametrize(
    ("field", "was", "message"),
    [
        ("torch", "1.0.0", f"another version of PyTorch (1.0.0, now {torch.__version__})"),
        ("precision", "bfloat16", "another precision (bfloat16, now float32)"),
    ],
)
def test_a_checkpoint_of_another_run(field: str, was: str, message: str, data: SequenceDataset, tmp_path: Path) -> None:
    wanted = recipe(epochs=2)
    with pytest.raises(KeyboardInterrupt):
        run([(wanted, 0)], data, tmp_path, progress=Interrupt(1), checkpoint_seconds=0.0)
    path = tmp_path / f"{wanted.name}.trial-0.safetensors"
    state, tensors = checkpoint.read(path)
    shorter = state.model_copy(update={field: was, "history": state.history[:1]})
    checkpoint.write(path, shorter, tensors)
    with pytest.raises(ModelError) as error:
        run([(wanted, 0)], data, tmp_path)
    assert str(error.value) == (
        f"checkpoint {path} was made with {message}. Train into another folder, or delete it to start over."
    )


def test_a_run_that_has_ended_is_had_with_any_pytorch(data: SequenceDataset, tmp_path: Path) -> None:
    wanted = recipe(epochs=1)
    first = run([(wanted, 0)], data, tmp_path)[wanted.digest, 0]
    path = tmp_path / f"{wanted.name}.trial-0.safetensors"
    state, tensors = checkpoint.read(path)
    checkpoint.write(path, state.model_copy(update={"torch": "1.0.0", "device": "cuda (Some GPU)"}), tensors)
    again = run([(wanted, 0)], data, tmp_path)[wanted.digest, 0]
    assert_same(first, again)
    assert (again.state.torch, again.state.device) == ("1.0.0", "cuda (Some GPU)")


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_the_precision_is_part_of_a_run(precision: Precision, data: SequenceDataset, tmp_path: Path) -> None:
    member = Run(recipe(), 0, data, CPU, tmp_path, precision)
    member.load()
    member.save()
    assert checkpoint.read_state(tmp_path / f"{recipe().name}.trial-0.safetensors").precision == precision
    member.check()


def test_layers_that_cannot_be_stacked() -> None:
    for layer in (Lstm(name="lstm", units=2), Attention(name="attention", heads=2)):
        with pytest.raises(ModelError) as error:
            check_stackable(layer)
        assert str(error.value) == (
            f"layer {layer.name!r} is of kind {layer.kind}, which cannot be trained in a stack (these can: conv, "
            "batch_norm, activation, dropout, pool, residual, flatten, dense). Train its trials one after another."
        )


def test_requests_that_are_refused_at_once(data: SequenceDataset, tmp_path: Path) -> None:
    def refused(runs: Runs, device: str = "cpu", **options: Any) -> str:
        with pytest.raises((ModelError, DataError)) as error:
            train_stack(runs, data, device=torch.device(device), checkpoint_dir=tmp_path / "none", **options)
        assert not (tmp_path / "none").exists()
        return str(error.value)

    wanted = recipe()
    assert refused([(wanted, 0)], "mps") == (
        "stacks train on cpu or cuda, not on mps. Train the trials one after another."
    )
    assert refused([(wanted, 0)], precision="bfloat16") == (
        "precision bfloat16 needs a CUDA device; on cpu use float32."
    )
    for width in (0, -1):
        assert refused([(wanted, 0)], width=width) == (
            f"a stack of {width} replicas trains nothing: width must be at least 1."
        )
    assert refused([(wanted, 0), (recipe(l2=1.0), 0)]) == (
        f"{wanted.name}:0 is asked for twice, and both would write the same checkpoint."
    )
    assert refused([(wanted.model_copy(update={"dataset": "synthetic-motifs"}), 0)]) == (
        "recipe 'cnn-local-exponential.synthetic-motifs' is for another data set than 'synthetic-codes'."
    )
    deeper = wanted.model_copy(update={"architecture": "basset", "dataset": "basset-dnase164"})
    assert refused([(deeper, 0)]) == (  # and not that it cannot be built
        "recipe 'basset-exponential.basset-dnase164' is for another data set than 'synthetic-codes'."
    )
    assert refused([(recipe(batch_size=1), 0)]).startswith("41 training sequences in batches of 1: batch normal")


def test_nothing_to_train(data: SequenceDataset, tmp_path: Path) -> None:
    assert run([], data, tmp_path) == {}


def test_a_full_disk(data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    wanted = recipe(epochs=1)
    with pytest.raises(CacheError) as error:
        run([(wanted, 0)], data, tmp_path)
    assert str(error.value) == (
        f"cannot write {tmp_path / wanted.name}.trial-0.safetensors: Error while serializing: I/O error: No space left "
        "on device (os error 28). Free some space or choose another folder."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [".training.lock"]


@pytest.fixture
def small_memory(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A device on which three replicas do not fit, in the middle of an epoch; the sizes that were tried."""
    whole, tried = Stack.backward, []

    def backward(stack: Stack, *given: Any) -> torch.Tensor:
        loss = whole(stack, *given)
        if len(tried) == 0 or tried[-1] != len(loss):
            tried.append(len(loss))
        elif len(loss) > 2:
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
        return loss

    monkeypatch.setattr(Stack, "backward", backward)
    return tried


def test_smaller_stacks_are_tried_when_memory_runs_out(
    one_thread: None,
    small_memory: list[int],
    data: SequenceDataset,
    undisturbed: Results,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing of the epoch that was broken off remains."""
    with caplog.at_level(logging.WARNING, "motifzoo"):
        found = run(FOUR, data, tmp_path, width=4)
    assert small_memory[:2] == [4, 2]
    assert [record.message for record in caplog.records] == ["4 replicas do not fit in the memory of cpu; trying 2."]
    for key, expected in undisturbed.items():
        assert_close(found[key], expected, 10)


def test_what_is_too_many_of_one_kind_may_be_right_for_another(
    one_thread: None, data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, tried = Stack.backward, []
    large = [(recipe(epochs=1, batch_size=20).model_copy(update={"variant": "b"}), trial) for trial in range(4)]
    small = [(recipe(epochs=1), trial) for trial in range(4)]

    def backward(stack: Stack, onehot: torch.Tensor, *given: Any) -> torch.Tensor:
        tried.append(onehot.shape[:2])
        if onehot.shape[0] > 2 and onehot.shape[1] >= 20:
            raise torch.OutOfMemoryError
        return whole(stack, onehot, *given)

    monkeypatch.setattr(Stack, "backward", backward)
    assert len(run([*large, *small], data, tmp_path, width=4)) == 8
    halved, whole_stack = [(4, 20), *[(2, 20), (2, 21)] * 2], [(4, 10), (4, 10), (4, 10), (4, 11)]
    assert [tuple(shape) for shape in tried] == halved + whole_stack


def test_what_did_not_fit_is_reset_before_others_may_take_it(
    data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may train it from the moment that it waits."""
    members = [Run(recipe(), trial, data, CPU, tmp_path) for trial in range(4)]
    trainer = _Trainer(members, data, CPU, 4, "float32", 1e9, None)
    assert trainer._take([]) == members
    waiting_when_loaded = []
    monkeypatch.setattr(Run, "load", lambda run: waiting_when_loaded.append(run in trainer._waiting))
    assert trainer._halved(members) == members[:2]
    assert waiting_when_loaded == [False] * 4
    assert trainer._waiting == members[2:]


def test_other_errors_of_a_step_are_not_taken_for_full_memory(
    data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backward(*_: object) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(Stack, "backward", backward)
    with pytest.raises(RuntimeError, match="illegal memory access"):
        run(FOUR, data, tmp_path, width=4)


def test_a_data_set_too_large_for_the_memory(
    data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, whoever trains."""

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr("motifzoo.zoo.training.Batches", refuse)
    for train_it in (
        lambda: run(FOUR, data, tmp_path / "stack", width=4),
        lambda: alone(recipe(), 0, data, tmp_path / "alone"),
    ):
        with pytest.raises(MotifzooError) as error:
            train_it()
        assert str(error.value) == (
            "data set 'synthetic-codes' does not fit in the free memory of cpu: its sequences and labels take 0 MB, "
            "whatever the batch_size. Wait until other programs there have ended, or train on a machine with more "
            "memory."
        )


def test_a_replica_too_large_for_the_memory(
    data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backward(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Stack, "backward", backward)
    with pytest.raises(MotifzooError) as error:
        run([(recipe(), 0)], data, tmp_path)
    assert str(error.value) == (
        "cnn-local-exponential.synthetic-codes:0 does not fit in this machine's free memory. Choose a smaller "
        "batch_size in the recipe, or wait until other programs have ended."
    )


def test_a_replica_too_large_for_the_memory_beside_others(
    data: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stacks train when one of them finds no room."""
    first, both = threading.Lock(), threading.Barrier(2)

    def backward(*_: object) -> None:
        both.wait(60)
        if not first.acquire(blocking=False):
            time.sleep(5)  # still at work when the other gives up
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Stack, "backward", backward)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with pytest.raises(MotifzooError) as error:
        run([(recipe(), 0), (recipe("relu"), 0)], data, tmp_path)
    name, _, rest = str(error.value).partition(" ")
    assert name in {f"{recipe().name}:0", f"{recipe('relu').name}:0"}
    assert rest == (
        "does not fit in this machine's free memory beside what else is trained. Choose fewer --threads, each of which "
        "trains a stack, or a smaller batch_size in the recipe."
    )


def test_a_default_device_does_not_change_an_epoch(data: SequenceDataset, tmp_path: Path) -> None:
    """What is drawn on the CPU is drawn there."""
    losses = []
    for default in ("cpu", "meta"):
        with torch.device(default):
            member = Run(recipe(), 0, data, CPU, tmp_path)
            member.load()
            batches = Data(Batches(data.train, CPU), Batches(data.valid, CPU), "auroc")
            stack = Stack([member.replica()], batches, recipe().training, Grouped(), CPU)
            losses.append(stack.epoch([Turn(0, 1e-3)], lambda done, total: None))
    assert losses[0] == losses[1]
