"""The seven architectures of the study, as layer specs. Source: Koo & Ploenzke 2021, Methods; protocol section 2."""

from collections.abc import Callable, Sequence
from typing import Final

from ..errors import unknown_name
from .layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Padding,
    Pool,
    Residual,
    check_activation,
)

WIDE_LENGTH = 1000  # at this input length cnn-2, cnn-50 and cnn-deep double every width


def _conv(
    number: int, filters: int, kernel: int, padding: Padding, dropout: float, function: str = "relu"
) -> list[Layer]:
    name = f"conv{number}"
    return [
        Conv(name=name, filters=filters, kernel=kernel, padding=padding),
        BatchNorm(name=f"{name}_norm"),
        Activation(name=f"{name}_activation", function=function),
        Dropout(name=f"{name}_dropout", rate=dropout),
    ]


def _dense(number: int, units: int) -> list[Layer]:
    name = f"dense{number}"
    return [
        Dense(name=name, units=units),
        BatchNorm(name=f"{name}_norm"),
        Activation(name=f"{name}_activation", function="relu"),
        Dropout(name=f"{name}_dropout", rate=0.5),
    ]


def _pool(number: int, size: int) -> Layer:
    return Pool(name=f"pool{number}", size=size)


def _two_layer(activation: str, wide: int, pools: tuple[int, int]) -> list[Layer]:
    return [
        *_conv(1, 32 * wide, 19, "same", 0.1, activation),
        _pool(1, pools[0]),
        *_conv(2, 124 * wide, 5, "same", 0.1),
        _pool(2, pools[1]),
        Flatten(name="flatten"),
        *_dense(1, 512 * wide),
    ]


def _cnn_2(activation: str, wide: int) -> list[Layer]:
    return _two_layer(activation, wide, (2, 50))


def _cnn_50(activation: str, wide: int) -> list[Layer]:
    return _two_layer(activation, wide, (50, 2))


def _four_conv(activation: str, widths: tuple[int, int, int, int], units: int) -> list[Layer]:
    return [
        *_conv(1, widths[0], 19, "same", 0.1, activation),
        *_conv(2, widths[1], 7, "same", 0.2),
        _pool(2, 4),
        *_conv(3, widths[2], 7, "valid", 0.3),
        _pool(3, 4),
        *_conv(4, widths[3], 3, "valid", 0.4),
        _pool(4, 3),
        Flatten(name="flatten"),
        *_dense(1, units),
    ]


def _cnn_deep(activation: str, wide: int) -> list[Layer]:
    return _four_conv(activation, (32 * wide, 48 * wide, 96 * wide, 128 * wide), 512 * wide)


def _cnn_dist(activation: str, wide: int) -> list[Layer]:
    return _four_conv(activation, (24, 32, 48, 64), 96)


def _cnn_local(activation: str, wide: int) -> list[Layer]:
    return [
        *_conv(1, 24, 19, "same", 0.1, activation),
        _pool(1, 50),
        *_conv(2, 48, 3, "same", 0.2),
        _pool(2, 2),
        Flatten(name="flatten"),
        *_dense(1, 96),
    ]


def _basset(activation: str, wide: int) -> list[Layer]:
    return [
        *_conv(1, 300, 19, "same", 0.2, activation),
        _pool(1, 3),
        *_conv(2, 200, 11, "valid", 0.2),
        _pool(2, 4),
        *_conv(3, 200, 7, "valid", 0.2),
        _pool(3, 4),
        Flatten(name="flatten"),
        *_dense(1, 1000),
        *_dense(2, 1000),
    ]


def _residualbind(activation: str, wide: int) -> list[Layer]:
    return [
        *_conv(1, 24, 19, "same", 0.1, activation),
        Residual(name="residual", kernel=5),
        _pool(1, 10),
        *_conv(2, 48, 7, "same", 0.3),
        _pool(2, 5),
        *_conv(3, 64, 3, "valid", 0.4),
        _pool(3, 4),
        Flatten(name="flatten"),
        *_dense(1, 96),
    ]


ARCHITECTURES: Final[dict[str, Callable[[str, int], list[Layer]]]] = {
    "cnn-2": _cnn_2,
    "cnn-50": _cnn_50,
    "cnn-deep": _cnn_deep,
    "cnn-local": _cnn_local,
    "cnn-dist": _cnn_dist,
    "basset": _basset,
    "residualbind": _residualbind,
}


def layers(architecture: str, activation: str, *, length: int, outputs: int) -> tuple[Layer, ...]:
    """The layer specs of `architecture` with the first-layer `activation`, for `length` nt and `outputs` logits.

    At 1000 nt the widths of cnn-2, cnn-50 and cnn-deep are doubled. Raises UnknownNameError for a wrong name.
    """
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES)
    check_activation(activation)
    wide = 2 if length == WIDE_LENGTH else 1
    body: Sequence[Layer] = ARCHITECTURES[architecture](activation, wide)
    return (*body, Dense(name="head", units=outputs, bias=True))
