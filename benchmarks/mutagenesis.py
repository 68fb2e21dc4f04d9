"""Mutagenesis by windows beside the plain way, for every architecture: seconds, their ratio, the largest difference.

    python benchmarks/mutagenesis.py [--sequences 64] [--activation exponential] [--threads 1] [ARCHITECTURE ...]

The two run in turn in one process, so a ratio compares like with like; each number is the median of the repeats. The
plain way passes the 3 L mutants of a sequence through the network in batches of the size that was fastest for it.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from motifzoo.data_cards.onehot import OneHot, to_onehot
from motifzoo.evaluate.attribution.methods import attribute
from motifzoo.zoo.architectures import ARCHITECTURES, layers
from motifzoo.zoo.builder import Network, build, initialise

LENGTHS = {"basset": 600, "residualbind": 400}  # nt, the study's; the others have 200
FEWER = {"basset": 16, "residualbind": 4}  # times fewer sequences, so that the plain way takes seconds
PLAIN_BATCH = 128
REPEATS = 3


def network_of(architecture: str, activation: str) -> Network:
    """Random weights: the time does not depend on them."""
    length = LENGTHS.get(architecture, 200)
    network = build(layers(architecture, activation, length=length, outputs=1), length)
    initialise(network, torch.Generator().manual_seed(0))
    return network


def plain(network: Network, onehot: OneHot) -> np.ndarray:
    """All mutants of each sequence through the network."""
    length = onehot.shape[2]
    positions = np.repeat(np.arange(length), 3)
    maps = np.zeros(onehot.shape, np.float32)
    with torch.inference_mode():
        wild = torch.sigmoid(network(torch.from_numpy(onehot))[:, 0]).numpy()
        for row, sequence in enumerate(onehot):
            new = (sequence.argmax(0)[positions] + np.tile([1, 2, 3], length)) % 4
            mutants = np.repeat(sequence[None], 3 * length, axis=0)
            mutants[np.arange(3 * length), :, positions] = np.eye(4, dtype=np.float32)[new]
            batches = torch.from_numpy(mutants).split(PLAIN_BATCH)
            values = torch.cat([torch.sigmoid(network(batch)[:, 0]) for batch in batches]).numpy()
            maps[row, new, positions] = values - wild[row]
    return maps


def timed(call: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help=", ".join(ARCHITECTURES))
    parser.add_argument("--sequences", type=int, default=64)
    parser.add_argument("--activation", default="exponential")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"{arguments.activation}, {arguments.threads} thread(s), median seconds")
    print(f"{'':<14}{'length':>8}{'sequences':>11}{'windows':>10}{'plain':>10}{'ratio':>8}{'difference':>12}")
    for name in arguments.architectures or ARCHITECTURES:
        network = network_of(name, arguments.activation)
        length = network.input_shape[1]
        count = max(2, arguments.sequences // FEWER.get(name, 1))
        onehot = to_onehot(np.random.default_rng(0).integers(0, 4, (count, length)).astype(np.uint8))
        windows, whole, difference = [], [], 0.0
        plain(network, onehot[:1])
        for _ in range(REPEATS):
            ours, maps = timed(lambda: attribute(network, onehot, method="mutagenesis"))  # noqa: B023
            theirs, expected = timed(lambda: plain(network, onehot))  # noqa: B023
            windows.append(ours)
            whole.append(theirs)
            difference = max(difference, float(np.abs(maps - expected).max()))
        ours, theirs = statistics.median(windows), statistics.median(whole)
        times = f"{ours:>10.2f}{theirs:>10.2f}{theirs / ours:>8.1f}"
        print(f"{name:<14}{length:>8}{count:>11}{times}{difference:>12.1e}", flush=True)


if __name__ == "__main__":
    main()
