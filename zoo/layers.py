"""Layer specs: a network as data.

A network is a list of these, validated here; `builder.build` turns it into modules. The paper's architectures and a
submitter's use the same specs. Sizes are bounded so that a config from a stranger cannot ask for a terabyte.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from ..errors import UnknownNameError, unknown_name

# Named here, without PyTorch, so that a config can be read without it; `activations.FUNCTIONS` says what they compute.
ACTIVATIONS: Final = (
    "relu",
    "exponential",
    "sigmoid",
    "tanh",
    "softplus",
    "linear",
    "elu",
    "shift_relu",
    "scale_relu",
    "shift_scale_relu",
    "shift_sigmoid",
    "scale_sigmoid",
    "shift_scale_sigmoid",
    "shift_tanh",
    "scale_tanh",
    "shift_scale_tanh",
    "exp_relu",
    "log_relu",
)

MAX_CHANNELS = 8192
MAX_KERNEL = 1024
MAX_LENGTH = 1_000_000
MAX_LAYERS = 200
MAX_PARAMETERS = 200_000_000

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Channels = Annotated[int, Field(ge=1, le=MAX_CHANNELS)]
Kernel = Annotated[int, Field(ge=1, le=MAX_KERNEL)]
Padding = Literal["same", "valid"]
Initial = Literal["glorot_uniform", "he_normal"]


def _known_activation(name: str) -> str:
    try:
        check_activation(name)
    except UnknownNameError as error:
        raise ValueError(str(error)) from error
    return name


def check_activation(name: str) -> None:
    """Raise UnknownNameError, offering the nearest names, unless `name` is one of `ACTIVATIONS`."""
    if name not in ACTIVATIONS:
        raise unknown_name("activation", name, ACTIVATIONS)


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Name


class Conv(_Spec):
    """1-D convolution, stride 1. same: zero padding keeps the length; valid: none."""

    kind: Literal["conv"] = "conv"
    filters: Channels
    kernel: Kernel
    padding: Padding = "same"
    dilation: Annotated[int, Field(ge=1, le=MAX_KERNEL)] = 1
    bias: bool = False
    init: Initial = "glorot_uniform"


class BatchNorm(_Spec):
    """Batch normalisation over channels (after conv) or units (after dense)."""

    kind: Literal["batch_norm"] = "batch_norm"
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-3
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.01


class Activation(_Spec):
    """One of `ACTIVATIONS`, elementwise."""

    kind: Literal["activation"] = "activation"
    function: Annotated[str, AfterValidator(_known_activation)]


class Dropout(_Spec):
    """Dropout of single entries, in training only."""

    kind: Literal["dropout"] = "dropout"
    rate: Annotated[float, Field(ge=0, lt=1)]


class Pool(_Spec):
    """Max- or mean-pooling over `size` positions, stride `size`; an incomplete last window is dropped."""

    kind: Literal["pool"] = "pool"
    size: Kernel
    mode: Literal["max", "mean"] = "max"


class GlobalPool(_Spec):
    """Max or mean over all positions: `(N, C, L)` to `(N, C)`."""

    kind: Literal["global_pool"] = "global_pool"
    mode: Literal["max", "mean"] = "max"


class Residual(_Spec):
    """Residual block: conv, ReLU, batch norm, ReLU, conv, ReLU, batch norm, plus the input, ReLU; channels kept.

    `dilation` is that of both convolutions.
    """

    kind: Literal["residual"] = "residual"
    kernel: Kernel
    dilation: Annotated[int, Field(ge=1, le=MAX_KERNEL)] = 1
    eps: Annotated[float, Field(gt=0, le=1)] = 1e-3
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.01

    @model_serializer(mode="wrap")
    def _as_before(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # The field is younger than the first configs: theirs, and what is hashed of them, stay as they are.
        return {name: value for name, value in dump(self).items() if (name, value) != ("dilation", 1)}


class Flatten(_Spec):
    """`(N, C, L)` to `(N, C * L)`, position fastest."""

    kind: Literal["flatten"] = "flatten"


class Dense(_Spec):
    """Fully connected layer."""

    kind: Literal["dense"] = "dense"
    units: Channels
    bias: bool = False
    init: Initial = "glorot_uniform"


class Attention(_Spec):
    """Multi-head self-attention over positions, added to its input; channels must be divisible by `heads`."""

    kind: Literal["attention"] = "attention"
    heads: Annotated[int, Field(ge=1, le=64)]


class Lstm(_Spec):
    """LSTM over positions; the output at every position, `units` channels (2 x when bidirectional)."""

    kind: Literal["lstm"] = "lstm"
    units: Channels
    bidirectional: bool = True


Layer = Annotated[
    Conv | BatchNorm | Activation | Dropout | Pool | GlobalPool | Residual | Flatten | Dense | Attention | Lstm,
    Field(discriminator="kind"),
]
Layers = Annotated[tuple[Layer, ...], Field(min_length=1, max_length=MAX_LAYERS)]
