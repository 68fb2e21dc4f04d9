"""Tomtom's statistics: MEME's answers, worked examples, an exact slow implementation, memelite, and laws."""

import csv
import io
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motifzoo.data_cards.motifs import Motif, meme_text, query_motif, read_meme, search_database
from motifzoo.errors import DataError, MotifzooError
from motifzoo.evaluate.match_tsv import COLUMNS, hits_tsv, match_files
from motifzoo.evaluate.tomtom import TomtomTable, consensus, match, pvalues, q_values

REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "tomtom"
needs_reference = pytest.mark.skipif(not REFERENCE.is_dir(), reason=f"no reference data in {REFERENCE}")

# One of the reference queries with all that MEME 5.4.1 reports for it, for machines without the reference data.
FILTER3 = """\
0.1479 0.2271 0.3406 0.2844
0.1229 0.6406 0.0927 0.1437
0.3396 0.1250 0.2917 0.2437
0.0865 0.6948 0.0917 0.1271
0.1531 0.0917 0.6594 0.0958
0.2208 0.2927 0.1313 0.3552
0.1302 0.0990 0.6448 0.1260
0.2969 0.2990 0.2510 0.1531
0.2417 0.2812 0.2083 0.2687
0.2427 0.2625 0.2115 0.2833
"""
FILTER3_HITS = """\
filter3 MA0632.1 1 8.26157e-09 4.27949e-06 4.25533e-06 9 GCACGTGCCT GGCACGTGCC +
filter3 MA1099.1 1 1.10592e-06 0.000572867 0.000379755 9 GCACGTGCCT GGCACGCGTC +
filter3 MA0620.1 0 4.45284e-06 0.00230657 0.00091742 10 GCACGTGCCT CCACGTGACC -
filter3 MA0616.1 0 0.000176532 0.0914437 0.0303091 10 GCACGTGCCT GCACGTGTCGTTA -
"""


def pure(identifier: str, letters: str) -> Motif:
    """A motif that is certain of every column."""
    return Motif(identifier, "", np.eye(4)[:, ["ACGT".index(letter) for letter in letters]], 1e6)


def random_motif(identifier: str, seed: int, width: int, spread: float = 0.5) -> Motif:
    return query_motif(identifier, np.random.default_rng(seed).dirichlet([spread] * 4, width).T)


def flat(width: int) -> Motif:
    return query_motif("flat", np.full((4, width), 0.25))


def single_precision(value: float) -> str:
    return f"{np.float32(value):g}"


# ---- MEME ----


def test_one_query_as_meme_prints_it() -> None:
    query = query_motif("filter3", np.loadtxt(io.StringIO(FILTER3)).T)
    assert hits_tsv(match([query], search_database())) == ("\t".join(COLUMNS) + "\n" + FILTER3_HITS.replace(" ", "\t"))


@pytest.fixture(scope="module")
def reference() -> tuple[TomtomTable, list[dict[str, str]]]:
    with (REFERENCE / "hits_meme541.tsv").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return pvalues(read_meme(REFERENCE / "queries.meme"), search_database()), rows


@needs_reference
def test_the_hits_are_memes(reference: tuple[TomtomTable, list[dict[str, str]]]) -> None:
    table, rows = reference
    found = list(csv.DictReader(io.StringIO(hits_tsv(table.hits(0.1))), delimiter="\t"))
    assert len(rows) == 289
    exact = [name for name in COLUMNS if not name.endswith("-value")]
    assert [[row[name] for name in exact] for row in found] == [[row[name] for name in exact] for row in rows]


@needs_reference
def test_p_and_e_are_memes_in_every_printed_digit(reference: tuple[TomtomTable, list[dict[str, str]]]) -> None:
    # MEME holds p and E in single precision; rounded likewise, all six digits of all of them agree.
    table, rows = reference
    hits = table.hits(0.1)
    p = [np.float32(hit.p_value) for hit in hits]
    assert [single_precision(value) for value in p] == [row["p-value"] for row in rows]
    assert [single_precision(float(value) * 518) for value in p] == [row["E-value"] for row in rows]
    assert [hit.e_value for hit in hits] == pytest.approx([float(row["E-value"]) for row in rows], rel=6e-6)


@needs_reference
def test_q_is_memes_but_for_its_bootstrap(reference: tuple[TomtomTable, list[dict[str, str]]]) -> None:
    # MEME's lambda comes from random resamples: 22 of the 24 queries with hits choose the same as their expectation
    # (then q agrees to its six digits), the others one near it.
    table, rows = reference
    ratio = {
        row["Query_ID"]: hit.q_value / float(row["q-value"]) for hit, row in zip(table.hits(0.1), rows, strict=True)
    }
    assert sum(abs(value - 1) < 6e-6 for value in ratio.values()) == 22
    assert max(abs(value - 1) for value in ratio.values()) < 2e-3


@needs_reference
def test_match_files_reads_the_published_database(tmp_path: Path) -> None:
    published = REFERENCE.parent / "jaspar2016" / "JASPAR_CORE_2016_vertebrates.meme"
    queries = tmp_path / "queries.meme"
    queries.write_text(meme_text(read_meme(REFERENCE / "queries.meme")[:4]))
    assert hits_tsv(match_files(queries, published)) == hits_tsv(match_files(queries))


# ---- worked by hand ----


def test_one_column_against_one_column() -> None:
    # Target columns: A and, on the other strand, T. The query scores [0, -d]; its lower median is -d, so [d, 0].
    # P(a random column scores d) = 1/2 on each strand: p = 1 - (1/2)^2.
    hit = pvalues([pure("q", "A")], [pure("t", "A")]).best(0)
    assert hit._replace(p_value=0, e_value=0, q_value=0) == ("q", "t", 0, 0, 0, 0, 1, "A", "A", "+")
    assert hit.p_value == pytest.approx(3 / 4, rel=1e-12)


def test_two_columns_and_their_offsets() -> None:
    # Columns A, C, G, T, once each. Either query column scores d with its own letter and 0 (the median) else, so
    # 2d takes both columns: 1/16 at offset 0, impossible at the offsets -1 and 1. p = 1 - (15/16)^2 = 31/256.
    # q: the p-values are 31/256 and 1. At lambda 0.125 the share of nulls is (1/2) / (7/8) = 4/7, its smallest;
    # squared error (1/4) / (2 (7/8)^2) = 8/49, below lambda 0's (3/7)^2 = 9/49. q = 31/256 x 4/7 x 2 / 1.
    hit = pvalues([pure("q", "AC")], [pure("t", "AC")]).best(0)
    assert hit.p_value == pytest.approx(31 / 256, rel=1e-12)
    assert hit.q_value == pytest.approx(31 / 256 * 4 / 7 * 2, rel=1e-12)
    reverse = pvalues([pure("q", "AC")], [pure("t", "GT")]).best(0)
    assert reverse.p_value == pytest.approx(31 / 256, rel=1e-12)
    assert (reverse.orientation, reverse.target_consensus) == ("-", "AC")


def test_offset_counts_from_the_target() -> None:
    table = pvalues([pure("q", "CCA")], [pure("t", "TTGCCA"), pure("u", "CA")])
    assert [(int(table.offset[0, index]), int(table.overlap[0, index])) for index in (0, 1)] == [(3, 3), (-1, 2)]


def test_of_offsets_that_score_the_same_the_longest_overlap_is_reported() -> None:
    # The query's flat columns score 0 against anything pure; its A finds an A at three offsets.
    query = Motif("q", "", np.hstack([np.eye(4)[:, :1], np.full((4, 2), 0.25)]), 1e6)
    table = pvalues([query], [pure("t", "AAA")])
    assert (int(table.offset[0, 0]), int(table.overlap[0, 0])) == (0, 3)


def test_several_targets_multiply_e() -> None:
    table = pvalues([random_motif("q", 1, 6)], [random_motif(f"t{seed}", seed, 8) for seed in range(7)])
    np.testing.assert_array_equal(table.e, table.p * 7)


def test_q_values_of_all_nulls_are_benjamini_hochbergs() -> None:
    # Evenly spread p-values: every lambda's share of nulls is at least 1, and lambda 0 gives 1 without error.
    p = (np.arange(1000) + 1.0) / 1000
    np.testing.assert_allclose(q_values(p[::-1]), 1.0)


def test_q_values_rank() -> None:
    p = np.concatenate([np.full(20, 1e-6), np.linspace(0.01, 1, 180)])
    q = q_values(p)
    order = np.argsort(p, kind="stable")
    assert (np.diff(q[order]) >= 0).all()
    assert (q >= p * 0.8).all()
    assert q[0] == pytest.approx(1e-6 * 200 / 20 * 0.9, rel=0.05)  # 180 of 200 are null


def test_q_values_without_a_null_stay_above_zero() -> None:
    # The share of nulls is taken as at least one in all p-values: q = p x 4 / rank x 1/4.
    assert q_values(np.array([1e-6, 2e-6, 1e-5, 1e-4])).tolist() == pytest.approx([1e-6, 1e-6, 1e-5 / 3, 1e-4 / 4])


def test_consensus_ties_as_meme_prints_them() -> None:
    # From reference answers: .2766 of A and T at nsites 11 prints A, .3704 of A and G at nsites 13 prints G.
    earlier = Motif("x", "", np.array([[0.2766], [0.2340], [0.2128], [0.2766]]), 11)
    later = Motif("x", "", np.array([[0.3704], [0.0370], [0.3704], [0.2222]]), 13)
    assert (consensus(earlier), consensus(later)) == ("A", "G")


# ---- the definition, computed exactly and slowly ----


def exact_p(query: Motif, targets: list[Motif]) -> Iterator[Fraction]:
    """p of the query against each target, from the definition: every sum enumerated, in fractions."""

    def columns(motif: Motif) -> list[list[float]]:
        rows = []
        for column in motif.probabilities.T.tolist():
            total = sum(column)
            scale = total if abs(total - 1) > 1e-5 else 1.0
            rows.append([(value / scale * motif.nsites + 0.025) / (motif.nsites + 0.1) for value in column])
        return rows

    strands = [[columns(target), [column[::-1] for column in columns(target)[::-1]]] for target in targets]
    pool = [column for pair in strands for strand in pair for column in strand]
    shifted = []
    for column in columns(query):
        scores = [-math.dist(column, other) for other in pool]
        middle = sorted(scores)[(len(scores) - 1) // 2]
        shifted.append([score - middle for score in scores])
    low, high = math.floor(min(map(min, shifted))), max(map(max, shifted))
    scale = math.floor(100 / (high - low or 1))
    bins = [[math.floor((score - low) * scale + 0.5) + low * scale for score in scores] for scores in shifted]

    def tail(first: int, last: int, score: int) -> Fraction:
        sums = {0: Fraction(1)}
        for row in bins[first : last + 1]:
            grown: dict[int, Fraction] = {}
            for value, weight in sums.items():
                for score_here in row:
                    grown[value + score_here] = grown.get(value + score_here, Fraction(0)) + weight / len(row)
            sums = grown
        return sum((weight for value, weight in sums.items() if value >= score), Fraction(0))

    seen = 0
    for pair in strands:
        width = len(pair[0])
        begins = range(1 - width, query.width)
        ranges = [(max(0, begin), min(query.width, begin + width) - 1) for begin in begins]
        best = max(
            sum(bins[i][seen + strand * width + i - begin] for i in range(first, last + 1))
            for strand in (0, 1)
            for begin, (first, last) in zip(begins, ranges, strict=True)
        )
        seen += 2 * width
        yield 1 - math.prod(1 - tail(first, last, best) for first, last in ranges) ** 2


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 6),
    st.lists(st.integers(1, 5), min_size=1, max_size=3),
    st.sampled_from([0.1, 1.0, 20.0]),
)
@settings(max_examples=40, deadline=None)
def test_p_is_its_definition(seed: int, width: int, widths: list[int], spread: float) -> None:
    query = random_motif("q", seed, width, spread)
    targets = [random_motif(f"t{index}", seed + 1 + index, size, spread) for index, size in enumerate(widths)]
    expected = [float(value) for value in exact_p(query, targets)]
    np.testing.assert_allclose(pvalues([query], targets).p[0], expected, rtol=1e-9)


def test_small_p_keep_their_precision() -> None:
    query = random_motif("q", 5, 20, 0.3)
    decoys = [random_motif(f"t{seed}", seed, 12) for seed in range(6, 80)]
    table = pvalues([query], [query, *decoys])
    # Only the target itself reaches the top score: 20 independent columns of N, at one offset of 39, on two strands.
    columns = 2 * sum(target.width for target in table.targets)
    assert table.p[0, 0] == pytest.approx(2 / float(columns) ** 20, rel=1e-9)


# ---- memelite ----


@pytest.mark.slow
@needs_reference
def test_memelite_in_fine_bins_agrees() -> None:
    memelite = pytest.importorskip("memelite")
    database = search_database()
    queries = [
        *read_meme(REFERENCE / "queries.meme"),
        *(
            random_motif(f"{width} {spread}".replace(" ", "_"), width, width, spread)
            for width in (1, 2, 3, 19, 25, 40)
            for spread in (0.1, 3)
        ),
        flat(9),
    ]

    def prepared(motif: Motif) -> np.ndarray:
        matrix = motif.probabilities / motif.probabilities.sum(axis=0)
        return (matrix * motif.nsites + 0.025) / (motif.nsites + 0.1)

    theirs, *_ = memelite.tomtom(
        [prepared(query) for query in queries],
        # The published database is used as it is: its rows are off 1 by less than MEME's tolerance.
        [(target.probabilities * target.nsites + 0.025) / (target.nsites + 0.1) for target in database],
        n_target_bins=None,
        n_median_bins=10**6,
        n_jobs=1,
    )
    table = pvalues(queries, database)
    np.testing.assert_array_equal(theirs * len(database) <= 0.1, table.e <= 0.1)
    # memelite takes the mean of a bin for the median: now and then a column falls into the next score bin.
    np.testing.assert_allclose(theirs, table.p, rtol=1e-3)


# ---- laws ----


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Motif], list[Motif]]:
    seed = draw(st.integers(0, 2**32 - 1))
    spread = draw(st.sampled_from([0.05, 0.5, 5.0]))
    widths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=8))
    targets = [random_motif(f"t{index}", seed + index, width, spread) for index, width in enumerate(widths)]
    queries = [
        random_motif("q", seed + 99, draw(st.integers(1, 25)), spread),
        flat(draw(st.integers(1, 9))),
        *targets[:2],
    ]
    return queries, targets


@given(problems())
@settings(max_examples=60, deadline=None)
def test_ranges(problem: tuple[list[Motif], list[Motif]]) -> None:
    queries, targets = problem
    table = pvalues(queries, targets)
    widths = np.array([target.width for target in targets])
    lengths = np.array([query.width for query in queries])[:, None]
    assert ((table.p > 0) & (table.p <= 1)).all()
    assert ((table.q >= 0) & (table.q <= 1)).all()
    assert ((table.overlap >= 1) & (table.overlap <= np.minimum(widths, lengths))).all()
    aligned = np.minimum(lengths + table.offset, widths) - np.maximum(table.offset, 0)
    np.testing.assert_array_equal(table.overlap, aligned)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_reverse_complementing_all_targets_flips_the_strand(problem: tuple[list[Motif], list[Motif]]) -> None:
    queries, targets = problem
    before = pvalues(queries, targets)
    after = pvalues(queries, [target.reverse_complement() for target in targets])
    np.testing.assert_array_equal(before.p, after.p)
    np.testing.assert_array_equal(before.q, after.q)
    assert not (before.reverse & after.reverse).any()  # where both strands match equally, both say "+"
    once = before.reverse ^ after.reverse
    np.testing.assert_array_equal(before.offset[once], after.offset[once])
    np.testing.assert_array_equal(before.overlap[once], after.overlap[once])


@given(problems())
@settings(max_examples=60, deadline=None)
def test_reverse_complementing_a_query_keeps_p(problem: tuple[list[Motif], list[Motif]]) -> None:
    queries, targets = problem
    before = pvalues(queries, targets)
    after = pvalues([query.reverse_complement() for query in queries], targets)
    np.testing.assert_allclose(before.p, after.p, rtol=1e-9)  # sums over ranges run the other way


@given(problems(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_targets_does_not_matter(problem: tuple[list[Motif], list[Motif]], random: object) -> None:
    queries, targets = problem
    order = np.random.default_rng(random.randrange(2**32)).permutation(len(targets))  # type: ignore[attr-defined]
    before, after = pvalues(queries, targets), pvalues(queries, [targets[index] for index in order])
    for name in ("p", "e", "offset", "overlap", "reverse"):
        np.testing.assert_array_equal(getattr(before, name)[:, order], getattr(after, name), err_msg=name)
    np.testing.assert_allclose(before.q[:, order], after.q, rtol=1e-12)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_a_database_twice_over_keeps_p_and_doubles_e(problem: tuple[list[Motif], list[Motif]]) -> None:
    queries, targets = problem
    once, twice = pvalues(queries, targets), pvalues(queries, targets * 2)
    np.testing.assert_allclose(np.hstack([once.p, once.p]), twice.p, rtol=1e-12)
    np.testing.assert_allclose(np.hstack([once.e, once.e]) * 2, twice.e, rtol=1e-12)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_no_target_of_its_width_beats_a_motif_itself(problem: tuple[list[Motif], list[Motif]]) -> None:
    targets = problem[1]
    table = pvalues(targets, targets)
    for index, motif in enumerate(targets):
        same = [other for other, target in enumerate(targets) if target.width == motif.width]
        assert table.p[index, index] == table.p[index, same].min()
        assert table.overlap[index, index] == motif.width


def test_every_motif_of_the_database_finds_itself() -> None:
    database = search_database()
    chosen = range(0, len(database), 10)
    table = pvalues([database[index] for index in chosen], database)
    for row, index in enumerate(chosen):
        assert table.p[row, index] == table.p[row].min()
        assert (table.offset[row, index], table.reverse[row, index]) == (0, False)


# ---- odd input ----


@pytest.mark.parametrize("width", [1, 20, 100])
def test_flat_queries_match_nothing(width: int) -> None:
    table = pvalues([flat(width)], search_database())
    assert table.hits() == []
    assert table.best(0).e_value > 1
    assert np.isfinite(table.q).all()


def test_nothing_but_flat_motifs() -> None:
    assert pvalues([flat(3)], [flat(5)]).p.tolist() == [[1.0]]


@pytest.mark.parametrize("seed", [21, 24, 48])
def test_a_flat_query_does_not_see_rounding_errors(seed: int) -> None:
    # Permuted columns are equally far from flat up to the last bit of a sum; for these seeds that bit differs.
    column = np.random.default_rng(seed).dirichlet([1] * 4)[:, None]
    targets = [Motif(f"t{index}", "", column[list(order)]) for index, order in enumerate([(0, 1, 2, 3), (1, 0, 2, 3)])]
    assert pvalues([flat(1)], targets).p.tolist() == [[1.0, 1.0]]


def test_very_long_motifs_do_not_underflow_to_zero() -> None:
    motif = random_motif("long", 1, 100)
    others = [random_motif(f"t{seed}", seed, 12) for seed in range(2, 52)]
    assert pvalues([motif], [motif, *others]).p[0, 0] == np.finfo(float).tiny  # 1400 ** -100 is far below


def test_no_queries_no_hits() -> None:
    assert match([], search_database()) == []
    assert hits_tsv([]) == "\t".join(COLUMNS) + "\n"


def test_no_targets() -> None:
    with pytest.raises(DataError) as error:
        match([flat(3)], [])
    assert str(error.value) == "no target motifs to match against; give at least one."


@pytest.mark.parametrize(("threshold", "shown"), [(0.0, "0"), (-1.0, "-1"), (math.nan, "nan"), (math.inf, "inf")])
def test_thresholds(threshold: float, shown: str, tmp_path: Path) -> None:
    message = f"the E-value threshold is {shown}; legal is a finite number above 0, for example 0.1."
    for call in (
        lambda: match([flat(3)], search_database(), threshold=threshold),
        lambda: match_files(tmp_path / "not even read", None, threshold),
        lambda: pvalues([], search_database()).hits(threshold),
    ):
        with pytest.raises(MotifzooError) as error:
            call()
        assert str(error.value) == message


def test_a_high_threshold_keeps_everything_in_order() -> None:
    queries = [random_motif("b", 1, 7), random_motif("a", 2, 9)]
    targets = [random_motif(f"t{seed}", seed, 8) for seed in range(10, 20)]
    hits = match(queries, targets, threshold=1e9)
    assert [hit.query_id for hit in hits] == ["b"] * 10 + ["a"] * 10
    keys = [(hit.query_id == "a", hit.p_value, hit.orientation) for hit in hits]
    assert keys == sorted(keys)
    table = pvalues(queries, targets)
    assert [table.best(0), table.best(1)] == [hits[0], hits[10]]
