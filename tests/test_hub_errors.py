"""What a hub can answer wrong, through the real client: a HubError in plain words each, soon, and nothing is lost."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hub_server import HTML, HubServer, point_at
from huggingface_hub import get_session, set_client_factory
from huggingface_hub.utils import _http as hub_http
from model_folders import ModelFactory

import motifzoo
from motifzoo.errors import HubError
from motifzoo.zoo.hub import bounds, cache
from motifzoo.zoo.hub.address import HubAddress
from motifzoo.zoo.hub.client import Hub, connect
from motifzoo.zoo.hub.words import LostRaceError, UnreachableError
from motifzoo.zoo.sources import find

REPO = "motifzoo/tiny-relu.synthetic-codes"
MODEL = HubAddress("model", REPO)
BOARD = HubAddress("dataset", "motifzoo/board")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    # The client says each retry on standard error, which is right for users and noise here.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    monkeypatch.setattr(bounds, "_WAITS", (0.01, 0.01, 0.01))
    with HubServer(tmp_path / "hub") as running:
        point_at(monkeypatch, running, tmp_path / "home", "maintainer")
        running.create(BOARD.repo_id, "dataset")
        yield running


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own waits between attempts, without the waiting."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)


@pytest.fixture
def published(server: HubServer, make_model: ModelFactory) -> str:
    folder = make_model()
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return server.commit(REPO, files)


def message(call: Callable[[], object], kind: type[HubError] = HubError) -> str:
    with pytest.raises(kind) as caught:
        call()
    return str(caught.value)


# What is refused


@pytest.mark.parametrize(
    ("status", "headers", "words"),
    [
        (400, {}, 'the hub refuses with status 400 ("scripted").'),
        (
            401,
            {"X-Error-Message": "Invalid credentials in Authorization header"},
            "the hub does not accept your token: it is expired, revoked or mistyped. To renew it, log in with "
            "`hf auth login` or set HF_TOKEN.",
        ),
        (
            401,
            {},
            "{url} has no data set repository motifzoo/board, or it is private and your token may not see it. "
            "Check the name.",
        ),
        (
            403,
            {"X-Error-Message": "no rights\tat all"},
            'the hub forbids it ("no rights at all scripted"). Use a token with write access to motifzoo '
            "({url}/settings/tokens), or ask its owner for the right.",
        ),
        (
            403,
            {"X-Error-Code": "GatedRepo"},
            "the owner of data set repository motifzoo/board grants access on request. Ask for it at "
            "{url}/datasets/motifzoo/board.",
        ),
        (
            404,
            {},
            "{url} has no data set repository motifzoo/board, or it is private and your token may not see it. "
            "Check the name.",
        ),
        (
            404,
            {"X-Error-Code": "EntryNotFound"},
            "data set repository motifzoo/board has no such file at this revision. {url}/datasets/motifzoo/board lists "
            "what it has.",
        ),
        (
            409,
            {},
            'the hub reports a conflict ("scripted"). Look at {url}/datasets/motifzoo/board, then try again.',
        ),
        (412, {}, "somebody else committed in the meantime; nothing was changed. Read the newest state and try again."),
        (418, {}, 'the hub refuses with status 418 ("scripted").'),
    ],
)
def test_a_refused_commit_says_why(server: HubServer, status: int, headers: dict[str, str], words: str) -> None:
    fault = server.fail("POST", "/commit/", status=status, headers=headers, times=None)
    said = message(lambda: connect().commit(BOARD, {"a": b"1"}, "add", None))
    assert said == f"committing to hf://datasets/motifzoo/board: {words.format(url=server.url)}"
    assert fault.hits == 1
    assert server.files(BOARD.repo_id, "dataset") == {}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (429, "the hub limits the number of requests. Try again in some minutes, signed in if you are not."),
        (500, "the hub is out of order (status 500). Try again in some minutes."),
        (503, "the hub is out of order (status 503). Try again in some minutes."),
    ],
)
@pytest.mark.parametrize(
    ("method", "route", "doing", "call"),
    [
        ("POST", "/commit/", "committing to {board}", lambda hub: hub.commit(BOARD, {"a": b"1"}, "add", None)),
        ("GET", "/api/datasets", "looking up {board}", lambda hub: hub.head(BOARD)),
        ("GET", "/refs", "listing the pull requests of {board}", lambda hub: hub.pull_requests(BOARD)),
        ("POST", "/status", "closing pull request 1 of {board}", lambda hub: hub.close_pull_request(BOARD, 1, "no")),
        ("GET", "/whoami", "asking the hub who you are", lambda hub: hub.whoami()),
        ("POST", "/create", "making {board}", lambda hub: hub.create(BOARD)),
    ],
)
def test_a_hub_in_trouble_is_asked_four_times(
    server: HubServer,
    status: int,
    words: str,
    method: str,
    route: str,
    doing: str,
    call: Callable[[Hub], object],
) -> None:
    fault = server.fail(method, route, status=status, times=None)
    assert message(lambda: call(connect())) == f"{doing.format(board=BOARD)}: {words}"
    assert fault.hits == 4


def test_trouble_that_passes_is_not_noticed(server: HubServer, published: str, quick_retries: None) -> None:
    for method, route in (("GET", "/api/models"), ("GET", "/tree/"), ("HEAD", "/resolve/"), ("GET", "/resolve/")):
        server.fail(method, route, status=503)
        server.fail(method, route, drop="before")
        server.fail(method, route, status=429, headers={"Retry-After": "0"})
    server.fail("GET", "/resolve/.*safetensors", drop="half", times=3)
    assert motifzoo.load(f"hf://{REPO}")
    connect().commit(BOARD, {"a": b"1"}, "add", connect().head(BOARD))
    assert server.history(BOARD.repo_id, "dataset") == ["add", "initial commit"]


@pytest.mark.parametrize("headers", [{"Retry-After": "3600"}, {"RateLimit": '"api";r=0;t=3600'}])
def test_nobody_waits_an_hour_for_a_rate_limit(server: HubServer, published: str, headers: dict[str, str]) -> None:
    for method, route, doing in (
        ("GET", "/revision/", f"looking up hf://{REPO}"),
        ("GET", "/tree/", f"listing hf://{REPO}@{published}"),
        ("HEAD", "/resolve/", f"fetching config.json of hf://{REPO}@{published}"),
    ):
        server.fail(method, route, status=429, headers=headers)
        assert message(lambda: find(f"hf://{REPO}")) == (
            f"{doing}: the hub answered 429 and asks to come back in 3600 seconds. Try again then; signed in "
            "(`hf auth login`), more requests are allowed."
        )


def test_patience_ends(server: HubServer, published: str) -> None:
    """The client itself would try for half a minute, file by file."""
    server.fail("*", "/tree/", status=503, times=None)
    hub = connect(patience=1.5)
    assert message(lambda: hub.files(MODEL, published), UnreachableError) == (
        f"listing hf://{REPO}@{published}: the hub answered 503, for more than 2 seconds. Try again in some minutes."
    )


def test_a_silent_hub_is_given_up(server: HubServer, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.1")
    silent = server.fail("*", "", delay=30, times=None)
    began = time.monotonic()
    assert message(lambda: find(f"hf://{REPO}"), UnreachableError) == (
        f"looking up hf://{REPO}: the hub answered none of 3 requests. Check the network and HF_ENDPOINT, then try "
        "again."
    )
    assert silent.hits == 3
    assert time.monotonic() - began < 20  # not a measure of speed: without time-outs it would take for ever


def test_others_who_use_the_library_are_not_bounded(server: HubServer) -> None:
    connect().head(BOARD)
    request = get_session().build_request("GET", server.url)
    for hook in get_session().event_hooks["request"]:
        hook(request)
    assert set(request.extensions["timeout"].values()) == {None}


@pytest.fixture
def own_factory() -> Iterator[Callable[[Callable[[], httpx2.Client]], None]]:
    """Set a client factory as another user of the library would; the one in force comes back."""
    before = hub_http._GLOBAL_CLIENT_FACTORY
    yield set_client_factory
    set_client_factory(before)


def test_a_factory_that_somebody_sets_later_is_bounded_too(
    server: HubServer,
    monkeypatch: pytest.MonkeyPatch,
    own_factory: Callable[[Callable[[], httpx2.Client]], None],
) -> None:
    """And used: it may know a proxy or certificates."""
    made = []

    def factory() -> httpx2.Client:
        made.append(httpx2.Client(timeout=None))
        return made[-1]

    connect().head(BOARD)
    own_factory(factory)
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "0.1")
    silent = server.fail("*", "", delay=30, times=None)
    for _ in range(2):
        said = message(lambda: connect().pull_requests(BOARD), UnreachableError)
        assert "the hub answered none of 3 requests" in said
    assert made
    assert silent.hits == 6


def test_a_factory_that_wraps_ours_counts_requests_once(
    server: HubServer, published: str, own_factory: Callable[[Callable[[], httpx2.Client]], None]
) -> None:
    connect().head(BOARD)
    own_factory(hub_http._GLOBAL_CLIENT_FACTORY.__call__)
    connect().head(BOARD)
    assert get_session().event_hooks["request"].count(bounds._before) == 1
    assert get_session().event_hooks["response"].count(bounds._after) == 1


def test_the_shared_client_is_closed_once(server: HubServer) -> None:
    connect().head(BOARD)
    client = get_session()
    connect().head(BOARD)
    assert get_session() is client


# What is wrong with the network


def test_an_unreachable_hub(server: HubServer) -> None:
    server.stop()
    assert message(lambda: find(f"hf://{REPO}"), UnreachableError) == (
        f"looking up hf://{REPO}: {server.url} cannot be reached. Check the network and HF_ENDPOINT, then try again."
    )


def test_an_endpoint_that_is_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "huggingface.co")
    assert message(connect) == "HF_ENDPOINT is 'huggingface.co'; a hub's address begins with https://."


@pytest.mark.parametrize("moment", ["before", "half", "after"])
def test_a_line_that_always_breaks(server: HubServer, moment: str) -> None:
    server.fail("GET", "/refs", drop=moment, times=None)
    said = message(lambda: connect().pull_requests(BOARD))
    assert said in (
        f"listing the pull requests of {BOARD}: {server.url} closed the line half-way. Nothing incomplete was kept; "
        "try again.",
        f"listing the pull requests of {BOARD}: the hub answered none of 3 requests. Check the network and "
        "HF_ENDPOINT, then try again.",
    )


@pytest.mark.parametrize("route", ["/api/models", "/tree/", "/resolve/"])
def test_a_login_page_instead_of_the_hub(server: HubServer, published: str, route: str, quick_retries: None) -> None:
    """A captive portal answers everything with its page and status 200."""
    server.fail("*", route, status=200, body=HTML, headers={"Content-Type": "text/html"}, times=None)
    said = message(lambda: find(f"hf://{REPO}"))
    assert said.endswith(
        f": {server.url} answered with something else than a hub does (a login page of the network?). Open it in a "
        "browser, check HF_ENDPOINT, then try again."
    )
    assert kept() == []


@pytest.mark.parametrize("body", [b"[]", b"{}", b'"x"', b"null", b'{"id": "x", "sha": "main"}', b"\xff"])
@pytest.mark.parametrize("route", ["/revision/", "/tree/"])
def test_json_of_another_shape(server: HubServer, published: str, route: str, body: bytes) -> None:
    server.fail("GET", route, status=200, body=body, times=None)
    empty = route == "/tree/" and body in (b"[]", b"{}")
    words = "has no file config.json; it has none at all." if empty else "answered with something else than a hub does"
    assert words in message(lambda: find(f"hf://{REPO}"))
    server.heal()
    assert find(f"hf://{REPO}").trial == 0


def test_an_error_page_before_the_commit_is_tried_again(server: HubServer) -> None:
    server.fail("POST", "/validate-yaml", status=502, body=HTML, headers={"Content-Type": "text/html"})
    connect().commit(BOARD, {"README.md": b"---\nlicense: mit\n---\n"}, "card", None)
    assert server.history(BOARD.repo_id, "dataset") == ["card", "initial commit"]


def test_a_card_with_bad_front_matter_is_refused(server: HubServer) -> None:
    said = message(lambda: connect().commit(BOARD, {"README.md": b"---\na: [\n---\n"}, "card", None))
    assert said.startswith(f"committing to {BOARD}: Invalid metadata in README.md.\n- while parsing")


# What is wrong with a file


def test_wrong_content_is_fetched_once_more(server: HubServer, published: str) -> None:
    size = server.repo(REPO).resolve("main").files["model.safetensors"].size
    fault = server.fail("GET", "/resolve/.*safetensors", body=b"x" * size)
    assert motifzoo.load(f"hf://{REPO}")
    assert fault.hits == 1


def test_wrong_content_is_never_kept(server: HubServer, published: str) -> None:
    size = server.repo(REPO).resolve("main").files["model.safetensors"].size
    server.fail("*", "/resolve/.*safetensors", body=b"\x80\x02".ljust(size), times=None)
    assert message(lambda: find(f"hf://{REPO}")) == (
        f"fetching model.safetensors of hf://{REPO}@{published}: its content is not what the hub lists (damaged on the "
        "way, or something between changes it). It was removed from the cache; try again, without HF_HUB_OFFLINE."
    )
    assert kept() == ["config.json"]
    server.heal()
    assert motifzoo.load(f"hf://{REPO}")


@pytest.mark.parametrize("fault", [{"truncate": True}, {"body": HTML}, {"body": b""}])
def test_content_of_another_length_is_never_kept(server: HubServer, published: str, fault: dict[str, Any]) -> None:
    server.fail("GET", "/resolve/.*safetensors", times=None, **fault)
    assert message(lambda: find(f"hf://{REPO}")) == (
        f"fetching model.safetensors of hf://{REPO}@{published}: what came is not as long as the hub says (cut off on "
        "the way, or a page of the network instead). Nothing of it was kept; try again."
    )
    assert kept() == ["config.json"]
    server.heal()
    assert motifzoo.load(f"hf://{REPO}")


def kept() -> list[str]:
    """Files of the model in the cache, half ones included."""
    folder = cache.repo_folder(MODEL)
    assert not list(folder.rglob("*incomplete*"))
    return [path.name for path in folder.glob("snapshots/*/*")]


def test_a_file_gone_from_the_hub(server: HubServer, published: str) -> None:
    server.fail("*", "/resolve/.*safetensors", status=404, headers={"X-Error-Code": "EntryNotFound"}, times=None)
    assert message(lambda: find(f"hf://{REPO}")) == (
        f"fetching model.safetensors of hf://{REPO}@{published}: model repository {REPO} has no such file at this "
        f"revision. {server.url}/{REPO} lists what it has."
    )


def test_a_token_that_the_hub_does_not_know(server: HubServer, published: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_stranger")
    words = (
        "the hub does not accept your token: it is expired, revoked or mistyped. To renew it, log in with "
        "`hf auth login` or set HF_TOKEN."
    )
    assert message(lambda: connect().whoami()) == f"asking the hub who you are: {words}"
    assert message(lambda: find(f"hf://{REPO}")) == f"looking up hf://{REPO}: {words}"


def test_a_revision_that_is_not_there(server: HubServer, published: str) -> None:
    assert message(lambda: find(f"hf://{REPO}@v9")) == (
        f"looking up hf://{REPO}@v9: model repository {REPO} has no revision 'v9'. {server.url}/{REPO} lists what it "
        "has."
    )
    assert "has no revision" in message(lambda: find(f"hf://{REPO}@{'0' * 40}"))


@pytest.mark.parametrize("user", [None, "alice"])
def test_private_and_gated_repositories(
    server: HubServer, published: str, user: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    if user:
        monkeypatch.setenv("HF_TOKEN", f"hf_{user}")
    log_in = "log in with `hf auth login` or set HF_TOKEN."
    server.repo(REPO).private = True
    assert message(lambda: find(f"hf://{REPO}")) == f"looking up hf://{REPO}: {server.url} has no model repository " + (
        f"{REPO}, or it is private and your token may not see it. Check the name."
        if user
        else f"{REPO}, or it is private. Check the name; if it is private, {log_in}"
    )
    server.repo(REPO).private = False
    server.repo(REPO).gated = True
    assert message(lambda: find(f"hf://{REPO}")) == (
        f"fetching config.json of hf://{REPO}@{published}: the owner of model repository {REPO} grants access on "
        f"request. Ask for it at {server.url}/{REPO}" + ("." if user else f", then {log_in}")
    )


# A commit whose answer is lost


def test_a_commit_whose_answer_is_lost_is_found(server: HubServer) -> None:
    hub = connect()
    parent = hub.head(BOARD)
    lost = server.fail("POST", "/commit/", drop="after")
    made = hub.commit(BOARD, {"a": b"1", "b.parquet": b"PAR1"}, "add", parent)
    assert lost.hits == 1
    assert made.sha == hub.head(BOARD)
    assert made.url == f"{server.url}/datasets/{BOARD.repo_id}/commit/{made.sha}"
    assert server.history(BOARD.repo_id, "dataset") == ["add", "initial commit"]


def test_a_commit_that_arrived_before_the_lost_answer_is_found_below_others(server: HubServer) -> None:
    hub = connect()
    parent = hub.head(BOARD)
    server.fail("POST", "/commit/", drop="after")
    server.on("GET", "/commits/", lambda: server.commit(BOARD.repo_id, {"theirs": b"2"}, "dataset", title="theirs"))
    made = hub.commit(BOARD, {"a": b"1"}, "add", parent)
    assert hub.files(BOARD, made.sha).keys() == {".gitattributes", "a"}
    assert server.history(BOARD.repo_id, "dataset") == ["theirs", "add", "initial commit"]


def test_a_commit_that_never_arrived_is_sent_again(server: HubServer) -> None:
    hub = connect()
    server.fail("POST", "/commit/", drop="before", times=2)
    hub.commit(BOARD, {"a": b"1"}, "add", hub.head(BOARD))
    assert server.history(BOARD.repo_id, "dataset") == ["add", "initial commit"]


def test_somebody_elses_commit_is_not_taken_for_ours(server: HubServer) -> None:
    hub = connect()
    parent = hub.head(BOARD)
    server.commit(BOARD.repo_id, {"a": b"theirs", "gone": b"1"}, "dataset", title="add")
    with pytest.raises(LostRaceError):
        hub.commit(BOARD, {"a": b"1"}, "add", parent)
    with pytest.raises(LostRaceError):
        hub.commit(BOARD, {"a": b"theirs", "gone": None}, "add", parent)
    assert server.files(BOARD.repo_id, "dataset") == {"a": b"theirs", "gone": b"1"}


def test_a_pull_request_whose_answer_is_lost_is_not_made_twice(server: HubServer) -> None:
    hub = connect(token="hf_alice")
    hub.commit(BOARD, {"a": b"0"}, "add", None, as_pull_request=True)
    server.fail("POST", "/commit/", drop="after")
    made = hub.commit(BOARD, {"a": b"1"}, "add", None, as_pull_request=True)
    assert made.pull_request == 2
    assert made == (made.sha, f"{server.url}/datasets/{BOARD.repo_id}/discussions/2", 2)
    assert len(server.discussions(BOARD.repo_id)) == 2
    server.fail("POST", "/commit/", status=503)
    assert hub.commit(BOARD, {"b": b"1"}, "add b", None, as_pull_request=True).pull_request == 3
