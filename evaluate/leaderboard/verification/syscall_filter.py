"""A seccomp filter that takes from this process, for good, what recomputing scores never needs.

No sockets, no new processes or programs, no signals to others, no leaving the process group, none of the calls that
kernel exploits begin with. A refused call fails with EPERM, so a library that merely tries goes on without it.
Threads stay allowed: PyTorch needs them. Sources: seccomp(2), linux/seccomp.h, linux/bpf_common.h and the kernel's
syscall tables.
"""

import ctypes
import errno
import platform
import struct
from typing import Final, NamedTuple


class _Machine(NamedTuple):
    """A processor's number in seccomp's data, and the numbers of its system calls."""

    audit: int
    clone: int
    clone3: int
    refused: dict[str, int]


_NEW_CALLS: Final = {  # numbered alike on every processor
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,  # its operations, sockets among them, pass by any filter
    "pidfd_open": 434,
    "pidfd_getfd": 438,
}
_MACHINES: Final = {
    "x86_64": _Machine(
        0xC000003E,
        56,
        435,
        {
            "socket": 41,
            "connect": 42,
            "bind": 49,
            "listen": 50,
            "fork": 57,
            "vfork": 58,
            "execve": 59,
            "kill": 62,
            "ptrace": 101,
            "setpgid": 109,
            "setsid": 112,
            "mount": 165,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "unshare": 272,
            "perf_event_open": 298,
            "setns": 308,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "bpf": 321,
            "execveat": 322,
            "userfaultfd": 323,
            **_NEW_CALLS,
        },
    ),
    "aarch64": _Machine(
        0xC00000B7,
        220,
        435,
        {
            "mount": 40,
            "unshare": 97,
            "ptrace": 117,
            "kill": 129,
            "setpgid": 154,
            "setsid": 157,
            "socket": 198,
            "bind": 200,
            "listen": 201,
            "connect": 203,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "execve": 221,
            "perf_event_open": 241,
            "setns": 268,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "bpf": 280,
            "execveat": 281,
            "userfaultfd": 282,
            **_NEW_CALLS,
        },
    ),
}

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_AT_LEAST: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data, little-endian
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_FAIL: Final = 0x00050000  # with the errno in the low bits
_CLONE_THREAD: Final = 0x00010000
_X32: Final = 0x40000000  # x86-64's second set of calls, numbered from here
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One struct sock_filter; the jumps skip so many steps."""
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _program(machine: _Machine) -> bytes:
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, machine.audit, if_true=1),
        _step(_RETURN, _KILL),  # calls in another processor's numbering
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _X32, if_false=1),
        _step(_RETURN, _KILL),
        # Its flags are behind a pointer, which a filter cannot follow; told that there is no clone3, glibc calls clone.
        _step(_EQUAL, machine.clone3, if_false=1),
        _step(_RETURN, _FAIL | errno.ENOSYS),
    ]
    for number in sorted(machine.refused.values()):
        steps += [_step(_EQUAL, number, if_false=1), _step(_RETURN, _FAIL | errno.EPERM)]
    steps += [
        _step(_EQUAL, machine.clone, if_false=3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _CLONE_THREAD, if_true=1),
        _step(_RETURN, _FAIL | errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def install(libc: ctypes.CDLL) -> bool:
    """Put the filter on this process, its threads to come included; False where there is none to put on.

    Needs PR_SET_NO_NEW_PRIVS first. There is none for processors other than x86-64 and 64-bit Arm, and where the kernel
    has no seccomp.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    steps = _program(machine)
    program = _Program(len(steps) // 8, steps)
    return int(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)) == 0
