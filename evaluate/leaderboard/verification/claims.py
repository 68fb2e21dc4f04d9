"""What is to be verified: the claims on a board, and those that wait in pull requests, by what a person types."""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ....data_cards.motifs import content_hash, search_database
from ....errors import BoardError, HubError, unknown_name
from ....zoo.sources import split_trial
from ...protocol import PROTOCOL
from ..boards import Board, Proposal, Snapshot
from ..boards.admission import check_proposal
from ..boards.layout import is_record
from ..record import MAX_RECORD_BYTES, Record
from .author import author_of

MAX_PROPOSED: Final = 500  # records of a pull request, each of which is read before anything is known about it
_PROPOSAL: Final = re.compile(r"(?:pr/|#)?([0-9]{1,9})")


class Claims(NamedTuple):
    """Claims that are written to the board together: one model's on the board, or all of one pull request.

    revision: where the board's files are read. files: path and size of what a proposal brings. refused: why a proposal
    cannot be taken at all, "" where it can; it then has no records.
    """

    name: str
    revision: str
    records: Mapping[str, Record]
    proposal: Proposal | None = None
    files: Mapping[str, int] = {}
    refused: str = ""


def all_claims(board: Board) -> Iterator[Claims]:
    """Everything that nobody has recomputed yet: claimed rows, a model at a time, then open pull requests."""
    snapshot = board.snapshot()
    models: dict[str, dict[str, Record]] = {}
    for path, record in snapshot.records.items():
        if record.trust == "claimed" and is_model(record):
            models.setdefault(record.model, {})[path] = record
    for model, records in models.items():
        yield Claims(model, snapshot.revision, records)
    for proposal in board.proposals():
        yield proposed(board, proposal, snapshot)


def claims_of(board: Board, text: str) -> Claims:
    """The claims that `MODEL`, `MODEL:TRIAL`, `pr/3` or `3` means, whatever was found out about them before.

    Raises UnknownNameError or BoardError where there are none.
    """
    if found := _PROPOSAL.fullmatch(text):
        proposals = {proposal.id: proposal for proposal in board.proposals()}
        if (number := found[1]) not in proposals:
            there = ", ".join(f"pr/{identifier}" for identifier in proposals) or "none"
            raise BoardError(f"board {board.name} has no open pull request {number} with results; it has {there}.")
        return proposed(board, proposals[number], board.snapshot())
    snapshot = board.snapshot()
    model, trial = split_trial(text)
    rows = {path: record for path, record in snapshot.records.items() if record.model == model}
    if not rows:
        known = {record.model for record in snapshot.records.values()}
        raise unknown_name(
            "model", model, known, hint=f"`motifzoo leaderboard show` lists what board {board.name} has."
        )
    rows = {path: record for path, record in rows.items() if trial in (None, record.trial)}
    if not rows:
        raise BoardError(f"board {board.name} has no trial {trial} of {model}.")
    if not any(map(is_model, rows.values())):
        raise BoardError(
            f"{model} is a control without a trained model: `python -m motifzoo.evaluate.leaderboard.controls` "
            "computes such rows anew."
        )
    return Claims(text, snapshot.revision, {path: record for path, record in rows.items() if is_model(record)})


def is_model(record: Record) -> bool:
    """Whether a record is of a trained model, and not of a control that has no weights to load."""
    return record.control in (None, "shuffled_labels")


def proposed(board: Board, proposal: Proposal, snapshot: Snapshot) -> Claims:
    """The claims of an open pull request: paths, records and whose they are are checked, nothing else is read."""
    name, revision = f"pr/{proposal.id}", ""
    files: Mapping[str, int] = {}
    try:
        revision, files = board.proposal_files(proposal.id)
        rows = [path for path in files if is_record(path)]
        if len(rows) > MAX_PROPOSED:
            raise BoardError(f"it brings {len(rows):,} records; a pull request brings at most {MAX_PROPOSED:,}.")
        large = [path for path in rows if files[path] > MAX_RECORD_BYTES]
        if large:
            raise BoardError(f"{large[0]} is larger than a record can be ({MAX_RECORD_BYTES:,} bytes).")
        content = {path: board.read_bytes(path, revision) if is_record(path) else b"" for path in files}
        records = check_proposal(content, snapshot)
        author = author_of(board.name, proposal.id)
        if others := sorted({record.submitter for record in records.values()} - {author}):
            raise BoardError(f"it was opened by {author}, and its records name {others[0]!r} as their submitter.")
    except (BoardError, HubError) as error:
        return Claims(name, revision, {}, proposal, files, str(error))
    return Claims(name, revision, records, proposal, files)


def outdated(record: Record, fingerprint: str) -> str:
    """Why this motifzoo cannot recompute a claim, which is not the claim's fault; "" where it can.

    fingerprint: of the benchmark's data on this machine.
    """
    if record.protocol != PROTOCOL:
        return f"it is of protocol {record.protocol}, and this motifzoo computes protocol {PROTOCOL}"
    if record.data_fingerprint != fingerprint:
        return (
            f"it is of data with fingerprint {record.data_fingerprint[:12]}, and those on this machine have "
            f"{fingerprint[:12]}"
        )
    if record.motifs_sha256 != (motifs := content_hash(search_database())):
        return f"it is of motifs with hash {record.motifs_sha256[:12]}, and those of this motifzoo have {motifs[:12]}"
    return ""
