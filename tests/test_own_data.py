"""One's own data: from files to a data set that loads by name, and what is refused with nothing written."""

import gzip
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_files import labelled_fasta, random_sequences, write_fasta

from motifzoo.data_cards.cards import SPLITS, list_datasets, load_card, own_dir
from motifzoo.data_cards.content import SequenceDataset, Split
from motifzoo.data_cards.load import load_dataset
from motifzoo.data_cards.onehot import decode, encode, reverse_complement, to_onehot
from motifzoo.data_cards.own import Request, Shares, add, remove
from motifzoo.data_cards.own.splitting import by_chromosome, by_share
from motifzoo.errors import DataError, MotifzooError, UnknownNameError

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of the test's own; nothing half-made may be left in it."""
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "data"))
    yield own_dir()
    left = {path.name for path in own_dir().glob("*")} - {path.parent.name for path in own_dir().glob("*/card.toml")}
    assert all(name.endswith(".lock") for name in left)


def added(file: Path, **wanted: Any) -> SequenceDataset:
    add(Request(name="mine", file=file, **wanted))
    return load_dataset("mine")


def refused(file: Path, **wanted: Any) -> str:
    """The message with which a request is refused; nothing is written then."""
    before = list_datasets()
    with pytest.raises(MotifzooError) as error:
        add(Request(**({"name": "mine", "file": file} | wanted)))
    assert list_datasets() == before
    return str(error.value)


def rows(dataset: SequenceDataset) -> Counter[tuple[str, tuple[int, ...]]]:
    return Counter(
        (sequence, tuple(labels))
        for _, split in dataset.splits()
        for sequence, labels in zip(decode(split.codes[:]), split.labels.tolist(), strict=True)
    )


def column(split: Split, name: str) -> list[Any]:
    assert split.about is not None
    return list(split.about[name].to_pylist())


# From each kind of file


def test_a_fasta_with_labels_in_its_headers(tmp_path: Path) -> None:
    path = labelled_fasta(tmp_path / "peaks.fa")
    dataset = added(path)
    card = dataset.card
    assert (card.task, card.classes, card.length, card.monitor) == ("binary", ("mine",), 60, "auroc")
    assert card.splits == {"train": 28, "valid": 4, "test": 8}
    assert card.positives == {"train": (14,), "valid": (2,), "test": (4,)}
    assert card.fingerprint == dataset.fingerprint
    assert rows(dataset) == Counter((s, (1 - n % 2,)) for n, s in enumerate(random_sequences(40)))
    by_id = {f"peak_{n}": sequence for n, sequence in enumerate(random_sequences(40))}
    for _, split in dataset.splits():
        assert [by_id[name] for name in column(split, "id")] == decode(split.codes[:])
    assert str(tmp_path) not in (own_dir() / "mine" / "card.toml").read_text()
    assert card.source.startswith("peaks.fa, ")


def test_the_name_of_a_file_does_not_matter(tmp_path: Path) -> None:
    plain = labelled_fasta(tmp_path / "peaks.fa")
    packed = tmp_path / "peaks.tsv"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert added(packed).fingerprint == added(plain, replace=True).fingerprint


@pytest.mark.parametrize(("name", "kind"), [("x.h5", "HDF5"), ("x.HDF5", "HDF5"), ("x.parquet", "Parquet")])
def test_a_damaged_file_is_not_taken_for_text(name: str, kind: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"\xba\xad" * 100)
    assert refused(file) == f"{file} has the name of {kind} files and is none: it is damaged, or misnamed."


def test_positives_and_negatives_in_two_files(tmp_path: Path) -> None:
    sequences = random_sequences(60)
    peaks = write_fasta(tmp_path / "p.fa", [f"chr1:{n}00-{n}60" for n in range(20)], sequences[:20])
    others = write_fasta(tmp_path / "n.fa", [f"chr2:{n}00-{n}60" for n in range(40)], sequences[20:])
    dataset = added(peaks, negatives=others)
    assert rows(dataset) == Counter({(s, (int(n < 20),)): 1 for n, s in enumerate(sequences)})
    assert {
        chrom for chrom, label in zip(column(dataset.train, "chrom"), dataset.train.labels, strict=True) if label
    } == {"chr1"}


@pytest.mark.parametrize("header", ["", "name\tlabel\n", "id,class\n"])
def test_labels_in_a_table(tmp_path: Path, header: str) -> None:
    """With a header line or without, TSV or CSV, in any order."""
    separator = "," if "," in header else "\t"
    fasta = write_fasta(tmp_path / "p.fa", [f"p{n} extra" for n in range(30)], random_sequences(30))
    table = tmp_path / "labels.txt"
    table.write_text(header + "".join(f"p{n}{separator}{n % 2}\n" for n in reversed(range(30))))
    assert rows(added(fasta, label_from=table)) == Counter((s, (n % 2,)) for n, s in enumerate(random_sequences(30)))


def test_a_file_for_each_split(tmp_path: Path) -> None:
    train, valid, test = (labelled_fasta(tmp_path / f"{n}.fa", 20, seed=n) for n in range(3))
    dataset = added(train, valid=valid, test=test)
    assert [decode(split.codes[:]) for _, split in dataset.splits()] == [random_sequences(20, seed=n) for n in range(3)]


def test_validation_is_held_out_of_train_where_it_has_no_file(tmp_path: Path) -> None:
    train, test = labelled_fasta(tmp_path / "train.fa", 80), labelled_fasta(tmp_path / "test.fa", 20, seed=1)
    done = add(Request(name="mine", file=train, test=test))
    assert done.notes[0] == (
        "Splits as the files state them, but for valid, which they lack: 0.125 of train was held out at random "
        "(seed 0), of each class; copies of the same DNA stay together."
    )
    assert done.card.splits == {"train": 70, "valid": 10, "test": 20}
    assert decode(load_dataset("mine").test.codes[:]) == random_sequences(20, seed=1)


def test_a_table_with_several_classes_and_splits(tmp_path: Path) -> None:
    sequences = random_sequences(60)
    table = tmp_path / "sites.csv"
    words = ["training", "Val", "TEST"]
    lines = [
        f"chr{n % 5},{n},{n + 60},{s.lower()},cell {n % 3},{words[n % 4 % 3]},00{n}" for n, s in enumerate(sequences)
    ]
    table.write_text("chrom,start,end,Seq,cell,part,code\n" + "\n".join(lines))
    dataset = added(table, label_column="cell", split_column="part", keep=("code",))
    assert (dataset.card.task, dataset.card.classes) == ("multi-class", ("cell 0", "cell 1", "cell 2"))
    assert dataset.card.traps == ("3,600 of 3,600 letters were lower case (soft-masked); they are read as upper case.",)
    for number, (_, split) in enumerate(dataset.splits()):
        chosen = [n for n in range(60) if n % 4 % 3 == number]
        assert decode(split.codes[:]) == [sequences[n] for n in chosen]
        assert split.labels.argmax(axis=1).tolist() == [n % 3 for n in chosen]
        assert column(split, "start") == chosen
        assert column(split, "code") == [f"00{n}" for n in chosen]
    assert [(c.name, c.type) for c in dataset.card.columns] == [
        ("chrom", "string"),
        ("start", "int64"),
        ("end", "int64"),
        ("code", "string"),
    ]


def test_several_labels_of_a_sequence(tmp_path: Path) -> None:
    labels = ["GATA1", "SP1;GATA1", "", "SP1"]
    path = write_fasta(tmp_path / "x.fa", [f"p{n} label={labels[n % 4]}" for n in range(80)], random_sequences(80))
    dataset = added(path)
    assert (dataset.card.task, dataset.card.classes) == ("multi-label", ("GATA1", "SP1"))
    expected = [(1, 0), (1, 1), (0, 0), (0, 1)]
    assert rows(dataset) == Counter((s, expected[n % 4]) for n, s in enumerate(random_sequences(80)))


def test_hdf5_of_the_authors_and_of_basset(tmp_path: Path) -> None:
    sequences, labels = random_sequences(90), np.arange(90)[:, None] % 2
    onehot = to_onehot(encode(sequences))
    authors, basset = tmp_path / "a.h5", tmp_path / "b.h5"
    with h5py.File(authors, "w") as one, h5py.File(basset, "w") as other:
        for name, part in zip(SPLITS, np.split(np.arange(90), 3), strict=True):
            one[f"x_{name}"], one[f"y_{name}"] = onehot[part], labels[part]
            other[f"{name}_in"], other[f"{name}_out"] = onehot[part][:, :, None], labels[part]
        other["target_labels"] = ["K562"]
    first, second = added(authors), added(basset, replace=True)
    assert first.fingerprint == second.fingerprint
    assert decode(first.valid.codes[:]) == sequences[30:60]
    assert (first.card.classes, second.card.classes) == (("mine",), ("K562",))


def test_hdf5_with_one_array_is_split(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X_train"], file["Y_train"] = to_onehot(encode(random_sequences(40))), np.arange(40) % 2
    assert added(tmp_path / "a.h5").card.splits == {"train": 28, "valid": 4, "test": 8}


@pytest.mark.parametrize(
    ("labels", "task"),
    [
        ([n % 2 for n in range(60)], "binary"),
        ([n % 2 == 0 for n in range(60)], "binary"),
        ([float(n % 2) for n in range(60)], "binary"),
        ([[n % 2, n // 2 % 2] for n in range(60)], "multi-label"),
        ([[n % 2, 1 - n % 2] for n in range(60)], "multi-class"),
        ([["a", "b", "c"][n % 3] for n in range(60)], "multi-class"),
        ([["a"] if n % 2 else ["a", "b"] if n % 3 else [] for n in range(60)], "multi-label"),
    ],
)
def test_parquet_of_others(tmp_path: Path, labels: list[Any], task: str) -> None:
    """One file, whatever the type of its labels."""
    table = pa.table({"seq": random_sequences(60), "target": labels, "gene": range(60), "score": [0.5] * 60})
    pq.write_table(table, tmp_path / "x.parquet")
    dataset = added(tmp_path / "x.parquet")
    assert dataset.card.task == task
    assert sorted(sequence for sequence, _ in rows(dataset).elements()) == sorted(random_sequences(60))
    at = {sequence: n for n, sequence in enumerate(random_sequences(60))}
    assert [at[sequence] for sequence in decode(dataset.test.codes[:])] == column(dataset.test, "gene")


def test_a_folder_of_parquet_as_hugging_face_lays_it_out(tmp_path: Path) -> None:
    (tmp_path / "repo" / "data").mkdir(parents=True)
    for number, name in enumerate(("train-00000-of-00001", "validation-00000-of-00001", "test-00000-of-00001")):
        table = pa.table({"sequence": random_sequences(10, seed=number), "label": [0, 1] * 5})
        pq.write_table(table, tmp_path / "repo" / "data" / f"{name}.parquet")
    dataset = added(tmp_path / "repo")
    assert [decode(split.codes[:]) for _, split in dataset.splits()] == [random_sequences(10, seed=n) for n in range(3)]


def test_iupac_letters_survive(tmp_path: Path) -> None:
    sequences = random_sequences(40, 14)
    sequences[3] = "ACGTNRYSWKMBDH"
    dataset = added(write_fasta(tmp_path / "x.fa", [f"{n % 2}" for n in range(40)], sequences))
    assert (sequences[3], (1,)) in rows(dataset)


# Lengths


def test_sequences_of_other_lengths_are_centred(tmp_path: Path) -> None:
    """By hand: 8 nt cut to 4 loses two on each side, 5 loses the last one, and 2 gets one N on either side."""
    sequences = ["AACCGGTT", "ACGTA", "CG", "TTTT", *random_sequences(36, 4)]
    headers = [f"chr1:{n}000-{n}00{len(s)} label={n % 2}" for n, s in enumerate(sequences)]
    path = write_fasta(tmp_path / "x.fa", headers, sequences)
    assert refused(path) == (
        "the sequences have 4 lengths (2 nt, 4 nt, 5 nt, 8 nt; 37 of 40 have 4 nt), and networks read one. Say which: "
        "`--length 4` cuts longer ones to their centre and pads shorter ones with N."
    )
    done = add(Request(name="mine", file=path, length=4))
    assert done.notes[-2:] == (
        "2 sequences were longer than 4 nt and cut to the centre.",
        "1 sequence was shorter than 4 nt and padded with N on both sides.",
    )
    dataset = load_dataset("mine")
    places = {}
    for _, split in dataset.splits():
        for sequence, start, end in zip(
            decode(split.codes[:]), column(split, "start"), column(split, "end"), strict=True
        ):
            places[start // 1000 if start >= 1000 else 0] = (sequence, start, end)
    assert places[0] == ("CCGG", 2, 6)
    assert places[1] == ("ACGT", 1000, 1004)
    assert places[2] == ("NCGN", 2000, 2002)
    assert places[3] == ("TTTT", 3000, 3004)


# Splits


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), min_size=30, max_size=120),
    st.sampled_from([Shares(), Shares(0.8, 0.1, 0.1), Shares(0.5, 0.25, 0.25)]),
    st.integers(0, 5),
)
def test_splits_by_share(groups: list[tuple[int, int]], shares: Shares, seed: int) -> None:
    """Groups stay whole, each class is spread by the shares as well as groups allow, and the same call repeats it."""
    label = np.repeat([g[0] for g in groups], [g[1] for g in groups])
    leader = np.repeat(np.arange(len(groups)), [g[1] for g in groups])
    labels = (label[:, None] == np.arange(4)).astype(np.int8)
    splits = by_share(labels, leader, shares, seed)
    np.testing.assert_array_equal(splits, by_share(labels, leader, shares, seed))
    for group in range(len(groups)):
        assert len(set(splits[leader == group])) == 1
    for value in np.unique(label):
        counts = np.bincount(splits[label == value], minlength=3)
        distinct = len(np.unique(leader[label == value]))
        if distinct >= 20:
            # Half a group at each bound of a split, and a whole one that a split without any was given.
            assert np.abs(counts - np.array(shares) * counts.sum()).max() <= 3 / 2 + 3
        if distinct >= 3:
            assert counts.min() >= 1


def test_shares_of_large_classes_are_exact() -> None:
    labels = (np.arange(1000) % 4 == 0).astype(np.int8)[:, None]
    splits = by_share(labels, np.arange(1000), Shares(), 0)
    assert np.bincount(splits).tolist() == [700, 100, 200]
    assert np.bincount(splits[labels[:, 0] == 1]).tolist() == [175, 25, 50]
    assert (splits != by_share(labels, np.arange(1000), Shares(), 1)).any()


def test_copies_stay_together(tmp_path: Path) -> None:
    """Copies and reverse complements are in one split, and counted; 30 distinct sequences, each there three times."""
    distinct = encode(random_sequences(30))
    sequences = decode(np.concatenate([distinct, distinct, reverse_complement(distinct)]))
    path = write_fasta(tmp_path / "x.fa", [f"p{n} label={n % 2}" for n in range(90)], sequences)
    done = add(Request(name="mine", file=path))
    assert done.notes[1:] == ("60 of 90 sequences are a copy of another one, on either strand.",)
    where = {name: {int(text[1:]) % 30 for text in column(s, "id")} for name, s in load_dataset("mine").splits()}
    assert not where["train"] & where["test"]
    assert not where["train"] & where["valid"]
    assert not where["valid"] & where["test"]


def test_windows_that_overlap_stay_together(tmp_path: Path) -> None:
    """40 places, each covered by three windows of 60 nt that begin 20 nt apart."""
    headers = [
        f"p{n} chr{n // 60}:{1000 * (n // 3) + 20 * (n % 3)}-{1000 * (n // 3) + 20 * (n % 3) + 60}" for n in range(120)
    ]
    headers = [f"{header} label={n // 3 % 2}" for n, header in enumerate(headers)]
    done = add(Request(name="mine", file=write_fasta(tmp_path / "x.fa", headers, random_sequences(120))))
    assert done.notes == (
        "Splits made at random by the shares 0.7, 0.1 and 0.2 of each class (seed 0); copies of the same DNA and "
        "sequences whose places overlap stay together.",
    )
    where = {name: {int(text[1:]) // 3 for text in column(s, "id")} for name, s in load_dataset("mine").splits()}
    assert sum(map(len, where.values())) == 40


def test_windows_that_tile_a_genome_are_not_one_lump(tmp_path: Path) -> None:
    """Every window overlaps with the next: nothing could be split if all of them had to stay together."""
    headers = [f"p{n} chr1:{20 * n}-{20 * n + 60} label={n % 2}" for n in range(100)]
    done = add(Request(name="mine", file=write_fasta(tmp_path / "x.fa", headers, random_sequences(100))))
    assert done.card.splits == {"train": 70, "valid": 10, "test": 20}
    assert done.notes == (
        "Splits made at random by the shares 0.7, 0.1 and 0.2 of each class (seed 0); copies of the same DNA (but not "
        "sequences whose places overlap, which chain too many together) stay together.",
    )


def test_leaks_between_given_splits_are_told(tmp_path: Path) -> None:
    train, test = labelled_fasta(tmp_path / "train.fa", 80), labelled_fasta(tmp_path / "test.fa", 20, seed=1)
    opposite = decode(reverse_complement(encode(random_sequences(3))))
    labels = ["label=0", "label=0", "label=1"]
    with test.open("a") as stream:
        stream.writelines(f">copy_{n} {labels[n]}\n{s}\n" for n, s in enumerate(opposite))
    assert add(Request(name="mine", file=train, test=test)).notes[1:] == (
        "3 of 103 sequences are a copy of another one, on either strand.",
        "3 test sequences are also in train, on either strand: scores leave out such.",
        "1 of the copies has other labels than the first one.",
    )


@given(st.lists(st.integers(0, 9), min_size=10, max_size=200).filter(lambda found: len(set(found)) >= 3))
def test_splits_by_chromosome(index: list[int]) -> None:
    """Chromosomes are whole, every split has one, and the lists name them."""
    names = [f"chr{n}" for n in sorted(set(index))]
    numbers = np.searchsorted(sorted(set(index)), index)
    splits, chosen = by_chromosome(numbers, names, Shares())
    assert sorted(name for taken in chosen for name in taken) == sorted(names)
    assert all(chosen)
    for number, name in enumerate(names):
        (split,) = set(splits[numbers == number].tolist())
        assert name in chosen[split]


def test_many_chromosomes_come_close_to_the_shares() -> None:
    index = np.repeat(np.arange(24), np.linspace(250, 50, 24).astype(int))
    splits, _ = by_chromosome(index, [f"chr{n}" for n in range(24)], Shares())
    np.testing.assert_allclose(np.bincount(splits) / len(splits), Shares(), atol=0.02)


def test_a_data_set_by_chromosome(tmp_path: Path) -> None:
    headers = [f"p{n} chr{n % 10}:{n}00-{n}60 label={n // 10 % 2}" for n in range(200)]
    path = write_fasta(tmp_path / "x.fa", headers, random_sequences(200))
    dataset = added(path, by_chromosome=True)
    where = [set(column(split, "chrom")) for _, split in dataset.splits()]
    assert [len(chroms) for chroms in where] == [7, 1, 2]
    assert len(set.union(*where)) == 10
    each = "; ".join(f"{name} {', '.join(sorted(chroms))}" for name, chroms in zip(SPLITS, where, strict=True))
    assert dataset.card.collection == f"Splits by chromosome: {each}."


# The card


def test_facts_and_known_motifs(tmp_path: Path) -> None:
    labels = ["K562", "Hep:G2", "hESC"]
    path = write_fasta(tmp_path / "x.fa", [f"p{n} label={labels[n % 3]}" for n in range(60)], random_sequences(60))
    card = added(
        path,
        classes=("hESC", "K562", "Hep:G2"),
        facts={"title": "Mine, really", "organism": "human", "licence": "MIT"},
        known_motifs=["K562:GATA1=MA0035.3", "hESC:Pou5f1::Sox2=MA0142.1", "Hep:G2:HNF=MA0484.1,MA0047.2"],
    ).card
    assert card.classes == ("hESC", "K562", "Hep:G2")
    assert (card.title, card.organism, card.genome, card.licence) == ("Mine, really", "human", "not stated", "MIT")
    assert card.benchmarks == ("classification", "filters", "attribution")
    assert card.known_motifs == {
        "K562": {"GATA1": ("MA0035.3",)},
        "hESC": {"Pou5f1::Sox2": ("MA0142.1",)},
        "Hep:G2": {"HNF": ("MA0484.1", "MA0047.2")},
    }
    for name in ("README.md", "croissant.json", "eval.yaml"):
        assert (own_dir() / "mine" / name).is_file()


def test_a_data_set_is_replaced_only_when_asked(tmp_path: Path) -> None:
    one, other = labelled_fasta(tmp_path / "one.fa"), labelled_fasta(tmp_path / "two.fa", seed=1)
    first = added(one)
    assert refused(other) == (
        "there is a data set 'mine' already: choose another name, or give --replace to put this one in its place."
    )
    assert load_dataset("mine").fingerprint == first.fingerprint
    second = added(other, replace=True)
    assert second.fingerprint != first.fingerprint
    assert (first.card.version, second.card.version) == (1, 2)


def test_a_failed_replacement_leaves_what_was_there(tmp_path: Path) -> None:
    first = added(labelled_fasta(tmp_path / "one.fa"))
    refused(write_fasta(tmp_path / "two.fa", ["0", "1"], ["ACGT", "ACG"]), replace=True)
    assert load_dataset("mine").fingerprint == first.fingerprint


def test_two_who_add_the_same_name(tmp_path: Path) -> None:
    """One adds it; the other waits, and is told that the name is taken."""
    path = labelled_fasta(tmp_path / "x.fa", 400)
    outcomes: list[object] = []

    def work() -> None:
        try:
            outcomes.append(add(Request(name="mine", file=path)).card.fingerprint)
        except DataError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken = "there is a data set 'mine' already: choose another name, or give --replace to put this one in its place."
    assert sorted(map(str, outcomes)) == sorted([load_dataset("mine").fingerprint, *[taken] * 3])


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    place = own_dir() / ".making-mine"
    place.mkdir(parents=True)
    (place / "rows.arrow").write_bytes(b"half")
    added(labelled_fasta(tmp_path / "x.fa"))


def test_remove(tmp_path: Path) -> None:
    added(labelled_fasta(tmp_path / "x.fa"))
    (own_dir() / "mine" / "card.toml").write_text("broken")
    remove("mine")
    assert "mine" not in list_datasets()
    assert not (own_dir() / "mine").exists()
    with pytest.raises(UnknownNameError) as unknown:
        remove("mine")
    assert str(unknown.value) == "there is no data set 'mine' to remove: you have none of your own."
    with pytest.raises(DataError) as packaged:
        remove("synthetic-codes")
    assert str(packaged.value) == "data set 'synthetic-codes' comes with motifzoo; only your own can be removed."


# What is refused


def fasta(headers: Sequence[str], sequences: Sequence[str] | None = None) -> Callable[[Path], Path]:
    return lambda folder: write_fasta(folder / "x.fa", headers, sequences or random_sequences(len(headers)))


def text(content: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / "x.tsv").write_text(content)
        return folder / "x.tsv"

    return write


HALF = [f"p{n} label={n % 2}" for n in range(20)]
REFUSED: dict[str, tuple[Callable[[Path], Path], dict[str, Any], str]] = {
    "no file": (lambda folder: folder / "none.fa", {}, "cannot read {folder}/none.fa: No such file or directory."),
    "name": (
        fasta(HALF),
        {"name": "My TF"},
        "'My TF' cannot be the name of a data set: it has 1 to 64 lower-case letters, digits and hyphens, such as "
        "my-tf, and begins with a letter or digit.",
    ),
    "packaged name": (
        fasta(HALF),
        {"name": "synthetic-codes", "replace": True},
        "data set 'synthetic-codes' comes with motifzoo: choose another name.",
    ),
    "no labels": (
        fasta(["chr1:100-160"] * 3),
        {},
        "{folder}/x.fa, line 1: record 1 ('>chr1:100-160'): it has no label. A label is the whole header (`>1`), its "
        "last field (`>peak_7 1`, `>peak_7|1`), or stated anywhere in it (`>peak_7 label=1`). Otherwise give a table "
        "of ids and labels (--label-from labels.tsv), or the sequences of the other class in a file of their own "
        "(--negatives background.fa).",
    ),
    "ids for labels": (
        fasta([f"peak_{n}" for n in range(9)]),
        {},
        "9 sequences have 9 different labels (peak_0, peak_1, peak_2, ...): these look like names or measurements, not "
        "like classes (at most 1,000). Say where the labels are with --label-from or --label-column.",
    ),
    "one label": (
        fasta(["1"] * 5),
        {},
        "all 5 sequences have the label '1': there is nothing to tell apart. Give the sequences without it in a file "
        "of their own (--negatives background.fa).",
    ),
    "two labels": (
        fasta([f"p{n} {['open', 'shut'][n % 2]}" for n in range(20)]),
        {},
        "the labels are 'open' and 'shut': say which of them is what networks are to find, with --positive shut for "
        "example, or give --task multi-class to treat them alike.",
    ),
    "fractions": (
        fasta([f"p{n} label={n % 5 + 0.5}" for n in range(20)]),
        {},
        "the labels are fractions, such as 0.5: motifzoo trains classifiers. Turn measurements into 0 and 1 first.",
    ),
    "positive": (fasta(HALF), {"positive": "yes"}, "--positive is 'yes', and the labels are 0, 1."),
    "classes": (
        fasta([f"p{n} {'abc'[n % 3]}" for n in range(30)]),
        {"classes": ("a", "b", "d")},
        "--classes names a, b, d, and the labels are a, b, c: it gives their order, so they must be the same.",
    ),
    "duplicate id": (
        fasta(["a label=0", "b label=1", "a label=1"]),
        {},
        "{folder}/x.fa, line 5: record 3 ('>a label=1'): it has the id 'a', and so has record 1: ids must be "
        "different.",
    ),
    "letters": (
        fasta(["0", "1"], ["ACGT", "ACUT"]),
        {},
        "{folder}/x.fa, line 3: record 2 ('>1'): 'U' at position 3 is not DNA (A, C, G, T, N or an IUPAC code). This "
        "looks like RNA: write T for U.",
    ),
    "split in a header": (
        fasta(["a label=0 split=train", "b label=1 split=fold1"]),
        {},
        "{folder}/x.fa, line 3: record 2 ('>b label=1 split=fold1'): the split 'fold1' is none of train, valid and "
        "test (training, val, validation, dev and testing are understood too). To have the sequences split here "
        "instead, give --split.",
    ),
    "split of some": (
        fasta(["a label=0 split=train", "b label=1"]),
        {},
        "1 of 2 sequences state no split, and the others do. Give --split to split all of them anew, or complete the "
        "file.",
    ),
    "no test split": (
        fasta([f"{header} split={['train', 'valid'][n % 2]}" for n, header in enumerate(HALF)]),
        {},
        "the files have no test split. Give its file with --test, or --split to split all sequences.",
    ),
    "lost class": (
        fasta([f"p{n} label={int(n < 2)}" for n in range(20)]),
        {},
        "none of the 4 sequences of the test split is of class 'mine', which 2 of all 20 are: nothing could be "
        "trained or scored on it. Give more sequences of it, or other shares (--split 0.6,0.2,0.2).",
    ),
    "lost class in a given split": (
        fasta([f"p{n} label={n % 2 * (n < 20)} split={['train', 'valid', 'test'][n // 10]}" for n in range(30)]),
        {},
        "none of the 10 sequences of the test split is of class 'mine', which 10 of all 30 are: nothing could be "
        "trained or scored on it. Give --split to split all sequences anew.",
    ),
    "no chromosomes": (
        fasta(HALF),
        {"by_chromosome": True},
        "--split-by-chromosome needs the chromosome of every sequence, and not all have one: in the headers of FASTA "
        "(`>peak_7 chr1:100-300 label=1`), or in a column chrom of a table. Give --split instead.",
    ),
    "two chromosomes": (
        fasta([f"chr{n % 2}:{n}00-{n}60 {n // 2 % 2}" for n in range(20)]),
        {"by_chromosome": True},
        "the sequences are on 2 chromosomes (chr0, chr1), and each of the 3 splits needs one of its own. Give --split "
        "instead.",
    ),
    "no sequence column": (
        text("dna\tlabel\nACGT\t1\n"),
        {},
        "{folder}/x.tsv has no column 'sequence'; its columns are dna, label. Say which one holds the sequence with "
        "--sequence-column.",
    ),
    "BED": (
        text("chr1\t100\t200\tpeak\nchr1\t300\t400\tpeak2\n"),
        {},
        "{folder}/x.tsv has no column 'sequence'; its columns are chr1, 100, 200, peak. Say which one holds the "
        "sequence with --sequence-column. This looks like BED: `bedtools getfasta` gets the sequences of its places as "
        "FASTA.",
    ),
    "wrong column": (
        text("sequence\tlabel\nACGT\t1\n"),
        {"split_column": "fold"},
        "{folder}/x.tsv has no column 'fold'; its columns are sequence, label.",
    ),
    "letters in a table": (
        text("sequence\tlabel\nACGT\t1\nAC-T\t0\n"),
        {},
        "{folder}/x.tsv, line 3: '-' at position 3 is not DNA (A, C, G, T, N or an IUPAC code). Take the gaps of the "
        "alignment out.",
    ),
    "table for a table": (
        text("sequence\tlabel\nACGT\t1\n"),
        {"label_from": Path("labels.tsv")},
        "{folder}/x.tsv is table, which holds its labels itself; --label-from is for FASTA. The column of a table is "
        "named with --label-column.",
    ),
    "HTML": (
        text("<!DOCTYPE html><html></html>"),
        {},
        "{folder}/x.tsv is an HTML page, not a text file. A server sends such a page in place of a file that it does "
        "not have: get the file again.",
    ),
    "empty folder": (
        lambda folder: folder,
        {},
        "{folder} is a folder without Parquet files (*.parquet, data/*.parquet).",
    ),
    "motif": (
        fasta(HALF),
        {"known_motifs": ["MA0106.3"]},
        "the known motif 'MA0106.3' is not of the form NAME=ID, with a JASPAR id: write, for example, TP53=MA0106.3.",
    ),
    "motif id": (
        fasta(HALF),
        {"known_motifs": ["TP53=MA0106.9"]},
        "unknown JASPAR 2016 motif 'MA0106.9': did you mean 'MA0106.3' or 'MA0910.1' or 'MA0906.1'?",
    ),
    "valid without test": (
        fasta(HALF),
        {"valid": Path("v.fa")},
        "--valid needs --test beside it: the splits are either made here, or each has its file.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str, tmp_path: Path) -> None:
    make, wanted, message = REFUSED[case]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in")
    assert refused(path, **wanted) == message.replace("{folder}", str(tmp_path / "in"))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("p0 0\np1 1\n", "1 of the sequences have no line in it (p2)"),
        ("p0 0\np1 1\np2 1\np3 0\n", "1 of its ids are of no sequence (p3)"),
        ("q0 0\np1 1\np2 0\n", "1 of the sequences have no line in it (p0); 1 of its ids are of no sequence (q0)"),
    ],
)
def test_a_label_table_that_does_not_match(tmp_path: Path, table: str, problem: str) -> None:
    path = write_fasta(tmp_path / "x.fa", ["p0", "p1", "p2"], random_sequences(3))
    (tmp_path / "labels.txt").write_text(table)
    assert refused(path, label_from=tmp_path / "labels.txt") == (
        f"the labels in {tmp_path}/labels.txt do not match the sequences: {problem}. An id is the first word of a "
        "header."
    )


def test_an_id_twice_in_a_label_table(tmp_path: Path) -> None:
    path = write_fasta(tmp_path / "x.fa", ["p0", "p1"], random_sequences(2))
    (tmp_path / "labels.txt").write_text("p0\t0\np1\t1\np0\t1\n")
    assert refused(path, label_from=tmp_path / "labels.txt") == (
        f"{tmp_path}/labels.txt, line 3: the id 'p0' stands in line 1 already."
    )


@pytest.mark.parametrize("text", ["0.7,0.3", "0.7,0.2,0.2", "1,0,0", "a,b,c", "70,10,20", "nan,0.5,0.5"])
def test_shares_that_are_none(text: str) -> None:
    with pytest.raises(DataError) as error:
        Shares.parse(text)
    assert str(error.value) == (
        f"the shares {text!r} are not three numbers above 0 that add up to 1, for train, valid and test: write, for "
        "example, 0.7,0.1,0.2."
    )


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    path = labelled_fasta(tmp_path / "x.fa")
    with monkeypatch.context() as patch:
        patch.setenv("MOTIFZOO_DATA", str(tmp_path / "file"))
        with pytest.raises(DataError) as error:
            add(Request(name="mine", file=path))
    assert str(error.value) == (
        f"cannot write {tmp_path}/file/datasets: Not a directory. Set MOTIFZOO_DATA to another folder."
    )


# Real files


@pytest.mark.skipif(not SHARED.is_dir(), reason="the in vivo files are not here")
def test_the_real_files() -> None:
    tp53 = added(SHARED / "TP53.train.fasta", test=SHARED / "TP53.test.fasta", known_motifs=["TP53=MA0106.3"])
    assert tp53.card.splits == {"train": 3878, "valid": 554, "test": 494}
    assert load_card("mine").benchmarks == ("classification", "filters", "attribution")
    leaky = add(Request(name="mine", file=SHARED / "GABPA_200.h5", replace=True))
    assert leaky.card.splits == {"train": 11022, "valid": 1574, "test": 3150}
    assert any(note.startswith("16 test sequences are also in train") for note in leaky.notes)
