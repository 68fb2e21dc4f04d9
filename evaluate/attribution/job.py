"""What every attribution method is given, and the checks on it."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...data_cards.onehot import Codes, from_onehot
from ...errors import DataError
from ...zoo.builder import Network, build
from ...zoo.shapes import plan

Maps = npt.NDArray[np.float32]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """Explain the probability of one output of a network for some one-hot sequences.

    network: a private copy in eval mode, without parameter gradients, on the device of the computation.
    onehot: `(n, 4, L)` on the CPU, of the network's dtype; codes: the same as uint8 `(n, L)`, 4 for a column of zeros.
    output: which logit. rows: int64 `(n,)`, with `seed` the seeds of the shuffles. references: shuffles a sequence.
    batch_size: upper limit on the inputs that pass through the network at once, None for the method's own choice.
    """

    network: Network
    onehot: Tensor
    codes: Codes
    output: int
    rows: npt.NDArray[np.int64]
    seed: int
    references: int
    batch_size: int | None
    progress: Progress | None

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def inputs(self, most: int, numbers: int) -> int:
        """How many inputs to pass through the network at once: the caller's `batch_size`, or else at most `most`, and
        no more than hold `numbers` activations together."""
        if self.batch_size is not None:
            return self.batch_size
        shapes = plan(self.network.specs, self.network.input_shape[1]).shapes
        return max(1, min(most, numbers // sum(math.prod(shape) for shape in shapes)))

    def batches(self, inputs: int, each: int = 1) -> Iterator[slice]:
        """Consecutive runs of sequences that make `each` of the `inputs` at once, reporting each run when finished."""
        size = max(1, inputs // each)
        for start in range(0, len(self.onehot), size):
            stop = min(start + size, len(self.onehot))
            yield slice(start, stop)
            if self.progress is not None:
                self.progress(stop, len(self.onehot))


def twin(network: Network, device: torch.device | None) -> Network:
    """A copy of `network` in eval mode, without parameter gradients or hooks; where it is if `device` is None."""
    with torch.device("meta"):  # allocates nothing and draws no random numbers
        copy = build(network.specs, network.input_shape[1], network.filter_layer)
    copy.load_state_dict({name: tensor.clone() for name, tensor in network.state_dict().items()}, assign=True)
    return copy.requires_grad_(False).to(device)


def make_job(
    network: Network,
    onehot: Tensor | npt.NDArray[Any],
    *,
    output: int,
    rows: npt.ArrayLike | None,
    seed: int,
    references: int,
    device: torch.device | None,
    batch_size: int | None,
    progress: Progress | None,
) -> Job:
    """Check the arguments of `attribute` and copy the network to the device, so that the caller's stays as it is."""
    array = onehot.detach().cpu().numpy() if isinstance(onehot, Tensor) else np.asarray(onehot)
    codes = from_onehot(array)
    if array.shape[1:] != network.input_shape:
        raise DataError(
            f"the sequences have {array.shape[2]} nt and the network takes {network.input_shape[1]} nt: "
            f"use sequences of that length."
        )
    outputs = plan(network.specs, network.input_shape[1]).shapes[-1][0]
    if not 0 <= output < outputs:
        raise DataError(f"output {output} is not one of the network's {outputs} outputs, 0 to {outputs - 1}.")
    numbers = np.arange(len(codes)) if rows is None else np.asarray(rows)
    if numbers.shape != (len(codes),) or not np.issubdtype(numbers.dtype, np.integer) or np.any(numbers < 0):
        raise DataError(f"rows must be {len(codes)} whole numbers from 0, one for each sequence.")
    if seed < 0:
        raise DataError(f"seed is {seed} and must be at least 0.")
    if references < 1:
        raise DataError(f"references is {references} and must be at least 1.")
    if batch_size is not None and batch_size < 1:
        raise DataError(f"batch_size is {batch_size} and must be at least 1, or None for the method's own choice.")
    return Job(
        twin(network, device),
        torch.from_numpy(np.ascontiguousarray(array)).to(next(network.parameters()).dtype),
        codes,
        output,
        numbers.astype(np.int64),
        seed,
        references,
        batch_size,
        progress,
    )
