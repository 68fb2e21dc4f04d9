"""What motifzoo runs on: machine, libraries, packages, folders, hub. Nothing here needs a network."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from ...files import cache_dir, data_dir
from ..report.words import plural
from .findings import Finding

_LITTLE_SPACE = (
    2_000_000_000  # bytes: a run of the harness on one model keeps some 10 MB, an upstream file has up to 1 GB
)


def environment() -> Iterator[Finding]:
    """Everything about this machine that results can depend on, and whether it can be used."""
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield from _libraries()
    yield from _packages()
    yield _folder("cache", cache_dir())
    yield _folder("own data", data_dir())
    yield from _mirror(os.environ.get("MOTIFZOO_MIRROR", ""))
    yield _hub()


def _libraries() -> Iterator[Finding]:
    """Which arithmetic the numbers come from: builds, BLAS, instruction set, threads, devices."""
    import numpy as np
    import torch

    kernels = [
        name
        for name, backend in (("MKL", torch.backends.mkl), ("oneDNN", torch.backends.mkldnn))
        if backend.is_available()
    ]
    threads = torch.get_num_threads()
    set_by = next((f" by {name}" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if os.environ.get(name)), "")
    cpu = torch.backends.cpu.get_cpu_capability()
    yield Finding(
        "ok", "torch", f"{torch.__version__}: {', '.join([*kernels, cpu])}; {plural(threads, 'thread')}{set_by}"
    )
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    yield Finding("ok", "numpy", f"{np.__version__}: {blas.get('name', 'BLAS')} {blas.get('version', '')}".rstrip())
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    if names:
        yield Finding("ok", "devices", f"cpu; {', '.join(f'cuda:{at} {name}' for at, name in enumerate(names))}")
    else:
        yield Finding("ok", "devices", "cpu; there is no CUDA device")


def _packages() -> Iterator[Finding]:
    """Whether what motifzoo requires is installed, in versions that it accepts."""
    wanted = [Requirement(text) for text in requires("motifzoo") or ()]
    needed = [one for one in wanted if one.marker is None or one.marker.evaluate()]
    wrong = []
    for one in needed:
        try:
            found = version(one.name)
        except PackageNotFoundError:
            wrong.append(Finding("problem", "packages", f"{one.name} is not installed: pip install '{one}'"))
            continue
        if not one.specifier.contains(found, prereleases=True):
            text = f"{one.name} {found} is installed and motifzoo needs {one.specifier}: pip install '{one}'"
            wrong.append(Finding("problem", "packages", text))
    yield from wrong
    if not wrong:
        yield Finding("ok", "packages", f"{plural(len(needed), 'required package')}, all in versions that fit")


def _folder(subject: str, folder: Path) -> Finding:
    """Whether files can be written there, tried with one that vanishes at once, and how much space is left."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    where = f"{folder}: " if there == folder else f"{folder} (not there yet): "
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
        free = shutil.disk_usage(there).free
    except OSError as error:
        variable = "MOTIFZOO_CACHE" if subject == "cache" else "MOTIFZOO_DATA"
        text = f"cannot write ({error.strerror or error}). Make it writable or set {variable} to another folder."
        return Finding("problem", subject, where + text)
    space = f"writable, {free / 1e9:,.1f} GB free"
    return Finding("note" if free < _LITTLE_SPACE else "ok", subject, where + space)


def _mirror(mirror: str) -> Iterator[Finding]:
    """Where upstream files come from, if the user says so."""
    if not mirror:
        return
    if mirror.lower().startswith(("http://", "https://")):
        yield Finding("ok", "mirror", f"upstream files come from {_host(mirror)} (MOTIFZOO_MIRROR)")
    elif Path(mirror).expanduser().is_dir():
        yield Finding("ok", "mirror", f"upstream files come from folder {mirror} (MOTIFZOO_MIRROR)")
    else:
        yield Finding("problem", "mirror", f"MOTIFZOO_MIRROR names {mirror}, and there is no such folder.")


def _hub() -> Finding:
    """How the hub would be reached, without asking it; its token is never shown."""
    from huggingface_hub import constants, get_token

    offline = "offline (HF_HUB_OFFLINE): only what is cached loads" if constants.HF_HUB_OFFLINE else "not asked"
    token = "a token is set" if get_token() else "no token"
    return Finding("ok", "hub", f"{_host(constants.ENDPOINT)}, {offline}; {token}; cache {constants.HF_HUB_CACHE}")


def _host(url: str) -> str:
    """A URL's host and port alone: the rest may hold a password."""
    return (urlsplit(url).netloc or url).rpartition("@")[2]
