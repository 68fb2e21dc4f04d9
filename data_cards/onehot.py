"""DNA as text, as integer codes, and one-hot.

Codes are uint8: A, C, G, T = 0, 1, 2, 3; from 4 (N, and every letter that is none) the IUPAC ambiguity codes, which are
kept apart so that text survives. One-hot is float32 `(N, 4, L)` in the same channel order; codes from 4 are columns of
zeros.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..errors import DataError

ALPHABET = "ACGT"
OTHER = len(ALPHABET)  # the first code that is no nucleotide
LETTERS = "ACGTNRYSWKMBDHV"
_COMPLEMENTS = "TGCANYRSWMKVHDB"

Codes = npt.NDArray[np.uint8]
OneHot = npt.NDArray[np.float32]

_BLOCK = 1 << 18  # letters turned into one-hot at a time: they and their one-hot stay in the processor's cache
_CODE_OF_BYTE = np.full(256, OTHER, dtype=np.uint8)
_IS_DNA = np.zeros(256, dtype=np.bool_)
for _code, _letter in enumerate(LETTERS):
    for _byte in (ord(_letter), ord(_letter.lower())):
        _CODE_OF_BYTE[_byte] = _code
        _IS_DNA[_byte] = True
_BYTE_OF_CODE = np.frombuffer(LETTERS.encode(), dtype=np.uint8)
_COMPLEMENT = np.array([LETTERS.index(letter) for letter in _COMPLEMENTS], dtype=np.uint8)


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
        text = bytearray("".join(sequences).encode("ascii"))
    except UnicodeEncodeError as error:
        raise DataError(f"sequences must be ASCII letters, got {error.object[error.start]!r}.") from error
    # Three times as fast as indexing an array with the bytes.
    return np.frombuffer(text.translate(_CODE_OF_BYTE.tobytes()), dtype=np.uint8).reshape(len(sequences), length)


def encode_bytes(text: npt.NDArray[np.uint8]) -> Codes:
    """Codes of ASCII bytes, any shape."""
    return _CODE_OF_BYTE[text]


def is_dna(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which ASCII bytes are letters of DNA: A, C, G, T, N or an IUPAC ambiguity code, upper or lower case."""
    return _IS_DNA[text]


def decode_bytes(codes: Codes) -> npt.NDArray[np.uint8]:
    """ASCII bytes of codes, any shape; upper case."""
    return _BYTE_OF_CODE[codes]


def decode(codes: Codes) -> list[str]:
    """DNA strings of codes `(N, L)`, upper case."""
    text = decode_bytes(codes).tobytes().decode("ascii")
    length = codes.shape[1]
    return [text[row * length : (row + 1) * length] for row in range(len(codes))]


def to_onehot(codes: Codes) -> OneHot:
    """One-hot `(N, 4, L)` float32 of codes `(N, L)`."""
    out = np.empty((codes.shape[0], len(ALPHABET), codes.shape[1]), dtype=np.float32)
    rows = max(1, _BLOCK // max(1, codes.shape[1]))
    for begin in range(0, len(codes), rows):
        block = codes[begin : begin + rows]
        for channel in range(len(ALPHABET)):
            np.equal(block, channel, out=out[begin : begin + rows, channel, :])
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
    """Codes of the opposite strand, read 5' to 3'; an ambiguity code becomes its complement, N stays N."""
    return _COMPLEMENT[codes[..., ::-1]]
