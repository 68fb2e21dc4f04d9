"""Scores of models, trial by trial, from wherever they are; and which models of the recipes have none.

Only scores of the present protocol, motif database and version of the data are taken: others are no match for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from ...data_cards.cards import list_datasets, load_card
from ...data_cards.motifs import content_hash, search_database
from ...errors import ModelError, MotifzooError, UnknownNameError
from ...zoo.model_card.scores import SCORES, read_scores
from ...zoo.recipe import Recipe, packaged
from ...zoo.sources import ELSEWHERE, Source, find, list_models
from ..benchmark import Evaluated
from ..leaderboard.boards import open_board
from ..leaderboard.current import stamps_of
from ..leaderboard.entries import metrics_of
from ..leaderboard.record import Record
from ..metric_table import metric_of
from ..protocol import PROTOCOL
from ..results import Result, read_result

_NO_MODEL: Final = "no such model in the zoo"
_NO_SCORES: Final = "the model has no scores yet"
_BROKEN_SCORES: Final = "its scores cannot be read"
_NO_RESULT: Final = "no result file"
_LEFT_OUT: Final = "its scores are left out"


class Measured(NamedTuple):
    """A model's scores: for each metric a value a trial, None where it is undefined, in the order of `trials`.

    `label` is what its architecture's other models differ in: the activation, with the variant if there is one.
    `counts` are over how many filters, sequences or classes each value is taken. `control` is true of models with
    nothing to learn. `sha256`: of each trial, the content hash of its weights.
    """

    name: str
    dataset: str
    architecture: str
    activation: str
    label: str
    control: bool
    trials: tuple[int, ...]
    values: Mapping[str, tuple[float | None, ...]]
    counts: Mapping[str, tuple[int | None, ...]]
    sha256: tuple[str, ...]

    def defined(self, metric: str) -> tuple[tuple[int, float], ...]:
        """(trial, value) of the trials that have a value."""
        pairs = zip(self.trials, self.values.get(metric, ()), strict=False)
        return tuple((trial, value) for trial, value in pairs if value is not None)


class Missing(NamedTuple):
    """A model of which the recipes have more trials (`expected`) than there are scores of (`found`), and why."""

    name: str
    dataset: str
    architecture: str
    label: str
    expected: int
    found: int
    reason: str


class Scored(NamedTuple):
    """Everything a comparison is made from. `origin` says where the scores are from, `problems` what was left out.

    `untrained` are networks before training, of the models' architectures and data sets; none of them is a model.
    """

    origin: str
    models: tuple[Measured, ...]
    missing: tuple[Missing, ...]
    problems: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    untrained: tuple[Measured, ...]


class _Trial(NamedTuple):
    """One trial's scores, in one shape for all origins."""

    where: str
    model: str
    trial: int
    dataset: str
    architecture: str
    activation: str
    stamps: tuple[str, int, str, str]
    sha256: str
    versions: Mapping[str, str]
    metrics: Mapping[str, float | None]
    counts: Mapping[str, int | None]


def from_packaged(patterns: Sequence[str] = ("*",)) -> Scored:
    """The scores in the folders of the packaged models that match a pattern.

    A scores.json that cannot be read is a problem and stops no other. Raises UnknownNameError where no model matches,
    ModelError for a model without a valid config.json.
    """
    trials, reasons, problems = _packaged(packaged_names(patterns))
    return _scored("the scores that the packaged models carry", trials, patterns, reasons, _NO_MODEL, problems)


def from_results(folders: Sequence[Path], patterns: Sequence[str] = ("*",), *, add_packaged: bool = False) -> Scored:
    """The scores in every `result.json` below the folders, of models that match a pattern.

    add_packaged: take packaged scores of the models that no result file is of. A file that cannot be read is a problem
    and stops no other. Raises MotifzooError for a folder that is missing and where there is no result at all.
    """
    trials: list[_Trial] = []
    problems: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            raise MotifzooError(f"there is no folder {folder}: --results takes what `motifzoo evaluate` wrote.")
        for path in sorted(folder.rglob("result.json")):
            try:
                result = read_result(path)
            except MotifzooError as error:
                problems.append(f"{error} It is left out: `motifzoo evaluate` writes it again.")
                continue
            if _matches(result.model, patterns):
                trials.append(_of_result(result, str(path)))
    if not trials and not problems:
        raise MotifzooError(
            f"there is no result.json below {', '.join(map(str, folders))} of a model that matches "
            f"{' '.join(patterns)}: `motifzoo evaluate` writes them."
        )
    origin = "result files"
    reasons: dict[str, str] = {}
    if add_packaged:
        covered = {trial.model for trial in trials}
        added, reasons, broken = _packaged([name for name in packaged_names(patterns) if name not in covered])
        trials += added
        problems += broken
        origin += " and, for models without one, the scores that the packaged models carry"
    return _scored(origin, trials, patterns, reasons, _NO_RESULT, problems)


def from_evaluations(
    evaluated: Iterable[Evaluated],
    failures: Mapping[str, str],
    patterns: Sequence[str] = ("*",),
    absent: Sequence[str] = (),
) -> Scored:
    """Scores that were just computed.

    failures: why there are none, by trial (`NAME:TRIAL`). absent: trials whose weights are not on this machine.
    """
    trials = [_of_result(item.result, f"{item.result.model}:{item.result.trial}") for item in evaluated]
    reasons = {name.rpartition(":")[0]: "not part of this installation" for name in absent}
    reasons |= {name.rpartition(":")[0]: error for name, error in failures.items()}
    problems = [f"{name} could not be evaluated: {error}" for name, error in failures.items()]
    if absent:
        are = "1 trial is" if len(absent) == 1 else f"{len(absent)} trials are"
        problems.append(f"{are} left out: not part of this installation, which holds {ELSEWHERE}")
    return _scored("scores recomputed from weights and data", trials, patterns, reasons, _NO_MODEL, problems)


def packaged_names(patterns: Sequence[str]) -> list[str]:
    """The packaged models that match a pattern. Raises UnknownNameError where none does."""
    names = [name for name in list_models() if _matches(name, patterns)]
    if not names:
        raise UnknownNameError(f"no packaged model matches {' '.join(patterns)}. `motifzoo models` lists them.")
    return names


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _packaged(names: Iterable[str]) -> tuple[list[_Trial], dict[str, str], list[str]]:
    """Trials of packaged models, why there are none of a model, and what could not be read."""
    trials: list[_Trial] = []
    reasons: dict[str, str] = {}
    problems: list[str] = []
    for name in names:
        source = find(name, weights=False)
        try:
            found = _packaged_trials(source)
        except ModelError as error:
            problems.append(f"{error} It is left out: restore the file, or compute the scores with --recompute.")
            reasons[name] = _BROKEN_SCORES
            continue
        trials += found
        if not found:
            reasons[name] = _NO_SCORES
    return trials, reasons, problems


def _packaged_trials(source: Source) -> list[_Trial]:
    """The trials that a model's scores.json is about. Raises ModelError where it is not valid, or of impossible scores.

    One such score, and none of the file is taken: whoever wrote it did not evaluate.
    """
    scores = read_scores(source.folder, source.config)
    if scores is None:
        return []
    config = source.config
    trials = [
        _Trial(
            f"{config.name}:{trial.trial}",
            config.name,
            trial.trial,
            config.dataset.name,
            config.architecture,
            config.activation,
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


def _of_result(result: Result, where: str) -> _Trial:
    stamps = result.stamps
    return _Trial(
        where,
        result.model,
        result.trial,
        result.dataset,
        result.architecture,
        result.activation,
        (result.benchmark, stamps.protocol, stamps.data_fingerprint, stamps.motifs_sha256),
        stamps.model_sha256,
        stamps.versions,
        result.metrics,
        result.n,
    )


def _of_record(record: Record, where: str) -> _Trial:
    stamps = stamps_of(record)
    return _Trial(
        where,
        record.model,
        record.trial,
        record.dataset,
        record.architecture,
        record.activation,
        (record.benchmark, *stamps),
        record.model_sha256,
        record.versions,
        metrics_of(record),
        record.n,
    )


def _scored(
    origin: str,
    trials: Sequence[_Trial],
    patterns: Sequence[str],
    reasons: Mapping[str, str],
    otherwise: str,
    problems: Sequence[str] = (),
) -> Scored:
    """Models from trials that can stand beside each other; the others become problems."""
    kept, unfit = _sorted_out(trials)
    models = tuple(map(_measured, kept))
    reasons = dict.fromkeys((trial.model for trial in trials), _LEFT_OUT) | dict(reasons)
    untrained, broken = _untrained(models)
    found = {model.name: len(model.trials) for model in models}
    expected = [recipe for name, recipe in packaged().items() if _matches(name, patterns)]
    expected.sort(key=lambda recipe: recipe.dataset)
    missing = tuple(
        _missing(recipe, found.get(recipe.name, 0), reasons.get(recipe.name, otherwise))
        for recipe in expected
        if found.get(recipe.name, 0) < recipe.trials
    )
    versions = {pair for of_model in kept for trial in of_model for pair in trial.versions.items()}
    return Scored(origin, models, missing, (*problems, *unfit, *broken), tuple(sorted(versions)), untrained)


def _sorted_out(trials: Iterable[_Trial]) -> tuple[list[list[_Trial]], list[str]]:
    """The trials of each model that can stand beside the others, by the model's name; and why others cannot."""
    told: list[str] = []
    kept: dict[str, dict[int, _Trial]] = {}
    for trial in trials:
        of_model = kept.setdefault(trial.model, {})
        if reason := _unfit(trial, of_model):
            told.append(f"{trial.where} is left out: {reason}")
        elif trial.trial not in of_model:
            of_model[trial.trial] = trial
    return [list(of_model.values()) for _, of_model in sorted(kept.items()) if of_model], told


def _untrained(models: Iterable[Measured]) -> tuple[tuple[Measured, ...], list[str]]:
    """Networks before training, of these models' architectures and data sets, as the board that comes with motifzoo
    has them; and what of that board cannot be used."""
    there = {(model.dataset, model.architecture) for model in models}
    snapshot = open_board().snapshot()
    kept, unfit = _sorted_out(
        _of_record(record, f"record {path} of motifzoo's board")
        for path, record in sorted(snapshot.records.items())
        if record.control == "untrained" and (record.dataset, record.architecture) in there
    )
    networks = tuple(_measured(of_model)._replace(control=True) for of_model in kept)
    return networks, [*(f"motifzoo's board: {problem}" for problem in snapshot.problems), *unfit]


def _unfit(trial: _Trial, others: Mapping[int, _Trial]) -> str:
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


def _impossible(trial: _Trial) -> str:
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


def _measured(trials: list[_Trial]) -> Measured:
    first, *_ = trials = sorted(trials, key=lambda trial: trial.trial)
    metrics = dict.fromkeys(name for trial in trials for name in trial.metrics)
    return Measured(
        first.model,
        first.dataset,
        first.architecture,
        first.activation,
        label_of(first.model, first.architecture),
        is_control(first.model),
        tuple(trial.trial for trial in trials),
        {name: tuple(trial.metrics.get(name) for trial in trials) for name in metrics},
        {name: tuple(trial.counts.get(name) for trial in trials) for name in metrics},
        tuple(trial.sha256 for trial in trials),
    )


def label_of(name: str, architecture: str) -> str:
    """What a model's name says besides its architecture and data set: `log_relu-l2` of cnn-deep-log_relu-l2.dataset."""
    return name.partition(".")[0].removeprefix(f"{architecture}-")


def is_control(name: str) -> bool:
    """Whether a model is trained on shuffled labels, as its recipe says."""
    recipe = packaged().get(name)
    return recipe is not None and recipe.training.shuffled_labels


def _missing(recipe: Recipe, found: int, reason: str) -> Missing:
    label = label_of(recipe.name, recipe.architecture)
    why = reason if not found else f"{found} of {recipe.trials} trials"
    return Missing(recipe.name, recipe.dataset, recipe.architecture, label, recipe.trials, found, why)
