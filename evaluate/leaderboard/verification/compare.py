"""Is a claim what was recomputed? And do the fixed test sequences flatter a model? Pure functions on numbers."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ...metric_table import metric_of
from ..record import Verification

# Standard errors that chance alone exceeds, in the model's favour, once in 30,000: a trial can have 30 metrics.
_TELLING: Final = 4.0

Values = Mapping[str, float | None]
Counts = Mapping[str, int]


def differing(claimed: Values, recomputed: Values, claimed_n: Counts, recomputed_n: Counts) -> tuple[str, ...]:
    """The metrics whose claim is not what was recomputed, sorted.

    A metric differs when only one of the two has it or only one has a value for it, when it is over another n, or when
    the values are farther apart than the metric table's tolerance allows.
    """
    return tuple(
        name
        for name in sorted(claimed.keys() | recomputed.keys())
        if name not in claimed
        or name not in recomputed
        or claimed_n.get(name) != recomputed_n.get(name)
        or not _agree(name, claimed[name], recomputed[name], recomputed_n.get(name, 0))
    )


def _agree(name: str, one: float | None, other: float | None, n: int) -> bool:
    if one is None or other is None:
        return one is other
    metric = metric_of(name)
    return one == other if metric is None else metric.tolerance.allows(one, other, n)


class Gap(NamedTuple):
    """A metric on the benchmark's fixed test sequences and on ones drawn for the verification.

    noise: the standard error of their difference that drawing alone makes, None where none can be told. telling: the
    fixed ones flatter the model by more than chance explains.
    """

    metric: str
    fixed: float
    fresh: float
    noise: float | None
    telling: bool


def gaps(verification: Verification) -> Iterator[Gap]:
    """The gap of every metric that was scored on both, in the order of the recomputed ones; none for real DNA.

    Only a gap in the model's favour is telling, and only above 4 standard errors.
    """
    if verification.fresh is None:
        return
    for name, fixed in verification.metrics.items():
        fresh, metric = verification.fresh.metrics.get(name), metric_of(name)
        if fixed is None or fresh is None or metric is None:
            continue
        noise = verification.fresh.noise.get(name)
        better = fixed - fresh if metric.higher_is_better else fresh - fixed
        yield Gap(name, fixed, fresh, noise, noise is not None and better > _TELLING * noise)
