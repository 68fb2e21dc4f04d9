"""A board's table: its views, and each view's rows as HTML's plain values and as the script's data.

A view is a page with some of the metrics as columns: the headline, and one for each part of the benchmark. All rows of
all columns go to the script; the HTML itself holds the first `STATIC` rows, for the first look and for readers without
scripts.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

from ...metric_table import METRICS
from ...statistics import spread
from ..entries import Entry
from ..headline import headline
from ..ranking import Ranked, rank
from .columns import Cell, Column, Place, cell, column, column_data, fresh_gaps, place
from .words import CONTROLS, GROUPS, TRUSTS, e_value, label, metric_words, score

STATIC: Final = 50
HEADLINE: Final = "index"
_ACCURACY: Final = "classification/auroc"


class View(NamedTuple):
    """A page of a board: its file name without `.html`, its title, and the names of its metrics."""

    name: str
    title: str
    metrics: tuple[str, ...]


class Row(NamedTuple):
    """A row as HTML shows it. kind: the CSS classes that say how it stands. gap: that of fresh draws, "" for none."""

    kind: str
    place: Place
    href: str
    label: str
    trust: str
    control: str
    trials: int
    cells: tuple[Cell, ...]
    others: tuple[str, ...]
    gap: str
    fitted: bool


class Table:
    """The current entries of one benchmark, ranked by every metric of the metric table that any of them states.

    entries: all of the benchmark's (`entries.entries`); the outdated ones stand apart in `outdated`.
    """

    def __init__(self, benchmark: str, entries: Sequence[Entry]) -> None:
        self.benchmark = benchmark
        self.dataset = benchmark.partition("@")[0]
        self.entries = [entry for entry in entries if not entry.outdated]
        self.outdated = [entry for entry in entries if entry.outdated]
        stated = {name for entry in self.entries for name, found in entry.spreads.items() if found.n}
        self.metrics = tuple(name for name in METRICS if name in stated)
        self.columns: Mapping[str, Column] = {name: column(name, rank(self.entries, name)) for name in self.metrics}
        self._standing = {name: {id(row.entry): row for row in found.rows} for name, found in self.columns.items()}
        self._gaps, self._fitted = fresh_gaps(self.entries, _ACCURACY)

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The headline first, then the parts of the benchmark."""
        first = tuple(name for name in headline(self.benchmark, self.entries) if name in self.columns)
        parts = dict.fromkeys(name.partition("/")[0] for name in self.metrics)
        return (
            View(HEADLINE, "Headline", first or self.metrics[:6]),
            *(
                View(part, GROUPS.get(part, part), tuple(name for name in self.metrics if name.startswith(f"{part}/")))
                for part in parts
            ),
        )

    @property
    def has_gaps(self) -> bool:
        """Whether any entry was scored on sequences drawn for its verification."""
        return any(gap is not None for gap in self._gaps)

    def standing(self, entry: Entry, metric: str) -> Ranked | None:
        """Where a current entry stands by a metric; None without that metric."""
        return self._standing.get(metric, {}).get(id(entry))

    def rows(self, view: View) -> list[Row]:
        """The first rows of a view, ranked by its first metric."""
        numbers = {id(entry): number for number, entry in enumerate(self.entries)}
        columns = [self.columns[name] for name in view.metrics]
        return [
            self._row(row, numbers[id(row.entry)], columns, leads)
            for row, leads in _with_leads(columns[0].rows[:STATIC])
        ]

    def _row(self, row: Ranked, number: int, columns: Sequence[Column], leads: bool) -> Row:
        entry, gap = row.entry, self._gaps[number]
        names = [column.words.name for column in columns]
        spreads = [self._standing[name][id(entry)].spread for name in names]
        return Row(
            " ".join(filter(None, [_kind(row), "first" if leads else ""])),
            place(row),
            f"models/{entry.model}/index.html",
            label(entry),
            entry.trust,
            _control(entry),
            len(entry.trials),
            tuple(cell(found, column) for found, column in zip(spreads, columns, strict=True)),
            tuple(recomputed(entry, name) for name in names),
            "" if gap is None else gap_text(gap),
            number in self._fitted,
        )

    def data(self, view: View) -> dict[str, Any]:
        """Everything the script needs of a view: who the entries are, and the view's columns."""
        numbers = {id(entry): number for number, entry in enumerate(self.entries)}
        disputed = {
            str(number): found
            for number, entry in enumerate(self.entries)
            if (found := {name: text for name in view.metrics if (text := recomputed(entry, name))})
        }
        metrics = [column_data(self.columns[name], numbers) for name in view.metrics]
        gaps = {"gap": self._gaps, "fitted": self._fitted} if self.has_gaps else {}
        return self.who() | gaps | {"disputed": disputed, "metrics": metrics}

    def who(self) -> dict[str, Any]:
        """The current entries for a script, in the order of `entries`: each list has one item for each of them.

        Models stand there without the benchmark's own data set, which is every model's that has no dot in its name.
        """
        return {
            "benchmark": self.benchmark,
            "models": [label(entry) for entry in self.entries],
            "trials": [len(entry.trials) for entry in self.entries],
            "trust": _coded([entry.trust for entry in self.entries], TRUSTS),
            "control": _coded([_control(entry) for entry in self.entries]),
            "activation": _coded([entry.activation for entry in self.entries]),
            "architecture": _coded([entry.architecture for entry in self.entries]),
            "dataset": _coded([entry.dataset for entry in self.entries]),
            "submitter": _coded([entry.trials[0].submitter for entry in self.entries]),
        }


def _control(entry: Entry) -> str:
    return "" if entry.control is None else CONTROLS[entry.control]


def _kind(row: Ranked) -> str:
    if row.entry.control is not None:
        return "control"
    if row.entry.trust == "disputed":
        return "disputed"
    return "" if row.group is None else f"g{row.group % 2}"


def _with_leads(rows: Sequence[Ranked]) -> list[tuple[Ranked, bool]]:
    """Rows, each with whether it is the first of its tie group."""
    seen: set[int | None] = {None}
    found = []
    for row in rows:
        found.append((row, row.group not in seen))
        seen.add(row.group)
    return found


def recomputed(entry: Entry, metric: str) -> str:
    """A disputed entry's mean with the maintainer's numbers in place of the claims, as text ("recomputed 0.812").

    "" where nobody disputes this metric.
    """
    checks = [trial.verification for trial in entry.trials if trial.trust == "disputed" and trial.verification]
    if any(check.problem for check in checks):
        return "not recomputed"
    if not any(metric in check.differs for check in checks):
        return ""
    values = [(trial.verification or trial).metrics.get(metric) for trial in entry.trials]
    found = spread([value for value in values if value is not None])
    if not found.n:
        return "recomputed: undefined"
    return f"recomputed {e_value(found.mean) if metric_words(metric).is_e else score(found.mean)}"


def gap_text(gap: int) -> str:
    """A gap in ten-thousandths as text: "+0.012", "\u22120.003"."""
    thousandths = (gap + 5) // 10
    sign = "\u2212" if thousandths < 0 else "+" if thousandths else ""
    return f"{sign}{abs(thousandths) // 1000}.{abs(thousandths) % 1000:03}"


def _coded(values: Sequence[str], known: Sequence[str] = ()) -> dict[str, list[Any]]:
    """Few different texts as numbers: `names`, and for each value its place there."""
    names = list(known) or sorted(set(values))
    places = {name: index for index, name in enumerate(names)}
    return {"names": names, "of": [places[value] for value in values]}
