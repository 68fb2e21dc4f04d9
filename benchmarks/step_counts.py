"""What one training step of a whole grid in one stack asks of a GPU, counted without one.

Run `python benchmarks/step_counts.py`. The step runs on tensors that have a shape and no numbers; every operation that
reaches the device is counted with the bytes it reads and writes. Times are what the two limits of a device allow for
that, never what it takes: `--tflops` and `--terabytes` say what the device does in a second (default: an H200's float32
and memory bandwidth).
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.zoo.arrangements import Batched
from motifzoo.zoo.batches import Batches
from motifzoo.zoo.dropout import AHEAD, Draws
from motifzoo.zoo.recipe import packaged
from motifzoo.zoo.stacked_epoch import Data, Stack
from motifzoo.zoo.stacked_run import Run

DEVICE = torch.device("meta")
GRIDS = [
    ("synthetic-motifs", "cnn-2"),
    ("synthetic-motifs", "cnn-50"),
    ("synthetic-motifs", "cnn-deep"),
    ("synthetic-codes", "cnn-local"),
    ("synthetic-codes", "cnn-dist"),
]
# Operations that move nothing.
_VIEWS = {"view", "_unsafe_view", "_reshape_alias", "expand", "transpose", "t", "permute", "unsqueeze", "squeeze"}
_VIEWS |= {
    "split",
    "split_with_sizes",
    "unbind",
    "slice",
    "select",
    "diagonal",
    "as_strided",
    "detach",
    "alias",
    "empty",
}


class Traffic(TorchDispatchMode):
    """Launches, and the bytes of the tensors that they read and write, each once."""

    def __init__(self) -> None:
        super().__init__()
        self.launches, self.bytes = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ not in _VIEWS:
            tensors = {id(leaf): leaf for leaf in tree_leaves((args, kwargs, out)) if isinstance(leaf, torch.Tensor)}
            self.launches += 1
            self.bytes += sum(leaf.numel() * leaf.element_size() for leaf in tensors.values())
        return out


def stack_of(dataset: str, architecture: str) -> tuple[Stack, Batches, int]:
    """The whole grid's stack without numbers, its training data, and the batch size."""
    recipes = [
        recipe
        for recipe in packaged().values()
        if (recipe.dataset, recipe.architecture) == (dataset, architecture) and not recipe.training.shuffled_labels
    ]
    card, settings = load_card(dataset), recipes[0].training
    codes = np.zeros((settings.batch_size, card.length), np.uint8)
    split = Split(codes, np.zeros((len(codes), len(card.classes)), np.int8), no_placements())
    host = SequenceDataset(card, split, split, split)
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            Run(recipe, trial, host, torch.device("cpu"), Path(folder))
            for recipe in sorted(recipes, key=lambda recipe: recipe.activation)
            for trial in range(recipe.trials)
        ]
        for run in runs:
            run.load()
    training = Batches(split, DEVICE)
    stack = Stack([run.replica() for run in runs], Data(training, training, "auroc"), settings, Batched(), DEVICE)
    return stack, training, settings.batch_size


class Counts(NamedTuple):
    """Of one step: replicas, launches, 10^12 operations of products, and 10^9 bytes."""

    replicas: int
    launches: float
    tera: float
    giga: float


def counts(dataset: str, architecture: str) -> Counts:
    """Count as many steps as dropout draws for at once, and give their mean."""
    stack, training, size = stack_of(dataset, architecture)
    replicas = len(stack.state)
    rows = torch.arange(size, device=DEVICE).expand(replicas, -1)
    rates = torch.zeros(replicas, 1, dtype=torch.float64, device=DEVICE)
    draws = Draws([torch.Generator() for _ in range(replicas)])
    with FlopCounterMode(display=False) as flops, Traffic() as traffic:
        for _ in range(AHEAD):
            onehot = training.onehot(rows.flatten()).unflatten(0, rows.shape)
            stack.backward(onehot, training.targets(rows), draws)
            stack.state.step(rates)
    steps = float(AHEAD)
    return Counts(
        replicas, traffic.launches / steps, flops.get_total_flops() / steps / 1e12, traffic.bytes / steps / 1e9
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tflops", type=float, default=67.0, help="10^12 operations a second")
    parser.add_argument("--terabytes", type=float, default=4.8, help="10^12 bytes a second of memory bandwidth")
    given = parser.parse_args()
    print(f"{'':<28}{'replicas':>9}{'launches':>10}{'TFLOP':>8}{'GB':>8}{'products, ms':>14}{'memory, ms':>12}")
    for dataset, architecture in GRIDS:
        found = counts(dataset, architecture)
        print(
            f"{architecture + ', ' + dataset:<28}{found.replicas:>9}{found.launches:>10.0f}{found.tera:>8.3f}"
            f"{found.giga:>8.1f}{found.tera / given.tflops * 1e3:>14.1f}{found.giga / given.terabytes:>12.1f}"
        )


if __name__ == "__main__":
    main()
