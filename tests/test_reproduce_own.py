"""The comparison with models of one's own: none vanishes, none takes another's place, and controls stay controls."""

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from scored_models import measured, result, scored

from motifzoo.errors import UnknownNameError
from motifzoo.evaluate.benchmark import Evaluated
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.reproduce.build import reproduce
from motifzoo.evaluate.reproduce.scored import from_evaluations, from_packaged, from_results
from motifzoo.evaluate.reproduce.tables import AGAINST_REFERENCE, Panel, answers
from motifzoo.evaluate.reproduce.wording import told
from motifzoo.evaluate.results import write_result
from motifzoo.zoo.recipe import packaged
from motifzoo.zoo.sources import find, list_models

MATCH, MAPS = "filters/match_fraction", "attribution/saliency/auroc"
RELU, EXPONENTIAL = "cnn-local-relu.synthetic-codes", "cnn-local-exponential.synthetic-codes"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for own models, which MOTIFZOO_MODELS names."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("MOTIFZOO_MODELS", str(folder))
    return folder


def copy(name: str, models: Path, *, of: str = RELU, shuffled: bool = False) -> Path:
    """The config and scores of a packaged model under another name; `shuffled`: as if of shuffled labels."""
    folder = models / name
    folder.mkdir()
    for file, key in (("config.json", "name"), ("scores.json", "model")):
        content = json.loads((find(of, weights=False, packaged=True).folder / file).read_text(encoding="utf-8"))
        content[key] = name
        if file == "config.json":
            content["architecture"] = name.partition(".")[0].rpartition("-")[0]
        if shuffled and file == "config.json":
            content["training"]["shuffled_labels"] = True
        (folder / file).write_text(json.dumps(content), encoding="utf-8")
    return folder


def write(folder: Path, name: str, *values: float) -> None:
    """A result file a value, of a network of the architecture cnn-local."""
    for trial, value in enumerate(values):
        digest = hashlib.sha256(f"{name}:{trial}".encode()).hexdigest()
        made = result(RELU, trial, {MATCH: value, MAPS: value}, model_sha256=digest)
        write_result(made.model_copy(update={"model": name}), folder / name / str(trial))


def panel_of(panels: tuple[Panel, ...], metric: str) -> Panel:
    return next(panel for panel in panels if panel.metric == metric)


def test_a_model_without_scores_is_told_of_though_no_recipe_names_it(models: Path, tmp_path: Path) -> None:
    copy("mynet-relu.synthetic-codes", models)
    (copy("mynet-exponential.synthetic-codes", models, of=EXPONENTIAL) / "scores.json").unlink()
    found = from_packaged(["mynet-*"])
    assert [model.name for model in found.models] == ["mynet-relu.synthetic-codes"]
    assert found.problems == (
        "mynet-exponential.synthetic-codes has no scores.json of its present weights: --recompute computes its scores.",
    )
    panel = next(panel for answer in answers(found) if answer.question.id == "maps" for panel in answer.panels)
    assert told(panel, "plain") == "There are no scores of exponential here, so nothing is tested against it."
    done = CliRunner().invoke(main, ["reproduce", "mynet-*", "--output", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert done.stderr == f"Notice: {found.problems[0]}\n"
    assert "not asked for" not in done.stdout + (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_model_of_a_recipe_without_scores_is_missing_and_not_told_of_twice(models: Path) -> None:
    (copy(RELU, models) / "scores.json").unlink()
    found = from_packaged([RELU])
    assert found.problems == ()
    assert [(entry.name, entry.reason) for entry in found.missing] == [(RELU, "the model has no scores yet")]


def test_a_model_trained_on_shuffled_labels_is_a_control_under_any_name(models: Path) -> None:
    copy("mynet-relu.synthetic-codes", models)
    copy("mynet-tanh.synthetic-codes", models, of=EXPONENTIAL, shuffled=True)
    found = from_packaged(["mynet-*"])
    assert {model.name: model.control for model in found.models} == {
        "mynet-relu.synthetic-codes": False,
        "mynet-tanh.synthetic-codes": True,
    }
    shown = {
        answer.question.group: {cell.model for panel in answer.panels for cell in panel.cells}
        for answer in answers(found)
    }
    assert "mynet-tanh.synthetic-codes" in shown["control"]
    assert all("mynet-tanh.synthetic-codes" not in names for group, names in shown.items() if group != "control")


def test_a_config_says_what_a_control_is_and_a_recipe_only_where_there_is_none(models: Path, tmp_path: Path) -> None:
    name = "cnn-local-relu-shuffled.synthetic-codes"
    assert packaged()[name].training.shuffled_labels
    copy(name, models)  # an own model of this name, not trained on shuffled labels
    assert [model.control for model in from_packaged([name]).models] == [False]
    write(tmp_path / "in", name, 0.1)
    assert [model.control for model in from_results([tmp_path / "in"]).models] == [True]


def test_recomputed_scores_of_a_control_are_a_controls(tmp_path: Path) -> None:
    names = ("mynet-relu.synthetic-codes", "mynet-tanh.synthetic-codes")
    evaluated = [Evaluated(result(name, 0, {MATCH: 0.5}), tmp_path, True) for name in names]
    found = from_evaluations(evaluated, {}, ["mynet-*"], controls=names[1:])
    assert [model.control for model in found.models] == [False, True]


@pytest.mark.parametrize(
    ("name", "control"),
    [
        ("cnn-local-relu-untrained.synthetic-codes", "untrained"),
        ("motif-scan.synthetic-codes", "motif_scan"),
        ("random-attribution.synthetic-codes", "random_attribution"),
    ],
)
def test_controls_of_the_board_are_no_models(name: str, control: str, tmp_path: Path) -> None:
    assert control in {record.control for record in open_board().snapshot().records.values() if record.model == name}
    write(tmp_path / "in", name, 0.1, 0.2)
    write(tmp_path / "in", RELU, 0.3, 0.4)
    found = from_results([tmp_path / "in"], ["*.synthetic-codes"])
    assert [model.name for model in found.models] == [RELU]
    assert found.problems == (f"{name} is left out: on motifzoo's board it is a control ({control}) and no model.",)


def test_a_model_and_an_untrained_network_of_one_label_are_two_rows(tmp_path: Path) -> None:
    model = measured("cnn-dist-relu-untrained.synthetic-codes", {MATCH: (0.5, 0.6)})
    before = measured("cnn-dist-relu-untrained.synthetic-codes", {MATCH: (0.125, 0.25)})._replace(control=True)
    reproduce(scored(model, untrained=[before]), tmp_path)
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| relu-untrained |") and "±" in line]
    assert rows == ["| relu-untrained | 0.550 ± 0.071 (2) |", "| relu-untrained | 0.188 ± 0.088 (2) |"]


def test_models_that_would_share_a_label_are_both_shown_and_tested(tmp_path: Path) -> None:
    mine = "relu.synthetic-codes"
    write(tmp_path / "in", EXPONENTIAL, 0.9, 0.91, 0.92)
    write(tmp_path / "in", RELU, 0.3, 0.32, 0.34)
    write(tmp_path / "in", mine, 0.6, 0.62, 0.64)
    found = from_results([tmp_path / "in"])
    assert {model.name: model.label for model in found.models} == {
        EXPONENTIAL: "exponential",
        RELU: "relu",
        mine: mine,
    }
    for answer in answers(found):
        if answer.question.id in ("maps", "modified-codes"):
            panel = panel_of(answer.panels, MAPS)
            assert [cell.model for cell in panel.cells if cell.values] == [RELU, EXPONENTIAL, mine]
            against = {name: panel.against(name, AGAINST_REFERENCE) for name in (RELU, mine)}
            assert {name: test and round(test.difference, 2) for name, test in against.items()} == {
                RELU: 0.59,
                mine: 0.29,
            }
    reproduce(found, tmp_path / "out")
    text = (tmp_path / "out" / "reproduce.md").read_text(encoding="utf-8")
    assert "| relu | 0.320 ± 0.020 (3) |" in text
    assert f"| {mine} | 0.620 ± 0.020 (3) |" in text


def test_a_model_that_shares_the_label_of_a_missing_one_is_not_taken_for_it(tmp_path: Path) -> None:
    mine = "relu.synthetic-codes"
    write(tmp_path / "in", mine, 0.6, 0.62)
    found = from_results([tmp_path / "in"], [mine, RELU])
    assert [(model.name, model.label) for model in found.models] == [(mine, mine)]
    assert [(entry.name, entry.label) for entry in found.missing] == [(RELU, "relu")]
    assert [model.label for model in from_results([tmp_path / "in"], [mine]).models] == ["relu"]


def test_where_scores_are_from_is_true_of_own_models_too(models: Path, tmp_path: Path) -> None:
    copy("mynet-relu.synthetic-codes", models)
    write(tmp_path / "in", RELU, 0.5)
    assert from_packaged(["mynet-*"]).origin == "the scores in the models' folders"
    both = from_results([tmp_path / "in"], ["mynet-*", RELU], add_packaged=True)
    assert both.origin == "result files and, for models without one, the scores in the models' folders"
    assert [model.name for model in both.models] == [RELU, "mynet-relu.synthetic-codes"]


def test_adding_packaged_scores_asks_for_none_where_result_files_match(tmp_path: Path) -> None:
    name = "mynet-relu.synthetic-codes"
    write(tmp_path / "in", name, 0.5)
    assert [model.name for model in from_results([tmp_path / "in"], ["mynet-*"], add_packaged=True).models] == [name]
    (tmp_path / "in" / "broken").mkdir()
    (tmp_path / "in" / "broken" / "result.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UnknownNameError) as caught:
        from_results([tmp_path / "in"], ["none-*"], add_packaged=True)
    assert str(caught.value) == "no packaged model matches none-*. `motifzoo models` lists them."


@pytest.mark.parametrize("recompute", [False, True])
def test_a_config_that_cannot_be_read_stops_no_other(recompute: bool, models: Path, tmp_path: Path) -> None:
    copy("mynet-relu.synthetic-codes", models)
    broken = copy("mynet-tanh.synthetic-codes", models) / "config.json"
    broken.write_text("{", encoding="utf-8")
    arguments = ["reproduce", "mynet-*", "--json", "--output", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*arguments, *(["--recompute"] if recompute else [])])
    notices = done.stderr.splitlines()
    (notice,) = (line for line in notices if line.startswith(f"Notice: {broken} is not valid: "))
    assert notice.endswith(" mynet-tanh.synthetic-codes is left out: restore the file.")
    if recompute:  # the folder of the other has no weights
        assert any("mynet-relu.synthetic-codes:0: failed" in line for line in notices)
    else:
        assert done.exit_code == 0, done.output
        assert {row["model"] for row in json.loads(done.stdout)["summary"]} == {"mynet-relu.synthetic-codes"}


def test_a_recipes_model_whose_config_cannot_be_read_is_missing_for_that(models: Path) -> None:
    (copy(RELU, models) / "config.json").write_text("{", encoding="utf-8")
    assert RELU in list_models()
    found = from_packaged([RELU])
    assert [(entry.name, entry.reason) for entry in found.missing] == [(RELU, "its config.json cannot be read")]
