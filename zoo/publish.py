"""Turn trained trials into a model folder: weights, learning curves, config.json and the model card."""

from pathlib import Path

from ..data_cards.cards import load_card
from ..errors import ModelError
from ..files import write_text
from .checkpoint import RunState
from .config import DataRevision, ModelConfig, Trial, read_config, write_config
from .load import to_arrays
from .model_card import write_card
from .model_card.curve import read_histories
from .model_card.scores import read_scores
from .recipe import Recipe
from .shapes import default_filter_layer
from .sources import weights_path
from .training import Trained
from .weights import check_hash, read_weights, write_weights

LICENCE = "MIT"


def present_trials(folder: Path, recipe: Recipe, fingerprint: str, *, replaced: int | None = None) -> tuple[Trial, ...]:
    """The trials that a model folder already holds, but for the one to be replaced; none where there is no folder.

    Raises ModelError when the folder holds another model, recipe or data, or when one of the files that the next trial
    is written beside is damaged: better before training than after it.
    """
    if not (folder / "config.json").exists():
        return ()
    present = read_config(folder)
    wanted = _config(recipe, fingerprint)
    if present.model_copy(update={"trials": ()}) != wanted.model_copy(update={"trials": ()}):
        raise ModelError(f"{folder} holds model {present.name!r} of another recipe or data; choose another folder.")
    # Not that of a trial to be replaced: a kill may have left its new weights beside its old entry.
    trials = tuple(entry for entry in present.trials if entry.trial != replaced)
    present = present.model_copy(update={"trials": trials})
    read_histories(folder, present)
    read_scores(folder, present)
    for entry in trials:
        if (path := weights_path(folder, entry.trial)).exists():  # those of a wheel are elsewhere
            check_hash(path, read_weights(path), entry.sha256)
    return trials


def add_trial(folder: Path, recipe: Recipe, trained: Trained) -> ModelConfig:
    """Write one finished trial into the model folder, replacing that trial if it is there; returns the new config.

    Weights go first and config.json last, so a reader never sees a config whose weights are missing.
    Raises ModelError when the folder holds another model or was trained on other data, or for weights that are no
    numbers.
    """
    network, state = trained
    if not trained.usable:
        raise ModelError(
            f"{recipe.name}:{state.seed} has weights or predictions that are NaN or infinite: it is no model."
        )
    config = _config(recipe, state.data)
    earlier = present_trials(folder, recipe, state.data, replaced=state.seed)
    path = weights_path(folder, state.seed)
    digest = write_weights(to_arrays(network), path)
    write_text(path.with_name("training.json"), _history(state))
    entry = Trial(
        trial=state.seed,
        seed=state.seed,
        sha256=digest,
        device=state.device,
        epochs=len(state.history),
        seconds=round(state.seconds, 1),
        score=state.history[-1].score,
        torch=state.torch,
        stacked=state.stacked,
        precision=None if state.precision == "float32" else state.precision,
    )
    trials = tuple(sorted((*earlier, entry), key=lambda item: item.trial))
    config = config.model_copy(update={"trials": trials})
    write_card(config, folder)
    write_config(config, folder)
    return config


def _config(recipe: Recipe, fingerprint: str) -> ModelConfig:
    card = load_card(recipe.dataset)
    layers = recipe.layers()
    placeholder = Trial(trial=0, seed=0, sha256="0" * 64, device="none")
    return ModelConfig(
        name=recipe.name,
        architecture=recipe.architecture,
        activation=recipe.activation,
        input_length=card.length,
        outputs=card.classes,
        layers=layers,
        filter_layer=default_filter_layer(layers),
        dataset=DataRevision(name=card.name, version=card.version, fingerprint=fingerprint),
        training=recipe.training,
        trials=(placeholder,),
        licence=LICENCE,
    )


def _history(state: RunState) -> str:
    """The learning curve as JSON, a line an epoch."""
    lines = ",\n".join(f"  {record.model_dump_json()}" for record in state.history)
    return f"[\n{lines}\n]\n"
