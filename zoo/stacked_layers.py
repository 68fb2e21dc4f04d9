"""Layers of many networks of one architecture at once: every replica has weights of its own, and no two ever meet.

Two arrangements of the feature maps of R replicas do the same arithmetic; which is faster depends on the device.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ..errors import ModelError
from . import layers as specs
from .activations import FUNCTIONS
from .dropout import keep_
from .layers import Layer, Padding


class Arrangement(Protocol):
    """How feature maps of R replicas lie in memory."""

    def arrange(self, maps: Tensor) -> Tensor:
        """Put maps `(R, N, C, L)` into this arrangement."""

    def sizes(self, x: Tensor, replicas: int) -> tuple[int, int, int]:
        """(N, C, L) of arranged maps."""

    def conv(self, x: Tensor, weight: Tensor, padding: Padding, dilation: int) -> Tensor:
        """Convolve each replica's maps with its own kernels, `(R, O, C, K)`."""

    def channels_first(self, x: Tensor) -> Tensor:
        """The maps as `(n, R * C, ...)`, which is how batch normalisation and pooling see them: a view."""

    def restore(self, x: Tensor, like: Tensor) -> Tensor:
        """Undo `channels_first` for maps arranged like `like`, of any length."""

    def replica_axis(self) -> int:
        """The axis along which replicas follow each other."""

    def vectors(self, x: Tensor, replicas: int) -> Tensor:
        """Flatten to `(R, N, C * L)`, position fastest."""


class Grouped:
    """`(N, R * C, 1, L)`, channels last: the CPU's kernels read and write whole channels without reordering."""

    def arrange(self, maps: Tensor) -> Tensor:
        """Put maps `(R, N, C, L)` into this arrangement."""
        x = maps.transpose(0, 1).flatten(1, 2)[:, :, None]
        return x.contiguous(memory_format=torch.channels_last)

    def sizes(self, x: Tensor, replicas: int) -> tuple[int, int, int]:
        """(N, C, L) of arranged maps."""
        return x.shape[0], x.shape[1] // replicas, x.shape[3]

    def conv(self, x: Tensor, weight: Tensor, padding: Padding, dilation: int) -> Tensor:
        """A grouped convolution, a group a replica."""
        pad: str | int = "same" if padding == "same" else 0
        kernels = weight.flatten(0, 1)[:, :, None]
        return functional.conv2d(x, kernels, padding=pad, dilation=(1, dilation), groups=len(weight))

    def channels_first(self, x: Tensor) -> Tensor:
        """The maps as they are."""
        return x

    def restore(self, x: Tensor, like: Tensor) -> Tensor:
        """The maps as they are."""
        return x

    def replica_axis(self) -> int:
        """Channels."""
        return 1

    def vectors(self, x: Tensor, replicas: int) -> Tensor:
        """Flatten to `(R, N, C * L)`, position fastest."""
        maps: Tensor = x.squeeze(2).unflatten(1, (replicas, -1))
        return maps.flatten(2).transpose(0, 1)


class Batched:
    """`(R, C, N, L)`: a convolution is one batched matrix product, which keeps a GPU busy with small replicas."""

    def arrange(self, maps: Tensor) -> Tensor:
        """Put maps `(R, N, C, L)` into this arrangement: a view."""
        return maps.transpose(1, 2)

    def sizes(self, x: Tensor, replicas: int) -> tuple[int, int, int]:
        """(N, C, L) of arranged maps."""
        return x.shape[2], x.shape[1], x.shape[3]

    def conv(self, x: Tensor, weight: Tensor, padding: Padding, dilation: int) -> Tensor:
        """Unfold, then multiply."""
        span = (weight.shape[3] - 1) * dilation
        # An odd number of zeros has the extra one on the right, as in PyTorch's "same".
        left, right = (span // 2, span - span // 2) if padding == "same" else (0, 0)
        out: Tensor = _UnfoldedConv.apply(x, weight, left, right, dilation)  # type: ignore[no-untyped-call]
        return out

    def channels_first(self, x: Tensor) -> Tensor:
        """One example of R * C channels, N x L positions."""
        return x.flatten(0, 1)[None]

    def restore(self, x: Tensor, like: Tensor) -> Tensor:
        """Back to `(R, C, N, L)`."""
        maps: Tensor = x[0].unflatten(0, (like.shape[0], -1))
        return maps

    def replica_axis(self) -> int:
        """The first."""
        return 0

    def vectors(self, x: Tensor, replicas: int) -> Tensor:
        """Flatten to `(R, N, C * L)`, position fastest."""
        return x.transpose(1, 2).flatten(2)


def arrangement_for(device: torch.device) -> Arrangement:
    """The faster arrangement on a device."""
    return Grouped() if device.type == "cpu" else Batched()


def _unfold(x: Tensor, taps: int, left: int, right: int, dilation: int) -> Tensor:
    """Windows of `(R, C, N, L)`, zero-padded: `(R, C * taps, N * positions)`."""
    padded = functional.pad(x, (left, right)).contiguous()
    r, c, n, length = padded.shape
    sr, sc, sn, sl = padded.stride()
    positions = length - (taps - 1) * dilation
    windows = padded.as_strided((r, c, taps, n, positions), (sr, sc, dilation * sl, sn, sl))
    return windows.reshape(r, c * taps, n * positions)


class _UnfoldedConv(torch.autograd.Function):
    """Windows are unfolded again in the backward pass: K times the maps is more than a GPU's memory should keep."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, left: int, right: int, dilation: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.window = (weight.shape[3], left, right, dilation)
        out = torch.bmm(weight.flatten(2), _unfold(x, *ctx.window))
        maps: Tensor = out.unflatten(2, (x.shape[2], -1))
        return maps

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        taps, left, right, dilation = ctx.window
        gradient = gradients[0].contiguous()
        to_weight = torch.bmm(gradient.flatten(2), _unfold(x, *ctx.window).transpose(1, 2)).view_as(weight)
        if not ctx.needs_input_grad[0]:
            return None, to_weight, None, None, None
        # The gradient of a convolution is one of the gradient, with the kernel turned round.
        span = (taps - 1) * dilation
        turned = weight.flip(3).transpose(1, 2).flatten(2)
        to_x = torch.bmm(turned, _unfold(gradient, taps, span - left, span - right, dilation))
        return to_x.view_as(x), to_weight, None, None, None


class _ReluDropout(torch.autograd.Function):
    """relu(x) * kept * scale, fewer passes over memory; what is positive afterwards was so before, and kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        out = torch.relu(x).mul_(kept.mul_(scale))
        ctx.save_for_backward(out)
        ctx.scale = scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (out,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(gradients[0], out, 0).mul_(ctx.scale), None, None


class _DropoutPool(torch.autograd.Function):
    """Max-pooling of x * kept * scale, or of its ReLU: the backward pass goes over whole maps only once."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float, size: int, rectified: bool) -> Tensor:
        maps = torch.relu(x).mul_(kept) if rectified else x * kept
        out, places = torch.ops.aten.max_pool2d_with_indices(maps, [1, size], [1, size])
        # Of a ReLU, what is positive was kept, and the rest has no gradient.
        passed = out > 0 if rectified else kept.flatten(2).gather(2, places.flatten(2)).view_as(places)
        ctx.save_for_backward(x, places, passed)
        ctx.scale, ctx.size = scale, size
        scaled: Tensor = out.mul_(scale)  # the greatest stays the greatest
        return scaled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, places, passed = ctx.saved_tensors
        pooled = (gradients[0] * ctx.scale).mul_(passed)
        window = [1, ctx.size]
        to_x = torch.ops.aten.max_pool2d_with_indices_backward(pooled, x, window, window, [0, 0], [1, 1], False, places)
        return to_x, None, None, None, None


class State(NamedTuple):
    """What a pass through a stack reads: parameters and running averages by name, a row a replica.

    In training, running averages are updated in place and `generators`, one a replica, draw what dropout removes.
    """

    parameters: Mapping[str, Tensor]
    averages: Mapping[str, Tensor]
    training: bool
    generators: Sequence[torch.Generator] = ()


class StackedLayers:
    """The layers of R networks which differ in nothing but the functions of their activations.

    networks: each replica's layer specs. Raises ModelError for a kind of layer that cannot be stacked.
    """

    def __init__(self, networks: Sequence[Sequence[Layer]], arrangement: Arrangement, filter_layer: str) -> None:
        for layer in networks[0]:
            check_stackable(layer)
        self._networks = networks
        self._arrangement = arrangement
        self._first = 1 + next(i for i, layer in enumerate(networks[0]) if layer.name == filter_layer)

    def first(self, onehot: Tensor, state: State) -> Tensor:
        """One-hot `(R, N, 4, L)` through the filter layer, arranged."""
        return self._run(self._arrangement.arrange(onehot), 0, self._first, state)

    def rest(self, x: Tensor, state: State) -> Tensor:
        """What `first` put out through the other layers: logits `(R, N, outputs)`, in the precision of `x`."""
        return self._run(x, self._first, None, state)

    def _run(self, x: Tensor, begin: int, end: int | None, state: State) -> Tensor:
        for index, layer in enumerate(self._networks[0][begin:end], begin):
            x = self._layer(x, index, layer, state)
        return x

    def _layer(self, x: Tensor, index: int, layer: Layer, state: State) -> Tensor:
        match layer:
            case specs.Conv():
                return self._conv(x, layer.name, layer.padding, layer.dilation, state)
            case specs.BatchNorm():
                return self._norm(x, layer.name, layer.eps, layer.momentum, state)
            case specs.Activation():
                return x if self._rectified(index) else self._activation(x, index)
            case specs.Dropout():
                return self._dropout(x, index, layer.rate, state)
            case specs.Pool():
                if state.training and self._pools(index - 1):
                    return x
                pool = functional.max_pool2d if layer.mode == "max" else functional.avg_pool2d
                pooled = pool(self._arrangement.channels_first(x), (1, layer.size))
                return self._arrangement.restore(pooled, x)
            case specs.Residual():
                return self._residual(x, layer, state)
            case specs.Flatten():
                return self._arrangement.vectors(x, len(self._networks))
            case specs.Dense():
                return self._dense(x, layer.name, state)
        raise TypeError(f"no stacked form of layer kind {layer.kind!r}")

    def _conv(self, x: Tensor, name: str, padding: Padding, dilation: int, state: State) -> Tensor:
        out = self._arrangement.conv(x, state.parameters[f"{name}.weight"].to(x.dtype), padding, dilation)
        bias = state.parameters.get(f"{name}.bias")
        if bias is None:
            return out
        first = self._arrangement.channels_first(out)
        return self._arrangement.restore(first + bias.to(x.dtype).flatten()[:, None, None], out)

    def _norm(self, x: Tensor, name: str, eps: float, momentum: float, state: State) -> Tensor:
        maps = x.dim() == 4
        first = self._arrangement.channels_first(x) if maps else x.transpose(0, 1).flatten(1)
        out = functional.batch_norm(
            first,
            state.averages[f"{name}.running_mean"].view(-1),
            state.averages[f"{name}.running_var"].view(-1),
            state.parameters[f"{name}.weight"].flatten(),
            state.parameters[f"{name}.bias"].flatten(),
            training=state.training,
            momentum=momentum,
            eps=eps,
        )
        return (
            self._arrangement.restore(out, x) if maps else out.unflatten(1, (len(self._networks), -1)).transpose(0, 1)
        )

    def _rectified(self, index: int) -> bool:
        """Whether layer `index` is a ReLU behind the filter layer, and dropout follows and computes it."""
        layers = self._networks[0]
        if not self._first <= index < len(layers) - 1 or not isinstance(layers[index + 1], specs.Dropout):
            return False
        return all(getattr(network[index], "function", None) == "relu" for network in self._networks)

    def _activation(self, x: Tensor, index: int) -> Tensor:
        """Each function on the run of replicas that have it."""
        names = [layers[index].function for layers in self._networks]  # type: ignore[union-attr]
        if len(set(names)) == 1:
            return FUNCTIONS[names[0]](x)
        axis = self._arrangement.replica_axis() if x.dim() == 4 else 0
        width = x.shape[axis] // len(names)
        runs = [(name, sum(1 for _ in run)) for name, run in groupby(names)]
        parts = x.split([width * length for _, length in runs], dim=axis)
        return torch.cat([FUNCTIONS[name](part) for (name, _), part in zip(runs, parts, strict=True)], dim=axis)

    def _pools(self, index: int) -> bool:
        """Whether layer `index` is dropout, and max-pooling follows and is computed with it."""
        layers = self._networks[0]
        if not 0 <= index < len(layers) - 1:
            return False
        layer, following = layers[index : index + 2]
        if not isinstance(layer, specs.Dropout) or not isinstance(following, specs.Pool):
            return False
        return layer.rate > 0 and following.mode == "max"

    def _dropout(self, x: Tensor, index: int, rate: float, state: State) -> Tensor:
        """Scale or remove entries as `nn.Dropout` does; on the CPU the draws are the very same ones.

        With it go a ReLU before it and max-pooling behind it.
        """
        rectified = self._rectified(index - 1)
        if rate == 0.0 or not state.training:
            return torch.relu(x) if rectified else x
        replicas = len(self._networks)
        shape = (replicas, *self._arrangement.sizes(x, replicas)) if x.dim() == 4 else x.shape
        drawn = torch.empty(shape, dtype=torch.bool, device=x.device)
        for row, generator in zip(drawn, state.generators, strict=True):
            keep_(row, 1.0 - rate, generator)
        drawn = drawn.view(torch.uint8)  # which PyTorch copies into float32 many times faster than booleans
        kept = (self._arrangement.arrange(drawn) if x.dim() == 4 else drawn).to(x.dtype)
        scale = 1.0 / (1.0 - rate)
        out: Tensor
        if self._pools(index):
            size = self._networks[0][index + 1].size  # type: ignore[union-attr]
            maps, kept = (self._arrangement.channels_first(each) for each in (x, kept))
            out = _DropoutPool.apply(maps, kept, scale, size, rectified)  # type: ignore[no-untyped-call]
            return self._arrangement.restore(out, x)
        if rectified:
            out = _ReluDropout.apply(x, kept, scale)  # type: ignore[no-untyped-call]
            return out
        return x * kept.mul_(scale)

    def _residual(self, x: Tensor, layer: specs.Residual, state: State) -> Tensor:
        inner = x
        for number in (1, 2):
            inner = torch.relu(self._conv(inner, f"{layer.name}.conv{number}", "same", layer.dilation, state))
            inner = self._norm(inner, f"{layer.name}.norm{number}", layer.eps, layer.momentum, state)
            inner = torch.relu(inner) if number == 1 else inner
        return torch.relu(x + inner)

    def _dense(self, x: Tensor, name: str, state: State) -> Tensor:
        weight = state.parameters[f"{name}.weight"].to(x.dtype).transpose(1, 2)
        bias = state.parameters.get(f"{name}.bias")
        return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias.to(x.dtype)[:, None], x, weight)


_STACKABLE = (
    specs.Conv,
    specs.BatchNorm,
    specs.Activation,
    specs.Dropout,
    specs.Pool,
    specs.Residual,
    specs.Flatten,
    specs.Dense,
)


def can_stack(layer: Layer) -> bool:
    """Whether a layer can be trained in a stack."""
    return isinstance(layer, _STACKABLE)


def check_stackable(layer: Layer) -> None:
    """Raise ModelError for a kind of layer that only the one-by-one trainer knows."""
    if not can_stack(layer):
        kinds = ", ".join(str(kind.model_fields["kind"].default) for kind in _STACKABLE)
        raise ModelError(
            f"layer {layer.name!r} is of kind {layer.kind}, which cannot be trained in a stack (these can: {kinds}). "
            "Train its trials one after another."
        )
