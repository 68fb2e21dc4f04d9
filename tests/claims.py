"""Claims for tests of verification: a small model evaluated, and what a submitter would propose of it."""

from pathlib import Path

from motifzoo.data_cards.cards import load_card
from motifzoo.evaluate.benchmark import evaluate_trial
from motifzoo.evaluate.leaderboard.details import details
from motifzoo.evaluate.leaderboard.record import Record, record_of
from motifzoo.zoo.shapes import plan
from motifzoo.zoo.sources import find

DATASET = "synthetic-motifs"  # has no attribution scores, so that a trial is evaluated in seconds
OUTPUTS = load_card(DATASET).classes


def claim(folder: Path, trial: int = 0, *, submitter: str = "alice", source: str | None = None) -> dict[str, bytes]:
    """The files of an honest claim: the record, details and, unless another source is given, the model folder."""
    found = find(f"{folder}:{trial}")
    evaluated = evaluate_trial(found, folder.parent / "results")
    config = found.config
    record = record_of(
        evaluated.result,
        source=source or f"models/{config.name}",
        submitter=submitter,
        submitted="2026-11-22T12:00:00+00:00",
        parameters=plan(config.layers, config.input_length).parameters,
    )
    files = {str(record.path): record.to_json(), **details(evaluated.result, evaluated.folder)}
    if source is None:
        files |= {
            f"models/{config.name}/{path.relative_to(folder).as_posix()}": path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
    return files


def altered(files: dict[str, bytes], **changes: object) -> dict[str, bytes]:
    """A claim whose only record says something else; its details go where its record now stands."""
    (path,) = (path for path in files if path.startswith("results/") and path.count("/") == 3)
    old = Record.model_validate_json(files[path])
    new = Record.model_validate(old.model_dump() | changes)
    before, after = path.removesuffix(".json"), str(new.path).removesuffix(".json")
    rest = {place.replace(f"{before}/", f"{after}/"): data for place, data in files.items() if place != path}
    return {str(new.path): new.to_json(), **rest}
