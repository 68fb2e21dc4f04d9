"""Matching motif files: queries and database in MEME format in, Tomtom's table out."""

from collections.abc import Iterable
from pathlib import Path

from ..data_cards.motifs import read_meme, search_database
from .tomtom import THRESHOLD, Hit, check_threshold, match

COLUMNS = (
    "Query_ID",
    "Target_ID",
    "Optimal_offset",
    "p-value",
    "E-value",
    "q-value",
    "Overlap",
    "Query_consensus",
    "Target_consensus",
    "Orientation",
)


def match_files(queries: Path, database: Path | None = None, threshold: float = THRESHOLD) -> list[Hit]:
    """Hits with E <= threshold of a MEME file of queries against a MEME file of targets (None: JASPAR 2016's 518).

    Raises DataError for an unusable file and MotifzooError for a threshold that is not a finite number above 0.
    """
    check_threshold(threshold)
    targets = search_database() if database is None else read_meme(database)
    return match(read_meme(queries), targets, threshold=threshold)


def hits_tsv(hits: Iterable[Hit]) -> str:
    """Tab-separated text with a header line, in the columns and number format of Tomtom's own (six digits)."""
    rows = ["\t".join(f"{value:g}" if isinstance(value, float) else str(value) for value in hit) for hit in hits]
    return "\n".join(["\t".join(COLUMNS), *rows]) + "\n"
