"""A network of plain PyTorch layers as a model folder: `motifzoo.export`.

Each layer becomes a layer spec, so that whoever gets the folder builds the network without any of the caller's code.
The network that the specs give must put out what the original does.
"""

import copy
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from ..data_cards.cards import load_card
from ..errors import ModelError, describe_invalid
from . import layers as specs
from .builder import Network, build
from .config import DataRevision, ModelConfig, Trial, read_config, write_config
from .layer_specs import flatten, spec_of
from .layers import Layer
from .load import to_arrays
from .model_card import write_card
from .shapes import default_filter_layer
from .sources import weights_path
from .weights import content_hash, write_weights

_SEQUENCES: Final = 16  # random ones, on which both networks must agree
_TOLERANCE: Final = 1e-4  # of the largest output: float32 sums in another order
_NOT_STATED: Final = "not stated"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")

Part = tuple[Layer, nn.Module]


def export(
    model: nn.Sequential,
    folder: Path | str,
    *,
    name: str,
    dataset: str,
    architecture: str | None = None,
    filter_layer: str | None = None,
    licence: str = "MIT",
    trial: int = 0,
    seed: int | None = None,
    epochs: int | None = None,
    seconds: float | None = None,
    score: float | None = None,
    device: str | None = None,
) -> ModelConfig:
    """Write a trained network as a model folder, which `motifzoo evaluate` and `motifzoo submit` take.

    model: a plain `nn.Sequential` (nested ones too) from one-hot `(N, 4, L)`, channels A, C, G, T, to logits `(N, C)`:
    L and C are those of the data set it was trained on. It may be made of Conv1d (stride 1), BatchNorm1d, ReLU,
    Sigmoid, Tanh, Softplus, ELU, Identity, `zoo.activations.Activation`, Dropout, MaxPool1d, AvgPool1d,
    AdaptiveMaxPool1d(1), AdaptiveAvgPool1d(1), Flatten, Linear, and of `zoo.builder` ResidualBlock, SelfAttention, Lstm
    and GlobalPool. It stays as it is.

    name: `ARCHITECTURE-ACTIVATION.DATASET`; architecture: by default the name's first part. filter_layer: the name of
    the activation whose maps are the filters' (see `config.json`), by default the first after the first convolution.
    trial: a folder holds several trainings of one network, call by call. seed (default: the trial's number), epochs,
    seconds and the final validation score say how this one went, device where, such as "cuda (NVIDIA A100)": where the
    network is now says nothing of that, so the default is "not stated". Returns the config written.

    Raises ModelError naming the layer that no spec can state, and what is possible; for a network whose outputs are not
    those of its specs, and for a folder that holds another model.
    """
    folder = Path(folder).expanduser()
    card = load_card(dataset)
    if type(model) is Network:
        parts: list[Part] = list(zip(model.specs, model.children(), strict=True))
    elif type(model) is nn.Sequential:
        parts = list(_parts(model))
    else:
        raise ModelError(f"export takes a plain torch.nn.Sequential, and this is a {type(model).__name__}.")
    layers = tuple(layer for layer, _ in parts)
    studied = filter_layer or default_filter_layer(layers)
    inputs = _random_onehot(card.length)
    expected = _outputs(model, inputs, len(card.classes))
    network = build(layers, card.length, studied)
    _load(network, parts)
    with torch.inference_mode():
        found = network(inputs)
    _check_agreement(found, expected)

    function = next(
        (layer.function for layer in layers if isinstance(layer, specs.Activation) and layer.name == studied), "linear"
    )
    earlier = _earlier(folder)
    try:
        config = ModelConfig(
            name=name,
            architecture=architecture or name.rpartition(".")[0].removesuffix(f"-{function}"),
            activation=function,
            input_length=card.length,
            outputs=card.classes,
            layers=layers,
            filter_layer=studied,
            dataset=DataRevision(name=card.name, version=card.version, fingerprint=card.fingerprint),
            training=None,
            trials=(
                Trial(
                    trial=trial,
                    seed=trial if seed is None else seed,
                    sha256=content_hash(to_arrays(network)),
                    device=_NOT_STATED if device is None else device,
                    epochs=epochs,
                    seconds=seconds,
                    score=score,
                    torch=torch.__version__,
                ),
            ),
            licence=licence,
        )
    except ValidationError as error:
        raise ModelError(f"the network cannot be exported: {describe_invalid(error)}") from error
    if earlier is not None:
        if earlier.model_copy(update={"trials": config.trials}) != config:
            raise ModelError(f"{folder} holds another model, {earlier.name!r}: choose another folder, or remove it.")
        others = [entry for entry in earlier.trials if entry.trial != trial]
        config = config.model_copy(update={"trials": tuple(sorted([*others, *config.trials], key=lambda e: e.trial))})
    # The config comes last, so that a reader never sees one whose weights are missing.
    write_weights(to_arrays(network), weights_path(folder, trial))
    write_card(config, folder)
    write_config(config, folder)
    return config


def _earlier(folder: Path) -> ModelConfig | None:
    return read_config(folder) if (folder / "config.json").exists() else None


def _parts(model: nn.Sequential) -> Iterator[Part]:
    """The layer spec of each module, with the module. Raises ModelError for one that no spec can state."""
    flat = list(flatten(model))
    if flat and type(flat[-1].module) in (nn.Sigmoid, nn.Softmax, nn.LogSoftmax):
        raise flat[-1].refuse(
            "the network must put out logits, of which probabilities are made afterwards. Leave this layer out."
        )
    counts: Counter[str] = Counter()
    taken: set[str] = set()
    pooled = False
    for named in flat:
        if pooled and type(named.module) is nn.Flatten:
            pooled = False
            continue  # a global_pool layer puts out vectors by itself
        if pooled:
            raise named.refuse("after an adaptive pool of size 1 comes nn.Flatten().")
        pooled = type(named.module) in (nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d)
        layer = spec_of(named, "x")
        given = named.place.replace(".", "_").lower()
        while not _NAME.fullmatch(given) or given in taken:
            counts[layer.kind] += 1
            given = f"{layer.kind}{counts[layer.kind]}"
        taken.add(given)
        yield layer.model_copy(update={"name": given}), named.module


def _random_onehot(length: int) -> Tensor:
    letters = torch.randint(4, (_SEQUENCES, length), generator=torch.Generator().manual_seed(0))
    return nn.functional.one_hot(letters, 4).transpose(1, 2).float()


def _outputs(model: nn.Sequential, inputs: Tensor, outputs: int) -> Tensor:
    """What a copy of the network makes of the inputs in eval mode on the CPU, since a GPU rounds otherwise."""
    tensors = [*model.parameters(), *model.buffers()]
    if not tensors or any(tensor.is_floating_point() and tensor.dtype != torch.float32 for tensor in tensors):
        raise ModelError("the network's parameters must be float32: call model.float() first.")
    try:
        here = copy.deepcopy(model).cpu().eval()
        with torch.inference_mode():
            found: Tensor = here(inputs)
    except (RuntimeError, ValueError, IndexError) as error:
        given = " x ".join(map(str, inputs.shape))
        reason = " ".join(str(error).split())
        raise ModelError(f"the network does not take one-hot sequences of shape {given}: {reason}.") from error
    if found.shape != (len(inputs), outputs):
        raise ModelError(
            f"the network puts out shape {tuple(found.shape)} for {len(inputs)} sequences, and the data has {outputs} "
            f"classes: it must be ({len(inputs)}, {outputs})."
        )
    return found


def _load(network: Network, parts: list[Part]) -> None:
    """Copy the modules' tensors into the network of their specs."""
    state = {
        f"{layer.name}.{key}": tensor.detach().cpu().clone()
        for layer, module in parts
        for key, tensor in module.state_dict().items()
    }
    network.load_state_dict(state, strict=True)


def _check_agreement(found: Tensor, expected: Tensor) -> None:
    """Raise ModelError unless the outputs are finite and equal up to float32 rounding."""
    if not torch.isfinite(expected).all():
        raise ModelError("the network puts out NaN or infinity for random sequences. Train it anew.")
    gap = float((found - expected).abs().max())
    if gap > _TOLERANCE * max(1.0, float(expected.abs().max())):
        raise ModelError(
            f"the network and the layer specs made of it differ by {gap:.2g} in their outputs for random sequences: a "
            "module computes something else than its type says. Nothing was written."
        )
