"""Print the README's tables: what the zoo holds, and the comparison of first-layer activations by models' scores.

Run: python docs/comparison.py [--write]
"""

import argparse
import os
from collections import defaultdict
from pathlib import Path
from statistics import fmean

from motifzoo.evaluate.cli.models import ranges
from motifzoo.evaluate.reproduce.scored import Measured, from_packaged
from motifzoo.evaluate.statistics import spread
from motifzoo.files import write_text
from motifzoo.zoo.config import read_config
from motifzoo.zoo.glossary import ARCHITECTURES
from motifzoo.zoo.layers import ACTIVATIONS as KNOWN
from motifzoo.zoo.names import parse
from motifzoo.zoo.sources import PRETRAINED

README = Path(__file__).parents[1] / "README.md"
ACTIVATIONS = ("exponential", "relu", "softplus", "elu", "linear", "tanh", "sigmoid")
MODIFIED = ("shift_scale_relu", "shift_scale_tanh", "shift_scale_sigmoid", "exp_relu", "log_relu", "log_relu-l2")

SCORES = {
    "synthetic-motifs": {"filters": "filters/match_fraction", "AUPR": "classification/aupr"},
    "synthetic-codes": {
        "filters": "filters/match_fraction",
        "saliency": "attribution/saliency/auroc",
        "AUROC": "classification/auroc",
    },
    "dhs-4cell": {
        "filters": "filters/target_match",
        "saliency": "attribution/saliency/scan_auroc",
        "AUPR": "classification/aupr",
    },
}
NETWORKS = {
    "synthetic-motifs": ("cnn-2", "cnn-deep", "cnn-50"),
    "synthetic-codes": ("cnn-local", "cnn-dist"),
    "dhs-4cell": ("cnn-2", "cnn-deep", "cnn-50"),
}
TABLES = {
    data: {f"{network} {title}": (network, metric) for network in NETWORKS[data] for title, metric in scores.items()}
    for data, scores in SCORES.items()
}

PEAKS = {
    "filters": "filters/target_match",
    "saliency": "attribution/saliency/scan_auroc",
    "mutagenesis": "attribution/mutagenesis/scan_auroc",
    "AUROC": "classification/auroc",
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
    title = f"{dataset}, first layer"
    lines = [f"| {title} | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    for label in (*ACTIVATIONS, *MODIFIED):
        cells = [cell(models.get((network, label)), metric) for network, metric in columns.values()]
        if any(cells):
            lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def on_peaks() -> dict[tuple[str, str, str], Measured]:
    """The models on peaks and sites of single factors, by data set, architecture and first layer."""
    found = from_packaged(["*.chip-*", "*.tfbs-*"]).models
    return {(model.dataset, model.architecture, model.label): model for model in found if not model.control}


def peaks() -> str:
    """A Markdown table of cnn-local and cnn-dist on single factors: exponential and ReLU side by side, and in silico
    mutagenesis of the same networks untrained, both first layers together."""
    pair = ("exponential", "relu")
    scored = from_packaged(["cnn-local-*.*", "cnn-dist-*.*"])
    models = {(model.dataset, model.architecture, model.label): model for model in scored.models if not model.control}
    untrained: dict[tuple[str, str], list[float]] = defaultdict(list)
    for network in scored.untrained:
        untrained[network.dataset, network.architecture] += [
            value for _, value in network.defined(PEAKS["mutagenesis"])
        ]
    columns = [f"{title}, {activation}" for title in PEAKS for activation in pair]
    columns.insert(columns.index("mutagenesis, relu") + 1, "mutagenesis, untrained")
    lines = ["| data set | network | " + " | ".join(columns) + " |", "|---|---|" + "---|" * len(columns)]
    for place in sorted({key[:2] for key in models if not key[0].startswith("synthetic-")}):
        cells = {
            f"{title}, {each}": cell(models.get((*place, each)), metric)
            for title, metric in PEAKS.items()
            for each in pair
        } | {"mutagenesis, untrained": f"{fmean(untrained[place]):.2f}" if place in untrained else ""}
        lines.append(f"| {' | '.join(place)} | " + " | ".join(cells[column] for column in columns) + " |")
    return "\n".join(lines) + "\n"


def peaks_by_activation(score: str) -> str:
    """A Markdown table of one score on single factors: a data set and network a row, an activation a column.

    Networks of which an activation is missing are left out.
    """
    models = on_peaks()
    lines = [f"| {score} on | " + " | ".join(ACTIVATIONS) + " |", "|---|" + "---|" * len(ACTIVATIONS)]
    for pair in sorted({key[:2] for key in models}):
        if all((*pair, each) in models for each in ACTIVATIONS):
            cells = [cell(models[*pair, each], PEAKS[score]) for each in ACTIVATIONS]
            lines.append(f"| {' '.join(pair)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def networks() -> str:
    """A Markdown table of the architectures that the zoo has, in words."""
    known = {read_config(path.parent).architecture for path in PRETRAINED.glob("*/config.json")}
    lines = ["| network | what it is |", "|---|---|"]
    lines += [f"| {name} | {words} |" for name, words in ARCHITECTURES.items() if name in known]
    return "\n".join(lines) + "\n"


def contents() -> str:
    """A Markdown table of the packaged models; data sets and architectures with equal models share a row."""
    order = [*ACTIVATIONS, *(known for known in KNOWN if known not in ACTIVATIONS)]
    labels: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for path in PRETRAINED.glob("*/config.json"):
        config = read_config(path.parent)
        name = parse(config.name)
        shuffled = name.variant == "shuffled"
        label = name.activation if shuffled or not name.variant else f"{name.activation}-{name.variant}"
        data = f"{name.dataset}, shuffled labels" if shuffled else name.dataset
        labels[data, name.architecture, ranges([trial.trial for trial in config.trials])].append(label)
    networks: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for (data, architecture, trials), found in sorted(labels.items()):
        found.sort(key=lambda label: (order.index(label.partition("-")[0]), label))
        networks[data, ", ".join(found), trials].append(architecture)
    rows: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for (data, activations, trials), architectures in networks.items():
        rows[", ".join(architectures), activations, trials].append(data)
    lines = ["| data set | architectures | first layer | trials |", "|---|---|---|---|"]
    lines += [f"| {', '.join(data)} | {' | '.join(rest)} |" for rest, data in rows.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables; with --write, put them into README.md in place of those with the same columns."""
    os.environ.pop("MOTIFZOO_MODELS", None)  # the README is of what comes with motifzoo
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="replace the tables in README.md")
    tables = [
        contents(),
        networks(),
        *map(comparison, TABLES),
        peaks(),
        *map(peaks_by_activation, ("filters", "saliency")),
    ]
    if not parser.parse_args().write:
        print("\n".join(tables), end="")
        return
    text = README.read_text(encoding="utf-8")
    for table in tables:
        head = table.partition("\n")[0] + "\n"
        # The columns of some tables grow with the zoo; their first one is theirs alone.
        start = text.index(head if head in text else "|".join(head.split("|")[:2]) + "|")
        text = text[:start] + table + text[text.index("\n\n", start) + 1 :]
    write_text(README, text)


if __name__ == "__main__":
    main()
