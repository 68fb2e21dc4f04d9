"""Numbers and test results in words, the same on the page, in Markdown and in the terminal."""

import math
from collections.abc import Iterable
from typing import Final, get_args

from ..metric_table import METRICS
from ..report.words import capital
from ..statistics import Spread
from .differences import UNTESTED, Difference, Verdict
from .questions import REFERENCE, Group
from .tables import AGAINST_CONTROL, AGAINST_REFERENCE, AGAINST_UNMODIFIED, Cell, Panel

NOTHING = "\u2013"
NO_SCORES = "no scores"
_SMALLEST: Final = 1e-15  # p-values below this are rounding


def number(value: float, digits: int = 3) -> str:
    """A number with so many decimals; a dash where there is none."""
    return f"{value:.{digits}f}".replace("-", "\u2212") if math.isfinite(value) else NOTHING


def mean_sd(found: Spread, digits: int = 3) -> str:
    """`0.812 ± 0.020 (10)`: mean, standard deviation over trials, number of trials; a dash without any."""
    if found.n == 0:
        return NOTHING
    sd = f" ± {number(found.sd, digits)}" if found.n > 1 else ""
    return f"{number(found.mean, digits)}{sd} ({found.n})"


def shown(cell: Cell | None, digits: int = 3) -> str:
    """`mean_sd` of a cell; in words where it has no value, or where there is no such model to show."""
    if cell is None:
        return NO_SCORES
    return mean_sd(cell.spread, digits) if cell.values else "missing"


def interval(found: Spread) -> str:
    """The 95 % interval of the mean; "no spread" where trials do not differ, which gives none."""
    if found.n < 2:
        return NOTHING
    return f"{number(found.low)} to {number(found.high)}" if found.varies else "no spread"


def p_value(p: float) -> str:
    """A p-value: two digits, in scientific notation below 0.001 and never nought; a dash where there is none."""
    if not math.isfinite(p):
        return NOTHING
    if p < _SMALLEST:
        return f"< {p_value(_SMALLEST)}"
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}".replace("e-0", "e-").replace("-", "\u2212")


def metric_words(metric: str) -> str:
    """A metric's title, "Saliency AUROC"."""
    title = METRICS[metric].title
    return f"Classification {title}" if metric.startswith("classification/") else capital(title)


def axis_title(metric: str) -> str:
    """What an axis shows, with its unit."""
    part, *_, score = metric.split("/")
    score = score.removeprefix("scan_").upper()
    if part == "classification":
        return f"classification {score}, mean over {METRICS[metric].unit}"
    if part == "attribution":
        return f"{score}, mean over {METRICS[metric].unit}"
    return f"share of {METRICS[metric].unit}"


def verdicts(tests: Iterable[Difference]) -> dict[str, list[str]]:
    """Labels of the models that something was compared with, by what the tests say; those with an entry only."""
    tests = tuple(tests)
    found: dict[str, list[str]] = {}
    for verdict in get_args(Verdict):
        labels = [test.second.label for test in tests if test.verdict == verdict]
        if labels:
            found[verdict] = labels
    return found


_PAIRED: Final = {
    AGAINST_UNMODIFIED: ("modified activations", "their unmodified forms"),
    AGAINST_CONTROL: ("controls", "the models that they are controls of"),
}


def told(panel: Panel, group: Group) -> str:
    """What the tests of one panel say, in a sentence or two; "" where nothing was to be tested."""
    sentences = [] if group == "control" else [_against_all(panel)]
    for kind, (which, base) in _PAIRED.items():
        found = verdicts(panel.of_kind(kind))
        # The first of each pair is the base, so "higher" is said of the base.
        words = {"lower": f"higher than {base}", "higher": f"lower than {base}", "not told apart": "not told apart"}
        words |= {verdict: f"not tested ({_reason(verdict)})" for verdict in UNTESTED}
        parts = [f"{words[verdict]}: {', '.join(found[verdict])}" for verdict in words if verdict in found]
        if parts:
            sentences.append(capital(f"{which}: {'; '.join(parts)}."))
    return " ".join(sentences)


def _reason(untested: str) -> str:
    return untested.partition(": ")[2]


def _against_all(panel: Panel) -> str:
    """What the tests say of the study's own activation."""
    cell = next((cell for cell in panel.cells if cell.label == REFERENCE), None)
    if cell is None:
        return f"There are no scores of {REFERENCE} here, so nothing is tested against it."
    if not cell.values:
        return capital(f"{REFERENCE} is missing, so there is nothing to test against.")
    found = verdicts(panel.of_kind(AGAINST_REFERENCE))
    words = {"higher": "higher than", "lower": "lower than", "not told apart": "not told apart from"}
    parts = [f"{words[verdict]} {', '.join(found[verdict])}" for verdict in words if verdict in found]
    parts += [
        f"not tested against {', '.join(found[verdict])} ({_reason(verdict)})"
        for verdict in UNTESTED
        if verdict in found
    ]
    if missing := [cell.label for cell in panel.cells if not cell.values]:
        parts.append(f"missing: {', '.join(missing)}")
    said = capital(f"{REFERENCE} {mean_sd(cell.spread)}")
    return f"{said}: {'; '.join(parts)}." if parts else f"{said}."
