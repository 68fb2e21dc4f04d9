"""Which motif each filter matches, and what share does (protocol section 4, steps 4-5)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..data_cards.motifs import Motif, query_motif, search_database
from .clip import clip, why_dead
from .protocol import E_VALUE
from .results import FilterResult
from .tomtom import Hit, pvalues


class Matches(NamedTuple):
    """Filters as motifs: one entry a filter, the query motifs of those that have one, and every hit."""

    filters: tuple[FilterResult, ...]
    queries: tuple[Motif, ...]
    hits: tuple[Hit, ...]


def match_filters(
    counts: npt.NDArray[np.int64],
    windows: npt.NDArray[np.int64],
    maximum: npt.NDArray[np.float32],
    finite: npt.NDArray[np.bool_],
    ground_truth: Mapping[str, Sequence[str]],
) -> Matches:
    """Match every filter that has a matrix against the 518 motifs; arguments as `filters.FilterMatrices`.

    ground_truth: true motif -> the JASPAR ids that count as it.
    """
    reasons = [why_dead(int(number), bool(whole)) for number, whole in zip(windows, finite, strict=True)]
    alive = [index for index, reason in enumerate(reasons) if reason is None]
    queries = tuple(query_motif(f"filter{index}", clip(counts[index] / windows[index])) for index in alive)
    table = pvalues(queries, search_database())
    hits = tuple(table.hits(E_VALUE))
    of_filter: dict[str, list[Hit]] = {query.id: [] for query in queries}
    for hit in hits:
        of_filter[hit.query_id].append(hit)
    true_name = {identifier: name for name, identifiers in ground_truth.items() for identifier in identifiers}
    motif_name = {motif.id: motif.name for motif in search_database()}
    entries = []
    for index, reason in enumerate(reasons):
        largest = float(maximum[index]) if np.isfinite(maximum[index]) else None
        entry = FilterResult(filter=index, maximum=largest, windows=int(windows[index]), dead=reason)
        if reason is not None:
            entries.append(entry)
            continue
        row = alive.index(index)
        best = table.best(row)
        found = [hit.target_id for hit in of_filter[queries[row].id]]
        entries.append(
            entry.model_copy(
                update={
                    "consensus": best.query_consensus,
                    "best_motif": best.target_id,
                    "best_motif_name": motif_name[best.target_id],
                    "best_e": best.e_value,
                    "hits": tuple(found),
                    "true_motif": next((true_name[name] for name in found if name in true_name), None),
                }
            )
        )
    return Matches(tuple(entries), queries, hits)


def filter_metrics(
    filters: Sequence[FilterResult], ground_truth: Mapping[str, Sequence[str]]
) -> tuple[dict[str, float | None], dict[str, int]]:
    """The filter metrics of `metric_table` and the n of each."""
    total = len(filters)
    found = {identifier for entry in filters for identifier in entry.hits}
    covered = sum(any(identifier in found for identifier in identifiers) for identifiers in ground_truth.values())
    metrics: dict[str, float | None] = {
        "filters/match_fraction": sum(entry.true_motif is not None for entry in filters) / total,
        "filters/match_any": sum(bool(entry.hits) for entry in filters) / total,
        "filters/motif_coverage": covered / len(ground_truth) if ground_truth else None,
        "filters/dead": sum(entry.dead is not None for entry in filters) / total,
    }
    n = dict.fromkeys(metrics, total)
    n["filters/motif_coverage"] = len(ground_truth)
    return metrics, n
