"""DeepSEA's bundle: the splits that come out, whatever the layout; damage and wrong content; scipy as the oracle of
MATLAB's version 5 files; memory."""

import gzip
import io
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import scipy.io
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motifzoo.data_cards.cards import Card, DeepSea
from motifzoo.data_cards.content import SequenceDataset
from motifzoo.data_cards.onehot import decode
from motifzoo.data_cards.readers import deepsea, mat5, read
from motifzoo.data_cards.store import write_splits
from motifzoo.errors import CacheError, DataError

SPLITS = ("train", "valid", "test")
COLUMNS = (5, 0, 3)
CLASSES = 7
LENGTH = 6
FRAGMENT = Path(__file__).parents[2] / "shared/data/deepsea_format_example.h5"

Rows = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]  # codes (N, L) with 4 for unknown, labels (N, classes)


def card(length: int = LENGTH, columns: tuple[int, ...] = COLUMNS) -> Card:
    return Card.model_validate(
        {
            "name": "small-deepsea",
            "version": 1,
            "title": "A small bundle",
            "summary": "Made by the tests.",
            "task": "multi-label" if len(columns) > 1 else "binary",
            "classes": [f"factor {column}" for column in columns],
            "length": length,
            "monitor": "aupr",
            "benchmarks": ["classification"],
            "assay": "none",
            "organism": "none",
            "genome": "none",
            "licence": "MIT",
            "source": "the tests",
            "citation": "none",
            "sources": [{"file": "bundle.tar.gz", "url": "https://example.org/bundle.tar.gz"}],
            "reader": {"format": "deepsea", "columns": columns},
        }
    )


def rows(count: int, seed: int = 0, length: int = LENGTH) -> Rows:
    """Random sequences with some unknown nucleotides, and labels of which about half the rows have a kept positive."""
    random = np.random.default_rng(seed)
    codes = random.choice(5, (count, length), p=[0.24, 0.24, 0.24, 0.24, 0.04]).astype(np.uint8)
    return codes, (random.random((count, CLASSES)) < 0.2).astype(np.uint8)


def one_hot(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """As upstream has it: (N, 4, L), channels A, G, C, T."""
    return np.stack([codes == "ACGT".index(letter) for letter in "AGCT"], axis=1).astype(np.uint8)


def variables(split: str, content: Rows) -> dict[str, npt.NDArray[Any]]:
    return {f"{split}xdata": one_hot(content[0]), f"{split}data": content[1]}


def write_v5(path: Path, matrices: dict[str, npt.NDArray[Any]], *, compressed: bool = True) -> None:
    scipy.io.savemat(path, matrices, do_compression=compressed)


def write_v73(path: Path, matrices: dict[str, npt.NDArray[Any]], chunks: tuple[int, ...] | None = None) -> None:
    """As MATLAB writes it: axes reversed, behind MATLAB's header of 512 bytes; `chunks` for all axes, cut to fit."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, matrix in matrices.items():
            stored = matrix.T
            layout = chunks and tuple(min(c, n) for c, n in zip(chunks[-stored.ndim :], stored.shape, strict=True))
            data = file.create_dataset(name, data=stored, chunks=layout, compression="gzip" if layout else None)
            data.attrs["MATLAB_class"] = np.bytes_("uint8")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + struct.pack("<H2s", 0x0200, b"IM"))


def expected(content: Rows, columns: tuple[int, ...] = COLUMNS) -> Rows:
    codes, labels = content
    keep = labels[:, columns].any(axis=1)
    return codes[keep], labels[keep][:, columns]


def collect(pieces: Iterator[Any]) -> dict[str, Rows]:
    parts: dict[str, list[Any]] = {}
    for split, piece in pieces:
        assert len(piece) <= 16_384
        assert (piece.codes.dtype, piece.labels.dtype) == (np.uint8, np.int8)
        parts.setdefault(split, []).append(piece)
    return {
        split: (np.concatenate([p.codes for p in pieces]), np.concatenate([p.labels for p in pieces]))
        for split, pieces in parts.items()
    }


def assert_same(found: dict[str, Rows], contents: dict[str, Rows], columns: tuple[int, ...] = COLUMNS) -> None:
    assert set(found) == {split for split in contents if len(expected(contents[split], columns)[0])}
    for split, (codes, labels) in found.items():
        np.testing.assert_array_equal(codes, expected(contents[split], columns)[0])
        np.testing.assert_array_equal(labels, expected(contents[split], columns)[1])


def read_path(path: Path, of: Card | None = None) -> dict[str, Rows]:
    return collect(read(of or card(), {"bundle.tar.gz": path}))


def message(path: Path, kind: type[Exception] = DataError, of: Card | None = None) -> str:
    with pytest.raises(kind) as error:
        read_path(path, of)
    return str(error.value)


@pytest.fixture
def contents() -> dict[str, Rows]:
    return {split: rows(count, seed) for seed, (split, count) in enumerate(zip(SPLITS, (50, 20, 30), strict=True))}


@pytest.fixture
def folder(tmp_path: Path, contents: dict[str, Rows]) -> Path:
    """The layout of the bundle: training rows in version 7.3, the others in version 5."""
    home = tmp_path / "deepsea_train"
    home.mkdir()
    write_v73(home / "train.mat", variables("train", contents["train"]), (2, 1, 16))
    for split in SPLITS[1:]:
        write_v5(home / f"{split}.mat", variables(split, contents[split]))
    return home


def pack(folder: Path, target: Path, names: tuple[str, ...] = ("train.mat", "valid.mat", "test.mat")) -> Path:
    with tarfile.open(target, "w:gz" if target.suffix == ".gz" else "w") as archive:
        archive.add(folder, "deepsea_train", recursive=False)
        for name in names:
            archive.add(folder / name, f"deepsea_train/{name}")
    return target


@pytest.fixture
def bundle(folder: Path, tmp_path: Path) -> Path:
    return pack(folder, tmp_path / "bundle.tar.gz")


def leftovers(cache: Path) -> list[Path]:
    return list(cache.glob(".tmp-*-deepsea"))


def test_reads_the_archive_and_the_folder(
    folder: Path, bundle: Path, contents: dict[str, Rows], tmp_path: Path, cache: Path
) -> None:
    for path in (bundle, pack(folder, tmp_path / "bundle.tar"), folder, folder.parent):
        assert_same(read_path(path), contents)
    assert leftovers(cache) == []


def test_builds_a_data_set(bundle: Path, contents: dict[str, Rows], tmp_path: Path) -> None:
    dataset = write_splits(card(), read(card(), {"bundle.tar.gz": bundle}), tmp_path / "built")
    assert isinstance(dataset, SequenceDataset)
    for split, content in dataset.splits():
        np.testing.assert_array_equal(content.codes, expected(contents[split])[0])
        np.testing.assert_array_equal(content.labels, expected(contents[split])[1])


def test_each_file_may_have_either_version(tmp_path: Path, contents: dict[str, Rows]) -> None:
    write_v5(tmp_path / "train.mat", variables("train", contents["train"]), compressed=False)
    write_v73(tmp_path / "valid.mat", variables("valid", contents["valid"]))
    write_v73(tmp_path / "test.mat", variables("test", contents["test"]), (1, 4, 8))
    assert_same(read_path(tmp_path), contents)


def test_letters_by_hand(tmp_path: Path) -> None:
    """A, G, C, T in the channels 0 to 3, and an unknown nucleotide that has none."""
    x = np.zeros((1, 4, 6), np.uint8)
    for position, channel in enumerate((0, 1, 2, 3, 0)):
        x[0, channel, position] = 1
    for split in SPLITS:
        write_v5(tmp_path / f"{split}.mat", {f"{split}xdata": x, f"{split}data": np.ones((1, CLASSES), np.uint8)})
    assert {decode(codes)[0] for codes, _ in read_path(tmp_path).values()} == {"AGCTAN"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_layout_and_any_block_size(data: st.DataObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of any shape, and memory so small that rows and positions are read in several goes."""
    content = rows(data.draw(st.integers(1, 70), "rows"), data.draw(st.integers(0, 99), "seed"))
    columns = tuple(data.draw(st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=4, unique=True), "columns"))
    sizes = st.integers(1, 600)
    chunks = data.draw(st.none() | st.tuples(st.integers(1, 7), st.integers(1, 4), st.integers(1, 80)), "chunks")
    with monkeypatch.context() as patch:
        for module, name in [
            (deepsea, "BLOCK_BYTES"),
            (mat5, "BLOCK_BYTES"),
            (deepsea, "_GROUP_BYTES"),
            (deepsea, "_WINDOW_BYTES"),
            (deepsea, "_GAP_BYTES"),
            (deepsea, "_CONVERT_BYTES"),
        ]:
            patch.setattr(module, name, data.draw(sizes, name))
        patch.setattr(deepsea, "MAX_ROWS", data.draw(st.integers(1, 20), "MAX_ROWS"))
        for split in SPLITS:
            if data.draw(st.booleans(), f"{split} in 7.3"):
                write_v73(tmp_path / f"{split}.mat", variables(split, content), chunks)
            else:
                write_v5(tmp_path / f"{split}.mat", variables(split, content), compressed=data.draw(st.booleans()))
        found = read_path(tmp_path, card(columns=columns))
    assert_same(found, dict.fromkeys(SPLITS, content), columns)


@pytest.mark.parametrize("needed", [False, True])
def test_only_chunks_with_chosen_rows_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: bool) -> None:
    """A damaged chunk is an error where a kept row lies in it, and otherwise is not even noticed."""
    monkeypatch.setattr(deepsea, "_GAP_BYTES", 0)
    codes, labels = rows(4000)
    labels[:] = 0
    labels[:50] = 1
    labels[3500] = needed
    path, where = tmp_path / "train.mat", "the file"
    write_v73(path, variables("train", (codes, labels)), (LENGTH, 4, 1000))
    with h5py.File(path) as file:
        chunk = file["trainxdata"].id.get_chunk_info_by_coord((0, 0, 3000))
    content = bytearray(path.read_bytes())
    # Versions of HDF5 differ in whether they count MATLAB's header.
    begin = next(at for at in (chunk.byte_offset, chunk.byte_offset + 512) if content[at] == 0x78)
    content[begin + 40 : begin + 100] = bytes(60)
    path.write_bytes(content)
    with deepsea.open_variables(path, "train", where, card(), card().reader) as (x, y):
        if not needed:
            (piece,) = deepsea.pieces(x, y, where, COLUMNS)
            np.testing.assert_array_equal(piece.codes, codes[:50])
            return
        with pytest.raises(DataError) as error:
            list(deepsea.pieces(x, y, where, COLUMNS))
    # Between the brackets stand HDF5's own words.
    before, after = str(error.value).split("(")[0], str(error.value).rsplit(")")[-1]
    assert before == "the file is damaged: variable 'trainxdata' cannot be read "
    assert after == ". Delete the file and fetch it again."


@pytest.mark.skipif(not FRAGMENT.is_file(), reason="shared/data/deepsea_format_example.h5 is not here")
def test_real_fragment_has_the_channels_a_g_c_t(tmp_path: Path) -> None:
    """Real rows (8, 4, 1000), without labels: CpG is rarer than GpC in human DNA, and would not be if G and C were
    swapped; the second half are the reverse complements of the first."""
    with h5py.File(FRAGMENT) as file:
        x = file["testxdata"][:]
    for split in SPLITS:
        write_v5(tmp_path / f"{split}.mat", {f"{split}xdata": x, f"{split}data": np.ones((8, CLASSES), np.uint8)})
    codes, _ = read_path(tmp_path, card(1000))["test"]
    text = decode(codes)
    assert set("".join(text)) == set("ACGT")
    assert sum(row.count("CG") for row in text) < 0.5 * sum(row.count("GC") for row in text)
    pair = str.maketrans("ACGT", "TGCA")
    assert [row.translate(pair)[::-1] for row in text[:4]] == text[4:]


# MATLAB's version 5 files.


def whole(matrix: mat5.Matrix5) -> npt.NDArray[Any]:
    """All of a matrix, as MATLAB has it."""
    every = np.arange(matrix.shape[0]), np.arange(matrix.shape[-1])
    parts = [values.copy() for _, _, values in matrix.blocks(*every)]
    return (np.concatenate(parts) if parts else np.zeros(matrix.shape)).T


def assert_as_scipy(path: Path, name: str) -> None:
    oracle = scipy.io.loadmat(path)[name]
    matrix = mat5.find(path, name, "the file")
    assert matrix.shape[::-1] == oracle.shape
    found = whole(matrix)
    np.testing.assert_array_equal(found, oracle)
    assert found.dtype == oracle.dtype or found.dtype.itemsize <= oracle.dtype.itemsize


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_numbers_are_those_that_scipy_reads(tmp_path: Path, kind: str, compressed: bool) -> None:
    random = np.random.default_rng(0)
    for shape in ((1, 1), (3, 1), (1, 4), (2, 2), (5, 4, 3), (130, 7), (0, 4), (2, 3, 4, 5)):
        values = random.integers(0, 2 if kind == "?" else 100, shape).astype(kind)
        write_v5(tmp_path / "a.mat", {"before": np.arange(3), "m": values, "b": "text"}, compressed=compressed)
        assert_as_scipy(tmp_path / "a.mat", "m")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.lists(st.integers(1, 9), min_size=2, max_size=4),
    block=st.integers(1, 300),
    feed=st.integers(1, 50),
    seed=st.integers(0, 9),
)
def test_a_stream_in_small_parts_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: list[int], block: int, feed: int, seed: int
) -> None:
    write_v5(tmp_path / "a.mat", {"m": np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)})
    with monkeypatch.context() as patch:
        patch.setattr(mat5, "BLOCK_BYTES", block)
        patch.setattr(mat5, "_INPUT", feed)
        assert_as_scipy(tmp_path / "a.mat", "m")


def by_hand(
    name: str,
    kind: int,
    stored: int,
    values: npt.NDArray[Any],
    *,
    order: str = "<",
    flags: int = 0,
    deflate: bool = False,
) -> bytes:
    """A version 5 file as MathWorks' format description has it, with the array class and the stored type chosen."""

    def sub(number: int, content: bytes) -> bytes:
        if len(content) <= 4:
            return struct.pack(f"{order}I", len(content) << 16 | number) + content.ljust(4, b"\0")
        return struct.pack(f"{order}II", number, len(content)) + content.ljust(-(-len(content) // 8) * 8, b"\0")

    matrix = (
        struct.pack(f"{order}IIII", 6, 8, kind | flags, 0)
        + sub(5, struct.pack(f"{order}{values.ndim}i", *values.shape))
        + sub(1, name.encode())
        + sub(stored, values.astype(values.dtype.newbyteorder(order)).tobytes(order="F"))
    )
    element = struct.pack(f"{order}II", 14, len(matrix)) + matrix
    if deflate:
        packed = zlib.compress(element)
        element = struct.pack(f"{order}II", 15, len(packed)) + packed
    endian = b"IM" if order == "<" else b"MI"
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(f"{order}H", 0x0100) + endian + element


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize(
    ("kind", "stored", "dtype", "shape"),
    [
        (6, 2, "u1", (3, 5)),  # MATLAB stores whole doubles as bytes
        (6, 2, "u1", (2, 2)),  # and so few of them within the tag
        (6, 4, "u2", (4, 3, 2)),
        (6, 9, "f8", (4, 3)),
        (9, 2, "u1", (5, 4, 3)),
        (12, 5, "i4", (7, 2)),
    ],
)
def test_types_and_byte_orders_that_only_matlab_writes(
    tmp_path: Path, order: str, deflate: bool, kind: int, stored: int, dtype: str, shape: tuple[int, ...]
) -> None:
    values = np.random.default_rng(1).integers(0, 100, shape).astype(dtype)
    (tmp_path / "a.mat").write_bytes(by_hand("m", kind, stored, values, order=order, deflate=deflate))
    assert_as_scipy(tmp_path / "a.mat", "m")


@pytest.mark.parametrize("deflate", [False, True])
def test_a_bundle_of_doubles(tmp_path: Path, contents: dict[str, Rows], deflate: bool) -> None:
    """Doubles, stored as such or as bytes, hold the same sequences and labels."""
    for split, stored, dtype in (("train", 9, "f8"), ("valid", 2, "u1"), ("test", 9, "f8")):
        x, y = variables(split, contents[split]).values()
        x_element = by_hand(f"{split}xdata", 6, stored, x.astype(dtype), deflate=deflate)
        y_element = by_hand(f"{split}data", 6, stored, y.astype(dtype), deflate=deflate)
        (tmp_path / f"{split}.mat").write_bytes(x_element + y_element[128:])
    assert_same(read_path(tmp_path), contents)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"field": 1}, "a struct"),
        (np.array([1, "two"], dtype=object), "a cell array"),
        ("ACGT", "text"),
        (scipy.sparse.csc_matrix(np.eye(3)), "a sparse matrix"),
        (np.ones((2, 2), complex), "a complex matrix"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_what_is_no_full_matrix_of_numbers(tmp_path: Path, value: Any, kind: str, compressed: bool) -> None:
    write_v5(tmp_path / "a.mat", {"other": np.eye(2), "m": value}, compressed=compressed)
    with pytest.raises(DataError) as error:
        mat5.find(tmp_path / "a.mat", "m", "the file")
    assert str(error.value) == f"variable 'm' of the file is {kind}; it must be a full matrix of numbers."
    np.testing.assert_array_equal(whole(mat5.find(tmp_path / "a.mat", "other", "the file")), np.eye(2))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_version_5_file_cut_anywhere_is_an_error(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "valid.mat"
    write_v5(path, variables("valid", rows(3)), compressed=compressed)
    content = path.read_bytes()
    for size in range(len(content)):
        path.write_bytes(content[:size])
        with pytest.raises(DataError), deepsea.open_variables(path, "valid", "it", card(), card().reader) as (x, y):
            list(deepsea.pieces(x, y, "it", COLUMNS))


def test_a_flipped_bit_in_a_compressed_variable_is_never_other_content(tmp_path: Path) -> None:
    path = tmp_path / "valid.mat"
    content = rows(3)
    write_v5(path, variables("valid", content))
    right, good = path.read_bytes(), expected(content)
    for place in range(136, len(right)):
        path.write_bytes(right[:place] + bytes([right[place] ^ 16]) + right[place + 1 :])
        try:
            with deepsea.open_variables(path, "valid", "it", card(), card().reader) as (x, y):
                (piece,) = deepsea.pieces(x, y, "it", COLUMNS)
        except DataError:
            continue
        np.testing.assert_array_equal(piece.codes, good[0])
        np.testing.assert_array_equal(piece.labels, good[1])


def test_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    right = by_hand("m", 9, 2, np.ones((5, 5), np.uint8), deflate=True)
    again = "Delete the file and fetch it again."

    def told(content: bytes) -> str:
        path.write_bytes(content)
        with pytest.raises(DataError) as error:
            whole(mat5.find(path, "m", "the file"))
        return str(error.value)

    assert told(right[:-1]) == f"the file is damaged: it ends within a variable. {again}"
    assert told(right + bytes(16)) == f"the file is damaged: byte {len(right):,} does not begin a variable. {again}"
    short = right[:132] + struct.pack("<I", len(right) - 136 - 6) + right[136:-6]
    assert told(short) == f"the file is damaged: a compressed variable does not end where its values do. {again}"
    wrong = by_hand("m", 9, 2, np.ones((5, 5), np.uint8))
    wrong = wrong.replace(struct.pack("<ii", 5, 5), struct.pack("<ii", 5, 6))
    assert told(wrong) == (
        f"the file is damaged: variable 'm' has 25 bytes of values where its shape needs 30. {again}"
    )
    assert told(b"<html>".ljust(200)) == "the file is not a MATLAB file of version 5."
    assert told(by_hand("n", 9, 2, np.ones((5, 5), np.uint8))) == "the file has no variable 'm'; it has: n."


# Archives.


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar"])
def test_an_archive_cut_anywhere_is_an_error(folder: Path, tmp_path: Path, cache: Path, suffix: str) -> None:
    whole_file = pack(folder, tmp_path / f"bundle{suffix}").read_bytes()
    cut = tmp_path / f"cut{suffix}"
    # A plain archive ends in zeros that hold nothing, and its last file in up to a block of them.
    content = len(whole_file) if suffix == ".tar.gz" else len(whole_file.rstrip(b"\0"))
    for size in [*range(0, content, 97), content - 1]:
        cut.write_bytes(whole_file[:size])
        with pytest.raises(DataError):
            read_path(cut)
    assert leftovers(cache) == []


def test_a_page_in_place_of_the_archive(tmp_path: Path) -> None:
    page = tmp_path / "bundle.tar.gz"
    page.write_text("<!DOCTYPE html>\n<html><body>Not found</body></html>")
    assert message(page) == (
        f"{page} is no tar archive; it begins with '<!DOCTYPE html> <html><body>Not found</b'. Delete it and fetch it "
        "again."
    )
    page.write_bytes(b"")
    assert message(page) == f"{page} is no tar archive; it is empty. Delete it and fetch it again."
    page.write_bytes(gzip.compress(b"<!DOCTYPE html>" * 100))
    assert message(page) == (
        f"{page} cannot be unpacked: invalid header. It was cut short or is something else: delete it and fetch it "
        "again."
    )


def test_an_archive_that_was_cut_short(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:-1])
    assert message(bundle) == (
        f"{bundle} cannot be unpacked: Compressed file ended before the end-of-stream marker was reached. It was cut "
        "short or is something else: delete it and fetch it again."
    )


def test_missing_files(folder: Path, tmp_path: Path) -> None:
    part = pack(folder, tmp_path / "part.tar.gz", ("test.mat",))
    there = "DeepSEA's bundle has train.mat, valid.mat, test.mat."
    assert message(part) == f"{part} has no train.mat and no valid.mat; {there}"
    (folder / "train.mat").unlink()
    assert message(folder) == f"{folder} has no train.mat; {there}"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_links_and_the_like_are_refused(tmp_path: Path, kind: bytes, cache: Path) -> None:
    path = tmp_path / "bundle.tar"
    with tarfile.open(path, "w") as archive:
        member = tarfile.TarInfo("deepsea_train/train.mat")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    assert message(path) == f"{path} is not DeepSEA's bundle: 'deepsea_train/train.mat' in it is no plain file."
    assert leftovers(cache) == []


def test_a_file_that_is_there_twice(folder: Path, tmp_path: Path, cache: Path) -> None:
    path = pack(folder, tmp_path / "bundle.tar.gz", ("valid.mat", "valid.mat"))
    assert message(path) == (
        f"{path} is not DeepSEA's bundle: 'deepsea_train/valid.mat' in it is a second one of that name."
    )
    assert leftovers(cache) == []


def test_a_file_of_absurd_size(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "bundle.tar"
    member = tarfile.TarInfo("deepsea_train/train.mat")
    member.size = 1 << 40
    path.write_bytes(member.tobuf() + bytes(1024))
    assert message(path) == (
        f"{path} is not DeepSEA's bundle: 'deepsea_train/train.mat' in it has 1,099,511,627,776 bytes, and "
        "68,719,476,736 are the most that is unpacked."
    )
    assert leftovers(cache) == []


def test_names_that_lead_elsewhere_and_other_files(folder: Path, tmp_path: Path, contents: dict[str, Rows]) -> None:
    path = tmp_path / "in" / "bundle.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        for name in ("../../train.mat", "/valid.mat", "deepsea_train/test.mat"):
            archive.add(
                folder / Path(name).name, name, filter=lambda member, name=name: member.replace(name=name, deep=False)
            )
        other = tarfile.TarInfo("../escape")
        other.size = 4
        archive.addfile(other, io.BytesIO(b"gone"))
    before = set(tmp_path.rglob("*"))
    assert_same(read_path(path), contents)
    assert set(tmp_path.rglob("*")) == before


def test_room_is_looked_for_before_anything_is_written(
    bundle: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    size = (folder / "train.mat").stat().st_size
    usage = shutil.disk_usage(cache)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=size - 1))
    assert message(bundle, CacheError) == (
        f"cannot unpack train.mat in {bundle} into {cache}: it takes {size:,} bytes and {size - 1:,} are free. Free "
        "some space or set MOTIFZOO_CACHE to another folder."
    )
    assert leftovers(cache) == []


def test_a_disk_that_fills_up(bundle: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    """Another program may take the space that was there."""
    opened = Path.open

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    def open_(path: Path, mode: str = "r", *rest: Any) -> Any:
        return Full() if mode == "wb" and ".tmp-" in str(path) else opened(path, mode, *rest)

    monkeypatch.setattr(Path, "open", open_)
    assert message(bundle, CacheError) == (
        f"cannot unpack train.mat in {bundle} into {cache}: No space left on device. Free some space or set "
        "MOTIFZOO_CACHE to another folder."
    )
    assert leftovers(cache) == []


def test_what_was_unpacked_goes_when_the_reader_stops(bundle: Path, cache: Path) -> None:
    pieces = read(card(), {"bundle.tar.gz": bundle})
    next(pieces)
    assert [path.name for folder in leftovers(cache) for path in folder.iterdir()] == ["train.mat"]
    pieces.close()  # type: ignore[attr-defined]
    assert leftovers(cache) == []


# Content.


@pytest.fixture(params=["7.3", "5"])
def rewrite(request: pytest.FixtureRequest, folder: Path) -> Callable[..., Path]:
    """Replace `train.mat` by one with these matrices, in both versions in turn; returns the folder."""

    def write(**matrices: npt.NDArray[Any]) -> Path:
        if request.param == "7.3":
            write_v73(folder / "train.mat", matrices, (2, 1, 16))
        else:
            write_v5(folder / "train.mat", matrices)
        return folder

    return write


def test_missing_variables(rewrite: Callable[..., Path]) -> None:
    x, y = variables("train", rows(5)).values()
    home = rewrite(trainxdata=x, labels=y)
    assert message(home) == f"train.mat in {home} has no variable 'traindata'; it has: labels, trainxdata."
    rewrite(traindata=y)
    assert message(home) == f"train.mat in {home} has no variable 'trainxdata'; it has: traindata."


def test_wrong_shapes(rewrite: Callable[..., Path]) -> None:
    x, y = variables("train", rows(5)).values()
    home = rewrite(trainxdata=x[:, :3], traindata=y)
    start = f"of train.mat in {home} has shape"
    assert message(home) == (f"variable 'trainxdata' {start} (5, 3, 6), as MATLAB counts; it must be (rows, 4, 6).")
    rewrite(trainxdata=x.transpose(2, 1, 0), traindata=y)
    assert message(home) == (f"variable 'trainxdata' {start} (6, 4, 5), as MATLAB counts; it must be (rows, 4, 6).")
    rewrite(trainxdata=y, traindata=y)
    assert message(home) == f"variable 'trainxdata' {start} (5, 7), as MATLAB counts; it must be (rows, 4, 6)."
    rewrite(trainxdata=x, traindata=x)
    assert message(home) == (f"variable 'traindata' {start} (5, 4, 6), as MATLAB counts; it must be (rows, classes).")
    rewrite(trainxdata=x, traindata=y[:4])
    assert message(home) == f"train.mat in {home} has 5 sequences and labels for 4."


def test_a_column_that_is_not_there(rewrite: Callable[..., Path]) -> None:
    home = rewrite(**variables("train", rows(5)))
    assert message(home, of=card(columns=(1, CLASSES))) == (
        f"column 7 of 'traindata' is asked for, and train.mat in {home} has 7 columns, counted from 0."
    )


@pytest.mark.parametrize("column", [(1, 1, 0, 0), (2, 0, 0, 0), (0, 0, 0, 255), (3, 0, 0, 0), (1, 1, 1, 1)], ids=str)
def test_sequences_that_are_not_one_hot(rewrite: Callable[..., Path], column: tuple[int, ...]) -> None:
    x, y = variables("train", rows(40)).values()
    y[:], y[17], y[20] = 0, 1, 1
    x[20, :, 2] = column
    home = rewrite(trainxdata=x, traindata=y)
    assert message(home) == (
        f"sequence 20 of train.mat in {home}, counted from 0, is not one-hot: each position must hold 0 and 1 only, "
        "with at most one 1."
    )


@pytest.mark.parametrize("value", [0.5, np.nan, -1.0])
def test_sequences_of_other_numbers(rewrite: Callable[..., Path], value: float) -> None:
    x, y = variables("train", rows(40)).values()
    y[:], x = 1, x.astype(float)
    x[3, 1, 5] = value
    home = rewrite(trainxdata=x, traindata=y)
    assert message(home).startswith(f"sequence 3 of train.mat in {home}, counted from 0, is not one-hot: ")


@pytest.mark.parametrize(("value", "shown"), [(2, "2"), (0.5, "0.5"), (np.nan, "nan"), (-1, "-1")])
def test_labels_that_are_neither_0_nor_1(rewrite: Callable[..., Path], value: float, shown: str) -> None:
    x, y = variables("train", rows(40)).values()
    y = y.astype(type(value) if isinstance(value, float) else np.int16)
    y[33, 5] = value
    y[30, 6] = value  # not a column that is kept
    home = rewrite(trainxdata=x, traindata=y)
    assert message(home) == (
        f"train.mat in {home} has the label {shown} in row 33, column 5, counted from 0; labels must be 0 or 1."
    )


def test_a_file_that_is_not_matlabs(folder: Path) -> None:
    (folder / "train.mat").write_text("<html>Sorry</html>")
    assert message(folder) == (
        f"train.mat in {folder} is no MATLAB file of version 5 or 7.3; it begins with '<html>Sorry</html>'."
    )
    (folder / "train.mat").write_bytes(b"")
    assert message(folder) == f"train.mat in {folder} is no MATLAB file of version 5 or 7.3; it is empty."


def test_a_version_73_file_cut_anywhere_is_an_error(folder: Path) -> None:
    content = (folder / "train.mat").read_bytes()
    for size in [*range(0, len(content), 211), len(content) - 1]:
        (folder / "train.mat").write_bytes(content[:size])
        with pytest.raises(DataError):
            read_path(folder)
    assert message(folder).startswith(f"train.mat in {folder} is damaged: ")


def test_version_73_variables_that_are_no_matrices(folder: Path) -> None:
    path = folder / "train.mat"
    for make in (
        lambda file: file.create_group("trainxdata"),
        lambda file: file.create_dataset("trainxdata", data="text"),
        lambda file: file.create_dataset("trainxdata", data=np.arange(4)),
        lambda file: file.create_dataset("trainxdata", data=h5py.Empty("u1")),
    ):
        with h5py.File(path, "w") as file:
            make(file)
        assert message(folder) == f"variable 'trainxdata' of train.mat in {folder} is not a full matrix of numbers."


def test_chunks_that_need_too_much_memory(folder: Path) -> None:
    with h5py.File(folder / "train.mat", "w") as file:
        file.create_dataset("trainxdata", (LENGTH, 4, 1 << 30), "u1", chunks=(1, 1, 1 << 28))
    assert message(folder) == (
        f"variable 'trainxdata' of train.mat in {folder} is stored in chunks of (1, 1, 268435456), too large to be "
        "read in parts: at most 256 MiB may be needed at a time."
    )


# Memory.

_MEASURE = """
import sys
from pathlib import Path
import scipy.io
from motifzoo.data_cards.readers import deepsea, mat5
from test_readers_deepsea import COLUMNS, card

def peak():
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

path, way = Path(sys.argv[1]), sys.argv[2]
deepsea.BLOCK_BYTES = mat5.BLOCK_BYTES = 4 << 20  # for a test in proportion: the file is small too
before, kept = peak(), 0
if way == "loadmat":
    scipy.io.loadmat(path)
else:
    with deepsea.open_variables(path, "test", "it", card(1000), card().reader) as (x, y):
        kept = sum(len(piece) for piece in deepsea.pieces(x, y, "it", COLUMNS))
print(peak() - before, kept)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux states it")
@pytest.mark.parametrize("version", ["5", "7.3"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, version: str) -> None:
    """60 MB of sequences are read in less than half, where scipy takes more; measured in processes of their own."""
    count, path = 15_000, tmp_path / "test.mat"
    labels = np.zeros((count, CLASSES), np.uint8)
    labels[::20, 3] = 1
    sequences = np.zeros((1000, 4, count), np.uint8)  # as it lies in the file
    sequences[np.arange(1000), np.arange(1000) % 4] = 1
    matrices = {"testxdata": sequences.T, "testdata": labels}
    if version == "5":
        write_v5(path, matrices)
    else:
        write_v73(path, matrices, (10, 4, 4096))

    def measured(way: str) -> tuple[int, int]:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        command = [sys.executable, "-c", _MEASURE, str(path), way]
        out = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        grown, kept = out.split()
        return int(grown), int(kept)

    grown, kept = measured("motifzoo")
    assert kept == count // 20
    assert grown < sequences.nbytes / 2
    if version == "5":
        assert measured("loadmat")[0] > sequences.nbytes


def test_columns_must_be_as_many_as_classes(folder: Path) -> None:
    with pytest.raises(DataError) as error:
        next(deepsea.read(DeepSea(format="deepsea", columns=()), card(), {"bundle.tar.gz": folder}))
    assert str(error.value) == (
        "the card of 'small-deepsea' names 3 classes and its reader keeps 0 columns; there must be one column for each "
        "class."
    )


def test_sources_must_be_one(bundle: Path) -> None:
    with pytest.raises(DataError) as error:
        next(read(card(), {"a": bundle, "b": bundle}))
    assert str(error.value) == "data set 'small-deepsea' has 2 sources (a, b); its reader takes exactly one."


@pytest.mark.parametrize("kind", ["link", "external", "virtual"])
def test_values_in_other_files_are_not_opened(kind: str, tmp_path: Path, contents: dict[str, Rows]) -> None:
    """A bundle from a stranger must not read other files of the machine into a data set."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for split, content in contents.items():
        write_v73(folder / f"{split}.mat", variables(split, content))
    secret = tmp_path / "secret.h5"
    with h5py.File(folder / "valid.mat", "r+") as file, h5py.File(secret, "w") as other:
        values = file["validxdata"][:]
        del file["validxdata"]
        other["values"] = values
        if kind == "link":
            file["validxdata"] = h5py.ExternalLink(str(secret), "values")
        elif kind == "external":
            (tmp_path / "raw").write_bytes(values.tobytes())
            file.create_dataset("validxdata", values.shape, values.dtype, external=[(str(tmp_path / "raw"), 0, 10**9)])
        else:
            layout = h5py.VirtualLayout(values.shape, values.dtype)
            layout[:] = h5py.VirtualSource(str(secret), "values", values.shape)
            file.create_virtual_dataset("validxdata", layout)
    said = message(folder)
    assert "secret" not in said
    assert said == (
        f"valid.mat in {folder} has no variable 'validxdata'; it has: validdata."
        if kind == "link"
        else f"variable 'validxdata' of valid.mat in {folder} is not a full matrix of numbers."
    )
