"""What a trial sees and when: its random streams and its batches, the same alone as in a stack."""

from typing import Final

import numpy as np
import torch
from torch import Tensor

from ..data_cards.content import Split
from ..data_cards.rows import MappedCodes

INITIAL, ORDER, DROPOUT = range(3)  # purposes of the random streams
VALIDATION_BATCH: Final = 1000


def stream(seed: int, purpose: int, epoch: int = 0) -> int:
    """A 63-bit seed for one purpose of one epoch of one trial."""
    return int(np.random.SeedSequence([seed, purpose, epoch]).generate_state(1, np.uint64)[0] >> np.uint64(1))


class Batches:
    """A split's batches on a device, one-hot.

    Codes in memory go to the device once; those of a memory-mapped split are read batch by batch. With
    `reverse_complements` rows N to 2N - 1 are the opposite strands of rows 0 to N - 1.
    """

    def __init__(self, split: Split, device: torch.device, *, reverse_complements: bool = False) -> None:
        self.labels = torch.from_numpy(split.labels.astype(np.float32)).to(device)
        self._mapped = split.codes if isinstance(split.codes, MappedCodes) else None
        self._codes = torch.from_numpy(split.codes).to(device) if isinstance(split.codes, np.ndarray) else None
        self._rows = len(split)
        self._device = device
        self._letters = torch.arange(4, dtype=torch.uint8, device=device)[None, :, None]
        self._strands = 2 if reverse_complements else 1

    def __len__(self) -> int:
        return self._strands * self._rows

    def onehot(self, numbers: Tensor) -> Tensor:
        """One-hot `(n, 4, L)` of the rows with these numbers."""
        rows = numbers % self._rows
        forward = (self._read(rows)[:, None, :] == self._letters).float()
        if self._strands == 1:
            return forward
        # The complement of channels A, C, G, T is their reverse.
        return torch.where((numbers < self._rows)[:, None, None], forward, forward.flip(1, 2))

    def targets(self, numbers: Tensor) -> Tensor:
        """Labels `(..., C)` of the rows with these numbers."""
        return self.labels[numbers % self._rows]

    def _read(self, rows: Tensor) -> Tensor:
        if self._codes is not None:
            return self._codes[rows]
        assert self._mapped is not None
        return torch.from_numpy(self._mapped[rows.cpu().numpy()]).to(self._device)


def in_batches(order: Tensor, batch_size: int) -> list[Tensor]:
    """An epoch's batches, cut along the last axis of `order`.

    A last one of one sequence, which has no spread to normalise by, joins the one before.
    """
    chunks = list(order.split(batch_size, dim=-1))
    if len(chunks) > 1 and chunks[-1].shape[-1] == 1:
        chunks[-2:] = [torch.cat(chunks[-2:], dim=-1)]
    return chunks
