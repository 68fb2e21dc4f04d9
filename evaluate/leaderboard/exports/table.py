"""results.parquet: all records as one table, a row a record and metric; records.parquet: their files, in one."""

from collections.abc import Callable, Mapping, Set
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..entries import metrics_of
from ..record import Record

_OF_RECORD: Final[Mapping[str, tuple[pa.DataType, Callable[[Record], Any]]]] = {
    "benchmark": (pa.string(), lambda record: record.benchmark),
    "model": (pa.string(), lambda record: record.model),
    "trial": (pa.int32(), lambda record: record.trial),
    "architecture": (pa.string(), lambda record: record.architecture),
    "activation": (pa.string(), lambda record: record.activation),
    "variant": (pa.string(), lambda record: record.variant),
    "dataset": (pa.string(), lambda record: record.dataset),
    "control": (pa.string(), lambda record: record.control),
    "trust": (pa.string(), lambda record: record.trust),
    "submitter": (pa.string(), lambda record: record.submitter),
    "submitted": (pa.string(), lambda record: record.submitted),
    "verified_by": (pa.string(), lambda record: record.verification.by if record.verification else None),
    "source": (pa.string(), lambda record: record.source),
    "parameters": (pa.int64(), lambda record: record.parameters),
    "model_sha256": (pa.string(), lambda record: record.model_sha256),
    "data_fingerprint": (pa.string(), lambda record: record.data_fingerprint),
    "motifs_sha256": (pa.string(), lambda record: record.motifs_sha256),
    "protocol": (pa.int32(), lambda record: record.protocol),
    "device": (pa.string(), lambda record: record.device),
    "command": (pa.string(), lambda record: record.command),
}


def results_table(records: Mapping[str, Record]) -> pa.Table:
    """A row for every metric that a record states, in the order of the records' paths and the metrics' names.

    `value` is the number that counts; `claimed` and `recomputed` are the submitter's and the maintainer's, `fresh` the
    maintainer's on sequences drawn for the verification, each null where there is none; `n` over how much it is taken.
    """
    rows = [record for _, record in sorted(records.items())]
    checks = [record.verification.metrics if record.verification else {} for record in rows]
    drawn = [
        record.verification.fresh.metrics if record.verification and record.verification.fresh else {}
        for record in rows
    ]
    names = [
        sorted({*record.metrics, *check, *fresh}) for record, check, fresh in zip(rows, checks, drawn, strict=True)
    ]
    which = pa.array(np.repeat(np.arange(len(rows)), [len(of_one) for of_one in names]))
    columns = {
        name: pa.array([of(record) for record in rows], kind).take(which) for name, (kind, of) in _OF_RECORD.items()
    }
    columns["metric"] = pa.array(chain.from_iterable(names), pa.string())
    stated: dict[str, list[Mapping[str, float | None]]] = {
        "value": [metrics_of(record) for record in rows],
        "claimed": [record.metrics for record in rows],
        "recomputed": checks,
        "fresh": drawn,
    }
    for column, mappings in stated.items():
        columns[column] = pa.array(
            [mapping.get(name) for mapping, of_one in zip(mappings, names, strict=True) for name in of_one],
            pa.float64(),
        )
    columns["n"] = pa.array(
        [record.n.get(name) for record, of_one in zip(rows, names, strict=True) for name in of_one], pa.int64()
    )
    return pa.table(columns)


def records_table(records: Mapping[str, Record]) -> pa.Table:
    """A row for every record: its path and its file's bytes."""
    rows = sorted(records.items())
    return pa.table(
        {
            "path": pa.array([path for path, _ in rows], pa.string()),
            "json": pa.array([record.to_json() for _, record in rows], pa.binary()),
        }
    )


def record_files(parquet: Path, wanted: Set[str]) -> dict[str, bytes]:
    """The files in a records.parquet that are wanted; none where it is no such file."""
    try:
        table = pq.ParquetFile(parquet).read(["path", "json"])
        paths, contents = table["path"], table["json"]
        keep = pc.is_in(paths, pa.array(sorted(wanted), pa.string()))
        return dict(zip(paths.filter(keep).to_pylist(), contents.filter(keep).to_pylist(), strict=True))
    except (pa.ArrowException, KeyError):
        return {}


def to_parquet(table: pa.Table) -> bytes:
    """The table as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())
