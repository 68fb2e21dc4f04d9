"""Readers of the formats that upstream publishes: from files to pieces of splits.

A module for each format of `cards.Reader`, named like it (`basset-h5` is read by `basset_h5`), with
`read(settings, card, files) -> Pieces`. Beside it each module offers what a file without a card is read by:
`authors_h5.shape` and `pieces`, `basset_h5.shape` and `pieces`, `fasta.records` and `survey`, `table.columns` and
`rows`.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from ..cards import Card, SplitName
from ..content import Split

Pieces = Iterator[tuple[SplitName, Split]]


def read(card: Card, files: Mapping[str, Path]) -> Pieces:
    """The pieces of the data set of `card` from its source files, given by the name that the card has for each.

    A piece is some rows of a split, few enough to fit into memory many times over; the rows of a split come in
    upstream's order. Raises DataError, naming the file, for one that is not what the card's format says.
    """
    assert card.reader is not None
    # Imported here: who opens a Parquet file should not wait for h5py and scipy.
    reader = import_module(f".{card.reader.format.replace('-', '_')}", __name__)
    pieces: Pieces = reader.read(card.reader, card, files)
    return pieces
