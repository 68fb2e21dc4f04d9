"""reproduce.md: the answers in short, for reading where there is no browser."""

from collections.abc import Iterable, Sequence

from ...zoo.model_card.tables import table
from .scored import Missing, Scored
from .tables import Answer, Cell
from .wording import NOTHING, mean_sd, metric_words, told


def markdown(scored: Scored, found: Sequence[Answer], version: str) -> str:
    """The text of reproduce.md: a table a score, what the tests say, and what is missing."""
    parts = [
        "# The study's comparison, reproduced",
        f"From {scored.origin}; motifzoo {version}. In the tables: mean \u00b1 standard deviation over trials (number "
        "of trials). Tests: Welch's t-test, Holm-corrected over the tests of one score in one architecture; a "
        "difference is one at p < 0.05. With fewer than two trials there is no test.",
        *(f"> {problem}" for problem in scored.problems),
        *(text for answer in found for text in _answer(answer)),
        *_missing(scored.missing),
    ]
    return "\n\n".join(parts) + "\n"


def _answer(answer: Answer) -> Iterable[str]:
    yield f"## {answer.question.title}"
    yield f"{answer.question.text} Data: {answer.question.dataset}."
    architectures = tuple(dict.fromkeys(panel.architecture for panel in answer.panels))
    for metric in answer.metrics:
        panels = {panel.architecture: panel for panel in answer.panels if panel.metric == metric}
        cells = {(name, cell.label): cell for name, panel in panels.items() for cell in panel.cells}
        labels = dict.fromkeys(label for _, label in cells)
        rows = [(label, *(_shown(cells.get((name, label))) for name in architectures)) for label in labels]
        yield f"### {metric_words(metric)}"
        yield table(("activation", *architectures), rows, right=len(architectures))
        yield "\n".join(f"- {name}: {told(panel, answer.question.group)}" for name, panel in panels.items())


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return NOTHING
    return mean_sd(cell.spread) if cell.values else "missing"


def _missing(missing: Sequence[Missing]) -> Iterable[str]:
    if not missing:
        return
    yield "## Missing"
    yield table(
        ("model", "trials expected", "found", "why"),
        [(entry.name, str(entry.expected), str(entry.found), entry.reason) for entry in missing],
    )
