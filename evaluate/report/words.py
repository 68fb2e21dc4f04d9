"""Plain words for what a report names: metrics, motifs, numbers."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..metric_table import METRICS, metric_of
from ..results import Result

UNDEFINED: Final = "undefined"


class TruthWords(NamedTuple):
    """How to speak of the motifs that filters and maps are compared with.

    motif: one of them. source: where it comes from, after "their hits include". none: what a data set without any
    lacks. track, unit: title and remark of the row that shows where they are. tinted: what a tint marks.
    """

    motif: str
    source: str
    none: str
    track: str
    unit: str
    tinted: str


PLANTED: Final = TruthWords(
    "true motif",
    "a ground-truth motif of the data set",
    "the data set names no ground-truth motifs",
    "True motifs",
    "information, 0 to 2 bits",
    "positions of a true motif (more than 0.01 bits), which AUROC asks the scores to pick out",
)
KNOWN: Final = TruthWords(
    "known motif",
    "a motif of a factor known to act in the data",
    "the data set names no known motifs",
    "Scan for known motifs",
    "PWM matches with p < 1e-4: no ground truth",
    "where the known motifs' matrices match (p < 1e-4), which AUROC asks the scores to pick out. That is agreement "
    "with a scan: real DNA has no ground truth",
)


def truth_words(result: Result) -> TruthWords:
    """The words for a result: real DNA is compared with known motifs, synthetic with the planted ones."""
    known = ("filters/target_match" in result.metrics) or any("/scan_" in name for name in result.metrics)
    return KNOWN if known else PLANTED


def capital(text: str) -> str:
    """The text with its first letter upper case."""
    return text[:1].upper() + text[1:]


def metric_title(name: str) -> str:
    """A metric's title; its name where the metric table does not know it."""
    return capital(METRICS[name].title) if name in METRICS else name


def method_title(method: str) -> str:
    """An attribution method's name in words, "in silico mutagenesis"; as it is where no metric is known of it."""
    metric = METRICS.get(f"attribution/{method}/auroc")
    return metric.title.removesuffix(" AUROC") if metric else method


def score(value: float | None) -> str:
    """A score to three decimals; "undefined" for None and NaN."""
    return UNDEFINED if value is None or not math.isfinite(value) else f"{value:.3f}"


def metric_value(name: str, value: float | None) -> str:
    """A metric's value as text: a score, or an E-value in scientific notation."""
    metric = metric_of(name)
    if value is not None and math.isfinite(value) and metric is not None and metric.highest > 1:
        return e_value(value)
    return score(value)


def e_value(value: float) -> str:
    """An E-value in scientific notation, two digits: 3.1e-12."""
    return f"{value:.1e}"


def seconds(value: float) -> str:
    """A duration: 0.42 s, 7.3 s, 2 min 5 s."""
    if value < 60:
        return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def positions(spans: Sequence[tuple[int, int]]) -> str:
    """Ranges (first, one past the last) as text with both ends inside: "12-23 and 55-62"; "none" without any."""
    told = [f"{first}-{end - 1}" for first, end in spans]
    return " and ".join(filter(None, [", ".join(told[:-1]), *told[-1:]])) or "none"


def plural(count: int, noun: str) -> str:
    """`1 model`, `2 models`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
