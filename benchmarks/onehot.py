"""How fast DNA becomes numbers: strings to one-hot beside a plain Python loop, and beside filling memory.

Run `python benchmarks/onehot.py`. Times are the best of several runs on one thread; what counts is the ratios.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from motifzoo.data_cards.load import load_dataset
from motifzoo.data_cards.onehot import decode, encode, to_onehot

SEQUENCES, LENGTH = 20_000, 200


def best(work: Callable[[], object], times: int = 7) -> float:
    """Seconds of the fastest of several runs."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def plain_loop(sequences: Sequence[str]) -> np.ndarray:
    """One-hot as it is first written: a letter at a time."""
    channel = {"A": 0, "C": 1, "G": 2, "T": 3}
    onehot = np.zeros((len(sequences), 4, len(sequences[0])), np.float32)
    for row, sequence in enumerate(sequences):
        for position, letter in enumerate(sequence):
            if letter in channel:
                onehot[row, channel[letter], position] = 1
    return onehot


def main() -> None:
    """Print the table."""
    codes = np.random.default_rng(0).integers(0, 4, (SEQUENCES, LENGTH)).astype(np.uint8)
    sequences = decode(codes)
    few = sequences[: SEQUENCES // 20]
    np.testing.assert_array_equal(plain_loop(few), to_onehot(encode(few)))
    text = best(lambda: to_onehot(encode(sequences)))
    matrix = best(lambda: to_onehot(codes))
    loop = best(lambda: plain_loop(few), 3) * len(sequences) / len(few)
    shape = (SEQUENCES, 4, LENGTH)
    # Fresh memory on both sides: a page costs its first touch.
    fill = best(lambda: np.empty(shape, np.float32).fill(1))
    size = 4 * np.prod(shape) / 1e9
    print(f"{SEQUENCES:,} sequences of {LENGTH} nt, {size * 1e3:.0f} MB of one-hot")
    print(f"{'strings to one-hot':32}{text * 1e3:9.1f} ms   1.0")
    print(f"{'plain Python loop':32}{loop * 1e3:9.1f} ms {loop / text:5.1f}")
    print(f"{'codes to one-hot':32}{matrix * 1e3:9.1f} ms   {size / matrix:.1f} GB/s written")
    print(f"{'fill as much new memory':32}{fill * 1e3:9.1f} ms   {size / fill:.1f} GB/s: {matrix / fill:.1f}x")
    opened = best(lambda: load_dataset("dhs-4cell"), 5)
    print(f"{'open dhs-4cell (47,872 x 200)':32}{opened * 1e3:9.1f} ms")


if __name__ == "__main__":
    main()
