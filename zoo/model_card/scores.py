"""scores.json: the scores of a model's trials, as its card shows them.

`evaluate.card_scores` writes it from results; this module only knows what it says. Numbers are kept in full, so that
the card rounds once.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ...errors import ModelError, describe_invalid
from ...files import write_text
from ..config import ModelConfig, Sha256, Text

SCORES: Final = "scores.json"
FILTERS: Final = "filters.svg"

Count = Annotated[int, Field(ge=0, le=2**53)]
EValue = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MetricScores(_Strict):
    """One metric's values, one a trial in the order of `Scores.trials`, None where it is undefined.

    unit: what `n` counts ("filters"). e_value: whether the values are E-values, which span orders of magnitude.
    """

    name: Text
    title: Text
    unit: str
    e_value: bool = False
    values: tuple[float | None, ...]
    n: tuple[Count | None, ...]


class ScoredTrial(_Strict):
    """A trial that was evaluated: its number, the content hash of its weights then, the device."""

    trial: Annotated[int, Field(ge=0, le=999_999)]
    sha256: Sha256
    device: str


class FilterMatch(_Strict):
    """A filter of the first scored trial: its best motif, and the planted or known motif that it hits.

    `e` is the lowest E-value of any motif, also above the threshold; `hit` whether any is at most the threshold;
    `dead` says why there is no matrix. All but the number are empty for a filter of which they are not true.
    """

    filter: Count
    consensus: str = ""
    motif: str | None = None
    motif_name: str | None = None
    e: EValue | None = None
    hit: bool = False
    true_motif: str | None = None
    dead: str | None = None


class Scores(_Strict):
    """The scores of a model's trials on one benchmark, what they were computed from, and what with.

    `e_threshold` is the largest E-value of a hit; `filters` are those of the first of `trials`, none where filters were
    not evaluated; `notes` are true of every trial.
    """

    format: Annotated[int, Field(ge=1, le=1)] = 1
    model: str
    benchmark: str
    protocol: int
    data_fingerprint: Sha256
    motifs_sha256: Sha256
    versions: dict[str, str]
    trials: Annotated[tuple[ScoredTrial, ...], Field(min_length=1)]
    metrics: tuple[MetricScores, ...]
    e_threshold: EValue
    filters: tuple[FilterMatch, ...]
    notes: tuple[str, ...]

    @model_validator(mode="after")
    def _aligned(self) -> "Scores":
        for metric in self.metrics:
            if not len(metric.values) == len(metric.n) == len(self.trials):
                raise ValueError(f"{metric.name} has {len(metric.values)} values for {len(self.trials)} trials")
        # Readers find scores by metric and trial, so that of two the last would count.
        if repeated := _repeated(metric.name for metric in self.metrics):
            raise ValueError(f"{repeated} stands there twice")
        if repeated := _repeated(f"trial {trial.trial}" for trial in self.trials):
            raise ValueError(f"{repeated} stands there twice")
        return self

    def only(self, kept: list[int]) -> "Scores":
        """The scores of the trials at these places."""
        metrics = tuple(
            metric.model_copy(
                update={"values": tuple(metric.values[i] for i in kept), "n": tuple(metric.n[i] for i in kept)}
            )
            for metric in self.metrics
        )
        filters = self.filters if 0 in kept else ()
        return self.model_copy(
            update={"trials": tuple(self.trials[i] for i in kept), "metrics": metrics, "filters": filters}
        )


def _repeated(names: Iterable[str]) -> str:
    """The first name that there is more than once; "" without one."""
    return next((name for name, times in Counter(names).items() if times > 1), "")


def write_scores(scores: Scores, folder: Path) -> None:
    """Write scores.json atomically, a line a trial, metric and filter. Raises CacheError when the folder refuses."""
    fields = []
    for name in Scores.model_fields:
        value = getattr(scores, name)
        if isinstance(value, tuple):
            rows = [
                row.model_dump_json(exclude_defaults=True) if isinstance(row, BaseModel) else json.dumps(row)
                for row in value
            ]
            text = "[\n    " + ",\n    ".join(rows) + "\n  ]" if rows else "[]"
        else:
            text = json.dumps(value)
        fields.append(f'  "{name}": {text}')
    write_text(folder / SCORES, "{\n" + ",\n".join(fields) + "\n}\n")


def read_scores(folder: Path, config: ModelConfig) -> Scores | None:
    """The scores of the trials that are in the folder now: those of weights that were replaced do not count.

    None without any. Raises ModelError for a scores.json that is not valid or is about another model.
    """
    path = folder / SCORES
    try:
        scores = Scores.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}.") from error
    except ValidationError as error:
        raise ModelError(f"{path} is not valid: {describe_invalid(error)}") from error
    if scores.model != config.name:
        raise ModelError(f"{path} has the scores of {scores.model!r}, and the folder holds {config.name!r}.")
    hashes = {trial.trial: trial.sha256 for trial in config.trials}
    kept = [place for place, trial in enumerate(scores.trials) if hashes.get(trial.trial) == trial.sha256]
    return scores.only(kept) if kept else None
