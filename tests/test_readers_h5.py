"""One-hot HDF5 in the authors' layout and in Basset's: what is read, and what is refused, hostile files included."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_cards import collect, make_card

from motifzoo.data_cards import onehot, readers
from motifzoo.data_cards.cards import AuthorsH5, BassetH5, Card, Reader, load_card
from motifzoo.data_cards.export import export_h5
from motifzoo.data_cards.load import load_dataset
from motifzoo.data_cards.readers import authors_h5, basset_h5, gather, onehot_h5
from motifzoo.data_cards.store import write_splits
from motifzoo.errors import DataError

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
SEQUENCES = ["ACGTN", "GGCCA", "TTTTT"]
Write = Callable[[Mapping[str, Any]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(arrays: Mapping[str, Any]) -> Path:
        path = tmp_path / "peaks.h5"
        with h5py.File(path, "w") as file:
            for key, values in arrays.items():
                file[key] = values
        return path

    return write


def encoded(sequences: list[str] = SEQUENCES, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
    return onehot.to_onehot(onehot.encode(sequences)).astype(dtype)


def authors(**changed: object) -> dict[str, object]:
    """The arrays of a good file, some of them changed; None leaves one out."""
    arrays: dict[str, object] = {}
    for split in ("train", "valid", "test"):
        arrays |= {f"X_{split}": encoded(), f"Y_{split}": np.array([[1], [0], [1]], np.int8)}
    return {key: value for key, value in (arrays | changed).items() if value is not None}


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as error:
        collect(authors_h5.pieces(path))
    return str(error.value)


# What is read.


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint8, np.int64, np.bool_])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_key_styles_ranks_and_types(write: Write, dtype: npt.DTypeLike, flat: bool, case: Callable[[str], str]) -> None:
    inputs = encoded(dtype=dtype)
    labels = np.array([1, 0, 1]).astype(dtype)
    arrays: dict[str, object] = {}
    for split in ("train", "valid", "test"):
        arrays[f"{case('X')}_{split}"] = inputs[:, :, None, :] if flat else inputs
        arrays[f"{case('Y')}_{split}"] = labels if flat else labels[:, None]
    path = write({**arrays, "model_train": np.zeros((3, 4, 5)), "notes": "any"})
    shape = onehot_h5.Shape(length=5, classes=1, sizes={"train": 3, "valid": 3, "test": 3})
    assert authors_h5.shape(path) == shape
    for split in collect(authors_h5.pieces(path)).values():
        assert onehot.decode(split.codes) == SEQUENCES
        assert split.codes.dtype == np.uint8
        assert split.labels.tolist() == [[1], [0], [1]]
        assert split.labels.dtype == np.int8
        assert split.about is None


@pytest.mark.parametrize("word", ["valid", "val", "validation"])
def test_words_for_validation_and_mixed_cases(write: Write, word: str) -> None:
    path = write({f"{letter}_{split}": value for split in ("train", word, "test")
                  for letter, value in (("X", encoded()), ("y", np.array([1, 0, 0])))})  # fmt: skip
    assert dict(authors_h5.shape(path).sizes) == {"train": 3, "valid": 3, "test": 3}


def test_a_file_may_have_some_of_the_splits_but_a_data_set_has_all(write: Write) -> None:
    path = write({"X_train": encoded(), "Y_train": np.eye(3)})
    assert authors_h5.shape(path) == onehot_h5.Shape(length=5, classes=3, sizes={"train": 3})
    with pytest.raises(DataError) as error:
        collect(readers.read(own(AuthorsH5(format="authors-h5")), {"peaks.h5": path}))
    assert str(error.value) == f"{path} has no valid and no test split; a data set has train, valid and test."


def own(reader: Reader, **card: Any) -> Card:
    return make_card(reader, [("peaks.h5", None)], **{"length": 5, **card})


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.data())
def test_blocks_of_any_size_put_together_are_the_file(
    write: Write, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    count, length = data.draw(st.integers(1, 30)), data.draw(st.integers(1, 20))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    codes = random.integers(0, 5, (count, length)).astype(np.uint8)
    labels = random.integers(0, 2, (count, data.draw(st.integers(1, 3)))).astype(np.int8)
    path = write({})
    chunks = (data.draw(st.integers(1, count)), 4, length)
    with h5py.File(path, "w") as file:
        file.create_dataset("x_test", data=onehot.to_onehot(codes), chunks=chunks, compression="gzip")
        file["y_test"] = labels
    rows = data.draw(st.integers(1, 40))
    monkeypatch.setattr(gather, "MAX_ROWS", rows)
    pieces = list(authors_h5.pieces(path))
    assert max(len(piece) for _, piece in pieces) <= rows
    np.testing.assert_array_equal(collect(pieces)["test"].codes, codes)
    np.testing.assert_array_equal(collect(pieces)["test"].labels, labels)


def test_pieces_of_long_sequences_have_fewer_rows() -> None:
    assert gather.piece_rows(1) == 16_384
    assert gather.piece_rows(4 * 1000 * 4) == 4194
    assert gather.piece_rows(1 << 40) == 1


def test_what_is_exported_is_read(tmp_path: Path) -> None:
    dataset = load_dataset("synthetic-codes")
    export_h5(dataset, tmp_path / "codes.h5")
    splits = collect(authors_h5.pieces(tmp_path / "codes.h5"))
    for name, split in dataset.splits():
        np.testing.assert_array_equal(splits[name].codes, split.codes)
        np.testing.assert_array_equal(splits[name].labels, split.labels)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not there")
@pytest.mark.parametrize(
    ("name", "fingerprint"),
    [
        ("chip-zbed2", "bfb13458c841df47afe1bf5cec68e5e5f3da1006d973a22b0fba61a3c3721c56"),
        ("chip-irf1", "0d312f47168512a461865dc6f5d3458d1875c959dcdb2457ba73919595632ae8"),
    ],
)
def test_data_sets_of_the_study(tmp_path: Path, name: str, fingerprint: str) -> None:
    card = load_card(name)
    files = {source.file: SHARED / source.file for source in card.sources}
    assert write_splits(card, readers.read(card, files), tmp_path / name).fingerprint == fingerprint


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data folder is not there")
@pytest.mark.parametrize("file", ["REST_200.h5", "GABPA_200.h5", "LEF1_200.h5"])
def test_lower_case_files_equal_a_plain_reading(file: str) -> None:
    splits = collect(authors_h5.pieces(SHARED / file))
    with h5py.File(SHARED / file) as plain:
        for name, split in splits.items():
            np.testing.assert_array_equal(split.codes, plain[f"x_{name}"][:].argmax(axis=1))
            np.testing.assert_array_equal(split.labels, plain[f"y_{name}"][:])


# Basset.


def basset(**changed: object) -> dict[str, object]:
    arrays: dict[str, object] = {"target_labels": np.array(["K562", "HepG2"], "S")}
    for split in ("train", "valid", "test"):
        inputs = encoded(dtype=np.float16)
        inputs[(inputs == 0).all(axis=1).nonzero()[0], :, -1] = 0.25  # Basset's N
        arrays |= {f"{split}_in": inputs[:, :, None, :], f"{split}_out": np.array([[1, 0], [0, 1], [1, 1]], np.uint8)}
    arrays["test_headers"] = np.array(["chr1:1-6(+)", "b", "c"], "S")
    return {key: value for key, value in (arrays | changed).items() if value is not None}


def test_basset_files(write: Write) -> None:
    path = write(basset())
    shape = onehot_h5.Shape(5, 2, {"train": 3, "valid": 3, "test": 3}, ("K562", "HepG2"))
    assert basset_h5.shape(path) == shape
    card = own(BassetH5(format="basset-h5"), classes=("K562", "HepG2"), task="multi-label")
    splits = collect(readers.read(card, {"peaks.h5": path}))
    assert list(splits) == ["train", "valid", "test"]
    for split in splits.values():
        assert onehot.decode(split.codes) == SEQUENCES
        assert split.labels.tolist() == [[1, 0], [0, 1], [1, 1]]
        assert split.about is None  # only the test split has headers


@pytest.mark.parametrize("dtype", ["S", object])
def test_basset_headers_are_kept_where_every_split_has_them(
    write: Write, monkeypatch: pytest.MonkeyPatch, dtype: npt.DTypeLike
) -> None:
    monkeypatch.setattr(gather, "MAX_ROWS", 2)
    names = {split: [f"{split}{row}" for row in range(3)] for split in ("train", "valid", "test")}
    headers = {f"{split}_headers": np.array(found, dtype) for split, found in names.items()}
    splits = collect(basset_h5.pieces(write(basset(**headers))))
    for split, found in names.items():
        assert splits[split].about == pa.table({"id": found})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            dict.fromkeys([f"{split}_{end}" for split in ("train", "valid", "test") for end in ("in", "out")]),
            " lacks train_in and train_out. It has: target_labels, test_headers.",
        ),
        (
            {"valid_out": None},
            " lacks valid_out, which belongs to valid_in. It has: target_labels, test_headers, test_in, test_out, "
            "train_in, train_out, valid_in.",
        ),
        (
            {"target_labels": np.array(["K562"], "S")},
            ": target_labels has shape (1,) and type |S4; it must be 2 strings.",
        ),
        ({"target_labels": np.zeros(2)}, ": target_labels has shape (2,) and type float64; it must be 2 strings."),
        (
            {"test_in": encoded(["ACG"] * 3)},
            ": its splits differ in the length of sequences or the number of classes (train: 5 nt, 2; valid: 5 nt, 2; "
            "test: 3 nt, 2).",
        ),
        ({"test_in": None, "test_out": None}, " has no test split; a data set has train, valid and test."),
        (
            {"target_labels": np.array(["HepG2", "K562"], "S")},
            ": its class 0 (from 0) is 'HepG2'; the card of 'mine' says 'K562'.",
        ),
    ],
)
def test_bad_basset_files(write: Write, changed: dict[str, object], message: str) -> None:
    path = write(basset(**changed))
    card = own(BassetH5(format="basset-h5"), classes=("K562", "HepG2"), task="multi-label")
    with pytest.raises(DataError) as error:
        collect(readers.read(card, {"peaks.h5": path}))
    assert str(error.value) == f"{path}{message}"


# What is refused.

EXPECTED = "sequences have shape (N, 4, L) or (N, 4, 1, L)"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            dict.fromkeys(authors()) | {"trainxdata": np.zeros(3)},
            " lacks X_train and Y_train (or x_train and y_train). It has: trainxdata.",
        ),
        (dict.fromkeys(authors()), " lacks X_train and Y_train (or x_train and y_train). It has: nothing."),
        (
            {"Y_valid": None},
            " lacks Y_valid, which belongs to X_valid. It has: X_test, X_train, X_valid, Y_test, Y_train.",
        ),
        (
            {"X_test": None},
            " lacks X_test, which belongs to Y_test. It has: X_train, X_valid, Y_test, Y_train, Y_valid.",
        ),
        ({"x_train": encoded()}, " has X_train and x_train, and either may be the train split. Remove one."),
        ({"X_val": encoded()}, " has X_valid and X_val, and either may be the valid split. Remove one."),
        ({"X_train": np.zeros((3, 20))}, f": X_train has shape (3, 20); {EXPECTED}."),
        ({"X_train": np.zeros((3, 4, 5, 1, 1))}, f": X_train has shape (3, 4, 5, 1, 1); {EXPECTED}."),
        ({"X_train": np.float32(1)}, f": X_train has shape (); {EXPECTED}."),
        ({"X_train": h5py.Empty("f4")}, f": X_train has shape None; {EXPECTED}."),
        ({"X_train": np.ones((3, 4, 2, 5))}, f": X_train has shape (3, 4, 2, 5); {EXPECTED}."),
        (
            {"X_train": encoded().transpose(0, 2, 1)},
            f": X_train has shape (3, 5, 4), its 4 channels on axis 2; {EXPECTED}. Write it anew with its axes moved: "
            "`x.transpose(0, 2, 1)`.",
        ),
        (
            {"X_train": encoded().transpose(0, 2, 1)[:, :, None, :]},
            f": X_train has shape (3, 5, 1, 4), its 4 channels on axis 3; {EXPECTED}. Write it anew with its axes "
            "moved: `x.transpose(0, 3, 2, 1)`.",
        ),
        (
            {"X_train": np.ones((3, 5, 20))},
            f": X_train has shape (3, 5, 20), which is 5 channels; {EXPECTED}, channels A, C, G, T.",
        ),
        ({"X_train": np.zeros((3, 4, 0))}, ": X_train has sequences of 0 nt; 1 to 1,000,000 can be read."),
        ({"Y_train": np.zeros((4, 1))}, ": X_train has 3 sequences and Y_train has labels for 4."),
        (
            {"Y_train": np.zeros((3, 1, 1))},
            ": Y_train has shape (3, 1, 1); labels have shape (N, C) for C classes, at most 100,000, or (N,) for one.",
        ),
        (
            {"Y_train": np.zeros((3, 0))},
            ": Y_train has shape (3, 0); labels have shape (N, C) for C classes, at most 100,000, or (N,) for one.",
        ),
        (
            {"Y_train": h5py.Empty("f4")},
            ": Y_train has shape None; labels have shape (N, C) for C classes, at most 100,000, or (N,) for one.",
        ),
        (
            {"Y_train": np.zeros(())},
            ": Y_train has shape (); labels have shape (N, C) for C classes, at most 100,000, or (N,) for one.",
        ),
        (
            {"Y_train": np.array(["1", "0", "1"], "S")},
            ": Y_train has values of type |S1; they must be numbers.",
        ),
        ({"X_train": encoded().astype(complex)}, ": X_train has values of type complex128; they must be numbers."),
        ({"X_test": encoded(["ACG"] * 3)},
            ": its splits differ in the length of sequences or the number of classes (train: 5 nt, 1; valid: 5 nt, 1; "
            "test: 3 nt, 1)."),
    ],
)  # fmt: skip
def test_arrays_that_cannot_be_a_data_set(write: Write, changed: dict[str, object], message: str) -> None:
    path = write(authors(**changed))
    with pytest.raises(DataError) as error:
        authors_h5.shape(path)
    assert str(error.value) == f"{path}{message}"
    assert refusal(path) == f"{path}{message}"


@pytest.mark.parametrize(
    ("key", "labels", "message"),
    [
        ("Y_test", [[0], [2], [1]], "Y_test has 2 in row 1, column 0"),
        ("Y_train", [1, 0, np.nan], "Y_train has nan in row 2, column 0"),
        ("Y_train", [[1, 0.5], [0, 1], [1, 1]], "Y_train has 0.5 in row 0, column 1"),
        ("Y_train", [-1, 1, -1], "Y_train has -1 in row 0, column 0"),
    ],
)
def test_labels_that_are_not_0_or_1(write: Write, key: str, labels: list[Any], message: str) -> None:
    others = {f"Y_{split}": np.ones_like(labels) for split in ("train", "valid", "test")}
    path = write(authors(**{**others, key: np.array(labels)}))
    assert refusal(path) == f"{path}: {message} (from 0). Labels must be 0 or 1, with a column for each class."


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ([0.25, 0.25, 0.5, 0], "0.25, 0.25, 0.5, 0"),
        ([1, 1, 0, 0], "1, 1, 0, 0"),
        ([-1, 0, 0, 0], "-1, 0, 0, 0"),
        ([2, 0, 0, 0], "2, 0, 0, 0"),
        ([np.nan, 0, 0, 1], "nan, 0, 0, 1"),
        ([np.inf, 0, 0, 0], "inf, 0, 0, 0"),
        ([0.9, 0.1, 0, 0], "0.9, 0.1, 0, 0"),
    ],
)
@pytest.mark.parametrize("rows", [1, 2, 100])
def test_sequences_that_are_not_one_hot(
    write: Write, monkeypatch: pytest.MonkeyPatch, column: list[float], values: str, rows: int
) -> None:
    monkeypatch.setattr(gather, "MAX_ROWS", rows)
    inputs = encoded(dtype=np.float64)
    inputs[0, :, 0] = 0.25  # an unknown nucleotide, elsewhere in the same block
    inputs[2, :, 3] = column
    path = write(authors(X_valid=inputs))
    assert refusal(path) == (
        f"{path}: X_valid is not one-hot: its sequence 2 (from 0) has {values} at position 3. Each position must have "
        "one 1 and three 0, or four 0 for an unknown nucleotide."
    )


@pytest.mark.parametrize("stated", ["AGCT", b"a,g,c,t", np.array(["A", "G", "C", "T"], "S")])
@pytest.mark.parametrize("whole_file", [True, False])
def test_channels_in_another_order_are_refused_where_the_file_says_so(
    write: Write, stated: object, whole_file: bool
) -> None:
    path = write(authors())
    with h5py.File(path, "r+") as file:
        (file if whole_file else file["X_train"]).attrs["alphabet"] = stated
    assert refusal(path) == (
        f"{path}: its attribute alphabet says that the channels are AGCT; they must be ACGT. Write X_train anew in "
        "that order: `x[:, [0, 2, 1, 3]]`."
    )


@pytest.mark.parametrize("stated", ["ACGT", "a c g t", 4, "DNA", h5py.Empty("S1")])
def test_other_attributes_are_left_alone(write: Write, stated: object) -> None:
    path = write(authors())
    with h5py.File(path, "r+") as file:
        file.attrs["channels"] = stated
    assert authors_h5.shape(path).length == 5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{} is empty, not an HDF5 file."),
        (b"<!-- x --><!DOCTYPE HTML><html></html>", "{} is an HTML page, not an HDF5 file."),
        (b"PK\x03\x04", "{} is a zip archive, not an HDF5 file."),
        (b">1\nACGT\n", "{} is not an HDF5 file."),
    ],
)
def test_files_that_are_not_hdf5(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "peaks.h5"
    path.write_bytes(content)
    advice = "Get it again, or give the file in the format that it is in."
    assert refusal(path) == f"{message.format(path)} {advice}"


def test_names_that_are_not_utf8(write: Write) -> None:
    path = write({})
    with h5py.File(path, "r+") as file:
        file[b"X_train\xff"] = encoded()
    assert refusal(path) == f"{path} lacks X_train and Y_train (or x_train and y_train). It has: X_train\ufffd."


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.h5") == f"cannot read {tmp_path / 'none.h5'}: No such file or directory."
    assert refusal(tmp_path) == f"cannot read {tmp_path}: Is a directory."


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.floats(0, 1, exclude_max=True))
def test_a_file_cut_at_any_byte_is_refused(write: Write, share: float) -> None:
    path = write(authors())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert str(path) in refusal(path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_damaged_values_are_refused(write: Write, data: st.DataObject) -> None:
    """With a checksum on the chunks a flipped byte in them cannot go unseen."""
    path = write({"Y_train": np.array([1, 0, 1])})
    with h5py.File(path, "r+") as file:
        array = file.create_dataset("X_train", data=encoded(), chunks=(3, 4, 5), compression="gzip", fletcher32=True)
        chunk = array.id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(chunk.byte_offset, chunk.byte_offset + chunk.size - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert refusal(path).startswith(f"{path} is cut short, damaged, or packed in a way that this HDF5 cannot read (")


# Hostile files.


def test_links_are_not_followed(write: Write, tmp_path: Path) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["X_train"] = encoded()
    for link in (h5py.ExternalLink(secret.name, "X_train"), h5py.SoftLink("/X_test")):
        path = write(authors(X_train=None))
        with h5py.File(path, "r+") as file:
            file["X_train"] = link
        message = f"{path}: X_train is a link. Links are not followed: write the array itself into the file."
        assert refusal(path) == message


def test_groups_are_no_arrays(write: Write) -> None:
    path = write(authors(X_train=None))
    with h5py.File(path, "r+") as file:
        file.create_group("X_train")
    assert refusal(path) == f"{path}: X_train is a group, not an array."


def test_values_in_other_files_are_not_read(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(encoded().tobytes())
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = encoded()
    path = write(authors(X_train=None, X_test=None))
    with h5py.File(path, "r+") as file:
        file.create_dataset("X_train", (3, 4, 5), "f4", external=[("secret.bin", 0, h5py.h5f.UNLIMITED)])
        virtual = h5py.VirtualLayout((3, 4, 5), "f4")
        virtual[:] = h5py.VirtualSource(tmp_path / "secret.h5", "x", (3, 4, 5))
        file.create_virtual_dataset("X_test", virtual)
    for key in ("X_train", "X_test"):
        with onehot_h5.open_h5(path) as file, pytest.raises(DataError) as error:
            onehot_h5.dataset(file, key)
        assert str(error.value) == (
            f"{path}: {key} keeps its values in other files. These are not opened: write the values into the file."
        )


def test_arrays_that_were_not_written_to_their_end_are_refused(write: Write) -> None:
    path = write(authors(X_train=None))
    with h5py.File(path, "r+") as file:
        file.create_dataset("X_train", (3, 4, 5), "f4", chunks=(1, 4, 5))[:2] = encoded()[:2]
    assert refusal(path) == f"{path}: X_train was not written to its end: 2 of its 3 parts are there."
    with h5py.File(path, "r+") as file:
        del file["X_train"]
        file.create_dataset("X_train", (3, 4, 5), "f4")
    assert refusal(path) == f"{path}: X_train was not written to its end: 0 of its 1 parts are there."


def test_claimed_sizes_are_not_believed(write: Write) -> None:
    """A file of kilobytes may state any shape: what it claims is told by what it stores, before anything is read."""
    path = write(authors(X_train=None))
    with h5py.File(path, "r+") as file:
        array = file.create_dataset("X_train", (10**9, 4, 10**6), "f4", chunks=(1, 4, 10**6), compression="gzip")
        array[0] = 0
    assert path.stat().st_size < 100_000
    assert refusal(path) == f"{path}: X_train was not written to its end: 1 of its 1,000,000,000 parts are there."
    with h5py.File(path, "r+") as file:
        del file["X_train"]
        file.create_dataset("X_train", (60, 4, 10**6), "f4", chunks=(20, 4, 10**6), compression="gzip")
        for row in range(0, 60, 20):
            file["X_train"].id.write_direct_chunk((row, 0, 0), b"tiny")
    assert refusal(path) == (
        f"{path}: X_train of shape (60, 4, 1000000) claims 960,000,000 bytes, and 12 are stored for it, which "
        "sequences and their labels do not allow."
    )
    with h5py.File(path, "r+") as file:
        del file["X_train"]
        file.create_dataset("X_train", (800, 4, 10**5), "f4", chunks=(800, 4, 10**5), compression="gzip")
    assert refusal(path) == f"{path}: X_train has chunks of 1,280,000,000 bytes; at most 1,073,741,824 can be read."


# The readers together.


def test_every_format_of_a_card_has_its_reader() -> None:
    formats = [get_args(kind.model_fields["format"].annotation)[0] for kind in get_args(get_args(Reader)[0])]
    assert "authors-h5" in formats
    for name in formats:
        module = importlib.import_module(f"motifzoo.data_cards.readers.{name.replace('-', '_')}")
        assert callable(module.read)


def test_opening_the_readers_imports_no_format() -> None:
    command = "import sys, motifzoo.data_cards.readers; print({'h5py', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
