"""Errors a user can cause: one base class, each message says what was given, what is legal, what to type."""

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


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


def describe_invalid(error: "ValidationError", model: "type[BaseModel] | None" = None) -> str:
    """One sentence for a pydantic error: each wrong field with what is wrong about it (at most five of them).

    model: what was validated; for an unknown field it tells the right ones.
    """
    problems = error.errors(include_url=False, include_context=False)
    # What is left of a value without its wrong parts may be wrong in a way of its own, such as an empty tuple.
    wholes = {problem["loc"][:end] for problem in problems for end in range(len(problem["loc"]))}
    wrong = [problem for problem in problems if problem["loc"] not in wholes]
    told: list[str] = []
    for problem in wrong[:5]:
        place = _shown(".".join(str(part) for part in problem["loc"]), 200)
        what = _shown(problem["msg"].removeprefix("Value error, ").rstrip("."), 1000)
        if problem["type"] == "extra_forbidden":
            right = _right_fields(model, problem["loc"]) if model else ""
            what = "unknown field" + ("" if any(right in earlier for earlier in told) else right)
        told.append(f"{place}: {what}" if place else what)
    shown = "; ".join(told)
    if len(wrong) > 5:
        shown += f"; and {len(wrong) - 5} more"
    return shown if shown.endswith("?") else f"{shown}."


def _right_fields(model: "type[BaseModel]", place: tuple[int | str, ...]) -> str:
    """In brackets, the field that an unknown one may mean, there or one level below, or else those that there are."""
    *path, given = place
    owners = [model]
    for part in path:
        held = [owner.model_fields[str(part)] for owner in owners if part in owner.model_fields]
        if held:
            owners = [inner for field in held for inner in _models(field.annotation)]
        elif isinstance(part, str):  # of several models, the one with this tag; an index changes nothing
            owners = [
                owner
                for owner in owners
                if any(part in get_args(field.annotation) for field in owner.model_fields.values())
            ]
    if len(owners) != 1:
        return ""
    fields = owners[0].model_fields
    below: dict[str, str] = {}
    for outer, field in fields.items():
        inner = _models(field.annotation)
        if len(inner) == 1:
            below |= {name: f"{outer}.{name}" for name in inner[0].model_fields}
    near = difflib.get_close_matches(str(given), fields, n=1)
    # A level further down there are many names, and one of them is a little like any word.
    near = near or [below[name] for name in difflib.get_close_matches(str(given), below, n=1, cutoff=0.75)]
    return f" (did you mean {near[0]!r}?)" if near else f" (known: {', '.join(fields)})"


def _models(annotation: object) -> "list[type[BaseModel]]":
    """The pydantic models in a type."""
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _shown(text: str, most: int) -> str:
    """Words of a stranger's file as a terminal can print them: control characters escaped, cut to `most`."""
    cut = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in cut)
