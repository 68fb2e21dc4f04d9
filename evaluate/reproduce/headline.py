"""The main comparison in a few lines: the study's activation against all others, a line a score and architecture; and
wherever on the page the study's activation is told apart as lower."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .differences import UNTESTED, Difference
from .questions import REFERENCE
from .tables import AGAINST_REFERENCE, Answer, Cell, Panel
from .wording import mean_sd, metric_words, p_value, verdicts


class Headline(NamedTuple):
    """`reference` is the study's activation, None where there is no model with it; `best` the best of the others, one
    without a value where all are missing, None where there is no other.

    Of the others, `higher` are those that the reference scores above, `lower` below, at a corrected p below 0.05;
    `tested` is how many were tested, `others` how many there are to test, missing ones included. `models` are the names
    of those with a value.
    """

    dataset: str
    metric: str
    architecture: str
    reference: Cell | None
    best: Cell | None
    higher: int
    lower: int
    tested: int
    others: int
    models: tuple[str, ...]


class Lower(NamedTuple):
    """A test that tells the reference, its first side, apart as lower."""

    dataset: str
    architecture: str
    test: Difference

    def told(self) -> str:
        """Where it is told apart as lower than which, with both sides' spread and the corrected p-value."""
        sides = (f"{side.label} {mean_sd(side.spread)}" for side in (self.test.first, self.test.second))
        where = f"{self.dataset}, {self.architecture}, {metric_words(self.test.metric)}"
        return f"{where}: {', '.join(sides)}, p (Holm) {p_value(self.test.p_holm)}"


def lower(found: Iterable[Answer]) -> tuple[Lower, ...]:
    """Where the reference is told apart as lower, in any section; each pair once, from the first that does."""
    told: dict[tuple[str, str], Lower] = {}
    for answer in found:
        for panel in answer.panels:
            for test in panel.of_kind(AGAINST_REFERENCE):
                if test.verdict == "lower":
                    line = Lower(answer.question.dataset, panel.architecture, test)
                    told.setdefault((test.metric, test.second.name), line)
    return tuple(told.values())


def is_tested(found: Iterable[Answer]) -> bool:
    """Whether there is any test of the reference against another, in any section."""
    return any(
        test.verdict not in UNTESTED
        for answer in found
        for panel in answer.panels
        for test in panel.of_kind(AGAINST_REFERENCE)
    )


def headlines(found: Iterable[Answer]) -> tuple[Headline, ...]:
    """A line for each panel of the questions on the seven plain activations."""
    return tuple(
        _headline(answer.question.dataset, panel)
        for answer in found
        if answer.question.group == "plain"
        for panel in answer.panels
    )


def _headline(dataset: str, panel: Panel) -> Headline:
    others: Sequence[Cell] = [cell for cell in panel.cells if cell.label != REFERENCE]
    scored = [cell for cell in others if cell.values]
    said = verdicts(panel.of_kind(AGAINST_REFERENCE))
    counts = {verdict: len(labels) for verdict, labels in said.items()}
    return Headline(
        dataset,
        panel.metric,
        panel.architecture,
        next((cell for cell in panel.cells if cell.label == REFERENCE), None),
        max(scored or others, key=lambda cell: cell.spread.mean, default=None),
        counts.get("higher", 0),
        counts.get("lower", 0),
        sum(count for verdict, count in counts.items() if verdict not in UNTESTED),
        len(others),
        tuple(cell.model for cell in panel.cells if cell.values),
    )
