"""A built data set on disk: a folder of Parquet files, one a split, that is at once a Hugging Face data set repo.

Written whole or not at all; opened in memory, or, where that would take too much of it, through Arrow's memory map.
"""

import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import DataError
from ..files import cannot_write, write_text
from .cards import SPLITS, Card, SplitName
from .content import SequenceDataset, Split
from .pages import write_pages
from .rows import open_mapped

MAPPED_ABOVE = 256_000_000  # letters in a data set; below, all of it is read into memory
_MAPPED = ".mapped"  # subfolder of the Arrow files, made from the Parquet files when first needed
_ROWS = 16_384  # sequences in a row group, and converted at a time


class Built(BaseModel):
    """What a build came to, kept beside the tables: the sizes of the splits and the fingerprint of the content."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    splits: dict[SplitName, int]
    fingerprint: str


def parquet_path(folder: Path, split: SplitName) -> Path:
    """The Parquet file of a split."""
    return folder / f"{split}.parquet"


def is_built(folder: Path) -> bool:
    """Whether the folder holds a Parquet file for each split."""
    return all(parquet_path(folder, split).is_file() for split in SPLITS)


def write_splits(card: Card, pieces: Iterable[tuple[SplitName, Split]], folder: Path) -> SequenceDataset:
    """Write a data set that comes in pieces, of any split in any order, and return it as opened from `folder`.

    Nothing of it stays in memory; what was in `folder` before is replaced. Raises DataError when a split is empty or
    lacks a class, and when sizes or content differ from what the card states; CacheError when the folder refuses.
    """
    temporary = folder.parent / f".tmp-{secrets.token_hex(6)}-{folder.name}"
    try:
        temporary.mkdir(parents=True)
        _write_tables(card, pieces, temporary)
        dataset = open_splits(card, temporary)
        check(dataset)
        built = Built(splits={name: len(split) for name, split in dataset.splits()}, fingerprint=dataset.fingerprint)
        write_text(temporary / "built.json", built.model_dump_json(indent=2) + "\n")
        write_pages(dataset, temporary)
        del dataset  # a memory map would hold the files of the folder that is about to be renamed
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(temporary, folder)
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return open_splits(card, folder)


def _write_tables(card: Card, pieces: Iterable[tuple[SplitName, Split]], folder: Path) -> None:
    with ExitStack() as stack:
        writers: dict[SplitName, pq.ParquetWriter] = {}
        for name, piece in pieces:
            if len(piece) == 0:
                continue
            table = piece.to_arrow(motifs=card.generator is not None)
            if name not in writers:
                # ZSTD 9: the packaged tables are a third smaller than with the default, and read as fast.
                writers[name] = stack.enter_context(
                    pq.ParquetWriter(parquet_path(folder, name), table.schema, compression="zstd", compression_level=9)
                )
            writers[name].write_table(table, row_group_size=_ROWS)
        empty = [name for name in SPLITS if name not in writers]
    if empty:
        raise DataError(f"data set {card.name!r} has no sequences in its {' and '.join(empty)} split.")


def check(dataset: SequenceDataset) -> None:
    """Raise DataError when a data set is not what its card says, or cannot be trained and scored on."""
    card = dataset.card
    for name, split in dataset.splits():
        if split.codes.shape[1] != card.length:
            raise DataError(
                f"the {name} sequences of {card.name!r} have {split.codes.shape[1]} nt; its card says {card.length}."
            )
        if split.labels.shape[1] != len(card.classes):
            raise DataError(
                f"the {name} labels of {card.name!r} are for {split.labels.shape[1]} classes; its card names "
                f"{len(card.classes)}."
            )
        if ((split.labels != 0) & (split.labels != 1)).any():
            raise DataError(f"the {name} labels of {card.name!r} hold other values than 0 and 1.")
        if card.task == "multi-class" and (split.labels.sum(axis=1) != 1).any():
            raise DataError(f"some {name} sequences of {card.name!r} do not have exactly one class.")
        positives = split.labels.sum(axis=0, dtype=int)
        for label, count in zip(card.classes, positives, strict=True):
            if count in (0, len(split)):
                which = "no" if count == 0 else "only"
                raise DataError(
                    f"the {name} split of {card.name!r} has {which} positive sequences of class {label!r}: "
                    "nothing could be trained or scored on it."
                )
        if card.splits and len(split) != card.splits[name]:
            raise DataError(
                f"the {name} split of {card.name!r} has {len(split):,} sequences; its card says {card.splits[name]:,}."
            )
    if card.fingerprint and dataset.fingerprint != card.fingerprint:
        raise DataError(
            f"data set {card.name!r} came out with fingerprint {dataset.fingerprint[:12]} and its card says "
            f"{card.fingerprint[:12]}: it is not the same data."
        )


def open_splits(card: Card, folder: Path, *, mapped: bool | None = None) -> SequenceDataset:
    """The data set in a folder, its card completed with sizes and fingerprint where it lacks them.

    mapped: leave the sequences on disk, or not; by default those of a data set with more than MAPPED_ABOVE letters.
    Raises DataError, OSError or ArrowException for files that are damaged or hold something else.
    """
    if mapped is None:
        rows = sum(pq.read_metadata(parquet_path(folder, name)).num_rows for name in SPLITS)
        mapped = rows * card.length > MAPPED_ABOVE
    splits: list[Split] = []
    for name in SPLITS:
        if mapped:
            splits.append(Split.from_arrow(open_mapped(_arrow_file(folder, name)), mapped=True))
        else:
            # Not read_table, which imports pandas: most of a second for three small files.
            splits.append(Split.from_arrow(pq.ParquetFile(parquet_path(folder, name)).read()))
    dataset = SequenceDataset(card, *splits)
    if card.splits and card.fingerprint:
        return dataset
    built = _read_built(folder / "built.json") or Built(
        splits={name: len(split) for name, split in dataset.splits()}, fingerprint=dataset.fingerprint
    )
    lacking = {field: value for field, value in built.model_dump().items() if not getattr(card, field)}
    return SequenceDataset(card.model_copy(update=lacking), *splits)


def _read_built(path: Path) -> Built | None:
    try:
        return Built.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise DataError(f"{path} is damaged.") from error


def _arrow_file(folder: Path, name: SplitName) -> Path:
    """The split as an uncompressed Arrow file, made from its Parquet file when it is missing or older."""
    source, target = parquet_path(folder, name), folder / _MAPPED / f"{name}.arrow"
    if target.is_file() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
        return target
    target.parent.mkdir(exist_ok=True)
    temporary = target.with_name(f".tmp-{secrets.token_hex(6)}-{target.name}")
    try:
        parquet = pq.ParquetFile(source)
        with pa.ipc.new_file(str(temporary), parquet.schema_arrow) as writer:
            for batch in parquet.iter_batches(_ROWS):
                writer.write_batch(batch)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target
