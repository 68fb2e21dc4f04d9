"""What the README's sentences say beyond its tables, computed again from weights and data."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch.nn.functional import max_pool1d

import motifzoo
from motifzoo.evaluate.cli import main
from motifzoo.metrics import aupr
from motifzoo.zoo.sources import find

README = " ".join((Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8").split())
ONE_FUNCTION = ("relu", "elu", "linear")


def stated(pattern: str) -> tuple[str, ...]:
    """What the groups of a pattern hold in the README, which has it once."""
    (found,) = re.finditer(pattern, README)
    return found.groups()


def batches(split: str, dataset: str) -> Iterator[torch.Tensor]:
    sequences = motifzoo.load_dataset(dataset).split(split)
    for begin in range(0, len(sequences), 1000):
        yield torch.from_numpy(sequences.onehot(slice(begin, begin + 1000)))


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_cnn_50_predicts_better_with_its_first_dropout_left_on(activation: str) -> None:
    with_dropout, without = (
        dict(zip(("tanh", "sigmoid"), map(float, pair), strict=True))
        for pair in (
            stated(r"with the first layer's dropout left on, they predict .*? of ([0-9.]+) and ([0-9.]+), and"),
            stated(r"with it off, as anybody uses them, with ([0-9.]+) and ([0-9.]+)\."),
        )
    )
    labels = np.asarray(motifzoo.load_dataset("synthetic-motifs").valid.labels)
    model = motifzoo.load(f"cnn-50-{activation}.synthetic-motifs")

    def pooled() -> float:
        with torch.no_grad():
            scores = torch.cat([model(batch) for batch in batches("valid", "synthetic-motifs")]).numpy()
        return float(aupr(labels.reshape(1, -1), scores.reshape(1, -1))[0])

    assert pooled() == pytest.approx(without[activation], abs=0.006)
    model.conv1_dropout.train()
    torch.manual_seed(0)
    assert pooled() == pytest.approx(with_dropout[activation], abs=0.01)  # another draw moves the third digit


@pytest.mark.slow
def test_behind_a_pool_of_50_hardly_a_maximum_is_not_positive() -> None:
    maxima, most = (
        int(text.replace(",", "")) for text in stated(r"of the ([0-9,]+) maxima .* at most ([0-9]+) are not")
    )
    counted = []
    for activation in ONE_FUNCTION:
        for trial in range(3):
            model = motifzoo.load(f"cnn-local-{activation}.synthetic-codes:{trial}")
            taken: list[torch.Tensor] = []
            model.conv1_norm.register_forward_hook(lambda _, __, maps, taken=taken: taken.append(max_pool1d(maps, 50)))
            with torch.no_grad():
                for split in ("train", "test"):
                    for batch in batches(split, "synthetic-codes"):
                        model(batch)
            values = torch.cat(taken)
            assert values.numel() == maxima
            counted.append(int((values <= 0).sum()))
    assert max(counted) == most


def test_elu_and_linear_end_at_the_same_weights_in_trials_0_and_2_of_cnn_local() -> None:
    assert stated(r"trials ([0-9]) and ([0-9]) of cnn-local with elu and with linear, .* the same weights") == (
        "0",
        "2",
    )
    for trial in range(3):
        elu, linear = (find(f"cnn-local-{name}.synthetic-codes:{trial}").sha256 for name in ("elu", "linear"))
        assert (elu == linear) == (trial in (0, 2))


def printed(*words: str | Path) -> Any:
    """What a command prints with --json."""
    done = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_maps_of_exponential_cnn_local_are_told_apart_from_as_many_others_as_said(tmp_path: Path) -> None:
    assert stated(
        r"mutagenesis maps of exponential networks are told apart from those of all (\w+) other activations"
        r" .* integrated gradients and DeepSHAP from (\w+) of them\."
    ) == ("six", "two")
    tests = printed("reproduce", "cnn-local-*.synthetic-codes", "--output", tmp_path)["tests"]

    def apart(method: str) -> list[bool]:
        return [
            test["verdict"] == "higher"
            for test in tests
            if test["scope"] == "synthetic-codes, cnn-local, plain"
            and test["kind"] == "exponential against each other activation"
            and test["metric"] == f"attribution/{method}/auroc"
        ]

    assert [len(apart(method)) for method in ("saliency", "mutagenesis")] == [6, 6]
    assert all(apart("saliency") + apart("mutagenesis"))
    assert [sum(apart(method)) for method in ("integrated_gradients", "deepshap")] == [2, 2]


@pytest.mark.parametrize("method", ["saliency", "mutagenesis", "integrated_gradients", "deepshap"])
def test_the_leaderboard_tells_exponential_cnn_local_apart_from_none(method: str) -> None:
    assert stated(r"over all pairs of all entries and tells (\w+) of them apart with three trials") == ("none",)
    rows = printed("leaderboard", "show", "--benchmark", "synthetic-codes", "--metric", f"attribution/{method}/auroc")
    ranked = [row for row in rows if row["position"] is not None]
    (own,) = [row for row in ranked if row["model"] == "cnn-local-exponential.synthetic-codes"]
    assert (own["tested"], own["best_rank"], own["worst_rank"]) == (True, 1, len(ranked))


def test_controls_score_as_said() -> None:
    local, dist, scan = stated(
        r"mutagenesis at an AUROC of ([0-9.]+) \(cnn-local\) and ([0-9.]+) \(cnn-dist\), not 0\.5; "
        r"a scan .* reaches ([0-9.]+)\."
    )
    rows = printed("leaderboard", "show", "--benchmark", "synthetic-codes", "--metric", "attribution/mutagenesis/auroc")
    means = {row["model"].split(".")[0]: row["mean"] for row in rows}
    for activation in ("relu", "exponential"):
        assert f"{means[f'cnn-local-{activation}-untrained']:.2f}" == local
        assert f"{means[f'cnn-dist-{activation}-untrained']:.2f}" == dist
    assert f"{means['motif-scan']:.3f}" == scan
