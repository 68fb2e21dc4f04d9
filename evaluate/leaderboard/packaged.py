"""The zoo's own rows: `python -m motifzoo.evaluate.leaderboard.packaged [PATTERN...] --board FOLDER`.

Evaluates every trial of the packaged models, which costs nothing where the cache has it, and claims the scores on a
board, each with what a model's page shows of its first trial. A row that stands there with the same weights and
numbers is left alone, and with it what a verification found.
"""

import datetime
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from ...errors import MotifzooError
from ...zoo.names import parse
from ...zoo.shapes import plan
from ...zoo.sources import Source, find
from ..benchmark import Evaluated, evaluate_trial
from ..upkeep import counted, device_option, for_each, packaged_names
from .boards import Change, Snapshot, open_board
from .details import details
from .record import PACKAGED, Record, record_of

SUBMITTER = "motifzoo"
_ROUNDING = 1e-9  # relative: of ranks one more or less changes more than that


def packaged_record(source: Source, evaluated: Evaluated, submitted: str) -> Record:
    """The claim of one packaged trial; a model trained on shuffled labels is a control."""
    config = source.config
    shuffled = config.training is not None and config.training.shuffled_labels
    return record_of(
        evaluated.result,
        source=PACKAGED,
        submitter=SUBMITTER,
        submitted=submitted,
        variant=parse(config.name).variant,
        control="shuffled_labels" if shuffled else None,
        parameters=plan(config.layers, config.input_length).parameters,
    )


def changes(rows: Sequence[tuple[Record, Mapping[str, bytes]]], snapshot: Snapshot) -> Change:
    """The files of records, and of their details, that a board lacks or has with other numbers."""
    found: dict[str, bytes] = {}
    for record, files in rows:
        present = snapshot.records.get(str(record.path))
        if present is None or not _same_claim(present, record):
            found |= {str(record.path): record.to_json(), **files}
    return found


def _same_claim(one: Record, other: Record) -> bool:
    """Whether two records claim the same of the same weights: another order of summing is no other number."""
    if one.model_sha256 != other.model_sha256 or one.n != other.n or one.metrics.keys() != other.metrics.keys():
        return False
    pairs = ((value, other.metrics[name]) for name, value in one.metrics.items())
    return all(a is b if a is None or b is None else math.isclose(a, b, rel_tol=_ROUNDING) for a, b in pairs)


@click.command()
@click.argument("patterns", nargs=-1)
@click.option("--board", help="Folder of the board.  [default: the one in motifzoo itself]")
@click.option("--output", default="results", show_default=True, help="Folder for result files.")
@device_option
def main(patterns: tuple[str, ...], board: str | None, output: str, device: str) -> None:
    """Evaluate every trial of the packaged models that match PATTERNS (all without one) and put them on a board."""
    try:
        names = packaged_names(patterns)
        target = open_board(board)
    except MotifzooError as error:
        raise click.ClickException(str(error)) from error

    def claim(name: str) -> str:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        rows: list[tuple[Record, Mapping[str, bytes]]] = []
        for trial in find(name, packaged=True).config.trials:
            source = find(f"{name}:{trial.trial}", packaged=True)
            evaluated = evaluate_trial(source, Path(output), device=device)
            shown = details(evaluated.result, evaluated.folder) if not rows else {}
            rows.append((packaged_record(source, evaluated, now), shown))
        target.apply(partial(changes, rows), f"Scores of {name}")
        return counted(rows)

    for_each(names, claim)


if __name__ == "__main__":
    main()
