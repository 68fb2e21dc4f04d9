"""Sequence logos as SVG text, drawn from matrices: information content for motifs, signed scores for attribution.

A logo of 20 columns takes well under a millisecond and one to two kilobytes. Both functions return an image that is
complete in itself (`standalone=True`: a file, a README), or one that leans on the page around it for the glyphs and
namespace (`glyphs.GLYPHS`).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...data_cards.onehot import ALPHABET
from ...errors import DataError
from ..clip import information
from .glyphs import number, place, svg

_BITS = 2.0  # the most a column of four letters can carry
_VISIBLE = 0.4  # letters below this height in px are left out

Floats = npt.NDArray[np.float64]


def logo_svg(
    matrix: npt.ArrayLike,
    *,
    label: str,
    height: float = 44.0,
    column_width: float = 9.0,
    start: int = 0,
    columns: int | None = None,
    standalone: bool = True,
) -> str:
    """Information-content logo of a probability matrix (Schneider & Stephens 1990, no small-sample correction).

    matrix: `(4, W)`, rows A, C, G, T; each column is as tall as its information, 2 + sum p log2 p bits, `height` px
    being 2 bits; letters stand in order of their share. Letters below 0.4 px are left out. label: the image's
    description. start, columns: where the matrix begins in an image of so many columns, to line up several logos.
    Raises DataError for another shape, a value that is not a probability, or columns that do not fit.
    """
    values = np.asarray(matrix, dtype=np.float64)
    if values.ndim != 2 or values.shape[0] != len(ALPHABET) or values.shape[1] == 0:
        raise DataError(f"a logo is drawn from a matrix of shape (4, W), rows A, C, G, T; got {values.shape}.")
    if not np.all((values >= 0) & (values <= 1)):
        raise DataError("a logo is drawn from probabilities: every value must lie between 0 and 1.")
    total = start + values.shape[1] if columns is None else columns
    if start < 0 or start + values.shape[1] > total:
        raise DataError(f"{values.shape[1]} columns that begin at {start} do not fit into a logo of {total} columns.")
    bits = np.clip(information(values), 0.0, _BITS)
    width = total * column_width
    parts = [f'<path class="rule" stroke="#8884" d="M0 {number(height / 2)}H{number(width)}"/>']
    for column in range(values.shape[1]):
        share = values[:, column] / max(values[:, column].sum(), 1e-300)
        below = 0.0
        for row in np.argsort(share, kind="stable"):
            size = share[row] * bits[column] * height / _BITS
            above = below + size
            # Edges are rounded, not heights: letters then meet, and the column's height is right to 0.1 px.
            top, bottom = round(height - above, 1), round(height - below, 1)
            if size >= _VISIBLE:
                parts.append(place(ALPHABET[row], (start + column) * column_width, top, column_width, bottom - top))
            below = above
    return svg(parts, width=width, height=height, label=label, kind="logo", standalone=standalone)


def attribution_svg(
    codes: npt.ArrayLike,
    scores: npt.ArrayLike,
    *,
    label: str,
    height: float = 48.0,
    column_width: float = 6.0,
    headroom: float = 0.0,
    limits: tuple[float, float] | None = None,
    shaded: Sequence[tuple[int, int]] = (),
    standalone: bool = True,
) -> str:
    """A sequence with each letter as tall as its score, negative ones upside down below the axis.

    codes: `(L,)`, A, C, G, T = 0 to 3, other codes are not drawn. scores: `(L,)`, any unit; those that are not finite
    are not drawn. limits: the scores at the bottom and the top of `height` px (default: the lowest and highest score,
    0 included; letters beyond are cut off). headroom: empty px above that, for a caption. shaded: ranges of positions,
    first and one past the last, with a tinted ground. Raises DataError for unequal shapes.
    """
    letters, values = np.asarray(codes), np.asarray(scores, dtype=np.float64)
    if letters.ndim != 1 or letters.shape != values.shape or len(letters) == 0:
        raise DataError(f"codes {letters.shape} and scores {values.shape} must have the same shape (L,).")
    values = np.where(np.isfinite(values) & (letters < len(ALPHABET)), values, 0.0)
    low, high = (min(values.min(), 0.0), max(values.max(), 0.0)) if limits is None else limits
    span = high - low if high > low else np.inf
    axis = headroom + (high / span * height if high > low else height)
    width, full = len(letters) * column_width, headroom + height
    parts = [
        f'<rect class="true" fill="#e8b93040" x="{number(first * column_width)}" y="0" '
        f'width="{number((end - first) * column_width)}" height="{number(full)}"/>'
        for first, end in shaded
    ]
    for position, (code, value) in enumerate(zip(letters.tolist(), np.clip(values, low, high).tolist(), strict=True)):
        size = abs(value) / span * height  # in this order: pixels a unit overflow for the smallest scores
        if size >= _VISIBLE:
            letter = ALPHABET[code] if value > 0 else ALPHABET[code].lower()
            top = axis - size if value > 0 else axis
            parts.append(place(letter, position * column_width, top, column_width, size))
    parts.append(f'<path class="axis" stroke="#888" d="M0 {number(axis)}H{number(width)}"/>')
    return svg(parts, width=width, height=full, label=label, kind="track", standalone=standalone)
