"""The study's comparison: scores from wherever they are, tests that SciPy agrees with, and nothing hidden."""

import itertools
import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scored_models import measured, result, scored

from motifzoo.errors import MotifzooError
from motifzoo.evaluate.leaderboard.boards import EMBEDDED, open_board
from motifzoo.evaluate.metric_table import METRICS, metric_of
from motifzoo.evaluate.reproduce.differences import all_pairs
from motifzoo.evaluate.reproduce.headline import headlines, lower
from motifzoo.evaluate.reproduce.questions import QUESTIONS, TRADES, unmodified
from motifzoo.evaluate.reproduce.scored import Measured, from_evaluations, from_packaged, from_results
from motifzoo.evaluate.reproduce.tables import (
    AGAINST_CONTROL,
    AGAINST_REFERENCE,
    AGAINST_UNMODIFIED,
    Answer,
    Panel,
    answers,
)
from motifzoo.evaluate.reproduce.trades import correlation, trades
from motifzoo.evaluate.reproduce.wording import told
from motifzoo.evaluate.results import read_result, write_result
from motifzoo.zoo import sources
from motifzoo.zoo.layers import ACTIVATIONS
from motifzoo.zoo.model_card.scores import read_scores
from motifzoo.zoo.recipe import packaged
from motifzoo.zoo.sources import find, list_models

MATCH = "filters/match_fraction"
VALUES = {
    "exponential": (0.9, 0.86, 0.88, 0.9),
    "relu": (0.1, 0.2, 0.15),
    "tanh": (0.84, 0.93),
    "linear": (0.3,),
    "elu": (0.99, 0.97, 0.98),
}


def model(activation: str, architecture: str = "cnn-deep", dataset: str = "synthetic-motifs") -> Measured:
    return measured(f"{architecture}-{activation}.{dataset}", {MATCH: VALUES.get(activation, (0.5, 0.6, 0.55))})


def named(label: str) -> str:
    return f"cnn-deep-{label}.synthetic-motifs"


def plain(found: tuple[Answer, ...]) -> Panel:
    """The panel of cnn-deep's match fraction in the main comparison."""
    answer = next(answer for answer in found if answer.question.id == "motifs")
    return next(panel for panel in answer.panels if (panel.metric, panel.architecture) == (MATCH, "cnn-deep"))


def summary(values: Sequence[float]) -> tuple[float, float, int]:
    return float(np.mean(values)), float(np.std(values, ddof=1)), len(values)


def holm_by_hand(p: list[float]) -> list[float]:
    """Sorted p times how many are left, none below the one before."""
    adjusted, largest = [0.0] * len(p), 0.0
    for place, index in enumerate(sorted(range(len(p)), key=lambda index: p[index])):
        largest = max(largest, min(1.0, p[index] * (len(p) - place)))
        adjusted[index] = largest
    return adjusted


def test_the_questions_ask_for_scores_that_there_are() -> None:
    for question in (*QUESTIONS, *TRADES):
        assert set(question.metrics) <= set(METRICS)
        assert any(recipe.dataset == question.dataset for recipe in packaged().values())
    assert len({question.id for question in (*QUESTIONS, *TRADES)}) == len(QUESTIONS) + len(TRADES)


@pytest.mark.parametrize(
    ("label", "base"),
    [
        ("relu", None),
        ("exponential", None),
        ("shift_relu", "relu"),
        ("shift_scale_sigmoid", "sigmoid"),
        ("scale_tanh", "tanh"),
        ("exp_relu", "relu"),
        ("log_relu", "relu"),
        ("log_relu-l2", "log_relu"),
        ("exponential-shuffled", "exponential"),
        ("my_net", None),
    ],
)
def test_what_an_activation_is_made_of(label: str, base: str | None) -> None:
    assert unmodified(label) == base
    assert base is None or base in ACTIVATIONS


def test_tests_and_spreads_are_scipys() -> None:
    panel = plain(answers(scored(*map(model, VALUES))))
    cells = {cell.label: cell for cell in panel.cells}
    assert [cell.label for cell in panel.cells] == ["relu", "exponential", "tanh", "linear", "elu"]  # the zoo's order
    for label, values in VALUES.items():
        assert cells[label].spread.mean == pytest.approx(np.mean(values))
        assert cells[label].spread.n == len(values)
        assert [value for _, value in cells[label].values] == list(values)
    tested = ["relu", "tanh", "elu"]
    raw = [stats.ttest_ind(VALUES["exponential"], VALUES[label], equal_var=False).pvalue for label in tested]
    for label, p, corrected in zip(tested, raw, holm_by_hand(raw), strict=True):
        test = panel.against(named(label), AGAINST_REFERENCE)
        assert test is not None
        assert (test.p, test.p_holm) == (pytest.approx(p), pytest.approx(corrected))
        assert test.difference == pytest.approx(np.mean(VALUES["exponential"]) - np.mean(VALUES[label]))
    verdicts = {test.second.label: test.verdict for test in panel.differences}
    assert verdicts == {
        "relu": "higher",
        "tanh": "not told apart",
        "linear": "not tested: fewer than two trials",
        "elu": "lower",
    }


def test_where_neither_side_has_any_spread_there_is_no_test() -> None:
    """Neither of other means nor of equal ones: and none counts in the correction of the rest."""
    values: dict[str, tuple[float, ...]] = {
        "relu": (0.0, 0.0),
        "exponential": (0.9375, 0.9375),
        "sigmoid": (0.9375, 0.9375),
        "tanh": (0.1, 0.1, 0.1),  # in floating point, their mean is another number
        "softplus": (0.3, 0.4),
        "linear": (0.93, 0.94, 0.935),
    }
    models = [measured(f"cnn-deep-{label}.synthetic-motifs", {MATCH: found}) for label, found in values.items()]
    found = answers(scored(*models))
    panel = plain(found)
    tests = {test.second.label: test for test in panel.differences}
    for label in ("relu", "sigmoid", "tanh"):
        assert np.isnan([tests[label].p, tests[label].p_holm]).all()
        assert (tests[label].verdict, tests[label].apart) == ("not tested: no spread in either", False)
        assert not panel.marked(named(label))
    raw = []
    for label in ("softplus", "linear"):
        facts = [number for name in ("exponential", label) for number in summary(values[name])]
        raw.append(stats.ttest_ind_from_stats(*facts, equal_var=False).pvalue)
    assert [tests[label].p_holm for label in ("softplus", "linear")] == pytest.approx(holm_by_hand(raw))
    assert told(panel, "plain") == (
        "Exponential 0.938 \u00b1 0.000 (2): not told apart from softplus, linear; not tested against relu, sigmoid, "
        "tanh (no spread in either)."
    )
    line = next(line for line in headlines(found) if line.metric == MATCH)
    assert (line.higher, line.lower, line.tested, line.others) == (0, 0, 2, 5)
    untested = [test for test in all_pairs(models) if {test.first.label, test.second.label} <= {"relu", "tanh"}]
    assert [test.verdict for test in untested] == ["not tested: no spread in either"]


def test_one_trial_is_no_test_and_what_is_missing_is_named() -> None:
    found = answers(scored(*map(model, VALUES), missing=["cnn-deep-sigmoid.synthetic-motifs"]))
    panel = plain(found)
    (missing,) = (cell for cell in panel.cells if not cell.values)
    assert (missing.label, missing.note) == ("sigmoid", "not trained")
    assert told(panel, "plain") == (
        "Exponential 0.885 ± 0.019 (4): higher than relu; lower than elu; not told apart from tanh; not tested against "
        "linear (fewer than two trials); missing: sigmoid."
    )
    line = next(line for line in headlines(found) if line.metric == MATCH)
    assert (line.higher, line.lower, line.tested, line.others) == (1, 1, 3, 5)
    assert line.best is not None
    assert line.best.label == "elu"


def test_without_the_reference_there_is_no_test() -> None:
    panel = plain(answers(scored(model("relu"), missing=["cnn-deep-exponential.synthetic-motifs"])))
    assert panel.differences == ()
    assert told(panel, "plain") == "Exponential is missing, so there is nothing to test against."


def test_what_was_not_asked_for_is_not_called_missing() -> None:
    found = answers(from_packaged(["cnn-local-relu.synthetic-codes"]))
    panel = next(panel for answer in found if answer.question.id == "maps" for panel in answer.panels)
    assert told(panel, "plain") == "There are no scores of exponential here, so nothing is tested against it."
    assert {line.reference for line in headlines(found)} == {None}
    line = headlines(answers(from_packaged(["cnn-local-exponential.synthetic-codes"])))[0]
    assert (line.best, line.others) == (None, 0)


def test_where_the_reference_is_lower_is_told_of_every_section_and_once() -> None:
    scan = "attribution/mutagenesis/scan_auroc"
    peaks = [
        measured(f"residualbind-{label}.chip-irf1", {scan: values})
        for label, values in (("exponential", (0.868, 0.869, 0.87)), ("relu", (0.886, 0.887, 0.888)))
    ]
    found = answers(scored(*map(model, VALUES), *peaks))
    first, second = lower(found)  # elu stands in the sections of plain and of modified activations
    assert (first.dataset, first.architecture, first.test.second.label) == ("synthetic-motifs", "cnn-deep", "elu")
    assert second.told() == (
        "chip-irf1, residualbind, In silico mutagenesis AUROC, PWM scan: exponential 0.869 \u00b1 0.001 (3), "
        "relu 0.887 \u00b1 0.001 (3), p (Holm) 2.5e\u22125"
    )


def test_undefined_values_are_left_out_and_said() -> None:
    one = measured("cnn-deep-relu.synthetic-motifs", {MATCH: (0.5, None, 0.7)})
    none = measured("cnn-deep-exponential.synthetic-motifs", {MATCH: (None, None)})
    cells = {cell.label: cell for cell in plain(answers(scored(one, none))).cells}
    assert cells["relu"].values == ((0, 0.5), (2, 0.7))
    assert (cells["relu"].spread.n, cells["relu"].note) == (2, "undefined in 1 of 3 trials")
    assert (cells["exponential"].values, cells["exponential"].note) == ((), "undefined in 2 of 2 trials")


def test_modified_activations_stand_beside_what_they_are_made_of() -> None:
    labels = ("relu", "exponential", "shift_relu", "log_relu", "log_relu-l2")
    shuffled = measured("cnn-deep-relu-shuffled.synthetic-motifs", {MATCH: (0.0, 0.1)})
    found = answers(scored(*map(model, labels), shuffled))
    (answer,) = (answer for answer in found if answer.question.id == "modified-motifs")
    (panel,) = answer.panels
    assert [cell.label for cell in panel.cells] == list(labels)
    made_of = {(test.first.label, test.second.label) for test in panel.of_kind(AGAINST_UNMODIFIED)}
    assert made_of == {("relu", "shift_relu"), ("relu", "log_relu"), ("log_relu", "log_relu-l2")}
    # What the section shows is tested together: a plain activation too, corrected for the modified ones beside it.
    against = panel.of_kind(AGAINST_REFERENCE)
    assert [test.second.label for test in against] == ["relu", "shift_relu", "log_relu", "log_relu-l2"]
    assert [test.p_holm for test in against] == pytest.approx(holm_by_hand([test.p for test in against]))
    alone = plain(found).against(named("relu"), AGAINST_REFERENCE)
    assert alone is not None
    assert alone.p == against[0].p
    assert alone.p_holm < against[0].p_holm
    assert [label for label in labels if panel.marked(named(label))] == [
        test.second.label for test in against if test.apart
    ]
    assert told(panel, "modified").partition(". ")[2] == (
        "Modified activations: higher than their unmodified forms: shift_relu, log_relu; not told apart: log_relu-l2."
    )
    assert "relu-shuffled" not in {cell.label for cell in plain(found).cells}


def test_controls_stand_beside_what_they_are_controls_of() -> None:
    shuffled = measured("cnn-deep-relu-shuffled.synthetic-motifs", {MATCH: (0.0, 0.1)})
    found = answers(scored(model("relu"), model("tanh"), shuffled))
    (answer,) = (answer for answer in found if answer.question.id == "controls-motifs")
    panel = next(panel for panel in answer.panels if panel.metric == MATCH)
    assert [cell.label for cell in panel.cells] == ["relu", "relu-shuffled"]
    (test,) = panel.of_kind(AGAINST_CONTROL)
    assert (test.first.label, test.second.label) == ("relu", "relu-shuffled")
    assert told(panel, "control") == "Controls: not told apart: relu-shuffled."
    assert not panel.marked(named("relu-shuffled"))
    apart = measured("cnn-deep-relu-shuffled.synthetic-motifs", {MATCH: (0.90, 0.91, 0.92)})
    panel = next(
        panel
        for answer in answers(scored(model("relu"), apart))
        if answer.question.id == "controls-motifs"
        for panel in answer.panels
        if panel.metric == MATCH
    )
    assert [cell.label for cell in panel.cells if panel.marked(cell.model)] == ["relu-shuffled"]


def test_all_pairs_differ_in_one_part_and_are_corrected_by_family() -> None:
    random = np.random.default_rng(0)
    models = [
        measured(f"{architecture}-{activation}.synthetic-motifs", {MATCH: random.normal(0.5, 0.1, 4).tolist()})
        for architecture in ("cnn-2", "cnn-50", "cnn-deep")
        for activation in ("relu", "exponential", "tanh", "elu")
    ]
    control = measured("cnn-2-relu-shuffled.synthetic-motifs", {MATCH: (0.1, 0.2)})
    pairs = all_pairs([*models, control])
    assert len(pairs) == 3 * 6 + 4 * 3
    values = {item.name: item.values[MATCH] for item in models}
    for _, family in itertools.groupby(pairs, key=lambda pair: (pair.scope, pair.kind)):
        tests = list(family)
        raw = [
            stats.ttest_ind(values[test.first.name], values[test.second.name], equal_var=False).pvalue for test in tests
        ]
        assert [test.p_holm for test in tests] == pytest.approx(holm_by_hand(raw))
    assert all_pairs(reversed([*models, control])) == pairs


def test_trade_is_over_trials_with_both_scores() -> None:
    names = ("relu", "exponential", "tanh")
    models = [
        measured(
            f"cnn-deep-{name}.synthetic-motifs",
            {"classification/aupr": (across, None), MATCH: (up, 0.5)},
        )
        for name, across, up in zip(names, (0.8, 0.81, 0.82), (0.9, 0.8, 0.7), strict=True)
    ]
    (traded,) = trades(scored(*models))
    (plot,) = traded.plots
    assert plot.x_metric == "classification/aupr"  # what the data set's card watches
    assert [point.trials for point in plot.points] == [((0, 0.8, 0.9),), ((0, 0.81, 0.8),), ((0, 0.82, 0.7),)]
    assert [(point.x.mean, point.y.mean, point.y.n) for point in plot.points] == [
        (0.8, 0.9, 1),
        (0.81, 0.8, 1),
        (0.82, 0.7, 1),
    ]
    assert plot.told() == "3 models: \u03c1 = \u22121.00, p = 0.333"  # two of six orders are as far from none


def test_the_p_value_of_a_rank_correlation_is_over_all_orders() -> None:
    x, y = (0.1, 0.2, 0.3, 0.4, 0.5), (0.2, 0.1, 0.5, 0.3, 0.9)
    found = correlation(x, y)
    assert found is not None
    rho = stats.spearmanr(x, y).statistic
    every = [stats.spearmanr(order, y).statistic for order in itertools.permutations(x)]
    above = sum(other >= rho - 1e-12 for other in every) / len(every)
    assert (found.models, found.exact) == (5, True)
    assert (found.rho, found.p) == (pytest.approx(rho), pytest.approx(2 * above))


def test_the_p_value_of_many_models_is_over_random_orders_and_the_same_again() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=15)
    y = x + random.normal(size=15)
    found = correlation(x.tolist(), y.tolist())
    assert found is not None
    assert not found.exact
    # Student's t approximates it closely at 15; 9,999 orders give p within about 0.005.
    assert found.p == pytest.approx(stats.spearmanr(x, y).pvalue, abs=0.006)
    assert correlation(x.tolist(), y.tolist()) == found


def test_no_rank_correlation_of_two_models_or_of_equal_scores() -> None:
    assert correlation([0.1, 0.2], [0.3, 0.4]) is None
    assert correlation([0.1, 0.2, 0.3], [0.4, 0.4, 0.4]) is None


def test_packaged_scores_are_those_of_the_folders_and_the_rest_is_missing() -> None:
    found = from_packaged()
    models = {item.name: item for item in found.models}
    for name in list_models():
        source = find(name)
        scores = read_scores(source.folder, source.config)
        if scores is None:
            assert name not in models
            continue
        assert models[name].trials == tuple(trial.trial for trial in scores.trials)
        assert models[name].values == {metric.name: metric.values for metric in scores.metrics}
    short = {entry.name: entry for entry in found.missing}
    for name, recipe in packaged().items():
        trials = len(models[name].trials) if name in models else 0
        assert (name in short) == (trials < recipe.trials)
        if 0 < trials < recipe.trials:
            assert short[name].reason == f"{trials} of {recipe.trials} trials"
    assert found.problems == ()


def test_patterns_choose_models_and_what_is_missing() -> None:
    found = from_packaged(["*-relu.synthetic-codes"])
    names = {item.name for item in found.models} | {entry.name for entry in found.missing}
    assert names == {"cnn-local-relu.synthetic-codes", "cnn-dist-relu.synthetic-codes"}


NAME = "cnn-dist-relu.synthetic-codes"


def write(folder: Path, place: str, *arguments: object, **changes: object) -> None:
    write_result(result(*arguments, **changes), folder / place)  # type: ignore[arg-type]


def test_result_files_are_read_and_what_does_not_fit_is_left_out(tmp_path: Path) -> None:
    write(tmp_path, "a", NAME, 0, {MATCH: 0.5})
    write(tmp_path, "a-copy", NAME, 0, {MATCH: 0.5})
    write(tmp_path, "b", NAME, 1, {MATCH: 0.25})
    write(tmp_path, "c", NAME, 1, {MATCH: 0.75})
    write(tmp_path, "d", NAME, 2, {MATCH: 0.5}, model_sha256=f"{1:064x}")
    write(tmp_path, "e", NAME, 3, {MATCH: 0.5}, protocol=99, data_fingerprint="f" * 64)
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "result.json").write_text("{}")
    found = from_results([tmp_path], [NAME])
    (only,) = found.models
    assert only.values == {MATCH: (0.5, 0.25)}
    assert only.counts == {MATCH: (24, 24)}
    at = {name: tmp_path / name / "result.json" for name in "bcdef"}
    assert found.problems[0].startswith(f"{at['f']} is not a result file: ")
    assert found.problems[0].endswith(". It is left out: `motifzoo evaluate` writes it again.")
    assert found.problems[1:] == (
        f"{at['c']} is left out: {at['b']} is of the same trial and says something else.",
        f"{at['d']} is left out: it has the weights of {at['b']}, so it is no replicate of its own.",
        f"{at['e']} is left out: it is of another protocol and data than this motifzoo's. Evaluate it again.",
    )


def test_packaged_scores_that_cannot_be_read_are_told_and_stop_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "cnn-dist-exponential.synthetic-codes"
    for name in (NAME, other):
        shutil.copytree(find(name, weights=False).folder, tmp_path / name)
    scores = tmp_path / NAME / "scores.json"
    scores.write_text(scores.read_text(encoding="utf-8")[:100], encoding="utf-8")
    monkeypatch.setattr(sources, "_named", lambda **_: {name: tmp_path / name for name in (NAME, other)})
    (tmp_path / "results").mkdir()
    write(tmp_path, "results", "cnn-local-relu.synthetic-codes", 0, {MATCH: 0.5})
    of_files = from_results([tmp_path / "results"], ["*"], add_packaged=True)
    of_zoo = from_packaged(["*"])
    assert [item.name for item in of_zoo.models] == [other]
    assert [item.name for item in of_files.models] == [other, "cnn-local-relu.synthetic-codes"]
    for found in (of_zoo, of_files):
        (problem,) = found.problems
        assert problem.startswith(f"{scores} is not valid: ")
        assert problem.endswith(". It is left out: restore the file, or compute the scores with --recompute.")
        assert {entry.reason for entry in found.missing if entry.name == NAME} == {"its scores cannot be read"}


@pytest.mark.parametrize("value", [5.0, -3.0, 1e300])
@pytest.mark.parametrize("name", [MATCH, "filters/target_e/SP1", "classification/auroc/one class"])
def test_impossible_scores_are_left_out_with_their_file(name: str, value: float, tmp_path: Path) -> None:
    write(tmp_path, "a", NAME, 0, {MATCH: 0.5, "filters/target_e/SP1": 5.0})
    if name == "filters/target_e/SP1" and value == 5.0:
        value = 518.5
    write(tmp_path, "b", NAME, 1, {MATCH: 0.5, name: value})
    found = from_results([tmp_path], [NAME])
    assert [item.trials for item in found.models] == [(0,)]
    highest = 518 if name == "filters/target_e/SP1" else 1
    assert found.problems == (
        f"{tmp_path / 'b' / 'result.json'} is left out: it says that {name} is {value:g}, which lies outside of 0 to "
        f"{highest}.",
    )


def test_undefined_scores_and_the_greatest_that_there_are_stay(tmp_path: Path) -> None:
    values = {MATCH: None, "filters/match_any": 1.0, "filters/dead": 0.0, "filters/target_e": 518.0}
    write(tmp_path, "a", NAME, 0, values)
    found = from_results([tmp_path], [NAME])
    assert found.problems == ()
    assert found.models[0].values == {name: (value,) for name, value in values.items()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 99}, "format: Input should be 1"),
        ({"metrics": {MATCH: math.nan}}, f"metrics.{MATCH}: Input should be a finite number"),
        ({"metrics": {MATCH: -math.inf}}, f"metrics.{MATCH}: Input should be a finite number"),
        ({"n": {MATCH: 10**30}}, f"n.{MATCH}: Input should be less than or equal to 9007199254740992"),
        ({"n": {MATCH: -1}}, f"n.{MATCH}: Input should be greater than or equal to 0"),
        ({"trial": -1}, "trial: Input should be greater than or equal to 0"),
        (
            {"model": "<script>alert(1)</script>.synthetic-codes"},
            "model: String should match pattern '^[a-z0-9][a-z0-9_-]{0,79}\\.[a-z0-9][a-z0-9-]{0,79}$'",
        ),
        (
            {"architecture": "\x1b[31mred"},
            "architecture: text cannot hold U+001B, which is not a visible character",
        ),
    ],
)
def test_result_files_that_no_evaluation_writes(change: dict[str, object], message: str, tmp_path: Path) -> None:
    write(tmp_path, "a", NAME, 0, {MATCH: 0.5})
    write(tmp_path, "b", NAME, 1, {MATCH: 0.75})
    path = tmp_path / "b" / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    found = from_results([tmp_path])
    assert [(item.name, item.values) for item in found.models] == [(NAME, {MATCH: (0.5,)})]
    assert found.problems == (
        f"{path} is not a result file: {message}. It is left out: `motifzoo evaluate` writes it again.",
    )


def test_a_model_whose_files_are_all_left_out_is_missing_for_that(tmp_path: Path) -> None:
    write(tmp_path, "a", NAME, 0, {MATCH: 0.5}, protocol=99)
    found = from_results([tmp_path], [NAME])
    assert found.models == ()
    assert [entry.reason for entry in found.missing] == ["its scores are left out"]


def test_packaged_scores_with_an_impossible_one_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = "cnn-dist-exponential.synthetic-codes"
    for name in (NAME, other):
        shutil.copytree(find(name, weights=False).folder, tmp_path / name)
    path = tmp_path / NAME / "scores.json"
    scores = json.loads(path.read_text(encoding="utf-8"))
    next(metric for metric in scores["metrics"] if metric["name"] == MATCH)["values"][1] = 5
    path.write_text(json.dumps(scores), encoding="utf-8")
    monkeypatch.setattr(sources, "_named", lambda **_: {name: tmp_path / name for name in (NAME, other)})
    found = from_packaged(["*"])
    assert [item.name for item in found.models] == [other]
    trial = scores["trials"][1]["trial"]
    assert found.problems == (
        f"{path} is not valid: of trial {trial}, it says that {MATCH} is 5, which lies outside of 0 to 1. It is left "
        "out: restore the file, or compute the scores with --recompute.",
    )
    assert {entry.reason for entry in found.missing if entry.name == NAME} == {"its scores cannot be read"}


def test_every_score_on_motifzoos_board_is_a_possible_one() -> None:
    records = open_board().snapshot().records
    assert len(records) > 100
    for path, record in records.items():
        for name, value in record.metrics.items():
            metric = metric_of(name)
            assert metric is not None
            assert value is None or 0 <= value <= metric.highest, path


def test_every_result_on_motifzoos_board_can_be_read() -> None:
    paths = sorted(EMBEDDED.rglob("result.json"))
    assert len(paths) > 50
    for path in paths:
        read_result(path)


def test_packaged_scores_fill_in_for_models_without_a_result_file(tmp_path: Path) -> None:
    write(tmp_path, "a", NAME, 7, {MATCH: 0.5})
    patterns = ["*.synthetic-codes"]
    found = {item.name: item for item in from_results([tmp_path], patterns, add_packaged=True).models}
    others = {item.name: item for item in from_packaged(patterns).models}
    assert found[NAME].trials == (7,)
    assert {name: item for name, item in found.items() if name != NAME} == {
        name: item for name, item in others.items() if name != NAME
    }
    assert [item.name for item in from_results([tmp_path], patterns).models] == [NAME]


def test_a_data_set_that_is_not_here(tmp_path: Path) -> None:
    there = result(NAME, 0, {MATCH: 0.5})
    write_result(there.model_copy(update={"dataset": "elsewhere", "model": "cnn-dist-relu.elsewhere"}), tmp_path)
    found = from_results([tmp_path])
    assert found.models == ()
    assert found.problems == (
        f"{tmp_path / 'result.json'} is left out: there is no data set elsewhere here to compare it on.",
    )


def test_folders_without_results(tmp_path: Path) -> None:
    with pytest.raises(MotifzooError) as missing:
        from_results([tmp_path / "none"])
    assert (
        str(missing.value) == f"there is no folder {tmp_path / 'none'}: --results takes what `motifzoo evaluate` wrote."
    )
    with pytest.raises(MotifzooError) as empty:
        from_results([tmp_path], ["*-relu.*"])
    assert str(empty.value) == (
        f"there is no result.json below {tmp_path} of a model that matches *-relu.*: `motifzoo evaluate` writes them."
    )


def test_trials_that_failed_are_missing_with_their_reason() -> None:
    found = from_evaluations([], {f"{NAME}:0": "no disk."}, [NAME])
    (entry,) = found.missing
    assert (entry.name, entry.found, entry.reason) == (NAME, 0, "no disk.")
    assert found.problems == (f"{NAME}:0 could not be evaluated: no disk.",)


def test_a_model_that_no_recipe_names_is_compared_under_its_own_label(tmp_path: Path) -> None:
    mine = "cnn-dist-mine.synthetic-codes"
    write(tmp_path, "a", mine, 0, {MATCH: 0.5})
    write(tmp_path, "b", "cnn-dist-exponential.synthetic-codes", 0, {MATCH: 0.6})
    found = from_results([tmp_path], ["*"])
    assert {item.label for item in found.models} == {"mine", "exponential"}
    (answer,) = (answer for answer in answers(found) if answer.question.id == "modified-codes")
    panel = next(panel for panel in answer.panels if (panel.metric, panel.architecture) == (MATCH, "cnn-dist"))
    assert panel.cells[-1].label == "mine"
    assert [test.second.label for test in panel.of_kind(AGAINST_REFERENCE)] == ["mine"]
