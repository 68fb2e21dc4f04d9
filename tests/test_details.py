"""What a model's page is made of: the files beside a record hold what the evaluation found, and no more."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from model_folders import ModelFactory
from safetensors.numpy import load, load_file, save

from motifzoo.data_cards.load import load_dataset
from motifzoo.errors import BoardError, MotifzooError
from motifzoo.evaluate import targets
from motifzoo.evaluate.benchmark import Evaluated, evaluate_trial
from motifzoo.evaluate.leaderboard.details import MAPPED_SEQUENCES, MAX_MAPS_BYTES, details, details_prefix, read_maps
from motifzoo.evaluate.protocol import METHODS
from motifzoo.evaluate.results import Result
from motifzoo.zoo.sources import find

PREFIX = "results/synthetic-codes@1/tiny-exponential.synthetic-codes/trial-0/"


@pytest.fixture
def evaluated(make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluated:
    monkeypatch.setattr(targets, "SEQUENCES", 6)
    folder = make_model("tiny-exponential.synthetic-codes", activation="exponential")
    return evaluate_trial(find(str(folder)), tmp_path / "out")


def test_details_of_a_result(evaluated: Evaluated) -> None:
    files = details(evaluated.result, evaluated.folder)
    assert details_prefix(evaluated.result) == PREFIX
    assert set(files) == {PREFIX + name for name in ("result.json", "filters.meme", "hits.tsv", "maps.safetensors")}
    for name in ("filters.meme", "hits.tsv"):
        assert files[PREFIX + name] == (evaluated.folder / name).read_bytes()
    result = Result.model_validate_json(files[PREFIX + "result.json"])
    assert result.model_copy(update={"files": evaluated.result.files}) == evaluated.result
    assert {side.name for side in result.files.values()} == {"filters.meme", "hits.tsv", "maps.safetensors"}
    for side in result.files.values():
        assert side.sha256 == hashlib.sha256(files[PREFIX + side.name]).hexdigest()


def test_maps_are_the_first_ones(evaluated: Evaluated) -> None:
    content = details(evaluated.result, evaluated.folder)[PREFIX + "maps.safetensors"]
    maps = read_maps(content, "maps.safetensors")
    whole = load_file(evaluated.folder / "attribution.safetensors")
    np.testing.assert_array_equal(maps.codes, load_dataset("synthetic-codes").test.codes[maps.rows])
    np.testing.assert_array_equal(maps.rows, whole["rows"][:MAPPED_SEQUENCES])
    np.testing.assert_array_equal(maps.outputs, np.zeros(MAPPED_SEQUENCES))
    np.testing.assert_allclose(maps.information, whole["information"][:MAPPED_SEQUENCES], rtol=1e-7, atol=1e-9)
    assert set(maps.maps) == set(METHODS)
    for method in METHODS:
        np.testing.assert_array_equal(maps.maps[method], whole[method][:MAPPED_SEQUENCES])
    assert len(content) < 20_000


def test_the_same_result_gives_the_same_bytes(evaluated: Evaluated) -> None:
    assert details(evaluated.result, evaluated.folder) == details(evaluated.result, evaluated.folder)


def test_a_side_file_of_another_evaluation(evaluated: Evaluated) -> None:
    (evaluated.folder / "hits.tsv").write_text("Query_ID\n")
    with pytest.raises(MotifzooError, match=r"hits\.tsv is not the file its result was written with"):
        details(evaluated.result, evaluated.folder)


def changed(evaluated: Evaluated, **arrays: np.ndarray) -> bytes:
    content = details(evaluated.result, evaluated.folder)[PREFIX + "maps.safetensors"]
    return save({**load(content), **arrays})


def test_maps_of_a_stranger(evaluated: Evaluated) -> None:
    """A submitter may put anything there."""
    content = changed(evaluated)
    for broken in (b"\x80\x04pickle", content[:-1], b""):
        with pytest.raises(BoardError, match=r"^maps is not a safetensors file: .+\.$"):
            read_maps(broken, "maps")
    told = {
        b"\0" * (MAX_MAPS_BYTES + 1): f"maps has {MAX_MAPS_BYTES + 1:,} bytes; maps have at most {MAX_MAPS_BYTES:,}.",
        save({"rows": np.zeros(2, np.int64)}): "maps has no tensor outputs or codes or information.",
        changed(evaluated, saliency=np.zeros((4, 3), np.float32)): (
            "maps has saliency of shape (4, 3); its rows and codes say (4, 200)."
        ),
        changed(evaluated, codes=np.zeros((4, 200), np.int64)): (
            "maps must hold rows and outputs as int64 of one length, and codes as uint8."
        ),
        changed(evaluated, saliency=np.zeros((4, 200), np.int64)): "maps must hold information and maps as float32.",
        changed(evaluated, rows=np.zeros((), np.int64)): (
            "maps has codes of shape (4, 200); its rows and codes say (-1, 200)."
        ),
    }
    for bad, message in told.items():
        with pytest.raises(BoardError) as error:
            read_maps(bad, "maps")
        assert str(error.value) == message
