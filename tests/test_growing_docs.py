"""docs/growing.md: every command in it is one that there is, with options that it has and names that it knows."""

import importlib
import importlib.util
import re
import shlex
import statistics
from collections import Counter
from pathlib import Path

import click
import pytest

from motifzoo.data_cards.cards import load_card
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.reproduce.questions import PLAIN
from motifzoo.zoo import recipe
from motifzoo.zoo.shapes import plan
from motifzoo.zoo.sources import find, list_models

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "growing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^ *```sh\n(.*?)^ *```", TEXT, flags=re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"`((?:motifzoo|python) [^`]+)`", TEXT)
COMMANDS = [shlex.split(line) for block in BLOCKS for line in block.splitlines()] + list(map(shlex.split, INLINE))


def test_the_page_has_commands() -> None:
    assert {words[0] for words in COMMANDS} == {"motifzoo", "python"}
    assert len(COMMANDS) >= 7


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_is_understood(words: list[str]) -> None:
    """Parsed, not run: training takes minutes, and README's commands are run."""
    if words[0] == "python" and words[1] != "-m":
        script = (ROOT / words[1]).read_text(encoding="utf-8")
        assert all(f'add_argument("{word}"' in script for word in words[2:])
        return
    command: click.Command = main
    arguments = words[1:]
    if words[0] == "python":
        command, arguments = importlib.import_module(words[2]).main, words[3:]
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments[0])
        assert found is not None, arguments[0]
        command, arguments = found, arguments[1:]
    if len(arguments) == 0:
        return  # `motifzoo doctor`, named in a sentence
    command.make_context(command.name, list(arguments))
    assert recipe.find(arguments[0]) if words[1] == "train" else list_models(arguments[0])


def test_the_counts_of_a_step_are_those_of_the_benchmark() -> None:
    """Of the quickest stack; the others are counted by the same code."""
    spec = importlib.util.spec_from_file_location("step_counts", ROOT / "benchmarks" / "step_counts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = module.counts("synthetic-codes", "cnn-local")
    assert (
        f"| cnn-local, synthetic-codes | {found.replicas} | {found.launches:.0f} | {found.tera:.3f} | "
        f"{found.giga:.1f} | {found.tera / 67 * 1e3:.1f} ms | {found.giga / 4.8:.1f} ms |\n"
    ) in TEXT


def test_the_whole_grid_is_as_large_as_said() -> None:
    size: Counter[str] = Counter()  # MB of float32 parameters
    few: Counter[str] = Counter()  # the seven activations' first three trials, or first
    for entry in recipe.packaged().values():
        own = plan(entry.layers(), load_card(entry.dataset).length).parameters * 4 / 1e6
        size[entry.dataset] += own * entry.trials
        if entry.activation in PLAIN and not entry.variant:
            few[entry.dataset] += own * (3 if entry.dataset == "synthetic-motifs" else 1)
    peaks = [name for name in size if name.startswith(("chip-", "tfbs-"))]
    later = size["deepsea-tf12"] + size["basset-dnase164"]
    assert (
        f"{size['synthetic-motifs']:.0f} MB of synthetic-motifs, {size['synthetic-codes']:.0f} of synthetic-codes, "
        f"{size['dhs-4cell']:.0f} of dhs-4cell, {sum(size[name] for name in peaks):.0f} of ChIP-seq peaks, and "
        f"{later / 1000:.1f} GB of deepsea-tf12 and basset-dnase164."
    ) in " ".join(TEXT.split())
    assert (
        f"fit all of synthetic-codes ({size['synthetic-codes']:.0f}), trials 0-2 of the seven activations on "
        f"synthetic-motifs ({few['synthetic-motifs']:.0f}), their trial 0 on dhs-4cell ({few['dhs-4cell']:.0f}), and "
        f"all of the ChIP-seq peaks' trial 0 ({sum(few[name] for name in peaks):.0f})."
    ) in " ".join(TEXT.split())


def test_both_grids_need_as_long_as_said() -> None:
    """What memory allows for a step, times the steps of an epoch, times the mean epochs of the trials there are."""
    rows = re.findall(r"^\| ([a-z0-9-]+), ([a-z-]+) \|.* ([0-9.]+) ms \|$", TEXT, flags=re.MULTILINE)
    assert len(rows) == 5
    steps = {"synthetic-motifs": 210, "synthetic-codes": 140}
    minutes = 0.0
    for network, dataset, milliseconds in rows:
        models = [find(name).config for name in list_models(f"{network}-*.{dataset}")]
        epochs = [trial.epochs for model in models for trial in model.trials if trial.epochs is not None]
        minutes += float(milliseconds) * steps[dataset] * statistics.mean(epochs) / 60_000
    assert "both grids need at least nine minutes" in " ".join(TEXT.split())
    assert 9 <= minutes < 10
