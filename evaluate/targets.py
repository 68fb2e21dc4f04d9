"""What attribution maps are scored against: for each sequence an output to explain, and the positions to find.

Synthetic data has a ground truth: the motifs that were planted. Real DNA has none; there the maps are compared with a
scan for the motifs of factors known to act in a class, which is agreement with a PWM and not truth.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..data_cards.cards import Card
from ..data_cards.content import Split
from ..data_cards.motifs import Motif, jaspar2016
from ..data_cards.onehot import Codes
from ..errors import DataError
from .attribution.scores import information_bits
from .protocol import SCAN_P_VALUE, SEQUENCES
from .scan import instance_mask, scan

PLANTED: Final = ""
SCANNED: Final = "scan_"
IN_INSTANCE: Final = 1.0  # bits that stand for "inside an instance": a scan says where, not how much


class Targets(NamedTuple):
    """n test sequences to explain.

    rows: `(n,)`, in the split given. outputs: `(n,)`, which output to explain. codes: `(n, L)`. information: `(n, L)`
    bits of the truth's columns; a position above `attribution.scores.THRESHOLD` is one to find. prefix: of the scores'
    names, which says what the positions are. notes: sentences a reader must know.
    """

    rows: npt.NDArray[np.int64]
    outputs: npt.NDArray[np.int64]
    codes: Codes
    information: npt.NDArray[np.float64]
    prefix: str
    notes: tuple[str, ...]


def targets(card: Card, test: Split) -> Targets:
    """What to explain of a data set's test split: planted motifs where it has them, else instances of known ones."""
    return _scanned(card, test) if card.generator is None else _planted(test)


def _planted(test: Split) -> Targets:
    """The first sequences with label 1, output 0 (protocol section 5)."""
    rows = np.flatnonzero(test.labels[:, 0] == 1)[:SEQUENCES]
    chosen = test.subset(rows)
    information = information_bits(chosen.truth())
    return Targets(rows, np.zeros(len(rows), np.int64), chosen.codes[:], information, PLANTED, ())


def _scanned(card: Card, test: Split) -> Targets:
    """For each class with known motifs the first sequences of that class, as many a class, with an instance of one.

    Sequences without an instance, or without a position outside one, are passed over: nothing could be told apart.
    """
    share = SEQUENCES // max(1, len(card.known_motifs))
    rows: list[npt.NDArray[np.int64]] = []
    outputs: list[npt.NDArray[np.int64]] = []
    masks: list[npt.NDArray[np.bool_]] = []
    notes = [
        f"Attribution is scored by agreement with a scan for the known motifs (PWM matches, p < {SCAN_P_VALUE:g}), "
        "which is no ground truth."
    ]
    for name, known in card.known_motifs.items():
        output = card.classes.index(name)
        motifs = motifs_of(known)
        positive = np.flatnonzero(test.labels[:, output] == 1)
        # Twice the share at a time, so that no more than is needed of a large split is scanned.
        chosen, seen = np.zeros(0, np.int64), 0
        found = np.zeros((0, test.codes.shape[1]), np.bool_)
        while len(chosen) < share and seen < len(positive):
            block = positive[seen : seen + 2 * share]
            mask = instance_mask(scan(test.codes[block], motifs, SCAN_P_VALUE), len(block), test.codes.shape[1])
            telling = np.flatnonzero(mask.any(axis=1) & ~mask.all(axis=1))[: share - len(chosen)]
            complete = len(chosen) + len(telling) == share
            seen += int(telling[-1]) + 1 if complete else len(block)
            chosen, found = np.concatenate([chosen, block[telling]]), np.concatenate([found, mask[telling]])
        rows.append(chosen)
        outputs.append(np.full(len(chosen), output))
        masks.append(found)
        notes.append(
            f"Scan of {name} for {', '.join(known)}: {len(chosen)} of the first {seen} test sequences of the class "
            "have an instance."
        )
    if not rows:
        raise DataError(
            f"data set {card.name!r} names no known motifs, so there is nothing to score attribution maps against. "
            "Give its card known_motifs, or take attribution from its benchmarks."
        )
    every = np.concatenate(rows)
    information = np.concatenate(masks).astype(np.float64) * IN_INSTANCE
    return Targets(every, np.concatenate(outputs), test.codes[every], information, SCANNED, tuple(notes))


def motifs_of(known: Mapping[str, Sequence[str]]) -> list[Motif]:
    """The matrices of known motifs, name -> JASPAR ids. Raises DataError for an id that JASPAR 2016 does not have."""
    matrices = {motif.id: motif for motif in jaspar2016()}
    for name, identifiers in known.items():
        for identifier in identifiers:
            if identifier not in matrices:
                raise DataError(
                    f"known motif {name!r} names {identifier!r}, which is not among the {len(matrices)} matrices of "
                    "JASPAR 2016 CORE vertebrates."
                )
    return [matrices[identifier] for identifiers in known.values() for identifier in identifiers]


def known_names(card: Card) -> dict[str, tuple[str, ...]]:
    """Known motifs of all classes, name -> ids; a name that several classes share stands once, with the ids of all."""
    found: dict[str, tuple[str, ...]] = {}
    for known in card.known_motifs.values():
        for name, ids in known.items():
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *ids)))
    return found
