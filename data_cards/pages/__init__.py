"""The files that make a data set's folder a Hugging Face data set repo: README.md, croissant.json and eval.yaml.

All are generated, from the data set's card, from the tables in the folder and from the audit beside them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from ...files import write_text
from ..cards import Card

if TYPE_CHECKING:
    from ..content import SequenceDataset


def card_files(card: Card, folder: Path) -> dict[str, str]:
    """The text of each generated file by its name, for a data set's folder as it is.

    `folder` may hold the data set's tables and an `audit.json`; what is not there, the files do not claim. Raises
    DataError for an audit of something else, and OSError or ArrowException for tables that cannot be read.
    """
    # Not at the top: `store`, which these modules read the tables by, writes the files of a folder that it has built.
    from .audited import read_findings
    from .croissant import croissant
    from .eval_yaml import eval_yaml
    from .readme import readme
    from .tables import read_tables

    tables, findings = read_tables(folder), read_findings(folder, card)
    return {
        "README.md": readme(card, tables, findings),
        "croissant.json": croissant(card, tables, findings),
        "eval.yaml": eval_yaml(card),
    }


def write_pages(dataset: "SequenceDataset", folder: Path) -> None:
    """Write the generated files beside the tables of a built data set; what its card lacks is counted in the data.

    Raises CacheError when the folder refuses.
    """
    counted = {
        "splits": {name: len(split) for name, split in dataset.splits()},
        "positives": {name: tuple(split.labels.sum(axis=0, dtype=int).tolist()) for name, split in dataset.splits()},
        "fingerprint": dataset.fingerprint,
    }
    for name, text in card_files(dataset.card.model_copy(update=counted), folder).items():
        write_text(folder / name, text)
