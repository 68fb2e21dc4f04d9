"""Load a data set by name: packaged, from the cache, or built into it from its generator or its upstream files."""

import contextlib
import shutil
from collections.abc import Generator
from pathlib import Path

import pyarrow as pa
from filelock import FileLock

from ..errors import CacheError, DataError
from ..files import cache_dir, cannot_write, notices
from .cards import Card, SplitName, card_folder, load_card
from .content import SequenceDataset, Split
from .generate import generate
from .store import check, is_built, open_splits, write_splits

# What reading a Parquet file that was cut, changed or replaced can raise.
_DAMAGE = (OSError, DataError, ValueError, TypeError, KeyError, pa.ArrowException)


def built_folder(card: Card) -> Path:
    """The data set's folder in the cache; another version or content has another folder."""
    return cache_dir() / "datasets" / f"{card.name}-{card.version}-{card.fingerprint[:12] or 'unverified'}"


def load_dataset(name: str) -> SequenceDataset:
    """A data set: splits train, valid and test, as integer codes, labels and what is known about the sequences.

    The packaged ones (dhs-4cell) and the user's own are read from the folder of their card. Synthetic sets are
    generated on first use (a second or two); the others are fetched from their sources and converted, once. Both are
    kept as Parquet in the cache folder, and built anew with a notice when that copy is damaged. Two processes that
    want the same data set do not build it twice. Sequences of large sets stay on disk and are read as they are used.

    Raises UnknownNameError for a name that there is not, DataError for data that is not what its card says, and
    FetchError when a source cannot be had.
    """
    card = load_card(name)
    home = card_folder(name)
    if is_built(home):
        dataset = open_splits(card, home)
        check(dataset)
        return dataset
    if card.generator is None and card.reader is None:
        raise DataError(f"the tables of data set {name!r} are missing from {home}. Add it again.")
    folder = built_folder(card)
    with contextlib.suppress(*_DAMAGE):
        return _open(card, folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.parent / f".{folder.name}.lock")
        lock.acquire()
    except OSError as error:
        return _build(card, cannot_write(folder, error))
    try:
        for unfinished in folder.parent.glob(f".tmp-*-{folder.name}"):  # of a build that was killed
            shutil.rmtree(unfinished, ignore_errors=True)
        # Another process may have built it while this one waited.
        return _open(card, folder)
    except FileNotFoundError:
        return _build(card, folder)
    except _DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        notices.warning("the cached copy of data set %s is damaged (%s); it is rebuilt.", card.name, reason)
        return _build(card, folder)
    finally:
        lock.release()


def _open(card: Card, folder: Path) -> SequenceDataset:
    """The data set in a folder; raises FileNotFoundError where there is none, and any of _DAMAGE."""
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    dataset = open_splits(card, folder)
    check(dataset)
    return dataset


def _build(card: Card, folder: Path | CacheError) -> SequenceDataset:
    """Build the data set into a folder; where there can be none, for the reason given, in memory if possible."""
    if card.generator is None:
        if isinstance(folder, CacheError):
            raise folder
        # Closed at once when the build fails: readers keep unpacked files until then.
        with contextlib.closing(_upstream(card)) as pieces:
            return write_splits(card, pieces, folder)
    dataset = generate(card)
    try:
        if isinstance(folder, CacheError):
            raise folder
        return write_splits(card, dataset.splits(), folder)
    except CacheError as error:
        notices.warning("data set %s is not kept for next time: %s", card.name, error)
        return dataset


def _upstream(card: Card) -> Generator[tuple[SplitName, Split]]:
    # Only a first use needs an HTTP client and readers of HDF5 and MATLAB files.
    from .fetch import fetch
    from .readers import read

    yield from read(card, {source.file: fetch(source) for source in card.sources})
