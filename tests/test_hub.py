"""Models on a hub, through the real client: addresses, pinned revisions, checked downloads, the cache, commits."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hub_server import HubServer, point_at
from huggingface_hub import HfApi, snapshot_download
from hypothesis import given
from hypothesis import strategies as st
from model_folders import ModelFactory

import motifzoo
from motifzoo.errors import HubError, ModelError, UnknownNameError
from motifzoo.zoo.config import read_config
from motifzoo.zoo.hub import cache
from motifzoo.zoo.hub.address import HubAddress
from motifzoo.zoo.hub.client import Hub, connect, is_safe
from motifzoo.zoo.hub.words import LostRaceError
from motifzoo.zoo.sources import find

REPO = "motifzoo/tiny-relu.synthetic-codes"
BOARD = HubAddress("dataset", "motifzoo/board")
MODEL = HubAddress("model", REPO)


def content_of(folder: Path) -> dict[str, bytes | None]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer(tmp_path / "hub") as running:
        point_at(monkeypatch, running, tmp_path / "home", "maintainer")
        yield running


@pytest.fixture
def published(server: HubServer, make_model: ModelFactory) -> str:
    """A model of two trials on the hub, with files that no loader needs; returns its commit."""
    folder = make_model(trials=2)
    return server.commit(REPO, {**content_of(folder), "notes.txt": b"hello", "evil.py": b"raise SystemExit"})


# Addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("hf://org/name", HubAddress("model", "org/name")),
        ("hf://models/org/name", HubAddress("model", "org/name")),
        ("hf://datasets/org/name@v1", HubAddress("dataset", "org/name", "v1")),
        ("hf://spaces/org/na.me@refs/pr/3", HubAddress("space", "org/na.me", "refs/pr/3")),
    ],
)
def test_addresses_are_read_and_written(text: str, address: HubAddress) -> None:
    assert HubAddress.parse(text) == address
    assert str(address) == text.replace("models/", "")


def test_a_prefix_wins_over_the_default_type() -> None:
    assert HubAddress.parse("hf://org/board", "dataset").repo_type == "dataset"
    assert HubAddress.parse("hf://models/org/board", "dataset").repo_type == "model"


@pytest.mark.parametrize(
    "text",
    [
        "org/name",
        "hf://",
        "hf://name",
        "hf://a/b/c",
        "hf://org/name@",
        "hf://org/../name",
        "hf://org/name@a..b",
        "hf://org/name@-x",
        "hf://org/na me",
        "hf://org/name\n",
        "https://huggingface.co/org/name",
        "hf://org/" + "n" * 97,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(HubError) as caught:
        HubAddress.parse(text)
    assert str(caught.value) == (
        f"{text!r} is no address on a hub. Write hf://org/name, hf://datasets/org/name or hf://spaces/org/name, "
        "and @revision after it for another revision than main."
    )


@given(st.text(max_size=60))
def test_any_text_after_the_scheme_is_an_address_or_an_error(text: str) -> None:
    try:
        address = HubAddress.parse("hf://" + text)
    except HubError:
        return
    assert HubAddress.parse(str(address)) == address


@pytest.mark.parametrize("path", ["a", "a/b.c", "results/x@1/m.d/trial-1.json", ".eval_results/x.yaml", "a b"])
def test_plain_paths_are_safe(path: str) -> None:
    assert is_safe(path)


@pytest.mark.parametrize(
    "path", ["/a", "../a", "a/../b", "a//b", "a/", "./a", "", "a\\b", "c:a", "a\nb", ".git/config"]
)
def test_paths_that_leave_the_folder_are_not(path: str) -> None:
    assert not is_safe(path)


# Loading


def test_a_model_loads_by_its_address(server: HubServer, published: str, make_model: ModelFactory) -> None:
    network = motifzoo.load(f"hf://{REPO}")
    local = motifzoo.load(str(make_model(trials=2)))
    x = torch.eye(4)[torch.arange(200) % 4].T.unsqueeze(0)
    assert torch.equal(network(x), local(x))


def test_a_revision_is_looked_up_once_and_pinned(server: HubServer, published: str) -> None:
    source = find(f"hf://{REPO}:1")
    assert source.given == f"hf://{REPO}@{published}:1"
    assert (source.trial, source.name) == (1, "tiny-relu.synthetic-codes:1")
    assert server.asked("GET", f"^/api/models/{REPO}(/revision/[^/]+)?$") == 1
    server.commit(REPO, {"config.json": b"{}"})
    again = find(source.given)
    assert (again.given, again.sha256) == (source.given, source.sha256)


@pytest.mark.parametrize("revision", ["v1", "refs/pr/1", "main"])
def test_tags_and_pull_requests_are_revisions(server: HubServer, published: str, revision: str) -> None:
    api = HfApi(endpoint=server.url, token="hf_maintainer")
    api.create_tag(REPO, tag="v1")
    api.create_pull_request(REPO, "mine")
    assert find(f"hf://{REPO}@{revision}").given == f"hf://{REPO}@{published}:0"


def test_only_what_the_loader_reads_is_downloaded(server: HubServer, published: str) -> None:
    source = find(f"hf://{REPO}:1")
    snapshot = {path.relative_to(source.folder).as_posix() for path in source.folder.rglob("*") if path.is_file()}
    assert snapshot == {"config.json", "trial-1/model.safetensors"}
    assert server.asked("*", r"notes\.txt|evil\.py|README") == 0


def test_a_second_load_asks_only_what_main_is(server: HubServer, published: str) -> None:
    find(f"hf://{REPO}")
    server.requests.clear()
    source = find(f"hf://{REPO}")
    assert [(asked.method, asked.path) for asked in server.requests] == [("GET", f"/api/models/{REPO}/revision/main")]
    server.requests.clear()
    find(source.given)
    assert server.requests == []


def test_commands_take_addresses(server: HubServer, published: str) -> None:
    from click.testing import CliRunner

    from motifzoo.evaluate.cli.main import main

    shown = CliRunner().invoke(main, ["show", f"hf://{REPO}", "--json"])
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.output)["name"] == "tiny-relu.synthetic-codes"
    wrong = CliRunner().invoke(main, ["show", "hf://motifzoo/none"])
    assert wrong.exit_code == 1
    assert wrong.output == (
        f"Error: looking up hf://motifzoo/none: {server.url} has no model repository motifzoo/none, or it is private "
        "and your token may not see it. Check the name.\n"
    )


def test_a_trial_that_is_not_there_is_named_before_its_weights_are_fetched(server: HubServer, published: str) -> None:
    with pytest.raises(ModelError) as caught:
        find(f"hf://{REPO}:7")
    assert str(caught.value) == "model 'tiny-relu.synthetic-codes' has no trial 7; it has 0, 1."
    assert server.asked("*", "safetensors") == 0
    with pytest.raises(UnknownNameError) as unknown:
        find(f"hf://{REPO}:x")
    assert str(unknown.value) == f"'x' in 'hf://{REPO}:x' is not a trial: write NAME or NAME:0, NAME:1, ..."


def test_a_repository_without_a_model_is_refused(server: HubServer) -> None:
    sha = server.commit("motifzoo/other", {"pytorch_model.bin": b"\x80\x02"})
    with pytest.raises(HubError) as caught:
        find("hf://motifzoo/other")
    assert str(caught.value) == (
        f"hf://motifzoo/other@{sha} has no file config.json; it has .gitattributes, pytorch_model.bin."
    )
    with pytest.raises(HubError) as caught:
        find("hf://datasets/motifzoo/other")
    assert str(caught.value) == "hf://datasets/motifzoo/other is no model repository. Write hf://org/name for a model."


def test_weights_larger_than_the_layers_need_are_not_downloaded(server: HubServer, published: str) -> None:
    sha = server.commit(REPO, {"model.safetensors": bytes(2_000_000)})
    with pytest.raises(HubError) as caught:
        find(f"hf://{REPO}")
    limit = 1_000_000 + 8 * (4 * 9 * 6 + 2 * 6 + 8 * 6 + 1)
    assert str(caught.value) == (
        f"fetching model.safetensors of hf://{REPO}@{sha}: the hub lists 2,000,000 bytes and the limit is {limit:,}. "
        "Nothing was downloaded."
    )
    assert server.asked("*", "safetensors") == 0
    server.commit(REPO, {"config.json": b" " * 1_000_001})
    with pytest.raises(HubError, match=r"config\.json .* 1,000,001 bytes and the limit is 1,000,000"):
        find(f"hf://{REPO}")


# The cache


def test_what_was_fetched_loads_offline(server: HubServer, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    online = find(f"hf://{REPO}")
    server.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert find(f"hf://{REPO}") == online
    assert find(online.given) == online
    assert server.requests == []
    with pytest.raises(HubError) as caught:
        find(f"hf://{REPO}:1")
    assert str(caught.value) == (
        f"fetching trial-1/model.safetensors of hf://{REPO}@{published}: this is not in the cache. "
        "Unset HF_HUB_OFFLINE to download."
    )
    with pytest.raises(HubError) as caught:
        find("hf://motifzoo/other")
    assert str(caught.value) == (
        "looking up hf://motifzoo/other: HF_HUB_OFFLINE is set and this is not in the cache. Unset it to download."
    )


def test_what_was_fetched_loads_when_the_hub_is_gone(
    server: HubServer, published: str, caplog: pytest.LogCaptureFixture
) -> None:
    online = find(f"hf://{REPO}")
    server.stop()
    assert find(online.given) == online
    assert caplog.messages == []
    assert find(f"hf://{REPO}") == online
    assert caplog.messages == [
        f"looking up hf://{REPO}: {server.url} cannot be reached. Check the network and HF_ENDPOINT, then try again. "
        f"The copy of {published[:12]} fetched earlier is used."
    ]
    with pytest.raises(HubError) as caught:
        find(f"{online.given.rpartition(':')[0]}:1")
    assert str(caught.value) == (
        f"fetching trial-1/model.safetensors of hf://{REPO}@{published}: the hub answered none of 3 requests. Check "
        "the network and HF_ENDPOINT, then try again."
    )


def test_files_that_another_program_fetched_load_offline(
    server: HubServer, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot_download(REPO, endpoint=server.url, cache_dir=cache.cache_folder(), token="hf_maintainer")
    server.requests.clear()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert find(f"hf://{REPO}@{published}").trial == 0
    assert server.requests == []
    with pytest.raises(HubError, match="HF_HUB_OFFLINE is set"):  # all files: whether they are all is not known
        connect().fetch(MODEL, published, max_bytes=10**9)


def test_a_damaged_file_in_the_cache_is_fetched_again(server: HubServer, published: str) -> None:
    source = find(f"hf://{REPO}")
    for path in (source.weights, source.folder / "config.json"):
        path.resolve().write_bytes(b"{}")
    motifzoo.load(f"hf://{REPO}")


def test_a_damaged_file_is_no_success_offline(
    server: HubServer, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = find(f"hf://{REPO}")
    source.weights.resolve().write_bytes(b"damaged")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(HubError) as caught:
        find(f"hf://{REPO}")
    assert str(caught.value) == (
        f"fetching model.safetensors of hf://{REPO}@{published}: its content is not what the hub lists (damaged on the "
        "way, or something between changes it). It was removed from the cache; try again, without HF_HUB_OFFLINE."
    )
    assert not source.weights.exists()


def test_a_damaged_file_that_cannot_be_had_again_is_told(server: HubServer, published: str) -> None:
    source = find(f"hf://{REPO}")
    source.weights.resolve().write_bytes(b"damaged")
    server.stop()
    with pytest.raises(HubError) as caught:
        find(source.given)
    assert str(caught.value) == (
        f"fetching model.safetensors of hf://{REPO}@{published}: {server.url} cannot be reached. Check the network and "
        "HF_ENDPOINT, then try again."
    )


def test_a_cache_that_cannot_be_written_is_read(server: HubServer, published: str) -> None:
    source = find(f"hf://{REPO}")
    listings = cache.repo_folder(MODEL) / "listings"
    shutil.rmtree(listings)
    listings.write_text("no folder")
    assert find(f"hf://{REPO}") == source


def test_the_cache_is_where_the_environment_says_now(
    server: HubServer, published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "elsewhere"))
    assert find(f"hf://{REPO}").folder.is_relative_to(tmp_path / "elsewhere" / "hub")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "third"))
    assert find(f"hf://{REPO}").folder.is_relative_to(tmp_path / "third")


def test_the_cache_is_one_the_library_reads(server: HubServer, published: str) -> None:
    source = find(f"hf://{REPO}")
    found = HfApi(endpoint=server.url).hf_hub_download(
        REPO, "config.json", revision="main", cache_dir=cache.cache_folder(), local_files_only=True
    )
    assert Path(found) == source.folder / "config.json"


def test_fetching_into_a_folder_copies_plain_files(server: HubServer, published: str, tmp_path: Path) -> None:
    folder = connect().fetch(MODEL, published, into=tmp_path / "quarantine", max_bytes=10**6)
    assert content_of(folder) == server.files(REPO) | {".gitattributes": (folder / ".gitattributes").read_bytes()}
    assert not any(path.is_symlink() for path in folder.rglob("*"))


def test_names_that_leave_the_folder_are_not_fetched(server: HubServer, tmp_path: Path) -> None:
    sha = server.commit("motifzoo/bad", {"c:evil": b"1"})
    address = HubAddress("model", "motifzoo/bad")
    with pytest.raises(HubError) as caught:
        connect().fetch(address, sha, into=tmp_path / "q", max_bytes=10**6)
    assert str(caught.value) == (
        f"hf://motifzoo/bad@{sha} has a file named 'c:evil', which is no safe path. Nothing was downloaded."
    )
    assert not (tmp_path / "q").exists()


# Changes


@pytest.fixture
def hub(server: HubServer) -> Hub:
    server.create(BOARD.repo_id, "dataset")
    return connect()


def test_a_commit_writes_and_deletes_at_once(server: HubServer, hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"from a file")
    first = hub.commit(BOARD, {"a/b": b"1", "c": tmp_path / "file"}, "first", hub.head(BOARD))
    assert first.pull_request is None
    assert first.sha == hub.resolve(BOARD)
    assert server.files(BOARD.repo_id, "dataset") == {"a/b": b"1", "c": b"from a file"}
    hub.commit(BOARD, {"a/b": None, "d": b"2"}, "second", first.sha)
    assert server.files(BOARD.repo_id, "dataset") == {"c": b"from a file", "d": b"2"}
    assert hub.files(BOARD, first.sha) == {".gitattributes": 50, "a/b": 1, "c": 11}
    assert server.history(BOARD.repo_id, "dataset") == ["second", "first", "initial commit"]
    assert hub.history(BOARD)[1] == first.sha
    assert len(hub.history(BOARD)) == 3


def test_a_lost_race_is_told_and_changes_nothing(server: HubServer, hub: Hub) -> None:
    parent = hub.head(BOARD)
    server.commit(BOARD.repo_id, {"theirs": b"1"}, "dataset")
    with pytest.raises(LostRaceError) as caught:
        hub.commit(BOARD, {"mine": b"1"}, "mine", parent)
    assert str(caught.value) == (
        "committing to hf://datasets/motifzoo/board: somebody else committed in the meantime; nothing was changed. "
        "Read the newest state and try again."
    )
    assert server.files(BOARD.repo_id, "dataset") == {"theirs": b"1"}


def test_of_many_on_one_parent_one_wins(server: HubServer, hub: Hub) -> None:
    parent = hub.head(BOARD)
    outcomes: list[str] = []

    def work(number: int) -> None:
        try:
            hub.commit(BOARD, {f"f{number}": b"x"}, f"change {number}", parent)
            outcomes.append("won")
        except LostRaceError:
            outcomes.append("lost")

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    assert len(server.files(BOARD.repo_id, "dataset")) == 1


def test_pull_requests_are_proposed_listed_and_closed(
    server: HubServer, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    alice = connect()
    made = [alice.commit(BOARD, {f"r{n}": b"1"}, f"add {n}", None, as_pull_request=True) for n in range(3)]
    assert [item.pull_request for item in made] == [1, 2, 3]
    assert made[0].url == f"{server.url}/datasets/{BOARD.repo_id}/discussions/1"
    assert server.files(BOARD.repo_id, "dataset") == {}
    hub.close_pull_request(BOARD, 2, "no")
    assert server.discussions(BOARD.repo_id)[1].status == "closed"
    assert [(item.number, item.ref, item.sha) for item in hub.pull_requests(BOARD)] == [
        (1, "refs/pr/1", made[0].sha),
        (3, "refs/pr/3", made[2].sha),
    ]
    assert hub.files(BOARD, made[0].sha).keys() == {".gitattributes", "r0"}


def test_a_hub_without_discussions_lists_every_request(server: HubServer, hub: Hub) -> None:
    hub.commit(BOARD, {"a": b"1"}, "add", None, as_pull_request=True)
    server.fail("GET", "/discussions", status=404)
    assert [item.number for item in hub.pull_requests(BOARD)] == [1]


def test_who_we_are(server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert connect().whoami() == "maintainer"
    assert connect(token="hf_bob").whoami() == "bob"
    monkeypatch.delenv("HF_TOKEN")
    assert connect().whoami() is None


def test_repositories_are_made_once(server: HubServer, hub: Hub) -> None:
    for address in (HubAddress("model", "motifzoo/new"), HubAddress("space", "motifzoo/page")):
        hub.create(address)
        hub.create(address)
        assert hub.files(address, hub.head(address))
    hub.create(HubAddress("dataset", "motifzoo/secret"), private=True)
    assert server.repo("motifzoo/secret", "dataset").private
    assert server.repo("motifzoo/page", "space").sdk == "static"


def test_a_model_in_a_folder_named_like_the_scheme_is_untouched(tmp_path: Path, make_model: ModelFactory) -> None:
    folder = make_model()
    moved = tmp_path / "hf"
    shutil.move(folder, moved)
    assert find(str(moved)).config == read_config(moved)
