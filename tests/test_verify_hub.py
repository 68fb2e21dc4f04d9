"""Verification on a hub's board, through the real client: from a pull request to a verified row."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from claims import DATASET, OUTPUTS, altered, claim
from hub_server import HubServer, point_at
from model_folders import ModelFactory, small_layers

from motifzoo.evaluate.leaderboard.boards import Board, open_board
from motifzoo.evaluate.leaderboard.record import Record
from motifzoo.evaluate.leaderboard.verification import examine
from motifzoo.evaluate.leaderboard.verification.isolate import Isolated
from motifzoo.evaluate.leaderboard.verification.recompute import Recomputed
from motifzoo.evaluate.leaderboard.verification.verify import Verified, verify
from motifzoo.zoo.config import read_config

REPO = "motifzoo/board"
ADDRESS = f"hf://{REPO}"
NAME = f"tiny-relu.{DATASET}"
PLACE = f"results/{DATASET}@1/{NAME}/trial-0.json"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(tmp_path / "hub") as running:
        running.create(REPO, "dataset")
        yield running


@pytest.fixture
def as_user(server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Board]:
    """The board as one user or another has it."""

    def become(user: str) -> Board:
        point_at(monkeypatch, server, tmp_path / f"home-{user}", user)
        return open_board(ADDRESS)

    return become


@pytest.fixture
def model(make_model: ModelFactory) -> Path:
    return make_model(NAME, dataset=DATASET, layers=small_layers("relu", len(OUTPUTS)), outputs=OUTPUTS)


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    """Every claim comes out of quarantine as it went in."""

    def answer(function: str, task: dict[str, Any], *_: object) -> Isolated:
        record = Record.model_validate(task["record"])
        found = Recomputed(
            config=read_config(Path(task["folder"])),
            metrics=dict(record.metrics),
            n=dict(record.n),
            device="cpu",
            versions={},
            fresh=None,
        )
        return Isolated(found.model_dump(mode="json"), {}, "")

    monkeypatch.setattr(examine, "run_isolated", answer)


def row(server: HubServer, path: str = PLACE) -> Record:
    return Record.model_validate_json(server.files(REPO, "dataset")[path])


def folder_content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def one(outcomes: Any) -> Verified:
    (found,) = outcomes
    assert isinstance(found, Verified)
    return found


def test_from_a_pull_request_to_a_verified_row(server: HubServer, as_user: Callable[[str], Board], model: Path) -> None:
    """Nothing is replaced: the real client, the real process."""
    files = claim(model)
    proposal = as_user("alice").propose(files, "submit")
    assert PLACE not in server.files(REPO, "dataset")
    found = one(verify(as_user("maintainer"), f"pr/{proposal.id}", by="maintainer"))
    assert (found.outcome, found.reason) == ("recomputed", "")
    assert row(server) == found.record
    assert row(server).trust == "recomputed"
    assert row(server).verification is not None
    assert row(server).verification.metrics == pytest.approx(dict(row(server).metrics), abs=1e-6)
    landed = server.files(REPO, "dataset")
    for path in files:
        if path.startswith("models/"):
            assert landed[path] == files[path]
    details = PLACE.removesuffix(".json")
    assert json.loads(landed[f"{details}/result.json"])["model"] == NAME
    assert {f"{details}/filters.meme", f"{details}/hits.tsv"} <= landed.keys()
    assert [discussion.status for discussion in server.discussions(REPO)] == ["closed"]
    assert not list(verify(as_user("maintainer"), by="maintainer"))


def test_somebody_elses_name(server: HubServer, as_user: Callable[[str], Board], model: Path, canned: None) -> None:
    as_user("bob").propose(claim(model, submitter="alice"), "submit")
    found = one(verify(as_user("maintainer"), by="maintainer"))
    assert (found.name, found.outcome, found.record) == ("pr/1", "left", None)
    assert found.reason == "it was opened by bob, and its records name 'alice' as their submitter."
    assert PLACE not in server.files(REPO, "dataset")
    assert [discussion.status for discussion in server.discussions(REPO)] == ["open"]


def test_a_claim_that_fails_lands_disputed_without_its_files(
    server: HubServer, as_user: Callable[[str], Board], model: Path, canned: None
) -> None:
    files = claim(model)
    files[f"models/{NAME}/model.bin"] = b"\x80\x04K\x01."
    as_user("alice").propose(files, "submit")
    server.requests.clear()
    found = one(verify(as_user("maintainer"), by="maintainer"))
    assert found.outcome == "disputed"
    assert "model.bin may hold a pickle, which can run code." in found.reason
    landed = server.files(REPO, "dataset")
    assert not any(path.startswith("models/") for path in landed)
    assert row(server).trust == "disputed"
    assert server.asked("GET", r"resolve/.*/models/") == 0  # the listing is enough to refuse it


def test_a_model_in_a_repository_of_its_own(
    server: HubServer, as_user: Callable[[str], Board], model: Path, canned: None
) -> None:
    """The commit that the record names is fetched, whatever came after."""
    first = server.commit("alice/tiny", folder_content(model))
    server.commit("alice/tiny", {"model.safetensors": b"other", "evil.py": b"print()"})
    source = f"hf://alice/tiny@{first}"
    as_user("alice").propose(claim(model, source=source), "submit")
    found = one(verify(as_user("maintainer"), by="maintainer"))
    assert (found.outcome, found.reason) == ("recomputed", "")
    assert row(server).source == source
    # And again, now that it is a row.
    assert one(verify(as_user("maintainer"), NAME, by="maintainer")).outcome == "recomputed"


def test_a_hub_in_trouble_is_not_the_claims_fault(
    server: HubServer, as_user: Callable[[str], Board], model: Path, canned: None
) -> None:
    commit = server.commit("alice/tiny", {"config.json": b"{}"})
    as_user("alice").propose(claim(model, source=f"hf://alice/tiny@{commit}"), "submit")
    board = as_user("maintainer")
    server.fail("*", r"/api/models/alice/tiny", times=None, status=401)
    found = one(verify(board, by="maintainer"))
    assert found.outcome == "left"
    assert "alice/tiny" in found.reason
    assert PLACE not in server.files(REPO, "dataset")
    assert [discussion.status for discussion in server.discussions(REPO)] == ["open"]


def test_a_lost_race_loses_nothing(
    server: HubServer, as_user: Callable[[str], Board], model: Path, canned: None
) -> None:
    """Somebody commits between our look and our write: theirs stays, and ours follows."""
    files = claim(model)
    as_user("alice").propose(files, "submit")
    other = altered(claim(model, source="hf://a/b"), model=f"other.{DATASET}", model_sha256="1" * 64, submitter="bob")
    board = as_user("maintainer")
    server.on("POST", r"/commit/main", lambda: server.commit(REPO, other, "dataset"))
    assert one(verify(board, by="maintainer")).outcome == "recomputed"
    assert row(server).trust == "recomputed"
    assert row(server, PLACE.replace(NAME, f"other.{DATASET}")).trust == "claimed"


def test_a_record_that_came_meanwhile_is_not_replaced(
    server: HubServer, as_user: Callable[[str], Board], model: Path, canned: None
) -> None:
    as_user("alice").propose(claim(model), "submit")
    theirs = {path: data for path, data in claim(model).items() if path == PLACE}
    board = as_user("maintainer")

    def meanwhile(_: str) -> None:
        server.commit(REPO, theirs, "dataset")

    found = one(verify(board, "1", by="maintainer", begin=meanwhile))
    assert (found.outcome, found.reason) == ("left", "a record of this trial came onto the board meanwhile")
    assert row(server).trust == "claimed"
    assert [discussion.status for discussion in server.discussions(REPO)] == ["open"]


def test_four_maintainers_at_once(
    server: HubServer, as_user: Callable[[str], Board], model: Path, canned: None
) -> None:
    """Each of six pull requests and rows is verified once, and no row is lost."""
    files = claim(model, source="hf://alice/tiny@" + server.commit("alice/tiny", folder_content(model)))
    (record,) = (data for path, data in files.items() if path == PLACE)
    rows = {}
    for number in range(3):
        name = f"row-{number}.{DATASET}"
        there = altered({PLACE: record}, model=name, model_sha256=str(number) * 64, source="models/gone")
        rows |= there
    server.commit(REPO, rows, "dataset")
    alice = as_user("alice")
    for number in range(3):
        alice.propose(altered({PLACE: record}, model=f"new-{number}.{DATASET}", model_sha256=str(number + 3) * 64), "x")
    as_user("maintainer")

    def maintain(number: int) -> list[Verified]:
        return list(verify(open_board(ADDRESS), by=f"maintainer-{number}"))

    with ThreadPoolExecutor(4) as pool:
        outcomes = [found for each in pool.map(maintain, range(4)) for found in each]
    board = open_board(ADDRESS).snapshot()
    assert len(board.records) == 6
    written = Counter(found.record.model for found in outcomes if found.record and found.outcome != "left")
    assert written == {found.model: 1 for found in board.records.values()}
    by = {found.record.model: found.record for found in outcomes if found.record and found.outcome != "left"}
    assert all(by[found.model] == found for found in board.records.values())
    assert {discussion.status for discussion in server.discussions(REPO)} == {"closed"}


def test_a_pull_request_that_is_no_submission(
    server: HubServer, as_user: Callable[[str], Board], model: Path, canned: None
) -> None:
    board = as_user("maintainer")
    alice = as_user("alice")
    alice.propose(claim(model), "submit")
    request = server.discussions(REPO)[0]
    repo = server.repo(REPO, "dataset")
    wrong = {"README.md": b"mine", PLACE: b'{"format": 2}'}
    with server.lock:
        repo.commit(f"refs/pr/{request.num}", wrong, title="worse", author="alice")
    found = one(verify(board, "pr/1", by="maintainer"))
    assert (found.outcome, found.record) == ("left", None)
    assert found.reason == (f"{PLACE} is of record format 2 and this motifzoo reads up to 1. Update motifzoo.")


def test_a_pull_request_of_more_records_than_anybody_has(
    server: HubServer, as_user: Callable[[str], Board], model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = as_user("maintainer")
    as_user("alice").propose(claim(model), "submit")
    monkeypatch.setattr("motifzoo.evaluate.leaderboard.verification.claims.MAX_PROPOSED", 0)
    found = one(verify(board, "pr/1", by="maintainer"))
    assert (found.outcome, found.record) == ("left", None)
    assert found.reason == "it brings 1 records; a pull request brings at most 0."
