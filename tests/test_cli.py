"""The command line: help and an example for every command, JSON where there is a table, clear failures."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import h5py
import numpy as np
import pytest
from click.testing import CliRunner, Result
from model_folders import ModelFactory

from motifzoo.data_cards.load import load_dataset
from motifzoo.data_cards.motifs import jaspar2016, write_meme
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.cli.output import print_table
from motifzoo.zoo.sources import list_models

FILES = ("model.safetensors", "training.json")


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def all_commands() -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []

    def walk(command: click.Command, path: tuple[str, ...]) -> None:
        found.append(path)
        if isinstance(command, click.Group):
            for name, child in command.commands.items():
                walk(child, (*path, name))

    walk(main, ())
    return found


@pytest.mark.parametrize("path", all_commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    done = invoke(*path, "--help")
    assert done.exit_code == 0
    assert f"motifzoo {' '.join(path)}".strip() in done.output.split("Usage:")[1].split("\n", 1)[1]


@pytest.mark.parametrize("path", all_commands(), ids=" ".join)
def test_every_command_is_in_the_readme(path: tuple[str, ...]) -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert f"motifzoo {' '.join(path)}".strip() in readme


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom motifzoo.evaluate.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'numpy', 'pyarrow', 'pydantic', 'rich', 'datasets', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_models() -> None:
    rows = json.loads(invoke("models", "--json").output)
    names = [row["name"] for row in rows]
    assert "cnn-dist-exponential.synthetic-codes" in names
    assert set(rows[0]) == {"name", "architecture", "activation", "dataset", "trials", "here", "parameters"}
    row = next(row for row in rows if row["name"] == "cnn-dist-exponential.synthetic-codes")
    assert row["trials"][:3] == [0, 1, 2]
    assert row["here"] == row["trials"]  # this is a checkout
    # kernels 24x4x19, 32x24x7, 48x32x7, 64x48x3, 96x192; norms 2 x (24 + 32 + 48 + 64 + 96); head 96 + 1
    assert row["parameters"] == 1824 + 5376 + 10752 + 9216 + 18432 + 528 + 97
    table = invoke("models").output
    for name in names:
        assert name in table
    assert f"0-{row['trials'][-1]}" in table
    assert json.loads(invoke("models", "*-relu*.*", "--json").output) == [
        row
        for row in rows
        if row["activation"] == "relu"  # with shuffled labels, too
    ]
    assert invoke("models", "x*").output == "No packaged model matches 'x*'.\n"


def test_show() -> None:
    config = json.loads(invoke("show", "cnn-dist-exponential.synthetic-codes", "--json").output)
    assert config["activation"] == "exponential"
    assert config["input_length"] == 200
    text = invoke("show", "cnn-dist-exponential.synthetic-codes").output
    for trial in config["trials"]:
        assert trial["sha256"][:12] in text
    assert "conv1_activation (filters)" in text
    assert "layer 1 exponential, exp(x)" in text
    assert "control" not in text


def test_show_prints_brackets_as_they_are(make_model: ModelFactory) -> None:
    folder = make_model()
    path = folder / "config.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"cpu"', '"[red]a[/b] \\\\"'), encoding="utf-8")
    done = invoke("show", folder)
    assert done.exit_code == 0, done.output
    assert "[red]a[/b] \\" in done.output


def test_tables_print_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("[red]x", "net [/b] y")], title="of [/i] all")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "of [/i] all"
    assert any(line.endswith("[red]x   net [/b] y") for line in lines)


def test_show_refuses_what_a_terminal_obeys(make_model: ModelFactory) -> None:
    folder = make_model()
    path = folder / "config.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"MIT"', '"\\u001b[31mMIT"'), encoding="utf-8")
    done = invoke("show", folder)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: {path} is not valid: licence: text cannot hold U+001B, which is not a visible character.\n"
    )


def test_show_tells_a_control_and_a_penalty() -> None:
    shuffled = invoke("show", "cnn-local-relu-shuffled.synthetic-codes").output
    assert "It is a control: the labels it was trained on are shuffled." in shuffled
    penalised = invoke("show", "cnn-dist-log_relu-l2.synthetic-codes").output
    assert "An L2 penalty of 0.1 on the kernel of its first layer tells it from the model without." in penalised


def test_datasets() -> None:
    cards = {card["name"]: card for card in json.loads(invoke("datasets", "--json").output)}
    assert len(cards) == 11
    assert cards["synthetic-codes"]["splits"] == {"train": 14000, "valid": 2000, "test": 4000}
    table = invoke("datasets").output
    assert "synthetic-codes" in table
    assert "14,000" in table


def test_export(tmp_path: Path) -> None:
    path = tmp_path / "codes.h5"
    done = invoke("datasets", "export", "synthetic-codes", "--format", "h5", "--output", path)
    assert done.exit_code == 0, done.output
    dataset = load_dataset("synthetic-codes")
    with h5py.File(path) as file:
        assert set(file) == {f"{kind}_{split}" for kind in ("X", "Y", "model") for split in ("train", "valid", "test")}
        for name, split in (("train", dataset.train), ("valid", dataset.valid), ("test", dataset.test)):
            assert file[f"X_{name}"].shape == (len(split), 4, 200)
            assert file[f"Y_{name}"].shape == (len(split), 1)
            rows = slice(990, 1010)  # across a chunk's border
            np.testing.assert_array_equal(file[f"X_{name}"][rows], split.onehot(rows))
            np.testing.assert_array_equal(file[f"model_{name}"][rows], split.truth(rows).astype(np.float32))
            np.testing.assert_array_equal(file[f"Y_{name}"][:], split.labels)


def test_match(tmp_path: Path) -> None:
    motif, other = (next(motif for motif in jaspar2016() if motif.name == name) for name in ("SRF", "MAX"))
    write_meme(tmp_path / "q.meme", [motif, other])
    done = invoke("match", tmp_path / "q.meme")
    lines = done.stdout.splitlines()
    assert lines[0].split("\t") == [
        *("Query_ID", "Target_ID", "Optimal_offset", "p-value", "E-value", "q-value", "Overlap"),
        *("Query_consensus", "Target_consensus", "Orientation"),
    ]
    assert lines[1].split("\t")[:2] == [motif.id, motif.id]
    done = invoke("match", tmp_path / "q.meme", "--output", tmp_path / "hits.tsv", "--threshold", "1e-40")
    assert done.stdout == ""
    written = (tmp_path / "hits.tsv").read_text().splitlines()
    assert 1 < len(written) < len(lines)
    assert done.stderr == f"wrote {len(written) - 1} hits to {tmp_path / 'hits.tsv'}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("datasets", "export", "synthetic-code", "--output", "x.h5"),
            "unknown data set 'synthetic-code': did you mean 'synthetic-codes' or 'synthetic-motifs'? "
            "`motifzoo datasets` lists them.",
        ),
        (
            ("train", "cnn-dist-exponentia.synthetic-codes"),
            "unknown activation 'exponentia': did you mean 'exponential'?",
        ),
        (("train", "missing.toml"), "recipe file missing.toml does not exist."),
        (
            ("match", "none.meme", "--threshold", "0"),
            "the E-value threshold is 0; legal is a finite number above 0, for example 0.1.",
        ),
        (("evaluate", "./none"), "model folder ./none does not exist."),
        (
            ("evaluate", "cnn-dist-exponential.synthetic-codes", "--device", "gpu"),
            "'gpu' is not a device: write cpu, cuda, cuda:0, mps or auto.",
        ),
    ],
)
def test_a_users_mistake_is_one_line(arguments: tuple[str, ...], message: str) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 1
    assert done.stderr == f"Error: {message}\n"
    assert done.stdout == ""


def test_a_misspelt_model_is_offered_first_among_three() -> None:
    """Which the others are depends on what the zoo holds."""
    done = invoke("show", "cnn-dist-exponential.synthetic-code")
    assert (done.exit_code, done.stdout) == (1, "")
    said = re.fullmatch(
        r"Error: unknown model 'cnn-dist-exponential\.synthetic-code': did you mean '(.+)' or '(.+)' or '(.+)'\? "
        r"`motifzoo models` lists them\.\n",
        done.stderr,
    )
    assert said is not None
    first, *others = said.groups()
    assert first == "cnn-dist-exponential.synthetic-codes"
    assert {*others} <= {*list_models()} - {first}


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("motifzoo.zoo.sources.list_models", interrupt)
    done = invoke("models")
    assert done.exit_code == 130
    assert done.stderr == "\nInterrupted. What was finished is kept; the same command goes on from there.\n"


def test_a_real_ctrl_c_while_computing(tmp_path: Path) -> None:
    """SIGINT in the middle of a stage: one line, the shell's code, no half-written result, and no traceback."""
    words = ["evaluate", "cnn-local-relu.synthetic-codes", "--output", str(tmp_path / "out")]
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "motifzoo"), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"MOTIFZOO_CACHE": str(tmp_path / "cache")},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    assert process.stderr is not None
    seen = ""
    while "attribution-mutagenesis" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    process.send_signal(signal.SIGINT)
    stdout, rest = process.communicate(timeout=120)
    assert process.returncode == 130
    assert stdout == ""
    assert rest == "\nInterrupted. What was finished is kept; the same command goes on from there.\n"
    assert not (tmp_path / "out").exists()
    kept = sorted(path.name.rsplit("-", 1)[0] for path in (tmp_path / "cache" / "stages").iterdir())
    assert kept == ["attribution-saliency", "filters", "predictions"]


def test_train_a_small_recipe_and_evaluate_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe of one's own, two epochs: model folder, card, learning curve; what is there is not trained again."""
    from motifzoo.data_cards.content import SequenceDataset
    from motifzoo.zoo.config import read_config

    full = load_dataset("synthetic-codes")
    small = SequenceDataset(full.card, *(split.subset(slice(0, 300)) for split in (full.train, full.valid, full.test)))
    monkeypatch.setattr("motifzoo.data_cards.load.load_dataset", lambda name: small)
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        'dataset = "synthetic-codes"\narchitectures = ["cnn-local"]\nactivations = ["exponential"]\ntrials = 2\n'
        "[training]\nepochs = 2\n"
    )
    done = invoke("train", recipe, "--output", tmp_path / "models")
    assert done.exit_code == 0, done.output
    folder = tmp_path / "models" / "cnn-local-exponential.synthetic-codes"
    config = read_config(folder)
    assert [(entry.trial, entry.epochs) for entry in config.trials] == [(0, 2), (1, 2)]
    assert config.training is not None
    assert config.training.epochs == 2
    for name in (
        "README.md",
        "model.safetensors",
        "training.json",
        "trial-1/model.safetensors",
        "trial-1/training.json",
    ):
        assert (folder / name).is_file()
    assert len(json.loads((folder / "training.json").read_text())) == 2
    assert "epoch 2/2 loss" in done.stderr
    assert not list((tmp_path / "models" / ".checkpoints").glob("*.safetensors"))
    before = (folder / "model.safetensors").stat().st_mtime_ns
    again = invoke("train", recipe, "--output", tmp_path / "models", "--trial", "0")
    assert "cnn-local-exponential.synthetic-codes:0 is already in" in again.stderr
    assert (folder / "model.safetensors").stat().st_mtime_ns == before


def test_a_folder_of_another_recipe_is_left_alone(make_model: ModelFactory, tmp_path: Path) -> None:
    """`train` into a folder that holds another network under the model's name refuses before it trains."""
    make_model("cnn-local-relu.synthetic-codes")
    done = invoke("train", "cnn-local-relu.synthetic-codes", "--trial", "1", "--output", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == (
        f"Error: {tmp_path}/cnn-local-relu.synthetic-codes holds model 'cnn-local-relu.synthetic-codes' of another "
        "recipe or data; choose another folder."
    )
