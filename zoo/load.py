"""Pretrained networks by name."""

import torch

from .builder import Network, build
from .device import pick_device
from .sources import Source, find
from .weights import Arrays, TensorSpec, check_hash, check_weights, read_weights

_DTYPES = {torch.float32: "F32", torch.int64: "I64"}


def tensor_specs(network: Network) -> dict[str, TensorSpec]:
    """What the weights file of `network` must hold, by tensor name."""
    state = network.state_dict()
    return {name: TensorSpec(_DTYPES[tensor.dtype], tuple(tensor.shape)) for name, tensor in state.items()}


def to_arrays(network: Network) -> Arrays:
    """The network's tensors as NumPy arrays."""
    return {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}


def load_source(source: Source, device: str = "cpu") -> Network:
    """The network of one trial in eval mode, strictly loaded and hash-checked."""
    chosen = pick_device(device)
    config = source.config
    with torch.device("meta"):  # no weights but those of the file
        network = build(config.layers, config.input_length, config.filter_layer)
    arrays = read_weights(source.weights)
    # Before the hash, because "it lacks 'head.bias'" helps more than two unequal hashes.
    check_weights(source.weights, arrays, tensor_specs(network))
    check_hash(source.weights, arrays, source.sha256)
    network.to_empty(device="cpu")
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, strict=True)
    return network.to(chosen)


def load(name: str, device: str = "cpu") -> Network:
    """Load a pretrained network: one-hot `(N, 4, L)` float32 (A, C, G, T) to logits `(N, outputs)`.

    name: `ARCHITECTURE-ACTIVATION.DATASET`, the path of a model folder, or `hf://ORG/NAME[@REVISION]` on a hub; with
    `:TRIAL` for another trial than the first.
    device: cpu, cuda, cuda:1, mps or auto. The network comes in eval mode; its `specs` are its layers. On a GPU your
    own calls of it round as PyTorch is set to, by default with TF32 in convolutions; inside
    `zoo.device.float32_arithmetic()` they agree with a CPU's but for rounding, as all that motifzoo computes does.
    Raises UnknownNameError for a wrong name, ModelError for a folder, config or weights file that is not valid,
    HubError for a repository that cannot be had.
    """
    return load_source(find(name), device)
