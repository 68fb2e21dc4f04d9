"""Write the generated files of every packaged data set anew: `python -m motifzoo.data_cards.refresh`.

With `--audit` every data set that can be had on this machine is audited first, which builds the ones that are missing.
"""

import sys
from pathlib import Path

from ..errors import MotifzooError
from ..files import write_text
from .cards import PACKAGED, Card, read_card
from .pages import card_files


def packaged_cards() -> dict[Path, Card]:
    """The folder and card of every packaged data set, in the order of their names."""
    return {path.parent: read_card(path, path.stat().st_mtime_ns) for path in sorted(PACKAGED.glob("*/card.toml"))}


def stale_files() -> dict[Path, str]:
    """The generated files that are missing or say something else than they should, with what they should say."""
    stale = {}
    for folder, card in packaged_cards().items():
        for name, text in card_files(card, folder).items():
            path = folder / name
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale[path] = text
    return stale


def _audit() -> None:
    from .audit import audit
    from .load import load_dataset
    from .pages.audited import AUDIT_FILE

    for folder, card in packaged_cards().items():
        try:
            report = audit(load_dataset(card.name))
        except MotifzooError as error:
            print(f"{card.name}: not audited: {error}", file=sys.stderr)
            continue
        write_text(folder / AUDIT_FILE, report.model_dump_json(indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--audit"]):
        sys.exit("usage: python -m motifzoo.data_cards.refresh [--audit]")
    if sys.argv[1:]:
        _audit()
    for path, text in stale_files().items():
        write_text(path, text)
        print(path.relative_to(PACKAGED))
