"""config.json: what is accepted, and one clear error for everything that is not."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from model_folders import ModelFactory

from motifzoo.errors import ModelError
from motifzoo.zoo.config import MAX_CONFIG_BYTES, read_config, write_config

Config = dict[str, Any]


def refusal(folder: Path, change: Callable[[Config], None]) -> str:
    """The error for the folder's config after `change`, less the path it begins with."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    with pytest.raises(ModelError) as error:
        read_config(folder)
    assert str(error.value).startswith(f"{path} ")
    return str(error.value).removeprefix(f"{path} ")


def test_round_trip(make_model: ModelFactory) -> None:
    folder = make_model()
    config = read_config(folder)
    assert config.name == "tiny-relu.synthetic-codes"
    assert [layer.name for layer in config.layers][:2] == ["conv1", "conv1_norm"]


def test_folder_without_config(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        read_config(tmp_path)
    assert str(error.value) == f"{tmp_path} has no config.json, so it is not a model folder."


@pytest.mark.parametrize("name", ["comment", "extra"])  # the second is a little like training.beta2
def test_unknown_field(make_model: ModelFactory, name: str) -> None:
    assert refusal(make_model(), lambda config: config.update({name: "hello"})) == (
        f"is not valid: {name}: unknown field (known: format, name, architecture, activation, alphabet, input_length, "
        "outputs, layers, filter_layer, dataset, training, trials, licence)."
    )


def test_a_field_that_is_elsewhere(make_model: ModelFactory) -> None:
    assert refusal(make_model(), lambda config: config.update(fingerprints="0" * 64)) == (
        "is not valid: fingerprints: unknown field (did you mean 'dataset.fingerprint'?)."
    )


def test_missing_field(make_model: ModelFactory) -> None:
    assert refusal(make_model(), lambda config: config.pop("outputs")) == "is not valid: outputs: Field required."


def test_not_json(make_model: ModelFactory) -> None:
    folder = make_model()
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match="is not valid: Invalid JSON: EOF while parsing an object"):
        read_config(folder)


def test_too_large(make_model: ModelFactory) -> None:
    folder = make_model()
    (folder / "config.json").write_text(" " * (MAX_CONFIG_BYTES + 1))
    with pytest.raises(ModelError) as error:
        read_config(folder)
    assert str(error.value) == f"{folder / 'config.json'} is larger than 1,000,000 bytes, which no config needs."


@pytest.mark.parametrize(
    ("layer", "field", "value", "message"),
    [
        (0, "filters", 10**9, "layers.0.conv.filters: Input should be less than or equal to 8192"),
        (0, "kernel", -3, "layers.0.conv.kernel: Input should be greater than or equal to 1"),
        (0, "kernel", 0, "layers.0.conv.kernel: Input should be greater than or equal to 1"),
        (0, "padding", "causal", "layers.0.conv.padding: Input should be 'same' or 'valid'"),
        (
            0,
            "stride",
            2,
            "layers.0.conv.stride: unknown field (known: name, kind, filters, kernel, padding, dilation, bias, init)",
        ),
        (0, "filter", 2, "layers.0.conv.filter: unknown field (did you mean 'filters'?)"),
        (0, "name", "../x", "layers.0.conv.name: String should match pattern '^[a-z][a-z0-9_]{0,39}$'"),
        (1, "eps", 0, "layers.1.batch_norm.eps: Input should be greater than 0"),
        (
            2,
            "function",
            "rellu",
            "layers.2.activation.function: unknown activation 'rellu': did you mean 'relu' or 'elu' or 'log_relu'?",
        ),
        (3, "size", 0, "layers.3.pool.size: Input should be greater than or equal to 1"),
        (5, "units", 10**12, "layers.5.dense.units: Input should be less than or equal to 8192"),
    ],
)
def test_layers_out_of_bounds(make_model: ModelFactory, layer: int, field: str, value: object, message: str) -> None:
    assert refusal(make_model(), lambda config: config["layers"][layer].update({field: value})) == (
        "is not valid: " + (message if message.endswith("?") else f"{message}.")
    )


def test_unknown_layer_kind(make_model: ModelFactory) -> None:
    message = refusal(make_model(), lambda config: config["layers"][0].update(kind="lambda"))
    assert message.startswith("is not valid: layers.0: Input tag 'lambda' found using 'kind' does not match any of ")


def test_layers_that_do_not_meet(make_model: ModelFactory) -> None:
    assert refusal(make_model(), lambda config: config["layers"][3].update(size=500)) == (
        "is not valid: layer 'pool1' (pool) gets 6 channels x 200 positions and needs at least 500 positions."
    )


def test_dense_before_flatten(make_model: ModelFactory) -> None:
    assert refusal(make_model(), lambda config: config["layers"].pop(4)) == (
        "is not valid: layer 'head' (dense) gets 6 channels x 8 positions and needs a vector; "
        "put a flatten or global_pool layer before it."
    )


def test_too_many_parameters(make_model: ModelFactory) -> None:
    def grow(config: Config) -> None:
        config["layers"][0] |= {"filters": 8192, "kernel": 1023}
        config["layers"].insert(1, {"kind": "conv", "name": "conv2", "filters": 8192, "kernel": 1024})

    assert refusal(make_model(), grow) == (
        "is not valid: at layer 'conv2' the network has 68,752,998,400 parameters and a layer "
        "output of 1,638,400 numbers a sequence; the limit is 200,000,000 of either."
    )


def test_outputs_that_do_not_fit(make_model: ModelFactory) -> None:
    assert refusal(make_model(), lambda config: config.update(outputs=["a", "b"])) == (
        "is not valid: the last layer puts out shape (1,) and the config names 2 outputs."
    )


def test_filter_layer(make_model: ModelFactory) -> None:
    folder = make_model()
    assert refusal(folder, lambda config: config.update(filter_layer="conv9")) == (
        "is not valid: filter_layer 'conv9' is not among the layers."
    )
    assert refusal(folder, lambda config: config.update(filter_layer="head")) == (
        "is not valid: filter_layer 'head' does not put out channels x positions."
    )


def test_activation_that_is_not_the_filter_layers(make_model: ModelFactory) -> None:
    assert refusal(make_model(), lambda config: config.update(activation="exponential")) == (
        "is not valid: activation is 'exponential' and filter_layer 'conv1_activation' applies 'relu'."
    )


@pytest.mark.parametrize("name", ["../../etc/passwd", "no-dot", "a.b/c", "<script>.x", "", "A.b"])
def test_names_that_are_paths_or_worse(make_model: ModelFactory, name: str) -> None:
    assert refusal(make_model(), lambda config: config.update(name=name)) == (
        "is not valid: name: String should match pattern '^[a-z0-9][a-z0-9_-]{0,79}\\.[a-z0-9][a-z0-9-]{0,79}$'."
    )


def test_many_errors_are_cut_short(make_model: ModelFactory) -> None:
    def spoil(config: Config) -> None:
        for number in range(8):
            config[f"extra{number}"] = 1

    message = refusal(make_model(), spoil)
    assert message.count("unknown field") == 5
    assert message.count("known: format") == 1
    assert message.endswith("; and 3 more.")


def test_repeated_trial(make_model: ModelFactory) -> None:
    assert refusal(make_model(), lambda config: config["trials"].append(config["trials"][0])) == (
        "is not valid: two trials have the same number."
    )


def test_two_trials_with_the_same_weights(make_model: ModelFactory) -> None:
    def copied(config: Config) -> None:
        config["trials"][1]["sha256"] = config["trials"][0]["sha256"]

    assert refusal(make_model(trials=3), copied) == "is not valid: two trials have the same weights: 0 and 1."


def test_a_config_that_could_not_be_read_is_not_written(make_model: ModelFactory) -> None:
    """A folder stays as it was, though copies of a config are made without a check."""
    folder = make_model(trials=2)
    config = read_config(folder)
    twin = config.trials[0].model_copy(update={"trial": 2})
    with pytest.raises(ModelError) as error:
        write_config(config.model_copy(update={"trials": (*config.trials, twin)}), folder)
    assert str(error.value) == (
        f"{folder / 'config.json'} cannot be written: two trials have the same weights: 0 and 2."
    )
    assert read_config(folder) == config


@pytest.mark.parametrize("field", ["score", "seconds"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_of_a_trial_are_finite(make_model: ModelFactory, field: str, value: float) -> None:
    assert refusal(make_model(), lambda config: config["trials"][0].update({field: value})) == (
        f"is not valid: trials.0.{field}: Input should be a finite number."
    )


@pytest.mark.parametrize(
    ("letter", "code"),
    [("\x1b", "001B"), ("\n", "000A"), ("\x7f", "007F"), ("\x9b", "009B"), ("\u202e", "202E"), ("\u2028", "2028")],
)
def test_text_holds_nothing_that_a_terminal_obeys(make_model: ModelFactory, letter: str, code: str) -> None:
    told = f"text cannot hold U+{code}, which is not a visible character."
    assert refusal(make_model(), lambda config: config.update(licence=f"MIT{letter}[31m")) == (
        f"is not valid: licence: {told}"
    )
    assert refusal(make_model("b-relu.synthetic-codes"), lambda config: config["trials"][0].update(device=letter)) == (
        f"is not valid: trials.0.device: {told}"
    )


def test_text_in_any_script_is_kept(make_model: ModelFactory) -> None:
    folder = make_model()
    write_config(
        read_config(folder).model_copy(update={"licence": "lizenz für \u6771\u4eac \u2264 1 % \u00a0| <b>"}), folder
    )
    assert read_config(folder).licence == "lizenz für \u6771\u4eac \u2264 1 % \u00a0| <b>"


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 200_000, b"\xff\xfe", b"NaN", b"null"])
def test_hostile_json(make_model: ModelFactory, text: bytes) -> None:
    folder = make_model()
    (folder / "config.json").write_bytes(text)
    with pytest.raises(ModelError) as error:
        read_config(folder)
    assert str(error.value).startswith(f"{folder / 'config.json'} is not valid: ")
