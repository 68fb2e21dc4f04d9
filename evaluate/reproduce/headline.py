"""The main comparison in a few lines: the study's activation against all others, a line a score and architecture."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .questions import REFERENCE
from .tables import AGAINST_REFERENCE, Answer, Cell, Panel
from .wording import verdicts


class Headline(NamedTuple):
    """`reference` is the study's activation and `best` the best of the others, None where there is none with a value.

    Of the others, `higher` are those that the reference scores above, `lower` below, at a corrected p below 0.05;
    `tested` is how many were tested, `others` how many there are to test, missing ones included.
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


def headlines(found: Iterable[Answer]) -> tuple[Headline, ...]:
    """A line for each panel of the questions on the seven plain activations."""
    return tuple(
        _headline(answer.question.dataset, panel)
        for answer in found
        if answer.question.group == "plain"
        for panel in answer.panels
    )


def _headline(dataset: str, panel: Panel) -> Headline:
    scored: Sequence[Cell] = [cell for cell in panel.cells if cell.values]
    others = [cell for cell in scored if cell.label != REFERENCE]
    said = verdicts(panel.of_kind(AGAINST_REFERENCE))
    counts = {verdict: len(labels) for verdict, labels in said.items()}
    return Headline(
        dataset,
        panel.metric,
        panel.architecture,
        next((cell for cell in scored if cell.label == REFERENCE), None),
        max(others, key=lambda cell: cell.spread.mean, default=None),
        counts.get("higher", 0),
        counts.get("lower", 0),
        sum(counts.values()) - counts.get("not tested", 0),
        sum(cell.label != REFERENCE for cell in panel.cells),
    )
