"""How alike the trials of a model explain the same sequences."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from model_folders import ModelFactory
from safetensors.numpy import load_file, save_file
from sklearn.metrics.pairwise import cosine_similarity

from motifzoo.errors import MotifzooError
from motifzoo.evaluate import targets
from motifzoo.evaluate.benchmark import Evaluated, evaluate_trial
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.consistency import consistency, mean_cosine
from motifzoo.evaluate.protocol import METHODS
from motifzoo.zoo.sources import find


def test_by_hand() -> None:
    one, other = np.array([[1.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 2.0], [6.0, 8.0]])
    assert mean_cosine([one, other]) == pytest.approx(0.5)  # at a right angle, and parallel
    assert mean_cosine([one, -one]) == pytest.approx(-1.0)


def test_every_pair_and_sequence_counts_once() -> None:
    maps = np.random.default_rng(0).normal(size=(4, 6, 11)).astype(np.float32)
    expected = [
        cosine_similarity(one[row : row + 1], other[row : row + 1])[0, 0]
        for one, other in combinations(maps.astype(np.float64), 2)
        for row in range(6)
    ]
    assert mean_cosine(list(maps)) == pytest.approx(np.mean(expected), abs=1e-12)


def test_the_scale_of_a_map_is_nothing() -> None:
    maps = np.random.default_rng(1).normal(size=(2, 5, 9))
    assert mean_cosine([maps[0] * 1e200, maps[1] * 1e-200]) == pytest.approx(mean_cosine(list(maps)), abs=1e-12)


def test_maps_that_are_zero_or_not_finite_have_no_direction() -> None:
    good = np.ones((3, 4))
    bad = good.copy()
    bad[0] = 0
    bad[1, 2] = np.inf
    assert mean_cosine([good, bad]) == pytest.approx(1.0)
    assert mean_cosine([good[:2], bad[:2]]) is None


@pytest.fixture
def trials(make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Evaluated]:
    monkeypatch.setattr(targets, "SEQUENCES", 4)
    folder = make_model(trials=3)
    return [evaluate_trial(find(f"{folder}:{trial}"), tmp_path / "out") for trial in range(3)]


def test_trials_of_a_model_are_compared_and_a_single_one_is_not(trials: list[Evaluated]) -> None:
    (found,) = consistency(trials)
    assert (found.model, found.benchmark) == ("tiny-relu.synthetic-codes", "synthetic-codes@1")
    assert (found.trials, found.sequences) == ((0, 1, 2), 4)
    assert list(found.cosine) == list(METHODS)
    arrays = [load_file(item.folder / "attribution.safetensors") for item in trials]
    for method, value in found.cosine.items():
        assert value == mean_cosine([tensors[method] for tensors in arrays])
    assert list(consistency(trials[:1])) == []
    assert list(consistency([trials[0], trials[0]])) == []


def test_trials_that_explain_other_sequences_are_refused(trials: list[Evaluated]) -> None:
    path = trials[1].folder / "attribution.safetensors"
    arrays = load_file(path)
    save_file(arrays | {"rows": arrays["rows"] + 1}, path)
    with pytest.raises(MotifzooError) as error:
        list(consistency(trials))
    assert str(error.value) == (
        "trials 0 and 1 of tiny-relu.synthetic-codes explain different sequences, so their maps cannot be compared. "
        "Evaluate both again."
    )


def test_evaluate_says_and_writes_how_alike_the_trials_are(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "SEQUENCES", 4)
    folder, output, report = make_model(trials=2), tmp_path / "out", tmp_path / "report.html"
    arguments = ["evaluate", str(folder), "--all-trials", "--output", str(output), "--report", str(report)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "Agreement of the trials' attribution maps: mean pairwise cosine" in result.output
    written = json.loads((output / "tiny-relu.synthetic-codes" / "consistency-synthetic-codes@1.json").read_text())
    assert written["trials"] == [0, 1]
    value = written["cosine"]["saliency"]
    assert f"{value:.4f}" in result.output
    page = report.read_text()
    assert "Agreement of trials" in page
    assert f'<td class="num">{value:.3f}</td>' in page
