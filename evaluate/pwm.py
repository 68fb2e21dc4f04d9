"""Log-odds scores of a motif, and their exact p-values by dynamic programming.

Scores are whole numbers of steps, a step being a power of two of a bit: 2^-13. What a word scores is then the same
however its letters are added up, on either strand and on any machine, and its p-value is exact for the score reported.
That score differs from the sum of unrounded log-odds by at most W / 2 steps: 0.0013 bits for JASPAR's widest motif.

The default background is uniform on purpose: whether a stretch of DNA is an instance then depends on the motif alone,
and not on which other sequences stand in the same file.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..data_cards.motifs import ALPHABET, Matrix, Motif
from ..errors import MotifzooError

Floats = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int32]
Background = Sequence[float]

UNIFORM = (0.25, 0.25, 0.25, 0.25)
PSEUDOCOUNT = 0.1
P_VALUE = 1e-4

_FINEST = -13  # log2 of the step in bits
_MOST_STEPS = 2**22  # from a motif's lowest to its highest score: bounds time and memory where nsites is huge
_FIRST_DEPTH = 8.0  # bits
_SUM_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """A motif's log-odds in steps, and how likely random DNA reaches each of its highest scores.

    weights: int32 `(4, W)`, steps. step: bits. tail: float64; tail[k] is the probability that a random word of W
    letters scores at least `best - k` steps, for every k for which that is below the p-value the table was made for.
    """

    weights: Steps
    step: float
    tail: Floats

    @property
    def best(self) -> int:
        """The highest score, in steps."""
        return int(self.weights.max(axis=0).sum())

    @property
    def lowest(self) -> int:
        """The lowest score in the table, in steps; `best + 1`, which no word reaches, when the table is empty."""
        return self.best - len(self.tail) + 1

    def p_values(self, scores: npt.NDArray[np.integer]) -> Floats:
        """P-values of scores in steps, `lowest` to `best`; any shape."""
        found: Floats = self.tail[self.best - scores]
        return found


def log_odds(motif: Motif, background: Background = UNIFORM) -> Matrix:
    """Log-odds float64 `(4, W)` in bits: log2 of each probability over its letter's background frequency.

    The probabilities are p of the motif, columns renormalised, with FIMO's pseudocount: (p * nsites + 0.1 * background)
    / (nsites + 0.1), which is above 0. background: frequencies of A, C, G, T. Raises MotifzooError when they are not
    four numbers above 0 that sum to 1 within 1e-6.
    """
    probabilities = motif.probabilities / motif.probabilities.sum(axis=0)
    weight = motif.nsites / (motif.nsites + PSEUDOCOUNT)
    prior = PSEUDOCOUNT / (motif.nsites + PSEUDOCOUNT)  # not 1 - weight, which is 0 for a huge nsites
    bits: Matrix = np.log2(weight * probabilities / _frequencies(background)[:, None] + prior)
    return bits


def score_table(motif: Motif, p: float = P_VALUE, background: Background = UNIFORM) -> ScoreTable:
    """The scores of `motif` whose p-value is below `p`, and their p-values.

    p: above 0, at most 1. background: frequencies of A, C, G, T on the strand that the motif is read on; log-odds are
    taken over them, and the letters of random DNA are drawn from them independently. With the uniform one and W <= 26
    no p-value is rounded (all are multiples of 4^-W); else they carry the rounding of sums of positive numbers.
    The step is 2^-13 bits, or as much larger as keeps the range of scores within 2^22 steps.
    Raises MotifzooError for a bad `p` or background.
    """
    if not 0 < p <= 1:
        raise MotifzooError(
            f"the p-value threshold is {p:g}; legal is a number above 0 and at most 1, for example {P_VALUE:g}."
        )
    frequencies = _frequencies(background)
    bits = log_odds(motif, background)
    span = float(np.ptp(bits, axis=0).sum())
    step = 2.0 ** max(_FINEST, math.ceil(math.log2(max(span, 1.0) / _MOST_STEPS)))
    weights = np.rint(bits / step).astype(np.int32)
    shortfalls = weights.max(axis=0) - weights
    deepest = int(shortfalls.max(axis=0).sum())
    depth = int(_FIRST_DEPTH / step)
    tail = _tail(shortfalls, frequencies, depth)
    while tail[-1] < p and depth < deepest:
        depth *= 2
        tail = _tail(shortfalls, frequencies, depth)
    return ScoreTable(weights, step, tail[: np.searchsorted(tail, p)])


def _frequencies(background: Background) -> Floats:
    """The background as an array that sums to 1. Raises MotifzooError where it is no distribution over A, C, G, T."""
    values = np.array(background, dtype=np.float64)
    total = values.sum()
    if values.shape != (len(ALPHABET),) or not (values > 0).all() or not abs(total - 1) <= _SUM_TOLERANCE:
        shown = ", ".join(f"{value:g}" for value in values.ravel())
        raise MotifzooError(
            f"the background frequencies are {shown}; legal is four numbers above 0, of A, C, G and T, that sum to 1, "
            f"for example {', '.join(f'{value:g}' for value in UNIFORM)}."
        )
    frequencies: Floats = values / total
    return frequencies


def _tail(shortfalls: Steps, frequencies: Floats, depth: int) -> Floats:
    """Probability that a random word falls short of the best score by at most k, for k from 0 to at most `depth`.

    No letter makes up for another's shortfall: what has fallen below `depth` stays there and is dropped.
    """
    chance = np.ones(1)
    for column in shortfalls.T:
        longer = np.zeros(min(depth + 1, len(chance) + int(column.max())))
        for shortfall, frequency in zip(column.tolist(), frequencies.tolist(), strict=True):
            kept = max(0, min(len(chance), len(longer) - shortfall))
            longer[shortfall : shortfall + kept] += frequency * chance[:kept]
        chance = longer
    return chance.cumsum()
