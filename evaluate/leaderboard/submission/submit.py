"""From a model folder to a proposed change of a board: check, try, evaluate, write the card, propose."""

import datetime
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from ....data_cards.cards import PACKAGED, Card, read_card
from ....errors import BoardError, unknown_name
from ....zoo.config import ModelConfig
from ....zoo.shapes import plan
from ....zoo.sources import Source
from ...benchmark import Evaluated, data_of, evaluate_trial
from ...card_scores import publish_scores
from ...run import Progress
from ..boards import Board, Proposal
from ..details import details
from ..record import Record, record_of
from .checks import check_against, check_folder
from .configs import variant_of
from .limits import refusal
from .listing import list_folder
from .smoke import smoke_test
from .staging import copy_in

SUBMITTER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")  # what the hub calls its users, too


class Step(NamedTuple):
    """A part of a submission begins: what is done, and the trial it is done to, None for the whole."""

    name: str
    trial: int | None = None


@dataclass(frozen=True)
class Submission:
    """What was found out about a model and what it would put on a board.

    records: one a trial, in the order of the config. files: size in bytes of everything that the change writes, by its
    path on the board. smoke_seconds: how long the trial on the tiny benchmark took. proposal: None in a dry run.
    """

    config: ModelConfig
    benchmark: str
    records: tuple[Record, ...]
    files: dict[str, int]
    smoke_seconds: float
    proposal: Proposal | None


def submit(
    folder: Path,
    benchmark: str,
    board: Board,
    *,
    submitter: str,
    dry_run: bool = False,
    device: str = "cpu",
    step: Callable[[Step], None] = lambda step: None,
    progress: Progress | None = None,
) -> Submission:
    """Submit a model folder to a board; with `dry_run`, do everything but propose it.

    benchmark: `NAME@VERSION`, or NAME for the current version. submitter: the name that the records bear. The folder is
    copied first and left as it is; the card (README.md) that goes to the board is made from the scores. step: told of
    each part as it begins. progress: as `evaluate_trial` takes it.

    Raises BoardError listing why the submission is refused, UnknownNameError for a benchmark that there is not, and
    what the board and the evaluation raise.
    """
    card = benchmark_card(benchmark)
    if not SUBMITTER.fullmatch(submitter):
        raise BoardError(
            f"submitter {submitter!r} is no name: write 1 to 96 letters, digits, dots, dashes and underscores, a "
            "letter or digit first."
        )
    step(Step("check"))
    with _private_copy(folder) as copied:
        config = check_folder(copied)
        if (config.dataset.name, config.dataset.version) != (card.name, card.version):
            raise refusal(
                f"submission {config.name}",
                [f"it is a model of {config.dataset.name}@{config.dataset.version} and not of {card.benchmark}."],
            )
        check_against(config, submitter, board.snapshot())
        # What a person types who has the board's folder before them.
        given = f"models/{config.name}"
        sources = [Source(f"{given}:{trial.trial}", copied, config, trial.trial) for trial in config.trials]
        smoke_seconds = 0.0
        for source in sources:
            step(Step("smoke test", source.trial))
            smoke_seconds += smoke_test(source, device=device, progress=progress).seconds
        evaluated = []
        dataset = data_of(sources[0])
        with tempfile.TemporaryDirectory(prefix="motifzoo-results-") as scratch:
            for source in sources:
                step(Step("evaluation", source.trial))
                evaluated.append(
                    evaluate_trial(source, Path(scratch), dataset=dataset, device=device, progress=progress)
                )
            step(Step("card"))
            publish_scores(evaluated, copied)
            check_folder(copied)  # the board is given nothing that a maintainer would refuse
            records = tuple(_record(config, item, given, submitter) for item in evaluated)
            change = _change(config, copied, records, evaluated)
        proposal = None
        if not dry_run:
            step(Step("proposal"))
            check_against(config, submitter, board.snapshot())
            proposal = board.propose(change, _message(config, card, submitter))
        sizes = {path: len(item) if isinstance(item, bytes) else item.stat().st_size for path, item in change.items()}
    return Submission(config, card.benchmark, records, sizes, smoke_seconds, proposal)


def benchmark_card(benchmark: str) -> Card:
    """The card of a packaged benchmark, `NAME@VERSION` or NAME. Raises UnknownNameError listing what there is."""
    cards = [read_card(path) for path in sorted(PACKAGED.glob("*/card.toml"))]
    for card in cards:
        if benchmark in (card.name, card.benchmark):
            return card
    raise unknown_name("benchmark", benchmark, [card.benchmark for card in cards])


@contextmanager
def _private_copy(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="motifzoo-submission-") as scratch:
        yield copy_in(folder, Path(scratch) / (folder.resolve().name or "model"))


def _record(config: ModelConfig, evaluated: Evaluated, source: str, submitter: str) -> Record:
    shuffled = config.training is not None and config.training.shuffled_labels
    return record_of(
        evaluated.result,
        source=source,
        submitter=submitter,
        submitted=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        variant=variant_of(config),
        control="shuffled_labels" if shuffled else None,
        parameters=plan(config.layers, config.input_length).parameters,
    )


def _change(
    config: ModelConfig, folder: Path, records: Sequence[Record], evaluated: Sequence[Evaluated]
) -> dict[str, bytes | Path]:
    """Everything that the submission writes to the board, by path."""
    found, _ = list_folder(folder)
    change: dict[str, bytes | Path] = {f"models/{config.name}/{path}": folder / path for path in found}
    for record, item in zip(records, evaluated, strict=True):
        change[str(record.path)] = record.to_json()
        change |= details(item.result, item.folder)
    return change


def _message(config: ModelConfig, card: Card, submitter: str) -> str:
    count = "one trial" if len(config.trials) == 1 else f"{len(config.trials)} trials"
    return f"Submit {config.name} ({count}) to {card.benchmark}, by {submitter}"
