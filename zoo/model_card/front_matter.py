"""The front matter of a model's README.md: what Hugging Face's hub reads of it."""

from typing import Final

from huggingface_hub import EvalResult, ModelCardData

from ...data_cards.cards import Card
from ...data_cards.pages.eval_yaml import headline_metrics, task_id
from ...data_cards.pages.front_matter import HUB_LICENCES
from ...data_cards.pages.front_matter import tags as data_tags
from ..config import ModelConfig
from .scores import Scores
from .tables import spread

DIGITS: Final = 4


def front_matter(config: ModelConfig, card: Card, scores: Scores | None) -> str:
    """The YAML between the dashed lines; `model-index` holds the means over trials of the headline scores.

    There is no `base_model`: leaderboards hide what has one, and a trial is nobody's fine-tuned copy.
    """
    results = _results(card, scores) if scores else []
    return ModelCardData(
        license=config.licence.lower() if config.licence in HUB_LICENCES else "other",
        library_name="motifzoo",
        tags=[*data_tags(card), config.architecture, config.activation],
        datasets=[f"motifzoo/{card.name}"],
        metrics=[task_id(name) for name in headline_metrics(card)],
        model_name=config.name if results else None,
        eval_results=results or None,
    ).to_yaml()


def _results(card: Card, scores: Scores) -> list[EvalResult]:
    found = {metric.name: metric for metric in scores.metrics}
    results = []
    for name in headline_metrics(card):
        metric = found.get(name)
        over = spread(metric.values) if metric else None
        if metric is None or over is None or over.mean is None:
            continue
        trials = f"mean of {over.trials} trials" if over.trials > 1 else "one trial"
        results.append(
            EvalResult(
                task_type="text-classification",
                task_name="DNA sequence classification",
                dataset_type=f"motifzoo/{card.name}",
                dataset_name=f"{card.title}, {scores.benchmark}",
                dataset_split="test",
                metric_type=task_id(name),
                metric_name=f"{metric.title}, {trials}",
                metric_value=round(over.mean, DIGITS),
            )
        )
    return results
