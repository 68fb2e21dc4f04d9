"""A board in a folder: what may be put on it, and that a change is all or nothing whoever else is at work."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from board_records import record, sha256, submission

from motifzoo.errors import BoardError
from motifzoo.evaluate.leaderboard.boards import Snapshot, open_board
from motifzoo.evaluate.leaderboard.boards import journal as journal_module
from motifzoo.evaluate.leaderboard.boards.folder import FolderBoard
from motifzoo.evaluate.leaderboard.record import Record, Verification

A, B = "cnn-a-relu.synthetic-codes", "cnn-b-relu.synthetic-codes"


@pytest.fixture
def board(tmp_path: Path) -> FolderBoard:
    (tmp_path / "board").mkdir()
    return FolderBoard(tmp_path / "board", "my-board")


def files(board: FolderBoard) -> dict[str, bytes]:
    return {path: board.read_bytes(path, "") for path in board.paths("", "")}


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(BoardError) as error:
        call()
    return str(error.value)


def verified(entry: Record) -> Record:
    check = Verification(by="carol", at="2026-01-03T00:00:00Z", device="cpu", versions={}, metrics=entry.metrics)
    return entry.model_copy(update={"trust": "recomputed", "verification": check})


def test_a_submission_lands_whole(board: FolderBoard) -> None:
    sent = submission(record(), record(trial=1))
    proposal = board.propose(sent, "submit")
    assert proposal == (A, None)
    assert files(board) == sent
    assert list(board.snapshot().records.values()) == [record(), record(trial=1)]
    assert board.proposals() == []


def test_files_are_copied_from_paths(board: FolderBoard, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(record().to_json())
    board.propose({str(record().path): tmp_path / "mine.json"}, "submit")
    assert board.snapshot().records == {str(record().path): record()}


def test_the_same_submission_again_is_refused(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    before = files(board)
    assert refusal(lambda: board.propose(submission(record()), "submit")) == (
        f"this cannot be submitted: {A}:0 is on the board for synthetic-codes@1 already, with the same weights "
        f"({sha256(A + ':0')[:12]})."
    )
    assert files(board) == before


def test_the_submitter_may_replace_a_trial_and_its_details(board: FolderBoard) -> None:
    first = submission(record()) | {f"results/synthetic-codes@1/{A}/trial-0/hits.tsv": b"old"}
    board.propose(first, "submit")
    again = submission(record(model_sha256=sha256("retrained")))
    board.propose(again, "submit")
    assert files(board) == again


def test_somebody_else_may_not(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    other = record(model_sha256=sha256("other"), submitter="mallory")
    new_trial = record(trial=5, submitter="mallory")
    told = f"the name {A} belongs to 'alice', and these are other weights, submitted by 'mallory': choose another name."
    for entry in (other, new_trial):
        sent = submission(entry, folder=False)
        assert refusal(lambda sent=sent: board.propose(sent, "submit")) == f"this cannot be submitted: {told}"
    assert refusal(lambda: board.propose(submission(new_trial), "submit")) == (
        f"this cannot be submitted: models/{A} belongs to 'alice': submit the records without that folder; {told}"
    )


def test_others_may_add_what_the_same_trial_scores_on_another_benchmark(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    second = record(benchmark="synthetic-codes@2", submitter="bob")
    board.propose(submission(second, folder=False), "submit")
    assert {entry.submitter for entry in board.snapshot().records.values()} == {"alice", "bob"}


def test_the_same_weights_do_not_stand_under_two_names(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    copy = submission(record(B, model_sha256=record().model_sha256, submitter="bob"))
    reason = f"the weights of {B}:0 ({record().model_sha256[:12]}) are those of {record().path}."
    assert refusal(lambda: board.propose(copy, "submit")) == f"this cannot be submitted: {reason}"
    assert refusal(lambda: board.apply(lambda _: copy, "merge")) == f"this cannot be put on the board: {reason}"


def test_two_trials_of_one_submission_have_other_weights(board: FolderBoard) -> None:
    sent = submission(record(), record(trial=1, model_sha256=record().model_sha256))
    assert refusal(lambda: board.propose(sent, "submit")) == (
        f"this cannot be submitted: the weights of {A}:1 ({record().model_sha256[:12]}) are those of {record().path}."
    )


def test_controls_may_share_weights(board: FolderBoard) -> None:
    shared = {"model_sha256": sha256("nothing")}
    board.apply(lambda _: submission(record(control="random_attribution", **shared)), "controls")
    board.apply(lambda _: submission(record(B, control="motif_scan", **shared)), "controls")
    assert len(board.snapshot().records) == 2


def test_a_submission_holds_metrics_within_their_range_and_no_computed_control(board: FolderBoard) -> None:
    metrics = {"classification/auroc": 1.5, "filters/match_fraction": None, "filters/dead": -0.25}
    sent = submission(record(metrics=metrics | {"filters/beauty": 1.0}, control="motif_scan"))
    path = record().path
    assert refusal(lambda: board.propose(sent, "submit")) == (
        f"this cannot be submitted: {path} is a control without a trained model, which the board's maintainers "
        f"compute; {path} says that classification/auroc is 1.5, which lies outside of 0 to 1; {path} says that "
        f"filters/dead is -0.25, which lies outside of 0 to 1; {path} says that filters/beauty is 1, which is "
        "no metric."
    )


def test_packaged_models_may_share_weights_among_themselves_but_with_nobody_else(board: FolderBoard) -> None:
    shared = {"model_sha256": sha256("one function"), "source": "packaged", "submitter": "motifzoo"}
    rows = [record(model, **shared) for model in (A, B)]
    board.apply(lambda _: {str(row.path): row.to_json() for row in rows}, "the zoo")
    assert len(board.snapshot().records) == 2
    copy = record("cnn-c-relu.synthetic-codes", model_sha256=shared["model_sha256"])
    assert refusal(lambda: board.propose(submission(copy), "submit")) == (
        f"this cannot be submitted: the weights of {copy.model}:0 ({copy.model_sha256[:12]}) are those of "
        f"{rows[1].path}."
    )


def test_a_submission_is_a_claim_with_its_own_files(board: FolderBoard) -> None:
    sent = submission(verified(record())) | {
        f"results/synthetic-codes@1/{A}/trial-4/hits.tsv": b"",
        f"models/{B}/config.json": b"",
        "README.md": b"",
    }
    assert refusal(lambda: board.propose(sent, "submit")) == (
        "this cannot be submitted: README.md is not of a model whose records it holds; "
        f"models/{B}/config.json is not of a model whose records it holds; "
        f"results/synthetic-codes@1/{A}/trial-4/hits.tsv goes with results/synthetic-codes@1/{A}/trial-4.json, which "
        f"it does not hold; {record().path} says that it was verified, and a submission is a claim."
    )
    assert refusal(lambda: board.propose({}, "submit")) == (
        "this cannot be submitted: it holds no record results/<benchmark>/<model>/trial-<k>.json."
    )
    assert files(board) == {}


def test_a_record_in_the_wrong_place_is_refused(board: FolderBoard) -> None:
    place = str(record(trial=1).path)
    sent = {place: record().to_json()}
    told = f"{place} holds the record of {record().path}: move it there or remove it."
    assert refusal(lambda: board.propose(sent, "submit")) == told
    assert refusal(lambda: board.apply(lambda _: sent, "merge")) == told


def test_apply_sees_the_present_state_and_changes_it(board: FolderBoard) -> None:
    board.propose(submission(record(), record(trial=1)), "submit")
    before = board.snapshot().revision

    def update(snapshot: Snapshot) -> dict[str, bytes | None]:
        assert snapshot.revision == before
        first = snapshot.records[str(record().path)]
        return {str(first.path): verified(first).to_json(), str(record(trial=1).path): None, "README.md": b"new"}

    revision = board.apply(update, "verify")
    after = board.snapshot()
    assert after.revision == revision != before
    assert after.records == {str(record().path): verified(record())}
    assert board.read_bytes("README.md", revision) == b"new"


def test_apply_of_what_is_there_changes_nothing(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    before = journal_module.generation(board.root)
    revision = board.apply(lambda _: {**submission(record()), "README.md": None}, "again")
    assert revision == board.snapshot().revision
    assert journal_module.generation(board.root) == before


def test_an_update_that_fails_leaves_the_board_and_its_lock(board: FolderBoard) -> None:
    def update(_: Snapshot) -> dict[str, bytes | None]:
        raise OSError(errno.ECONNRESET, "line cut")

    with pytest.raises(OSError, match="line cut"):
        board.apply(update, "verify")
    board.propose(submission(record()), "submit")
    assert len(board.snapshot().records) == 1


def test_deleting_a_model_leaves_no_empty_folders(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    board.apply(lambda _: dict.fromkeys(submission(record())), "remove")
    assert sorted(path.name for path in board.root.iterdir()) == [".motifzoo", "models", "results"]
    assert list((board.root / "models").iterdir()) == []


LETTERS = " must be of letters, digits and _.@+-, and begin with neither of .@+- nor end with ."
PATHS = {
    "../evil": "it must be relative, without empty parts, '.' and '..'",
    "/etc/passwd": "it must be relative, without empty parts, '.' and '..'",
    f"models/{A}/../../x": "it must be relative, without empty parts, '.' and '..'",
    f"models/{A}//x": "it must be relative, without empty parts, '.' and '..'",
    f"models/{A}/.git": "'.git'" + LETTERS,
    f"models/{A}/a\\b": "'a\\\\b'" + LETTERS,
    f"models/{A}/x\n": "\"'x\\\\n'\"" + LETTERS,
    f"models/{A}/é": "'é'" + LETTERS,
    f"models/{A}/x.": "'x.'" + LETTERS,
    f"models/{A}/Aux.txt": "'Aux.txt' is the name of a device on Windows",
    f"models/{A}/{'x/' * 200}y": "it has 435 characters, and 400 are the most",
    "notes.txt": "a board has results/<benchmark>/<model>/trial-<k>.json, files in the folder trial-<k> beside it, and "
    "models/<model>/...",
    f"results/synthetic-codes@1/{A}/trial-01.json": "a board has results/<benchmark>/<model>/trial-<k>.json, files in "
    "the folder trial-<k> beside it, and models/<model>/...",
}


@pytest.mark.parametrize("path", PATHS)
def test_paths_that_no_board_has(path: str, board: FolderBoard) -> None:
    name = path if path.isprintable() else ascii(path)
    told = f"{name!r} is no path of a board: {PATHS[path]}."
    sent = {**submission(record()), path: b""}
    assert refusal(lambda: board.propose(sent, "submit")) == told
    assert refusal(lambda: board.apply(lambda _: {path: b""}, "merge")) == told
    assert refusal(lambda: board.read_bytes(path, "")) == told
    assert files(board) == {}


def test_paths_that_cannot_both_be_files(board: FolderBoard) -> None:
    folder = f"models/{A}"
    board.propose({**submission(record()), f"{folder}/LICENSE": b""}, "submit")
    before = files(board)
    again = submission(record(model_sha256=sha256("retrained")))
    assert refusal(lambda: board.propose({**again, f"{folder}/licence": b"", f"{folder}/License": b""}, "submit")) == (
        f"{folder}/LICENSE and {folder}/License differ in case only; many file systems hold one of them."
    )
    assert refusal(lambda: board.propose({**again, f"{folder}/Trial-0/x": b""}, "submit")) == (
        f"folders {folder}/Trial-0 and {folder}/trial-0 differ in case only; many file systems hold one."
    )
    assert refusal(lambda: board.apply(lambda _: {f"{folder}/config.json/x": b""}, "merge")) == (
        f"{board.root}/{folder}/config.json is a file, where {folder}/config.json/x needs the other."
    )
    assert refusal(lambda: board.apply(lambda _: {f"{folder}/x": b"", f"{folder}/x/y": b""}, "merge")) == (
        f"{folder}/x is both a file and a folder."
    )
    assert files(board) == before


def test_nothing_is_written_or_read_through_a_link(board: FolderBoard, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "config.json").write_text("private")
    (board.root / "models").mkdir()
    (board.root / "models" / A).symlink_to(outside)
    told = f"{board.root}/models/{A} is a symbolic link, and a board has none: remove it."
    assert refusal(lambda: board.propose(submission(record()), "submit")) == told
    assert refusal(lambda: board.read_bytes(f"models/{A}/config.json", "")) == told
    assert board.paths("", "") == []
    assert [path.name for path in outside.iterdir()] == ["config.json"]
    (board.root / "models" / A).unlink()
    (tmp_path / "link").symlink_to(outside / "config.json")
    sent = {**submission(record()), f"models/{A}/README.md": tmp_path / "link"}
    assert refusal(lambda: board.propose(sent, "submit")) == (
        f"{tmp_path}/link is no ordinary file; a board has no others."
    )
    assert files(board) == {}


def test_a_state_folder_that_is_a_link_is_refused(board: FolderBoard, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (board.root / ".motifzoo").symlink_to(tmp_path / "outside")
    assert refusal(lambda: board.propose(submission(record()), "submit")) == (
        f"{board.root}/.motifzoo is a symbolic link, and a board has none: remove it."
    )
    assert list((tmp_path / "outside").iterdir()) == []


def test_reading_a_board_writes_nothing(board: FolderBoard) -> None:
    assert board.snapshot().records == {}
    assert list(board.root.iterdir()) == []


def test_git_does_not_see_the_state(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    assert (board.root / ".motifzoo/.gitignore").read_text() == "*\n"


def test_proposals_of_a_folder_are_none(board: FolderBoard) -> None:
    assert refusal(lambda: board.proposal_files("7\x1b")) == (
        r"board my-board is a folder and has no proposal '7\x1b': what is submitted to it is a claimed row at once."
    )
    assert refusal(lambda: board.read_bytes("README.md", "")) == "board my-board has no file README.md."


def test_a_locked_board_says_so(board: FolderBoard) -> None:
    impatient = FolderBoard(board.root, "my-board", lock_seconds=0.05)
    told = (
        "board my-board has been locked by another process for 0.05 s. Nothing was changed; type the same command "
        "again when that process is done."
    )
    board.apply(lambda _: {"README.md": refusal(lambda: impatient.propose({}, "")).encode()}, "")
    assert board.read_bytes("README.md", "").decode() == told


def test_a_full_disk_changes_nothing(board: FolderBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    board.propose(submission(record()), "submit")
    before = files(board)
    left = iter(range(4))

    def flush(_: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(journal_module, "_flush", flush)
    assert refusal(lambda: board.propose(submission(record(B)), "submit")) == (
        "cannot write board my-board: No space left on device. Nothing was changed. Free some space, then "
        "type the same command again."
    )
    assert files(board) == before
    monkeypatch.undo()
    board.propose(submission(record(B)), "submit")
    assert files(board) == before | submission(record(B))


def test_a_disk_that_fills_after_the_journal_ends_the_change_later(
    board: FolderBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, left = os.replace, iter(range(3))

    def scarce(source: Path, target: Path) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(os, "replace", scarce)
    assert refusal(lambda: board.propose(submission(record()), "submit")) == (
        "cannot write board my-board: No space left on device. The change is written down there, and the next command "
        "on this board ends it. Free some space, then type the same command again."
    )
    monkeypatch.undo()
    assert list(board.snapshot().records) == [str(record().path)]
    assert files(board) == submission(record())


def test_a_damaged_journal_is_named(board: FolderBoard) -> None:
    state = board.root / ".motifzoo"
    state.mkdir()
    (board.root / "README.md").write_text("mine")
    for text in ("{", '{"moves": {"../../x": "0"}, "deletes": []}', '{"moves": {}, "deletes": ["/etc/passwd"]}'):
        (state / "journal.json").write_text(text)
        assert refusal(board.snapshot) == (
            f"{state}/journal.json is damaged, so that a change of the board that was cut off cannot be ended. Restore "
            f"the board's folder from a copy, or remove {state} and check the newest results."
        )


@pytest.mark.parametrize("name", ["generation", "journal.json"])
def test_a_state_that_came_with_a_strangers_folder(board: FolderBoard, name: str) -> None:
    place = board.root / ".motifzoo" / name
    place.parent.mkdir()
    told = f"{place} is no file of a board's state: remove {place.parent} and check the newest results."
    os.mkfifo(place)
    assert refusal(board.snapshot) == told
    place.unlink()
    place.mkdir()
    assert refusal(board.snapshot) == told
    place.rmdir()
    place.symlink_to("/dev/zero")
    assert refusal(board.snapshot) == told


def test_folders_deeper_than_any_path_of_a_board_are_not_entered(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    deep = board.root / "results" / "/".join(["d"] * 300)
    deep.mkdir(parents=True)
    (deep / "x").touch()
    assert board.paths("results", "") == sorted(path for path in submission(record()) if path.startswith("results/"))


def test_a_file_that_would_fill_the_memory_is_not_read(board: FolderBoard) -> None:
    board.propose(submission(record()), "submit")
    with (board.root / str(record().path)).open("r+b") as stream:
        stream.truncate(10**10)
    assert refusal(lambda: board.read_bytes(str(record().path), "")) == (
        f"{board.root}/{record().path} has 10,000,000,000 bytes; the limit is 100,000,000."
    )


def test_a_board_is_named_by_its_folder(tmp_path: Path) -> None:
    assert refusal(lambda: open_board(str(tmp_path / "none"))) == (
        f"board {tmp_path}/none is no folder. Write the path of a folder, which may be empty, or hf://ORG/NAME for a "
        "data set repository on the hub."
    )
    assert open_board(str(tmp_path)).name == str(tmp_path)
    assert open_board(str(tmp_path)).snapshot().records == {}
