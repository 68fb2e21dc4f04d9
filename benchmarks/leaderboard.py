"""A board of 100,000 records: read from its folder, and ranked as `motifzoo leaderboard show` ranks it.

    python benchmarks/leaderboard.py [--records 100000] [--trials 10] [--repeats 3] [--folder FOLDER]

The records are made up (random scores around a model's own mean), spread over the packaged benchmarks, with the metrics
that a model of each has. They are written once, then each pass reads them in a process of its own, so that nothing is
left in memory; the files are in the system's cache, as they are after any earlier look at the board. `processor` is the
processor time of the pass alone: on a busy machine it says more than `seconds`. Beside it, in turn, the plain way:
`Path.rglob`, `json.loads`, and nothing checked or ranked.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from motifzoo.data_cards.cards import PACKAGED, Card, list_datasets, load_card
from motifzoo.data_cards.motifs import content_hash, search_database
from motifzoo.evaluate.leaderboard.entries import entries
from motifzoo.evaluate.leaderboard.headline import headline
from motifzoo.evaluate.leaderboard.ranking import rank
from motifzoo.evaluate.leaderboard.record import Record
from motifzoo.evaluate.leaderboard.store import collector_paused, read_records
from motifzoo.evaluate.metric_table import METRICS
from motifzoo.evaluate.protocol import PROTOCOL

VERSIONS = {"python": "3.11.7", "motifzoo": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6", "tangermeme": "1.6.0"}


def metrics_of(card: Card) -> list[str]:
    """The metrics that a model on this data set has."""
    kinds = ("scan_", "target_") if card.generator is None else ("match_fraction", "motif_coverage")
    others = ("match_fraction", "motif_coverage") if card.generator is None else ("scan_", "target_")
    return [
        name
        for name in METRICS
        if name.partition("/")[0] in card.benchmarks
        and not any(kind in name for kind in others)
        and (not name.startswith("attribution/") or card.generator is not None or any(kind in name for kind in kinds))
    ]


def write_board(folder: Path, records: int, trials: int) -> None:
    random = np.random.default_rng(0)
    motifs = content_hash(search_database())
    cards = [load_card(name) for name in list_datasets() if (PACKAGED / name).is_dir()]
    for number in range(records):
        model, trial = divmod(number, trials)
        card = cards[model % len(cards)]
        names = metrics_of(card)
        if trial == 0:
            means = random.uniform(0.5, 0.95, len(names))
        record = Record(
            benchmark=card.benchmark,
            model=f"cnn-{model}-relu.{card.name}",
            trial=trial,
            architecture=f"cnn-{model}",
            activation="relu",
            dataset=card.name,
            metrics=dict(zip(names, np.clip(random.normal(means, 0.02), 0, 1).tolist(), strict=True)),
            n=dict.fromkeys(names, 500),
            parameters=100_000,
            model_sha256=random.bytes(32).hex(),
            data_fingerprint=card.fingerprint or "0" * 64,
            motifs_sha256=motifs,
            protocol=PROTOCOL,
            versions=VERSIONS,
            device="cpu (x86_64, 1 thread)",
            command=f"motifzoo evaluate cnn-{model}-relu.{card.name}:{trial}",
            source=f"models/cnn-{model}-relu.{card.name}",
            submitter="somebody",
            submitted="2026-01-01T00:00:00Z",
        )
        path = folder / record.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(record.to_json())


def load(folder: Path) -> int:
    return len(read_records(folder)[0])


def load_and_rank(folder: Path, metrics: int | None = 1) -> int:
    with collector_paused():  # as `motifzoo leaderboard show` does
        grouped = entries(read_records(folder)[0].values())
        return sum(len(rank(rows, by)) for name, rows in grouped.items() for by in headline(name, rows)[:metrics])


def load_and_rank_all(folder: Path) -> int:
    return load_and_rank(folder, None)


def plain(folder: Path) -> int:
    return len([json.loads(path.read_bytes()) for path in (folder / "results").rglob("trial-*.json")])


PASSES: dict[str, Callable[[Path], int]] = {
    "load": load,
    "load and rank": load_and_rank,
    "load and rank, every headline metric": load_and_rank_all,
    "the plain way: rglob and json.loads": plain,
}


def measure(name: str, folder: Path) -> None:
    """One pass, in this process; prints its times and the largest memory of the process."""
    wall, processor = time.perf_counter(), time.process_time()
    count = PASSES[name](folder)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"count": count, "seconds": wall, "processor": processor, "MB": memory}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the board here, or use the one that is there")
    parser.add_argument("--one", nargs=2, metavar=("PASS", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        measure(given.one[0], Path(given.one[1]))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        if not (folder / "results").is_dir():
            write_board(folder, given.records, given.trials)
        print(f"{'pass':37}{'seconds':>9}{'processor':>11}{'MB':>7}{'records or rows':>17}")
        for _ in range(given.repeats):
            for name in PASSES:
                command = [sys.executable, __file__, "--one", name, str(folder)]
                found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                print(
                    f"{name:37}{found['seconds']:9.2f}{found['processor']:11.2f}{found['MB']:7.0f}{found['count']:17,}"
                )


if __name__ == "__main__":
    main()
