"""The files made from a board's records: whole, read back by those they are made for, and inert whatever names say."""

import math
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml
from board_records import record, sha256
from huggingface_hub import DatasetCard, parse_eval_result_entries
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.pages.eval_yaml import headline_metrics, task_id
from motifzoo.evaluate.leaderboard.boards.folder import FolderBoard
from motifzoo.evaluate.leaderboard.exports import exports, refresh
from motifzoo.evaluate.leaderboard.exports.readme import MOST_ROWS, in_code
from motifzoo.evaluate.leaderboard.exports.table import record_files
from motifzoo.evaluate.leaderboard.record import FreshDraw, Record, Verification

A, B, C = (f"cnn-{letter}-relu.synthetic-codes" for letter in "abc")
AUROC, MATCH = "classification/auroc", "filters/match_fraction"
EVIL = "<script>alert(1)</script> [x](javascript:y) | `code` **b** https://evil.example $x$"


def keyed(*records: Record) -> dict[str, Record]:
    return {str(entry.path): entry for entry in records}


def trials(model: str, scores: list[float], **changes: Any) -> list[Record]:
    return [
        record(model, index, metrics={AUROC: value, MATCH: value / 2}, **changes) for index, value in enumerate(scores)
    ]


def verified(entry: Record, value: float, trust: str = "recomputed", fresh: float | None = None) -> Record:
    draw = None if fresh is None else FreshDraw(seed=7, sequences=100, metrics={AUROC: fresh})
    check = Verification(
        by="carol",
        at="2026-02-03T04:05:06Z",
        device="cpu",
        versions={},
        metrics={AUROC: value, MATCH: 0.25},
        fresh=draw,
    )
    return entry.model_copy(update={"trust": trust, "verification": check})


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return exports(
        keyed(
            *trials(A, [0.90, 0.91, 0.92]),
            *(verified(entry, 0.80) for entry in trials(B, [0.80])),
            *trials(C, [0.5], control="untrained"),
            *(verified(entry, 0.2, "disputed") for entry in trials("cnn-d-relu.synthetic-codes", [0.99])),
        ),
        "https://hub.example/datasets/lab/board",
    )


def rows_of(text: str) -> list[list[str]]:
    """The cells of the tables of a Markdown text, as a reader sees them."""
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level >= 4:
            rows[-1].append("".join(child.content for child in token.children or []))
    return rows


def test_the_readme_is_a_card_that_names_the_table(files: dict[str, bytes]) -> None:
    card = DatasetCard(files["README.md"].decode())
    assert card.data.pretty_name == "motifzoo leaderboard"
    assert card.data.configs == [
        {"config_name": "default", "data_files": [{"split": "results", "path": "results.parquet"}]}
    ]
    (split,) = card.data.dataset_info["splits"]
    assert split["num_examples"] == 12


def test_the_table_of_the_readme(files: dict[str, bytes]) -> None:
    rows = [row for row in rows_of(files["README.md"].decode()) if len(row) == 11]
    assert rows[0] == [
        "rank",
        "model",
        "AUROC",
        "Filters matching a true motif",
        "Saliency AUROC",
        "In silico mutagenesis AUROC",
        "Integrated gradients AUROC",
        "DeepSHAP AUROC",
        "n",
        "trust",
        "submitter",
    ]
    # sd of .90 .91 .92 is .01, half an interval 4.303 * .01 / sqrt 3; that of half the values is half as long.
    none = ["-"] * 4
    assert rows[1:] == [
        ["1-2", A, "0.910 ± 0.025 (1)", "0.455 ± 0.012 (1)", *none, "3", "claimed", "alice"],
        ["1-2", B, "0.800", "0.250", *none, "1", "recomputed", "alice"],
        ["", C, "0.500", "0.250", *none, "1", "control: untrained", "alice"],
        ["", "cnn-d-relu.synthetic-codes", "0.990", "0.495", *none, "1", "disputed", "alice"],
    ]


def test_long_tables_are_cut(files: dict[str, bytes]) -> None:
    many = [entry for index in range(MOST_ROWS + 5) for entry in trials(f"cnn-{index}-relu.synthetic-codes", [0.5])]
    text = exports(keyed(*many))["README.md"].decode()
    assert len([row for row in rows_of(text) if len(row) == 11]) == 1 + MOST_ROWS
    assert "5 more are in `results.parquet`." in text


def test_the_parquet_file_holds_every_number(tmp_path: Path) -> None:
    claim, checked = record(A, metrics={AUROC: 0.9, MATCH: None}), record(B, submitter=EVIL)
    content = exports(keyed(claim, verified(checked, 0.8, fresh=0.7)))
    for path, data in content.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    table = datasets.load_dataset(str(tmp_path), split="results")
    found = [
        {name: row[name] for name in ("model", "metric", "value", "claimed", "recomputed", "fresh", "n")}
        for row in table
    ]
    empty = dict.fromkeys(("value", "claimed", "recomputed", "fresh"))
    assert found == [
        {**empty, "model": A, "metric": AUROC, "value": 0.9, "claimed": 0.9, "n": 1},
        {**empty, "model": A, "metric": MATCH, "n": 24},
        {"model": B, "metric": AUROC, "value": 0.8, "claimed": 0.9, "recomputed": 0.8, "fresh": 0.7, "n": 1},
        {"model": B, "metric": MATCH, "value": 0.25, "claimed": 0.5, "recomputed": 0.25, "fresh": None, "n": 24},
    ]
    assert table["submitter"][2] == EVIL
    assert table["verified_by"][:] == [None, None, "carol", "carol"]
    assert table["model_sha256"][0] == sha256(f"{A}:0")


def test_the_records_files_are_packed_as_they_are(tmp_path: Path) -> None:
    records = keyed(record(A), record(B, submitter=EVIL))
    (tmp_path / "pack").write_bytes(exports(records)["records.parquet"])
    assert record_files(tmp_path / "pack", set(records)) == {path: entry.to_json() for path, entry in records.items()}
    assert list(record_files(tmp_path / "pack", {str(record(B).path), "x"})) == [str(record(B).path)]
    for content in (b"", b"<html>", exports(records)["results.parquet"]):
        (tmp_path / "other").write_bytes(content)
        assert record_files(tmp_path / "other", set(records)) == {}


def test_results_for_the_models_repositories(files: dict[str, bytes]) -> None:
    path = f"eval_results/{A}/synthetic-codes@1.yaml"
    assert sorted(name for name in files if name.startswith("eval_results/")) == [
        path,
        f"eval_results/{B}/synthetic-codes@1.yaml",
    ]
    entries = parse_eval_result_entries(yaml.safe_load(files[path]))
    assert [(entry.dataset_id, entry.task_id, entry.value) for entry in entries] == [
        ("motifzoo/synthetic-codes", "classification_auroc", 0.91),
        ("motifzoo/synthetic-codes", "filters_match_fraction", 0.455),
    ]
    first = entries[0]
    assert (first.date, first.source_url, first.source_name) == (
        "2026-01-02",
        "https://hub.example/datasets/lab/board",
        "motifzoo leaderboard",
    )
    assert first.notes == (
        "synthetic-codes@1, protocol 1; mean of 3 trials, 95 % interval 0.885 to 0.935; claimed by the submitter"
    )
    (second, _) = parse_eval_result_entries(yaml.safe_load(files[f"eval_results/{B}/synthetic-codes@1.yaml"]))
    assert (second.value, second.date) == (0.8, "2026-02-03")
    assert second.notes == "synthetic-codes@1, protocol 1; one trial; recomputed by a maintainer"


def test_only_tasks_of_the_data_set_are_exported() -> None:
    card = load_card("basset-dnase164")
    assert "filters/target_match" not in headline_metrics(card)
    entry = record(
        "cnn-a-relu.basset-dnase164", benchmark=card.benchmark, metrics={AUROC: 0.9, "filters/target_match": 0}
    )
    text = exports(keyed(entry))[f"eval_results/{entry.model}/{card.benchmark}.yaml"]
    assert [result.task_id for result in parse_eval_result_entries(yaml.safe_load(text))] == [task_id(AUROC)]


def test_a_time_that_is_none_is_left_out() -> None:
    text = exports(keyed(record(A, submitted="yesterday: *")))[f"eval_results/{A}/synthetic-codes@1.yaml"]
    assert parse_eval_result_entries(yaml.safe_load(text))[0].date is None


def test_own_data_sets_have_no_repository() -> None:
    files = exports(keyed(record("cnn-a-relu.mine", benchmark="mine@1", dataset="mine")))
    assert list(files) == ["README.md", "results.parquet", "records.parquet"]
    assert "## mine@1" in files["README.md"].decode()


def test_an_empty_board_has_files_too() -> None:
    files = exports({})
    assert list(files) == ["README.md", "results.parquet", "records.parquet"]
    assert DatasetCard(files["README.md"].decode()).data.dataset_info["splits"][0]["num_examples"] == 0


def test_names_do_nothing_in_the_readme() -> None:
    text = exports(keyed(record(A, submitter=EVIL, architecture=EVIL, activation=EVIL, device=EVIL)))[
        "README.md"
    ].decode()
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text.split("\n---\n", 1)[1])
    assert "<script" not in page
    assert "<a " not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:y) ¦ ˋcodeˋ **b** https://evil.example $x$" in page


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text("`|\\<>[]()*_~&;#\n\r\t -$:/@w.", max_size=30))
def test_any_text_is_one_cell_of_code(text: str) -> None:
    table = f"| a | b |\n| --- | --- |\n| {in_code(text)} | end |\n"
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(table)
    cells = [token.children or [] for token in tokens if token.type == "inline"][2:]
    assert len(cells) == 2
    (inside,), (end,) = cells
    assert end.content == "end"
    assert inside.type == ("text" if inside.content == "-" and inside.markup == "" else "code_inline")


def test_the_same_records_make_the_same_bytes_and_stale_files_go(tmp_path: Path) -> None:
    board = FolderBoard(tmp_path)
    board.apply(lambda _: {str(entry.path): entry.to_json() for entry in trials(A, [0.9, 0.8])}, "add")
    board.apply(lambda _: {f"eval_results/{B}/synthetic-codes@1.yaml": b"old"}, "add")
    refresh(board)
    written = {path: board.read_bytes(path, "") for path in board.paths("", "")}
    assert f"eval_results/{B}/synthetic-codes@1.yaml" not in written
    assert {path: content for path, content in written.items() if not path.startswith("results/")} == exports(
        board.snapshot().records
    )
    token = (tmp_path / ".motifzoo/generation").read_text()
    refresh(board)
    assert (tmp_path / ".motifzoo/generation").read_text() == token


def test_no_number_of_a_table_is_nan() -> None:
    files = exports(keyed(*trials(A, [0.9]), record(B, metrics={AUROC: None})))
    assert "nan" not in files["README.md"].decode()
    (result,) = parse_eval_result_entries(yaml.safe_load(files[f"eval_results/{A}/synthetic-codes@1.yaml"]))[:1]
    assert math.isfinite(result.value)
    assert f"eval_results/{B}/synthetic-codes@1.yaml" not in files
