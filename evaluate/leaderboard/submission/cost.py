"""What evaluating a network would take, from its layer specs alone: memory of one sequence, arithmetic, waiting."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from ....zoo import layers as specs
from ....zoo.layers import Layer
from ....zoo.shapes import Shape, plan
from ...protocol import REFERENCES, SEQUENCES, STEPS
from .limits import LIMITS, Limits

_BACKWARD: Final = 3  # passes that a gradient costs
_SCORED: Final = 3  # passes over the test split: predictions, and feature maps twice


class Cost(NamedTuple):
    """numbers: the most that a layer's input, output and inner results hold for one sequence. operations: of one pass
    of one sequence through the network. recurrent: how many LSTM layers there are."""

    numbers: int
    operations: float
    recurrent: int


def cost(layers: Sequence[Layer], input_length: int) -> Cost:
    """The cost of a network that `plan` accepts."""
    shapes: tuple[Shape, ...] = ((4, input_length), *plan(layers, input_length).shapes)
    steps = [_layer(layer, before, after) for layer, before, after in zip(layers, shapes, shapes[1:], strict=False)]
    return Cost(
        max(numbers for numbers, _ in steps),
        float(sum(operations for _, operations in steps)),
        sum(isinstance(layer, specs.Lstm) for layer in layers),
    )


def _layer(layer: Layer, before: Shape, after: Shape) -> tuple[int, int]:
    """Numbers held and operations done by one layer for one sequence."""
    given, made = math.prod(before), math.prod(after)
    match layer:
        case specs.Conv():
            return given + made, 2 * made * before[0] * layer.kernel
        case specs.Residual():
            return given + 4 * made, 4 * made * before[0] * layer.kernel
        case specs.Dense():
            return given + made, 2 * given * made
        case specs.Attention():
            channels, length = before
            pairs = layer.heads * length * length
            return given + 5 * made + 2 * pairs, 8 * channels * channels * length + 4 * channels * length * length
        case specs.Lstm():
            channels, length = before
            gates = 4 * made
            return given + 3 * gates, 2 * gates * (channels + layer.units)
    return given + made, 4 * made


def evaluation_operations(one: float, input_length: int, test_sequences: int) -> float:
    """Operations of a whole evaluation, from those of one pass: predictions, filters and the attribution methods."""
    explained = min(SEQUENCES, test_sequences)
    mutants = 3 * input_length
    gradients = _BACKWARD * (1 + STEPS * REFERENCES + 2 * REFERENCES)
    return one * (_SCORED * test_sequences + explained * (mutants + gradients))


def check_cost(layers: Sequence[Layer], input_length: int, test_sequences: int, limits: Limits = LIMITS) -> list[str]:
    """Why a network is too large to be evaluated for everybody; empty if it is not."""
    found = cost(layers, input_length)
    reasons = []
    if found.numbers > limits.numbers:
        reasons.append(
            f"config.json: the network holds {found.numbers:,} activations of one sequence at once; the limit is "
            f"{limits.numbers:,}. Use fewer channels, or pool earlier."
        )
    operations = evaluation_operations(found.operations, input_length, test_sequences)
    if operations > limits.operations:
        reasons.append(
            f"config.json: evaluating the network takes {operations:.1e} operations; the limit is "
            f"{limits.operations:.1e}. Use fewer channels or layers, or pool earlier."
        )
    if found.recurrent > limits.recurrent:
        reasons.append(
            f"config.json: the network has {found.recurrent} LSTM layers; the limit is {limits.recurrent}, for the "
            "steps of each wait for the one before."
        )
    return reasons
