"""First-layer filters as motifs: feature maps to aligned windows to matrices (protocol section 4, steps 1-3)."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..data_cards.onehot import to_onehot
from ..data_cards.rows import AnyCodes
from ..errors import ModelError
from ..zoo.builder import Network
from ..zoo.device import float32_arithmetic
from .protocol import ACTIVATION_THRESHOLD, WINDOW, WINDOW_BEFORE

StepProgress = Callable[[int, int], None]


class FilterMatrices(NamedTuple):
    """What the test split says about each of F filters.

    counts: `(F, 4, 20)` int64, nucleotide counts over the filter's aligned windows. windows: `(F,)` int64, how many
    there are. maximum: `(F,)` float32, the largest value of the filter's map (NaN or infinite as it came).
    finite: `(F,)` bool, whether the whole map is finite.
    """

    counts: npt.NDArray[np.int64]
    windows: npt.NDArray[np.int64]
    maximum: npt.NDArray[np.float32]
    finite: npt.NDArray[np.bool_]


def _batches(
    network: Network, codes: AnyCodes, batch_size: int, device: torch.device, progress: StepProgress | None, part: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """One-hot sequences and their feature maps, aligned to them, batch by batch; `part` of 2 passes is done."""
    total = len(codes)
    for begin in range(0, total, batch_size):
        sequences = torch.from_numpy(to_onehot(codes[begin : begin + batch_size])).to(device)
        yield sequences, _aligned(network, sequences)
        if progress is not None:
            progress(part * total + min(begin + batch_size, total), 2 * total)


def _aligned(network: Network, sequences: Tensor) -> Tensor:
    """Feature maps `(N, F, L)`; those of an unpadded convolution stand at their windows' centres.

    The positions beside them get the lowest number there is, so they are never a site. Raises ModelError for maps
    that do not have a value a position (pooled).
    """
    maps = network.feature_maps(sequences)
    length = sequences.shape[2]
    missing = length - maps.shape[2]
    if missing == 0:
        return maps
    index = [spec.name for spec in network.specs].index(network.filter_layer)
    if any(spec.kind == "pool" for spec in network.specs[:index]):
        raise ModelError(
            f"filter layer {network.filter_layer!r} comes after a pool layer, so its maps have {maps.shape[2]} values "
            f"for {length} positions: filters can be matched only before any pooling."
        )
    lowest = torch.finfo(maps.dtype).min
    return torch.nn.functional.pad(maps, (missing // 2, missing - missing // 2), value=lowest)


@float32_arithmetic()
def filter_matrices(
    network: Network, codes: AnyCodes, *, batch_size: int = 250, progress: StepProgress | None = None
) -> FilterMatrices:
    """Align the test split's windows to each filter's strong sites and count nucleotides.

    codes: `(N, L)`. A site is a position where the map exceeds half of the filter's maximum over all of `codes`; its
    window is the 20 nt from site - 10 to site + 9, kept if its start is above 0 and its end below L. The maps are
    computed twice (maxima, then sites), so that memory does not grow with N. A filter whose map is not finite
    everywhere gets no windows.
    """
    device = next(network.parameters()).device
    length = codes.shape[1]
    first, last = WINDOW_BEFORE + 1, length - WINDOW + WINDOW_BEFORE  # kept sites: first <= site < last
    with torch.inference_mode():
        maximum, finite = _maxima(network, codes, batch_size, device, progress)
        cutoff = (ACTIVATION_THRESHOLD * maximum)[None, :, None]
        filters = len(maximum)
        # On the CPU and in whole numbers: Apple's GPUs have no float64, and float32 counts to 2^24.
        counts = torch.zeros((filters, 4 * WINDOW), dtype=torch.int64)
        windows = torch.zeros(filters, dtype=torch.int64)
        for sequences, maps in _batches(network, codes, batch_size, device, progress, 1):
            if last <= first:
                continue
            sites = ((maps > cutoff) & finite[None, :, None])[:, :, first:last]
            # Window w of the unfolded sequences starts at position w, and belongs to site w + 10.
            unfolded = sequences.unfold(2, WINDOW, 1)[:, :, first - WINDOW_BEFORE : last - WINDOW_BEFORE]
            flat = unfolded.permute(0, 2, 1, 3).reshape(-1, 4 * WINDOW)
            chosen = sites.permute(1, 0, 2).reshape(filters, -1)
            # Whole numbers below 2^24 a batch, so float32 counts exactly.
            counts += (chosen.float() @ flat).cpu().long()
            windows += chosen.sum(dim=1).cpu()
    return FilterMatrices(
        counts.reshape(filters, 4, WINDOW).numpy(),
        windows.numpy(),
        maximum.cpu().numpy(),
        finite.cpu().numpy(),
    )


def _maxima(
    network: Network, codes: AnyCodes, batch_size: int, device: torch.device, progress: StepProgress | None
) -> tuple[Tensor, Tensor]:
    maximum: Tensor | None = None
    finite: Tensor | None = None
    for _, maps in _batches(network, codes, batch_size, device, progress, 0):
        largest = maps.amax(dim=(0, 2))
        whole = torch.isfinite(maps).all(dim=2).all(dim=0)
        maximum = largest if maximum is None else torch.maximum(maximum, largest)
        finite = whole if finite is None else finite & whole
    if maximum is None or finite is None:
        raise ModelError("there are no test sequences to compute feature maps on.")
    return maximum, finite
