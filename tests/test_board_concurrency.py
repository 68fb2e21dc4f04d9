"""Many writers on one folder, killed at any moment: nothing is lost, nothing is there twice, nothing is half there."""

import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from board_records import record, sha256, submission

from motifzoo.errors import BoardError
from motifzoo.evaluate.leaderboard.boards import Snapshot, journal
from motifzoo.evaluate.leaderboard.boards.folder import FolderBoard
from motifzoo.evaluate.leaderboard.record import Record, Verification
from motifzoo.evaluate.leaderboard.store import read_records

# Processes are forked: a fresh interpreter a writer would take longer than all that is tested here.
FORK = multiprocessing.get_context("fork")
SUBMITTERS, MAINTAINERS = 32, 4


def files(root: Path) -> dict[str, bytes]:
    board = FolderBoard(root)
    return {path: board.read_bytes(path, "") for path in board.paths("", "")}


def model(number: int) -> str:
    return f"cnn-{number}-relu.synthetic-codes"


def verified(entry: Record, by: str) -> Record:
    check = Verification(by=by, at="2026-01-03T00:00:00Z", device="cpu", versions={}, metrics=entry.metrics)
    return entry.model_copy(update={"trust": "recomputed", "verification": check})


def run_until_step(step: int, root: Path, call: Callable[[], object]) -> bool:
    """Run `call` in a process that is killed before its step-th operation on files of the board; True if it got there.

    Python announces every file that it opens, renames, makes or removes to its audit hooks, before it does so.
    """
    pid = os.fork()
    if pid == 0:
        left = step

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            nonlocal left
            if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir") and str(root) in str(arguments[0]):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        try:
            call()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


CHANGES: dict[str, Callable[[FolderBoard], object]] = {
    "submission": lambda board: board.propose(submission(record(trial=1), record(trial=2)), "submit"),
    "resubmission": lambda board: board.propose(submission(record(model_sha256=sha256("again"))), "submit"),
    "removal and verification": lambda board: board.apply(
        lambda _: {
            **dict.fromkeys(submission(record(model(7)))),
            str(record().path): verified(record(), "carol").to_json(),
            "README.md": b"after",
        },
        "verify",
    ),
}


@pytest.fixture
def no_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed process wrote is in the system's hands: only a machine that loses its power needs the disk."""
    monkeypatch.setattr(journal, "_flush", lambda _: None)


@pytest.mark.usefixtures("no_flush")
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_killed_at_any_step_is_whole_or_absent(name: str, tmp_path: Path) -> None:
    change = CHANGES[name]

    start = tmp_path / "start"
    start.mkdir()
    FolderBoard(start).propose(submission(record(), record(model(7))), "submit")
    FolderBoard(start).apply(lambda _: {"README.md": b"before"}, "readme")

    def fresh(folder: str) -> FolderBoard:
        return FolderBoard(shutil.copytree(start, tmp_path / folder))

    done = fresh("done")
    before = files(done.root)
    change(done)
    after = files(done.root)
    assert before != after
    seen = []
    for step in range(1000):
        board = fresh(f"board-{step}")
        if not run_until_step(step, board.root, lambda board=board: change(board)):
            break
        rows = board.snapshot().records  # a reader that comes first ends the change
        assert rows == read_records(board.root)[0]
        found = files(board.root)
        assert found in (before, after), step
        seen.append(found == after)
        if found == before:
            change(board)  # the same command again
        assert files(board.root) == after, step
        board.apply(lambda _: {}, "nothing")  # whoever locks the board next drops what is left of it
        assert sorted(os.listdir(board.root / ".motifzoo")) == [".gitignore", "generation", "lock"], step
    assert step > 10
    assert True in seen
    assert False in seen


@pytest.mark.usefixtures("no_flush")
def test_readers_see_every_change_whole(tmp_path: Path) -> None:
    """A writer replaces all trials of a model at once; a reader never sees trials of two of its states."""
    board = FolderBoard(tmp_path)
    trials = range(6)

    def write() -> None:
        for turn in range(40):
            entries = [record(trial=trial, model_sha256=sha256(f"{turn}:{trial}")) for trial in trials]
            board.propose(submission(*entries, folder=False), "submit")

    writer = FORK.Process(daemon=True, target=write)
    writer.start()
    states = set()
    try:
        while writer.is_alive():
            rows = FolderBoard(tmp_path).snapshot().records
            turns = {entry.model_sha256 for entry in rows.values()}
            assert len(turns) in (0, len(trials))
            if rows:
                (turn,) = {turn for turn in range(40) if sha256(f"{turn}:0") in turns}
                assert turns == {sha256(f"{turn}:{trial}") for trial in trials}
                states.add(turn)
    finally:
        writer.join()
    assert writer.exitcode == 0
    assert len(states) > 1


def test_a_reader_that_cannot_write_waits_for_the_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = FolderBoard(tmp_path, "shared")
    cut_off = tmp_path / ".motifzoo/journal.json"
    board.propose(submission(record()), "submit")
    cut_off.write_text("{}")
    monkeypatch.setattr(os, "access", lambda *_: False)
    threading.Timer(0.2, cut_off.unlink).start()
    assert board.snapshot().problems == []
    cut_off.write_text("{}")
    monkeypatch.setattr("motifzoo.evaluate.leaderboard.boards.folder._BUSY_SECONDS", 0.05)
    found = board.snapshot()
    assert list(found.records) == [str(record().path)]
    assert found.problems == [
        "a change of board shared was cut off half-way and the folder cannot be written to end it: some rows may be "
        "missing. Any command on it by somebody who may write there ends it."
    ]


def test_a_board_that_cannot_be_written_says_so_and_can_be_read() -> None:
    """As a user without rights, since the system refuses nothing to root."""

    def use(root: Path, answers: Any) -> None:
        if os.geteuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        try:
            rows = len(FolderBoard(root, "shared").snapshot().records)
            FolderBoard(root, "shared").propose(submission(record(model(1))), "submit")
            answers.put((rows, "written"))
        except BoardError as error:
            answers.put((rows, str(error)))

    with tempfile.TemporaryDirectory() as folder:  # pytest's own are closed to other users
        root = Path(folder)
        FolderBoard(root).propose(submission(record()), "submit")
        for path in (root, *root.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        answers = FORK.Queue()
        process = FORK.Process(daemon=True, target=use, args=(root, answers))
        process.start()
        assert answers.get(timeout=60) == (
            1,
            "cannot write board shared: Permission denied. Nothing was changed. Make the folder writable, then type "
            "the same command again.",
        )
        process.join()
        for path in (root, *root.rglob("*")):
            path.chmod(0o755)


def test_a_disk_that_takes_no_more_leaves_the_board_as_it_was(tmp_path: Path) -> None:
    """The system itself refuses a file beyond a size, as a full disk does."""
    board = FolderBoard(tmp_path, "shared")
    board.propose(submission(record()), "submit")
    before = files(tmp_path)

    def use(answers: Any) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
        try:
            board.propose(submission(record(model(1))), "submit")
        except BoardError as error:
            answers.put(str(error))

    answers = FORK.Queue()
    process = FORK.Process(daemon=True, target=use, args=(answers,))
    process.start()
    assert answers.get(timeout=60) == (
        "cannot write board shared: File too large. Nothing was changed. Mend that, then type the same command again."
    )
    process.join()
    assert files(tmp_path) == before


@pytest.mark.usefixtures("no_flush")
def test_32_submitters_and_4_maintainers_lose_and_double_nothing(tmp_path: Path) -> None:
    """Some submitters are killed at random moments and type their command again."""
    board_folder, counts = tmp_path / "board", tmp_path / "counts"
    board_folder.mkdir()
    counts.mkdir()
    stop = FORK.Event()

    def submit(number: int) -> None:
        entries = [record(model(number), trial, submitter=f"user{number}") for trial in range(2)]
        try:
            FolderBoard(board_folder).propose(submission(*entries), "submit")
        except BoardError as error:
            assert "is on the board for synthetic-codes@1 already" in str(error)  # noqa: PT017

    def maintain(name: str) -> None:
        board, turned = FolderBoard(board_folder), 0
        most: int | None = 3
        while most is not None:
            most = None if stop.is_set() else 3  # all that is left, at the end

            def update(snapshot: Snapshot, most: int | None = most) -> dict[str, bytes]:
                nonlocal turned
                claimed = [(path, row) for path, row in snapshot.records.items() if row.trust == "claimed"][:most]
                turned += len(claimed)
                return {path: verified(row, name).to_json() for path, row in claimed}

            board.apply(update, "verify")
        (counts / name).write_text(str(turned))

    maintainers = [
        FORK.Process(daemon=True, target=maintain, args=(f"maintainer{index}",)) for index in range(MAINTAINERS)
    ]
    submitters = {number: FORK.Process(daemon=True, target=submit, args=(number,)) for number in range(SUBMITTERS)}
    for process in (*maintainers, *submitters.values()):
        process.start()
    chance = random.Random(0)
    for number in chance.sample(sorted(submitters), 10):
        time.sleep(chance.uniform(0, 0.1))
        submitters[number].kill()
        submitters[number].join()
        submitters[number] = FORK.Process(daemon=True, target=submit, args=(number,))
        submitters[number].start()
    for process in submitters.values():
        process.join(120)
        assert process.exitcode == 0
    stop.set()
    for process in maintainers:
        process.join(120)
        assert process.exitcode == 0
    found = FolderBoard(board_folder).snapshot()
    assert found.problems == []
    assert sorted(found.records) == sorted(
        str(record(model(number), trial).path) for number in range(SUBMITTERS) for trial in range(2)
    )
    assert {entry.trust for entry in found.records.values()} == {"recomputed"}
    assert sum(int(path.read_text()) for path in counts.iterdir()) == 2 * SUBMITTERS
    for number in range(SUBMITTERS):
        sent = submission(*(record(model(number), trial, submitter=f"user{number}") for trial in range(2)))
        for path, content in sent.items():
            if path not in found.records:
                assert (board_folder / path).read_bytes() == content
