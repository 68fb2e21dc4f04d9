"""Everything that is checked about a submission before anything is computed from it.

`staging.copy_in` makes a private copy; `check_folder` reads the copy; `check_against` asks whether the board has room
for it. All three list every reason that they find.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ....errors import ModelError
from ....zoo.config import ModelConfig, read_config
from ....zoo.model_card.curve import read_history
from ....zoo.model_card.scores import read_scores
from ....zoo.sources import PRETRAINED, weights_path
from ..boards import Snapshot
from .configs import check_config, load_config, parse_strictly
from .limits import LIMITS, Limits, printable, refusal
from .listing import CONFIG, HISTORY, README, WEIGHTS, check_listing, list_folder
from .texts import check_readme, check_svg, check_text
from .trials import check_trials

_LOOKALIKES: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "5": "s", "_": "-"})


def check_folder(folder: Path, *, limits: Limits = LIMITS) -> ModelConfig:
    """The config of a submission in which everything is in order: files, config, network, weights, texts.

    folder: a copy that nobody else writes to (`staging.copy_in`). Nothing of it is executed, and nothing is read before
    its size is known. Raises BoardError listing every reason for which it is refused.
    """
    what = f"submission {printable(folder.name)}"
    try:
        found, reasons = list_folder(folder)
        reasons += check_listing({path: status.st_size for path, status in found.items()}, limits)
        if reasons:
            raise refusal(what, reasons)
        config, reasons = load_config(folder)
        if config is not None:
            reasons += check_config(config, limits)
            # The weights of a network that is refused for its size are not read.
            reasons += _check_files(folder, found, config) or ([] if reasons else check_trials(folder, config))
        for path in found:
            reasons += _check_text_file(folder, path, config, limits)
    except OSError as error:
        raise refusal(what, [f"it cannot be read: {error.strerror}."]) from error
    if reasons or config is None:
        raise refusal(what, reasons)
    return config


def _check_files(folder: Path, found: Mapping[str, object], config: ModelConfig) -> list[str]:
    """Whether the weights files are those of the config's trials."""
    expected = {
        weights_path(folder, trial.trial).relative_to(folder).as_posix(): trial.trial for trial in config.trials
    }
    reasons = [
        f"{path}, the weights of trial {trial}, is missing." for path, trial in expected.items() if path not in found
    ]
    folders = {path.rpartition("/")[0] for path in expected}
    for path in found:
        if (WEIGHTS.fullmatch(path) or HISTORY.fullmatch(path)) and path.rpartition("/")[0] not in folders:
            reasons.append(f"{path} is of a trial that config.json does not have.")
    return reasons


def _check_text_file(folder: Path, path: str, config: ModelConfig | None, limits: Limits) -> list[str]:
    if path == CONFIG or path.endswith(".safetensors"):
        return []
    content = (folder / path).read_bytes()
    if path == README:
        return check_readme(content, config.licence if config else None, limits)
    if path.endswith(".svg"):
        return check_svg(path, content)
    reasons = check_text(path, content)
    if reasons or config is None or not path.endswith(".json"):
        return reasons
    try:
        if HISTORY.fullmatch(path):
            read_history((folder / path).parent)
        else:
            parse_strictly(content)
            read_scores(folder, config)
    except (ModelError, ValueError, RecursionError) as error:
        reasons.append(f"{path}: {printable(str(error).replace(f'{folder}/', ''), 500)}")
    return reasons


def check_against(config: ModelConfig, submitter: str, snapshot: Snapshot) -> None:
    """Raise BoardError, listing every reason, when a board cannot take the model: its name, or its weights, are there.

    A model on the board is never edited: a better one has another name. Names that a reader would take for one that is
    there (l and 1, o and 0, - and _) are not free, and neither are those of the packaged models.
    """
    benchmark = f"{config.dataset.name}@{config.dataset.version}"
    hashes = {trial.sha256: trial.trial for trial in config.trials}
    reasons = []
    for record in snapshot.records.values():
        if record.model == config.name and (record.benchmark == benchmark or record.submitter != submitter):
            owner = "you" if record.submitter == submitter else printable(record.submitter)
            reasons.append(
                f"the name {config.name} is on the board already, submitted by {owner}. What is there is never edited: "
                "choose another name."
            )
        elif record.model != config.name and _fold(record.model) == _fold(config.name):
            reasons.append(f"the name {config.name} looks like {record.model}, which is on the board. Choose another.")
        if record.benchmark == benchmark and record.model_sha256 in hashes:
            reasons.append(
                f"the weights of trial {hashes[record.model_sha256]} are those of {record.model}:{record.trial}, which "
                f"is on the board for {benchmark} already."
            )
    reasons += _against_packaged(config, hashes)
    if reasons:
        raise refusal(f"submission {config.name}", list(dict.fromkeys(reasons)))


def _against_packaged(config: ModelConfig, hashes: Mapping[str, int]) -> list[str]:
    """Whether the model is one that comes with motifzoo under another name, or another under the name of one."""
    packaged = {
        path.parent.name: {trial.sha256: trial.trial for trial in read_config(path.parent).trials}
        for path in sorted(PRETRAINED.glob(f"*.{config.dataset.name}/config.json"))
    }
    # A packaged model itself may share weights with another: see `boards.admission`.
    if hashes.keys() <= packaged.get(config.name, {}).keys():
        return []
    reasons = []
    for name, theirs in packaged.items():
        if name == config.name:
            reasons.append(f"the name {name} belongs to a model that comes with motifzoo. Choose another.")
            continue
        if _fold(name) == _fold(config.name):
            reasons.append(f"the name {config.name} looks like {name}, which comes with motifzoo. Choose another.")
        reasons += [
            f"the weights of trial {hashes[digest]} are those of {name}:{theirs[digest]}, which comes with motifzoo."
            for digest in sorted(hashes.keys() & theirs.keys())
        ]
    return reasons


def _fold(name: str) -> str:
    return name.translate(_LOOKALIKES).replace("rn", "m").replace("vv", "w")
