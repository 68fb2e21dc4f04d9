"""`motifzoo publish` to the hub for tests, through the real client: what arrives, what never does, and what loads."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from hub_server import HubServer, point_at
from huggingface_hub import HfApi, parse_eval_result_entries
from model_folders import ModelFactory

import motifzoo
from motifzoo.data_cards.cards import card_folder
from motifzoo.data_cards.motifs import content_hash, search_database
from motifzoo.errors import BoardError, DataError, HubError, ModelError, MotifzooError, UnknownNameError
from motifzoo.evaluate.cli.publish import publish as command
from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.exports import exports
from motifzoo.evaluate.leaderboard.record import Record
from motifzoo.evaluate.protocol import PROTOCOL
from motifzoo.evaluate.publish import publish as publishing
from motifzoo.evaluate.publish import push as pushing
from motifzoo.evaluate.publish.files import collect
from motifzoo.evaluate.publish.publish import publish
from motifzoo.zoo.config import read_config

NAME = "tiny-relu.synthetic-codes"
ORG = "hf://motifzoo"
SCORES = ".eval_results/synthetic-codes@1.yaml"
TABLES = {"train.parquet", "valid.parquet", "test.parquet"}
SITE = ("index.html", "style.css", "models/a.html")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer(tmp_path / "hub") as running:
        point_at(monkeypatch, running, tmp_path / "home", "maintainer")
        yield running


@pytest.fixture
def model(make_model: ModelFactory) -> Path:
    """The folder of a model of two trials with a card."""
    folder = make_model(NAME, trials=2)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# A tiny model\n")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    for name in SITE:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def error(*arguments: Any, kind: type[MotifzooError] = HubError, **settings: Any) -> str:
    with pytest.raises(kind) as caught:
        list(publish(*map(str, arguments), **settings))
    return str(caught.value)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def record(folder: Path, trial: int = 0, **changes: Any) -> Record:
    """A record of a trial in a model folder."""
    config = read_config(folder)
    fields: dict[str, Any] = {
        "benchmark": "synthetic-codes@1",
        "model": config.name,
        "trial": trial,
        "architecture": config.architecture,
        "activation": config.activation,
        "dataset": config.dataset.name,
        "metrics": {"classification/auroc": 0.9, "filters/match_fraction": 0.5},
        "n": {"classification/auroc": 4000, "filters/match_fraction": 6},
        "model_sha256": config.trial(trial).sha256,
        "data_fingerprint": config.dataset.fingerprint,
        "motifs_sha256": content_hash(search_database()),
        "protocol": PROTOCOL,
        "versions": {"motifzoo": "0.1.0"},
        "device": "cpu",
        "command": f"motifzoo evaluate {config.name}:{trial} --device cpu",
        "source": "packaged",
        "submitter": "motifzoo",
        "submitted": "2026-11-22T12:00:00+00:00",
    }
    return Record(**fields | changes)


def write_board(folder: Path, *records: Record) -> Path:
    for item in records:
        path = folder / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.to_json())
    return folder


# Models


def test_a_model_folder_is_published_and_loads(server: HubServer, model: Path) -> None:
    (done,) = publish(str(model), ORG)
    assert str(done.address) == f"hf://motifzoo/{NAME}"
    assert server.history(f"motifzoo/{NAME}") == [f"Publish {NAME}", "initial commit"]
    assert server.files(f"motifzoo/{NAME}") == {
        path.relative_to(model).as_posix(): path.read_bytes() for path in model.rglob("*") if path.is_file()
    }
    x = torch.eye(4)[torch.arange(200) % 4].T.unsqueeze(0)
    for trial in (0, 1):
        theirs = motifzoo.load(f"hf://motifzoo/{NAME}@{done.commit}:{trial}")
        assert torch.equal(theirs(x), motifzoo.load(f"{model}:{trial}")(x))


def test_only_what_changed_is_sent_and_nothing_twice(server: HubServer, model: Path) -> None:
    list(publish(str(model), ORG))
    server.requests.clear()
    (again,) = publish(str(model), ORG)
    assert (again.changes, again.unchanged, again.commit) == ((), 4, None)
    assert server.asked("POST", "") == 0
    (model / "README.md").write_text("---\nlicense: mit\n---\nnew\n")
    (third,) = publish(str(model), ORG)
    assert [(change.path, change.action) for change in third.changes] == [("README.md", "change")]
    assert third.unchanged == 3
    assert len(server.history(f"motifzoo/{NAME}")) == 3


def test_packaged_models_are_published_by_pattern(server: HubServer) -> None:
    found = list(publish("cnn-local-*.synthetic-codes", ORG))
    assert [str(done.address) for done in found] == [
        f"{ORG}/{name}" for name in motifzoo.list_models("cnn-local-*.synthetic-codes")
    ]
    assert motifzoo.load(f"{found[0].address}:1")
    assert error("cnn-local-*.synthetic-codes", f"{ORG}/one") == (
        "hf://motifzoo/one is one repository, and there are several models to publish. Give hf://ORG alone."
    )


def test_weights_that_the_config_does_not_name_are_left_out_and_go(server: HubServer, model: Path) -> None:
    list(publish(str(model), ORG))
    config = json.loads((model / "config.json").read_text())
    config["trials"] = config["trials"][:1]
    (model / "config.json").write_text(json.dumps(config))
    (done,) = publish(str(model), ORG)
    assert done.left_out == ("trial-1/model.safetensors",)
    assert [(change.path, change.action) for change in done.changes] == [
        ("config.json", "change"),
        ("trial-1/model.safetensors", "delete"),
    ]
    assert "trial-1/model.safetensors" not in server.files(f"motifzoo/{NAME}")


def test_what_others_put_beside_a_model_stays(server: HubServer, model: Path) -> None:
    server.commit(f"motifzoo/{NAME}", {"thanks.md": b"1", ".eval_results/other.yaml": b"- 1\n"})
    list(publish(str(model), ORG))
    assert {"thanks.md", ".eval_results/other.yaml"} <= server.files(f"motifzoo/{NAME}").keys()


def test_a_model_shows_the_scores_of_exactly_its_weights(server: HubServer, model: Path, tmp_path: Path) -> None:
    board = write_board(tmp_path / "board", record(model, 0), record(model, 1, model_sha256="b" * 64))
    list(publish(str(model), ORG, board=board))
    entries = parse_eval_result_entries(yaml.safe_load(server.files(f"motifzoo/{NAME}")[SCORES]))
    assert {(entry.dataset_id, entry.value) for entry in entries} >= {("motifzoo/synthetic-codes", 0.9)}
    other = write_board(tmp_path / "other", record(model, 0, model_sha256="b" * 64))
    list(publish(str(model), f"{ORG}/second", board=other))
    assert not any(path.startswith(".eval_results") for path in server.files("motifzoo/second"))


def test_a_model_without_its_weights_or_card_is_refused(server: HubServer, model: Path) -> None:
    card = (model / "README.md").read_text()
    (model / "README.md").unlink()
    assert error(model, ORG, kind=ModelError) == (
        f"{model} has no README.md, the model's card. `motifzoo submit` and training write one."
    )
    (model / "README.md").write_text(card)
    (model / "trial-1" / "model.safetensors").write_bytes((model / "model.safetensors").read_bytes())
    assert "these are not the weights that were published" in error(model, ORG, kind=ModelError)
    (model / "trial-1" / "model.safetensors").unlink()
    assert "does not exist" in error(model, ORG, kind=ModelError)
    assert server.files(f"motifzoo/{NAME}") == {}


# Data sets


LOAD = """
import json, sys
from datasets import disable_progress_bars, load_dataset
disable_progress_bars()
found = {name: load_dataset(name) for name in sys.argv[1:]}
print(json.dumps({name: {split: [len(rows), rows[0]] for split, rows in data.items()} for name, data in found.items()}))
"""


def load_datasets(*names: str) -> Any:
    """What `datasets.load_dataset` makes of repositories, in a process of its own: it reads HF_ENDPOINT on import."""
    command = [sys.executable, "-c", LOAD, *names]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def test_data_sets_are_published_and_load(server: HubServer) -> None:
    names = ("dhs-4cell", "synthetic-codes")
    for name in names:
        (done,) = publish(name, "hf://datasets/motifzoo")
        assert str(done.address) == f"hf://datasets/motifzoo/{name}"
        files = server.files(f"motifzoo/{name}", "dataset").keys()
        assert {"README.md", "card.toml", "croissant.json", "eval.yaml", "audit.json"} < files
        assert {path for path in files if path.endswith(".parquet")} == TABLES
    for name, loaded in load_datasets(*(f"motifzoo/{name}" for name in names)).items():
        local = motifzoo.load_dataset(name.removeprefix("motifzoo/"))
        for split, public in (("train", "train"), ("valid", "validation"), ("test", "test")):
            size, first = loaded[public]
            table = local.split(split).to_arrow()
            assert size == len(table)
            assert (first["sequence"], first["label"]) == (table["sequence"][0].as_py(), table["label"][0].as_py())


def test_a_published_board_is_read_as_one_and_loads(server: HubServer, model: Path, tmp_path: Path) -> None:
    rows = [record(model, trial) for trial in (0, 1)]
    (done,) = publish(str(write_board(tmp_path / "board", *rows)), "hf://datasets/motifzoo")
    snapshot = open_board("hf://motifzoo/leaderboard").snapshot()
    assert snapshot.revision == done.commit
    assert dict(snapshot.records) == {str(row.path): row for row in rows}
    assert snapshot.problems == []
    (loaded,) = load_datasets("motifzoo/leaderboard").values()
    ((size, first),) = loaded.values()
    assert size == sum(len(row.metrics) for row in rows)
    assert first["model"] == NAME


def test_a_data_set_that_did_not_change_is_not_sent_again(server: HubServer) -> None:
    list(publish("synthetic-codes", "hf://datasets/motifzoo"))
    (again,) = publish("synthetic-codes", "hf://datasets/motifzoo")
    assert again.changes == ()


def test_the_pages_of_a_published_data_set_know_its_tables_and_its_audit(server: HubServer) -> None:
    list(publish("synthetic-codes", "hf://datasets/motifzoo"))
    croissant = json.loads(server.files("motifzoo/synthetic-codes", "dataset")["croissant.json"])
    assert [file["name"] for file in croissant["distribution"]] == ["train.parquet", "valid.parquet", "test.parquet"]
    packaged = json.loads((card_folder("synthetic-codes") / "croissant.json").read_text())
    assert croissant["rai:dataBiases"] == packaged["rai:dataBiases"]


def test_data_that_may_not_be_passed_on_is_not(server: HubServer) -> None:
    folder = card_folder("deepsea-tf12")
    assert error("deepsea-tf12", ORG, kind=DataError) == (
        "data set 'deepsea-tf12' states no licence (not stated upstream), so nobody may pass it on. State one in "
        f"{folder / 'card.toml'} if you have the right to, then publish it."
    )
    assert server.files("motifzoo/deepsea-tf12", "dataset") == {}


# A leaderboard


def test_a_board_is_published_and_joins_what_others_brought(server: HubServer, model: Path, tmp_path: Path) -> None:
    mine, theirs = record(model, 0), record(model, 1, submitter="alice")
    board = write_board(tmp_path / "board", mine)
    details = board / "results/synthetic-codes@1" / NAME / "trial-0"
    details.mkdir()
    (details / "filters.meme").write_text("MEME version 4\n")
    server.commit("motifzoo/leaderboard", {str(theirs.path): theirs.to_json()}, "dataset")
    (done,) = publish(str(board), "hf://datasets/motifzoo")
    files = server.files("motifzoo/leaderboard", "dataset")
    assert files[str(mine.path)] == mine.to_json()
    assert files[str(theirs.path)] == theirs.to_json()
    assert files[f"results/synthetic-codes@1/{NAME}/trial-0/filters.meme"] == b"MEME version 4\n"
    assert {"README.md", "results.parquet", f"eval_results/{NAME}/synthetic-codes@1.yaml"} <= files.keys()
    assert server.history("motifzoo/leaderboard", "dataset")[0] == "Publish leaderboard"
    assert done.commit
    (again,) = publish(str(board), "hf://datasets/motifzoo")
    assert again.changes == ()


def test_a_verification_on_the_hub_is_not_undone(server: HubServer, model: Path, tmp_path: Path) -> None:
    claimed = record(model)
    verified = claimed.model_copy(update={"trust": "recomputed"})
    board = write_board(tmp_path / "board", claimed)
    server.commit("motifzoo/leaderboard", {str(claimed.path): verified.to_json()}, "dataset")
    list(publish(str(board), "hf://datasets/motifzoo"))
    assert server.files("motifzoo/leaderboard", "dataset")[str(claimed.path)] == verified.to_json()
    other = record(model, metrics={"classification/auroc": 0.95}, n={"classification/auroc": 4000})
    list(publish(str(write_board(board, other)), "hf://datasets/motifzoo"))
    assert server.files("motifzoo/leaderboard", "dataset")[str(claimed.path)] == other.to_json()


def test_somebody_elses_record_is_not_overwritten(server: HubServer, model: Path, tmp_path: Path) -> None:
    theirs = record(model, submitter="alice", model_sha256="b" * 64)
    server.commit("motifzoo/leaderboard", {str(theirs.path): theirs.to_json()}, "dataset")
    board = write_board(tmp_path / "board", record(model))
    assert error(board, "hf://datasets/motifzoo", kind=BoardError) == (
        f"{theirs.path} stands on the hub with other weights, by alice; ours is by motifzoo. Give our model another "
        "name, or take its record out."
    )
    assert server.history("motifzoo/leaderboard", "dataset") == ["change", "initial commit"]


def test_a_broken_record_on_the_hub_stays_and_breaks_nothing(server: HubServer, model: Path, tmp_path: Path) -> None:
    broken = str(record(model, 1).path)
    server.commit("motifzoo/leaderboard", {broken: b"{}"}, "dataset")
    list(publish(str(write_board(tmp_path / "board", record(model))), "hf://datasets/motifzoo"))
    files = server.files("motifzoo/leaderboard", "dataset")
    assert files[broken] == b"{}"
    assert str(record(model).path) in files


def test_details_and_model_folders_follow_their_records(server: HubServer, model: Path, tmp_path: Path) -> None:
    mine = record(model)
    verified = mine.model_copy(update={"trust": "recomputed"})
    board = write_board(tmp_path / "board", mine)
    details, card = f"{mine.path.with_suffix('')}/hits.tsv", f"models/{NAME}/README.md"
    for path in (details, card, "models/x.y/README.md"):
        (board / path).parent.mkdir(parents=True, exist_ok=True)
        (board / path).write_text("mine")
    server.commit("motifzoo/leaderboard", {str(mine.path): verified.to_json()}, "dataset")
    list(publish(str(board), "hf://datasets/motifzoo"))
    assert b"mine" not in server.files("motifzoo/leaderboard", "dataset").values()
    server.commit("motifzoo/leaderboard", {str(mine.path): mine.to_json()}, "dataset")
    list(publish(str(board), "hf://datasets/motifzoo"))
    sent = {path for path, text in server.files("motifzoo/leaderboard", "dataset").items() if text == b"mine"}
    assert sent == {details, card}


def test_a_board_that_others_change_meanwhile_is_joined_anew(
    server: HubServer, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "_PAUSE_SECONDS", 0.0)
    mine, theirs = record(model, 0), record(model, 1)
    board = write_board(tmp_path / "board", mine)
    server.on(
        "POST",
        "/commit/",
        lambda: server.commit("motifzoo/leaderboard", {str(theirs.path): theirs.to_json()}, "dataset"),
        times=2,
    )
    list(publish(str(board), "hf://datasets/motifzoo"))
    files = server.files("motifzoo/leaderboard", "dataset")
    assert {path: files[path] for path in map(str, (mine.path, theirs.path))} == {
        str(mine.path): mine.to_json(),
        str(theirs.path): theirs.to_json(),
    }
    joined = exports({str(item.path): item for item in (mine, theirs)}, f"{server.url}/datasets/motifzoo/leaderboard")
    assert {path: files[path] for path in joined} == joined


# A site


def test_a_site_becomes_a_static_space(server: HubServer, site: Path) -> None:
    (done,) = publish(str(site), "hf://spaces/motifzoo/page")
    files = server.files("motifzoo/page", "space")
    assert files.keys() == {*SITE, "README.md"}
    assert b"\nsdk: static\n" in files["README.md"]
    assert server.repo("motifzoo/page", "space").sdk == "static"
    (site / "models" / "a.html").unlink()
    (done,) = publish(str(site), "hf://spaces/motifzoo/page")
    assert [(change.path, change.action) for change in done.changes] == [("models/a.html", "delete")]


def test_a_site_with_front_matter_of_its_own_keeps_it(server: HubServer, site: Path) -> None:
    (site / "README.md").write_text("---\ntitle: mine\nsdk: static\n---\n")
    list(publish(str(site), "hf://spaces/motifzoo"))
    assert server.files("motifzoo/leaderboard", "space")["README.md"] == b"---\ntitle: mine\nsdk: static\n---\n"
    (site / "index.html").unlink()
    assert error(site, ORG).startswith(f"{site} is nothing to publish")


# What is never sent


def test_hidden_temporary_foreign_and_secret_files_are_left_out(tmp_path: Path) -> None:
    kept = ["a.json", "b/c.md", "design-tokens.css"]
    left = [
        ".env",
        "b/.DS_Store",
        "b/c.md~",
        "credentials.json",
        "evil.py",
        "hf_token.txt",
        "model.pt",
        "notes.json.swp",
        "secrets.yaml",
    ]
    for name in (*kept, *left, ".git/config.json", "__pycache__/x.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "linked.json").symlink_to(tmp_path / "a.json")
    (tmp_path / "linked").symlink_to(tmp_path / "b", target_is_directory=True)
    found = collect(tmp_path, (".json", ".md", ".css", ".yaml", ".txt"))
    assert sorted(found.files) == kept
    assert sorted(found.left_out) == sorted([*left, "linked.json", "linked/", ".git/", "__pycache__/"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("hf_" + "a" * 34, "an access token of a hub"),
        ("ghp_" + "a" * 36, "an access token of GitHub"),
        ("AKIA" + "A" * 16, "an access key of Amazon"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "a private key"),
        ("hf_maintainer", "your own access token"),
    ],
)
def test_a_secret_in_a_file_stops_everything(server: HubServer, model: Path, text: str, what: str) -> None:
    (model / "README.md").write_text(f"---\nlicense: mit\n---\nlog in with {text}\n")
    assert error(model, ORG) == f"README.md holds what looks like {what}. Remove it; nothing was published."
    assert server.files(f"motifzoo/{NAME}") == {}


# The hub


def test_a_dry_run_sends_nothing(server: HubServer, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    (done,) = publish(str(model), ORG, dry_run=True)
    sizes = {path.relative_to(model).as_posix(): path.stat().st_size for path in model.rglob("*") if path.is_file()}
    assert {change.path: change.bytes for change in done.changes} == sizes
    assert {change.action for change in done.changes} == {"add"}
    assert (done.commit, done.url) == (None, None)
    assert server.repos == {}
    assert server.asked("POST", "") == 0


def test_publishing_needs_an_account(server: HubServer, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert error(model, ORG) == ("publishing needs an account on the hub: log in with `hf auth login` or set HF_TOKEN.")
    monkeypatch.setenv("HF_TOKEN", "hf_alice")
    assert error(model, ORG) == (
        f"making hf://motifzoo/{NAME}: the hub forbids it (\"You don't have the rights to create a model under the "
        f'namespace "motifzoo""). Use a token with write access to motifzoo ({server.url}/settings/tokens), or ask its '
        "owner for the right."
    )
    assert server.repos == {}


def test_a_lost_race_is_run_again_on_the_new_state(
    server: HubServer, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "_PAUSE_SECONDS", 0.0)
    server.create(f"motifzoo/{NAME}")
    readme = (model / "README.md").read_bytes()

    def other() -> None:
        server.commit(f"motifzoo/{NAME}", {"README.md": readme, "theirs.md": b"1"})

    server.on("POST", "/commit/", other)
    (done,) = publish(str(model), ORG)
    assert "README.md" not in {change.path for change in done.changes}
    assert server.files(f"motifzoo/{NAME}").keys() == {
        "README.md",
        "theirs.md",
        "config.json",
        "model.safetensors",
        "trial-1/model.safetensors",
    }


def test_races_that_are_always_lost_end(server: HubServer, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushing, "_PAUSE_SECONDS", 0.0)
    fault = server.fail("POST", "/commit/", status=412, times=None)
    assert error(model, ORG) == (
        f"publishing {NAME} to hf://motifzoo/{NAME}: others committed 8 times in between. Nothing was lost; try again."
    )
    assert fault.hits == 8


def test_a_commit_whose_answer_is_lost_is_not_made_twice(server: HubServer, model: Path) -> None:
    server.fail("POST", "/commit/", drop="after")
    (done,) = publish(str(model), ORG)
    assert done.commit == HfApi(endpoint=server.url, token="hf_maintainer").model_info(f"motifzoo/{NAME}").sha
    assert len(server.history(f"motifzoo/{NAME}")) == 2


def test_private_repositories(server: HubServer, model: Path) -> None:
    list(publish(str(model), ORG, private=True))
    assert server.repo(f"motifzoo/{NAME}").private


# What is meant


def test_wrong_names_and_places(server: HubServer, model: Path, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert error(tmp_path / "nothing", ORG) == (
        f"{tmp_path / 'nothing'} is nothing to publish: a model has config.json, a data set card.toml, a leaderboard "
        "results/, a site index.html."
    )
    assert error("./none", ORG) == "folder ./none does not exist."
    assert error("none-*", ORG, kind=UnknownNameError) == (
        "no packaged model matches 'none-*'. `motifzoo models` lists them."
    )
    assert error("synthetic-code", ORG, kind=UnknownNameError).startswith(
        "unknown model, data set or folder 'synthetic-code': did you mean 'synthetic-codes'"
    )
    assert error(model, "hf://datasets/motifzoo/x") == (
        f"{NAME} belongs into a model repository. Publish it to hf://motifzoo/x."
    )
    assert error("dhs-4cell", "hf://models/motifzoo") == (
        "dhs-4cell belongs into a dataset repository. Publish it to hf://datasets/motifzoo/dhs-4cell."
    )
    assert error(model, "hf://motifzoo/x@v1") == (
        "hf://motifzoo/x@v1 names a revision. What is published becomes the newest: leave out @v1."
    )
    assert error(model, "motifzoo/x").startswith("'motifzoo/x' is no address on a hub.")
    assert server.requests == []


def test_the_board_of_motifzoo_is_published_by_its_name(
    server: HubServer, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("motifzoo.evaluate.leaderboard.boards.EMBEDDED", write_board(tmp_path / "b", record(model)))
    (done,) = publish(publishing.BOARD, ORG)
    assert str(done.address) == "hf://datasets/motifzoo/leaderboard"


# The command


def test_the_command_prints_what_it_did(server: HubServer, model: Path) -> None:
    (model / "notes.py").write_text("x")
    dry = run(model, "--to", ORG, "--dry-run")
    assert dry.exit_code == 0, dry.output
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file() and path.suffix != ".py")
    assert f"hf://motifzoo/{NAME}: 4 files, {size:,} bytes would be published" in " ".join(dry.stdout.split())
    assert "trial-1/model.safetensors" in dry.stdout
    assert dry.stderr == "left out: notes.py\n"
    real = run(model, "--to", ORG)
    commit = server.repo(f"motifzoo/{NAME}").resolve("main").sha
    assert real.stdout == (
        f"hf://motifzoo/{NAME}: 4 files, {size:,} bytes published, {server.url}/motifzoo/{NAME}/commit/{commit}\n"
    )
    again = run(model, "--to", ORG)
    assert again.stdout == f"hf://motifzoo/{NAME}: nothing to publish, all 4 files are there already\n"


def test_the_command_prints_json(server: HubServer, model: Path) -> None:
    (found,) = json.loads(run(model, "--to", ORG, "--json").stdout)
    assert {key: found[key] for key in ("name", "to", "unchanged", "left_out")} == {
        "name": NAME,
        "to": f"hf://motifzoo/{NAME}",
        "unchanged": 0,
        "left_out": [],
    }
    assert found["commit"] == server.repo(f"motifzoo/{NAME}").resolve("main").sha
    assert found["changes"][0] == {
        "path": "README.md",
        "action": "add",
        "bytes": (model / "README.md").stat().st_size,
    }
