"""Draws of the Mersenne Twister MT19937, which PyTorch's generator is on a CPU, a block of its state at a time.

Matsumoto & Nishimura 1998. The loops have no branches and no order that matters, so numba makes vector code of them.
Importing this module imports numba, which takes half a second: only training does.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

from ..files import notices

_F = TypeVar("_F", bound=Callable[..., object])

SIZE: Final = 624  # words of its state
_MIDDLE = 397
_UPPER, _LOWER, _MATRIX = np.uint32(1 << 31), np.uint32((1 << 31) - 1), np.uint32(0x9908B0DF)
_MASK_B, _MASK_C = np.uint32(0x9D2C5680), np.uint32(0xEFC60000)
_ONE, _ZERO, _HALF = np.uint32(1), np.uint32(0), np.uint64(32)
_CHUNK = 1024  # draws at a time: they stay in the processor's first cache
_WORD, _WORDS = types.uint32, types.uint32[::1]


def _compiled(*given: types.Type) -> Callable[[_F], _F]:
    """Compile a function now, for arguments of these types: threads that have begun to train would each meet what the
    disk refuses."""

    def compiled(function: _F) -> _F:
        try:
            kept = numba.njit(nogil=True, cache=True)(function)
        except RuntimeError:  # there is nowhere to keep what it compiles
            return cast(_F, numba.njit(nogil=True)(function))
        try:
            kept.compile(given)
        except OSError as error:  # a full disk, for one
            _warn(error.strerror or str(error))
            return cast(_F, numba.njit(nogil=True)(function))
        return cast(_F, kept)

    return compiled


@cache
def _warn(reason: str) -> None:
    """Once, not for each function."""
    notices.warning("what numba compiles cannot be kept (%s); it is compiled again each time.", reason)


@_compiled(_WORD, _WORD, _WORD)
def _next(word: Any, following: Any, other: Any) -> Any:
    y = (word & _UPPER) | (following & _LOWER)
    return other ^ (y >> _ONE) ^ ((_ZERO - (y & _ONE)) & _MATRIX)


@_compiled(_WORDS)
def _twist(state: NDArray[np.uint32]) -> None:
    """Replace all words by the next ones."""
    gap = SIZE - _MIDDLE
    for i in range(gap):
        state[i] = _next(state[i], state[i + 1], state[i + _MIDDLE])
    for i in range(gap, SIZE - 1):
        state[i] = _next(state[i], state[i + 1], state[i - gap])
    state[SIZE - 1] = _next(state[SIZE - 1], state[0], state[_MIDDLE - 1])


@_compiled(_WORDS, _WORDS)
def _temper(state: NDArray[np.uint32], words: NDArray[np.uint32]) -> None:
    for i in range(len(state)):
        y = state[i]
        y ^= y >> np.uint32(11)
        y ^= (y << np.uint32(7)) & _MASK_B
        y ^= (y << np.uint32(15)) & _MASK_C
        words[i] = y ^ (y >> np.uint32(18))


@_compiled(types.boolean[::1], types.uint64, types.uint64, _WORDS, types.int64)
def below_(out: NDArray[np.bool_], bound: np.uint64, mask: np.uint64, state: NDArray[np.uint32], position: int) -> int:
    """Fill 1-D `out`: is a 64-bit draw (two words, high one first), less the bits outside of `mask`, below `bound`?

    state: the 624 words, updated in place. position: the next of them to be used, 624 when none is left. Returns the
    position afterwards.
    """
    words = np.empty(2 * _CHUNK, np.uint32)
    for start in range(0, len(out), _CHUNK):
        part = out[start : start + _CHUNK]
        filled, wanted = 0, 2 * len(part)
        while filled < wanted:
            if position == SIZE:
                _twist(state)
                position = 0
            count = min(SIZE - position, wanted - filled)
            _temper(state[position : position + count], words[filled : filled + count])
            position, filled = position + count, filled + count
        for i in range(len(part)):
            drawn = np.uint64(words[2 * i]) << _HALF | np.uint64(words[2 * i + 1])
            part[i] = (drawn & mask) < bound
    return position
