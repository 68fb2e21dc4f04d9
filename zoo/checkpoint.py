"""A training run on disk: one safetensors file, replaced atomically after every epoch.

Tensors are the network's state (`model.*`) and Adam's (`adam.<parameter>.*`); everything else is JSON in the
file's metadata, with a hash of all that. No pickle, so a checkpoint from someone else runs nothing.
"""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ..errors import ModelError
from ..files import atomic_path
from .schedule import Epoch, Schedule
from .weights import content_hash

Precision = Literal["float32", "tf32", "bfloat16"]
_DTYPES: Final = (torch.float32, torch.int64)  # of all that is in a checkpoint


class RunState(BaseModel):
    """Everything about a run but its tensors.

    stacked: whether it trained in a stack, which rounds otherwise than training alone; None for both in turn.
    torch: the version of PyTorch it trains with; None in checkpoints that are older than this field.
    precision: what layers behind the first activation compute in; only stacks have another than float32.
    """

    model_config = ConfigDict(extra="forbid", ser_json_inf_nan="constants")

    recipe: str
    seed: int
    data: str
    device: str
    schedule: Schedule
    history: list[Epoch] = []
    seconds: float = 0.0
    stacked: bool | None = None
    torch: str | None = None
    precision: Precision = "float32"

    @property
    def diverged(self) -> bool:
        """Whether the last epoch's loss is not a number, or infinite: weights do not come back from that."""
        return bool(self.history) and not math.isfinite(self.history[-1].loss)

    def epochs_left(self, epochs: int) -> int:
        """Epochs left to train, at most, of so many; 0 for a run that has ended."""
        return 0 if self.schedule.stopped or self.diverged else max(0, epochs - len(self.history))


def save(path: Path, state: RunState, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Write a run atomically; raises CacheError when the folder refuses."""
    tensors = {f"model.{name}": value for name, value in network.state_dict().items()}
    names: dict[Tensor, str] = {parameter: name for name, parameter in network.named_parameters()}
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            tensors[f"adam.{names[parameter]}.{key}"] = value
    write(path, state, tensors)


def write(path: Path, state: RunState, tensors: Mapping[str, Tensor]) -> None:
    """Write a run's state and tensors, named as in the file, atomically; raises CacheError when the folder refuses."""
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    told = state.model_dump_json()
    with atomic_path(path) as temporary:
        try:
            save_file(stored, temporary, metadata={"state": told, "sha256_all": _hash_all(told, stored)})
        except SafetensorError as error:  # what it makes of a full disk
            raise OSError(str(error)) from error


def read_state(path: Path) -> RunState:
    """The JSON part of a checkpoint. Raises ModelError when the file is not a whole checkpoint."""
    return read(path)[0]


def restore(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer) -> RunState:
    """Put a checkpoint's weights and Adam state into `network` and `optimizer`, on their device."""
    state, tensors = load(path, network)
    for name, parameter in network.named_parameters():
        # Adam keeps its step count on the CPU and its moments beside the parameter.
        optimizer.state[parameter] = {
            key: value if key == "step" else value.to(parameter.device)
            for key, value in _adam_of(name, tensors).items()
        }
    return state


def load(path: Path, network: nn.Module) -> tuple[RunState, dict[str, Tensor]]:
    """Put a checkpoint's weights into `network`; its state, and all its tensors as they are in the file.

    Raises ModelError when the file is not a whole checkpoint of such a network.
    """
    state, tensors = read(path)
    try:
        network.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    except RuntimeError as error:
        raise ModelError(f"checkpoint {path} does not fit this network: {error}") from error
    for name, value in network.state_dict().items():
        _check_like(path, f"model.{name}", tensors, value)  # load_state_dict would convert another type without a word
    for name, parameter in network.named_parameters():
        if _adam_of(name, tensors).keys() != {"step", "exp_avg", "exp_avg_sq"}:
            raise ModelError(f"checkpoint {path} lacks Adam's state of {name!r}. Delete it to start over.")
        for moment in ("exp_avg", "exp_avg_sq"):
            _check_like(path, f"adam.{name}.{moment}", tensors, parameter)
        _check_like(path, f"adam.{name}.step", tensors, torch.zeros(()))
        step = float(tensors[f"adam.{name}.step"])
        if step < 0 or not step.is_integer():
            raise ModelError(f"checkpoint {path} counts {step:g} steps of {name!r}. Delete it to start over.")
    return state, tensors


def _check_like(path: Path, name: str, tensors: Mapping[str, Tensor], wanted: Tensor) -> None:
    found = tensors[name]
    if (found.shape, found.dtype) != (wanted.shape, wanted.dtype):
        raise ModelError(
            f"checkpoint {path} has {name!r} as {_type_of(found)}, which must be {_type_of(wanted)}. Delete it to "
            "start over."
        )


def _type_of(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _adam_of(parameter: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    prefix = f"adam.{parameter}."
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


def read(path: Path) -> tuple[RunState, dict[str, Tensor]]:
    """A checkpoint's state and tensors, named as in the file. Raises ModelError when it is not a whole checkpoint."""
    try:
        with path.open("rb") as stream:
            stream.read(1)  # of a file that may not be read, safetensors says that there is none
        with safe_open(path, framework="pt") as handle:
            facts = handle.metadata() or {}
            state = RunState.model_validate_json(facts.get("state", ""))
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
    except (SafetensorError, ValidationError) as error:
        raise ModelError(
            f"{path} is not a readable training checkpoint. Delete it to train this trial from the start."
        ) from error
    except OSError as error:
        raise ModelError(
            f"cannot read checkpoint {path}: {error.strerror or error}. It may be whole: try again when it can be read."
        ) from error
    _check_hash(path, facts, tensors)
    return state, tensors


def _check_hash(path: Path, facts: Mapping[str, str], tensors: Mapping[str, Tensor]) -> None:
    """Raise ModelError for other content than was written. Older checkpoints have a hash of their tensors, or none."""
    kept = facts.keys() & {"sha256_all", "sha256"}
    for name, value in tensors.items():
        if kept and value.dtype not in _DTYPES:
            raise ModelError(
                f"checkpoint {path} has {name!r} as {_type_of(value)}, and checkpoints have float32 and int64 only. "
                "Delete it to start over."
            )
    if "sha256_all" in facts:
        whole = facts["sha256_all"] == _hash_all(facts["state"], tensors)
    else:
        whole = "sha256" not in facts or facts["sha256"] == _hash(tensors)
    if not whole:
        raise ModelError(f"checkpoint {path} is damaged: its content is not what was written. Delete it to start over.")


def _hash(tensors: Mapping[str, Tensor]) -> str:
    return content_hash({name: value.numpy() for name, value in tensors.items()})


def _hash_all(state: str, tensors: Mapping[str, Tensor]) -> str:
    return hashlib.sha256(f"{_hash(tensors)}\0{state}".encode()).hexdigest()
