"""What a trial sees and when: its random streams and its batches, the same alone as in a stack."""

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ..data_cards.content import Split
from ..data_cards.rows import AnyCodes, MappedCodes, blocks

INITIAL, ORDER, DROPOUT = range(3)  # purposes of the random streams
VALIDATION_BATCH: Final = 1000


def stream(seed: int, purpose: int, epoch: int = 0) -> int:
    """A 63-bit seed for one purpose of one epoch of one trial."""
    return int(np.random.SeedSequence([seed, purpose, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Batches:
    """A split's batches on a device, one-hot.

    Codes in memory go to the device once, and so do those of a memory-mapped split that a GPU has ample room for;
    others are read batch by batch. With `reverse_complements` rows N to 2N - 1 are the opposite strands of rows 0 to
    N - 1.

    rows_on: where row numbers are wanted: on the device, or on the host where rows are read there, since numbers that
    were read back from a GPU would make it wait.
    """

    def __init__(self, split: Split, device: torch.device, *, reverse_complements: bool = False) -> None:
        self.labels = torch.from_numpy(split.labels.astype(np.float32)).to(device)
        self._held = _held(split.codes, device)
        self._codes = split.codes
        self.rows_on = torch.device("cpu") if self._held is None else device
        self._rows = len(split)
        self._device = device
        self._letters = torch.arange(4, dtype=torch.uint8, device=device)[None, :, None]
        self._strands = 2 if reverse_complements else 1

    def __len__(self) -> int:
        return self._strands * self._rows

    def onehot(self, numbers: Tensor) -> Tensor:
        """One-hot `(n, 4, L)` of the rows with these numbers."""
        forward = (self._read(numbers % self._rows)[:, None, :] == self._letters).float()
        if self._strands == 1:
            return forward
        # The complement of channels A, C, G, T is their reverse.
        return torch.where(self._sent(numbers < self._rows)[:, None, None], forward, forward.flip(1, 2))

    def targets(self, numbers: Tensor) -> Tensor:
        """Labels `(..., C)` of the rows with these numbers."""
        return self.labels[self._sent(numbers % self._rows)]

    def _read(self, rows: Tensor) -> Tensor:
        if self._held is not None:
            return self._held[rows]
        return self._sent(torch.from_numpy(self._codes[rows.numpy()]))

    def _sent(self, values: Tensor) -> Tensor:
        """On the device; to a GPU from memory that it reads by itself, so that the host goes on meanwhile."""
        if self.rows_on == self._device:
            return values
        if self._device.type != "cuda":
            return values.to(self._device)
        return values.pin_memory().to(self._device, non_blocking=True)


def _held(codes: AnyCodes, device: torch.device) -> Tensor | None:
    """Codes that stay on the device; None for those that are read from disk batch by batch."""
    if not isinstance(codes, MappedCodes):
        return torch.from_numpy(codes).to(device)
    if not _has_room(device, math.prod(codes.shape)):
        return None
    held = torch.empty(codes.shape, dtype=torch.uint8, device=device)
    begin = 0
    for block in blocks(codes):
        held[begin : begin + len(block)] = torch.from_numpy(block)
        begin += len(block)
    return held


def _has_room(device: torch.device, size: int) -> bool:
    """Whether so many bytes are less than half of what is free on a GPU; others have no more room than the host."""
    return device.type == "cuda" and 2 * size < torch.cuda.mem_get_info(device)[0]


def in_batches(order: Tensor, batch_size: int) -> list[Tensor]:
    """An epoch's batches, cut along the last axis of `order`.

    A last one of one sequence, which has no spread to normalise by, joins the one before.
    """
    chunks = list(order.split(batch_size, dim=-1))
    if len(chunks) > 1 and chunks[-1].shape[-1] == 1:
        chunks[-2:] = [torch.cat(chunks[-2:], dim=-1)]
    return chunks
