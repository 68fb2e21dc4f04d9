"""Control rows: maps against plain loops, networks against what training starts from, and the rows on a board."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.data_cards.generate import generate
from motifzoo.data_cards.motifs import Motif, jaspar2016
from motifzoo.data_cards.onehot import Codes, reverse_complement
from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.controls import __main__ as command
from motifzoo.evaluate.leaderboard.controls import networks, rows
from motifzoo.evaluate.leaderboard.controls.maps import random_maps, scan_maps
from motifzoo.evaluate.leaderboard.controls.networks import scan_source, untrained_recipes, untrained_sources
from motifzoo.evaluate.leaderboard.controls.rows import control_rows, planted_motifs
from motifzoo.evaluate.leaderboard.entries import entries
from motifzoo.evaluate.leaderboard.ranking import rank
from motifzoo.evaluate.metric_table import metric_of
from motifzoo.evaluate.protocol import METHODS
from motifzoo.evaluate.pwm import log_odds
from motifzoo.evaluate.scan import scan
from motifzoo.zoo.load import load_source, to_arrays
from motifzoo.zoo.recipe import Recipe
from motifzoo.zoo.training import starting_network
from motifzoo.zoo.weights import content_hash

CORE = ("CEBPB", "Gabpa", "MAX", "SP1", "YY1")
NOW = "2025-01-01T00:00:00+00:00"


@pytest.fixture(scope="module")
def dataset() -> SequenceDataset:
    """The kind of sequences that synthetic-codes has, few of them."""
    card = load_card("synthetic-codes")
    splits = {"train": 200, "valid": 20, "test": 100}
    return generate(card.model_copy(update={"splits": splits, "fingerprint": "", "positives": {}}))


@pytest.fixture
def one_network(monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """One untrained network with two trials instead of four with three."""
    recipe = untrained_recipes("synthetic-codes")[0]
    monkeypatch.setattr(rows, "untrained_recipes", lambda name: [recipe])
    monkeypatch.setattr(networks, "SEEDS", (0, 1))
    return recipe


def plain_scan(codes: Codes, motifs: Sequence[Motif]) -> list[list[float]]:
    """`scan_maps` by its definition."""
    found = []
    for sequence in codes.tolist():
        best = [-np.inf] * len(sequence)
        for motif in motifs:
            forward = log_odds(motif)
            for bits in (forward, forward[::-1, ::-1]):
                for start in range(len(sequence) - motif.width + 1):
                    window = sequence[start : start + motif.width]
                    score = sum(bits[code, column] for column, code in enumerate(window) if code < 4)
                    for position in range(start, start + motif.width):
                        best[position] = max(best[position], score)
        found.append(best)
    return found


def _motifs(*names: str) -> list[Motif]:
    return [next(motif for motif in jaspar2016() if motif.name == name) for name in names]


def test_scan_maps_are_those_of_plain_loops() -> None:
    motifs = _motifs("SP1", "YY1", "MAX")
    codes = np.random.default_rng(0).integers(0, 5, (4, 40)).astype(np.uint8)  # 4 is no nucleotide
    assert scan_maps(codes, motifs) == pytest.approx(np.array(plain_scan(codes, motifs)), abs=1e-12)


def test_a_scan_of_the_other_strand_is_the_mirror_image() -> None:
    codes = np.random.default_rng(1).integers(0, 4, (10, 50)).astype(np.uint8)
    motifs = _motifs("CEBPB", "Gabpa")
    assert np.allclose(scan_maps(reverse_complement(codes), motifs), scan_maps(codes, motifs)[:, ::-1])


def test_scan_maps_are_at_least_the_scores_of_the_instances_that_cover_them() -> None:
    codes = np.random.default_rng(2).integers(0, 4, (50, 200)).astype(np.uint8)
    motifs = _motifs("SP1")
    maps = scan_maps(codes, motifs)
    instances = scan(codes, motifs, 1e-3)
    assert len(instances.score) > 10
    for row, start, stop, score in zip(
        instances.sequence, instances.start, instances.stop, instances.score, strict=True
    ):
        assert (maps[row, start:stop] >= score - 0.01).all()  # the instances' scores are whole steps of 2^-13 bits
    assert maps.max() == pytest.approx(instances.score.max(), abs=0.01)


def test_a_motif_that_does_not_fit_covers_nothing() -> None:
    assert np.isneginf(scan_maps(np.zeros((2, 5), np.uint8), _motifs("SP1"))).all()


def test_random_maps_depend_on_seed_and_row_alone() -> None:
    maps = random_maps(np.arange(20), 500, 0)
    assert np.array_equal(random_maps(np.array([7, 3]), 500, 0), maps[[7, 3]])
    assert np.array_equal(random_maps(np.array([3]), 100, 0), maps[[3], :100])
    assert not np.array_equal(random_maps(np.arange(20), 500, 1), maps)
    assert (maps >= 0).all()
    assert (maps < 1).all()
    assert len(np.unique(maps)) == maps.size
    # The mean and variance of 10,000 uniform numbers, within four standard errors.
    assert maps.mean() == pytest.approx(1 / 2, abs=4 * np.sqrt(1 / 12 / maps.size))
    assert maps.var() == pytest.approx(1 / 12, abs=4 * np.sqrt(1 / 180 / maps.size))


def test_untrained_networks_are_every_architecture_of_the_data_set() -> None:
    names = [recipe.name for recipe in untrained_recipes("synthetic-codes")]
    assert names == [
        "cnn-local-relu-untrained.synthetic-codes",
        "cnn-local-exponential-untrained.synthetic-codes",
        "cnn-dist-relu-untrained.synthetic-codes",
        "cnn-dist-exponential-untrained.synthetic-codes",
    ]
    assert [recipe.architecture for recipe in untrained_recipes("chip-irf1")] == ["residualbind", "residualbind"]
    assert untrained_recipes("nothing-trained") == []


def test_untrained_networks_are_what_training_starts_from(dataset: SequenceDataset, tmp_path: Path) -> None:
    recipe = Recipe(architecture="cnn-local", activation="relu", dataset="synthetic-codes", trials=10)
    sources = untrained_sources(untrained_recipes("synthetic-codes")[0], dataset, tmp_path)
    expected = [content_hash(to_arrays(starting_network(recipe, seed, dataset))) for seed in (0, 1, 2)]
    assert [source.sha256 for source in sources] == expected
    assert len(set(expected)) == 3
    for source in sources:
        load_source(source)  # checks hash, names and shapes


def test_the_scans_filters_score_the_window_around_a_position(dataset: SequenceDataset, tmp_path: Path) -> None:
    motifs = _motifs("SP1", "MAX", "YY1")
    assert {motif.width % 2 for motif in motifs} == {0, 1}
    network = load_source(scan_source(motifs, dataset, tmp_path))
    codes = dataset.test.codes[:3]
    with torch.inference_mode():
        maps = network.feature_maps(torch.from_numpy(dataset.test.onehot(slice(3)))).numpy()
    for filter_number, motif in enumerate(motifs):
        bits = log_odds(motif)
        for position in (30, 100):
            start = position - motif.width // 2
            windows = codes[:, start : start + motif.width]
            expected = bits[windows, np.arange(motif.width)].sum(axis=1)
            assert maps[:, filter_number, position] == pytest.approx(expected, abs=1e-4)


def test_planted_motifs_are_those_that_make_the_label_true(dataset: SequenceDataset) -> None:
    assert tuple(sorted(motif.name for motif in planted_motifs(dataset))) == CORE


def test_control_rows_of_synthetic_data(dataset: SequenceDataset, one_network: Recipe, tmp_path: Path) -> None:
    found = list(control_rows(dataset, tmp_path, NOW))
    records = [row.record for row in found]
    assert [(record.model, record.trial, record.control) for record in records] == [
        ("cnn-local-relu-untrained.synthetic-codes", 0, "untrained"),
        ("cnn-local-relu-untrained.synthetic-codes", 1, "untrained"),
        ("motif-scan.synthetic-codes", 0, "motif_scan"),
        ("random-attribution.synthetic-codes", 0, "random_attribution"),
        ("random-attribution.synthetic-codes", 1, "random_attribution"),
        ("random-attribution.synthetic-codes", 2, "random_attribution"),
    ]
    assert len({record.model_sha256 for record in records}) == len(records)
    for record in records:
        assert (record.data_fingerprint, record.benchmark) == (dataset.fingerprint, "synthetic-codes@1")
        assert record.command == "python -m motifzoo.evaluate.leaderboard.controls synthetic-codes@1 --board FOLDER"
        assert set(record.metrics) == set(record.n)
        assert all(metric_of(name) is not None for name in record.metrics)
        assert str(tmp_path) not in record.to_json().decode()
    untrained, scan_row, noise = records[0], records[2], records[3:]
    assert (untrained.architecture, untrained.activation, untrained.variant) == ("cnn-local", "relu", "untrained")
    assert untrained.parameters is not None
    assert "classification/auroc" in untrained.metrics
    maps = {f"attribution/{method}/{score}" for method in METHODS for score in ("auroc", "aupr")}
    filters = {"filters/match_any", "filters/match_fraction", "filters/motif_coverage", "filters/dead"}
    assert set(scan_row.metrics) == maps | filters
    assert all(set(record.metrics) == maps for record in noise)
    assert scan_row.metrics["filters/match_fraction"] == scan_row.metrics["filters/motif_coverage"] == 1
    assert scan_row.n["filters/match_fraction"] == len(CORE)
    assert scan_row.notes[0] == "The filters are the planted motifs MAX, Gabpa, SP1, YY1, CEBPB."
    assert scan_row.metrics["attribution/deepshap/auroc"] > 0.97  # type: ignore[operator]
    for record in noise:
        # Of one sequence the AUROC of noise has a standard deviation of about 0.05; there are about 50.
        assert record.metrics["attribution/saliency/auroc"] == pytest.approx(0.5, abs=5 * 0.05 / np.sqrt(50))
    assert found[0].files.keys() == {
        f"results/synthetic-codes@1/cnn-local-relu-untrained.synthetic-codes/trial-0/{name}"
        for name in ("result.json", "filters.meme", "hits.tsv", "maps.safetensors")
    }
    assert not any(str(tmp_path).encode() in content for content in found[0].files.values())
    assert [len(row.files) for row in found[1:]] == [0] * 5


def _real_dna() -> SequenceDataset:
    """Random sequences under the card of real ones."""
    drawn = np.random.default_rng(0)
    card = load_card("chip-irf1")

    def split(size: int) -> Split:
        codes = drawn.integers(0, 4, (size, card.length)).astype(np.uint8)
        return Split(codes, np.ones((size, 1), np.int8), no_placements())

    return SequenceDataset(card, split(10), split(10), split(100))


def test_on_real_dna_a_scan_is_no_control(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rows, "untrained_recipes", lambda name: [])
    records = [row.record for row in control_rows(_real_dna(), tmp_path, NOW)]
    assert [record.control for record in records] == ["random_attribution"] * 3
    assert set(records[0].metrics) == {f"attribution/{m}/scan_{score}" for m in METHODS for score in ("auroc", "aupr")}


def test_without_attribution_there_is_no_random_attribution(
    dataset: SequenceDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(rows, "untrained_recipes", lambda name: [])
    card = dataset.card.model_copy(update={"benchmarks": ("classification", "filters")})
    (row,) = control_rows(dataclasses.replace(dataset, card=card), tmp_path, NOW)
    assert row.record.control == "motif_scan"
    assert all(name.startswith("filters/") for name in row.record.metrics)


def test_the_command_puts_rows_on_a_board_once(
    dataset: SequenceDataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def load(name: str) -> SequenceDataset:
        assert name == "synthetic-codes"
        return dataset

    monkeypatch.setattr(command, "load_dataset", load)
    monkeypatch.setattr(rows, "untrained_recipes", lambda name: [])
    call = ["synthetic-codes@1", "--board", str(tmp_path)]
    done = CliRunner().invoke(command.main, call)
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        [
            "synthetic-codes@1: motif-scan.synthetic-codes:0",
            *(f"synthetic-codes@1: random-attribution.synthetic-codes:{seed}" for seed in range(3)),
        ],
    )
    board = open_board(str(tmp_path))
    snapshot = board.snapshot()
    assert snapshot.problems == []
    (found,) = entries(snapshot.records.values()).values()
    ranked = rank(found, "attribution/saliency/auroc")
    assert [(row.entry.control, row.position) for row in ranked] == [("motif_scan", None), ("random_attribution", None)]
    assert CliRunner().invoke(command.main, call).exit_code == 0
    assert board.snapshot().revision == snapshot.revision


def test_an_unknown_benchmark_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    done = CliRunner().invoke(command.main, ["synthetic-codes@9", "--board", str(tmp_path)])
    assert done.exit_code == 1
    assert (
        done.output == "synthetic-codes@9: unknown benchmark 'synthetic-codes@9': did you mean 'synthetic-codes@1' or "
        "'synthetic-motifs@1'?\n"
    )
