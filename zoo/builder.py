"""From layer specs to modules: construction and initialisation."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import ModelError
from . import layers as specs
from .activations import Activation
from .layers import Layer
from .shapes import Shape, default_filter_layer, plan


class ResidualBlock(nn.Module):
    """conv -> ReLU -> BN -> ReLU -> conv -> ReLU -> BN -> add the input -> ReLU, `(N, C, L)` to the same shape."""

    def __init__(self, channels: int, kernel: int, eps: float, momentum: float, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels, channels, kernel, padding="same", dilation=dilation, bias=False)
        self.relu1 = Activation("relu")
        self.norm1 = nn.BatchNorm1d(channels, eps=eps, momentum=momentum)
        self.relu2 = Activation("relu")
        self.conv2 = nn.Conv1d(channels, channels, kernel, padding="same", dilation=dilation, bias=False)
        self.relu3 = Activation("relu")
        self.norm2 = nn.BatchNorm1d(channels, eps=eps, momentum=momentum)
        self.relu4 = Activation("relu")

    def forward(self, x: Tensor) -> Tensor:
        """The block's output."""
        inner = self.relu2(self.norm1(self.relu1(self.conv1(x))))
        inner = self.norm2(self.relu3(self.conv2(inner)))
        out: Tensor = self.relu4(x + inner)
        return out


class SelfAttention(nn.Module):
    """x + multi-head self-attention(x) over positions, `(N, C, L)`."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output."""
        positions = x.transpose(1, 2)
        mixed, _ = self.attention(positions, positions, positions, need_weights=False)
        out: Tensor = x + mixed.transpose(1, 2)
        return out


class Lstm(nn.Module):
    """LSTM over positions, `(N, C, L)` to `(N, U or 2 U, L)`."""

    def __init__(self, channels: int, units: int, bidirectional: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, units, batch_first=True, bidirectional=bidirectional)

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output."""
        out, _ = self.lstm(x.transpose(1, 2))
        result: Tensor = out.transpose(1, 2)
        return result


class GlobalPool(nn.Module):
    """Max or mean over positions, `(N, C, L)` to `(N, C)`."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output."""
        return x.amax(dim=2) if self.mode == "max" else x.mean(dim=2)


class Network(nn.Sequential):
    """A genomic CNN: one-hot `(N, 4, L)` float32 to logits `(N, outputs)`; probabilities are their sigmoid.

    Its children are the layers in order, named as in the specs. `specs` is the list it was built from,
    `input_shape` is (4, L), `filter_layer` names the layer whose output is the filters' feature maps.
    """

    def __init__(
        self, modules: "OrderedDict[str, nn.Module]", layers: Sequence[Layer], input_length: int, filter_layer: str
    ) -> None:
        super().__init__(modules)
        self.specs = tuple(layers)
        self.input_shape = (4, input_length)
        self.filter_layer = filter_layer

    def forward(self, x: Tensor) -> Tensor:
        """Logits. Raises ModelError for another shape than `(N, *input_shape)`: a pool would drop a rest in silence."""
        if x.shape[1:] != self.input_shape:
            length = self.input_shape[1]
            raise ModelError(
                f"the network reads one-hot (N, 4, {length}) and was given {tuple(x.shape)}: cut or pad the sequences "
                f"to {length} nt, channels A, C, G, T before positions."
            )
        for module in self:
            x = module(x)
        return x

    def feature_maps(self, x: Tensor) -> Tensor:
        """Output of the filter layer, `(N, filters, L)`, from one-hot `(N, 4, L)`."""
        for name, module in self.named_children():
            x = module(x)
            if name == self.filter_layer:
                return x
        raise ModelError(f"the network has no layer {self.filter_layer!r}.")


def _module(layer: Layer, shape: Shape) -> nn.Module:
    match layer:
        case specs.Conv():
            padding: str | int = "same" if layer.padding == "same" else 0
            return nn.Conv1d(
                shape[0], layer.filters, layer.kernel, padding=padding, dilation=layer.dilation, bias=layer.bias
            )
        case specs.BatchNorm():
            return nn.BatchNorm1d(shape[0], eps=layer.eps, momentum=layer.momentum)
        case specs.Activation():
            return Activation(layer.function)
        case specs.Dropout():
            return nn.Dropout(layer.rate)
        case specs.Pool():
            return nn.MaxPool1d(layer.size) if layer.mode == "max" else nn.AvgPool1d(layer.size)
        case specs.GlobalPool():
            return GlobalPool(layer.mode)
        case specs.Residual():
            return ResidualBlock(shape[0], layer.kernel, layer.eps, layer.momentum, layer.dilation)
        case specs.Flatten():
            return nn.Flatten()
        case specs.Dense():
            return nn.Linear(shape[0], layer.units, bias=layer.bias)
        case specs.Attention():
            return SelfAttention(shape[0], layer.heads)
        case specs.Lstm():
            return Lstm(shape[0], layer.units, layer.bidirectional)
    raise TypeError(f"no module for layer kind {layer.kind!r}")


def build(layers: Sequence[Layer], input_length: int, filter_layer: str | None = None) -> Network:
    """The network of `layers` for sequences of `input_length` nt, in eval mode, with starting weights that are the
    same each time; those of a trial are `training.starting_network`.

    It is on PyTorch's default device; inside `torch.device("meta")` it has shapes and no weights, for weights to come.
    Raises ModelError for specs that do not fit together (see `plan`) or a filter layer that is missing or whose
    output is not channels x positions.
    """
    planned = plan(layers, input_length)
    studied = filter_layer if filter_layer is not None else default_filter_layer(layers)
    index = next((i for i, layer in enumerate(layers) if layer.name == studied), None)
    if index is None:
        known = ", ".join(layer.name for layer in layers)
        raise ModelError(f"filter layer {studied!r} is not among the layers: {known}.")
    if len(planned.shapes[index]) != 2:
        raise ModelError(f"filter layer {studied!r} does not put out channels x positions, so it has no feature maps.")
    inputs = ((4, input_length), *planned.shapes[:-1])
    device = torch.get_default_device()
    with torch.device("meta"):  # elsewhere modules draw weights from the process's generator, which is the caller's
        modules = OrderedDict((layer.name, _module(layer, shape)) for layer, shape in zip(layers, inputs, strict=True))
    network = Network(modules, layers, input_length, studied).eval()
    if device.type != "meta":
        initialise(network.to_empty(device=device), torch.Generator().manual_seed(0))
    return network


def initialise(network: Network, generator: torch.Generator) -> None:
    """Set the starting weights: kernels Glorot-uniform (He-normal in residual blocks), biases 0, norms 1 and 0.

    Attention and LSTM layers draw each matrix Glorot-uniform. Every draw comes from `generator` (on the CPU, in
    layer order), so a seed gives the same start on every device.
    """
    he_normal = {layer.name for layer in network.specs if getattr(layer, "init", None) == "he_normal"}
    for child_name, child in network.named_children():
        he = child_name in he_normal or isinstance(child, ResidualBlock)
        for module in child.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.reset_running_stats()
        for name, parameter in child.named_parameters():
            _initialise_parameter(name, parameter, he and parameter.dim() > 1, generator)
            if (isinstance(child, nn.BatchNorm1d) and name == "weight") or ("norm" in name and name.endswith("weight")):
                nn.init.ones_(parameter)


def _initialise_parameter(name: str, parameter: nn.Parameter, he: bool, generator: torch.Generator) -> None:
    if parameter.dim() == 1:
        nn.init.zeros_(parameter)
        return
    drawn = torch.empty(parameter.shape, device="cpu")
    if he:
        nn.init.kaiming_normal_(drawn, nonlinearity="relu", generator=generator)
    else:
        nn.init.xavier_uniform_(drawn, generator=generator)
    with torch.no_grad():
        parameter.copy_(drawn)
