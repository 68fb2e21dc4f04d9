"""What the maintainers' commands share: names are matched, failures named, and the others go on."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from model_folders import ModelFactory

from motifzoo.errors import ModelError, MotifzooError
from motifzoo.evaluate import card_scores
from motifzoo.evaluate.leaderboard import packaged
from motifzoo.evaluate.upkeep import counted, for_each, packaged_names
from motifzoo.zoo.config import read_config
from motifzoo.zoo.sources import PRETRAINED, Source, find, list_models, matching_names

UNKNOWN = "no packaged model matches '*.nothing'. `motifzoo models` lists them."


def test_patterns_mean_packaged_models_each_once() -> None:
    name = "cnn-local-relu.synthetic-codes"
    assert packaged_names([name, "cnn-local-re*.synthetic-codes"]).count(name) == 1
    assert packaged_names([]) == list_models()
    with pytest.raises(ModelError) as error:
        packaged_names([name, "*.nothing"])
    assert str(error.value) == UNKNOWN


def test_models_of_ones_own_are_not_packaged(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even one of a packaged name: scores would be written into a folder of the user."""
    name = "cnn-local-relu.synthetic-codes"
    folders = make_model("own-relu.synthetic-codes"), make_model(name)
    before = packaged_names([])
    monkeypatch.setenv("MOTIFZOO_MODELS", str(tmp_path))
    assert packaged_names([]) == before
    with pytest.raises(ModelError) as error:
        packaged_names(["own-*"])
    assert str(error.value) == "no packaged model matches 'own-*'. `motifzoo models` lists them."
    assert matching_names(["own-*", name, "cnn-local-re*.synthetic-codes"])[:2] == ["own-relu.synthetic-codes", name]
    assert matching_names([]) == list_models()
    with pytest.raises(ModelError) as error:
        matching_names(["*.nothing"])
    assert str(error.value) == "no model matches '*.nothing'. `motifzoo models` lists them."
    assert find(name).folder == folders[1]
    assert find(name, packaged=True).folder == PRETRAINED / name


def test_scores_go_to_packaged_models_only(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "cnn-local-relu.synthetic-codes"
    make_model(name)
    monkeypatch.setenv("MOTIFZOO_MODELS", str(tmp_path))
    trials: list[Source] = []
    written: list[Path] = []
    monkeypatch.setattr(card_scores, "evaluate_trial", lambda trial, output, **options: trials.append(trial))
    monkeypatch.setattr(card_scores, "publish_scores", lambda evaluated, folder: written.append(folder))
    done = CliRunner().invoke(card_scores.main, [name, "--fresh"])
    numbers = [trial.trial for trial in read_config(PRETRAINED / name).trials]
    assert (done.exit_code, done.output) == (0, f"{name}: {len(numbers)} trials\n")
    assert written == [PRETRAINED / name]
    assert [(trial.folder, trial.trial) for trial in trials] == [(PRETRAINED / name, number) for number in numbers]


@pytest.mark.parametrize("command", [card_scores.main, packaged.main])
def test_a_pattern_without_models_is_an_error_before_anything_is_evaluated(command: object) -> None:
    done = CliRunner().invoke(command, ["*", "*.nothing"])  # type: ignore[arg-type]
    assert (done.exit_code, done.output) == (1, f"Error: {UNKNOWN}\n")


def test_an_item_that_fails_is_named_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    def work(number: int) -> str | None:
        if number == 2:
            raise MotifzooError("its data is lost.")
        return "done" if number == 3 else None

    with pytest.raises(SystemExit) as ended:
        for_each([1, 2, 3], work, name=lambda number: f"model {number}")
    assert ended.value.code == 1
    assert tuple(capsys.readouterr()) == ("model 3: done\n", "model 2: its data is lost.\n")


def test_nothing_fails_and_other_errors_are_not_caught() -> None:
    for_each(["a"], lambda name: name)
    with pytest.raises(ZeroDivisionError):
        for_each([0], lambda number: str(1 // number))


def test_counting_in_words() -> None:
    assert [counted(range(number)) for number in range(3)] == ["0 trials", "1 trial", "2 trials"]
