"""A data set that does not fit: its sequences stay on disk while it is built, trained on and evaluated."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

FEW, MANY = 40_000, 280_000  # sequences of 1000 nt: 280 MB of letters, above what is read into memory
ALLOWED = 100_000_000  # bytes that the many may take more than the few; held in memory it would be 240 MB more


# Only memory of its own counts: pages of a mapped file go when others need the room.
SCRIPT = """
import sys, threading, time
from pathlib import Path

import numpy as np
import torch
from model_folders import small_layers

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import Split, no_placements
from motifzoo.data_cards.rows import MappedCodes
from motifzoo.data_cards import store
from motifzoo.data_cards.store import write_splits
from motifzoo.evaluate.classification import predict
from motifzoo.evaluate.filters import filter_matrices
from motifzoo.zoo.recipe import Recipe, Training
from motifzoo.zoo.training import train

torch.set_num_threads(1)
if int(sys.argv[2]) * 1000 < store.MAPPED_ABOVE:
    store.MAPPED_ABOVE = 0
SIZES = {name: int(sys.argv[2]) // 40 * share for name, share in (("train", 30), ("valid", 1), ("test", 9))}


def own():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def pieces():
    random = np.random.default_rng(0)
    for name, size in SIZES.items():
        for begin in range(0, size, 1000):
            codes = random.integers(0, 4, (1000, 1000), dtype=np.uint8)
            yield name, Split(codes, (codes[:, :1] < 2).astype(np.int8), no_placements())


def watch():
    while True:
        peak[0] = max(peak[0], own())
        time.sleep(0.01)


card = load_card("chip-irf1").model_copy(
    update={"name": "large", "length": 1000, "splits": {}, "positives": {}, "fingerprint": ""}
)
small = small_layers("relu", 1)
Recipe.layers = lambda self: small
before = own()
peak = [before]
threading.Thread(target=watch, daemon=True).start()
data = write_splits(card, pieces(), Path(sys.argv[1]) / "large")
assert isinstance(data.train.codes, MappedCodes)
recipe = Recipe(
    architecture="cnn-local", activation="relu", dataset="large", trials=1,
    training=Training(epochs=1, batch_size=500, reverse_complements=True),
)
trained = train(recipe, 0, data, device=torch.device("cpu"), checkpoint_path=Path(sys.argv[1]) / "run")
assert len(predict(trained.network, data.test.codes, batch_size=200)) == SIZES["test"]
assert filter_matrices(trained.network, data.test.codes, batch_size=200).windows.sum() > 0
print(peak[0] - before)
"""


def growth(folder: Path, sequences: int) -> int:
    """Bytes of its own that a process takes to build, train on and evaluate so many sequences."""
    environment = {
        "PYTHONPATH": str(Path(__file__).parent),
        "MOTIFZOO_CACHE": str(folder / "cache"),
        "PATH": "/usr/bin:/bin",
        "OMP_NUM_THREADS": "1",
        # Blocks go back to the system when they are freed; otherwise what the C library keeps is most of the figure,
        # and what Arrow's own allocator keeps differs from run to run by as much as is allowed.
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "1000000",
    }
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder), str(sequences)]
    folder.mkdir()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory figures as Linux gives them")
def test_sequences_stay_on_disk(tmp_path: Path) -> None:
    few, many = growth(tmp_path / "few", FEW), growth(tmp_path / "many", MANY)
    assert few > 0
    assert many - few < ALLOWED
