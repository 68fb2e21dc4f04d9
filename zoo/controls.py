"""Controls: what a network is trained on when there is to be nothing to learn."""

import dataclasses

import numpy as np

from ..data_cards.content import Split
from .recipe import Training

SEED = 0  # of the one permutation that all trials share, as they share all other data


def training_split(split: Split, settings: Training) -> Split:
    """The split to train on: the given one or, with `shuffled_labels`, the same sequences with permuted labels.

    A sequence's labels move together, so how often classes are true, alone and with each other, stays as it is.
    """
    if not settings.shuffled_labels:
        return split
    order = np.random.default_rng(SEED).permutation(len(split))
    return dataclasses.replace(split, labels=split.labels[order])
