"""DNA as text, as integer codes, and one-hot.

Codes are uint8: A, C, G, T = 0, 1, 2, 3 and 4 for every other letter (N, IUPAC ambiguity codes). One-hot is
float32 `(N, 4, L)` in the same channel order; code 4 is a column of zeros.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import DataError

ALPHABET = "ACGT"
OTHER = len(ALPHABET)

Codes = npt.NDArray[np.uint8]
OneHot = npt.NDArray[np.float32]

_CODE_OF_BYTE = np.full(256, OTHER, dtype=np.uint8)
for _code, _letters in enumerate(("Aa", "Cc", "Gg", "Tt")):
    for _letter in _letters:
        _CODE_OF_BYTE[ord(_letter)] = _code
_BYTE_OF_CODE = np.frombuffer(b"ACGTN", dtype=np.uint8)


def encode(sequences: Sequence[str]) -> Codes:
    """Codes `(N, L)` of equally long DNA strings, upper or lower case.

    Raises DataError when the lengths differ or a letter is not ASCII.
    """
    if not sequences:
        return np.zeros((0, 0), dtype=np.uint8)
    length = len(sequences[0])
    for row, sequence in enumerate(sequences):
        if len(sequence) != length:
            raise DataError(
                f"sequence {row} has {len(sequence)} nt and sequence 0 has {length}: all must be equally long."
            )
    try:
        text = np.frombuffer("".join(sequences).encode("ascii"), dtype=np.uint8)
    except UnicodeEncodeError as error:
        raise DataError(f"sequences must be ASCII letters, got {error.object[error.start]!r}.") from error
    return _CODE_OF_BYTE[text].reshape(len(sequences), length)


def encode_bytes(text: npt.NDArray[np.uint8]) -> Codes:
    """Codes of ASCII bytes, any shape."""
    return _CODE_OF_BYTE[text]


def decode(codes: Codes) -> list[str]:
    """DNA strings of codes `(N, L)`; code 4 becomes N."""
    text = _BYTE_OF_CODE[codes].tobytes().decode("ascii")
    length = codes.shape[1]
    return [text[row * length : (row + 1) * length] for row in range(len(codes))]


def to_onehot(codes: Codes) -> OneHot:
    """One-hot `(N, 4, L)` float32 of codes `(N, L)`."""
    out = np.empty((codes.shape[0], len(ALPHABET), codes.shape[1]), dtype=np.float32)
    for channel in range(len(ALPHABET)):
        np.equal(codes, channel, out=out[:, channel, :])
    return out


def from_onehot(onehot: npt.NDArray[np.generic]) -> Codes:
    """Codes `(N, L)` of a one-hot array `(N, 4, L)`; an all-zero column becomes 4.

    Raises DataError when an entry is neither 0 nor 1 or a column holds more than one 1.
    """
    if onehot.ndim != 3 or onehot.shape[1] != len(ALPHABET):
        raise DataError(f"one-hot sequences must have shape (N, 4, L), got {onehot.shape}.")
    present = onehot == 1
    if not np.all(present | (onehot == 0)) or np.any(present.sum(axis=1) > 1):
        raise DataError("one-hot sequences must hold only 0 and 1, with at most one 1 in each column.")
    return np.where(present.any(axis=1), present.argmax(axis=1), OTHER).astype(np.uint8)


def reverse_complement(codes: Codes) -> Codes:
    """Codes of the opposite strand, read 5' to 3'; code 4 stays 4."""
    flipped = codes[:, ::-1]
    return np.where(flipped == OTHER, OTHER, len(ALPHABET) - 1 - flipped).astype(np.uint8)
