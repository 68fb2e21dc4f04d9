"""The scale of a chart: from values to px, with round ticks."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..report.glyphs import number

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5)
_TICKS = 5  # the most that fit side by side


class Scale(NamedTuple):
    """Values from `low` to `high` on `length` px."""

    low: float
    high: float
    length: float

    def at(self, value: float) -> float:
        """Px of a value from the scale's beginning; values outside lie on the ends."""
        share = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, share)) * self.length

    def holds(self, value: float) -> bool:
        """Whether a value lies within the scale."""
        return self.low <= value <= self.high

    def ticks(self) -> list[float]:
        """At most five round values within the scale."""
        for step in _STEPS:
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            if last - first < _TICKS:
                break
        return [round(place * step, 2) for place in range(first, last + 1)]


def scale_of(metric: str, values: Iterable[float], length: float) -> Scale:
    """The scale of a score: all of 0 to 1 or, for an area under a ROC curve, from below chance to 1."""
    if not metric.endswith("auroc"):
        return Scale(0.0, 1.0, length)
    return Scale(math.floor(10 * min([0.45, *values])) / 10, 1.0, length)


def close_scale(values: Sequence[float], length: float) -> Scale:
    """The narrowest scale of whole twentieths, within 0 and 1, that holds all values."""
    low, high = math.floor(20 * min(values) - 0.1) / 20, math.ceil(20 * max(values) + 0.1) / 20
    return Scale(max(0.0, low), min(1.0, high), length)


def tick_text(value: float) -> str:
    """A tick's label: `0`, `.5`, `1`."""
    return number(value, 2)
