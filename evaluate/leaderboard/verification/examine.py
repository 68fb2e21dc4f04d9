"""One claim, examined: its files in quarantine, its scores recomputed there, the verification that follows."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ....errors import BoardError, HubError, MotifzooError
from ..boards import Board, Snapshot
from ..record import PACKAGED, Record, Verification
from ..submission.checks import check_against
from . import recompute as quarantined
from .claims import Claims, outdated
from .compare import differing
from .fresh import new_seed
from .isolate import LimitError, Limits, plain, run_isolated, told_memory, told_time
from .quarantine import fetch, lend_data

_PROBLEM: Final = 2000  # characters of a verification's problem
_PROMISED: Final = Limits()  # what every claim may take before it is disputed for that


class LeftError(MotifzooError):
    """A claim that cannot be examined here and now, which says nothing about it."""


@dataclass(frozen=True)
class Examined:
    """A record as it should stand from now on: recomputed, or disputed.

    model: the checked folder, None unless every check passed and its scores were recomputed; details: the folder with
    what the model's page shows, beside the scores. confinement: by what means the process that computed was confined.
    """

    record: Record
    model: Path | None = None
    details: Path | None = None
    confinement: Mapping[str, str] = field(default_factory=dict)


class Examiner:
    """Examines the claims of one model or pull request, whose files are fetched once, below the folder `scratch`."""

    def __init__(
        self, board: Board, claims: Claims, scratch: Path, *, by: str, limits: Limits, seed: int | None
    ) -> None:
        self._board = board
        self._claims = claims
        self._scratch = scratch
        self._by = by
        self._limits = limits
        self._seed = seed
        self._fetched: dict[str, Path] = {}

    def examine(self, record: Record) -> Examined:
        """Recompute one claim. What is wrong with it becomes the verification's problem.

        Raises LeftError, or another MotifzooError, where it cannot be examined: no network, other data, a full disk,
        limits below those that every claim is promised.
        """
        writable = self._scratch / record.benchmark / f"{record.model}-{record.trial}"
        writable.mkdir(mode=0o700, parents=True)
        if why := outdated(record, lend_data(record.benchmark.partition("@")[0], writable)):
            raise LeftError(f"it cannot be recomputed here: {why}.")
        try:
            model = self._fetch(record)
            seed = new_seed() if self._seed is None else self._seed
            task = quarantined.Task(record=record, folder=model, output=writable, seed=seed)
            ran = run_isolated(quarantined.FUNCTION, task.model_dump(mode="json"), writable, self._limits)
            found = _checked(ran.value)
            if record.source != PACKAGED:  # what was examined is motifzoo's own model of that name
                check_against(found.config, record.submitter, _others(self._board.snapshot(), record))
        except HubError as error:
            raise LeftError(str(error)) from error
        except BoardError as error:
            if isinstance(error, LimitError) and (promised := _promised_more(error, self._limits)):
                raise LeftError(f"{error} Nothing is disputed for that: every trial may take {promised}.") from error
            problem = plain(str(error).replace(f"{self._scratch}/", ""))[:_PROBLEM]
            verification = self._verification(device="none", versions={}, metrics={}, problem=problem)
            return Examined(record.model_copy(update={"trust": "disputed", "verification": verification}))
        differs = differing(record.metrics, found.metrics, record.n, found.n)
        verification = self._verification(
            device=found.device,
            versions=found.versions,
            metrics=found.metrics,
            differs=differs,
            fresh=found.fresh,
        )
        trust = "disputed" if differs else "recomputed"
        verified = record.model_copy(update={"trust": trust, "verification": verification})
        return Examined(verified, model, writable / quarantined.DETAILS, ran.confinement)

    def _fetch(self, record: Record) -> Path:
        if record.source not in self._fetched:
            into = self._scratch / f"source-{len(self._fetched)}" / record.model
            into.parent.mkdir()
            self._fetched[record.source] = fetch(self._board, self._claims, record, into)
        return self._fetched[record.source]

    def _verification(self, **found: Any) -> Verification:
        at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return Verification(by=self._by, at=at, **found)


def _promised_more(error: LimitError, limits: Limits) -> str:
    """What a claim may take where these limits allow less, else ""."""
    if error.limit == "memory":
        enough, promised = limits.memory >= _PROMISED.memory, f"{told_memory(_PROMISED.memory)} (--memory)"
    else:
        enough, promised = limits.seconds >= _PROMISED.seconds, f"{told_time(_PROMISED.seconds)} (--minutes)"
    return "" if enough else promised


def _checked(value: Any) -> quarantined.Recomputed:
    try:
        return quarantined.Recomputed.model_validate(value)
    except ValidationError as error:
        raise BoardError("the quarantined process gave no usable scores.") from error


def _others(snapshot: Snapshot, record: Record) -> Snapshot:
    """The board without the submission itself: the submitter's records of the model, and others' of these weights."""
    own = {
        path
        for path, other in snapshot.records.items()
        if other.model == record.model
        and (other.submitter == record.submitter or other.model_sha256 == record.model_sha256)
    }
    return Snapshot(snapshot.revision, {path: other for path, other in snapshot.records.items() if path not in own})
