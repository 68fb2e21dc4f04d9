"""Cards and collected splits for the tests of the readers."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa

from motifzoo.data_cards.cards import Card, Reader, Source, SplitName
from motifzoo.data_cards.content import Split, no_placements


def make_card(
    reader: Reader,
    sources: Sequence[tuple[str, SplitName | None]],
    *,
    length: int,
    classes: tuple[str, ...] = ("peak",),
    task: Literal["binary", "multi-label", "multi-class"] = "binary",
) -> Card:
    """A card of data set `mine`, with sources given as file name and split."""
    return Card(
        name="mine",
        version=1,
        title="Mine",
        summary="Mine.",
        task=task,
        classes=classes,
        length=length,
        monitor="auroc",
        benchmarks=("classification",),
        assay="none",
        organism="none",
        genome="none",
        licence="MIT",
        source="none",
        citation="none",
        sources=tuple(Source(file=file, url=f"https://example.org/{file}", split=split) for file, split in sources),
        reader=reader,
    )


def collect(pieces: Iterable[tuple[SplitName, Split]]) -> dict[SplitName, Split]:
    """The pieces of each split, put together."""
    parts: dict[SplitName, list[Split]] = {}
    for name, piece in pieces:
        parts.setdefault(name, []).append(piece)
    return {
        name: Split(
            np.concatenate([part.codes[:] for part in found]),
            np.concatenate([part.labels for part in found]),
            no_placements(),
            None if found[0].about is None else pa.concat_tables([part.about for part in found]),
        )
        for name, found in parts.items()
    }
