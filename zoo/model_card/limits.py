"""What a card says against its model: of the network, of how training went, of the data."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from ...data_cards.cards import Card, card_folder
from ...data_cards.pages.audited import read_findings
from ..config import ModelConfig
from ..schedule import Epoch
from .curve import Histories
from .tables import plain

_LOST: Final = 0.02  # a validation score that ends by more below its best is told
_FAR: Final = 0.05  # a trial whose validation score ends by more outside of all others' is told


def limits(config: ModelConfig, card: Card, histories: Histories) -> str:
    """The section of a card. histories: the learning curves of those trials that have one.

    Raises DataError for an audit beside the data card that is of other data.
    """
    sections = {
        "": [*_of_network(config), *_of_training(config, card, histories), *_of_scores(config, card)],
        "Of its data:": [*map(plain, card.traps)],
        "What an audit of its data found:": [*map(plain, read_findings(card_folder(card.name), card))],
    }
    parts = ["## Limits"]
    for title, lines in sections.items():
        parts += [part for part in (title, bullets(lines)) if part and lines]
    return "\n\n".join(parts)


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def _of_network(config: ModelConfig) -> Iterator[str]:
    yield f"It reads exactly {config.input_length} nt. A letter that is not A, C, G or T is four zeros."
    yield "Whether its probabilities (the sigmoid of the logits) are calibrated was not measured."
    if config.training is None:
        yield "Whether both strands were in training is not stated."
    elif config.training.reverse_complements:
        yield "Both strands were in training, yet nothing makes its predictions of the two equal."
    else:
        yield "It was trained on sequences as they are: of the opposite strand it may predict something else."


def _of_training(config: ModelConfig, card: Card, histories: Histories) -> Iterator[str]:
    score = f"validation {card.monitor.upper()}"
    for trial, history in histories.items():
        scores = {number: epoch.score for number, epoch in enumerate(history, start=1) if math.isfinite(epoch.score)}
        best, last = max(scores, key=scores.__getitem__, default=0), history[-1].score
        if scores and not scores[best] - last <= _LOST:  # undefined is worse, too
            end = f"{last:.3f}" if math.isfinite(last) else "undefined"
            yield (
                f"Trial {trial}'s {score} was {scores[best]:.3f} after epoch {best} and {end} after the last, "
                f"{len(history)}. The protocol keeps the last weights."
            )
    yield from _far_apart(histories, score)
    if len(config.trials) == 1:
        yield "There is one trial: how much scores vary with the seed is not known."


def _far_apart(histories: Mapping[int, Sequence[Epoch]], score: str) -> Iterator[str]:
    """Trials whose training ended elsewhere than all others', where there are at least three."""
    ends = {trial: history[-1].score for trial, history in histories.items() if math.isfinite(history[-1].score)}
    if len(ends) < 3:
        return
    apart = []
    for trial, end in ends.items():
        low, high = (pick(other for number, other in ends.items() if number != trial) for pick in (min, max))
        if end < low - _FAR or end > high + _FAR:
            apart.append(
                f"Trial {trial} ended far from the others, at a {score} of {end:.3f} (theirs: {low:.3f} to "
                f"{high:.3f}). It is counted like them."
            )
    if len(apart) > 1:
        low, high = min(ends.values()), max(ends.values())
        apart = [f"The trials ended far apart, at a {score} of {low:.3f} to {high:.3f}. All are counted."]
    yield from apart


def _of_scores(config: ModelConfig, card: Card) -> Iterator[str]:
    yield "A filter without a match need not be noise: it may hold a part of a motif, or one that JASPAR 2016 lacks."
    if card.generator is None:
        yield (
            "Nobody knows which positions matter in real DNA. Attribution is scored by its agreement with a scan for "
            "the matrices of known motifs, which is no accuracy: a map that finds something else that matters loses."
            if "attribution" in card.benchmarks
            else "Its attribution maps are not scored: there is no ground truth for its data."
        )
    if "attribution" in card.benchmarks:
        yield (
            "0.5 is not what a network that learned nothing scores by its maps: untrained ones have in silico "
            "mutagenesis above it on most data (`motifzoo leaderboard show` lists them as controls)."
        )
