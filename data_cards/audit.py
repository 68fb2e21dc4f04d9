"""What a user must know about a data set before trusting a score on it: duplicates, overlap, balance, GC content.

Everything is counted exactly. Sequences are the same when they are the same DNA on either strand, N and the ambiguity
codes being one blank, as networks read them (`duplicates`). Floating-point numbers are rounded to four places.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from ..metrics import auroc
from .cards import SPLITS, SplitName
from .content import SequenceDataset, Split
from .duplicates import Identity, Indices, Pool, identify, members, share_stretch
from .onehot import ALPHABET, OTHER, Codes
from .rows import MappedCodes, blocks

_SHORTEST_STRETCH: Final = 32  # by chance, not even 10^8 windows share as much with 10^8 others
_PLACES: Final = 4

Floats = npt.NDArray[np.float64]


class _Report(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Gc(_Report):
    """GC content, 0 to 1, of the A, C, G and T in a sequence: mean and standard deviation; None over no sequences."""

    mean: float | None
    sd: float | None


class ClassAudit(_Report):
    """One class in one split.

    gc_positives, gc_others: of the sequences that are of the class, and of all others in the split. gc_auroc: AUROC of
    GC content alone as the score for the class (0.5 is chance, below it the class has less GC); None when undefined.
    """

    positives: int
    gc_positives: Gc
    gc_others: Gc
    gc_auroc: float | None


class SplitAudit(_Report):
    """One split by itself.

    repeated: distinct sequences that are there more than once; extra_copies: how many sequences fewer there would be
    without. conflicting: those of the repeated whose copies have different labels. near_duplicates: sequences without
    a copy in the split that share a stretch with another one there. non_acgt_letters stand in non_acgt_sequences.
    """

    sequences: int
    repeated: int
    extra_copies: int
    conflicting: int
    near_duplicates: int
    non_acgt_letters: int
    non_acgt_sequences: int
    gc: Gc
    classes: Mapping[str, ClassAudit]


class PairAudit(_Report):
    """A split against an earlier one; all counts are of sequences of the later split, `second`.

    duplicates: they are in `first`, on the same strand, on the opposite one, or both ways (a palindrome; or two copies
    there). conflicting: duplicates of which `first` has a copy with other labels. near_duplicates: no duplicates, but
    they share a stretch with one of `first`. gc_difference: mean GC content of `second` less that of `first`.
    shared_chromosomes: those with sequences in both; None when coordinates are not known.
    """

    first: SplitName
    second: SplitName
    duplicates: int
    same_strand: int
    opposite_strand: int
    conflicting: int
    near_duplicates: int
    gc_difference: float | None
    shared_chromosomes: tuple[str, ...] | None


class Audit(_Report):
    """What is to be known about a data set.

    length: letters in a sequence. stretch: how many in a row two sequences must share, on either strand and of A, C, G
    and T only, to be near-duplicates. leaked: test sequences that are in train; scores leave them out.
    """

    dataset: str
    version: int
    fingerprint: str
    length: int
    stretch: int
    leaked: int
    splits: Mapping[SplitName, SplitAudit]
    pairs: tuple[PairAudit, ...]


def stretch_length(length: int) -> int:
    """Letters in a row that make near-duplicates of sequences with `length`: a quarter of it, and at least 32."""
    return min(length, max(_SHORTEST_STRETCH, length // 4))


def audit(dataset: SequenceDataset) -> Audit:
    """Audit a data set: a few seconds for 10 million letters; memory stays bounded when they are on disk."""
    splits = [split for _, split in dataset.splits()]
    pool = Pool([split.codes for split in splits])
    identity = identify(pool)
    stretch = stretch_length(pool.length)
    copies = members(pool, identity.leader)[identity.leader]
    near = share_stretch(pool, identity.leader, stretch)[identity.leader]
    meaning = _meaning(splits, copies)
    letters = [_letters(split.codes) for split in splits]

    by_split: dict[SplitName, SplitAudit] = {}
    pairs: list[PairAudit] = []
    for number, (name, rows) in enumerate(zip(SPLITS, pool.slices(), strict=True)):
        gc, other = letters[number]
        distinct, held = np.unique(identity.leader[rows], return_counts=True)
        by_split[name] = SplitAudit(
            sequences=len(splits[number]),
            repeated=int(np.sum(held > 1)),
            extra_copies=len(splits[number]) - len(distinct),
            conflicting=int(np.sum(_meanings(identity.leader[rows], meaning[rows], len(pool)) > 1)),
            near_duplicates=int(np.sum(near[rows, number] & (copies[rows, number] == 1))),
            non_acgt_letters=int(other.sum()),
            non_acgt_sequences=int(np.sum(other > 0)),
            gc=_gc(gc),
            classes={
                label: _class(gc, splits[number].labels[:, column]) for column, label in enumerate(dataset.card.classes)
            },
        )
    for first, second in combinations(range(len(SPLITS)), 2):
        early, late = pool.slices()[first], pool.slices()[second]
        same, opposite = _strands(identity, early, late)
        pairs.append(
            PairAudit(
                first=SPLITS[first],
                second=SPLITS[second],
                duplicates=int(np.sum(copies[late, first] > 0)),
                same_strand=same,
                opposite_strand=opposite,
                conflicting=_conflicts(identity.leader, meaning, early, late),
                near_duplicates=int(np.sum(near[late, first] & (copies[late, first] == 0))),
                gc_difference=_less(by_split[SPLITS[second]].gc.mean, by_split[SPLITS[first]].gc.mean),
                shared_chromosomes=_shared_chromosomes(splits[first], splits[second]),
            )
        )
    test = pool.slices()[-1]
    return Audit(
        dataset=dataset.card.name,
        version=dataset.card.version,
        fingerprint=dataset.card.fingerprint or dataset.fingerprint,
        length=pool.length,
        stretch=stretch,
        leaked=int(np.sum(copies[test, 0] > 0)),
        splits=by_split,
        pairs=tuple(pairs),
    )


def _letters(codes: Codes | MappedCodes) -> tuple[Floats, Indices]:
    """GC content of each sequence (NaN without A, C, G, T) and how many of its letters are none of these."""
    gc, other = np.full(len(codes), np.nan), np.zeros(len(codes), np.int64)
    begin = 0
    for part in blocks(codes):
        rows = slice(begin, begin + len(part))
        begin = rows.stop
        strong = ((part == ALPHABET.index("C")) | (part == ALPHABET.index("G"))).sum(axis=1)
        other[rows] = (part >= OTHER).sum(axis=1)
        known = part.shape[1] - other[rows]
        np.divide(strong, known, out=gc[rows], where=known > 0)
    return gc, other


def _gc(values: Floats) -> Gc:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return Gc(mean=None, sd=None)
    return Gc(mean=round(float(known.mean()), _PLACES), sd=round(float(known.std()), _PLACES))


def _class(gc: Floats, labels: npt.NDArray[np.int8]) -> ClassAudit:
    known = ~np.isnan(gc)
    area = float(auroc(labels[known], gc[known])[0]) if known.any() else float("nan")
    return ClassAudit(
        positives=int(labels.sum(dtype=np.int64)),
        gc_positives=_gc(gc[labels == 1]),
        gc_others=_gc(gc[labels == 0]),
        gc_auroc=None if np.isnan(area) else round(area, _PLACES),
    )


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else round(value - other, _PLACES)


def _meaning(splits: list[Split], copies: Indices) -> Indices:
    """A number for the labels of each sequence that has a copy anywhere, equal where the labels are; 0 for others."""
    copied = copies.sum(axis=1) > 1
    chosen = np.concatenate(
        [
            split.labels[part]
            for split, part in zip(splits, np.split(copied, np.cumsum([len(s) for s in splits])[:-1]), strict=True)
        ]
    )
    meaning = np.zeros(len(copied), np.int64)
    if len(chosen):
        meaning[copied] = np.unique(chosen, axis=0, return_inverse=True)[1].ravel()
    return meaning


def _meanings(leader: Indices, meaning: Indices, total: int) -> Indices:
    """How many different labels each DNA has in these rows, indexed by leader."""
    pairs = np.unique(np.stack([leader, meaning], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=total)


def _conflicts(leader: Indices, meaning: Indices, early: slice, late: slice) -> int:
    """Rows of `late` whose DNA is in `early` with other labels than theirs."""
    kinds = int(meaning.max(initial=0)) + 1
    key = leader * kinds + meaning
    alike = np.isin(key[late], key[early])
    other = _meanings(leader[early], meaning[early], len(leader))[leader[late]] - alike
    return int(np.sum(other > 0))


def _strands(identity: Identity, early: slice, late: slice) -> tuple[int, int]:
    """How many rows of `late` are in `early` as they read, and as their reverse complement."""
    leader, forward, reverse = identity
    ahead, back = np.zeros(len(leader), np.bool_), np.zeros(len(leader), np.bool_)
    ahead[leader[early][forward[early]]] = True
    back[leader[early][reverse[early]]] = True
    found, found_back = ahead[leader[late]], back[leader[late]]
    same = (forward[late] & found) | (reverse[late] & found_back)
    opposite = (forward[late] & found_back) | (reverse[late] & found)
    return int(same.sum()), int(opposite.sum())


def _chromosomes(split: Split) -> set[str] | None:
    if split.about is None or "chrom" not in split.about.column_names:
        return None
    names = pc.unique(split.about["chrom"]).to_pylist()
    return {str(name) for name in names if name is not None} or None


def _shared_chromosomes(first: Split, second: Split) -> tuple[str, ...] | None:
    one, other = _chromosomes(first), _chromosomes(second)
    return None if one is None or other is None else tuple(sorted(one & other))
