"""What a reader must know of a section before its numbers: whose motifs they are about, what untrained networks score,
and which models are the same under two names."""

from collections.abc import Iterable, Sequence
from typing import Final

from ...data_cards.cards import Card, load_card
from ..report.words import method_title
from .tables import Answer
from .twins import Shared
from .wording import number

COUNTED: Final = (
    "Such trials are no independent findings, and yet tests and counts of activations take these models as separate."
)
CORRELATED: Final = "Rank correlations take these models as one, at the mean over their distinct weights."


def notes(answer: Answer, shared: Iterable[Shared]) -> tuple[str, ...]:
    """The notes of a section, a paragraph each."""
    together = [[cell.model for cell in panel.cells if cell.values] for panel in answer.panels]
    found = (known_motifs(load_card(answer.question.dataset)), _untrained(answer), *same_weights(shared, together))
    return tuple(filter(None, found))


def known_motifs(card: Card) -> str:
    """The known motifs of a card with their ids, and its remarks that name one of them; "" where it has none."""
    if not card.known_motifs:
        return ""
    listed = {
        name: ", ".join(f"{factor} ({', '.join(ids)})" for factor, ids in factors.items())
        for name, factors in card.known_motifs.items()
    }
    ids = {motif for factors in card.known_motifs.values() for motifs in factors.values() for motif in motifs}
    factors = {factor for of_class in card.known_motifs.values() for factor in of_class}
    words = ids | factors
    remarks = [trap for trap in card.traps if any(word in trap for word in words)]
    if len(card.classes) == 1:
        told = f"Known {'motif' if len(ids) == 1 else 'motifs'} (JASPAR 2016): {''.join(listed.values())}."
    else:
        told = f"Known motifs (JASPAR 2016): {'; '.join(f'{name}: {motifs}' for name, motifs in listed.items())}."
    return " ".join([told, *remarks])


def same_weights(shared: Iterable[Shared], together: Iterable[Sequence[str]], so: str = COUNTED) -> tuple[str, ...]:
    """Which models share weights and what follows, `so`, in a paragraph or none; of models whose names stand
    `together`."""
    groups = tuple(together)
    told = [weights.told() for weights in shared if any(weights.among(names) for names in groups)]
    return (" ".join([*told, so]),) if told else ()


def _untrained(answer: Answer) -> str:
    """What networks score before training with each attribution method, which is what to read AUROCs against."""
    panels = [
        panel for panel in answer.panels if panel.metric.startswith("attribution/") and panel.metric.endswith("auroc")
    ]
    if not panels:
        return ""
    means: dict[str, list[float]] = {}
    for panel in panels:
        of_method = means.setdefault(panel.metric.split("/")[1], [])
        of_method += [cell.spread.mean for cell in panel.untrained]
    ranges = [f"{_range(found)} ({method_title(method)})" for method, found in means.items() if found]
    told = []
    if ranges:
        told.append(
            "Compare these AUROCs with what networks of the same architectures score here before training, which need "
            f"not be 0.5: {_and(ranges)}."
        )
    known = {panel.architecture for panel in panels if panel.untrained}
    if without := dict.fromkeys(panel.architecture for panel in panels if panel.architecture not in known):
        told.append(
            f"The board that comes with motifzoo has no scores of {_and(list(without))} before training, which can lie "
            "above 0.5."
        )
    return " ".join(told)


def _range(values: Sequence[float]) -> str:
    low, high = number(min(values), 2), number(max(values), 2)
    return low if low == high else f"{low} to {high}"


def _and(parts: Sequence[str]) -> str:
    *first, last = parts
    return f"{', '.join(first)} and {last}" if first else last
