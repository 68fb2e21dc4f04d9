"""A stack on another device than the host's, with tensors that have a device and a shape, but no numbers.

Such a tensor refuses to be read, and to meet one of the host: what would make a GPU wait for the host, or fail on it,
fails here, where there is no GPU.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.zoo.arrangements import Batched
from motifzoo.zoo.batches import Batches
from motifzoo.zoo.dropout import Draws
from motifzoo.zoo.recipe import packaged
from motifzoo.zoo.stacked_epoch import Data, Precision, Stack
from motifzoo.zoo.stacked_run import Run

ELSEWHERE = torch.device("meta")
SEQUENCES = 12
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


def test_the_first_thing_that_is_read_back_is_an_epochs_scores(tmp_path: Path) -> None:
    """What the other tests here rely on: reading back is noticed."""
    recipe, host = packaged()["cnn-50-relu.synthetic-motifs"], random_data("synthetic-motifs")
    run = Run(recipe, 0, host, torch.device("cpu"), tmp_path)
    run.load()
    data = Data(Batches(host.train, ELSEWHERE), Batches(host.valid, ELSEWHERE), "aupr")
    stack = Stack([run.replica()], data, recipe.training, Batched(), ELSEWHERE)
    with pytest.raises(NotImplementedError, match="Cannot copy out of meta tensor"):
        stack.scores()
    with pytest.raises(RuntimeError, match="device"):
        data.training.labels + torch.zeros(SEQUENCES, 1)
