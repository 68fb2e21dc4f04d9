"""The files of a site, made from one state of a board: path -> text, one after the other.

| file | what |
|---|---|
| `index.html`, `about.html` | the benchmarks; how to read them, and what each metric is |
| `<benchmark>/index.html`, `<part>.html` | the table, with headline metrics or those of a part |
| `<benchmark>/compare.html` | two models side by side |
| `<benchmark>/models/<model>/index.html` | a model, with `filters.svg` and `maps.svg` beside it |
| `README.md` | makes the folder a static Space |
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, Final

from ...metric_table import METRICS
from ..boards.board import Snapshot
from ..current import packaged_card
from ..entries import Entry, entries
from .columns import half_interval, ten_thousandths
from .home import home
from .model_view import Other, model_view
from .pages import STYLE, asset, embedded, render
from .pictures import FILTERS_FILE, filter_words, rows_of
from .shown_trial import Paths, Read, ShownTrial, show_trial
from .table import HEADLINE, Table
from .twins import Holders, SameWeights, holders, same_weights
from .words import CONTROL, CONTROLS, e_value, metric_words, motif_words, score

MARK: Final = "README.md"
SPACE: Final = """---
title: motifzoo leaderboard
colorFrom: blue
colorTo: green
sdk: static
app_file: index.html
pinned: false
---
The pages of a motifzoo leaderboard, built by `motifzoo leaderboard build` from the files of a board. What is changed
here by hand is lost with the next build.
"""
_NO_DETAILS: Final = "The board holds no pictures of this model."


def site_files(snapshot: Snapshot, paths: Paths, read: Read) -> Iterator[tuple[str, str]]:
    """Every file of the site of a board's state. paths: those of all its files; read: the bytes of one."""
    found = entries(snapshot.records.values())
    tables = [Table(benchmark, rows) for benchmark, rows in found.items()]
    by_model: dict[str, list[tuple[Table, Entry]]] = {}
    for table in tables:
        for entry in (*table.entries, *table.outdated):
            by_model.setdefault(entry.model, []).append((table, entry))
    shared = {"revision": snapshot.revision[:12]}
    yield MARK, SPACE
    yield STYLE, asset(STYLE)
    yield (
        "index.html",
        render("home.html.j2", root="", homes=[home(table) for table in tables], problems=snapshot.problems, **shared),
    )
    metrics = [metric_words(name) for name in METRICS]
    yield "about.html", render("about.html.j2", root="", metrics=metrics, **shared)
    pictured = set()
    weights = {benchmark: holders(rows) for benchmark, rows in found.items()}
    for results in by_model.values():
        for path, text in _model_files(results, weights, paths, read, shared):
            pictured.add(path)
            yield path, text
    for table in tables:
        yield from board_files(table, pictured, shared)


def _model_files(
    results: Sequence[tuple[Table, Entry]],
    weights: Mapping[str, Holders],
    paths: Paths,
    read: Read,
    shared: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """The pages of a model: one for each benchmark that it has a result on, of the current one where there is one."""
    mains: dict[str, tuple[Table, Entry]] = {}
    for table, entry in results:
        mains.setdefault(entry.benchmark, (table, entry))
    for benchmark, (table, entry) in mains.items():
        others = [_other(other, benchmark) for _, other in results if other is not entry]
        shown = show_trial(entry, paths, read)
        folder = f"{benchmark}/models/{entry.model}"
        twins = same_weights(entry, weights[benchmark])
        yield f"{folder}/index.html", _model_page(entry, table, others, shown, twins, shared)
        if shown:
            for name, text in shown.files.items():
                yield f"{folder}/{name}", text


def _other(entry: Entry, benchmark: str) -> Other:
    name = next((name for name in ("classification/auroc", *entry.spreads) if name in entry.spreads), None)
    told = f"{metric_words(name).title} {score(entry.spreads[name].mean)}" if name else ""
    trials = f"{len(entry.trials)} trial{'' if len(entry.trials) == 1 else 's'}"
    if entry.benchmark != benchmark:
        return Other(
            entry.benchmark,
            f"{trials}, {entry.trust}",
            f"../../../{entry.benchmark}/models/{entry.model}/index.html",
            told,
        )
    why = f"control: {CONTROLS[entry.control]}" if entry.control else "measured under other conditions"
    stamps = entry.stamps
    name = f"protocol {stamps.protocol}, data {stamps.data_fingerprint[:12]}, motifs {stamps.motifs_sha256[:12]}"
    return Other(name, f"{why}; {trials}, {entry.trust}", "", told)


def _model_page(
    entry: Entry,
    table: Table,
    others: Sequence[Other],
    shown: ShownTrial | None,
    twins: Sequence[SameWeights],
    shared: Mapping[str, str],
) -> str:
    groups = []
    if shown and shown.filters:
        for group in shown.filters.groups:
            pictures = rows_of(shown.filter_pictures, (item.number for item in group.filters))
            groups.append((group.title, group.meaning, group.muted, pictures))
    view = model_view(entry, table, others)
    return render(
        "model.html.j2",
        root="../../../",
        entry=entry,
        control=CONTROLS[entry.control] if entry.control else "",
        control_words=CONTROL[entry.control] if entry.control else "",
        twins=twins,
        view=view,
        checked=any(row.recomputed for row in view.scores),
        drawn=any(row.fresh for row in view.scores),
        verified=any(trial.checked for trial in view.trials),
        shown=shown,
        groups=groups,
        filter_words=filter_words,
        missing=f"It cannot be shown: {shown.problem}" if shown and shown.problem else _NO_DETAILS,
        **shared,
    )


def board_files(table: Table, pictured: Container[str], shared: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The pages of a benchmark's views and its comparison of two models. pictured: the paths of files of the site."""
    card = packaged_card(table.benchmark)
    common = {"root": "../", "benchmark": table.benchmark, **shared}
    for view in table.views:
        words = [metric_words(name) for name in view.metrics]
        pareto = view.name == HEADLINE and sum(not word.is_e for word in words) > 1
        yield (
            f"{table.benchmark}/{view.name}.html",
            render(
                "board.html.j2",
                ("shared.js", "view.js", "table.js", *(("scatter.js",) if pareto else ())),
                view=view,
                views=table.views,
                words=words,
                rows=table.rows(view),
                total=len(table.entries),
                has_gaps=table.has_gaps,
                pareto=pareto,
                outdated=table.outdated,
                summary=card.summary if card else "",
                motifs=motif_words(card) if card else "",
                traps=card.traps if card else (),
                data=embedded(table.data(view)),
                **common,
            ),
        )
    yield (
        f"{table.benchmark}/compare.html",
        render("compare.html.j2", ("shared.js", "compare.js"), data=embedded(_pairs(table, pictured)), **common),
    )


def _pairs(table: Table, pictured: Container[str]) -> dict[str, Any]:
    """What the comparison of any two models needs, by the number of the entry."""
    trials = [len(entry.trials) for entry in table.entries]
    metrics = []
    for name in table.metrics:
        words = metric_words(name)
        spreads = [entry.spreads.get(name) for entry in table.entries]
        n = [found.n if found else 0 for found in spreads]
        metric: dict[str, Any] = {"title": words.title, "up": int(words.higher_is_better)}
        if words.is_e:
            metric |= {"e": 1, "mean": [e_value(found.mean) if found and found.n else None for found in spreads]}
        else:
            halves = [half_interval(found) if found and found.n else None for found in spreads]
            metric["mean"] = [ten_thousandths(found.mean) if found and found.n else None for found in spreads]
            metric["half"] = [-1 if half is None else half for half in halves]
        if n != trials:
            metric["n"] = n
        metrics.append(metric)
    with_filters = [
        number
        for number, entry in enumerate(table.entries)
        if f"{table.benchmark}/models/{entry.model}/{FILTERS_FILE}" in pictured
    ]
    return table.who() | {"metrics": metrics, "pictured": with_filters}
