"""`motifzoo reproduce`: the study's comparison as a page and tables."""

from contextlib import closing
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import click

from .output import as_json, device_option, print_json, print_table, start_bars

if TYPE_CHECKING:
    from ..reproduce.build import Reproduced
    from ..reproduce.headline import Headline
    from ..reproduce.scored import Scored


@click.command(short_help="Reproduce the study's comparison as a page and tables.")
@click.argument("patterns", nargs=-1)
@click.option(
    "--output",
    default="reproduce",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the page and the tables.",
)
@click.option(
    "--results",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Take the scores from the result files below this folder; may be given again.",
)
@click.option("--add-packaged", is_flag=True, help="With --results: packaged scores of models without a result file.")
@click.option("--recompute", is_flag=True, help="Evaluate every trial from weights and data: hours for all models.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="With --recompute: processes.")
@click.option("--dask", metavar="ADDRESS", help="With --recompute: a Dask scheduler's address or scheduler file.")
@device_option
@click.option("--fresh", is_flag=True, help="With --recompute: compute everything, whatever the cache holds.")
@as_json
def reproduce(
    patterns: tuple[str, ...],
    output: Path,
    results: tuple[Path, ...],
    add_packaged: bool,
    recompute: bool,
    jobs: int,
    dask: str | None,
    device: str,
    fresh: bool,
    as_json: bool,
) -> None:
    """Compare the models whose names match PATTERNS (all without one), as the study did: which activations give
    readable filters and attribution maps in which architectures, with spread over trials and tests of differences.

    Takes the scores in the models' folders, in seconds. Writes index.html, reproduce.md, and every table as
    CSV and Parquet; models that are missing are listed as missing.

    \b
    Examples:
      motifzoo reproduce
      motifzoo reproduce "*.synthetic-codes" --recompute --jobs 2
      motifzoo reproduce --results results --add-packaged --output with-mine
    """
    from ..report.words import plural
    from ..reproduce import build, scored

    if results and recompute:
        raise click.UsageError("--results reads scores and --recompute computes them: give one of the two.")
    if add_packaged and not results:
        raise click.UsageError("--add-packaged adds to the result files of --results: give both.")
    if not recompute and (dask or fresh or jobs > 1 or device != "cpu"):
        raise click.UsageError("--jobs, --dask, --device and --fresh are about computing: give --recompute too.")
    build.check_folder(output)  # before the computing, which may take hours
    wanted = patterns or ("*",)
    failures: dict[str, str] = {}
    if recompute:
        found, failures = _recomputed(wanted, output / "results", jobs, dask, device, fresh)
    elif results:
        found = scored.from_results(results, wanted, add_packaged=add_packaged)
    else:
        found = scored.from_packaged(wanted)
    for problem in found.problems:
        click.echo(f"Notice: {problem}", err=True)
    done = build.reproduce(found, output)
    if as_json:
        print_json(_json(done, output))
    else:
        _print(done, output / build.PAGE)
    if failures:
        count = plural(len(failures), "trial")
        raise click.ClickException(f"{count} could not be evaluated; the notices say why, and the page lists them.")


def _recomputed(
    patterns: tuple[str, ...], folder: Path, jobs: int, dask: str | None, device: str, fresh: bool
) -> tuple["Scored", dict[str, str]]:
    """Evaluate every trial of the models, with a bar on a terminal and a line a trial elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    from ...zoo.glossary import is_control
    from ...zoo.sources import find
    from ..parallel import evaluate_many
    from ..reproduce.scored import from_evaluations, open_models, packaged_names

    models, broken = open_models(packaged_names(patterns))
    every = [find(f"{model.given}:{trial.trial}", weights=False) for model in models for trial in model.config.trials]
    controls = {model.config.name for model in models if is_control(model.config.training)}
    sources = [source for source in every if not source.is_left_out]
    absent = [source.name for source in every if source.is_left_out]
    outcomes = []
    columns = (MofNCompleteColumn(), BarColumn(bar_width=20), TimeRemainingColumn(), TextColumn("{task.description}"))
    bars = start_bars(*columns)
    task = bars.add_task("", total=len(sources)) if bars is not None else None
    try:
        with closing(evaluate_many(sources, folder, jobs=jobs, dask=dask, device=device, fresh=fresh)) as running:
            for outcome in running:
                outcomes.append(outcome)
                if bars is not None and task is not None:
                    bars.update(task, advance=1, description=outcome.source.name)
                else:
                    state = "failed" if outcome.evaluated is None else "done"
                    click.echo(f"[{len(outcomes)}/{len(sources)}] {outcome.source.name}: {state}", err=True)
    finally:
        if bars is not None:
            bars.stop()
    failures = {outcome.source.name: outcome.error for outcome in outcomes if outcome.evaluated is None}
    evaluated = [outcome.evaluated for outcome in outcomes if outcome.evaluated is not None]
    return from_evaluations(evaluated, failures, patterns, absent, controls=controls, broken=broken), failures


def _json(done: "Reproduced", output: Path) -> dict[str, object]:
    """Everything but the longest tables, which are files: every trial's score and the tests of all pairs."""
    return {
        "origin": done.scored.origin,
        "models": len(done.scored.models),
        "trials": sum(len(model.trials) for model in done.scored.models),
        "problems": list(done.scored.problems),
        **{name: rows for name, rows in done.tables.items() if name not in ("values", "pairs")},
        "folder": str(output),
    }


def _print(done: "Reproduced", page: Path) -> None:
    """Tables that fit 80 columns: the study's activation against the others."""
    from ..report.words import plural
    from ..reproduce.headline import headlines, lower
    from ..reproduce.notes import same_weights
    from ..reproduce.questions import REFERENCE
    from ..reproduce.twins import shared_weights

    lines = headlines(done.answers)
    titles = [_title(line) for line in lines]
    for title in dict.fromkeys(titles):
        print_table(
            ("score", "network", REFERENCE, "best other", "differs"),
            [_cells(line) for line, other in zip(lines, titles, strict=True) if other == title],
            title=title,
        )
    if lines:
        click.echo(f"Mean±SD (trials). differs: {REFERENCE} is higher (+) or lower (-) than so many")
        click.echo("of those that could be tested (/): Welch's test, Holm's correction, p < 0.05.")
        if any(answer.question.group == "modified" for answer in done.answers):
            click.echo("Modified activations are compared on the page only.")
    for note in same_weights(shared_weights(done.scored.models), [line.models for line in lines]):
        click.echo(fill(note, 80))
    if below := lower(done.answers):
        click.echo(f"In all sections of the page, {REFERENCE} is told apart as lower in:")
        for line in below:
            click.echo(fill(line.told(), 80, initial_indent="- ", subsequent_indent="  "))
    if absent := done.scored.missing:
        verbs = "is missing or lacks" if len(absent) == 1 else "are missing or lack"
        click.echo(f"{plural(len(absent), 'model')} of the recipes {verbs} trials; the page lists them.")
    click.echo(f"page in {page}")


def _title(line: "Headline") -> str:
    part, *_, score = line.metric.split("/")
    return f"{line.dataset}, {part}" + (f" {score.upper()}" if part == "attribution" else "")


def _cells(line: "Headline") -> tuple[str, ...]:
    from ..reproduce.wording import NOTHING, shown

    name = line.metric.split("/")[1].replace("integrated_gradients", "integrated")
    reference, best = (shown(cell, 2).replace(" ± ", "±") for cell in (line.reference, line.best))
    other = f"{line.best.label} {best}" if line.best is not None and line.best.values else best
    differs = f"+{line.higher} -{line.lower} /{line.tested}" if line.tested else NOTHING
    return name, line.architecture, reference, other, differs
