"""The quarantined process: `python -I -m motifzoo.evaluate.leaderboard.verification.child`, a job on standard input.

It confines itself before it imports anything but the standard library, calls one function of this package on the job's
payload, and leaves one file: what came out, as JSON. Whoever reads that file trusts nothing in it.
"""

import json
import os
import sys
import traceback
from importlib import import_module
from typing import Any, Final, TypedDict

from .confine import Allowance, Confinement, confine

# What Python, C++, PyTorch and the loader of shared libraries say when they get no more memory.
_NO_MEMORY: Final = (
    "MemoryError",
    "bad_alloc",
    "allocate memory",
    "cannot map zero-fill pages",
    "failed to map segment",
)


def tells_of_memory(words: str) -> bool:
    """Whether an error's words, or a log, say that there was too little memory."""
    return any(phrase in words for phrase in _NO_MEMORY)


class Job(TypedDict):
    """function: `module:name`, called with `payload`. folder: where it may write. answer: the file for what came out.

    parent: the id of the process that waits for it.
    """

    function: str
    payload: Any
    allowance: Allowance
    folder: str
    answer: str
    parent: int


class Answer(TypedDict, total=False):
    """How the process was confined, and one of: `value`, what the function returned; `refused`, the words of an error
    that motifzoo raises on purpose; `trouble`, those of one about the disk or the installation; `memory`, that it ran
    out; `failed`, any other error."""

    confinement: Confinement
    value: Any
    refused: str
    trouble: str
    memory: bool
    failed: str


def main() -> None:
    """Do the job on standard input."""
    job: Job = json.load(sys.stdin)
    confinement = confine(job["allowance"], job["folder"], job["parent"])
    answer = Answer(confinement=confinement, **_call(job))
    with open(job["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)
    # Threads of a library may hang at exit; the answer is written.
    sys.stderr.flush()
    os._exit(0)


def _call(job: Job) -> Answer:
    from ....errors import CacheError, MotifzooError

    try:
        module, _, name = job["function"].partition(":")
        return {"value": getattr(import_module(module), name)(job["payload"])}
    except CacheError as error:
        return {"trouble": str(error)}
    except MotifzooError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"memory": True}
    except Exception as error:  # the parent must hear of it, whatever it is
        if tells_of_memory(str(error)):
            return {"memory": True}
        if isinstance(error, (ImportError, SyntaxError)):  # a submission has no code: what is broken is this machine's
            return {"trouble": f"motifzoo does not work on this machine ({type(error).__name__}: {error})"}
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main()
