"""Attribution maps that no network made: a scan with the true motifs, and noise."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ....data_cards.motifs import Motif
from ....data_cards.onehot import ALPHABET, Codes
from ...pwm import log_odds

Floats = npt.NDArray[np.float64]


def scan_maps(codes: Codes, motifs: Sequence[Motif]) -> Floats:
    """The best match at each position of sequences `(n, L)`, in bits, `(n, L)`.

    A position's score is the highest log-odds (`pwm.log_odds`, uniform background) of any window of any motif, on
    either strand, that covers it; a letter other than A, C, G, T adds 0. Where no motif fits, the score is -inf.
    """
    count, length = codes.shape
    best = np.full((count, length), -np.inf)
    for motif in motifs:
        bits = np.vstack([log_odds(motif), np.zeros(motif.width)])
        starts = length - motif.width + 1
        if starts < 1:
            continue
        for oriented in (bits, np.vstack([bits[len(ALPHABET) - 1 :: -1, ::-1], bits[-1:]])):
            score = np.zeros((count, starts))
            for offset in range(motif.width):
                score += oriented[codes[:, offset : offset + starts], offset]
            for offset in range(motif.width):
                covered = best[:, offset : offset + starts]
                np.maximum(covered, score, out=covered)
    return best


def random_maps(rows: npt.NDArray[np.int64], length: int, seed: int) -> Floats:
    """Uniform noise in [0, 1), `(n, length)`, of the sequences in these `rows` of their split.

    It depends on `seed` and row alone; the raw 64-bit draws of PCG64 are those that NumPy promises to keep.
    """
    noise = np.empty((len(rows), length))
    for place, row in enumerate(rows.tolist()):
        raw = np.random.PCG64(np.random.SeedSequence([seed, row])).random_raw(length)
        noise[place] = (raw >> np.uint64(11)) * 2.0**-53
    return noise
