"""Reading a board's records: everything that is one, in one pass, and a sentence for each file that should be one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from board_records import record, sha256
from hypothesis import given, settings
from hypothesis import strategies as st

from motifzoo.errors import BoardError
from motifzoo.evaluate.leaderboard.record import MAX_RECORD_BYTES, Record
from motifzoo.evaluate.leaderboard.store import read_records, read_store, record_at

PLACE = "results/synthetic-codes@1/cnn-a-relu.synthetic-codes"


def put(board: Path, *records: Record) -> None:
    for entry in records:
        write(board, str(entry.path), entry.to_json())


def write(board: Path, path: str, content: bytes) -> None:
    (board / path).parent.mkdir(parents=True, exist_ok=True)
    (board / path).write_bytes(content)


def changed(**fields: Any) -> bytes:
    return json.dumps(record().model_dump(mode="json") | fields).encode()


def test_every_record_is_found_under_its_path(tmp_path: Path) -> None:
    records = [
        record(model, trial, benchmark=benchmark, model_sha256=sha256(f"{model}{trial}{benchmark}"))
        for model in ("cnn-a-relu.synthetic-codes", "cnn-b-relu.synthetic-codes")
        for trial in (0, 3, 11)
        for benchmark in ("synthetic-codes@1", "synthetic-codes@2")
    ]
    put(tmp_path, *records)
    found, problems = read_records(tmp_path)
    assert found == {str(entry.path): entry for entry in records}
    assert problems == []


def test_a_record_longer_than_one_read_is_read_whole(tmp_path: Path) -> None:
    metrics = {f"filters/motif_coverage/motif{index}": index / 1000 for index in range(1000)}
    put(tmp_path, record(metrics=metrics))
    assert (tmp_path / PLACE / "trial-0.json").stat().st_size > 2 * 16_384
    ((_, found),) = read_records(tmp_path)[0].items()
    assert found.metrics == metrics


def test_details_and_hidden_files_are_no_records(tmp_path: Path) -> None:
    put(tmp_path, record())
    write(tmp_path, f"{PLACE}/trial-0/result.json", b"{}")
    write(tmp_path, f"{PLACE}/.tmp-1-trial-1.json", b"half")
    write(tmp_path, "results/.DS_Store", b"")
    write(tmp_path, "results/notes.md", b"by hand")
    found, problems = read_records(tmp_path)
    assert list(found) == [f"{PLACE}/trial-0.json"]
    assert problems == []


def test_a_folder_without_results_is_an_empty_board(tmp_path: Path) -> None:
    assert read_records(tmp_path) == ({}, [])


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(BoardError) as error:
        read_records(tmp_path / "none")
    assert str(error.value) == (
        f"board folder {tmp_path}/none does not exist. Correct the name, or make the folder to begin one."
    )


BAD = {
    "unknown field": (
        changed(stars=5),
        f"{PLACE}/trial-1.json is not a record: stars: unknown field.",
    ),
    "newer format": (
        changed(format=2, stars=5),
        f"{PLACE}/trial-1.json is of record format 2 and this motifzoo reads up to 1. Update motifzoo.",
    ),
    "another place": (
        changed(trial=7),
        f"{PLACE}/trial-1.json holds the record of {PLACE}/trial-7.json: move it there or remove it.",
    ),
    "a name with HTML": (
        changed(model="<b>x</b>.y"),
        f"{PLACE}/trial-1.json is not a record: model: String should match pattern "
        r"'^[a-z0-9][a-z0-9_-]{0,79}\.[a-z0-9][a-z0-9-]{0,79}$'.",
    ),
    "too large": (
        b" " * (MAX_RECORD_BYTES + 100),
        f"{PLACE}/trial-1.json has 1,000,100 bytes; a record has at most 1,000,000.",
    ),
    "half a file": (
        record().to_json()[:100],
        f"{PLACE}/trial-1.json is not a record: Invalid JSON: EOF while parsing a value at line 5 column 9.",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_a_sentence_and_the_others_are_read(case: str, tmp_path: Path) -> None:
    content, sentence = BAD[case]
    put(tmp_path, record(), record(trial=2))
    write(tmp_path, f"{PLACE}/trial-1.json", content)
    found, problems = read_records(tmp_path)
    assert list(found) == [f"{PLACE}/trial-0.json", f"{PLACE}/trial-2.json"]
    assert problems == [sentence]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("metrics", {"classification/auroc": 1e308}, "Input should be less than or equal to 1000000000"),
        ("metrics", {"classification/auroc": -1e308}, "Input should be greater than or equal to -1000000000"),
        ("n", {"classification/auroc": 10**30}, "Input should be less than or equal to 9007199254740992"),
    ],
)
def test_numbers_that_no_table_holds_are_a_sentence(
    field: str, value: dict[str, float], told: str, tmp_path: Path
) -> None:
    write(tmp_path, f"{PLACE}/trial-1.json", json.dumps(json.loads(record().to_json()) | {field: value}).encode())
    assert read_records(tmp_path) == (
        {},
        [f"{PLACE}/trial-1.json is not a record: {field}.classification/auroc: {told}."],
    )


def test_a_field_name_cannot_write_to_the_terminal_or_fill_it(tmp_path: Path) -> None:
    extra = {"\x1b]0;title\x07\u202e": 1, "k" * 900_000: 1}
    write(tmp_path, f"{PLACE}/trial-1.json", json.dumps(json.loads(record().to_json()) | extra).encode())
    assert read_records(tmp_path) == (
        {},
        [
            f"{PLACE}/trial-1.json is not a record: \\x1b]0;title\\x07\\u202e: unknown field; "
            f"{'k' * 197}...: unknown field."
        ],
    )


def test_results_that_are_elsewhere_are_not_read(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", record())
    (tmp_path / "board").mkdir()
    (tmp_path / "board/results").symlink_to(tmp_path / "elsewhere/results")
    assert read_records(tmp_path / "board") == ({}, ["results is a symbolic link; it was not followed."])


def test_deep_json_is_a_sentence(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/trial-1.json", b"[" * 100_000)
    found, (problem,) = read_records(tmp_path)
    assert found == {}
    assert problem.startswith(f"{PLACE}/trial-1.json is not a record: ")


def test_the_same_trial_in_a_second_file_is_not_doubled(tmp_path: Path) -> None:
    put(tmp_path, record())
    write(tmp_path, f"{PLACE}/trial-00.json", record().to_json())
    write(tmp_path, f"{PLACE}/copy.json", record().to_json())
    found, problems = read_records(tmp_path)
    assert list(found) == [f"{PLACE}/trial-0.json"]
    assert problems == [
        f"{PLACE}/copy.json holds the record of {PLACE}/trial-0.json: move it there or remove it.",
        f"{PLACE}/trial-00.json holds the record of {PLACE}/trial-0.json: move it there or remove it.",
    ]


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    board = tmp_path / "board"
    put(board, record())
    put(tmp_path / "elsewhere", record(trial=1), record("cnn-b-relu.synthetic-codes"))
    outside = tmp_path / "elsewhere/results/synthetic-codes@1"
    (board / PLACE / "trial-1.json").symlink_to(outside / "cnn-a-relu.synthetic-codes/trial-1.json")
    (board / "results/synthetic-codes@1/cnn-b-relu.synthetic-codes").symlink_to(outside / "cnn-b-relu.synthetic-codes")
    os.mkfifo(board / PLACE / "trial-2.json")
    found, problems = read_records(board)
    assert list(found) == [f"{PLACE}/trial-0.json"]
    assert problems == [
        f"{PLACE}/trial-1.json is no ordinary file; it was left out.",
        f"{PLACE}/trial-2.json is no ordinary file; it was left out.",
        "results/synthetic-codes@1/cnn-b-relu.synthetic-codes is a symbolic link; it was not followed.",
    ]


def test_a_file_name_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    write(tmp_path, f"{PLACE}/\x1b[2Jtrial-0.json", b"{}")
    write(tmp_path, "results/\x1b]0;title\x07.json", b"{}")
    _, problems = read_records(tmp_path)
    assert len(problems) == 2
    assert all(problem.isprintable() for problem in problems)


def test_the_digest_tells_one_state_from_another(tmp_path: Path) -> None:
    seen = {read_store(tmp_path).digest}
    for entry in (record(), record(trial=1), record(trial=1, submitter="bob")):
        put(tmp_path, entry)
        seen.add(read_store(tmp_path).digest)
    write(tmp_path, f"{PLACE}/trial-2.json", b"no record")
    seen.add(read_store(tmp_path).digest)
    assert len(seen) == 5
    (tmp_path / PLACE / "trial-2.json").unlink()
    assert read_store(tmp_path).digest in seen


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_a_board_error(content: bytes) -> None:
    with pytest.raises(BoardError):
        record_at(f"{PLACE}/trial-0.json", content)
