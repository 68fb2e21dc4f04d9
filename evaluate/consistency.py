"""Do a model's trials explain the same sequences alike? Their attribution maps, compared pair by pair.

Where real DNA has no ground truth, this is what can be said of a map without one: replicates of one network that were
trained from other random numbers should point at the same positions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from safetensors.numpy import load_file

from ..errors import MotifzooError
from ..files import write_text
from .benchmark import Evaluated
from .protocol import METHODS

Floats = npt.NDArray[np.float64]


class Consistency(BaseModel):
    """How alike the attribution maps of a model's trials are.

    cosine: by method, the mean over sequences and pairs of trials of the cosine similarity of the two trials' position
    scores; -1 to 1, higher is better, None where no pair of maps is finite and not zero. sequences: how many each
    trial explained. Source: protocol section 8, stability across trials.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    benchmark: str
    trials: tuple[int, ...]
    sequences: int
    cosine: Mapping[str, float | None]


def mean_cosine(maps: Sequence[npt.NDArray[np.floating]]) -> float | None:
    """Mean pairwise cosine of T maps `(n, L)`: over all pairs of trials, and the sequences where it is defined.

    A sequence counts in a pair when both its maps are finite and neither is zero everywhere; None where none does.
    """
    units = [_unit(np.asarray(scores, dtype=np.float64)) for scores in maps]
    cosines = np.concatenate([(one * other).sum(axis=1) for one, other in combinations(units, 2)])
    defined = cosines[np.isfinite(cosines)]
    return float(defined.mean()) if len(defined) else None


def _unit(scores: Floats) -> Floats:
    """Each row at length 1; NaN where it is zero or not finite. Scaled first, so that squares cannot overflow."""
    with np.errstate(invalid="ignore", divide="ignore"):
        largest = np.abs(scores).max(axis=1, keepdims=True)
        scaled = scores / np.where(np.isfinite(largest), largest, np.nan)
        unit: Floats = scaled / np.sqrt((scaled**2).sum(axis=1, keepdims=True))
    return unit


def consistency(evaluated: Iterable[Evaluated]) -> Iterator[Consistency]:
    """The consistency of every model of which several trials with attribution maps are given, on each benchmark.

    Raises MotifzooError when the trials did not explain the same outputs of the same sequences.
    """

    def key(item: Evaluated) -> tuple[str, str]:
        return item.result.model, item.result.benchmark

    for (model, benchmark), group in groupby(sorted(evaluated, key=key), key):
        trials = {item.result.trial: item for item in group if "attribution" in item.result.files}
        if len(trials) < 2:
            continue
        arrays = [load_file(item.folder / item.result.files["attribution"].name) for item in trials.values()]
        first = arrays[0]
        for number, other in zip(trials, arrays, strict=True):
            if any(not np.array_equal(first[name], other[name]) for name in ("rows", "outputs", "codes")):
                raise MotifzooError(
                    f"trials {min(trials)} and {number} of {model} explain different sequences, so their maps cannot "
                    "be compared. Evaluate both again."
                )
        methods = [method for method in METHODS if all(method in tensors for tensors in arrays)]
        yield Consistency(
            model=model,
            benchmark=benchmark,
            trials=tuple(sorted(trials)),
            sequences=len(first["rows"]),
            cosine={method: mean_cosine([tensors[method] for tensors in arrays]) for method in methods},
        )


def write_consistency(found: Consistency, output: Path) -> Path:
    """Write `output/<model>/consistency-<benchmark>.json`, atomically; returns its path."""
    path = output / found.model / f"consistency-{found.benchmark}.json"
    write_text(path, found.model_dump_json(indent=2) + "\n")
    return path
