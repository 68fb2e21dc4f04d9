"""Write the generated files of every packaged model anew: `python -m motifzoo.zoo.refresh`."""

from pathlib import Path

import click

from ..files import write_text
from .config import read_config
from .model_card import card_files
from .model_card.twins import find_twins
from .sources import PRETRAINED


def stale_files(root: Path = PRETRAINED) -> dict[Path, str]:
    """The generated files of the model folders in `root` that are missing or say something else than they should,
    with what they should say. Raises ModelError for a folder whose files are not valid."""
    stale = {}
    configs = {path.parent: read_config(path.parent) for path in sorted(root.glob("*/config.json"))}
    twins = find_twins(configs.values())
    for folder, config in configs.items():
        for name, text in card_files(config, folder, twins).items():
            path = folder / name
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale[path] = text
    return stale


@click.command()
def main() -> None:
    """Write the generated files of every packaged model anew, and print those that change."""
    for path, text in stale_files().items():
        write_text(path, text)
        click.echo(path.relative_to(PRETRAINED))


if __name__ == "__main__":
    main()
