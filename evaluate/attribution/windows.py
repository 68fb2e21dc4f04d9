"""The part of each layer's output that one substitution can change, for many mutants at once.

A stage is a layer bound to the wild types' activations: it takes the window of positions that may differ from the wild
type and gives the window that may differ after the layer. Everything outside a window equals the wild type, so it is
never computed; where a layer looks further than the window, the wild type's activations are put beside it.

Each window is computed from the mutants' own activations by the kernels that a whole sequence would go through, rather
than from differences to the wild type: on the CPU the hidden activations then equal the plain way's bit for bit, where
differences stray from it by float32 rounding, which exponential activations magnify to more than 1e-6.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...zoo.activations import Activation
from ...zoo.builder import ResidualBlock


@dataclass(frozen=True)
class Window:
    """Activations `(B, M, C, W)` of M mutants of each of B sequences at positions start, start + 1, ... of a layer.

    W is 0 when the substitution no longer matters.
    """

    start: int
    values: Tensor

    @property
    def stop(self) -> int:
        """One past the last position."""
        return self.start + self.values.shape[3]

    def widened(self, wild: Tensor, start: int, stop: int) -> Tensor:
        """The mutants' activations from `start` to `stop`: outside the window those of the wild types, `(B, C, L)`."""
        mutants = self.values.shape[1]
        out = wild[:, None, :, start:stop].expand(-1, mutants, -1, -1).clone(memory_format=torch.contiguous_format)
        first, last = max(start, self.start), min(stop, self.stop)
        out[..., first - start : last - start] = self.values[..., first - self.start : last - self.start]
        return out


Stage = Callable[[Window], Window]


def through(modules: Sequence[nn.Module], x: Tensor) -> Tensor:
    """The output of `modules` for `(N, C, L)`."""
    # PyTorch convolves a single input by other sums than several, which would tell in the sixth digit.
    out = x.expand(2, -1, -1) if len(x) == 1 else x
    for module in modules:
        out = module(out)
    return out[: len(x)]


def _apply(module: nn.Module, values: Tensor) -> Tensor:
    """A layer's output for `(B, M, C, W)`."""
    out: Tensor = module(values.flatten(0, 1)).unflatten(0, values.shape[:2])
    return out


class _Elementwise:
    """An activation, or batch normalisation in evaluation."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __call__(self, window: Window) -> Window:
        return Window(window.start, _apply(self.module, window.values))


class _Convolution:
    """Stride 1, any dilation."""

    def __init__(self, module: nn.Conv1d, wild: Tensor) -> None:
        self.module = module
        self.wild = wild
        (kernel,), (self.dilation,) = module.kernel_size, module.dilation
        self.reach = (kernel - 1) * self.dilation
        # Output o sums the inputs from o - left on; PyTorch pads "same" with the smaller half on the left.
        self.left = self.reach // 2 if module.padding == "same" else 0
        self.length = wild.shape[2] - (0 if module.padding == "same" else self.reach)

    def __call__(self, window: Window) -> Window:
        start = max(0, window.start + self.left - self.reach)
        stop = min(self.length, window.stop + self.left)
        first, last = start - self.left, stop - self.left + self.reach
        length = self.wild.shape[2]
        values = window.widened(self.wild, max(0, first), min(length, last))
        if first < 0 or last > length:
            values = functional.pad(values, (max(0, -first), max(0, last - length)))
        out = functional.conv1d(values.flatten(0, 1), self.module.weight, self.module.bias, dilation=self.dilation)
        return Window(start, out.unflatten(0, values.shape[:2]))


def _size(module: nn.MaxPool1d | nn.AvgPool1d) -> int:
    size = module.kernel_size
    return size if isinstance(size, int) else size[0]


def _pools(window: Window, size: int, length: int) -> range:
    """The pools a window touches, among the `length` complete ones: an incomplete last pool is dropped."""
    return range(min(window.start // size, length), min(-(-window.stop // size), length))


class _MeanPool:
    """Mean-pooling."""

    def __init__(self, module: nn.AvgPool1d, wild: Tensor) -> None:
        self.module = module
        self.size = _size(module)
        self.wild = wild

    def __call__(self, window: Window) -> Window:
        pools = _pools(window, self.size, self.wild.shape[2] // self.size)
        if not pools:
            return Window(pools.start, window.values[..., :0])
        values = window.widened(self.wild, pools.start * self.size, pools.stop * self.size)
        return Window(pools.start, _apply(self.module, values))


class _MaxPool:
    """Max-pooling; in a pool wider than the window the wild type's other positions count by their largest alone."""

    def __init__(self, module: nn.MaxPool1d, wild: Tensor) -> None:
        self.size = _size(module)
        self.wild = wild
        self.length = wild.shape[2] // self.size
        complete = wild[..., : self.length * self.size].unflatten(2, (self.length, self.size))
        self.until = complete.cummax(3).values.flatten(2)  # largest of the pool up to each position
        self.since = complete.flip(3).cummax(3).values.flip(3).flatten(2)  # and from each position on

    def __call__(self, window: Window) -> Window:
        pools = _pools(window, self.size, self.length)
        if not pools:
            return Window(pools.start, window.values[..., :0])
        if self.size > window.values.shape[3]:
            largest = [self._largest(window, pool * self.size) for pool in pools]
            return Window(pools.start, torch.stack(largest, dim=3))
        values = window.widened(self.wild, pools.start * self.size, pools.stop * self.size)
        # Three times as fast as max_pool1d on rows this short.
        return Window(pools.start, reduce(torch.maximum, [values[..., k :: self.size] for k in range(self.size)]))

    def _largest(self, window: Window, start: int) -> Tensor:
        """The largest of the pool from `start` on, `(B, M, C)`."""
        first, last = max(start, window.start), min(start + self.size, window.stop)
        inside = window.values[..., first - window.start : last - window.start]
        out = inside.movedim(3, 0).contiguous().amax(0)  # position first: twice as fast as along short rows
        if first > start:
            out = torch.maximum(out, self.until[:, None, :, first - 1])
        if last < start + self.size:
            out = torch.maximum(out, self.since[:, None, :, last])
        return out


class _Residual:
    """A residual block: its inner layers widen the window, the skip adds the block's own input."""

    def __init__(self, module: ResidualBlock, wild: Tensor) -> None:
        self.inner = bind([child for name, child in module.named_children() if name != "relu4"], wild)
        self.wild = wild
        self.function = module.relu4

    def __call__(self, window: Window) -> Window:
        inner = run(self.inner.stages, window)
        total = window.widened(self.wild, inner.start, inner.stop) + inner.values
        return Window(inner.start, self.function(total))


def run(stages: Sequence[Stage], window: Window) -> Window:
    """Pass a window through `stages`, as far as it still holds a position."""
    for stage in stages:
        if window.values.shape[3] == 0:
            break
        window = stage(window)
    return window


@dataclass(frozen=True)
class Bound:
    """The leading local layers of a list, bound to wild types.

    `wild` is their output for the wild types, `(B, C, L)`; `rest` are the layers after them, from the first that is not
    local.
    """

    stages: tuple[Stage, ...]
    wild: Tensor
    rest: tuple[nn.Module, ...]


def bind(modules: Sequence[nn.Module], wild: Tensor) -> Bound:
    """Bind the leading local layers of `modules` to the wild types, `(B, C, L)` at the first layer's input."""
    stages: list[Stage] = []
    for index, module in enumerate(modules):
        match module:
            case nn.Dropout():
                continue
            case nn.BatchNorm1d() | Activation():
                stages.append(_Elementwise(module))
            case nn.Conv1d():
                stages.append(_Convolution(module, wild))
            case nn.MaxPool1d():
                stages.append(_MaxPool(module, wild))
            case nn.AvgPool1d():
                stages.append(_MeanPool(module, wild))
            case ResidualBlock():
                stages.append(_Residual(module, wild))
            case _:
                return Bound(tuple(stages), wild, tuple(modules[index:]))
        wild = through([module], wild)
    return Bound(tuple(stages), wild, ())
