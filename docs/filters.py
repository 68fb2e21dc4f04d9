"""Draw docs/filters.svg, the README's picture: the first filters of one network trained with two first layers.

Run from the repository's root: python docs/filters.py
"""

from html import escape
from pathlib import Path

from motifzoo import load, load_dataset
from motifzoo.data_cards.motifs import search_database
from motifzoo.evaluate.clip import clip, frequencies
from motifzoo.evaluate.filters import filter_matrices
from motifzoo.evaluate.matching import match_filters
from motifzoo.evaluate.report.logos import logo_svg

MODELS = {
    "exponential first layer": "cnn-dist-exponential.synthetic-codes",
    "ReLU first layer": "cnn-dist-relu.synthetic-codes",
}
FILTERS = 8  # the first ones, whatever they show
COLUMNS, ROW, TOP, SIDE = 26, 58, 92, 560
STYLE = "font-family='system-ui, sans-serif' fill='#1f2328'"


def text(x: float, y: float, words: str, size: int = 13, extra: str = "") -> str:
    """A line of text."""
    return f"<text x='{x}' y='{y}' font-size='{size}' {STYLE} {extra}>{escape(words)}</text>"


def column(title: str, name: str, left: float) -> list[str]:
    """One model's filters, each beside the motif that it hits best."""
    dataset = load_dataset("synthetic-codes")
    found = filter_matrices(load(name), dataset.test.codes)
    matches = match_filters(*found, dataset.card.ground_truth)
    motifs = {motif.id: motif for motif in search_database()}
    first_hit = {hit.query_id: hit for hit in reversed(matches.hits)}
    hits = sum(bool(entry.hits) for entry in matches.filters)
    core = sum(entry.true_motif is not None for entry in matches.filters)
    parts = [
        text(left, 24, title, 17, "font-weight='600'"),
        text(left, 46, f"{name}: of {len(matches.filters)} filters {hits} hit a motif of JASPAR, {core} one of"),
        text(left, 64, f"the five core motifs that decide the label. The first {FILTERS}:"),
    ]
    for row, entry in enumerate(matches.filters[:FILTERS]):
        y = TOP + row * ROW
        parts.append(text(left, y + 26, str(entry.filter), 13, "font-weight='600'"))
        if entry.dead is not None:
            parts.append(text(left + 24, y + 26, f"dead: {entry.dead}"))
            continue
        matrix = clip(frequencies(found.counts[entry.filter]))
        hit = first_hit.get(f"filter{entry.filter}")
        # Both logos share columns: the hit's offset says how far the motif begins before the filter.
        before = max(hit.offset, 0) if hit else 0
        filter_logo = logo_svg(matrix, label=entry.consensus, start=before, columns=COLUMNS)
        parts.append(f"<g transform='translate({left + 24} {y})'>{filter_logo}</g>")
        if hit is None:
            parts.append(text(left + 290, y + 26, f"no hit (best E {entry.best_e:.2g})"))
            continue
        motif = motifs[hit.target_id]
        shown = motif.reverse_complement() if hit.orientation == "-" else motif
        logo = logo_svg(shown.probabilities, label=motif.name, start=max(-hit.offset, 0), columns=COLUMNS)
        parts.append(f"<g transform='translate({left + 290} {y})'>{logo}</g>")
        parts.append(text(left + 290, y - 2, f"{motif.name}  E {hit.e_value:.1g}", 12))
    return parts


def picture() -> str:
    """The picture as SVG, computed from weights and data."""
    height = TOP + FILTERS * ROW
    parts = [part for index, item in enumerate(MODELS.items()) for part in column(*item, 16 + index * SIDE)]
    body = "\n".join([f"<rect width='{2 * SIDE + 16}' height='{height}' fill='#ffffff'/>", *parts])
    box = f"0 0 {2 * SIDE + 16} {height}"
    return f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='{box}' role='img'>\n{body}\n</svg>\n"


if __name__ == "__main__":
    Path("docs/filters.svg").write_text(picture(), encoding="utf-8")
