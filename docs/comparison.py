"""Print the README's comparison of first-layer activations from the scores that the packaged models carry.

Run: python docs/comparison.py
"""

from motifzoo.evaluate.reproduce.scored import Measured, from_packaged
from motifzoo.evaluate.statistics import spread

ACTIVATIONS = ("exponential", "relu", "softplus", "elu", "linear", "tanh", "sigmoid")

TABLES = {
    "synthetic-motifs": {
        f"{network} {title}": (network, metric)
        for network in ("cnn-2", "cnn-deep", "cnn-50")
        for title, metric in (("filters", "filters/match_fraction"), ("AUROC", "classification/auroc"))
    },
    "synthetic-codes": {
        f"{network} {title}": (network, metric)
        for network in ("cnn-local", "cnn-dist")
        for title, metric in (
            ("filters", "filters/match_fraction"),
            ("saliency", "attribution/saliency/auroc"),
            ("AUROC", "classification/auroc"),
        )
    },
}


def cell(model: Measured | None, metric: str) -> str:
    """Mean over trials, with the standard deviation where there are at least two; empty without a model."""
    if model is None:
        return ""
    found = spread([value for _, value in model.defined(metric)])
    return f"{found.mean:.2f}" + (f" ± {found.sd:.2f}" if found.n > 1 else "")


def comparison(dataset: str) -> str:
    """A Markdown table: an activation a row, a network and score a column."""
    columns = TABLES[dataset]
    models = {(model.architecture, model.label): model for model in from_packaged([f"*.{dataset}"]).models}
    lines = ["| first layer | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for activation in ACTIVATIONS:
        cells = [cell(models.get((network, activation)), metric) for network, metric in columns.values()]
        lines.append(f"| {activation} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print both tables."""
    print("\n".join(map(comparison, TABLES)), end="")


if __name__ == "__main__":
    main()
