"""What may be put on a board: whole records in their places, nothing twice, nothing under somebody else's name.

A name belongs to who submitted it first; others may only add what its very trials, told by their weights, score on
another benchmark. The same weights stand once on a benchmark, but for what controls are computed from, and for the
packaged models among themselves.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Final, NamedTuple

from ....errors import BoardError
from ...metric_table import metric_of
from ..record import MAX_RECORD_BYTES, PACKAGED, Record
from ..store import RECORD_SHAPE, record_at
from . import layout
from .board import Change, Files, Snapshot

_MOST_REASONS: Final = 10


class _Present(NamedTuple):
    """What of a board matters for some new records, found in one pass over it.

    owners: who submitted a model's records; trials: a model's trials with the hashes of their weights; weights: the
    path of the record of certain weights on a benchmark, controls and records that are replaced aside.
    """

    owners: Mapping[str, Set[str]]
    trials: Mapping[str, Set[tuple[int, str]]]
    weights: Mapping[tuple[str, str], str]


def check_proposal(change: Files, snapshot: Snapshot) -> dict[str, Record]:
    """The records of a submission. Raises BoardError with every reason why it cannot be submitted."""
    for path in sorted(change):
        layout.check_path(path)
    new = _records_in(change)
    present = _present(new, snapshot.records)
    reasons = [] if new else [f"it holds no record {RECORD_SHAPE}"]
    submitters = {record.model: record.submitter for record in new.values()}
    for path in sorted(change):
        place, model = layout.trial_of(path), layout.folder_model(path)
        if place is not None and place.record not in new:
            reasons.append(f"{path} goes with {place.record}, which it does not hold")
        elif place is None and (model is None or model not in submitters):
            reasons.append(f"{path} is not of a model whose records it holds")
        elif model is not None and (owners := present.owners[model]) and submitters[model] not in owners:
            reasons.append(f"models/{model} belongs to {_listed(owners)}: submit the records without that folder")
    for path, record in new.items():
        if record.trust != "claimed" or record.verification is not None:
            reasons.append(f"{path} says that it was verified, and a submission is a claim")
        if record.control not in (None, "shuffled_labels"):
            reasons.append(f"{path} is a control without a trained model, which the board's maintainers compute")
        reasons += [f"{path} says that {name} is {value:g}, which {why}" for name, value, why in _impossible(record)]
        there = snapshot.records.get(path)
        if there is not None and there.model_sha256 == record.model_sha256:
            reasons.append(
                f"{record.model}:{record.trial} is on the board for {record.benchmark} already, with the same weights "
                f"({record.model_sha256[:12]})"
            )
    _refuse("submitted", reasons + _conflicts(new, present))
    return new


def _impossible(record: Record) -> Iterator[tuple[str, float, str]]:
    """The values of a record that no evaluation gives, and why."""
    for name, value in record.metrics.items():
        if value is None:
            continue
        metric = metric_of(name)
        if metric is None:
            yield name, value, "is no metric"
        elif not 0 <= value <= metric.highest:
            yield name, value, f"lies outside of 0 to {metric.highest:g}"


def check_change(change: Change, snapshot: Snapshot) -> dict[str, Record]:
    """The records of a maintainer's change. Raises BoardError unless every path and record is in order."""
    for path in sorted(change):
        layout.check_path(path)
    deleted = {path for path, content in change.items() if content is None}
    kept = {path: record for path, record in snapshot.records.items() if path not in deleted}
    new = _records_in(change)
    _refuse("put on the board", _conflicts(new, _present(new, kept)))
    return new


def outdated_details(change: Change, new: Mapping[str, Record], snapshot: Snapshot) -> tuple[str, ...]:
    """The folders of details that a change makes wrong: their record goes, or becomes that of other weights."""
    return tuple(
        layout.details_folder(path)
        for path in change
        if (there := snapshot.records.get(path)) is not None
        and (path not in new or new[path].model_sha256 != there.model_sha256)
    )


def _records_in(change: Change) -> dict[str, Record]:
    return {
        path: record_at(path, content if isinstance(content, bytes) else _read(content, path))
        for path, content in sorted(change.items())
        if content is not None and layout.is_record(path)
    }


def _read(file: Path, path: str) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_RECORD_BYTES + 1)
    except OSError as error:
        raise BoardError(f"cannot read {file}, which should become {path}: {error.strerror}.") from error


def _present(new: Mapping[str, Record], records: Mapping[str, Record]) -> _Present:
    models = {record.model for record in new.values()}
    hashes = {record.model_sha256 for record in new.values()}
    owners, trials = defaultdict[str, set[str]](set), defaultdict[str, set[tuple[int, str]]](set)
    weights: dict[tuple[str, str], str] = {}
    for path, record in records.items():
        if record.model in models:
            owners[record.model].add(record.submitter)
            trials[record.model].add((record.trial, record.model_sha256))
        if record.model_sha256 in hashes and record.control is None and path not in new:
            weights[record.benchmark, record.model_sha256] = path
    return _Present(owners, trials, weights)


def _conflicts(new: Mapping[str, Record], present: _Present) -> list[str]:
    """Why records cannot stand on a board beside those that are there: clauses of a sentence."""
    reasons = []
    weights = dict(present.weights)
    for path, record in new.items():
        owners = present.owners[record.model]
        known = (record.trial, record.model_sha256) in present.trials[record.model]
        if owners and record.submitter not in owners and not known:
            reasons.append(
                f"the name {record.model} belongs to {_listed(owners)}, and these are other weights, submitted by "
                f"{record.submitter!r}: choose another name"
            )
        # Networks of the zoo of one seed come out equal where their activations are one function to what follows.
        if record.control is None and record.source != PACKAGED:
            other = weights.setdefault((record.benchmark, record.model_sha256), path)
            if other != path:
                reasons.append(
                    f"the weights of {record.model}:{record.trial} ({record.model_sha256[:12]}) are those of {other}"
                )
    return reasons


def _listed(names: Set[str]) -> str:
    return " and ".join(repr(name) for name in sorted(names))


def _refuse(what: str, reasons: list[str]) -> None:
    reasons = list(dict.fromkeys(reasons))
    if reasons:
        more = f"; and {len(reasons) - _MOST_REASONS} more" if len(reasons) > _MOST_REASONS else ""
        raise BoardError(f"this cannot be {what}: {'; '.join(reasons[:_MOST_REASONS])}{more}.")
