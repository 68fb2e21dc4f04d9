"""Small model folders that the tests make on the spot."""

from collections.abc import Callable
from pathlib import Path

from motifzoo.zoo.layers import Activation, BatchNorm, Conv, Dense, Flatten, Layer, Pool

ModelFactory = Callable[..., Path]


def small_layers(activation: str = "relu", outputs: int = 1, filters: int = 6) -> tuple[Layer, ...]:
    """A network in the shape of the study's: conv, norm, activation, pool, flatten, head."""
    return (
        Conv(name="conv1", filters=filters, kernel=9),
        BatchNorm(name="conv1_norm"),
        Activation(name="conv1_activation", function=activation),
        Pool(name="pool1", size=25),
        Flatten(name="flatten"),
        Dense(name="head", units=outputs, bias=True),
    )
