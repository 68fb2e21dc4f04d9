"""Export to Parquet, HDF5 and FASTA, and the law of it: what is exported and added again is the same data set."""

from pathlib import Path
from typing import Any

import datasets
import h5py
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motifzoo.data_cards import export
from motifzoo.data_cards.cards import SPLITS, Card, own_dir
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.data_cards.export import EXPORTS, export_fasta, export_h5, export_parquet
from motifzoo.data_cards.load import load_dataset
from motifzoo.data_cards.onehot import LETTERS, OTHER
from motifzoo.data_cards.own import Request, add
from motifzoo.errors import DataError

CLASSES = {"binary": ("site",), "multi-class": ("b 2", "a|x", "10", "9"), "multi-label": ("GATA1", "SP1", "none of it")}


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of the test's own."""
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "data"))


def card_of(task: Any) -> Card:
    return Card(
        name="theirs",
        version=3,
        title="Theirs",
        summary="Sequences.",
        task=task,
        classes=CLASSES[task],
        length=17,
        monitor="auroc",
        benchmarks=("classification", "filters"),
        assay="ChIP-seq",
        organism="human",
        genome="hg38",
        licence="MIT",
        source="somewhere",
        citation="Somebody. A title. 2020.",
        traps=("Beware.",),
        collection="Drawn.\nTwice.",
        known_motifs={CLASSES[task][0]: {"Pou5f1::Sox2": ("MA0142.1",)}},
    )


@st.composite
def data_sets(draw: st.DrawFn) -> SequenceDataset:
    """Small data sets of every task, with every letter, and every kind of text about the sequences."""
    card = card_of(draw(st.sampled_from(sorted(CLASSES))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    # What a name may hold: anything that is printed, and is not white space at its ends.
    words = st.text(st.characters(exclude_categories=("C", "Z"), codec="utf-8"), min_size=1, max_size=6)
    texts = draw(st.lists(st.lists(words, min_size=1, max_size=3).map(" ".join), min_size=3, max_size=8))
    splits = []
    for number in range(3):
        count = draw(st.integers(4, 9))
        codes = rng.integers(len(LETTERS) if draw(st.booleans()) else 4, size=(count, card.length), dtype=np.uint8)
        labels = rng.integers(2, size=(count, len(card.classes)), dtype=np.int8)
        labels[0], labels[1] = 0, 1
        if card.task == "multi-class":
            labels = np.eye(4, dtype=np.int8)[np.arange(count) % 4]
        start = rng.integers(10**9, size=count)
        about = pa.table(
            {
                "id": [f"{number}/{row} {texts[row % len(texts)]}" for row in range(count)],
                "chrom": [str(value) for value in rng.integers(20, size=count)],
                "start": start,
                "end": start + card.length - 1,  # as a header that counts from 1 would have it
                "note": [texts[row % len(texts)] + "x" for row in range(count)],
                "summit": rng.integers(-5, 5, size=count),
            }
        )
        splits.append(Split(codes, labels, no_placements(), about))
    return SequenceDataset(card, *splits)


def again(written: Path, dataset: SequenceDataset, **wanted: Any) -> SequenceDataset:
    card = dataset.card
    if card.task != "binary":
        wanted = {"task": card.task} | wanted
    add(Request(name="mine", file=written, classes=card.classes, replace=True, **wanted))
    return load_dataset("mine")


def assert_same_about(one: SequenceDataset, other: SequenceDataset) -> None:
    for name in SPLITS:
        first, second = one.split(name).about, other.split(name).about
        assert first is not None
        assert second is not None
        assert second.select(first.column_names).cast(first.schema).to_pylist() == first.to_pylist()


SLOW = settings(
    deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@SLOW
@given(data_sets())
def test_a_round_trip_through_parquet_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, dataset: SequenceDataset
) -> None:
    folder = tmp_path_factory.mktemp("x") / "out"
    assert export_parquet(dataset, folder).notes == ()
    add(Request(name="mine", file=folder, replace=True))
    back = load_dataset("mine")
    assert back.fingerprint == dataset.fingerprint
    assert_same_about(dataset, back)
    for field in ("task", "classes", "length", "title", "summary", "assay", "organism", "genome", "known_motifs"):
        assert getattr(back.card, field) == getattr(dataset.card, field)
    assert set(dataset.card.traps) <= set(back.card.traps)


@SLOW
@given(data_sets())
def test_a_round_trip_through_fasta_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, dataset: SequenceDataset
) -> None:
    path = tmp_path_factory.mktemp("x") / "out.fa"
    assert export_fasta(dataset, path).notes == ()
    back = again(path, dataset)
    assert back.fingerprint == dataset.fingerprint
    assert_same_about(dataset, back)


@SLOW
@given(data_sets())
def test_a_round_trip_through_hdf5_loses_ambiguity_letters_only(
    tmp_path_factory: pytest.TempPathFactory, dataset: SequenceDataset
) -> None:
    path = tmp_path_factory.mktemp("x") / "out.h5"
    ambiguous = sum(int((split.codes[:] > OTHER).sum()) for _, split in dataset.splits())
    expected = f"{ambiguous:,} IUPAC ambiguity letters became N: one-hot cannot tell them apart."
    assert export_h5(dataset, path).notes == ((expected,) if ambiguous else ())
    add(Request(name="mine", file=path, replace=True))
    back = load_dataset("mine")
    assert (back.card.task, back.card.classes) == (dataset.card.task, dataset.card.classes)
    for name in SPLITS:
        np.testing.assert_array_equal(back.split(name).codes, np.minimum(dataset.split(name).codes, OTHER))
        np.testing.assert_array_equal(back.split(name).labels, dataset.split(name).labels)
    assert_same_about(dataset, back)


def small_synthetic() -> SequenceDataset:
    """A part of a generated data set, with its planted motifs."""
    full = load_dataset("synthetic-codes")
    parts = [split.subset(slice(0, 60)) for _, split in full.splits()]
    card = full.card.model_copy(update={"fingerprint": "", "splits": {}})
    dataset = SequenceDataset(card, *parts)
    return SequenceDataset(card.model_copy(update={"fingerprint": dataset.fingerprint}), *parts)


def test_planted_motifs_survive_parquet(tmp_path: Path) -> None:
    """The fingerprint covers them; twice, since the second time the data set is one's own. Its generator stays too."""
    dataset = small_synthetic()
    export_parquet(dataset, tmp_path / "one")
    add(Request(name="mine", file=tmp_path / "one"))
    mine = load_dataset("mine")
    assert mine.fingerprint == dataset.fingerprint
    assert mine.card.generator == dataset.card.generator
    assert mine.card.benchmarks == ("classification", "filters", "attribution")
    np.testing.assert_array_equal(mine.test.truth(), dataset.test.truth())
    export_parquet(mine, tmp_path / "two")
    add(Request(name="other", file=tmp_path / "two", split_column=None))
    assert load_dataset("other").fingerprint == dataset.fingerprint


def test_planted_motifs_move_with_their_sequences(tmp_path: Path) -> None:
    """A data set that is split anew is no longer what its generator draws, and keeps the motifs all the same."""
    from motifzoo.data_cards.own import Shares

    dataset = small_synthetic()
    export_parquet(dataset, tmp_path / "one")
    add(Request(name="mine", file=tmp_path / "one", shares=Shares(0.5, 0.25, 0.25)))
    mine = load_dataset("mine")
    assert mine.card.generator is None
    assert mine.card.benchmarks == ("classification", "filters")
    truth = {
        codes.tobytes(): truth for _, s in dataset.splits() for codes, truth in zip(s.codes[:], s.truth(), strict=True)
    }
    for codes, expected in zip(mine.test.codes[:], mine.test.truth(), strict=True):
        np.testing.assert_array_equal(truth[codes.tobytes()], expected)
    export_parquet(mine, tmp_path / "two")
    add(Request(name="other", file=tmp_path / "two"))
    assert load_dataset("other").fingerprint == mine.fingerprint


def test_hdf5_of_a_generated_data_set(tmp_path: Path) -> None:
    dataset = small_synthetic()
    assert export_h5(dataset, tmp_path / "x.h5").notes == (
        "The planted motifs are there as the probabilities model_<split>, not as a list.",
    )
    with h5py.File(tmp_path / "x.h5") as file:
        assert set(file) == {f"{kind}_{split}" for kind in ("X", "Y", "model") for split in SPLITS}
        np.testing.assert_array_equal(file["model_test"][:], dataset.test.truth().astype(np.float32))
        assert file.attrs["fingerprint"] == dataset.fingerprint


def test_fasta_by_hand(tmp_path: Path) -> None:
    codes = np.zeros((2, 17), np.uint8)
    about = pa.table({"chrom": ["chr 1", "2"], "start": [5, 0]})
    part = Split(codes, np.array([[1], [0]], np.int8), no_placements(), about)
    export_fasta(SequenceDataset(card_of("binary"), part, part, part), tmp_path / "x.fa")
    assert (tmp_path / "x.fa").read_text().splitlines()[:4] == [
        ">train-1 label=1 split=train chrom=chr%201 start=5",
        "A" * 17,
        ">train-2 label=0 split=train chrom=2 start=0",
        "A" * 17,
    ]


def test_classes_that_no_header_holds(tmp_path: Path) -> None:
    part = Split(np.zeros((2, 17), np.uint8), np.array([[1, 0], [0, 1]], np.int8), no_placements())
    card = card_of("multi-label").model_copy(update={"classes": ("a,b", "c")})
    with pytest.raises(DataError) as error:
        export_fasta(SequenceDataset(card, part, part, part), tmp_path / "x.fa")
    assert str(error.value) == (
        "class 'a,b' cannot be named in a FASTA header (no commas, semicolons or quotes, ASCII only): export to "
        "parquet or h5 instead."
    )
    assert not list(tmp_path.glob("*.fa"))


def test_a_folder_opens_as_a_hugging_face_data_set(tmp_path: Path) -> None:
    dataset = small_synthetic()
    export_parquet(dataset, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("README.md", "card.toml", "croissant.json", "eval.yaml", "test.parquet", "train.parquet", "valid.parquet")
    ]
    opened = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in opened.items()} == {"train": 60, "validation": 60, "test": 60}
    assert opened["test"][0]["label"] == dataset.test.labels[0].tolist()


def test_what_is_there_is_not_replaced_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").touch()
    with pytest.raises(DataError) as error:
        export_parquet(small_synthetic(), tmp_path / "out")
    assert str(error.value) == f"{tmp_path}/out is there already: give a new folder, or remove it first."
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("layout", EXPORTS)
def test_an_export_that_fails_leaves_nothing(layout: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    target = tmp_path / "out" / "x"
    for name in ("write_card", "_write_column", "_values"):
        monkeypatch.setattr(export, name, fail)
    part = Split(
        np.zeros((2, 17), np.uint8), np.array([[1], [0]], np.int8), no_placements(), pa.table({"id": ["a", "b"]})
    )
    with pytest.raises(Exception, match=r"^cannot write .*No space left on device"):
        EXPORTS[layout](SequenceDataset(card_of("binary"), part, part, part), target)
    assert not list((tmp_path / "out").iterdir())
    assert not own_dir().exists()
