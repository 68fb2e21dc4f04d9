"""index.html: one file that works without a network, in the look of the evaluation report."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ...zoo.glossary import ACTIVATIONS, ARCHITECTURES
from ..metric_table import METRICS
from ..report.words import capital, method_title, plural
from .charts import dot_chart
from .differences import UNTESTED, Difference
from .exports import SCHEMAS, Row
from .headline import headlines, is_tested, lower
from .notes import CORRELATED, notes, same_weights
from .questions import REFERENCE
from .scatter import scatter
from .scored import Scored
from .tables import AGAINST_CONTROL, AGAINST_REFERENCE, AGAINST_UNMODIFIED, Answer, Panel
from .trades import ORDERS, QUESTION, Plot, Traded
from .twins import shared_weights
from .wording import NOTHING, interval, metric_words, number, p_value, shown, told

_HERE = Path(__file__).parent
_REPORT = _HERE.parent / "report"
_SHORT: Final = 12  # letters of a name that leave a chart enough room where three stand side by side
_TESTS: Final = {
    AGAINST_REFERENCE: f"{REFERENCE} less this",
    AGAINST_UNMODIFIED: "unmodified less this",
    AGAINST_CONTROL: "the model less this control",
}
_FILES: Final = {
    "values": "every trial's score",
    "summary": "mean, spread and interval of every model and score",
    "tests": "the tests of this page",
    "pairs": "tests of all pairs of models that differ in one part",
    "trades": "classification beside what a person can read",
    "correlations": "rank correlations of the two",
    "untrained": "mean, spread and interval of networks before training",
    "shared": "trials of several models with the same weights",
    "missing": "what is missing",
}


class Figure(NamedTuple):
    """A chart with its heading and what stands below it."""

    title: str
    image: str
    text: str


class TableRow(NamedTuple):
    """A model in a table of numbers; `tests` are (difference, p) as text, and whether the two are told apart."""

    label: str
    n: str
    mean: str
    sd: str
    interval: str
    note: str
    tests: tuple[tuple[str, str, bool], ...]


class NumberTable(NamedTuple):
    """The numbers of one panel."""

    caption: str
    rows: tuple[TableRow, ...]


class Chapter(NamedTuple):
    """Panels side by side and their numbers; `tests` head two columns each."""

    title: str
    meaning: str
    figures: tuple[Figure, ...]
    numbers: tuple[NumberTable, ...]
    tests: tuple[str, ...]
    columns: str


class TradeRow(NamedTuple):
    """A model in a table of both scores."""

    label: str
    n: str
    x: str
    x_sd: str
    y: str
    y_sd: str


class TradeTable(NamedTuple):
    """The numbers of one plot."""

    caption: str
    rows: tuple[TradeRow, ...]


class TradeSection(NamedTuple):
    """Plots side by side and their numbers; `x` and `y` head a column of means each."""

    title: str
    dataset: str
    figures: tuple[Figure, ...]
    x: str
    y: str
    numbers: tuple[TradeTable, ...]


def render(scored: Scored, found: Sequence[Answer], traded: Sequence[Traded], rows: Mapping[str, Sequence[Row]]) -> str:
    """The page's HTML."""
    shared = shared_weights(scored.models)
    short = [(line, any(weights.among(line.models) for weights in shared)) for line in headlines(found)]
    plotted = [[point.model for point in plot.points] for item in traded for plot in item.plots]
    return _template().render(
        scored=scored,
        sections=[(answer.question, notes(answer, shared), tuple(_chapters(answer))) for answer in found],
        traded=[_trade_section(item) for item in traded],
        question=QUESTION,
        orders=ORDERS,
        lower=[line.told() for line in lower(found)],
        tested=is_tested(found),
        headlines=[(name, tuple(lines)) for name, lines in groupby(short, lambda line: line[0].dataset)],
        footnotes=same_weights(shared, [line.models for line, _ in short]),
        trade_notes=same_weights(shared, plotted, CORRELATED),
        counts=", ".join(
            (
                plural(len(scored.models), "model"),
                plural(sum(len(model.trials) for model in scored.models), "trial"),
            )
        ),
        missing=[
            (dataset, tuple(entries)) for dataset, entries in groupby(scored.missing, lambda entry: entry.dataset)
        ],
        files=[(name, _FILES[name], len(rows[name])) for name in SCHEMAS],
        functions=ACTIVATIONS,
        networks=ARCHITECTURES,
        reference=REFERENCE,
    )


def _chapters(answer: Answer) -> Iterable[Chapter]:
    """Scores of attribution stand side by side by method, others by architecture."""
    chapters: dict[tuple[str, str], list[Panel]] = {}
    for panel in answer.panels:
        by_method = panel.metric.startswith("attribution/")
        key = (panel.metric.rpartition("/")[2], panel.architecture) if by_method else (panel.metric, "")
        chapters.setdefault(key, []).append(panel)
    for (metric, architecture), panels in chapters.items():
        if architecture:
            titles = [capital(method_title(panel.metric.split("/")[1])) for panel in panels]
            scan, score = metric.startswith("scan_"), metric.removeprefix("scan_").upper()
            what = f"Attribution maps against a motif scan ({score})" if scan else f"{score} of attribution maps"
            yield _chapter(answer, f"{what}, {architecture}", "", panels, titles)
        else:
            meaning = f"{capital(METRICS[metric].meaning)}.".replace("<=", "\u2264")
            titles = [panel.architecture for panel in panels]
            yield _chapter(answer, metric_words(metric), meaning, panels, titles)


def _chapter(answer: Answer, title: str, meaning: str, panels: Sequence[Panel], titles: Sequence[str]) -> Chapter:
    metrics = {panel.metric for panel in panels}
    alike = [panel for panel in answer.panels if panel.metric in metrics]  # on one scale, other architectures' too
    long = max(len(cell.label) for panel in panels for cell in panel.cells) > _SHORT
    kinds = [kind for kind in _TESTS if any(panel.of_kind(kind) for panel in panels)]
    titled = list(zip(panels, titles, strict=True))
    return Chapter(
        title,
        meaning,
        tuple(Figure(name, dot_chart(panel, alike), told(panel, answer.question.group)) for panel, name in titled),
        tuple(NumberTable(name, _rows(panel, kinds)) for panel, name in titled),
        tuple(_TESTS[kind] for kind in kinds),
        "two" if long or len(panels) % 3 else "three",
    )


def _rows(panel: Panel, kinds: Sequence[str]) -> tuple[TableRow, ...]:
    return tuple(
        TableRow(
            cell.label,
            str(cell.spread.n) if cell.values else "",
            number(cell.spread.mean) if cell.values else "missing",
            number(cell.spread.sd),
            interval(cell.spread),
            "; ".join(filter(None, (cell.note, *_untested(panel, cell.model, kinds)))),
            tuple(_tested(panel.against(cell.model, kind)) for kind in kinds),
        )
        for cell in (*panel.cells, *panel.untrained)
    )


def _tested(test: Difference | None) -> tuple[str, str, bool]:
    if test is None:
        return "", "", False
    return number(test.difference), p_value(test.p_holm), test.apart


def _untested(panel: Panel, model: str, kinds: Sequence[str]) -> Iterable[str]:
    """Why there is no test of this model; each reason once."""
    tests = (panel.against(model, kind) for kind in kinds)
    return dict.fromkeys(test.verdict for test in tests if test is not None and test.verdict in UNTESTED)


def _trade_section(traded: Traded) -> TradeSection:
    first, *_ = traded.plots
    attribution = first.y_metric.startswith("attribution/")
    return TradeSection(
        traded.trade.title,
        traded.trade.dataset,
        tuple(Figure(_plot_title(plot), scatter(plot, traded.plots), f"{plot.told()}.") for plot in traded.plots),
        metric_words(first.x_metric),
        first.y_metric.rpartition("/")[2].upper() if attribution else metric_words(first.y_metric),
        tuple(TradeTable(f"{_plot_title(plot)}, {plot.told()}", _trade_rows(plot)) for plot in traded.plots),
    )


def _plot_title(plot: Plot) -> str:
    part, *rest = plot.y_metric.split("/")
    return plot.architecture + (f", {method_title(rest[0])}" if part == "attribution" else "")


def _trade_rows(plot: Plot) -> tuple[TradeRow, ...]:
    return tuple(
        TradeRow(
            point.label,
            str(point.y.n),
            number(point.x.mean),
            number(point.x.sd),
            number(point.y.mean),
            number(point.y.sd),
        )
        for point in plot.points
    )


def _gap(text: str) -> str:
    """The class of a cell that says nothing: a phone, which shows a row as lines of text, leaves it out."""
    return " gap" if text == NOTHING else ""


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    styles = [(folder / "style.css").read_text(encoding="utf-8") for folder in (_REPORT, _HERE)]
    environment.globals.update(style=Markup("\n".join(styles)), version=version("motifzoo"))
    # Images come from this package's own functions, which escape the text inside them.
    environment.filters.update(image=Markup, shown=shown, metric=metric_words, plural=plural, gap=_gap)
    return environment.get_template("page.html.j2")
