"""The first page's best means: who has them, how many are tied with them, and what nobody can know of one trial."""

from collections.abc import Sequence

import pytest
from site_boards import AUROC, BENCHMARK, record, trials

from motifzoo.evaluate.leaderboard.entries import entries
from motifzoo.evaluate.leaderboard.site.home import Lead, Mark, home
from motifzoo.evaluate.leaderboard.site.table import Table

E = "filters/target_e"


def lead(*scores: Sequence[float]) -> Lead:
    """The first page's line on AUROC of models m0, m1, ... with these scores."""
    records = [item for index, values in enumerate(scores) for item in trials(f"m{index}-relu.synthetic-codes", values)]
    return home(Table(BENCHMARK, entries(records)[BENCHMARK])).leads[0]


@pytest.mark.parametrize(
    ("scores", "remark"),
    [
        ([[0.9, 0.91, 0.92]], ""),
        ([[0.9]], "one trial: untested"),
        ([[0.9], [0.8], [0.7]], "one trial each: untested"),
        ([[0.9, 0.91, 0.92], [0.8]], "1 untested"),
        ([[0.9, 0.91, 0.92], [0.89, 0.9, 0.91]], "1 tied"),
        ([[0.9, 0.91, 0.92], [0.5, 0.51, 0.52]], "none tied"),
        ([[0.9, 0.91, 0.92], [0.89, 0.9, 0.91], [0.8], [0.5, 0.51, 0.52]], "1 tied, 1 untested"),
    ],
)
def test_what_is_known_of_the_best_mean(scores: list[list[float]], remark: str) -> None:
    best = f"{sum(scores[0]) / len(scores[0]):.3f}"
    assert lead(*scores) == Lead("AUROC", Mark(best, "m0-relu", remark), None)


def test_the_best_mean_is_named_though_it_is_of_one_trial() -> None:
    assert lead([0.7, 0.71, 0.72], [0.8], [0.7, 0.69, 0.68], [0.6]) == Lead(
        "AUROC", Mark("0.800", "m1-relu", "one trial: untested"), Mark("0.710", "m0-relu", "1 tied, 2 untested")
    )


def test_of_several_trials_one_may_have_the_score() -> None:
    """E-values of a model whose two other trials have none."""
    claims = [
        record("m0-relu.own", trial, benchmark="own@1", metrics={E: 3e-9 if trial == 0 else None}, n={})
        for trial in range(3)
    ]
    (found,) = home(Table("own@1", entries(claims)["own@1"])).leads
    assert found.best == Mark("3.0e-09", "m0-relu", "one value: untested")


def test_ties_count_what_stands_below_the_first_that_is_told_apart() -> None:
    """The group of the best ends at the second, which varies little; the third may be as good."""
    found = lead([0.9, 0.91, 0.92], [0.8, 0.801, 0.802], [0.55, 0.75, 0.99])
    assert found.best == Mark("0.910", "m0-relu", "1 tied")


def test_controls_and_disputed_entries_lead_nothing() -> None:
    records = [
        *trials("net-relu.synthetic-codes", [0.7, 0.71]),
        *trials("start-relu.synthetic-codes", [0.9, 0.91], control="untrained"),
        *trials("bold-relu.synthetic-codes", [0.99], trust="disputed"),
    ]
    found = home(Table(BENCHMARK, entries(records)[BENCHMARK]))
    assert (found.models, found.trials) == (2, 3)
    assert found.leads[0].best == Mark("0.705", "net-relu", "")


def test_a_metric_without_contestants_has_no_line() -> None:
    records = trials("start-relu.synthetic-codes", [0.5], control="untrained")
    assert home(Table(BENCHMARK, entries(records)[BENCHMARK])).leads == ()


def test_e_values_are_told_as_such() -> None:
    claims = [
        record(f"m{index}-relu.own", benchmark="own@1", metrics={E: value}, n={})
        for index, value in enumerate((3e-9, 0.5))
    ]
    (found,) = home(Table("own@1", entries(claims)["own@1"])).leads
    assert found.best == Mark("3.0e-09", "m0-relu", "one trial each: untested")
    assert AUROC not in claims[0].metrics
