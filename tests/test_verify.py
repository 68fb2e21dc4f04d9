"""Verification on a folder board, end to end, and what it writes when others are at work too."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from claims import DATASET, OUTPUTS, altered, claim
from click.testing import CliRunner
from model_folders import ModelFactory, small_layers

from motifzoo.errors import BoardError, DataError, UnknownNameError
from motifzoo.evaluate.cli.verify import verify as command
from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.boards.folder import FolderBoard
from motifzoo.evaluate.leaderboard.record import PACKAGED, Record, Verification, parse_record
from motifzoo.evaluate.leaderboard.verification import examine, quarantine
from motifzoo.evaluate.leaderboard.verification.compare import differing, gaps
from motifzoo.evaluate.leaderboard.verification.isolate import Isolated, Limits, run_isolated
from motifzoo.evaluate.leaderboard.verification.recompute import Recomputed
from motifzoo.evaluate.leaderboard.verification.verify import Verified, verify
from motifzoo.evaluate.metric_table import METRICS
from motifzoo.zoo.config import read_config
from motifzoo.zoo.sources import find

NAME = f"tiny-relu.{DATASET}"
PLACE = f"results/{DATASET}@1/{NAME}"


@pytest.fixture
def model(make_model: ModelFactory) -> Path:
    return make_model(NAME, dataset=DATASET, layers=small_layers("relu", len(OUTPUTS)), outputs=OUTPUTS)


@pytest.fixture
def board(tmp_path: Path) -> FolderBoard:
    (tmp_path / "board").mkdir()
    found = open_board(str(tmp_path / "board"))
    assert isinstance(found, FolderBoard)
    return found


def record_at(board: FolderBoard) -> Record:
    path = f"{PLACE}/trial-0.json"
    return parse_record((board.root / path).read_bytes(), path)


def one(outcomes: Any) -> Verified:
    (found,) = outcomes
    assert isinstance(found, Verified)
    return found


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch, model: Path) -> Callable[..., None]:
    """Stand in for the quarantined process, where what it computes is not what is tested."""

    def answer(record: Record, **changes: Any) -> None:
        found = Recomputed(
            config=read_config(model),
            metrics=dict(record.metrics),
            n=dict(record.n),
            device="cpu",
            versions={"motifzoo": "0"},
            fresh=None,
        ).model_dump(mode="json")
        ran = Isolated({**found, **changes}, {"network": "none"}, "")
        monkeypatch.setattr(examine, "run_isolated", lambda *_: ran)

    return answer


def test_a_claim_that_is_not_true(model: Path, board: FolderBoard) -> None:
    """The whole of it, nothing replaced: a trial that claims more than it scores (the hub's test has an honest one)."""
    honest = claim(model)
    metrics = dict(parse_record(honest[f"{PLACE}/trial-0.json"], "").metrics)
    boasting = altered(honest, metrics={**metrics, "classification/auroc": 0.99})
    board.propose({**boasting, f"{PLACE}/trial-0/result.json": b"{}"}, "submit")
    begun: list[str] = []
    found = one(verify(board, by="mary", seed=7, begin=begun.append))
    assert begun == [f"{NAME}:0 on {DATASET}@1"]
    assert (found.name, found.outcome, found.reason) == (begun[0], "disputed", "")
    record = record_at(board)
    assert record == found.record
    assert (record.trust, record.metrics["classification/auroc"]) == ("disputed", 0.99)
    verification = record.verification
    assert verification is not None
    assert (verification.by, verification.differs, verification.problem) == ("mary", ("classification/auroc",), None)
    assert verification.metrics == pytest.approx(metrics, abs=1e-6)
    fresh = verification.fresh
    assert fresh is not None
    assert (fresh.seed, fresh.sequences) == (7, 6000)
    assert fresh.metrics.keys() == metrics.keys()
    # An untrained network is at chance on either draw, and no gap tells anything.
    assert fresh.metrics["classification/auroc"] == pytest.approx(0.5, abs=0.05)
    assert {gap.metric for gap in gaps(verification)} <= fresh.metrics.keys()
    assert not any(gap.telling for gap in gaps(verification))
    # The page shows what was computed in quarantine, whatever the submitter sent along.
    shown = json.loads((board.root / PLACE / "trial-0" / "result.json").read_bytes())
    assert shown["metrics"] == verification.metrics
    assert shown["stamps"]["command"] == f"motifzoo evaluate models/{NAME}:0 --device cpu"
    assert not list(verify(board, by="mary"))  # nothing is claimed any more


def test_time_and_memory_are_limits(
    model: Path, board: FolderBoard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    board.propose(claim(model), "submit")
    late = one(verify(board, NAME, by="mary", limits=Limits(seconds=1)))
    assert (late.outcome, late.reason) == (
        "left",
        "it ran for 1 second, which is its limit, and was killed. Nothing is disputed for that: every trial may take "
        "60 minutes (--minutes).",
    )
    large = one(verify(board, NAME, by="mary", limits=Limits(memory=100 << 20)))
    assert (large.outcome, large.reason) == (
        "left",
        "it needs more than 0.0977 GB of memory, which is its limit, and was ended. Nothing is disputed for that: "
        "every trial may take 4 GB (--memory).",
    )
    assert record_at(board).trust == "claimed"

    def spent(function: str, payload: object, folder: Path, limits: Limits) -> Isolated:
        return run_isolated("builtins:eval", "__import__('time').sleep(9)", tmp_path, replace(limits, seconds=1))

    # An hour is what a claim may take; it passes quickly here.
    monkeypatch.setattr("motifzoo.evaluate.leaderboard.verification.examine.run_isolated", spent)
    late = one(verify(board, NAME, by="mary", limits=Limits(memory=100 << 20)))
    assert (late.outcome, late.reason) == ("disputed", "it ran for 1 second, which is its limit, and was killed.")
    found = record_at(board)
    assert found.verification is not None
    assert (found.trust, found.verification.problem, found.verification.metrics) == ("disputed", late.reason, {})


def test_the_files_are_checked_again(model: Path, board: FolderBoard) -> None:
    board.propose(claim(model), "submit")
    (board.root / "models" / NAME / "helper.py").write_text("print()")
    found = one(verify(board, NAME, by="mary"))
    assert found.outcome == "disputed"
    assert found.reason == (
        f"submission {NAME} is refused for one reason:\n"
        "  - helper.py is code, and nothing of a submission runs. Say the network in config.json: motifzoo.export "
        "writes it."
    )
    (board.root / "models" / NAME / "helper.py").unlink()
    weights = board.root / "models" / NAME / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8] + b"\x00" * 8)
    found = one(verify(board, NAME, by="mary"))
    assert found.outcome == "disputed"
    assert "these are not the weights that were published" in found.reason


def test_a_record_must_be_of_its_model(model: Path, board: FolderBoard) -> None:
    files = altered(claim(model), architecture="large", parameters=1, variant="l2", control="shuffled_labels")
    board.propose(files, "submit")
    found = one(verify(board, by="mary"))
    assert found.outcome == "disputed"
    assert found.reason == (
        "the record says of its model what config.json does not: architecture 'large', not 'tiny'; variant 'l2', not "
        "''; control 'shuffled_labels', not ''; parameters '1', not '816'."
    )


@pytest.mark.parametrize(
    "source", ["models/other.synthetic-motifs", "/etc", "hf://a/b", "hf://../..", "models/../../x"]
)
def test_a_source_is_the_models_own_or_a_commit(source: str, model: Path, board: FolderBoard) -> None:
    board.propose(claim(model, source=source), "submit")
    found = one(verify(board, NAME, by="mary"))
    assert found.outcome == "disputed"
    assert found.reason.startswith(f"its source is {source!r}")


def test_a_data_set_that_is_not_the_benchmarks(model: Path, board: FolderBoard) -> None:
    board.propose(altered(claim(model), dataset="../../x"), "submit")
    found = one(verify(board, NAME, by="mary"))
    assert (found.outcome, found.reason) == (
        "disputed",
        f"the record says of its model what config.json does not: dataset '../../x', not '{DATASET}'.",
    )


def test_a_model_folder_that_is_a_link_is_not_followed(model: Path, board: FolderBoard, tmp_path: Path) -> None:
    board.propose(claim(model), "submit")
    folder = board.root / "models" / NAME
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    found = one(verify(board, NAME, by="mary"))
    assert (found.outcome, found.reason) == ("disputed", f"models/{NAME} is a symbolic link, and a board has none.")


@pytest.mark.parametrize("by", ["x" * 201, "mary\x1b[2J"])
def test_a_verifier_has_a_name(by: str, model: Path, board: FolderBoard) -> None:
    board.propose(claim(model), "submit")
    with pytest.raises(BoardError) as error:
        list(verify(board, NAME, by=by))
    assert str(error.value) == (
        f"{by[:40]!a} is no name for who verifies: say it in 1 to 200 visible characters (--by)."
    )
    assert record_at(board).trust == "claimed"


def test_what_cannot_be_looked_at_is_left(model: Path, board: FolderBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    files = claim(model)
    board.propose(altered(files, protocol=2), "submit")
    before = record_at(board)
    found = one(verify(board, NAME, by="mary"))
    assert (found.outcome, found.reason) == (
        "left",
        "it cannot be recomputed here: it is of protocol 2, and this motifzoo computes protocol 1.",
    )

    def missing(*_: object) -> str:
        raise DataError("the data cannot be had.")

    monkeypatch.setattr(examine, "lend_data", missing)
    found = one(verify(board, NAME, by="mary"))
    assert (found.outcome, found.reason) == ("left", "the data cannot be had.")
    assert record_at(board) == before


def test_trouble_with_one_leaves_the_others(
    model: Path, make_model: ModelFactory, board: FolderBoard, canned: Callable[..., None]
) -> None:
    board.propose(claim(model), "submit")
    elsewhere = claim(model, source="hf://a/b")
    board.propose(altered(elsewhere, model=f"aaa.{DATASET}", protocol=2, model_sha256="0" * 64), "submit")
    canned(record_at(board))
    outcomes = list(verify(board, by="mary"))
    assert [(found.record.model if found.record else "", found.outcome) for found in outcomes] == [
        (f"aaa.{DATASET}", "left"),
        (NAME, "recomputed"),
    ]


def test_a_newer_verification_is_not_overwritten(model: Path, board: FolderBoard, canned: Callable[..., None]) -> None:
    board.propose(claim(model), "submit")
    seen = record_at(board)
    canned(seen)
    bob = Verification(by="bob", at="2026-11-23", device="cpu", versions={}, metrics=seen.metrics)
    newer = seen.model_copy(update={"trust": "recomputed", "verification": bob})

    def meanwhile(_: str) -> None:
        board.apply(lambda snapshot: {f"{PLACE}/trial-0.json": newer.to_json()}, "bob was faster")

    found = one(verify(board, NAME, by="mary", begin=meanwhile))
    assert (found.outcome, found.reason) == ("left", "bob verified it meanwhile")
    assert record_at(board) == newer


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda seen: seen.model_copy(update={"notes": ("new",)}), "the claim was changed meanwhile; verify it again"),
        (lambda seen: None, "the record was removed meanwhile"),
    ],
)
def test_a_claim_that_changed_is_not_judged(
    change: Callable[[Record], Record | None],
    reason: str,
    model: Path,
    board: FolderBoard,
    canned: Callable[..., None],
) -> None:
    board.propose(claim(model), "submit")
    seen = record_at(board)
    canned(seen)

    def meanwhile(_: str) -> None:
        new = change(seen)
        content = None if new is None else new.to_json()
        board.apply(lambda snapshot: {f"{PLACE}/trial-0.json": content}, "changed")

    found = one(verify(board, NAME, by="mary", begin=meanwhile))
    assert (found.outcome, found.reason) == ("left", reason)


def test_others_records_stay(model: Path, board: FolderBoard, canned: Callable[..., None]) -> None:
    """A row that appears while another is verified is not lost."""
    files = claim(model)
    board.propose(files, "submit")
    canned(record_at(board))
    other = altered(files, model=f"other.{DATASET}", model_sha256="1" * 64, submitter="bob")
    late = {path: data for path, data in other.items() if not path.startswith("models/")}

    def meanwhile(_: str) -> None:
        board.propose(late, "late")

    assert one(verify(board, NAME, by="mary", begin=meanwhile)).outcome == "recomputed"
    assert {record.model for record in board.snapshot().records.values()} == {NAME, f"other.{DATASET}"}


def test_packaged_models_may_share_weights(
    model: Path, board: FolderBoard, canned: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As admission has it: no packaged row is a copy of another, and anybody else's would be."""
    files = {path: data for path, data in claim(model, source=PACKAGED).items() if path.startswith("results/")}
    twin = altered(files, model=f"twin-relu.{DATASET}")
    board.apply(lambda _: {**files, **twin}, "the zoo")
    monkeypatch.setattr(quarantine, "find", lambda name: find(str(model)))
    canned(record_at(board))
    assert one(verify(board, NAME, by="mary")).outcome == "recomputed"
    assert record_at(board).trust == "recomputed"


@pytest.mark.parametrize("value", [{"metrics": {"evil": "<script>"}}, {"n": None}, {"config": {}}, {"more": 1}])
def test_what_comes_out_of_quarantine_is_checked(
    value: dict[str, Any], model: Path, board: FolderBoard, canned: Callable[..., None]
) -> None:
    board.propose(claim(model), "submit")
    canned(record_at(board), **value)
    found = one(verify(board, NAME, by="mary"))
    assert (found.outcome, found.reason) == ("disputed", "the quarantined process gave no usable scores.")


def test_claims_that_there_are_not(model: Path, board: FolderBoard) -> None:
    board.propose(claim(model), "submit")
    with pytest.raises(UnknownNameError) as unknown:
        list(verify(board, "tiny-relu", by="mary"))
    assert str(unknown.value) == (
        f"unknown model 'tiny-relu': did you mean '{NAME}'? `motifzoo leaderboard show` lists what board "
        f"{board.root} has."
    )
    with pytest.raises(BoardError) as error:
        list(verify(board, f"{NAME}:5", by="mary"))
    assert str(error.value) == f"board {board.root} has no trial 5 of {NAME}."
    with pytest.raises(BoardError) as error:
        list(verify(board, "pr/3", by="mary"))
    assert str(error.value) == f"board {board.root} has no open pull request 3 with results; it has none."


def test_controls_without_weights_are_not_claims(model: Path, board: FolderBoard) -> None:
    files = altered(claim(model, source="controls"), control="motif_scan")
    board.apply(lambda _: files, "controls")
    assert not list(verify(board, by="mary"))
    with pytest.raises(BoardError) as error:
        list(verify(board, NAME, by="mary"))
    assert str(error.value) == (
        f"{NAME} is a control without a trained model: `python -m motifzoo.evaluate.leaderboard.controls` computes "
        "such rows anew."
    )


def test_the_command(model: Path, board: FolderBoard, canned: Callable[..., None]) -> None:
    board.propose(claim(model), "submit")
    seen = record_at(board)
    canned(seen)
    run = CliRunner()
    done = run.invoke(command, [NAME, "--board", str(board.root), "--by", "mary"])
    assert done.exit_code == 0, done.output
    assert f"recomputed: {NAME}:0 on {DATASET}@1" in done.stderr
    assert "Quarantine: network: none." in done.stdout
    narrow = run.invoke(command, [NAME, "--board", str(board.root), "--by", "mary"], env={"COLUMNS": "45"})
    assert {"recomputed", f"{NAME}:0"} <= {*narrow.stdout.split()}
    assert NAME in (board.root / "README.md").read_text()
    assert (board.root / "results.parquet").exists()
    canned(seen, metrics={**seen.metrics, "classification/auroc": 0.1234567})
    done = run.invoke(command, [NAME, "--board", str(board.root), "--by", "mary"])
    assert done.exit_code == 1
    assert "classification/auroc" in done.stdout
    assert "0.123457" in done.stdout
    done = run.invoke(command, [f"{NAME}:0", "--board", str(board.root), "--by", "mary", "--json"])
    assert done.exit_code == 1
    (told,) = json.loads(done.stdout)
    assert (told["outcome"], told["record"]["verification"]["differs"]) == ("disputed", ["classification/auroc"])
    done = run.invoke(command, ["--all-claimed", "--board", str(board.root), "--by", "mary"])
    assert (done.exit_code, done.stdout) == (0, f"Board {board.root} has no claim that is not verified.\n")
    done = run.invoke(command, [NAME, "--board", str(board.root), "--minutes", "0.5"])
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        2,
        "Error: Invalid value for '--minutes': 0.5 is not in the range x>=1.",
    )
    for arguments in ([], [NAME, "--all-claimed"]):
        done = run.invoke(command, [*arguments, "--board", str(board.root)])
        assert done.exit_code == 2
        assert "Error: name one SUBMISSION, or give --all-claimed." in done.stderr


CLAIM = {"classification/auroc": 0.9, "filters/match_any": 0.5, "filters/target_e": 1e-6, "filters/dead": None}
N = {"classification/auroc": 3, "filters/match_any": 24, "filters/target_e": 24, "filters/dead": 24}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ()),
        ({"classification/auroc": 0.90009}, ()),
        ({"classification/auroc": 0.90011}, ("classification/auroc",)),
        ({"classification/auroc": None}, ("classification/auroc",)),
        ({"filters/dead": 0.0}, ("filters/dead",)),
        ({"filters/match_any": 0.5 + 1 / 24}, ()),
        ({"filters/match_any": 0.5 + 2 / 24}, ("filters/match_any",)),
        ({"filters/target_e": 2.4e-6}, ()),
        ({"filters/target_e": 2.6e-6}, ("filters/target_e",)),
        ({"made/up": 0.5}, ("made/up",)),
    ],
)
def test_a_claim_differs_beyond_the_tolerance(change: dict[str, float | None], expected: tuple[str, ...]) -> None:
    assert differing(CLAIM, {**CLAIM, **change}, N, N) == expected
    assert differing({**CLAIM, **change}, CLAIM, N, N) == expected


def test_a_claim_over_another_n_differs() -> None:
    assert differing(CLAIM, CLAIM, N, {**N, "classification/auroc": 2}) == ("classification/auroc",)


def test_a_part_has_its_metrics_tolerance() -> None:
    claimed, found = {"classification/auroc/K562": 0.9}, {"classification/auroc/K562": 0.90009}
    assert differing(claimed, found, {}, {}) == ()


@pytest.mark.parametrize("name", METRICS)
def test_every_tolerance_tells_something_apart(name: str) -> None:
    allows = METRICS[name].tolerance.allows
    assert allows(0.5, 0.5, 24)
    assert not allows(0.1, 0.5, 24)
