"""Every metric a result can hold: what it means, its range, and which way is better."""

from typing import Final, NamedTuple


class Metric(NamedTuple):
    """A metric's title, meaning (with source), what `n` counts, direction, and largest value; the least of all is 0."""

    title: str
    meaning: str
    unit: str
    higher_is_better: bool = True
    highest: float = 1.0


_TITLES: Final = {
    "saliency": "saliency",
    "mutagenesis": "in silico mutagenesis",
    "integrated_gradients": "integrated gradients",
    "deepshap": "DeepSHAP",
}

METRICS: Final[dict[str, Metric]] = {
    "classification/auroc": Metric(
        "AUROC", "area under the ROC curve on the test split, mean over classes; chance 0.5", "classes"
    ),
    "classification/aupr": Metric(
        "AUPR", "area under the precision-recall curve (trapezoid) on the test split, mean over classes", "classes"
    ),
    "filters/match_fraction": Metric(
        "filters matching a true motif",
        "share of first-layer filters with a Tomtom hit (E <= 0.1) to a ground-truth motif of the data set",
        "filters",
    ),
    "filters/match_any": Metric(
        "filters matching any motif",
        "share of first-layer filters with a Tomtom hit (E <= 0.1) to any JASPAR 2016 vertebrate motif",
        "filters",
    ),
    "filters/motif_coverage": Metric(
        "true motifs found", "share of the data set's ground-truth motifs that at least one filter hits", "motifs"
    ),
    "filters/target_match": Metric(
        "filters matching a known motif",
        "share of first-layer filters with a Tomtom hit (E <= 0.1) to a motif of a factor known to act in the data",
        "filters",
    ),
    "filters/target_e": Metric(
        "best E of a known motif",
        "lowest Tomtom E-value of any filter to any known motif",
        "filters",
        higher_is_better=False,
        highest=518.0,
    ),
    "filters/dead": Metric(
        "dead filters",
        "share of filters without a motif: fewer than two windows, or a map not finite",
        "filters",
        False,
    ),
    **{
        f"attribution/{method}/{score}": Metric(
            f"{title} {score.upper()}",
            f"how well {title} separates planted motif positions from background: {score.upper()} of each "
            "sequence, mean over sequences" + ("; chance 0.5" if score == "auroc" else ""),
            "sequences",
        )
        for method, title in _TITLES.items()
        for score in ("auroc", "aupr")
    },
    **{
        f"attribution/{method}/scan_{score}": Metric(
            f"{title} {score.upper()}, PWM scan",
            f"agreement of {title} with a scan for the known motifs (PWM matches with p < 1e-4; no ground truth): "
            f"{score.upper()} of each sequence's positions, mean over sequences"
            + ("; chance 0.5" if score == "auroc" else ""),
            "sequences",
        )
        for method, title in _TITLES.items()
        for score in ("auroc", "aupr")
    },
}


def metric_of(name: str) -> Metric | None:
    """The metric that a name stands for: its own, or the one that it is a part of (one class, one motif)."""
    return METRICS.get(name) or METRICS.get(name.rpartition("/")[0])
