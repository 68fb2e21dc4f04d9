"""Training: the schedule, what one step minimises, repeatability, and runs that are killed and resumed."""

import errno
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score
from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split
from motifzoo.data_cards.generate import generate
from motifzoo.data_cards.onehot import decode, encode, from_onehot, reverse_complement
from motifzoo.data_cards.rows import MappedCodes
from motifzoo.data_cards.store import open_splits, write_splits
from motifzoo.data_cards.synthetic import Placements
from motifzoo.errors import DataError, ModelError, MotifzooError
from motifzoo.zoo import checkpoint
from motifzoo.zoo.architectures import layers
from motifzoo.zoo.batches import in_batches
from motifzoo.zoo.builder import Network, build
from motifzoo.zoo.checkpoint import RunState
from motifzoo.zoo.device import describe_device, is_out_of_memory
from motifzoo.zoo.recipe import Recipe, Training
from motifzoo.zoo.schedule import Epoch, Schedule
from motifzoo.zoo.stacked import train_stack
from motifzoo.zoo.training import (
    Progress,
    Trained,
    _optimizer,
    batches_of,
    dropout_generator,
    pooled_scores,
    too_large,
    train,
)
from motifzoo.zoo.weights import content_hash

CPU = torch.device("cpu")
STILL = 1e-30  # a learning rate that leaves every float32 weight as it is


def small(name: str = "synthetic-codes") -> SequenceDataset:
    """130 training, 40 validation and 30 test sequences, drawn like the packaged set's first 200."""
    sizes = {"train": 130, "valid": 40, "test": 30}
    return generate(load_card(name).model_copy(update={"splits": sizes, "fingerprint": ""}))


def recipe(
    architecture: str = "cnn-local", activation: str = "exponential", dataset: str = "synthetic-codes", **training: Any
) -> Recipe:
    """Four epochs of 13 batches unless stated."""
    settings = Training.model_validate({"epochs": 4, "batch_size": 10} | training)
    return Recipe(architecture=architecture, activation=activation, dataset=dataset, trials=1, training=settings)


def run(
    recipe: Recipe, dataset: SequenceDataset, path: Path, *, trial: int = 0, progress: Progress | None = None
) -> Trained:
    return train(recipe, trial, dataset, device=CPU, checkpoint_path=path, progress=progress)


def assert_same(one: Trained, other: Trained) -> None:
    """Bit for bit the same weights, running averages and history."""
    left, right = one.network.state_dict(), other.network.state_dict()
    assert list(left) == list(right)
    assert [name for name in left if not torch.equal(left[name], right[name])] == []
    assert one.state.history == other.state.history
    assert one.state.schedule == other.state.schedule


@pytest.fixture(scope="module")
def codes() -> SequenceDataset:
    return small()


@pytest.fixture(scope="module")
def motifs() -> SequenceDataset:
    return small("synthetic-motifs")


@pytest.fixture(scope="module")
def undisturbed(codes: SequenceDataset, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Four epochs without an interruption."""
    return run(recipe(), codes, tmp_path_factory.mktemp("undisturbed") / "run.safetensors")


@pytest.fixture
def no_dropout() -> Iterator[None]:
    """Dropout passes its input on, so that a test can repeat the arithmetic."""
    handle = register_module_forward_hook(
        lambda module, given, out: given[0] if isinstance(module, nn.Dropout) else out
    )
    yield
    handle.remove()


# The schedule, against sequences worked out by hand


def follow(scores: list[float], **settings: Any) -> tuple[list[int], int | None, Schedule]:
    """Epochs after which the learning rate fell, the epoch after which training stopped, and the final state."""
    rules = Training(**settings)
    schedule = Schedule(learning_rate=rules.learning_rate)
    falls = []
    for epoch, score in enumerate(scores):
        before = schedule.learning_rate
        schedule.update(score, rules)
        if schedule.learning_rate < before:
            falls.append(epoch)
        if schedule.stopped:
            return falls, epoch, schedule
    return falls, None, schedule


def test_no_improvement_at_all() -> None:
    # Epoch 0 sets the best; epochs 1-5 are the first five without improvement, 1-20 the first twenty.
    falls, stop, schedule = follow([0.5] * 40)
    assert (falls, stop) == ([5, 10, 15, 20], 20)
    assert schedule.learning_rate == pytest.approx(1e-3 * 0.2**4, rel=1e-12)


def test_a_best_in_between_restarts_both_counts() -> None:
    # Epochs 1-4: four without improvement; 5 improves; 6-10 five without; 11 improves; then 12-31 twenty without.
    scores = [0.5] * 5 + [0.6] * 6 + [0.7] * 40
    assert follow(scores)[:2] == ([10, 16, 21, 26, 31], 31)


def test_falling_back_is_no_improvement() -> None:
    assert follow([0.9, *[0.8, 0.85] * 20])[:2] == ([5, 10, 15, 20], 20)


def test_small_improvements_delay_the_stop_but_not_the_decay() -> None:
    # 1.5e-5 an epoch: 1e-4 above epoch 0 is first exceeded at epoch 7, above that at epoch 14, and so on; so five
    # epochs without are up at 5, 7 + 5 = 12, 14 + 5 = 19, 26, 33. Each epoch improves a little: no stop.
    assert follow([0.5 + 1.5e-5 * epoch for epoch in range(39)])[:2] == ([5, 12, 19, 26, 33], None)


def test_improvements_that_add_up_in_time_prevent_the_decay() -> None:
    # 4e-5 an epoch: every third epoch exceeds the last such one by 1.2e-4.
    assert follow([0.5 + 4e-5 * epoch for epoch in range(60)])[:2] == ([], None)


def test_a_tiny_improvement_restarts_the_stop_only() -> None:
    # Epoch 3 is 1e-9 above epoch 0: the stop counts from 3, the decay from 0.
    assert follow([0.5, 0.5, 0.5, 0.5 + 1e-9] + [0.5] * 40)[:2] == ([5, 10, 15, 20], 23)


def test_an_improvement_by_just_the_margin_does_not_count() -> None:
    # 0.25 is exact in binary, so the third score is exactly the margin above the first.
    falls, _, _ = follow([0.25, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5], decay_margin=0.25)
    assert falls == [5]


def test_the_rate_stops_at_its_floor() -> None:
    # 1e-3 x 0.2^k: 2e-4, 4e-5, 8e-6, 1.6e-6, 3.2e-7, and 6.4e-8 is below the floor.
    falls, stop, schedule = follow([0.5] * 60, stop_patience=1000)
    assert (falls, stop) == ([5, 10, 15, 20, 25, 30], None)
    assert schedule.learning_rate == 1e-7


def test_a_rate_below_the_floor_stays() -> None:
    falls, _, schedule = follow([0.5] * 60, learning_rate=1e-8, stop_patience=1000)
    assert falls == []
    assert schedule.learning_rate == 1e-8


def test_scores_that_are_not_numbers_are_no_improvement() -> None:
    assert follow([math.nan] * 40)[:2] == ([4, 9, 14, 19], 19)
    assert follow([0.5, *[math.nan] * 40])[:2] == ([5, 10, 15, 20], 20)
    assert follow([math.nan, 0.5, *[0.5] * 40])[:2] == ([6, 11, 16, 21], 21)


def test_negative_infinity_and_nan_survive_a_checkpoints_json() -> None:
    schedule = Schedule(learning_rate=1e-3)
    schedule.update(math.nan, Training())
    state = RunState(recipe="r", seed=0, data="d", device="cpu", schedule=schedule)
    state.history.append(Epoch(loss=math.inf, score=math.nan, learning_rate=1e-3))
    back = RunState.model_validate_json(state.model_dump_json())
    assert back.schedule == schedule
    assert (back.history[0].loss, math.isnan(back.history[0].score)) == (math.inf, True)


# What one step does


def first_step(
    recipe: Recipe, dataset: SequenceDataset, path: Path
) -> tuple[Trained, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Train on one batch once: the result, the gradient Adam saw and its square, by parameter.

    Adam's averages start at zero, so after one step they are (1 - beta) times the gradient and its square.
    """
    trained = run(recipe, dataset, path)
    stored = load_file(path)
    names = [name for name, _ in trained.network.named_parameters()]
    assert {float(stored[f"adam.{name}.step"]) for name in names} == {1.0}
    gradient = {name: stored[f"adam.{name}.exp_avg"] / (1 - recipe.training.beta1) for name in names}
    square = {name: stored[f"adam.{name}.exp_avg_sq"] / (1 - recipe.training.beta2) for name in names}
    return trained, gradient, square


@pytest.mark.parametrize("dataset", ["synthetic-codes", "synthetic-motifs"])
def test_a_step_minimises_cross_entropy_by_adam(
    dataset: str, request: pytest.FixtureRequest, tmp_path: Path, no_dropout: None
) -> None:
    """Loss, gradient and step against the formulas, for one label and for twelve."""
    data: SequenceDataset = request.getfixturevalue(dataset.removeprefix("synthetic-"))
    once = {"dataset": dataset, "epochs": 1, "batch_size": 200, "l2": 0.0}
    start, _, _ = first_step(recipe(learning_rate=STILL, **once), data, tmp_path / "still.safetensors")
    network = start.network.train()
    network.zero_grad(set_to_none=True)
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    labels = torch.from_numpy(data.train.labels).float()
    p = torch.sigmoid(network(torch.from_numpy(data.train.onehot())))
    loss = -(labels * torch.log(p) + (1 - labels) * torch.log(1 - p)).sum() / labels.numel()
    loss.backward()

    moved, gradient, square = first_step(recipe(learning_rate=1e-3, **once), data, tmp_path / "step.safetensors")
    assert moved.state.history[0].loss == pytest.approx(float(loss.detach()), rel=1e-5)
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        size = float(parameter.grad.abs().max())
        torch.testing.assert_close(gradient[name], parameter.grad, rtol=1e-4, atol=1e-5 * size)
        torch.testing.assert_close(square[name], gradient[name] ** 2, rtol=1e-4, atol=0)
        step = 1e-3 * gradient[name] / (gradient[name].abs() + 1e-7)
        after = moved.network.get_parameter(name).detach()
        torch.testing.assert_close(after, before[name] - step, rtol=0, atol=1e-6)


PENALISED = {
    "cnn-local": {"conv1.weight", "conv2.weight", "dense1.weight"},
    "basset": {"conv1.weight", "conv2.weight", "conv3.weight", "dense1.weight", "dense2.weight"},
}


@pytest.mark.parametrize("layer1_l2", [None, 0.7])
@pytest.mark.parametrize("architecture", PENALISED)
def test_the_l2_penalty_is_on_kernels_but_the_heads(
    architecture: str, layer1_l2: float | None, codes: SequenceDataset, tmp_path: Path
) -> None:
    """The gradient with the penalty less that without equals the derivative of the penalty as written."""
    once = {"epochs": 1, "batch_size": 200, "learning_rate": STILL}
    without = recipe(architecture, "relu", l2=0.0, **once)
    with_it = recipe(architecture, "relu", l2=0.3, layer1_l2=layer1_l2, **once)
    start, plain, _ = first_step(without, codes, tmp_path / "without.safetensors")
    start.network.zero_grad(set_to_none=True)
    _, penalised, _ = first_step(with_it, codes, tmp_path / "with.safetensors")
    factors = dict.fromkeys(PENALISED[architecture], 0.3) | {"conv1.weight": layer1_l2 or 0.3}
    penalty = sum(factor * (start.network.get_parameter(name) ** 2).sum() for name, factor in factors.items())
    assert isinstance(penalty, torch.Tensor)
    penalty.backward()
    for name, parameter in start.network.named_parameters():
        expected = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        assert (name in factors) == bool(expected.any())
        # The difference of two float32 gradients is exact to their size.
        size = float(plain[name].abs().max())
        torch.testing.assert_close(penalised[name] - plain[name], expected, rtol=1e-5, atol=1e-6 * size)


def test_the_l2_penalty_reaches_into_residual_blocks(tmp_path: Path) -> None:
    """On an architecture that needs longer sequences than the packaged sets have."""
    network = build(layers("residualbind", "relu", length=400, outputs=1), 400)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    decay = {
        names[id(parameter)]: group["weight_decay"]
        for group in _optimizer(network, Training(l2=0.25)).param_groups
        for parameter in group["params"]
    }
    assert set(decay) == set(names.values())
    kernels = {f"{layer}.weight" for layer in ("conv1", "conv2", "conv3", "dense1", "residual.conv1", "residual.conv2")}
    assert {name for name, weight in decay.items() if weight} == kernels
    assert {decay[name] for name in kernels} == {0.5}


class Batches:
    """What the network is shown in training, and what its first dropout removes."""

    def __init__(self, dataset: SequenceDataset) -> None:
        self._row = {code.tobytes(): row for row, code in enumerate(dataset.train.codes)}
        assert len(self._row) == len(dataset.train)
        self.rows: list[list[int]] = []
        self.dropped: list[torch.Tensor] = []

    def __enter__(self) -> "Batches":
        self._handles = [register_module_forward_pre_hook(self._see), register_module_forward_hook(self._see_dropout)]
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles:
            handle.remove()

    def _see(self, module: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, Network) and module.training:
            shown = given[0].argmax(dim=1).to(torch.uint8).numpy()
            self.rows.append([self._row[code.tobytes()] for code in shown])

    def _see_dropout(self, module: nn.Module, given: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        # The first one follows an exponential, so an input is never 0 and a 0 is an entry that was dropped.
        if isinstance(module, nn.Dropout) and module.training and out.dim() == 3 and module.p == 0.1:
            self.dropped.append(out == 0)


def watch(dataset: SequenceDataset, path: Path, *, trial: int = 0, batch_size: int = 50) -> Batches:
    with Batches(dataset) as seen:
        run(recipe(epochs=2, batch_size=batch_size, learning_rate=STILL), dataset, path, trial=trial)
    return seen


def test_every_sequence_is_shown_once_an_epoch_the_last_batch_being_smaller(
    codes: SequenceDataset, tmp_path: Path
) -> None:
    seen = watch(codes, tmp_path / "run.safetensors")
    assert [len(batch) for batch in seen.rows] == [50, 50, 30] * 2
    for epoch in (seen.rows[:3], seen.rows[3:]):
        assert sorted(row for batch in epoch for row in batch) == list(range(130))


def test_order_and_dropout_differ_between_epochs_and_seeds(codes: SequenceDataset, tmp_path: Path) -> None:
    seen = [watch(codes, tmp_path / f"{trial}.safetensors", trial=trial) for trial in (0, 1)]
    orders = {tuple(row for batch in epoch for row in batch) for s in seen for epoch in (s.rows[:3], s.rows[3:])}
    assert len(orders) == 4
    assert tuple(range(130)) not in orders
    masks = [s.dropped[epoch * 3] for s in seen for epoch in (0, 1)]
    assert not any(torch.equal(one, other) for i, one in enumerate(masks) for other in masks[:i])
    for mask in masks:
        # 50 x 24 x 200 entries dropped with probability 0.1: five standard errors.
        assert float(mask.float().mean()) == pytest.approx(0.1, abs=5 * math.sqrt(0.09 / mask.numel()))


# Scores, rates and progress


def pooled(network: Network, split: Split) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    with torch.inference_mode():
        logits = network(torch.from_numpy(split.onehot()))
    return split.labels.ravel(), logits.double().numpy().ravel()


def test_the_score_of_a_binary_set_is_auroc_on_the_validation_split(
    undisturbed: Trained, codes: SequenceDataset
) -> None:
    labels, logits = pooled(undisturbed.network, codes.valid)
    assert undisturbed.state.history[-1].score == pytest.approx(roc_auc_score(labels, logits), abs=1e-12)


def test_the_score_of_a_multi_label_set_is_aupr_with_labels_pooled(motifs: SequenceDataset, tmp_path: Path) -> None:
    trained = run(recipe(dataset="synthetic-motifs", epochs=2), motifs, tmp_path / "run.safetensors")
    precision, recall, _ = precision_recall_curve(*pooled(trained.network, motifs.valid))
    assert trained.state.history[-1].score == pytest.approx(auc(recall, precision), abs=1e-12)


@pytest.mark.parametrize("monitor", ["auroc", "aupr"])
def test_a_score_of_predictions_that_are_not_finite_is_none(monitor: str) -> None:
    """Infinities have a place among the others, and so an area, but say nothing."""
    labels = np.array([0, 1, 0, 1], np.float32)
    logits = np.array([[3e38, -3e38, 0, 1], *([0.5, value, 0, 1] for value in (math.inf, -math.inf, math.nan))])
    found = pooled_scores(labels, logits.astype(np.float32), monitor)
    assert [math.isnan(score) for score in found] == [False, True, True, True]


def test_the_rate_of_each_epoch_follows_from_the_scores_before_it(codes: SequenceDataset, tmp_path: Path) -> None:
    impatient = recipe(epochs=40, decay_patience=1, stop_patience=4, learning_rate=1e-3, decay_margin=0.0)
    history = run(impatient, codes, tmp_path / "run.safetensors").state.history
    scores = [epoch.score for epoch in history]
    rate = 1e-3
    for number, epoch in enumerate(history):
        assert epoch.learning_rate == pytest.approx(max(rate, 1e-7), rel=1e-9)
        if number and scores[number] <= max(scores[:number]):
            rate *= 0.2
    last_best = scores.index(max(scores))
    assert len(history) == last_best + 1 + 4
    assert len(history) < 40
    assert {epoch.learning_rate for epoch in history} != {1e-3}


def test_a_lowered_rate_is_the_one_that_moves_the_weights(codes: SequenceDataset, tmp_path: Path) -> None:
    """No score rises by more than 1, so the rate falls after epoch 1, here to next to nothing."""
    falling = {"decay_patience": 1, "decay_margin": 1.0, "decay_factor": 1e-20, "decay_floor": STILL}
    networks = [
        run(recipe(epochs=epochs, **falling), codes, tmp_path / f"{epochs}.safetensors").network for epochs in (1, 2, 4)
    ]
    one, two, four = (dict(network.named_parameters()) for network in networks)
    assert all(torch.equal(two[name], four[name]) for name in two)
    assert not any(torch.equal(one[name], two[name]) for name in two)


class Calls:
    """Keeps what a run reports."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int, int, float]] = []
        self.epochs: list[tuple[int, Epoch, float]] = []

    def step(self, epoch: int, done: int, total: int, loss: float) -> None:
        self.steps.append((epoch, done, total, loss))

    def epoch(self, number: int, record: Epoch, seconds: float) -> None:
        self.epochs.append((number, record, seconds))


def test_progress_is_reported(codes: SequenceDataset, undisturbed: Trained, tmp_path: Path) -> None:
    calls = Calls()
    trained = run(recipe(), codes, tmp_path / "run.safetensors", progress=calls)
    assert_same(trained, undisturbed)
    assert [call[:3] for call in calls.steps] == [(epoch, 10, 13) for epoch in range(4)]
    assert [(number, record) for number, record, _ in calls.epochs] == list(enumerate(trained.state.history))
    seconds = [elapsed for _, _, elapsed in calls.epochs]
    assert seconds == sorted(seconds)
    assert trained.state.seconds == seconds[-1]
    for (_, _, _, loss), (_, record, _) in zip(calls.steps, calls.epochs, strict=True):
        assert loss == pytest.approx(record.loss, rel=0.5)


def test_the_result_is_the_last_epochs_network_ready_for_use(
    undisturbed: Trained, codes: SequenceDataset, tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    trained = run(recipe(), codes, path)
    stored = {name[6:]: value for name, value in load_file(path).items() if name.startswith("model.")}
    assert all(torch.equal(stored[name], value) for name, value in trained.network.state_dict().items())
    assert not any(module.training for module in trained.network.modules())
    assert {parameter.device for parameter in trained.network.parameters()} == {CPU}
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.safetensors"]


def planted(count: int, seed: int) -> Split:
    """Half of the random sequences hold the same eight letters four times: what a first layer finds easily."""
    generator = np.random.default_rng(seed)
    texts = []
    for row in range(count):
        letters = generator.choice(list("ACGT"), 200)
        if row % 2:
            for start in generator.integers((0, 50, 100, 145), (43, 93, 143, 193)):
                letters[start : start + 8] = list("TGACTCAC")
        texts.append("".join(letters))
    labels = (np.arange(count) % 2).astype(np.int8)[:, None]
    empty = Placements(*(np.zeros(0, kind) for kind in (np.int64, object, np.int64, object)))
    return Split(encode(texts), labels, empty)


@pytest.mark.parametrize("activation", ["relu", "exponential"])
def test_learning_happens(activation: str, tmp_path: Path) -> None:
    data = SequenceDataset(load_card("synthetic-codes"), planted(400, 1), planted(200, 2), planted(200, 3))
    history = run(recipe(activation=activation, epochs=12), data, tmp_path / "run.safetensors").state.history
    assert history[-1].loss < 0.5 * history[0].loss
    assert max(epoch.score for epoch in history) > 0.97


# Repeatability


def test_the_same_twice(codes: SequenceDataset, undisturbed: Trained, tmp_path: Path) -> None:
    torch.manual_seed(12345)
    assert_same(run(recipe(), codes, tmp_path / "run.safetensors"), undisturbed)


def test_another_seed_is_another_network(codes: SequenceDataset, undisturbed: Trained, tmp_path: Path) -> None:
    other = run(recipe(), codes, tmp_path / "run.safetensors", trial=1)
    assert not torch.equal(other.network.conv1.weight, undisturbed.network.conv1.weight)
    assert other.state.history != undisturbed.state.history


def test_the_callers_random_numbers_are_left_alone(codes: SequenceDataset, tmp_path: Path) -> None:
    def states() -> tuple[object, ...]:
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # type: ignore[index]

    before = states()
    run(recipe(epochs=1), codes, tmp_path / "run.safetensors")
    assert states() == before


def test_other_devices_random_numbers_are_left_alone(
    codes: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`torch.manual_seed` would seed those of every device on the machine."""
    seeded = []
    for backend in (torch.cuda, torch.xpu):
        monkeypatch.setattr(backend, "manual_seed_all", seeded.append)
    monkeypatch.setattr(torch.mps, "manual_seed", seeded.append)
    run(recipe(epochs=1), codes, tmp_path / "run.safetensors")
    assert seeded == []


def test_dropout_draws_from_the_generator_of_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of several, or the present one; its stream is the caller's again, also after an error."""
    generators = tuple(torch.Generator().manual_seed(number) for number in range(3))
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "default_generators", generators)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 2)
    monkeypatch.setattr(torch.mps, "_get_default_mps_generator", lambda: generators[0])
    for device, number in (("cuda:1", 1), ("cuda", 2), ("mps", 0)):
        before = [generator.get_state() for generator in (*generators, torch.default_generator)]
        with pytest.raises(KeyboardInterrupt), dropout_generator(torch.device(device)) as found:  # noqa: PT012
            assert found is generators[number]
            found.manual_seed(5)
            raise KeyboardInterrupt
        after = [generator.get_state() for generator in (*generators, torch.default_generator)]
        assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


# Memory

FULL = [
    "CUDA out of memory. Tried to allocate 2.00 GiB.",
    "CUDA error: out of memory",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "MPS backend out of memory (MPS allocated: 9.00 GB)",
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate "
    "4503599627370496 bytes. Error code 12 (Cannot allocate memory)",
]


def failing(monkeypatch: pytest.MonkeyPatch, where: str, said: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(said)

    monkeypatch.setattr(f"motifzoo.zoo.training.{where}", fail)


@pytest.mark.parametrize("said", FULL)
def test_a_full_device_is_one_clear_error(
    said: str, codes: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, "_train_epoch", said)
    with pytest.raises(MotifzooError) as error:
        run(recipe(), codes, tmp_path / "run")
    assert str(error.value) == (
        "cnn-local-exponential.synthetic-codes:0 does not fit in this machine's free memory. Choose a smaller "
        "batch_size in the recipe, or wait until other programs have ended."
    )


def test_what_a_full_gpu_is_answered_with() -> None:
    assert str(too_large("cnn-dist-relu.synthetic-codes:3", torch.device("cuda", 1))) == (
        "cnn-dist-relu.synthetic-codes:3 alone does not fit in the memory of cuda:1. Choose a smaller batch_size in "
        "the recipe, or train on the CPU."
    )


def test_this_machines_memory_is_refused_in_one_of_those_ways() -> None:
    with pytest.raises(RuntimeError) as error:
        torch.empty(1 << 50)
    assert is_out_of_memory(error.value)


def test_a_data_set_that_is_too_large_is_named(
    motifs: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """130 + 40 sequences of 200 nt, 20,000 times as many, with twelve labels of four bytes each."""
    many = np.broadcast_to(np.zeros(1, np.uint8), (20_000 * 170, 200))
    none = np.broadcast_to(np.zeros(1, np.int8), (20_000 * 170, 12))
    data = SequenceDataset(motifs.card, motifs.train, Split(many, none, motifs.train.placements), motifs.test)
    failing(monkeypatch, "Batches", "CUDA error: out of memory")
    for device, elsewhere in (("cpu", "a machine with more memory"), ("cuda:1", "the CPU")):
        with pytest.raises(MotifzooError) as error:
            batches_of(data, Training(), torch.device(device))
        assert str(error.value) == (
            f"data set 'synthetic-motifs' does not fit in the free memory of {device}: its sequences and labels take "
            f"843 MB, whatever the batch_size. Wait until other programs there have ended, or train on {elsewhere}."
        )


@pytest.mark.parametrize("where", ["_train_epoch", "Batches"])
def test_other_errors_are_not_taken_for_a_full_device(
    where: str, codes: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, where, "CUDA error: an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="illegal memory access"):
        run(recipe(), codes, tmp_path / "run")


# Interruptions


class KillAt:
    """Raises KeyboardInterrupt within an epoch, or once it has ended."""

    def __init__(self, epoch: int, *, within: bool) -> None:
        self._epoch, self._within = epoch, within

    def step(self, epoch: int, done: int, total: int, loss: float) -> None:
        if self._within and epoch == self._epoch:
            raise KeyboardInterrupt

    def epoch(self, number: int, record: Epoch, seconds: float) -> None:
        if not self._within and number == self._epoch:
            raise KeyboardInterrupt


@pytest.mark.parametrize("within", [True, False])
@pytest.mark.parametrize("epoch", range(4))
def test_an_interrupted_run_resumes_to_the_same_weights(
    epoch: int, within: bool, codes: SequenceDataset, undisturbed: Trained, tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(recipe(), codes, path, progress=KillAt(epoch, within=within))
    finished = epoch if within else epoch + 1
    assert path.exists() == (finished > 0)
    calls = Calls()
    assert_same(run(recipe(), codes, path, progress=calls), undisturbed)
    assert [number for number, _, _ in calls.epochs] == list(range(finished, 4))


def test_a_run_interrupted_again_and_again(codes: SequenceDataset, undisturbed: Trained, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    for epoch in range(4):
        with pytest.raises(KeyboardInterrupt):
            run(recipe(), codes, path, progress=KillAt(epoch, within=False))
    assert_same(run(recipe(), codes, path), undisturbed)


def test_a_run_that_is_stopped_early_stays_stopped(codes: SequenceDataset, tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    impatient = recipe(epochs=40, stop_patience=2, learning_rate=STILL)
    first = run(impatient, codes, path)
    assert len(first.state.history) < 40
    calls = Calls()
    assert_same(run(impatient, codes, path, progress=calls), first)
    assert calls.epochs == calls.steps == []


def test_a_run_that_diverges_ends_and_stays_ended(codes: SequenceDataset, tmp_path: Path) -> None:
    """With its first loss that is not a number, however patient the schedule is."""
    explosive = recipe(learning_rate=1e30, epochs=3)
    path = tmp_path / "run.safetensors"
    calls = Calls()
    whole = run(explosive, codes, path, progress=calls)
    assert whole.state.diverged
    assert not whole.state.schedule.stopped
    assert [math.isnan(epoch.loss) and math.isnan(epoch.score) for epoch in whole.state.history] == [True]
    assert len(calls.epochs) == 1
    again = Calls()
    resumed = run(explosive, codes, path, progress=again)
    assert again.epochs == again.steps == []
    assert resumed.state.schedule == whole.state.schedule
    assert all(
        torch.equal(left.nan_to_num(), right.nan_to_num())
        for left, right in zip(whole.network.state_dict().values(), resumed.network.state_dict().values(), strict=True)
    )


def train_until_killed(path: str, where: str) -> None:
    """In a process of its own: train, say so in the middle of epoch 2 or of writing its checkpoint, and wait."""

    def wait() -> None:
        print("now", flush=True)
        time.sleep(600)

    class Waiting(Calls):
        def step(self, epoch: int, done: int, total: int, loss: float) -> None:
            if where == "training" and epoch == 2:
                wait()

    def half_written(tensors: dict[str, torch.Tensor], file: Path, metadata: dict[str, str]) -> None:
        whole(tensors, file, metadata=metadata)
        if '"score"' in metadata["state"] and metadata["state"].count('"score"') == 3:
            os.truncate(file, file.stat().st_size // 2)
            wait()

    whole: Callable[..., None] = checkpoint.save_file
    if where == "writing":
        checkpoint.save_file = half_written
    run(recipe(), small(), Path(path), progress=Waiting())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("where", ["training", "writing"])
def test_a_killed_process_leaves_a_run_that_resumes(
    where: str, codes: SequenceDataset, undisturbed: Trained, tmp_path: Path
) -> None:
    path = tmp_path / "run.safetensors"
    code = "import runpy, sys; runpy.run_path(sys.argv[1])['train_until_killed'](*sys.argv[2:])"
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    with subprocess.Popen(
        [sys.executable, "-c", code, __file__, path, where], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    calls = Calls()
    assert_same(run(recipe(), codes, path, progress=calls), undisturbed)
    assert [number for number, _, _ in calls.epochs] == [2, 3]


# Checkpoints that cannot be used


@pytest.fixture
def finished(codes: SequenceDataset, tmp_path: Path) -> Path:
    """The checkpoint of a run of one epoch."""
    path = tmp_path / "run.safetensors"
    run(recipe(epochs=1), codes, path)
    return path


@pytest.fixture
def unfinished(codes: SequenceDataset, tmp_path: Path) -> Path:
    """The checkpoint of a run of four epochs after its first."""
    path = tmp_path / "unfinished.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(recipe(), codes, path, progress=KillAt(0, within=False))
    return path


def test_a_checkpoint_of_another_recipe(finished: Path, codes: SequenceDataset) -> None:
    other = recipe(epochs=1, l2=1e-5)
    with pytest.raises(ModelError) as error:
        run(other, codes, finished)
    assert str(error.value) == (
        f"checkpoint {finished} was made with another recipe ({recipe(epochs=1).digest[:12]}, now "
        f"{other.digest[:12]}). Train into another folder, or delete it to start over."
    )


def test_a_checkpoint_of_another_trial(finished: Path, codes: SequenceDataset) -> None:
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), codes, finished, trial=3)
    assert str(error.value) == (
        f"checkpoint {finished} was made with another trial (0, now 3). "
        "Train into another folder, or delete it to start over."
    )


def test_a_checkpoint_of_other_data(finished: Path, codes: SequenceDataset) -> None:
    other = SequenceDataset(codes.card, codes.train.subset(slice(0, 129)), codes.valid, codes.test)
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), other, finished)
    assert str(error.value) == (
        f"checkpoint {finished} was made with other data ({codes.fingerprint[:12]}, now {other.fingerprint[:12]}). "
        "Train into another folder, or delete it to start over."
    )


def test_a_checkpoint_of_another_device(unfinished: Path, codes: SequenceDataset) -> None:
    state = checkpoint.read_state(unfinished).model_copy(update={"device": "cuda (Some GPU)"})
    rewrite(unfinished, lambda tensors: tensors, state)
    with pytest.raises(ModelError) as error:
        run(recipe(), codes, unfinished)
    assert str(error.value) == (
        f"checkpoint {unfinished} was made with another device (cuda (Some GPU), now {describe_device(CPU)}). "
        "Train into another folder, or delete it to start over."
    )


def test_a_checkpoint_of_another_pytorch(unfinished: Path, codes: SequenceDataset) -> None:
    """Its kernels may round otherwise, so that the weights would be those of neither version."""
    state = checkpoint.read_state(unfinished)
    assert state.torch == torch.__version__
    rewrite(unfinished, lambda tensors: tensors, state.model_copy(update={"torch": "1.0.0"}))
    with pytest.raises(ModelError) as error:
        run(recipe(), codes, unfinished)
    assert str(error.value) == (
        f"checkpoint {unfinished} was made with another version of PyTorch (1.0.0, now {torch.__version__}). "
        "Train into another folder, or delete it to start over."
    )


@pytest.mark.parametrize("end", ["the last epoch", "an early stop", "a divergence"])
def test_a_run_that_has_ended_is_had_on_any_device_and_with_any_pytorch(
    end: str, unfinished: Path, codes: SequenceDataset
) -> None:
    """Nothing is computed any more. What it was trained with stays on record."""
    state, tensors = checkpoint.read(unfinished)
    state.device, state.torch = "cuda (Some GPU)", "1.0.0"
    if end == "the last epoch":
        state.history *= 4
    elif end == "an early stop":
        state.schedule.stopped = True
    else:
        state.history[0] = state.history[0].model_copy(update={"loss": math.nan})
    checkpoint.write(unfinished, state, tensors)
    done = run(recipe(), codes, unfinished)
    assert len(done.state.history) == len(state.history)
    assert (done.state.device, done.state.torch) == ("cuda (Some GPU)", "1.0.0")
    assert torch.equal(done.network.state_dict()["conv1.weight"], tensors["model.conv1.weight"])


def test_a_checkpoint_of_another_precision(unfinished: Path, finished: Path, codes: SequenceDataset) -> None:
    """Though it has ended: those are not the weights that were asked for."""
    for path, epochs in ((unfinished, 4), (finished, 1)):
        state = checkpoint.read_state(path).model_copy(update={"precision": "bfloat16"})
        rewrite(path, lambda tensors: tensors, state)
        with pytest.raises(ModelError) as error:
            run(recipe(epochs=epochs), codes, path)
        assert str(error.value) == (
            f"checkpoint {path} was made with another precision (bfloat16, now float32). Train into another folder, or "
            "delete it to start over."
        )


def test_a_checkpoint_from_before_the_precision_was_kept_is_float32(
    unfinished: Path, codes: SequenceDataset, undisturbed: Trained
) -> None:
    state = json.loads(checkpoint.read_state(unfinished).model_dump_json())
    assert state.pop("precision") == "float32"
    checkpoint.save_file(load_file(unfinished), unfinished, metadata={"state": json.dumps(state)})
    done = run(recipe(), codes, unfinished)
    assert_same(done, undisturbed)
    assert done.state.precision == "float32"


def test_a_checkpoint_from_before_pytorchs_version_was_kept_goes_on(
    codes: SequenceDataset, undisturbed: Trained, tmp_path: Path
) -> None:
    """And what it trained with stays unknown."""
    path = tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        run(recipe(), codes, path, progress=KillAt(1, within=False))
    state = json.loads(checkpoint.read_state(path).model_dump_json())
    del state["torch"]
    checkpoint.save_file(load_file(path), path, metadata={"state": json.dumps(state)})
    done = run(recipe(), codes, path)
    assert_same(done, undisturbed)
    assert done.state.torch is None
    assert undisturbed.state.torch == torch.__version__


def rewrite(
    path: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], state: RunState | None = None
) -> None:
    """Put a changed checkpoint in place of one."""
    kept = state or checkpoint.read_state(path)
    checkpoint.save_file(change(load_file(path)), path, metadata={"state": kept.model_dump_json()})


SPOILED: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut in its header": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "cut in its tensors": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "no safetensors": lambda path: path.write_bytes(b"\x80\x04K\x01." * 100),
    "a huge header": lambda path: path.write_bytes((2**62).to_bytes(8, "little") + b"{}"),
    "no state": lambda path: checkpoint.save_file(load_file(path), path),
    "a state with an unknown field": lambda path: checkpoint.save_file(
        load_file(path), path, metadata={"state": '{"recipe": "r", "pickle": 1}'}
    ),
}


def test_one_flipped_bit_of_a_checkpoints_tensors(finished: Path, codes: SequenceDataset) -> None:
    content = bytearray(finished.read_bytes())
    content[-100] ^= 1
    finished.write_bytes(content)
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), codes, finished)
    assert str(error.value) == (
        f"checkpoint {finished} is damaged: its content is not what was written. Delete it to start over."
    )


def facts_of(path: Path) -> dict[str, str]:
    """A checkpoint's metadata."""
    with safe_open(path, framework="pt") as handle:
        found: dict[str, str] = handle.metadata()
    return found


def test_another_number_in_a_checkpoints_state(unfinished: Path, codes: SequenceDataset) -> None:
    content = unfinished.read_bytes()
    changed = content.replace(b'learning_rate\\":0.001', b'learning_rate\\":0.009')
    assert changed != content
    unfinished.write_bytes(changed)
    with pytest.raises(ModelError) as error:
        run(recipe(), codes, unfinished)
    assert str(error.value) == (
        f"checkpoint {unfinished} is damaged: its content is not what was written. Delete it to start over."
    )


def test_a_checkpoint_with_a_hash_of_its_tensors_only(
    unfinished: Path, codes: SequenceDataset, undisturbed: Trained
) -> None:
    """As an older version wrote it: it goes on, unless a tensor is another."""
    tensors, state = load_file(unfinished), facts_of(unfinished)["state"]
    older = {"state": state, "sha256": content_hash({name: value.numpy() for name, value in tensors.items()})}
    checkpoint.save_file(tensors, unfinished, metadata=older)
    assert_same(run(recipe(), codes, unfinished), undisturbed)
    checkpoint.save_file(tensors | {"model.head.bias": torch.ones(1)}, unfinished, metadata=older)
    with pytest.raises(ModelError) as error:
        run(recipe(), codes, unfinished)
    assert str(error.value) == (
        f"checkpoint {unfinished} is damaged: its content is not what was written. Delete it to start over."
    )


@pytest.mark.parametrize("kind", ["float64", "bfloat16", "bool"])
def test_a_tensor_of_a_type_that_no_checkpoint_has(kind: str, finished: Path, codes: SequenceDataset) -> None:
    """It is refused before its bytes are hashed."""
    other = torch.zeros(1, dtype=getattr(torch, kind))
    checkpoint.save_file(load_file(finished) | {"model.head.bias": other}, finished, metadata=facts_of(finished))
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), codes, finished)
    assert str(error.value) == (
        f"checkpoint {finished} has 'model.head.bias' as {kind} (1,), and checkpoints have float32 and int64 only. "
        "Delete it to start over."
    )


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EACCES, "Permission denied"), (errno.EMFILE, "Too many open files")]
)
def test_a_checkpoint_that_cannot_be_read_now_is_not_to_be_deleted(
    number: int, said: str, finished: Path, codes: SequenceDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Path.open

    def refuse(path: Path, *given: Any, **more: Any) -> Any:
        if path == finished:
            raise OSError(number, os.strerror(number), str(path))
        return whole(path, *given, **more)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), codes, finished)
    assert str(error.value) == (
        f"cannot read checkpoint {finished}: {said}. It may be whole: try again when it can be read."
    )


def test_a_history_that_is_longer_than_the_training_ends_it(finished: Path, codes: SequenceDataset) -> None:
    """Alone and in a stack: an epoch more would never be the last."""
    state, tensors = checkpoint.read(finished)
    longer = state.model_copy(update={"history": state.history * 3})
    checkpoint.write(finished, longer, tensors)
    assert len(run(recipe(epochs=1), codes, finished).state.history) == 3
    one = recipe(epochs=1)
    checkpoint.write(finished.with_name(f"{one.name}.trial-0.safetensors"), longer, tensors)
    (done,) = train_stack([(one, 0)], codes, device=CPU, checkpoint_dir=finished.parent)
    assert len(done.trained.state.history) == 3


@pytest.mark.parametrize("how", SPOILED)
def test_a_spoiled_checkpoint(how: str, finished: Path, codes: SequenceDataset) -> None:
    SPOILED[how](finished)
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), codes, finished)
    assert str(error.value) == (
        f"{finished} is not a readable training checkpoint. Delete it to train this trial from the start."
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: {name: value for name, value in tensors.items() if name != "model.head.bias"},
        lambda tensors: tensors | {"model.other.weight": torch.zeros(3)},
        lambda tensors: tensors | {"model.head.bias": torch.zeros(2)},
    ],
)
def test_a_checkpoint_with_other_tensors(
    change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], finished: Path, codes: SequenceDataset
) -> None:
    rewrite(finished, change)
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), codes, finished)
    assert str(error.value).startswith(f"checkpoint {finished} does not fit this network: ")


def test_a_recipe_of_another_data_set(codes: SequenceDataset, tmp_path: Path) -> None:
    """That shows before its network is found not to fit."""
    other = recipe("basset", "relu", "basset-dnase164")
    with pytest.raises(ModelError) as error:
        run(other, codes, tmp_path / "run.safetensors")
    assert str(error.value) == "recipe 'basset-relu.basset-dnase164' is for another data set than 'synthetic-codes'."


def test_a_default_device_changes_nothing(
    codes: SequenceDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where a network starts nor the order of its sequences, both of which are drawn on the CPU."""
    orders = []

    def see(network: Network, optimizer: object, batches: object, order: torch.Tensor, *_: object) -> float:
        orders.append(order)
        assert {value.device for value in network.state_dict().values()} == {CPU}
        return 0.5

    monkeypatch.setattr("motifzoo.zoo.training._train_epoch", see)
    monkeypatch.setattr(checkpoint, "save", lambda *_: None)
    expected = run(recipe(epochs=2), codes, tmp_path / "run")
    with torch.device("meta"):
        found = run(recipe(epochs=2), codes, tmp_path / "run")
    assert_same(found, expected)
    assert all(torch.equal(one, other) for one, other in zip(orders[:2], orders[2:], strict=True))


@pytest.mark.parametrize("empty", ["train", "valid"])
def test_a_data_set_without_sequences_to_train_on(empty: str, codes: SequenceDataset, tmp_path: Path) -> None:
    splits = {
        name: codes.split(name).subset(slice(0, 0 if name == empty else 20)) for name in ("train", "valid", "test")
    }
    with pytest.raises(DataError) as error:
        run(recipe(), SequenceDataset(codes.card, **splits), tmp_path / "run.safetensors")
    assert str(error.value) == "data set 'synthetic-codes' needs training and validation sequences."


@pytest.mark.parametrize("sequences", [1, 50])
def test_batches_of_one_are_refused_before_training(sequences: int, codes: SequenceDataset, tmp_path: Path) -> None:
    """A batch of one has no variance."""
    few = SequenceDataset(codes.card, codes.train.subset(slice(0, sequences)), codes.valid, codes.test)
    batch_size = 100 if sequences == 1 else 1
    with pytest.raises(DataError) as error:
        run(recipe(batch_size=batch_size), few, tmp_path / "run")
    assert str(error.value) == (
        f"{sequences} training sequences in batches of {batch_size}: batch normalisation needs at least two sequences "
        "at once. Choose a larger batch_size in the recipe."
    )
    assert not (tmp_path / "run").exists()


def test_a_last_batch_of_one_joins_the_one_before() -> None:
    sizes = [len(chunk) for chunk in in_batches(torch.arange(101), 50)]
    assert sizes == [50, 51]
    assert [len(chunk) for chunk in in_batches(torch.arange(102), 50)] == [50, 50, 2]
    assert torch.equal(torch.cat(in_batches(torch.arange(101), 50)), torch.arange(101))


def seen_in_an_epoch(recipe: Recipe, dataset: SequenceDataset, path: Path) -> list[str]:
    """Every sequence that the network is given while it trains, in order."""
    seen: list[str] = []

    def look(module: nn.Module, given: tuple[Any, ...]) -> None:
        if isinstance(module, Network) and module.training:
            seen.extend(decode(from_onehot(given[0].numpy())))

    handle = register_module_forward_pre_hook(look)
    try:
        run(recipe, dataset, path)
    finally:
        handle.remove()
    return seen


def test_reverse_complements_are_added_to_the_training_sequences(codes: SequenceDataset, tmp_path: Path) -> None:
    plain = decode(codes.train.codes)
    opposite = decode(reverse_complement(codes.train.codes))
    assert sorted(seen_in_an_epoch(recipe(epochs=1), codes, tmp_path / "plain")) == sorted(plain)
    seen = seen_in_an_epoch(recipe(epochs=1, reverse_complements=True), codes, tmp_path / "both")
    assert sorted(seen) == sorted(plain + opposite)
    assert seen not in (plain + opposite, sorted(seen))  # and in one shuffled order


def test_a_reverse_complement_has_the_label_of_its_sequence(codes: SequenceDataset, tmp_path: Path) -> None:
    """A set with its opposite strands added by hand starts from the same loss as one that adds them itself."""
    doubled = Split(
        np.concatenate([codes.train.codes, reverse_complement(codes.train.codes)]),
        np.concatenate([codes.train.labels, codes.train.labels]),
        codes.train.placements,
    )
    by_hand = SequenceDataset(codes.card, doubled, codes.valid, codes.test)
    one = run(recipe(epochs=2, reverse_complements=True), codes, tmp_path / "one")
    other = run(recipe(epochs=2), by_hand, tmp_path / "other")
    assert_same(one, other)


def test_sequences_that_stay_on_disk_train_the_same_weights(codes: SequenceDataset, tmp_path: Path) -> None:
    sizes = {"train": 130, "valid": 40, "test": 30}
    card = codes.card.model_copy(update={"splits": sizes, "fingerprint": codes.fingerprint})
    write_splits(card, codes.splits(), tmp_path / "data")
    mapped = open_splits(card, tmp_path / "data", mapped=True)
    assert isinstance(mapped.train.codes, MappedCodes)
    settings = recipe(epochs=2, reverse_complements=True)
    assert_same(run(settings, mapped, tmp_path / "mapped"), run(settings, codes, tmp_path / "memory"))


def test_a_checkpoint_without_adams_state_is_refused(finished: Path, codes: SequenceDataset) -> None:
    lost = "adam.conv1.weight.exp_avg"
    rewrite(finished, lambda tensors: {name: value for name, value in tensors.items() if name != lost})
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), codes, finished)
    assert str(error.value) == f"checkpoint {finished} lacks Adam's state of 'conv1.weight'. Delete it to start over."


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "adam.head.bias.exp_avg",
            torch.zeros(2),
            "has 'adam.head.bias.exp_avg' as float32 (2,), which must be float32 (1,).",
        ),
        (
            "adam.head.bias.exp_avg_sq",
            torch.zeros(1, dtype=torch.float64),
            "has 'adam.head.bias.exp_avg_sq' as float64 (1,), which must be float32 (1,).",
        ),
        ("adam.head.bias.step", torch.zeros(1), "has 'adam.head.bias.step' as float32 (1,), which must be float32 ()."),
        ("adam.head.bias.step", torch.tensor(3), "has 'adam.head.bias.step' as int64 (), which must be float32 ()."),
        ("adam.head.bias.step", torch.tensor(math.nan), "counts nan steps of 'head.bias'."),
        ("adam.head.bias.step", torch.tensor(-1.0), "counts -1 steps of 'head.bias'."),
        ("adam.head.bias.step", torch.tensor(0.5), "counts 0.5 steps of 'head.bias'."),
        (
            "model.head.bias",
            torch.zeros(1, dtype=torch.float16),
            "has 'model.head.bias' as float16 (1,), which must be float32 (1,).",
        ),
    ],
)
def test_tensors_that_do_not_belong_to_the_network_are_refused(
    name: str, value: torch.Tensor, message: str, finished: Path, codes: SequenceDataset
) -> None:
    rewrite(finished, lambda tensors: tensors | {name: value})
    with pytest.raises(ModelError) as error:
        run(recipe(epochs=1), codes, finished)
    assert str(error.value) == f"checkpoint {finished} {message} Delete it to start over."
