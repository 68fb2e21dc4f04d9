"""Attribution maps as a report shows them: a few sequences, every method under the ground truth."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...metrics import auroc
from ..protocol import METHODS
from .logos import attribution_svg
from .sides import Array, Attribution
from .words import PLANTED, UNDEFINED, TruthWords, capital, method_title, positions, score

EXAMPLES = 4  # sequences shown
TRUE_BITS = 0.01  # a position with more is part of a true motif (protocol section 5)
_HEADROOM = 18.0  # px above a track for its caption
_COLUMN = 6.0


class TrackView(NamedTuple):
    """One row of letters: what it is, a score with its name ("AUROC 0.873"), a remark, the image."""

    title: str
    scored: str
    remark: str
    svg: str


class SequenceView(NamedTuple):
    """A test sequence: its row in the test split, which output is explained (a class name, or "" where there is one
    class only), length in nt, tracks (truth first), ticks (position, percent)."""

    row: int
    output: str
    length: int
    width: int
    tracks: tuple[TrackView, ...]
    ticks: tuple[tuple[int, float], ...]


class AttributionView(NamedTuple):
    """The first sequences of `total` that were attributed; what their tint marks."""

    total: int
    tinted: str
    sequences: tuple[SequenceView, ...]


def attribution_view(
    attribution: Attribution | None, classes: Sequence[str] = (), words: TruthWords = PLANTED
) -> AttributionView | None:
    """The first four sequences in the order of the test split; None without attribution."""
    if attribution is None or len(attribution.rows) == 0:
        return None
    order = np.argsort(attribution.rows, kind="stable")[:EXAMPLES]
    sequences = tuple(_sequence(attribution, int(index), classes, words) for index in order)
    return AttributionView(len(attribution.rows), words.tinted, sequences)


def _sequence(attribution: Attribution, index: int, classes: Sequence[str], words: TruthWords) -> SequenceView:
    codes, information = attribution.codes[index], attribution.information[index]
    truth = information > TRUE_BITS
    spans = _spans(truth)
    row = int(attribution.rows[index])
    output = int(attribution.outputs[index])
    name = classes[output] if len(classes) > 1 and output < len(classes) else ""
    told = f"test sequence {row}: {words.motif}s at positions {positions(spans)}"
    tracks = [TrackView(words.track, "", words.unit, _track(codes, information, spans, told, (0.0, 2.0)))]
    known = [method for method in METHODS if method in attribution.maps]
    for method in (*known, *sorted(set(attribution.maps) - set(METHODS))):
        tracks.append(_method(method, codes, attribution.maps[method][index], truth, spans, row, words.motif))
    length = len(codes)
    step = 20 if length <= 400 else 100
    ticks = tuple((position, 100 * (position + 0.5) / length) for position in range(0, length, step))
    return SequenceView(row, name, length, round(length * _COLUMN), tuple(tracks), ticks)


def _method(
    method: str,
    codes: Array,
    scores: Array,
    truth: npt.NDArray[np.bool_],
    spans: tuple[tuple[int, int], ...],
    row: int,
    motif: str,
) -> TrackView:
    title = capital(method_title(method))
    area = score(float(auroc(truth, scores)[0]))
    finite = np.isfinite(scores)
    if not finite.all():
        remark = f"{int((~finite).sum())} of {len(scores)} not finite"
    elif area == UNDEFINED:
        remark = f"no {motif} here" if not truth.any() else f"{motif} everywhere"
    else:
        remark = _range(scores)
    label = f"{title} of test sequence {row}, AUROC {area}, scores {remark}"
    return TrackView(title, f"AUROC {area}", remark, _track(codes, scores, spans, label, None))


def _range(scores: Array) -> str:
    """Lowest and highest score; what is below a thousandth of the other end reads 0."""
    low, high = float(scores.min()), float(scores.max())
    nothing = 1e-3 * max(abs(low), abs(high))
    return " to ".join(f"{0.0 if abs(end) < nothing else end:.2g}".replace("-", "\u2212") for end in (low, high))


def _track(
    codes: Array, scores: Array, spans: tuple[tuple[int, int], ...], label: str, limits: tuple[float, float] | None
) -> str:
    return attribution_svg(
        codes,
        scores,
        label=label,
        column_width=_COLUMN,
        headroom=_HEADROOM,
        limits=limits,
        shaded=spans,
        standalone=False,
    )


def _spans(inside: npt.NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Runs of True as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8)))
    return tuple((int(first), int(end)) for first, end in edges.reshape(-1, 2))
