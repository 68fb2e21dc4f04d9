"""The letters A, C, G, T as vector shapes, and the SVG they are placed in.

Each glyph fills a box of 100 x 100 exactly, so that a letter's height is its number. A page defines the glyphs once
(`GLYPHS`) and places them with `<use>`; upper case ids stand upright, lower case ones hang below the axis, upside
down. The colours read on white and on black (contrast 3 or more) and stay apart in the common colour blindnesses;
a page may give `.nt-a` to `.nt-t` others.
"""

from collections.abc import Iterable
from html import escape
from typing import Final

from ...data_cards.onehot import ALPHABET

_SHAPES: Final = {
    "A": ("#109a6c", "M0 100 36 0H64L100 100H75L68 79H32L25 100ZM38 61H62L50 24Z"),
    "C": (
        "#2f7fd1",
        "M100 36C97 13 78 0 54 0 22 0 0 20 0 50S22 100 54 100C78 100 97 87 100 64H75C73 76 65 82 54 82"
        " 36 82 25 70 25 50S36 18 54 18C65 18 73 24 75 36Z",
    ),
    "G": (
        "#c98500",
        "M98 33C94 12 77 0 54 0 22 0 0 20 0 50S22 100 54 100C74 100 90 92 100 80V46H53V63H76V74C70 79 63 82 54 82"
        " 36 82 25 70 25 50S36 18 54 18C64 18 71 23 74 33Z",
    ),
    "T": ("#d9482f", "M0 0H100V18H63V100H37V18H0Z"),
}


def _symbol(letter: str) -> str:
    colour, shape = _SHAPES[letter]
    drawn = f'<path class="nt-{letter.lower()}" fill="{colour}" fill-rule="evenodd" d="{shape}"'
    box = 'viewBox="0 0 100 100" preserveAspectRatio="none"'
    return (
        f'<symbol id="{letter}" {box}>{drawn}/></symbol>'
        f'<symbol id="{letter.lower()}" {box}>{drawn} transform="matrix(1 0 0 -1 0 100)"/></symbol>'
    )


GLYPHS: Final = f"<defs>{''.join(_symbol(letter) for letter in ALPHABET)}</defs>"


def number(value: float, decimals: int = 1) -> str:
    """The shortest SVG text of a coordinate: `12`, `3.1`, `.4`, `-.4`."""
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text in ("-0", ""):
        return "0"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def place(letter: str, x: float, y: float, width: float, height: float) -> str:
    """A glyph stretched over the box whose upper left corner is (x, y)."""
    return f'<use href="#{letter}" x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"/>'


def svg(parts: Iterable[str], *, width: float, height: float, label: str, kind: str, standalone: bool) -> str:
    """One `<svg>` image that stretches to whatever box a page gives it.

    label: what a screen reader says. kind: its CSS class. standalone: with namespace and glyphs, for a file or a page
    that does not define them.
    """
    size = f'{number(width)}" height="{number(height)}'
    name = ' xmlns="http://www.w3.org/2000/svg"' if standalone else ""
    return (
        f'<svg{name} class="{kind}" role="img" aria-label="{escape(label)}" width="{size}" '
        f'viewBox="0 0 {number(width)} {number(height)}" preserveAspectRatio="none">'
        f"{GLYPHS if standalone else ''}{''.join(parts)}</svg>"
    )
