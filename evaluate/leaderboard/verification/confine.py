"""Taking rights away from this process before it touches a stranger's files; nothing here can be undone from within.

Only the standard library is imported: PyTorch and NumPy start threads, and what is taken from one thread is not taken
from those that run already.
"""

import ctypes
import os
import signal
import sys
from contextlib import suppress
from typing import Any, Final, TypedDict

if sys.platform != "win32":
    import resource

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITY_VERSION: Final = 0x20080522  # of capset(2), 64-bit sets
_GRACE: Final = 5  # seconds of processor time between the first signal and the last
# Address space may be larger than memory by this: libraries are mapped into it whole (PyTorch with CUDA some 6 GB), and
# threads reserve arenas that they hardly touch. What is really taken of either counts as data.
_ADDRESS_SPACE: Final = 12 << 30
_MOST_THREADS: Final = 512

_NETWORK_EVENTS: Final = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.__new__")
_PROCESS_EVENTS: Final = ("os.fork", "os.forkpty", "os.exec", "os.posix_spawn", "os.system", "subprocess.Popen")


class Allowance(TypedDict):
    """What a confined process may use: bytes of memory, seconds, threads, bytes of one file, open files."""

    memory: int
    seconds: float
    threads: int
    file_bytes: int
    open_files: int


class Confinement(TypedDict):
    """What was taken away, by what: the kernel's means or, where it has none, Python's own word.

    network: "kernel namespace and syscall filter", either alone, or "Python audit hook". processes: "syscall filter" or
    "Python audit hook". files: "Landlock" or "not restricted". memory: "kernel limit" or "not limited".
    """

    network: str
    processes: str
    files: str
    memory: str


def confine(allowance: Allowance, folder: str, parent: int) -> Confinement:
    """Confine this process: nothing but `folder` to write in, no network, no new processes, limits on the rest.

    parent: the process that started this one; this one dies when that one does. Every means that this system has is
    used and the strongest reported.
    """
    memory = _limit(allowance)
    if not sys.platform.startswith("linux"):
        _refuse_in_python()
        return Confinement(
            network="Python audit hook", processes="Python audit hook", files="not restricted", memory=memory
        )
    libc = ctypes.CDLL(None, use_errno=True)
    alone = _leave_network(libc)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as adjustment:
        adjustment.write("1000")  # where the machine's memory ends, this process goes first
    _drop_capabilities(libc)
    # After the change of credentials, which clears it.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    from . import landlock, syscall_filter

    written = landlock.restrict_writes(libc, [folder, "/dev"])
    filtered = syscall_filter.install(libc)
    if not filtered:
        _refuse_in_python()
    by_kernel = [name for name, done in (("kernel namespace", alone), ("syscall filter", filtered)) if done]
    return Confinement(
        network=" and ".join(by_kernel) or "Python audit hook",
        processes="syscall filter" if filtered else "Python audit hook",
        files="Landlock" if written else "not restricted",
        memory=memory,
    )


def _limit(allowance: Allowance) -> str:
    """Set the resource limits; says whether memory is among them."""
    if sys.platform == "win32":
        return "not limited"  # nor is anything else but the time by the clock
    cpu = int(allowance["seconds"] * allowance["threads"]) + _GRACE
    wanted = {
        "RLIMIT_CPU": (cpu, cpu + _GRACE),
        "RLIMIT_FSIZE": (allowance["file_bytes"],) * 2,
        "RLIMIT_NOFILE": (allowance["open_files"],) * 2,
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_DATA": (allowance["memory"],) * 2,
        "RLIMIT_AS": (allowance["memory"] + _ADDRESS_SPACE,) * 2,
    }
    for name, (soft, hard) in wanted.items():
        kind = getattr(resource, name)
        present = resource.getrlimit(kind)[1]
        if present != resource.RLIM_INFINITY:
            soft, hard = min(soft, present), min(hard, present)
        with suppress(ValueError, OSError):  # systems differ in what they let a process set
            resource.setrlimit(kind, (soft, hard))
    # Other systems take the number and do not act on it.
    return "kernel limit" if sys.platform.startswith("linux") else "not limited"


def _leave_network(libc: ctypes.CDLL) -> bool:
    """Move into a network namespace without any interface, as an ordinary user through a user namespace."""
    if _tried(libc):
        _enter_user_namespace(libc)
        # Counted in the namespace alone: elsewhere the number includes whatever else the user runs.
        resource.setrlimit(resource.RLIMIT_NPROC, (_MOST_THREADS, _MOST_THREADS))
        return True
    return int(libc.unshare(_NEW_NETWORK)) == 0


def _tried(libc: ctypes.CDLL) -> bool:
    """Whether a user namespace works here, found out by a process that ends: half-way in there is no way back."""
    process = os.fork()
    if process == 0:
        with suppress(OSError):
            _enter_user_namespace(libc)
            os._exit(0)
        os._exit(1)
    return os.waitpid(process, 0)[1] == 0


def _enter_user_namespace(libc: ctypes.CDLL) -> None:
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEW_USER | _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    # Without a mapping of the own user no file could be made.
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give up root's rights, and those over the namespaces just made."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())


def _refuse_in_python() -> None:
    """Where the kernel has no filter: what Python code tries fails, what machine code tries does not."""

    def refuse(event: str, _: tuple[Any, ...]) -> None:
        if event in _NETWORK_EVENTS or event in _PROCESS_EVENTS:
            raise PermissionError(f"{event} is not allowed in quarantine")

    sys.addaudithook(refuse)
