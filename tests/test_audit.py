"""Duplicates, leaks and the audit: against sets of Python strings, on DNA so short that everything repeats."""

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

import h5py
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from motifzoo.data_cards import duplicates, load
from motifzoo.data_cards.audit import Audit, ClassAudit, Gc, PairAudit, audit, stretch_length
from motifzoo.data_cards.cards import SPLITS, Card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.data_cards.duplicates import Pool, identify, leaked, members, share_stretch, window_keys
from motifzoo.data_cards.findings import findings
from motifzoo.data_cards.onehot import decode, encode, from_onehot, reverse_complement
from motifzoo.data_cards.rows import MappedCodes, open_mapped
from motifzoo.evaluate.cli.audit import audit as audit_command

GABPA = Path(__file__).parents[2] / "shared" / "data" / "GABPA_200.h5"
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def make_card(length: int, classes: Sequence[str]) -> Card:
    return Card(
        name="toy",
        version=1,
        title="Toy",
        summary="A few sequences.",
        task="binary" if len(classes) == 1 else "multi-label",
        classes=tuple(classes),
        length=length,
        monitor="auroc",
        benchmarks=("classification",),
        assay="none",
        organism="none",
        genome="none",
        licence="MIT",
        source="made up",
        citation="none",
    )


def make_split(sequences: Sequence[str], labels: Sequence[int] | None = None, chrom: Sequence[str] = ()) -> Split:
    marks = np.array([0] * len(sequences) if labels is None else labels, np.int8)[:, None]
    about = pa.table({"chrom": list(chrom)}) if chrom else None
    return Split(encode(sequences), marks, no_placements(), about)


def make_dataset(*splits: Split | Sequence[str]) -> SequenceDataset:
    made = [split if isinstance(split, Split) else make_split(split) for split in splits]
    return SequenceDataset(make_card(made[0].codes.shape[1], ["bound"]), *made)


def opposite(sequence: str) -> str:
    return sequence.translate(COMPLEMENT)[::-1]


def both(sequences: Iterable[str]) -> set[str]:
    return {form for sequence in sequences for form in (sequence, opposite(sequence))}


def stretches(sequence: str, width: int) -> set[str]:
    windows = (sequence[begin : begin + width] for begin in range(len(sequence) - width + 1))
    return both(window for window in windows if "N" not in window)


# Letters that are rare enough to differ and few enough to repeat; ATN gives palindromes and blanks.
LENGTH = 5
sequences = st.lists(st.text("ATN", min_size=LENGTH, max_size=LENGTH), min_size=1, max_size=12)
longer = st.lists(st.text("ACGTN", min_size=9, max_size=9), min_size=1, max_size=9)


@given(train=sequences, valid=sequences, test=sequences)
def test_leaked_is_what_sets_of_strings_say(train: list[str], valid: list[str], test: list[str]) -> None:
    known = both(train)
    assert leaked(make_dataset(train, valid, test)).tolist() == [sequence in known for sequence in test]


@pytest.mark.parametrize(("own", "there"), [("AACGN", "NCGTT"), ("ACGT", "ACGT"), ("ARGA", "ANGA"), ("aacc", "GGTT")])
def test_leaks_on_either_strand_and_whatever_the_blank(own: str, there: str) -> None:
    other = "C" * len(own)
    assert leaked(make_dataset([there], [other], [own, "T" * len(own)])).tolist() == [True, False]


def test_a_copy_in_valid_is_no_leak() -> None:
    """No weight is fitted to the validation split."""
    dataset = make_dataset(["AACGG"], ["TTACG"], ["TTACG", "AACGG"])
    assert leaked(dataset).tolist() == [False, True]
    assert findings(audit(dataset))[:2] == (
        "1 of 2 test sequences is also in train, on either strand: scores leave it out.",
        "1 of 2 test sequences is also in valid; scores keep such sequences, for no weight is fitted to the validation "
        "split.",
    )


def test_a_sequence_is_not_leaked_by_its_reverse_or_its_complement() -> None:
    assert not leaked(make_dataset(["AACGG"], ["TTTTT"], ["GGCAA", "TTGCC"])).any()


@given(train=sequences, test=sequences, random=st.randoms())
def test_leaks_do_not_depend_on_the_order(train: list[str], test: list[str], random: Random) -> None:
    before = dict(zip(test, leaked(make_dataset(train, train[:1], test)).tolist(), strict=True))
    train, test = train.copy(), test.copy()
    random.shuffle(train)
    random.shuffle(test)
    assert dict(zip(test, leaked(make_dataset(train, train[:1], test)).tolist(), strict=True)) == {
        sequence: before[sequence] for sequence in test
    }


@given(parts=st.lists(sequences, min_size=3, max_size=3))
def test_identity(parts: list[list[str]]) -> None:
    everything = [sequence for part in parts for sequence in part]
    leader, forward, reverse = identify(Pool([encode(part) for part in parts]))
    expected = [next(i for i, other in enumerate(everything) if other in both([own])) for own in everything]
    assert leader.tolist() == expected
    assert forward.tolist() == [own == everything[first] for own, first in zip(everything, expected, strict=True)]
    copied = [expected.count(first) > 1 for first in expected]
    # Nobody asks about the strand of a sequence without a copy.
    assert reverse.tolist() == [
        opposite(own) == everything[first] and more
        for own, first, more in zip(everything, expected, copied, strict=True)
    ]


def brute_stretch(parts: Sequence[Sequence[str]], width: int) -> dict[str, list[bool]]:
    """For each distinct DNA, whether other DNA of each split shares a stretch with it."""
    answer = {}
    for own in {sequence for part in parts for sequence in part}:
        windows = stretches(own, width)
        answer[own] = [
            any(windows & stretches(other, width) for other in part if other not in both([own])) for part in parts
        ]
    return answer


@settings(deadline=None)
@given(
    parts=st.lists(longer, min_size=3, max_size=3), width=st.integers(1, 9), pass_windows=st.sampled_from([1, 20, 999])
)
def test_shared_stretches_are_what_sets_of_windows_say(parts: list[list[str]], width: int, pass_windows: int) -> None:
    pool = Pool([encode(part) for part in parts])
    leader = identify(pool).leader
    found = share_stretch(pool, leader, width, pass_windows=pass_windows)[leader]
    expected = brute_stretch(parts, width)
    assert found.tolist() == [expected[sequence] for part in parts for sequence in part]


@pytest.mark.parametrize("bits", [0, 1])
@settings(deadline=None)
@given(parts=st.lists(longer, min_size=3, max_size=3))
def test_equal_keys_of_different_dna_change_nothing(bits: int, parts: list[list[str]]) -> None:
    pool = Pool([encode(part) for part in parts])
    expected = identify(pool)
    stretch = share_stretch(pool, expected.leader, 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "window_keys", lambda codes, width: window_keys(codes, width) >> np.uint64(64 - bits))
        again = identify(pool)
        assert all(np.array_equal(one, other) for one, other in zip(expected, again, strict=True))
        assert np.array_equal(share_stretch(pool, again.leader, 4), stretch)


@given(parts=longer, width=st.integers(1, 9))
def test_keys_of_windows(parts: list[str], width: int) -> None:
    """A window's key is that of the window cut out, wherever it stands and on either strand."""
    codes = encode(parts)
    keys = window_keys(codes, width)
    assert keys.shape == (len(parts), 10 - width)
    for begin in range(10 - width):
        cut = np.ascontiguousarray(codes[:, begin : begin + width])
        assert np.array_equal(keys[:, begin], window_keys(cut, width)[:, 0])
        assert np.array_equal(keys[:, begin], window_keys(reverse_complement(cut), width)[:, 0])


def test_reading_in_small_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    parts = [random.choice([0, 3], (60, 7)).astype(np.uint8) for _ in range(3)]
    pool = Pool(parts)
    whole, stretch = identify(pool), share_stretch(pool, identify(pool).leader, 5)
    assert len(np.unique(whole.leader)) < len(pool)
    monkeypatch.setattr(duplicates, "_BLOCK_LETTERS", 1)
    assert all(np.array_equal(one, other) for one, other in zip(whole, identify(pool), strict=True))
    assert np.array_equal(share_stretch(pool, whole.leader, 5), stretch)


def left_on_disk(dataset: SequenceDataset, folder: Path) -> SequenceDataset:
    """The same data set with its sequences left on disk, in record batches of 3."""
    opened = []
    for name, split in dataset.splits():
        path = folder / f"{name}.arrow"
        table = split.to_arrow()
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table, max_chunksize=3)
        opened.append(Split.from_arrow(open_mapped(path), mapped=True))
    return SequenceDataset(dataset.card, *opened)


def test_data_on_disk_gives_the_same(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    splits = [
        make_split(decode(random.choice([0, 3, 4], (20, 4)).astype(np.uint8)), random.integers(0, 2, 20).tolist())
        for _ in SPLITS
    ]
    dataset = make_dataset(*splits)
    on_disk = left_on_disk(dataset, tmp_path)
    assert isinstance(on_disk.train.codes, MappedCodes)
    assert np.array_equal(leaked(on_disk), leaked(dataset))
    assert audit(on_disk) == audit(dataset)
    assert audit(dataset).leaked > 0


def rotate(length: int, shift: int) -> str:
    """Letters without repeats of 32: a fixed random text, from `shift` on."""
    text = "".join(np.random.default_rng(4).choice(list("ACGT"), 400))
    return text[shift : shift + length]


@pytest.fixture
def toy() -> SequenceDataset:
    """40 nt: stretches are 32. One leak on each strand, one that conflicts, overlaps of 39 and of 31."""
    a, b, c, d, e = (rotate(40, shift) for shift in (0, 50, 100, 150, 200))
    return make_dataset(
        make_split([a, a, opposite(b), c, "G" * 39 + "N"], [1, 0, 1, 0, 0], ["chr1", "chr1", "chr2", "chr2", "chr3"]),
        make_split([d, opposite(c), rotate(40, 1)], [1, 1, 0], ["chr4", "chr2", "chr1"]),
        make_split([b, c, e, rotate(40, 9), rotate(40, 8)], [1, 0, 0, 0, 1], ["chr5"] * 5),
    )


def test_audit_by_hand(toy: SequenceDataset) -> None:
    found = audit(toy)
    train, valid, test = (found.splits[name] for name in SPLITS)
    assert (found.dataset, found.version, found.length, found.stretch, found.leaked) == ("toy", 1, 40, 32, 2)
    assert found.fingerprint == toy.fingerprint
    assert (train.sequences, train.repeated, train.extra_copies, train.conflicting) == (5, 1, 1, 1)
    assert (valid.sequences, valid.repeated, valid.extra_copies, valid.conflicting) == (3, 0, 0, 0)
    assert (train.near_duplicates, valid.near_duplicates, test.near_duplicates) == (0, 0, 2)
    assert (train.non_acgt_letters, train.non_acgt_sequences) == (1, 1)
    assert (test.non_acgt_letters, test.non_acgt_sequences) == (0, 0)

    def pair(first: str, second: str) -> PairAudit:
        return next(pair for pair in found.pairs if (pair.first, pair.second) == (first, second))

    counts = ("duplicates", "same_strand", "opposite_strand", "conflicting", "near_duplicates", "shared_chromosomes")
    stated = {key: tuple(getattr(pair(*key), name) for name in counts) for key in itertools.combinations(SPLITS, 2)}
    assert stated == {
        ("train", "valid"): (1, 0, 1, 1, 1, ("chr1", "chr2")),
        # 8 letters on from `a` still share 32 with it, 9 share 31.
        ("train", "test"): (2, 1, 1, 0, 1, ()),
        # 8 letters on from `a` are 7 on from valid's.
        ("valid", "test"): (1, 0, 1, 1, 2, ()),
    }


def test_audit_is_json(toy: SequenceDataset) -> None:
    found = audit(toy)
    assert Audit.model_validate_json(found.model_dump_json()) == found
    assert json.loads(found.model_dump_json())["pairs"][1]["first"] == "train"


def test_gc_content() -> None:
    """GC alone separates the train split, says nothing on valid, and is not known of N."""
    found = audit(
        make_dataset(
            make_split(["GGGG", "GCNN", "ATAT", "AATC"], [1, 1, 0, 0]),
            make_split(["AACC", "CCAA"], [1, 0]),
            make_split(["NNNN", "ACGN"], [1, 0]),
        )
    )
    train = found.splits["train"]
    assert train.gc == Gc(mean=0.5625, sd=0.4463)
    assert train.classes == {
        "bound": ClassAudit(positives=2, gc_positives=Gc(mean=1, sd=0), gc_others=Gc(mean=0.125, sd=0.125), gc_auroc=1)
    }
    assert found.splits["valid"].classes["bound"].gc_auroc == 0.5
    test = found.splits["test"].classes["bound"]
    assert (test.gc_positives, test.gc_others.mean, test.gc_auroc) == (Gc(mean=None, sd=None), 0.6667, None)
    assert [pair.gc_difference for pair in found.pairs] == [-0.0625, 0.1042, 0.1667]
    assert [pair.shared_chromosomes for pair in found.pairs] == [None] * 3


@settings(deadline=None)
@given(data=st.data(), parts=st.lists(sequences, min_size=3, max_size=3))
def test_audit_against_strings(data: st.DataObject, parts: list[list[str]]) -> None:
    marks = [data.draw(st.lists(st.integers(0, 1), min_size=len(part), max_size=len(part))) for part in parts]
    found = audit(make_dataset(*map(make_split, parts, marks)))
    for name, part, labels in zip(SPLITS, parts, marks, strict=True):
        groups: dict[str, list[int]] = {}
        for sequence, label in zip(part, labels, strict=True):
            groups.setdefault(min(sequence, opposite(sequence)), []).append(label)
        repeated = [group for group in groups.values() if len(group) > 1]
        split = found.splits[name]
        assert (split.repeated, split.extra_copies) == (len(repeated), len(part) - len(groups))
        assert split.conflicting == sum(len(set(group)) > 1 for group in repeated)
        assert split.non_acgt_letters == sum(sequence.count("N") for sequence in part)
        assert split.non_acgt_sequences == sum("N" in sequence for sequence in part)
        # As long as the sequences are, a stretch that two of them share is all of both.
        assert split.near_duplicates == 0
    for pair in found.pairs:
        first, second = SPLITS.index(pair.first), SPLITS.index(pair.second)
        early = list(zip(parts[first], marks[first], strict=True))
        late = list(zip(parts[second], marks[second], strict=True))
        assert pair.same_strand == sum(own in parts[first] for own in parts[second])
        assert pair.opposite_strand == sum(opposite(own) in parts[first] for own in parts[second])
        assert pair.duplicates == sum(own in both(parts[first]) for own in parts[second])
        assert pair.conflicting == sum(
            any(there in both([own]) and other != label for there, other in early) for own, label in late
        )
        assert pair.near_duplicates == 0
    assert found.leaked == sum(own in both(parts[0]) for own in parts[2])


def test_labels_of_several_classes_conflict_when_any_differs() -> None:
    labels = np.array([[1, 0], [1, 1]], np.int8)
    split = Split(encode(["AACC", "GGTT"]), labels, no_placements())
    dataset = SequenceDataset(make_card(4, ["one", "two"]), split, make_split(["AAAA"]), make_split(["CCCC"]))
    wide = Split(dataset.valid.codes, np.zeros((1, 2), np.int8), no_placements())
    found = audit(SequenceDataset(dataset.card, split, wide, Split(encode(["CCCC"]), wide.labels, no_placements())))
    assert (found.splits["train"].repeated, found.splits["train"].conflicting) == (1, 1)
    assert [audited.positives for audited in found.splits["train"].classes.values()] == [2, 1]


def test_members_count_copies_for_the_leader_only() -> None:
    pool = Pool([encode(["AACC", "AAAA"]), encode(["GGTT"]), encode(["TTTT"])])
    assert members(pool, identify(pool).leader).tolist() == [[1, 1, 0], [1, 0, 1], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(("length", "stretch"), [(6, 6), (40, 32), (128, 32), (200, 50), (1000, 250)])
def test_length_of_a_stretch(length: int, stretch: int) -> None:
    assert stretch_length(length) == stretch


def test_chip_gabpa_leaks() -> None:
    """Upstream's split repeats sequences: 16 of test are in train, two more in valid."""
    if not GABPA.is_file():
        pytest.skip("shared/data/GABPA_200.h5 is not here")
    with h5py.File(GABPA) as file:
        parts = [decode(from_onehot(file[f"x_{name}"][:])) for name in SPLITS]
        splits = [make_split(part, file[f"y_{name}"][:, 0]) for name, part in zip(SPLITS, parts, strict=True)]
    dataset = make_dataset(*splits)
    rows = leaked(dataset)
    known = both(parts[0])
    assert rows.tolist() == [sequence in known for sequence in parts[2]]
    found = audit(dataset)
    assert [pair.duplicates for pair in found.pairs if pair.second == "test"] == [16, 2]
    assert rows.sum() == found.leaked == 16
    assert findings(found)[0] == (
        "16 of 3,150 test sequences are also in train, on either strand: scores leave them out."
    )


def test_findings(toy: SequenceDataset) -> None:
    assert findings(audit(toy)) == (
        "2 of 5 test sequences are also in train, on either strand: scores leave them out.",
        "1 of 3 valid sequences is also in train, which flatters the validation score that training watches.",
        "1 of 3 valid sequences is in train with other labels.",
        "1 of 5 test sequences is also in valid; scores keep such sequences, for no weight is fitted to the validation "
        "split.",
        "1 of 5 test sequences is in valid with other labels.",
        "1 of 3 valid sequences shares 32 nt or more in a row with one in train without being the same; scores keep "
        "such sequences.",
        "1 of 5 test sequences shares 32 nt or more in a row with one in train without being the same; scores keep "
        "such sequences.",
        "2 of 5 test sequences share 32 nt or more in a row with one in valid without being the same; scores keep "
        "such sequences.",
        "1 of 5 train sequences repeats another one of train, 1 of those repeated with different labels.",
        "Chromosomes are shared by train and valid (chr1, chr2).",
        "Letters that are not A, C, G or T, which networks read as blanks: 1, in 1 of 13 sequences.",
        "On test, GC content alone tells class 'bound' with AUROC 0.58 (positives have more; 0.50 is chance).",
    )


def test_findings_of_a_clean_data_set() -> None:
    chromosomes = [["chr1", "chr1"], ["chr2", "chr2"], ["chr3", "chr3"]]
    texts = [["AACA", "CACA"], ["GAAA", "AAAC"], ["ACCC", "TTTT"]]
    splits = [make_split(text, [1, 0], names) for text, names in zip(texts, chromosomes, strict=True)]
    assert findings(audit(make_dataset(*splits))) == (
        "No test sequence is also in train, on either strand.",
        "No chromosome is in two splits.",
        "On test, GC content alone tells class 'bound' with AUROC 1.00 (positives have more; 0.50 is chance).",
    )
    bare = make_dataset(*texts)
    assert findings(audit(bare))[1:] == (
        "The data set has no coordinates: the splits could not be compared by chromosome.",
    )


def test_command_line(toy: SequenceDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "load_dataset", lambda name: {"toy": toy}[name])
    monkeypatch.setenv("COLUMNS", "80")
    found = audit(toy)
    done = CliRunner().invoke(audit_command, ["toy", "--json"])
    assert Audit.model_validate_json(done.output) == found
    lines = CliRunner().invoke(audit_command, ["toy"]).output.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    rows = [line.split() for line in lines]
    assert ["train", "5", "1", "1", "0", "1", f"{found.splits['train'].gc.mean:.3f}"] in rows
    assert ["test", "in", "valid", "1", "0", "1", "1", "2", "0"] in rows
    assert ["valid", "in", "train", "1", "0", "1", "1", "1", "2"] in rows
    text = " ".join(" ".join(lines).split())
    for sentence in findings(found):
        assert f"- {sentence}" in text
