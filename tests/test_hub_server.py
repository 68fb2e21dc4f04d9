"""The hub for tests, asked by the real client: what it answers is what the client understands."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from hub_server import HTML, HubServer
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

REPO = "motifzoo/board"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    with HubServer(tmp_path / "hub") as running:
        yield running


@pytest.fixture
def api(server: HubServer) -> HfApi:
    return HfApi(endpoint=server.url, token="hf_maintainer")


def add(path: str, content: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(path, content)


def commit(api: HfApi, *operations: CommitOperationAdd | CommitOperationDelete, **settings: object) -> str:
    made = api.create_commit(REPO, list(operations), commit_message="change", repo_type="dataset", **settings)  # type: ignore[call-overload]
    return str(made.oid)


def test_a_repository_is_made_written_and_read(server: HubServer, api: HfApi, tmp_path: Path) -> None:
    assert api.create_repo(REPO, repo_type="dataset").repo_id == REPO
    assert str(api.create_repo(REPO, repo_type="dataset", exist_ok=True)) == f"{server.url}/datasets/{REPO}"
    first = commit(
        api, add("a.txt", b"one"), add("data/b.parquet", b"PAR1" * 10), add("README.md", b"---\nlicense: mit\n---\n")
    )
    assert api.dataset_info(REPO).sha == first
    assert sorted(api.list_repo_files(REPO, repo_type="dataset")) == [
        ".gitattributes",
        "README.md",
        "a.txt",
        "data/b.parquet",
    ]
    second = commit(api, CommitOperationDelete("a.txt"), add("data/c/d.txt", b"two"))
    folder = Path(
        snapshot_download(REPO, repo_type="dataset", endpoint=server.url, cache_dir=tmp_path / "cache", token=False)
    )
    assert folder.name == second
    assert (folder / "data" / "c" / "d.txt").read_bytes() == b"two"
    assert not (folder / "a.txt").exists()
    assert api.hf_hub_download(REPO, "a.txt", repo_type="dataset", revision=first, cache_dir=tmp_path / "cache")
    assert [item.title for item in api.list_repo_commits(REPO, repo_type="dataset")] == [
        "change",
        "change",
        "initial commit",
    ]


def test_a_commit_that_changes_nothing_is_none(server: HubServer, api: HfApi) -> None:
    sha = server.commit(REPO, {"a.txt": b"one"}, "dataset")
    assert commit(api, add("a.txt", b"one")) == sha
    assert server.history(REPO, "dataset") == ["change", "initial commit"]


def test_a_folder_is_deleted_with_what_lies_in_it(server: HubServer, api: HfApi) -> None:
    server.commit(REPO, {"a/b": b"1", "a/c/d": b"2", "ab": b"3"}, "dataset")
    commit(api, CommitOperationDelete("a/", is_folder=True))
    assert server.files(REPO, "dataset") == {"ab": b"3"}
    with pytest.raises(RemoteEntryNotFoundError):
        commit(api, CommitOperationDelete("gone"))


def test_listings_have_sizes_hashes_and_pages(server: HubServer, api: HfApi) -> None:
    server.page = 2
    server.commit(REPO, {"x/a.txt": b"one", "x/y/b.txt": b"", "z.parquet": b"12345"}, "dataset")
    entries = {entry.path: entry for entry in api.list_repo_tree(REPO, repo_type="dataset", recursive=True)}
    assert sorted(entries) == [".gitattributes", "x", "x/a.txt", "x/y", "x/y/b.txt", "z.parquet"]
    assert entries["x/a.txt"].blob_id == "43dd47ea691c90a5fa7827892c70241913351963"  # git hash-object
    assert entries["z.parquet"].size == 5
    assert entries["z.parquet"].lfs.sha256 == "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
    assert {entry.path for entry in api.list_repo_tree(REPO, "x", repo_type="dataset")} == {"x/a.txt", "x/y"}
    with pytest.raises(RemoteEntryNotFoundError):
        list(api.list_repo_tree(REPO, "nowhere", repo_type="dataset"))
    found = api.get_paths_info(REPO, ["x", "z.parquet", "none"], repo_type="dataset", expand=True)
    assert [item.path for item in found] == ["x", "z.parquet"]
    assert found[1].last_commit.title == "change"
    assert len(api.dataset_info(REPO, files_metadata=True).siblings or []) == 4


def test_refs_are_branches_tags_and_pull_requests(server: HubServer, api: HfApi) -> None:
    sha = server.commit(REPO, {"a": b"1"}, "dataset")
    api.create_tag(REPO, tag="v1", repo_type="dataset")
    api.create_branch(REPO, branch="dev", repo_type="dataset")
    commit(api, add("a", b"2"), revision="dev")
    commit(api, add("a", b"3"), create_pr=True)
    refs = api.list_repo_refs(REPO, repo_type="dataset", include_pull_requests=True)
    assert {ref.ref for ref in (*refs.branches, *refs.tags, *(refs.pull_requests or []))} == {
        "refs/heads/main",
        "refs/heads/dev",
        "refs/tags/v1",
        "refs/pr/1",
    }
    assert api.dataset_info(REPO, revision="v1").sha == api.dataset_info(REPO, revision=sha).sha == sha
    assert server.files(REPO, "dataset", "dev") == {"a": b"2"}
    assert server.files(REPO, "dataset", "refs/pr/1") == {"a": b"3"}
    assert server.files(REPO, "dataset") == {"a": b"1"}
    with pytest.raises(RevisionNotFoundError):
        api.dataset_info(REPO, revision="v2")


def test_a_commit_on_an_old_parent_is_refused(server: HubServer, api: HfApi) -> None:
    old = server.commit(REPO, {"a": b"1"}, "dataset")
    server.commit(REPO, {"a": b"2"}, "dataset")
    with pytest.raises(HfHubHTTPError) as caught:
        commit(api, add("a", b"3"), parent_commit=old)
    assert caught.value.response.status_code == 412
    assert server.files(REPO, "dataset") == {"a": b"2"}


def test_a_pull_request_lives_and_is_merged(server: HubServer, api: HfApi) -> None:
    base = server.commit(REPO, {"kept": b"1", "gone": b"1"}, "dataset")
    alice = HfApi(endpoint=server.url, token="hf_alice")
    made = alice.create_commit(
        REPO,
        [add("new", b"2"), CommitOperationDelete("gone")],
        commit_message="add mine",
        repo_type="dataset",
        create_pr=True,
        parent_commit=base,
    )
    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1")
    commit(alice, add("new", b"3"), revision="refs/pr/1")
    server.commit(REPO, {"other": b"4"}, "dataset")
    opened = list(api.get_repo_discussions(REPO, repo_type="dataset", discussion_type="pull_request"))
    assert [(item.num, item.status, item.author, item.git_reference) for item in opened] == [
        (1, "open", "alice", "refs/pr/1")
    ]
    assert api.comment_discussion(REPO, 1, "thank you", repo_type="dataset").type == "comment"
    details = api.get_discussion_details(REPO, 1, repo_type="dataset")
    assert (details.conflicting_files, details.target_branch) == ([], "refs/heads/main")
    with pytest.raises(HfHubHTTPError):
        alice.merge_pull_request(REPO, 1, repo_type="dataset")
    api.merge_pull_request(REPO, 1, repo_type="dataset")
    assert server.files(REPO, "dataset") == {"kept": b"1", "new": b"3", "other": b"4"}
    details = api.get_discussion_details(REPO, 1, repo_type="dataset")
    assert (details.status, details.merge_commit_oid) == ("merged", api.dataset_info(REPO).sha)
    assert list(api.get_repo_discussions(REPO, repo_type="dataset", discussion_status="open")) == []


def test_pull_requests_conflict_and_are_closed(server: HubServer, api: HfApi) -> None:
    server.commit(REPO, {"a": b"1"}, "dataset")
    commit(api, add("a", b"2"), create_pr=True)
    server.commit(REPO, {"a": b"3"}, "dataset")
    assert api.get_discussion_details(REPO, 1, repo_type="dataset").conflicting_files == ["a"]
    with pytest.raises(HfHubHTTPError) as caught:
        api.merge_pull_request(REPO, 1, repo_type="dataset")
    assert caught.value.response.status_code == 409
    assert api.change_discussion_status(REPO, 1, "closed", comment="no", repo_type="dataset").new_status == "closed"
    assert server.discussions(REPO)[0].status == "closed"
    assert api.create_discussion(REPO, "a question", repo_type="dataset").num == 2
    assert api.create_pull_request(REPO, "a draft", repo_type="dataset").status == "draft"
    many = [api.create_discussion(REPO, f"question {n}", repo_type="dataset").num for n in range(10)]
    assert len(list(api.get_repo_discussions(REPO, repo_type="dataset"))) == len(many) + 3


def test_users_see_and_write_what_they_may(server: HubServer, api: HfApi) -> None:
    server.create("motifzoo/secret", private=True)
    server.commit("motifzoo/gated", {"w.safetensors": b"1"})
    server.repo("motifzoo/gated").gated = True
    assert api.whoami()["orgs"] == [{"name": "motifzoo"}]
    assert api.model_info("motifzoo/secret").private
    alice, nobody = HfApi(endpoint=server.url, token="hf_alice"), HfApi(endpoint=server.url, token=False)
    for name in ("motifzoo/secret", "motifzoo/none"):
        with pytest.raises(RepositoryNotFoundError):
            alice.model_info(name)
        with pytest.raises(HfHubHTTPError) as caught:
            nobody.model_info(name)
        assert caught.value.response.status_code == 401
    with pytest.raises(GatedRepoError):
        alice.hf_hub_download("motifzoo/gated", "w.safetensors")
    with pytest.raises(HfHubHTTPError) as caught:
        alice.create_repo("motifzoo/mine")
    assert caught.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError) as caught:
        alice.create_commit("motifzoo/gated", [add("a", b"1")], commit_message="mine")
    assert caught.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi(endpoint=server.url, token="hf_stranger").whoami()
    assert caught.value.response.status_code == 401


def test_spaces_and_cards_are_checked(server: HubServer, api: HfApi) -> None:
    api.create_repo("alice/page", repo_type="space", space_sdk="static", token="hf_alice")
    assert server.files("alice/page", "space") == {"README.md": b"---\ntitle: alice/page\nsdk: static\n---\n"}
    server.create("motifzoo/model")
    with pytest.raises(ValueError, match=r"Invalid metadata in README\.md"):
        api.create_commit("motifzoo/model", [add("README.md", b"---\na: [\n---\n")], commit_message="card")


def test_paths_that_git_refuses_are_refused(server: HubServer) -> None:
    server.create("alice/model")
    body = b'{"key": "header", "value": {"summary": "x"}}\n{"key": "file", "value": {"path": "../x", "content": ""}}\n'
    answer = httpx2.post(
        f"{server.url}/api/models/alice/model/commit/main", content=body, headers={"Authorization": "Bearer hf_alice"}
    )
    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid path: '../x'"})


def test_ranges(server: HubServer) -> None:
    server.commit("alice/model", {"w.safetensors": b"0123456789"})
    url = f"{server.url}/alice/model/resolve/main/w.safetensors"

    def ask(range_: str) -> tuple[int, bytes, str | None]:
        answer = httpx2.get(url, headers={"Range": range_})
        return answer.status_code, answer.content, answer.headers.get("Content-Range")

    assert ask("bytes=2-4") == (206, b"234", "bytes 2-4/10")
    assert ask("bytes=7-") == (206, b"789", "bytes 7-9/10")
    assert ask("bytes=-3") == (206, b"789", "bytes 7-9/10")
    assert ask("bytes=10-") == (416, b"", "bytes */10")
    head = httpx2.head(url)
    assert (head.headers["Content-Length"], head.content) == ("10", b"")
    assert head.headers["X-Repo-Commit"] == server.repo("alice/model").resolve("main").sha


def test_the_file_system_interface_reads_it(server: HubServer) -> None:
    server.commit(REPO, {"data/a.parquet": b"12345", "data/b.txt": b"x"}, "dataset")
    files = HfFileSystem(endpoint=server.url, token=False)
    assert files.glob(f"datasets/{REPO}/data/*.parquet") == [f"datasets/{REPO}/data/a.parquet"]
    assert files.cat_file(f"datasets/{REPO}/data/a.parquet", start=1, end=3) == b"23"


def test_faults_come_as_scripted_and_go(server: HubServer) -> None:
    server.commit("alice/model", {"a.txt": b"0123456789"})
    url = f"{server.url}/alice/model/resolve/main/a.txt"
    busy = server.fail("GET", r"/a\.txt$", status=429, headers={"Retry-After": "7"}, times=2)
    assert [httpx2.get(url).status_code for _ in range(3)] == [429, 429, 200]
    assert busy.hits == 2
    server.fail("GET", r"/a\.txt$", truncate=True)
    server.fail("GET", r"/a\.txt$", body=HTML, headers={"Content-Type": "text/html"})
    assert httpx2.get(url).content == b"01234"
    assert httpx2.get(url).content == HTML
    for moment in ("before", "half", "after"):
        server.fail("GET", r"/a\.txt$", drop=moment)
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.get(url)
    server.fail("GET", r"/a\.txt$", delay=30)
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.get(url, timeout=0.1)
    server.fail("*", "", status=500, times=None)
    assert httpx2.get(url).status_code == 500
    server.heal()
    assert httpx2.get(url).content == b"0123456789"


def test_a_lost_answer_is_a_commit_that_landed(server: HubServer, api: HfApi) -> None:
    server.create(REPO, "dataset")
    server.fail("POST", "/commit/", drop="after")
    with pytest.raises(httpx2.RemoteProtocolError):
        commit(api, add("a", b"1"))
    assert server.files(REPO, "dataset") == {"a": b"1"}


def test_someone_else_can_be_faster(server: HubServer, api: HfApi) -> None:
    parent = server.commit(REPO, {"a": b"1"}, "dataset")
    server.on("POST", "/commit/", lambda: server.commit(REPO, {"b": b"2"}, "dataset"))
    with pytest.raises(HfHubHTTPError):
        commit(api, add("a", b"3"), parent_commit=parent)
    assert server.asked("POST", "/commit/main") == 1


def test_a_stopped_hub_cannot_be_reached(tmp_path: Path) -> None:
    with HubServer(tmp_path) as server, httpx2.Client() as line:
        url = f"{server.url}/api/models/a/b"
        assert line.get(url).status_code == 401
        server.stop()
        with pytest.raises(httpx2.TransportError):
            line.get(url)
