"""Where models come from: a name among the packaged ones, or the path of a model folder."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import ModelError, UnknownNameError, unknown_name

if TYPE_CHECKING:
    from .config import ModelConfig

PRETRAINED = Path(__file__).parent / "pretrained"


class TrialName(NamedTuple):
    """A model name (or folder path) and a trial number, None when none was given."""

    model: str
    trial: int | None


@dataclass(frozen=True)
class Source:
    """One trial of a model on disk: what the user typed, the model folder, its config, the trial's number."""

    given: str
    folder: Path
    config: "ModelConfig"
    trial: int

    @property
    def weights(self) -> Path:
        """The trial's safetensors file."""
        return weights_path(self.folder, self.trial)

    @property
    def sha256(self) -> str:
        """The content hash that config.json states for the trial's tensors."""
        return self.config.trial(self.trial).sha256

    @property
    def name(self) -> str:
        """`NAME:TRIAL`."""
        return f"{self.config.name}:{self.trial}"


def split_trial(text: str) -> TrialName:
    """`NAME` or `NAME:TRIAL`. Raises UnknownNameError when what follows the colon is not a trial number."""
    model, colon, trial = text.rpartition(":")
    if not colon:
        return TrialName(text, None)
    if not re.fullmatch(r"[0-9]{1,6}", trial):
        raise UnknownNameError(f"{trial!r} in {text!r} is not a trial: write NAME or NAME:0, NAME:1, ...")
    return TrialName(model, int(trial))


def weights_path(folder: Path, trial: int) -> Path:
    """`model.safetensors` for trial 0, `trial-k/model.safetensors` for trial k."""
    return folder / "model.safetensors" if trial == 0 else folder / f"trial-{trial}" / "model.safetensors"


@cache
def _packaged() -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted(PRETRAINED.glob("*/config.json"))}


def list_models(pattern: str = "*") -> list[str]:
    """Names of the packaged models that match a shell-style pattern such as `*-exponential.*`, sorted."""
    return [name for name in _packaged() if fnmatchcase(name, pattern)]


def find(text: str) -> Source:
    """The trial that `NAME`, `NAME:TRIAL`, `FOLDER` or `FOLDER:TRIAL` means; the trial is 0 unless given.

    What looks like a path (it holds a separator or starts with a dot), or names no packaged model but an existing
    folder, is a folder. Raises UnknownNameError or ModelError.
    """
    from .config import read_config

    if Path(text).is_dir() and text not in _packaged():
        model, number = text, None  # a folder whose name holds a colon
    else:
        model, number = split_trial(text)
    packaged = _packaged()
    if model in packaged:
        folder = packaged[model]
    else:
        folder = Path(model).expanduser()
        if not folder.is_dir():
            if "/" in model or "\\" in model or model.startswith((".", "~")):
                raise ModelError(f"model folder {model} does not exist.")
            raise unknown_name("model", model, packaged, hint="`motifzoo models` lists them.")
    config = read_config(folder)
    trial = number if number is not None else min(entry.trial for entry in config.trials)
    config.trial(trial)
    return Source(text, folder, config, trial)
