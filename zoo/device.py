"""Where computation runs, and how it rounds there.

PyTorch's settings of how products round belong to the whole process, and by default they let a GPU convolve in TF32,
with 11 bits of each number. They are set where something is computed, and set back.
"""

import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch

from ..errors import MotifzooError


def pick_device(name: str = "cpu") -> torch.device:
    """The device called `cpu`, `cuda`, `cuda:1` or `mps`; `auto` takes CUDA where there is one, else the CPU.

    Raises MotifzooError for a device that this machine lacks. It sets nothing: `float32_arithmetic` is for that.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise MotifzooError(f"{name!r} is not a device: write cpu, cuda, cuda:0, mps or auto.") from error
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            raise MotifzooError(f"device {name!r} is not on this machine, which has {count} CUDA devices. Use cpu.")
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise MotifzooError("device 'mps' is not on this machine. Use cpu.")
    elif device.type != "cpu":
        raise MotifzooError(f"device {name!r} is not supported: write cpu, cuda, cuda:0, mps or auto.")
    return device


_Setting = tuple[Any, str, Any]  # whose it is, its name, its value


def _settings(products: str) -> Iterator[_Setting]:
    """What to set for products of float32 to round as "ieee" or "tf32" on a GPU, and as float32 on a CPU."""
    backends: Any = torch.backends
    yield backends.cudnn, "deterministic", True
    yield backends.cudnn, "benchmark", False  # which takes the algorithm that was fastest this time
    if not hasattr(backends, "fp32_precision"):  # before PyTorch 2.9, where a CPU's "medium" comes back as "high"
        yield backends.cudnn, "allow_tf32", products == "tf32"
        yield backends.cuda.matmul, "allow_tf32", products == "tf32"
        return
    # An operation without a setting of its own reads as the general ones do, and so does cuDNN's default, which is TF32
    # if they say nothing. Those come first: what then reads as it should is left alone, and inherits again afterwards.
    yield backends, "fp32_precision", "none"
    yield backends.cudnn, "fp32_precision", products
    for operation in (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn):
        yield operation, "fp32_precision", products
    for operation in (backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn):
        yield operation, "fp32_precision", "ieee"


def _set(products: str) -> list[_Setting]:
    """Returns what it was before, of all that it changed."""
    changed = []
    for holder, name, value in _settings(products):
        before = getattr(holder, name)
        if before != value:
            setattr(holder, name, value)
            changed.append((holder, name, before))
    return changed


def _set_back(before: list[_Setting]) -> None:
    for holder, name, value in reversed(before):
        setattr(holder, name, value)


_entering = threading.Lock()
_inside = 0  # computations at present, in all threads
_outside: list[_Setting] = []


@contextmanager
def float32_arithmetic() -> Iterator[None]:
    """Products of float32 round as float32, and repeat: what is computed inside agrees with a CPU but for rounding.

    Also a decorator. Whatever the caller allowed PyTorch (TF32, bfloat16 products, algorithms by speed) holds again
    afterwards. The settings are the process's, so they hold for other threads too; of several inside, the last to leave
    sets them back. Inside, PyTorch's older names of them (`allow_tf32`) may refuse to be read.
    """
    global _inside, _outside
    with _entering:
        if not _inside:
            _outside = _set("ieee")
        _inside += 1
    try:
        yield
    finally:
        with _entering:
            _inside -= 1
            if not _inside:
                _set_back(_outside)


@contextmanager
def faster_products() -> Iterator[None]:
    """Products round as TF32 on a GPU that can, for a part of what is inside `float32_arithmetic`; for one thread."""
    before = _set("tf32")
    try:
        yield
    finally:
        _set_back(before)


def describe_device(device: torch.device, threads: int | None = None) -> str:
    """The device's kind as results and configs state it: the GPU's name, or the CPU's kind and thread count.

    threads: those that a CPU computes with, by default PyTorch's at present.
    """
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    if device.type == "cpu":
        threads = threads or torch.get_num_threads()
        return f"cpu ({platform.machine()}, {threads} thread{'s' if threads > 1 else ''})"
    return device.type


_OUT_OF_MEMORY: Final = (
    "out of memory",  # CUDA's and MPS's own words
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # on Windows
)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of PyTorch says that a device has too little free memory.

    What fails before PyTorch's own allocator is asked, such as starting CUDA on a full GPU, is no OutOfMemoryError, nor
    is what NVIDIA's libraries and the C library are refused.
    """
    said = str(error)
    return isinstance(error, torch.OutOfMemoryError) or any(words in said for words in _OUT_OF_MEMORY)
