"""How the feature maps of many networks of one architecture lie in memory, each with weights of its own.

Two arrangements of R replicas' maps do the same arithmetic; which is faster depends on the device.
"""

from typing import Any, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from .layers import Padding


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

    def drawn(self, x: Tensor, replicas: int) -> tuple[int, ...]:
        """The shape, replicas first, in which dropout draws for x: on the CPU that of a network alone."""

    def kept(self, drawn: Tensor, x: Tensor) -> Tensor:
        """What was drawn for x, arranged; booleans, or numbers of its type."""


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

    def drawn(self, x: Tensor, replicas: int) -> tuple[int, ...]:
        """`(R, N, C, L)` of maps."""
        return (replicas, *self.sizes(x, replicas)) if x.dim() == 4 else tuple(x.shape)

    def kept(self, drawn: Tensor, x: Tensor) -> Tensor:
        """Numbers, with which the CPU multiplies faster."""
        drawn = drawn.view(torch.uint8)  # which PyTorch copies into float32 many times faster than booleans
        return (self.arrange(drawn) if x.dim() == 4 else drawn).to(x.dtype)


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
        # Not x[0]: the gradient of a choice is a copy among zeros, that of a squeeze a view.
        maps: Tensor = x.squeeze(0).unflatten(0, (like.shape[0], -1))
        return maps

    def replica_axis(self) -> int:
        """The first."""
        return 0

    def vectors(self, x: Tensor, replicas: int) -> Tensor:
        """Flatten to `(R, N, C * L)`, position fastest."""
        return x.transpose(1, 2).flatten(2)

    def drawn(self, x: Tensor, replicas: int) -> tuple[int, ...]:
        """As x lies in memory, but on the CPU."""
        if x.dim() == 4 and x.device.type == "cpu":
            return (replicas, *self.sizes(x, replicas))
        return tuple(x.shape)

    def kept(self, drawn: Tensor, x: Tensor) -> Tensor:
        """Booleans, which are a quarter of the bytes."""
        return self.arrange(drawn) if x.dim() == 4 and x.device.type == "cpu" else drawn


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
    """One batched product each for the maps, the kernels' gradient and the maps' gradient.

    What a GPU spends beside products goes into copies of windows, K times the maps: they are made once and kept.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, left: int, right: int, dilation: int) -> Tensor:
        windows = _unfold(x, weight.shape[3], left, right, dilation)
        ctx.save_for_backward(windows, weight)
        ctx.window = (x.shape, left, right, dilation)
        maps: Tensor = torch.bmm(weight.flatten(2), windows).unflatten(2, (x.shape[2], -1))
        return maps

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        windows, weight = ctx.saved_tensors
        (r, c, n, length), left, right, dilation = ctx.window
        gradient = gradients[0].contiguous()
        to_weight = torch.bmm(gradient.flatten(2), windows.transpose(1, 2)).view_as(weight)
        if not ctx.needs_input_grad[0]:
            return None, to_weight, None, None, None
        # What each tap hands back, `(R, C, taps, N, padded)`, then shifted by its place and summed. A shift by less
        # than the window reads the end of the row before, where the gradient was padded with zeros.
        taps = weight.shape[3]
        padded = length + left + right
        wide = functional.pad(gradient, (0, (taps - 1) * dilation))
        parts = torch.bmm(weight.flatten(2).transpose(1, 2), wide.flatten(2))
        size = n * padded
        shifted = parts.as_strided((r, c, taps, n, padded), (c * taps * size, taps * size, size - dilation, padded, 1))
        return shifted.sum(2)[..., left : left + length], to_weight, None, None, None
