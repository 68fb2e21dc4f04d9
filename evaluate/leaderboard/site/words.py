"""Plain words for what the pages name: metrics, trust, controls, standing."""

from typing import Final, NamedTuple

from ....data_cards.cards import Card
from ...metric_table import METRICS, metric_of
from ...report.views import GROUPS
from ...report.words import capital, e_value, metric_title, score
from ..entries import Entry
from ..record import Control, Trust

__all__ = [
    "CONTROL",
    "CONTROLS",
    "GROUPS",
    "TRUST",
    "TRUSTS",
    "MetricWords",
    "counted",
    "e_value",
    "label",
    "metric_words",
    "motif_words",
    "score",
]

TRUSTS: Final[tuple[Trust, ...]] = ("recomputed", "claimed", "disputed")
TRUST: Final[dict[Trust, str]] = {
    "recomputed": "A maintainer computed every number anew from the weights; these are the maintainer's numbers.",
    "claimed": "The submitter's own numbers; nobody else has computed them yet.",
    "disputed": "A maintainer's numbers differ from the submitter's, or could not be computed. It has no rank.",
}
CONTROLS: Final[dict[Control, str]] = {
    "untrained": "untrained",
    "shuffled_labels": "shuffled labels",
    "motif_scan": "motif scan",
    "random_attribution": "random attribution",
}
CONTROL: Final[dict[Control, str]] = {
    "untrained": "This is a control: networks with the weights they began with, never trained. It has no rank.",
    "shuffled_labels": "This is a control: networks trained on shuffled labels, from which there was nothing to learn. "
    "It has no rank.",
    "motif_scan": "This is a control: a scan with the true motifs, which nobody trained. It has no rank.",
    "random_attribution": "This is a control: attribution maps by chance, of no network. It has no rank.",
}


class MetricWords(NamedTuple):
    """A metric as a page names it. `is_e`: its values are E-values, written in scientific notation."""

    name: str
    title: str
    meaning: str
    unit: str
    higher_is_better: bool
    is_e: bool


def metric_words(name: str) -> MetricWords:
    """The words for a metric, or for a part of one (a class, a motif), whose title ends with the part's name."""
    metric = metric_of(name)
    if metric is None:
        return MetricWords(name, name, "", "", True, False)
    title = metric_title(name) if name in METRICS else f"{capital(metric.title)}: {name.rpartition('/')[2]}"
    meaning = capital(metric.meaning).replace("<=", "\u2264")
    return MetricWords(name, title, meaning, metric.unit, metric.higher_is_better, metric.highest > 1)


def label(entry: Entry) -> str:
    """An entry's name in its benchmark's table, where the data set goes without saying if it is the benchmark's own."""
    return entry.model.removesuffix(f".{entry.benchmark.partition('@')[0]}")


def counted(number: int, unit: str) -> str:
    """A number of something: "24 filters", "1 class"."""
    if number == 1:
        unit = {"classes": "class"}.get(unit, unit.removesuffix("s"))
    return f"{number:,} {unit}".strip()


def motif_words(card: Card) -> str:
    """What a benchmark's filters and maps are compared with, by name; "" for a card that names no motifs."""
    if card.ground_truth:
        return f"True motifs, which decide the label: {', '.join(card.ground_truth)}."
    told, count = [], 0
    for of_class, motifs in card.known_motifs.items():
        named = " and ".join(f"{name} ({', '.join(ids)})" for name, ids in motifs.items())
        told.append(f"{named} for class {of_class}")
        count += len(motifs)
    return f"Known motif{'' if count == 1 else 's'}, from JASPAR 2016: {'; '.join(told)}." if told else ""
