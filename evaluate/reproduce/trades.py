"""Classification against what a person can read: of each model its trials and means, of each architecture the rank
correlation of the means.

Models that share weights, to the last bit, are one observation of such a correlation and not several.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from ...data_cards.cards import load_card
from ..report.words import plural
from ..statistics import Spread, spread
from .questions import TRADES, Trade, place
from .scored import Measured, Scored
from .tables import before_training
from .wording import number, p_value

ORDERS: Final = 9999  # random orders that a p-value is taken over where there are more than this
QUESTION: Final = "Does a better classifier have more readable motifs?"


class Point(NamedTuple):
    """A model: (trial, x, y) of its trials that have both scores, the hashes of their weights, and the spread of each
    of the two scores."""

    model: str
    label: str
    trials: tuple[tuple[int, float, float], ...]
    sha256: tuple[str, ...]
    x: Spread
    y: Spread


class Correlation(NamedTuple):
    """Spearman's rank correlation of the means of `models` models.

    `p`: two-sided, of a permutation test: over all orders of the models where `exact`, over `ORDERS` random ones else.
    """

    rho: float
    p: float
    models: int
    exact: bool


class Plot(NamedTuple):
    """One score against classification in one architecture.

    `together`: labels of points that the correlation takes as one, since they share weights. `correlation`: None with
    fewer than three models or where one of the two does not vary. `untrained`: label and mean score of each network
    before training.
    """

    x_metric: str
    y_metric: str
    architecture: str
    points: tuple[Point, ...]
    together: tuple[tuple[str, ...], ...]
    correlation: Correlation | None
    untrained: tuple[tuple[str, float], ...]

    def told(self) -> str:
        """`7 models, elu and linear as one: \u03c1 = 0.84, p = 0.024`; without a correlation where there is none."""
        models = ", ".join(
            [plural(len(self.points), "model"), *(f"{' and '.join(labels)} as one" for labels in self.together)]
        )
        if self.correlation is None:
            return models
        return f"{models}: \u03c1 = {number(self.correlation.rho, 2)}, p = {p_value(self.correlation.p)}"


class Traded(NamedTuple):
    """A section of plots."""

    trade: Trade
    plots: tuple[Plot, ...]


def trades(scored: Scored) -> tuple[Traded, ...]:
    """The sections that there are scores for; controls are no part of them."""
    found = (Traded(trade, tuple(_plots(trade, scored))) for trade in TRADES)
    return tuple(traded for traded in found if traded.plots)


def _plots(trade: Trade, scored: Scored) -> Iterable[Plot]:
    models = [model for model in scored.models if model.dataset == trade.dataset and not model.control]
    models.sort(key=lambda model: place(model.architecture, model.label))
    x_metric = f"classification/{load_card(trade.dataset).monitor}"
    for metric in trade.metrics:
        for architecture in dict.fromkeys(model.architecture for model in models):
            points = [
                point
                for model in models
                if model.architecture == architecture and (point := _point(model, x_metric, metric)) is not None
            ]
            if points:
                groups = _groups(points)
                means = [_mean(group) for group in groups]
                untrained = before_training(scored, trade.dataset, metric, architecture)
                yield Plot(
                    x_metric,
                    metric,
                    architecture,
                    tuple(points),
                    tuple(tuple(point.label for point in group) for group in groups if len(group) > 1),
                    correlation([x for x, _ in means], [y for _, y in means]),
                    tuple((cell.label, cell.spread.mean) for cell in untrained),
                )


def _point(model: Measured, x_metric: str, y_metric: str) -> Point | None:
    across = dict(model.defined(x_metric))
    trials = tuple((trial, across[trial], value) for trial, value in model.defined(y_metric) if trial in across)
    if not trials:
        return None
    hashes = dict(zip(model.trials, model.sha256, strict=True))
    spreads = (spread([trial[axis] for trial in trials]) for axis in (1, 2))
    return Point(model.name, model.label, trials, tuple(hashes[trial] for trial, *_ in trials), *spreads)


def _groups(points: Iterable[Point]) -> list[list[Point]]:
    """The points in groups of which no two share weights."""
    groups: list[list[Point]] = []
    for point in points:
        mine = set(point.sha256)
        shares = [any(mine.intersection(other.sha256) for other in group) for group in groups]
        joined = [other for group, linked in zip(groups, shares, strict=True) if linked for other in group]
        groups = [group for group, linked in zip(groups, shares, strict=True) if not linked]
        groups.append([*joined, point])
    return groups


def _mean(group: Sequence[Point]) -> tuple[float, float]:
    """The means of both scores over distinct weights; of weights that several models have, each score's mean counts."""
    scores: dict[str, list[tuple[float, float]]] = {}
    for point in group:
        for sha256, (_, x, y) in zip(point.sha256, point.trials, strict=True):
            scores.setdefault(sha256, []).append((x, y))
    each = [[spread([pair[axis] for pair in pairs]).mean for pairs in scores.values()] for axis in (0, 1)]
    return spread(each[0]).mean, spread(each[1]).mean


def correlation(x: Sequence[float], y: Sequence[float]) -> Correlation | None:
    """Spearman's rank correlation of two scores of the same models, with the p-value of its permutation test.

    None with fewer than three models or where one of the two does not vary. The same scores give the same p-value.
    """
    from scipy.stats import permutation_test, rankdata, spearmanr

    if len(x) < 3 or len(set(x)) == 1 or len(set(y)) == 1:
        return None
    ranks_x, ranks_y = rankdata(x), rankdata(y)
    # Of orders of the same ranks, the sum of products rises with the correlation, and sums of halves are exact.
    test = permutation_test(
        (ranks_x,),
        lambda ordered, axis: np.sum(ordered * ranks_y, axis=axis),
        permutation_type="pairings",
        n_resamples=ORDERS,
        vectorized=True,
        random_state=0,
    )
    orders = len(test.null_distribution)
    return Correlation(float(spearmanr(x, y).statistic), float(test.pvalue), len(x), orders != ORDERS)
