"""A data set of one's own: from files of labelled sequences to a folder that loads, trains and evaluates by name.

`add` reads the files (`formats` finds out what they are, a `*_rows` module for each kind reads it) into one table on
disk (`staging`), decides what the labels mean (`labels`) and which sequence goes into which split (`splitting`), writes
the card (`facts`), and moves the finished folder into place. `remove` takes it away again.
"""

from .add import Added, add
from .remove import remove
from .request import Request, Shares

__all__ = ["Added", "Request", "Shares", "add", "remove"]
