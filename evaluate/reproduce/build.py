"""From scores to the folder of page, tables and summary."""

from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from ...errors import MotifzooError
from ...files import write_text
from .differences import Difference, all_pairs
from .exports import Row, table_files, tables, write_tables
from .markdown import TITLE, markdown
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
    """Compute the comparison and write it into `folder`: reproduce.md, tables as CSV and Parquet, and index.html last.

    The same scores give the same bytes. Raises MotifzooError where there is no score at all or the folder holds files
    that are not of a comparison and have the names of its own, CacheError when the folder refuses.
    """
    check_folder(folder)
    if not scored.models:
        why = " ".join(scored.problems[:3]) or "The models carry none yet: --recompute computes them."
        raise MotifzooError(f"there are no scores to compare. {why}")
    found = answers(scored)
    pairs = all_pairs(scored.models)
    traded = trades(scored)
    rows = tables(scored, found, pairs, traded)
    write_text(folder / SUMMARY, markdown(scored, found, traded, version("motifzoo")))  # first: it marks the folder
    write_tables(rows, folder)
    write_text(folder / PAGE, render(scored, found, traded, rows))
    return Reproduced(scored, found, pairs, rows)


def check_folder(folder: Path) -> None:
    """Raise MotifzooError for a folder in which a comparison would replace files that are none of a comparison's.

    reproduce.md tells: it is written first of all, and its first line is always the same.
    """
    own = folder / SUMMARY
    taken = [name for name in (PAGE, SUMMARY, *table_files()) if (folder / name).exists()]
    try:
        if not taken or (own.is_file() and own.read_text(encoding="utf-8", errors="replace").startswith(TITLE)):
            return
    except OSError as error:
        raise MotifzooError(f"cannot read {own}: {error.strerror}. Give another --output.") from error
    raise MotifzooError(
        f"{folder} holds {taken[0]}, which is not of a comparison, and this would replace it. Give an empty or a new "
        "folder with --output."
    )
