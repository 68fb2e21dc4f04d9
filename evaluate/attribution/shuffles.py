"""Shuffled sequences: the baselines of integrated gradients and the references of DeepSHAP."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..protocol import REFERENCES, SEED


def permutations(row: int, length: int, count: int = REFERENCES, seed: int = SEED) -> npt.NDArray[np.int64]:
    """`count` random orders of `length` positions for the sequence in row `row` of its split, `(count, length)`.

    They depend on the arguments alone, not on the other sequences, and the first k are the same whatever `count` is.
    The order is that of raw 64-bit draws, because NumPy promises to keep those (of PCG64 seeded by a SeedSequence)
    and not what `Generator.permutation` makes of them.
    """
    draws = np.random.PCG64(np.random.SeedSequence([seed, row])).random_raw(count * length)
    return np.argsort(draws.reshape(count, length), axis=1, kind="stable")


def shuffled(onehot: Tensor, rows: npt.NDArray[np.int64], count: int = REFERENCES, seed: int = SEED) -> Tensor:
    """`count` mononucleotide shuffles of each sequence, `(n, count, 4, L)` from one-hot `(n, 4, L)`.

    rows: `(n,)`, each sequence's row in its split; see `permutations`.
    """
    length = onehot.shape[2]
    orders = np.stack([permutations(int(row), length, count, seed) for row in rows])
    index = torch.from_numpy(orders)[:, :, None, :].expand(-1, -1, onehot.shape[1], -1)
    return onehot[:, None].expand(-1, count, -1, -1).gather(3, index)
