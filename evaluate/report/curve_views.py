"""ROC and precision-recall curves as a report shows them: one large pair, a panel a class, or all classes at once."""

from collections.abc import Sequence
from typing import NamedTuple

from .curves import PANELS, ClassCurves, Line, Plot, class_curves, highlights, large_plots, shared_ground, small_plots
from .sides import Predictions


class Panel(NamedTuple):
    """One class with its two small plots."""

    curves: ClassCurves
    plots: tuple[Plot, Plot]


class CurvesView(NamedTuple):
    """The curves of a result: either `large` with the lines of its `legend`, or `panels` on a shared `ground`.

    every: all classes, best AUROC first where there are more than fit panels, else in the data set's order.
    """

    sequences: int
    large: tuple[Plot, ...]
    legend: tuple[Line, ...]
    panels: tuple[Panel, ...]
    ground: str
    every: tuple[ClassCurves, ...]
    undefined: tuple[ClassCurves, ...]


def curves_view(predictions: Predictions | None, names: Sequence[str], identifier: str) -> CurvesView | None:
    """Curves of every class; None without predictions. identifier: prefix of the ids the page may use."""
    if predictions is None:
        return None
    every = class_curves(predictions.labels, predictions.probabilities, names)
    drawn = tuple(curves for curves in every if curves.undefined is None)
    undefined = tuple(curves for curves in every if curves.undefined is not None)
    view = CurvesView(len(predictions.labels), (), (), (), "", every, undefined)
    if not drawn:
        return view
    if len(every) == 1:
        only = (Line("", "", drawn[0]),)
        return view._replace(large=large_plots(only), legend=only)
    if len(every) <= PANELS:
        panels = tuple(Panel(curves, small_plots(curves, identifier)) for curves in drawn)
        return view._replace(panels=panels, ground=shared_ground(drawn, identifier))
    ranked = tuple(sorted(every, key=lambda curves: -1.0 if curves.auroc is None else curves.auroc, reverse=True))
    legend = highlights(drawn)
    return view._replace(large=large_plots(legend, drawn), legend=legend, every=ranked)
