"""Labels that are text: the classes they name, as 0 and 1 for each class of a card."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...errors import DataError
from ..cards import Card

_SHOWN = 20  # names in a message


def label_names(label: str) -> tuple[str, ...]:
    """The class names in a label: what commas or semicolons separate; none in an empty one."""
    return tuple(name for part in label.replace(";", ",").split(",") if (name := part.strip()))


def listed(names: Sequence[str]) -> str:
    """Names for a message, the first twenty of many."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"


class LabelCoder:
    """Turns a label that is text into 0 or 1 for each class of a card.

    names: what stands in labels for the card's classes, in their order; by default their names. Of a binary card it is
    the negative and the positive label, by default `0` and `1`. A multi-class label is one of the names; a multi-label
    one is any number of them, separated by commas or semicolons. Raises DataError for names that do not fit the card.
    """

    def __init__(self, card: Card, names: Sequence[str] | None = None) -> None:
        self._task = card.task
        if names is None:
            names = ("0", "1") if card.task == "binary" else card.classes
        expected = 2 if card.task == "binary" else len(card.classes)
        if len(set(names)) != expected or len(names) != expected:
            what = "a negative and a positive label" if card.task == "binary" else f"{expected} labels, one a class"
            raise DataError(f"the reader of data set {card.name!r} needs {what}, all different; got {listed(names)}.")
        self._names = tuple(names)
        self._known: dict[str, npt.NDArray[np.int8]] = {}

    def row(self, label: str) -> npt.NDArray[np.int8]:
        """0 or 1 for each class, int8 `(C,)`, the same array for the same label. Raises DataError for another label."""
        row = self._known.get(label)
        if row is None:
            row = self._known[label] = self._code(label)
            row.flags.writeable = False
        return row

    def _code(self, label: str) -> npt.NDArray[np.int8]:
        chosen = (label,) if label in self._names or self._task != "multi-label" else label_names(label)
        for name in chosen:
            if name not in self._names:
                raise DataError(f"the label {name!r} is none of {listed(self._names)}.")
        if self._task == "binary":
            return np.array([self._names.index(label)], np.int8)
        return np.array([name in chosen for name in self._names], np.int8)
