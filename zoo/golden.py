"""golden.safetensors: what a model gives for eight sequences, so that any machine can tell whether it still does.

The file stands in the model folder, for the folder's first trial. Its tensors are the values; one metadata entry says
what they were computed from and with, the sequences included, so nothing else is needed to compute them again.

| tensor | content |
|---|---|
| `logits` (8, C) | the outputs before the sigmoid |
| `maxima` (F,) | the largest value of each filter's map, over the filter sequences |
| `counts` (F, 4, 20) | the filter matrices: nucleotides of the windows aligned to each filter's sites there |
| `saliency`, `mutagenesis`, `integrated_gradients`, `deepshap` (8, L) | each position's score, for the first output |

All are float32. The filter sequences are the eight and `SHUFFLES` shuffles of each, by the generator that draws the
references of the attribution methods: eight alone would leave many filters without a window.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from ..data_cards.onehot import Codes, encode
from ..errors import ModelError, describe_invalid
from .config import ModelConfig, Sha256, Text, visible
from .shapes import plan
from .weights import Arrays, content_hash, read_weights, save_arrays

GOLDEN: Final = "golden.safetensors"
FORMAT: Final = 1
SEQUENCES: Final = 8
SHUFFLES: Final = 31
COLUMNS: Final = 20  # of a filter's matrix
METHODS: Final = ("saliency", "mutagenesis", "integrated_gradients", "deepshap")
_KEY: Final = "golden"
_MAX_FILE_BYTES = 10_000_000
MOST_ROUNDING: Final = 0.01  # ten times any packaged model's: what rounds further has no digits to compare


Reason = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(visible)]


class GoldenFacts(BaseModel):
    """What golden values were computed from and with.

    sha256: the content hash of the trial's weights. values: `seal`, that of the tensors and of all other facts, so that
    damage is told from drift. left_out: the tensors that the file lacks, each with the reason in words. rounding: how
    far tensors were from the same in float64, as `evaluate.drift` measures it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = FORMAT
    model: Text
    trial: Annotated[int, Field(ge=0)]
    sha256: Sha256
    values: Sha256
    protocol: int
    sequences: Annotated[tuple[Annotated[str, Field(pattern="^[ACGT]+$")], ...], Field(min_length=1, max_length=1000)]
    versions: Mapping[Text, Text]
    device: Text
    left_out: Mapping[Text, Reason] = {}
    rounding: Mapping[str, Annotated[float, Field(ge=0, le=MOST_ROUNDING, allow_inf_nan=False)]] = {}


class Golden(NamedTuple):
    """A model's golden values: the facts, and the tensors by name."""

    facts: GoldenFacts
    arrays: Arrays

    @property
    def codes(self) -> Codes:
        """The sequences, uint8 `(8, L)`."""
        return encode(self.facts.sequences)


def seal(facts: GoldenFacts, arrays: Arrays) -> str:
    """The content hash of golden values and of all that is said of them."""
    told = json.dumps(facts.model_dump(mode="json", exclude={"values"}), sort_keys=True).encode()
    return content_hash({**arrays, "facts": np.frombuffer(told, np.uint8).astype(np.int64)})


def write_golden(golden: Golden, folder: Path) -> Path:
    """Write a model folder's golden values atomically; returns the file's path. Raises CacheError when it refuses."""
    path = folder / GOLDEN
    save_arrays(golden.arrays, path, (_KEY, golden.facts.model_dump_json()))
    return path


def read_golden(folder: Path, config: ModelConfig) -> Golden | None:
    """A model folder's golden values; None where it has no such file.

    As strict as reading weights: raises ModelError for a file that is damaged, of a newer format, with unknown fields
    or tensors of other shapes than the model's, or about another model or weights than config.json states.
    """
    path = folder / GOLDEN
    if not path.exists():
        return None
    if path.is_file() and path.stat().st_size > _MAX_FILE_BYTES:
        raise ModelError(f"{path} is larger than {_MAX_FILE_BYTES:,} bytes, which no golden values need.")
    arrays = read_weights(path)
    golden = Golden(_read_facts(path), arrays)
    _check_origin(path, golden.facts, config)
    _check_shapes(path, golden, config)
    if seal(golden.facts, arrays) != golden.facts.values:
        raise ModelError(f"{path} is damaged: its values are not those that were written. Fetch the model again.")
    return golden


def _read_facts(path: Path) -> GoldenFacts:
    try:
        with safe_open(path, framework="numpy") as handle:
            text = (handle.metadata() or {}).get(_KEY)
        if text is None:
            raise ModelError(f"{path} does not say what its values are of: it is no file of golden values.")
        found = json.loads(text)
        written = found.get("format") if isinstance(found, dict) else None
        if isinstance(written, int) and written > FORMAT:
            raise ModelError(
                f"{path} has format {written} and this version of motifzoo knows formats up to {FORMAT}: update it."
            )
        return GoldenFacts.model_validate(found)
    except (SafetensorError, ValueError, RecursionError, OSError) as error:
        what = describe_invalid(error) if isinstance(error, ValidationError) else f"{error}."
        raise ModelError(f"{path} is not valid: {what}") from error


def _check_origin(path: Path, facts: GoldenFacts, config: ModelConfig) -> None:
    if facts.model != config.name:
        raise ModelError(f"{path} has the golden values of {facts.model!r}, and the folder holds {config.name!r}.")
    if facts.sha256 != config.trial(facts.trial).sha256:
        raise ModelError(
            f"{path} is of other weights of trial {facts.trial} than config.json states. Compute it anew: "
            "python -m motifzoo.evaluate.golden FOLDER"
        )


def _check_shapes(path: Path, golden: Golden, config: ModelConfig) -> None:
    lengths = {len(sequence) for sequence in golden.facts.sequences}
    if lengths != {config.input_length}:
        given = " and ".join(map(str, sorted(lengths)))
        raise ModelError(f"{path} has sequences of {given} nt and the model reads {config.input_length}.")
    shapes = expected_shapes(config, len(golden.facts.sequences))
    found = [*golden.arrays, *golden.facts.left_out]
    if sorted(found) != sorted(shapes):
        raise ModelError(
            f"{path} has or leaves out {', '.join(sorted(found))}; it must do so with each of "
            f"{', '.join(sorted(shapes))}, once."
        )
    for name, array in golden.arrays.items():
        if array.dtype != np.float32 or array.shape != shapes[name]:
            raise ModelError(
                f"tensor {name!r} in {path} is {array.dtype} {list(array.shape)} and the model makes it float32 "
                f"{list(shapes[name])}."
            )


def expected_shapes(config: ModelConfig, sequences: int = SEQUENCES) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor in a model's golden file."""
    shapes: Any = plan(config.layers, config.input_length).shapes
    filters = shapes[[layer.name for layer in config.layers].index(config.filter_layer)][0]
    return {
        "logits": (sequences, len(config.outputs)),
        "maxima": (filters,),
        "counts": (filters, 4, COLUMNS),
        **dict.fromkeys(METHODS, (sequences, config.input_length)),
    }
