"""Which sequence goes into which split: as the files state, by shares with copies kept together, or by chromosome."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ...errors import DataError
from ..cards import SPLITS
from ..duplicates import Pool, identify
from ..readers.labels import listed
from ..rows import MappedCodes
from .request import Request, Shares
from .rows import PLACE
from .staging import Staged

Splits = npt.NDArray[np.int8]  # the number of each sequence's split, in the order of SPLITS
MIN_CHROMOSOMES: Final = len(SPLITS)
MAX_CHAIN: Final = 0.05  # of all sequences: larger groups would make the splits lumps,
SMALL_CHAIN: Final = 10  # but as many as this never do
_TRAIN: Final = SPLITS.index("train")
_TEST: Final = SPLITS.index("test")


class Division(NamedTuple):
    """The number of each sequence's split, `(N,)`, in the order of SPLITS; how it came about, and what was noticed."""

    splits: Splits
    how: str
    notes: tuple[str, ...]


def divide(
    request: Request, staged: Staged, codes: MappedCodes, labels: npt.NDArray[np.int8], classes: tuple[str, ...]
) -> Division:
    """Divide sequences into train, valid and test as asked for; without that, as the files state, or by the usual
    shares. Raises DataError when that cannot be done, or leaves a split without a class."""
    leader = identify(Pool([codes])).leader
    together, kept = _together(leader, staged.about)
    shares = request.shares or Shares()
    advice = "Give more sequences of it, or other shares (--split 0.6,0.2,0.2)."
    stated = _stated(staged) if staged.split else None
    if request.by_chromosome:
        splits, how = _chromosomes(staged, shares)
        advice = "Give --split instead, which spreads each class over all splits."
    elif stated is None or (stated == 0).all():
        splits = by_share(labels, together, shares, request.seed)
        how = (
            f"Splits made at random by the shares {shares.train:g}, {shares.valid:g} and {shares.test:g} of each class "
            f"(seed {request.seed}); {kept} stay together."
        )
    elif not (stated == _TEST).any():
        raise DataError("the files have no test split. Give its file with --test, or --split to split all sequences.")
    elif (stated == SPLITS.index("valid")).any():
        splits, how = stated, "Splits as the files state them."
        advice = "Give --split to split all sequences anew."
    else:
        splits = stated.copy()
        train = np.flatnonzero(stated == 0)
        share = shares.valid / (shares.train + shares.valid)
        splits[train] = by_share(labels[train], together[train], (1 - share, share), request.seed)
        how = (
            f"Splits as the files state them, but for valid, which they lack: {share:.3g} of train was held out at "
            f"random (seed {request.seed}), of each class; {kept} stay together."
        )
    check_classes(labels, splits, classes, advice)
    return Division(splits, how, tuple(_copies(leader, splits, labels)))


def by_share(
    labels: npt.NDArray[np.int8], together: npt.NDArray[np.int64], shares: Sequence[float], seed: int
) -> Splits:
    """Deal sequences to splits at random, `(N,)`, so that each class is spread by the same shares.

    labels: `(N, C)`. together: `(N,)`, the same number for sequences that must stay together. shares: of each split,
    adding up to 1. A sequence counts for the rarest class that is true of it. Each split gets at least one sequence
    of a class that has enough for that. The same arguments give the same splits.
    """
    _, first, group, sizes = np.unique(together, return_index=True, return_inverse=True, return_counts=True)
    stratum = _rarest_class(labels)[first]
    order = np.random.default_rng(seed).permutation(len(first))
    bounds = np.cumsum(np.asarray(shares, float) / sum(shares))[:-1]
    dealt = np.zeros(len(first), np.int8)
    for number in np.unique(stratum):
        chosen = order[stratum[order] == number]
        ends = np.cumsum(sizes[chosen])
        part = np.searchsorted(bounds, (ends - sizes[chosen] / 2) / ends[-1], side="right").astype(np.int8)
        if len(chosen) >= len(shares):
            _fill_empty(part, len(shares))
        dealt[chosen] = part
    return dealt[group]


def _rarest_class(labels: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """For each sequence the rarest class that is true of it, or the number of classes where none is."""
    stratum = np.full(len(labels), labels.shape[1])
    counts = labels.sum(axis=0, dtype=int)
    for column in np.argsort(-counts, kind="stable"):
        stratum[labels[:, column] == 1] = column
    return stratum


def _fill_empty(part: Splits, splits: int) -> None:
    """Give each split that has no group one of the largest split's, in place."""
    for number in range(splits):
        counts = np.bincount(part, minlength=splits)
        if counts[number] == 0:
            part[np.flatnonzero(part == counts.argmax())[-1]] = number


def by_chromosome(
    index: npt.NDArray[np.int64], names: Sequence[str], shares: Sequence[float]
) -> tuple[Splits, tuple[tuple[str, ...], ...]]:
    """Deal whole chromosomes to the splits: the split of each sequence, and the chromosomes of each split.

    index: `(N,)`, the chromosome of each sequence by its number in `names`. From the largest on, a chromosome goes to
    the split that lacks most of its share. Raises DataError when there are fewer chromosomes than splits.
    """
    sizes = np.bincount(index, minlength=len(names))
    if len(names) < MIN_CHROMOSOMES:
        raise DataError(
            f"the sequences are on {len(names)} chromosome{'' if len(names) == 1 else 's'} "
            f"({', '.join(sorted(names))}), and each of the {MIN_CHROMOSOMES} splits needs one of its own. Give "
            "--split instead."
        )
    lacking = np.asarray(shares, float) * len(index)
    chosen: list[list[str]] = [[] for _ in shares]
    split_of = np.zeros(len(names), np.int8)
    order = sorted(range(len(names)), key=lambda number: (-sizes[number], names[number]))
    for place, number in enumerate(order):
        empty = [split for split, taken in enumerate(chosen) if not taken]
        candidates = empty if len(order) - place == len(empty) else range(len(chosen))
        split = max(candidates, key=lambda candidate: lacking[candidate])
        chosen[split].append(names[number])
        split_of[number] = split
        lacking[split] -= sizes[number]
    return split_of[index], tuple(tuple(taken) for taken in chosen)


def check_classes(labels: npt.NDArray[np.int8], splits: Splits, classes: Sequence[str], advice: str) -> None:
    """Raise DataError when a split is empty, or a class is true of none or of all of its sequences."""
    for number, name in enumerate(SPLITS):
        part = labels[splits == number]
        if len(part) == 0:
            raise DataError(f"the {name} split is empty. {advice}")
        positives = part.sum(axis=0, dtype=int)
        for label, count, total in zip(classes, positives, labels.sum(axis=0, dtype=int), strict=True):
            if count in (0, len(part)):
                which = "none" if count == 0 else "all"
                raise DataError(
                    f"{which} of the {len(part):,} sequences of the {name} split {'is' if count == 0 else 'are'} of "
                    f"class {label!r}, which {total:,} of all {len(labels):,} are: nothing could be trained or scored "
                    f"on it. {advice}"
                )


def _together(leader: npt.NDArray[np.int64], about: pa.Table) -> tuple[npt.NDArray[np.int64], str]:
    """Which sequences must not be torn apart, `(N,)` alike for those, and in words: copies, and overlapping places.

    Where places overlap in chains that no split could hold, as windows do that tile a genome, only copies count.
    """
    copies = "copies of the same DNA"
    if not PLACE.keys() <= set(about.column_names):
        return leader, copies
    chrom, _ = _numbered(about["chrom"])
    start, end = (about[name].to_numpy() for name in ("start", "end"))
    order = np.lexsort((start, chrom))
    # The furthest end so far on the chromosome: chromosomes are laid behind each other, with room for the largest end.
    offset = chrom[order] * (int(end.max()) + 1)
    furthest = np.maximum.accumulate(end[order] + offset)
    begins = np.insert(start[order][1:] + offset[1:] >= furthest[:-1], 0, True)
    overlap = np.empty(len(leader), np.int64)
    overlap[order] = np.cumsum(begins) - 1
    together = _joined(leader, overlap)
    if np.bincount(together).max() > max(SMALL_CHAIN, MAX_CHAIN * len(leader)):
        return leader, f"{copies} (but not sequences whose places overlap, which chain too many together)"
    return together, f"{copies} and sequences whose places overlap"


def _joined(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The finest grouping that is coarser than both: the number of each item's group."""
    joined = np.arange(len(one))
    while True:
        before = joined
        for groups in (one, other):
            least = np.full(len(one), len(one))
            np.minimum.at(least, groups, joined)
            joined = least[groups]
        if (joined == before).all():
            return joined


def _stated(staged: Staged) -> Splits:
    index, names = _numbered(staged.table["split"])
    return np.array([SPLITS.index(name) for name in names], np.int8)[index]


def _numbered(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int64], list[str]]:
    """A column of strings as numbers `(N,)` of the different ones."""
    encoded = pc.dictionary_encode(column).unify_dictionaries()
    names = encoded.chunk(0).dictionary.to_pylist()
    return np.concatenate([chunk.indices.to_numpy() for chunk in encoded.chunks]).astype(np.int64), names


def _chromosomes(staged: Staged, shares: Shares) -> tuple[Splits, str]:
    if "chrom" not in staged.about.column_names:
        raise DataError(
            "--split-by-chromosome needs the chromosome of every sequence, and not all have one: in the headers of "
            "FASTA (`>peak_7 chr1:100-300 label=1`), or in a column chrom of a table. Give --split instead."
        )
    splits, chosen = by_chromosome(*_numbered(staged.about["chrom"]), shares)
    each = "; ".join(f"{name} {listed(names)}" for name, names in zip(SPLITS, chosen, strict=True))
    return splits, f"Splits by chromosome: {each}."


def _copies(leader: npt.NDArray[np.int64], splits: Splits, labels: npt.NDArray[np.int8]) -> list[str]:
    """Sentences about sequences that are the same DNA on either strand."""
    rows = np.arange(len(leader))
    copies = int((leader != rows).sum())
    if not copies:
        return []
    first = np.zeros(len(leader), np.bool_)
    first[leader[splits == _TRAIN]] = True
    leaked = int((first[leader] & (splits == _TEST)).sum())
    other = int((labels != labels[leader]).any(axis=1).sum())
    notes = [f"{copies:,} of {len(leader):,} sequences {_be(copies)} a copy of another one, on either strand."]
    if leaked:
        test = "test sequence" if leaked == 1 else "test sequences"
        notes.append(f"{leaked:,} {test} {_be(leaked)} also in train, on either strand: scores leave out such.")
    if other:
        notes.append(f"{other:,} of the copies {'has' if other == 1 else 'have'} other labels than the first one.")
    return notes


def _be(count: int) -> str:
    return "is" if count == 1 else "are"
