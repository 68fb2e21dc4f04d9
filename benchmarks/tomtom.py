"""Tomtom beside memelite: 32 filters against the 518 motifs, warm, in a fresh process, and on a machine's first call.

    python benchmarks/tomtom.py [--first-call]

Peers run in turn in one process, so a ratio compares like with like. memelite runs with the fine bins that its
p-values need to agree with MEME's. `--first-call` adds memelite's compilation, which takes more than a minute.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from motifzoo.data_cards.motifs import Motif, query_motif, search_database
from motifzoo.evaluate.tomtom import pvalues

FILTERS = 32
REPEATS = 7


def filters() -> list[Motif]:
    """Noisy copies of database motifs, flanked to 20 columns, as first-layer filters are."""
    random = np.random.default_rng(0)
    chosen = random.choice(len(search_database()), FILTERS, replace=False)
    queries = []
    for number, index in enumerate(chosen):
        matrix = np.full((4, 20), 0.25)
        known = search_database()[index].probabilities[:, :20]
        matrix[:, : known.shape[1]] = known
        noise = random.dirichlet([1] * 4, 20).T
        queries.append(query_motif(f"filter{number}", 0.8 * matrix + 0.2 * noise))
    return queries


def run_motifzoo(queries: list[Motif]) -> None:
    pvalues(queries, search_database())


def run_memelite(queries: list[Motif]) -> None:
    import memelite

    def prepared(motif: Motif) -> np.ndarray:
        matrix = motif.probabilities / motif.probabilities.sum(axis=0)
        return (matrix * motif.nsites + 0.025) / (motif.nsites + 0.1)

    targets = [prepared(motif) for motif in search_database()]
    memelite.tomtom([prepared(query) for query in queries], targets, n_target_bins=None, n_median_bins=10**5)


PEERS: dict[str, Callable[[list[Motif]], None]] = {"motifzoo": run_motifzoo, "memelite": run_memelite}


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def fresh(peer: str, **environment: str) -> float:
    """Seconds of a whole process that imports, reads the motifs and matches once."""
    command = [sys.executable, __file__, "--once", peer]
    return timed(lambda: subprocess.run(command, check=True, env={**os.environ, **environment}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--first-call", action="store_true", help="also time a process with an empty compilation cache")
    parser.add_argument("--once", choices=PEERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    queries = filters()
    if arguments.once:
        PEERS[arguments.once](queries)
        return
    for peer in PEERS.values():
        peer(queries)
    seconds: dict[str, dict[str, list[float]]] = {"warm": {}, "fresh process": {}}
    for _ in range(REPEATS):
        for name, peer in PEERS.items():
            seconds["warm"].setdefault(name, []).append(timed(lambda peer=peer: peer(queries)))
    for _ in range(3):
        for name in PEERS:
            seconds["fresh process"].setdefault(name, []).append(fresh(name))
    if arguments.first_call:
        with tempfile.TemporaryDirectory() as empty:
            seconds["first call"] = {name: [fresh(name, NUMBA_CACHE_DIR=empty)] for name in PEERS}
    print(f"{FILTERS} filters of 20 columns x {len(search_database())} motifs, median seconds")
    print(f"{'':<14}{'motifzoo':>10}{'memelite':>10}{'ratio':>8}")
    for label, times in seconds.items():
        ours, theirs = (statistics.median(times[name]) for name in PEERS)
        print(f"{label:<14}{ours:>10.3f}{theirs:>10.3f}{ours / theirs:>8.2f}")


if __name__ == "__main__":
    main()
