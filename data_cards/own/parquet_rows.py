"""Rows of Parquet: one file, a file for each split, or a folder of them, such as motifzoo or Hugging Face writes."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import ValidationError

from ...errors import DataError, describe_invalid
from ..cards import Card
from ..content import Split, no_placements
from ..readers.gather import piece_rows
from ..readers.text import check_dna
from .request import Given, Request
from .rows import BASE, Intake, Noticed, schema, split_name
from .table_rows import Roles, roles

_COLUMN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_EMPTY: Final = Split(np.zeros((0, 1), np.uint8), np.zeros((0, 1), np.int8), no_placements())
_MOTIFS: Final = _EMPTY.to_arrow(motifs=True).schema.field("motifs").type


def intake(files: Sequence[Given], request: Request) -> Intake:
    """The rows of Parquet files, or of the folder that is the only one of `files`.

    Further columns of text and of whole numbers are kept. Raises DataError for a file that is none, and, while it is
    read, for values that are missing and letters that are not DNA.
    """
    card = None
    if files[0].path.is_dir():
        folder = files[0].path
        if len(files) > 1:
            raise DataError(f"{folder} is a folder, and has all splits in it: give it alone.")
        files = _parts(folder, use_splits=request.splits_stated)
        card = _card(folder)
    found = []
    for given in files:
        there = _open(given.path).schema_arrow
        found.append((given, roles(given.path, there.names, request), there))
    _, role, there = found[0]
    about = _about(there, role)
    listed = role.label is not None and _is_list_of_numbers(there.field(role.label).type)
    columns = schema(about, listed=listed)
    noticed = Noticed()
    return Intake(columns, _blocks(found, columns, noticed), card=card, noticed=noticed)


def _parts(folder: Path, *, use_splits: bool) -> tuple[Given, ...]:
    """The files of a folder and the splits that their names begin with."""
    paths = sorted(folder.glob("*.parquet")) or sorted(folder.glob("data/*.parquet"))
    if not paths:
        raise DataError(f"{folder} is a folder without Parquet files (*.parquet, data/*.parquet).")
    if len(paths) == 1 or not use_splits:
        return tuple(Given(path) for path in paths)
    parts = []
    for path in paths:
        try:
            parts.append(Given(path, split=split_name(re.split(r"[-_.]", path.name)[0])))
        except DataError as error:
            raise DataError(f"{path}: its name must begin with the split that it holds: {error}") from error
    return tuple(sorted(parts, key=lambda part: ("train", "valid", "test").index(part.split or "train")))


def _card(folder: Path) -> Card | None:
    """The card in a folder that `export` wrote, whatever the folder's name."""
    path = folder / "card.toml"
    try:
        return Card.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as TOML ({error}). Correct it, or remove it to go without.") from error
    except ValidationError as error:
        raise DataError(
            f"{path} is no valid card: {describe_invalid(error)} Correct it, or remove it to go without."
        ) from error


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from error
    except pa.ArrowException as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path} is no Parquet file, or damaged ({reason}).") from error


def _is_list_of_numbers(kind: pa.DataType) -> bool:
    return _is_list(kind) and (pa.types.is_integer(kind.value_type) or pa.types.is_boolean(kind.value_type))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _about(there: pa.Schema, role: Roles) -> dict[str, pa.DataType]:
    """The further columns that can be kept, by the names that they get, and the planted motifs."""
    names = {column: name for name, column in role.about.items()}
    used = {role.sequence, role.label, role.split}
    about: dict[str, pa.DataType] = {}
    for field in there:
        name = names.get(field.name, field.name)
        if field.name in used or name in BASE or not _COLUMN.fullmatch(name) or name in about:
            continue
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if name == "motifs":
            if field.type == _MOTIFS:
                about[name] = _MOTIFS
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            about[name] = pa.string()
        elif pa.types.is_integer(kind):
            about[name] = pa.string() if name in ("id", "chrom") else pa.int64()
    return about


def _blocks(
    found: Sequence[tuple[Given, Roles, pa.Schema]], columns: pa.Schema, noticed: Noticed
) -> Iterator[pa.RecordBatch]:
    for given, role, there in found:
        source = {"sequence": role.sequence, "label": role.label, "split": role.split}
        source |= {name: role.about.get(name, name) for name in columns.names[len(BASE) :]}
        missing = [column for column in source.values() if column is not None and column not in there.names]
        if missing:
            raise DataError(f"{given.path} has no column {missing[0]!r}, and {found[0][0].path} has one.")
        parquet = _open(given.path)
        wanted = [column for column in source.values() if column]
        try:
            for batch in parquet.iter_batches(_batch_rows(parquet), columns=wanted):
                yield _block(batch, source, columns, given, noticed)
        except (OSError, pa.ArrowException) as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(f"{given.path} cannot be read as sequences and labels: {reason}.") from error
        except DataError as error:
            raise DataError(f"{given.path}: {error}") from error


def _batch_rows(parquet: pq.ParquetFile) -> int:
    metadata = parquet.metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    return piece_rows(max((group.total_byte_size // max(1, group.num_rows) for group in groups), default=1))


def _block(
    batch: pa.RecordBatch, source: dict[str, str | None], columns: pa.Schema, given: Given, noticed: Noticed
) -> pa.RecordBatch:
    arrays = []
    for field in columns:
        column = source[field.name]
        if column is None:
            constant = given.label if field.name == "label" else given.split
            arrays.append(pa.array([constant] * len(batch), field.type))
            continue
        array = batch.column(column)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if field.name in BASE and array.null_count:
            raise DataError(f"column {column!r} has no value for {array.null_count} sequences.")
        if field.name == "sequence":
            array = _sequences(array.cast(pa.string()), column, noticed)
        elif field.name == "label" and field.type == pa.string():
            array = _texts(array, column)
        elif field.name == "split":
            array = pa.array([split_name(str(value)) for value in array.to_pylist()], pa.string())
        arrays.append(array.cast(field.type))
    return pa.record_batch(arrays, schema=columns)


def _sequences(array: pa.Array, column: str, noticed: Noticed) -> pa.Array:
    values = array.to_pylist()
    for value in values:
        try:
            check_dna(value)
        except DataError as error:
            raise DataError(f"column {column!r}: {error}") from error
    upper = pc.utf8_upper(array)
    if not upper.equals(array):
        noticed.masked += sum(sum(map(str.islower, value)) for value in values)
    return upper


def _texts(array: pa.Array, column: str) -> pa.Array:
    """Labels as text: numbers as whole numbers, lists of names with commas between them."""
    kind = array.type
    if pa.types.is_boolean(kind):
        return array.cast(pa.int8()).cast(pa.string())
    if pa.types.is_floating(kind):
        try:
            return array.cast(pa.int64()).cast(pa.string())
        except pa.ArrowInvalid as error:
            raise DataError(
                f"column {column!r} holds fractions: labels are classes. Turn measurements into 0 and 1 first."
            ) from error
    if _is_list(kind):
        return pa.array([",".join(map(str, value)) for value in array.to_pylist()], pa.string())
    return array.cast(pa.string())
