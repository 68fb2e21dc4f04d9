"""How far a model's values on this machine are from its golden ones, and which library that may come from.

Where rounding ends was measured on 16 models, of six architectures and six activations (logits, maxima and windows on
53 trials), against AVX-512 and one thread: two threads change nothing; batches of 1 and 3, no oneDNN, and the kernels
for AVX2 and for SSE4.1 change logits by up to 6.1e-6, filter maxima by 1.5e-6, mutagenesis by 1.6e-5, DeepSHAP (which
is float64) by nothing, and no filter gains or loses a window. Kinks apart, no change was above 3.7 times what the same
model's float32 values are from float64 ones, so a golden file says how far those are: a model of many roundings has
wider limits.

Gradients are another matter: where a unit is at its kink, a ReLU at 0 or two equal maxima of a pool, rounding sends the
gradient another way. In a sequence where that happens integrated gradients were up to 6.5e-4 apart, so of gradients the
middle sequence counts: 2.4e-6 in saliency, 3.5e-5 in integrated gradients, where half of a network's sequences had one.
CUDA was not measured.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..zoo.golden import Golden
from ..zoo.weights import Arrays

_Array = npt.NDArray[np.float32]
_NO_PROBABILITY: Final = 1e-6  # a map whose largest score is below this is compared as if that were this


def _of_logits(golden: _Array, here: _Array) -> float:
    """Largest difference, in units of the sequence's largest logit or of 1 where that is smaller."""
    return float(_relative(golden, here, 1.0).max())


def _of_maps(golden: _Array, here: _Array) -> float:
    """Largest difference of any sequence's map, in units of the map's largest score."""
    return float(_relative(golden, here, _NO_PROBABILITY).max())


def _of_gradients(golden: _Array, here: _Array) -> float:
    """Largest difference of the middle sequence's map, in units of the map's largest score."""
    return float(np.median(_relative(golden, here, _NO_PROBABILITY)))


def _of_maxima(golden: _Array, here: _Array) -> float:
    """Largest difference of any filter's maximum, in units of itself."""
    return float(_relative(golden[:, None], here[:, None], _NO_PROBABILITY).max())


def _relative(golden: _Array, here: _Array, floor: float) -> npt.NDArray[np.float64]:
    """Largest difference in each row, in units of the row's largest golden value."""
    scale = np.maximum(np.abs(golden).max(axis=1), floor)
    out: npt.NDArray[np.float64] = np.abs(golden.astype(np.float64) - here).max(axis=1) / scale
    return out


def _of_windows(golden: _Array, here: _Array) -> float:
    """Share of the windows of all filters that are there and not here, or the other way round; at least that many.

    (Two windows that take each other's place in a filter show only where their nucleotides differ.)
    """
    apart = np.abs(golden - here).sum(axis=1).max(axis=1).sum()
    return float(apart / max(1.0, golden[:, :, 0].sum()))


class Quantity(NamedTuple):
    """One kind of golden value.

    title: what a person calls it. size: how far an array is from the golden one, 0 where equal. limit: the largest size
    that is rounding in any model. packages: whose versions can change it.
    """

    title: str
    size: Callable[[_Array, _Array], float]
    limit: float
    packages: tuple[str, ...]


_NETWORK: Final = ("motifzoo", "torch")
_SHUFFLES: Final = (*_NETWORK, "numpy")

ROUNDINGS: Final = 10  # times what float32 is from float64 in a model: as far as two ways of float32 may be apart
QUANTITIES: Final[dict[str, Quantity]] = {
    "logits": Quantity("predictions", _of_logits, 1e-4, _NETWORK),
    "maxima": Quantity("filter maxima", _of_maxima, 1e-4, _SHUFFLES),
    "counts": Quantity("filter matrices", _of_windows, 1e-2, _SHUFFLES),
    "saliency": Quantity("saliency", _of_gradients, 1e-4, _NETWORK),
    "mutagenesis": Quantity("mutagenesis", _of_maps, 1e-4, _NETWORK),
    "integrated_gradients": Quantity("integrated gradients", _of_gradients, 1e-3, _SHUFFLES),
    "deepshap": Quantity("DeepSHAP", _of_maps, 1e-4, (*_SHUFFLES, "tangermeme")),
}


class Drift(NamedTuple):
    """How far one quantity of one model is from its golden values on one device.

    size: as `Quantity.size` has it, None where there are no values here, for the `reason`. limit: the largest size that
    is rounding for this model. causes: what differs between there and here and may have changed it, such as
    "torch 2.13.0 there and 2.9.1 here"; the device last.
    """

    model: str
    device: str
    quantity: str
    size: float | None
    limit: float
    reason: str = ""
    causes: tuple[str, ...] = ()

    @property
    def beyond(self) -> bool:
        """Whether this is more than rounding."""
        return self.size is None or self.size > self.limit


def public(version: str) -> str:
    """A version without what a build adds to it: 2.13.0+cpu and 2.13.0+cu130 are one version for two devices."""
    return version.partition("+")[0]


def drifts(
    golden: Golden, here: Arrays, left_out: Mapping[str, str], device: str, versions: Mapping[str, str]
) -> list[Drift]:
    """Compare values computed here, by `evaluate.golden.compute`, with golden ones, quantity by quantity.

    device: where they were computed, as `describe_device` has it. versions: of the packages here. Quantities that the
    golden values leave out are passed over.
    """
    facts = golden.facts
    found = []
    for name, quantity in QUANTITIES.items():
        if name not in golden.arrays:
            continue
        limit = max(quantity.limit, ROUNDINGS * facts.rounding.get(name, 0.0))
        causes = [
            f"{package} {then} there and {versions.get(package, 'none')} here"
            for package, then in facts.versions.items()
            if package in quantity.packages and public(versions.get(package, "")) != public(then)
        ]
        if facts.device != device:
            causes.append(f"{facts.device} there and {device} here")
        size = quantity.size(golden.arrays[name], here[name]) if name in here else None
        found.append(Drift(facts.model, device, name, size, limit, left_out.get(name, ""), tuple(causes)))
    return found
