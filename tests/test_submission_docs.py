"""docs/submitting.md: every command in it runs, in its order, and the tables say what the code does."""

import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hub_server import HubServer, point_at

from motifzoo.evaluate import targets
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.submission.checks import check_folder
from motifzoo.evaluate.leaderboard.submission.limits import LIMITS
from motifzoo.zoo import layer_specs, layers

DOCS = Path(__file__).parent.parent / "docs"
TEXT = (DOCS / "submitting.md").read_text(encoding="utf-8")
BOARD = "hf://motifzoo/leaderboard"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    return [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in, few sequences to explain, and a hub with an empty board."""
    monkeypatch.setattr(targets, "SEQUENCES", 4)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with HubServer(tmp_path / "hub") as server:
        server.create(BOARD.removeprefix("hf://"), "dataset")
        point_at(monkeypatch, server, tmp_path / "home", "alice")
        yield tmp_path / "work"


def run(words: list[str]) -> str:
    if words[0] == "mkdir":
        Path(words[1]).mkdir()
        return ""
    if words[0] == "python":
        few = ["20" if word == "5000" else word for word in words[1:]]  # steps
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", few)
            runpy.run_path(few[0], run_name="__main__")
        return ""
    assert words[0] == "motifzoo"
    done = CliRunner().invoke(main, words[1:])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.slow
def test_the_commands_in_their_order(workplace: Path) -> None:
    """From the template to a pull request on the hub."""
    told = {" ".join(words): run(words) for words in commands()}
    assert len(told) == 7
    assert "Nothing was proposed." in told["motifzoo submit my-model --benchmark synthetic-codes@1 --dry-run"]
    shown = told["motifzoo leaderboard show --board board"]
    assert "dilated-exponential" in shown.replace("\n", "")
    assert {record.submitter for record in open_board("board").snapshot().records.values()} == {"my-name"}
    (proposal,) = open_board(BOARD).proposals()
    _, sizes = open_board(BOARD).proposal_files(proposal.id)
    name = "dilated-exponential.synthetic-codes"
    assert {f"results/synthetic-codes@1/{name}/trial-{trial}.json" for trial in range(3)} <= set(sizes)
    assert f"models/{name}/trial-2/model.safetensors" in sizes


def test_the_snippet_makes_a_submission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (snippet,) = blocks("python")
    exec(snippet, {})
    assert check_folder(tmp_path / "my-export").architecture == "plain"


def test_every_layer_is_listed() -> None:
    table = TEXT.split("## What the network may be made of")[1].split("## What the folder holds")[0]
    for module in layer_specs.MODULES:
        assert f"`{module.__name__}" in table, module
    for kind in layers.Layer.__origin__.__args__:  # type: ignore[attr-defined]
        assert f"`{kind.model_fields['kind'].default}`" in table, kind


def test_the_limits_are_those_of_the_code() -> None:
    text = " ".join(TEXT.split())
    for said in (
        f"{LIMITS.weights_bytes // 10**6} MB a weights file and {LIMITS.folder_bytes // 10**6} MB in all",
        f"{LIMITS.trials} trials, {LIMITS.filters:,} filters in the studied layer",
        f"{LIMITS.numbers:,} activations of one sequence",
        f"{LIMITS.recurrent} LSTM layers",
    ):
        assert said in text
    assert LIMITS.operations == 1e15
    assert "10^15 operations" in text


def test_links_are_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (DOCS / target).is_file(), target
