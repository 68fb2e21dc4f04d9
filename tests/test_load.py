"""Loading by name, by trial and by folder: strict and hash-checked."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from first_zoo import FIRST_ZOO, REAL_ZOO
from model_folders import ModelFactory

import motifzoo
from motifzoo.errors import ModelError, MotifzooError, UnknownNameError
from motifzoo.zoo import sources
from motifzoo.zoo.config import read_config
from motifzoo.zoo.load import to_arrays
from motifzoo.zoo.weights import content_hash, read_weights, write_weights

NAMES = motifzoo.list_models()


def message_of(name: str, error: type[MotifzooError], device: str = "cpu") -> str:
    with pytest.raises(error) as caught:
        motifzoo.load(name, device)
    return str(caught.value)


def test_the_models_that_every_release_holds_are_there() -> None:
    for name, trials in {**FIRST_ZOO, **REAL_ZOO}.items():
        assert name in NAMES
        assert {entry.trial for entry in sources.find(name).config.trials} >= set(range(trials))


@pytest.mark.parametrize("name", NAMES)
def test_every_packaged_trial_loads_and_is_what_its_config_states(name: str) -> None:
    config = sources.find(name).config
    assert config.name == name
    hashes = set()
    for entry in config.trials:
        network = motifzoo.load(f"{name}:{entry.trial}")
        assert not network.training
        assert content_hash(to_arrays(network)) == entry.sha256
        assert entry.device.startswith(("cpu", "cuda"))
        hashes.add(entry.sha256)
        logits = network(torch.zeros(2, 4, config.input_length))
        assert logits.shape == (2, len(config.outputs))
        assert torch.isfinite(logits).all()
    assert len(hashes) == len(config.trials)


def test_list_models_by_pattern() -> None:
    assert motifzoo.list_models("*-exponential.*") == [name for name in NAMES if "-exponential." in name]
    assert motifzoo.list_models("nothing*") == []


def test_trials_and_folders(make_model: ModelFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_model(trials=2)
    first, second = motifzoo.load(str(folder)), motifzoo.load(f"{folder}:1")
    assert content_hash(to_arrays(first)) != content_hash(to_arrays(second))
    monkeypatch.chdir(folder.parent)
    assert content_hash(to_arrays(motifzoo.load(f"./{folder.name}:1"))) == content_hash(to_arrays(second))
    assert content_hash(to_arrays(motifzoo.load(folder.name))) == content_hash(to_arrays(first))


def test_unknown_names_offer_the_nearest() -> None:
    assert message_of("cnn-dist-exponental.synthetic-codes", UnknownNameError).startswith(
        "unknown model 'cnn-dist-exponental.synthetic-codes': did you mean 'cnn-dist-exponential.synthetic-codes'"
    )
    assert message_of("zzz", UnknownNameError).endswith(" `motifzoo models` lists them.")


def test_unknown_trials() -> None:
    name = "cnn-50-relu.synthetic-motifs"
    known = ", ".join(str(entry.trial) for entry in sources.find(name).config.trials)
    assert message_of(f"{name}:77", ModelError) == f"model '{name}' has no trial 77; it has {known}."
    assert message_of(f"{name}:best", UnknownNameError) == (
        f"'best' in '{name}:best' is not a trial: write NAME or NAME:0, NAME:1, ..."
    )


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert message_of(f"{tmp_path}/none", ModelError) == f"model folder {tmp_path}/none does not exist."
    (tmp_path / "file").touch()
    told = f"model folder {tmp_path}/file is a file, not the folder of a model."
    assert message_of(f"{tmp_path}/file", ModelError) == told


def test_a_folder_without_config(tmp_path: Path) -> None:
    assert message_of(str(tmp_path), ModelError) == f"{tmp_path} has no config.json, so it is not a model folder."


def test_missing_weights(make_model: ModelFactory) -> None:
    folder = make_model()
    (folder / "model.safetensors").unlink()
    assert message_of(str(folder), ModelError) == f"weights file {folder / 'model.safetensors'} does not exist."


def test_other_weights_than_published(make_model: ModelFactory) -> None:
    folder = make_model()
    path = folder / "model.safetensors"
    stated = read_config(folder).trials[0].sha256
    arrays = read_weights(path)
    arrays["head.bias"] = arrays["head.bias"] + np.float32(1)
    found = write_weights(arrays, path)
    assert message_of(str(folder), ModelError) == (
        f"{path} has content hash {found[:12]} and config.json states {stated[:12]}: these are not the weights that "
        "were published. Fetch the model again."
    )


def test_renamed_tensor(make_model: ModelFactory) -> None:
    folder = make_model()
    path = folder / "model.safetensors"
    arrays = read_weights(path)
    arrays["head.offset"] = arrays.pop("head.bias")
    write_weights(arrays, path)
    assert message_of(str(folder), ModelError) == (
        f"{path} does not fit config.json: it lacks 'head.bias' and has 'head.offset', which the config's layers do "
        "not."
    )


def test_an_absent_device() -> None:
    name = "cnn-50-relu.synthetic-motifs"
    if not torch.cuda.is_available():
        assert message_of(name, MotifzooError, "cuda") == (
            "device 'cuda' is not on this machine, which has 0 CUDA devices. Use cpu."
        )
    assert message_of(name, MotifzooError, "gpu") == "'gpu' is not a device: write cpu, cuda, cuda:0, mps or auto."
    assert message_of(name, MotifzooError, "meta") == (
        "device 'meta' is not supported: write cpu, cuda, cuda:0, mps or auto."
    )


def test_loading_leaves_the_callers_random_state_alone(make_model: ModelFactory) -> None:
    folder = make_model()
    before = torch.random.get_rng_state()
    motifzoo.load(str(folder))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_config_that_cannot_be_read(make_model: ModelFactory) -> None:
    """A folder in its place, which not even root can read as a file."""
    folder = make_model()
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    assert message_of(str(folder), ModelError) == f"cannot read {folder / 'config.json'}: Is a directory."


def test_two_networks_with_the_same_tensors_are_told_apart(make_model: ModelFactory) -> None:
    """The content hash covers tensors only; the harness must not take one activation's scores for another's."""
    from motifzoo.data_cards.load import load_dataset
    from motifzoo.evaluate.run import TrialRun

    relu, tanh = make_model("a-relu.x"), make_model("a-tanh.x", activation="tanh")
    found = [sources.find(str(folder)) for folder in (relu, tanh)]
    assert found[0].sha256 == found[1].sha256
    dataset = load_dataset("synthetic-codes")
    runs = [TrialRun(source, dataset) for source in found]
    arrays = [
        run.stage("probe", lambda run=run: {"x": run.network(torch.ones(1, 4, 200)).detach().numpy()}) for run in runs
    ]
    assert not np.array_equal(arrays[0]["x"], arrays[1]["x"])
    assert json.loads((relu / "config.json").read_text())["layers"][2]["function"] == "relu"


def test_models_in_a_folder_of_ones_own_have_names(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stand before packaged ones of the same name: a clone's zoo, or a private one."""
    own = make_model("cnn-local-relu.mine")
    monkeypatch.setenv("MOTIFZOO_MODELS", str(own.parent))
    assert own.name in motifzoo.list_models()
    assert "cnn-local-relu.synthetic-codes" in motifzoo.list_models()
    assert sources.find(own.name).folder == own
    monkeypatch.setenv("MOTIFZOO_MODELS", str(tmp_path / "nowhere"))
    with pytest.raises(ModelError) as caught:
        motifzoo.list_models()
    assert str(caught.value) == (
        f"MOTIFZOO_MODELS is {tmp_path / 'nowhere'}, which is no folder. Set it to a folder of model folders."
    )
