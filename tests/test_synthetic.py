"""The synthetic data sets against a plain re-implementation of the protocol's section 1, and their containers."""

import bisect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motifzoo.data_cards import synthetic
from motifzoo.data_cards.cards import Card, load_card
from motifzoo.data_cards.content import SequenceDataset, Split, SplitName
from motifzoo.data_cards.generate import generate
from motifzoo.data_cards.motifs import jaspar2016
from motifzoo.data_cards.onehot import decode
from motifzoo.errors import DataError

SPLITS: tuple[SplitName, ...] = ("train", "valid", "test")
LENGTH = 200
MOTIFS_COUNTS = [0, 0.5, 0.25, 0.17, 0.05, 0.3]
CODES_COUNTS = [0, 0, 0.5, 0.25, 0.17, 0.05, 0.3]
MOTIFS_CORE = ["Arid3a", "CEBPB", "FOSL1", "Gabpa", "MAFK", "MAX", "MEF2A", "NFYB", "SP1", "SRF", "STAT1", "YY1"]
CODES_CORE = ["SP1", "Gabpa", "CEBPB", "MAX", "YY1"]
CODES_BACKGROUND = [
    512, 2, 3, 516, 266, 267, 270, 271, 22, 28, 285, 31, 35, 40, 296, 300, 304, 56, 58, 59, 327, 73, 89, 352, 355,
    357, 101, 102, 360, 366, 368, 119, 120, 122, 123, 127, 130, 389, 137, 148, 154, 157, 163, 426, 172, 433, 178, 177,
    441, 196,
]  # fmt: skip


class PlainSequence(NamedTuple):
    """One sequence as the protocol draws it; `planted` holds (entry of the pool, start)."""

    text: str
    planted: list[tuple[int, int]]
    model: list[list[float]]


def plain_pool(names: Sequence[str]) -> list[list[list[float]]]:
    """Matrices as lists of columns (A, C, G, T): the motifs by name, each followed by its reverse complement."""
    pool = []
    for name in names:
        (motif,) = [motif for motif in jaspar2016() if motif.name == name]
        columns = [[float(value) for value in column] for column in motif.probabilities.T]
        pool += [columns, [column[::-1] for column in columns[::-1]]]
    return pool


def plain_draw(
    random: np.random.RandomState, pool: list[list[list[float]]], counts: list[float], offset: int, gap_high: float
) -> PlainSequence:
    """One sequence, steps 1 to 4 of the protocol, in scalars."""
    while True:
        u = random.rand()
        total, last = 0.0, 0
        for index, probability in enumerate(counts):
            total += probability
            if u > total:
                last = index
        chosen = [int(entry) for entry in random.randint(len(pool), size=last + offset)]
        width = sum(len(pool[entry]) for entry in chosen)
        if 0 < width < LENGTH:
            break
    while True:
        draws = [float(draw) for draw in random.uniform(0, gap_high, size=len(chosen) + 1)]
        gaps = [int(np.round(draw / sum(draws) * (LENGTH - width))) for draw in draws]
        if sum(gaps) == LENGTH - width:
            break
    model: list[list[float]] = []
    planted = []
    for gap, entry in zip(gaps, chosen, strict=False):
        model += [[0.25] * 4] * gap
        planted.append((entry, len(model)))
        model += pool[entry]
    model += [[0.25] * 4] * gaps[-1]
    text = ""
    for column, draw in zip(model, random.uniform(0, 1, LENGTH), strict=True):
        cumulative = [column[0], column[0] + column[1], column[0] + column[1] + column[2], sum(column)]
        text += "ACGT"[bisect.bisect_right(cumulative, draw)]
    return PlainSequence(text, planted, model)


def plain_motifs(count: int) -> tuple[list[PlainSequence], np.random.RandomState]:
    """The first `count` sequences of synthetic-motifs, and the generator after them."""
    random, pool = np.random.RandomState(33), plain_pool(MOTIFS_CORE)
    return [plain_draw(random, pool, MOTIFS_COUNTS, 1, 1) for _ in range(count)], random


def plain_codes(count: int) -> tuple[list[PlainSequence], np.random.RandomState]:
    """synthetic-codes: `count` sequences from the core pool, `count` from the background pool, the generator after."""
    random = np.random.RandomState(22)
    picked = set(random.permutation(519)[:65]) - {4, 5, 12, 15, 17, 18, 20, 36, 42, 60}
    background = [jaspar2016()[index].name for index in list(picked)[:50]]
    pools = [plain_pool(CODES_CORE), plain_pool([*CODES_CORE, *background])]
    return [plain_draw(random, pool, CODES_COUNTS, 2, 2) for pool in pools for _ in range(count)], random


def plain_label(drawn: PlainSequence) -> list[int]:
    """synthetic-motifs: class c is present if entry 2c or 2c + 1 was planted."""
    return [int(any(entry // 2 == c for entry, _ in drawn.planted)) for c in range(12)]


def plain_placements(drawn: PlainSequence, names: Sequence[str]) -> list[tuple[str, int, str]]:
    ids = {motif.name: motif.id for motif in jaspar2016()}
    return [(ids[names[entry // 2]], start, "+-"[entry % 2]) for entry, start in drawn.planted]


def placements(split: Split) -> list[list[tuple[str, int, str]]]:
    """Per sequence of a split its planted motifs (id, start, strand)."""
    found: list[list[tuple[str, int, str]]] = [[] for _ in range(len(split))]
    for row, motif, start, strand in zip(*split.placements, strict=True):
        found[row].append((motif, int(start), strand))
    return found


@pytest.fixture(scope="module")
def motifs() -> SequenceDataset:
    return generate(load_card("synthetic-motifs"))


@pytest.fixture(scope="module")
def codes() -> SequenceDataset:
    return generate(load_card("synthetic-codes"))


@pytest.fixture(scope="module")
def both(motifs: SequenceDataset, codes: SequenceDataset) -> tuple[SequenceDataset, SequenceDataset]:
    return motifs, codes


def small(name: str, train: int, valid: int, test: int) -> SequenceDataset:
    """A set drawn like a packaged one, with another number of sequences."""
    sizes = {"train": train, "valid": valid, "test": test}
    return generate(load_card(name).model_copy(update={"splits": sizes, "fingerprint": ""}))


def in_drawing_order(dataset: SequenceDataset, random: np.random.RandomState) -> list[tuple[str, Split, int]]:
    """Text, split and row of every sequence, the split by `random` undone: the last draw is the permutation."""
    rows = [
        (text, split, row)
        for split in (dataset.train, dataset.valid, dataset.test)
        for row, text in enumerate(decode(split.codes))
    ]
    ordered = [rows[0]] * len(rows)
    for place, drawn in enumerate(random.permutation(len(rows))):
        ordered[drawn] = rows[place]
    return ordered


def check_motifs(dataset: SequenceDataset) -> None:
    """Sequences, labels, placements and ground truth equal the plain draw's, sequence for sequence."""
    drawn, random = plain_motifs(sum(dataset.card.splits.values()))
    planted = {id(split): placements(split) for split in (dataset.train, dataset.valid, dataset.test)}
    for plain, (text, split, row) in zip(drawn, in_drawing_order(dataset, random), strict=True):
        assert text == plain.text
        assert split.labels[row].tolist() == plain_label(plain)
        assert planted[id(split)][row] == plain_placements(plain, MOTIFS_CORE)


def check_codes(dataset: SequenceDataset) -> None:
    half = sum(dataset.card.splits.values()) // 2
    drawn, random = plain_codes(half)
    names = [*CODES_CORE, *(jaspar2016()[index].name for index in CODES_BACKGROUND)]
    planted = {id(split): placements(split) for split in (dataset.train, dataset.valid, dataset.test)}
    for number, (plain, (text, split, row)) in enumerate(zip(drawn, in_drawing_order(dataset, random), strict=True)):
        assert text == plain.text
        assert split.labels[row].tolist() == [int(number < half)]
        assert planted[id(split)][row] == plain_placements(plain, names)


def test_synthetic_motifs_is_drawn_as_the_protocol_says() -> None:
    check_motifs(small("synthetic-motifs", 210, 30, 60))


def test_synthetic_codes_is_drawn_as_the_protocol_says() -> None:
    check_codes(small("synthetic-codes", 210, 30, 60))


@pytest.mark.slow
def test_all_of_synthetic_motifs_is_drawn_as_the_protocol_says(motifs: SequenceDataset) -> None:
    check_motifs(motifs)


@pytest.mark.slow
def test_all_of_synthetic_codes_is_drawn_as_the_protocol_says(codes: SequenceDataset) -> None:
    check_codes(codes)


def test_the_full_sets_begin_with_the_plain_draw(both: tuple[SequenceDataset, SequenceDataset]) -> None:
    for dataset, plain in zip(both, (plain_motifs(300)[0], plain_codes(300)[0][:300]), strict=True):
        texts = {text for name in SPLITS for text in decode(dataset.split(name).codes)}
        assert {drawn.text for drawn in plain} <= texts


def test_full_sets_have_the_protocols_sizes_and_the_cards_fingerprints(
    both: tuple[SequenceDataset, SequenceDataset],
) -> None:
    sizes = [[len(dataset.split(name)) for name in SPLITS] for dataset in both]
    assert sizes == [[21_000, 3_000, 6_000], [14_000, 2_000, 4_000]]
    assert [dataset.fingerprint for dataset in both] == [dataset.card.fingerprint for dataset in both]
    for dataset, classes in zip(both, (12, 1), strict=True):
        for name in SPLITS:
            split = dataset.split(name)
            assert split.codes.shape == (len(split), 200)
            assert split.labels.shape == (len(split), classes)
            assert split.onehot(slice(0, 5)).shape == (5, 4, 200)


def test_half_of_synthetic_codes_is_positive(codes: SequenceDataset) -> None:
    assert sum(int(codes.split(name).labels.sum()) for name in SPLITS) == 10_000


def test_positives_of_synthetic_codes_hold_core_motifs_only(codes: SequenceDataset) -> None:
    core = {motif.id for motif in jaspar2016() if motif.name in CODES_CORE}
    everything = core | {jaspar2016()[index].id for index in CODES_BACKGROUND}
    for name in SPLITS:
        split = codes.split(name)
        positive = split.labels[:, 0] == 1
        assert set(split.placements.motif[positive[split.placements.row]]) <= core
        assert set(split.placements.motif) <= everything


def test_background_motifs_are_pinned() -> None:
    """The order of a CPython set decides which 50 of 65 are taken, so the list is written out."""
    assert len(CODES_BACKGROUND) == len(set(CODES_BACKGROUND)) == 50
    generator = load_card("synthetic-codes").generator
    assert generator is not None
    settings = generator.background
    assert settings is not None
    found = synthetic.background_indices(
        np.random.RandomState(22), len(jaspar2016()), settings.drawn, settings.removed, settings.kept
    )
    assert found == CODES_BACKGROUND


def test_another_draw_than_the_cards_is_refused() -> None:
    card = load_card("synthetic-codes").model_copy(
        update={"splits": {"train": 10, "valid": 4, "test": 6}, "fingerprint": "0123456789abcdef"}
    )
    drawn = small("synthetic-codes", 10, 4, 6).fingerprint
    with pytest.raises(DataError) as error:
        generate(card)
    assert str(error.value) == (
        f"data set 'synthetic-codes' came out with fingerprint {drawn[:12]} and its card says 0123456789ab: "
        "this NumPy or Python draws differently. Please report it with their versions."
    )


def test_motifs_that_never_fit_are_refused_rather_than_drawn_for_ever() -> None:
    grammar = synthetic.Grammar(length=12, count_probabilities=(0, 0, 1), count_offset=1, gap_high=1.0)
    with pytest.raises(DataError) as error:
        synthetic.draw(np.random.RandomState(0), [np.full((4, 6), 0.25)], 1, grammar)
    assert str(error.value) == "2 motifs of 6 nt or more never fit 12 nt."


@pytest.mark.parametrize("make", [plain_motifs, plain_codes])
def test_ground_truth_is_rebuilt_exactly(
    make: Callable[[int], tuple[list[PlainSequence], np.random.RandomState]],
) -> None:
    dataset = small("synthetic-motifs" if make is plain_motifs else "synthetic-codes", 140, 20, 40)
    drawn, _ = make(200 if make is plain_motifs else 100)
    models = {plain.text: np.array(plain.model).T for plain in drawn}
    for name in SPLITS:
        split = dataset.split(name)
        truth = split.truth()
        expected = np.stack([models[text] for text in decode(split.codes)])
        np.testing.assert_array_equal(truth, expected)


def test_ground_truth_is_a_distribution_and_flat_outside_the_motifs(
    both: tuple[SequenceDataset, SequenceDataset],
) -> None:
    widths = {motif.id: motif.width for motif in jaspar2016()}
    for dataset in both:
        rows = slice(100, 400)
        truth = dataset.test.truth(rows)
        assert truth.shape == (300, 4, 200)
        # Each column is four roundings of counts over their sum, so it sums to 1 within a few units in the last place.
        np.testing.assert_allclose(truth.sum(axis=1), 1, rtol=0, atol=1e-15)
        inside = np.zeros((300, 200), bool)
        planted = dataset.test.placements.take(np.arange(100, 400))
        for row, motif, start in zip(planted.row, planted.motif, planted.start, strict=True):
            inside[row, start : start + widths[motif]] = True
        assert inside.sum() == sum(widths[motif] for motif in planted.motif)  # none overlap or stick out
        background = truth.transpose(0, 2, 1)[~inside]
        assert np.all(background == 0.25)


def test_ground_truth_of_some_rows_equals_those_rows(codes: SequenceDataset) -> None:
    chosen = np.array([7, 3, 3, 250])
    np.testing.assert_array_equal(codes.valid.truth(chosen), codes.valid.truth()[chosen])
    np.testing.assert_array_equal(codes.valid.onehot(chosen), codes.valid.onehot()[chosen])


# Containers: laws on random contents, independent of the draw.


@st.composite
def splits(draw: st.DrawFn, least: int = 0) -> Split:
    """A split of up to five sequences with up to three placements each, at arbitrary places."""
    count, length, classes = draw(st.integers(least, 5)), draw(st.integers(1, 12)), draw(st.integers(1, 3))
    seed = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    per_row = [draw(st.integers(0, 3)) for _ in range(count)]
    total = sum(per_row)
    ids = np.array([motif.id for motif in jaspar2016()[:4]], dtype=object)
    return Split(
        seed.integers(0, 5, (count, length), dtype=np.uint8),
        seed.integers(0, 2, (count, classes), dtype=np.int8),
        synthetic.Placements(
            np.repeat(np.arange(count), per_row),
            ids[seed.integers(0, len(ids), total)],
            seed.integers(0, length, total),
            np.array(["+", "-"], dtype=object)[seed.integers(0, 2, total)],
        ),
    )


def assert_same(one: Split, other: Split) -> None:
    np.testing.assert_array_equal(one.codes, other.codes)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert (one.codes.dtype, one.labels.dtype) == (other.codes.dtype, other.labels.dtype)
    for left, right in zip(one.placements, other.placements, strict=True):
        np.testing.assert_array_equal(left, right)


def rows_of(split: Split) -> st.SearchStrategy[npt.NDArray[np.int64]]:
    return st.lists(st.integers(0, len(split) - 1), max_size=8).map(lambda rows: np.array(rows, np.int64))


@settings(deadline=None)
@given(splits(least=1), st.data())
def test_taking_rows_takes_their_placements_in_order(split: Split, data: st.DataObject) -> None:
    rows = data.draw(rows_of(split))
    subset = split.subset(rows)
    before = placements(split)
    assert placements(subset) == [before[row] for row in rows]
    assert decode(subset.codes) == [decode(split.codes)[row] for row in rows]


@settings(deadline=None)
@given(splits(least=1), st.data())
def test_taking_twice_is_taking_once(split: Split, data: st.DataObject) -> None:
    assert_same(split.subset(slice(None)), split)
    rows = data.draw(rows_of(split).filter(len))
    again = data.draw(
        st.lists(st.integers(0, len(rows) - 1), max_size=8).map(lambda chosen: np.array(chosen, np.int64))
    )
    assert_same(split.subset(rows).subset(again), split.subset(rows[again]))


@settings(deadline=None)
@given(splits())
def test_arrow_tables_hold_the_whole_split(split: Split) -> None:
    table = split.to_arrow(motifs=True)
    motif = pa.struct([("id", pa.string()), ("start", pa.int32()), ("strand", pa.string())])
    assert table.schema == pa.schema(
        [("sequence", pa.string()), ("label", pa.list_(pa.int8())), ("motifs", pa.list_(motif))]
    )
    expected = [
        {
            "sequence": text,
            "label": label.tolist(),
            "motifs": [{"id": motif, "start": start, "strand": strand} for motif, start, strand in planted],
        }
        for text, label, planted in zip(decode(split.codes), split.labels, placements(split), strict=True)
    ]
    assert table.to_pylist() == expected


@settings(deadline=None)
@given(splits(least=1), st.data())
def test_arrow_tables_read_back(split: Split, data: st.DataObject) -> None:
    table = split.to_arrow(motifs=True)
    assert_same(Split.from_arrow(table), split)
    begin = data.draw(st.integers(0, len(split) - 1))
    end = data.draw(st.integers(begin + 1, len(split)))
    assert_same(Split.from_arrow(table.slice(begin, end - begin)), split.subset(slice(begin, end)))


def test_datasets_have_the_cards_columns(codes: SequenceDataset) -> None:
    part = codes.test.subset(slice(0, 20))
    dataset = part.to_dataset()
    assert dataset.column_names == ["sequence", "label", "motifs"]
    assert len(dataset) == 20
    row = dataset[3]
    assert row["sequence"] == decode(part.codes)[3]
    assert row["label"] == part.labels[3].tolist()
    assert [(motif["id"], motif["start"], motif["strand"]) for motif in row["motifs"]] == placements(part)[3]


def with_another(column: str, values: Callable[[npt.NDArray[Any]], list[Any]]) -> Callable[[Split], Split]:
    """Change one column of a split's placements."""

    def change(split: Split) -> Split:
        before = getattr(split.placements, column)
        changed = split.placements._replace(**{column: np.array(values(before), before.dtype)})
        return replace(split, placements=changed)

    return change


def with_another_letter(split: Split) -> Split:
    codes = split.codes.copy()
    codes[1, 5] = 3 - codes[1, 5]
    return replace(split, codes=codes)


def with_another_label(split: Split) -> Split:
    labels = split.labels.copy()
    labels[0] = 1 - labels[0]
    return replace(split, labels=labels)


CHANGES: dict[str, Callable[[Split], Split]] = {
    "a letter": with_another_letter,
    "a label": with_another_label,
    "a start": with_another("start", lambda before: [before[0] + 1, *before[1:]]),
    "a strand": with_another("strand", lambda before: [*before[:-1], "+-"[before[-1] == "+"]]),
    "a motif": with_another("motif", lambda before: ["MA0001.1", *before[1:]]),
    "the order": lambda split: split.subset(np.arange(len(split))[::-1]),
    "a row fewer": lambda split: split.subset(slice(1, None)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_fingerprint_sees_every_change(name: str) -> None:
    dataset = small("synthetic-codes", 20, 6, 4)
    changed = SequenceDataset(dataset.card, dataset.train, CHANGES[name](dataset.valid), dataset.test)
    assert changed.fingerprint != dataset.fingerprint


def test_the_fingerprint_does_not_depend_on_the_card_or_the_memory_layout() -> None:
    dataset = small("synthetic-codes", 20, 6, 4)
    fortran = Split(
        np.asfortranarray(dataset.train.codes), dataset.train.labels.astype(np.int64), dataset.train.placements
    )
    card: Card = dataset.card.model_copy(update={"title": "another"})
    assert SequenceDataset(card, fortran, dataset.valid, dataset.test).fingerprint == dataset.fingerprint
