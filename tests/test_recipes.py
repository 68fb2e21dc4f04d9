"""Model names and recipes: what a name means, what a recipe file may say, and which model is trained how."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motifzoo.data_cards.cards import list_datasets
from motifzoo.errors import ModelError, UnknownNameError
from motifzoo.zoo import recipe
from motifzoo.zoo.architectures import ARCHITECTURES
from motifzoo.zoo.layers import ACTIVATIONS, Conv, Dense
from motifzoo.zoo.names import ModelName, parse
from motifzoo.zoo.recipe import Recipe, Training, find, packaged, read_recipes

GRID = """
dataset = "synthetic-codes"
architectures = ["cnn-local", "cnn-dist"]
activations = ["relu", "log_relu"]
trials = 3

[training]
epochs = 7
layer1_l2 = 0.1
"""


def make(**changes: object) -> Recipe:
    settings = {"architecture": "cnn-dist", "activation": "relu", "dataset": "synthetic-codes", "trials": 3}
    return Recipe.model_validate(settings | changes)


# Names


@given(st.sampled_from(sorted(ARCHITECTURES)), st.sampled_from(ACTIVATIONS), st.text("abz019-.", min_size=1))
def test_names_survive(architecture: str, activation: str, dataset: str) -> None:
    name = ModelName(architecture, activation, dataset)
    assert str(name) == f"{architecture}-{activation}.{dataset}"
    assert parse(str(name)) == name


@pytest.mark.parametrize(
    "text", ["", "cnn-dist", "cnn-dist-relu", "cnn-dist-relu.", ".synthetic-codes", "relu.synthetic-codes"]
)
def test_texts_that_are_no_names(text: str) -> None:
    with pytest.raises(UnknownNameError) as error:
        parse(text)
    assert str(error.value) == (
        f"{text!r} is not a model name: write ARCHITECTURE-ACTIVATION.DATASET, "
        "such as cnn-dist-exponential.synthetic-codes. `motifzoo models` lists them."
    )


def test_a_name_with_an_unknown_architecture() -> None:
    with pytest.raises(UnknownNameError) as error:
        parse("cnn-dst-relu.synthetic-codes")
    assert str(error.value) == "unknown architecture 'cnn-dst': did you mean 'cnn-dist' or 'cnn-deep' or 'cnn-2'?"


def test_a_name_with_an_unknown_activation() -> None:
    with pytest.raises(UnknownNameError) as error:
        parse("cnn-dist-exponent.synthetic-codes")
    assert str(error.value) == "unknown activation 'exponent': did you mean 'exponential' or 'exp_relu'?"


# Settings


def test_defaults_are_the_protocols() -> None:
    """Section 3, number for number."""
    assert Training().model_dump() == {
        "epochs": 100,
        "batch_size": 100,
        "learning_rate": 1e-3,
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-7,
        "l2": 1e-6,
        "layer1_l2": None,
        "decay_factor": 0.2,
        "decay_patience": 5,
        "decay_margin": 1e-4,
        "decay_floor": 1e-7,
        "stop_patience": 20,
        "reverse_complements": False,
    }


CHANGED = {
    "epochs": 99,
    "batch_size": 99,
    "learning_rate": 2e-3,
    "beta1": 0.8,
    "beta2": 0.99,
    "eps": 1e-8,
    "l2": 0.0,
    "layer1_l2": 0.1,
    "decay_factor": 0.5,
    "decay_patience": 4,
    "decay_margin": 0.0,
    "decay_floor": 1e-6,
    "stop_patience": 10,
    "reverse_complements": True,
}


def test_every_setting_is_changed_below() -> None:
    assert set(CHANGED) == set(Training.model_fields)


@pytest.mark.parametrize("field", CHANGED)
def test_the_digest_sees_every_setting(field: str) -> None:
    assert make(training={field: CHANGED[field]}).digest != make().digest


def test_the_digest_is_of_what_decides_the_weights() -> None:
    digests = {
        make().digest,
        make(architecture="cnn-local").digest,
        make(activation="tanh").digest,
        make(dataset="synthetic-motifs").digest,
    }
    assert len(digests) == 4
    assert make(trials=10).digest == make().digest
    assert Recipe.model_validate_json(make().model_dump_json()).digest == make().digest


def test_the_digest_is_the_same_tomorrow() -> None:
    """Checkpoints hold it: a change of this value orphans every run under way."""
    assert make().digest == "112ad878324c6a4d901da9970e936c8bdc685a5f988f4eef40f52891c2550c1e"


def test_a_recipe_describes_its_network() -> None:
    described = make(dataset="synthetic-motifs", activation="softplus").layers()
    assert isinstance(described[0], Conv)
    head = described[-1]
    assert isinstance(head, Dense)
    assert (head.name, head.units) == ("head", 12)
    assert make().name == "cnn-dist-relu.synthetic-codes"


# Files


def test_a_file_is_a_grid() -> None:
    recipes = read_recipes(GRID, "mine.toml")
    assert [found.name for found in recipes] == [
        "cnn-local-relu.synthetic-codes",
        "cnn-local-log_relu.synthetic-codes",
        "cnn-dist-relu.synthetic-codes",
        "cnn-dist-log_relu.synthetic-codes",
    ]
    assert {found.trials for found in recipes} == {3}
    assert {found.training for found in recipes} == {Training(epochs=7, layer1_l2=0.1)}


INVALID = {
    "unknown field": (
        GRID + "seed = 3\n",
        "recipe mine.toml is not valid: training.seed: Extra inputs are not permitted.",
    ),
    "missing field": (GRID.replace("trials = 3", ""), "recipe mine.toml is not valid: trials: Field required."),
    "no trials": (
        GRID.replace("trials = 3", "trials = 0"),
        "recipe mine.toml is not valid: trials: Input should be greater than or equal to 1.",
    ),
    "absurd numbers": (
        GRID.replace("epochs = 7", "epochs = 1e9\nbatch_size = 0\nlearning_rate = -1"),
        "recipe mine.toml is not valid: training.epochs: Input should be less than or equal to 100000; "
        "training.batch_size: Input should be greater than or equal to 1; "
        "training.learning_rate: Input should be greater than 0.",
    ),
    "not TOML": (
        "dataset: synthetic-codes",
        "recipe mine.toml is not TOML: Expected '=' after a key in a key/value pair (at line 1, column 8).",
    ),
}


@pytest.mark.parametrize("case", INVALID)
def test_files_that_are_no_recipes(case: str) -> None:
    text, message = INVALID[case]
    with pytest.raises(ModelError) as error:
        read_recipes(text, "mine.toml")
    assert str(error.value) == message


UNKNOWN = {
    "data set": (
        GRID.replace("synthetic-codes", "synthetic-code"),
        "unknown data set 'synthetic-code': did you mean 'synthetic-codes' or 'synthetic-motifs'?",
    ),
    "architecture": (
        GRID.replace("cnn-local", "cnn-locl"),
        "unknown architecture 'cnn-locl': did you mean 'cnn-local' or 'cnn-2' or 'cnn-50'?",
    ),
    "activation": (
        GRID.replace("log_relu", "log-relu"),
        "unknown activation 'log-relu': did you mean 'log_relu' or 'relu' or 'scale_relu'?",
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_files_with_unknown_names(case: str) -> None:
    text, message = UNKNOWN[case]
    with pytest.raises(UnknownNameError) as error:
        read_recipes(text, "mine.toml")
    assert str(error.value) == message


# The packaged recipes


def test_the_packaged_recipes_are_the_protocols() -> None:
    """The first zoo's models are among them, each with ten trials and untouched settings."""
    first_zoo = {
        f"{architecture}-{activation}.{dataset}"
        for dataset, architectures in (
            ("synthetic-codes", ("cnn-local", "cnn-dist")),
            ("synthetic-motifs", ("cnn-2", "cnn-50", "cnn-deep")),
        )
        for architecture in architectures
        for activation in ("relu", "exponential")
    }
    assert {(packaged()[name].trials, packaged()[name].training) for name in first_zoo} == {(10, Training())}
    assert {found.dataset for found in packaged().values()} <= set(list_datasets())


def test_finding_by_model_file_and_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GRID, encoding="utf-8")
    assert [found.name for found in find("cnn-local-relu.synthetic-codes")] == ["cnn-local-relu.synthetic-codes"]
    assert find("synthetic-codes") == tuple(
        found for found in packaged().values() if found.dataset == "synthetic-codes"
    )
    assert find(str(path)) == read_recipes(GRID, str(path))


def test_a_model_without_a_packaged_recipe_gets_the_protocols_settings() -> None:
    name = "cnn-local-shift_tanh.synthetic-motifs"
    assert name not in packaged()
    assert find(name) == (
        Recipe(architecture="cnn-local", activation="shift_tanh", dataset="synthetic-motifs", trials=10),
    )


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        find(str(tmp_path / "none.toml"))
    assert str(error.value) == f"recipe file {tmp_path / 'none.toml'} does not exist."


def test_a_model_of_an_unknown_data_set() -> None:
    with pytest.raises(UnknownNameError) as error:
        find("cnn-local-relu.synthetic-code")
    assert str(error.value) == (
        "unknown data set 'synthetic-code': did you mean 'synthetic-codes' or 'synthetic-motifs'? "
        "`motifzoo datasets` lists them."
    )


def test_two_packaged_recipes_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "recipes"
    folder.mkdir()
    for name in ("one.toml", "two.toml"):
        (folder / name).write_text(GRID, encoding="utf-8")
    monkeypatch.setattr(recipe, "files", lambda package: tmp_path)
    packaged.cache_clear()
    try:
        with pytest.raises(ModelError) as error:
            packaged()
    finally:
        packaged.cache_clear()
    assert str(error.value) == (
        "two packaged recipes are named 'cnn-local-relu.synthetic-codes': two.toml repeats one."
    )


def test_a_recipe_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"dataset = \xff")
    with pytest.raises(ModelError) as error:
        find(str(path))
    assert str(error.value) == (
        f"cannot read recipe file {path}: 'utf-8' codec can't decode byte 0xff in position 10: invalid start byte."
    )
