"""One trial's scores from a model's folder, a result file or a board, and which can stand beside each other."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from ...data_cards.cards import list_datasets, load_card
from ...data_cards.motifs import content_hash, search_database
from ...errors import ModelError
from ...zoo.glossary import is_control
from ...zoo.model_card.scores import SCORES, read_scores
from ...zoo.sources import Source
from ..leaderboard.current import stamps_of
from ..leaderboard.entries import metrics_of
from ..leaderboard.record import Record
from ..metric_table import metric_of
from ..protocol import PROTOCOL
from ..results import Result


class Trial(NamedTuple):
    """One trial's scores, in one shape for all origins.

    `where` names it in a message. `control`: of a model with nothing to learn, or of a network before training.
    """

    where: str
    model: str
    trial: int
    dataset: str
    architecture: str
    activation: str
    control: bool
    stamps: tuple[str, int, str, str]
    sha256: str
    versions: Mapping[str, str]
    metrics: Mapping[str, float | None]
    counts: Mapping[str, int | None]


def of_model(source: Source) -> list[Trial]:
    """The trials that a model's scores.json is about. Raises ModelError where it is not valid, or of impossible scores.

    One such score, and none of the file is taken: whoever wrote it did not evaluate.
    """
    scores = read_scores(source.folder, source.config)
    if scores is None:
        return []
    config = source.config
    trials = [
        Trial(
            f"{config.name}:{trial.trial}",
            config.name,
            trial.trial,
            config.dataset.name,
            config.architecture,
            config.activation,
            is_control(config.training),
            (scores.benchmark, scores.protocol, scores.data_fingerprint, scores.motifs_sha256),
            trial.sha256,
            scores.versions,
            {metric.name: metric.values[place] for metric in scores.metrics},
            {metric.name: metric.n[place] for metric in scores.metrics},
        )
        for place, trial in enumerate(scores.trials)
    ]
    for trial in trials:
        if reason := _impossible(trial):
            raise ModelError(f"{source.folder / SCORES} is not valid: of trial {trial.trial}, {reason}")
    return trials


def of_result(result: Result, where: str, *, control: bool) -> Trial:
    """A trial of a result, which does not say whether it is of a control."""
    stamps = result.stamps
    return Trial(
        where,
        result.model,
        result.trial,
        result.dataset,
        result.architecture,
        result.activation,
        control,
        (result.benchmark, stamps.protocol, stamps.data_fingerprint, stamps.motifs_sha256),
        stamps.model_sha256,
        stamps.versions,
        result.metrics,
        result.n,
    )


def of_record(record: Record, where: str) -> Trial:
    """A trial of a board's record."""
    stamps = stamps_of(record)
    return Trial(
        where,
        record.model,
        record.trial,
        record.dataset,
        record.architecture,
        record.activation,
        record.control is not None,
        (record.benchmark, *stamps),
        record.model_sha256,
        record.versions,
        metrics_of(record),
        record.n,
    )


def sorted_out(trials: Iterable[Trial]) -> tuple[list[list[Trial]], list[str]]:
    """The trials of each model that can stand beside the others, by the model's name; and why others cannot."""
    told: list[str] = []
    kept: dict[str, dict[int, Trial]] = {}
    for trial in trials:
        of_model = kept.setdefault(trial.model, {})
        if reason := _unfit(trial, of_model):
            told.append(f"{trial.where} is left out: {reason}")
        elif trial.trial not in of_model:
            of_model[trial.trial] = trial
    return [list(of_model.values()) for _, of_model in sorted(kept.items()) if of_model], told


def _unfit(trial: Trial, others: Mapping[int, Trial]) -> str:
    """Why a trial cannot stand beside the other models' and its own model's; "" if it can."""
    if impossible := _impossible(trial):
        return impossible
    current = _current_stamps(trial.dataset)
    if current is None:
        return f"there is no data set {trial.dataset} here to compare it on."
    if trial.stamps != current:
        names = ("benchmark", "protocol", "data", "motif database")
        differs = [name for name, mine, now in zip(names, trial.stamps, current, strict=True) if mine != now]
        return f"it is of another {' and '.join(differs)} than this motifzoo's. Evaluate it again."
    twin = others.get(trial.trial)
    if twin is not None:
        return "" if twin.metrics == trial.metrics else f"{twin.where} is of the same trial and says something else."
    for other in others.values():
        if other.sha256 == trial.sha256:
            return f"it has the weights of {other.where}, so it is no replicate of its own."
        if (other.architecture, other.activation) != (trial.architecture, trial.activation):
            return f"{other.where} has the same name and another architecture or activation."
    return ""


def _impossible(trial: Trial) -> str:
    """What a trial states that no evaluation gives; "" without such a score."""
    for name, value in trial.metrics.items():
        metric = metric_of(name)
        if value is not None and metric is not None and not 0 <= value <= metric.highest:
            return f"it says that {name} is {value:g}, which lies outside of 0 to {metric.highest:g}."
    return ""


def _current_stamps(dataset: str) -> tuple[str, int, str, str] | None:
    if dataset not in list_datasets():
        return None
    card = load_card(dataset)
    return card.benchmark, PROTOCOL, card.fingerprint, _motifs_sha256()


@cache
def _motifs_sha256() -> str:
    return content_hash(search_database())
