"""The tables as files: CSV for everybody, Parquet for programs; and as JSON."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ...files import atomic_path
from ..metric_table import METRICS, metric_of
from ..statistics import spread
from .differences import Difference
from .scored import Measured, Scored
from .tables import Answer
from .trades import Traded
from .twins import Shared, shared_weights

Row = dict[str, Any]

_TEST: Final = pa.schema(
    [
        ("scope", pa.string()),
        ("kind", pa.string()),
        ("metric", pa.string()),
        ("first", pa.string()),
        ("second", pa.string()),
        ("first_mean", pa.float64()),
        ("first_sd", pa.float64()),
        ("first_n", pa.int64()),
        ("second_mean", pa.float64()),
        ("second_sd", pa.float64()),
        ("second_n", pa.int64()),
        ("difference", pa.float64()),
        ("p", pa.float64()),
        ("p_holm", pa.float64()),
        ("verdict", pa.string()),
    ]
)
_MODEL: Final = [
    ("model", pa.string()),
    ("dataset", pa.string()),
    ("architecture", pa.string()),
    ("activation", pa.string()),
    ("label", pa.string()),
    ("control", pa.bool_()),
]
_SUMMARY: Final = [
    *_MODEL,
    ("metric", pa.string()),
    ("mean", pa.float64()),
    ("sd", pa.float64()),
    ("n", pa.int64()),
    ("low", pa.float64()),
    ("high", pa.float64()),
    ("counted", pa.string()),
]
SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "values": pa.schema(
        [*_MODEL, ("metric", pa.string()), ("trial", pa.int64()), ("value", pa.float64()), ("n", pa.int64())]
    ),
    "summary": pa.schema(_SUMMARY),
    "tests": _TEST,
    "pairs": _TEST,
    "trades": pa.schema(
        [
            ("model", pa.string()),
            ("dataset", pa.string()),
            ("architecture", pa.string()),
            ("label", pa.string()),
            ("classification", pa.string()),
            ("classification_mean", pa.float64()),
            ("classification_sd", pa.float64()),
            ("metric", pa.string()),
            ("mean", pa.float64()),
            ("sd", pa.float64()),
            ("n", pa.int64()),
        ]
    ),
    "correlations": pa.schema(
        [
            ("dataset", pa.string()),
            ("architecture", pa.string()),
            ("classification", pa.string()),
            ("metric", pa.string()),
            ("models", pa.int64()),
            ("distinct", pa.int64()),
            ("rho", pa.float64()),
            ("p", pa.float64()),
            ("exact", pa.bool_()),
        ]
    ),
    "untrained": pa.schema(_SUMMARY),
    "shared": pa.schema([("sha256", pa.string()), *_MODEL[:3], ("trial", pa.int64())]),
    "missing": pa.schema(
        [
            ("model", pa.string()),
            ("dataset", pa.string()),
            ("architecture", pa.string()),
            ("label", pa.string()),
            ("trials_expected", pa.int64()),
            ("trials_found", pa.int64()),
            ("reason", pa.string()),
        ]
    ),
}


_WRITERS: Final[Mapping[str, Callable[[pa.Table, Path], None]]] = {
    "csv": pa.csv.write_csv,
    "parquet": pa.parquet.write_table,
}


def tables(
    scored: Scored, found: Sequence[Answer], pairs: Iterable[Difference], traded: Sequence[Traded]
) -> dict[str, list[Row]]:
    """The rows of each table of `SCHEMAS`; numbers that there are not are None."""
    return {
        "values": [row for model in scored.models for row in _values(model)],
        "summary": [row for model in scored.models for row in _summary(model)],
        "tests": [_test(test) for answer in found for panel in answer.panels for test in panel.differences],
        "pairs": [_test(test) for test in pairs],
        "trades": [row for item in traded for row in _trades(item)],
        "correlations": [row for item in traded for row in _correlations(item)],
        "untrained": [row for network in scored.untrained for row in _summary(network)],
        "shared": [row for weights in shared_weights(scored.models) for row in _shared(weights)],
        "missing": [dict(zip(SCHEMAS["missing"].names, entry, strict=True)) for entry in scored.missing],
    }


def table_files() -> list[str]:
    """The names of the files that `write_tables` writes."""
    return [f"{name}.{suffix}" for name in SCHEMAS for suffix in _WRITERS]


def write_tables(rows: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Write `<table>.csv` and `.parquet` of each table, atomically. Raises CacheError when the folder refuses."""
    for name, table in rows.items():
        columns = pa.Table.from_pylist(list(table), SCHEMAS[name])
        for suffix, write in _WRITERS.items():
            with atomic_path(folder / f"{name}.{suffix}") as temporary:
                write(columns, temporary)


def _model(model: Measured) -> Row:
    return {name: getattr(model, "name" if name == "model" else name) for name, _ in _MODEL}


def _values(model: Measured) -> Iterable[Row]:
    for metric, values in model.values.items():
        for trial, value, count in zip(model.trials, values, model.counts[metric], strict=True):
            yield {**_model(model), "metric": metric, "trial": trial, "value": value, "n": count}


def _summary(model: Measured) -> Iterable[Row]:
    """A row a score that is no E-value: those span orders of magnitude and have no mean.

    Where trials do not differ there is no interval: one of no width would claim to be certain.
    """
    for metric in (name for name in METRICS if name in model.values and METRICS[name].highest <= 1):
        spread_of = spread([value for _, value in model.defined(metric)])
        numbers = {name: _number(value) for name, value in spread_of._asdict().items()}
        if not spread_of.varies:
            numbers |= {"low": None, "high": None}
        known = metric_of(metric)
        yield {**_model(model), "metric": metric, **numbers, "counted": known.unit if known else ""}


def _test(test: Difference) -> Row:
    sides = {
        f"{side}_{name}": _number(getattr(getattr(test, side).spread, name))
        for side in ("first", "second")
        for name in ("mean", "sd", "n")
    }
    return {
        "scope": test.scope,
        "kind": test.kind,
        "metric": test.metric,
        "first": test.first.name,
        "second": test.second.name,
        **sides,
        "difference": _number(test.difference),
        "p": _number(test.p),
        "p_holm": _number(test.p_holm),
        "verdict": test.verdict,
    }


def _trades(item: Traded) -> Iterable[Row]:
    for plot in item.plots:
        for point in plot.points:
            yield {
                "model": point.model,
                "dataset": item.trade.dataset,
                "architecture": plot.architecture,
                "label": point.label,
                "classification": plot.x_metric,
                "classification_mean": point.x.mean,
                "classification_sd": _number(point.x.sd),
                "metric": plot.y_metric,
                "mean": point.y.mean,
                "sd": _number(point.y.sd),
                "n": point.y.n,
            }


def _correlations(item: Traded) -> Iterable[Row]:
    """A row a plot; without a correlation where there is none. `distinct` counts models that share weights once."""
    for plot in item.plots:
        known = plot.correlation
        yield {
            "dataset": item.trade.dataset,
            "architecture": plot.architecture,
            "classification": plot.x_metric,
            "metric": plot.y_metric,
            "models": len(plot.points),
            "distinct": len(plot.points) - sum(len(labels) - 1 for labels in plot.together),
            "rho": known and known.rho,
            "p": known and known.p,
            "exact": known and known.exact,
        }


def _shared(weights: Shared) -> Iterable[Row]:
    """A row a trial; rows with one hash are of trials with the same weights."""
    for place, sha256 in enumerate(weights.sha256):
        for name, trials in weights.models:
            yield {
                "sha256": sha256,
                "model": name,
                "dataset": weights.dataset,
                "architecture": weights.architecture,
                "trial": trials[place],
            }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
