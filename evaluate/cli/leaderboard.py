"""`motifzoo leaderboard`: the ranked tables of a board in the terminal, its generated files, its pages."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from .output import as_json, print_json
from .site import board_option, build, serve

if TYPE_CHECKING:
    from ..leaderboard.entries import Entry
    from ..leaderboard.ranking import Ranked

_TOP: Final = 10  # rows of each benchmark where several are shown
_PROBLEMS: Final = 20


class _Standing(NamedTuple):
    """The entries of a benchmark, ranked by a metric; `others` are the benchmark's other headline metrics."""

    benchmark: str
    metric: str
    rows: Sequence["Ranked"]
    others: tuple[str, ...]


@click.group()
def leaderboard() -> None:
    """Read the leaderboard; make its generated files and pages.

    \b
    Example:
      motifzoo leaderboard show
    """


@leaderboard.command(short_help="Print the ranked tables.")
@board_option
@click.option("--benchmark", help="Show all rows of this one, such as synthetic-codes@1 or synthetic-codes.")
@click.option("--metric", help="Rank by this metric.  [default: a benchmark's first headline metric]")
@as_json
def show(board: str | None, benchmark: str | None, metric: str | None, as_json: bool) -> None:
    """Print who stands where on each benchmark, and who cannot be told apart.

    \b
    Examples:
      motifzoo leaderboard show
      motifzoo leaderboard show --benchmark synthetic-codes --metric filters/match_fraction
      motifzoo leaderboard show --board hf://motifzoo/leaderboard --json
    """
    from ..leaderboard.boards import open_board
    from ..leaderboard.entries import entries
    from ..leaderboard.store import collector_paused

    opened = open_board(board)
    with collector_paused():
        snapshot = opened.snapshot()
        grouped = _chosen(entries(snapshot.records.values()), benchmark)
        standings = _standings(grouped, metric) if grouped else []
    _tell(snapshot.problems)
    if as_json:
        print_json([_as_json(row, standing.metric) for standing in standings for row in standing.rows])
        return
    if not standings:
        click.echo(f"Board {opened.name} has no results yet. `motifzoo submit` adds some.")
        return
    from .standings import print_legend, print_standings

    for standing in standings:
        print_standings(*standing[:3], most=None if benchmark else _TOP)
    print_legend(list(dict.fromkeys(chain.from_iterable(standing.others for standing in standings))))


@leaderboard.command(short_help="Make the files that are made from the records.")
@board_option
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the files into this folder instead of the board.",
)
def export(board: str | None, output: Path | None) -> None:
    """Make README.md, the Parquet files and eval_results/ anew from a board's records.

    \b
    Examples:
      motifzoo leaderboard export --board my-board
      motifzoo leaderboard export --board hf://motifzoo/leaderboard --output exported
    """
    from ...files import atomic_path
    from ..leaderboard.boards import open_board
    from ..leaderboard.exports import exports, refresh

    opened = open_board(board)
    snapshot = opened.snapshot()
    _tell(snapshot.problems)
    if output is None:
        refresh(opened)
        click.echo(f"Board {opened.name}: the generated files are those of its {len(snapshot.records):,} records.")
        return
    files = exports(snapshot.records, opened.url)
    for path, content in files.items():
        with atomic_path(output / path) as temporary:
            temporary.write_bytes(content)
    click.echo(f"{len(files)} files, made from {len(snapshot.records):,} records, are in {output}.")


leaderboard.add_command(build)
leaderboard.add_command(serve)


def _tell(problems: Sequence[str]) -> None:
    for problem in problems[:_PROBLEMS]:
        click.echo(f"Notice: {problem}", err=True)
    if len(problems) > _PROBLEMS:
        click.echo(f"Notice: {len(problems) - _PROBLEMS:,} more files have problems like these.", err=True)


def _chosen(grouped: Mapping[str, list["Entry"]], benchmark: str | None) -> Mapping[str, list["Entry"]]:
    """All benchmarks, or the one that is named: without a version, the newest of the data set."""
    from ...errors import unknown_name

    if benchmark is None:
        return grouped
    names = [name for name in grouped if benchmark in (name, name.partition("@")[0])]
    if not names:
        raise unknown_name("benchmark", benchmark, grouped)
    newest = max(names, key=lambda name: int(name.partition("@")[2]))
    return {newest: grouped[newest]}


def _standings(grouped: Mapping[str, list["Entry"]], metric: str | None) -> list[_Standing]:
    """The ranking of every benchmark by its headline metric, or by `metric` of those that have it."""
    from ...errors import unknown_name
    from ..leaderboard.headline import headline
    from ..leaderboard.ranking import rank

    found, known = [], set[str]()
    for benchmark, rows in grouped.items():
        stated = {name for entry in rows for name, spread in entry.spreads.items() if spread.n}
        known |= stated
        headlines = [name for name in headline(benchmark, rows) if name in stated]
        by = metric or next(iter(headlines or sorted(stated)), None)
        if by in stated:
            others = tuple(name for name in headlines if name != by)
            found.append(_Standing(benchmark, by, rank(rows, by), others))
    if metric is not None and not found:
        raise unknown_name("metric", metric, known)
    return found


def _as_json(row: "Ranked", metric: str) -> dict[str, Any]:
    entry, spread = row.entry, row.spread
    numbers = {name: value if math.isfinite(value) else None for name, value in spread._asdict().items()}
    return {
        "benchmark": entry.benchmark,
        "metric": metric,
        "model": entry.model,
        "architecture": entry.architecture,
        "activation": entry.activation,
        "variant": entry.variant,
        "position": row.position,
        "best_rank": row.best_rank,
        "worst_rank": row.worst_rank,
        "tie_group": row.group,
        "tested": row.tested,
        "trials": len(entry.trials),
        **numbers,
        "trust": entry.trust,
        "control": entry.control,
        "outdated": entry.outdated,
    }
