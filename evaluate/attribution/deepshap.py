"""DeepSHAP: DeepLIFT's rescale rule over shuffled references, by tangermeme, with every layer of the zoo registered."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ...errors import CacheError
from ...files import cache_dir
from ...zoo import layers as specs
from ...zoo.activations import Activation
from ...zoo.builder import Network
from ...zoo.shapes import plan
from .error import AttributionError
from .job import Job, Maps
from .shuffles import shuffled

LIMIT = 1e-3  # relative completeness gap above which a map is refused
FLOOR = 1e-6  # differences of the probability below this count as this when the gap is made relative
_TINY = 1e-9  # change of an input below which a rescale ratio would be rounding noise, in float64
_PAIRS = 40  # of a sequence and a reference, at once
_ACTIVATIONS = 2**25  # numbers that they may hold together; each is kept several times over
_NO_FOLDER = "no locator available"  # numba, where it can keep nothing that it compiles

_Gradients = tuple[Tensor, ...]


class _Probability(nn.Module):
    """One output's probability, `(N, 1)`, with the sigmoid as a module that a rule can be attached to."""

    def __init__(self, network: nn.Module, output: int) -> None:
        super().__init__()
        self.network = network
        self.output = output
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.sigmoid(self.network(x)[:, self.output : self.output + 1])
        return out


def _rescale(module: Any, grad_input: _Gradients, grad_output: _Gradients) -> _Gradients:
    """The rescale rule for an elementwise layer: the slope between reference and input instead of the derivative.

    tangermeme leaves the layer's input and output on the module, sequences first, references second. Where the two
    inputs are equal but for rounding the slope is the derivative at the sequence, for both.
    """
    change_in = torch.sub(*module.input.chunk(2))
    change_out = torch.sub(*module.output.chunk(2))
    still = change_in.abs() < _TINY
    ratio = change_out / change_in.masked_fill(still, 1.0)
    upstream = grad_output[0].unflatten(0, (2, -1))
    derivative = grad_input[0].unflatten(0, (2, -1))[:1]
    return (torch.where(still, derivative, upstream * ratio).flatten(0, 1),)


def _with_rules(network: Network) -> nn.Sequential:
    """`network` with each layer one that tangermeme's rules know; raises AttributionError for a layer without a rule.

    Global max-pooling becomes the max-pool over the whole length that it is.
    """
    shapes = plan(network.specs, network.input_shape[1]).shapes
    modules: list[nn.Module] = []
    before: tuple[int, ...] = network.input_shape
    for layer, module, shape in zip(network.specs, network.children(), shapes, strict=True):
        match layer:
            case specs.Attention() | specs.Lstm():
                raise AttributionError(
                    f"deepshap cannot explain layer {layer.name!r} ({layer.kind}): the rescale rule is defined for "
                    f"layers of one input and this one multiplies its inputs. "
                    f"Use saliency, mutagenesis or integrated_gradients."
                )
            case specs.GlobalPool(mode="max"):
                modules += [nn.MaxPool1d(before[1]), nn.Flatten()]
            case _:
                modules.append(module)
        before = shape
    return nn.Sequential(*modules)


def deepshap(job: Job) -> Maps:
    """Mean over the references of multiplier x (sequence - reference), float32 `(n, 4, L)`.

    These are the values of the study's `shap.DeepExplainer`: before multiplying by the input, each position holds a
    share for the nucleotide that is there and one for the nucleotide of the reference, and over all of them they sum
    to the mean of f(sequence) - f(reference), f the probability. The multipliers are DeepLIFT's by the rescale rule
    (Shrikumar et al. 2017, arXiv:1704.02685; Lundberg & Lee 2017, arXiv:1705.07874), in float64: a ratio of two small
    differences has no correct digits left in float32.

    The map of a sequence is NaN where its activations, or a reference's, overflow. Raises AttributionError when a
    layer has no rule, or the shares of a sequence and reference miss f(sequence) - f(reference) by more than 1e-3 of
    it (of 1e-6 where it is smaller).
    """
    # float64 does not exist on Apple's GPUs.
    device = torch.device("cpu") if job.device.type == "mps" else job.device
    explained = _Probability(_with_rules(job.network), job.output).to(device, torch.float64).eval()
    maps = np.empty(job.onehot.shape, dtype=np.float32)
    pairs = max(1, job.inputs(2 * _PAIRS, _ACTIVATIONS) // 2)
    for rows in job.batches(pairs, job.references):
        x = job.onehot[rows].double()
        references = shuffled(x, job.rows[rows], job.references, job.seed)
        shares = _multipliers(explained, x, references, pairs) * (x[:, None] - references)
        _check(explained, x, references, shares, job.rows[rows])
        maps[rows] = shares.mean(1).float().numpy()
    return maps


def _multipliers(explained: nn.Module, x: Tensor, references: Tensor, pairs: int) -> Tensor:
    """DeepLIFT's multipliers of each sequence against each of its references, `(b, references, 4, L)`."""
    deep_lift_shap = _tangermeme()
    with warnings.catch_warnings():
        # Its convergence warnings are replaced by `_check`; only_warn lets sequences with unknown nucleotides in.
        warnings.simplefilter("ignore")
        multipliers: Tensor = deep_lift_shap(
            explained,
            x,
            references=references,
            batch_size=pairs,
            additional_nonlinear_ops={Activation: _rescale, nn.Sigmoid: _rescale},
            raw_outputs=True,
            only_warn=True,
            device=_device(explained),
        )
    return multipliers


def _tangermeme() -> Callable[..., Tensor]:
    """tangermeme's DeepLIFT, whose import compiles for a second and keeps what it compiled, or is refused.

    Where neither its own folder nor the user's home can be written, as in many a container, the cache of motifzoo
    holds that, too. Raises CacheError when nothing does.
    """
    try:
        return _imported()
    except RuntimeError as error:
        if _NO_FOLDER not in str(error):
            raise
    import numba

    settings: Any = numba.config
    settings.CACHE_DIR = str(cache_dir() / "numba")
    try:
        return _imported()
    except RuntimeError as error:
        if _NO_FOLDER not in str(error):
            raise
        raise CacheError(
            f"there is no folder to keep in what numba compiles, not even {settings.CACHE_DIR}: set NUMBA_CACHE_DIR or "
            "MOTIFZOO_CACHE to one that can be written."
        ) from error


def _imported() -> Callable[..., Tensor]:
    from tangermeme.deep_lift_shap import deep_lift_shap

    found: Callable[..., Tensor] = deep_lift_shap
    return found


def _device(module: nn.Module) -> torch.device:
    return next(module.parameters()).device


def _check(explained: nn.Module, x: Tensor, references: Tensor, shares: Tensor, rows: npt.NDArray[np.int64]) -> None:
    """Raise AttributionError when the shares of any pair do not add up; see `deepshap`."""
    with torch.inference_mode():
        own = explained(x.to(_device(explained))).cpu()
        theirs = explained(references.flatten(0, 1).to(_device(explained))).cpu().unflatten(0, (len(x), -1))[..., 0]
    difference = own - theirs
    gap = (shares.sum((2, 3)) - difference).abs() / difference.abs().clamp_min(FLOOR)
    worst = gap.nan_to_num(0.0, posinf=0.0).max(1).values  # an overflow stays visible in the map
    if worst.max() > LIMIT:
        index = int(worst.argmax())
        raise AttributionError(
            f"deepshap failed its own check: for the sequence in row {rows[index]} the attributions miss the "
            f"difference between the sequence's and a reference's probability by {worst[index]:.2g} of it, and the "
            f"limit is {LIMIT:g}. A layer of the network has no correct rescale rule; use another method."
        )
