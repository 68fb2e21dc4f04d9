"""One row of the store: the scores of one trial on one benchmark, who claims them, and who recomputed them.

A record is a file of a few kilobytes, `results/<benchmark>/<model>/trial-<k>.json`; what only a model's own page shows
(filters, hits, attribution maps) lies beside it in `trial-<k>/`.
"""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...errors import BoardError, describe_invalid
from ...zoo.config import MODEL_NAME
from ..results import Result

FORMAT: Final = 1
MAX_RECORD_BYTES: Final = 1_000_000
PACKAGED: Final = "packaged"  # the source of a record whose weights came with motifzoo itself

Trust = Literal["claimed", "recomputed", "disputed"]
Control = Literal["untrained", "shuffled_labels", "motif_scan", "random_attribution"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Nothing that a reader cannot see, or that turns the direction of writing; line ends in longer texts only.
_VISIBLE: Final = r"^[^\p{C}\p{Zl}\p{Zp}]*$"
_VISIBLE_LINES: Final = r"^(?:[^\p{C}\p{Zl}\p{Zp}]|\n)*$"
Text = Annotated[str, Field(min_length=1, max_length=200, pattern=_VISIBLE)]
LongText = Annotated[str, Field(max_length=2000, pattern=_VISIBLE_LINES)]
MetricName = Annotated[str, Field(pattern=r"^[a-z_]+(/[A-Za-z0-9_.:()+ -]{1,80}){1,3}$")]
# Far beyond any score, and small enough for every sum, square, drawing and column type that is made of them.
Value = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)] | None
Count = Annotated[int, Field(ge=0, le=2**53)]
Metrics = Annotated[Mapping[MetricName, Value], Field(max_length=2000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FreshDraw(_Strict):
    """Scores on sequences drawn for the verification alone: `seed` was published with them, never before.

    noise: by metric, the standard error of the difference from the fixed test sequences that drawing alone makes.
    """

    seed: Count
    sequences: Annotated[int, Field(ge=1, le=2**53)]
    metrics: Metrics
    noise: Metrics = Field(default_factory=dict)


class Verification(_Strict):
    """What a maintainer found on recomputing a trial from its weights: every number anew, and where and with what.

    `differs` names the metrics whose claim is farther from the recomputed value than their tolerance; `problem` says
    why nothing could be recomputed (a check that failed, a limit that was hit), or is None.
    """

    by: Text
    at: Text
    device: Text
    versions: Annotated[Mapping[Text, Text], Field(max_length=50)]
    metrics: Metrics
    differs: Annotated[tuple[MetricName, ...], Field(max_length=2000)] = ()
    problem: Annotated[LongText, Field(min_length=1)] | None = None
    fresh: FreshDraw | None = None


class Record(_Strict):
    """One trial's scores on one benchmark as they stand on the board.

    `metrics` and `n` are those of `results.Result`: the claim, whoever checked it. `source` is where the model folder
    is: `models/<model>` in the board itself, `hf://org/name@<commit>`, or `PACKAGED`. `control` marks rows that are no
    contestant. `submitted` is an ISO 8601 time in UTC, `submitter` the name that the hub vouches for, or that the
    submitter gave.
    """

    format: Literal[1] = FORMAT
    benchmark: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,79}@[1-9][0-9]{0,3}$")]
    model: Annotated[str, Field(pattern=MODEL_NAME)]
    trial: Annotated[int, Field(ge=0, le=999_999)]
    architecture: Text
    activation: Text
    variant: Annotated[str, Field(max_length=40, pattern=_VISIBLE)] = ""
    dataset: Text
    control: Control | None = None
    metrics: Metrics
    n: Annotated[Mapping[MetricName, Count], Field(max_length=2000)]
    left_out: Count = 0
    notes: Annotated[tuple[LongText, ...], Field(max_length=50)] = ()
    parameters: Count | None = None  # of the network
    model_sha256: Sha256
    data_fingerprint: Sha256
    motifs_sha256: Sha256
    protocol: Annotated[int, Field(ge=1, le=1_000_000)]
    versions: Annotated[Mapping[Text, Text], Field(max_length=50)]
    device: Text
    command: Annotated[str, Field(min_length=1, max_length=1000, pattern=_VISIBLE)]
    source: Annotated[str, Field(min_length=1, max_length=300, pattern=_VISIBLE)]
    submitter: Text
    submitted: Text
    trust: Trust = "claimed"
    verification: Verification | None = None

    @property
    def path(self) -> PurePosixPath:
        """Where in the store the record stands."""
        return PurePosixPath("results", self.benchmark, self.model, f"trial-{self.trial}.json")

    def to_json(self) -> bytes:
        """The record's file: UTF-8 JSON, a field a line."""
        return (self.model_dump_json(indent=1, exclude_defaults=False) + "\n").encode()


def parse_record(data: bytes, where: str) -> Record:
    """The record in a file's bytes; `where` names the file in errors.

    Raises BoardError for a file that is too large, no record, of a newer format, or in another place of the store than
    its content says.
    """
    if len(data) > MAX_RECORD_BYTES:
        raise BoardError(f"{where} has {len(data):,} bytes; a record has at most {MAX_RECORD_BYTES:,}.")
    try:
        return Record.model_validate_json(data)
    except ValidationError as error:
        if (newer := _format(data)) is not None and newer > FORMAT:
            raise BoardError(
                f"{where} is of record format {newer} and this motifzoo reads up to {FORMAT}. Update motifzoo."
            ) from error
        raise BoardError(f"{where} is not a record: {describe_invalid(error)}") from error


def _format(data: bytes) -> int | None:
    try:
        found = json.loads(data)["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return found if isinstance(found, int) else None


def record_of(
    result: Result,
    *,
    source: str,
    submitter: str,
    submitted: str,
    variant: str = "",
    control: Control | None = None,
    parameters: int | None = None,
) -> Record:
    """The claimed record of a result. Metrics that are not finite are kept as undefined."""
    stamps = result.stamps
    return Record(
        benchmark=result.benchmark,
        model=result.model,
        trial=result.trial,
        architecture=result.architecture,
        activation=result.activation,
        variant=variant,
        dataset=result.dataset,
        control=control,
        metrics=result.metrics,
        n=result.n,
        left_out=result.left_out,
        notes=result.notes,
        parameters=parameters,
        model_sha256=stamps.model_sha256,
        data_fingerprint=stamps.data_fingerprint,
        motifs_sha256=stamps.motifs_sha256,
        protocol=stamps.protocol,
        versions=stamps.versions,
        device=stamps.device,
        command=stamps.command,
        source=source,
        submitter=submitter,
        submitted=submitted,
    )
