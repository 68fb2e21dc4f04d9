"""Which paths a board has. Everything else is refused: a board is written to by strangers and read on any system.

| path | what |
|---|---|
| `results/<benchmark>/<model>/trial-<k>.json` | a record |
| `results/<benchmark>/<model>/trial-<k>/<file>` | details of that trial |
| `models/<model>/...` | a submitted model folder |
| `README.md`, `results.parquet`, `records.parquet`, `eval_results/<model>/<benchmark>.yaml` | generated |
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from ....errors import BoardError
from ..store import shown

MAX_PATH: Final = 400

_BENCHMARK: Final = r"[a-z0-9][a-z0-9-]{0,79}@[1-9][0-9]{0,3}"
_MODEL: Final = r"[a-z0-9][a-z0-9_-]{0,79}\.[a-z0-9][a-z0-9-]{0,79}"
_TRIAL: Final = r"trial-(?:0|[1-9][0-9]{0,5})"
_RECORD: Final = re.compile(rf"results/(?P<benchmark>{_BENCHMARK})/(?P<model>{_MODEL})/(?P<trial>{_TRIAL})\.json")
_DETAIL: Final = re.compile(rf"results/(?P<benchmark>{_BENCHMARK})/(?P<model>{_MODEL})/(?P<trial>{_TRIAL})/[^/]+")
_FOLDER: Final = re.compile(rf"models/(?P<model>{_MODEL})/.+")
_GENERATED: Final = re.compile(rf"README\.md|re(?:sults|cords)\.parquet|eval_results/{_MODEL}/{_BENCHMARK}\.yaml")
_PART: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,199}")
# Windows cannot store files of these names, whatever follows the dot.
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)


class TrialPlace(NamedTuple):
    """The record that a path is, or that it holds details of: the record's path and the model's name."""

    record: str
    model: str


def is_record(path: str) -> bool:
    """Whether a path is that of a record."""
    return _RECORD.fullmatch(path) is not None


def trial_of(path: str) -> TrialPlace | None:
    """The trial that a path under `results/` belongs to; None for any other path."""
    found = _RECORD.fullmatch(path) or _DETAIL.fullmatch(path)
    if found is None:
        return None
    record = "results/{benchmark}/{model}/{trial}.json".format(**found.groupdict())
    return TrialPlace(record, found["model"])


def details_folder(record: str) -> str:
    """The folder of a record's details, without a slash at its end."""
    return record.removesuffix(".json")


def folder_model(path: str) -> str | None:
    """The model whose submitted folder a path is in; None for a path outside `models/`."""
    found = _FOLDER.fullmatch(path)
    return found["model"] if found else None


def folders_of(paths: Iterable[str]) -> set[str]:
    """The folders of a board that paths are in, each of one model: `results/<benchmark>/<model>`, `models/<model>`."""
    return {"/".join(path.split("/")[: 2 if folder_model(path) else 3]) for path in paths if not is_generated(path)}


def is_generated(path: str) -> bool:
    """Whether a path is that of a file made from the records."""
    return _GENERATED.fullmatch(path) is not None


def check_path(path: str) -> None:
    """Raise BoardError unless a path is one that a board has and that every file system can store."""
    if wrong := _wrong(path):
        raise BoardError(f"{shown(path)!r} is no path of a board: {wrong}.")


def _wrong(path: str) -> str:
    if len(path) > MAX_PATH:
        return f"it has {len(path)} characters, and {MAX_PATH} are the most"
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return "it must be relative, without empty parts, '.' and '..'"
        if not _PART.fullmatch(part) or part.endswith("."):
            return (
                f"{shown(part)!r} must be of letters, digits and _.@+-, and begin with neither of .@+- nor end with ."
            )
        if _DEVICES.fullmatch(part):
            return f"{part!r} is the name of a device on Windows"
    if trial_of(path) is None and folder_model(path) is None and not is_generated(path):
        return (
            "a board has results/<benchmark>/<model>/trial-<k>.json, files in the folder trial-<k> beside it, and "
            "models/<model>/..."
        )
    return ""


def check_together(paths: Iterable[str]) -> None:
    """Raise BoardError where two paths cannot both be files: equal but for case, or one a folder of the other."""
    files: dict[str, str] = {}
    folders: dict[str, str] = {}
    for path in sorted(set(paths)):
        key = path.lower()
        if (other := files.setdefault(key, path)) != path:
            raise BoardError(f"{other} and {path} differ in case only; many file systems hold one of them.")
        parts = path.split("/")
        for end in range(1, len(parts)):
            folder = "/".join(parts[:end])
            if (other := folders.setdefault(folder.lower(), folder)) != folder:
                raise BoardError(f"folders {other} and {folder} differ in case only; many file systems hold one.")
    for key in files.keys() & folders.keys():
        raise BoardError(f"{files[key]} is both a file and a folder.")
