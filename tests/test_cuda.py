"""On a CUDA device: what is trained, exported and scored there, against the CPU and against PyTorch's own layers.

PyTorch's settings are left at their defaults, by which a GPU convolves in TF32, to see that nobody has to change them.
"""

import copy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

import motifzoo
from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.data_cards.onehot import to_onehot
from motifzoo.evaluate.benchmark import evaluate_trial
from motifzoo.evaluate.classification import predict
from motifzoo.evaluate.doctor import examine
from motifzoo.evaluate.drift import drifts
from motifzoo.evaluate.golden import compute
from motifzoo.evaluate.leaderboard.submission.smoke import tiny_dataset
from motifzoo.evaluate.leaderboard.verification.compare import differing
from motifzoo.zoo.architectures import layers
from motifzoo.zoo.arrangements import Arrangement, Batched, Grouped
from motifzoo.zoo.builder import Network, build, initialise
from motifzoo.zoo.device import describe_device
from motifzoo.zoo.dropout import Draws
from motifzoo.zoo.golden import read_golden
from motifzoo.zoo.layers import Dropout, Layer
from motifzoo.zoo.recipe import Recipe, Training
from motifzoo.zoo.schedule import Epoch
from motifzoo.zoo.sources import find
from motifzoo.zoo.stacked import train_stack
from motifzoo.zoo.stacked_epoch import Data, Precision, Replica, Stack
from motifzoo.zoo.stacked_state import fresh_tensors
from motifzoo.zoo.training import Trained, train, weight_decays

DEVICE = torch.device("cuda")
CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device on this machine")

MODELS = ["cnn-local-relu.synthetic-codes", "cnn-deep-exponential.synthetic-motifs", "residualbind-relu.chip-irf1"]


def settings_of_the_process() -> tuple[object, ...]:
    """Those that decide how products round."""
    backends: Any = torch.backends
    products = backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn
    return (*(one.fp32_precision for one in products), backends.cudnn.deterministic, backends.cudnn.benchmark)


@pytest.fixture(autouse=True)
def settings_stay() -> Iterator[None]:
    """Whatever is done here, the process rounds afterwards as before: by default in TF32."""
    before = settings_of_the_process()
    assert before == ("none", "tf32", "tf32", False, False)
    yield
    assert settings_of_the_process() == before


# Training


def planted(count: int, seed: int) -> Split:
    """Half of the random sequences hold the same eight letters four times."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 4, (count, 200)).astype(np.uint8)
    for row in range(1, count, 2):
        for start in generator.integers((0, 50, 100, 145), (43, 93, 143, 193)):
            codes[row, start : start + 8] = [3, 2, 0, 1, 3, 1, 0, 1]
    return Split(codes, (np.arange(count) % 2).astype(np.int8)[:, None], no_placements())


def small_data() -> SequenceDataset:
    """41 training sequences: batches of 10, the last of 11."""
    return SequenceDataset(load_card("synthetic-codes"), planted(41, 1), planted(30, 2), planted(2, 3))


def recipe(activation: str = "relu", architecture: str = "cnn-local", **training: Any) -> Recipe:
    chosen = Training.model_validate({"epochs": 1, "batch_size": 10} | training)
    return Recipe(
        architecture=architecture, activation=activation, dataset="synthetic-codes", trials=1, training=chosen
    )


Runs = Sequence[tuple[Recipe, int]]
Results = dict[tuple[str, int], Trained]


def run(runs: Runs, folder: Path, **options: Any) -> Results:
    """All results of a stack by model and trial."""
    found = train_stack(runs, small_data(), device=DEVICE, checkpoint_dir=folder, **options)
    return {(done.recipe.name, done.trial): done.trained for done in found}


def assert_close(one: Trained, other: Trained, steps: int) -> None:
    """Equal but for rounding and what it may lead to within so many steps.

    Adam moves a weight whose gradient is nothing but rounding by up to the learning rate, 1e-3, so single weights may
    be that far apart for each step; on average they are within a hundredth of it. Another batch, mask or order moves
    all by whole steps.
    """
    left, right = one.network.state_dict(), other.network.state_dict()
    assert list(left) == list(right)
    for name in left:
        assert left[name].device == right[name].device == CPU
        apart = (left[name].double() - right[name].double()).abs() / (1.0 + right[name].double().abs())
        assert float(apart.max()) <= 1e-3 * steps, name
        assert float(apart.mean()) <= 1e-5 * steps, name
    assert len(one.state.history) == len(other.state.history)
    for a, b in zip(one.state.history, other.state.history, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-4 * steps)
        assert a.learning_rate == b.learning_rate


def without_dropout(described: Sequence[Layer]) -> tuple[Layer, ...]:
    """A stack on a GPU has draws of its own, so it can be compared with a network alone only without."""
    return tuple(layer for layer in described if not isinstance(layer, Dropout))


@pytest.mark.parametrize("arrangement", [Grouped(), Batched()], ids=["grouped", "batched"])
@pytest.mark.parametrize(("architecture", "length"), [("cnn-dist", 200), ("cnn-deep", 200), ("residualbind", 400)])
def test_the_first_steps_of_a_stack_are_those_of_each_network(
    architecture: str, length: int, arrangement: Arrangement
) -> None:
    """In float64, against PyTorch's layers and its Adam on the same device: weights, moments and running averages."""
    settings = [Training(), Training(learning_rate=1e-2, l2=0.1), Training(learning_rate=3e-3, layer1_l2=0.5)]
    networks = []
    for seed, activation in enumerate(("exponential", "tanh", "tanh")):
        described = without_dropout(layers(architecture, activation, length=length, outputs=3))
        network = build(described, length)
        initialise(network, torch.Generator().manual_seed(seed))
        networks.append(network.double())
    stack = stack_of(networks, arrangement, settings)
    alone = [network.to(DEVICE).train() for network in networks]
    optimizers = [adam(network, training) for network, training in zip(alone, settings, strict=True)]
    rates = torch.tensor([[training.learning_rate] for training in settings], dtype=torch.float64, device=DEVICE)
    draws = Draws([torch.Generator(DEVICE) for _ in networks])
    for step in range(4):
        onehot, labels = batch_of(len(networks), length, step)
        losses = stack.backward(onehot, labels, draws)
        stack.state.step(rates)
        for number, (network, optimizer) in enumerate(zip(alone, optimizers, strict=True)):
            optimizer.zero_grad()
            loss = binary_cross_entropy_with_logits(network(onehot[number]), labels[number])
            loss.backward()
            optimizer.step()
            assert float(losses[number]) == pytest.approx(loss.item(), rel=1e-9)
    for tensors, network, optimizer in zip(stack.state.replicas(), alone, optimizers, strict=True):
        expected = {f"model.{name}": value for name, value in network.state_dict().items()}
        for name, parameter in network.named_parameters():
            expected |= {f"adam.{name}.{key}": value for key, value in optimizer.state[parameter].items()}
        assert tensors.keys() == expected.keys()
        for name, value in expected.items():
            size = float(value.abs().max())
            torch.testing.assert_close(tensors[name], value.cpu(), rtol=1e-7, atol=1e-7 * size, msg=name)


def stack_of(networks: Sequence[Network], arrangement: Arrangement, settings: Sequence[Training]) -> Stack:
    """A stack of untrained networks on the CPU, without data."""
    replicas = [
        Replica(network, fresh_tensors(network), weight_decays(network, training), seed)
        for seed, (network, training) in enumerate(zip(networks, settings, strict=True))
    ]
    return Stack(replicas, Data(None, None, "auroc"), settings[0], arrangement, DEVICE)  # type: ignore[arg-type]


def adam(network: Network, settings: Training) -> torch.optim.Adam:
    decays: Mapping[str, float] = weight_decays(network, settings)
    return torch.optim.Adam(
        [{"params": [parameter], "weight_decay": decays[name]} for name, parameter in network.named_parameters()],
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.eps,
    )


def batch_of(replicas: int, length: int, seed: int, rows: int = 4) -> tuple[Tensor, Tensor]:
    """A batch of its own for each replica: one-hot float64 `(R, rows, 4, length)` and labels `(R, rows, 3)`."""
    generator = np.random.default_rng(seed)
    onehot = to_onehot(generator.integers(0, 4, (replicas * rows, length)).astype(np.uint8))
    labels = torch.from_numpy(generator.integers(0, 2, (replicas, rows, 3))).double()
    return torch.from_numpy(onehot).double().unflatten(0, (replicas, rows)).to(DEVICE), labels.to(DEVICE)


@pytest.mark.parametrize("architecture", ["cnn-local", "cnn-dist"])
def test_an_epoch_in_a_stack_is_an_epoch_alone(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the data to the checkpoint, in float32; deeper networks make more of rounding within four steps."""
    described = Recipe.layers
    monkeypatch.setattr(Recipe, "layers", lambda recipe: without_dropout(described(recipe)))
    wanted = [(recipe(activation, architecture), trial) for activation in ("relu", "exponential") for trial in (0, 1)]
    together = run(wanted, tmp_path / "together")
    for item, trial in wanted:
        path = tmp_path / f"{item.name}.{trial}"
        alone = train(item, trial, small_data(), device=DEVICE, checkpoint_path=path)
        assert_close(together[item.name, trial], alone, 4)


@pytest.mark.parametrize("architecture", ["cnn-local", "cnn-dist"])
def test_a_replica_does_not_depend_on_how_many_others_there_are(architecture: str, tmp_path: Path) -> None:
    """Dropout included: each replica has its own draws."""
    wanted = [(recipe("relu", architecture), trial) for trial in range(5)]
    five = run(wanted, tmp_path / "five")
    assert len(five) == 5
    for width in (1, 2):
        some = run(wanted[:3], tmp_path / f"{width}", width=width)
        for key, trained in some.items():
            assert_close(trained, five[key], 4)
    first, second = (five[wanted[0][0].name, trial].network.state_dict()["conv1.weight"] for trial in (0, 1))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("precision", ["tf32", "bfloat16"])
def test_faster_products_stay_near_float32(precision: Precision, tmp_path: Path) -> None:
    """And are over when training is: `settings_stay`."""
    if DEVICE.type != "cuda":
        pytest.skip("a CPU has float32 only")
    (full,) = run([(recipe(), 0)], tmp_path / "full").values()
    (fast,) = run([(recipe(), 0)], tmp_path / "fast", precision=precision).values()
    assert fast.state.history[0].loss == pytest.approx(full.state.history[0].loss, rel=0.05)


# Interruptions

FOUR = [(recipe(activation, epochs=3), trial) for activation in ("relu", "exponential") for trial in (0, 1)]
STEPS = 3 * 4


class Interrupt:
    """Ctrl-C once so many epochs have been reported."""

    def __init__(self, after: int) -> None:
        self._left = after

    def epoch(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt

    def overall(self, done: float, to_go: float, left: float) -> None:
        pass

    def step(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(FOUR, tmp_path_factory.mktemp("undisturbed"))


def test_an_interrupted_stack_goes_on_where_it_was(undisturbed: Results, tmp_path: Path) -> None:
    for after in (1, 6):
        with pytest.raises(KeyboardInterrupt):
            run(FOUR, tmp_path / f"{after}", progress=Interrupt(after), checkpoint_seconds=0.0)
        assert_all_close(run(FOUR, tmp_path / f"{after}"), undisturbed)


class Waiting:
    """Says so when an epoch is over, and waits."""

    def epoch(self, recipe: Recipe, trial: int, number: int, record: Epoch, seconds: float) -> None:
        print("now", flush=True)
        time.sleep(600)

    def overall(self, done: float, to_go: float, left: float) -> None:
        pass


def train_until_killed(folder: str) -> None:
    """In a process of its own."""
    run(FOUR, Path(folder), progress=Waiting(), checkpoint_seconds=0.0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_leaves_a_stack_that_resumes(undisturbed: Results, tmp_path: Path) -> None:
    code = "import runpy, sys; runpy.run_path(sys.argv[1])['train_until_killed'](sys.argv[2])"
    with subprocess.Popen(
        [sys.executable, "-c", code, __file__, tmp_path], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGKILL)
    assert_all_close(run(FOUR, tmp_path), undisturbed)


def assert_all_close(found: Results, expected: Results) -> None:
    assert found.keys() == expected.keys()
    for key, trained in expected.items():
        assert_close(found[key], trained, STEPS)


def test_a_network_alone_goes_on_where_it_was(tmp_path: Path) -> None:
    wanted, data = recipe(epochs=3), small_data()
    expected = train(wanted, 0, data, device=DEVICE, checkpoint_path=tmp_path / "expected")
    path, stop = tmp_path / "interrupted", Interrupt(1)
    with pytest.raises(KeyboardInterrupt):
        train(wanted, 0, data, device=DEVICE, checkpoint_path=path, progress=stop)
    assert_close(train(wanted, 0, data, device=DEVICE, checkpoint_path=path), expected, STEPS)


# Export


def test_a_network_on_the_device_is_exported_as_it_computes_in_float32(tmp_path: Path) -> None:
    """Wide enough for TF32 to be told from float32, where the device has it."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv1d(4, 64, 19, padding="same"),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Conv1d(64, 64, 9, padding="same"),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(64, 1),
    )
    with torch.no_grad():
        model[-1].weight.mul_(100)  # outputs large enough to be compared with themselves rather than with 1
    x = torch.from_numpy(to_onehot(planted(9, 0).codes))
    with torch.inference_mode():
        expected = copy.deepcopy(model).eval()(x)
    model.to(DEVICE).train()
    config = motifzoo.export(
        model, tmp_path / "model", name="wide-relu.synthetic-codes", dataset="synthetic-codes", device="somewhere"
    )
    assert config.trials[0].device == "somewhere"
    assert all(parameter.device.type == DEVICE.type for parameter in model.parameters())
    assert all(module.training for module in model.modules())
    with torch.inference_mode():
        found = motifzoo.load(str(tmp_path / "model"))(x)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


# Scores


@pytest.mark.parametrize("name", MODELS)
def test_predictions_are_those_of_the_cpu(name: str) -> None:
    network = motifzoo.load(name)
    codes = np.random.default_rng(0).integers(0, 4, (40, network.input_shape[1])).astype(np.uint8)
    expected = predict(network, codes)
    here = motifzoo.load(name, str(DEVICE))
    assert next(here.parameters()).device.type == DEVICE.type
    np.testing.assert_allclose(predict(here, codes), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", MODELS)
def test_golden_values_are_the_same_but_for_rounding(name: str) -> None:
    """Logits, filter matrices and all attributions, within the limits that `motifzoo doctor` has."""
    source = find(name)
    golden = read_golden(source.folder, source.config)
    assert golden is not None
    here, left_out = compute(motifzoo.load(name, str(DEVICE)), golden.codes)
    found = drifts(golden, here, left_out, describe_device(DEVICE), golden.facts.versions)
    assert [(drift.quantity, drift.size, drift.limit, drift.reason) for drift in found if drift.beyond] == []
    assert {drift.quantity for drift in found} == golden.arrays.keys()


def test_doctor_finds_this_device_well() -> None:
    report = examine([find(name) for name in MODELS])
    assert [one.text for one in report.findings if one.subject == "golden values" and one.level == "problem"] == []
    assert {drift.device for drift in report.drifts} == {describe_device(CPU), describe_device(DEVICE)}
    assert {drift.model for drift in report.drifts} == set(MODELS)


@pytest.mark.parametrize("name", ["cnn-local-relu.synthetic-codes", "cnn-local-exponential.synthetic-codes"])
def test_every_score_agrees_with_the_cpus(name: str, tmp_path: Path) -> None:
    """Within the metric table's tolerances, by which a claim counts as recomputed."""
    source, tiny = find(name), tiny_dataset("synthetic-codes")
    there, here = (
        evaluate_trial(source, tmp_path / device, dataset=tiny, device=device).result for device in ("cpu", str(DEVICE))
    )
    assert {metric.partition("/")[0] for metric in here.metrics} == {"classification", "filters", "attribution"}
    assert differing(there.metrics, here.metrics, counts(there.n), counts(here.n)) == ()
    assert here.stamps.device == describe_device(DEVICE)


def counts(n: Mapping[str, int | None]) -> dict[str, int]:
    return {name: value for name, value in n.items() if value is not None}
