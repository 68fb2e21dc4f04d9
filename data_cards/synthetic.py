"""The synthetic data sets, drawn with NumPy's legacy generator in exactly the order the paper's authors drew them.

Every call on the generator and its order is part of the data: `RandomState` streams are frozen by NumPy's
compatibility policy, so the same calls give the authors' own sequences. The Python loop below is one pass of scalar
draws for that reason; only the last step, turning uniforms into nucleotides, is vectorised.

Source: Koo & Ploenzke 2021, Methods (tasks 1 and 3), fixed in the project's protocol, section 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import DataError
from .motifs import Motif
from .onehot import Codes

BACKGROUND = 0.25
_BATCH = 2000  # sequences per (batch, 4, L) block of float64: 13 MB at 200 nt


class Placements(NamedTuple):
    """Motifs planted in a set of sequences, flat: entry i stands in sequence `row[i]` (rows ascending).

    `motif` is the JASPAR id, `start` the 0-based first position on the forward strand, `strand` "+" or "-"
    ("-": the reverse complement of the matrix was planted).
    """

    row: npt.NDArray[np.int64]
    motif: npt.NDArray[np.object_]
    start: npt.NDArray[np.int64]
    strand: npt.NDArray[np.object_]

    def take(self, rows: npt.NDArray[np.int64]) -> "Placements":
        """The placements of `rows`, renumbered 0, 1, ... in the order given."""
        if len(self.row) == 0:
            return self
        order = np.argsort(self.row, kind="stable")
        first = np.searchsorted(self.row[order], rows, side="left")
        last = np.searchsorted(self.row[order], rows, side="right")
        picked = np.concatenate([order[a:b] for a, b in zip(first, last, strict=True)] or [np.zeros(0, np.int64)])
        return Placements(
            np.repeat(np.arange(len(rows)), last - first), self.motif[picked], self.start[picked], self.strand[picked]
        )


@dataclass(frozen=True)
class Grammar:
    """How the motifs of one sequence are drawn.

    `count_probabilities`: as the authors wrote them, a list whose cumulative sum is compared with one uniform draw;
    the number of motifs is (last index where the draw exceeds the sum) + `count_offset`.
    `gap_high`: the gaps' uniform draws lie in [0, gap_high).
    """

    length: int
    count_probabilities: tuple[float, ...]
    count_offset: int
    gap_high: float


class Drawn(NamedTuple):
    """One generated set in drawing order: codes `(N, L)` and what was planted where (`pool[i]` indexes the pool)."""

    codes: Codes
    row: npt.NDArray[np.int64]
    pool: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]


def both_strands(motifs: Sequence[Motif]) -> list[npt.NDArray[np.float64]]:
    """The pool of matrices `(4, W)`: each motif followed by its reverse complement."""
    return [matrix for motif in motifs for matrix in (motif.probabilities, motif.probabilities[::-1, ::-1])]


def draw(random: np.random.RandomState, pool: Sequence[npt.NDArray[np.float64]], count: int, grammar: Grammar) -> Drawn:
    """Draw `count` sequences with motifs from `pool` of matrices `(4, W)`; advances `random`.

    Raises DataError when no motif of the pool fits the length (the draw would never end).
    """
    widths = np.array([matrix.shape[1] for matrix in pool])
    fewest = int(np.flatnonzero(np.cumsum(grammar.count_probabilities) == 0)[-1]) + grammar.count_offset
    if fewest * widths.min() >= grammar.length:
        raise DataError(f"{fewest} motifs of {widths.min()} nt or more never fit {grammar.length} nt.")
    cumulative = np.cumsum(grammar.count_probabilities)
    uniforms = np.empty((count, grammar.length))
    rows: list[int] = []
    planted: list[int] = []
    starts: list[int] = []
    for row in range(count):
        while True:
            number = np.flatnonzero(random.rand() > cumulative)[-1] + grammar.count_offset
            chosen = random.randint(len(pool), size=number)
            remainder = grammar.length - widths[chosen].sum()
            if 0 < remainder < grammar.length:
                break
        while True:
            gaps = random.uniform(0, grammar.gap_high, size=number + 1)
            # The builtin sum adds left to right as the authors' did; np.sum may round differently.
            gaps = np.round(gaps / sum(gaps) * remainder).astype(int)
            if gaps.sum() == remainder:
                break
        uniforms[row] = random.uniform(0, 1, grammar.length)
        position = 0
        for entry, gap in zip(chosen, gaps, strict=False):
            position += int(gap)
            rows.append(row)
            planted.append(int(entry))
            starts.append(position)
            position += int(widths[entry])
    drawn = Drawn(np.empty((count, grammar.length), np.uint8), np.array(rows), np.array(planted), np.array(starts))
    for begin in range(0, count, _BATCH):
        end = min(begin + _BATCH, count)
        inside = slice(*np.searchsorted(drawn.row, [begin, end]))
        model = probability_model(
            end - begin,
            grammar.length,
            drawn.row[inside] - begin,
            [pool[entry] for entry in drawn.pool[inside]],
            drawn.start[inside],
        )
        exceeds = np.cumsum(model, axis=1) > uniforms[begin:end, None, :]
        drawn.codes[begin:end] = exceeds.argmax(axis=1)
    return drawn


def probability_model(
    count: int,
    length: int,
    rows: npt.NDArray[np.int64],
    matrices: Sequence[npt.NDArray[np.float64]],
    starts: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """The ground truth `(count, 4, length)`: each position's nucleotide probabilities, 0.25 outside planted motifs."""
    model = np.full((count, 4, length), BACKGROUND)
    for row, matrix, start in zip(rows, matrices, starts, strict=True):
        model[row, :, start : start + matrix.shape[1]] = matrix
    return model


def motifs_classes(motif_count: int, drawn: Drawn) -> npt.NDArray[np.int8]:
    """Multi-hot labels `(N, motif_count)`: 1 where a motif or its reverse complement was planted."""
    labels = np.zeros((len(drawn.codes), motif_count), dtype=np.int8)
    labels[drawn.row, drawn.pool // 2] = 1
    return labels


def background_indices(
    random: np.random.RandomState, total: int, drawn: int, removed: Sequence[int], kept: int
) -> list[int]:
    """Indices of synthetic-codes' background motifs among `total`; one `permutation` of the generator.

    The authors iterated a Python set of NumPy integers, so the order is CPython's for that set of small
    integers (hash = value); a test pins the list.
    """
    return list(set(random.permutation(total)[:drawn].tolist()) - set(removed))[:kept]
