"""learning-curve.svg: training loss and validation score of trial 0 by epoch."""

import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ...data_cards.cards import load_card
from ...errors import ModelError, describe_invalid
from ..config import ModelConfig
from ..schedule import Epoch

_HISTORY: Final = TypeAdapter(list[Epoch])
_WIDTH, _HEIGHT = 300.0, 150.0  # of a plot, in px
_LEFT, _TOP, _BELOW = 56.0, 26.0, 34.0  # room for the labels
_GREY, _BLUE = "#808080", "#2f7fd1"  # read on white and on black


def read_history(folder: Path) -> list[Epoch]:
    """The learning curve of the trial in the folder itself; empty without a training.json.

    Raises ModelError for one that is not a learning curve.
    """
    path = folder / "training.json"
    try:
        return _HISTORY.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}.") from error
    except ValidationError as error:
        raise ModelError(f"{path} is not a learning curve: {describe_invalid(error)}") from error


def learning_curve(history: Sequence[Epoch], config: ModelConfig) -> str:
    """An SVG of two plots over the epochs, 1 to n: training loss in nats, and the validation score.

    Dotted lines are where the learning rate went down. What is not finite is left out.
    """
    score = f"validation {load_card(config.dataset.name).monitor.upper()}"
    width, height = 2 * (_LEFT + _WIDTH + 12), _TOP + _HEIGHT + _BELOW
    plots = [
        *_plot(0, "training loss (nats)", [epoch.loss for epoch in history], history),
        *_plot(width / 2, score, [epoch.score for epoch in history], history),
    ]
    label = escape(f"Learning curve of {config.name}, trial 0: training loss and {score} over {len(history)} epochs")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="11" '
        f'fill="{_GREY}">\n' + "\n".join(plots) + "\n</svg>\n"
    )


def _plot(left: float, title: str, values: Sequence[float], history: Sequence[Epoch]) -> Iterator[str]:
    x0, y0 = left + _LEFT, _TOP
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    step = _WIDTH / max(1, len(values) - 1)
    yield f'<text x="{x0:g}" y="{y0 - 10:g}">{escape(title)}</text>'
    yield f'<path fill="none" stroke="{_GREY}" d="M{x0:g} {y0:g}v{_HEIGHT:g}h{_WIDTH:g}"/>'
    for epoch in range(1, len(history)):
        if history[epoch].learning_rate < history[epoch - 1].learning_rate:
            x = x0 + epoch * step
            yield f'<path stroke="{_GREY}" stroke-dasharray="1 3" d="M{x:.1f} {y0:g}v{_HEIGHT:g}"/>'
    foot = y0 + _HEIGHT
    yield f'<text x="{x0:g}" y="{foot + 16:g}">epoch 1</text>'
    yield f'<text x="{x0 + _WIDTH:g}" y="{foot + 16:g}" text-anchor="end">{len(values)}</text>'
    if not finite:
        yield f'<text x="{x0 + 8:g}" y="{y0 + 20:g}">no finite value</text>'
        return
    for value, y in ((high, y0 + 8), (low, foot)):
        yield f'<text x="{x0 - 6:g}" y="{y:g}" text-anchor="end">{value:.4g}</text>'
    scale = _HEIGHT / (high - low) if high > low else 0.0
    line, pen = [], "M"
    for epoch, value in enumerate(values):
        if math.isfinite(value):
            line.append(f"{pen}{x0 + epoch * step:.1f} {foot - (value - low) * scale:.1f}")
        pen = "L" if math.isfinite(value) else "M"
    yield f'<path fill="none" stroke="{_BLUE}" stroke-width="1.5" stroke-linecap="round" d="{"".join(line)}"/>'
