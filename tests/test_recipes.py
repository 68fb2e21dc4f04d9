"""Model names and recipes: what a name means, what a recipe file may say, and which model is trained how."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset, Split, no_placements
from motifzoo.errors import ModelError, UnknownNameError
from motifzoo.zoo import recipe, training
from motifzoo.zoo.architectures import ARCHITECTURES
from motifzoo.zoo.config import MODEL_NAME
from motifzoo.zoo.controls import training_split
from motifzoo.zoo.layers import ACTIVATIONS, Conv, Dense
from motifzoo.zoo.names import ModelName, parse
from motifzoo.zoo.recipe import Recipe, Training, find, packaged, read_recipes
from motifzoo.zoo.shapes import plan

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


VARIANTS = st.from_regex(r"[a-z][a-z0-9_]{0,19}", fullmatch=True).filter(lambda variant: variant not in ACTIVATIONS)


@given(st.sampled_from(sorted(ARCHITECTURES)), st.sampled_from(ACTIVATIONS), VARIANTS)
def test_names_with_a_variant_survive(architecture: str, activation: str, variant: str) -> None:
    name = ModelName(architecture, activation, "synthetic-codes", variant)
    assert str(name) == f"{architecture}-{activation}-{variant}.synthetic-codes"
    assert parse(str(name)) == name
    assert make(architecture=architecture, activation=activation, variant=variant).name == str(name)


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
        "shuffled_labels": False,
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
    "shuffled_labels": True,
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
    assert make(trials=10).digest == make(variant="other").digest == make().digest
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


def test_a_file_of_several_grids() -> None:
    """Each grid means what it means in a file of its own."""
    other = GRID.replace("trials = 3", 'trials = 2\nvariant = "l2"')
    tables = (f"[[grid]]{grid}".replace("[training]", "[grid.training]") for grid in (GRID, other))
    found = read_recipes("".join(tables), "mine.toml")
    assert found == read_recipes(GRID, "mine.toml") + read_recipes(other, "mine.toml")
    assert (found[-1].name, found[-1].trials) == ("cnn-dist-log_relu-l2.synthetic-codes", 2)


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ("L2", "variant: String should match pattern '^([a-z][a-z0-9_]{0,19})?$'."),
        ("l-2", "variant: String should match pattern '^([a-z][a-z0-9_]{0,19})?$'."),
        ("tanh", "variant: 'tanh' is an activation, and a name that ends in two of them has no one meaning."),
    ],
)
def test_variants_that_are_none(variant: str, message: str) -> None:
    with pytest.raises(ModelError) as error:
        read_recipes(f'variant = "{variant}"\n{GRID}', "mine.toml")
    assert str(error.value) == f"recipe mine.toml is not valid: {message}"


def test_two_models_of_one_name_in_a_file() -> None:
    with pytest.raises(ModelError) as error:
        read_recipes(GRID.replace('"log_relu"', '"relu"'), "mine.toml")
    assert str(error.value) == (
        "recipe mine.toml has two models named 'cnn-local-relu.synthetic-codes': give the grid of one of them a "
        'variant, such as variant = "l2", which becomes part of the name.'
    )


INVALID = {
    "a grid and more": (
        f"[[grid]]\n{GRID}".replace("[[grid]]", "trials = 3\n[[grid]]").replace("[training]", "[grid.training]"),
        "recipe mine.toml is not valid: trials: unknown field (did you mean 'grid.trials'?).",
    ),
    "no grid": (
        "grid = []",
        "recipe mine.toml is not valid: grid: Tuple should have at least 1 item after validation, not 0.",
    ),
    "unknown field": (
        GRID + "seed = 3\n",
        "recipe mine.toml is not valid: training.seed: unknown field (known: epochs, batch_size, learning_rate, "
        "beta1, beta2, eps, l2, layer1_l2, decay_factor, decay_patience, decay_margin, decay_floor, stop_patience, "
        "reverse_complements, shuffled_labels).",
    ),
    "a field that is misspelt": (
        GRID + "batchsize = 3\n",
        "recipe mine.toml is not valid: training.batchsize: unknown field (did you mean 'batch_size'?).",
    ),
    "a setting of training beside its table, in one of several grids": (
        f"[[grid]]\nbatchsize = 3\n{GRID}".replace("[training]", "[grid.training]"),
        "recipe mine.toml is not valid: grid.0.batchsize: unknown field (did you mean 'training.batch_size'?).",
    ),
    "missing field": (GRID.replace("trials = 3", ""), "recipe mine.toml is not valid: trials: Field required."),
    "no trials": (
        GRID.replace("trials = 3", "trials = 0"),
        "recipe mine.toml is not valid: trials: Input should be greater than or equal to 1.",
    ),
    "absurd numbers": (
        GRID.replace("epochs = 7", "epochs = 1000000000\nbatch_size = 0\nlearning_rate = -1"),
        "recipe mine.toml is not valid: training.epochs: Input should be less than or equal to 100000; "
        "training.batch_size: Input should be greater than or equal to 1; "
        "training.learning_rate: Input should be greater than 0.",
    ),
    "numbers that float32 or an index cannot hold": (
        GRID.replace("epochs = 7", f"batch_size = {10**30}\nlearning_rate = 1e39\nl2 = 1e300\ndecay_floor = 1e31"),
        "recipe mine.toml is not valid: training.batch_size: Input should be less than or equal to 2147483647; "
        f"training.learning_rate: Input should be less than or equal to {10**30}; training.l2: Input should be less "
        f"than or equal to {10**30}; training.decay_floor: Input should be less than or equal to {10**30}.",
    ),
    "words for truth values and numbers": (
        GRID.replace("epochs = 7", 'epochs = "7"\nshuffled_labels = "no"\nbatch_size = true'),
        "recipe mine.toml is not valid: training.epochs: Input should be a valid integer; training.batch_size: Input "
        "should be a valid integer; training.shuffled_labels: Input should be a valid boolean.",
    ),
    "a rate without end": (
        GRID.replace("epochs = 7", "learning_rate = inf"),
        "recipe mine.toml is not valid: training.learning_rate: Input should be a finite number.",
    ),
    "a grid of nothing": (
        "[[grid]]\ndataset = 'synthetic-codes'\narchitectures = []\nactivations = ['relu']\ntrials = 1\n",
        "recipe mine.toml is not valid: grid.0.architectures: Tuple should have at least 1 item after validation, not "
        "0.",
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

SEVEN = {"relu", "exponential", "sigmoid", "tanh", "softplus", "linear", "elu"}
SCALED = {f"shift_scale_{function}" for function in ("relu", "sigmoid", "tanh")}
# Architectures, activations and trials of each data set, by the variant.
GRIDS = {
    ("synthetic-codes", ""): ({"cnn-local", "cnn-dist"}, SEVEN | SCALED | {"exp_relu", "log_relu"}, 10),
    ("synthetic-codes", "l2"): ({"cnn-local", "cnn-dist"}, {"log_relu"}, 10),
    ("synthetic-codes", "shuffled"): ({"cnn-local", "cnn-dist"}, {"relu", "exponential"}, 3),
    ("synthetic-motifs", ""): ({"cnn-2", "cnn-50", "cnn-deep"}, set(ACTIVATIONS) - {"log_relu"}, 10),
    ("synthetic-motifs", "l2"): ({"cnn-deep"}, {"log_relu"}, 10),
    ("synthetic-motifs", "shuffled"): ({"cnn-2", "cnn-50", "cnn-deep"}, {"relu", "exponential"}, 3),
    ("deepsea-tf12", ""): ({"cnn-2", "cnn-50", "cnn-deep"}, SEVEN, 10),
    ("basset-dnase164", ""): ({"basset"}, SEVEN, 3),
    ("chip-zbed2", ""): ({"residualbind"}, SEVEN, 3),
    ("chip-irf1", ""): ({"residualbind"}, SEVEN, 3),
    ("dhs-4cell", ""): ({"cnn-2", "cnn-50", "cnn-deep"}, SEVEN, 3),
    **{
        (dataset, ""): ({"cnn-local", "cnn-dist"}, SEVEN, 3)
        for dataset in ("chip-rest", "chip-gabpa", "chip-lef1", "tfbs-tp53")
    },
}
WITH_REVERSE_COMPLEMENTS = {"basset-dnase164", "chip-zbed2", "chip-irf1"}


def test_the_packaged_recipes_are_the_published_zoo() -> None:
    expected = {
        str(ModelName(architecture, activation, dataset, variant)): trials
        for (dataset, variant), (architectures, activations, trials) in GRIDS.items()
        for architecture in architectures
        for activation in activations
    }
    expected["cnn-deep-log_relu.synthetic-motifs"] = 10
    assert {name: found.trials for name, found in packaged().items()} == expected


@pytest.mark.parametrize("name", sorted(packaged()))
def test_a_packaged_recipe_differs_from_the_protocol_only_as_it_says(name: str) -> None:
    found = packaged()[name]
    changes = {"l2": {"layer1_l2": 0.1}, "shuffled": {"shuffled_labels": True}, "": {}}[found.variant]
    assert found.training == Training(**changes, reverse_complements=found.dataset in WITH_REVERSE_COMPLEMENTS)
    assert parse(name) == ModelName(found.architecture, found.activation, found.dataset, found.variant)
    assert re.fullmatch(MODEL_NAME, name)
    card = load_card(found.dataset)
    assert plan(found.layers(), card.length).shapes[-1] == (len(card.classes),)


def test_deepsea_networks_are_twice_as_wide() -> None:
    for architecture in ("cnn-2", "cnn-50", "cnn-deep"):
        wide, plain = (
            packaged()[f"{architecture}-relu.{dataset}"].layers() for dataset in ("deepsea-tf12", "synthetic-motifs")
        )
        assert [layer.filters for layer in wide if isinstance(layer, Conv)] == [
            2 * layer.filters for layer in plain if isinstance(layer, Conv)
        ]


def test_finding_by_model_file_and_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GRID, encoding="utf-8")
    assert [found.name for found in find("cnn-local-relu.synthetic-codes")] == ["cnn-local-relu.synthetic-codes"]
    assert find("synthetic-codes") == tuple(
        found
        for found in packaged().values()
        if found.dataset == "synthetic-codes" and not found.training.shuffled_labels
    )
    assert find("controls") == tuple(found for found in packaged().values() if found.training.shuffled_labels)
    (penalised,) = find("cnn-deep-log_relu-l2.synthetic-motifs")
    assert penalised.training == Training(layer1_l2=0.1)
    assert find(str(path)) == read_recipes(GRID, str(path))


@pytest.mark.parametrize("dataset", ["synthetic-motifs", "dhs-4cell", *sorted(WITH_REVERSE_COMPLEMENTS)])
def test_a_model_without_a_packaged_recipe_gets_the_protocols_settings(dataset: str) -> None:
    name = f"cnn-local-shift_tanh.{dataset}"
    assert name not in packaged()
    training = Training(reverse_complements=dataset in WITH_REVERSE_COMPLEMENTS)
    assert find(name) == (
        Recipe(architecture="cnn-local", activation="shift_tanh", dataset=dataset, trials=10, training=training),
    )


def test_a_variant_without_a_packaged_recipe() -> None:
    """Nobody knows what it would mean."""
    with pytest.raises(UnknownNameError) as error:
        find("cnn-deep-log_relu-l3.synthetic-motifs")
    assert str(error.value) == (
        "unknown model 'cnn-deep-log_relu-l3.synthetic-motifs': did you mean 'cnn-deep-log_relu-l2.synthetic-motifs' "
        "or 'cnn-deep-log_relu.synthetic-motifs' or 'cnn-deep-relu.synthetic-motifs'? A variant needs a recipe: write "
        "a TOML file with one."
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


# Controls


def labelled(labels: np.ndarray) -> Split:
    return Split(np.arange(len(labels) * 200, dtype=np.uint8).reshape(-1, 200) % 4, labels, no_placements())


def test_shuffled_labels_stay_whole_and_lose_their_sequences() -> None:
    labels = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.int8)  # all rows differ
    split = labelled(labels)
    shuffled = training_split(split, Training(shuffled_labels=True))
    np.testing.assert_array_equal(shuffled.codes, split.codes)
    assert sorted(map(tuple, shuffled.labels)) == sorted(map(tuple, labels))
    assert (shuffled.labels == labels).all(axis=1).sum() < 10  # of a permutation, one on average
    np.testing.assert_array_equal(training_split(split, Training(shuffled_labels=True)).labels, shuffled.labels)
    assert training_split(split, Training()) is split


def test_the_trainer_trains_a_control_on_shuffled_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Seen(Exception):  # noqa: N818
        pass

    def batches(split: Split, *_: object, **__: object) -> None:
        raise Seen(split)

    monkeypatch.setattr(training, "Batches", batches)
    split = labelled((np.arange(64) % 2).astype(np.int8)[:, None])
    dataset = SequenceDataset(load_card("synthetic-codes"), split, split, split)
    control = make(training={"shuffled_labels": True})
    with pytest.raises(Seen) as seen:
        training.train(control, 0, dataset, device=torch.device("cpu"), checkpoint_path=tmp_path / "run.safetensors")
    expected = training_split(split, control.training).labels
    np.testing.assert_array_equal(seen.value.args[0].labels, expected)
    assert (expected != split.labels).any()
