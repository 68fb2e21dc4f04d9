"""What an examination finds: one sentence each, and how grave it is."""

from typing import Literal, NamedTuple

Level = Literal["ok", "note", "problem"]


class Finding(NamedTuple):
    """One thing that was looked at.

    level: "ok"; "note" for what a person may want to know; "problem" for damage, drift, or what does not work.
    subject: what was looked at, a word or two.
    """

    level: Level
    subject: str
    text: str


def some_of(names: list[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
