"""The result of evaluating one trial on one benchmark: a JSON file, and the side files beside it.

| side file | content |
|---|---|
| `predictions.safetensors` | `probabilities` (N, C) float64, `labels` (N, C) int8, test `rows` (N,) int64 |
| `filters.meme` | the clipped matrix of every filter that has one (dead filters have none) |
| `hits.tsv` | every filter-motif match with E <= 0.1, Tomtom's columns |
| `attribution.safetensors` | the maps and what they are scored against, below |

`attribution.safetensors` holds, for each method, `(n, L)` float32: the score at each position's own nucleotide; `rows`
(n,) int64: the sequences' rows in the test split; `outputs` (n,) int64: which output was explained; `codes` (n, L)
uint8; `information` (n, L) float64: the bits of the ground truth's column, or 1 inside and 0 outside the instances that
a scan of real DNA found.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import MotifzooError, describe_invalid
from ..files import write_text
from ..zoo.config import MODEL_NAME, Text

FORMAT: Final = 1

Count = Annotated[int, Field(ge=0, le=2**53)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FilterResult(_Strict):
    """One first-layer filter: its activity on the test split and its best motif.

    `windows` is the number of aligned 20-nt windows its matrix is the mean of. `dead` says why it has no matrix
    ("no windows", "one window", "non-finite feature map"), or is None. `best_motif` and `best_e` are the lowest
    E-value of all motifs, also above the threshold; `hits` the motif ids with E <= 0.1, best first; `true_motif` the
    planted or known motif of the best hit that is one, None without one.
    """

    filter: Count
    maximum: float | None
    windows: Count
    dead: str | None
    consensus: str = ""
    best_motif: str | None = None
    best_motif_name: str | None = None
    best_e: Annotated[float, Field(ge=0)] | None = None
    hits: tuple[str, ...] = ()
    true_motif: str | None = None


class Stamps(_Strict):
    """What the numbers were computed from and with, enough to recompute them.

    Content hashes of the trial's weights, the data and the motif database; parameters and seeds; versions of the
    packages whose arithmetic matters; where and how long it ran; the command that repeats it.
    """

    model_sha256: str
    data_fingerprint: str
    motifs_sha256: str
    protocol: int
    parameters: Mapping[str, float | int | str]
    seeds: Mapping[str, int]
    versions: Mapping[str, str]
    device: str
    seconds: Mapping[str, float]
    started: str
    command: str


class SideFile(_Strict):
    """A file beside the result: its name in the result's folder and the SHA-256 of its bytes."""

    name: str
    sha256: str


class Result(_Strict):
    """Scores of one trial of a model on one benchmark.

    `metrics` maps a metric's name (`classification/auroc`, `filters/match_fraction`, `attribution/saliency/auroc`,
    ...; `metric_table.METRICS` describes each) to its value, None where it is undefined; `n` says over how many
    classes, filters or sequences. `left_out` is how many test sequences no score counts, since they are in the
    training split too. `notes` are sentences a reader must know (dead filters, undefined sequences).
    """

    format: Literal[1] = FORMAT
    model: Annotated[str, Field(pattern=MODEL_NAME)]
    trial: Annotated[int, Field(ge=0, le=999_999)]
    benchmark: Text
    architecture: Text
    activation: Text
    dataset: Text
    metrics: Mapping[Text, float | None]
    n: Mapping[Text, Count]
    filters: tuple[FilterResult, ...]
    left_out: Count = 0
    notes: tuple[str, ...]
    stamps: Stamps
    files: Mapping[str, SideFile]


def write_result(result: Result, folder: Path) -> Path:
    """Write `result.json` into `folder`, atomically; returns its path."""
    path = folder / "result.json"
    write_text(path, result.model_dump_json(indent=2) + "\n")
    return path


def read_result(path: Path) -> Result:
    """Read a result file. Raises MotifzooError when it is missing or not a result of this format."""
    try:
        return Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise MotifzooError(f"cannot read result {path}: {error.strerror}.") from error
    except ValidationError as error:
        raise MotifzooError(f"{path} is not a result file: {describe_invalid(error)}") from error
