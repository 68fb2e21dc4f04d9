"""What a list of layer specs amounts to: output shapes and parameters, without building anything (or PyTorch)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import ModelError
from . import layers as specs
from .layers import MAX_LENGTH, MAX_PARAMETERS, Layer

Shape = tuple[int, ...]  # without the batch: (channels, length) or (units,)


@dataclass(frozen=True)
class Plan:
    """What a list of specs amounts to: every layer's output shape, and the number of trainable parameters."""

    shapes: tuple[Shape, ...]
    parameters: int


def plan(layers: Sequence[Layer], input_length: int) -> Plan:
    """Follow the shapes through `layers` without allocating anything.

    Raises ModelError where two layers do not meet, a name repeats, or the network exceeds the size limits.
    """
    if not 1 <= input_length <= MAX_LENGTH:
        raise ModelError(f"input length {input_length} is not between 1 and {MAX_LENGTH}.")
    shape: Shape = (4, input_length)
    shapes = []
    total = 0
    seen: set[str] = set()
    for layer in layers:
        if layer.name in seen:
            raise ModelError(f"two layers are named {layer.name!r}: every layer needs a name of its own.")
        seen.add(layer.name)
        shape, count = _step(layer, shape)
        shapes.append(shape)
        total += count
        if total > MAX_PARAMETERS or math.prod(shape) > MAX_PARAMETERS:
            raise ModelError(
                f"at layer {layer.name!r} the network has {total:,} parameters and a layer output of "
                f"{math.prod(shape):,} numbers a sequence; the limit is {MAX_PARAMETERS:,} of either."
            )
    return Plan(tuple(shapes), total)


def _step(layer: Layer, shape: Shape) -> tuple[Shape, int]:
    """Output shape and trainable parameters of one layer on an input of `shape`."""
    if isinstance(layer, specs.Activation | specs.Dropout):
        return shape, 0
    if isinstance(layer, specs.BatchNorm):
        return shape, 2 * shape[0]
    if isinstance(layer, specs.Dense):
        if len(shape) != 1:
            raise _mismatch(layer, shape, "a vector; put a flatten or global_pool layer before it")
        return (layer.units,), layer.units * (shape[0] + layer.bias)
    if len(shape) != 2:
        raise _mismatch(layer, shape, "channels x positions; it must come before any flatten or global_pool layer")
    channels, length = shape
    match layer:
        case specs.Conv():
            span = (layer.kernel - 1) * layer.dilation + 1
            out = length if layer.padding == "same" else length - span + 1
            if out < 1:
                raise _mismatch(layer, shape, f"at least {span} positions")
            return (layer.filters, out), layer.filters * (channels * layer.kernel + layer.bias)
        case specs.Pool():
            if length < layer.size:
                raise _mismatch(layer, shape, f"at least {layer.size} positions")
            return (channels, length // layer.size), 0
        case specs.Residual():
            return shape, 2 * channels * channels * layer.kernel + 4 * channels
        case specs.Attention():
            if channels % layer.heads:
                raise _mismatch(layer, shape, f"a number of channels that {layer.heads} heads divide")
            return shape, 4 * channels * (channels + 1)
        case specs.Lstm():
            directions = 2 if layer.bidirectional else 1
            return (directions * layer.units, length), directions * 4 * layer.units * (channels + layer.units + 2)
        case specs.GlobalPool():
            return (channels,), 0
        case specs.Flatten():
            return (channels * length,), 0
    raise TypeError(f"no rule for layer kind {layer.kind!r}")


def _mismatch(layer: Layer, shape: Shape, needs: str) -> ModelError:
    given = f"{shape[0]} channels x {shape[1]} positions" if len(shape) == 2 else f"a vector of {shape[0]}"
    return ModelError(f"layer {layer.name!r} ({layer.kind}) gets {given} and needs {needs}.")


def default_filter_layer(layers: Sequence[Layer]) -> str:
    """Name of the first activation after the first conv: the layer whose filters are studied unless stated."""
    convs = [index for index, layer in enumerate(layers) if isinstance(layer, specs.Conv)]
    if convs:
        for layer in layers[convs[0] :]:
            if isinstance(layer, specs.Activation):
                return layer.name
    raise ModelError("the network has no convolution followed by an activation, so no filters to study.")
