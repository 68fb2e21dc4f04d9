"""What a model's own page shows of a trial beyond its record: result, filters, hits, and the first attribution maps.

They lie in the store beside the record, in `results/<benchmark>/<model>/trial-<k>/`:

| file | content |
|---|---|
| `result.json` | the `results.Result`; its `files` name the three below by their own hashes |
| `filters.meme` | the clipped matrix of every filter that has one |
| `hits.tsv` | every filter-motif match with E <= 0.1, Tomtom's columns |
| `maps.safetensors` | the first sequences of `attribution.safetensors` (see `results`), information as float32 |
"""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
import safetensors.numpy

from ...errors import BoardError
from ..report.sides import FILTERS, HITS, Attribution, read_side_files
from ..results import Result, SideFile

RESULT: Final = "result.json"
MAPS: Final = "maps.safetensors"
MAPPED_SEQUENCES: Final = 4
MAX_MAPS_BYTES: Final = 4_000_000
MAX_DETAIL_BYTES: Final = 8_000_000  # of any of the four files

_ABOUT = ("rows", "outputs", "codes", "information")


def details_prefix(result: Result) -> str:
    """Where in the store the details of a result lie, with a slash at the end."""
    return f"results/{result.benchmark}/{result.model}/trial-{result.trial}/"


def details(result: Result, folder: Path) -> dict[str, bytes]:
    """The files of a result's page by their path in the store, from the side files in `folder`.

    A kind of score that the benchmark lacks has no file. Raises MotifzooError for a side file that is missing or is not
    the one that the result was written with.
    """
    found = read_side_files(result, folder)
    files: dict[str, tuple[str, bytes]] = {}
    if found.filters is not None:
        files["filters"] = (FILTERS, (folder / FILTERS).read_bytes())
        files["hits"] = (HITS, (folder / HITS).read_bytes())
    if found.attribution is not None:
        files["maps"] = (MAPS, write_maps(found.attribution))
    sides = {
        kind: SideFile(name=name, sha256=hashlib.sha256(content).hexdigest()) for kind, (name, content) in files.items()
    }
    text = result.model_copy(update={"files": sides}).model_dump_json(indent=1) + "\n"
    prefix = details_prefix(result)
    return {prefix + RESULT: text.encode(), **{prefix + name: content for name, content in files.values()}}


def write_maps(found: Attribution, sequences: int = MAPPED_SEQUENCES) -> bytes:
    """The safetensors file of the first `sequences` of what was explained."""
    kept = slice(sequences)
    arrays = {
        "rows": found.rows[kept],
        "outputs": found.outputs[kept],
        "codes": found.codes[kept],
        "information": found.information[kept].astype(np.float32),
        **{method: maps[kept] for method, maps in found.maps.items()},
    }
    content: bytes = safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return content


def read_maps(content: bytes, where: str) -> Attribution:
    """What `write_maps` wrote. A submitter's file is as good as any: raises BoardError, naming `where`, for another."""
    if len(content) > MAX_MAPS_BYTES:
        raise BoardError(f"{where} has {len(content):,} bytes; maps have at most {MAX_MAPS_BYTES:,}.")
    try:
        arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise BoardError(f"{where} is not a safetensors file: {error}.") from error
    if missing := [name for name in _ABOUT if name not in arrays]:
        raise BoardError(f"{where} has no tensor {' or '.join(missing)}.")
    rows, outputs, codes, information = (arrays.pop(name) for name in _ABOUT)
    shape = (len(rows) if rows.ndim == 1 else -1, codes.shape[-1] if codes.ndim else -1)
    for name, array in {"codes": codes, "information": information, **arrays}.items():
        if array.shape != shape:
            raise BoardError(f"{where} has {name} of shape {array.shape}; its rows and codes say {shape}.")
    if outputs.shape != rows.shape or codes.dtype != np.uint8 or rows.dtype != np.int64 or outputs.dtype != np.int64:
        raise BoardError(f"{where} must hold rows and outputs as int64 of one length, and codes as uint8.")
    if any(array.dtype != np.float32 for array in (information, *arrays.values())):
        raise BoardError(f"{where} must hold information and maps as float32.")
    return Attribution(rows, outputs, codes, information.astype(np.float64), arrays)
