"""A result as a report tells it: plain values for the template, computed from the result and its side files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ...data_cards.cards import Card, load_card
from ...errors import UnknownNameError
from ...zoo.glossary import ACTIVATIONS, ARCHITECTURES
from ..metric_table import METRICS, Metric
from ..results import Result, Stamps
from ..targets import known_names
from .attribution_views import AttributionView, attribution_view
from .curve_views import CurvesView, curves_view
from .filter_views import FiltersView, filters_view
from .sides import Predictions, read_side_files
from .words import (
    UNDEFINED,
    capital,
    method_title,
    metric_title,
    metric_value,
    seconds,
    truth_words,
)

GROUPS: Final = {"classification": "Classification", "filters": "Filter matching", "attribution": "Attribution"}
_REASONS: Final = 3  # classes named as reasons of one undefined score
_SUBJECTS: Final = {"classification": ("classification",), "filters": ("filter",)}


class Fact(NamedTuple):
    """One line about what was evaluated."""

    name: str
    value: str
    more: str


class ScoreRow(NamedTuple):
    """A score: title, meaning, value as text, "32 filters", "higher" or "lower", and the notes that bear on it where
    it is undefined."""

    title: str
    meaning: str
    value: str
    n: str
    better: str
    reasons: tuple[str, ...]


class ScoreGroup(NamedTuple):
    """Scores of one benchmark part."""

    title: str
    rows: tuple[ScoreRow, ...]


class Trial(NamedTuple):
    """Everything a page tells about one result. `anchor` is its id on the page."""

    anchor: str
    model: str
    trial: int
    benchmark: str
    facts: tuple[Fact, ...]
    notes: tuple[str, ...]
    scores: tuple[ScoreGroup, ...]
    filters: FiltersView | None
    attribution: AttributionView | None
    curves: CurvesView | None
    recompute: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    command: str


def trial_view(result: Result, folder: Path, anchor: str) -> Trial:
    """Read a result's side files and put everything a page tells about it into words and pictures.

    Raises MotifzooError for a side file that is missing, changed or unusable.
    """
    sides = read_side_files(result, folder)
    card = _card(result)
    curves = curves_view(sides.predictions, _class_names(card, sides.predictions), f"{anchor}-ground")
    words = truth_words(result)
    return Trial(
        anchor,
        result.model,
        result.trial,
        result.benchmark,
        _facts(result, card),
        result.notes,
        score_groups(result, curves),
        filters_view(result, sides, _truth(card), words),
        attribution_view(sides.attribution, card.classes if card else (), words),
        curves,
        _recompute(result),
        result.stamps.command,
    )


def score_groups(result: Result, curves: CurvesView | None = None) -> tuple[ScoreGroup, ...]:
    """The result's scores in the metric table's order, by benchmark part.

    An undefined one comes with the notes that bear on it; in classification also with what `curves` found undefined.
    """
    unscored = [f"{item.name}: {item.undefined}." for item in curves.undefined] if curves else []
    names = metric_names([result])
    parts = dict.fromkeys(_part(name) for name in names)
    return tuple(
        ScoreGroup(
            GROUPS.get(part, part), tuple(_score_row(result, name, unscored) for name in names if _part(name) == part)
        )
        for part in parts
    )


def metric_names(results: Iterable[Result]) -> tuple[str, ...]:
    """Names of the metrics that any of the results has: the metric table's first, in its order.

    Left out are the parts of a metric, such as each class's AUROC, which stand beside the curves.
    """
    given = dict.fromkeys(
        name for result in results for name in result.metrics if name.rpartition("/")[0] not in METRICS
    )
    return (*(name for name in METRICS if name in given), *(name for name in given if name not in METRICS))


def part_title(name: str) -> str:
    """The benchmark part that a metric belongs to."""
    return GROUPS.get(_part(name), _part(name))


def _part(name: str) -> str:
    return name.partition("/")[0]


def _score_row(result: Result, name: str, unscored: Sequence[str]) -> ScoreRow:
    metric = METRICS.get(name, Metric(name, "", ""))
    value = metric_value(name, result.metrics[name])
    count = result.n.get(name)
    better = ("higher" if metric.higher_is_better else "lower") if name in METRICS else ""
    counted = "" if count is None else f"{count:,} {_singular(metric.unit) if count == 1 else metric.unit}".strip()
    reasons: tuple[str, ...] = ()
    if value == UNDEFINED:
        seen = unscored[:_REASONS] if _part(name) == "classification" else ()
        reasons = (*(note for note in result.notes if _bears_on(note, name)), *seen)
    meaning = capital(metric.meaning).replace("<=", "\u2264")
    return ScoreRow(metric_title(name), meaning, value, counted, better, reasons)


def _singular(unit: str) -> str:
    return {"classes": "class"}.get(unit, unit.removesuffix("s"))


def _bears_on(note: str, name: str) -> bool:
    """Whether a note speaks of a metric: by its name, or by the method or part it belongs to."""
    part, *rest = name.split("/")
    subjects = (name, rest[0], method_title(rest[0])) if part == "attribution" and rest else (name,)
    return any(subject.lower() in note.lower() for subject in (*subjects, *_SUBJECTS.get(part, ())))


def _card(result: Result) -> Card | None:
    """The data set's card; a result may come from a data set that this installation does not have."""
    try:
        return load_card(result.dataset)
    except UnknownNameError:
        return None


def _truth(card: Card | None) -> Mapping[str, Sequence[str]]:
    if card is None:
        return {}
    return card.ground_truth if card.generator is not None else known_names(card)


def _class_names(card: Card | None, predictions: Predictions | None) -> Sequence[str]:
    count = 0 if predictions is None else predictions.labels.shape[1]
    return card.classes if card and len(card.classes) == count else [f"class {index}" for index in range(count)]


def _facts(result: Result, card: Card | None) -> tuple[Fact, ...]:
    return (
        Fact("Data set", result.dataset, f"{card.title}: {card.summary}" if card else ""),
        Fact("Architecture", result.architecture, ARCHITECTURES.get(result.architecture, "")),
        Fact("Layer-1 activation", result.activation, ACTIVATIONS.get(result.activation, "")),
        Fact("Benchmark", result.benchmark, f"protocol version {result.stamps.protocol}"),
    )


def _recompute(result: Result) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    stamps: Stamps = result.stamps
    ran = [("device", stamps.device), ("started", stamps.started)]
    ran += [(f"time, {name}", seconds(value)) for name, value in stamps.seconds.items()]
    content = [
        ("weights", stamps.model_sha256),
        ("data", stamps.data_fingerprint),
        ("motif database", stamps.motifs_sha256),
        *((file.name, file.sha256) for file in result.files.values()),
    ]
    groups: Mapping[str, Iterable[tuple[str, object]]] = {
        "Run": ran,
        "Versions": stamps.versions.items(),
        "Parameters": [*stamps.parameters.items(), *((f"seed, {name}", seed) for name, seed in stamps.seeds.items())],
        "Content hashes (SHA-256)": content,
    }
    return tuple((title, tuple((name, str(value)) for name, value in entries)) for title, entries in groups.items())
