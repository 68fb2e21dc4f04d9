"""The answers to the study's questions as plain values: who scored what, with its spread over trials, who is missing,
and what the tests say."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from ..statistics import Spread, spread
from .differences import Difference, Side, compared
from .questions import PLAIN, QUESTIONS, REFERENCE, Question, place, unmodified
from .scored import Measured, Scored, label_of, recipe_is_control

AGAINST_REFERENCE: Final = f"{REFERENCE} against each other activation"
AGAINST_UNMODIFIED: Final = "what it is made of against each modified activation"
AGAINST_CONTROL: Final = "each model against its control"


class Cell(NamedTuple):
    """One model's score: its trials' values as (trial, value), and their spread.

    `note` says why there is no value, or that there are fewer than there should be; "" where nothing is missing.
    """

    model: str
    label: str
    values: tuple[tuple[int, float], ...]
    spread: Spread
    note: str


class Panel(NamedTuple):
    """One score of one architecture: a cell a model, and the tests between them.

    `untrained`: a cell for each network before training that has a value. No test is of them.
    """

    metric: str
    architecture: str
    cells: tuple[Cell, ...]
    differences: tuple[Difference, ...]
    untrained: tuple[Cell, ...]

    def of_kind(self, kind: str) -> tuple[Difference, ...]:
        """The tests of a kind."""
        return tuple(test for test in self.differences if test.kind == kind)

    def marked(self, model: str) -> bool:
        """Whether a chart marks this model as told apart: from the reference or, for a control, from its model."""
        tests = (self.against(model, kind) for kind in (AGAINST_REFERENCE, AGAINST_CONTROL))
        return any(test is not None and test.apart for test in tests)

    def against(self, model: str, kind: str) -> Difference | None:
        """The test of a kind that the model of this name is the second of."""
        return next((test for test in self.of_kind(kind) if test.second.name == model), None)


class Answer(NamedTuple):
    """A question and what there is to say to it: a panel a score and architecture, in that order."""

    question: Question
    panels: tuple[Panel, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The scores that there are panels of."""
        return tuple(dict.fromkeys(panel.metric for panel in self.panels))


class _Row(NamedTuple):
    """A model of a question, measured or missing."""

    name: str
    architecture: str
    label: str
    control: bool
    measured: Measured | None
    missing: str


def answers(scored: Scored) -> tuple[Answer, ...]:
    """The questions that the scores, or the models that are missing, have something to say to."""
    found = (Answer(question, tuple(_panels(question, scored))) for question in QUESTIONS)
    return tuple(answer for answer in found if answer.panels)


def _panels(question: Question, scored: Scored) -> Iterable[Panel]:
    rows = _rows(question, scored)
    for metric in question.metrics:
        for architecture in dict.fromkeys(row.architecture for row in rows):
            cells = tuple(_cell(row, metric) for row in rows if row.architecture == architecture)
            scope = f"{question.dataset}, {architecture}, {question.group}"
            tests = [
                test for kind, pairs in _pairs(question, cells).items() for test in compared(scope, kind, metric, pairs)
            ]
            untrained = before_training(scored, question.dataset, metric, architecture)
            yield Panel(metric, architecture, cells, tuple(tests), untrained)


def before_training(scored: Scored, dataset: str, metric: str, architecture: str) -> tuple[Cell, ...]:
    """What networks of an architecture score before they are trained: a cell for each that has a value."""
    networks = [
        network
        for network in scored.untrained
        if (network.dataset, network.architecture) == (dataset, architecture) and network.defined(metric)
    ]
    networks.sort(key=lambda network: place(architecture, network.label))
    return tuple(_measured_cell(network, metric, "") for network in networks)


def _rows(question: Question, scored: Scored) -> list[_Row]:
    """The models of a question in the order they are shown."""
    short = {entry.name: entry for entry in scored.missing if entry.dataset == question.dataset}
    rows = [
        _Row(
            model.name,
            model.architecture,
            model.label,
            model.control,
            model,
            short[model.name].reason if model.name in short else "",
        )
        for model in scored.models
        if model.dataset == question.dataset
    ]
    there = {row.name for row in rows}
    rows += [
        _Row(entry.name, entry.architecture, entry.label, recipe_is_control(entry.name), None, entry.reason)
        for entry in short.values()
        if entry.name not in there
    ]
    if question.group in ("modified", "control"):  # networks with none of what is asked about would repeat the above
        asked = {
            row.architecture
            for row in rows
            if row.measured is not None
            and (row.control if question.group == "control" else not (row.control or _is_plain(row)))
        }
        rows = [row for row in rows if row.architecture in asked]
    controlled = {(row.architecture, unmodified(row.label)) for row in rows if row.control}
    if question.group == "control":
        chosen = [row for row in rows if row.control or (row.architecture, row.label) in controlled]
    else:
        chosen = [row for row in rows if not row.control and (question.group == "modified" or _is_plain(row))]
    return sorted(chosen, key=lambda row: place(row.architecture, row.label))


def _is_plain(row: _Row) -> bool:
    """Whether a model is of a plain activation, also one whose label is its whole name."""
    return label_of(row.name, row.architecture) in PLAIN


def _cell(row: _Row, metric: str) -> Cell:
    if row.measured is None:
        return Cell(row.name, row.label, (), spread([]), row.missing)
    return _measured_cell(row.measured, metric, row.missing)


def _measured_cell(model: Measured, metric: str, note: str) -> Cell:
    values = model.defined(metric)
    undefined = len(model.trials) - len(values)
    notes = [note, f"undefined in {undefined} of {len(model.trials)} trials" if undefined else ""]
    return Cell(model.name, model.label, values, spread([value for _, value in values]), "; ".join(filter(None, notes)))


def _pairs(question: Question, cells: tuple[Cell, ...]) -> dict[str, list[tuple[Side, Side]]]:
    """The pairs that a question asks to test, by kind; what a model is compared with comes first."""
    sides = [Side(cell.model, cell.label, cell.spread) for cell in cells if cell.values]
    labelled = {side.label: side for side in sides}
    made_of = [(labelled[base], side) for side in sides if (base := unmodified(side.label)) in labelled]
    reference = labelled.get(REFERENCE)
    against = [(reference, side) for side in sides if reference and side.name != reference.name]
    if question.group == "control":
        return {AGAINST_CONTROL: made_of}
    if question.group == "modified":
        return {AGAINST_UNMODIFIED: made_of, AGAINST_REFERENCE: against}
    return {AGAINST_REFERENCE: against}
