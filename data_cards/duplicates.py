"""Which sequences of a data set are the same DNA, or share a long stretch of it, on either strand.

Keys say where to look and the letters decide: sequences with equal keys are compared letter by letter, so that every
answer is exact. A sequence is compared as networks read it: N and the ambiguity codes are one and the same blank.
Codes are read in blocks, and stretches are found in passes over them, so that memory holds a few bytes a sequence.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .content import SequenceDataset
from .onehot import OTHER, Codes, reverse_complement
from .rows import MappedCodes

Keys = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_BLOCK_LETTERS: Final = 1 << 17  # read and hashed at a time: the work fits into a processor's cache
_PASS_WINDOWS: Final = 1 << 23  # windows held at a time, at some 40 bytes each

# A window's key is the sum of value(letter i) * base^i modulo 2^64, for the strand where that is less. The base is odd,
# so it has an inverse, and one running sum over a sequence gives the keys of all its windows, whatever their width.
_BASE: Final = 0x9E3779B97F4A7C15
_INVERSE: Final = pow(_BASE, -1, 1 << 64)
_VALUE: Final = np.random.default_rng(0).integers(1 << 64, size=OTHER + 1, dtype=np.uint64)
_VALUE_OF_COMPLEMENT: Final = _VALUE[reverse_complement(np.arange(OTHER + 1, dtype=np.uint8))[::-1]]


class Pool:
    """The sequences of several splits as one list, numbered from 0; `begins[i]` is the first of split i."""

    def __init__(self, parts: Sequence[Codes | MappedCodes]) -> None:
        self._parts = parts
        self.begins = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
        self.length = max(part.shape[1] for part in parts)

    def __len__(self) -> int:
        return int(self.begins[-1])

    def slices(self) -> list[slice]:
        """The numbers of each split's sequences."""
        return [slice(int(begin), int(end)) for begin, end in zip(self.begins, self.begins[1:], strict=False)]

    def read(self, rows: Indices) -> Codes:
        """Codes `(n, L)` of the sequences with these numbers; whatever is no nucleotide is 4."""
        codes = np.empty((len(rows), self.length), np.uint8)
        part_of = np.searchsorted(self.begins, rows, side="right") - 1
        for number in np.unique(part_of):
            chosen = part_of == number
            codes[chosen] = self._parts[number][rows[chosen] - self.begins[number]]
        return np.minimum(codes, OTHER, out=codes)

    def blocks(self, rows: Indices) -> Iterator[tuple[Indices, Codes]]:
        """These sequences, a few at a time: their numbers and codes."""
        for part in _chunks(rows, self.length):
            yield part, self.read(part)


class Identity(NamedTuple):
    """What makes sequences the same.

    leader: `(N,)`, the number of the first sequence with the same DNA on either strand. forward, reverse: `(N,)`,
    whether the sequence reads as its leader does, and as its leader's reverse complement; a palindrome does both.
    """

    leader: Indices
    forward: Flags
    reverse: Flags


def identify(pool: Pool) -> Identity:
    """Find the sequences that are the same DNA, whichever strand of it each of them is."""
    everything = np.arange(len(pool))
    keys = np.empty(len(pool), np.uint64)
    for rows, codes in pool.blocks(everything):
        keys[rows] = window_keys(codes, pool.length)[:, 0]

    def same(first: Indices, second: Indices) -> Flags:
        one, other = pool.read(first), pool.read(second)
        return _equal(one, other) | _equal(one, reverse_complement(other))

    leader = _leaders(keys, same, pool.length)
    forward, reverse = np.ones(len(pool), np.bool_), np.zeros(len(pool), np.bool_)
    repeated = np.bincount(leader, minlength=len(pool)) > 1
    for rows in _chunks(np.flatnonzero(repeated[leader]), pool.length):
        own, leaders = pool.read(rows), pool.read(leader[rows])
        forward[rows] = _equal(own, leaders)
        reverse[rows] = _equal(own, reverse_complement(leaders))
    return Identity(leader, forward, reverse)


def leaked(dataset: SequenceDataset) -> Flags:
    """Which test sequences `(N,)` are in train as a whole, on either strand: scores must leave them out.

    Those in valid are reported by the audit and kept: no weight is fitted to them, they only bear on when the learning
    rate falls and training stops.
    """
    pool = Pool([dataset.train.codes, dataset.test.codes])
    begin = pool.begins[1]
    answer: Flags = identify(pool).leader[begin:] < begin
    return answer


def members(pool: Pool, leader: Indices) -> npt.NDArray[np.int64]:
    """How often the DNA of each leader is in each split, `(N, splits)`; zero in the rows of all other sequences."""
    columns = [np.bincount(leader[rows], minlength=len(pool)) for rows in pool.slices()]
    return np.stack(columns, axis=1)


def share_stretch(pool: Pool, leader: Indices, width: int, *, pass_windows: int = _PASS_WINDOWS) -> Flags:
    """Which leaders share `width` letters in a row with other DNA of each split, on either strand: `(N, splits)`.

    Only A, C, G and T count: a run of N is no likeness. The answer of a sequence is that of its leader. `pass_windows`
    bounds memory: the sequences are read once for every so many windows that they have.
    """
    present = members(pool, leader) > 0
    distinct = np.flatnonzero(present.any(axis=1))
    shared = np.zeros(present.shape, np.bool_)
    starts = pool.length - width + 1
    passes = max(1, -(-len(distinct) * starts // pass_windows))
    for number in range(passes):
        keys, items = _windows(pool, distinct, width, number, passes)
        rows, begins = np.divmod(items, starts)

        def same(first: Indices, second: Indices, rows: Indices = rows, begins: Indices = begins) -> Flags:
            one = _cut(pool.read(rows[first]), begins[first], width)
            other = _cut(pool.read(rows[second]), begins[second], width)
            return _equal(one, other) | _equal(one, reverse_complement(other))

        stretch = _leaders(keys, same, pool.length)
        # A sequence that holds the same stretch twice counts once.
        group, holder = np.divmod(np.unique(stretch * len(pool) + rows), len(pool))
        for split in range(present.shape[1]):
            own = present[holder, split]
            others = np.bincount(group, weights=own)[group] - own
            shared[holder[others > 0], split] = True
    return shared


def window_keys(codes: Codes, width: int) -> Keys:
    """Keys `(N, L - width + 1)` of all windows of codes `(N, L)` with values 0 to 4; both strands have the same key."""
    length = codes.shape[1]
    up, down = _powers(_BASE, length), _powers(_INVERSE, length)
    ahead = _running_sum(_VALUE[codes] * up)
    back = _running_sum(_VALUE_OF_COMPLEMENT[codes] * down)
    starts = length - width + 1
    forward = (ahead[:, width:] - ahead[:, :starts]) * down[:starts]
    reverse = (back[:, width:] - back[:, :starts]) * up[width - 1 :]
    keys: Keys = np.minimum(forward, reverse, out=forward)
    return keys


def _windows(pool: Pool, rows: Indices, width: int, number: int, passes: int) -> tuple[Keys, Indices]:
    """Windows with a key that is not unique, of the share of all keys that pass `number` of `passes` looks at.

    Returns the keys, and which windows they are: row * windows a row + begin.
    """
    starts = pool.length - width + 1
    keys, items = [], []
    for part, codes in pool.blocks(rows):
        found = window_keys(codes, width)
        chosen = np.ones(found.shape, np.bool_)
        if (blank := codes == OTHER).any():
            before = np.zeros((len(codes), pool.length + 1), np.int32)
            np.cumsum(blank, axis=1, out=before[:, 1:])
            chosen = before[:, width:] == before[:, :starts]
        if passes > 1:
            mixed = (found ^ (found >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
            chosen &= (mixed * np.uint64(passes)) >> np.uint64(32) == number
        row, begin = np.nonzero(chosen)
        keys.append(found[row, begin])
        items.append(part[row] * starts + begin)
    all_keys, all_items = np.concatenate(keys), np.concatenate(items)
    repeated = _repeated(all_keys)  # few, as a rule: what is done with them costs little
    return all_keys[repeated], all_items[repeated]


def _leaders(keys: Keys, same: Callable[[Indices, Indices], Flags], letters: int) -> Indices:
    """For each item the first one that is the same: an item with an equal key that `same` confirms.

    letters: how much `same` reads for an item, which is asked about a few at a time.
    """
    leader = np.arange(len(keys))
    pending = _repeated(keys)
    # One round suffices, unless different content has the same key: then what is left goes round again.
    while len(pending):
        ranked = keys[pending]
        begins = np.flatnonzero(np.insert(ranked[1:] != ranked[:-1], 0, True))
        first = np.repeat(pending[begins], np.diff(np.append(begins, len(pending))))
        equal = np.empty(len(pending), np.bool_)
        for part in _chunks(np.arange(len(pending)), letters):
            equal[part] = same(pending[part], first[part])
        leader[pending[equal]] = first[equal]
        pending = pending[~equal]
    return leader


def _repeated(keys: Keys) -> Indices:
    """The items whose key another one has too, by key and then by number."""
    order = np.argsort(keys)
    ranked = keys[order]
    repeats = ranked[1:] == ranked[:-1]
    found = order[np.append(repeats, False) | np.insert(repeats, 0, False)] if len(keys) else order
    return found[np.lexsort((found, keys[found]))]


def _chunks(rows: Indices, letters: int) -> Iterator[Indices]:
    size = max(1, _BLOCK_LETTERS // max(1, letters))
    for begin in range(0, len(rows), size):
        yield rows[begin : begin + size]


def _cut(codes: Codes, begins: Indices, width: int) -> Codes:
    return np.take_along_axis(codes, begins[:, None] + np.arange(width), axis=1)


def _equal(one: Codes, other: Codes) -> Flags:
    equal: Flags = (one == other).all(axis=1)
    return equal


def _powers(base: int, count: int) -> Keys:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers)


def _running_sum(values: Keys) -> Keys:
    """Sums of the first 0, 1, 2, ... columns."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1), np.uint64)
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums
