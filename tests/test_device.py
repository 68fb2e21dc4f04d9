"""Where computation runs and how it rounds: settings of the process hold for a computation and are then as before."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from attribution_networks import sequences, small
from torch.utils._python_dispatch import TorchDispatchMode

import motifzoo
from motifzoo.data_cards.onehot import from_onehot
from motifzoo.errors import MotifzooError
from motifzoo.evaluate.attribution.methods import attribute
from motifzoo.evaluate.classification import predict
from motifzoo.evaluate.filters import filter_matrices
from motifzoo.evaluate.golden import compute
from motifzoo.zoo import device
from motifzoo.zoo.builder import Network
from motifzoo.zoo.device import faster_products, float32_arithmetic, pick_device

BACKENDS: Any = torch.backends
GENERAL = {"all": BACKENDS, "cuda": BACKENDS.cudnn}
ON_A_GPU = {"matmul": BACKENDS.cuda.matmul, "conv": BACKENDS.cudnn.conv, "rnn": BACKENDS.cudnn.rnn}
ON_A_CPU = {"matmul": BACKENDS.mkldnn.matmul, "conv": BACKENDS.mkldnn.conv, "rnn": BACKENDS.mkldnn.rnn}
Settings = tuple[bool, bool, dict[str, str], dict[str, str]]


def present() -> Settings:
    """What holds for products, whatever it comes from."""
    gpu = {name: operation.fp32_precision for name, operation in ON_A_GPU.items()}
    cpu = {name: operation.fp32_precision for name, operation in ON_A_CPU.items()}
    return BACKENDS.cudnn.deterministic, BACKENDS.cudnn.benchmark, gpu, cpu


def everywhere(precision: str) -> dict[str, str]:
    return dict.fromkeys(ON_A_GPU, precision)


FLOAT32: Settings = (True, False, everywhere("ieee"), everywhere("ieee"))
TF32: Settings = (True, False, everywhere("tf32"), everywhere("ieee"))


@pytest.fixture(autouse=True)
def defaults() -> Iterator[None]:
    """PyTorch's settings as they are when it is imported, before and after."""

    def set_back() -> None:
        BACKENDS.cudnn.deterministic = BACKENDS.cudnn.benchmark = False
        for holder in (*GENERAL.values(), *ON_A_GPU.values(), *ON_A_CPU.values()):
            holder.fp32_precision = "none"
        torch.set_float32_matmul_precision("highest")
        BACKENDS.cuda.matmul.fp32_precision = BACKENDS.mkldnn.matmul.fp32_precision = "none"
        BACKENDS.cudnn.allow_tf32 = True  # which is the one that is on

    set_back()
    yield
    set_back()


def older_names() -> None:
    BACKENDS.cuda.matmul.allow_tf32 = True
    BACKENDS.cudnn.allow_tf32 = False
    BACKENDS.cudnn.benchmark = True


def all_at_once() -> None:
    """On top of it the older names are set, and contradict it: then they cannot be read."""
    BACKENDS.fp32_precision = "tf32"
    BACKENDS.cudnn.allow_tf32 = False
    with pytest.raises(RuntimeError, match="mix of the legacy and new APIs"):
        _ = BACKENDS.cudnn.allow_tf32


def each() -> None:
    BACKENDS.cudnn.fp32_precision = "tf32"
    BACKENDS.cuda.matmul.fp32_precision = "ieee"
    BACKENDS.mkldnn.conv.fp32_precision = "bf16"
    BACKENDS.cudnn.deterministic = True


def medium() -> None:
    torch.set_float32_matmul_precision("medium")


def strict() -> None:
    BACKENDS.fp32_precision = "ieee"


def strict_on_a_gpu() -> None:
    BACKENDS.cudnn.fp32_precision = "ieee"


WAYS = {
    "defaults": lambda: None,
    "older names": older_names,
    "all at once": all_at_once,
    "each": each,
    "medium": medium,
    "strict": strict,
    "strict on a GPU": strict_on_a_gpu,
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_inside_products_round_as_float32_and_afterwards_as_before(way: Callable[[], None]) -> None:
    way()
    before = present()
    with float32_arithmetic():
        assert present() == FLOAT32
        with faster_products():
            assert present() == TF32
        assert present() == FLOAT32
    assert present() == before


@pytest.mark.parametrize("context", [float32_arithmetic, faster_products])
def test_an_error_inside_leaves_nothing_behind(context: Callable[[], AbstractContextManager[None]]) -> None:
    before = present()

    def fail() -> None:
        with context():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert present() == before


@pytest.mark.parametrize("general", GENERAL)
def test_what_was_inherited_is_inherited_afterwards(general: str) -> None:
    """Not copied: a change of the general setting still reaches the operations."""
    BACKENDS.cudnn.conv.fp32_precision = "none"
    GENERAL[general].fp32_precision = "tf32"
    with float32_arithmetic():
        assert present() == FLOAT32
    assert BACKENDS.cudnn.conv.fp32_precision == BACKENDS.cuda.matmul.fp32_precision == "tf32"
    GENERAL[general].fp32_precision = "ieee"
    assert BACKENDS.cudnn.conv.fp32_precision == BACKENDS.cuda.matmul.fp32_precision == "ieee"


def test_what_a_process_starts_with_inherits_afterwards() -> None:
    """No setting of this process: one that was ever set is another than PyTorch's own start."""
    script = """
import torch
from motifzoo.zoo.device import float32_arithmetic

with float32_arithmetic():
    pass
torch.backends.fp32_precision = "ieee"
print(torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ieee", "ieee"]


def test_threads_that_overlap() -> None:
    """The first to leave does not take the settings from the other, nor does the last leave its own behind."""
    BACKENDS.cuda.matmul.fp32_precision = "tf32"
    before = present()
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with float32_arithmetic():
            inside.set()
            leave.wait(60)

    thread = threading.Thread(target=other)
    with float32_arithmetic():
        thread.start()
        assert inside.wait(60)
    assert present() == FLOAT32
    leave.set()
    thread.join()
    assert present() == before


def test_pytorch_before_its_settings_by_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    cudnn = SimpleNamespace(deterministic=False, benchmark=True, allow_tf32=True)
    matmul = SimpleNamespace(allow_tf32=True)
    old = SimpleNamespace(cudnn=cudnn, cuda=SimpleNamespace(matmul=matmul))
    monkeypatch.setattr(device, "torch", SimpleNamespace(backends=old))

    def now() -> tuple[bool, ...]:
        return cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32

    with float32_arithmetic():
        assert now() == (True, False, False, False)
        with faster_products():
            assert now() == (True, False, True, True)
        assert now() == (True, False, False, False)
    assert now() == (False, True, True, True)


# Where it is used


COMPUTATIONS: dict[str, Callable[[Network], object]] = {
    "predictions": lambda network: predict(network, from_onehot(sequences(3, 24))),
    "filters": lambda network: filter_matrices(network, from_onehot(sequences(3, 24))),
    "attribution": lambda network: attribute(network, sequences(2, 24), method="saliency"),
    "golden values": lambda network: compute(network, from_onehot(sequences(2, 24))),
}


@pytest.mark.parametrize("name", COMPUTATIONS)
def test_what_is_computed_rounds_as_float32(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    all_at_once()
    before = present()
    seen: list[Settings] = []
    forward = torch.nn.Conv1d.forward

    def watched(module: torch.nn.Conv1d, x: torch.Tensor) -> torch.Tensor:
        seen.append(present())
        return forward(module, x)

    monkeypatch.setattr(torch.nn.Conv1d, "forward", watched)
    COMPUTATIONS[name](small(length=24))
    assert seen
    assert all(settings == FLOAT32 for settings in seen)
    assert present() == before


class WithoutFloat64(TorchDispatchMode):
    """As on Apple's GPUs, nothing that is computed can become float64."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        conversions = torch.ops.aten.to, torch.ops.aten._to_copy
        given = (*args, *(kwargs or {}).values())
        if func.overloadpacket in conversions and any(value is torch.float64 for value in given):
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["predictions", "filters"])
def test_no_number_is_float64_before_it_is_on_the_cpu(name: str) -> None:
    with WithoutFloat64():
        COMPUTATIONS[name](small(length=24))
        with pytest.raises(TypeError, match="float64"):
            torch.zeros(1).double()


def test_choosing_a_device_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = present()
    motifzoo.load("cnn-local-relu.synthetic-codes")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert pick_device("cuda:0") == torch.device("cuda:0")
    assert present() == before
    with pytest.raises(MotifzooError) as error:
        pick_device("cuda:1")
    assert str(error.value) == "device 'cuda:1' is not on this machine, which has 1 CUDA devices. Use cpu."
