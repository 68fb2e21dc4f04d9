"""`motifzoo verify`: recompute what a leaderboard's submitters claim."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from .output import as_json, print_json, print_table

if TYPE_CHECKING:
    from ..leaderboard.record import Record
    from ..leaderboard.verification.verify import Verified


@click.command(short_help="Recompute claims on a leaderboard.")
@click.argument("submission", required=False)
@click.option(
    "--all-claimed", is_flag=True, help="Every claim that nobody has recomputed, open pull requests included."
)
@click.option("--board", help="A folder or hf://ORG/NAME.  [default: the board that comes with motifzoo]")
@click.option("--by", help="Who verifies.  [default: your name on the hub, or on this machine]")
@click.option(
    "--memory", type=click.FloatRange(min=1), default=4, show_default=True, help="GB that one trial may take."
)
@click.option("--minutes", type=click.FloatRange(min=1), default=60, show_default=True, help="Time for one trial.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Threads to compute with.")
@as_json
def verify(
    submission: str | None,
    all_claimed: bool,
    board: str | None,
    by: str | None,
    memory: float,
    minutes: float,
    threads: int,
    as_json: bool,
) -> None:
    """Recompute the claims of SUBMISSION: a model on the board, MODEL:TRIAL, or a pull request such as pr/3.

    Its files are fetched into quarantine and checked again; its scores are computed in a separate process without
    network, within limits, on the benchmark and on newly drawn sequences. The board then says recomputed, or disputed
    with both numbers. Ends with 1 when a claim is disputed or could not be examined.

    \b
    Examples:
      motifzoo verify pr/3 --board hf://ORG/leaderboard
      motifzoo verify --all-claimed --board my-board --minutes 30
    """
    if all_claimed == (submission is not None):
        raise click.UsageError("name one SUBMISSION, or give --all-claimed.")
    from ..leaderboard.boards import open_board
    from ..leaderboard.exports import refresh
    from ..leaderboard.verification.isolate import Limits
    from ..leaderboard.verification.verify import verify as verify_claims

    target = open_board(board)
    limits = Limits(memory=int(memory * (1 << 30)), seconds=60 * minutes, threads=threads)
    outcomes = []
    for outcome in verify_claims(
        target,
        submission,
        by=by or _own_name(board),
        limits=limits,
        begin=lambda name: click.echo(f"verifying {name}", err=True),
    ):
        click.echo(f"{outcome.outcome}: {outcome.name}", err=True)
        outcomes.append(outcome)
    if as_json:
        print_json([_as_json(outcome) for outcome in outcomes])
    else:
        _print(outcomes, target.name)
    if any(outcome.outcome != "left" for outcome in outcomes):
        refresh(target)
    if any(outcome.outcome != "recomputed" for outcome in outcomes):
        raise SystemExit(1)


def _own_name(board: str | None) -> str:
    import getpass

    from ...errors import MotifzooError
    from ...zoo.hub.client import connect

    if board is not None and board.startswith("hf://") and (name := connect().whoami()):
        return name
    try:
        return getpass.getuser()
    except (OSError, KeyError) as error:  # a container's user without a name
        raise MotifzooError("this user has no name; say with --by who verifies.") from error


def _as_json(outcome: "Verified") -> dict[str, object]:
    record = outcome.record
    return {
        "name": outcome.name,
        "outcome": outcome.outcome,
        "reason": outcome.reason,
        "confinement": dict(outcome.confinement),
        "record": None if record is None else record.model_dump(mode="json"),
    }


def _print(outcomes: Sequence["Verified"], board: str) -> None:
    from ..leaderboard.submission.limits import printable

    if not outcomes:
        click.echo(f"Board {printable(board)} has no claim that is not verified.")
        return
    print_table(
        ("outcome", "claim"), [(outcome.outcome, printable(outcome.name)) for outcome in outcomes], title="Verified"
    )
    for outcome in outcomes:
        if outcome.reason:
            click.echo(f"{printable(outcome.name)}: {_plain(outcome.reason)}")
        if outcome.record is not None and outcome.outcome != "left":
            _print_numbers(outcome.record)
    for means in dict.fromkeys(tuple(outcome.confinement.items()) for outcome in outcomes if outcome.confinement):
        click.echo("Quarantine: " + "; ".join(f"{what}: {how}" for what, how in means) + ".")


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


def _print_numbers(record: "Record") -> None:
    """Where claim and recomputation differ, and where the fixed test sequences flatter the model."""
    from ..leaderboard.verification.compare import gaps

    found = record.verification
    assert found is not None
    trial = f"{record.model}:{record.trial}"
    if found.differs:
        print_table(
            (f"{trial} differs in", "claimed", "recomputed"),
            [(name, _shown(record.metrics.get(name)), _shown(found.metrics.get(name))) for name in found.differs],
            right=(1, 2),
        )
    telling = [gap for gap in gaps(found) if gap.telling]
    if telling and found.fresh is not None:
        print_table(
            (f"{trial} scores lower on sequences drawn anew", "benchmark", "new", "chance (SE)"),
            [(gap.metric, _shown(gap.fixed), _shown(gap.fresh), _shown(gap.noise)) for gap in telling],
            right=(1, 2, 3),
        )


def _shown(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.6g}"
