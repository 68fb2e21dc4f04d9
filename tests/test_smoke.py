"""The tiny benchmark: every score of any submission in seconds, and refusal of networks that give nothing to score."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from model_folders import ModelFactory, small_layers
from safetensors.numpy import load_file

from motifzoo.data_cards.cards import PACKAGED, load_card
from motifzoo.errors import BoardError
from motifzoo.evaluate.leaderboard.submission.smoke import NEGATIVES, POSITIVES, smoke_test, tiny_dataset
from motifzoo.evaluate.metric_table import metric_of
from motifzoo.evaluate.protocol import METHODS
from motifzoo.zoo.config import ModelConfig, read_config, write_config
from motifzoo.zoo.layers import Activation, Attention, BatchNorm, Conv, Dense, GlobalPool, Lstm, Pool, Residual
from motifzoo.zoo.sources import find
from motifzoo.zoo.weights import write_weights

NAME = "tiny-relu.synthetic-codes"
BENCHMARKS = sorted(path.parent.name for path in PACKAGED.glob("*/card.toml"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_tiny_benchmark_has_the_shape_of_every_data_set(name: str) -> None:
    card, tiny = load_card(name), tiny_dataset(name)
    assert tiny.test.codes.shape == (POSITIVES + NEGATIVES, card.length)
    assert tiny.test.labels.shape == (POSITIVES + NEGATIVES, len(card.classes))
    assert tiny.test.labels[:, 0].sum() == POSITIVES
    assert tiny.card.classes == card.classes
    assert set(tiny.card.benchmarks) == {"classification", "filters", "attribution"}
    assert tiny.fingerprint != card.fingerprint


def test_the_tiny_benchmark_is_the_same_every_time() -> None:
    assert tiny_dataset("synthetic-codes").fingerprint == tiny_dataset("synthetic-codes").fingerprint


def test_labels_say_which_motifs_are_there() -> None:
    tiny = tiny_dataset("synthetic-motifs")
    planted = tiny.test.placements
    for column, identifiers in enumerate(tiny.card.ground_truth.values()):
        rows = {int(row) for row, motif in zip(planted.row, planted.motif, strict=True) if motif in identifiers}
        assert rows == set(np.flatnonzero(tiny.test.labels[:, column]).tolist())


def test_every_kind_of_score_is_computed(make_model: ModelFactory) -> None:
    tried = smoke_test(find(str(make_model())))
    metrics = tried.result.metrics
    assert {name.partition("/")[0] for name in metrics} == {"classification", "filters", "attribution"}
    assert {f"attribution/{method}/auroc" for method in METHODS} <= {name for name, value in metrics.items() if value}
    assert all(value is None or 0 <= value <= metric_of(name).highest for name, value in metrics.items())
    assert tried.seconds > 0


DESIGNS = {
    "attention": (Pool(name="p", size=10), Attention(name="a", heads=2)),
    "lstm": (Pool(name="p", size=10), Lstm(name="l", units=3)),
    "dilated": (Conv(name="d", filters=5, kernel=3, dilation=9),),
    "residual": (Residual(name="r", kernel=3),),
}


@pytest.mark.parametrize("inner", DESIGNS.values(), ids=DESIGNS)
def test_designs_of_ones_own(inner: tuple[object, ...], make_model: ModelFactory) -> None:
    """What a method is not defined for is undefined and says why; all else has a score."""
    layers = (
        Conv(name="conv1", filters=4, kernel=7),
        BatchNorm(name="norm"),
        Activation(name="conv1_activation", function="exponential"),
        *inner,
        GlobalPool(name="g"),
        Dense(name="head", units=1, bias=True),
    )
    folder = make_model("own-exponential.synthetic-codes", activation="exponential", layers=layers)
    tried = smoke_test(find(str(folder)))
    undefined = {name for name, value in tried.result.metrics.items() if value is None}
    if isinstance(inner[-1], Attention | Lstm):
        assert undefined == {"attribution/deepshap/auroc", "attribution/deepshap/aupr"}
        kind, name = inner[-1].kind, inner[-1].name
        assert (
            f"deepshap has no score: deepshap cannot explain layer '{name}' ({kind}): the rescale rule is defined for "
            "layers of one input and this one multiplies its inputs. Use saliency, mutagenesis or integrated_gradients."
        ) in tried.result.notes
    else:
        assert undefined == set()


def changed(folder: Path, change: Callable[[dict[str, np.ndarray]], object]) -> Path:
    arrays = load_file(folder / "model.safetensors")
    change(arrays)
    digest = write_weights(arrays, folder / "model.safetensors")
    config = read_config(folder)
    trial = config.trials[0].model_copy(update={"sha256": digest})
    write_config(ModelConfig.model_validate(config.model_dump() | {"trials": [trial]}), folder)
    return folder


def overflow(arrays: dict[str, np.ndarray]) -> None:
    arrays["conv1.weight"].fill(3e38)
    arrays["head.weight"].fill(3e38)


WRONG: dict[str, tuple[Callable[[dict[str, np.ndarray]], object], list[str]]] = {
    "constant": (
        lambda arrays: arrays["head.weight"].fill(0),
        ["its outputs are the same for all sequences, so there is nothing to score."],
    ),
    "overflow": (
        overflow,
        [
            "its outputs are NaN or infinite for 12 of 12 sequences.",
            "the maps of filter layer 'conv1_activation' are NaN or infinite for every filter.",
        ],
    ),
}


@pytest.mark.parametrize(("change", "reasons"), WRONG.values(), ids=WRONG)
def test_outputs_that_cannot_be_scored(
    change: Callable[[dict[str, np.ndarray]], object], reasons: list[str], make_model: ModelFactory
) -> None:
    folder = changed(make_model(), change)
    with pytest.raises(BoardError) as error:
        smoke_test(find(str(folder)))
    assert str(error.value).splitlines()[1:] == [f"  - trial 0: {told}" for told in reasons]


def test_classes_of_the_data_set_count(make_model: ModelFactory) -> None:
    outputs = load_card("synthetic-motifs").classes
    folder = make_model(
        "tiny-relu.synthetic-motifs", dataset="synthetic-motifs", outputs=outputs, layers=small_layers("relu", 12)
    )
    assert smoke_test(find(str(folder))).result.n["classification/auroc"] <= 12
