"""Scores on sequences that did not exist when the model was submitted: has it learned the task, or the test split?

A synthetic benchmark's sequences are drawn again from a seed that nobody knew, by the same generator and with the same
motifs. How far the two scores differ is read beside how far two draws differ by chance.
"""

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ....data_cards.content import SequenceDataset
from ....data_cards.generate import generate
from ....metrics import aupr, auroc
from ...attribution.scores import score_maps
from ...protocol import METHODS

if TYPE_CHECKING:
    from pathlib import Path

    from ...results import Result

_RESAMPLES = 100
_AREAS = {"auroc": auroc, "aupr": aupr}

Variances = dict[str, float]


def new_seed() -> int:
    """A seed that nobody can have known: 0 to 2^32 - 1, from the operating system."""
    return int.from_bytes(os.urandom(4), "little")


def fresh_draw(dataset: SequenceDataset, seed: int) -> SequenceDataset | None:
    """A synthetic data set with other test sequences, as many, drawn from `seed`; None for real DNA.

    Train and valid stay, so that leakage is told from the sequences that the model was trained on.
    """
    card = dataset.card
    if card.generator is None:
        return None
    count = len(dataset.test) // 2 * 2  # half of them are positive
    sizes = {"train": 0, "valid": 0, "test": count}
    drawn = generate(card.model_copy(update={"splits": sizes, "fingerprint": ""}), sequences_seed=seed)
    splits = {**card.splits, "test": count}
    own = card.model_copy(update={"splits": splits, "fingerprint": ""})
    return SequenceDataset(own, dataset.train, dataset.valid, drawn.test)


def noise(fixed: "tuple[Result, Path]", drawn: "tuple[Result, Path]") -> dict[str, float]:
    """The standard error of each difference fixed - drawn, were both the scores of one model on one distribution.

    From the side files of the two results: classification by resampling sequences (bootstrap, 100 times), attribution
    from the spread over sequences. Filter metrics have none: no formula gives theirs.
    """
    one, other = variances(*fixed), variances(*drawn)
    return {name: float(np.sqrt(one[name] + other[name])) for name in one if name in other}


def variances(result: "Result", folder: "Path") -> Variances:
    """The sampling variance of each score of a result that can be told from its side files in `folder`."""
    from safetensors.numpy import load_file

    found: Variances = {}
    if "predictions" in result.files:
        found |= _of_classification(load_file(folder / result.files["predictions"].name), result)
    if "attribution" in result.files:
        found |= _of_attribution(load_file(folder / result.files["attribution"].name), result)
    return found


def _of_classification(arrays: dict[str, npt.NDArray[Any]], result: "Result") -> Variances:
    labels, probabilities = arrays["labels"], arrays["probabilities"]
    random = np.random.default_rng(0)
    values: dict[str, list[npt.NDArray[np.float64]]] = {name: [] for name in _AREAS}
    for _ in range(_RESAMPLES):
        rows = random.integers(len(labels), size=len(labels))
        for name, area in _AREAS.items():
            values[name].append(area(labels[rows].T, probabilities[rows].T))
    found: Variances = {}
    for name, drawn in values.items():
        each = np.array(drawn)  # resamples x classes
        total = f"classification/{name}"
        if result.metrics.get(total) is not None:
            found[total] = float(np.nanvar(np.nanmean(each, axis=1), ddof=1))
        # A score of one class is named by it, in the order of the outputs.
        parts = [metric for metric in result.metrics if metric.startswith(f"{total}/")]
        found |= {
            part: float(np.nanvar(each[:, index], ddof=1))
            for index, part in enumerate(parts)
            if result.metrics[part] is not None
        }
    return found


def _of_attribution(arrays: dict[str, npt.NDArray[Any]], result: "Result") -> Variances:
    found: Variances = {}
    for method in METHODS:
        if method not in arrays:
            continue
        for name, values in score_maps(arrays[method], arrays["information"])._asdict().items():
            defined = values[np.isfinite(values)]
            metric = f"attribution/{method}/{name}"
            if len(defined) > 1 and metric in result.metrics:
                found[metric] = float(defined.var(ddof=1) / len(defined))
    return found
