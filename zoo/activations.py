"""The eighteen first-layer activations under study.

Each is an `nn.Module` of its own without parameters: attribution hooks look activations up by module, so one instance
serves one place in one network. x is the output of batch normalisation. Source: Koo & Ploenzke 2021, Methods and
Supplementary; the protocol's section 2 lists them.
"""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import check_activation

Function = Callable[[Tensor], Tensor]


def _log_relu(x: Tensor) -> Tensor:
    # 1e-10 keeps log finite at 0; log's gradient there is still finite because abs'(0) = 0 in PyTorch.
    return torch.relu(torch.log(torch.abs(x) + 1e-10))


FUNCTIONS: Final[dict[str, Function]] = {
    "relu": torch.relu,
    "exponential": torch.exp,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "linear": lambda x: x,
    "elu": functional.elu,
    "shift_relu": lambda x: torch.relu(x - 0.2),
    "scale_relu": lambda x: torch.relu(x**3),
    "shift_scale_relu": lambda x: torch.relu((x - 0.2) ** 3),
    "shift_sigmoid": lambda x: torch.sigmoid(x - 8.0),
    "scale_sigmoid": lambda x: 4000.0 * torch.sigmoid(x),
    "shift_scale_sigmoid": lambda x: 4000.0 * torch.sigmoid(x - 8.0),
    "shift_tanh": lambda x: torch.tanh(x - 6.0),
    "scale_tanh": lambda x: 500.0 * torch.tanh(x) + 500.0,
    "shift_scale_tanh": lambda x: 500.0 * torch.tanh(x - 6.0) + 500.0,
    "exp_relu": lambda x: torch.relu(torch.exp(0.1 * x) - 1.0),
    "log_relu": _log_relu,
}


class Activation(nn.Module):
    """One elementwise activation by name. Raises UnknownNameError for any other name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        check_activation(name)
        self.name = name
        self._function = FUNCTIONS[name]

    def forward(self, x: Tensor) -> Tensor:
        """f(x), any shape."""
        return self._function(x)

    def extra_repr(self) -> str:
        """Shown by `print(model)`."""
        return self.name
