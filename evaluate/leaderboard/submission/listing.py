"""Which files a submission may hold, told from names and sizes alone, before any is read."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ....zoo.config import MAX_CONFIG_BYTES
from .limits import LIMITS, Limits, printable

README: Final = "README.md"
CONFIG: Final = "config.json"
_TRIAL: Final = r"(trial-[1-9][0-9]{0,5}/)?"
WEIGHTS: Final = re.compile(rf"{_TRIAL}model\.safetensors")
HISTORY: Final = re.compile(rf"{_TRIAL}training\.json")
# What motifzoo makes anew: a submitter's own is checked and then replaced.
GENERATED: Final = (README, "scores.json", "filters.svg", "learning-curve.svg")
# What a Hugging Face model repo or a packaged model holds beside that; never copied to a board.
_BESIDE: Final = re.compile(r"\.gitattributes|\.eval_results/[a-z0-9@-]{1,90}\.yaml|golden\.safetensors")
_FOLDER: Final = re.compile(r"trial-[1-9][0-9]{0,5}|\.eval_results")
_LISTED: Final = 1000  # entries of a folder that are looked at

_PICKLES: Final = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".keras")
_CODE: Final = (".py", ".pyc", ".pyx", ".ipynb", ".sh", ".js", ".exe", ".so", ".dll", ".dylib", ".bat", ".ps1", ".jar")
_ARCHIVES: Final = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst", ".whl")
_KINDS: Final = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


def is_kept(path: str) -> bool:
    """Whether a file of a submission goes to the board: the model and what motifzoo itself writes beside it."""
    return path == CONFIG or path in GENERATED or bool(WEIGHTS.fullmatch(path) or HISTORY.fullmatch(path))


def is_allowed(path: str) -> bool:
    """Whether a submission may hold a file of this path, with forward slashes, relative to its folder."""
    return is_kept(path) or bool(_BESIDE.fullmatch(path))


def check_listing(sizes: Mapping[str, int], limits: Limits = LIMITS) -> list[str]:
    """Why a folder with files of these paths and sizes cannot be a submission; empty if nothing speaks against it.

    sizes: bytes by path relative to the folder, as a walk or a hub's listing gives them.
    """
    reasons = []
    if len(sizes) > limits.files:
        reasons.append(f"it holds {len(sizes):,} files; the limit is {limits.files:,}.")
    total = sum(sizes.values())
    if total > limits.folder_bytes:
        reasons.append(f"its files have {total:,} bytes together; the limit is {limits.folder_bytes:,}.")
    for path in sorted(sizes):
        if not is_allowed(path):
            reasons.append(f"{printable(path)} {_why_not(path)}")
        elif sizes[path] > (most := _most(path, limits)):
            reasons.append(f"{path} has {sizes[path]:,} bytes; the limit for it is {most:,}.")
    if CONFIG not in sizes:
        reasons.append(f"{CONFIG} is missing: it is what makes a folder a model.")
    return reasons


def _most(path: str, limits: Limits) -> int:
    if path == CONFIG:
        return MAX_CONFIG_BYTES
    return limits.weights_bytes if path.endswith(".safetensors") else limits.text_bytes


def _why_not(path: str) -> str:
    name = path.rpartition("/")[2].lower()
    if path.startswith("/") or "\\" in path or ".." in path.split("/"):
        return "points out of the folder."
    if name.endswith(_PICKLES):
        return "may hold a pickle, which can run code. Weights go into model.safetensors: motifzoo.export writes it."
    if name.endswith(_CODE):
        return "is code, and nothing of a submission runs. Say the network in config.json: motifzoo.export writes it."
    if name.endswith(_ARCHIVES):
        return "is an archive. Put the files themselves into the folder."
    return (
        f"is not a file that a submission holds. These are: {CONFIG}, {README}, model.safetensors, "
        "trial-1/model.safetensors, trial-2/..., and training.json beside each."
    )


def list_folder(folder: Path) -> tuple[dict[str, os.stat_result], list[str]]:
    """The status of the regular files in a model folder by path, and why others are refused.

    Links are not followed, and folders that no submission has are not entered, however deep they go. Raises OSError
    for a folder that cannot be read.
    """
    found: dict[str, os.stat_result] = {}
    reasons: list[str] = []
    _list(folder, "", found, reasons)
    return found, reasons


def _list(folder: Path, prefix: str, found: dict[str, os.stat_result], reasons: list[str]) -> None:
    for number, name in enumerate(_names(folder)):
        status = os.lstat(folder / name)
        if number == _LISTED:
            reasons.append(f"{prefix or 'it'} holds more than {_LISTED:,} files; no submission needs as many.")
            return
        path = prefix + name
        kind = stat.S_IFMT(status.st_mode)
        if kind == stat.S_IFDIR and not prefix and _FOLDER.fullmatch(name):
            _list(folder / name, f"{name}/", found, reasons)
        elif kind != stat.S_IFREG:
            wanted = "a file" if is_allowed(path) else "part of a submission"
            reasons.append(f"{printable(path)} is {_KINDS.get(kind, 'something else')}, not {wanted}.")
        elif status.st_nlink > 1:
            reasons.append(
                f"{printable(path)} is a hard link: it can be changed under another name. Copy the folder (cp -r)."
            )
        else:
            found[path] = status


def _names(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name
