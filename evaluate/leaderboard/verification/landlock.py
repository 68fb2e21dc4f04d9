"""Landlock: from here on this process and its threads change files only below the folders named.

Reading stays as it is. Source: landlock(7); its system calls have the same numbers on every processor.
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from typing import Final

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_ASK_VERSION: Final = 1
_BELOW_FOLDER: Final = 1
# Writing, removing and making files and folders of every kind: everything of version 1 but execute and read.
_CHANGES: Final = sum(1 << bit for bit in (1, *range(4, 13)))
_SINCE: Final = {2: 1 << 13, 3: 1 << 14}  # moving between folders; truncating


def restrict_writes(libc: ctypes.CDLL, folders: Iterable[str]) -> bool:
    """Refuse every change of files outside `folders`; False where the kernel has no Landlock.

    Needs PR_SET_NO_NEW_PRIVS first, and a process that has no other threads yet.
    """
    version = libc.syscall(_CREATE, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    changes = _CHANGES | sum(bit for since, bit in _SINCE.items() if version >= since)
    attributes = struct.pack("<Q", changes)
    rules = libc.syscall(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for folder in folders:
            opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = struct.pack("<Qi", changes, opened)
                if libc.syscall(_ADD_RULE, rules, _BELOW_FOLDER, rule, 0) != 0:
                    return False
            finally:
                os.close(opened)
        return int(libc.syscall(_RESTRICT, rules, 0)) == 0
    finally:
        os.close(rules)
