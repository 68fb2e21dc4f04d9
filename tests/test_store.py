"""Built data sets on disk: written whole or not at all, checked against their card, opened in memory or mapped."""

import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motifzoo.data_cards import store
from motifzoo.data_cards.cards import SPLITS, Card, SplitName, load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.data_cards.generate import generate
from motifzoo.data_cards.load import built_folder, load_dataset
from motifzoo.data_cards.onehot import decode, encode
from motifzoo.data_cards.rows import MappedCodes, blocks
from motifzoo.data_cards.store import check, open_splits, write_splits
from motifzoo.errors import CacheError, DataError

LENGTH = 12


def card(**changes: object) -> Card:
    base = {"length": LENGTH, "splits": {}, "fingerprint": "", "positives": {}, "name": "toy"}
    return load_card("chip-irf1").model_copy(update=base | changes)


def split(count: int, seed: int = 0, length: int = LENGTH, about: bool = False) -> Split:
    """Random sequences, every second one positive."""
    codes = np.random.default_rng(seed).integers(0, 5, (count, length)).astype(np.uint8)
    labels = (np.arange(count)[:, None] % 2).astype(np.int8)
    table = pa.table({"chrom": [f"chr{row}" for row in range(count)], "start": list(range(count))}) if about else None
    return Split(codes, labels, no_placements(), table)


def pieces(*sizes: int, about: bool = False) -> Iterator[tuple[SplitName, Split]]:
    for seed, (name, size) in enumerate(zip(SPLITS, sizes, strict=True)):
        yield name, split(size, seed, about=about)


def assert_same(one: Split, other: Split) -> None:
    np.testing.assert_array_equal(np.asarray(one.codes), np.asarray(other.codes))
    np.testing.assert_array_equal(one.labels, other.labels)
    assert (one.about is None) == (other.about is None)
    if one.about is not None and other.about is not None:
        assert one.about.to_pydict() == other.about.to_pydict()


@pytest.mark.parametrize("mapped", [False, True])
def test_what_is_written_is_what_is_opened(mapped: bool, tmp_path: Path) -> None:
    written = write_splits(card(), pieces(50, 8, 10, about=True), tmp_path / "toy")
    opened = open_splits(card(), tmp_path / "toy", mapped=mapped)
    for seed, (name, size) in enumerate(zip(SPLITS, (50, 8, 10), strict=True)):
        assert isinstance(opened.split(name).codes, MappedCodes) == mapped
        assert_same(opened.split(name), split(size, seed, about=True))
    assert opened.fingerprint == written.fingerprint
    assert opened.card.fingerprint == written.fingerprint  # completed from what was built
    assert opened.card.splits == {"train": 50, "valid": 8, "test": 10}
    stated = card(fingerprint=written.fingerprint)
    assert open_splits(stated, tmp_path / "toy").card == opened.card


def test_pieces_come_in_any_order_and_rows_keep_theirs(tmp_path: Path) -> None:
    whole = dict(pieces(40, 8, 10))
    mixed: list[tuple[SplitName, Split]] = [
        ("train", whole["train"].subset(slice(0, 13))),
        ("test", whole["test"]),
        ("train", whole["train"].subset(slice(13, 14))),
        ("valid", whole["valid"]),
        ("train", whole["train"].subset(slice(14, 40))),
        ("train", whole["train"].subset(slice(0, 0))),
    ]
    one = write_splits(card(), whole.items(), tmp_path / "one")
    other = write_splits(card(), mixed, tmp_path / "other")
    assert one.fingerprint == other.fingerprint
    assert_same(one.train, other.train)


def test_a_large_data_set_is_mapped_and_a_small_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_splits(card(), pieces(50, 8, 10), tmp_path / "toy")
    monkeypatch.setattr(store, "MAPPED_ABOVE", 68 * LENGTH)
    assert isinstance(open_splits(card(), tmp_path / "toy").train.codes, np.ndarray)
    monkeypatch.setattr(store, "MAPPED_ABOVE", 68 * LENGTH - 1)
    assert isinstance(open_splits(card(), tmp_path / "toy").train.codes, MappedCodes)


def test_the_mapped_file_follows_its_parquet_file(tmp_path: Path) -> None:
    write_splits(card(), pieces(50, 8, 10), tmp_path / "toy")
    before = open_splits(card(), tmp_path / "toy", mapped=True).fingerprint
    again = write_splits(card(), pieces(60, 8, 10), tmp_path / "toy")
    assert again.fingerprint != before
    assert open_splits(card(), tmp_path / "toy", mapped=True).fingerprint == again.fingerprint


def test_a_built_folder_is_a_hugging_face_data_set(tmp_path: Path) -> None:
    write_splits(card(), pieces(50, 8, 10, about=True), tmp_path / "toy")
    loaded = datasets.load_dataset(str(tmp_path / "toy"), cache_dir=str(tmp_path / "hf"))
    assert {name: len(part) for name, part in loaded.items()} == {"train": 50, "validation": 8, "test": 10}
    expected = split(10, 2, about=True)
    assert loaded["test"]["sequence"][:] == decode(np.asarray(expected.codes))
    assert loaded["test"]["label"][:] == expected.labels.tolist()
    assert loaded["test"]["chrom"][:] == [f"chr{row}" for row in range(10)]


# What cannot be built


def build(folder: Path, *parts: tuple[SplitName, Split], **changes: object) -> str:
    """The message that building is refused with; nothing may be left behind."""
    with pytest.raises(DataError) as error:
        write_splits(card(**changes), parts, folder)
    assert list(folder.parent.iterdir()) == []
    return str(error.value)


def labelled(*labels: int) -> Split:
    return Split(split(len(labels)).codes, np.array(labels, np.int8)[:, None], no_placements())


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    message = build(tmp_path / "toy", ("train", split(9)), ("test", split(0)))
    assert message == "data set 'toy' has no sequences in its valid and test split."


@pytest.mark.parametrize(("labels", "which"), [((0, 0, 0), "no"), ((1, 1), "only")])
def test_a_split_that_loses_a_class_is_refused(labels: tuple[int, ...], which: str, tmp_path: Path) -> None:
    message = build(tmp_path / "toy", ("train", split(9)), ("valid", split(4)), ("test", labelled(*labels)))
    assert message == (
        f"the test split of 'toy' has {which} positive sequences of class 'IRF1 peak': nothing could be trained or "
        "scored on it."
    )


REFUSED: dict[str, tuple[Callable[[], Split], dict[str, object], str]] = {
    "length": (lambda: split(4, length=13), {}, "the train sequences of 'toy' have 13 nt; its card says 12."),
    "classes": (
        lambda: split(4),
        {"classes": ("a", "b"), "task": "multi-label"},
        "the train labels of 'toy' are for 1 classes; its card names 2.",
    ),
    "labels": (lambda: labelled(0, 1, 2), {}, "the train labels of 'toy' hold other values than 0 and 1."),
    "exclusive": (
        lambda: Split(split(3).codes, np.array([[1, 0], [1, 1], [0, 1]], np.int8), no_placements()),
        {"classes": ("a", "b"), "task": "multi-class"},
        "some train sequences of 'toy' do not have exactly one class.",
    ),
    "size": (
        lambda: split(4),
        {"splits": {"train": 5, "valid": 4, "test": 4}},
        "the train split of 'toy' has 4 sequences; its card says 5.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_data_set_that_is_not_what_its_card_says_is_refused(case: str, tmp_path: Path) -> None:
    make, changes, message = REFUSED[case]
    others = make() if case in ("length", "classes", "exclusive") else split(4)
    assert build(tmp_path / "toy", ("train", make()), ("valid", others), ("test", others), **changes) == message


def test_other_content_than_the_cards_is_refused(tmp_path: Path) -> None:
    whole = dict(pieces(9, 4, 4))
    found = SequenceDataset(card(), **whole).fingerprint
    message = build(tmp_path / "toy", *whole.items(), fingerprint="0" * 64)
    assert message == (
        f"data set 'toy' came out with fingerprint {found[:12]} and its card says 000000000000: it is not the same "
        "data."
    )


def test_a_build_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    def broken() -> Iterator[tuple[SplitName, Split]]:
        yield from pieces(50, 8, 10)
        raise DataError("the source ends here.")

    before = write_splits(card(), pieces(9, 4, 4), tmp_path / "toy").fingerprint
    with pytest.raises(DataError):
        write_splits(card(), broken(), tmp_path / "toy")
    assert open_splits(card(), tmp_path / "toy").fingerprint == before
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CacheError) as error:
        write_splits(card(), pieces(9, 4, 4), tmp_path / "file" / "toy")
    assert str(error.value) == (f"cannot write {tmp_path / 'file' / 'toy'}: Not a directory. Choose another folder.")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full after the first piece: what was there before stays, the half that was written goes."""
    before = write_splits(card(), pieces(9, 4, 4), tmp_path / "toy").fingerprint
    written = []
    write_table = pq.ParquetWriter.write_table

    def full(self: pq.ParquetWriter, table: pa.Table, **options: object) -> None:
        if written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(table)
        write_table(self, table, **options)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(CacheError) as error:
        write_splits(card(), pieces(50, 8, 10), tmp_path / "toy")
    assert str(error.value) == (
        f"cannot write {tmp_path / 'toy'}: No space left on device. Free some space or choose another folder."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]
    assert open_splits(card(), tmp_path / "toy").fingerprint == before


def test_what_a_killed_build_left_is_cleared_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path))
    folder = built_folder(load_card("synthetic-codes"))
    left = folder.parent / f".tmp-0123456789ab-{folder.name}"
    left.mkdir(parents=True)
    (left / "train.parquet").write_bytes(b"half")
    load_dataset("synthetic-codes")
    assert not left.exists()
    assert folder.is_dir()


def test_tables_with_other_columns_are_refused() -> None:
    good = split(3).to_arrow()
    with pytest.raises(DataError) as error:
        Split.from_arrow(good.drop_columns("label"))
    assert str(error.value) == "there is no column 'label'; there are sequence."
    ragged = pa.table({"sequence": ["ACGT", "ACG"], "label": [[1], [0]]})
    for mapped in (False, True):
        with pytest.raises(DataError) as error:
            Split.from_arrow(ragged, mapped=mapped)
        assert str(error.value) == "sequences of 4 nt and of 3 nt are in one data set."
    for labels in ([[1], None], [[1], [0, 1]], [[1], [None]]):
        with pytest.raises(DataError) as error:
            Split.from_arrow(pa.table({"sequence": ["ACGT", "ACGG"], "label": pa.array(labels, pa.list_(pa.int8()))}))
        assert str(error.value) == "labels are missing for some sequences or classes."
    with pytest.raises(DataError) as error:
        Split.from_arrow(pa.table({"sequence": pa.array(["ACGT", None]), "label": [[1], [0]]}))
    assert str(error.value) == "1 sequences are missing."


# Codes on disk


@st.composite
def columns(draw: st.DrawFn) -> pa.ChunkedArray:
    """Equally long sequences in chunks of any size, some of them slices of longer ones."""
    length = draw(st.integers(1, 9))
    letters = st.text("ACGTNR", min_size=length, max_size=length)
    kind = draw(st.sampled_from([pa.string(), pa.large_string()]))
    chunks = []
    for texts in draw(st.lists(st.lists(letters, max_size=5), min_size=1, max_size=4)):
        begin = draw(st.integers(0, len(texts)))
        chunks.append(pa.array(texts, kind)[begin:])
    return pa.chunked_array(chunks, kind)


@settings(deadline=None)
@given(columns(), st.data())
def test_mapped_codes_read_as_an_array_does(column: pa.ChunkedArray, data: st.DataObject) -> None:
    texts = column.to_pylist()
    mapped, plain = MappedCodes(column), encode(texts)
    assert len(mapped) == len(texts)
    if not texts:
        return
    assert mapped.shape == plain.shape
    np.testing.assert_array_equal(np.asarray(mapped), plain)
    begin, end = data.draw(st.integers(-6, 6)), data.draw(st.integers(-6, 6))
    step = data.draw(st.sampled_from([1, 2, -1]))
    np.testing.assert_array_equal(mapped[begin:end:step], plain[begin:end:step])
    rows = np.array(data.draw(st.lists(st.integers(-len(texts), len(texts) - 1), max_size=8)), np.int64)
    np.testing.assert_array_equal(mapped[rows], plain[rows])
    np.testing.assert_array_equal(mapped[plain[:, 0] == 0], plain[plain[:, 0] == 0])
    chosen = mapped.select(np.arange(len(texts))[rows])
    np.testing.assert_array_equal(np.asarray(chosen), plain[rows])
    assert chosen.column.to_pylist() == [texts[row] for row in rows]
    if len(rows):
        np.testing.assert_array_equal(chosen.select(np.array([0, 0]))[:], plain[rows][[0, 0]])
    size = data.draw(st.integers(1, 7))
    np.testing.assert_array_equal(np.concatenate(list(blocks(mapped, size))), plain)
    with pytest.raises(IndexError):
        mapped[np.array([len(texts)])]


def test_planted_motifs_survive_on_disk(tmp_path: Path) -> None:
    sizes = {"train": 30, "valid": 10, "test": 20}
    data = generate(load_card("synthetic-codes").model_copy(update={"splits": sizes, "fingerprint": ""}))
    write_splits(data.card, data.splits(), tmp_path / "codes")
    mapped = open_splits(data.card, tmp_path / "codes", mapped=True)
    assert mapped.fingerprint == data.fingerprint
    np.testing.assert_array_equal(mapped.test.truth(slice(3, 9)), data.test.truth(slice(3, 9)))


# Several processes


def test_two_processes_build_a_data_set_once(tmp_path: Path) -> None:
    """Both want the same synthetic set at once; one generates it, the other waits and reads."""
    script = textwrap.dedent(
        """
        import sys, time
        from motifzoo.data_cards import load

        made = load.generate

        def slow(card):
            print("generated")
            time.sleep(2)
            return made(card)

        load.generate = slow
        print(load.load_dataset("synthetic-codes").fingerprint)
        """
    )
    environment = {"MOTIFZOO_CACHE": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120)[0].split() for process in started]
    assert [process.returncode for process in started] == [0, 0]
    fingerprint = load_card("synthetic-codes").fingerprint
    assert sorted(outputs, key=len) == [[fingerprint], ["generated", fingerprint]]


def test_the_packaged_real_data_set_needs_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / "none"))
    data = load_dataset("dhs-4cell")
    assert [len(part) for _, part in data.splits()] == [39_254, 4_053, 4_565]
    check(data)
    assert data.test.about is not None
    assert set(data.test.about["chrom"].to_pylist()) == {"chr1"}
    assert set(data.valid.about["chrom"].to_pylist()) == {"chr2"}
    assert not (tmp_path / "none").exists()
