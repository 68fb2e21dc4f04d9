"""What labels mean: which task they pose, and which classes there are."""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ...errors import DataError
from ..cards import Card
from ..readers.labels import LabelCoder, label_names, listed
from .request import Request, Task

_MAX_CLASSES: Final = 1000
_WORDS: Final = {"false": 0.0, "true": 1.0}


class Meaning(NamedTuple):
    """The task, the names of its classes, and the texts that stand for them (see `LabelCoder`); none for lists."""

    task: Task
    classes: tuple[str, ...]
    texts: tuple[str, ...]


def of_texts(counts: Mapping[str, int], request: Request) -> Meaning:
    """What labels that are text mean, by how many sequences have each.

    Two labels make a binary task, more a multi-class one; with commas or semicolons in them, or none of the names in
    one, they are multi-label. Raises DataError for labels that are no classes, and for names and a positive label
    that do not fit.
    """
    names = sorted({name for label in counts for name in label_names(label)}, key=_natural)
    task = request.task or _task(counts, request)
    _check_are_classes(counts, names)
    if task != "binary":
        if request.positive is not None:
            raise DataError(f"--positive is for labels of two kinds, and the task is {task}.")
        if task == "multi-class":
            names = sorted(counts, key=_natural)
        if request.classes and set(request.classes) != set(names):
            raise DataError(
                f"--classes names {listed(request.classes)}, and the labels are {listed(names)}: it gives their order, "
                "so they must be the same."
            )
        if len(names) < 2:
            raise DataError(f"there is only one class, {names[0]!r}: a {task} task needs at least two.")
        return Meaning(task, request.classes or tuple(names), request.classes or tuple(names))
    if len(counts) != 2:
        raise DataError(f"a binary task needs two different labels; there are {len(counts)}: {listed(sorted(counts))}.")
    positive = _positive(tuple(sorted(counts)), request.positive)
    negative = next(label for label in counts if label != positive)
    return Meaning("binary", _binary_class(request), (negative, positive))


def of_lists(labels: npt.NDArray[np.int8], names: tuple[str, ...], task: Task | None, request: Request) -> Meaning:
    """What labels `(N, C)` of 0 and 1 mean, with the names and the task that the file states. Raises DataError."""
    count = labels.shape[1]
    if request.positive is not None:
        raise DataError("--positive is for labels that are text; these are 0 and 1.")
    task = request.task or task
    if count == 1:
        if task not in (None, "binary"):
            raise DataError(f"each sequence has a single 0 or 1, and {task} needs several classes.")
        return Meaning("binary", _binary_class(request, names), ())
    if task is None:
        task = "multi-class" if (labels.sum(axis=1) == 1).all() else "multi-label"
    if task == "binary":
        raise DataError(f"each sequence has {count} labels, and a binary task has one.")
    if request.classes and len(request.classes) != count:
        raise DataError(f"--classes names {len(request.classes)} classes, and each sequence has {count} labels.")
    return Meaning(task, request.classes or names or tuple(f"class {number + 1}" for number in range(count)), ())


def coded(column: pa.ChunkedArray, card: Card, meaning: Meaning) -> npt.NDArray[np.int8]:
    """Text labels as 0 and 1, int8 `(N, C)`."""
    coder = LabelCoder(card, meaning.texts)
    parts = []
    for chunk in column.chunks:
        encoded = chunk.dictionary_encode()
        rows = np.stack([coder.row(label) for label in encoded.dictionary.to_pylist()])
        parts.append(rows[encoded.indices.to_numpy()])
    return np.concatenate(parts)


def _task(counts: Mapping[str, int], request: Request) -> Task:
    if request.positive is not None:
        return "binary"
    if any(label not in label_names(label) for label in counts):
        return "multi-label"
    return "binary" if len(counts) <= 2 else "multi-class"


def _check_are_classes(counts: Mapping[str, int], names: list[str]) -> None:
    total = sum(counts.values())
    if len(counts) == 1:
        raise DataError(
            f"all {total:,} sequences have the label {next(iter(counts))!r}: there is nothing to tell apart. Give the "
            "sequences without it in a file of their own (--negatives background.fa)."
        )
    if len(counts) == total > 2 or len(names) > _MAX_CLASSES:
        raise DataError(
            f"{total:,} sequences have {len(counts):,} different labels ({listed(sorted(counts)[:3])}, ...): these "
            f"look like names or measurements, not like classes (at most {_MAX_CLASSES:,}). Say where the labels are "
            "with --label-from or --label-column."
        )
    fractions = [name for name in names if (_number(name) or 0.0) % 1]
    if fractions:
        raise DataError(
            f"the labels are fractions, such as {fractions[0]}: motifzoo trains classifiers. Turn measurements into 0 "
            "and 1 first."
        )


def _positive(labels: tuple[str, ...], stated: str | None) -> str:
    if stated is not None:
        if stated not in labels:
            raise DataError(f"--positive is {stated!r}, and the labels are {listed(labels)}.")
        return stated
    values = {_WORDS.get(label.lower(), _number(label)): label for label in labels}
    if 1.0 in values and (0.0 in values or -1.0 in values):
        return values[1.0]
    raise DataError(
        f"the labels are {labels[0]!r} and {labels[1]!r}: say which of them is what networks are to find, with "
        f"--positive {labels[1]} for example, or give --task multi-class to treat them alike."
    )


def _binary_class(request: Request, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    if len(request.classes) > 1:
        raise DataError(f"--classes names {len(request.classes)} classes, and a binary task has one.")
    return request.classes or names or (request.name,)


def _natural(name: str) -> tuple[float, str]:
    """Numbers by value, before other names."""
    number = _number(name)
    return (math.inf if number is None else number, name)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
