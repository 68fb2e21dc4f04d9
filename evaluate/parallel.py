"""Many trials evaluated: in this process, in a pool of processes, or on a Dask cluster, by the same call.

A trial is a unit of work of its own: a pure function of weights and data, whose finished stages are kept in the cache.
So one that fails stops no other, and what a killed run had finished is not computed again.
"""

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..errors import MotifzooError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from ..zoo.sources import Source
    from .benchmark import Evaluated

_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_KILLED: Final = "its process was killed, most likely for want of memory: use fewer jobs or a machine with more."
# A worker of a Dask cluster may have several threads; PyTorch's hooks and settings belong to the whole process.
_one_at_a_time = threading.Lock()


class Outcome(NamedTuple):
    """What became of a trial: its evaluation, or None and in `error` why there is none."""

    source: "Source"
    evaluated: "Evaluated | None"
    error: str = ""


def evaluate_many(
    sources: "Sequence[Source]",
    output: Path,
    *,
    jobs: int = 1,
    dask: str | None = None,
    device: str = "cpu",
    fresh: bool = False,
) -> Generator[Outcome]:
    """Evaluate trials with `benchmark.evaluate_trial`; yield an outcome for each, in the order of `sources`.

    jobs: 1 computes in this process; more are as many processes, of one thread each, that are started anew (`spawn`).
    dask: the address of a Dask scheduler (`tcp://host:8786`) or the path of its scheduler file; then its workers
    compute, which must see the same model folders and `output`, and `jobs` is of no meaning. device, fresh: as
    `evaluate_trial` has them. An error of motifzoo, the file system or the machine is an outcome and stops no other
    trial; a process that is killed costs the trial that it was killed for. Closing the generator ends the processes
    and takes back what the cluster has not begun; `contextlib.closing` does so whatever happens, Ctrl-C too.

    Raises MotifzooError for two trials whose files would be the same and, when the first outcome is asked for, for a
    cluster that cannot be reached.
    """
    taken: dict[str, str] = {}
    for source in sources:
        if source.name in taken:
            raise MotifzooError(
                f"{taken[source.name]} and {source.given} are both trial {source.name}, so the files of one would "
                "replace those of the other. Name each trial once."
            )
        taken[source.name] = source.given
    work = partial(_evaluate, output=output.absolute(), device=device, fresh=fresh)
    if dask is not None:
        return _on_cluster(sources, work, dask)
    if jobs > 1 and len(sources) > 1:
        return _in_processes(sources, work, min(jobs, len(sources)))
    return (work(source) for source in sources)


def _evaluate(source: "Source", output: Path, device: str, fresh: bool) -> Outcome:
    from .benchmark import evaluate_trial

    try:
        with _one_at_a_time:
            return Outcome(source, evaluate_trial(source, output, device=device, fresh=fresh))
    except MotifzooError as error:
        return Outcome(source, None, str(error))
    except (OSError, MemoryError, RuntimeError) as error:  # what a machine refuses; PyTorch says it by RuntimeError
        return Outcome(source, None, f"{type(error).__name__}: {error}")


def _in_processes(sources: "Sequence[Source]", work: "Callable[[Source], Outcome]", jobs: int) -> Generator[Outcome]:
    """A pool breaks as a whole when one of its processes is killed, and does not say for which trial. So the first
    trial without an outcome is tried alone: killed again, it is the one; else the pool goes on after it."""
    left = deque(sources)
    alone = False
    while left:
        with _pool(1 if alone else jobs) as pool:
            futures = [pool.submit(work, source) for source in ([left[0]] if alone else left)]
            try:
                for future in futures:
                    outcome = future.result()
                    left.popleft()
                    yield outcome
                alone = False
            except BrokenProcessPool:
                if alone:
                    yield Outcome(left.popleft(), None, _KILLED)
                alone = not alone


@contextlib.contextmanager
def _pool(jobs: int) -> Generator[ProcessPoolExecutor]:
    """A pool whose processes end with the block, however it ends, and with this process, even if it is killed.

    Each of them watches a pipe that nobody writes to: it is at its end when this side is closed.
    """
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)[::-1]
    pool = ProcessPoolExecutor(jobs, context, _begin, (theirs,))
    try:
        yield pool
    except BaseException:
        ours.close()
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        pool.shutdown()
        ours.close()
        theirs.close()


def _begin(lifeline: "Connection") -> None:
    """The first thing that a process of the pool does; PyTorch and NumPy are not loaded yet."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what it means
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    import torch

    torch.set_num_threads(1)


def _end_with(lifeline: "Connection") -> None:
    lifeline.poll(None)
    os._exit(1)


def _on_cluster(sources: "Sequence[Source]", work: "Callable[[Source], Outcome]", address: str) -> Generator[Outcome]:
    try:
        from distributed import CancelledError, Client, KilledWorker
    except ImportError as error:
        raise MotifzooError(
            "computing on a Dask cluster needs the package distributed, which is not installed here. "
            "Run: pip install 'motifzoo[dask]'"
        ) from error
    where = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    try:
        client = Client(**where, set_as_default=False)
    except (OSError, ValueError) as error:
        raise MotifzooError(
            f"no Dask scheduler answers at {address!r}: {error}. Give the address that `dask scheduler` prints, such "
            "as tcp://host:8786, or the path of its scheduler file."
        ) from error
    with client:  # on leaving, the scheduler forgets what is not begun
        futures = client.map(work, sources, key=[source.name for source in sources], pure=False)
        for source, future in zip(sources, futures, strict=True):
            try:
                yield future.result()
            except (KilledWorker, CancelledError, ImportError) as error:
                yield Outcome(source, None, f"the Dask cluster gave it up: {error}")
