"""Tests of differences between models: Welch's t-test over trials, corrected by Holm within a family of tests.

A family is what one looks at together: the tests of one kind, on one score, in one architecture of one data set. Where
a side has fewer than two trials, or neither side's trials differ, there is no test. Shares of a few filters are coarse,
so that two trials are often equal: the limit of Welch's test there, p = 0, would say that they can never differ.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations, groupby
from typing import Final, Literal, NamedTuple

import numpy as np

from ..metric_table import METRICS
from ..statistics import SIGNIFICANCE, Spread, holm, spread, welch
from .questions import place
from .scored import Measured

Verdict = Literal[
    "higher", "lower", "not told apart", "not tested: fewer than two trials", "not tested: no spread in either"
]
UNTESTED: Final[tuple[Verdict, ...]] = ("not tested: fewer than two trials", "not tested: no spread in either")

ACTIVATIONS_OF: Final = "all pairs of activations"
ARCHITECTURES_OF: Final = "all pairs of architectures"


class Side(NamedTuple):
    """One of the two models of a test."""

    name: str
    label: str
    spread: Spread


class Difference(NamedTuple):
    """A test of whether two models differ in a score.

    The tests of one `scope` (what they have in common), `kind` and `metric` are a family: corrected together. `p` is
    Welch's, two-sided, and `p_holm` the same corrected; both NaN where there is no test: no member of the family.
    """

    scope: str
    kind: str
    metric: str
    first: Side
    second: Side
    p: float
    p_holm: float

    @property
    def difference(self) -> float:
        """Mean of the first less mean of the second."""
        return self.first.spread.mean - self.second.spread.mean

    @property
    def verdict(self) -> Verdict:
        """Whether the first is higher or lower, at a corrected p below 0.05; or why there is no test."""
        if np.isnan(self.p_holm):
            few = min(self.first.spread.n, self.second.spread.n) < 2
            return "not tested: fewer than two trials" if few else "not tested: no spread in either"
        if self.p_holm >= SIGNIFICANCE:
            return "not told apart"
        return "higher" if self.difference > 0 else "lower"

    @property
    def apart(self) -> bool:
        """Whether the two are told apart."""
        return self.verdict in ("higher", "lower")


def compared(scope: str, kind: str, metric: str, pairs: Sequence[tuple[Side, Side]]) -> tuple[Difference, ...]:
    """The tests of one family."""
    if not pairs:
        return ()
    first, second = (np.array([pair[side].spread[:3] for pair in pairs]).T for side in (0, 1))
    still = (first[1] == 0) & (second[1] == 0)
    p = np.where(still, np.nan, welch(*first, *second))
    return tuple(
        Difference(scope, kind, metric, *pair, float(raw), float(corrected))
        for pair, raw, corrected in zip(pairs, p, holm(p), strict=True)
    )


def all_pairs(models: Iterable[Measured]) -> tuple[Difference, ...]:
    """Every two models on one data set that differ in one part: the activation (or variant), or the architecture.

    Controls are left out, and so are E-values, which span orders of magnitude.
    """
    found: list[Difference] = []
    ordered = sorted(models, key=lambda model: (model.dataset, *place(model.architecture, model.label)))
    contestants = [model for model in ordered if not model.control]
    for dataset, group in groupby(contestants, key=lambda model: model.dataset):
        on_dataset = list(group)
        for metric in (name for name in METRICS if METRICS[name].highest <= 1):
            sides = [
                (model, Side(model.name, model.label, spread([value for _, value in values])))
                for model in on_dataset
                if (values := model.defined(metric))
            ]
            for kind, same, differs in (
                (ACTIVATIONS_OF, "architecture", "label"),
                (ARCHITECTURES_OF, "label", "architecture"),
            ):
                for shared in dict.fromkeys(getattr(model, same) for model, _ in sides):
                    pairs = [
                        (one, other)
                        for (first, one), (second, other) in combinations(sides, 2)
                        if getattr(first, same) == getattr(second, same) == shared
                        and getattr(first, differs) != getattr(second, differs)
                    ]
                    found += compared(f"{dataset}, {shared}", kind, metric, pairs)
    return tuple(found)
