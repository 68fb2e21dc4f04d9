"""Training many trials at once beside a plain PyTorch loop that trains them one after another: model-epochs a second.

    python benchmarks/training.py [--replicas 10] [--sequences 2000] [--device cpu] [--threads 2] [ARCHITECTURE ...]

Both train the same trials on the same sequences, validation included, in turn, with the same number of threads, each in
a process of its own, since motifzoo tells the C library how to keep memory. On a GPU the loop rounds as PyTorch does by
default, with TF32 in convolutions and algorithms that need not repeat; the stacks compute in float32. Each time is the
median of the repeats, start and checkpoints included. Beside the ratio stand what bounds it, as shares of what this
device reaches in the same minute: arithmetic (the products of convolutions and dense layers, against large matrix
products) and bandwidth (each layer's output read and written once in the forward pass, its gradient read and written
once in the backward pass, against a copy that no cache holds). `cpu` is the processor time of the loop over that of the
stacks: on a busy machine the fairer number.
"""

import argparse
import math
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.metrics import auroc
from motifzoo.zoo import layers as specs
from motifzoo.zoo.builder import build, initialise
from motifzoo.zoo.device import describe_device, pick_device
from motifzoo.zoo.recipe import Recipe, Training
from motifzoo.zoo.shapes import plan
from motifzoo.zoo.stacked import train_stack

DATASET = "synthetic-codes"


@cache
def random_data(sequences: int) -> SequenceDataset:
    """Random sequences and labels: the time does not depend on them."""
    card = load_card(DATASET)
    generator = np.random.default_rng(0)

    def split(count: int) -> Split:
        codes = generator.integers(0, 4, (count, card.length)).astype(np.uint8)
        return Split(codes, generator.integers(0, 2, (count, len(card.classes))).astype(np.int8), no_placements())

    return SequenceDataset(card, split(sequences), split(sequences // 7), split(2))


def plain(recipe: Recipe, trials: int, dataset: SequenceDataset, device: torch.device, width: int | None) -> None:
    """What one would write for one network, for each in turn."""
    settings = recipe.training
    x, y = (torch.from_numpy(array).to(device) for array in (dataset.train.onehot(), dataset.train.labels))
    valid = torch.from_numpy(dataset.valid.onehot()).to(device)
    y = y.float()
    for trial in range(trials):
        network = build(recipe.layers(), dataset.card.length)
        initialise(network, torch.Generator().manual_seed(trial))
        network.to(device)
        optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, eps=settings.eps)
        loss_of = nn.BCEWithLogitsLoss()
        for _ in range(settings.epochs):
            network.train()
            for rows in torch.randperm(len(x), device=device).split(settings.batch_size):
                optimizer.zero_grad()
                loss_of(network(x[rows]), y[rows]).backward()
                optimizer.step()
            network.eval()
            with torch.no_grad():
                logits = torch.cat([network(part) for part in valid.split(1000)])
            auroc(dataset.valid.labels.ravel(), logits.cpu().numpy().ravel())


def stacked(recipe: Recipe, trials: int, dataset: SequenceDataset, device: torch.device, width: int | None) -> None:
    """The same by motifzoo."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [(recipe, trial) for trial in range(trials)]
        for _ in train_stack(wanted, dataset, device=device, checkpoint_dir=Path(folder), width=width):
            pass


class Work(NamedTuple):
    """What one sequence costs in training: operations (a multiplication and an addition are two) and bytes moved."""

    operations: float
    moved: float


def work_of(recipe: Recipe, length: int) -> Work:
    """By the shapes alone; the first layer needs no gradient of its input."""
    layers = recipe.layers()
    shapes = plan(layers, length).shapes
    operations, moved, channels, first = 0.0, 0.0, 4, True
    for layer, shape in zip(layers, shapes, strict=True):
        products = 0
        if isinstance(layer, specs.Conv):
            products = math.prod(shape) * channels * layer.kernel
        elif isinstance(layer, specs.Dense):
            products = layer.units * channels
        elif isinstance(layer, specs.Residual):
            products = 2 * math.prod(shape) * channels * layer.kernel
        operations += 2 * products * (2 if first else 3)
        first = first and not products
        moved += 4 * 4 * math.prod(shape)
        channels = shape[0]
    return Work(operations, moved)


class Limits(NamedTuple):
    """What the device reaches: operations and bytes a second."""

    operations: float
    moved: float


def limits_of(device: torch.device) -> Limits:
    """Large float32 matrix products, and a copy of 256 MB."""
    a = torch.randn(2048, 2048, device=device)
    b = torch.empty(1 << 26, device=device)
    c = torch.empty_like(b)
    product = min(seconds(lambda: a @ a, device).wall for _ in range(3))
    copy = min(seconds(lambda: c.copy_(b), device).wall for _ in range(3))
    return Limits(2 * 2048**3 / product, 2 * 4 * b.numel() / copy)


class Seconds(NamedTuple):
    """Time on the clock and processor time."""

    wall: float
    cpu: float


def seconds(call: Callable[[], object], device: torch.device) -> Seconds:
    """How long a call takes, until the device is done."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


Trainer = Callable[[Recipe, int, SequenceDataset, torch.device, int | None], None]


def measured(
    trainer: Trainer, recipe: Recipe, trials: int, sequences: int, device: str, threads: int, width: int | None
) -> Seconds:
    """In a process of its own: how long a trainer takes."""
    torch.set_num_threads(threads)
    chosen, dataset = pick_device(device), random_data(sequences)
    return seconds(lambda: trainer(recipe, trials, dataset, chosen, width), chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="cnn-local, cnn-dist, cnn-deep, ...")
    parser.add_argument("--replicas", type=int, default=10)
    parser.add_argument("--sequences", type=int, default=2000, help="to train on, an epoch")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--activation", default="exponential")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, help="replicas in a stack (default: as motifzoo chooses)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    device = pick_device(arguments.device)
    spawn = multiprocessing.get_context("spawn")
    print(f"{describe_device(device)}, {arguments.replicas} replicas, {arguments.sequences} sequences of 200 nt")
    if device.type == "cuda":
        print("loop: PyTorch's defaults, so TF32 in convolutions; stacks: float32, which repeats")
    print(f"{'':<12}{'loop':>8}{'stacks':>8}{'ratio':>7}{'cpu':>7}{'GFLOP/s':>9}{'of peak':>9}{'of bandwidth':>14}")
    for name in arguments.architectures or ("cnn-local", "cnn-dist", "cnn-deep"):
        settings = Training(epochs=arguments.epochs)
        recipe = Recipe(
            architecture=name, activation=arguments.activation, dataset=DATASET, trials=1, training=settings
        )
        limits = limits_of(device)
        times: dict[Trainer, list[Seconds]] = {plain: [], stacked: []}
        with ProcessPoolExecutor(1, spawn) as one, ProcessPoolExecutor(1, spawn) as other:
            for repeat in range(1 + arguments.repeats):
                for pool, trainer in ((one, plain), (other, stacked)):
                    trials = arguments.replicas if repeat else min(2, arguments.replicas)
                    rest = (arguments.sequences, arguments.device, arguments.threads, arguments.width)
                    took = pool.submit(measured, trainer, recipe, trials, *rest).result()
                    if repeat:  # the first is to warm up
                        times[trainer].append(took)
        loop, ours = (Seconds(*map(statistics.median, zip(*took, strict=True))) for took in times.values())
        epochs = arguments.replicas * arguments.epochs
        work = work_of(recipe, load_card(DATASET).length)
        trained = epochs * arguments.sequences / ours.wall
        print(
            f"{name:<12}{epochs / loop.wall:>8.2f}{epochs / ours.wall:>8.2f}{loop.wall / ours.wall:>7.2f}"
            f"{loop.cpu / ours.cpu:>7.2f}{trained * work.operations / 1e9:>9.1f}"
            f"{trained * work.operations / limits.operations:>9.1%}{trained * work.moved / limits.moved:>14.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
