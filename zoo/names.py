"""Model names: `ARCHITECTURE-ACTIVATION.DATASET`, or `ARCHITECTURE-ACTIVATION-VARIANT.DATASET`."""

from typing import Final, NamedTuple

from ..errors import UnknownNameError, unknown_name
from .architectures import ARCHITECTURES
from .layers import ACTIVATIONS, check_activation

VARIANT: Final = r"^([a-z][a-z0-9_]{0,19})?$"


class ModelName(NamedTuple):
    """The parts of a model's name.

    `variant` tells models apart that differ in their training only, such as `l2` for log_relu with its penalty and
    `shuffled` for a control; "" for the others. It is no activation, so that a name has one meaning.
    """

    architecture: str
    activation: str
    dataset: str
    variant: str = ""

    def __str__(self) -> str:
        variant = f"-{self.variant}" if self.variant else ""
        return f"{self.architecture}-{self.activation}{variant}.{self.dataset}"


def parse(name: str) -> ModelName:
    """The parts of a model's name; the data set and the variant are not looked up.

    Raises UnknownNameError naming the part that is wrong.
    """
    network, dot, dataset = name.partition(".")
    architecture, dash, activation = network.rpartition("-")
    if not dot or not dash or not dataset:
        raise UnknownNameError(
            f"{name!r} is not a model name: write ARCHITECTURE-ACTIVATION.DATASET, "
            "such as cnn-dist-exponential.synthetic-codes. `motifzoo models` lists them."
        )
    variant = ""
    before, dash, last = architecture.rpartition("-")
    if activation not in ACTIVATIONS and dash and last in ACTIVATIONS:
        architecture, activation, variant = before, last, activation
    if architecture not in ARCHITECTURES:
        raise unknown_name("architecture", architecture, ARCHITECTURES)
    check_activation(activation)
    return ModelName(architecture, activation, dataset, variant)
