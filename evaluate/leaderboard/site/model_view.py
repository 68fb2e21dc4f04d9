"""What the page of a model tells, as plain values: standing, trials, claims against recomputed numbers, how to repeat.

Whatever a record says in words comes from a stranger. It is shown as text and escaped by the template; a command is
shown only if it is one that starts motifzoo, so that nobody copies another into a shell.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Final, NamedTuple

from ....zoo.glossary import ACTIVATIONS, ARCHITECTURES
from ...metric_table import METRICS
from ...report.words import metric_value
from ...statistics import Spread
from ..current import BoardStamps
from ..entries import Entry, metrics_of
from ..record import Record
from .columns import Place, gap, half_interval, place, ten_thousandths
from .table import Table, gap_text
from .words import TRUST, MetricWords, counted, e_value, metric_words, score

MOST_TRIALS: Final = 50  # rows of the table of trials
MOST_PARTS: Final = 400  # scores of classes and motifs
MOST_NOTES: Final = 20
PACKAGED: Final = "packaged"
_COMMAND: Final = re.compile(
    r"motifzoo evaluate [A-Za-z0-9][\w./@:+=-]*( --[a-z-]+( [A-Za-z0-9][\w./@:+=-]*)?)*", re.ASCII
)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\dT", re.ASCII)
_HUB: Final = re.compile(r"hf://[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*@[0-9a-f]{40}", re.ASCII)


class Score(NamedTuple):
    """A metric of an entry. `claimed` and `recomputed` are means over the trials that were recomputed, `fresh` over
    those that were scored on fresh sequences too, and `gap` how much higher the fixed set's is; "" for none."""

    words: MetricWords
    place: Place | None
    mean: str
    interval: str
    sd: str
    trials: int
    of: str
    claimed: str
    recomputed: str
    differs: bool
    fresh: str
    gap: str


class TrialRow(NamedTuple):
    """A trial: what was scored by whom. `scores` and `found` (the maintainer's where they differ, else "") go with the
    page's headline metrics."""

    trial: int
    trust: str
    scores: tuple[str, ...]
    found: tuple[str, ...]
    sha256: str
    submitter: str
    submitted: str
    device: str
    checked: str
    problem: str
    command: str


class Other(NamedTuple):
    """Another result of the same model: what it is of, why it stands apart, its link ("" for none) and main score."""

    name: str
    why: str
    href: str
    score: str


class ModelView(NamedTuple):
    """Everything the page of an entry tells but its pictures."""

    entry: Entry
    trust: str
    activation: str
    architecture: str
    parameters: str
    source: str
    in_board: bool
    submitters: tuple[str, ...]
    headline: tuple[MetricWords, ...]
    scores: tuple[Score, ...]
    parts: tuple[tuple[str, str, str, int], ...]
    trials: tuple[TrialRow, ...]
    notes: tuple[str, ...]
    stamps: tuple[tuple[str, str], ...]
    versions: tuple[tuple[str, str], ...]
    others: tuple[Other, ...]


def model_view(entry: Entry, table: Table, others: Sequence[Other]) -> ModelView:
    """The page of an entry of a benchmark's table. others: what else the board has of this model."""
    headline = tuple(name for name in table.views[0].metrics if name in entry.spreads)
    stated = tuple(name for name in METRICS if name in entry.spreads)
    parts = [name for name in entry.spreads if name not in METRICS]
    first = entry.trials[0]
    counts = {f"{trial.parameters:,}" for trial in entry.trials if trial.parameters is not None}
    return ModelView(
        entry,
        TRUST[entry.trust],
        ACTIVATIONS.get(entry.activation, ""),
        ARCHITECTURES.get(entry.architecture, ""),
        " or ".join(sorted(counts)),
        "packaged with motifzoo" if first.source == PACKAGED else f"model from {first.source}",
        first.source == f"models/{first.model}",
        tuple(dict.fromkeys(trial.submitter for trial in entry.trials)),
        tuple(metric_words(name) for name in headline),
        tuple(_score(entry, table, name) for name in stated),
        tuple(_part(entry, name) for name in parts[:MOST_PARTS]),
        tuple(_trial(trial, headline) for trial in entry.trials[:MOST_TRIALS]),
        tuple(dict.fromkeys(note for trial in entry.trials for note in trial.notes))[:MOST_NOTES],
        _stamps(entry.stamps),
        _versions(entry.trials),
        tuple(others),
    )


def _score(entry: Entry, table: Table, name: str) -> Score:
    words, found = metric_words(name), entry.spreads[name]
    standing = table.standing(entry, name)
    checked = [trial for trial in entry.trials if trial.verification is not None and trial.verification.metrics]
    checks = [trial.verification for trial in checked if trial.verification is not None]
    drawn = [check.fresh.metrics for check in checks if check.fresh is not None]
    gap_found = gap(entry, name)
    half = None if words.is_e else half_interval(found)
    n = {trial.n[name] for trial in entry.trials if name in trial.n}
    return Score(
        words,
        None if standing is None else place(standing),
        _text(words, found),
        "" if half is None else f"\u00b1{half / 1000:.3f}",
        score(found.sd) if found.n > 1 and not words.is_e else "",
        found.n,
        counted(n.pop(), words.unit) if len(n) == 1 else "",
        _mean(words, (trial.metrics for trial in checked)),
        _mean(words, (check.metrics for check in checks)),
        any(name in check.differs for check in checks),
        _mean(words, drawn) if gap_found.n else "",
        gap_text(ten_thousandths(gap_found.mean)) if gap_found.n and not words.is_e else "",
    )


def _text(words: MetricWords, found: Spread) -> str:
    if not found.n:
        return "undefined"
    return e_value(found.mean) if words.is_e else score(found.mean)


def _mean(words: MetricWords, stated: Iterable[Mapping[str, float | None]]) -> str:
    values = [value for metrics in stated if (value := metrics.get(words.name)) is not None]
    if not values:
        return ""
    mean = fmean(values)
    return e_value(mean) if words.is_e else score(mean)


def _part(entry: Entry, name: str) -> tuple[str, str, str, int]:
    """Title, mean, interval and trials of the score of a class or a motif."""
    words, found = metric_words(name), entry.spreads[name]
    half = None if words.is_e or not found.n else half_interval(found)
    return words.title, _text(words, found), "" if half is None else f"\u00b1{half / 1000:.3f}", found.n


def _trial(record: Record, headline: Sequence[str]) -> TrialRow:
    check = record.verification
    shown = metrics_of(record)
    disputed = record.trust == "disputed" and check is not None
    return TrialRow(
        record.trial,
        record.trust,
        tuple(metric_value(name, shown.get(name)) for name in headline),
        tuple(
            metric_value(name, check.metrics.get(name)) if disputed and check and name in check.differs else ""
            for name in headline
        ),
        record.model_sha256,
        record.submitter,
        _day(record.submitted),
        record.device,
        f"{check.by}, {_day(check.at)}" if check else "",
        check.problem or "" if check else "",
        command_of(record),
    )


def _day(time: str) -> str:
    """The day of an ISO 8601 time; other text as it is."""
    return time[:10] if _DAY.match(time) else time


def command_of(record: Record) -> str:
    """The command that repeats a record's numbers; "" where the record states none that is safe to show.

    A model on a hub is loaded from there at its commit, one in the board from a copy of the board.
    """
    if record.source == PACKAGED:
        return f"motifzoo evaluate {record.model}:{record.trial}"
    if record.source == f"models/{record.model}" or _HUB.fullmatch(record.source):
        return f"motifzoo evaluate {record.source}:{record.trial}"
    return record.command if _COMMAND.fullmatch(record.command) else ""


def _stamps(stamps: BoardStamps) -> tuple[tuple[str, str], ...]:
    return (
        ("protocol version", str(stamps.protocol)),
        ("data", stamps.data_fingerprint),
        ("motif database", stamps.motifs_sha256),
    )


def _versions(trials: Sequence[Record]) -> tuple[tuple[str, str], ...]:
    """Every package with the versions that the trials were computed with, by the maintainer where there was one."""
    found: dict[str, dict[str, None]] = {}
    for trial in trials:
        check = trial.verification
        versions = check.versions if check is not None and trial.trust == "recomputed" else trial.versions
        for name, version in versions.items():
            found.setdefault(name, {})[version] = None
    return tuple((name, ", ".join(versions)) for name, versions in found.items())
