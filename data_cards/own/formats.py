"""What a user's files are, found out from their content, and the reader of each kind."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ...errors import DataError
from ..readers.text import kind_of, lines, read_head
from . import fasta_rows, h5_rows, parquet_rows, table_rows
from .label_table import LabelTable
from .request import Format, Given, Request
from .rows import Intake

_LABELLED: Final = ("fasta",)  # formats that a table of labels can be for
_BINARY: Final = {".h5": "HDF5", ".hdf5": "HDF5", ".parquet": "Parquet"}  # of which no text file has the name


def detect(path: Path) -> Format:
    """What a file or folder is. Raises DataError for one that cannot be read."""
    if path.is_dir():
        return "parquet"
    kind = kind_of(read_head(path))
    if kind == "an HDF5 file":
        return "basset-h5" if h5_rows.is_basset(path) else "authors-h5"
    if kind == "a Parquet file":
        return "parquet"
    if kind is None and (said := _BINARY.get(path.suffix.lower())):
        raise DataError(f"{path} has the name of {said} files and is none: it is damaged, or misnamed.")
    begin = next((line.lstrip()[0] for line in itertools.islice(lines(path), 1000) if line.strip()), "")
    return "fasta" if begin == ">" else "table"


def intake(request: Request) -> Intake:
    """The rows of the files asked for. Raises DataError when they cannot be read, as far as that shows at once."""
    files = request.files()
    kinds = {given.path: request.format or detect(given.path) for given in files}
    if len(set(kinds.values())) > 1:
        each = ", ".join(f"{path} is {kind}" for path, kind in kinds.items())
        raise DataError(f"the files must have one format: {each}.")
    kind = next(iter(kinds.values()))
    if request.label_from is not None and kind not in _LABELLED:
        raise DataError(
            f"{files[0].path} is {kind}, which holds its labels itself; --label-from is for FASTA. The column of a "
            "table is named with --label-column."
        )
    return _intake(kind, files, request)


def _intake(kind: Format, files: Sequence[Given], request: Request) -> Intake:
    if kind == "fasta":
        table = None if request.label_from is None else LabelTable(request.label_from)
        return fasta_rows.intake(files, table, use_splits=request.splits_stated)
    if kind == "table":
        return table_rows.intake(files, request)
    if kind == "parquet":
        return parquet_rows.intake(files, request)
    if len(files) > 1:
        raise DataError(f"{files[0].path} is HDF5, and has all splits and labels in it: give it alone.")
    return h5_rows.intake(files[0].path, request, basset=kind == "basset-h5")
