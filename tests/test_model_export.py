"""`motifzoo.export`: a plain torch.nn.Sequential becomes a model folder that computes the same, or a clear refusal."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations, weight_norm

import motifzoo
from motifzoo.errors import ModelError
from motifzoo.zoo import layers as specs
from motifzoo.zoo.activations import Activation
from motifzoo.zoo.builder import GlobalPool, Lstm, ResidualBlock, SelfAttention
from motifzoo.zoo.config import read_config
from motifzoo.zoo.layer_specs import Named, spec_of
from motifzoo.zoo.layers import ACTIVATIONS

NAME = "mine-relu.synthetic-codes"


def onehot(count: int = 5) -> Tensor:
    letters = torch.randint(4, (count, 200), generator=torch.Generator().manual_seed(7))
    return nn.functional.one_hot(letters, 4).transpose(1, 2).float()


def with_parts(*inner: nn.Module, channels: int = 6, activation: nn.Module | None = None) -> nn.Sequential:
    """conv, norm, activation, `inner`, global pool, head; statistics and weights as after some training."""
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv1d(4, 6, 9, padding="same", bias=False),
        nn.BatchNorm1d(6),
        activation or nn.ReLU(),
        *inner,
        nn.AdaptiveAvgPool1d(1),
        nn.Flatten(),
        nn.Linear(channels, 1),
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
        model.train()(onehot())
    return model.eval()


def export(model: nn.Sequential, folder: Path, **options: Any) -> Any:
    return motifzoo.export(model, folder, **{"name": NAME, "dataset": "synthetic-codes", **options})


def agrees(model: nn.Sequential, folder: Path) -> bool:
    loaded = motifzoo.load(str(folder))
    with torch.inference_mode():
        return torch.allclose(loaded(onehot()), model.eval()(onehot()), rtol=1e-5, atol=1e-6)


PARTS: dict[str, tuple[list[nn.Module], int, list[str]]] = {
    "dilated": ([nn.Conv1d(6, 8, 5, padding="same", dilation=3)], 8, ["conv"]),
    "number as padding": ([nn.Conv1d(6, 8, 5, padding=4, dilation=2)], 8, ["conv"]),
    "no padding": ([nn.Conv1d(6, 8, 5)], 8, ["conv"]),
    "kernel of one": ([nn.Conv1d(6, 8, 1)], 8, ["conv"]),
    "even kernel": ([nn.Conv1d(6, 8, 4, padding="same")], 8, ["conv"]),
    "pools": ([nn.MaxPool1d(3), nn.AvgPool1d(kernel_size=2, stride=2)], 6, ["pool", "pool"]),
    "dropout": ([nn.Dropout(0.3), nn.Dropout(0.0)], 6, ["dropout", "dropout"]),
    "activations": (
        [nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.ELU(), nn.Identity(), nn.ReLU(inplace=True)],
        6,
        ["activation"] * 6,
    ),
    "residual": ([ResidualBlock(6, 3, 1e-3, 0.01)], 6, ["residual"]),
    "dilated residual": ([ResidualBlock(6, 3, 1e-3, 0.01, dilation=8)], 6, ["residual"]),
    "attention": ([nn.MaxPool1d(10), SelfAttention(6, 2)], 6, ["pool", "attention"]),
    "lstm": ([nn.MaxPool1d(10), Lstm(6, 4, True), Lstm(8, 3, False)], 3, ["pool", "lstm", "lstm"]),
    "nested": ([nn.Sequential(nn.Conv1d(6, 8, 3, padding=1), nn.Sequential(nn.ReLU()))], 8, ["conv", "activation"]),
}


@pytest.mark.parametrize(("parts", "channels", "kinds"), PARTS.values(), ids=PARTS)
def test_what_is_written_computes_the_same(
    parts: list[nn.Module], channels: int, kinds: list[str], tmp_path: Path
) -> None:
    model = with_parts(*parts, channels=channels)
    config = export(model, tmp_path / "model")
    assert [layer.kind for layer in config.layers] == [
        "conv",
        "batch_norm",
        "activation",
        *kinds,
        "global_pool",
        "dense",
    ]
    assert read_config(tmp_path / "model") == config
    assert agrees(model, tmp_path / "model")


@pytest.mark.parametrize("function", ACTIVATIONS)
def test_every_activation_of_the_study(function: str, tmp_path: Path) -> None:
    model = with_parts(activation=Activation(function))
    config = export(model, tmp_path / "model", name=f"mine-{function}.synthetic-codes")
    assert (config.activation, config.architecture) == (function, "mine")
    assert agrees(model, tmp_path / "model")


@settings(max_examples=25, deadline=None)
@given(
    kernel=st.integers(1, 12),
    dilation=st.integers(1, 6),
    padding=st.sampled_from(["same", "valid"]),
    bias=st.booleans(),
    pool=st.integers(1, 9),
    mean=st.booleans(),
)
def test_convolutions_and_pools_of_any_size(
    kernel: int, dilation: int, padding: str, bias: bool, pool: int, mean: bool, tmp_path_factory: Any
) -> None:
    folder = tmp_path_factory.mktemp("any") / "model"
    pooling = nn.AvgPool1d(pool) if mean else nn.MaxPool1d(pool)
    conv = nn.Conv1d(6, 3, kernel, dilation=dilation, padding=padding, bias=bias)
    model = with_parts(conv, pooling, channels=3)
    export(model, folder)
    assert agrees(model, folder)


def test_flatten_and_dense(tmp_path: Path) -> None:
    model = nn.Sequential(
        nn.Conv1d(4, 6, 19, padding=9),
        nn.ReLU(),
        nn.MaxPool1d(20),
        nn.Flatten(),
        nn.Linear(60, 5, bias=False),
        nn.BatchNorm1d(5),
        nn.ReLU(),
        nn.Linear(5, 1),
    ).eval()
    export(model, tmp_path / "model")
    assert agrees(model, tmp_path / "model")


def test_global_pools_of_motifzoo(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv1d(4, 6, 19), nn.ReLU(), GlobalPool("max"), nn.Linear(6, 1)).eval()
    assert export(model, tmp_path / "model").layers[2] == specs.GlobalPool(name="global_pool1", mode="max")
    assert agrees(model, tmp_path / "model")


def test_names_are_kept_where_they_can_be(tmp_path: Path) -> None:
    model = nn.Sequential(
        OrderedDict(
            [
                ("motifs", nn.Conv1d(4, 6, 9)),
                ("Act", nn.ReLU()),
                ("body", nn.Sequential(OrderedDict(mix=nn.Conv1d(6, 6, 1)))),
                ("pool", nn.AdaptiveMaxPool1d(1)),
                ("flat", nn.Flatten()),
                ("7", nn.Linear(6, 1)),
            ]
        )
    )
    config = export(model, tmp_path / "model")
    assert [layer.name for layer in config.layers] == ["motifs", "act", "body_mix", "pool", "dense1"]
    assert config.filter_layer == "act"


def test_a_name_that_is_made_up_is_nobody_elses(tmp_path: Path) -> None:
    model = nn.Sequential(
        OrderedDict(
            [
                ("conv1", nn.Conv1d(4, 6, 9)),
                ("Act", nn.ReLU()),
                ("Conv-2", nn.Conv1d(6, 6, 3)),
                ("conv3", nn.Conv1d(6, 6, 3)),
                ("Conv-4", nn.Conv1d(6, 6, 3)),
                ("pool", nn.AdaptiveMaxPool1d(1)),
                ("flat", nn.Flatten()),
                ("head", nn.Linear(6, 1)),
            ]
        )
    )
    config = export(model, tmp_path / "model")
    assert [layer.name for layer in config.layers] == ["conv1", "act", "conv2", "conv3", "conv4", "pool", "head"]
    assert agrees(model, tmp_path / "model")


def test_a_network_of_motifzoo_is_a_network_like_any_other(tmp_path: Path) -> None:
    network = motifzoo.load("cnn-local-exponential.synthetic-codes")
    config = export(network, tmp_path / "model", name="copy-exponential.synthetic-codes")
    assert config.layers == network.specs
    assert agrees(network, tmp_path / "model")


def test_the_network_is_left_as_it_was(tmp_path: Path) -> None:
    blocks = ResidualBlock(6, 3, 1e-3, 0.01), SelfAttention(6, 2), Lstm(6, 6, False)
    model = with_parts(nn.Dropout(0.5), nn.MaxPool1d(10), *blocks).train()
    model[1].eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.random.get_rng_state()
    export(model, tmp_path / "model")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert [module.training for module in model.children()] == [index != 1 for index in range(len(model))]
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_a_network_elsewhere_is_compared_on_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU rounds otherwise, by default with TF32 in convolutions: more than the two may differ by."""
    model = with_parts()
    moved: list[nn.Module] = []
    cpu = nn.Module.cpu
    monkeypatch.setattr(nn.Module, "cpu", lambda module: moved.append(module) or cpu(module))
    export(model, tmp_path / "model")
    assert moved
    assert moved[0] is not model


def test_where_it_was_trained_is_said_by_who_knows(tmp_path: Path) -> None:
    assert export(with_parts(), tmp_path / "silent").trials[0].device == "not stated"
    gpu = "cuda (NVIDIA A100)"
    assert export(with_parts(), tmp_path / "said", device=gpu).trials[0].device == gpu
    assert read_config(tmp_path / "said").trials[0].device == gpu


def test_trials_come_one_by_one(tmp_path: Path) -> None:
    for trial in (2, 0):
        torch.manual_seed(trial)
        model = with_parts()
        with torch.no_grad():
            model[0].weight.add_(trial)
        export(model, tmp_path / "model", trial=trial, score=0.5, epochs=3, seconds=1.5)
    config = read_config(tmp_path / "model")
    assert [(entry.trial, entry.seed, entry.score, entry.epochs) for entry in config.trials] == [
        (0, 0, 0.5, 3),
        (2, 2, 0.5, 3),
    ]
    assert (tmp_path / "model" / "trial-2" / "model.safetensors").is_file()
    assert not torch.equal(
        motifzoo.load(str(tmp_path / "model"))[0].weight, motifzoo.load(f"{tmp_path / 'model'}:2")[0].weight
    )


def test_a_folder_of_another_model(tmp_path: Path) -> None:
    export(with_parts(), tmp_path)
    with pytest.raises(ModelError) as error:
        export(with_parts(nn.MaxPool1d(2)), tmp_path, trial=1)
    assert str(error.value) == f"{tmp_path} holds another model, '{NAME}': choose another folder, or remove it."
    assert not (tmp_path / "trial-1").exists()


class MyReLU(nn.ReLU):
    """Looks like one that is known, and may do anything."""


def hooked() -> nn.Module:
    module = nn.ReLU()
    module.register_forward_hook(lambda *_: None)
    return module


def with_own_forward() -> nn.Module:
    module = nn.ReLU()
    module.forward = lambda x: x  # type: ignore[method-assign]
    return module


def residual_with_another_part() -> nn.Module:
    module = ResidualBlock(6, 3, 1e-3, 0.01)
    module.relu2 = nn.Tanh()  # type: ignore[assignment]
    return module


def residual_with(norm: str, **settings: float) -> nn.Module:
    module = ResidualBlock(6, 3, 1e-3, 0.01)
    for name, value in settings.items():
        setattr(getattr(module, norm), name, value)
    return module


def residual_with_a_bias() -> nn.Module:
    module = ResidualBlock(6, 3, 1e-3, 0.01)
    module.conv2 = nn.Conv1d(6, 6, 3, padding="same", bias=True)
    return module


def residual_without_a_convolution() -> nn.Module:
    module = ResidualBlock(6, 3, 1e-3, 0.01)
    module.conv1 = nn.Identity()  # type: ignore[assignment]
    return module


def lstm_with(**options: Any) -> nn.Module:
    module = Lstm(6, 4, False)
    module.lstm = nn.LSTM(6, 4, batch_first=True, **options)
    return module


def attention_with(**options: Any) -> nn.Module:
    module = SelfAttention(6, 2)
    module.attention = nn.MultiheadAttention(6, 2, batch_first=True, **options)
    return module


CHANGED = "cannot be exported: its parts were changed, which a spec cannot state."
KNOWN = (
    "Activation, AdaptiveAvgPool1d, AdaptiveMaxPool1d, AvgPool1d, BatchNorm1d, Conv1d, Dropout, ELU, Flatten, "
    "GlobalPool, Identity, Linear, Lstm, MaxPool1d, ReLU, ResidualBlock, SelfAttention, Sigmoid, Softplus, Tanh"
)
OTHERS = f"a submission is made of these modules, and not of ones derived from them: {KNOWN}."
REFUSED: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "unknown": (nn.GELU, f"layer '3' (GELU) cannot be exported: {OTHERS}"),
    "derived": (MyReLU, f"layer '3' (MyReLU) cannot be exported: {OTHERS}"),
    "hooks": (
        hooked,
        "layer '3' (ReLU) cannot be exported: it has hooks, which a spec cannot state. Remove them first.",
    ),
    "forward": (
        with_own_forward,
        "layer '3' (ReLU) cannot be exported: its forward was replaced, which a spec cannot state.",
    ),
    "parametrised": (
        lambda: parametrizations.weight_norm(nn.Conv1d(6, 6, 1)),
        "layer '3' (ParametrizedConv1d) cannot be exported: it has a parametrisation. Remove it with "
        "torch.nn.utils.parametrize first.",
    ),
    "changed block": (
        residual_with_another_part,
        "layer '3' (ResidualBlock) cannot be exported: its parts were changed, which a spec cannot state.",
    ),
    "changed type of a part": (residual_without_a_convolution, f"layer '3' (ResidualBlock) {CHANGED}"),
    "changed tensors of a part": (residual_with_a_bias, f"layer '3' (ResidualBlock) {CHANGED}"),
    "the second norm's eps": (
        lambda: residual_with("norm2", eps=1e-5),
        "layer '3' (ResidualBlock) cannot be exported: its norm2.eps is 1e-05, and a layer spec has 0.001 there.",
    ),
    "two layers of LSTM": (
        lambda: lstm_with(num_layers=2),
        "layer '3' (Lstm) cannot be exported: its lstm.num_layers is 2, and a layer spec has 1 there.",
    ),
    "LSTM without biases": (
        lambda: lstm_with(bias=False),
        "layer '3' (Lstm) cannot be exported: its lstm.bias is False, and a layer spec has True there.",
    ),
    "attention without biases": (lambda: attention_with(bias=False), f"layer '3' (SelfAttention) {CHANGED}"),
    "attention with a learnt key": (lambda: attention_with(add_bias_kv=True), f"layer '3' (SelfAttention) {CHANGED}"),
    "attention with a zero key": (
        lambda: attention_with(add_zero_attn=True),
        "layer '3' (SelfAttention) cannot be exported: its attention.add_zero_attn is True, and a layer spec has False "
        "there.",
    ),
    "stride": (
        lambda: nn.Conv1d(6, 6, 3, stride=2),
        "layer '3' (Conv1d) cannot be exported: its stride is 2, and a layer spec has 1 only.",
    ),
    "groups": (
        lambda: nn.Conv1d(6, 6, 3, groups=2),
        "layer '3' (Conv1d) cannot be exported: its groups is 2, and a layer spec has 1 only.",
    ),
    "circular": (
        lambda: nn.Conv1d(6, 6, 3, padding=1, padding_mode="circular"),
        "layer '3' (Conv1d) cannot be exported: its padding_mode is 'circular', and a layer spec has 'zeros' only.",
    ),
    "padding": (
        lambda: nn.Conv1d(6, 6, 5, padding=1),
        "layer '3' (Conv1d) cannot be exported: its padding is 1; it must be 'same', 'valid', 0 or 2.",
    ),
    "overlapping pool": (
        lambda: nn.MaxPool1d(3, stride=1),
        "layer '3' (MaxPool1d) cannot be exported: its stride is 1, and a layer spec has 3 only.",
    ),
    "ceiling": (
        lambda: nn.AvgPool1d(3, ceil_mode=True),
        "layer '3' (AvgPool1d) cannot be exported: its ceil_mode is True, and a layer spec has False only.",
    ),
    "norm": (
        lambda: nn.BatchNorm1d(6, affine=False),
        "layer '3' (BatchNorm1d) cannot be exported: its affine is False, and a layer spec has True only.",
    ),
    "cumulative norm": (
        lambda: nn.BatchNorm1d(6, momentum=None),
        "layer '3' (BatchNorm1d) cannot be exported: momentum: Input should be a valid number.",
    ),
    "elu": (
        lambda: nn.ELU(2.0),
        "layer '3' (ELU) cannot be exported: its alpha is 2.0, and a layer spec has 1 only.",
    ),
    "softplus": (
        lambda: nn.Softplus(beta=2.0),
        "layer '3' (Softplus) cannot be exported: its beta is 2.0, and a layer spec has 1 only.",
    ),
    "large pool": (
        lambda: nn.AdaptiveMaxPool1d(5),
        "layer '3' (AdaptiveMaxPool1d) cannot be exported: its output_size is 5, and a layer spec has 1 only.",
    ),
    "pool to one": (
        lambda: nn.AdaptiveMaxPool1d(1),
        "layer '4' (AdaptiveAvgPool1d) cannot be exported: after an adaptive pool of size 1 comes nn.Flatten().",
    ),
    "all dropped": (
        lambda: nn.Dropout(1.0),
        "layer '3' (Dropout) cannot be exported: rate: Input should be less than 1.",
    ),
}


@pytest.mark.parametrize(("part", "message"), REFUSED.values(), ids=REFUSED)
def test_what_no_spec_can_state(part: Callable[[], nn.Module], message: str, tmp_path: Path) -> None:
    parts = [*with_parts()]
    model = nn.Sequential(*parts[:3], part(), *parts[3:])
    with pytest.raises(ModelError) as error:
        export(model, tmp_path / "model")
    assert str(error.value) == message
    assert not (tmp_path / "model").exists()


def test_a_module_that_computes_something_else_than_its_type_says(tmp_path: Path) -> None:
    activation = Activation("relu")
    activation._function = torch.tanh
    with pytest.raises(ModelError) as error:
        export(with_parts(activation=activation), tmp_path / "model")
    assert str(error.value).startswith("the network and the layer specs made of it differ by 0.")
    assert str(error.value).endswith(
        " in their outputs for random sequences: a module computes something else than its type says. Nothing was "
        "written."
    )
    assert not (tmp_path / "model").exists()


def test_old_weight_norm_is_a_hook(tmp_path: Path) -> None:
    with pytest.warns(FutureWarning):
        conv = weight_norm(nn.Conv1d(6, 6, 1))
    with pytest.raises(ModelError, match=r"^layer '3' \(Conv1d\) cannot be exported: it has hooks"):
        export(with_parts(conv), tmp_path / "model")


def last(model: nn.Sequential, *more: nn.Module) -> nn.Sequential:
    return nn.Sequential(*model, *more)


def test_probabilities_instead_of_logits(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        export(last(with_parts(), nn.Sigmoid()), tmp_path)
    assert str(error.value) == (
        "layer '6' (Sigmoid) cannot be exported: the network must put out logits, of which probabilities are made "
        "afterwards. Leave this layer out."
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Linear(4, 1), "export takes a plain torch.nn.Sequential, and this is a Linear."),
        (nn.Sequential(), "the network has no convolution followed by an activation, so no filters to study."),
        (
            with_parts().double(),
            "the network's parameters must be float32: call model.float() first.",
        ),
        (
            last(with_parts(), nn.Linear(1, 3)),
            "the network puts out shape (16, 3) for 16 sequences, and the data has 1 classes: it must be (16, 1).",
        ),
        (
            nn.Sequential(nn.Conv1d(4, 2, 9), nn.ReLU(), nn.Flatten(), nn.Linear(7, 1)),
            "the network does not take one-hot sequences of shape 16 x 4 x 200: mat1 and mat2 shapes cannot be "
            "multiplied (16x384 and 7x1).",
        ),
    ],
)
def test_networks_that_do_not_fit(model: nn.Sequential, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        export(model, tmp_path)
    assert str(error.value) == message


def test_a_network_that_overflows(tmp_path: Path) -> None:
    model = with_parts()
    with torch.no_grad():
        model[-1].bias.fill_(torch.inf)
    with pytest.raises(ModelError) as error:
        export(model, tmp_path)
    assert str(error.value) == "the network puts out NaN or infinity for random sequences. Train it anew."


def test_a_name_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as error:
        export(with_parts(), tmp_path, name="My Model")
    assert str(error.value) == (
        "the network cannot be exported: name: String should match pattern "
        "'^[a-z0-9][a-z0-9_-]{0,79}\\.[a-z0-9][a-z0-9-]{0,79}$'; architecture: String should have at least 1 character."
    )


def test_specs_say_what_the_modules_do() -> None:
    found = spec_of(Named("conv", nn.Conv1d(4, 7, 5, padding=6, dilation=3, bias=False)), "motifs")
    assert found == specs.Conv(name="motifs", filters=7, kernel=5, padding="same", dilation=3, bias=False)
    norm = spec_of(Named("norm", nn.BatchNorm1d(7, eps=1e-4, momentum=0.2)), "norm")
    assert norm == specs.BatchNorm(name="norm", eps=1e-4, momentum=0.2)
