"""The first page: every benchmark, its best mean by each headline score, and what is tied with that or untested."""

from collections.abc import Sequence
from typing import NamedTuple

from ..current import packaged_card
from ..ranking import Ranked
from .table import Table
from .words import e_value, label, metric_words, score


class Mark(NamedTuple):
    """A mean, its model, and what is known of the others' distance from it."""

    mean: str
    model: str
    remark: str


class Lead(NamedTuple):
    """The best mean by a metric; where that is of one trial, the best of those with more as well, if there is any."""

    title: str
    best: Mark
    tested: Mark | None


class Home(NamedTuple):
    """A benchmark as the first page names it."""

    benchmark: str
    title: str
    href: str
    models: int
    trials: int
    recomputed: int
    leads: tuple[Lead, ...]


def home(table: Table) -> Home:
    """The row of a benchmark. Controls count for nothing in it."""
    contenders = [entry for entry in table.entries if entry.control is None]
    card = packaged_card(table.benchmark)
    return Home(
        table.benchmark,
        card.title if card else "",
        f"{table.benchmark}/index.html",
        len(contenders),
        sum(len(entry.trials) for entry in contenders),
        sum(entry.trust == "recomputed" for entry in contenders),
        tuple(lead for name in table.views[0].metrics if (lead := _lead(table, name))) if table.entries else (),
    )


def _lead(table: Table, name: str) -> Lead | None:
    """Who leads by a metric; None where nobody has a rank."""
    rows = [row for row in table.columns[name].rows if row.position is not None]
    if not rows:
        return None
    title = metric_words(name).title
    tested = [row for row in rows if row.tested]
    if not tested:
        return Lead(title, _mark(name, rows[0], f"{_single(rows)}{' each' if len(rows) > 1 else ''}: untested"), None)
    best = _mark(name, tested[0], _ties(rows, tested))
    if rows[0].tested:
        return Lead(title, best, None)
    return Lead(title, _mark(name, rows[0], f"{_single(rows[:1])}: untested"), best)


def _single(rows: Sequence[Ranked]) -> str:
    """What each of the rows has one of: of its trials, only one may have the score."""
    return "one trial" if all(len(row.entry.trials) == 1 for row in rows) else "one value"


def _mark(name: str, row: Ranked, remark: str) -> Mark:
    mean = row.spread.mean
    return Mark(e_value(mean) if metric_words(name).is_e else score(mean), label(row.entry), remark)


def _ties(rows: Sequence[Ranked], tested: Sequence[Ranked]) -> str:
    """How many are not told apart from the best of the tested, and how many were not tested: "2 tied, 1 untested".

    Its worst rank says it, not its group: that ends with the first that is told apart, and a wider spread further down
    the table may not be.
    """
    apart = len(rows) - (tested[0].worst_rank or len(rows))
    tied = len(tested) - 1 - apart
    untested = len(rows) - len(tested)
    told = [f"{tied or 'none'} tied" if len(tested) > 1 else "", f"{untested} untested" if untested else ""]
    return ", ".join(filter(None, told))
