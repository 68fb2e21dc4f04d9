"""Where computation runs."""

import platform

import torch

from ..errors import MotifzooError


def pick_device(name: str = "cpu") -> torch.device:
    """The device called `cpu`, `cuda`, `cuda:1` or `mps`; `auto` takes CUDA where there is one, else the CPU.

    Raises MotifzooError for a device that this machine lacks. On CUDA, TF32 is switched off so that numbers agree
    with the CPU's to float32 rounding.
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
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.deterministic = True
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise MotifzooError("device 'mps' is not on this machine. Use cpu.")
    elif device.type != "cpu":
        raise MotifzooError(f"device {name!r} is not supported: write cpu, cuda, cuda:0, mps or auto.")
    return device


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


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of PyTorch says that a device has too little free memory.

    What fails before PyTorch's own allocator is asked, such as starting CUDA on a full GPU, is no OutOfMemoryError.
    """
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)
