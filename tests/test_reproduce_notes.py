"""What a reader must know beside the numbers: untrained networks, known motifs, and models with the same weights."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from board_records import record
from click.testing import CliRunner
from scipy import stats
from scored_models import measured, result, scored

from motifzoo.data_cards.cards import load_card
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.leaderboard.boards import EMBEDDED, open_board
from motifzoo.evaluate.leaderboard.record import Record
from motifzoo.evaluate.reproduce import scored as scored_module
from motifzoo.evaluate.reproduce.build import reproduce
from motifzoo.evaluate.reproduce.charts import dot_chart
from motifzoo.evaluate.reproduce.exports import SCHEMAS
from motifzoo.evaluate.reproduce.headline import headlines
from motifzoo.evaluate.reproduce.notes import COUNTED, known_motifs, same_weights
from motifzoo.evaluate.reproduce.questions import QUESTIONS
from motifzoo.evaluate.reproduce.scored import Measured, Scored, from_packaged, from_results
from motifzoo.evaluate.reproduce.tables import answers
from motifzoo.evaluate.reproduce.trades import trades
from motifzoo.evaluate.reproduce.twins import Shared, shared_weights
from motifzoo.evaluate.results import write_result
from motifzoo.zoo.model_card.twins import find_twins
from motifzoo.zoo.sources import find, list_models

MATCH = "filters/match_fraction"
SCAN = "attribution/mutagenesis/scan_auroc"
MUTAGENESIS = "attribution/mutagenesis/auroc"
MAPS = {"classification/auroc": (0.8, 0.9), "attribution/saliency/auroc": (0.7, 0.8), MUTAGENESIS: (0.7, 0.9)}


def codes(label: str, architecture: str = "cnn-dist") -> Measured:
    return measured(f"{architecture}-{label}.synthetic-codes", MAPS)


def untrained(label: str, values: tuple[float, ...]) -> Measured:
    return measured(f"cnn-dist-{label}-untrained.synthetic-codes", {MUTAGENESIS: values})._replace(control=True)


def with_untrained() -> Scored:
    before = (untrained("exponential", (0.55, 0.57)), untrained("relu", (0.6, 0.62, 0.64)))
    return scored(codes("relu"), codes("exponential"), codes("tanh"), untrained=before)


def of_the_board(folder: Path) -> dict[tuple[str, int], float]:
    """In silico mutagenesis of every untrained record in a board's folder, read as plain JSON."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("results/*/*/trial-*.json")]
    return {
        (row["model"], row["trial"]): row["metrics"][SCAN]
        for row in records
        if row["control"] == "untrained" and SCAN in row["metrics"]
    }


def test_untrained_networks_are_those_of_the_packaged_board() -> None:
    found = from_packaged(["residualbind-*.chip-irf1", "cnn-local-relu.chip-rest"])
    assert {network.name for network in found.untrained} == {
        f"{name}-untrained.{dataset}"
        for architecture, dataset in (("residualbind", "chip-irf1"), ("cnn-local", "chip-rest"))
        for name in (f"{architecture}-relu", f"{architecture}-exponential")
    }
    board = of_the_board(EMBEDDED)
    for network in found.untrained:
        assert network.control
        values = {trial: board[network.name, trial] for trial in network.trials}
        assert dict(network.defined(SCAN)) == pytest.approx(values)
    assert {model.name for model in found.models}.isdisjoint(network.name for network in found.untrained)


def write_board(folder: Path, *records: Record) -> None:
    for row in records:
        (folder / row.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / row.path).write_bytes(row.to_json())


def test_records_that_are_no_match_are_left_out_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "cnn-local-relu-untrained.synthetic-codes"
    facts = {"architecture": "cnn-local", "control": "untrained", "metrics": {MATCH: 0.25}, "n": {MATCH: 24}}
    write_board(
        tmp_path,
        record(name, 0, **facts),
        record(name, 1, **facts | {"protocol": 99}),
        record("cnn-local-mine.synthetic-codes", 0, **facts | {"control": None}),
        record("cnn-dist-relu-untrained.synthetic-codes", 0, **facts | {"architecture": "cnn-dist"}),
    )
    (tmp_path / "results" / "synthetic-codes@1" / name / "trial-2.json").write_text("nonsense")
    monkeypatch.setattr(scored_module, "open_board", lambda: open_board(str(tmp_path)))
    found = from_packaged(["cnn-local-relu.synthetic-codes"])
    (network,) = found.untrained
    assert (network.name, network.trials, network.values) == (name, (0,), {MATCH: (0.25,)})
    broken, other = found.problems
    assert broken.startswith(f"motifzoo's board: results/synthetic-codes@1/{name}/trial-2.json is not a record: ")
    assert other == (
        f"record results/synthetic-codes@1/{name}/trial-1.json of motifzoo's board is left out: it is of another "
        "protocol than this motifzoo's. Evaluate it again."
    )


def test_untrained_networks_are_taken_for_missing_models_too(tmp_path: Path) -> None:
    """A section shows architectures of which all models are missing, and says what the board has of them."""
    one = result("cnn-local-relu.synthetic-codes", 0, {MUTAGENESIS: 0.7})
    write_result(one, tmp_path / "results")
    found = from_results([tmp_path / "results"], ["*-relu.synthetic-codes"])
    assert {network.architecture for network in found.untrained} == {"cnn-local", "cnn-dist"}
    reproduce(found, tmp_path / "out")
    text = (tmp_path / "out" / "reproduce.md").read_text(encoding="utf-8")
    assert "what networks of the same architectures score here before training" in text
    assert "has no scores of" not in text


def test_no_test_and_no_count_is_of_untrained_networks() -> None:
    found, without = answers(with_untrained()), answers(with_untrained()._replace(untrained=()))
    assert headlines(found) == headlines(without)
    for answer, bare in zip(found, without, strict=True):
        for panel, same in zip(answer.panels, bare.panels, strict=True):
            assert panel._replace(untrained=()) == same
            labels = [cell.label for cell in panel.untrained]
            assert labels == (["relu-untrained", "exponential-untrained"] if panel.metric == MUTAGENESIS else [])


def test_a_chart_shows_each_untrained_network_in_one_row_and_its_mean_as_a_line() -> None:
    answer = next(answer for answer in answers(with_untrained()) if answer.question.id == "maps")
    panel = next(panel for panel in answer.panels if panel.metric == MUTAGENESIS)
    drawn = dot_chart(panel, answer.panels)
    assert drawn.count("<circle") == 3 * 2 + 2 + 3
    assert "relu-untrained, trial 2: 0.640" in drawn
    assert "relu-untrained 0.620 \u00b1 0.020 (3); exponential-untrained 0.560 \u00b1 0.014 (2)" in drawn
    assert drawn.count('class="before"') == 2
    numbers = '<tspan class="other">0.62</tspan>, <tspan class="reference">0.56</tspan>'
    assert f'>{numbers}<tspan class="n" dx="5">n 3, 2</tspan>' in drawn
    other = next(panel for panel in answer.panels if panel.metric == "attribution/saliency/auroc")
    without = dot_chart(other, answer.panels)
    assert [chart.count('class="untrained"') for chart in (drawn, without)] == [3, 0]  # its name, dots and numbers
    assert [chart.count("untrained") > 0 for chart in (drawn, without)] == [True, False]
    assert 'class="before"' not in without


def test_chance_is_nowhere_said_of_mutagenesis_and_untrained_networks_stand_beside_it(tmp_path: Path) -> None:
    done = reproduce(with_untrained(), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    visible = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert "chance" not in visible.partition("Controls")[0]
    said = "which need not be 0.5: 0.56 to 0.62 (in silico mutagenesis)."
    assert said in page
    assert said in text
    assert "| relu-untrained | 0.620 \u00b1 0.020 (3) |" in text
    assert '<th scope="row">exponential-untrained</th><td class="num n">2</td><td class="num">0.560</td>' in page
    assert [(row["label"], row["mean"], row["n"]) for row in done.tables["untrained"]] == [
        ("exponential-untrained", pytest.approx(0.56), 2),
        ("relu-untrained", pytest.approx(0.62), 3),
    ]
    plots = re.findall(r'<svg class="scatter".*?</svg>', page)
    assert ["before" in plot for plot in plots] == ["mutagenesis" in plot for plot in plots]
    assert sum(plot.count('class="before"') for plot in plots) == 2


def test_architectures_without_untrained_networks_are_named(tmp_path: Path) -> None:
    models = tuple(codes("relu", architecture) for architecture in ("cnn-dist", "cnn-local"))
    said = "The board that comes with motifzoo has no scores of {} before training, which can lie above 0.5."
    for before, told in (
        (with_untrained().untrained, f"(in silico mutagenesis). {said.format('cnn-local')}"),
        ((), f'<p class="how">{said.format("cnn-local and cnn-dist")}'),
    ):
        reproduce(scored(*models, untrained=before), tmp_path)
        assert told in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("dataset", "told"),
    [
        ("chip-rest", "Known motif (JASPAR 2016): REST (MA0138.2)."),
        (
            "chip-gabpa",
            "Known motif (JASPAR 2016): GABPA (MA0062.2). MA0062.2 is a motif of the whole ETS family: finding it does "
            "not tell GABPA from its relatives.",
        ),
        (
            "dhs-4cell",
            "Known motifs (JASPAR 2016): K562: GATA1 (MA0035.3); hESCT0: Pou5f1::Sox2 (MA0142.1), ZIC3 (MA0697.1); "
            "HepG2: HNF4G (MA0484.1), FOXA2 (MA0047.2); GM12878: IRF1 (MA0050.2), RUNX3 (MA0684.1).",
        ),
        ("synthetic-codes", ""),
    ],
)
def test_known_motifs_and_the_remarks_on_them_are_the_cards(dataset: str, told: str) -> None:
    assert known_motifs(load_card(dataset)) == told


def test_every_section_on_real_dna_names_its_known_motifs(tmp_path: Path) -> None:
    metrics = {"filters/target_match": (0.25, 0.5), SCAN: (0.7, 0.8)}
    real = {question.dataset for question in QUESTIONS if "filters/target_match" in question.metrics}
    reproduce(scored(*(measured(f"cnn-2-relu.{dataset}", metrics) for dataset in sorted(real))), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    assert len(real) == page.count("(JASPAR 2016): ") == text.count("(JASPAR 2016): ")
    of_zbed2 = page.partition('<h2 id="chip-zbed2">')[2].partition("</section>")[0]
    assert "Known motif (JASPAR 2016): IRF1 (MA0050.2). JASPAR 2016 has no motif of ZBED2." in of_zbed2


def twins() -> Scored:
    """Four networks; trials 0 and 1 of elu are those of linear, and linear's last trial is one of its own."""
    values = {
        "relu": ((0.80, 0.81, 0.82), (0.50, 0.51, 0.52)),
        "linear": ((0.90, 0.91, 0.95), (0.60, 0.61, 0.65)),
        "elu": ((0.90, 0.91, 0.86), (0.60, 0.61, 0.80)),
        "tanh": ((0.70, 0.71, 0.72), (0.90, 0.91, 0.92)),
    }
    models = {
        label: measured(f"cnn-deep-{label}.synthetic-motifs", {"classification/aupr": across, MATCH: up})
        for label, (across, up) in values.items()
    }
    linear, elu = models["linear"], models["elu"]
    models["elu"] = elu._replace(sha256=(*linear.sha256[:2], elu.sha256[2]))
    return scored(*models.values())


NAMED = (
    "Trials 0 and 1 of cnn-deep-linear.synthetic-motifs have the same weights, to the last bit, as trials 0 and 1 of "
    "cnn-deep-elu.synthetic-motifs."
)


def test_models_with_the_same_weights_are_one_point_of_a_rank_correlation() -> None:
    (traded,) = trades(twins())
    (plot,) = traded.plots
    assert [point.label for point in plot.points] == ["relu", "tanh", "linear", "elu"]
    assert plot.together == (("linear", "elu"),)
    # By hand: the four distinct weights of the two score 0.90, 0.91, 0.95, 0.86 and 0.60, 0.61, 0.65, 0.80.
    x, y = (0.81, 0.71, np.mean((0.90, 0.91, 0.95, 0.86))), (0.51, 0.91, np.mean((0.60, 0.61, 0.65, 0.80)))
    assert plot.correlation is not None
    assert plot.correlation.models == 3
    assert plot.correlation.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    assert plot.told().startswith("4 models, linear and elu as one: \u03c1 = ")


def test_models_that_a_third_links_are_one_point_too() -> None:
    relu, linear, elu, tanh = twins().models
    chained = tanh._replace(sha256=(elu.sha256[2], *tanh.sha256[1:]))
    (traded,) = trades(scored(relu, linear, elu, chained))
    assert traded.plots[0].together == (("tanh", "linear", "elu"),)
    assert traded.plots[0].correlation is None


def test_models_with_the_same_weights_are_named_where_they_count_twice(tmp_path: Path) -> None:
    found = scored(measured("cnn-deep-exponential.synthetic-motifs", {MATCH: (0.9, 0.95)}), *twins().models)
    done = reproduce(found, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    short = page.partition('<h2 id="short">')[2].partition("</section>")[0]
    assert f"&dagger; {NAMED} Such trials are no independent findings" in short
    assert short.count("<sup>&dagger;</sup>") == 2  # of tested, of all, in the only line that has scores of both
    assert page.count(f"{NAMED} Such trials") == 2  # in short, and in the section of plain activations
    assert text.count(f"{NAMED} Such trials") == 1
    assert all(f"{NAMED} Rank correlations take these models as one" in told for told in (page, text))
    assert {(row["model"], row["trial"]) for row in done.tables["shared"]} == {
        (f"cnn-deep-{label}.synthetic-motifs", trial) for label in ("linear", "elu") for trial in (0, 1)
    }
    assert len({row["sha256"] for row in done.tables["shared"]}) == 2
    (row,) = done.tables["correlations"]
    assert (row["models"], row["distinct"]) == (4, 3)


def test_without_the_same_weights_nothing_is_said_of_them(tmp_path: Path) -> None:
    done = reproduce(with_untrained(), tmp_path)
    assert done.tables["shared"] == []
    assert "to the last bit, as" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_one_trial_and_other_numbers_of_trials_are_said_as_they_are() -> None:
    linear = measured("cnn-deep-linear.synthetic-motifs", {MATCH: (0.1, 0.2, 0.3)})
    elu = measured("cnn-deep-elu.synthetic-motifs", {MATCH: (0.1, 0.2)})
    (found,) = shared_weights([linear, elu._replace(sha256=(linear.sha256[2], elu.sha256[1]))])
    assert found.told() == (
        "Trial 2 of cnn-deep-linear.synthetic-motifs has the same weights, to the last bit, as trial 0 of "
        "cnn-deep-elu.synthetic-motifs."
    )
    elsewhere = measured("cnn-2-elu.synthetic-motifs", {MATCH: (0.1,)})
    assert shared_weights([linear, elsewhere._replace(sha256=linear.sha256[:1])]) == ()


def test_the_zoos_twins_are_those_that_its_cards_name() -> None:
    named = {
        (digest, twin.model.name, twin.trial.trial)
        for digest, of_digest in find_twins([find(name, weights=False).config for name in list_models()]).items()
        for twin in of_digest
    }
    found = shared_weights(from_packaged().models)
    assert named == {
        (digest, name, trials[place])
        for weights in found
        for place, digest in enumerate(weights.sha256)
        for name, trials in weights.models
    }


def test_the_command_names_twins_and_its_json_holds_the_new_tables(tmp_path: Path) -> None:
    patterns = ("cnn-local-elu.synthetic-codes", "cnn-local-linear.synthetic-codes")
    told = CliRunner().invoke(main, ["reproduce", *patterns, "--output", str(tmp_path)], env={"COLUMNS": "80"})
    assert told.exit_code == 0, told.output
    assert "have the same weights, to the last bit, as trials" in " ".join(told.stdout.split())
    assert all(len(line) <= 80 for line in told.stdout.splitlines()[:-1])
    printed = CliRunner().invoke(main, ["reproduce", *patterns, "--json", "--output", str(tmp_path)])
    tables = json.loads(printed.stdout)
    assert set(SCHEMAS) - set(tables) == {"values", "pairs"}
    assert {row["model"] for row in tables["shared"]} == set(patterns)
    assert {row["architecture"] for row in tables["untrained"]} == {"cnn-local"}


def test_what_follows_of_shared_weights_is_said_once() -> None:
    groups = [
        Shared("d", "cnn-50", ("a" * 64,), (("x", (0,)), ("y", (0,)))),
        Shared("d", "cnn-50", ("b" * 64, "c" * 64), (("x", (1, 2)), ("y", (1, 2)), ("z", (1, 3)))),
    ]
    assert same_weights(groups, [["x", "y"]]) == (
        "Trial 0 of x has the same weights, to the last bit, as trial 0 of y. Trials 1 and 2 of x have the same "
        f"weights, to the last bit, as trials 1 and 2 of y and trials 1 and 3 of z. {COUNTED}",
    )
    assert same_weights(groups, [["x"], ["q", "z"]]) == ()
