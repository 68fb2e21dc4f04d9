"""Build a synthetic data set from its card."""

from collections.abc import Sequence

import numpy as np

from ..errors import DataError
from . import synthetic
from .cards import SPLITS, Card
from .content import SequenceDataset, Split
from .motifs import Motif, jaspar2016


def _named(names: Sequence[str]) -> list[Motif]:
    by_name = {motif.name: motif for motif in reversed(jaspar2016())}
    return [by_name[name] for name in names]


def generate(card: Card, *, sequences_seed: int | None = None) -> SequenceDataset:
    """Draw the data set of `card` and split it; a few seconds, the same on every machine.

    sequences_seed: draw other sequences of the same kind, from this seed (0 to 2^32 - 1); which motifs they plant stays
    decided by the card's own. Raises DataError for a card without a generator, and when the draw is not what the card
    says.
    """
    recipe = card.generator
    if recipe is None:
        raise DataError(f"data set {card.name!r} is not synthetic: its card has no generator.")
    grammar = synthetic.Grammar(card.length, recipe.count_probabilities, recipe.count_offset, recipe.gap_high)
    random = np.random.RandomState(recipe.seed)
    core = _named(recipe.core)
    total = sum(card.splits.values())
    motifs = core
    if recipe.background is not None:
        everything = jaspar2016()
        chosen = synthetic.background_indices(
            random, len(everything), recipe.background.drawn, recipe.background.removed, recipe.background.kept
        )
        motifs = [*core, *(everything[index] for index in chosen)]
    if sequences_seed is not None:
        random.seed(sequences_seed)
    if recipe.background is None:
        drawn = synthetic.draw(random, synthetic.both_strands(core), total, grammar)
        labels = synthetic.motifs_classes(len(core), drawn)
    else:
        halves = [synthetic.draw(random, synthetic.both_strands(pool), total // 2, grammar) for pool in (core, motifs)]
        drawn = synthetic.Drawn(
            np.concatenate([half.codes for half in halves]),
            np.concatenate([halves[0].row, halves[1].row + total // 2]),
            np.concatenate([half.pool for half in halves]),
            np.concatenate([half.start for half in halves]),
        )
        labels = np.repeat(np.array([[1], [0]], np.int8), total // 2, axis=0)
    placements = synthetic.Placements(
        drawn.row,
        np.array([motifs[entry // 2].id for entry in drawn.pool], dtype=object),
        drawn.start,
        np.array(["+-"[entry % 2] for entry in drawn.pool], dtype=object),
    )
    order = random.permutation(total)
    whole = Split(drawn.codes, labels, placements)
    ends = np.cumsum([card.splits[name] for name in SPLITS])
    parts = [whole.subset(rows) for rows in np.split(order, ends[:-1])]
    dataset = SequenceDataset(card, *parts)
    if card.fingerprint and dataset.fingerprint != card.fingerprint:
        raise DataError(
            f"data set {card.name!r} came out with fingerprint {dataset.fingerprint[:12]} and its card says "
            f"{card.fingerprint[:12]}: this NumPy or Python draws differently. Please report it with their versions."
        )
    return dataset
