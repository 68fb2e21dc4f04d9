"""Train many trials at once: as stacks of replicas, one on a GPU, on a CPU as many as it has threads.

A replica follows the trial that `training.train` trains alone: its schedule and checkpoint are the same, its random
streams too (but for dropout's on a GPU, which are its own), the arithmetic equal to rounding. It depends on no other
replica, so a stack may lose and gain members after any epoch: a replica that has stopped makes room for one that waits.
"""

import math
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import torch

from ..data_cards.content import SequenceDataset
from ..errors import ModelError
from ..files import notices
from .allocation import kept_memory
from .alone import alone
from .arrangements import arrangement_for
from .device import float32_arithmetic, is_out_of_memory
from .recipe import Recipe, Training
from .schedule import Epoch
from .stacked_epoch import Data, Precision, Stack, Turn
from .stacked_run import Run
from .training import Trained, batches_of, check_trainable, too_large

CHECKPOINT_SECONDS: Final = 30.0
_BETWEEN = 50  # times as long as the checkpoints of all members take, since a device waits for them
_REPORT_SECONDS = 0.5


class Finished(NamedTuple):
    """A trial that has ended, and what came of it.

    recipe: as it was asked for; `state.recipe`, its digest, is the same for recipes that differ only in their variant.
    """

    recipe: Recipe
    trial: int
    trained: Trained


_Event = Finished | BaseException | Callable[[], None] | None  # None: a worker is done


class StackProgress(Protocol):
    """What a caller sees while replicas train; called in the caller's own thread."""

    def epoch(self, recipe: Recipe, trial: int, number: int, record: Epoch, seconds: float) -> None:
        """Epoch `number` (from 0) of one replica ended; `seconds` is the replica's share of the time so far."""

    def overall(self, done: float, to_go: float, left: float) -> None:
        """This call has trained `done` epochs of all replicas; at most `to_go` are left, which take `left` seconds."""


def train_stack(
    trials: Sequence[tuple[Recipe, int]],
    dataset: SequenceDataset,
    *,
    device: torch.device,
    checkpoint_dir: Path,
    progress: StackProgress | None = None,
    width: int | None = None,
    precision: Precision = "float32",
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Finished]:
    """Train trials, each a recipe and a seed, and yield each as it finishes.

    Replicas of one architecture and batch size are stacked; activations, learning rates and penalties may differ.
    width: replicas in a stack, by default all on a GPU and one on a CPU, where each of PyTorch's threads has a stack of
    its own. Those that do not fit in a device's memory are halved, with a notice, and so are later ones of their kind.
    precision: of the layers behind the first activation; `tf32` and `bfloat16` on CUDA only.
    Checkpoints, `<model>.trial-<seed>.safetensors`, are `training.train`'s. They are written as a replica ends and
    every `checkpoint_seconds` (up to ten times as seldom, where that would take more than 2 % of the time), and resumed
    from. A replica that diverges ends (`state.diverged`), the others go on.

    Raises ModelError for layers that cannot be stacked, a device or precision that it has no code for, a width below 1,
    recipes of another data set, a checkpoint of another run, or when another process trains into `checkpoint_dir`;
    DataError for data that cannot be trained on; CacheError when a checkpoint cannot be written; MotifzooError when the
    data or a replica alone does not fit in the device's memory.
    """
    _check(trials, dataset, device, precision)
    if width is not None and width < 1:
        raise ModelError(f"a stack of {width} replicas trains nothing: width must be at least 1.")
    runs = [Run(recipe, trial, dataset, device, checkpoint_dir, precision) for recipe, trial in trials]
    stacks = min(torch.get_num_threads(), len(runs)) if device.type == "cpu" else 1
    if width is None:
        width = 1 if device.type == "cpu" else len(runs)
    trainer = _Trainer(runs, dataset, device, width, precision, checkpoint_seconds, progress)
    return trainer.results(stacks, checkpoint_dir)


def _check(
    trials: Sequence[tuple[Recipe, int]], dataset: SequenceDataset, device: torch.device, precision: Precision
) -> None:
    if device.type not in ("cpu", "cuda"):
        raise ModelError(f"stacks train on cpu or cuda, not on {device.type}. Train the trials one after another.")
    if precision != "float32" and device.type != "cuda":
        raise ModelError(f"precision {precision} needs a CUDA device; on {device.type} use float32.")
    seen = set()
    for recipe, trial in trials:
        check_trainable(recipe, dataset)
        if (recipe.name, trial) in seen:
            raise ModelError(f"{recipe.name}:{trial} is asked for twice, and both would write the same checkpoint.")
        seen.add((recipe.name, trial))


class _AbandonedError(Exception):
    """The caller wants no more results."""


class _Trainer:
    """Runs that wait, the threads that train them, and what those report to the caller's thread."""

    def __init__(
        self,
        runs: Sequence[Run],
        dataset: SequenceDataset,
        device: torch.device,
        width: int,
        precision: Precision,
        checkpoint_seconds: float,
        progress: StackProgress | None,
    ) -> None:
        self._runs, self._waiting = runs, list(runs)
        self._dataset, self._device, self._precision = dataset, device, precision
        self._width, self._checkpoint_seconds = width, checkpoint_seconds
        self._narrower: dict[Any, int] = {}  # by the key of runs of which fewer fit
        self._progress = progress
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._data: dict[tuple[bool, bool], Data] = {}
        self._done = 0  # whole epochs of replicas
        self._parts: dict[int, float] = {}  # and what each thread has done of the present one

    def results(self, stacks: int, folder: Path) -> Iterator[Finished]:
        """Start `stacks` threads and yield what they finish."""
        with alone(folder), kept_memory():
            for run in self._runs:
                run.check()
            before = torch.get_num_threads()
            self._started = time.perf_counter()
            self._threads = [threading.Thread(target=self._work, name=f"stack-{number}") for number in range(stacks)]
            for thread in self._threads:
                thread.start()
            try:
                working = stacks
                while working:
                    try:
                        event = self._events.get(timeout=1.0)  # without a limit, Windows would not see Ctrl-C
                    except queue.Empty:
                        continue
                    if event is None:
                        working -= 1
                    elif isinstance(event, BaseException):
                        raise event
                    elif isinstance(event, Finished):
                        yield event
                    else:
                        event()
            finally:
                self._stop.set()
                for thread in self._threads:
                    thread.join()
                torch.set_num_threads(before)

    def _work(self) -> None:
        """One thread's stacks, one after another."""
        try:
            if self._device.type == "cpu":
                torch.set_num_threads(1)  # of this thread: the stacks are what runs side by side
            with float32_arithmetic():  # the process's settings: the caller has them too until all threads have ended
                while self._train_stack():
                    pass
        except _AbandonedError:
            pass
        except BaseException as error:
            self._events.put(error)
        finally:
            self._events.put(None)

    def _train_stack(self) -> bool:
        """Train a stack until nobody is in it and nobody waits to join; False when there was nobody to begin with."""
        members = self._take([])
        if not members:
            return False
        stack: Stack | None = None
        saved, pause = time.perf_counter(), self._checkpoint_seconds
        while members:
            started = time.perf_counter()
            outcomes = None
            try:
                stack = stack or self._stack(members)
                turns = [Turn(len(run.state.history), run.state.schedule.learning_rate) for run in members]
                outcomes = stack.epoch(turns, self._step_of(len(members)))
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                stack = None
            if stack is None or outcomes is None:
                members = self._halved(members)  # outside of the handler, whose traceback holds on to tensors
                continue
            now = time.perf_counter()
            for run, outcome in zip(members, outcomes, strict=True):
                run.record(outcome, (now - started) / len(members))
            going = [row for row, run in enumerate(members) if not run.finished]
            due = now - saved >= pause
            self._save(stack, members, [row for row, run in enumerate(members) if due or run.finished])
            if due:
                saved = time.perf_counter()
                pause = max(self._checkpoint_seconds, min(_BETWEEN * (saved - now), 10 * self._checkpoint_seconds))
            self._report(members)
            if len(going) < len(members):
                members = self._joined(stack, members, going)
                stack = stack if len(members) == len(going) else None
        return True

    @staticmethod
    def _save(stack: Stack, members: Sequence[Run], rows: Sequence[int]) -> None:
        """Write the checkpoints of the members in these rows."""
        for row, tensors in zip(rows, stack.state.replicas(rows) if rows else (), strict=True):
            members[row].tensors = tensors
            members[row].save()

    def _joined(self, stack: Stack, members: list[Run], going: list[int]) -> list[Run]:
        """The members that go on, and those that take the places of the others: with them the stack is built anew."""
        for run in members:
            if run.finished:
                self._events.put(self._finished(run))
        stay = [members[row] for row in going]
        new = self._take(stay)
        if not new:
            if stay:
                stack.keep(going)
            return stay
        for run, tensors in zip(stay, stack.state.replicas(going), strict=True):
            run.tensors = tensors
        return stay + new

    def _take(self, stay: Sequence[Run]) -> list[Run]:
        """Unfinished runs that wait, as many as can be stacked with those that stay or one another, ready to train."""
        taken: list[Run] = []
        while True:
            with self._lock:
                key = next((run.key for run in (*stay, *taken)), None)
                full = len(stay) + len(taken) >= self._narrower.get(key, self._width)
                fitting = (run for run in self._waiting if key is None or run.key == key)
                run = None if full else next(fitting, None)
                if run is None:
                    return taken
                self._waiting.remove(run)
            run.load()
            if run.finished:
                self._events.put(self._finished(run))
            else:
                taken.append(run)

    def _halved(self, members: list[Run]) -> list[Run]:
        """Half of the members, as they were last saved; the others wait again."""
        torch.cuda.empty_cache()
        if len(members) == 1:
            beside = any(thread.is_alive() for thread in self._threads if thread is not threading.current_thread())
            raise too_large(members[0].name, self._device, beside=beside)
        half = len(members) // 2
        notices.warning("%d replicas do not fit in the memory of %s; trying %d.", len(members), self._device, half)
        for run in members:
            run.load()  # before they wait: from then on another thread may have them
        key = members[0].key
        with self._lock:
            self._narrower[key] = min(half, self._narrower.get(key, half))
            self._waiting[:0] = members[half:]
        return members[:half]

    @staticmethod
    def _finished(run: Run) -> Finished:
        return Finished(run.recipe, run.trial, run.result())

    def _stack(self, members: list[Run]) -> Stack:
        members.sort(key=lambda run: run.recipe.activation)  # so that each function has one run of the stack
        replicas = [run.replica() for run in members]
        settings = members[0].recipe.training
        data = self._data_for(settings)
        return Stack(replicas, data, settings, arrangement_for(self._device), self._device, self._precision)

    def _data_for(self, settings: Training) -> Data:
        """What the settings make of the data set, the same tensors for all stacks that have it."""
        key = settings.reverse_complements, settings.shuffled_labels
        with self._lock:
            if key not in self._data:
                batches = batches_of(self._dataset, settings, self._device)
                self._data[key] = Data(*batches, self._dataset.card.monitor)
            return self._data[key]

    def _step_of(self, replicas: int) -> Callable[[int, int], None]:
        """What a stack calls after each batch: it reports now and then, and ends when the caller has left."""
        reported = time.perf_counter()
        thread = threading.get_ident()

        def step(done: int, total: int) -> None:
            nonlocal reported
            if self._stop.is_set():
                raise _AbandonedError
            now = time.perf_counter()
            if self._progress is not None and now - reported > _REPORT_SECONDS:
                reported = now
                with self._lock:
                    self._parts[thread] = replicas * done / total
                self._events.put(self._overall)

        return step

    def _report(self, members: Sequence[Run]) -> None:
        with self._lock:
            self._done += len(members)
            self._parts[threading.get_ident()] = 0.0
        for run in members:
            if run.state.diverged:
                loss = run.state.history[-1].loss
                notices.warning("%s diverged in epoch %d (loss %s); it ends.", run.name, len(run.state.history), loss)
            if self._progress is not None:
                self._events.put(run.reporter(self._progress))
        if self._progress is not None:
            self._events.put(self._overall)

    def _overall(self) -> None:
        assert self._progress is not None
        with self._lock:
            part = sum(self._parts.values())
            done, to_go = self._done + part, sum(run.to_go for run in self._runs) - part
        seconds = time.perf_counter() - self._started
        self._progress.overall(done, to_go, seconds * to_go / done if done else math.inf)
