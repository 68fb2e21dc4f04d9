"""Run one function of this package in a confined process, and take back nothing but a small, checked answer.

What the process may not do, and what enforces it on which system, is stated in `confine` and docs/threat-model.md.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from ....errors import BoardError, MotifzooError
from .child import Job, tells_of_memory
from .confine import Allowance

_CHILD: Final = "motifzoo.evaluate.leaderboard.verification.child"
_KEPT_VARIABLES: Final = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT")  # what Python itself may need
_MAX_ANSWER: Final = 4_000_000  # bytes
_MAX_LOG: Final = 64_000  # bytes kept of what the process says
_MAX_WORDS: Final = 1500  # characters of its words in an error
_PATIENCE: Final = 10  # seconds for a killed process to be gone


@dataclass(frozen=True)
class Limits:
    """What a quarantined process may use.

    memory: bytes of its own (Linux). seconds: by the clock, after which it is killed. threads: of computation.
    file_bytes: of one file. open_files: at once.
    """

    memory: int = 4 << 30
    seconds: float = 3600
    threads: int = 1
    file_bytes: int = 2 << 30
    open_files: int = 256


class IsolationError(BoardError):
    """The quarantined process refused its input, broke a limit, crashed or gave no usable answer: its input's fault."""


class LimitError(IsolationError):
    """The quarantined process took more than the field `limit` of its `Limits` allows."""

    def __init__(self, message: str, limit: Literal["memory", "seconds"]) -> None:
        super().__init__(message)
        self.limit = limit


class QuarantineError(MotifzooError):
    """The quarantine itself did not work on this machine, which says nothing about what was to be examined."""


class _Confinement(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    network: str
    processes: str
    files: str
    memory: str


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    confinement: _Confinement
    value: Any = None
    refused: str | None = None
    trouble: str | None = None
    memory: bool = False
    failed: str | None = None


class Isolated(NamedTuple):
    """What the function returned (JSON, unchecked), how its process was confined, and the end of what it said."""

    value: Any
    confinement: dict[str, str]
    log: str


def run_isolated(function: str, payload: Any, folder: Path, limits: Limits | None = None) -> Isolated:
    """Call `function` (`module:name`) on a JSON payload in a confined process of its own.

    folder: private, all that the process can write to; its home, caches and temporary files are made there. The
    environment holds no variable of the caller's but those that Python itself may need, so no token. The process group
    is killed when the time is up, when this call is interrupted, and (Linux) when this process dies.
    Raises IsolationError saying what went wrong: the function's own MotifzooError in its words, the limit that was hit
    (LimitError), the crash, the missing, oversized or malformed answer; QuarantineError where this machine is to blame
    (the process cannot start, its disk is full, it is killed from outside).
    """
    limits = limits or Limits()
    answer = folder / "answer.json"
    allowance = Allowance(
        memory=limits.memory,
        seconds=limits.seconds,
        threads=limits.threads,
        file_bytes=limits.file_bytes,
        open_files=limits.open_files,
    )
    job = Job(
        function=function,
        payload=payload,
        allowance=allowance,
        folder=str(folder),
        answer=str(answer),
        parent=os.getpid(),
    )
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=_environment(folder, limits.threads),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    log = _Tail(process.stderr)
    try:
        with suppress(BrokenPipeError), process.stdin:  # of one that died at once, the exit code says more
            process.stdin.write(json.dumps(job).encode())
        try:
            process.wait(limits.seconds)
        except subprocess.TimeoutExpired as error:
            spent = told_time(limits.seconds)
            raise LimitError(f"it ran for {spent}, which is its limit, and was killed.", "seconds") from error
    finally:
        _kill(process)
        said = log.text()
    return _read(answer, process.returncode, limits, said)


def _environment(folder: Path, threads: int) -> dict[str, str]:
    home, temporary = folder / "home", folder / "tmp"
    home.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    count = str(threads)
    return kept | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "TMPDIR": str(temporary),
        "XDG_CACHE_HOME": str(home / "cache"),
        "MOTIFZOO_CACHE": str(folder / "cache"),
        "MOTIFZOO_DATA": str(folder / "data"),
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "NUMBA_NUM_THREADS": count,
    }


class _Tail:
    """The end of what a process says, read as it comes, so that it can neither block nor fill memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._kept = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while part := os.read(self._stream.fileno(), _MAX_LOG):
            self._kept = (self._kept + part)[-_MAX_LOG:]

    def text(self) -> str:
        """All of it, once the process is gone; control characters are left out."""
        self._thread.join(_PATIENCE)
        if not self._thread.is_alive():
            self._stream.close()
        return plain(self._kept.decode("utf-8", "replace"))


def plain(text: str) -> str:
    """Text that a terminal shows as it is, without control characters but line ends."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text).strip()


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill what is left of the process and of its group."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says so in the second way
            os.killpg(process.pid, signal.SIGKILL)
    process.wait(_PATIENCE)


def _read(path: Path, code: int, limits: Limits, log: str) -> Isolated:
    data = _answer_bytes(path, code, limits, log)
    try:
        answer = _Answer.model_validate_json(data)
    except ValidationError as error:
        raise IsolationError("its answer is malformed, so nothing in it is used.") from error
    if answer.trouble is not None:
        raise QuarantineError(plain(answer.trouble[:_MAX_WORDS]))
    if answer.refused is not None:
        raise IsolationError(plain(answer.refused[:_MAX_WORDS]))
    if answer.memory:
        raise _out_of_memory(limits)
    if answer.failed is not None:
        raise IsolationError(f"it failed: {plain(answer.failed[:_MAX_WORDS])}")
    return Isolated(answer.value, answer.confinement.model_dump(), log)


def _answer_bytes(path: Path, code: int, limits: Limits, log: str) -> bytes:
    if code != 0:
        raise _death(code, limits, log)
    try:
        # Not through a link, which could point at any file of the caller's.
        opened = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(opened, "rb") as file:
            data = file.read(_MAX_ANSWER + 1)
    except OSError as error:
        raise IsolationError("it ended without an answer.") from error
    if len(data) > _MAX_ANSWER:
        raise IsolationError(f"its answer is larger than {_MAX_ANSWER:,} bytes, so nothing in it is used.")
    return data


def _death(code: int, limits: Limits, log: str) -> MotifzooError:
    """The error for a process that ended with an exit code above 0 or by a signal, which is a code below."""
    said = log[-_MAX_WORDS:] or "it said nothing"
    if tells_of_memory(log):
        return _out_of_memory(limits)
    if code > 0:
        return QuarantineError(f"the quarantined process cannot work on this machine (exit code {code}): {said}")
    if sys.platform != "win32" and -code == signal.SIGXCPU:
        spent = told_time(limits.seconds * limits.threads)
        return LimitError(f"it used more than {spent} of processor time and was killed.", "seconds")
    if sys.platform != "win32" and -code == signal.SIGKILL:
        return QuarantineError(
            "the quarantined process was killed from outside, most likely because this machine ran out of memory. Give "
            "it less (--memory), or free some, and verify again."
        )
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return IsolationError(f"it crashed ({name}): {said}")


def _out_of_memory(limits: Limits) -> LimitError:
    said = f"it needs more than {told_memory(limits.memory)} of memory, which is its limit, and was ended."
    return LimitError(said, "memory")


def told_memory(memory: int) -> str:
    """Bytes, in GB."""
    return f"{memory / (1 << 30):.3g} GB"


def told_time(seconds: float) -> str:
    """Seconds, in minutes from the first on."""
    number, unit = (seconds / 60, "minute") if seconds >= 60 else (seconds, "second")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"
