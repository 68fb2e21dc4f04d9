"""The order of a benchmark's entries by one metric, and which of them can be told apart.

Entries are ordered by their means. Two are told apart when Welch's test, with Holm's correction over all pairs of the
benchmark and metric, gives p < 0.05 (without any spread in either there is no test); the others are ties, and stand in
one group with its best.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...errors import BoardError, unknown_name
from ..metric_table import METRICS, metric_of
from ..statistics import Spread
from .comparison import Sample, compare, first_apart
from .entries import Entry

_NO_SPREAD = Spread(np.nan, np.nan, 0, np.nan, np.nan)


class Ranked(NamedTuple):
    """An entry's place by one metric.

    spread: of that metric. position: 1 for the best mean, 2 for the next ... group: 1 for the first group of entries
    that are not told apart from its best, its leader, 2 for the next ... best_rank: 1 + the number of entries
    significantly better; worst_rank: the number of ranked entries less those significantly worse; so best_rank <=
    position <= worst_rank. All four are None for what has no rank: controls, disputed and outdated entries, and those
    without a value. tested: compared with the others at all, which takes two trials; an entry of one trial has a
    position, the group it stands in, and any rank.
    """

    entry: Entry
    spread: Spread
    position: int | None = None
    group: int | None = None
    best_rank: int | None = None
    worst_rank: int | None = None
    tested: bool = False


def rank(entries: Sequence[Entry], metric: str) -> list[Ranked]:
    """All entries of a benchmark in the order of a table: by the mean of `metric`, the best first.

    Controls stand between the others by their means. After all of them come, without a rank: outdated entries,
    disputed ones, and those for which the metric is undefined. Equal means are ordered by name, so that the order of
    `entries` changes nothing; nor do rows without a rank change any other's. Raises UnknownNameError for a metric that
    is not in the metric table, BoardError for entries of several benchmarks or of several current stamps.
    """
    described = metric_of(metric)
    if described is None:
        raise unknown_name("metric", metric, METRICS)
    _check_comparable(entries)
    sign = -1.0 if described.higher_is_better else 1.0
    rows = [(entry, entry.spreads.get(metric, _NO_SPREAD)) for entry in entries]
    rows.sort(key=lambda row: (_last(*row), sign * row[1].mean if row[1].n else 0.0, _name(row[0])))
    contenders = iter(_places([spread for entry, spread in rows if _has_rank(entry, spread)]))
    return [
        Ranked(entry, spread, *next(contenders)) if _has_rank(entry, spread) else Ranked(entry, spread)
        for entry, spread in rows
    ]


def _check_comparable(entries: Sequence[Entry]) -> None:
    benchmarks = sorted({entry.benchmark for entry in entries})
    if len(benchmarks) > 1:
        raise BoardError(f"entries of {' and '.join(benchmarks)} cannot be ranked together: rank each benchmark alone.")
    if len({entry.stamps for entry in entries if not entry.outdated}) > 1:
        raise BoardError(
            f"entries of {benchmarks[0]} with different protocols, data or motifs cannot be ranked together: at most "
            "one of these can be current, and entries with others are outdated."
        )


def _last(entry: Entry, spread: Spread) -> int:
    """Which of a table's parts an entry stands in: 0 with the ranked ones, then the parts that come after."""
    if not spread.n:
        return 3
    return 2 if entry.trust == "disputed" else int(entry.outdated)


def _has_rank(entry: Entry, spread: Spread) -> bool:
    return _last(entry, spread) == 0 and entry.control is None


def _name(entry: Entry) -> tuple[object, ...]:
    return entry.model, entry.stamps, entry.control or ""


def _places(spreads: Sequence[Spread]) -> list[tuple[int, int, int, int, bool]]:
    """Position, group, best and worst rank, and whether tested, of entries in the order of their means."""
    total = len(spreads)
    count = np.array([spread.n for spread in spreads], np.int64)
    tested = np.flatnonzero(count > 1)
    mean, sd = (np.array([spread[field] for spread in spreads], np.float64) for field in range(2))
    sample = Sample(mean[tested], sd[tested], count[tested])
    found = compare(sample)
    best, worst, leads = np.ones(total, np.int64), np.full(total, total), np.zeros(total, np.int64)
    best[tested] += found.earlier
    worst[tested] -= found.later
    leader = 0
    while leader < len(tested):
        leads[tested[leader]] = 1
        leader = first_apart(sample, leader, found.below)
    group = np.maximum(1, leads.cumsum())  # entries of one trial may stand above the first leader, in its group
    columns = range(1, total + 1), group.tolist(), best.tolist(), worst.tolist(), (count > 1).tolist()
    return list(zip(*columns, strict=True))
