"""Every data set that can be had from files at hand: built from them, audited, and evaluated on."""

from pathlib import Path

import datasets
import h5py
import numpy as np
import pytest
from model_folders import ModelFactory

from motifzoo.data_cards.audit import audit
from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.load import built_folder, load_dataset
from motifzoo.data_cards.onehot import to_onehot
from motifzoo.data_cards.store import check
from motifzoo.evaluate import targets
from motifzoo.evaluate.benchmark import evaluate_trial
from motifzoo.zoo.sources import find

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
FETCHED = ("chip-gabpa", "chip-irf1", "chip-lef1", "chip-rest", "chip-zbed2", "tfbs-tp53")
LEAKED = {"chip-gabpa": 16}


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    if not SHARED.is_dir():
        pytest.skip("the in vivo files are not here")
    monkeypatch.setenv("MOTIFZOO_MIRROR", str(SHARED))


@pytest.mark.parametrize("name", [*FETCHED, "dhs-4cell"])
def test_builds_audits_and_evaluates(
    name: str, mirror: None, make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "SEQUENCES", 8)
    data = load_dataset(name)
    check(data)
    assert data.fingerprint == data.card.fingerprint
    found = audit(data)
    assert found.leaked == LEAKED.get(name, 0)
    folder = make_model(
        f"tiny-exponential.{name}",
        activation="exponential",
        dataset=name,
        input_length=data.card.length,
        outputs=data.card.classes,
    )
    result = evaluate_trial(find(str(folder)), tmp_path / "out").result
    assert result.left_out == LEAKED.get(name, 0)
    assert any("also in the training split" in note for note in result.notes) == (name in LEAKED)
    expected = {"classification/auroc", "filters/match_any", "filters/target_match", "filters/target_e"}
    assert expected <= set(result.metrics)
    assert result.n["attribution/saliency/scan_auroc"] > 0
    known = {motif for motifs in data.card.known_motifs.values() for motif in motifs}
    assert {f"filters/target_e/{motif}" for motif in known} <= set(result.metrics)


@pytest.mark.parametrize("name", FETCHED)
def test_a_built_folder_is_a_hugging_face_data_set(name: str, mirror: None, tmp_path: Path) -> None:
    data = load_dataset(name)
    loaded = datasets.load_dataset(str(built_folder(data.card)), cache_dir=str(tmp_path / "hf"))
    assert {split: len(part) for split, part in loaded.items()} == {
        "train": len(data.train),
        "validation": len(data.valid),
        "test": len(data.test),
    }
    assert loaded["test"]["label"][:] == data.test.labels.tolist()


def test_a_data_set_nobody_has_built_before_is_built_and_known_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Basset's file has neither a size nor a hash in its card: what is found is used as it comes, and said."""
    card = load_card("basset-dnase164")
    random = np.random.default_rng(0)
    (tmp_path / "mirror").mkdir()
    with h5py.File(tmp_path / "mirror" / card.sources[0].file, "w") as file:
        for name, size in (("train", 30), ("valid", 10), ("test", 12)):
            codes = random.integers(0, 4, (size, card.length)).astype(np.uint8)
            file[f"{name}_in"] = to_onehot(codes)[:, :, None, :].astype(np.uint8)
            file[f"{name}_out"] = (np.arange(size)[:, None] + np.arange(len(card.classes)) % 2 > size / 2).astype("u1")
        file["test_headers"] = np.array([f"chr1:{row}-{row + 600}(+)" for row in range(12)], dtype="S")
        file["target_labels"] = np.array(card.classes, dtype="S")
    monkeypatch.setenv("MOTIFZOO_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / "cache"))
    data = load_dataset("basset-dnase164")
    assert data.card.splits == {"train": 30, "valid": 10, "test": 12}
    assert data.card.fingerprint == data.fingerprint
    assert data.test.labels.shape == (12, 164)
    assert any("sha256" in record.getMessage() for record in caplog.records)
    (tmp_path / "mirror" / card.sources[0].file).unlink()
    again = load_dataset("basset-dnase164")
    assert again.fingerprint == data.fingerprint
    assert again.card == data.card
