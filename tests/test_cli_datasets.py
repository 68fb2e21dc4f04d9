"""`motifzoo datasets`: list, show, export, add and remove, and from one's own sequences to a report."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from own_files import labelled_fasta, random_sequences, write_fasta

from motifzoo.data_cards.cards import own_dir
from motifzoo.data_cards.load import load_dataset
from motifzoo.data_cards.onehot import decode
from motifzoo.evaluate.cli import main


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of the test's own."""
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "data"))


def invoke(*arguments: str | Path, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=answer)


def table_row(output: str, name: str) -> list[str]:
    return next(line.split() for line in output.splitlines() if line.split()[:1] == [name])


def test_add_show_list_and_remove(tmp_path: Path) -> None:
    path = labelled_fasta(tmp_path / "peaks.fa", 40, 200)
    done = invoke("datasets", "add", path, "--name", "my-tf", "--organism", "human", "--split", "0.6,0.2,0.2")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == f"my-tf: binary, 200 nt, in {own_dir() / 'my-tf'}"
    assert table_row(done.stdout, "sequences") == ["sequences", "24", "(60.0%)", "8", "(20.0%)", "8", "(20.0%)"]
    assert table_row(done.stdout, "my-tf") == ["my-tf", "12", "(50.0%)", "4", "(50.0%)", "4", "(50.0%)"]
    assert lines[-4:] == [
        "Splits made at random by the shares 0.6, 0.2 and 0.2 of each class (seed 0); copies of the same DNA stay "
        "together.",
        "Next:",
        "  motifzoo datasets audit my-tf",
        "  motifzoo train cnn-dist-exponential.my-tf --trial 0",
    ]
    shown = invoke("datasets", "show", "my-tf").stdout
    assert "human; genome build: not stated" in shown
    assert str(own_dir() / "my-tf") in shown
    assert json.loads(invoke("datasets", "show", "my-tf", "--json").stdout)["organism"] == "human"
    assert table_row(invoke("datasets").stdout, "my-tf") == ["my-tf", "binary", "1", "200", "24", "8", "8"]
    assert invoke("datasets", "audit", "my-tf").exit_code == 0
    assert invoke("datasets", "remove", "my-tf", answer="n\n").exit_code == 1
    assert (own_dir() / "my-tf" / "card.toml").is_file()
    assert invoke("datasets", "remove", "my-tf", answer="y\n").exit_code == 0
    assert invoke("datasets", "remove", "my-tf", "--yes").stderr.startswith("Error: there is no data set 'my-tf'")


def test_add_as_json(tmp_path: Path) -> None:
    path = write_fasta(tmp_path / "x.fa", [f"p{n} label={'abc'[n % 3]}" for n in range(60)], random_sequences(60))
    found = json.loads(invoke("datasets", "add", path, "--name", "mine", "--classes", "c, b,a", "--json").stdout)
    assert (found["task"], found["classes"], found["folder"]) == (
        "multi-class",
        ["c", "b", "a"],
        str(own_dir() / "mine"),
    )
    assert found["positives"] == {"train": [14, 14, 14], "valid": [2, 2, 2], "test": [4, 4, 4]}
    assert len(found["notes"]) == 1


def test_sequences_that_no_network_takes(tmp_path: Path) -> None:
    done = invoke("datasets", "add", labelled_fasta(tmp_path / "x.fa", length=12), "--name", "mine")
    assert done.stdout.splitlines()[-1] == (
        "No architecture here takes sequences of 12 nt: add longer ones to train on them."
    )


def test_a_broken_card_hides_no_other(tmp_path: Path) -> None:
    folder = own_dir() / "mine"
    folder.mkdir(parents=True)
    (folder / "card.toml").write_text("name = ")
    done = invoke("datasets")
    assert done.exit_code == 0
    assert table_row(done.stdout, "mine")[1:3] == ["not", "valid"]
    assert table_row(done.stdout, "synthetic-codes")[1] == "binary"
    assert done.stderr == "Error: the card of data set 'mine' is not TOML: Invalid value (at end of document).\n"
    rows = {row["name"]: row for row in json.loads(invoke("datasets", "--json").stdout)}
    assert rows["mine"] == {"name": "mine", "error": done.stderr.removeprefix("Error: ").strip()}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "synthetic-cods"), "unknown data set 'synthetic-cods': did you mean 'synthetic-codes'"),
        (("add", "none.fa", "--name", "mine"), "cannot read none.fa: No such file or directory."),
        (("add", "none.fa", "--name", "mine", "--split", "1,2"), "the shares '1,2' are not three numbers above 0"),
        (("remove", "synthetic-codes", "--yes"), "data set 'synthetic-codes' comes with motifzoo; only your own"),
    ],
)
def test_a_users_mistake_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = invoke("datasets", *arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {message}")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("layout", ["parquet", "h5", "fasta"])
def test_export_and_add_again(layout: str, tmp_path: Path) -> None:
    assert invoke("datasets", "add", labelled_fasta(tmp_path / "x.fa"), "--name", "one").exit_code == 0
    target = tmp_path / "out"
    done = invoke("datasets", "export", "one", "--format", layout, "--output", target)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"wrote {target} (0.0 MB)\n"
    done = invoke("datasets", "add", target, "--name", "two", "--classes", "one")
    assert done.exit_code == 0, done.output
    assert load_dataset("two").fingerprint == load_dataset("one").fingerprint
    assert load_dataset("two").card.classes == ("one",)


@pytest.mark.parametrize("unknown", [False, True], ids=["all letters known", "padded, and with unknown letters"])
def test_from_sequences_to_a_report(unknown: bool, tmp_path: Path) -> None:
    """Add, train an epoch by a recipe file, evaluate, and write the report."""
    split = load_dataset("synthetic-codes").test
    rows = [*range(150), *range(2000, 2150)]
    headers = [f"s{row} {split.labels[row, 0]}" for row in rows]
    chosen = decode(split.codes[:])
    words = ["--split", "0.5,0.2,0.3", "--known-motif", "SP1=MA0079.3"]
    if unknown:
        chosen = [f"{sequence[:70]}NN{sequence[72:]}" for sequence in chosen]
        words += ["--length", "240"]
    path = write_fasta(tmp_path / "peaks.fa", headers, [chosen[row] for row in rows])
    done = invoke("datasets", "add", path, "--name", "my-tf", *words)
    assert done.exit_code == 0, done.output
    (tmp_path / "mine.toml").write_text(
        'dataset = "my-tf"\narchitectures = ["cnn-local"]\nactivations = ["exponential"]\ntrials = 1\n'
        "[training]\nepochs = 1\n"
    )
    done = invoke("train", tmp_path / "mine.toml", "--output", tmp_path / "models")
    assert done.exit_code == 0, done.output
    model, report = tmp_path / "models" / "cnn-local-exponential.my-tf", tmp_path / "report.html"
    done = invoke("evaluate", model, "--output", tmp_path / "results", "--report", report, "--json")
    assert done.exit_code == 0, done.output
    (result,) = json.loads(done.stdout)
    assert result["benchmark"] == "my-tf@1"
    assert {"classification/auroc", "filters/match_any", "filters/target_match"} <= set(result["metrics"])
    assert any(name.startswith("attribution/") for name in result["metrics"])
    assert result["metrics"]["filters/dead"] < 1
    assert ("N" in "".join(decode(load_dataset("my-tf").test.codes[:]))) == unknown
    assert "my-tf" in report.read_text(encoding="utf-8")
