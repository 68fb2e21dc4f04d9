"""Predictions on a split (protocol section 6)."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch

from ..data_cards.onehot import to_onehot
from ..data_cards.rows import AnyCodes
from ..zoo.builder import Network
from ..zoo.device import float32_arithmetic
from ..zoo.shapes import plan


@float32_arithmetic()
def predict(
    network: Network, codes: AnyCodes, *, batch_size: int = 500, progress: Callable[[int, int], None] | None = None
) -> npt.NDArray[np.float64]:
    """Probabilities `(N, C)` float64 of sequences given as codes `(N, L)`.

    The network's float32 logits are passed through a float64 sigmoid, so that confident predictions keep their order:
    a float32 sigmoid is exactly 1 above 17 and would tie them.
    """
    device = next(network.parameters()).device
    # In place beforehand: small results kept from between large ones would hold on to the memory of all of them.
    outputs = plan(network.specs, network.input_shape[1]).shapes[-1][0]
    logits = torch.empty((len(codes), outputs), dtype=torch.float64)
    with torch.inference_mode():
        for begin in range(0, len(codes), batch_size):
            sequences = torch.from_numpy(to_onehot(codes[begin : begin + batch_size])).to(device)
            logits[begin : begin + batch_size] = network(sequences).cpu()
            if progress is not None:
                progress(min(begin + batch_size, len(codes)), len(codes))
    probabilities: npt.NDArray[np.float64] = torch.sigmoid(logits).numpy()
    return probabilities
