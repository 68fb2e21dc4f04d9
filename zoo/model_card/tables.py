"""The scores of a card as tables: mean and spread over trials, the value of every trial, the filters' matches."""

import re
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .scores import MetricScores, Scores

NONE = "-"  # a cell of which there is nothing to say


class Spread(NamedTuple):
    """Mean, sample standard deviation (n - 1), least and greatest of the defined values; None where there is none."""

    mean: float | None
    sd: float | None
    low: float | None
    high: float | None
    trials: int


def spread(values: Iterable[float | None]) -> Spread:
    """The spread of a metric over trials."""
    defined = [value for value in values if value is not None]
    if not defined:
        return Spread(None, None, None, None, 0)
    sd = statistics.stdev(defined) if len(defined) > 1 else None
    return Spread(statistics.fmean(defined), sd, min(defined), max(defined), len(defined))


def shown(value: float | None, *, e_value: bool = False) -> str:
    """A score as `motifzoo evaluate` prints it: four decimals, an E-value in scientific notation."""
    if value is None:
        return NONE
    return f"{value:.1e}" if e_value else f"{value:.4f}"


def plain(text: str) -> str:
    """Text that others may have written, as one line in which Markdown finds no HTML, emphasis, table cell, heading or
    list, and no link under other words than its address.

    A bare address stays one, of which some readers make a link. Code in backticks stays code, which the sentences of
    motifzoo itself have. What means nothing where it stands is left as it is: an underscore inside a word, a lone
    ampersand or less-than sign.
    """
    line = re.sub(r"[\\\[\]*|~]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", " ".join(text.split()))
    line = re.sub(r"&(?=[#\w])", "&amp;", line)
    line = re.sub(r"<(?=[a-zA-Z/!?])", "&lt;", line)
    line = re.sub(r"^([0-9]+)(?=[.)](?: |$))", r"\1\\", line)
    return re.sub(r"^(?=[#=>]|--|[-+](?: |$))", r"\\", line)


def code(text: str) -> str:
    """A name that others may have given, in backticks where it is an ordinary one, else as plain text."""
    return f"`{text}`" if re.fullmatch(r"[\w./@:+-]*", text) else plain(text.replace("`", "'"))


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 0) -> str:
    """A Markdown table; its last `right` columns are numbers."""
    rule = ["---"] * (len(header) - right) + ["---:"] * right
    return "\n".join("| " + " | ".join(cell or " " for cell in row) + " |" for row in (header, rule, *rows))


def score_table(scores: Scores) -> str:
    """A row a metric: mean and spread over the trials, and over how many of what each trial's value is taken.

    E-values have no mean: they span orders of magnitude.
    """
    rows = []
    for metric in scores.metrics:
        found = spread(metric.values)
        middle = (NONE, NONE) if metric.e_value else (shown(found.mean), shown(found.sd))
        ends = (shown(end, e_value=metric.e_value) for end in (found.low, found.high))
        name, unit = code(metric.name), plain(metric.unit)
        rows.append((plain(metric.title), name, *middle, *ends, str(found.trials), _counts(metric), unit))
    header = ("score", "metric", "mean", "sd", "lowest", "highest", "trials", "n", "n counts")
    return table(header, rows, right=7)


def _counts(metric: MetricScores) -> str:
    """The n of a metric, as a range where trials differ in it."""
    counts = sorted({count for count in metric.n if count is not None})
    return " to ".join(map(str, dict.fromkeys((counts[0], counts[-1])))) if counts else NONE


def trial_table(scores: Scores) -> str:
    """A row a metric, a column a trial."""
    rows = [
        (code(metric.name), *(shown(value, e_value=metric.e_value) for value in metric.values))
        for metric in scores.metrics
    ]
    return table(("metric", *(str(trial.trial) for trial in scores.trials)), rows, right=len(scores.trials))


def filter_table(scores: Scores) -> str:
    """A row a filter that hits a motif, best E first."""
    hits = sorted((entry for entry in scores.filters if entry.hit), key=lambda entry: (entry.e or 0.0, entry.filter))
    rows = [
        (
            str(entry.filter),
            code(entry.consensus),
            plain(f"{entry.motif} {entry.motif_name or ''}"),
            shown(entry.e, e_value=True),
            plain(entry.true_motif) if entry.true_motif else NONE,
        )
        for entry in hits
    ]
    return table(("filter", "consensus", "best motif", "E", "true or known motif hit"), rows)
