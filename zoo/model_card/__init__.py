"""The files that make a model's folder a Hugging Face model repo beside its config and weights: README.md, the card,
and learning-curve.svg.

Both are generated, from config.json, the learning curve that training left (`training.json`) and the scores that
`evaluate.card_scores` wrote (`scores.json`, `filters.svg`); what is not there, the card does not claim.
"""

from pathlib import Path

from ...files import write_text
from ..config import ModelConfig
from .curve import learning_curve, read_history
from .readme import readme
from .scores import read_scores

README, CURVE = "README.md", "learning-curve.svg"


def card_files(config: ModelConfig, folder: Path) -> dict[str, str]:
    """The text of each generated file by its name, for a model folder as it is.

    Raises ModelError for a training.json or scores.json that is not valid or is about another model.
    """
    history = read_history(folder)
    files = {README: readme(config, read_scores(folder, config), folder, curve=CURVE if history else None)}
    if history:
        files[CURVE] = learning_curve(history, config)
    return files


def write_card(config: ModelConfig, folder: Path) -> None:
    """Write the generated files into a model folder. Raises as `card_files`, and CacheError when the folder refuses."""
    for name, text in card_files(config, folder).items():
        write_text(folder / name, text)
