"""Verify claims, one model or pull request after the other, and write what was found to the board."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from ....errors import BoardError, MotifzooError
from ..boards import Board, Change, Snapshot
from ..boards.layout import details_folder
from ..details import MAX_DETAIL_BYTES
from ..record import Record
from ..submission.limits import printable
from .claims import Claims, all_claims, claims_of
from .examine import Examined, Examiner, LeftError
from .isolate import Limits

Outcome = Literal["recomputed", "disputed", "left"]
Edits = dict[str, bytes | Path | None]

_NAME: Final = 200  # characters of who verifies
_DETAILS: Final = ("result.json", "filters.meme", "hits.tsv", "maps.safetensors")


@dataclass(frozen=True)
class Verified:
    """What became of one claim; of a pull request as a whole where it holds no usable claim, and then without record.

    record: as it stands on the board now. outcome "left": the claim could not be examined, or was changed or verified
    by somebody else meanwhile; nothing was written. reason: of "left", and of a dispute without numbers. confinement:
    by what means the process that computed the numbers was confined.
    """

    name: str
    record: Record | None
    outcome: Outcome
    reason: str = ""
    confinement: Mapping[str, str] = field(default_factory=dict)


def verify(
    board: Board,
    submission: str | None = None,
    *,
    by: str,
    limits: Limits | None = None,
    seed: int | None = None,
    begin: Callable[[str], None] | None = None,
) -> Iterator[Verified]:
    """Verify the claims that `submission` names (see `claims_of`), None for all that nobody has recomputed.

    The outcomes of one model or pull request are written to the board as one change and then yielded; trouble with one
    leaves the others alone. by: who verifies. limits: of each trial's process. seed: of the fresh draws, by default one
    that nobody can know. begin: called with each trial's name before it is examined.
    Raises UnknownNameError or BoardError for claims that there are not, HubError for a board that cannot be reached.
    """
    if not 1 <= len(by) <= _NAME or not by.isprintable():
        raise BoardError(f"{by[:40]!a} is no name for who verifies: say it in 1 to {_NAME} visible characters (--by).")
    for claims in all_claims(board) if submission is None else [claims_of(board, submission)]:
        if claims.refused:
            yield Verified(claims.name, None, "left", claims.refused)
            continue
        examined: dict[str, Examined] = {}
        left: dict[str, str] = {}
        with tempfile.TemporaryDirectory(prefix="motifzoo-quarantine-") as scratch:
            examiner = Examiner(board, claims, Path(scratch), by=by, limits=limits or Limits(), seed=seed)
            for path, record in claims.records.items():
                if begin is not None:
                    begin(_name(record))
                try:
                    examined[path] = examiner.examine(record)
                except MotifzooError as error:
                    left[path] = str(error)
            if claims.proposal is not None and left:  # it lands as a whole or waits as a whole
                reason = f"another trial of {claims.name} could not be examined"
                left |= dict.fromkeys(examined, reason)
                examined = {}
            left |= _write(board, claims, examined)
        for path, record in claims.records.items():
            if path in left:
                yield Verified(_name(record), record, "left", left[path])
            else:
                yield _verified(examined[path])


def _name(record: Record) -> str:
    return f"{record.model}:{record.trial} on {record.benchmark}"


def _verified(found: Examined) -> Verified:
    record = found.record
    problem = record.verification.problem if record.verification is not None else None
    outcome: Outcome = "disputed" if record.trust == "disputed" else "recomputed"
    return Verified(_name(record), record, outcome, problem or "", found.confinement)


def _write(board: Board, claims: Claims, examined: Mapping[str, Examined]) -> dict[str, str]:
    """Write verifications to the board; returns which were not written, and why."""
    if not examined:
        return {}
    passed_over: dict[str, str] = {}
    details = {path: _details(board, claims, path, found) for path, found in examined.items()}

    def update(snapshot: Snapshot) -> Change:
        passed_over.clear()
        change: Edits = {}
        for path, found in examined.items():
            if reason := _overtaken(claims, path, snapshot.records.get(path)):
                passed_over[path] = reason
            else:
                change |= {path: found.record.to_json(), **details[path]}
                if claims.proposal is not None:
                    change |= _model_files(found)
        if passed_over and claims.proposal is not None:  # to change nothing would still close it
            raise LeftError(next(iter(passed_over.values())))
        return change

    models = ", ".join(sorted({found.record.model for found in examined.values()}))
    try:
        board.apply(update, f"Verify {models}", claims.proposal)
    except LeftError as error:
        return dict.fromkeys(examined, str(error))
    except MotifzooError as error:
        return dict.fromkeys(examined, f"what was found could not be written: {error}")
    return passed_over


def _overtaken(claims: Claims, path: str, present: Record | None) -> str:
    """Why a verification must not be written: the board no longer holds what was examined; "" where it does."""
    seen = claims.records[path]
    if claims.proposal is not None:
        return "" if present is None else "a record of this trial came onto the board meanwhile"
    if present is None:
        return "the record was removed meanwhile"
    if _claim(present) != _claim(seen):
        return "the claim was changed meanwhile; verify it again"
    if present.verification is not None and present.verification != seen.verification:
        return f"{printable(present.verification.by)} verified it meanwhile"
    return ""


def _claim(record: Record) -> Record:
    return record.model_copy(update={"trust": "claimed", "verification": None})


def _details(board: Board, claims: Claims, path: str, found: Examined) -> Edits:
    """What the model's page shows of the trial: where the claim came with such files, those computed in quarantine."""
    if found.details is None:
        return {}
    folder = details_folder(path)
    given = claims.files if claims.proposal is not None else board.paths(folder, claims.revision)
    if not any(place.startswith(f"{folder}/") for place in given):
        return {}
    files = {f"{folder}/{name}": found.details / name for name in _DETAILS}
    return {place: file for place, file in files.items() if _is_small_file(file)}


def _is_small_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_DETAIL_BYTES


def _model_files(found: Examined) -> Edits:
    """The files of a model folder that a pull request brings: the very copies that were checked."""
    if found.model is None or not found.record.source.startswith("models/"):
        return {}
    return {
        f"{found.record.source}/{file.relative_to(found.model).as_posix()}": file
        for file in sorted(found.model.rglob("*"))
        if file.is_file()
    }
