"""Model names: `ARCHITECTURE-ACTIVATION.DATASET`."""

from typing import NamedTuple

from ..errors import UnknownNameError, unknown_name
from .architectures import ARCHITECTURES
from .layers import check_activation


class ModelName(NamedTuple):
    """The three parts of a model's name."""

    architecture: str
    activation: str
    dataset: str

    def __str__(self) -> str:
        return f"{self.architecture}-{self.activation}.{self.dataset}"


def parse(name: str) -> ModelName:
    """The parts of `ARCHITECTURE-ACTIVATION.DATASET`; the data set is not looked up.

    Raises UnknownNameError naming the part that is wrong.
    """
    network, dot, dataset = name.partition(".")
    architecture, dash, activation = network.rpartition("-")
    if not dot or not dash or not dataset:
        raise UnknownNameError(
            f"{name!r} is not a model name: write ARCHITECTURE-ACTIVATION.DATASET, "
            "such as cnn-dist-exponential.synthetic-codes. `motifzoo models` lists them."
        )
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES)
    check_activation(activation)
    return ModelName(architecture, activation, dataset)
