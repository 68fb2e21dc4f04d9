"""Files made from a board's records: README.md, tables, and `.eval_results` files for the models' own repos.

| file | what |
|---|---|
| `README.md` | the card of the board's data set, with the headline tables |
| `results.parquet` | a row a record and metric |
| `records.parquet` | the records' files in one, so that a board on a hub is read with one request |
| `eval_results/<model>/<benchmark>.yaml` | for the model's own repository |

The same records make the same bytes, so that a board whose records did not change does not change either.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..entries import entries
from ..record import Record

if TYPE_CHECKING:
    from ..boards import Board, Change, Snapshot


def exports(records: Mapping[str, Record], url: str | None = None) -> dict[str, bytes]:
    """The generated files of a board with these records (path -> record), path -> content.

    url: the board's page, which evaluation results name as their source; None where it has none.
    """
    from .eval_results import eval_results
    from .readme import readme
    from .table import records_table, results_table, to_parquet

    grouped = entries(records.values())
    table = results_table(records)
    return {
        "README.md": readme(grouped, table).encode(),
        "results.parquet": to_parquet(table),
        "records.parquet": to_parquet(records_table(records)),
        **eval_results(grouped, url),
    }


def refresh(board: "Board") -> str:
    """Bring a board's generated files up to date with its records; returns its revision."""

    def update(snapshot: "Snapshot") -> "Change":
        present = board.paths("eval_results", snapshot.revision)
        return {**dict.fromkeys(present), **exports(snapshot.records, board.url)}

    return board.apply(update, "Update the generated files")
