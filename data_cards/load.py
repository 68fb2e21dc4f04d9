"""Load a data set by name: from the cache, or generated into it."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import CacheError
from ..files import atomic_path, cache_dir, notices
from .cards import SPLITS, Card, load_card
from .content import SCHEMA, SequenceDataset, Split
from .generate import generate


def dataset_dir(card: Card) -> Path:
    """The data set's folder in the cache; another version or content has another folder."""
    return cache_dir() / "datasets" / f"{card.name}-{card.version}-{card.fingerprint[:12]}"


def load_dataset(name: str) -> SequenceDataset:
    """A packaged data set: splits train, valid and test, as integer codes, labels and planted motifs.

    Synthetic sets are generated on first use (a second or two) and kept as Parquet in the cache folder; what comes
    from the cache is checked against the card's fingerprint, and rebuilt with a notice when it differs. A cache that
    cannot be written costs a notice, not the data. Raises UnknownNameError for a name that is not packaged.
    """
    card = load_card(name)
    folder = dataset_dir(card)
    cached = _read(card, folder)
    if cached is not None:
        return cached
    dataset = generate(card)
    try:
        _write(dataset, folder)
    except CacheError as error:
        notices.warning("data set %s is not kept for next time: %s", name, error)
    return dataset


def _read(card: Card, folder: Path) -> SequenceDataset | None:
    try:
        if not folder.is_dir():
            return None
        splits = []
        for name in SPLITS:
            # Not read_table, which imports pandas: most of a second for three small files.
            table = pq.ParquetFile(folder / f"{name}.parquet").read()
            if not table.schema.equals(SCHEMA):
                raise ValueError(f"{name}.parquet has other columns")
            splits.append(Split.from_arrow(table))
        dataset = SequenceDataset(card, *splits)
        if dataset.fingerprint != card.fingerprint:
            raise ValueError("its fingerprint differs from the card's")
    except (OSError, ValueError, TypeError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        notices.warning("the cached copy of data set %s is damaged (%s); it is rebuilt.", card.name, reason)
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return dataset


def _write(dataset: SequenceDataset, folder: Path) -> None:
    for name in SPLITS:
        with atomic_path(folder / f"{name}.parquet") as temporary:
            pq.write_table(dataset.split(name).to_arrow(), temporary, compression="zstd")
