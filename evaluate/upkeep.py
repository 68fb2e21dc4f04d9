"""What the maintainers' commands share: which packaged models patterns mean, where to compute, and going on after one
fails."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click

from ..errors import MotifzooError
from ..zoo.sources import matching_names

_Item = TypeVar("_Item")

device_option = click.option(
    "--device", default="cpu", show_default=True, help="Where to compute: cpu, cuda, cuda:1, mps or auto."
)


def packaged_names(patterns: Sequence[str]) -> list[str]:
    """`matching_names` of the packaged models: what these commands write belongs into no folder of a user."""
    return matching_names(patterns, packaged=True)


def for_each(items: Iterable[_Item], work: Callable[[_Item], str | None], name: Callable[[_Item], str] = str) -> None:
    """Call `work` with each item and print the item's name with what it returns, if anything.

    An item for which it raises MotifzooError is named with the error, and the others go on: a data set that cannot be
    had, or one damaged folder, is no reason to leave them alone. The process then ends with status 1.
    """
    failed = False
    for item in items:
        try:
            said = work(item)
        except MotifzooError as error:
            failed = True
            click.echo(f"{name(item)}: {error}", err=True)
        else:
            if said is not None:
                click.echo(f"{name(item)}: {said}")
    if failed:
        raise SystemExit(1)


def counted(trials: Sequence[object]) -> str:
    """'1 trial', '3 trials'."""
    return f"{len(trials)} trial{'' if len(trials) == 1 else 's'}"
