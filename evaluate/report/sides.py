"""The side files of a result, checked against the hashes the result was written with."""

import csv
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load

from ...data_cards.motifs import Motif, read_meme
from ...errors import MotifzooError
from ..results import Result

PREDICTIONS, FILTERS, HITS, ATTRIBUTION = (
    "predictions.safetensors",
    "filters.meme",
    "hits.tsv",
    "attribution.safetensors",
)
_MAX_DIGITS = 6  # of a filter's number
_HIT_COLUMNS = {"Query_ID", "Target_ID", "Optimal_offset", "E-value", "Orientation"}

Array = npt.NDArray[Any]


class Alignment(NamedTuple):
    """How Tomtom lays a motif against a filter: `start` is the motif's first column in columns of the filter.

    reverse: the motif's reverse complement is what matches.
    """

    start: int
    reverse: bool
    e_value: float


class Predictions(NamedTuple):
    """Test split: `probabilities` (N, C) and `labels` (N, C) of 0 and 1."""

    probabilities: Array
    labels: Array


class Attribution(NamedTuple):
    """n sequences of the test split: their `rows` (n,), `codes` (n, L), `information` (n, L) in bits.

    outputs: `(n,)`, which output was explained. maps: scores (n, L) by method.
    """

    rows: Array
    outputs: Array
    codes: Array
    information: Array
    maps: Mapping[str, Array]


class SideFiles(NamedTuple):
    """What a result's side files hold; None for a file that the result does not have.

    filters: matrix by filter number. alignments: by filter number and motif id, every hit.
    """

    predictions: Predictions | None
    filters: Mapping[int, Motif] | None
    alignments: Mapping[tuple[int, str], Alignment]
    attribution: Attribution | None


def read_side_files(result: Result, folder: Path) -> SideFiles:
    """Read the side files beside a result.

    Raises MotifzooError, naming the file and the command that makes it anew, for one that is missing, differs from
    the result's hash or does not hold what it should.
    """
    files = _Folder(result, folder)
    return SideFiles(_predictions(files), _filters(files), _alignments(files), _attribution(files))


class _Folder:
    """A result's folder, and how to speak of what is wrong with it."""

    def __init__(self, result: Result, folder: Path) -> None:
        self._hashes = {file.name: file.sha256 for file in result.files.values()}
        self._remedy = f"Evaluate again: {result.stamps.command}"
        self._folder = folder

    def path(self, name: str) -> Path:
        return self._folder / name

    def read(self, name: str) -> bytes | None:
        if name not in self._hashes:
            return None
        try:
            content = self.path(name).read_bytes()
        except OSError as error:
            raise self.wrong(name, f"cannot be read: {error.strerror}") from error
        found, expected = hashlib.sha256(content).hexdigest(), self._hashes[name]
        if found != expected:
            raise self.wrong(
                name, f"is not the file its result was written with: SHA-256 {found[:12]}..., not {expected[:12]}..."
            )
        return content

    def wrong(self, name: str, what: str) -> MotifzooError:
        return MotifzooError(f"{self.path(name)} {what}. {self._remedy}")

    def tensors(self, name: str, needed: tuple[str, ...]) -> dict[str, Array] | None:
        content = self.read(name)
        if content is None:
            return None
        try:
            arrays: dict[str, Array] = load(content)
        except SafetensorError as error:
            raise self.wrong(name, f"is not a safetensors file ({error})") from error
        missing = [key for key in needed if key not in arrays]
        if missing:
            raise self.wrong(name, f"has no tensor {' or '.join(missing)}")
        return arrays


def _predictions(files: _Folder) -> Predictions | None:
    arrays = files.tensors(PREDICTIONS, ("probabilities", "labels"))
    if arrays is None:
        return None
    predictions = Predictions(arrays["probabilities"], arrays["labels"])
    shapes = predictions.probabilities.shape, predictions.labels.shape
    if shapes[0] != shapes[1] or len(shapes[0]) != 2:
        raise files.wrong(PREDICTIONS, f"has probabilities {shapes[0]} and labels {shapes[1]}: both must be (N, C)")
    return predictions


def _filters(files: _Folder) -> Mapping[int, Motif] | None:
    content = files.read(FILTERS)
    if content is None:
        return None
    # When every filter is dead the file has its header and no motif, which is no motif file elsewhere.
    motifs = read_meme(files.path(FILTERS)) if b"\nMOTIF" in content else ()
    return {_filter_number(files, FILTERS, motif.id): motif for motif in motifs}


def _alignments(files: _Folder) -> Mapping[tuple[int, str], Alignment]:
    content = files.read(HITS)
    if content is None:
        return {}
    try:
        return _hits(files, csv.DictReader(io.StringIO(content.decode("utf-8", "replace")), delimiter="\t"))
    except csv.Error as error:
        raise files.wrong(HITS, f"is no table ({error})") from error


def _hits(files: _Folder, rows: "csv.DictReader[str]") -> Mapping[tuple[int, str], Alignment]:
    lacking = _HIT_COLUMNS - set(rows.fieldnames or ())
    if lacking:
        raise files.wrong(HITS, f"has no column {' or '.join(sorted(lacking))}")
    hits = {}
    for row in rows:
        try:
            # Tomtom counts how far the motif begins before the filter.
            hit = Alignment(-int(row["Optimal_offset"]), row["Orientation"] == "-", float(row["E-value"]))
        except (TypeError, ValueError) as error:
            raise files.wrong(HITS, f"line {rows.line_num} is not a line of Tomtom's table") from error
        hits[_filter_number(files, HITS, row["Query_ID"]), row["Target_ID"]] = hit
    return hits


def _filter_number(files: _Folder, name: str, identifier: str) -> int:
    digits = identifier.removeprefix("filter")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        raise files.wrong(name, f"names a motif {identifier[:40]!r}; filters are named filter0, filter1, ...")
    return int(digits)


def _attribution(files: _Folder) -> Attribution | None:
    arrays = files.tensors(ATTRIBUTION, ("rows", "codes", "information"))
    if arrays is None:
        return None
    rows, codes, information = (arrays.pop(key) for key in ("rows", "codes", "information"))
    outputs = arrays.pop("outputs", np.zeros(len(rows), np.int64))
    for key, array in {"codes": codes, "information": information, **arrays}.items():
        if array.ndim != 2 or array.shape != (len(rows), codes.shape[-1]):
            raise files.wrong(
                ATTRIBUTION, f"has {key} of shape {array.shape}; its codes say ({len(rows)}, {codes.shape[-1]})"
            )
    return Attribution(rows, outputs, codes, np.asarray(information, dtype=np.float64), arrays)
