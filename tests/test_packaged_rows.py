"""The zoo's own rows: which of them a board is given anew, and which stand with what their verification found."""

import pytest
from board_records import record

from motifzoo.evaluate.leaderboard.boards.board import Snapshot
from motifzoo.evaluate.leaderboard.packaged import changes
from motifzoo.evaluate.leaderboard.record import Record

CLAIM = {"classification/aupr": 0.8463228529967829, "filters/target_e": 1e-13, "filters/match_any": None}
COUNTS = {"classification/aupr": 12, "filters/target_e": 32, "filters/match_any": 32}
DETAILS = {"results/a/b/trial-0/result.json": b"{}"}


def claim(**changed: object) -> Record:
    return record(**{"metrics": CLAIM, "n": COUNTS, **changed})


def on_a_board(present: Record | None, new: Record) -> set[str]:
    records = {} if present is None else {str(present.path): present}
    return {*changes([(new, DETAILS)], Snapshot("1", records))}


def test_what_a_board_lacks_comes_with_its_details() -> None:
    assert on_a_board(None, claim()) == {str(claim().path), *DETAILS}


@pytest.mark.parametrize("aupr", [0.8463228529967829, 0.8463228529967828])
def test_the_same_claim_is_left_alone_however_its_sums_were_rounded(aupr: float) -> None:
    later = claim(metrics=CLAIM | {"classification/aupr": aupr}, submitted="2026-11-23T00:00:00+00:00")
    assert on_a_board(claim(), later) == set()


@pytest.mark.parametrize(
    "changed",
    [
        {"metrics": CLAIM | {"classification/aupr": 0.8463229}},
        {"metrics": CLAIM | {"filters/target_e": 1.1e-13}},
        {"metrics": CLAIM | {"filters/match_any": 0.0}},
        {"metrics": CLAIM | {"filters/target_e": None}},
        {"metrics": {"classification/aupr": CLAIM["classification/aupr"]}, "n": {"classification/aupr": 12}},
        {"n": COUNTS | {"classification/aupr": 11}},
        {"model_sha256": "f" * 64},
    ],
)
def test_another_claim_takes_its_place(changed: dict[str, object]) -> None:
    assert on_a_board(claim(), claim(**changed)) == {str(claim().path), *DETAILS}
