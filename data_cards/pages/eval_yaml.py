"""eval.yaml: which scores a benchmark on this data set has, as Hugging Face's benchmark data sets state it."""

from typing import Final

from huggingface_hub import CardData

from ..cards import Card
from .tables import PUBLIC_SPLIT

FRAMEWORK: Final = "motifzoo"
CONFIG: Final = "default"

_METHODS: Final = ("saliency", "mutagenesis", "integrated_gradients", "deepshap")


def headline_metrics(card: Card) -> tuple[str, ...]:
    """Names of the scores that stand for a model on this data set, such as `classification/auroc`.

    Each is the better the higher it is. Where motifs were planted, filters and attribution maps are scored by these;
    elsewhere by the known motifs of the card, and by nothing of the kind where it has none.
    """
    names: list[str] = []
    if "classification" in card.benchmarks:
        names += ["classification/auroc", "classification/aupr"]
    if "filters" in card.benchmarks:
        names += ["filters/match_any"]
        names += ["filters/match_fraction"] if card.ground_truth else []
        names += ["filters/target_match"] if card.known_motifs else []
    if "attribution" in card.benchmarks:
        score = "auroc" if card.ground_truth else "scan_auroc"
        names += [f"attribution/{method}/{score}" for method in _METHODS]
    return tuple(names)


def task_id(metric: str) -> str:
    """The task of a metric, such as `classification_auroc`."""
    return metric.replace("/", "_")


def eval_yaml(card: Card) -> str:
    """The text of eval.yaml."""
    tasks = [
        {"id": task_id(metric), "config": CONFIG, "split": PUBLIC_SPLIT["test"]} for metric in headline_metrics(card)
    ]
    content = CardData(
        name=card.benchmark,
        description=f"{card.title}. {card.summary}",
        evaluation_framework=FRAMEWORK,
        tasks=tasks,
    )
    return content.to_yaml() + "\n"
