"""Every metric a result can hold: what it means, its range, which way is better, and how exactly it repeats."""

from typing import Final, NamedTuple


class Tolerance(NamedTuple):
    """How far two honest computations of a metric may lie apart: processors, threads and libraries round differently.

    absolute: a difference. relative: a share of the larger of the two values. items: of the n that the metric counts,
    how many may fall on the other side of a threshold. docs/verification.md has the measurements that they stand on.
    """

    absolute: float = 0.0
    relative: float = 0.0
    items: int = 0

    def allows(self, one: float, other: float, n: int) -> bool:
        """Whether two values of a metric over `n` items agree."""
        most = self.absolute + self.relative * max(abs(one), abs(other)) + (self.items / n if n else 0.0)
        # A share of n items is itself rounded: a whole item apart must not fail by its last bit.
        return abs(one - other) <= most * (1 + 1e-9)


_RANKS: Final = Tolerance(absolute=1e-4)
_ONE_ITEM: Final = Tolerance(items=1)
_E_VALUE: Final = Tolerance(relative=0.6)


class Metric(NamedTuple):
    """A metric's title, meaning (with source), what `n` counts, direction, largest value and tolerance; the least of
    all is 0."""

    title: str
    meaning: str
    unit: str
    higher_is_better: bool = True
    highest: float = 1.0
    tolerance: Tolerance = _RANKS


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
        tolerance=_ONE_ITEM,
    ),
    "filters/match_any": Metric(
        "filters matching any motif",
        "share of first-layer filters with a Tomtom hit (E <= 0.1) to any JASPAR 2016 vertebrate motif",
        "filters",
        tolerance=_ONE_ITEM,
    ),
    "filters/motif_coverage": Metric(
        "true motifs found",
        "share of the data set's ground-truth motifs that at least one filter hits",
        "motifs",
        tolerance=_ONE_ITEM,
    ),
    "filters/target_match": Metric(
        "filters matching a known motif",
        "share of first-layer filters with a Tomtom hit (E <= 0.1) to a motif of a factor known to act in the data",
        "filters",
        tolerance=_ONE_ITEM,
    ),
    "filters/target_e": Metric(
        "best E of a known motif",
        "lowest Tomtom E-value of any filter to any known motif",
        "filters",
        higher_is_better=False,
        highest=518.0,
        tolerance=_E_VALUE,
    ),
    "filters/dead": Metric(
        "dead filters",
        "share of filters without a motif: fewer than two windows, or a map not finite",
        "filters",
        False,
        tolerance=_ONE_ITEM,
    ),
    **{
        f"attribution/{method}/{score}": Metric(
            f"{title} {score.upper()}",
            f"how well {title} separates planted motif positions from background: {score.upper()} of each "
            "sequence, mean over sequences" + ("; random scores have 0.5" if score == "auroc" else ""),
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
            + ("; random scores have 0.5" if score == "auroc" else ""),
            "sequences",
        )
        for method, title in _TITLES.items()
        for score in ("auroc", "aupr")
    },
}


def metric_of(name: str) -> Metric | None:
    """The metric that a name stands for: its own, or the one that it is a part of (one class, one motif)."""
    return METRICS.get(name) or METRICS.get(name.rpartition("/")[0])
