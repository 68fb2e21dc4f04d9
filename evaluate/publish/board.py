"""A leaderboard's repository: our records joined with those that others brought there."""

from pathlib import Path
from typing import Final

from ...errors import BoardError
from ..leaderboard.boards import layout
from ..leaderboard.exports import exports
from ..leaderboard.record import Record
from ..leaderboard.store import read_records, record_at
from .files import collect
from .push import Remote, Wanted

_BOARD: Final = (".json", ".md", ".meme", ".parquet", ".safetensors", ".svg", ".tsv", ".txt", ".yaml")


def board_files(folder: Path, remote: Remote) -> Wanted:
    """The files of a board folder joined with a board on the hub; the generated ones are those of the joined records.

    Of what is there only exports of entries that are no more go. A record on the hub stays where ours makes the same
    claim and only theirs was recomputed. Raises BoardError when the folder holds no record, or files that are none, or
    a record of the same name and other weights than somebody else's on the hub.
    """
    ours, problems = read_records(folder)
    if problems:
        raise BoardError(f"{folder} cannot be published as it is: {problems[0]}")
    if not ours:
        raise BoardError(f"{folder} has no records under results/, so it is no leaderboard.")
    theirs = _records(remote)
    for path, record in ours.items():
        _refuse_foreign(path, record, theirs.get(path))
    joined = theirs | {path: record for path, record in ours.items() if not _is_verified(record, theirs.get(path))}
    standing = {path for path, record in ours.items() if joined[path] == record}
    models = {ours[path].model for path in standing}
    found = collect(folder, _BOARD)
    files = {
        path: content
        for path, content in found.files.items()
        if ((place := layout.trial_of(path)) and place.record in standing) or layout.folder_model(path) in models
    }
    return Wanted(files | exports(joined, remote.url), _is_export, found.left_out)


def _is_export(path: str) -> bool:
    return layout.is_generated(path) and path.startswith("eval_results/")


def _records(remote: Remote) -> dict[str, Record]:
    paths = [path for path in remote.listing if layout.is_record(path)]
    if not paths:
        return {}
    folder = remote.fetch(paths)
    found = {}
    for path in paths:
        try:
            found[path] = record_at(path, (folder / path).read_bytes())
        except BoardError:
            continue  # it stays where it is; the board's readers name it among the problems
    return found


def _refuse_foreign(path: str, ours: Record, theirs: Record | None) -> None:
    if theirs is not None and theirs.model_sha256 != ours.model_sha256 and theirs.submitter != ours.submitter:
        raise BoardError(
            f"{path} stands on the hub with other weights, by {theirs.submitter}; ours is by {ours.submitter}. Give "
            "our model another name, or take its record out."
        )


def _is_verified(ours: Record, theirs: Record | None) -> bool:
    """Whether theirs is the claim that ours is, and somebody looked into it since."""
    if theirs is None or ours.trust != "claimed" or theirs.trust == "claimed":
        return False
    return (ours.model_sha256, ours.metrics) == (theirs.model_sha256, theirs.metrics)
