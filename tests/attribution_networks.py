"""Networks and sequences that the attribution tests explain, and the plain way of mutagenesis."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from motifzoo.data_cards.onehot import OneHot, to_onehot
from motifzoo.zoo import architectures
from motifzoo.zoo.builder import Network, build, initialise
from motifzoo.zoo.layers import Activation, BatchNorm, Conv, Dense, Dropout, Flatten, GlobalPool, Layer, Pool

# The shortest sequences that the architectures take, and a few nt more for the pools to drop.
LENGTHS = {
    "cnn-2": 103,
    "cnn-50": 107,
    "cnn-deep": 107,
    "cnn-local": 107,
    "cnn-dist": 115,
    "basset": 160,
    "residualbind": 307,
}


def randomised(network: Network, seed: int = 0) -> Network:
    """`network` with random weights and, as after training, batch-norm statistics away from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    initialise(network, generator)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm1d):
                for tensor, low, high in (
                    (module.running_mean, -0.5, 0.5),
                    (module.running_var, 0.3, 1.5),
                    (module.weight, 0.5, 1.5),
                    (module.bias, -0.5, 0.5),
                ):
                    assert tensor is not None
                    tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)
    return network


def network_of(layers: Sequence[Layer], length: int, seed: int = 0, filter_layer: str | None = None) -> Network:
    return randomised(build(layers, length, filter_layer), seed)


def architecture(name: str, activation: str, seed: int = 0) -> Network:
    length = LENGTHS[name]
    return network_of(architectures.layers(name, activation, length=length, outputs=1), length, seed)


def small(activation: str = "relu", *, outputs: int = 1, pool: bool = True, length: int = 24, seed: int = 0) -> Network:
    """conv, batch norm, activation, dropout, perhaps a max-pool, dense, head."""
    layers: list[Layer] = [
        Conv(name="conv1", filters=5, kernel=7),
        BatchNorm(name="conv1_norm"),
        Activation(name="conv1_activation", function=activation),
        Dropout(name="conv1_dropout", rate=0.5),
        *([Pool(name="pool1", size=4)] if pool else []),
        Flatten(name="flatten"),
        Dense(name="dense1", units=6),
        BatchNorm(name="dense1_norm"),
        Activation(name="dense1_activation", function="relu"),
        Dense(name="head", units=outputs, bias=True),
    ]
    return network_of(layers, length, seed)


def additive(weights: Sequence[float], length: int, bias: float = 0.0) -> Network:
    """The logit is `bias` plus the mean over positions of the weight (A, C, G, T) of the nucleotide there."""
    layers: list[Layer] = [
        Conv(name="conv1", filters=1, kernel=1),
        Activation(name="conv1_activation", function="linear"),
        GlobalPool(name="pool", mode="mean"),
        Dense(name="head", units=1, bias=True),
    ]
    network = build(layers, length)
    with torch.no_grad():
        network.conv1.weight.copy_(torch.tensor(weights).view(1, 4, 1))
        network.head.weight.fill_(1.0)
        network.head.bias.fill_(bias)
    return network


def sequences(count: int, length: int, seed: int = 0, unknown: bool = False) -> OneHot:
    """Random one-hot sequences; `unknown` puts columns of zeros into some."""
    codes = np.random.default_rng(seed).integers(0, 4, (count, length)).astype(np.uint8)
    if unknown:
        codes[::2, length // 3] = 4
        codes[-1, [0, length - 1]] = 4
    return to_onehot(codes)


def probability(network: Network, x: Tensor, output: int = 0) -> Tensor:
    return torch.sigmoid(network(x)[:, output])


def plain_mutagenesis(
    network: Network, onehot: OneHot, positions: Iterable[int] | None = None
) -> npt.NDArray[np.float64]:
    """f(mutant) - f(wild type), each mutant a whole sequence through the network; NaN at positions left out.

    At the nucleotide that is there it is 0, for a network that overflows (NaN - NaN), too.
    """
    dtype = next(network.parameters()).dtype
    maps = np.full(onehot.shape, np.nan)
    for row, sequence in enumerate(torch.from_numpy(onehot).to(dtype)):
        for position in range(onehot.shape[2]) if positions is None else positions:
            mutants = sequence.repeat(5, 1, 1)  # the fifth stays the wild type
            mutants[:4, :, position] = torch.eye(4, dtype=dtype)
            with torch.inference_mode():
                values = probability(network, mutants)
            difference = (values[:4] - values[4]).masked_fill(sequence[:, position] == 1, 0.0)
            maps[row, :, position] = difference.numpy()
    return maps
