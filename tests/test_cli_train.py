"""`motifzoo train` on a grid: trials train side by side, are kept as they end, and are not trained again."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from own_files import random_sequences

from motifzoo.data_cards.own import Request, add
from motifzoo.evaluate.cli import main
from motifzoo.zoo.config import read_config

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


def test_side_by_side_gives_about_the_weights_of_one_after_another(tmp_path: Path) -> None:
    """Equal to float tolerance over the first steps; the trials named singly train alone."""
    assert train(tmp_path).exit_code == 0
    together = read_config(tmp_path / "models" / "cnn-local-relu.tiny-own").trial(1)
    alone = CliRunner().invoke(
        main, ["train", str(tmp_path / "grid.toml"), "--trial", "1", "--output", str(tmp_path / "alone")]
    )
    assert alone.exit_code == 0, alone.output
    single = read_config(tmp_path / "alone" / "cnn-local-relu.tiny-own").trial(1)
    assert together.score is not None
    assert single.score is not None
    np.testing.assert_allclose(together.score, single.score, atol=0.02)


def test_trials_that_diverge_are_named_and_leave_no_weights(tmp_path: Path) -> None:
    done = train(tmp_path, rate=1e30)
    assert done.exit_code == 1
    assert "diverged: the loss is not a finite number, so there are no weights to keep." in done.output
    for name in ("cnn-local-relu.tiny-own", "cnn-local-exponential.tiny-own"):
        assert f"{name}:0" in done.output.splitlines()[-1]
        assert not (tmp_path / "models" / name / "config.json").exists()
