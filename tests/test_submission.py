"""From a folder to a claimed row: what is proposed, what is refused, and the command line around it."""

import functools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from board_records import record as made_record
from click.testing import CliRunner, Result
from model_folders import ModelFactory

from motifzoo.errors import BoardError, UnknownNameError
from motifzoo.evaluate import targets
from motifzoo.evaluate.benchmark import evaluate_trial
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.leaderboard.boards import Snapshot, open_board
from motifzoo.evaluate.leaderboard.boards.folder import FolderBoard
from motifzoo.evaluate.leaderboard.record import Record
from motifzoo.evaluate.leaderboard.submission import example
from motifzoo.evaluate.leaderboard.submission import submit as submit_module
from motifzoo.evaluate.leaderboard.submission.checks import check_against, check_folder
from motifzoo.evaluate.leaderboard.submission.submit import Step, Submission, benchmark_card, submit
from motifzoo.evaluate.leaderboard.submission.template import write_template
from motifzoo.zoo.config import ModelConfig, read_config, write_config
from motifzoo.zoo.sources import PRETRAINED, find

NAME = "tiny-relu.synthetic-codes"
BENCHMARK = "synthetic-codes@1"


@pytest.fixture(autouse=True)
def _few_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "SEQUENCES", 4)


@pytest.fixture
def board(tmp_path: Path) -> FolderBoard:
    (tmp_path / "board").mkdir()
    return FolderBoard(tmp_path / "board")


@pytest.fixture
def folder(make_model: ModelFactory) -> Path:
    return make_model(trials=2)


def submitted(folder: Path, board: FolderBoard, **options: Any) -> Submission:
    return submit(folder, BENCHMARK, board, **{"submitter": "alice", **options})


def refusal(call: Any) -> str:
    with pytest.raises(BoardError) as error:
        call()
    return str(error.value)


def tree(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def on_board(board: FolderBoard) -> dict[str, bytes]:
    return {path: board.read_bytes(path, "") for path in board.paths("", "")}


def test_a_submission_becomes_claimed_rows(folder: Path, board: FolderBoard, tmp_path: Path) -> None:
    (folder / "README.md").write_text("# Mine\n")
    before = tree(folder)
    steps: list[Step] = []
    done = submitted(folder, board, step=steps.append)
    assert tree(folder) == before
    assert steps == [
        Step("check"),
        Step("smoke test", 0),
        Step("smoke test", 1),
        Step("evaluation", 0),
        Step("evaluation", 1),
        Step("card"),
        Step("proposal"),
    ]
    assert done.proposal is not None
    assert (done.proposal.id, done.proposal.url) == (NAME, None)

    found = on_board(board)
    details = ("result.json", "filters.meme", "hits.tsv", "maps.safetensors")
    assert set(found) == {
        *(f"results/{BENCHMARK}/{NAME}/trial-{trial}.json" for trial in (0, 1)),
        *(f"results/{BENCHMARK}/{NAME}/trial-{trial}/{name}" for trial in (0, 1) for name in details),
        *(f"models/{NAME}/{name}" for name in ("config.json", "README.md", "filters.svg", "scores.json")),
        *(f"models/{NAME}/{place}model.safetensors" for place in ("", "trial-1/")),
    }
    assert done.files == {path: len(content) for path, content in found.items()}

    snapshot = board.snapshot()
    assert snapshot.problems == []
    assert tuple(snapshot.records[str(record.path)] for record in done.records) == done.records
    for record in done.records:
        mine = evaluate_trial(find(f"{folder}:{record.trial}"), tmp_path / "again").result
        assert record.metrics == mine.metrics
        assert record.model_sha256 == read_config(folder).trial(record.trial).sha256
        assert (record.submitter, record.trust, record.control, record.variant) == ("alice", "claimed", None, "")
        assert record.source == f"models/{NAME}"
        assert record.command == f"motifzoo evaluate models/{NAME}:{record.trial} --device cpu"
        assert record.parameters == 6 * 4 * 9 + 2 * 6 + 6 * 8 + 1

    published = board.root / "models" / NAME
    assert check_folder(published) == read_config(folder)
    card = (published / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---\n")[1])["license"] == "mit"
    assert (
        f"| AUROC | `classification/auroc` | {sum(r.metrics['classification/auroc'] for r in done.records) / 2:.4f} |"
        in card
    )
    assert "motifzoo evaluate . --all-trials" in card


def test_a_dry_run_proposes_nothing_and_says_what_it_would(folder: Path, board: FolderBoard) -> None:
    dry = submitted(folder, board, dry_run=True)
    assert dry.proposal is None
    assert on_board(board) == {}
    wet = submitted(folder, board)
    assert dry.files.keys() == wet.files.keys()
    assert [record.metrics for record in dry.records] == [record.metrics for record in wet.records]


def test_the_command_repeats_the_numbers(
    folder: Path, board: FolderBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (record, _) = submitted(folder, board).records
    monkeypatch.chdir(board.root)
    printed = CliRunner().invoke(main, [*record.command.split()[1:], "--output", str(tmp_path / "out"), "--json"])
    assert json.loads(printed.stdout)[0]["metrics"] == record.metrics


def test_what_is_on_the_board_is_not_edited(folder: Path, board: FolderBoard) -> None:
    submitted(folder, board)
    before = on_board(board)
    message = refusal(lambda: submitted(folder, board))
    digests = read_config(folder)
    assert message == (
        f"submission {NAME} is refused for 3 reasons:\n"
        f"  - the name {NAME} is on the board already, submitted by you. What is there is never edited: choose another "
        "name.\n"
        f"  - the weights of trial 0 are those of {NAME}:0, which is on the board for {BENCHMARK} already.\n"
        f"  - the weights of trial 1 are those of {NAME}:1, which is on the board for {BENCHMARK} already."
    )
    assert len(digests.trials) == 2
    assert on_board(board) == before


def test_somebody_who_was_faster_wins(folder: Path, board: FolderBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The board is asked again when the evaluation is done."""
    real = submit_module.publish_scores

    def meanwhile(*arguments: Any) -> Any:
        other = made_record(NAME, submitter="bob", architecture="tiny")
        board.propose({str(other.path): other.to_json()}, "first")
        return real(*arguments)

    monkeypatch.setattr(submit_module, "publish_scores", meanwhile)
    message = refusal(lambda: submitted(folder, board))
    assert message.splitlines()[1] == (
        f"  - the name {NAME} is on the board already, submitted by bob. What is there is never edited: choose another "
        "name."
    )
    assert set(on_board(board)) == {f"results/{BENCHMARK}/{NAME}/trial-0.json"}


def test_a_killed_submission_leaves_nothing(
    folder: Path, board: FolderBoard, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    def interrupted(step: Step) -> None:
        if step.name == "card":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        submitted(folder, board, step=interrupted)
    assert on_board(board) == {}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_hostile_folder_is_refused_before_anything_is_computed(folder: Path, board: FolderBoard) -> None:
    (folder / "hook.py").write_text("import os")
    steps: list[Step] = []
    assert refusal(lambda: submitted(folder, board, step=steps.append)).startswith(
        f"submission {folder} is refused for one reason:\n  - hook.py is code"
    )
    assert steps == [Step("check")]


def test_a_model_of_another_benchmark(folder: Path, board: FolderBoard) -> None:
    assert refusal(lambda: submit(folder, "synthetic-motifs@1", board, submitter="alice")) == (
        f"submission {NAME} is refused for one reason:\n"
        "  - it is a model of synthetic-codes@1 and not of synthetic-motifs@1."
    )


@pytest.mark.parametrize("submitter", ["", "a b", "\x1b[2J", "<b>", "x" * 97, "-dash"])
def test_names_of_submitters(submitter: str, folder: Path, board: FolderBoard) -> None:
    assert refusal(lambda: submitted(folder, board, submitter=submitter)) == (
        f"submitter {submitter!r} is no name: write 1 to 96 letters, digits, dots, dashes and underscores, a letter or "
        "digit first."
    )


def test_benchmarks_by_name() -> None:
    assert benchmark_card("synthetic-codes").benchmark == benchmark_card(BENCHMARK).benchmark == BENCHMARK
    with pytest.raises(UnknownNameError) as error:
        benchmark_card("synthetic-code@1")
    assert str(error.value).startswith("unknown benchmark 'synthetic-code@1': did you mean 'synthetic-codes@1'")
    with pytest.raises(UnknownNameError):
        benchmark_card("synthetic-codes@2")


def test_a_control_is_marked_as_one(make_model: ModelFactory, board: FolderBoard) -> None:
    folder = make_model()
    config = read_config(folder)
    shuffled = {"training": {"shuffled_labels": True}}
    write_config(ModelConfig.model_validate(config.model_dump() | shuffled), folder)
    (record,) = submitted(folder, board).records
    assert record.control == "shuffled_labels"


# Names and weights that are somebody's.


def snapshot(*records: Record) -> Snapshot:
    return Snapshot("0", {str(record.path): record for record in records})


def named(folder: Path, name: str) -> ModelConfig:
    return read_config(folder).model_copy(update={"name": name})


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("tiny1-relu.synthetic-codes", "tinyl-relu.synthetic-codes"),
        ("t0p-relu.synthetic-codes", "top-relu.synthetic-codes"),
        ("my_net-relu.synthetic-codes", "my-net-relu.synthetic-codes"),
        ("modern-relu.synthetic-codes", "modem-relu.synthetic-codes"),
    ],
)
def test_names_that_look_alike(mine: str, theirs: str, folder: Path) -> None:
    message = refusal(lambda: check_against(named(folder, mine), "alice", snapshot(made_record(theirs))))
    assert message.splitlines()[1:] == [
        f"  - the name {mine} looks like {theirs}, which is on the board. Choose another."
    ]
    check_against(named(folder, mine), "alice", snapshot(made_record("other-relu.synthetic-codes")))


def test_somebody_elses_name_and_weights(folder: Path) -> None:
    config = read_config(folder)
    theirs = made_record(NAME, submitter="bob\u00e9")
    assert refusal(lambda: check_against(config, "alice", snapshot(theirs))).splitlines()[1:] == [
        f"  - the name {NAME} is on the board already, submitted by bob\\xe9. What is there is never edited: choose "
        "another name."
    ]
    copied = made_record("first-relu.synthetic-codes", model_sha256=config.trials[1].sha256)
    assert refusal(lambda: check_against(config, "alice", snapshot(copied))).splitlines()[1:] == [
        f"  - the weights of trial 1 are those of first-relu.synthetic-codes:0, which is on the board for {BENCHMARK} "
        "already."
    ]


def test_a_new_version_of_a_benchmark_takes_the_same_model_of_the_same_person(folder: Path) -> None:
    config = read_config(folder)
    older = made_record(NAME, benchmark="synthetic-codes@9", model_sha256=config.trials[0].sha256)
    check_against(config, "alice", snapshot(older))
    assert "submitted by alice" in refusal(lambda: check_against(config, "bob", snapshot(older)))


def test_the_packaged_models_are_not_for_others(tmp_path: Path, folder: Path) -> None:
    packaged = "cnn-local-exponential.synthetic-codes"
    assert refusal(lambda: check_against(named(folder, packaged), "alice", snapshot())).splitlines()[1:] == [
        f"  - the name {packaged} belongs to a model that comes with motifzoo. Choose another."
    ]
    renamed = read_config(PRETRAINED / packaged).model_copy(update={"name": "mine-exponential.synthetic-codes"})
    assert f"  - the weights of trial 0 are those of {packaged}:0, which comes with motifzoo." in refusal(
        lambda: check_against(renamed, "alice", snapshot())
    )
    check_against(read_config(PRETRAINED / packaged), "alice", snapshot())


def test_packaged_models_whose_weights_are_equal_are_both_taken() -> None:
    """Two of its trials came out equal: behind a pool of 50 the activations are one function."""
    linear = read_config(PRETRAINED / "cnn-local-linear.synthetic-codes")
    elu = "cnn-local-elu.synthetic-codes"
    assert {trial.sha256 for trial in linear.trials} & {trial.sha256 for trial in read_config(PRETRAINED / elu).trials}
    check_against(linear, "alice", snapshot())
    renamed = linear.model_copy(update={"name": "mine-linear.synthetic-codes"})
    assert f"  - the weights of trial 0 are those of {elu}:0, which comes with motifzoo." in refusal(
        lambda: check_against(renamed, "alice", snapshot())
    )


# The command.


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["submit", *map(str, arguments)])


def test_the_command_says_what_it_did(folder: Path, board: FolderBoard) -> None:
    done = invoke(folder, "--benchmark", "synthetic-codes", "--board", board.root, "--submitter", "alice", "--dry-run")
    assert done.exit_code == 0, done.output
    assert [line for line in done.stderr.splitlines() if ":" not in line] == [
        *("check", "smoke test of trial 0", "smoke test of trial 1"),
        *("evaluation of trial 0", "evaluation of trial 1", "card"),
    ]
    assert f"{NAME} on {BENCHMARK}" in done.stdout
    assert f"Nothing was proposed. To {board.root} would go 16 files, " in done.stdout
    assert on_board(board) == {}

    done = invoke(folder, "--benchmark", BENCHMARK, "--board", board.root, "--submitter", "alice", "--json")
    told = json.loads(done.stdout)
    assert told["proposal"] == {"id": NAME, "url": None}
    assert told["files"] == {path: len(content) for path, content in on_board(board).items()}
    assert [Record.model_validate(entry) for entry in told["records"]] == list(board.snapshot().records.values())


def test_the_command_without_what_it_needs(folder: Path, tmp_path: Path) -> None:
    assert "give a FOLDER and --benchmark, or --template NEW_FOLDER to begin with." in invoke(folder).stderr
    assert "give it without FOLDER and --benchmark" in invoke(folder, "--template", tmp_path / "new").stderr
    missing = invoke(tmp_path / "nothing", "--benchmark", BENCHMARK, "--board", tmp_path)
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert missing.stderr == (
        f"check\nError: submission {tmp_path / 'nothing'} is refused for one reason:\n"
        "  - it is not a folder: give the folder that holds config.json.\n"
    )


def test_a_board_that_there_is_not(folder: Path, tmp_path: Path) -> None:
    done = invoke(folder, "--benchmark", BENCHMARK, "--board", tmp_path / "nowhere")
    assert done.exit_code == 1
    assert "is no folder" in done.stderr


# The template.


@pytest.fixture
def _two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "make", functools.partial(example.make, steps=2))


@pytest.mark.usefixtures("_two_steps")
def test_the_template_is_a_submission(tmp_path: Path) -> None:
    done = invoke("--template", tmp_path / "mine", "--json")
    assert json.loads(done.stdout) == {
        "folder": str(tmp_path / "mine"),
        "script": str(tmp_path / "mine.py"),
        "model": "dilated-exponential.synthetic-codes",
    }
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
    ]
    assert check_folder(tmp_path / "mine").architecture == "dilated"


@pytest.mark.slow
def test_the_template_as_it_comes_has_every_score(tmp_path: Path, board: FolderBoard) -> None:
    made = write_template(tmp_path / "mine")
    (record,) = submitted(made.folder, board).records
    assert all(value is not None for value in record.metrics.values())


@pytest.mark.slow
def test_the_script_beside_the_template_makes_it(tmp_path: Path) -> None:
    """Run as a user runs it, from the file."""
    import runpy
    import sys

    made = write_template(tmp_path / "mine")
    arguments = [str(made.script), str(tmp_path / "again")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", arguments)
        runpy.run_path(str(made.script), run_name="__main__")
    (first,), (second,) = read_config(made.folder).trials, read_config(tmp_path / "again").trials
    assert first.sha256 == second.sha256
    assert "python mine.py FOLDER" in made.script.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["mine", "mine.py"])
def test_the_template_overwrites_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.tex").write_text("years of work")
    assert refusal(lambda: write_template(tmp_path / "mine")) == (
        f"{tmp_path / name} is there already: give the name of a new folder."
    )
    assert tree(tmp_path) == {f"{name}/thesis.tex": b"years of work"}


@pytest.mark.slow
def test_a_published_model_can_be_submitted_to_a_board_of_ones_own(board: FolderBoard, tmp_path: Path) -> None:
    folder = tmp_path / "cnn-local-exponential.synthetic-codes"
    shutil.copytree(PRETRAINED / folder.name, folder, ignore=shutil.ignore_patterns("trial-*"))
    config = read_config(folder)
    write_config(config.model_copy(update={"trials": config.trials[:1]}), folder)
    (record,) = submitted(folder, board).records
    assert (record.architecture, record.activation) == ("cnn-local", "exponential")
    assert "learning-curve.svg" in {path.rpartition("/")[2] for path in on_board(board)}
    assert open_board(str(board.root)).snapshot().problems == []
