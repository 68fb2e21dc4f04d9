"""`motifzoo submit`: put a model of one's own on a leaderboard."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import StageDisplay, as_json, device_option, print_json, print_table

if TYPE_CHECKING:
    from ..leaderboard.submission.submit import Step, Submission

_HUB = "hf://"


@click.command(short_help="Put a model of one's own on a leaderboard.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--benchmark", help="What to be ranked on, such as synthetic-codes@1; without a version the current one.")
@click.option(
    "--board", help="Where to: a folder, or hf://ORG/NAME on the hub. Without it, the board of motifzoo itself."
)
@click.option("--dry-run", is_flag=True, help="Do everything but propose it, and show what would be proposed.")
@click.option("--template", type=click.Path(path_type=Path), help="Write a working submission to begin with here.")
@click.option("--submitter", help="The name to submit under to a folder. Default: your login name. A hub knows yours.")
@device_option
@as_json
def submit(
    folder: Path | None,
    benchmark: str | None,
    board: str | None,
    dry_run: bool,
    template: Path | None,
    submitter: str | None,
    device: str,
    as_json: bool,
) -> None:
    """Check the model in FOLDER, try it on a tiny benchmark, evaluate its trials, and propose it to a leaderboard.

    FOLDER holds config.json and model.safetensors, as motifzoo.export writes them; nothing in it is ever executed. It
    is left as it is: the card on the board is made from the scores.

    \b
    Examples:
      motifzoo submit --template my-model
      motifzoo submit my-model --benchmark synthetic-codes@1 --dry-run
      motifzoo submit my-model --benchmark synthetic-codes@1 --board hf://motifzoo/leaderboard
    """
    if template is not None:
        if folder is not None or benchmark is not None:
            raise click.UsageError("--template writes a new folder: give it without FOLDER and --benchmark.")
        _write_template(template, as_json)
        return
    if folder is None or benchmark is None:
        raise click.UsageError("give a FOLDER and --benchmark, or --template NEW_FOLDER to begin with.")
    from ..leaderboard.boards import open_board
    from ..leaderboard.submission.submit import submit as propose

    with _Display() as display:
        done = propose(
            folder,
            benchmark,
            open_board(board),
            submitter=_submitter(board, submitter, dry_run),
            dry_run=dry_run,
            device=device,
            step=display.begin,
            progress=display,
        )
    if as_json:
        print_json(_as_json(done, board))
    else:
        _print(done, board)


def _submitter(board: str | None, given: str | None, dry_run: bool) -> str:
    """Who submits: on a hub whoever is signed in there, elsewhere who they say they are."""
    import getpass

    from ...errors import BoardError

    if board is None or not board.startswith(_HUB):
        try:
            return given or getpass.getuser()
        except (KeyError, OSError) as error:  # a user without a login name
            raise BoardError("your system knows no name of yours: give one with --submitter NAME.") from error
    from ...zoo.hub.client import connect

    name = connect().whoami()
    if name is None:
        if dry_run:
            return given or "anonymous"
        raise BoardError(f"the hub does not know you, and {board} takes submissions of its users only: hf auth login.")
    if given not in (None, name):
        raise BoardError(f"on the hub you are {name!r} and cannot submit as {given!r}. Leave --submitter out.")
    return name


def _write_template(folder: Path, as_json: bool) -> None:
    import contextlib
    import sys

    from ..leaderboard.submission.template import write_template

    with contextlib.redirect_stdout(sys.stderr):
        made = write_template(folder)
    if as_json:
        print_json({"folder": str(made.folder), "script": str(made.script), "model": made.name})
        return
    click.echo(f"{made.folder} is a submission of a small network, trained for seconds: {made.name}")
    click.echo(f"{made.script} is the script that makes it. Change the network in it, choose a name, train longer:")
    click.echo(f"  python {made.script} NEW_FOLDER --steps 5000 --trials 3")
    click.echo(f"  motifzoo submit NEW_FOLDER --benchmark {made.dataset} --dry-run")


def _as_json(done: "Submission", board: str | None) -> dict[str, Any]:
    return {
        "model": done.config.name,
        "benchmark": done.benchmark,
        "board": board,
        "records": [record.model_dump(mode="json") for record in done.records],
        "smoke_seconds": round(done.smoke_seconds, 1),
        "files": done.files,
        "proposal": None if done.proposal is None else done.proposal._asdict(),
    }


def _print(done: "Submission", board: str | None) -> None:
    from ..leaderboard.headline import headline

    shown = headline(done.benchmark)
    print_table(
        ("metric", *(f"trial {record.trial}" for record in done.records)),
        [(name, *(_shown(record.metrics.get(name)) for record in done.records)) for name in shown],
        right=range(1, len(done.records) + 1),
        title=f"{done.config.name} on {done.benchmark}",
    )
    for note in dict.fromkeys(note for record in done.records for note in record.notes):
        click.echo(f"Note: {note}")
    total = sum(done.files.values())
    where = "the board of motifzoo itself" if board is None else board
    if done.proposal is None:
        click.echo(f"Nothing was proposed. To {where} would go {len(done.files)} files, {total:,} bytes in all:")
        for path, size in sorted(done.files.items()):
            click.echo(f"  {path}  {size:,} bytes")
        return
    click.echo(f"{len(done.files)} files, {total:,} bytes in all, went to {where} as one change.")
    if done.proposal.url is None:
        click.echo("It stands there as claimed, until a maintainer has recomputed it with motifzoo verify.")
    else:
        click.echo(f"It waits for a maintainer to recompute it: {done.proposal.url}")


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


class _Display(StageDisplay):
    """What a submission is at."""

    def begin(self, step: "Step") -> None:
        """A part of the submission begins."""
        part = step.name if step.trial is None else f"{step.name} of trial {step.trial}"
        if self._bars is None:
            click.echo(part, err=True)
        self.head(part)
