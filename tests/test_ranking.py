"""Ranks and tie groups: against a slow oracle of plain loops and SciPy's t-test, by hand, and by their laws."""

import random
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from board_rows import BENCHMARK, OTHER_SHA256, make_record
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from motifzoo.errors import BoardError, UnknownNameError
from motifzoo.evaluate.leaderboard.comparison import Sample, compare, first_apart
from motifzoo.evaluate.leaderboard.entries import Entry, entries
from motifzoo.evaluate.leaderboard.ranking import Ranked, rank
from motifzoo.evaluate.statistics import holm, welch

METRIC = "filters/match_any"  # higher is better
OPPOSITE = "filters/dead"

Values = Sequence[float | None]

# Trials that scatter little around a few levels: many pairs differ, many do not, some are equal.
trials = st.tuples(
    st.sampled_from([0.25, 0.5, 0.75]), st.lists(st.integers(-3, 3).map(lambda step: step / 64), min_size=1, max_size=6)
).map(lambda drawn: [drawn[0] + step for step in drawn[1]])
boards = st.lists(trials, max_size=7)


def make_entries(board: Sequence[Values], metric: str = METRIC, prefix: str = "m", **facts: Any) -> list[Entry]:
    """One entry for each list of values, named m0.x, m1.x, ..."""
    records = [
        make_record(f"{prefix}{index}.x", trial, metrics={metric: value}, **facts)
        for index, values in enumerate(board)
        for trial, value in enumerate(values)
    ]
    return entries(records).get(BENCHMARK, [])


class Expected(NamedTuple):
    """What the oracle says of one entry, as in `Ranked`."""

    model: str
    group: int
    best_rank: int
    worst_rank: int
    tested: bool


def oracle(board: Sequence[Sequence[float]]) -> list[Expected]:
    """The ranking by its definition: SciPy tests each pair, Holm's steps and groups one by one."""
    order = sorted(range(len(board)), key=lambda index: (-np.mean(board[index]), f"m{index}.x"))
    pairs = [(a, b) for a in order for b in order if a < b and min(len(board[a]), len(board[b])) > 1]
    p = {pair: _p_value(board[pair[0]], board[pair[1]]) for pair in pairs}
    apart: set[tuple[int, int]] = set()
    for step, pair in enumerate(sorted(pairs, key=lambda pair: p[pair])):
        if p[pair] * (len(pairs) - step) >= 0.05:
            break
        apart |= {pair, pair[::-1]}
    expected: list[Expected] = []
    leader: int | None = None
    group = 1
    for place, index in enumerate(order):
        tested = len(board[index]) > 1
        if tested and leader is None:
            leader = index
        elif tested and (leader, index) in apart:
            leader, group = index, group + 1
        better = sum((index, other) in apart for other in order[:place])
        worse = sum((index, other) in apart for other in order[place:])
        expected.append(Expected(f"m{index}.x", group, 1 + better, len(order) - worse, tested))
    return expected


def _p_value(a: Sequence[float], b: Sequence[float]) -> float:
    if len(set(a)) == len(set(b)) == 1:
        return 1.0  # no test, though Holm's correction counts the pair
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one of the two is constant
        return float(stats.ttest_ind(a, b, equal_var=False).pvalue)


def _facts(rows: Sequence[Ranked]) -> list[tuple[object, ...]]:
    return [(row.entry.model, row.position, row.group, row.best_rank, row.worst_rank, row.tested) for row in rows]


@settings(max_examples=300, deadline=None)
@given(boards)
# Nothing differs, though a p-value that was computed, 0.13, is above one that needed no computing, 0.11.
@example([[0.25, 0.25], [0.25, 0.265625], [0.28125, 0.296875]])
def test_ranking_is_the_oracles(board: list[list[float]]) -> None:
    expected = [
        (row.model, position, row.group, row.best_rank, row.worst_rank, row.tested)
        for position, row in enumerate(oracle(board), start=1)
    ]
    assert _facts(rank(make_entries(board), METRIC)) == expected


def test_ranking_by_hand() -> None:
    board = [[0.90, 0.91, 0.92], [0.89, 0.90, 0.93], [0.50, 0.51, 0.52], [0.90], [0.51]]
    # m2 differs from m0 (t = 49.0, 4 degrees of freedom, p = 1e-6) and from m1 (t = 29.6, 2.9, p = 1e-4), they do not.
    assert _facts(rank(make_entries(board), METRIC)) == [
        ("m0.x", 1, 1, 1, 4, True),
        ("m1.x", 2, 1, 1, 4, True),
        ("m3.x", 3, 1, 1, 5, False),
        ("m2.x", 4, 2, 3, 5, True),
        ("m4.x", 5, 2, 1, 5, False),
    ]


def test_a_single_trial_above_the_first_leader_is_in_its_group() -> None:
    rows = rank(make_entries([[0.95], [0.90, 0.91], [0.1, 0.1, 0.1]]), METRIC)
    assert [(row.entry.model, row.group, row.tested) for row in rows] == [
        ("m0.x", 1, False), ("m1.x", 1, True), ("m2.x", 2, True),
    ]  # fmt: skip


@settings(deadline=None)
@given(boards)
def test_laws(board: list[list[float]]) -> None:
    rows = rank(make_entries(board), METRIC)
    assert [row.position for row in rows] == list(range(1, len(board) + 1))
    assert all(row.best_rank <= row.position <= row.worst_rank for row in rows)
    means = [row.spread.mean for row in rows]
    assert means == sorted(means, reverse=True)
    groups = [row.group for row in rows]
    steps = np.diff([1, *groups])
    assert set(steps) <= {0, 1}  # contiguous, from 1
    for row in rows:
        if not row.tested:
            assert (row.best_rank, row.worst_rank) == (1, len(rows))


@settings(deadline=None)
@given(boards, st.randoms(use_true_random=False))
def test_the_order_of_entries_changes_nothing(board: list[list[float]], chance: random.Random) -> None:
    given_entries = make_entries(board)
    expected = rank(given_entries, METRIC)
    chance.shuffle(given_entries)
    assert rank(given_entries, METRIC) == expected


@settings(deadline=None)
@given(boards)
def test_a_metric_where_lower_is_better_ranks_the_other_way(board: list[list[float]]) -> None:
    opposite = [[1 - value for value in values] for values in board]  # exact: the values are multiples of 1/64
    assert _facts(rank(make_entries(opposite, OPPOSITE), OPPOSITE)) == _facts(rank(make_entries(board), METRIC))


@settings(deadline=None)
@given(boards, trials)
@pytest.mark.parametrize(
    "facts",
    [{"control": "untrained"}, {"trust": "disputed"}, {"data_fingerprint": OTHER_SHA256}, {"metric": OPPOSITE}],
    ids=["control", "disputed", "outdated", "without a value"],
)
def test_rows_without_a_rank_change_no_other(
    facts: dict[str, Any], board: list[list[float]], values: list[float]
) -> None:
    ranked = make_entries(board)
    rows = rank([*make_entries([values], prefix="extra", **facts), *ranked], METRIC)
    assert [row for row in rows if row.entry.model.startswith("m")] == rank(ranked, METRIC)
    (other,) = (row for row in rows if row.entry.model == "extra0.x")
    assert other[2:] == (None, None, None, None, False)


def test_controls_stand_by_their_means_and_the_rest_at_the_end() -> None:
    control = make_entries([[0.5, 0.6]], prefix="control", control="untrained")
    disputed = make_entries([[1.0, 1.0]], prefix="disputed", trust="disputed")
    valueless = make_entries([[None, None]], prefix="none")
    lacking = make_entries([[1.0]], OPPOSITE, prefix="lacking")
    outdated = make_entries([[1.0]], prefix="outdated", data_fingerprint=OTHER_SHA256)
    rows = rank([*disputed, *control, *valueless, *lacking, *outdated, *make_entries([[0.2], [0.8]])], METRIC)
    assert [(row.entry.model, row.position) for row in rows] == [
        ("m1.x", 1), ("control0.x", None), ("m0.x", 2), ("outdated0.x", None), ("disputed0.x", None),
        ("lacking0.x", None), ("none0.x", None),
    ]  # fmt: skip


def test_undefined_trials_are_left_out() -> None:
    rows = rank(make_entries([[0.5, None, 0.7], [None, 0.65]]), METRIC)
    assert [(row.entry.model, row.spread.n, row.tested) for row in rows] == [("m1.x", 1, False), ("m0.x", 2, True)]


def test_a_part_of_a_metric_is_ranked_as_the_metric() -> None:
    part = "filters/target_e/IRF1"
    rows = rank(make_entries([[10.0], [1e-5]], part), part)
    assert [row.entry.model for row in rows] == ["m1.x", "m0.x"]


def test_no_entries_make_no_rows() -> None:
    assert rank([], METRIC) == []


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(UnknownNameError) as error:
        rank(make_entries([[0.5]]), "classification/auprc")
    assert str(error.value) == (
        "unknown metric 'classification/auprc': did you mean 'classification/aupr' or 'classification/auroc'?"
    )


def test_benchmarks_and_stamps_never_mix() -> None:
    other = make_entries([[0.5]])[0]
    with pytest.raises(BoardError) as error:
        rank([other, *entries([make_record(benchmark="synthetic-codes@2")])["synthetic-codes@2"]], METRIC)
    assert str(error.value) == (
        "entries of synthetic-codes@1 and synthetic-codes@2 cannot be ranked together: rank each benchmark alone."
    )
    stranger = make_record("other.x", motifs_sha256=OTHER_SHA256)
    (alone,) = entries([stranger], {BENCHMARK: other.stamps._replace(motifs_sha256=OTHER_SHA256)})[BENCHMARK]
    with pytest.raises(BoardError) as error:
        rank([other, alone], METRIC)
    assert str(error.value) == (
        "entries of synthetic-codes@1 with different protocols, data or motifs cannot be ranked together: at most one "
        "of these can be current, and entries with others are outdated."
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 30, 5000]), st.sampled_from([0.001, 0.02, 0.3]))
@settings(max_examples=100, deadline=None)
def test_compare_finds_the_pairs_that_welch_and_holm_find(seed: int, most: int, scale: float) -> None:
    drawn = np.random.default_rng(seed)
    size = 30
    sample = Sample(
        np.sort(drawn.beta(8, 3, size))[::-1],
        scale * drawn.gamma(2, 1, size) * drawn.integers(0, 2, size),
        drawn.integers(2, most + 1, size),
    )
    first, second = np.triu_indices(size, 1)
    p = welch(*(column[first] for column in sample), *(column[second] for column in sample))
    p[(sample.sd[first] == 0) & (sample.sd[second] == 0)] = 1.0  # no test
    apart = np.zeros((size, size), np.bool_)
    apart[first, second] = holm(p) < 0.05
    found = compare(sample)
    assert np.array_equal(found.later, apart.sum(axis=1))
    assert np.array_equal(found.earlier, apart.sum(axis=0))
    for index in range(size):
        assert first_apart(sample, index, found.below) == (apart[index].argmax() if apart[index].any() else size)


def test_compare_gives_the_same_in_many_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = np.random.default_rng(0)
    sample = Sample(np.sort(drawn.random(50)), drawn.random(50) / 20, drawn.integers(2, 11, 50))
    whole = compare(sample)
    monkeypatch.setattr("motifzoo.evaluate.leaderboard.comparison._BLOCK", 7)
    blocks = compare(sample)
    assert all(np.array_equal(one, other) for one, other in zip(whole, blocks, strict=True))
    assert 0 < whole.later.sum() < 50 * 49 / 2


def test_a_mean_that_is_not_finite_is_told_apart_from_none() -> None:
    sample = Sample(np.array([np.inf, 0.5, 0.1]), np.array([np.nan, 1e-9, 0.0]), np.array([2, 2, 2]))
    found = compare(sample)
    assert (found.later.tolist(), found.earlier.tolist()) == ([0, 1, 0], [0, 0, 1])
    assert first_apart(sample, 0, found.below) == 3


def test_two_means_without_spread_are_not_told_apart() -> None:
    """Two trials each, 30 of 32 filters against none: it is the share's coarseness that makes them equal."""
    sample = Sample(np.array([0.9375, 0.5, 0.0]), np.array([0.0, 0.01, 0.0]), np.array([2, 2, 2]))
    found = compare(sample)
    assert (found.later.tolist(), found.earlier.tolist()) == ([1, 1, 0], [0, 1, 1])
    assert [first_apart(sample, index, found.below) for index in range(3)] == [1, 2, 3]
