"""The tables as files: CSV for everybody, Parquet for programs; and as JSON."""

import math
from collections.abc import Iterable, Mapping, Sequence
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
SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "values": pa.schema(
        [*_MODEL, ("metric", pa.string()), ("trial", pa.int64()), ("value", pa.float64()), ("n", pa.int64())]
    ),
    "summary": pa.schema(
        [
            *_MODEL,
            ("metric", pa.string()),
            ("mean", pa.float64()),
            ("sd", pa.float64()),
            ("n", pa.int64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("counted", pa.string()),
        ]
    ),
    "tests": _TEST,
    "pairs": _TEST,
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


def tables(scored: Scored, found: Sequence[Answer], pairs: Iterable[Difference]) -> dict[str, list[Row]]:
    """The rows of each table of `SCHEMAS`; numbers that there are not are None."""
    return {
        "values": [row for model in scored.models for row in _values(model)],
        "summary": [row for model in scored.models for row in _summary(model)],
        "tests": [_test(test) for answer in found for panel in answer.panels for test in panel.differences],
        "pairs": [_test(test) for test in pairs],
        "missing": [dict(zip(SCHEMAS["missing"].names, entry, strict=True)) for entry in scored.missing],
    }


def write_tables(rows: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Write `<table>.csv` and `.parquet` of each table, atomically. Raises CacheError when the folder refuses."""
    for name, table in rows.items():
        columns = pa.Table.from_pylist(list(table), SCHEMAS[name])
        for suffix, write in (("csv", pa.csv.write_csv), ("parquet", pa.parquet.write_table)):
            with atomic_path(folder / f"{name}.{suffix}") as temporary:
                write(columns, temporary)


def _model(model: Measured) -> Row:
    return {name: getattr(model, "name" if name == "model" else name) for name, _ in _MODEL}


def _values(model: Measured) -> Iterable[Row]:
    for metric, values in model.values.items():
        for trial, value, count in zip(model.trials, values, model.counts[metric], strict=True):
            yield {**_model(model), "metric": metric, "trial": trial, "value": value, "n": count}


def _summary(model: Measured) -> Iterable[Row]:
    """A row a score that is no E-value: those span orders of magnitude and have no mean."""
    for metric in (name for name in METRICS if name in model.values and METRICS[name].highest <= 1):
        spread_of = spread([value for _, value in model.defined(metric)])
        numbers = {name: _number(value) for name, value in spread_of._asdict().items()}
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


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
