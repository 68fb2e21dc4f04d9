"""Motif scanning beside lightmotif and memelite: as many sequences as dhs-4cell's test split, its seven known motifs.

    python benchmarks/scan.py [--sequences 4565] [--length 200] [--p 1e-4]

All run in turn in one process on one thread, so a ratio compares like with like; each number is the median of the
repeats. Everything from motifs and codes to instances is timed: log-odds, thresholds, scanning, and what it takes to
hand a peer its input. lightmotif scans sequence by sequence; memelite (its FIMO) runs once beforehand to compile.
The instances differ by what the peers' rounding of scores for p-values moves across the threshold.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import lightmotif
import memelite
import numpy as np

from motifzoo.data_cards.motifs import Motif, jaspar2016
from motifzoo.data_cards.onehot import Codes, decode, to_onehot
from motifzoo.evaluate.pwm import log_odds
from motifzoo.evaluate.scan import scan

MOTIFS = ("MA0035.3", "MA0484.1", "MA0047.2", "MA0050.2", "MA0684.1", "MA0142.1", "MA0697.1")
REPEATS = 5


def run_motifzoo(codes: Codes, motifs: list[Motif], p: float) -> int:
    return len(scan(codes, motifs, p).start)


def run_lightmotif(codes: Codes, motifs: list[Motif], p: float) -> int:
    sequences = [lightmotif.stripe(sequence) for sequence in decode(codes)]
    count = 0
    for motif in motifs:
        matrix = lightmotif.ScoringMatrix(dict(zip("ACGT", log_odds(motif).tolist(), strict=True)))
        lowest = matrix.score(p)
        for oriented in (matrix, matrix.reverse_complement()):
            count += sum(len(list(lightmotif.scan(oriented, text, threshold=lowest))) for text in sequences)
    return count


def run_memelite(codes: Codes, motifs: list[Motif], p: float, *, bin_size: float) -> int:
    matrices = {motif.id: 0.25 * 2 ** log_odds(motif) for motif in motifs}
    found = memelite.fimo(matrices, to_onehot(codes), bin_size=bin_size, eps=0, threshold=p)
    return sum(map(len, found))


PEERS: dict[str, Callable[[Codes, list[Motif], float], int]] = {
    "motifzoo, steps of 2^-13 bits": run_motifzoo,
    "lightmotif": run_lightmotif,
    "memelite, bins of 0.1 bits (default)": lambda *given: run_memelite(*given, bin_size=0.1),
    "memelite, bins of 0.001 bits": lambda *given: run_memelite(*given, bin_size=0.001),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=4565)
    parser.add_argument("--length", type=int, default=200)
    parser.add_argument("--p", type=float, default=1e-4)
    arguments = parser.parse_args()
    shape = (arguments.sequences, arguments.length)
    codes = np.random.default_rng(0).integers(0, 4, shape).astype(np.uint8)
    known = {motif.id: motif for motif in jaspar2016()}
    motifs = [known[name] for name in MOTIFS]
    counts = {name: peer(codes, motifs, arguments.p) for name, peer in PEERS.items()}
    seconds: dict[str, list[float]] = {name: [] for name in PEERS}
    for _ in range(REPEATS):
        for name, peer in PEERS.items():
            start = time.perf_counter()
            peer(codes, motifs, arguments.p)
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    ours = next(iter(medians.values()))
    print(f"{shape[0]} sequences of {shape[1]} nt x {len(motifs)} motifs, both strands, p < {arguments.p:g}")
    print(f"{'':<40}{'seconds':>9}{'ours/it':>9}{'instances':>11}")
    for name, median in medians.items():
        print(f"{name:<40}{median:>9.3f}{ours / median:>9.2f}{counts[name]:>11}")


if __name__ == "__main__":
    main()
