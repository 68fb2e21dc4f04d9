"""From scores to the folder of page, tables and summary."""

from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from ...errors import MotifzooError
from ...files import write_text
from .differences import Difference, all_pairs
from .exports import Row, tables, write_tables
from .markdown import markdown
from .page import render
from .scored import Scored
from .tables import Answer, answers
from .trades import trades

PAGE = "index.html"
SUMMARY = "reproduce.md"


class Reproduced(NamedTuple):
    """The answers and the tables that were written of them."""

    scored: Scored
    answers: tuple[Answer, ...]
    pairs: tuple[Difference, ...]
    tables: dict[str, list[Row]]


def reproduce(scored: Scored, folder: Path) -> Reproduced:
    """Compute the comparison and write it into `folder`: tables as CSV and Parquet, reproduce.md, and index.html last.

    The same scores give the same bytes. Raises MotifzooError where there is no score at all, CacheError when the
    folder refuses.
    """
    if not scored.models:
        why = " ".join(scored.problems[:3]) or "The models carry none yet: --recompute computes them."
        raise MotifzooError(f"there are no scores to compare. {why}")
    found = answers(scored)
    pairs = all_pairs(scored.models)
    traded = trades(scored)
    rows = tables(scored, found, pairs, traded)
    write_tables(rows, folder)
    write_text(folder / SUMMARY, markdown(scored, found, traded, version("motifzoo")))
    write_text(folder / PAGE, render(scored, found, traded, rows))
    return Reproduced(scored, found, pairs, rows)
