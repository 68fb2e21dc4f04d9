"""A stack on another device than the host's, with tensors that have a device and a shape, but no numbers.

Such a tensor refuses to be read, and to meet one of the host: what would make a GPU wait for the host, or fail on it,
fails here, where there is no GPU.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from motifzoo.data_cards import rows as rows_module
from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.data_cards.onehot import decode
from motifzoo.data_cards.rows import MappedCodes
from motifzoo.zoo import batches
from motifzoo.zoo.arrangements import Batched
from motifzoo.zoo.batches import Batches
from motifzoo.zoo.dropout import Draws
from motifzoo.zoo.recipe import packaged
from motifzoo.zoo.stacked_epoch import Data, Precision, Stack, Turn
from motifzoo.zoo.stacked_run import Run
from motifzoo.zoo.training import _train_epoch, starting_network, validation_score

ELSEWHERE = torch.device("meta")
SEQUENCES = 12
ONEHOT = (4, 200)
GRIDS = [
    ("cnn-local", "synthetic-codes"),
    ("cnn-dist", "synthetic-codes"),
    ("cnn-2", "synthetic-motifs"),
    ("cnn-50", "synthetic-motifs"),
    ("cnn-deep", "synthetic-motifs"),
    ("cnn-deep", "dhs-4cell"),
    ("residualbind", "chip-irf1"),
]


def random_data(name: str) -> SequenceDataset:
    card = load_card(name)
    split = Split(
        np.random.default_rng(0).integers(0, 4, (SEQUENCES, card.length)).astype(np.uint8),
        np.zeros((SEQUENCES, len(card.classes)), np.int8),
        no_placements(),
    )
    return SequenceDataset(card, split, split, split)


def on_disk(split: Split) -> Split:
    """The same, its sequences as a memory-mapped file has them."""
    assert isinstance(split.codes, np.ndarray)
    return Split(MappedCodes(pa.chunked_array([pa.array(decode(split.codes))])), split.labels, split.placements)


@pytest.fixture(params=["in memory", "on disk", "on disk, with room on the device"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the sequences are."""
    monkeypatch.setattr(batches, "_has_room", lambda *_: request.param.endswith("with room on the device"))
    where: str = request.param
    return where


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
@pytest.mark.parametrize(("architecture", "dataset"), GRIDS)
def test_a_step_stays_on_its_device(architecture: str, dataset: str, precision: Precision, tmp_path: Path) -> None:
    """Every activation of a grid at once, both strands, before and after some of the replicas have ended."""
    recipes = {
        recipe.activation: recipe
        for recipe in packaged().values()
        if (recipe.architecture, recipe.dataset) == (architecture, dataset) and not recipe.training.shuffled_labels
    }
    host = random_data(dataset)
    runs = [Run(recipes[name], 0, host, torch.device("cpu"), tmp_path) for name in sorted(recipes)]
    for run in runs:
        run.load()
    data = Data(Batches(host.train, ELSEWHERE, reverse_complements=True), Batches(host.valid, ELSEWHERE), "aupr")
    replicas, settings = [run.replica() for run in runs], runs[0].recipe.training
    stack = Stack(replicas, data, settings, Batched(), ELSEWHERE, precision)
    assert len(stack.state) == len(recipes) >= 7
    for kept in (range(len(recipes)), (0, 2, 3)):
        stack.keep(kept)
        rows = torch.arange(SEQUENCES, device=ELSEWHERE).expand(len(kept), -1)
        rates = torch.zeros(len(kept), 1, dtype=torch.float64, device=ELSEWHERE)
        onehot = data.training.onehot(rows.flatten()).unflatten(0, rows.shape)
        draws = Draws([torch.Generator() for _ in kept])
        losses = stack.backward(onehot, data.training.targets(rows), draws)
        stack.state.step(rates)
        assert losses.shape == (len(kept),)
        assert {losses.device, stack.state.weights.device} == {ELSEWHERE}
        assert all(average.device == ELSEWHERE for average in stack.state.averages.values())


@pytest.mark.parametrize("opposite", [False, True])
def test_batches_stay_on_their_device(where: str, opposite: bool) -> None:
    """Row numbers too, wherever the sequences are read: none are asked for again."""
    split = random_data("dhs-4cell").train
    found = Batches(split if where == "in memory" else on_disk(split), ELSEWHERE, reverse_complements=opposite)
    assert found.rows_on == (torch.device("cpu") if where == "on disk" else ELSEWHERE)
    rows = torch.arange(len(found), device=found.rows_on)
    onehot, targets = found.onehot(rows), found.targets(rows.unflatten(0, (2, -1)))
    assert (onehot.device, onehot.shape) == (ELSEWHERE, (len(found), *ONEHOT))
    assert (targets.device, targets.shape) == (ELSEWHERE, (2, len(found) // 2, 4))


def test_batches_are_the_same_wherever_the_sequences_are(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a device that gets them a few at a time."""
    monkeypatch.setattr(batches, "blocks", lambda codes: rows_module.blocks(codes, 5))
    split = random_data("dhs-4cell").train
    rows = torch.randperm(2 * SEQUENCES, generator=torch.Generator().manual_seed(0))
    expected, found = (
        Batches(given, torch.device("cpu"), reverse_complements=True)
        for given in (split, split if where == "in memory" else on_disk(split))
    )
    assert torch.equal(found.onehot(rows), expected.onehot(rows))
    assert torch.equal(found.targets(rows), expected.targets(rows))


def test_a_gpu_has_room_for_sequences_that_take_less_than_half_of_what_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: {"cuda:1": (1000, 4000)}[str(device)])
    gpu = torch.device("cuda", 1)
    assert [batches._has_room(gpu, size) for size in (499, 500, 2000)] == [True, False, False]
    assert not batches._has_room(torch.device("cpu"), 1)


class Made(TorchDispatchMode):
    """The types of what was computed on the device."""

    def __init__(self) -> None:
        super().__init__()
        self.types: set[torch.dtype] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.types |= {leaf.dtype for leaf in tree_leaves(out) if torch.is_tensor(leaf) and leaf.device == ELSEWHERE}
        return out


def test_a_network_alone_is_scored_without_float64_on_its_device(where: str) -> None:
    """Apple's GPUs have none."""
    recipe, host = packaged()["cnn-50-relu.synthetic-motifs"], random_data("synthetic-motifs")
    network = starting_network(recipe, 0, host).to(ELSEWHERE)
    validation = Batches(host.valid if where == "in memory" else on_disk(host.valid), ELSEWHERE)
    with Made() as made, pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        validation_score(network, validation, "aupr")
    assert torch.float32 in made.types
    assert torch.float64 not in made.types


def test_what_is_read_back_are_an_epochs_losses_and_its_scores(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the other tests here rely on: reading back is noticed."""
    recipe, host = packaged()["cnn-50-relu.synthetic-motifs"], random_data("synthetic-motifs")
    run = Run(recipe, 0, host, torch.device("cpu"), tmp_path)
    run.load()
    split = host.train if where == "in memory" else on_disk(host.train)
    data = Data(Batches(split, ELSEWHERE), Batches(split, ELSEWHERE), "aupr")
    settings = recipe.training.model_copy(update={"batch_size": 5})
    stack = Stack([run.replica()], data, settings, Batched(), ELSEWHERE)
    steps = []
    host_generator = torch.Generator
    monkeypatch.setattr(torch, "Generator", lambda *device: host_generator())
    with pytest.raises((NotImplementedError, RuntimeError), match="meta tensor"):
        stack.epoch([Turn(0, 1e-3)], lambda done, total: steps.append((done, total)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        stack.scores()
    with pytest.raises(RuntimeError, match="device"):
        data.training.labels + torch.zeros(SEQUENCES, 1)


def test_what_a_network_alone_reads_back_is_its_epochs_loss(where: str) -> None:
    recipe, host = packaged()["cnn-50-relu.synthetic-motifs"], random_data("synthetic-motifs")
    network, shown = starting_network(recipe, 0, host).to(ELSEWHERE), []
    network.register_forward_pre_hook(lambda _, given: shown.append(len(given[0])))
    data = Batches(host.train if where == "in memory" else on_disk(host.train), ELSEWHERE)
    optimizer = torch.optim.SGD(network.parameters())
    with pytest.raises((NotImplementedError, RuntimeError), match="meta tensor"):
        _train_epoch(network, optimizer, data, torch.arange(SEQUENCES), 0, 5, None)
    assert shown == [5, 5, 2]
