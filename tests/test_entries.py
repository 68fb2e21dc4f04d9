"""Records become entries: spreads against `statistics.spread`, trust, stamps that never mix, headline metrics."""

import math
import random

import numpy as np
import pytest
from board_rows import BENCHMARK, OTHER_SHA256, make_record, make_verification
from hypothesis import given, settings
from hypothesis import strategies as st

from motifzoo.data_cards.cards import list_datasets, load_card
from motifzoo.errors import BoardError
from motifzoo.evaluate.leaderboard.current import BoardStamps, current_stamps, packaged_card, stamps_of
from motifzoo.evaluate.leaderboard.entries import Entry, entries
from motifzoo.evaluate.leaderboard.headline import headline
from motifzoo.evaluate.leaderboard.record import Record
from motifzoo.evaluate.metric_table import METRICS
from motifzoo.evaluate.protocol import METHODS, PROTOCOL
from motifzoo.evaluate.statistics import Spread, spread

NAMES = ("classification/auroc", "filters/dead", "attribution/saliency/auroc")

values = st.floats(0, 1).map(lambda value: round(value, 3)) | st.none()
metrics = st.dictionaries(st.sampled_from(NAMES), values)


@st.composite
def boards(draw: st.DrawFn) -> list[Record]:
    """A few models with one to four trials each, on two benchmarks, some with other data."""
    return [
        make_record(
            model,
            trial,
            benchmark=draw(st.sampled_from([BENCHMARK, "other@1"])),
            metrics=draw(metrics),
            data_fingerprint=draw(st.sampled_from([load_card("synthetic-codes").fingerprint, OTHER_SHA256])),
            control=draw(st.sampled_from([None, None, "untrained"])),
            trust=draw(st.sampled_from(["claimed", "recomputed", "disputed"])),
        )
        for model in draw(st.sets(st.sampled_from(["a.x", "b.x", "c.x"])))
        for trial in range(draw(st.integers(1, 4)))
    ]


def test_a_models_trials_are_one_entry() -> None:
    records = [
        make_record(trial=trial, metrics={"classification/auroc": value, "filters/dead": dead}, variant="l2")
        for trial, (value, dead) in enumerate([(0.7, 0.0), (0.8, None), (0.9, 0.5)])
    ]
    (entry,) = entries(records)[BENCHMARK]
    assert entry.trials == tuple(records)
    assert (entry.model, entry.variant, entry.dataset) == ("tiny-relu.synthetic-codes", "l2", "synthetic-codes")
    assert (entry.trust, entry.outdated, entry.control) == ("claimed", False, None)
    accuracy, dead = entry.spreads["classification/auroc"], entry.spreads["filters/dead"]
    assert (accuracy.mean, accuracy.sd, accuracy.n) == (pytest.approx(0.8), pytest.approx(0.1), 3)
    assert accuracy.low == pytest.approx(0.8 - 4.302653 * 0.1 / math.sqrt(3))  # t of 2 degrees of freedom
    assert (dead.mean, dead.n) == (0.25, 2)


@settings(deadline=None)
@given(boards())
def test_spreads_are_those_of_each_trials_defined_values(records: list[Record]) -> None:
    found = entries(records)
    everyone = [entry for rows in found.values() for entry in rows]
    assert sorted((r.benchmark, r.model, r.trial) for entry in everyone for r in entry.trials) == sorted(
        (r.benchmark, r.model, r.trial) for r in records
    )
    for entry in everyone:
        assert {(r.benchmark, r.model, stamps_of(r), r.control) for r in entry.trials} == {
            (entry.benchmark, entry.model, entry.stamps, entry.control)
        }
        assert set(entry.spreads) == {name for trial in entry.trials for name in trial.metrics}
        for name, one in entry.spreads.items():
            stated = [trial.metrics.get(name) for trial in entry.trials]
            expected = spread([value for value in stated if value is not None])
            assert isinstance(one, Spread)
            assert one == pytest.approx(expected, abs=1e-12, nan_ok=True)


@settings(deadline=None)
@given(boards(), st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(records: list[Record], chance: random.Random) -> None:
    shuffled = chance.sample(records, len(records))
    assert repr(entries(shuffled)) == repr(entries(records))  # to the last digit; NaN is not equal to itself


def test_equal_values_have_no_spread() -> None:
    # 0.1 + 0.1 + 0.1 is 0.30000000000000004: a mean by division would stand above the one of two trials.
    records = [
        make_record(model, trial, metrics={"filters/dead": 0.1})
        for model, trials in (("a.x", 3), ("b.x", 2))
        for trial in range(trials)
    ]
    assert [(entry.spreads["filters/dead"][:3]) for entry in entries(records)[BENCHMARK]] == [(0.1, 0, 3), (0.1, 0, 2)]


def test_the_lowest_trust_of_the_trials_is_the_entrys() -> None:
    def trust(*trials: str) -> str:
        (entry,) = entries([make_record(trial=k, trust=given) for k, given in enumerate(trials)])[BENCHMARK]
        return entry.trust

    assert trust("recomputed", "recomputed") == "recomputed"
    assert trust("recomputed", "claimed") == "claimed"
    assert trust("recomputed", "disputed", "claimed") == "disputed"


def test_a_recomputed_trial_counts_with_the_maintainers_numbers() -> None:
    found = make_verification({"classification/auroc": 0.8999})
    (entry,) = entries([make_record(trust="recomputed", verification=found)])[BENCHMARK]
    assert entry.spreads["classification/auroc"].mean == 0.8999
    (entry,) = entries([make_record(trust="disputed", verification=found)])[BENCHMARK]
    assert entry.spreads["classification/auroc"].mean == 0.9


def test_two_records_of_one_trial_are_refused() -> None:
    with pytest.raises(BoardError) as error:
        entries([make_record(), make_record(submitter="somebody else")])
    assert str(error.value) == (
        "two records are of trial 0 of tiny-relu.synthetic-codes on synthetic-codes@1; a board has one a trial, at "
        "results/synthetic-codes@1/tiny-relu.synthetic-codes/trial-0.json. Remove one of them."
    )


def _outdated(*records: Record) -> dict[BoardStamps, bool]:
    return {entry.stamps: entry.outdated for rows in entries(records).values() for entry in rows}


def test_trials_with_other_stamps_are_an_outdated_entry_of_their_own() -> None:
    now = make_record(trial=0)
    for change in ({"data_fingerprint": OTHER_SHA256}, {"motifs_sha256": OTHER_SHA256}, {"protocol": PROTOCOL + 1}):
        other = make_record(trial=1, **change)
        assert _outdated(now, other) == {stamps_of(now): False, stamps_of(other): True}


def test_a_newer_protocol_is_current_once_a_maintainer_recomputed_under_it() -> None:
    now, newer = make_record(trial=0), make_record(trial=1, protocol=PROTOCOL + 1, motifs_sha256=OTHER_SHA256)
    assert _outdated(now, newer)[stamps_of(now)] is False
    newer = newer.model_copy(update={"trust": "recomputed"})
    assert _outdated(now, newer) == {stamps_of(now): True, stamps_of(newer): False}


def test_data_of_no_packaged_card_are_what_was_recomputed_most_then_what_most_claim() -> None:
    def current(*data: str, recomputed: str = "") -> str:
        records = [
            make_record(f"m{k}.own", benchmark="own@1", data_fingerprint=name * 64) for k, name in enumerate(data)
        ] + [
            make_record(f"r{k}.own", benchmark="own@1", data_fingerprint=name * 64, trust="recomputed")
            for k, name in enumerate(recomputed)
        ]
        return current_stamps(records)["own@1"].data_fingerprint[0]

    assert current("a", "b", "b") == "b"
    assert current("b", "a") == "a"
    assert current("b", "b", "b", recomputed="a") == "a"
    assert current(recomputed="aabbb") == "b"


def test_a_version_that_is_not_the_packaged_one_has_no_card() -> None:
    assert packaged_card("synthetic-codes@1") == load_card("synthetic-codes")
    assert packaged_card("synthetic-codes@2") is None
    assert packaged_card("readers@1") is None  # a folder among the cards that is no data set
    assert current_stamps([make_record(benchmark="synthetic-codes@2", data_fingerprint=OTHER_SHA256)]) == {
        "synthetic-codes@2": stamps_of(make_record(data_fingerprint=OTHER_SHA256))
    }


def test_current_stamps_may_be_given() -> None:
    record = make_record(data_fingerprint=OTHER_SHA256)
    (entry,) = entries([record], {BENCHMARK: stamps_of(record)})[BENCHMARK]
    assert not entry.outdated
    assert entries([record], {})[BENCHMARK][0].outdated


def test_an_empty_board_has_no_entries() -> None:
    assert entries([]) == {}
    (entry,) = entries([make_record(metrics={})])[BENCHMARK]
    assert entry.spreads == {}


def test_headline_of_packaged_benchmarks() -> None:
    planted = tuple(f"attribution/{method}/auroc" for method in METHODS)
    scanned = tuple(f"attribution/{method}/scan_auroc" for method in METHODS)
    assert headline("synthetic-codes@1") == ("classification/auroc", "filters/match_fraction", *planted)
    assert headline("synthetic-motifs@1") == ("classification/auroc", "filters/match_fraction")
    assert headline("chip-irf1@1") == ("classification/auroc", "filters/target_match", *scanned)
    for name in list_datasets():
        assert set(headline(load_card(name).benchmark)) <= set(METRICS)


def test_headline_of_other_data_is_what_most_entries_state() -> None:
    common = {"filters/target_match": 0.5, "filters/dead": 0.0, "classification/auroc": 0.9}
    records = [make_record(f"m{k}.own", benchmark="own@1", metrics=common) for k in range(3)]
    records.append(make_record("z.own", benchmark="own@1", metrics={"filters/match_fraction": 1.0}))
    rows: list[Entry] = entries(records)["own@1"]
    assert headline("own@1", rows) == ("classification/auroc", "filters/target_match")
    assert headline("own@1") == ()


def test_values_too_large_to_average_break_nothing() -> None:
    records = [make_record(trial=trial, metrics={"filters/dead": 1.7e308}) for trial in range(2)]
    records.append(make_record(trial=2, metrics={"filters/dead": 1.6e308}))
    (entry,) = entries(records)[BENCHMARK]
    assert entry.spreads["filters/dead"].mean == np.inf
