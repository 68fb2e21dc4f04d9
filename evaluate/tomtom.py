"""Tomtom: how unlikely a match this good is between a motif and a database of motifs.

The statistics of MEME's Tomtom 5.x (`-evalue`, all else default), worked out from the papers and from what MEME
prints: once rounded to single precision, as MEME holds them, p and E agree with it in every digit. Per query:

1. Both sides get a pseudocount of 0.1 sites of uniform background. Two columns score minus their Euclidean distance.
2. From each query column's scores its lower median over all target columns, both strands, is subtracted: a query
   column left unaligned scores 0, so scores of overlaps of different length compare ("complete scores").
3. The scores are binned to integers, about 100 over their range. A target's score is its best sum along a diagonal,
   over all offsets with an overlap of 1 or more and both strands.
4. Null model: target columns are drawn independently from those of the database. The score of each overlap is then a
   sum over a range of query columns, distributed as a convolution; p = P(the best of all offsets and both strands
   scores as much), offsets and strands taken as independent. E = p times the number of targets.

Sources: Gupta, Stamatoyannopoulos, Bailey & Noble, Genome Biology 8:R24 (2007); complete scores: Tanaka, Bailey,
Grant & Noble, Bioinformatics 27:1603 (2011); q-values: Storey, J. R. Stat. Soc. B 64:479 (2002).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ..data_cards.motifs import ALPHABET, Matrix, Motif
from ..errors import DataError, MotifzooError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bins = npt.NDArray[np.int32]

BACKGROUND = 0.25
PSEUDOCOUNT = 0.1
BINS = 100
THRESHOLD = 0.1

_SUM_TOLERANCE = 1e-5  # columns nearer to 1 are taken as they are
_ROUNDING = 1e-9  # scores that differ by less are the same
_BLOCK = 32  # scores a matrix product of the convolution computes at once: small enough to stay on one thread
_SMALLEST = float(np.finfo(np.float64).tiny)
_LAMBDAS = np.arange(100) * 0.005


class Hit(NamedTuple):
    """One query matching one target; the fields are the columns of Tomtom's output, in its order.

    offset: how many columns the target begins before the query (negative: after). overlap: aligned columns.
    target_consensus: read on the strand of `orientation`, "+" or "-" (the target's reverse complement).
    """

    query_id: str
    target_id: str
    offset: int
    p_value: float
    e_value: float
    q_value: float
    overlap: int
    query_consensus: str
    target_consensus: str
    orientation: str


@dataclass(frozen=True, eq=False)
class TomtomTable:
    """Every query against every target: arrays `(Q, T)` in the order of `queries` and `targets`.

    p: in (0, 1], of the better strand, corrected for offsets and strands; below 2.2e-308 reported as that.
    e: p * T. q: in [0, 1], over the query's 2 T strand-wise p-values. offset, overlap: as in `Hit`.
    reverse: True where the target's reverse complement matches better.
    """

    queries: tuple[Motif, ...]
    targets: tuple[Motif, ...]
    p: Floats
    e: Floats
    q: Floats
    offset: Ints
    overlap: Ints
    reverse: npt.NDArray[np.bool_]

    def hit(self, query: int, target: int) -> Hit:
        """One cell of the table, whatever its E."""
        reverse = bool(self.reverse[query, target])
        found = self.targets[target]
        return Hit(
            self.queries[query].id,
            found.id,
            int(self.offset[query, target]),
            float(self.p[query, target]),
            float(self.e[query, target]),
            float(self.q[query, target]),
            int(self.overlap[query, target]),
            consensus(self.queries[query]),
            consensus(found.reverse_complement() if reverse else found),
            "-" if reverse else "+",
        )

    def best(self, query: int) -> Hit:
        """The query's first hit in the order of `hits`, whatever its E."""
        return self.hit(query, int(self._order(query)[0]))

    def hits(self, threshold: float = THRESHOLD) -> list[Hit]:
        """The cells with E <= threshold: queries in order; of each the smallest p first, ties + strand first.

        Raises MotifzooError for a threshold that is not a finite number above 0.
        """
        check_threshold(threshold)
        return [
            self.hit(query, int(target))
            for query in range(len(self.queries))
            for target in self._order(query)
            if self.e[query, target] <= threshold
        ]

    def _order(self, query: int) -> npt.NDArray[np.intp]:
        return np.lexsort((self.reverse[query], self.p[query]))


def check_threshold(threshold: float) -> None:
    """Raise MotifzooError for an E-value threshold that is not a finite number above 0."""
    if not (math.isfinite(threshold) and threshold > 0):
        raise MotifzooError(
            f"the E-value threshold is {threshold:g}; legal is a finite number above 0, for example {THRESHOLD}."
        )


def match(queries: Sequence[Motif], targets: Sequence[Motif], *, threshold: float = THRESHOLD) -> list[Hit]:
    """Hits with E <= threshold, ordered as `TomtomTable.hits` says. Raises as `pvalues` and `hits` do."""
    check_threshold(threshold)
    return pvalues(queries, targets).hits(threshold)


def pvalues(queries: Sequence[Motif], targets: Sequence[Motif]) -> TomtomTable:
    """Compare every query with every target; the null model is made of all targets' columns.

    Flat queries are legal (and match nothing). Raises DataError when there are no targets.
    """
    if not targets:
        raise DataError("no target motifs to match against; give at least one.")
    database = _Database.of(targets)
    shape = (len(queries), len(targets))
    table = TomtomTable(
        tuple(queries),
        tuple(targets),
        p=np.empty(shape),
        e=np.empty(shape),
        q=np.empty(shape),
        offset=np.empty(shape, np.int64),
        overlap=np.empty(shape, np.int64),
        reverse=np.empty(shape, np.bool_),
    )
    for row, query in enumerate(queries):
        alignments = _align(_binned_scores(_smoothed(query), database.columns), database)
        reverse = alignments.p[1] < alignments.p[0]
        strand = reverse.astype(np.intp), np.arange(len(targets))
        table.p[row] = alignments.p[strand]
        table.e[row] = alignments.p[strand] * len(targets)
        table.q[row] = q_values(alignments.p)[strand]
        table.offset[row] = alignments.offset[strand]
        table.overlap[row] = alignments.overlap[strand]
        table.reverse[row] = reverse
    return table


def q_values(p: Floats) -> Floats:
    """Smallest false discovery rate at which each p-value would be called; the shape of `p`, in [0, 1].

    The share of true nulls is Storey's, its lambda (0 to 0.495 by 0.005) chosen by the mean squared error around the
    smallest share. MEME estimates that error by drawing bootstrap samples; here it is the error they would have on
    average (binomial variance plus squared bias), which needs no random numbers and nearly always chooses the same.
    """
    count = p.size
    order = np.argsort(p, axis=None)
    ranked = p.ravel()[order]
    above = 1 - np.searchsorted(ranked, _LAMBDAS) / count
    share = above / (1 - _LAMBDAS)
    error = above * (1 - above) / (count * (1 - _LAMBDAS) ** 2) + (share - share.min()) ** 2
    # No p-value above lambda still leaves room for one.
    nulls = min(1.0, max(float(share[error.argmin()]), 1 / count))
    rates = ranked * nulls * count / np.arange(1, count + 1)
    result = np.empty(count)
    result[order] = np.minimum.accumulate(rates[::-1])[::-1]
    return result.reshape(p.shape)


def consensus(motif: Motif) -> str:
    """The likeliest letter of each column after the pseudocount, ties as MEME's Tomtom prints them.

    MEME keeps the running maximum in single precision: of equally likely letters the later one wins where that
    rounds down, the earlier one where it rounds up.
    """
    matrix = _smoothed(motif)
    highest = np.zeros(motif.width, np.float32)
    letters = np.zeros(motif.width, np.intp)
    for index, row in enumerate(matrix):
        better = row > highest
        letters[better] = index
        highest[better] = row[better]
    return "".join(ALPHABET[index] for index in letters)


def _smoothed(motif: Motif) -> Matrix:
    """The matrix `(4, W)` with its pseudocount; columns that rounding left off 1 are renormalised."""
    total = motif.probabilities.sum(axis=0)
    matrix = np.where(np.abs(total - 1) > _SUM_TOLERANCE, motif.probabilities / total, motif.probabilities)
    return (matrix * motif.nsites + PSEUDOCOUNT * BACKGROUND) / (motif.nsites + PSEUDOCOUNT)


class _Group(NamedTuple):
    """The targets of one width, and where their columns lie in `_Database.columns`: `[start, stop)` is
    `(2 strands, targets, width)` in C order."""

    width: int
    targets: npt.NDArray[np.int64]
    start: int
    stop: int


class _Database(NamedTuple):
    """All target columns `(4, N)`, both strands, by group. A target's columns run from its last to its first, so that
    a diagonal of the comparison is an anti-diagonal here, where `_diagonal_sums` finds it by reshaping."""

    columns: Matrix
    groups: tuple[_Group, ...]

    @classmethod
    def of(cls, targets: Sequence[Motif]) -> "_Database":
        groups: list[_Group] = []
        blocks: list[Matrix] = []
        stop = 0
        for width in sorted({target.width for target in targets}):
            members = [index for index, target in enumerate(targets) if target.width == width]
            forward = np.stack([_smoothed(targets[index]) for index in members], axis=1)
            block = np.stack([forward[:, :, ::-1], forward[::-1]], axis=1).reshape(len(forward), -1)
            start, stop = stop, stop + block.shape[1]
            groups.append(_Group(width, np.array(members), start, stop))
            blocks.append(block)
        return cls(np.concatenate(blocks, axis=1), tuple(groups))


class _Alignments(NamedTuple):
    """The best alignment of one query with each strand of each target, arrays `(2, T)`."""

    p: Floats
    offset: Ints
    overlap: Ints


def _binned_scores(query: Matrix, columns: Matrix) -> Bins:
    """Integer scores `(W, N)` of query columns `(4, W)` against target columns `(4, N)`; 0 is the row's median."""
    scores = np.empty((query.shape[1], columns.shape[1]))
    middle = (columns.shape[1] - 1) // 2
    for column, row in zip(query.T, scores, strict=True):
        difference = columns - column[:, None]
        difference *= difference
        # Summed so that reading both sides on the other strand (A with T, C with G swapped) changes no bit.
        np.sqrt((difference[0] + difference[3]) + (difference[1] + difference[2]), out=row)
        np.negative(row, out=row)
        row -= np.partition(row, middle)[middle]
    # The range starts at a whole number and the bins per unit are whole too, so that 0 falls on a bin.
    span = float(scores.max()) - math.floor(scores.min())
    scores *= math.floor(BINS / span) if span > _ROUNDING else BINS
    scores += 0.5
    return np.floor(scores, out=scores).astype(np.int32)


def _align(bins: Bins, database: _Database) -> _Alignments:
    """The best offset of each target and strand, and how unlikely its score is."""
    shape = (2, sum(len(group.targets) for group in database.groups))
    best, widths, offset, overlap = (np.empty(shape, np.int64) for _ in range(4))
    for group in database.groups:
        block = bins[:, group.start : group.stop].reshape(len(bins), -1, group.width)
        sums = _diagonal_sums(block).reshape(2, len(group.targets), -1)
        begins = np.arange(1 - group.width, len(bins))  # of the target, counted from the query's first column
        overlaps = np.minimum(begins + group.width, len(bins)) - np.maximum(begins, 0)
        # Of offsets that score the same, the longest overlap; of those, the first.
        chosen = (sums * (len(bins) + 1) + overlaps).argmax(axis=2)
        best[:, group.targets] = np.take_along_axis(sums, chosen[:, :, None], axis=2)[:, :, 0]
        offset[:, group.targets] = -begins[chosen]
        overlap[:, group.targets] = overlaps[chosen]
        widths[:, group.targets] = group.width
    # Targets of one width that score the same have the same p: work each case out once.
    lowest, span = best.min(), np.ptp(best) + 1
    cases, inverse = np.unique(widths * span + (best - lowest), return_inverse=True)
    log_below = _log_all_below(bins, cases // span, cases % span + lowest)
    p = np.clip(-np.expm1(2 * log_below), _SMALLEST, 1.0)
    return _Alignments(p[inverse].reshape(shape), offset, overlap)


def _diagonal_sums(block: Bins) -> Bins:
    """Sums over query columns `(n, W + width - 1)` of scores `(W, n, width)`, one per offset.

    Writing rows of W + width values and reading them back as rows of one value less shifts each query column's row
    by one more position; the sum then runs along diagonals.
    """
    columns, count, width = block.shape
    rows = np.zeros((count, columns, columns + width), np.int32)
    rows[:, :, :width] = block.transpose(1, 0, 2)
    length = columns + width - 1
    sheared = rows.reshape(count, -1)[:, : columns * length].reshape(count, columns, length)
    sums: Bins = sheared.sum(axis=1, dtype=np.int32)
    return sums


def _log_all_below(bins: Bins, widths: Ints, scores: Ints) -> Floats:
    """Log probability that a random target of `widths[u]` scores below `scores[u]` at every offset of one strand.

    The distribution of each range of query columns [start, end] is kept as how far below the range's maximum a score
    lies; only as far as the lowest score asked for matters. Ranges grow by one query column a step, all starts at
    once; probabilities are only ever added and multiplied, so the smallest keep their relative precision.
    """
    columns = len(bins)
    longest = int(widths.max())
    tops = bins.max(axis=1)
    reach = np.concatenate([[0], np.cumsum(tops)])
    highest = (reach[1:] - reach[np.maximum(0, np.arange(columns) - longest + 1)]).max()
    depth = -(-int(highest - scores.min() + 1) // _BLOCK) * _BLOCK
    # Each row is led by zeros: what a convolution reads from before a distribution's start.
    state = np.zeros((columns, BINS + depth))
    log_below = np.zeros(len(scores))
    for end in range(columns):
        first = max(0, end - longest + 1)
        kernel = (np.bincount(tops[end] - bins[end]) / bins.shape[1])[:depth]
        state[first:end, BINS:] = _convolved(state[first:end], kernel)
        state[end, BINS : BINS + len(kernel)] = kernel
        at_least = state[first : end + 1, BINS:].cumsum(axis=1)
        if end < columns - 1:  # the target ends here: one offset a width
            starts = np.maximum(0, end - widths + 1)
            times = np.ones(1)
        else:  # the target reaches the query's end or beyond: every start, start 0 also for targets that begin before
            starts = np.arange(first, columns)[:, None]
            times = np.where(starts > 0, widths >= columns - starts, np.maximum(widths - columns + 1, 0))
        below_top = reach[end + 1] - reach[starts] - scores
        tail = np.where((below_top >= 0) & (times > 0), at_least[starts - first, np.maximum(below_top, 0)], 0.0)
        with np.errstate(divide="ignore"):  # a certain score: log 0
            terms = times * np.log1p(-np.minimum(tail, 1.0))
        log_below += terms if terms.ndim == 1 else terms.sum(axis=0)
    return log_below


def _convolved(led: Floats, kernel: Floats) -> Floats:
    """Each row's convolution with `kernel`, cut to the row's length, which is a multiple of the block.

    The rows in `led` come after BINS zeros; the kernel has at most BINS + 1 values. Computed as matrix products of
    sliding windows with a band matrix: exact to rounding, unlike an FFT, whose error is absolute and would swamp
    small probabilities.
    """
    size = _BLOCK + len(kernel) - 1
    windows = sliding_window_view(led[:, BINS - len(kernel) + 1 :], size, axis=1)[:, ::_BLOCK]
    padded = np.zeros(size + _BLOCK - 1)
    padded[_BLOCK - 1 : size] = kernel
    band = sliding_window_view(padded, _BLOCK)[::-1]
    return (np.ascontiguousarray(windows) @ np.ascontiguousarray(band)).reshape(len(led), led.shape[1] - BINS)
