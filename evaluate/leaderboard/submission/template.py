"""A working submission to begin with: a small trained model of a new design, and beside it the script that makes it."""

from pathlib import Path
from typing import NamedTuple

import torch

from ....errors import BoardError
from ....files import write_text
from . import example


class Template(NamedTuple):
    """folder: the submission. script: the file that makes such a folder; change it. name: of the model."""

    folder: Path
    script: Path
    name: str
    dataset: str


def write_template(folder: Path) -> Template:
    """Write the example's script to `<folder>.py`, train its network for seconds, and export it into `folder`.

    The script stands beside the folder and not in it, for a submission holds no code. Raises BoardError when either is
    there already.
    """
    folder = folder.expanduser()
    script = folder.with_name(f"{folder.name}.py")
    if not folder.name or folder.name in (".", ".."):
        raise BoardError(f"{folder} cannot be a template: give the name of a new folder.")
    for path in (folder, script):
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise BoardError(f"{path} is there already: give the name of a new folder.")
    with torch.random.fork_rng(devices=[]):
        example.make(str(folder))
    write_text(script, Path(example.__file__).read_text(encoding="utf-8").replace("THIS_FILE", script.name))
    return Template(folder, script, example.NAME, example.DATASET)
