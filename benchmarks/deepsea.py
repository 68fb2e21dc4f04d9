"""DeepSEA's bundle, generated in its real layout: memory and rate of the build, and what they predict for the real one.

    python benchmarks/deepsea.py [--train 200000] [--test 455024] [--chunks 1,1,32768] [--keep FOLDER]
    python benchmarks/deepsea.py --train 4400000 --flat

The bundle has training rows in version 7.3 (HDF5, axes reversed, gzip 3), 8,000 validation rows and the test rows in
version 5, packed as `.tar.gz`. It is built through `write_splits`. Beside that, in turn, each big file is read by this
project and in the plain way: `h5py` or `scipy.io.loadmat` for a whole file, then numpy. All work is done in processes
of their own, whose peak memory is what the system states (`ru_maxrss`, mapped files included). The chunks that MATLAB
chose for the real file are not known here; `--chunks` takes others. One row in ten is kept. `processor` is the seconds
of processor time of the whole process, its start included: on a busy machine it says more than `seconds`.
`--flat` makes all sequences equal. They pack to little, so a bundle of the real size takes minutes; what it shows is
the memory of the build, not the rate.
"""

import argparse
import hashlib
import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

REAL = {"train": 4_400_000, "valid": 8_000, "test": 455_024}
LENGTH, CLASSES = 1000, 919
COLUMNS = (592, 602, 344, 345, 635, 636, 349, 642, 359, 361, 661, 369)
KEPT = 0.1
LABEL_ROWS = 32_768  # in a chunk of labels, whatever --chunks: tiny ones would burden the plain way alone
SLABS = 8  # positions generated at a time


def positions(random: np.random.Generator, rows: int, flat: bool) -> Iterator[np.ndarray]:
    """Random one-hot positions, `(SLABS, 4, rows)` at a time."""
    for _ in range(LENGTH // SLABS):
        drawn = random.integers(0, 4, (SLABS, 1, 1 if flat else rows), dtype=np.uint8)
        drawn = np.broadcast_to(drawn, (SLABS, 1, rows))
        yield (drawn == np.arange(4, dtype=np.uint8)[:, None]).view(np.uint8)


def labels(random: np.random.Generator, rows: int) -> Iterator[np.ndarray]:
    """One label column at a time, `(rows,)`; those of COLUMNS make KEPT of the rows positive."""
    share = 1 - (1 - KEPT) ** (1 / len(COLUMNS))
    for column in range(CLASSES):
        positive = np.zeros(rows, np.uint8)
        count = random.binomial(rows, share if column in COLUMNS else 0.02)
        positive[random.choice(rows, count, replace=False)] = 1
        yield positive


def write_v73(path: Path, split: str, rows: int, chunks: tuple[int, ...], flat: bool) -> None:
    import h5py

    random = np.random.default_rng(0)
    options: dict[str, Any] = {"dtype": "u1", "compression": "gzip", "compression_opts": 3}
    fitting = tuple(map(min, chunks, (LENGTH, 4, rows)))
    with h5py.File(path, "w", userblock_size=512) as file:
        x = file.create_dataset(f"{split}xdata", (LENGTH, 4, rows), chunks=fitting, **options)
        step = -(-SLABS // fitting[0]) * fitting[0]
        held: list[np.ndarray] = []
        first = 0
        for part in positions(random, rows, flat):
            held.append(part)
            if len(held) * SLABS >= step or first + len(held) * SLABS == LENGTH:
                block = np.concatenate(held)
                x[first : first + len(block)] = block
                first, held = first + len(block), []
        y = file.create_dataset(f"{split}data", (CLASSES, rows), chunks=(1, min(LABEL_ROWS, rows)), **options)
        for column, values in enumerate(labels(random, rows)):
            y[column] = values
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H2s", 0x0200, b"IM"))


def write_v5(path: Path, split: str, rows: int, flat: bool) -> None:
    random = np.random.default_rng(1)
    with path.open("wb") as file:
        file.write(b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x0100, b"IM"))
        for name, shape, parts in (
            (f"{split}xdata", (rows, 4, LENGTH), positions(random, rows, flat)),
            (f"{split}data", (rows, CLASSES), labels(random, rows)),
        ):
            write_element(file, name, shape, parts)


def write_element(file: Any, name: str, shape: tuple[int, ...], parts: Iterable[np.ndarray]) -> None:
    def sub(kind: int, content: bytes) -> bytes:
        return struct.pack("<II", kind, len(content)) + content.ljust(-(-len(content) // 8) * 8, b"\0")

    size = int(np.prod(shape))
    padding = bytes(-size % 8)
    head = struct.pack("<IIII", 6, 8, 9, 0) + sub(5, struct.pack(f"<{len(shape)}i", *shape)) + sub(1, name.encode())
    head += struct.pack("<II", 2, size)
    deflater = zlib.compressobj(1)
    begin = file.tell()
    file.write(struct.pack("<II", 15, 0))
    file.write(deflater.compress(struct.pack("<II", 14, len(head) + size + len(padding)) + head))
    for part in parts:
        file.write(deflater.compress(part.tobytes()))
    file.write(deflater.compress(padding) + deflater.flush())
    end = file.tell()
    file.seek(begin + 4)
    file.write(struct.pack("<I", end - begin - 8))
    file.seek(end)


def generate(folder: Path, sizes: dict[str, int], chunks: tuple[int, ...], flat: bool) -> None:
    write_v73(folder / "train.mat", "train", sizes["train"], chunks, flat)
    for split in ("valid", "test"):
        write_v5(folder / f"{split}.mat", split, sizes[split], flat)
    with tarfile.open(folder / "bundle.tar.gz", "w:gz", compresslevel=1) as archive:
        for split in sizes:
            archive.add(folder / f"{split}.mat", f"deepsea_train/{split}.mat")


def card() -> Any:
    from motifzoo.data_cards.cards import Card

    facts = dict.fromkeys(("title", "summary", "assay", "organism", "genome", "licence", "source", "citation"), "-")
    return Card.model_validate(
        facts
        | {
            "name": "generated-deepsea",
            "version": 1,
            "task": "multi-label",
            "classes": [str(column) for column in COLUMNS],
            "length": LENGTH,
            "monitor": "aupr",
            "benchmarks": ["classification"],
            "sources": [{"file": "bundle.tar.gz", "url": "https://example.org/bundle.tar.gz"}],
            "reader": {"format": "deepsea", "columns": COLUMNS},
        }
    )


def build(folder: Path) -> dict[str, Any]:
    """The whole build from the archive; seconds spent reading each split (unpacking it included), and in all."""
    from motifzoo.data_cards.readers import read
    from motifzoo.data_cards.store import write_splits

    reading = dict.fromkeys(REAL, 0.0)

    def timed() -> Iterator[Any]:
        pieces = read(card(), {"bundle.tar.gz": folder / "bundle.tar.gz"})
        while True:
            start = time.perf_counter()
            item = next(pieces, None)
            if item is None:
                return
            reading[item[0]] += time.perf_counter() - start
            yield item

    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=folder) as target:
        dataset = write_splits(card(), timed(), Path(target) / "built")
        seconds = time.perf_counter() - start
        kept = {name: len(split) for name, split in dataset.splits()}
        del dataset
    return {"reading": reading, "seconds": seconds, "kept": kept}


def read_file(folder: Path, split: str) -> dict[str, Any]:
    """The kept rows of one file, by this project."""
    from motifzoo.data_cards.readers import deepsea

    start = time.perf_counter()
    path, of = folder / f"{split}.mat", card()
    digest = hashlib.sha256()
    with deepsea.open_variables(path, split, str(path), of, of.reader) as (x, y):
        for piece in deepsea.pieces(x, y, str(path), COLUMNS):
            digest.update(piece.codes.tobytes())
    return {"seconds": time.perf_counter() - start, "digest": digest.hexdigest()}


def read_plain(folder: Path, split: str) -> dict[str, Any]:
    """The kept rows of one file, read whole."""
    import h5py
    import scipy.io

    start = time.perf_counter()
    path = folder / f"{split}.mat"
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            x, y = file[f"{split}xdata"][:].T, file[f"{split}data"][:].T
    else:
        both = scipy.io.loadmat(path)
        x, y = both[f"{split}xdata"], both[f"{split}data"]
    kept = x[y[:, COLUMNS].any(axis=1)][:, [0, 2, 1, 3]]
    codes = np.where(kept.any(axis=1), kept.argmax(axis=1), 4).astype(np.uint8)
    digest = hashlib.sha256(np.ascontiguousarray(codes).tobytes())
    return {"seconds": time.perf_counter() - start, "digest": digest.hexdigest()}


def in_process(work: str, *arguments: str) -> dict[str, Any]:
    """What one of the above returns in a process of its own, with that one's peak memory in GB and processor time."""
    # This process must stay small: a new one's peak begins at the size of the one that started it.
    child = subprocess.Popen([sys.executable, __file__, "--work", work, *arguments], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{work} failed")
    result: dict[str, Any] = json.loads(out)
    return result | {"memory": usage.ru_maxrss * 1024 / 1e9, "processor": usage.ru_utime + usage.ru_stime}


def work(name: str, folder: str, *arguments: str) -> None:
    home = Path(folder)
    os.environ["MOTIFZOO_CACHE"] = str(home / "cache")
    if name == "generate":
        generate(home, json.loads(arguments[0]), tuple(json.loads(arguments[1])), arguments[2] == "flat")
        result: dict[str, Any] = {}
    elif name == "build":
        result = build(home)
    else:
        result = {"motifzoo": read_file, "plain": read_plain}[name](home, arguments[0])
    print(json.dumps(result))


@contextmanager
def place(keep: str | None) -> Iterator[str]:
    if keep is None:
        with tempfile.TemporaryDirectory() as folder:
            yield folder
    else:
        Path(keep).mkdir(parents=True, exist_ok=True)
        yield keep


def predicted(built: dict[str, Any], sizes: dict[str, int]) -> float:
    """Seconds for the real bundle: reading grows with each file's rows, writing with the kept ones."""
    scale = {split: REAL[split] / sizes[split] for split in REAL}
    reading = sum(seconds * scale[split] for split, seconds in built["reading"].items())
    writing = built["seconds"] - sum(built["reading"].values())
    kept = sum(count * scale[split] for split, count in built["kept"].items()) / sum(built["kept"].values())
    return reading + writing * kept


def show(label: str, result: dict[str, Any], rows: int, ratio: float | None = None) -> None:
    times = f"{result['seconds']:>9.1f}{result['processor']:>11.1f}{rows / result['seconds']:>9,.0f}"
    print(f"{label:<22}{times}{result['memory']:>9.2f}" + (f"{ratio:>7.1f}" if ratio else ""), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=int, default=200_000, help="training rows")
    parser.add_argument("--test", type=int, default=REAL["test"], help="test rows")
    parser.add_argument("--chunks", default="1,1,32768", help="of the training file: positions, channels, rows")
    parser.add_argument("--keep", metavar="FOLDER", help="generate the bundle here, or use the one that is here")
    parser.add_argument("--flat", action="store_true", help="equal sequences; only the build is measured")
    parser.add_argument("--work", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*arguments.work)
        return
    sizes = REAL | {"train": arguments.train, "test": arguments.test}
    chunks = [int(size) for size in arguments.chunks.split(",")]
    with place(arguments.keep) as folder:
        bundle = Path(folder) / "bundle.tar.gz"
        if not bundle.is_file():
            in_process(
                "generate", folder, json.dumps(sizes), json.dumps(chunks), "flat" if arguments.flat else "random"
            )
        counts = ", ".join(f"{rows:,} {split}" for split, rows in sizes.items())
        print(f"rows: {counts}; {bundle.stat().st_size / 1e9:.2f} GB packed; chunks of {arguments.chunks}")
        print(f"{'':<22}{'seconds':>9}{'processor':>11}{'rows/s':>9}{'peak GB':>9}{'ratio':>7}")
        built = in_process("build", folder)
        show("build from .tar.gz", built, sum(sizes.values()))
        print(f"kept: {', '.join(f'{count:,} {split}' for split, count in built['kept'].items())}")
        if arguments.flat:
            return
        for split in ("train", "test"):
            found, plain = in_process("motifzoo", folder, split), in_process("plain", folder, split)
            if found["digest"] != plain["digest"]:
                raise SystemExit(f"the two ways differ on {split}.mat")
            show(f"{split}.mat, motifzoo", found, sizes[split])
            show(f"{split}.mat, plain", plain, sizes[split], plain["seconds"] / found["seconds"])
        seconds = predicted(built, sizes)
        print(f"predicted for the real bundle ({sum(REAL.values()):,} rows): {seconds / 60:.1f} minutes")


if __name__ == "__main__":
    main()
