"""Motif instances: p-values against enumeration and TFM-PVALUE, instances against a loop and against lightmotif."""

import tracemalloc
from pathlib import Path

import h5py
import lightmotif
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motifzoo.data_cards.motifs import Motif, jaspar2016
from motifzoo.data_cards.onehot import LETTERS, Codes, decode, encode, from_onehot, reverse_complement
from motifzoo.data_cards.rows import MappedCodes
from motifzoo.errors import DataError, MotifzooError
from motifzoo.evaluate.pwm import UNIFORM, ScoreTable, log_odds, score_table
from motifzoo.evaluate.scan import Instances, instance_mask, scan

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no in vivo data in {DATA}")

JASPAR = {motif.id: motif for motif in jaspar2016()}
REST, GABPA, LEF1, IRF1, TP53, GATA1 = (
    JASPAR[name] for name in ("MA0138.2", "MA0062.2", "MA0768.1", "MA0050.2", "MA0106.3", "MA0035.3")
)
KNOWN = (REST, GABPA, LEF1, IRF1, TP53, GATA1, *(JASPAR[name] for name in ("MA0484.1", "MA0047.2", "MA0684.1")))
KNOWN += (JASPAR["MA0142.1"], JASPAR["MA0697.1"])
SKEWED = (0.4, 0.1, 0.2, 0.3)


def random_motif(seed: int, width: int, *, spread: float = 0.4, nsites: float = 50) -> Motif:
    return Motif(f"m{seed}", "", np.random.default_rng(seed).dirichlet([spread] * 4, width).T, nsites)


def random_codes(seed: int, count: int, length: int) -> Codes:
    return np.random.default_rng(seed).integers(0, 4, (count, length)).astype(np.uint8)


def consensus(motif: Motif) -> Codes:
    return motif.probabilities.argmax(axis=0).astype(np.uint8)


def of_all_words(columns: np.ndarray) -> np.ndarray:
    """The sum over columns `(4, W)` of each of the 4^W words."""
    sums = np.zeros(1, columns.dtype)
    for column in columns.T:
        sums = np.add.outer(sums, column).ravel()
    return sums


def unrounded_p_value(bits: np.ndarray, score: float) -> float:
    """P-value of a score of `(4, W)` log-odds: all words, as pairs of a left and a right half."""
    half = bits.shape[1] // 2
    left, right = of_all_words(bits[:, :half]), np.sort(of_all_words(bits[:, half:]))
    reaching = len(right) - np.searchsorted(right, np.sort(score - 1e-9 - left))
    return float(reaching.sum()) / 4.0 ** bits.shape[1]


def in_bits(table: ScoreTable) -> np.ndarray:
    return table.weights * table.step


def as_set(instances: Instances) -> set[tuple[object, ...]]:
    rows = set(zip(*(column.tolist() for column in instances), strict=True))
    assert len(rows) == len(instances.start)
    return rows


def assert_equal(found: Instances, expected: Instances) -> None:
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


# ---- log-odds ----


def test_log_odds_by_hand() -> None:
    # 9 sites: A 6, C 3. (6 + 0.025) / 9.1 over 0.25, and so on.
    bits = log_odds(Motif("m", "", np.array([[6 / 9], [3 / 9], [0], [0]]), 9))
    assert 2 ** bits[:, 0] == pytest.approx([24.1 / 9.1, 12.1 / 9.1, 0.1 / 9.1, 0.1 / 9.1], rel=1e-12)


def test_log_odds_over_another_background() -> None:
    # The pseudocount is spread as the background is: a letter that was never seen keeps 0.1 / 9.1 of its background.
    bits = log_odds(Motif("m", "", np.array([[6 / 9], [3 / 9], [0], [0]]), 9), SKEWED)
    assert 2 ** bits[:, 0] == pytest.approx([6.04 / 9.1 / 0.4, 3.01 / 9.1 / 0.1, 0.1 / 9.1, 0.1 / 9.1], rel=1e-12)


def test_columns_that_were_rounded_in_a_file_are_renormalised() -> None:
    rounded = Motif("m", "", np.array([[0.5], [0.3], [0.1], [0.09]]))
    whole = Motif("m", "", np.array([[0.5], [0.3], [0.1], [0.09]]) / 0.99)
    np.testing.assert_allclose(log_odds(rounded), log_odds(whole), rtol=1e-12)


def test_log_odds_of_counts_are_lightmotifs() -> None:
    counts = np.random.default_rng(0).multinomial(40, [0.6, 0.3, 0.1, 0.0], 9).T
    matrix = lightmotif.CountMatrix(dict(zip("ACGT", counts.tolist(), strict=True)))
    scores = matrix.normalize(0.025).log_odds()
    theirs = np.array([scores[column] for column in range(9)])[:, [0, 1, 3, 2]].T  # lightmotif's order is A C T G N
    np.testing.assert_allclose(log_odds(Motif("m", "", counts / 40, 40)), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("nsites", [1e-300, 1e300])
def test_log_odds_and_tables_are_finite_whatever_the_number_of_sites(nsites: float) -> None:
    motif = Motif("m", "", np.eye(4)[:, [0, 1, 2, 3, 0, 1, 2]], nsites)
    assert np.isfinite(log_odds(motif)).all()
    table = score_table(motif)
    assert table.tail.tolist()[:1] == ([4.0**-7] if nsites > 1 else [])


# ---- p-values ----


@given(st.integers(0, 10**6), st.integers(1, 8), st.sampled_from([0.1, 0.4, 2.0]), st.sampled_from([1e-3, 0.05, 1.0]))
def test_p_values_are_those_of_all_words_counted(seed: int, width: int, spread: float, p: float) -> None:
    motif = random_motif(seed, width, spread=spread)
    table = score_table(motif, p)
    scores = of_all_words(table.weights)
    p_values = (len(scores) - np.searchsorted(np.sort(scores), scores)) / len(scores)  # exact: multiples of 4^-W
    assert table.best == scores.max()
    np.testing.assert_array_equal(scores >= table.lowest, p_values < p)
    np.testing.assert_array_equal(table.p_values(scores[p_values < p]), p_values[p_values < p])


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_p_values_of_a_skewed_background_are_those_of_all_words_weighed(seed: int, width: int) -> None:
    table = score_table(random_motif(seed, width), 0.2, SKEWED)
    scores = of_all_words(table.weights)
    chances = np.exp(of_all_words(np.log(np.tile(np.array(SKEWED)[:, None], width))))
    for score in np.unique(scores[scores >= table.lowest]):
        assert table.p_values(score) == pytest.approx(chances[scores >= score].sum(), rel=1e-10)
    assert chances[scores >= scores[scores < table.lowest].max()].sum() >= 0.2 * (1 - 1e-10)


@pytest.mark.parametrize("motif", KNOWN, ids=lambda motif: motif.name)
def test_rounding_to_steps_moves_a_p_value_less_than_half_a_step_a_column(motif: Motif) -> None:
    table, bits = score_table(motif), log_odds(motif)
    slack = motif.width // 2 + 1
    assert np.abs(in_bits(table) - bits).max() <= table.step / 2
    for score in np.linspace(table.lowest + slack, table.best - slack, 3).astype(int):
        exact = unrounded_p_value(bits, score * table.step)
        assert table.p_values(score + slack) <= exact <= table.p_values(score - slack)
        assert table.p_values(score) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize("name", ["MA0768.1", "MA0035.3", "MA0484.1", "MA0047.2", "MA0684.1", "MA0142.1", "MA0697.1"])
def test_p_values_are_tfm_pvalues(name: str) -> None:
    # lightmotif's own exact method (Touzet & Varré 2007), on unrounded log-odds; it rounds them to single precision.
    table = score_table(JASPAR[name])
    theirs = lightmotif.ScoringMatrix(dict(zip("ACGT", log_odds(JASPAR[name]).tolist(), strict=True)))
    slack = JASPAR[name].width // 2 + 2
    for score in np.linspace(table.lowest + slack, table.best - 5000, 7).astype(int):
        p_value = theirs.pvalue(score * table.step, method="tfmpvalue")
        assert table.p_values(score + slack) <= p_value <= table.p_values(score - slack)


def test_the_threshold_is_the_lowest_score_below_p() -> None:
    table = score_table(GATA1)
    assert table.tail[-1] < 1e-4
    assert score_table(GATA1, 0.5).tail[len(table.tail)] >= 1e-4
    np.testing.assert_array_equal(score_table(GATA1, 0.5).tail[: len(table.tail)], table.tail)


def test_a_short_motif_has_no_score_below_p() -> None:
    table = score_table(random_motif(0, 6))  # 4^-6 > 1e-4
    assert len(table.tail) == 0
    assert table.lowest == table.best + 1


# ---- instances: a loop ----


def by_loop(codes: Codes, motifs: list[Motif], p: float) -> set[tuple[object, ...]]:
    """Every window scored letter by letter, p-values by counting words."""
    found = set()
    for index, motif in enumerate(motifs):
        table = score_table(motif, p)
        words = np.sort(of_all_words(table.weights))
        for row, sequence in enumerate(codes):
            for start in range(codes.shape[1] - motif.width + 1):
                window = sequence[start : start + motif.width]
                if (window > 3).any():
                    continue
                for reverse in (False, True):
                    read = reverse_complement(window) if reverse else window
                    score = sum(int(table.weights[letter, column]) for column, letter in enumerate(read))
                    p_value = (len(words) - np.searchsorted(words, score)) / len(words)
                    if p_value < p:
                        stop = start + motif.width
                        found.add((row, start, stop, index, reverse, score * table.step, p_value))
    return found


@given(st.data())
def test_instances_are_those_of_a_loop(data: st.DataObject) -> None:
    length = data.draw(st.integers(1, 30))
    codes = np.array(
        data.draw(st.lists(st.lists(st.integers(0, 6), min_size=length, max_size=length), min_size=1, max_size=4)),
        np.uint8,
    )
    widths = data.draw(st.lists(st.integers(1, 8), min_size=1, max_size=3))
    motifs = [random_motif(seed, width) for seed, width in enumerate(widths)]
    found = scan(codes, motifs, 0.1)
    assert as_set(found) == by_loop(codes, motifs, 0.1)
    order = list(zip(found.sequence, found.start, found.motif, found.reverse, strict=True))
    assert order == sorted(order)


# ---- instances: lightmotif ----


def by_lightmotif(codes: Codes, columns: np.ndarray, lowest: float) -> dict[tuple[int, int, bool], float]:
    """Scores of the windows with ACGT only that reach `lowest`, by sequence, start and whether reverse."""
    found = {}
    for reverse, oriented in ((False, columns), (True, columns[::-1, ::-1])):
        matrix = lightmotif.ScoringMatrix(dict(zip("ACGT", oriented.tolist(), strict=True)))
        for row, sequence in enumerate(decode(codes)):
            for hit in lightmotif.scan(matrix, lightmotif.stripe(sequence), threshold=lowest):
                if set(sequence[hit.position : hit.position + columns.shape[1]]) <= set("ACGT"):
                    found[row, hit.position, reverse] = hit.score
    return found


def check_against_lightmotif(codes: Codes, motif: Motif) -> Instances:
    """Assert that instances are lightmotif's; returns them."""
    found = scan(codes, [motif])
    table = score_table(motif)
    ours = dict(
        zip(
            zip(found.sequence.tolist(), found.start.tolist(), found.reverse.tolist(), strict=True),
            found.score.tolist(),
            strict=True,
        )
    )
    # Single precision holds our scores exactly.
    assert ours == by_lightmotif(codes, in_bits(table), table.lowest * table.step)
    # On unrounded log-odds only what lies within the rounding of the threshold may differ.
    rounding = (motif.width / 2 + 1) * table.step
    theirs = by_lightmotif(codes, log_odds(motif), table.lowest * table.step - rounding)
    assert ours.keys() <= theirs.keys()
    assert all(abs(ours[place] - theirs[place]) <= rounding for place in ours)
    assert all(theirs[place] < table.lowest * table.step + rounding for place in theirs.keys() - ours.keys())
    return found


@pytest.mark.parametrize("motif", KNOWN, ids=lambda motif: motif.name)
def test_instances_in_random_dna_are_lightmotifs(motif: Motif) -> None:
    codes = random_codes(1, 1000, 200)
    codes[np.random.default_rng(2).random(codes.shape) < 0.002] = LETTERS.index("N")
    assert len(check_against_lightmotif(codes, motif).start) > 10


@needs_data
@pytest.mark.parametrize(
    ("file", "motif"),
    [("REST_200.h5", REST), ("GABPA_200.h5", GABPA), ("LEF1_200.h5", LEF1), ("IRF1_400_h3k27ac.h5", IRF1)],
    ids=["REST", "GABPA", "LEF1", "IRF1"],
)
def test_instances_in_chip_seq_peaks_are_lightmotifs(file: str, motif: Motif) -> None:
    with h5py.File(DATA / file) as stream:
        names = {name.lower(): name for name in stream}
        codes = from_onehot(stream[names["x_test"]][:])
        positive = stream[names["y_test"]][:].ravel() == 1
    found = check_against_lightmotif(codes, motif)
    holds = instance_mask(found, *codes.shape).any(axis=1)
    assert holds[positive].mean() > 2 * holds[~positive].mean()


# ---- laws ----


@given(st.integers(0, 10**6))
def test_the_other_strand_mirrors_the_instances(seed: int) -> None:
    codes = random_codes(seed, 20, 60)
    codes[:, 30] = seed % len(LETTERS)
    motifs = [random_motif(seed, 5), random_motif(seed + 1, 7)]
    forward = scan(codes, motifs, 0.02, SKEWED)
    mirrored = scan(reverse_complement(codes), motifs, 0.02, SKEWED)
    turned = mirrored._replace(start=60 - mirrored.stop, stop=60 - mirrored.start, reverse=~mirrored.reverse)
    assert as_set(turned) == as_set(forward)


def test_a_motifs_reverse_complement_has_its_instances_on_the_other_strand() -> None:
    codes = random_codes(0, 500, 200)
    forward, turned = scan(codes, [GATA1]), scan(codes, [GATA1.reverse_complement()])
    assert as_set(turned._replace(reverse=~turned.reverse)) == as_set(forward)
    assert len(forward.start) > 10


@pytest.mark.parametrize(("begin", "end"), [(0, 2000), (600, 700), (655, 1310), (654, 656), (1999, 2000), (5, 5)])
def test_some_of_the_sequences_have_some_of_the_instances(begin: int, end: int) -> None:
    codes = random_codes(3, 2000, 200)  # three blocks and a part of one
    whole = scan(codes, [GATA1, LEF1])
    part = scan(codes[begin:end], [GATA1, LEF1])
    inside = (whole.sequence >= begin) & (whole.sequence < end)
    assert_equal(part._replace(sequence=part.sequence + begin), Instances._make(column[inside] for column in whole))


def test_each_motif_is_scanned_for_by_itself() -> None:
    codes = random_codes(4, 500, 200)
    together = scan(codes, KNOWN)
    for index, motif in enumerate(KNOWN):
        alone = scan(codes, [motif])
        chosen = together.motif == index
        assert_equal(alone._replace(motif=alone.motif + index), Instances._make(column[chosen] for column in together))


def test_sequences_on_disk_are_scanned_like_those_in_memory() -> None:
    codes = random_codes(5, 2000, 200)
    text = decode(codes)
    column = pa.chunked_array([text[:700], text[700:]], pa.string())
    assert_equal(scan(MappedCodes(column), [GATA1]), scan(codes, [GATA1]))


def test_memory_does_not_grow_with_the_number_of_sequences() -> None:
    def peak(count: int) -> int:
        codes = random_codes(6, count, 200)
        tracemalloc.start()
        scan(codes, [GATA1], 1e-7)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(8000) < 1.05 * peak(2000)


@pytest.mark.parametrize("motif", KNOWN, ids=lambda motif: motif.name)
def test_a_planted_consensus_is_found(motif: Motif) -> None:
    codes = random_codes(7, 40, 100)
    starts = np.arange(40) * 2
    for row, start in enumerate(starts):
        word = consensus(motif)
        codes[row, start : start + motif.width] = reverse_complement(word) if row % 2 else word
    found = scan(codes, [motif])
    places = set(zip(found.sequence.tolist(), found.start.tolist(), found.reverse.tolist(), strict=True))
    assert {(row, start, row % 2 == 1) for row, start in enumerate(starts.tolist())} <= places
    assert found.score.max() == score_table(motif).best * score_table(motif).step


def test_windows_do_not_run_from_one_sequence_into_the_next() -> None:
    word = consensus(GATA1)
    codes = np.zeros((2, 20), np.uint8)
    codes[0, -6:], codes[1, :5] = word[:6], word[6:]
    assert len(scan(codes, [GATA1]).start) == 0
    assert scan(codes.reshape(1, 40), [GATA1]).start.tolist() == [14]


@pytest.mark.parametrize("letter", LETTERS[4:])
def test_a_window_with_any_other_letter_is_no_instance(letter: str) -> None:
    codes = np.tile(consensus(GATA1), (GATA1.width, 1))
    assert len(scan(codes, [GATA1]).start) == GATA1.width
    np.fill_diagonal(codes, LETTERS.index(letter))
    assert len(scan(codes, [GATA1]).start) == 0


def test_a_palindrome_is_an_instance_on_both_strands() -> None:
    found = scan(encode(["TTACACGTGTAA"]), [Motif("m", "", np.eye(4)[:, [0, 1, 0, 1, 2, 3, 2, 3]])])
    assert found.start.tolist() == [2, 2]
    assert found.reverse.tolist() == [False, True]
    assert found.p_value.tolist() == [4.0**-8] * 2


def test_p_values_fall_with_the_score() -> None:
    found = scan(random_codes(8, 2000, 200), KNOWN, 1e-3)
    for index in range(len(KNOWN)):
        chosen = found.motif == index
        order = np.argsort(found.score[chosen])
        score, p_value = found.score[chosen][order], found.p_value[chosen][order]
        assert len(score) > 100
        assert (np.diff(p_value)[np.diff(score) > 0] < 0).all()
        assert (np.diff(p_value)[np.diff(score) == 0] == 0).all()


@pytest.mark.parametrize("motif", [REST, GABPA, GATA1, TP53], ids=lambda motif: motif.name)
def test_random_dna_has_as_many_instances_as_the_p_values_say(motif: Motif) -> None:
    # Windows overlap, so the error of a count is taken from how counts vary between sequences, which are independent.
    # Four standard errors: a correct scanner fails once in 16,000 seeds.
    count, length = 10_000, 200
    found = scan(random_codes(9, count, length), [motif], 1e-2)
    for p in (1e-2, 1e-3, 1e-4):
        counts = np.bincount(found.sequence[found.p_value < p], minlength=count)
        expected = 2 * (length - motif.width + 1) * score_table(motif, p).tail[-1]
        assert abs(counts.mean() - expected) < 4 * counts.std() / np.sqrt(count)


def test_random_dna_of_another_composition_has_as_many_instances_as_the_p_values_say() -> None:
    even = (0.35, 0.15, 0.15, 0.35)  # the same on both strands
    codes = np.random.default_rng(10).choice(4, (10_000, 200), p=even).astype(np.uint8)
    expected = 2 * 190 * score_table(GATA1, 1e-3, even).tail[-1]
    counts = np.bincount(scan(codes, [GATA1], 1e-3, even).sequence, minlength=10_000)
    assert abs(counts.mean() - expected) < 4 * counts.std() / 100
    uniform = np.bincount(scan(codes, [GATA1], 1e-3).sequence, minlength=10_000)
    assert uniform.mean() > 1.2 * expected  # GATA1 is rich in A and T


# ---- nothing to find ----


@pytest.mark.parametrize(
    ("codes", "motifs"),
    [
        (np.zeros((3, 10), np.uint8), [GATA1]),  # 11 columns
        (np.zeros((0, 200), np.uint8), [GATA1]),
        (np.zeros((0, 0), np.uint8), [GATA1]),
        (np.zeros((3, 0), np.uint8), [GATA1]),
        (np.zeros((3, 200), np.uint8), []),
        (np.zeros((3, 200), np.uint8), [Motif("flat", "", np.full((4, 12), 0.25))]),
        (np.full((3, 200), 4, np.uint8), [GATA1]),
    ],
    ids=["wider than the sequences", "no sequences", "nothing", "empty sequences", "no motifs", "flat", "all N"],
)
def test_nothing_to_find(codes: Codes, motifs: list[Motif]) -> None:
    found = scan(codes, motifs)
    kinds = [np.int64, np.int64, np.int64, np.int64, np.bool_, np.float64, np.float64]
    assert [(column.shape, column.dtype) for column in found] == [((0,), kind) for kind in kinds]
    assert not instance_mask(found, *codes.shape).any()


def test_a_p_value_at_the_threshold_is_not_below_it() -> None:
    motif = random_motif(0, 8)
    scores = of_all_words(score_table(motif).weights)
    ranked = np.unique(scores)[::-1]
    above = int(np.flatnonzero(np.diff(ranked) == -1)[0])  # two words that score one step apart
    words = np.array([np.flatnonzero(scores == score)[0] for score in ranked[above : above + 2]])
    codes = (words[:, None] // 4 ** np.arange(8)[::-1] % 4).astype(np.uint8)
    p_values = [(scores >= score).mean() for score in ranked[above : above + 2]]
    for p, expected in ((p_values[1], [0]), (np.nextafter(p_values[1], 1), [0, 1])):
        found = scan(codes, [motif], p)
        assert found.sequence[~found.reverse].tolist() == expected
        assert found.p_value[~found.reverse].tolist() == p_values[: len(expected)]


def test_a_motif_as_wide_as_the_sequence() -> None:
    assert scan(consensus(GATA1)[None], [GATA1]).start.tolist() == [0]


# ---- masks ----


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 11), st.integers(1, 5)), max_size=8))
def test_the_mask_is_what_the_instances_cover(places: list[tuple[int, int, int]]) -> None:
    sequence, start, width = np.array(places, np.int64).reshape(-1, 3).T
    filler = np.zeros(len(places), np.int64)
    stop = np.minimum(start + width, 12)
    expected = np.zeros((4, 12), np.bool_)
    for row, begin, end in zip(sequence, start, stop, strict=True):
        expected[row, begin:end] = True
    instances = Instances(sequence, start, stop, filler, filler > 0, filler * 1.0, filler * 1.0)
    np.testing.assert_array_equal(instance_mask(instances, 4, 12), expected, strict=True)


@pytest.mark.parametrize(("count", "length"), [(2, 100), (3, 60)])
def test_a_mask_that_is_too_small(count: int, length: int) -> None:
    codes = np.zeros((3, 100), np.uint8)
    codes[2, 50:61] = consensus(GATA1)
    with pytest.raises(DataError) as error:
        instance_mask(scan(codes, [GATA1]), count, length)
    assert str(error.value) == (
        f"a mask of {count} sequences of {length} nt was asked for, but there are instances in sequence 2 and up to "
        "position 61; give the shape of the sequences that were scanned."
    )


# ---- bad input ----


@pytest.mark.parametrize(("p", "shown"), [(0, "0"), (-1e-4, "-0.0001"), (1.5, "1.5"), (float("nan"), "nan")])
def test_a_bad_p_value(p: float, shown: str) -> None:
    with pytest.raises(MotifzooError) as error:
        scan(random_codes(0, 2, 50), [GATA1], p)
    assert str(error.value) == (
        f"the p-value threshold is {shown}; legal is a number above 0 and at most 1, for example 0.0001."
    )


@pytest.mark.parametrize(
    ("background", "shown"),
    [
        ((0.3, 0.3, 0.3, 0.3), "0.3, 0.3, 0.3, 0.3"),
        ((0.5, 0.5, 0, 0), "0.5, 0.5, 0, 0"),
        ((1.5, -0.5, 0.5, -0.5), "1.5, -0.5, 0.5, -0.5"),
        ((0.5, 0.5), "0.5, 0.5"),
        ((float("nan"), 0.5, 0.25, 0.25), "nan, 0.5, 0.25, 0.25"),
    ],
)
def test_a_bad_background(background: tuple[float, ...], shown: str) -> None:
    with pytest.raises(MotifzooError) as error:
        scan(random_codes(0, 2, 50), [GATA1], background=background)
    assert str(error.value) == (
        f"the background frequencies are {shown}; legal is four numbers above 0, of A, C, G and T, that sum to 1, "
        "for example 0.25, 0.25, 0.25, 0.25."
    )


def test_the_default_background_is_uniform() -> None:
    np.testing.assert_array_equal(log_odds(GATA1), log_odds(GATA1, UNIFORM))


@pytest.mark.parametrize(
    ("codes", "shown"),
    [
        (np.zeros(200, np.uint8), "uint8 of shape (200,)"),
        (np.zeros((2, 4, 200), np.float32), "float32 of shape (2, 4, 200)"),
        (np.zeros((2, 200), np.int64), "int64 of shape (2, 200)"),
    ],
)
def test_sequences_that_are_no_codes(codes: np.ndarray, shown: str) -> None:
    with pytest.raises(DataError) as error:
        scan(codes, [GATA1])
    assert str(error.value) == f"sequences to scan are {shown}; legal is codes, uint8 (N, L)."
