"""The groups of scores a benchmark may hold - classification, filters, attribution - each from a trial to numbers."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from ..data_cards.cards import GroupName
from ..metrics import aupr, auroc
from .attribution.scores import information_bits, score_maps
from .matching import Matches, filter_metrics, match_filters
from .protocol import METHODS, REFERENCES, SEED, SEQUENCES, STEPS
from .run import TrialRun
from .stages import Arrays


class Group(NamedTuple):
    """A group's scores: metric values and the n of each, sentences a reader must know, and what its files hold."""

    metrics: dict[str, float | None]
    n: dict[str, int]
    notes: list[str]
    arrays: Arrays
    matches: Matches | None = None


def classification(run: TrialRun) -> Group:
    """AUROC and AUPR on the test split: of each class, and their mean (protocol section 6)."""
    test = run.dataset.test

    def compute() -> Arrays:
        from .classification import predict

        return {"probabilities": predict(run.network, test.codes, progress=run.step)}

    probabilities = run.stage("predictions", compute)["probabilities"]
    metrics: dict[str, float | None] = {}
    n: dict[str, int] = {}
    for name, area in (("auroc", auroc), ("aupr", aupr)):
        values = area(test.labels.T, probabilities.T)
        defined = np.isfinite(values)
        metrics[f"classification/{name}"] = _number(values[defined].mean() if defined.any() else np.nan)
        n[f"classification/{name}"] = int(defined.sum())
        if len(values) > 1:
            for label, value in zip(run.dataset.card.classes, values, strict=True):
                metrics[f"classification/{name}/{label}"] = _number(value)
                n[f"classification/{name}/{label}"] = len(test)
    undefined = int(np.isnan(probabilities).any(axis=0).sum())
    notes = [f"{undefined} of {probabilities.shape[1]} outputs are not a number on some test sequence: no score."]
    return Group(metrics, n, notes if undefined else [], {"probabilities": probabilities, "labels": test.labels})


def filters(run: TrialRun) -> Group:
    """First-layer filters as motifs, and which known motifs they match (protocol section 4)."""

    def compute() -> Arrays:
        from .filters import filter_matrices

        return filter_matrices(run.network, run.dataset.test.codes, progress=run.step)._asdict()

    found = run.stage("filters", compute)
    truth = run.dataset.card.ground_truth
    matches = match_filters(found["counts"], found["windows"], found["maximum"], found["finite"], truth)
    metrics, n = filter_metrics(matches.filters, truth)
    dead: dict[str, list[int]] = {}
    for entry in matches.filters:
        if entry.dead is not None:
            dead.setdefault(entry.dead, []).append(entry.filter)
    notes = [
        f"{len(which)} of {len(matches.filters)} filters are dead ({reason}): {', '.join(map(str, which))}."
        for reason, which in dead.items()
    ]
    return Group(metrics, n, notes, {}, matches)


def attribution(run: TrialRun) -> Group:
    """Attribution maps of output 0 against the planted motifs (protocol section 5)."""
    test = run.dataset.test
    rows = np.flatnonzero(test.labels[:, 0] == 1)[:SEQUENCES]
    chosen = test.subset(rows)
    truth = chosen.truth()
    arrays: Arrays = {"rows": rows, "codes": chosen.codes, "information": information_bits(truth)}
    metrics: dict[str, float | None] = {}
    n: dict[str, int] = {}
    notes: list[str] = []
    for method in METHODS:

        def compute(method: str = method) -> Arrays:
            from .attribution.methods import attribute, position_scores

            onehot = chosen.onehot()
            maps = attribute(
                run.network, onehot, method=method, rows=rows, seed=SEED, references=REFERENCES, progress=run.step
            )
            return {"scores": position_scores(method, maps, onehot)}

        parameters = {"sequences": SEQUENCES, "references": REFERENCES, "steps": STEPS, "seed": SEED}
        arrays[method] = run.stage(f"attribution-{method}", compute, **parameters)["scores"]
        for name, values in score_maps(arrays[method], arrays["information"])._asdict().items():
            defined = np.isfinite(values)
            metrics[f"attribution/{method}/{name}"] = _number(values[defined].mean() if defined.any() else np.nan)
            n[f"attribution/{method}/{name}"] = int(defined.sum())
        if not defined.all():
            missing = len(rows) - int(defined.sum())
            notes.append(f"{missing} of {len(rows)} sequences have no {method} score: their map is not finite.")
    return Group(metrics, n, notes, arrays)


def _number(value: np.floating[Any] | float) -> float | None:
    return float(value) if np.isfinite(value) else None


GROUPS: Final[dict[GroupName, Callable[[TrialRun], Group]]] = {
    "classification": classification,
    "filters": filters,
    "attribution": attribution,
}
