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
from ....errors import MotifzooError, unknown_name
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
    failed = 0
    for benchmark in dict.fromkeys(benchmarks or known):
        try:
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
        except MotifzooError as error:  # one data set that cannot be had does not keep the others from the board
            failed += 1
            click.echo(f"{benchmark}: {error}", err=True)
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
