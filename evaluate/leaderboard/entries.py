"""From records to entries: the trials of a model on a benchmark as one row, with the spread of every metric.

An entry holds trials that were measured alike and are of one kind. Trials with other stamps (`current.BoardStamps`)
make entries of their own, marked as outdated unless they are the current ones, and so do controls.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from ...errors import BoardError
from ..statistics import Spread, interval_half
from .current import BoardStamps, current_stamps, stamps_of
from .record import Control, Record, Trust

_LOWEST_FIRST: Final[tuple[Trust, ...]] = ("disputed", "claimed", "recomputed")
_NONE: Final = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Entry:
    """A model's trials on one benchmark, measured alike.

    trials: ordered by number; the first one's architecture, activation, variant and data set are the entry's. trust:
    the lowest of the trials', disputed < claimed < recomputed. spreads: for every metric that a trial states, its
    spread over the trials in which it is defined (n 0 and a mean of NaN where it is in none). outdated: the stamps are
    not the benchmark's current ones.
    """

    model: str
    benchmark: str
    architecture: str
    activation: str
    variant: str
    dataset: str
    control: Control | None
    trust: Trust
    outdated: bool
    trials: tuple[Record, ...]
    spreads: Mapping[str, Spread]
    stamps: BoardStamps


def metrics_of(record: Record) -> Mapping[str, float | None]:
    """The numbers that a record counts with: the maintainer's where they confirmed the claim, else the claim."""
    if record.trust == "recomputed" and record.verification is not None:
        return record.verification.metrics
    return record.metrics


def entries(records: Iterable[Record], current: Mapping[str, BoardStamps] | None = None) -> dict[str, list[Entry]]:
    """The entries of every benchmark, by its name; the order of the records changes nothing.

    Benchmarks are sorted by name, entries by model, current ones first. current: each benchmark's current stamps,
    None for `current_stamps` of the records. Raises BoardError for two records of one trial.
    """
    every = sorted(records, key=lambda record: (record.benchmark, record.model, record.trial))
    for one, other in pairwise(every):
        if (one.trial, one.model, one.benchmark) == (other.trial, other.model, other.benchmark):
            raise BoardError(
                f"two records are of trial {one.trial} of {one.model} on {one.benchmark}; a board has one a trial, at "
                f"{one.path}. Remove one of them."
            )
    if current is None:
        current = current_stamps(every)
    groups: dict[tuple[str, str, BoardStamps, Control | None], list[Record]] = {}
    for record in every:
        groups.setdefault((record.benchmark, record.model, stamps_of(record), record.control), []).append(record)
    found: dict[str, list[Entry]] = {}
    for ((benchmark, model, stamps, control), trials), spreads in zip(
        groups.items(), _spreads(list(groups.values())), strict=True
    ):
        first = trials[0]
        entry = Entry(
            model=model,
            benchmark=benchmark,
            architecture=first.architecture,
            activation=first.activation,
            variant=first.variant,
            dataset=first.dataset,
            control=control,
            trust=min((trial.trust for trial in trials), key=_LOWEST_FIRST.index),
            outdated=stamps != current.get(benchmark),
            trials=tuple(trials),
            spreads=spreads,
            stamps=stamps,
        )
        found.setdefault(benchmark, []).append(entry)
    for rows in found.values():
        rows.sort(key=lambda entry: (entry.model, entry.outdated, entry.stamps, entry.control or ""))
    return found


def _spreads(groups: Sequence[Sequence[Record]]) -> list[dict[str, Spread]]:
    """`statistics.spread` of every metric of every group of records, all in one go.

    Each record's values are laid end to end; a cell is one metric of one group.
    """
    stated = [metrics_of(record) for group in groups for record in group]
    numbers: dict[str, int] = {}
    alike: dict[tuple[str, ...], npt.NDArray[np.int64]] = {}  # most records state the same metrics
    metric = []
    for names in map(tuple, stated):
        if names not in alike:
            alike[names] = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
        metric.append(alike[names])
    values = np.array(list(chain.from_iterable(metrics.values() for metrics in stated)), np.float64)  # None is NaN
    group = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    row = np.repeat(group, [len(names) for names in metric])
    cells, cell = np.unique(row * len(numbers) + np.concatenate([_NONE, *metric]), return_inverse=True)
    defined = ~np.isnan(values)
    cell, values = cell[defined], values[defined]
    count = np.bincount(cell, minlength=len(cells))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        mean = np.bincount(cell, values, len(cells)) / count
        # Equal values have themselves as their mean and no spread; rounding would tell such entries apart.
        some = np.zeros(len(cells))
        some[cell] = values
        varies = np.bincount(cell, values != some[cell], len(cells)) > 0
        mean = np.where(varies | (count == 0), mean, some)
        squares = np.bincount(cell, (values - mean[cell]) ** 2, len(cells))
        sd = np.sqrt(squares / np.where(count > 1, count - 1, np.nan))
        half = interval_half(sd, count)
        columns = mean, sd, count, mean - half, mean + half
    known = list(numbers)
    found: list[dict[str, Spread]] = [{} for _ in groups]
    place, which = np.divmod(cells, max(1, len(numbers)))
    spreads = map(Spread._make, zip(*(column.tolist() for column in columns), strict=True))
    for index, name, spread in zip(place.tolist(), which.tolist(), spreads, strict=True):
        found[index][known[name]] = spread
    return found
