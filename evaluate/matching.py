"""Which motif each filter matches, and what share does (protocol section 4, steps 4-5)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..data_cards.motifs import Motif, query_motif, search_database
from .clip import clip, frequencies, why_dead
from .protocol import E_VALUE
from .results import FilterResult
from .tomtom import Hit, pvalues


class Matches(NamedTuple):
    """Filters as motifs: one entry a filter, the query motifs of those that have one, and every hit.

    lowest_e: for each motif of the database, by its id, the lowest E-value of any filter; empty without a live filter.
    """

    filters: tuple[FilterResult, ...]
    queries: tuple[Motif, ...]
    hits: tuple[Hit, ...]
    lowest_e: Mapping[str, float]


def match_filters(
    counts: npt.NDArray[np.int64],
    windows: npt.NDArray[np.int64],
    maximum: npt.NDArray[np.float32],
    finite: npt.NDArray[np.bool_],
    ground_truth: Mapping[str, Sequence[str]],
) -> Matches:
    """Match every filter that has a matrix against the 518 motifs; arguments as `filters.FilterMatrices`.

    ground_truth: planted or known motif -> the JASPAR ids that count as it.
    """
    reasons = [why_dead(int(number), bool(whole)) for number, whole in zip(windows, finite, strict=True)]
    alive = [index for index, reason in enumerate(reasons) if reason is None]
    queries = tuple(query_motif(f"filter{index}", clip(frequencies(counts[index]))) for index in alive)
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
    lowest = table.e.min(axis=0).tolist() if queries else []
    return Matches(tuple(entries), queries, hits, dict(zip(motif_name, lowest, strict=False)))


Scores = tuple[dict[str, float | None], dict[str, int]]


def filter_metrics(filters: Sequence[FilterResult]) -> Scores:
    """The filter metrics that need no list of true motifs, and the n of each."""
    total = len(filters)
    metrics: dict[str, float | None] = {
        "filters/match_any": sum(bool(entry.hits) for entry in filters) / total,
        "filters/dead": sum(entry.dead is not None for entry in filters) / total,
    }
    return metrics, dict.fromkeys(metrics, total)


def planted_metrics(matches: Matches, truth: Mapping[str, Sequence[str]]) -> Scores:
    """How the filters match the motifs planted in synthetic data; none without a ground truth."""
    total = len(matches.filters)
    found = {identifier for entry in matches.filters for identifier in entry.hits}
    covered = sum(any(identifier in found for identifier in identifiers) for identifiers in truth.values())
    metrics: dict[str, float | None] = {
        "filters/match_fraction": sum(entry.true_motif is not None for entry in matches.filters) / total,
        "filters/motif_coverage": covered / len(truth) if truth else None,
    }
    return metrics, {"filters/match_fraction": total, "filters/motif_coverage": len(truth)}


def known_metrics(matches: Matches, known: Mapping[str, Sequence[str]]) -> Scores:
    """How the filters match the motifs of factors known to act in real DNA; none where none are known.

    Beside the share of filters, the lowest E-value that any filter has to any known motif, and to each of them.
    """
    if not known:
        return {}, {}
    total = len(matches.filters)
    each: dict[str, float | None] = {
        name: min((matches.lowest_e[i] for i in identifiers if i in matches.lowest_e), default=None)
        for name, identifiers in known.items()
    }
    values = [value for value in each.values() if value is not None]
    metrics: dict[str, float | None] = {
        "filters/target_match": sum(entry.true_motif is not None for entry in matches.filters) / total,
        "filters/target_e": min(values, default=None),
        **{f"filters/target_e/{name}": value for name, value in each.items()},
    }
    return metrics, dict.fromkeys(metrics, total)
