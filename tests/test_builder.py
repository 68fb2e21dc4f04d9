"""The seven architectures against numbers worked out by hand; shapes, refusals and starting weights of the builder."""

import math
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from torch import nn

from motifzoo.errors import ModelError, UnknownNameError
from motifzoo.zoo import builder
from motifzoo.zoo import layers as specs
from motifzoo.zoo.architectures import ARCHITECTURES, layers
from motifzoo.zoo.builder import Network, build, initialise
from motifzoo.zoo.layers import Layer
from motifzoo.zoo.shapes import Shape, plan

ALL_KINDS: tuple[Layer, ...] = (
    specs.Conv(name="conv1", filters=6, kernel=5, bias=True),
    specs.BatchNorm(name="norm1"),
    specs.Activation(name="activation1", function="relu"),
    specs.Dropout(name="dropout1", rate=0.1),
    specs.Pool(name="pool1", size=10),
    specs.Residual(name="residual1", kernel=3),
    specs.Attention(name="attention1", heads=2),
    specs.Lstm(name="lstm1", units=4, bidirectional=True),
    specs.GlobalPool(name="pool2", mode="max"),
    specs.Dense(name="head", units=2, bias=True),
)


def real_shapes(network: Network) -> list[Shape]:
    """Every layer's output shape for a batch of two, as the modules themselves put them out."""
    x = torch.zeros(2, *network.input_shape)
    found = []
    with torch.inference_mode():
        for module in network:
            x = module(x)
            assert x.shape[0] == 2
            found.append(tuple(x.shape[1:]))
    return found


def real_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def shapes_by_name(network: Network) -> dict[str, Shape]:
    """Output shapes of the layers that may change a shape (norms, activations and dropout keep it)."""
    keeping = (specs.BatchNorm, specs.Activation, specs.Dropout)
    named = dict(zip((layer.name for layer in network.specs), real_shapes(network), strict=True))
    for layer, before, after in zip(network.specs[1:], list(named.values()), list(named.values())[1:], strict=False):
        assert not isinstance(layer, keeping) or before == after
    return {layer.name: named[layer.name] for layer in network.specs if not isinstance(layer, keeping)}


def check(architecture: str, length: int, outputs: int, shapes: dict[str, Shape], parameters: int) -> None:
    described = layers(architecture, "exponential", length=length, outputs=outputs)
    planned = plan(described, length)
    assert planned.parameters == parameters
    network = build(described, length)
    assert real_parameters(network) == parameters
    assert shapes_by_name(network) == shapes
    assert list(planned.shapes) == real_shapes(network)


# Each count below: conv = filters x channels x kernel, dense = units x inputs, neither with a bias; a batch norm has 2
# numbers a channel or unit; the head has a bias.


def test_cnn_2() -> None:
    # conv1 32 x 4 x 19 = 2432 + 64; conv2 124 x 32 x 5 = 19840 + 248; 200 / 2 / 50 = 2 positions, 124 x 2 = 248;
    # dense 512 x 248 = 126976 + 1024; head 12 x 512 + 12 = 6156
    shapes = {
        "conv1": (32, 200), "pool1": (32, 100), "conv2": (124, 100), "pool2": (124, 2), "flatten": (248,),
        "dense1": (512,), "head": (12,),
    }  # fmt: skip
    check("cnn-2", 200, 12, shapes, 156_740)


def test_cnn_50() -> None:
    # as cnn-2: 200 / 50 / 2 is 2 positions too
    shapes = {
        "conv1": (32, 200), "pool1": (32, 4), "conv2": (124, 4), "pool2": (124, 2), "flatten": (248,),
        "dense1": (512,), "head": (12,),
    }  # fmt: skip
    check("cnn-50", 200, 12, shapes, 156_740)


def test_cnn_deep() -> None:
    # conv1 2432 + 64; conv2 48 x 32 x 7 = 10752 + 96; 200 / 4 = 50; conv3 96 x 48 x 7 = 32256 + 192, 50 - 6 = 44;
    # 44 / 4 = 11; conv4 128 x 96 x 3 = 36864 + 256, 11 - 2 = 9; 9 / 3 = 3, 128 x 3 = 384;
    # dense 512 x 384 = 196608 + 1024; head 6156
    shapes = {
        "conv1": (32, 200), "conv2": (48, 200), "pool2": (48, 50), "conv3": (96, 44), "pool3": (96, 11),
        "conv4": (128, 9), "pool4": (128, 3), "flatten": (384,), "dense1": (512,), "head": (12,),
    }  # fmt: skip
    check("cnn-deep", 200, 12, shapes, 286_700)


def test_cnn_local() -> None:
    # conv1 24 x 4 x 19 = 1824 + 48; 200 / 50 = 4; conv2 48 x 24 x 3 = 3456 + 96; 4 / 2 = 2, 48 x 2 = 96;
    # dense 96 x 96 = 9216 + 192; head 96 + 1
    shapes = {
        "conv1": (24, 200), "pool1": (24, 4), "conv2": (48, 4), "pool2": (48, 2), "flatten": (96,), "dense1": (96,),
        "head": (1,),
    }  # fmt: skip
    check("cnn-local", 200, 1, shapes, 14_929)


def test_cnn_dist() -> None:
    # conv1 1824 + 48; conv2 32 x 24 x 7 = 5376 + 64; 50; conv3 48 x 32 x 7 = 10752 + 96, 44; 11;
    # conv4 64 x 48 x 3 = 9216 + 128, 9; 3, 64 x 3 = 192; dense 96 x 192 = 18432 + 192; head 97
    shapes = {
        "conv1": (24, 200), "conv2": (32, 200), "pool2": (32, 50), "conv3": (48, 44), "pool3": (48, 11),
        "conv4": (64, 9), "pool4": (64, 3), "flatten": (192,), "dense1": (96,), "head": (1,),
    }  # fmt: skip
    check("cnn-dist", 200, 1, shapes, 46_225)


def test_basset() -> None:
    # conv1 300 x 4 x 19 = 22800 + 600; 600 / 3 = 200; conv2 200 x 300 x 11 = 660000 + 400, 200 - 10 = 190;
    # 190 / 4 = 47 (2 left over); conv3 200 x 200 x 7 = 280000 + 400, 47 - 6 = 41; 41 / 4 = 10, 200 x 10 = 2000;
    # dense1 1000 x 2000 = 2000000 + 2000; dense2 1000 x 1000 + 2000; head 164 x 1000 + 164
    shapes = {
        "conv1": (300, 600), "pool1": (300, 200), "conv2": (200, 190), "pool2": (200, 47), "conv3": (200, 41),
        "pool3": (200, 10), "flatten": (2000,), "dense1": (1000,), "dense2": (1000,), "head": (164,),
    }  # fmt: skip
    check("basset", 600, 164, shapes, 4_132_364)


def test_residualbind() -> None:
    # conv1 1824 + 48; block 2 x (24 x 24 x 5 = 2880) + 2 x 48; 400 / 10 = 40; conv2 48 x 24 x 7 = 8064 + 96;
    # 40 / 5 = 8; conv3 64 x 48 x 3 = 9216 + 128, 8 - 2 = 6; 6 / 4 = 1, 64 x 1; dense 96 x 64 = 6144 + 192; head 97
    shapes = {
        "conv1": (24, 400), "residual": (24, 400), "pool1": (24, 40), "conv2": (48, 40), "pool2": (48, 8),
        "conv3": (64, 6), "pool3": (64, 1), "flatten": (64,), "dense1": (96,), "head": (1,),
    }  # fmt: skip
    check("residualbind", 400, 1, shapes, 31_665)


@pytest.mark.parametrize(
    ("architecture", "pools"), [("cnn-2", ((64, 500), (248, 10))), ("cnn-50", ((64, 20), (248, 10)))]
)
def test_two_layer_networks_double_at_1000_nt(architecture: str, pools: tuple[Shape, Shape]) -> None:
    # conv1 64 x 4 x 19 = 4864 + 128; conv2 248 x 64 x 5 = 79360 + 496; 248 x 10 = 2480;
    # dense 1024 x 2480 = 2539520 + 2048; head 12 x 1024 + 12 = 12300
    shapes = {
        "conv1": (64, 1000), "pool1": pools[0], "conv2": (248, pools[0][1]), "pool2": pools[1], "flatten": (2480,),
        "dense1": (1024,), "head": (12,),
    }  # fmt: skip
    check(architecture, 1000, 12, shapes, 2_638_716)


def test_cnn_deep_doubles_at_1000_nt() -> None:
    # conv1 4864 + 128; conv2 96 x 64 x 7 = 43008 + 192; 250; conv3 192 x 96 x 7 = 129024 + 384, 244; 61;
    # conv4 256 x 192 x 3 = 147456 + 512, 59; 19 (2 left over), 256 x 19 = 4864; dense 1024 x 4864 = 4980736 + 2048;
    # head 12300
    shapes = {
        "conv1": (64, 1000), "conv2": (96, 1000), "pool2": (96, 250), "conv3": (192, 244), "pool3": (192, 61),
        "conv4": (256, 59), "pool4": (256, 19), "flatten": (4864,), "dense1": (1024,), "head": (12,),
    }  # fmt: skip
    check("cnn-deep", 1000, 12, shapes, 5_320_652)


@pytest.mark.parametrize("architecture", ["cnn-local", "cnn-dist", "basset", "residualbind"])
def test_the_others_keep_their_widths_at_1000_nt(architecture: str) -> None:
    narrow = layers(architecture, "relu", length=600, outputs=1)
    assert layers(architecture, "relu", length=1000, outputs=1) == narrow


DROPOUT = {
    "cnn-2": [0.1, 0.1, 0.5],
    "cnn-50": [0.1, 0.1, 0.5],
    "cnn-deep": [0.1, 0.2, 0.3, 0.4, 0.5],
    "cnn-local": [0.1, 0.2, 0.5],
    "cnn-dist": [0.1, 0.2, 0.3, 0.4, 0.5],
    "basset": [0.2, 0.2, 0.2, 0.5, 0.5],
    "residualbind": [0.1, 0.3, 0.4, 0.5],
}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_details_that_shapes_do_not_show(architecture: str) -> None:
    """Dropout rates, norms, which activation is studied, biases and pooling, as the protocol's section 2 has them."""
    network = build(layers(architecture, "softplus", length=400, outputs=3), 400)
    modules = dict(network.named_modules())
    assert [module.p for module in modules.values() if isinstance(module, nn.Dropout)] == DROPOUT[architecture]
    norms = [module for module in modules.values() if isinstance(module, nn.BatchNorm1d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.01)}
    assert network.filter_layer == "conv1_activation"
    functions = {layer.name: layer.function for layer in network.specs if isinstance(layer, specs.Activation)}
    assert functions.pop("conv1_activation") == "softplus"
    assert set(functions.values()) == {"relu"}
    biased = [name for name, module in modules.items() if getattr(module, "bias", None) is not None]
    assert [name for name in biased if isinstance(modules[name], nn.Conv1d | nn.Linear)] == ["head"]
    pools = [module for module in modules.values() if isinstance(module, nn.MaxPool1d)]
    assert all(pool.stride == pool.kernel_size for pool in pools)


def test_order_within_a_block() -> None:
    """conv -> batch norm -> activation -> dropout; pooling comes after them."""
    names = [layer.name for layer in layers("cnn-local", "relu", length=200, outputs=1)]
    block = ["", "_norm", "_activation", "_dropout"]
    first, second, dense = ([stem + part for part in block] for stem in ("conv1", "conv2", "dense1"))
    assert names == [*first, "pool1", *second, "pool2", "flatten", *dense, "head"]


def test_a_residual_block_is_what_the_protocol_says() -> None:
    """conv -> ReLU -> norm -> ReLU -> conv -> ReLU -> norm -> add the input -> ReLU, in PyTorch's own functions."""
    network = build(layers("residualbind", "relu", length=400, outputs=1), 400)
    initialise(network, torch.Generator().manual_seed(5))
    block = network.residual
    for norm in (block.norm1, block.norm2):
        norm.running_mean.uniform_(-1, 1, generator=torch.Generator().manual_seed(1))
        norm.running_var.uniform_(0.5, 2, generator=torch.Generator().manual_seed(2))
        nn.init.uniform_(norm.weight, -1, 1, generator=torch.Generator().manual_seed(3))
        nn.init.uniform_(norm.bias, -1, 1, generator=torch.Generator().manual_seed(4))
    x = torch.randn(3, 24, 40, generator=torch.Generator().manual_seed(6))

    def normed(y: torch.Tensor, norm: nn.BatchNorm1d) -> torch.Tensor:
        mean, var, weight, bias = (v[:, None] for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias))
        return (y - mean) / torch.sqrt(var + 1e-3) * weight + bias

    def conv(y: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        padded = nn.functional.pad(y, (2, 2))
        return torch.einsum("ncls,ocs->nol", padded.unfold(2, 5, 1), kernel)

    inner = normed(conv(x, block.conv1.weight).clamp(min=0), block.norm1).clamp(min=0)
    inner = normed(conv(inner, block.conv2.weight).clamp(min=0), block.norm2)
    expected = (x + inner).clamp(min=0)
    with torch.inference_mode():
        torch.testing.assert_close(block(x), expected, rtol=1e-5, atol=1e-5)


def test_feature_maps_are_the_studied_layers_output() -> None:
    network = build(layers("cnn-local", "exponential", length=200, outputs=1), 200)
    x = torch.nn.functional.one_hot(torch.arange(400).reshape(2, 200) % 4, 4).transpose(1, 2).float()
    with torch.inference_mode():
        maps = network.feature_maps(x)
        assert maps.shape == (2, 24, 200)
        torch.testing.assert_close(maps, torch.exp(network.conv1_norm(network.conv1(x))), rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(1, 4, 199), (1, 4, 201), (2, 4, 250), (4, 200), (1, 200, 4), (1, 5, 200)])
def test_sequences_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    """A pool of 50 would drop the last 49 of 249 nt in silence."""
    network = build(layers("cnn-local", "exponential", length=200, outputs=1), 200)
    with pytest.raises(ModelError) as error:
        network(torch.zeros(shape))
    assert str(error.value) == (
        f"the network reads one-hot (N, 4, 200) and was given {shape}: cut or pad the sequences to 200 nt, channels A, "
        "C, G, T before positions."
    )


def test_all_layers_sit_in_order_under_their_names() -> None:
    described = layers("cnn-dist", "relu", length=200, outputs=1)
    network = build(described, 200)
    assert [name for name, _ in network.named_children()] == [layer.name for layer in described]
    assert not network.training


def test_building_leaves_the_callers_random_state_alone() -> None:
    before = torch.get_rng_state()
    initialise(build(layers("cnn-local", "relu", length=200, outputs=1), 200), torch.Generator().manual_seed(0))
    assert torch.equal(torch.get_rng_state(), before)


def test_what_others_draw_while_a_network_is_built_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks are built in threads, and random numbers that came twice would be random no more."""
    drawn: list[float] = []
    make = builder._module

    def draw() -> None:
        drawn.append(float(torch.rand(())))

    def with_draws(layer: Layer, shape: Shape) -> nn.Module:
        other = threading.Thread(target=draw)
        other.start()
        other.join()
        return make(layer, shape)

    monkeypatch.setattr(builder, "_module", with_draws)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        build(ALL_KINDS, 200)
        draw()
        assert len(drawn) == len(ALL_KINDS) + 1
        torch.manual_seed(0)
        assert drawn == [float(torch.rand(())) for _ in drawn]


def test_a_network_as_built_has_the_starting_weights_of_seed_0() -> None:
    built, started = build(ALL_KINDS, 200), build(ALL_KINDS, 200)
    initialise(started, torch.Generator().manual_seed(0))
    assert all(torch.equal(tensor, started.state_dict()[name]) for name, tensor in built.state_dict().items())


def test_starting_weights_depend_on_the_seed_alone() -> None:
    """Nothing is left of what the tensors held before: of uninitialised memory, or of training."""
    spoiled, fresh = build(ALL_KINDS, 200), build(ALL_KINDS, 200)
    with torch.no_grad():
        for tensor in spoiled.state_dict().values():
            tensor.fill_(7)
    for network in (spoiled, fresh):
        initialise(network, torch.Generator().manual_seed(5))
    for name, tensor in spoiled.state_dict().items():
        assert torch.equal(tensor, fresh.state_dict()[name]), name


def test_a_network_without_weights() -> None:
    """For weights that come from elsewhere; a description from a stranger may be of a very large one."""
    with torch.device("meta"):
        network = build(ALL_KINDS, 200)
    assert {tensor.device.type for tensor in network.state_dict().values()} == {"meta"}
    whole = build(ALL_KINDS, 200).state_dict()
    assert {name: tensor.shape for name, tensor in network.state_dict().items()} == {
        name: tensor.shape for name, tensor in whole.items()
    }


# plan() against the modules, over random networks


POSITIONAL: list[st.SearchStrategy[dict[str, object]]] = [
    st.fixed_dictionaries(
        {
            "kind": st.just("conv"), "filters": st.integers(1, 8), "kernel": st.integers(1, 6),
            "padding": st.sampled_from(["same", "valid"]), "dilation": st.integers(1, 3), "bias": st.booleans(),
        }
    ),
    st.fixed_dictionaries(
        {"kind": st.just("pool"), "size": st.integers(1, 5), "mode": st.sampled_from(["max", "mean"])}
    ),
    st.fixed_dictionaries({"kind": st.just("residual"), "kernel": st.integers(1, 5)}),
    st.fixed_dictionaries({"kind": st.just("attention"), "heads": st.integers(1, 3)}),
    st.fixed_dictionaries({"kind": st.just("lstm"), "units": st.integers(1, 5), "bidirectional": st.booleans()}),
]  # fmt: skip
ANYWHERE: list[st.SearchStrategy[dict[str, object]]] = [
    st.just({"kind": "batch_norm"}),
    st.just({"kind": "activation", "function": "tanh"}),
    st.just({"kind": "dropout", "rate": 0.5}),
]
TO_VECTOR: list[st.SearchStrategy[dict[str, object]]] = [
    st.just({"kind": "flatten"}),
    st.fixed_dictionaries({"kind": st.just("global_pool"), "mode": st.sampled_from(["max", "mean"])}),
]
DENSE = st.fixed_dictionaries({"kind": st.just("dense"), "units": st.integers(1, 6), "bias": st.booleans()})
LAYERS: TypeAdapter[tuple[Layer, ...]] = TypeAdapter(specs.Layers)


@st.composite
def networks(draw: st.DrawFn) -> tuple[Layer, ...]:
    """A convolution and its activation, then most often layers in an order that fits, sometimes any order."""
    start = [
        {"kind": "conv", "filters": draw(st.integers(1, 6)), "kernel": 3},
        {"kind": "activation", "function": "relu"},
    ]
    body = draw(st.lists(st.one_of(*POSITIONAL, *ANYWHERE), max_size=5))
    end = [draw(st.one_of(*TO_VECTOR)), *draw(st.lists(st.one_of(DENSE, *ANYWHERE), max_size=3))]
    described = [*start, *body, *end]
    if draw(st.integers(0, 4)) == 0:
        described = start + draw(st.permutations(described[2:]))
    return LAYERS.validate_python([{"name": f"layer{i}", **layer} for i, layer in enumerate(described)])


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(deadline=None)
@given(networks(), st.integers(4, 40))
def test_the_plan_is_what_gets_built(described: tuple[Layer, ...], length: int) -> None:
    try:
        planned = plan(described, length)
    except ModelError as error:
        refusal = str(error)
    else:
        network = build(described, length)
        assert list(planned.shapes) == real_shapes(network)
        assert planned.parameters == real_parameters(network)
        return
    with pytest.raises(ModelError) as refused:
        build(described, length)
    assert str(refused.value) == refusal


# Refusals


def conv(name: str, filters: int, kernel: int, padding: specs.Padding = "same", dilation: int = 1) -> specs.Conv:
    return specs.Conv(name=name, filters=filters, kernel=kernel, padding=padding, dilation=dilation)


START: list[Layer] = [conv("conv1", 6, 19), specs.Activation(name="act", function="relu")]

MISFITS: dict[str, tuple[list[Layer], str]] = {
    "pool wider than its input": (
        [*START, specs.Pool(name="wide", size=201)],
        "layer 'wide' (pool) gets 6 channels x 200 positions and needs at least 201 positions.",
    ),
    "valid convolution wider than its input": (
        [*START, specs.Pool(name="pool", size=50), conv("last", 8, 3, "valid", dilation=2)],
        "layer 'last' (conv) gets 6 channels x 4 positions and needs at least 5 positions.",
    ),
    "dense on positions": (
        [*START, specs.Dense(name="head", units=1)],
        "layer 'head' (dense) gets 6 channels x 200 positions and needs a vector; "
        "put a flatten or global_pool layer before it.",
    ),
    "convolution on a vector": (
        [*START, specs.Flatten(name="flat"), conv("late", 8, 3)],
        "layer 'late' (conv) gets a vector of 1200 and needs channels x positions; "
        "it must come before any flatten or global_pool layer.",
    ),
    "heads that do not divide the channels": (
        [*START, specs.Attention(name="mix", heads=4)],
        "layer 'mix' (attention) gets 6 channels x 200 positions and needs a number of channels that 4 heads divide.",
    ),
    "a name twice": (
        [*START, specs.Flatten(name="act")],
        "two layers are named 'act': every layer needs a name of its own.",
    ),
    "too many parameters": (
        [conv("conv1", 8192, 19), conv("conv2", 8192, 19)],
        "at layer 'conv2' the network has 1,275,691,008 parameters and a layer output of 1,638,400 numbers a sequence; "
        "the limit is 200,000,000 of either.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MISFITS)
def test_layers_that_do_not_fit(case: str) -> None:
    described, message = MISFITS[case]
    with pytest.raises(ModelError) as error:
        build(described, 200)
    assert str(error.value) == message


def test_outputs_too_large_to_hold() -> None:
    with pytest.raises(ModelError) as error:
        plan([conv("conv1", 201, 19)], 1_000_000)
    assert str(error.value) == (
        "at layer 'conv1' the network has 15,276 parameters and a layer output of 201,000,000 numbers a sequence; "
        "the limit is 200,000,000 of either."
    )


@pytest.mark.parametrize("length", [-5, 0, 1_000_001, 10**12])
def test_absurd_input_lengths(length: int) -> None:
    with pytest.raises(ModelError) as error:
        plan(START, length)
    assert str(error.value) == f"input length {length} is not between 1 and 1000000."


def test_residualbind_does_not_fit_200_nt() -> None:
    # 200 / 10 / 5 = 4 positions, 4 - 2 = 2 after the last convolution
    with pytest.raises(ModelError) as error:
        build(layers("residualbind", "relu", length=200, outputs=1), 200)
    assert str(error.value) == "layer 'pool3' (pool) gets 64 channels x 2 positions and needs at least 4 positions."


def test_a_network_without_filters() -> None:
    with pytest.raises(ModelError) as error:
        build([specs.Flatten(name="flat"), specs.Dense(name="head", units=1)], 200)
    assert str(error.value) == "the network has no convolution followed by an activation, so no filters to study."


def test_a_filter_layer_that_is_not_there() -> None:
    with pytest.raises(ModelError) as error:
        build(START, 200, filter_layer="conv2_activation")
    assert str(error.value) == "filter layer 'conv2_activation' is not among the layers: conv1, act."


def test_a_filter_layer_without_positions() -> None:
    with pytest.raises(ModelError) as error:
        build([*START, specs.Flatten(name="flat")], 200, filter_layer="flat")
    assert str(error.value) == ("filter layer 'flat' does not put out channels x positions, so it has no feature maps.")


def test_another_filter_layer() -> None:
    network = build([*START, specs.Pool(name="pool", size=2)], 200, filter_layer="pool")
    assert network.feature_maps(torch.zeros(1, 4, 200)).shape == (1, 6, 100)


@pytest.mark.parametrize(
    "layer",
    [
        {"kind": "conv", "filters": 10**9, "kernel": 19},
        {"kind": "conv", "filters": 32, "kernel": -19},
        {"kind": "conv", "filters": 0, "kernel": 19},
        {"kind": "conv", "filters": 32, "kernel": 19, "stride": 2},
        {"kind": "conv", "filters": 32, "kernel": 19, "dilation": 0},
        {"kind": "dense", "units": 10**6},
        {"kind": "pool", "size": 0},
        {"kind": "dropout", "rate": 1.0},
        {"kind": "attention", "heads": 65},
        {"kind": "batch_norm", "eps": 0.0},
        {"kind": "activation", "function": "gelu"},
        {"kind": "wavelet"},
    ],
)
def test_absurd_specs_are_no_layers(layer: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        LAYERS.validate_python([{"name": "layer", **layer}])


@pytest.mark.parametrize("name", ["", "Conv1", "1conv", "conv.1", "conv-1", "c" * 41, "conv1\n"])
def test_layer_names_are_plain_words(name: str) -> None:
    with pytest.raises(ValidationError):
        specs.Flatten(name=name)


def test_unknown_architecture() -> None:
    with pytest.raises(UnknownNameError) as error:
        layers("cnn-remote", "relu", length=200, outputs=1)
    assert str(error.value) == "unknown architecture 'cnn-remote': did you mean 'cnn-deep' or 'cnn-dist' or 'cnn-2'?"


def test_unknown_activation() -> None:
    with pytest.raises(UnknownNameError) as error:
        layers("cnn-2", "Relu", length=200, outputs=1)
    assert str(error.value) == "unknown activation 'Relu': did you mean 'elu' or 'relu' or 'log_relu'?"


# Starting weights


def initialised(architecture: str, seed: int, length: int = 400) -> Network:
    network = build(layers(architecture, "exponential", length=length, outputs=12), length)
    initialise(network, torch.Generator().manual_seed(seed))
    return network


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_kernels_start_glorot_uniform(architecture: str) -> None:
    """Uniform in +-sqrt(6 / (fan in + fan out)), a convolution's fans being channels x kernel; mean and spread too."""
    network = initialised(architecture, 3)
    checked = 0
    for name, module in network.named_children():
        if not isinstance(module, nn.Conv1d | nn.Linear):
            continue
        kernel = module.weight.detach().double()
        receptive = kernel.shape[2] if kernel.dim() == 3 else 1
        bound = math.sqrt(6 / ((kernel.shape[0] + kernel.shape[1]) * receptive))
        n = kernel.numel()
        assert float(kernel.abs().max()) <= bound * (1 + 1e-6), name
        # Five standard errors of the maximum, the mean and the variance of n uniform draws.
        assert float(kernel.abs().max()) >= bound * (1 - 5 / n), name
        assert abs(float(kernel.mean())) <= 5 * bound / math.sqrt(3 * n), name
        variance = bound**2 / 3
        assert float(kernel.var()) == pytest.approx(variance, rel=5 * math.sqrt(0.8 / n)), name
        checked += 1
    assert checked >= 4


def test_residual_blocks_start_he_normal() -> None:
    """Normal with variance 2 / fan in = 2 / (24 x 5)."""
    network = initialised("residualbind", 3)
    for kernel in (network.residual.conv1.weight.detach(), network.residual.conv2.weight.detach()):
        n = kernel.numel()
        assert float(kernel.std()) == pytest.approx(math.sqrt(2 / 120), rel=5 / math.sqrt(2 * n))
        assert float(kernel.abs().max()) > 2.5 * math.sqrt(2 / 120)  # a uniform draw would end at 1.73


def test_a_layer_can_ask_for_he_normal() -> None:
    described = [specs.Conv(name="conv1", filters=64, kernel=19, init="he_normal"), *START[1:]]
    network = build(described, 200)
    initialise(network, torch.Generator().manual_seed(0))
    kernel = network.conv1.weight.detach()
    n = kernel.numel()
    assert float(kernel.std()) == pytest.approx(math.sqrt(2 / 76), rel=5 / math.sqrt(2 * n))


@pytest.mark.parametrize("architecture", ["cnn-deep", "residualbind"])
def test_biases_and_norms_start_neutral(architecture: str) -> None:
    """Also on a network that has been used: every parameter and running average is set."""
    network = build(layers(architecture, "relu", length=400, outputs=12), 400)
    for value in network.state_dict().values():
        value.fill_(7)
    initialise(network, torch.Generator().manual_seed(0))
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            values = (module.weight, module.bias, module.running_mean, module.running_var)
            assert [value.unique().tolist() for value in values] == [[1.0], [0.0], [0.0], [1.0]], name
    assert network.head.bias.unique().tolist() == [0.0]
    assert not any(bool((parameter == 7).any()) for parameter in network.parameters())


def test_attention_and_lstm_start_small_with_biases_zero() -> None:
    described = [
        *START,
        specs.Attention(name="mix", heads=2),
        specs.Lstm(name="scan", units=5),
        specs.GlobalPool(name="all"),
    ]
    network = build(described, 50)
    for parameter in network.parameters():
        nn.init.constant_(parameter, 7.0)
    initialise(network, torch.Generator().manual_seed(0))
    for name, parameter in network.named_parameters():
        if parameter.dim() == 1:
            assert parameter.unique().tolist() == [0.0], name
        else:
            assert 0 < float(parameter.detach().abs().max()) < 1.5, name


@pytest.mark.parametrize("architecture", ["cnn-local", "residualbind"])
def test_a_seed_fixes_the_start(architecture: str) -> None:
    one, again, other = (initialised(architecture, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], again[name]) for name in one)
    drawn = [name for name in one if one[name].dim() > 1]
    assert not any(torch.equal(one[name], other[name]) for name in drawn)
