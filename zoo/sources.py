"""Where models come from: a name among the packaged ones, the path of a model folder, or a repository on a hub."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import ModelError, UnknownNameError, unknown_name
from .hub.address import SCHEME

if TYPE_CHECKING:
    from .config import ModelConfig

PRETRAINED = Path(__file__).parent / "pretrained"
ELSEWHERE: Final = (
    "one trial of each main model. Clone the repository and set MOTIFZOO_MODELS to its folder zoo/pretrained, which "
    "holds all trials of all models."
)


class TrialName(NamedTuple):
    """A model name (or folder path) and a trial number, None when none was given."""

    model: str
    trial: int | None


@dataclass(frozen=True)
class Source:
    """One trial of a model on disk: what to type for it, the model folder, its config, the trial's number.

    `given` is what the user typed, except that a revision on a hub is pinned: it means the same weights for ever.
    """

    given: str
    folder: Path
    config: "ModelConfig"
    trial: int

    @property
    def weights(self) -> Path:
        """The trial's safetensors file."""
        return weights_path(self.folder, self.trial)

    @property
    def is_left_out(self) -> bool:
        """Whether this is a packaged trial without weights: an installed package has those of the main models only."""
        return self.folder.parent == PRETRAINED and not self.weights.exists()

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
    scheme, name = (SCHEME, text.removeprefix(SCHEME)) if text.startswith(SCHEME) else ("", text)
    model, colon, trial = name.rpartition(":")
    if not colon:
        return TrialName(text, None)
    if not re.fullmatch(r"[0-9]{1,6}", trial):
        raise UnknownNameError(f"{trial!r} in {text!r} is not a trial: write NAME or NAME:0, NAME:1, ...")
    return TrialName(scheme + model, int(trial))


def weights_path(folder: Path, trial: int) -> Path:
    """`model.safetensors` for trial 0, `trial-k/model.safetensors` for trial k."""
    return folder / "model.safetensors" if trial == 0 else folder / f"trial-{trial}" / "model.safetensors"


@cache
def _models_in(folder: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted(folder.glob("*/config.json"))}


def _named(*, packaged: bool = False) -> dict[str, Path]:
    """Model folders by name: the packaged ones and, unless only those are asked for, before them $MOTIFZOO_MODELS'."""
    named = _models_in(PRETRAINED)
    chosen = os.environ.get("MOTIFZOO_MODELS")
    if packaged or not chosen:
        return named
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise ModelError(f"MOTIFZOO_MODELS is {chosen}, which is no folder. Set it to a folder of model folders.")
    return named | _models_in(folder)


def list_models(pattern: str = "*") -> list[str]:
    """Names of the models that match a shell-style pattern such as `*-exponential.*`, sorted.

    They are the packaged ones and those in the folder that MOTIFZOO_MODELS names.
    """
    return [name for name in sorted(_named()) if fnmatchcase(name, pattern)]


def matching_names(patterns: Iterable[str], *, packaged: bool = False) -> list[str]:
    """Names of the models that any of the patterns matches, each once, pattern by pattern; all without a pattern.

    packaged: of the packaged ones only, not of those in the folder that MOTIFZOO_MODELS names.
    Raises ModelError for a pattern that matches none.
    """
    known = sorted(_named(packaged=packaged))
    names: dict[str, None] = {}
    for pattern in tuple(patterns) or ("*",):
        matching = [name for name in known if fnmatchcase(name, pattern)]
        if not matching:
            kind = "packaged model" if packaged else "model"
            raise ModelError(f"no {kind} matches {pattern!r}. `motifzoo models` lists them.")
        names |= dict.fromkeys(matching)
    return list(names)


def is_pattern(text: str) -> bool:
    """Whether a text means the names that it matches, rather than one name or folder."""
    return any(letter in text for letter in "*?[") and not Path(text).exists()


def find(text: str, *, weights: bool = True, packaged: bool = False) -> Source:
    """The trial that `NAME`, `FOLDER` or `hf://org/name[@revision]` means, `:TRIAL` after it; the first unless given.

    What looks like a path (it holds a separator or starts with a dot), or names no packaged model but an existing
    folder, is a folder. A model on a hub is fetched, this trial's weights only.

    weights: False for a packaged trial whose weights need not be on this machine (its config and scores always are).
    packaged: whether names are those of packaged models, even where MOTIFZOO_MODELS has another model of that name.
    Raises UnknownNameError, ModelError or HubError.
    """
    from .config import read_config

    if text.startswith(SCHEME):
        from .hub.models import fetch_trial

        fetched = fetch_trial(*split_trial(text))
        return Source(f"{fetched.address}:{fetched.trial}", fetched.folder, fetched.config, fetched.trial)
    named = _named(packaged=packaged)
    if Path(text).is_dir() and text not in named:
        model, number = text, None  # a folder whose name holds a colon
    else:
        model, number = split_trial(text)
    if model in named:
        folder = named[model]
    else:
        folder = Path(model).expanduser()
        if not folder.is_dir():
            if "/" in model or "\\" in model or model.startswith((".", "~")):
                what = "is a file, not the folder of a model" if folder.is_file() else "does not exist"
                raise ModelError(f"model folder {model} {what}.")
            raise unknown_name("model", model, named, hint="`motifzoo models` lists them.")
    config = read_config(folder)
    trial = number if number is not None else min(entry.trial for entry in config.trials)
    config.trial(trial)
    source = Source(text, folder, config, trial)
    if weights and source.is_left_out:
        raise ModelError(f"trial {trial} of {model} is not part of this installation, which holds {ELSEWHERE}")
    return source
