"""A benchmark's ranked table in the terminal: who stands where, and who cannot be told apart."""

import math
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from ..leaderboard.ranking import Ranked
from ..leaderboard.site.words import label
from ..metric_table import METRICS, metric_of
from ..report.words import metric_title, metric_value

_NONE: Final = "–"
_TRUST_STYLES: Final = {"recomputed": "green", "disputed": "red"}
_LEGEND: Final = {
    "score": "mean over a model's n trials, or those of them that have it, ± half of its 95 % interval",
    "rank": "the places that a model may have: models are told apart by Welch's test with Holm's correction, p < 0.05",
    "tie": "models joined by a bracket are not told apart from the first of them; ? is untested, one trial alone "
    "having the score: any rank is possible",
    "trust": "claimed: the submitter's numbers; recomputed: a maintainer's; disputed: they differ; control: no model "
    "that competes",
}


def print_standings(benchmark: str, metric: str, rows: Sequence[Ranked], *, most: int | None = None) -> None:
    """Print the ranking of a benchmark's entries by a metric (`ranking.rank`), or of the first `most` alone."""
    described = metric_of(metric)
    lower = "" if described is None or described.higher_is_better else ", lower is better"
    title = metric_title(metric) if metric in METRICS else metric
    heading = Text.assemble((benchmark, "bold"), f"  {title}{lower}", (f"  {metric}", "dim"))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column("model", overflow="fold")  # never cut: a name must survive being copied
    table.add_column("score", no_wrap=True)
    table.add_column("tie", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("trust", no_wrap=True)
    for row, tie in list(zip(rows, _ties(rows), strict=True))[:most]:
        entry = row.entry
        dim = "dim" if row.position is None else ""
        cells = (_ranks(row), label(entry), _score(row, metric), tie, str(len(entry.trials)), _trust(row))
        styles = (dim, dim, dim, "dim", dim, _TRUST_STYLES.get(_trust(row), dim))
        table.add_row(*(Text(_plain(text), Style.parse(style)) for text, style in zip(cells, styles, strict=True)))
    console = Console()
    console.print(heading, no_wrap=True, overflow="ellipsis")
    console.print(table)
    if most is not None and len(rows) > most:
        console.print(Text(f"and {len(rows) - most} more: --benchmark {benchmark}", "dim"))
    console.print()


def print_legend(others: Sequence[str]) -> None:
    """Print what the columns mean, and the other metrics that a table may be ranked by."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for word, meaning in _LEGEND.items():
        table.add_row(Text(word), Text(meaning, "dim"))
    if others:
        table.add_row(Text("--metric"), Text(", ".join(others), "dim"))
    Console().print(table)


def _ranks(row: Ranked) -> str:
    if row.best_rank is None:
        return _NONE
    return str(row.best_rank) if row.best_rank == row.worst_rank else f"{row.best_rank}-{row.worst_rank}"


def _score(row: Ranked, metric: str) -> str:
    found = row.spread
    if not found.n:
        return _NONE
    described = metric_of(metric)
    half = found.high - found.mean
    bounded = described is None or described.highest <= 1
    return metric_value(metric, found.mean) + (f" ± {half:.3f}" if bounded and math.isfinite(half) else "")


def _ties(rows: Sequence[Ranked]) -> Iterator[str]:
    """For each row its part of a bracket that joins a tie group; rows without a rank in between are passed by it."""
    ends: dict[int, tuple[int, int]] = {}
    for index, row in enumerate(rows):
        if row.group is not None:
            ends[row.group] = (ends.get(row.group, (index, index))[0], index)
    for index, row in enumerate(rows):
        around = next(((first, last) for first, last in ends.values() if first <= index <= last), None)
        part = " "
        if around is not None and around[0] < around[1]:
            part = "┐" if index == around[0] else "┘" if index == around[1] else "│"
        yield f"{part}?" if row.position is not None and not row.tested else part


def _trust(row: Ranked) -> str:
    entry = row.entry
    if entry.control is not None:
        return "control"
    return "outdated" if entry.outdated else entry.trust


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
