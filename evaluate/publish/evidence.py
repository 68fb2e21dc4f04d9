"""The scores that a model's repository shows the hub: those of a leaderboard's records of exactly these weights."""

from pathlib import Path

from ...zoo.config import read_config
from ..leaderboard.boards import EMBEDDED
from ..leaderboard.store import read_records


def eval_results(folder: Path, board: Path | None) -> dict[str, bytes]:
    """The files of .eval_results/ by name, for a model folder; empty where the board has no record of its weights.

    board: a board's folder, default the one that comes with motifzoo. Raises BoardError for a folder that is none.
    """
    if board is None and not EMBEDDED.is_dir():
        return {}
    config = read_config(folder)
    ours = {(config.name, trial.trial, trial.sha256) for trial in config.trials}
    records, _ = read_records(board or EMBEDDED)
    known = {
        path: record for path, record in records.items() if (record.model, record.trial, record.model_sha256) in ours
    }
    if not known:
        return {}
    from ..leaderboard.exports import exports  # it needs pyarrow, which a model without scores does not

    prefix = f"eval_results/{config.name}/"
    return {path.removeprefix(prefix): text for path, text in exports(known).items() if path.startswith(prefix)}
