"""The files that make a model's folder a Hugging Face model repo beside its config and weights: README.md, the card,
and learning-curve.svg.

Both are generated, from config.json, the learning curves that training left (`training.json`, `trial-k/training.json`)
and the scores that `evaluate.card_scores` wrote (`scores.json`, `filters.svg`); what is not there, the card does not
claim.
"""

from pathlib import Path
from types import MappingProxyType
from typing import Final

from ...files import write_text
from ..config import ModelConfig
from .curve import caption, learning_curve, read_histories
from .readme import Picture, readme
from .scores import read_scores
from .twins import Twins

README, CURVE = "README.md", "learning-curve.svg"
_NONE: Final[Twins] = MappingProxyType({})


def card_files(config: ModelConfig, folder: Path, twins: Twins = _NONE) -> dict[str, str]:
    """The text of each generated file by its name, for a model folder as it is.

    twins: trials that share their weights, which no folder knows by itself: `twins.find_twins` of the models around.
    Raises ModelError for a training.json or scores.json that is not valid or is about another model.
    """
    histories = read_histories(folder, config)
    curve = Picture(CURVE, caption(histories, config)) if histories else None
    scores = read_scores(folder, config)
    files = {README: readme(config, scores, folder, curve=curve, histories=histories, twins=twins)}
    if histories:
        files[CURVE] = learning_curve(histories, config)
    return files


def write_card(config: ModelConfig, folder: Path) -> None:
    """Write the generated files into a model folder, without a look at other models. Raises as `card_files`, and
    CacheError when the folder refuses."""
    for name, text in card_files(config, folder).items():
        write_text(folder / name, text)
