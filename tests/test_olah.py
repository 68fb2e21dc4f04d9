"""What `motifzoo publish` wrote, served by another hub: olah, an independent mirror, from a folder of git clones."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hub_repos import Blob, is_lfs
from hub_server import HubServer, point_at

import motifzoo
from motifzoo.evaluate.publish.publish import publish
from motifzoo.zoo.hub.address import HubAddress
from motifzoo.zoo.hub.client import connect
from motifzoo.zoo.sources import find

pytest.importorskip("olah", reason="olah is the independent mirror")
pytestmark = pytest.mark.slow  # a server and `datasets` in processes of their own

MODEL = "cnn-local-relu.synthetic-codes"
DATASET = "synthetic-codes"
LOAD = """
import json, sys
from datasets import disable_progress_bars, load_dataset
disable_progress_bars()
data = load_dataset(sys.argv[1])
print(json.dumps({split: [len(rows), rows[0]["sequence"]] for split, rows in data.items()}))
"""
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "x"), ("EMAIL", "x@x"))
    },
}


def clone(server: HubServer, kind: str, name: str, folder: Path) -> str:
    """What `git clone` with git-lfs makes of a repository: pointers in git, contents beside it; returns the commit."""
    folder.mkdir(parents=True)

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, env=os.environ | GIT
        )
        return done.stdout.strip()

    git("init", "-q", "-b", "main")
    files = server.repo(name, kind).resolve("main").files
    for path, blob in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(pointer(blob, folder) if is_lfs(path) else blob.read())
    (folder / ".gitattributes").unlink()  # without git-lfs its filters do not exist
    git("add", "-A")
    git("commit", "-q", "-m", "published")
    return git("rev-parse", "HEAD")


def pointer(blob: Blob, folder: Path) -> bytes:
    kept = folder / ".git" / "lfs" / "objects" / blob.sha256[:2] / blob.sha256[2:4] / blob.sha256
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(blob.read())
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{blob.sha256}\nsize {blob.size}\n".encode()


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running mirror of a published model and data set: its `url`, and the commit of each by its kind."""
    root = tmp_path_factory.mktemp("olah")
    commits = {}
    with HubServer(root / "hub") as server, pytest.MonkeyPatch.context() as patch:
        point_at(patch, server, root / "home", "maintainer")
        list(publish(MODEL, "hf://motifzoo"))
        list(publish(DATASET, "hf://datasets/motifzoo"))
        for kind, name in (("model", MODEL), ("dataset", DATASET)):
            place = root / "clones" / f"{kind}s" / "motifzoo" / name
            commits[kind] = clone(server, kind, f"motifzoo/{name}", place)
    (root / "olah.toml").write_text(
        f'[basic]\nhost = "127.0.0.1"\nport = 0\nrepos-path = {json.dumps(str(root / "cache"))}\n'
        f"mirrors-path = [{json.dumps(str(root / 'clones'))}]\n[accessibility]\noffline = true\n"
    )
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", "olah.server", "-c", str(root / "olah.toml"), "--log-path", str(root / "logs")]
        process = subprocess.Popen(command, cwd=root, stdout=log, stderr=log, env=os.environ | GIT)
        try:
            yield {"url": _address(process, log.fileno()), **commits}
        finally:
            process.terminate()
            process.wait(timeout=20)


def _address(process: subprocess.Popen[bytes], log: int) -> str:
    """Where the mirror listens, as it says once it does."""
    for _ in range(600):
        said = os.pread(log, 1_000_000, 0).decode(errors="replace")
        if found := re.search(r"running on (http://127\.0\.0\.1:[0-9]+)", said):
            return found[1]
        assert process.poll() is None, said
        time.sleep(0.1)
    raise AssertionError(f"olah did not start:\n{said}")


@pytest.fixture(autouse=True)
def user(mirror: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", mirror["url"])
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_TOKEN", raising=False)


def test_a_published_model_loads_from_the_mirror(mirror: dict[str, str]) -> None:
    source = find(f"hf://motifzoo/{MODEL}:1")
    assert source.given == f"hf://motifzoo/{MODEL}@{mirror['model']}:1"
    x = torch.eye(4)[torch.arange(200) % 4].T.unsqueeze(0)
    assert torch.equal(motifzoo.load(source.given)(x), motifzoo.load(f"{MODEL}:1")(x))


def test_a_published_data_set_loads_from_the_mirror(mirror: dict[str, str]) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LOAD, f"motifzoo/{DATASET}"], capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    loaded = json.loads(answer.stdout)
    local = motifzoo.load_dataset(DATASET)
    for split, public in (("train", "train"), ("valid", "validation"), ("test", "test")):
        table = local.split(split).to_arrow()
        assert loaded[public] == [len(table), table["sequence"][0].as_py()]


def test_the_mirrors_listing_is_what_was_published(mirror: dict[str, str], tmp_path: Path) -> None:
    hub = connect()
    for kind, name in (("model", MODEL), ("dataset", DATASET)):
        address = HubAddress(kind, f"motifzoo/{name}")  # type: ignore[arg-type]
        commit = hub.resolve(address)
        assert commit == mirror[kind]
        folder = hub.fetch(address, commit, into=tmp_path / kind, max_bytes=10**9)
        listed = hub.files(address, commit)
        assert {path: (folder / path).stat().st_size for path in listed} == listed
