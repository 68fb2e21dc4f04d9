"""Layers of many networks of one architecture at once: every replica has weights of its own, and no two ever meet."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ..errors import ModelError
from . import layers as specs
from .activations import FUNCTIONS
from .arrangements import Arrangement
from .dropout import Draws
from .layers import Layer, Padding


class _Dropout(torch.autograd.Function):
    """x * kept * scale of booleans, one pass over memory each way."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return _masked(x, kept, scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (kept,) = ctx.saved_tensors
        return _masked(gradients[0], kept, ctx.scale), None, None


def _masked(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    """x * kept * scale of booleans, which PyTorch names for its use in the backward pass."""
    masked: Tensor = torch.ops.aten.native_dropout_backward(x, kept, scale)
    return masked


class _ReluDropout(torch.autograd.Function):
    """relu(x) * kept * scale, fewer passes over memory; what is positive afterwards was so before, and kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        rectified = torch.relu(x)
        out = _masked(rectified, kept, scale) if kept.dtype == torch.bool else rectified.mul_(kept.mul_(scale))
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
        if kept.dtype == torch.bool:
            maps = _masked(torch.relu(x) if rectified else x, kept, 1.0)
        else:
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

    In training, running averages are updated in place, and `draws` says what dropout keeps.
    """

    parameters: Mapping[str, Tensor]
    averages: Mapping[str, Tensor]
    training: bool
    draws: Draws | None = None


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
        assert state.draws is not None
        drawn = state.draws.keep(index, self._arrangement.drawn(x, replicas), 1.0 - rate, x.device)
        kept = self._arrangement.kept(drawn, x)
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
        if kept.dtype == torch.bool:
            out = _Dropout.apply(x, kept, scale)  # type: ignore[no-untyped-call]
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
