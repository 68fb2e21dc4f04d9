"""A board on a hub, through the real client: pull requests, commits that lose races, lines that break."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from board_records import record, sha256, submission
from hub_server import HubServer

from motifzoo.errors import BoardError, HubError, MotifzooError
from motifzoo.evaluate.leaderboard.boards import Snapshot, open_board
from motifzoo.evaluate.leaderboard.boards import hub as hub_module
from motifzoo.evaluate.leaderboard.boards.board import Proposal
from motifzoo.evaluate.leaderboard.boards.hub import HubBoard
from motifzoo.evaluate.leaderboard.exports import refresh
from motifzoo.evaluate.leaderboard.exports.table import records_table, to_parquet
from motifzoo.evaluate.leaderboard.record import Record, Verification
from motifzoo.evaluate.leaderboard.store import RECORD_SHAPE
from motifzoo.zoo.hub.client import connect
from motifzoo.zoo.hub.words import LostRaceError

REPO = "motifzoo/leaderboard"
TEXT = f"hf://{REPO}"
A, B = "cnn-a-relu.synthetic-codes", "cnn-b-relu.synthetic-codes"
PATH_A = str(record().path)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    users = ("maintainer", *(f"user{number}" for number in range(32)))
    with HubServer(tmp_path / "hub", users=users) as running:
        running.create(REPO, "dataset")
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


def board(server: HubServer, user: str = "maintainer", text: str = TEXT) -> HubBoard:
    return HubBoard(text, connect(server.url, f"hf_{user}"))


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(MotifzooError) as error:
        call()
    return str(error.value)


def verified(entry: Record, by: str = "carol") -> Record:
    check = Verification(by=by, at="2026-01-03T00:00:00Z", device="cpu", versions={}, metrics=entry.metrics)
    return entry.model_copy(update={"trust": "recomputed", "verification": check})


def accept(maintainer: HubBoard, proposal: Proposal) -> str:
    """What a verification comes to: the proposal's files, its records marked as recomputed."""
    revision, sizes = maintainer.proposal_files(proposal.id)
    files: dict[str, bytes | None] = {path: maintainer.read_bytes(path, revision) for path in sizes}

    def update(snapshot: Snapshot) -> dict[str, bytes | None]:
        change = dict(files)
        for path, content in files.items():
            if path.endswith(".json") and path.startswith("results/") and content is not None:
                change[path] = verified(Record.model_validate_json(content)).to_json()
        return change

    return maintainer.apply(update, f"Verify {proposal.id}", closes=proposal)


def test_a_submission_waits_in_a_pull_request_and_is_taken_over(server: HubServer) -> None:
    sent = submission(record(submitter="user1"))
    proposal = board(server, "user1").propose(sent, "Submit A")
    assert proposal == Proposal("1", f"{server.url}/datasets/{REPO}/discussions/1")
    maintainer = board(server)
    assert maintainer.snapshot().records == {}
    assert maintainer.proposals() == [proposal]
    revision, sizes = maintainer.proposal_files("1")
    assert sizes == {path: len(content) for path, content in sent.items()}
    assert {path: maintainer.read_bytes(path, revision) for path in sizes} == sent
    assert maintainer.paths(f"models/{A}", revision) == sorted(path for path in sent if path.startswith("models/"))
    commit = accept(maintainer, proposal)
    after = open_board(TEXT).snapshot()
    assert after.revision == commit
    assert after.records == {PATH_A: verified(record(submitter="user1"))}
    assert maintainer.proposals() == []
    assert [discussion.status for discussion in server.discussions(REPO)] == ["closed"]


def test_a_hub_that_tells_no_history_still_shows_what_a_request_adds(server: HubServer) -> None:
    sent = submission(record(submitter="user1"))
    server.commit(REPO, {**submission(record(B)), "README.md": b"board"}, "dataset")
    proposal = board(server, "user1").propose(sent, "Submit A")
    server.commit(REPO, {"README.md": b"newer board"}, "dataset")
    server.fail("GET", "/commits/", status=404, times=None)
    maintainer = board(server)
    assert maintainer.proposals() == [proposal]
    assert maintainer.proposal_files("1")[1].keys() == sent.keys()


def test_a_board_is_read_with_one_pass_and_only_new_files_are_fetched(server: HubServer) -> None:
    first, second = submission(record()), submission(record(B))
    server.commit(REPO, {**first}, "dataset")
    assert list(board(server).snapshot().records) == [PATH_A]
    server.commit(REPO, {**second, "README.md": b"new"}, "dataset")
    before = server.asked("GET", "/resolve/")
    assert list(board(server).snapshot().records) == [PATH_A, str(record(B).path)]
    assert server.asked("GET", "/resolve/") - before == 1


def test_many_records_come_in_one_file_and_it_cannot_lie(server: HubServer) -> None:
    rows = [record(f"cnn-{number}-relu.synthetic-codes") for number in range(30)]
    server.commit(REPO, {str(row.path): row.to_json() for row in rows}, "dataset")
    refresh(board(server))
    before = server.asked("GET", "/resolve/")
    offered = {str(row.path): row.model_copy(update={"submitter": "mallory"}) for row in rows[:3]}
    pack = to_parquet(records_table(offered | {str(row.path): row for row in rows[3:28]}))
    server.commit(REPO, {"records.parquet": pack}, "dataset")
    shutil.rmtree(os.environ["HF_HUB_CACHE"])
    assert board(server).snapshot().records == {str(row.path): row for row in rows}
    assert server.asked("GET", "/resolve/") - before == 1 + 3 + 2  # the pack, what it falsifies, what it lacks


def test_bad_files_are_sentences(server: HubServer) -> None:
    place = f"results/synthetic-codes@1/{A}"
    server.commit(
        REPO,
        {
            **submission(record()),
            f"{place}/trial-1.json": b'{"format": 9}',
            f"{place}/trial-2.json": b" " * 1_000_001,
            f"{place}/copy.json": record().to_json(),
        },
        "dataset",
    )
    found = board(server).snapshot()
    assert list(found.records) == [PATH_A]
    assert found.problems == [
        f"{place}/copy.json stands where no record does: a record's file is {RECORD_SHAPE}.",
        f"{place}/trial-1.json is of record format 9 and this motifzoo reads up to 1. Update motifzoo.",
        f"{place}/trial-2.json has 1,000,001 bytes; a record has at most 1,000,000.",
    ]


def test_what_is_there_or_waits_already_is_refused(server: HubServer) -> None:
    sent = submission(record(submitter="user1"))
    user = board(server, "user1")
    proposal = user.propose(sent, "Submit A")
    assert refusal(lambda: user.propose(sent, "Submit A")) == (
        f"{A}:0 was submitted already, with the same weights, and waits in {proposal.url}."
    )
    accept(board(server), proposal)
    assert refusal(lambda: user.propose(sent, "Submit A")) == (
        f"this cannot be submitted: {A}:0 is on the board for synthetic-codes@1 already, with the same weights "
        f"({record().model_sha256[:12]})."
    )
    other = submission(record(submitter="user2", model_sha256=sha256("other")), folder=False)
    assert refusal(lambda: board(server, "user2").propose(other, "Submit A")) == (
        f"this cannot be submitted: the name {A} belongs to 'user1', and these are other weights, submitted by "
        "'user2': choose another name."
    )
    assert len(server.discussions(REPO)) == 1


def test_a_resubmission_replaces_the_details(server: HubServer) -> None:
    old = {**submission(record()), f"results/synthetic-codes@1/{A}/trial-0/hits.tsv": b"old"}
    server.commit(REPO, old, "dataset")
    again = submission(record(model_sha256=sha256("again")))
    accept(board(server), board(server, "user1").propose(again, "Submit A anew"))
    assert sorted(server.files(REPO, "dataset")) == sorted(again)


def test_two_proposals_for_one_name_cannot_both_be_taken_over(server: HubServer) -> None:
    first = board(server, "user1").propose(submission(record(submitter="user1")), "Submit A")
    other = record(submitter="user2", model_sha256=sha256("other"))
    second = board(server, "user2").propose(submission(other), "Submit my A")
    maintainer = board(server)
    accept(maintainer, first)
    assert refusal(lambda: accept(maintainer, second)) == (
        f"this cannot be put on the board: the name {A} belongs to 'user1', and these are other weights, submitted by "
        "'user2': choose another name."
    )


def test_what_main_changed_since_is_not_proposed(server: HubServer) -> None:
    """A pull request keeps old versions of other rows, and rows that were removed: neither may come back with it."""
    server.commit(REPO, {**submission(record()), **submission(record(B))}, "dataset")
    sent = submission(record("cnn-c-relu.synthetic-codes"))
    proposal = board(server, "user1").propose(sent, "Submit C")
    removed = dict.fromkeys(submission(record(B)))
    server.commit(REPO, {PATH_A: verified(record()).to_json(), **removed}, "dataset")
    assert sorted(board(server).proposal_files(proposal.id)[1]) == sorted(sent)


def test_results_on_another_benchmark_bring_no_model_folder(server: HubServer) -> None:
    server.commit(REPO, {**submission(record())}, "dataset")
    sent = submission(record(benchmark="synthetic-codes@2", submitter="user2"), folder=False)
    proposal = board(server, "user2").propose(sent, "Submit A elsewhere")
    assert sorted(board(server).proposal_files(proposal.id)[1]) == sorted(sent)
    accept(board(server), proposal)
    assert len(board(server).snapshot().records) == 2


def test_pull_requests_that_touch_no_results_are_no_proposals(server: HubServer) -> None:
    hub = connect(server.url, "hf_user1")
    user = board(server, "user1")
    hub.commit(user._address, {"notes.txt": b"better"}, "typo", None, as_pull_request=True)
    assert board(server).proposals() == []
    assert refusal(lambda: board(server).proposal_files("7")) == (
        f"board {TEXT} has no open pull request '7'; open are: 1."
    )


def test_a_lost_race_begins_again_on_the_new_state(server: HubServer) -> None:
    server.commit(REPO, {**submission(record())}, "dataset")
    server.on("POST", "/commit/", lambda: server.commit(REPO, {**submission(record(B))}, "dataset"), times=1)
    seen = []

    def update(snapshot: Snapshot) -> dict[str, bytes]:
        seen.append(sorted(snapshot.records))
        return {path: verified(entry).to_json() for path, entry in snapshot.records.items()}

    board(server).apply(update, "Verify all")
    assert seen == [[PATH_A], [PATH_A, str(record(B).path)]]
    assert {entry.trust for entry in board(server).snapshot().records.values()} == {"recomputed"}


def test_races_that_are_never_won_end(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    counter = iter(range(10_000))
    race = lambda: server.commit(REPO, {"README.md": b"%d" % next(counter)}, "dataset")  # noqa: E731
    server.on("POST", "/commit/", race, times=None)
    impatient = HubBoard(TEXT, connect(server.url, "hf_maintainer"), race_seconds=0.3)
    with pytest.raises(LostRaceError):
        impatient.apply(lambda _: submission(record()), "Submit")
    assert next(counter) > 1
    assert list(server.files(REPO, "dataset")) == ["README.md"]


@pytest.mark.parametrize("drop", ["before", "after", "half"])
def test_a_commit_whose_answer_is_lost_is_made_once(drop: str, server: HubServer) -> None:
    server.fail("POST", "/commit/", drop=drop)
    board(server).apply(lambda _: {PATH_A: record().to_json()}, "Add A")
    assert server.history(REPO, "dataset") == ["Add A", "initial commit"]
    server.fail("POST", "/commit/", drop=drop)
    proposal = board(server, "user1").propose(submission(record(B, submitter="user1")), "Submit B")
    assert [discussion.title for discussion in server.discussions(REPO)] == ["Submit B"]
    assert proposal.id == "1"


def test_a_change_that_is_there_makes_no_commit(server: HubServer) -> None:
    server.commit(REPO, {PATH_A: record().to_json()}, "dataset")
    before = server.history(REPO, "dataset")
    head = board(server).snapshot().revision
    assert board(server).apply(lambda _: {PATH_A: record().to_json(), "README.md": None}, "again") == head
    assert server.history(REPO, "dataset") == before


def test_a_pull_request_that_cannot_be_closed_is_a_notice(server: HubServer, caplog: pytest.LogCaptureFixture) -> None:
    proposal = board(server, "user1").propose(submission(record(submitter="user1")), "Submit A")
    server.fail("POST", "/status", status=403, times=None)
    accept(board(server), proposal)
    assert list(board(server).snapshot().records) == [PATH_A]
    assert "the change is made; pull request 1 could not be closed: " in caplog.text


def test_addresses(server: HubServer) -> None:
    assert open_board(f"hf://datasets/{REPO}").name == TEXT
    assert refusal(lambda: open_board(f"hf://spaces/{REPO}")) == (
        f"hf://spaces/{REPO} is no board: a board is a data set repository. Write hf://ORG/NAME."
    )
    with pytest.raises(HubError, match="is no address on a hub"):
        open_board("hf://nothing")
    sha = server.commit(REPO, {PATH_A: record().to_json()}, "dataset")
    server.commit(REPO, {PATH_A: None}, "dataset")
    pinned = board(server, text=f"{TEXT}@{sha}")
    assert list(pinned.snapshot().records) == [PATH_A]
    told = f"board {TEXT}@{sha} is one commit for ever, and cannot be changed. Leave out the part from @ on."
    assert refusal(lambda: pinned.apply(lambda _: {}, "change")) == told
    assert refusal(lambda: pinned.propose({}, "change")) == told


def test_paths_are_checked_before_anything_is_sent(server: HubServer, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="is no path of a board"):
        board(server).apply(lambda _: {"../x": b""}, "change")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    told = f"{tmp_path}/link, which should become models/{A}/x, is no ordinary file; a board has no others."
    assert refusal(lambda: board(server).apply(lambda _: {f"models/{A}/x": tmp_path / "link"}, "change")) == told
    assert server.asked("POST", "/commit/") == 0


def test_offline_the_last_state_is_read_and_nothing_is_changed(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.commit(REPO, {**submission(record())}, "dataset")
    rows = board(server).snapshot().records
    server.stop()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert board(server).snapshot().records == rows
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):
        board(server).apply(lambda _: {PATH_A: None}, "remove")


def test_32_submitters_and_4_maintainers_lose_and_double_nothing(
    server: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each submitter proposes a model; maintainers take over what they find, each in its own order, and often lose."""
    monkeypatch.setattr(hub_module, "_LONGEST_WAIT", 0.5)
    lost = [server.fail("POST", pattern, drop="after", times=2) for pattern in ("/commit/main$", "create_pr=1$")]
    names = [f"cnn-{number}-relu.synthetic-codes" for number in range(32)]
    submitted = threading.Event()

    def submit(number: int) -> str:
        sent = submission(record(names[number], submitter=f"user{number}"))
        return board(server, f"user{number}").propose(sent, f"Submit {names[number]}").id

    def maintain(number: int) -> int:
        maintainer, last = board(server), False
        done = 0
        while True:
            last = submitted.is_set()
            found = maintainer.proposals()
            for proposal in found[number % len(found) :] + found[: number % len(found)] if found else []:
                try:
                    accept(maintainer, proposal)
                    done += 1
                except BoardError as error:
                    assert "has no open pull request" in str(error)  # noqa: PT017
            if last and not found:
                return done

    with ThreadPoolExecutor(36) as pool:
        maintainers = [pool.submit(maintain, number) for number in range(4)]
        submitters = [pool.submit(submit, number) for number in range(32)]
        numbers = [future.result(240) for future in submitters]
        submitted.set()
        taken = [future.result(240) for future in maintainers]
    assert sorted(map(int, numbers)) == list(range(1, 33))
    assert sum(taken) >= 32
    assert [fault.hits for fault in lost] == [2, 2]
    found = board(server).snapshot()
    assert found.problems == []
    assert sorted(entry.model for entry in found.records.values()) == sorted(names)
    assert {entry.trust for entry in found.records.values()} == {"recomputed"}
    history = server.history(REPO, "dataset")
    assert sorted(history) == sorted(["initial commit", *(f"Verify {number}" for number in range(1, 33))])
    assert {discussion.status for discussion in server.discussions(REPO)} == {"closed"}
    files = server.files(REPO, "dataset")
    for number, name in enumerate(names):
        sent = submission(record(name, submitter=f"user{number}"))
        assert all(files[path] == content for path, content in sent.items() if path not in found.records)
