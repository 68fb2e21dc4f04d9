"""docs/growing.md: every command in it is one that there is, with options that it has and names that it knows."""

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

from motifzoo.evaluate.cli import main
from motifzoo.zoo import recipe
from motifzoo.zoo.sources import list_models

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
