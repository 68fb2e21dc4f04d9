"""A metric of a board as a column of numbers: what the table shows, and the same for the page's script, compactly.

Numbers travel as whole ten-thousandths, in the order of the ranking and as differences from the row before, which makes
thousands of rows a few tens of kilobytes. `ten_thousandths` is such that dropping the last digit, rounded half up,
gives the text that Python prints with three decimals: table, script and model cards agree to the printed digit.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

from ...statistics import Spread
from ..entries import Entry
from ..ranking import Ranked
from .words import MetricWords, e_value, metric_words, score

_STEP: Final = 500  # ten-thousandths: ends of a column's scale
_SPAN: Final = 100  # units across an interval's drawing


class Scale(NamedTuple):
    """The ends of a column's drawings, in ten-thousandths."""

    low: int
    high: int

    def place(self, value: int) -> int:
        """Where a value stands between the ends, 0 to 100, those beyond at the end."""
        inside = min(max(value, self.low), self.high) - self.low
        width = self.high - self.low
        return (2 * _SPAN * inside + width) // (2 * width)


class Cell(NamedTuple):
    """A number in the table: its text, that of its interval ("" for none), and the path that draws it ("" for none)."""

    text: str
    interval: str
    drawing: str


class Place(NamedTuple):
    """What the rank column says: the ranks an entry may have, and a remark under them."""

    ranks: str
    remark: str


class Column(NamedTuple):
    """A metric of a board, with all its rows ranked by it, best first."""

    words: MetricWords
    scale: Scale
    rows: Sequence[Ranked]


def column(name: str, rows: Sequence[Ranked]) -> Column:
    """The column of a metric from its ranking (`ranking.rank`) of a benchmark's current entries."""
    contestants = [row.spread for row in rows if row.entry.control is None and row.spread.n]
    # What controls score would leave all others one corner of the scale; they are drawn at its end.
    return Column(metric_words(name), _scale(contestants or [row.spread for row in rows]), rows)


def ten_thousandths(value: float) -> int:
    """A score as a whole number, within 1 of its ten-thousandths; `(it + 5) // 10` is what three decimals print."""
    printed = round(float(f"{value:.3f}") * 1000)
    return min(max(round(value * 10_000), 10 * printed - 5), 10 * printed + 4)


def half_interval(spread: Spread) -> int | None:
    """Half of a mean's 95 % interval in thousandths, as three decimals print it; None without one."""
    half = spread.high - spread.mean
    return round(float(f"{half:.3f}") * 1000) if math.isfinite(half) else None


def cell(spread: Spread, column: Column) -> Cell:
    """What the table shows of an entry in a column."""
    if not spread.n:
        return Cell("\u2013", "", "")
    if column.words.is_e:
        return Cell(e_value(spread.mean), "", "")
    half, mean = half_interval(spread), ten_thousandths(spread.mean)
    place = column.scale.place
    middle = place(mean)
    if half is None:
        return Cell(score(spread.mean), "", f"M{middle} 0V6")
    ends = f"M{place(mean - 10 * half)} 3H{place(mean + 10 * half)}"
    return Cell(score(spread.mean), f"\u00b1{half // 1000}.{half % 1000:03}", f"{ends}M{middle} 0V6")


def place(row: Ranked) -> Place:
    """What the rank column says of a row."""
    entry = row.entry
    if entry.control is not None:
        return Place("\u2013", "control")
    if row.position is None:
        return Place("\u2013", "disputed" if entry.trust == "disputed" else "no value")
    same = row.best_rank == row.worst_rank
    ranks = str(row.best_rank) if same else f"{row.best_rank}\u2013{row.worst_rank}"
    return Place(ranks, f"group {row.group}" if row.tested else "untested, n = 1")


def column_data(column: Column, numbers: Mapping[int, int]) -> dict[str, Any]:
    """A column for the script. numbers: a row's number by the `id` of its entry.

    `order` holds the numbers of the rows that have a value, best first; the other lists go with it: `mean` (a text for
    E-values), `half` (-1 for none), `best` and `worst` (0 for none). `leads` are the places where a tie group begins,
    `untested` those of entries that have a position and no test.
    """
    rows = [row for row in column.rows if row.spread.n]
    order = [numbers[id(row.entry)] for row in rows]
    spreads = [row.spread for row in rows]
    groups = [row.group for row in rows]
    data: dict[str, Any] = {
        "name": column.words.name,
        "title": column.words.title,
        "order": order,
        "best": steps(row.best_rank or 0 for row in rows),
        "worst": steps(row.worst_rank or 0 for row in rows),
        "leads": [groups.index(group) for group in dict.fromkeys(groups) if group is not None],
        "untested": [index for index, row in enumerate(rows) if row.position is not None and not row.tested],
    }
    if column.words.is_e:
        return data | {"e": [e_value(spread.mean) for spread in spreads]}
    halves = [half_interval(spread) for spread in spreads]
    return data | {
        "scale": list(column.scale),
        "up": int(column.words.higher_is_better),
        "mean": steps(ten_thousandths(spread.mean) for spread in spreads),
        "half": [-1 if half is None else half for half in halves],
    }


def steps(values: Iterable[int]) -> list[int]:
    """The first of the values, then each one's difference from the one before."""
    every = [0, *values]
    return [after - before for before, after in pairwise(every)]


def _scale(spreads: Iterable[Spread]) -> Scale:
    """Ends that hold every interval, within the range of a score where the means allow it."""
    low, high = [], []
    for spread in spreads:
        if spread.n:
            half = 10 * (half_interval(spread) or 0)
            mean = ten_thousandths(spread.mean)
            low.append(max(mean - half, min(mean, 0)))
            high.append(min(mean + half, max(mean, 10_000)))
    if not low:
        return Scale(0, 10_000)
    first = min(low) // _STEP * _STEP
    return Scale(first, max(-(-max(high) // _STEP) * _STEP, first + _STEP))


def fresh_gaps(entries: Sequence[Entry], metric: str) -> tuple[list[int | None], list[int]]:
    """How much higher each entry scores on the fixed set than on sequences drawn for its verification.

    In ten-thousandths, mean over the trials that have both, None without any; and the numbers of the entries whose
    gap's 95 % interval lies above 0: signs of fitting the fixed set.
    """
    gaps: list[int | None] = []
    fitted = []
    for number, entry in enumerate(entries):
        found = gap(entry, metric)
        gaps.append(ten_thousandths(found.mean) if found.n else None)
        if found.low > 0:
            fitted.append(number)
    return gaps, fitted


def gap(entry: Entry, metric: str) -> Spread:
    """The spread over an entry's trials of recomputed less fresh score (see `record.FreshDraw`)."""
    from ...statistics import spread

    differences = []
    for trial in entry.trials:
        verification = trial.verification
        if verification is None or verification.fresh is None:
            continue
        fixed, fresh = verification.metrics.get(metric), verification.fresh.metrics.get(metric)
        if fixed is not None and fresh is not None:
            differences.append(fixed - fresh)
    return spread(differences)
