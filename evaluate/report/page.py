"""The report page of an evaluation: one HTML file that works without a network.

Everything is inline - style, logos and curves as SVG - and the page's own content security policy forbids it to load
or run anything. Several trials share a page as long as it stays small; otherwise each has a page of its own beside a
summary.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from ...errors import MotifzooError
from ...files import write_text
from ..consistency import Consistency
from ..protocol import METHODS
from ..results import Result
from .glyphs import GLYPHS
from .views import Trial, metric_names, part_title, trial_view
from .words import capital, method_title, metric_title, metric_value, score

TRIALS: Final = 4  # the most trials on one page
MAX_BYTES: Final = 2_000_000  # and the largest such page
_HERE = Path(__file__).parent


class Column(NamedTuple):
    """A metric in the comparison of trials; `part` heads `span` columns at the first of its part, else span is 0."""

    title: str
    part: str
    span: int


class Row(NamedTuple):
    """A trial in the comparison: where its details are, and its scores as text, in the order of the columns."""

    href: str
    model: str
    trial: int
    benchmark: str
    scores: tuple[str, ...]


class Comparison(NamedTuple):
    """One row a trial, one column a metric."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]


class Agreement(NamedTuple):
    """How alike the trials of each model explain the same sequences: a column a method, and for each model its name,
    how many trials and sequences were compared, and the mean cosines as text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, int, int, tuple[str, ...]], ...]


def build_report(
    evaluated: Sequence[tuple[Result, Path]], path: Path, consistencies: Sequence[Consistency] = ()
) -> None:
    """Write the report of one or more trials as HTML to `path`; each result comes with the folder of its side files.

    consistencies: how alike the trials of a model are; they stand below the comparison.

    Up to four trials and 2 MB make one page. More make a summary at `path` and a page a trial beside it, named
    `<stem of path>-<model>-<trial>.html`. Each file is written atomically, the summary last. Raises MotifzooError
    when there is no result, or a side file is missing, changed or unusable, and CacheError when `path` cannot be
    written.
    """
    if not evaluated:
        raise MotifzooError("there is no result to report: evaluate at least one trial.")
    results = [result for result, _ in evaluated]
    agreement = agreement_view(consistencies)
    trials = [trial_view(result, folder, f"t{index}") for index, (result, folder) in enumerate(evaluated, 1)]
    if len(trials) <= TRIALS:
        comparison = compare(results, [f"#{trial.anchor}" for trial in trials]) if len(trials) > 1 else None
        page = _render(_title(trials), trials, comparison, agreement, None)
        if len(trials) == 1 or len(page.encode()) <= MAX_BYTES:
            write_text(path, page)
            return
    names = list(sibling_names(results, path))
    for trial, name in zip(trials, names, strict=True):
        write_text(path.parent / name, _render(_title([trial]), [trial], None, None, quote(path.name)))
    comparison = compare(results, [quote(name) for name in names])
    write_text(path, _render(_title(trials), [], comparison, agreement, None))


def sibling_names(results: Sequence[Result], path: Path) -> Iterator[str]:
    """File names of the trials' own pages, each different, in letters that every file system takes."""
    given = {path.name.lower()}
    for result in results:
        stem = re.sub(r"[^A-Za-z0-9._-]", "_", f"{path.stem}-{result.model}-{result.trial}")[:180]
        name, copy = f"{stem}.html", 2
        while name.lower() in given:
            name, copy = f"{stem}-{copy}.html", copy + 1
        given.add(name.lower())
        yield name


def compare(results: Sequence[Result], hrefs: Sequence[str]) -> Comparison:
    """The comparison table of several results; hrefs: where each one's details are."""
    names = metric_names(results)
    parts = [part_title(name) for name in names]
    columns = tuple(
        Column(metric_title(name), part, parts.count(part) if parts.index(part) == index else 0)
        for index, (name, part) in enumerate(zip(names, parts, strict=True))
    )
    rows = tuple(
        Row(href, result.model, result.trial, result.benchmark, tuple(_cell(result, name) for name in names))
        for result, href in zip(results, hrefs, strict=True)
    )
    return Comparison(columns, rows)


def _cell(result: Result, name: str) -> str:
    return metric_value(name, result.metrics[name]) if name in result.metrics else "\u2013"


def _title(trials: Sequence[Trial]) -> str:
    if len(trials) == 1:
        return f"{trials[0].model}, trial {trials[0].trial}"
    return f"{len(trials)} trials compared"


def agreement_view(consistencies: Sequence[Consistency]) -> Agreement | None:
    """The table of how alike the trials of each model are; None without one."""
    if not consistencies:
        return None
    methods = [method for method in METHODS if any(method in found.cosine for found in consistencies)]
    rows = tuple(
        (found.model, len(found.trials), found.sequences, tuple(score(found.cosine.get(method)) for method in methods))
        for found in consistencies
    )
    return Agreement(tuple(capital(method_title(method)) for method in methods), rows)


def _render(
    title: str,
    trials: Sequence[Trial],
    comparison: Comparison | None,
    agreement: Agreement | None,
    summary: str | None,
) -> str:
    return _template().render(title=title, trials=trials, comparison=comparison, agreement=agreement, summary=summary)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(
        style=Markup((_HERE / "style.css").read_text(encoding="utf-8")),
        glyphs=Markup(GLYPHS),
        version=version("motifzoo"),
    )
    # Images come from this package's own functions, which escape the text inside them.
    environment.filters["image"] = Markup
    return environment.get_template("page.html.j2")
