"""Errors a user can cause: one base class, each message says what was given, what is legal, what to type."""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class MotifzooError(Exception):
    """Base class of every error motifzoo raises on purpose; the command line prints it without a traceback."""


class UnknownNameError(MotifzooError):
    """A model, trial, activation, data set, recipe ... that does not exist."""


class DataError(MotifzooError):
    """Sequences, labels, motifs or a data file that cannot be used as given."""


class ModelError(MotifzooError):
    """A model folder, config.json or weights file that cannot be used as given."""


class HubError(MotifzooError):
    """A Hugging Face hub that cannot be reached, refuses, or has no such repository, revision or file."""


class BoardError(MotifzooError):
    """A leaderboard, record or submission that cannot be used as given."""


class CacheError(MotifzooError):
    """The cache folder cannot be read or written."""


def unknown_name(kind: str, given: str, known: Iterable[str], *, hint: str = "") -> UnknownNameError:
    """The error for a wrong name, offering the nearest right ones.

    `kind` is the noun for the thing ("model", "data set"); `hint` is what to type to list all of them.
    """
    names = sorted(known)
    near = difflib.get_close_matches(given, names, n=3, cutoff=0.5)
    if near:
        legal = "did you mean " + " or ".join(repr(name) for name in near) + "?"
    elif len(names) <= 20:
        legal = "known: " + ", ".join(names) + "."
    else:
        legal = f"{len(names)} are known."
    message = f"unknown {kind} {given!r}: {legal}"
    return UnknownNameError(f"{message} {hint}" if hint else message)


def describe_invalid(error: "ValidationError") -> str:
    """One sentence for a pydantic error: each wrong field with what is wrong about it (at most five of them)."""
    wrong = []
    for problem in error.errors(include_url=False, include_context=False):
        place = _shown(".".join(str(part) for part in problem["loc"]), 200)
        what = _shown(problem["msg"].removeprefix("Value error, ").rstrip("."), 1000)
        wrong.append(f"{place}: {what}" if place else what)
    shown = "; ".join(wrong[:5])
    if len(wrong) > 5:
        shown += f"; and {len(wrong) - 5} more"
    return shown if shown.endswith("?") else f"{shown}."


def _shown(text: str, most: int) -> str:
    """Words of a stranger's file as a terminal can print them: control characters escaped, cut to `most`."""
    cut = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in cut)
