"""learning-curve.svg: training loss and validation score by epoch, of every trial."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ...data_cards.cards import load_card
from ...errors import ModelError, describe_invalid
from ..config import ModelConfig
from ..schedule import Epoch
from ..sources import weights_path

_HISTORY: Final = TypeAdapter(list[Epoch])
_WIDTH, _HEIGHT = 300.0, 150.0  # of a plot, in px
_LEFT, _TOP, _BETWEEN, _CAPTION = 56.0, 26.0, 26.0, 20.0  # room for the labels
_EDGE = 4.0
_GREY, _BLUE = "#808080", "#2f7fd1"  # read on white and on black

Histories = Mapping[int, Sequence[Epoch]]  # by trial, not empty; the first is the one to look at


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


def read_histories(folder: Path, config: ModelConfig) -> Histories:
    """The learning curves in a model folder, of those trials that have one, in the config's order.

    Raises ModelError for one that is not a learning curve.
    """
    found = {entry.trial: read_history(weights_path(folder, entry.trial).parent) for entry in config.trials}
    return {trial: history for trial, history in found.items() if history}


def caption(histories: Histories, config: ModelConfig) -> str:
    """What the lines are."""
    first, missing = next(iter(histories)), len(config.trials) - len(histories)
    text = f"Trial {first}"
    if len(histories) > 1:
        text += f" (bold) of {len(histories)}"
    if missing:
        text += f", without {missing} that {'has' if missing == 1 else 'have'} no curve here"
    if _drops(histories[first]):
        text += "; dotted: its learning rate falls"
    return text


def learning_curve(histories: Histories, config: ModelConfig) -> str:
    """An SVG of two plots over the epochs, 1 to n: training loss in nats, and below it the validation score.

    The first trial is drawn boldly over the others; dotted lines are where its learning rate went down. What is not
    finite is left out.
    """
    score = f"validation {load_card(config.dataset.name).monitor.upper()}"
    # One below the other: side by side their labels would be too small to read on a phone.
    width, tall = _LEFT + _WIDTH + 12, _TOP + _HEIGHT + _BETWEEN
    height = 2 * tall + _CAPTION
    epochs, told = max(map(len, histories.values())), caption(histories, config)
    drops = _drops(next(iter(histories.values())))
    losses = [[epoch.loss for epoch in history] for history in histories.values()]
    scores = [[epoch.score for epoch in history] for history in histories.values()]
    plots = [
        *_plot(0.0, "training loss (nats)", losses, epochs, drops),
        *_plot(tall, score, scores, epochs, drops),
        f'<text x="{_EDGE:g}" y="{height - 8:g}">{escape(told)}</text>',
    ]
    label = escape(f"Learning curve of {config.name}: training loss and {score} over {epochs} epochs. {told}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{width:g}" '
        f'height="{height:g}" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="11" '
        f'fill="{_GREY}">\n' + "\n".join(plots) + "\n</svg>\n"
    )


def _drops(history: Sequence[Epoch]) -> list[int]:
    """The epochs, from 0, that ran at a lower learning rate than the one before."""
    rates = [epoch.learning_rate for epoch in history]
    return [epoch for epoch in range(1, len(rates)) if rates[epoch] < rates[epoch - 1]]


def _plot(
    top: float, title: str, trials: Sequence[Sequence[float]], epochs: int, drops: Sequence[int]
) -> Iterator[str]:
    x0, y0 = _LEFT, top + _TOP
    finite = [value for values in trials for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    step = _WIDTH / max(1, epochs - 1)
    yield f'<text x="{x0:g}" y="{y0 - 10:g}">{escape(title)}</text>'
    yield f'<path fill="none" stroke="{_GREY}" d="M{x0:g} {y0:g}v{_HEIGHT:g}h{_WIDTH:g}"/>'
    for epoch in drops:
        yield f'<path stroke="{_GREY}" stroke-dasharray="1 3" d="M{x0 + epoch * step:.1f} {y0:g}v{_HEIGHT:g}"/>'
    foot = y0 + _HEIGHT
    yield f'<text x="{x0:g}" y="{foot + 16:g}">epoch 1</text>'
    yield f'<text x="{x0 + _WIDTH:g}" y="{foot + 16:g}" text-anchor="end">{epochs}</text>'
    if not finite:
        yield f'<text x="{x0 + 8:g}" y="{y0 + 20:g}">no finite value</text>'
        return
    for value, y in ((high, y0 + 8), (low, foot)):
        yield f'<text x="{x0 - 6:g}" y="{y:g}" text-anchor="end">{value:.4g}</text>'
    scale = _HEIGHT / (high - low) if high > low else 0.0
    for number, values in reversed(list(enumerate(trials))):  # the first trial last, so that it lies on top
        colour, width = (_GREY, 0.7) if number else (_BLUE, 1.5)
        line, pen = [], "M"
        for epoch, value in enumerate(values):
            if math.isfinite(value):
                line.append(f"{pen}{x0 + epoch * step:.1f} {foot - (value - low) * scale:.1f}")
            pen = "L" if math.isfinite(value) else "M"
        if line:
            drawn = "".join(line)
            yield f'<path fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linecap="round" d="{drawn}"/>'
