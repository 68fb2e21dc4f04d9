"""Scores of models, trial by trial, from wherever they are; and which models of the recipes have none.

Only scores of the present protocol, motif database and version of the data are taken: others are no match for them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, NamedTuple

from ...errors import ModelError, MotifzooError, UnknownNameError
from ...zoo.recipe import Recipe, packaged
from ...zoo.sources import ELSEWHERE, Source, find, list_models
from ..benchmark import Evaluated
from ..leaderboard.boards import Snapshot, open_board
from ..results import read_result
from .trials import Trial, of_model, of_record, of_result, sorted_out

_NO_MODEL: Final = "no such model in the zoo"
_NO_SCORES: Final = "the model has no scores yet"
_BROKEN_SCORES: Final = "its scores cannot be read"
_BROKEN_MODEL: Final = "its config.json cannot be read"
_NO_RESULT: Final = "no result file"
_LEFT_OUT: Final = "its scores are left out"
_IN_FOLDERS: Final = "the scores in the models' folders"


class Measured(NamedTuple):
    """A model's scores: for each metric a value a trial, None where it is undefined, in the order of `trials`.

    `label` is what its architecture's other models differ in: the activation, with the variant if there is one.
    A name that several of them would share is one's only, and the others' label is their whole name. `counts` are over
    how many filters, sequences or classes each value is taken. `control` is true of models with nothing to learn.
    `sha256`: of each trial, the content hash of its weights.
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

    `untrained` are networks before training, of the architectures and data sets of the models and of the missing ones;
    none of them is a model.
    """

    origin: str
    models: tuple[Measured, ...]
    missing: tuple[Missing, ...]
    problems: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    untrained: tuple[Measured, ...]


def from_packaged(patterns: Sequence[str] = ("*",)) -> Scored:
    """The scores in the folders of the models that match a pattern: packaged ones, and those of MOTIFZOO_MODELS.

    A scores.json or config.json that cannot be read is a problem and stops no other model, and so is a model without
    scores that no recipe names. Raises UnknownNameError where no model matches.
    """
    trials, reasons, problems = _in_folders(packaged_names(patterns))
    return _scored(_IN_FOLDERS, trials, patterns, reasons, _NO_MODEL, problems)


def from_results(folders: Sequence[Path], patterns: Sequence[str] = ("*",), *, add_packaged: bool = False) -> Scored:
    """The scores in every `result.json` below the folders, of models that match a pattern.

    add_packaged: take the scores in the folders of the models that no result file is of. A file that cannot be read is
    a problem and stops no other. Raises MotifzooError for a folder that is missing and where there is no result at all.
    """
    trials: list[Trial] = []
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
                trials.append(of_result(result, str(path), control=recipe_is_control(result.model)))
    if not trials and not problems:
        raise MotifzooError(
            f"there is no result.json below {', '.join(map(str, folders))} of a model that matches "
            f"{' '.join(patterns)}: `motifzoo evaluate` writes them."
        )
    origin = "result files"
    reasons: dict[str, str] = {}
    if add_packaged:
        covered = {trial.model for trial in trials}
        known = _names(patterns) if trials else packaged_names(patterns)
        added, reasons, broken = _in_folders([name for name in known if name not in covered])
        trials += added
        problems += broken
        origin += f" and, for models without one, {_IN_FOLDERS}"
    return _scored(origin, trials, patterns, reasons, _NO_RESULT, problems)


def from_evaluations(
    evaluated: Iterable[Evaluated],
    failures: Mapping[str, str],
    patterns: Sequence[str] = ("*",),
    absent: Sequence[str] = (),
    *,
    controls: Collection[str] = (),
    broken: Mapping[str, str] = {},
) -> Scored:
    """Scores that were just computed.

    failures: why there are none, by trial (`NAME:TRIAL`). absent: trials whose weights are not on this machine.
    controls: names of the models that were trained on shuffled labels. broken: as `open_models` returns them.
    """
    trials = [
        of_result(result, f"{result.model}:{result.trial}", control=result.model in controls)
        for result, *_ in evaluated
    ]
    reasons = dict.fromkeys(broken, _BROKEN_MODEL)
    reasons |= {name.rpartition(":")[0]: "not part of this installation" for name in absent}
    reasons |= {name.rpartition(":")[0]: error for name, error in failures.items()}
    problems = [*broken.values(), *(f"{name} could not be evaluated: {error}" for name, error in failures.items())]
    if absent:
        are = "1 trial is" if len(absent) == 1 else f"{len(absent)} trials are"
        problems.append(f"{are} left out: not part of this installation, which holds {ELSEWHERE}")
    return _scored("scores recomputed from weights and data", trials, patterns, reasons, _NO_MODEL, problems)


def packaged_names(patterns: Sequence[str]) -> list[str]:
    """The packaged models that match a pattern. Raises UnknownNameError where none does."""
    names = _names(patterns)
    if not names:
        raise UnknownNameError(f"no packaged model matches {' '.join(patterns)}. `motifzoo models` lists them.")
    return names


def open_models(names: Iterable[str]) -> tuple[list[Source], dict[str, str]]:
    """The models of these names; and of those whose config.json cannot be read, by name, what is wrong with it."""
    sources: list[Source] = []
    broken: dict[str, str] = {}
    for name in names:
        try:
            sources.append(find(name, weights=False))
        except ModelError as error:
            broken[name] = f"{error} {name} is left out: restore the file."
    return sources, broken


def _names(patterns: Sequence[str]) -> list[str]:
    return [name for name in list_models() if _matches(name, patterns)]


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _in_folders(names: Iterable[str]) -> tuple[list[Trial], dict[str, str], list[str]]:
    """Trials of the scores in models' folders, why there are none of a model, and what a reader must be told of it."""
    sources, broken = open_models(names)
    trials: list[Trial] = []
    reasons = dict.fromkeys(broken, _BROKEN_MODEL)
    problems = list(broken.values())
    for source in sources:
        name = source.given
        try:
            found = of_model(source)
        except ModelError as error:
            problems.append(f"{error} It is left out: restore the file, or compute the scores with --recompute.")
            reasons[name] = _BROKEN_SCORES
            continue
        trials += found
        if not found:
            reasons[name] = _NO_SCORES
            if name not in packaged():  # what recipes name is listed as missing
                problems.append(f"{name} has no scores.json of its present weights: --recompute computes its scores.")
    return trials, reasons, problems


def _scored(
    origin: str,
    trials: Sequence[Trial],
    patterns: Sequence[str],
    reasons: Mapping[str, str],
    otherwise: str,
    problems: Sequence[str] = (),
) -> Scored:
    """Models from trials that can stand beside each other; the others become problems."""
    snapshot = open_board().snapshot()
    entered, no_models = _entered(trials, snapshot)
    kept, unfit = sorted_out(entered)
    models = tuple(map(_measured, kept))
    reasons = dict.fromkeys((trial.model for trial in trials), _LEFT_OUT) | dict(reasons)
    found = {model.name: len(model.trials) for model in models}
    expected = [recipe for name, recipe in packaged().items() if _matches(name, patterns)]
    expected.sort(key=lambda recipe: recipe.dataset)
    missing = tuple(
        _missing(recipe, found.get(recipe.name, 0), reasons.get(recipe.name, otherwise))
        for recipe in expected
        if found.get(recipe.name, 0) < recipe.trials
    )
    every: tuple[Measured | Missing, ...] = (*models, *missing)
    untrained, broken = _untrained({(one.dataset, one.architecture) for one in every}, snapshot)
    versions = {pair for of_one in kept for trial in of_one for pair in trial.versions.items()}
    problems = (*problems, *no_models, *unfit, *broken)
    return Scored(origin, _told_apart(models, every), missing, problems, tuple(sorted(versions)), untrained)


def _entered(trials: Iterable[Trial], snapshot: Snapshot) -> tuple[list[Trial], list[str]]:
    """The trials without those of the board's networks that were never trained; and which these are.

    A result file does not say whether it is of such a network, and beside the board's own scores of it, it would stand
    there twice. A model trained on shuffled labels is a model.
    """
    controls = {record.model: record.control for record in snapshot.records.values()}
    entered: list[Trial] = []
    told: dict[str, None] = {}
    for trial in trials:
        control = controls.get(trial.model)
        if control is None or control == "shuffled_labels":
            entered.append(trial)
        else:
            told[f"{trial.model} is left out: on motifzoo's board it is a control ({control}) and no model."] = None
    return entered, list(told)


def _told_apart(models: Iterable[Measured], every: Iterable[Measured | Missing]) -> tuple[Measured, ...]:
    """The models, each with a label that no other of its architecture and data set has, missing ones included.

    The one whose name is made of architecture, label and data set, as recipes make names, keeps it.
    """
    named: dict[tuple[str, str, str], set[str]] = {}
    for one in every:
        named.setdefault((one.dataset, one.architecture, one.label), set()).add(one.name)
    return tuple(
        model
        if len(named[model.dataset, model.architecture, model.label]) == 1
        or model.name == f"{model.architecture}-{model.label}.{model.dataset}"
        else model._replace(label=model.name)
        for model in models
    )


def _untrained(there: Collection[tuple[str, str]], snapshot: Snapshot) -> tuple[tuple[Measured, ...], list[str]]:
    """Networks before training, of these data sets and architectures, as the board that comes with motifzoo has them;
    and what of that board cannot be used."""
    kept, unfit = sorted_out(
        of_record(record, f"record {path} of motifzoo's board")
        for path, record in sorted(snapshot.records.items())
        if record.control == "untrained" and (record.dataset, record.architecture) in there
    )
    networks = tuple(map(_measured, kept))
    return networks, [*(f"motifzoo's board: {problem}" for problem in snapshot.problems), *unfit]


def _measured(trials: list[Trial]) -> Measured:
    first, *_ = trials = sorted(trials, key=lambda trial: trial.trial)
    metrics = dict.fromkeys(name for trial in trials for name in trial.metrics)
    return Measured(
        first.model,
        first.dataset,
        first.architecture,
        first.activation,
        label_of(first.model, first.architecture),
        first.control,
        tuple(trial.trial for trial in trials),
        {name: tuple(trial.metrics.get(name) for trial in trials) for name in metrics},
        {name: tuple(trial.counts.get(name) for trial in trials) for name in metrics},
        tuple(trial.sha256 for trial in trials),
    )


def label_of(name: str, architecture: str) -> str:
    """What a model's name says besides its architecture and data set: `log_relu-l2` of cnn-deep-log_relu-l2.dataset."""
    return name.partition(".")[0].removeprefix(f"{architecture}-")


def recipe_is_control(name: str) -> bool:
    """Whether a recipe of this name trains on shuffled labels: for what comes without the model's own config."""
    recipe = packaged().get(name)
    return recipe is not None and recipe.training.shuffled_labels


def _missing(recipe: Recipe, found: int, reason: str) -> Missing:
    label = label_of(recipe.name, recipe.architecture)
    why = reason if not found else f"{found} of {recipe.trials} trials"
    return Missing(recipe.name, recipe.dataset, recipe.architecture, label, recipe.trials, found, why)
