"""Motif instances in DNA: the windows, on either strand, that score higher than random DNA is likely to.

The job of FIMO (Grant, Bailey & Noble, Bioinformatics 27, 1017-1018, 2011); scores and p-values are those of `pwm`.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..data_cards.motifs import Motif
from ..data_cards.onehot import ALPHABET, OTHER, Codes
from ..data_cards.rows import MappedCodes, blocks
from ..errors import DataError
from .pwm import P_VALUE, UNIFORM, Background, Floats, ScoreTable, Steps, score_table

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_WORD = 6  # letters whose score is looked up at once: 4^6 scores stay in a processor's first cache
_BLOCK = 2**17  # letters scanned at once


class Instances(NamedTuple):
    """Motif instances as arrays of one length, ordered by sequence, start, motif, and the forward strand first.

    sequence: row of the sequence. start, stop: the window [start, stop) on the forward strand, from 0. motif: index
    among the motifs scanned for. reverse: True where the window's reverse complement is the instance. score: log-odds
    in bits. p_value: probability that a random word of the motif's width scores as high or higher.
    """

    sequence: Ints
    start: Ints
    stop: Ints
    motif: Ints
    reverse: Flags
    score: Floats
    p_value: Floats


def scan(
    codes: Codes | MappedCodes, motifs: Sequence[Motif], p: float = P_VALUE, background: Background = UNIFORM
) -> Instances:
    """The windows of `codes`, uint8 `(N, L)`, whose p-value is below `p`, for each motif and on both strands.

    A window with a letter other than A, C, G, T is no instance; a motif wider than L has none. One window may be an
    instance of several motifs, and of one motif on both strands. p, background: as in `pwm.score_table`. Sequences are
    read in blocks: beside the instances, memory does not grow with N.
    Raises DataError when `codes` is not uint8 `(N, L)`, and MotifzooError for a bad `p` or background.
    """
    if codes.ndim != 2 or codes.dtype != np.uint8:
        raise DataError(f"sequences to scan are {codes.dtype} of shape {codes.shape}; legal is codes, uint8 (N, L).")
    tables = [score_table(motif, p, background) for motif in motifs]
    rows = max(1, _BLOCK // max(1, codes.shape[1]))
    found = [_none()]
    for number, block in enumerate(blocks(codes, rows)):
        here = _concatenated([_none(), *_in_block(block, tables)])
        order = np.lexsort((here.reverse, here.motif, here.start, here.sequence))
        ordered = Instances._make(column[order] for column in here)
        found.append(ordered._replace(sequence=ordered.sequence + number * rows))
    return _concatenated(found)


def instance_mask(instances: Instances, count: int, length: int) -> Flags:
    """Which positions of `count` sequences of `length` nt lie in at least one instance, bool `(count, length)`.

    Raises DataError when an instance lies outside of them.
    """
    last, end = int(instances.sequence.max(initial=-1)), int(instances.stop.max(initial=0))
    if last >= count or end > length:
        raise DataError(
            f"a mask of {count} sequences of {length} nt was asked for, but there are instances in sequence {last} and "
            f"up to position {end}; give the shape of the sequences that were scanned."
        )
    places = length + 1  # one more, for what stops at a sequence's end
    begun = np.bincount(instances.sequence * places + instances.start, minlength=count * places)
    ended = np.bincount(instances.sequence * places + instances.stop, minlength=count * places)
    covering = (begun - ended).reshape(count, places).cumsum(axis=1)
    mask: Flags = covering[:, :length] > 0
    return mask


def _none() -> Instances:
    number, value = np.zeros(0, np.int64), np.zeros(0)
    return Instances(number, number, number, number, np.zeros(0, np.bool_), value, value)


def _concatenated(parts: Sequence[Instances]) -> Instances:
    return Instances._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _in_block(codes: Codes, tables: Sequence[ScoreTable]) -> Iterator[Instances]:
    """The instances in codes `(n, L)`, motif by motif and strand by strand.

    The rows are scored as one text, other letters as A; the few windows above the threshold are then checked for
    running from one row into the next and for other letters.
    """
    length = codes.shape[1]
    text = codes.ravel()
    other = text >= OTHER
    others_before = np.concatenate([[0], other.cumsum()])
    words = _words(np.where(other, np.uint8(0), text))
    for motif, table in enumerate(tables):
        width = table.weights.shape[1]
        if width > length:
            continue
        for reverse in (False, True):
            scores = _scores(words, table.weights[::-1, ::-1] if reverse else table.weights)
            begin = np.flatnonzero(scores >= table.lowest)
            in_row = begin % length + width <= length
            begin = begin[in_row & (others_before[begin] == others_before[begin + width])]
            sequence, start = np.divmod(begin, length)
            yield Instances(
                sequence,
                start,
                start + width,
                np.full(len(begin), motif),
                np.full(len(begin), reverse),
                scores[begin] * table.step,
                table.p_values(scores[begin]),
            )


def _words(text: Codes) -> npt.NDArray[np.intp]:
    """The `_WORD` letters from each position on as one number, base 4; beyond the end stand As."""
    padded = np.concatenate([text, np.zeros(_WORD - 1, np.uint8)]).astype(np.uint16)
    words = np.zeros(len(text), np.uint16)
    for shift in range(_WORD):
        words = words * np.uint16(len(ALPHABET)) + padded[shift : shift + len(text)]
    return words.astype(np.intp)  # what numpy indexes with; any other type is converted at each use


def _scores(words: npt.NDArray[np.intp], weights: Steps) -> Steps:
    """Scores in steps of the windows that begin at each position with room for one."""
    width = weights.shape[1]
    windows = len(words) - width + 1
    total = np.zeros(windows, np.int32)
    for first in range(0, width, _WORD):
        total += _word_scores(weights[:, first : first + _WORD]).take(words[first : first + windows])
    return total


def _word_scores(columns: Steps) -> Steps:
    """The score of every word on `(4, w)` columns, w <= `_WORD`: on its first w letters, whatever follows them."""
    scores = np.zeros(1, np.int32)
    for column in columns.T:
        scores = (scores[:, None] + column).ravel()
    return np.repeat(scores, len(ALPHABET) ** (_WORD - columns.shape[1]))
