"""DNA as text, codes and one-hot: inverse pairs, the opposite strand, and what is refused."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motifzoo.data_cards import onehot
from motifzoo.errors import DataError


@st.composite
def equally_long(draw: st.DrawFn, letters: str) -> list[str]:
    """One to six strings of one length."""
    length = draw(st.integers(0, 30))
    return draw(st.lists(st.text(letters, min_size=length, max_size=length), min_size=1, max_size=6))


def test_codes_follow_the_alphabet() -> None:
    codes = onehot.encode(["ACGTN"])
    assert codes.dtype == np.uint8
    assert codes.tolist() == [[0, 1, 2, 3, 4]]


def test_onehot_channels_are_a_c_g_t_and_n_is_a_column_of_zeros() -> None:
    encoded = onehot.to_onehot(onehot.encode(["ACGTN"]))
    assert encoded.dtype == np.float32
    expected = [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0]]
    assert encoded.tolist() == [expected]


@settings(deadline=None)
@given(equally_long("ACGTN"))
def test_text_survives_codes(sequences: list[str]) -> None:
    codes = onehot.encode(sequences)
    assert codes.shape == (len(sequences), len(sequences[0]))
    assert onehot.decode(codes) == sequences


@settings(deadline=None)
@given(equally_long("ACGTN"))
def test_codes_survive_onehot(sequences: list[str]) -> None:
    codes = onehot.encode(sequences)
    encoded = onehot.to_onehot(codes)
    assert encoded.shape == (len(codes), 4, codes.shape[1])
    np.testing.assert_array_equal(encoded.sum(axis=1), codes != onehot.OTHER)
    back = onehot.from_onehot(encoded)
    assert back.dtype == np.uint8
    np.testing.assert_array_equal(back, codes)


@settings(deadline=None)
@given(equally_long("ACGTNacgtn"))
def test_lower_case_is_the_same_dna(sequences: list[str]) -> None:
    upper = [sequence.upper() for sequence in sequences]
    np.testing.assert_array_equal(onehot.encode(sequences), onehot.encode(upper))


IUPAC = "RYSWKMBDHVN"


@settings(deadline=None)
@given(equally_long("ACGT" + IUPAC))
def test_ambiguity_codes_survive_as_text_and_are_columns_of_zeros(sequences: list[str]) -> None:
    codes = onehot.encode(sequences)
    assert onehot.decode(codes) == sequences
    zero = [[letter in IUPAC for letter in sequence] for sequence in sequences]
    np.testing.assert_array_equal(
        onehot.to_onehot(codes).sum(axis=1) == 0, np.array(zero, bool).reshape(len(codes), codes.shape[1])
    )


@settings(deadline=None)
@given(equally_long("XUZ-.*0 "))
def test_every_other_letter_becomes_n(sequences: list[str]) -> None:
    assert onehot.decode(onehot.encode(sequences)) == ["N" * len(sequence) for sequence in sequences]


def test_which_bytes_are_dna() -> None:
    every = np.arange(256, dtype=np.uint8)
    letters = {chr(byte) for byte in every[onehot.is_dna(every)]}
    assert letters == set("ACGT" + IUPAC + "acgt" + IUPAC.lower())


@settings(deadline=None)
@given(equally_long("ACGT" + IUPAC))
def test_reverse_complement_is_the_opposite_strand(sequences: list[str]) -> None:
    codes = onehot.encode(sequences)
    opposite = onehot.reverse_complement(codes)
    pairs = str.maketrans("ACGTRYKMBDHV", "TGCAYRMKVHDB")
    assert onehot.decode(opposite) == [sequence[::-1].translate(pairs) for sequence in sequences]
    np.testing.assert_array_equal(onehot.reverse_complement(opposite), codes)
    np.testing.assert_array_equal(onehot.to_onehot(opposite), onehot.to_onehot(codes)[:, ::-1, ::-1])


@settings(deadline=None)
@given(equally_long("ACGTNacgtnRY"), st.data())
def test_a_part_of_the_sequences_gives_that_part_of_the_codes(sequences: list[str], data: st.DataObject) -> None:
    begin = data.draw(st.integers(0, len(sequences[0])))
    part = onehot.encode([sequence[begin:] for sequence in sequences])
    np.testing.assert_array_equal(part, onehot.encode(sequences)[:, begin:])


def test_bytes_keep_their_shape() -> None:
    text = np.frombuffer(b"acgtAXGT", dtype=np.uint8).reshape(2, 2, 2)
    assert onehot.encode_bytes(text).tolist() == [[[0, 1], [2, 3]], [[0, 4], [2, 3]]]


def test_no_sequences() -> None:
    assert onehot.encode([]).shape == (0, 0)
    assert onehot.decode(onehot.encode([])) == []
    assert onehot.to_onehot(np.zeros((0, 7), np.uint8)).shape == (0, 4, 7)


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(DataError) as error:
        onehot.encode(["ACGT", "ACGT", "ACG"])
    assert str(error.value) == "sequence 2 has 3 nt and sequence 0 has 4: all must be equally long."


def test_letters_beyond_ascii_are_refused() -> None:
    with pytest.raises(DataError) as error:
        onehot.encode(["ACGT", "AC\u00c5T"])
    assert str(error.value) == "sequences must be ASCII letters, got 'Å'."


@pytest.mark.parametrize("shape", [(4, 10), (2, 5, 10), (1, 4, 10, 1)])
def test_arrays_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError) as error:
        onehot.from_onehot(np.zeros(shape, np.float32))
    assert str(error.value) == f"one-hot sequences must have shape (N, 4, L), got {shape}."


def _column(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32).reshape(1, 4, 1)


@pytest.mark.parametrize(
    "array", [_column(1, 1, 0, 0), _column(0.5, 0.5, 0, 0), _column(-1, 0, 0, 0), _column(np.nan, 0, 0, 1)]
)
def test_columns_that_are_not_one_letter_are_refused(array: npt.NDArray[np.float32]) -> None:
    with pytest.raises(DataError) as error:
        onehot.from_onehot(array)
    assert str(error.value) == "one-hot sequences must hold only 0 and 1, with at most one 1 in each column."
