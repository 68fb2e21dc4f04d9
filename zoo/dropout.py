"""What dropout keeps: PyTorch's own draws, on the CPU in a tenth of the time."""

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import torch
from torch import Tensor

AHEAD: Final = 8  # steps
_BITS: Final = 53  # of a 64-bit draw that make its uniform number

# Where a generator's state, as PyTorch hands it out, has how many words are left and which comes next, then the words.
_LEFT, _NEXT, _WORDS = slice(8, 12), slice(16, 24), slice(24, 24 + 8 * 624)


class Draws:
    """What dropout keeps in a stack, by a generator a replica: no replica's draws depend on another.

    On the CPU they are what each network would draw alone. Elsewhere a draw is a launch, of which a stack would make
    up to a thousand a step, so each is for `ahead` steps (default: `AHEAD`). What is left of them when an epoch ends
    goes with this object: every epoch has new generators.
    """

    def __init__(self, generators: Sequence[torch.Generator], *, ahead: int | None = None) -> None:
        self._generators = generators
        self._ahead = ahead
        self._waiting: dict[int, list[Tensor]] = {}

    def keep(self, layer: int, shape: Sequence[int], probability: float, device: torch.device) -> Tensor:
        """Contiguous booleans of a shape, replicas first, True with `probability`, for the next step of a layer."""
        ahead = self._ahead or (1 if device.type == "cpu" else AHEAD)
        if ahead == 1:
            drawn = torch.empty(tuple(shape), dtype=torch.bool, device=device)
            for row, generator in zip(drawn, self._generators, strict=True):
                keep_(row, probability, generator)
            return drawn
        waiting = self._waiting.get(layer)
        if not waiting or waiting[0].shape != torch.Size(shape):
            # Each replica's steps lie together: a GPU's draws for entries that are too far apart for 32-bit offsets are
            # cut in parts, and so would depend on how many other replicas lie between them.
            steps = torch.empty((shape[0], ahead, *shape[1:]), dtype=torch.bool, device=device)
            for row, generator in zip(steps, self._generators, strict=True):
                keep_(row, probability, generator)
            waiting = self._waiting[layer] = list(steps.unbind(1))
        return waiting.pop().contiguous()


def keep_(out: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Fill contiguous boolean `out`, True with `probability`: the numbers of `out.bernoulli_`, to the bit."""
    if out.device.type != "cpu" or not _is_known():
        return out.bernoulli_(probability, generator=generator)
    return _keep(out, probability, generator)


def _keep(out: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    from .mersenne_twister import SIZE, below_  # here, since it is slow to import

    # PyTorch draws and compares number by number; over whole blocks the same are vector instructions.
    state = generator.get_state()
    raw = state.numpy()
    left, following, wide = raw[_LEFT].view(np.int32), raw[_NEXT].view(np.uint64), raw[_WORDS].view(np.uint64)
    words = wide.astype(np.uint32)
    bound = math.ceil(probability * 2.0**_BITS)
    used = below_(out.view(-1).numpy(), np.uint64(bound), np.uint64((1 << _BITS) - 1), words, SIZE + 1 - int(left[0]))
    left[0], following[0], wide[:] = SIZE + 1 - used, used, words
    generator.set_state(state)
    return out


@cache
def _is_known() -> bool:
    """Whether this build draws and keeps its state as assumed; where it uses Intel's library it does not."""
    one, other = (torch.Generator().manual_seed(0) for _ in range(2))
    drawn = torch.empty(2000, dtype=torch.bool, device="cpu")  # whatever the default device is
    same = torch.equal(_keep(torch.empty_like(drawn), 0.7, one), drawn.bernoulli_(0.7, generator=other))
    return same and torch.equal(one.get_state(), other.get_state())
