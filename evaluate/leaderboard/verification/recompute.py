"""What runs in quarantine: every check of a submission again, then every score of one trial, then a fresh draw."""

from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from ....data_cards.content import SequenceDataset
from ....errors import BoardError
from ....zoo.config import ModelConfig
from ....zoo.shapes import plan
from ....zoo.sources import Source
from ...benchmark import Evaluated, data_of, evaluate_trial
from ..details import details, details_prefix
from ..record import FreshDraw, Metrics, Record, Text
from ..submission.checks import check_folder
from ..submission.configs import variant_of
from .fresh import fresh_draw, noise

FUNCTION: Final = f"{__name__}:recompute"
DETAILS: Final = "details"  # folder of what the model's page shows, beside the answer


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Task(_Strict):
    """One claim to recompute. folder: the model; output: where results go; seed: of the fresh draw, None for none."""

    record: Record
    folder: Path
    output: Path
    seed: int | None


class Recomputed(_Strict):
    """What a trial really scores, computed in quarantine: validated again by whoever reads it."""

    config: ModelConfig
    metrics: Metrics
    n: Annotated[dict[Text, Annotated[int, Field(ge=0)]], Field(max_length=2000)]
    device: Text
    versions: Annotated[dict[Text, Text], Field(max_length=50)]
    fresh: FreshDraw | None


def recompute(payload: Any) -> Any:
    """`Task` in, `Recomputed` out, as JSON. Raises MotifzooError for whatever is wrong with the submission."""
    task = Task.model_validate(payload)
    config = check_folder(task.folder)
    check_claim(task.record, config)
    source = Source(_given(task.record), task.folder, config, task.record.trial)
    dataset = data_of(source)
    fixed = evaluate_trial(source, task.output / "fixed", dataset=dataset)
    for path, content in details(fixed.result, fixed.folder).items():
        place = task.output / DETAILS / path.removeprefix(details_prefix(fixed.result))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    drawn = None if task.seed is None else fresh_draw(dataset, task.seed)
    return Recomputed(
        config=config,
        metrics=fixed.result.metrics,
        n=dict(fixed.result.n),
        device=fixed.result.stamps.device,
        versions=dict(fixed.result.stamps.versions),
        fresh=None if task.seed is None or drawn is None else _score_fresh(source, fixed, drawn, task),
    ).model_dump(mode="json")


def _given(record: Record) -> str:
    """What a person types to evaluate the trial where the record says that it is."""
    return f"{record.model if record.source == 'packaged' else record.source}:{record.trial}"


def _score_fresh(source: Source, fixed: Evaluated, drawn: SequenceDataset, task: Task) -> FreshDraw:
    assert task.seed is not None
    scored = evaluate_trial(source, task.output / "fresh", dataset=drawn)
    return FreshDraw(
        seed=task.seed,
        sequences=len(drawn.test),
        metrics=scored.result.metrics,
        noise=noise((fixed.result, fixed.folder), (scored.result, scored.folder)),
    )


def check_claim(record: Record, config: ModelConfig) -> None:
    """Raise BoardError, listing every difference, unless a record is about the model that was checked."""
    trial = config.trial(record.trial)
    stated = {
        "model": (record.model, config.name),
        "architecture": (record.architecture, config.architecture),
        "activation": (record.activation, config.activation),
        "dataset": (record.dataset, config.dataset.name),
        "benchmark": (record.benchmark, f"{config.dataset.name}@{config.dataset.version}"),
        "model_sha256": (record.model_sha256, trial.sha256),
        "variant": (record.variant, variant_of(config)),
        "control": (record.control or "", _control(config)),
    }
    if record.parameters is not None:
        parameters = plan(config.layers, config.input_length).parameters
        stated["parameters"] = (str(record.parameters), str(parameters))
    wrong = [f"{field} {said!r}, not {found!r}" for field, (said, found) in stated.items() if said != found]
    if wrong:
        raise BoardError(f"the record says of its model what config.json does not: {'; '.join(wrong)}.")


def _control(config: ModelConfig) -> str:
    """The only control that is a trained model is one that says so in its training."""
    return "shuffled_labels" if config.training is not None and config.training.shuffled_labels else ""
