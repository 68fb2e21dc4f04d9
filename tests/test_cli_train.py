"""`motifzoo train` on a grid: trials train side by side, are kept as they end, and are not trained again."""

import importlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from own_files import random_sequences

from motifzoo.data_cards.own import Request, add
from motifzoo.evaluate.cli import main
from motifzoo.zoo import publish
from motifzoo.zoo.config import ModelConfig, read_config
from motifzoo.zoo.recipe import Recipe
from motifzoo.zoo.sources import PRETRAINED
from motifzoo.zoo.stacked import Finished
from motifzoo.zoo.training import Trained

command = importlib.import_module("motifzoo.evaluate.cli.train")
NAME = "cnn-local-relu.tiny-own"
GRID = """
dataset = "tiny-own"
architectures = ["cnn-local"]
activations = ["relu", "exponential"]
trials = 2

[training]
epochs = 2
batch_size = 20
learning_rate = {rate}
"""


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "data"))
    sequences = random_sequences(90, length=200)
    path = tmp_path / "x.fa"
    path.write_text("".join(f">p{n} label={n % 2}\n{sequence}\n" for n, sequence in enumerate(sequences)))
    add(Request(name="tiny-own", file=path))


def train(tmp_path: Path, *more: str, rate: float = 1e-3) -> Result:
    path = tmp_path / "grid.toml"
    path.write_text(GRID.format(rate=rate))
    return CliRunner().invoke(main, ["train", str(path), "--output", str(tmp_path / "models"), *more])


def test_a_grid_trains_side_by_side_and_once(tmp_path: Path) -> None:
    done = train(tmp_path)
    assert done.exit_code == 0, done.output
    hashes = set()
    for activation in ("relu", "exponential"):
        config = read_config(tmp_path / "models" / f"cnn-local-{activation}.tiny-own")
        assert [(trial.trial, trial.seed, trial.epochs) for trial in config.trials] == [(0, 0, 2), (1, 1, 2)]
        hashes |= {trial.sha256 for trial in config.trials}
        assert f"cnn-local-{activation}.tiny-own:1 2 epochs in " in done.output
    assert len(hashes) == 4
    assert list((tmp_path / "models" / ".checkpoints").glob("*.safetensors")) == []
    again = train(tmp_path)
    assert again.output.count("is already in") == 4
    assert "epochs in" not in again.output


def hashes(tmp_path: Path, *more: str) -> dict[tuple[int, bool | None], str]:
    """Of cnn-local-relu's trials: by number and whether the config says that it was in a stack."""
    folder = tmp_path / "-".join(more)
    done = train(tmp_path, *more, "--threads", "1", "--output", str(folder))
    assert done.exit_code == 0, done.output
    return {(trial.trial, trial.stacked): trial.sha256 for trial in read_config(folder / NAME).trials}


def test_alone_and_stacked_are_recorded_and_come_out_as_before(tmp_path: Path) -> None:
    """The weights depend on that choice, by rounding, and not on who else is trained."""
    several, stacked = hashes(tmp_path, "--trial", "0", "--trial", "1"), hashes(tmp_path, "--trial", "1", "--stacked")
    in_turn, alone = (
        hashes(tmp_path, "--trial", "0", "--trial", "1", "--alone"),
        hashes(tmp_path, "--trial=1", "--alone"),
    )
    assert list(several) == [(0, True), (1, True)]
    assert list(in_turn) == [(0, False), (1, False)]
    assert stacked == {(1, True): several[1, True]}
    assert alone == {(1, False): in_turn[1, False]}
    assert stacked[1, True] != alone[1, False]


def test_side_by_side_gives_about_the_weights_of_one_after_another(tmp_path: Path) -> None:
    """Equal to float tolerance over the first steps."""
    scores = []
    for choice in ("--stacked", "--alone"):
        hashes(tmp_path, choice)
        scores.append([trial.score for trial in read_config(tmp_path / choice / NAME).trials])
    np.testing.assert_allclose(*scores, atol=0.02)


def test_many_trials_share_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_LINES", 3)
    monkeypatch.setattr(command, "_SECONDS", 0.0)
    lines = train(tmp_path).output.splitlines()
    assert not [line for line in lines if re.search(r":\d epoch \d", line)]
    assert re.fullmatch(r"4 trials: \d of at most 8 epochs, at most \d:\d\d left", lines[1])
    assert len([line for line in lines if " epochs in " in line]) == 4


def test_models_that_differ_in_their_variant_only_are_all_written(tmp_path: Path) -> None:
    """Their settings are the same, and so are their weights, but each name is asked for."""
    table = GRID.format(rate=1e-3).replace("[training]", "[grid.training]")
    path = tmp_path / "two.toml"
    path.write_text(f'[[grid]]{table}[[grid]]\nvariant = "again"{table}')
    done = CliRunner().invoke(main, ["train", str(path), "--output", str(tmp_path / "models"), "--threads", "1"])
    assert done.exit_code == 0, done.output
    written = [read_config(tmp_path / "models" / name) for name in (NAME, "cnn-local-relu-again.tiny-own")]
    one, other = ([trial.sha256 for trial in config.trials] for config in written)
    assert one == other
    assert len(set(one)) == 2


@pytest.mark.parametrize("recorded", ["1.0.0", None])
def test_the_version_of_pytorch_that_a_trial_was_trained_with_is_published(
    recorded: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the one at hand when it is published; None of a run that does not know."""
    add_trial = publish.add_trial

    def as_recorded(folder: Path, recipe: Recipe, trained: Trained) -> ModelConfig:
        assert trained.state.torch == torch.__version__
        state = trained.state.model_copy(update={"torch": recorded})
        return add_trial(folder, recipe, Trained(trained.network, state))

    monkeypatch.setattr(publish, "add_trial", as_recorded)
    done = train(tmp_path, "--trial", "0")
    assert done.exit_code == 0, done.output
    assert [trial.torch for trial in read_config(tmp_path / "models" / NAME).trials] == [recorded]


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_another_precision_than_float32_is_published(
    precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """float32 is not: configs from before there was a choice would differ."""
    add_trial = publish.add_trial

    def as_of_a_gpu(folder: Path, recipe: Recipe, trained: Trained) -> ModelConfig:
        state = trained.state.model_copy(update={"precision": precision})
        return add_trial(folder, recipe, Trained(trained.network, state))

    monkeypatch.setattr(publish, "add_trial", as_of_a_gpu)
    assert train(tmp_path, "--trial", "0").exit_code == 0
    folder = tmp_path / "models" / NAME
    (trial,) = json.loads((folder / "config.json").read_text())["trials"]
    assert {key: trial.get(key) for key in trial.keys() & {"precision"}} == (
        {} if precision == "float32" else {"precision": precision}
    )
    assert read_config(folder).trials[0].precision == (None if precision == "float32" else precision)


def test_packaged_configs_are_written_as_they_are() -> None:
    """All of their bytes."""
    folders = [path.parent for path in PRETRAINED.glob("*/config.json")]
    assert len(folders) > 100
    for folder in folders:
        text = (folder / "config.json").read_text()
        assert read_config(folder).model_dump_json(indent=2) + "\n" == text, folder.name


def test_the_precision_that_is_asked_for_is_what_stacks_train_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single trial too; it would be alone otherwise."""
    asked = []

    def see(trials: Sequence[tuple[Recipe, int]], *_: object, precision: str, **more: object) -> Iterator[Finished]:
        asked.append((len(trials), precision))
        return iter(())

    monkeypatch.setattr("motifzoo.zoo.stacked.train_stack", see)
    assert train(tmp_path).exit_code == 0
    assert train(tmp_path, "--precision", "bfloat16").exit_code == 0
    path = tmp_path / "one.toml"
    path.write_text(GRID.format(rate=1e-3).replace(', "exponential"', "").replace("trials = 2", "trials = 1"))
    one = ("train", str(path), "--output", str(tmp_path / "models"), "--precision", "tf32")
    assert CliRunner().invoke(main, one).exit_code == 0
    assert asked == [(4, "float32"), (4, "bfloat16"), (1, "tf32")]


def test_a_precision_that_cannot_be_had(tmp_path: Path) -> None:
    assert train(tmp_path, "--precision", "tf32").stderr.splitlines()[-1] == (
        "Error: precision tf32 needs a CUDA device; on cpu use float32."
    )
    done = train(tmp_path, "--precision", "bfloat16", "--alone")
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: --precision bfloat16 is for stacks: a trial alone trains in float32. Leave out one.\n"
    )


def test_trials_that_diverge_are_named_and_leave_no_weights(tmp_path: Path) -> None:
    done = train(tmp_path, rate=1e30)
    assert done.exit_code == 1
    assert (
        "diverged: a loss, weight or prediction is not a finite number, so there is no model. A lower learning rate "
        "may help."
    ) in done.output
    for name in ("cnn-local-relu.tiny-own", "cnn-local-exponential.tiny-own"):
        assert f"{name}:0" in done.output.splitlines()[-1]
        assert not (tmp_path / "models" / name / "config.json").exists()
