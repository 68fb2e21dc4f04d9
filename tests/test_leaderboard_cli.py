"""`motifzoo leaderboard show` and `export`."""

import json
from pathlib import Path
from typing import Any

import pytest
from board_records import record
from click.testing import CliRunner, Result
from hub_server import HubServer

from motifzoo.errors import BoardError, UnknownNameError
from motifzoo.evaluate.cli.leaderboard import leaderboard
from motifzoo.evaluate.leaderboard.record import Record

AUROC, MATCH, BEST_E = "classification/auroc", "filters/match_fraction", "filters/target_e"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(leaderboard, arguments, catch_exceptions=False)


def put(board: Path, *records: Record) -> None:
    for entry in records:
        (board / entry.path).parent.mkdir(parents=True, exist_ok=True)
        (board / entry.path).write_bytes(entry.to_json())


def trials(name: str, scores: list[float], **changes: Any) -> list[Record]:
    return [
        record(f"{name}.synthetic-codes", index, metrics={AUROC: value, MATCH: 1 - value}, **changes)
        for index, value in enumerate(scores)
    ]


@pytest.fixture
def board(tmp_path: Path) -> Path:
    put(
        tmp_path,
        *trials("cnn-a-relu", [0.90, 0.91, 0.92], trust="recomputed"),
        *trials("cnn-b-shift_scale_sigmoid", [0.89, 0.90, 0.92]),
        *trials("cnn-c-relu", [0.70, 0.71, 0.72]),
        *trials("cnn-d-relu", [0.60]),
        *trials("cnn-a-relu-untrained", [0.905, 0.90, 0.904], control="untrained"),
        *trials("cnn-e-relu", [0.99, 0.98], trust="disputed"),
    )
    return tmp_path


def test_the_table(board: Path) -> None:
    lines = [line.rstrip() for line in run("show", "--board", str(board)).output.splitlines()]
    assert lines[:10] == [
        "synthetic-codes@1  AUROC  classification/auroc",
        "rank  model                      score          tie  n  trust",
        " 1-3  cnn-a-relu                 0.910 ± 0.025  ┐    3  recomputed",
        " 1-3  cnn-b-shift_scale_sigmoid  0.903 ± 0.038  ┘    3  claimed",
        "   –  cnn-a-relu-untrained       0.903 ± 0.007       3  control",
        " 3-4  cnn-c-relu                 0.710 ± 0.025  ┐    3  claimed",
        " 1-4  cnn-d-relu                 0.600          ┘?   1  claimed",
        "   –  cnn-e-relu                 0.985 ± 0.064       2  disputed",
        "",
        "score     mean over a model's n trials, or those of them that have it, ± half of",
    ]
    assert "--metric  filters/match_fraction" in lines


def test_n_is_of_trials_also_where_a_score_is_undefined(tmp_path: Path) -> None:
    put(tmp_path, *trials("cnn-a-relu", [0.90, 0.91]))
    maps = {"metrics": {"attribution/saliency/auroc": 0.5}, "control": "random_attribution"}
    put(tmp_path, *(record("random-attribution.synthetic-codes", trial, **maps) for trial in range(3)))
    lines = [line.split() for line in run("show", "--board", str(tmp_path)).output.splitlines()]
    assert lines[3] == ["–", "random-attribution", "–", "3", "control"]
    rows = json.loads(run("show", "--board", str(tmp_path), "--json").output)
    assert [(row["trials"], row["n"]) for row in rows] == [(2, 2), (3, 0)]


def test_another_metric_turns_the_order(board: Path) -> None:
    output = run("show", "--board", str(board), "--metric", MATCH).output
    names = [line.split()[1] for line in output.splitlines()[2:8]]
    assert names[0] == "cnn-d-relu"
    assert names[-1] == "cnn-e-relu"


def test_the_same_as_json(board: Path) -> None:
    rows = json.loads(run("show", "--board", str(board), "--json").output)
    assert [row["model"] for row in rows][:2] == [
        "cnn-a-relu.synthetic-codes",
        "cnn-b-shift_scale_sigmoid.synthetic-codes",
    ]
    assert rows[0] == {
        "benchmark": "synthetic-codes@1",
        "metric": AUROC,
        "model": "cnn-a-relu.synthetic-codes",
        "architecture": "cnn-a",
        "activation": "relu",
        "variant": "",
        "position": 1,
        "best_rank": 1,
        "worst_rank": 3,
        "tie_group": 1,
        "tested": True,
        "trials": 3,
        "mean": pytest.approx(0.91),
        "sd": pytest.approx(0.01),
        "n": 3,
        "low": pytest.approx(0.91 - 4.302653 * 0.01 / 3**0.5),
        "high": pytest.approx(0.91 + 4.302653 * 0.01 / 3**0.5),
        "trust": "recomputed",
        "control": None,
        "outdated": False,
    }
    one = next(row for row in rows if row["model"].startswith("cnn-d"))
    assert (one["sd"], one["low"], one["tested"]) == (None, None, False)


def test_lower_is_better_and_e_values(tmp_path: Path) -> None:
    for name, value in (("cnn-a-relu", 3.2e-9), ("cnn-b-relu", 0.5)):
        values = (0.999 * value, 1.001 * value)
        put(
            tmp_path,
            *(record(f"{name}.synthetic-codes", trial, metrics={BEST_E: own}) for trial, own in enumerate(values)),
        )
    lines = [line.rstrip() for line in run("show", "--board", str(tmp_path), "--metric", BEST_E).output.splitlines()]
    assert lines[:4] == [
        "synthetic-codes@1  Best E of a known motif, lower is better  filters/target_e",
        "rank  model       score    tie  n  trust",
        "   1  cnn-a-relu  3.2e-09       2  claimed",
        "   2  cnn-b-relu  5.0e-01       2  claimed",
    ]


def test_the_longest_names_of_the_zoo_fit_80_columns(tmp_path: Path) -> None:
    names = [f"cnn-deep-shift_scale_sigmoid{end}" for end in ("", "-shuffled")] * 60
    put(tmp_path, *(entry for index, name in enumerate(names) for entry in trials(f"{name}-{index}", [0.9, 0.8])))
    output = run("show", "--board", str(tmp_path), "--benchmark", "synthetic-codes").output
    assert max(map(len, output.splitlines())) <= 80
    assert sum(line.rstrip().endswith("claimed") for line in output.splitlines()) == len(names)
    assert all(f"{name}-{index} " in output for index, name in enumerate(names))


def test_without_a_benchmark_each_table_is_short(tmp_path: Path) -> None:
    for benchmark in ("synthetic-codes@1", "synthetic-codes@2"):
        put(
            tmp_path,
            *(entry for index in range(13) for entry in trials(f"cnn-{index}-relu", [0.5], benchmark=benchmark)),
        )
    output = run("show", "--board", str(tmp_path)).output
    assert output.count("and 3 more: --benchmark synthetic-codes@") == 2
    newest = run("show", "--board", str(tmp_path), "--benchmark", "synthetic-codes").output
    assert newest.startswith("synthetic-codes@2")
    assert "synthetic-codes@1" not in newest
    assert newest.count("claimed\n") == 13


def test_names_cannot_style_or_move_the_terminal(tmp_path: Path) -> None:
    entry = record(architecture="[red]x[/red]", submitter="[bold]")
    put(tmp_path, entry)
    hostile = entry.to_json().replace(b"[bold]", rb"\u001b[2J")
    hostile = hostile.replace(b'"format"', rb'"\u001b]0;x\u0007": 1, "format"')
    (tmp_path / entry.path.with_name("trial-1.json")).write_bytes(hostile)
    output = run("show", "--board", str(tmp_path)).output
    assert "\x1b" not in output
    assert "\x07" not in output
    assert "trial-1.json is not a record: submitter: String should match pattern" in output


def test_bad_files_are_notices_and_the_rest_is_shown(board: Path) -> None:
    place = board / "results/synthetic-codes@1/cnn-z-relu.synthetic-codes"
    place.mkdir()
    for number in range(25):
        (place / f"trial-{number}.json").write_text('{"format": 3}')
    result = run("show", "--board", str(board))
    assert "cnn-a-relu " in result.stdout
    notices = result.stderr.splitlines()
    assert notices[0] == (
        "Notice: results/synthetic-codes@1/cnn-z-relu.synthetic-codes/trial-0.json is of record format 3 and this "
        "motifzoo reads up to 1. Update motifzoo."
    )
    assert notices[-1] == "Notice: 5 more files have problems like these."
    assert len(notices) == 21


def test_an_empty_board(tmp_path: Path) -> None:
    assert run("show", "--board", str(tmp_path)).output == (
        f"Board {tmp_path} has no results yet. `motifzoo submit` adds some.\n"
    )
    assert run("show", "--board", str(tmp_path), "--json").output == "[]\n"


def test_wrong_names(board: Path) -> None:
    def refusal(*arguments: str) -> str:
        with pytest.raises(UnknownNameError) as error:
            run("show", "--board", str(board), *arguments)
        return str(error.value)

    assert refusal("--benchmark", "synthetic-code") == (
        "unknown benchmark 'synthetic-code': did you mean 'synthetic-codes@1'?"
    )
    assert refusal("--metric", "classification/aurok") == (
        "unknown metric 'classification/aurok': did you mean 'classification/auroc'?"
    )
    assert refusal("--metric", "filters/dead") == (
        "unknown metric 'filters/dead': did you mean 'filters/match_fraction'?"
    )
    with pytest.raises(BoardError, match=r"is no folder\. Write the path of a folder"):
        run("show", "--board", str(board / "none"))


def test_export_into_the_board_and_elsewhere(board: Path, tmp_path: Path) -> None:
    told = run("export", "--board", str(board)).output
    assert told == f"Board {board}: the generated files are those of its 15 records.\n"
    out = tmp_path / "elsewhere"
    assert run("export", "--board", str(board), "--output", str(out)).output == (
        f"7 files, made from 15 records, are in {out}.\n"
    )
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert path.read_bytes() == (board / path.relative_to(out)).read_bytes()


def test_a_board_on_a_hub(board: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubServer(tmp_path / "hub") as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("HF_TOKEN", "hf_maintainer")
        files = {str(path.relative_to(board)): path.read_bytes() for path in board.rglob("trial-*.json")}
        server.commit("motifzoo/leaderboard", dict(files), "dataset")
        here, there = (run("show", "--board", name).output for name in (str(board), "hf://motifzoo/leaderboard"))
        assert there == here
        run("export", "--board", "hf://motifzoo/leaderboard")
        text = server.files("motifzoo/leaderboard", "dataset")[
            "eval_results/cnn-a-relu.synthetic-codes/synthetic-codes@1.yaml"
        ].decode()
        assert f"url: {server.url}/datasets/motifzoo/leaderboard" in text
