"""What dropout keeps: PyTorch's own draws, on the CPU in half the time."""

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

_CHUNK = 1 << 16  # numbers drawn at a time: they stay in the processor's cache
_BITS = 53  # of a 64-bit draw that make its uniform number


def keep_(out: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Fill contiguous `out` with 1 (with `probability`) and 0: the numbers of `out.bernoulli_`, to the bit."""
    if out.device.type != "cpu" or not _is_known():
        return out.bernoulli_(probability, generator=generator)
    return _keep(out, probability, generator)


def _keep(out: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    # PyTorch compares and branches number by number, and the branch is by chance: the processor guesses wrong.
    below = math.ceil(probability * 2.0**_BITS)
    drawn = torch.empty(min(_CHUNK, out.numel()), dtype=torch.int64)
    for part in out.view(-1).split(_CHUNK):
        numbers = drawn[: len(part)].random_(generator=generator)
        np.less(numbers.bitwise_and_((1 << _BITS) - 1).numpy(), below, out=part.numpy())  # faster than torch.lt
    return out


@cache
def _is_known() -> bool:
    """Whether this build draws as assumed; where it uses Intel's library it does not."""
    one, other = (torch.Generator().manual_seed(0) for _ in range(2))
    drawn = torch.empty(2000)
    return torch.equal(_keep(torch.empty_like(drawn), 0.7, one), drawn.bernoulli_(0.7, generator=other))
