"""What the maintainers' commands share: which packaged models a pattern means, and going on after one fails."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click

from ..errors import ModelError, MotifzooError
from ..zoo.sources import list_models

_Item = TypeVar("_Item")


def packaged_names(patterns: Sequence[str]) -> list[str]:
    """Names of the packaged models that shell-style patterns match, each once; all without any.

    Raises ModelError for a pattern that matches none.
    """
    names: dict[str, None] = {}
    for pattern in patterns or ("*",):
        matching = list_models(pattern)
        if not matching:
            raise ModelError(f"no packaged model matches {pattern!r}. `motifzoo models` lists them.")
        names |= dict.fromkeys(matching)
    return list(names)


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
