"""The groups of scores a benchmark may hold - classification, filters, attribution - each from a trial to numbers."""

import hashlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data_cards.cards import GroupName
from ..data_cards.onehot import to_onehot
from ..metrics import aupr, auroc
from .attribution.error import AttributionError
from .attribution.scores import score_maps
from .matching import Matches, filter_metrics, known_metrics, match_filters, planted_metrics
from .protocol import METHODS, REFERENCES, SEED, STEPS
from .run import TrialRun
from .stages import Arrays
from .targets import Targets, known_names, targets

Maps = npt.NDArray[np.float32]


class Group(NamedTuple):
    """A group's scores: metric values and the n of each, sentences a reader must know, and what its files hold."""

    metrics: dict[str, float | None]
    n: dict[str, int]
    notes: list[str]
    arrays: Arrays
    matches: Matches | None = None


def classification(run: TrialRun) -> Group:
    """AUROC and AUPR on the test split: of each class, and their mean (protocol section 6)."""
    test = run.test

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
    arrays = {"probabilities": probabilities, "labels": test.labels, "rows": run.kept}
    return Group(metrics, n, notes if undefined else [], arrays)


def filters(run: TrialRun) -> Group:
    """First-layer filters as motifs, and which known motifs they match (protocol section 4)."""

    def compute() -> Arrays:
        from .filters import filter_matrices

        return filter_matrices(run.network, run.test.codes, progress=run.step)._asdict()

    found = run.stage("filters", compute)
    card = run.dataset.card
    planted = card.generator is not None
    truth = card.ground_truth if planted else known_names(card)
    matches = match_filters(found["counts"], found["windows"], found["maximum"], found["finite"], truth)
    metrics, n = filter_metrics(matches.filters)
    score_truth = planted_metrics if planted else known_metrics
    more_metrics, more_n = score_truth(matches, truth)
    metrics |= more_metrics
    n |= more_n
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
    """Attribution maps against the positions of planted or known motifs (protocol section 5)."""
    aim = targets(run.dataset.card, run.test)
    rows = run.kept[aim.rows]
    arrays: Arrays = {"rows": rows, "outputs": aim.outputs, "codes": aim.codes, "information": aim.information}
    metrics: dict[str, float | None] = {}
    n: dict[str, int] = {}
    notes = list(aim.notes)
    for method in METHODS:

        def compute(method: str = method) -> Arrays:
            return {"scores": _explain(run, method, aim, rows)}

        unexplained = None
        try:
            arrays[method] = run.stage(
                f"attribution-{method}",
                compute,
                targets=hashlib.sha256(rows.tobytes() + aim.outputs.tobytes()).hexdigest(),
                references=REFERENCES,
                steps=STEPS,
                seed=SEED,
            )["scores"]
        except AttributionError as error:  # one method that is not defined for a network leaves it the others
            unexplained = f"{method} has no score: {error}"
            arrays[method] = np.full(aim.codes.shape, np.nan, np.float32)
        for name, values in score_maps(arrays[method], aim.information)._asdict().items():
            defined = np.isfinite(values)
            metric = f"attribution/{method}/{aim.prefix}{name}"
            metrics[metric] = _number(values[defined].mean() if defined.any() else np.nan)
            n[metric] = int(defined.sum())
        if unexplained is not None:
            notes.append(unexplained)
        elif not defined.all():
            missing = len(rows) - int(defined.sum())
            notes.append(f"{missing} of {len(rows)} sequences have no {method} score: their map is not finite.")
    return Group(metrics, n, notes, arrays)


def _explain(run: TrialRun, method: str, aim: Targets, rows: npt.NDArray[np.int64]) -> Maps:
    """Position scores `(n, L)` of each sequence's own output."""
    from .attribution.methods import attribute, position_scores

    scores = np.zeros(aim.codes.shape, np.float32)
    for output in np.unique(aim.outputs):
        chosen = np.flatnonzero(aim.outputs == output)
        onehot = to_onehot(aim.codes[chosen])
        done = int(np.searchsorted(aim.outputs, output))

        def step(finished: int, total: int, done: int = done) -> None:
            run.step(done + finished, len(rows))

        maps = attribute(
            run.network,
            onehot,
            method=method,
            output=int(output),
            rows=rows[chosen],
            seed=SEED,
            references=REFERENCES,
            progress=step,
        )
        scores[chosen] = position_scores(method, maps, onehot)
    return scores


def _number(value: np.floating[Any] | float) -> float | None:
    return float(value) if np.isfinite(value) else None


GROUPS: Final[dict[GroupName, Callable[[TrialRun], Group]]] = {
    "classification": classification,
    "filters": filters,
    "attribution": attribution,
}
