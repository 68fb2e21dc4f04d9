"""From modules to layer specs, the inverse of `builder`: which PyTorch layers a spec states in full.

A module counts by its exact type and settings. A subclass, a hook or a parametrisation may compute anything, so none is
taken for what it derives from.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.utils import parametrize

from ..errors import ModelError, describe_invalid
from . import activations, builder
from . import layers as specs
from .layers import Layer

_HOOKS: Final = (
    *("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"),
    *("_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks"),
)
_CHANGED: Final = "its parts were changed, which a spec cannot state."


class Named(NamedTuple):
    """A module of a network, flattened: where it stands in it ("body.0"), and itself."""

    place: str
    module: nn.Module

    def refuse(self, why: str) -> ModelError:
        """The error for a module that cannot be exported."""
        return ModelError(f"layer {self.place!r} ({type(self.module).__name__}) cannot be exported: {why}")

    def require(self, **wanted: object) -> None:
        """Raise ModelError unless the module has these settings."""
        for setting, value in wanted.items():
            given = getattr(self.module, setting)
            given = given[0] if isinstance(given, tuple) and len(given) == 1 else given
            if given != value:
                raise self.refuse(f"its {setting} is {given!r}, and a layer spec has {value!r} only.")


def flatten(model: nn.Sequential) -> Iterator[Named]:
    """The layers of a Sequential, those of Sequentials in it among them.

    Raises ModelError for anything but a plain Sequential, and for a module with hooks, a parametrisation or a `forward`
    of its own.
    """
    return _flatten("", model)


def _flatten(place: str, module: nn.Module) -> Iterator[Named]:
    named = Named(place, module)
    _check_plain(named)
    if type(module) is not nn.Sequential:
        yield named
        return
    for name, child in module.named_children():
        yield from _flatten(f"{place}.{name}" if place else name, child)


def _check_plain(named: Named) -> None:
    for module in named.module.modules() if type(named.module) is not nn.Sequential else [named.module]:
        if parametrize.is_parametrized(module):
            raise named.refuse("it has a parametrisation. Remove it with torch.nn.utils.parametrize first.")
        if any(getattr(module, hooks, None) for hooks in _HOOKS):
            raise named.refuse("it has hooks, which a spec cannot state. Remove them first.")
        if "forward" in vars(module):
            raise named.refuse("its forward was replaced, which a spec cannot state.")


def spec_of(named: Named, name: str) -> Layer:
    """The layer spec that computes what a module does, under the given name.

    Raises ModelError, naming the module and what is possible, for one that no spec can state.
    """
    kind = type(named.module)
    if kind not in _SPECS:
        known = ", ".join(kind.__name__ for kind in MODULES)
        raise named.refuse(f"a submission is made of these modules, and not of ones derived from them: {known}.")
    try:
        with torch.device("meta"):  # blocks that are made to be compared with draw no random numbers
            return _SPECS[kind](named, named.module, name)
    except ValidationError as error:
        raise named.refuse(describe_invalid(error)) from error


def _conv(named: Named, module: Any, name: str) -> Layer:
    named.require(stride=1, groups=1, padding_mode="zeros")
    (kernel,), (dilation,) = module.kernel_size, module.dilation
    span = (kernel - 1) * dilation
    padding = module.padding if isinstance(module.padding, str) else module.padding[0]
    # Of an odd span "same" pads one side more than the other, which no number says.
    if padding not in ("same", "valid", 0, span / 2):
        raise named.refuse(f"its padding is {padding}; it must be 'same', 'valid', 0 or {span / 2:g}.")
    keeps_length = padding == "same" or (padding != "valid" and 2 * padding == span)
    return specs.Conv(
        name=name,
        filters=module.out_channels,
        kernel=kernel,
        padding="same" if keeps_length else "valid",
        dilation=dilation,
        bias=module.bias is not None,
    )


def _norm(named: Named, module: Any, name: str) -> Layer:
    named.require(affine=True, track_running_stats=True)
    return specs.BatchNorm(name=name, eps=module.eps, momentum=module.momentum)


def _pool(named: Named, module: Any, name: str) -> Layer:
    size = module.kernel_size[0] if isinstance(module.kernel_size, tuple) else module.kernel_size
    named.require(stride=size, padding=0, ceil_mode=False)
    if type(module) is nn.AvgPool1d:
        return specs.Pool(name=name, size=size, mode="mean")
    named.require(dilation=1, return_indices=False)
    return specs.Pool(name=name, size=size, mode="max")


def _adaptive_pool(named: Named, module: Any, name: str) -> Layer:
    named.require(output_size=1)
    return specs.GlobalPool(name=name, mode="mean" if type(module) is nn.AdaptiveAvgPool1d else "max")


def _flattening(named: Named, module: Any, name: str) -> Layer:
    named.require(start_dim=1, end_dim=-1)
    return specs.Flatten(name=name)


def _residual(named: Named, module: Any, name: str) -> Layer:
    _check_parts(named, builder.ResidualBlock(1, 1, 1.0, 1.0))
    (kernel,), (dilation,) = module.conv1.kernel_size, module.conv1.dilation
    eps, momentum = module.norm1.eps, module.norm1.momentum
    spec = specs.Residual(name=name, kernel=kernel, dilation=dilation, eps=eps, momentum=momentum)
    _check_settings(named, builder.ResidualBlock(module.conv1.in_channels, kernel, eps, momentum, dilation))
    return spec


def _attention(named: Named, module: Any, name: str) -> Layer:
    _check_parts(named, builder.SelfAttention(1, 1))
    channels, heads = module.attention.embed_dim, module.attention.num_heads
    _check_settings(named, builder.SelfAttention(channels, heads))
    return specs.Attention(name=name, heads=heads)


def _lstm(named: Named, module: Any, name: str) -> Layer:
    _check_parts(named, builder.Lstm(1, 1, False))
    inner = module.lstm
    _check_settings(named, builder.Lstm(inner.input_size, inner.hidden_size, inner.bidirectional))
    return specs.Lstm(name=name, units=inner.hidden_size, bidirectional=inner.bidirectional)


def _check_parts(named: Named, usual: nn.Module) -> None:
    """Raise ModelError unless a block is made of the types of modules that the builder makes it of."""
    found, expected = ({name: type(part) for name, part in block.named_modules()} for block in (named.module, usual))
    if found != expected:
        raise named.refuse(_CHANGED)


def _check_settings(named: Named, usual: nn.Module) -> None:
    """Raise ModelError unless a block of these parts has the settings and the tensors that the builder gives it."""
    for name, part in usual.named_modules():
        given_part = named.module.get_submodule(name)
        for setting, value in vars(part).items():
            # None stands for a tensor that is not there: of those see below.
            if setting.startswith("_") or setting == "training" or value is None:
                continue
            given = getattr(given_part, setting)
            if given != value:
                raise named.refuse(f"its {name}.{setting} is {given!r}, and a layer spec has {value!r} there.")
    found, expected = ({key: one.shape for key, one in block.state_dict().items()} for block in (named.module, usual))
    if found != expected:
        raise named.refuse(_CHANGED)


def _activation(function: str, **settings: object) -> "_Maker":
    def make(named: Named, module: Any, name: str) -> Layer:
        named.require(**settings)
        return specs.Activation(name=name, function=function)

    return make


_Maker = Callable[[Named, Any, str], Layer]
_SPECS: Final[dict[type[nn.Module], _Maker]] = {
    nn.Conv1d: _conv,
    nn.BatchNorm1d: _norm,
    nn.ReLU: _activation("relu"),
    nn.Sigmoid: _activation("sigmoid"),
    nn.Tanh: _activation("tanh"),
    nn.Softplus: _activation("softplus", beta=1, threshold=20),
    nn.ELU: _activation("elu", alpha=1),
    nn.Identity: _activation("linear"),
    activations.Activation: lambda _, module, name: specs.Activation(name=name, function=module.name),
    nn.Dropout: lambda _, module, name: specs.Dropout(name=name, rate=module.p),
    nn.MaxPool1d: _pool,
    nn.AvgPool1d: _pool,
    nn.AdaptiveMaxPool1d: _adaptive_pool,
    nn.AdaptiveAvgPool1d: _adaptive_pool,
    nn.Flatten: _flattening,
    nn.Linear: lambda _, module, name: specs.Dense(name=name, units=module.out_features, bias=module.bias is not None),
    builder.GlobalPool: lambda _, module, name: specs.GlobalPool(name=name, mode=module.mode),
    builder.ResidualBlock: _residual,
    builder.SelfAttention: _attention,
    builder.Lstm: _lstm,
}
MODULES: Final = tuple(sorted(_SPECS, key=lambda kind: kind.__name__))  # that a spec can state
