"""The command: `python -m motifzoo.evaluate.leaderboard.controls [BENCHMARK...] --board FOLDER`.

A row that stands on the board with the same weights and numbers is left alone, and with it what a verification found.
"""

import datetime
import tempfile
from functools import partial
from pathlib import Path

import click

from ....data_cards.cards import list_datasets, load_card
from ....data_cards.load import load_dataset
from ....errors import unknown_name
from ...upkeep import for_each
from ..boards import open_board
from ..packaged import changes
from .rows import control_rows


@click.command()
@click.argument("benchmarks", nargs=-1, metavar="[BENCHMARK]...")
@click.option("--board", help="Folder of the board.  [default: the one in motifzoo itself]")
def main(benchmarks: tuple[str, ...], board: str | None) -> None:
    """Compute the control rows of BENCHMARKS, such as synthetic-codes@1 (all without one), and put them on a board."""
    target = open_board(board)
    known = {load_card(name).benchmark: name for name in list_datasets()}

    def compute(benchmark: str) -> None:
        if benchmark not in known:
            raise unknown_name("benchmark", benchmark, known)
        dataset = load_dataset(known[benchmark])
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        rows = []
        with tempfile.TemporaryDirectory() as work:
            for row in control_rows(dataset, Path(work), now):
                rows.append(row)
                click.echo(f"{benchmark}: {row.record.model}:{row.record.trial}")
        target.apply(partial(changes, rows), f"Controls of {benchmark}")

    for_each(dict.fromkeys(benchmarks or known), compute)


if __name__ == "__main__":
    main()
