"""What dropout keeps of one layer's maps on a CPU: motifzoo's draws beside PyTorch's, which are the same numbers.

Run `python benchmarks/dropout.py`. Times are the best of several runs on one thread; what counts is the ratios.
"""

import time
from collections.abc import Callable

import torch

from motifzoo.zoo.dropout import keep_

SHAPES = {"dense layer": (100, 512), "cnn-dist, second layer": (100, 48, 50), "first layer": (100, 32, 200)}
RATE = 0.1


def best(work: Callable[[], object], times: int = 30) -> float:
    """Seconds of the fastest of several runs."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print(f"{'':<24}{'numbers':>9}{'PyTorch':>12}{'motifzoo':>12}{'ratio':>7}")
    for name, shape in SHAPES.items():
        out = torch.empty(shape, dtype=torch.bool)
        one, other = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
        expected = torch.empty(shape, dtype=torch.bool).bernoulli_(1 - RATE, generator=one)
        assert torch.equal(keep_(out, 1 - RATE, other), expected)
        theirs = best(lambda out=out, generator=one: out.bernoulli_(1 - RATE, generator=generator))
        ours = best(lambda out=out, generator=other: keep_(out, 1 - RATE, generator))
        print(f"{name:<24}{out.numel():>9,}{theirs * 1e6:>9.0f} µs{ours * 1e6:>9.0f} µs{theirs / ours:>7.1f}")


if __name__ == "__main__":
    main()
