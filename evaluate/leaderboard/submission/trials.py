"""The weights of a submission's trials: whole, of this network, and really different ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ....errors import ModelError
from ....zoo.builder import build
from ....zoo.config import ModelConfig
from ....zoo.load import tensor_specs
from ....zoo.sources import weights_path
from ....zoo.weights import Arrays, TensorSpec, check_hash, check_weights, read_weights
from .limits import printable

_SUBNORMAL_SHARE: Final = 0.2  # of a file's values; arithmetic with them is a hundred times slower on many processors
_SAME: Final = 1e-3  # relative distance below which two trials are copies of each other


def check_trials(folder: Path, config: ModelConfig) -> list[str]:
    """Why the weights are not those of the config's trials: damaged, of another network, or copies of each other."""
    with torch.device("meta"):  # allocates nothing
        expected = tensor_specs(build(config.layers, config.input_length, config.filter_layer))
    reasons: list[str] = []
    read: dict[int, Arrays] = {}
    for trial in config.trials:
        path = weights_path(folder, trial.trial)
        try:
            arrays = read_weights(path)
            check_weights(path, arrays, expected)
            check_hash(path, arrays, trial.sha256)
        except ModelError as error:
            reasons.append(printable(str(error).replace(f"{folder}/", ""), 500))
            continue
        reasons += _check_values(path.relative_to(folder).as_posix(), arrays)
        for number, other in read.items():
            if _distance(arrays, other, expected) < _SAME:
                reasons.append(
                    f"the weights of trials {number} and {trial.trial} differ by less than {_SAME:.1%}: a trial is a "
                    "network trained from another start."
                )
        read[trial.trial] = arrays
    return reasons


def _check_values(path: str, arrays: Arrays) -> list[str]:
    floats = [array for array in arrays.values() if array.dtype.kind == "f"]
    tiny = np.finfo(np.float32).tiny
    subnormal = sum(int(np.count_nonzero((array != 0) & (np.abs(array) < tiny))) for array in floats)
    total = sum(array.size for array in floats)
    if subnormal > _SUBNORMAL_SHARE * total:
        return [
            f"{path} has {subnormal:,} of {total:,} values below {tiny:.1e}, the smallest normal number, which slow "
            "every step down. Set them to 0."
        ]
    return []


def _distance(arrays: Arrays, other: Arrays, expected: Mapping[str, TensorSpec]) -> float:
    """Relative distance of two trials' kernels: all tensors of two or more dimensions, which training starts anew."""
    kernels = [name for name, spec in expected.items() if len(spec.shape) > 1]
    difference = sum(float(np.sum((arrays[name] - other[name]).astype(np.float64) ** 2)) for name in kernels)
    size = sum(float(np.sum(arrays[name].astype(np.float64) ** 2)) for name in kernels)
    return float(np.sqrt(difference / size)) if size else float(difference > 0)
