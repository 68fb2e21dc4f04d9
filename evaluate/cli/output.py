"""Printing shared by the commands."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import click

from ..upkeep import device_option as device_option

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def start_bars(*columns: "ProgressColumn") -> "Progress | None":
    """Progress bars on standard error, started; None where that is not a terminal, for a line at a time instead."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        return None
    bars = Progress(*columns, console=console)
    bars.start()
    return bars


class StageDisplay:
    """What an evaluation is at, on standard error: bars on a terminal, a line a stage elsewhere."""

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._name = ""

    def __enter__(self) -> Self:
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

        text = TextColumn("{task.description}")
        self._bars = start_bars(text, BarColumn(bar_width=20), TaskProgressColumn(), TimeRemainingColumn())
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def head(self, name: str) -> None:
        """Something of this name begins: on a terminal its bars go below it."""
        self._name = name
        if self._bars is not None:
            for task in self._bars.task_ids:
                self._bars.remove_task(task)
            self._bars.console.print(name, markup=False, highlight=False)

    def stage(self, name: str) -> None:
        """The next stage of it begins."""
        if self._bars is None:
            click.echo(f"{self._name}: {name}", err=True)
        else:
            self._task = self._bars.add_task(f"  {name}", total=None)

    def step(self, done: int, total: int) -> None:
        """Move the present stage's bar."""
        if self._bars is not None:
            self._bars.update(self._task, completed=done, total=total)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), title: str | None = None
) -> None:
    """Print a table with rich, all texts as they are; `right` are the indices of right-aligned columns."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=None if title is None else Text(title),
        box=box.SIMPLE_HEAD,
        title_justify="left",
        title_style="bold",
        pad_edge=False,
    )
    for index, column in enumerate(columns):
        # A name must survive being copied from the table, so the first column is never broken.
        table.add_column(column, justify="right" if index in right else "left", no_wrap=index == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
