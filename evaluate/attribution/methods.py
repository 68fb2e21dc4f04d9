"""The attribution methods by name, and the one call that runs any of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ...errors import DataError, unknown_name
from ...zoo.builder import Network
from ...zoo.device import float32_arithmetic, pick_device
from ..protocol import REFERENCES, SEED
from .deepshap import deepshap
from .gradients import integrated_gradients, saliency
from .job import Job, Maps, Progress, make_job
from .mutagenesis import mutagenesis


@dataclass(frozen=True)
class Method:
    """maps: makes the map `(n, 4, L)` of a job. scores: turns maps and one-hot sequences into `(n, L)`."""

    maps: Callable[[Job], Maps]
    scores: Callable[[Maps, Maps], Maps]


def _times_input(maps: Maps, onehot: Maps) -> Maps:
    scores: Maps = (maps * onehot).sum(axis=1)
    return scores


def _norm_times_input(maps: Maps, onehot: Maps) -> Maps:
    return _times_input(np.sqrt((maps * maps).sum(axis=1, keepdims=True)), onehot)


METHODS: Final[dict[str, Method]] = {
    "saliency": Method(saliency, _times_input),
    "mutagenesis": Method(mutagenesis, _norm_times_input),
    "integrated_gradients": Method(integrated_gradients, _times_input),
    "deepshap": Method(deepshap, _times_input),
}


def _method(name: str) -> Method:
    if name not in METHODS:
        raise unknown_name("attribution method", name, METHODS)
    return METHODS[name]


@float32_arithmetic()
def attribute(
    network: Network,
    onehot: Tensor | npt.NDArray[Any],
    *,
    method: str,
    output: int = 0,
    rows: npt.ArrayLike | None = None,
    seed: int = SEED,
    references: int = REFERENCES,
    device: torch.device | str | None = None,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Maps:
    """Attribution maps of the probability of one output, before multiplication by the input, float32 `(n, 4, L)`.

    What an entry is: saliency, the gradient; integrated_gradients, the mean gradient on the paths from the baselines;
    deepshap, the mean over references of multiplier x (input - reference); mutagenesis, f(mutant) - f(wild type) with
    that nucleotide at that position. `position_scores` makes the protocol's score of each position from a map.

    onehot: `(n, 4, L)`, 0 and 1, channels A, C, G, T, at most one 1 a column. output: which logit. rows: each
    sequence's row in its split (0 .. n-1 if None) and `seed`: together they fix its shuffled references, so that the
    other sequences, their order and the batch size change nothing. device: where to compute, None for where the
    network is. batch_size: upper limit on the inputs that pass through the network at once, None for the method's own
    choice. progress: called with the number of finished sequences and n.

    Entries are NaN or infinite where the network overflows. The network is left as it was: the work is done on a copy
    in eval mode. Raises UnknownNameError for a wrong method, DataError for other wrong arguments, AttributionError
    where deepshap has no rule or fails its own check, MotifzooError for a device that this machine lacks.

    Example: `attribute(network, split.onehot(rows), method="saliency", rows=rows)`.
    """
    chosen = _method(method)
    with torch.inference_mode(False), torch.enable_grad():
        job = make_job(
            network,
            onehot,
            output=output,
            rows=rows,
            seed=seed,
            references=references,
            device=None if device is None else pick_device(str(device)),
            batch_size=batch_size,
            progress=progress,
        )
        return chosen.maps(job)


def position_scores(method: str, maps: Maps, onehot: npt.NDArray[Any]) -> Maps:
    """The score of each position, float32 `(n, L)`, from the maps that `attribute` made by `method`.

    The map times the one-hot input, summed over nucleotides; for mutagenesis the L2 norm over the four nucleotides,
    times the input (so 0 where a sequence has no nucleotide). Raises DataError when the shapes differ.
    """
    chosen = _method(method)
    if maps.shape != onehot.shape:
        raise DataError(f"maps {maps.shape} and one-hot sequences {onehot.shape} must have the same shape.")
    return chosen.scores(maps, onehot.astype(np.float32))
