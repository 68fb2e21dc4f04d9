"""reproduce.md: the answers in short, for reading where there is no browser."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ...zoo.model_card.tables import plain, table
from .headline import lower
from .notes import CORRELATED, notes, same_weights
from .questions import REFERENCE
from .scored import Missing, Scored
from .tables import Answer, Cell
from .trades import QUESTION, Traded
from .twins import Shared, shared_weights
from .wording import NOTHING, mean_sd, metric_words, shown, told

TITLE: Final = "# The study's comparison, reproduced"  # by which the folder is known again


def markdown(scored: Scored, found: Sequence[Answer], traded: Sequence[Traded], version: str) -> str:
    """The text of reproduce.md: a table a score, what the tests say, classification beside it, and what is missing."""
    shared = shared_weights(scored.models)
    parts = [
        TITLE,
        f"From {scored.origin}; motifzoo {version}. In the tables: mean \u00b1 standard deviation over trials (number "
        "of trials). Tests: Welch's t-test, Holm-corrected over the tests of one score in one architecture; a "
        "difference is one at p < 0.05. With fewer than two trials, or no spread in either of two, there is no test.",
        *(f"> {plain(problem)}" for problem in scored.problems),
        *_lower(found),
        *(text for answer in found for text in _answer(answer, shared)),
        *_traded(traded, shared),
        *_missing(scored.missing),
    ]
    return "\n\n".join(parts) + "\n"


def _lower(found: Sequence[Answer]) -> Iterable[str]:
    if lines := lower(found):
        yield f"Of all the tests here, these tell {REFERENCE} apart as lower:"
        yield "\n".join(f"- {plain(line.told())}" for line in lines)


def _answer(answer: Answer, shared: Sequence[Shared]) -> Iterable[str]:
    yield f"## {answer.question.title}"
    yield f"{answer.question.text} Data: {answer.question.dataset}."
    yield from map(plain, notes(answer, shared))
    architectures = tuple(dict.fromkeys(panel.architecture for panel in answer.panels))
    for metric in answer.metrics:
        panels = {panel.architecture: panel for panel in answer.panels if panel.metric == metric}
        rows = [
            *_rows(architectures, {name: panel.cells for name, panel in panels.items()}),
            *_rows(architectures, {name: panel.untrained for name, panel in panels.items()}),
        ]
        yield f"### {metric_words(metric)}"
        yield table(("activation", *map(plain, architectures)), rows, right=len(architectures))
        said = {name: told(panel, answer.question.group) for name, panel in panels.items()}
        if any(said.values()):
            yield "\n".join(f"- {plain(name)}: {plain(text)}" for name, text in said.items() if text)


def _rows(architectures: Sequence[str], panels: Mapping[str, Sequence[Cell]]) -> Iterable[tuple[str, ...]]:
    """A row a label, a cell an architecture."""
    cells = {(name, cell.label): cell for name, of_panel in panels.items() for cell in of_panel}
    for label in dict.fromkeys(label for _, label in cells):
        yield (
            plain(label),
            *(shown(cells[name, label]) if (name, label) in cells else NOTHING for name in architectures),
        )


def _traded(traded: Sequence[Traded], shared: Sequence[Shared]) -> Iterable[str]:
    if traded:
        yield f"## {QUESTION}"
        yield (
            "\u03c1: Spearman's rank correlation of the models' means; p: its permutation test, two-sided, not "
            "corrected for the number of tables."
        )
        plotted = ([point.model for point in plot.points] for item in traded for plot in item.plots)
        yield from map(plain, same_weights(shared, plotted, CORRELATED))
    for item in traded:
        yield f"### {item.trade.title}"
        for plot in item.plots:
            yield plain(f"{item.trade.dataset}, {plot.architecture}, {plot.told()}:")
            header = ("activation", metric_words(plot.x_metric), metric_words(plot.y_metric))
            yield table(
                header, [(plain(point.label), mean_sd(point.x), mean_sd(point.y)) for point in plot.points], right=2
            )


def _missing(missing: Sequence[Missing]) -> Iterable[str]:
    if not missing:
        return
    yield "## Missing"
    yield table(
        ("model", "trials expected", "found", "why"),
        [(entry.name, str(entry.expected), str(entry.found), plain(entry.reason)) for entry in missing],
    )
