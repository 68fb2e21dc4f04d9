"""`motifzoo evaluate`: recompute a model's scores from its weights and data."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .output import StageDisplay, as_json, device_option, print_json, print_table

if TYPE_CHECKING:
    from ...data_cards.content import SequenceDataset
    from ..benchmark import Evaluated
    from ..consistency import Consistency
    from ..results import Result

_MOTIF_PARTS = "filters/target_e/"  # the parts of a metric that the table shows: a few known motifs
_MODELS_A_TABLE = 2
_TRIALS_A_TABLE = 2  # as columns, so that a table fits 80 characters


@click.command(name="evaluate", short_help="Recompute the scores of models.")
@click.argument("names", nargs=-1, required=True)
@click.option(
    "--output",
    default="results",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for result files.",
)
@click.option("--all-trials", is_flag=True, help="Every trial of a model named without one, instead of trial 0.")
@click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), help="Write an HTML page with pictures here."
)
@device_option
@click.option("--fresh", is_flag=True, help="Compute everything again, whatever the cache holds.")
@as_json
def evaluate_command(
    names: tuple[str, ...],
    output: Path,
    all_trials: bool,
    report: Path | None,
    device: str,
    fresh: bool,
    as_json: bool,
) -> None:
    """Recompute every score of the models NAMES: names (with :TRIAL for another trial than 0) or model folders.

    Writes a result file and side files (filters as MEME, hits as TSV, predictions, attribution maps) to the output
    folder and prints the scores. What was computed before is taken from the cache.

    \b
    Examples:
      motifzoo evaluate cnn-dist-exponential.synthetic-codes
      motifzoo evaluate cnn-deep-relu.synthetic-motifs cnn-deep-exponential.synthetic-motifs --report report.html
    """
    from ...zoo.sources import find, split_trial
    from ..benchmark import data_of, evaluate_trial
    from ..consistency import consistency, write_consistency

    sources = []
    for name in names:
        source = find(name)
        if all_trials and split_trial(name).trial is None:
            model = split_trial(source.given).model  # on a hub the pinned revision, which all trials share
            sources += [find(f"{model}:{trial.trial}") for trial in source.config.trials]
        else:
            sources.append(source)
    # Before the display begins: a data set that must be fetched first shows a bar of its own.
    data: dict[Path, SequenceDataset] = {}
    for source in sources:
        if source.folder not in data:
            data[source.folder] = data_of(source)
    evaluated = []
    with _Display(len(sources)) as display:
        for source in sources:
            display.trial(source.name)
            dataset = data[source.folder]
            evaluated.append(
                evaluate_trial(source, output, dataset=dataset, device=device, fresh=fresh, progress=display)
            )
    if as_json:
        print_json([item.result.model_dump(mode="json") for item in evaluated])
    consistencies = list(consistency(evaluated))
    for found in consistencies:
        write_consistency(found, output)
    if not as_json:
        _print_scores([item.result for item in evaluated])
        _print_consistency(consistencies)
        for item in evaluated:
            click.echo(f"{item.result.model}:{item.result.trial} is in {item.folder}")
    if report is not None:
        _write_report(evaluated, consistencies, report)


def _write_report(evaluated: Sequence["Evaluated"], found: Sequence["Consistency"], path: Path) -> None:
    from ..report import build_report

    build_report([(item.result, item.folder) for item in evaluated], path, found)
    click.echo(f"report in {path}", err=True)


def _print_scores(results: Sequence["Result"]) -> None:
    """One row a metric, one column a trial; trials of the same data set share tables."""
    from ..metric_table import METRICS

    for dataset in dict.fromkeys(result.dataset for result in results):
        group = [result for result in results if result.dataset == dataset]
        for begin in range(0, len(group), _TRIALS_A_TABLE):
            shown = group[begin : begin + _TRIALS_A_TABLE]
            given = dict.fromkeys(name for result in shown for name in result.metrics)
            parts = [name for name in given if name.startswith(_MOTIF_PARTS)]
            present = [name for name in METRICS if name in given]
            if parts:
                after = present.index("filters/target_e") + 1
                present[after:after] = parts
            print_table(
                ("metric", *(_heading(result, alone=len(shown) == 1) for result in shown), "n"),
                [
                    (name, *(_shown(name, result.metrics.get(name)) for result in shown), str(shown[0].n.get(name, "")))
                    for name in present
                ],
                right=range(1, len(shown) + 2),
                title=f"{shown[0].benchmark}",
            )
    told: dict[str, list[str]] = {}
    for result in results:
        for note in result.notes:
            told.setdefault(note, []).append(f"{result.model}:{result.trial}")
    for note, names in told.items():
        # What is true of every trial is a note on the data.
        about = "" if len(names) == len(results) > 1 else f" on {', '.join(names)}"
        click.echo(f"Note{about}: {note}")


def _heading(result: "Result", *, alone: bool) -> str:
    """A column's heading; two of them share 80 characters by having several lines."""
    if alone:
        return f"{result.architecture}-{result.activation}:{result.trial}"
    return f"{result.architecture}\n{result.activation}\ntrial {result.trial}"


def _print_consistency(consistencies: Sequence["Consistency"]) -> None:
    """How alike the trials' attribution maps are, one column a model."""
    if consistencies:
        click.echo("Agreement of the trials' attribution maps: mean pairwise cosine")
    for begin in range(0, len(consistencies), _MODELS_A_TABLE):
        shown = consistencies[begin : begin + _MODELS_A_TABLE]
        methods = dict.fromkeys(method for found in shown for method in found.cosine)
        print_table(
            ("method", *(found.model.replace(".", ".\n") + f"\n{len(found.trials)} trials" for found in shown)),
            [
                (
                    method,
                    *(
                        "undefined" if (value := found.cosine.get(method)) is None else f"{value:.4f}"
                        for found in shown
                    ),
                )
                for method in methods
            ],
            right=range(1, len(shown) + 1),
        )


def _shown(name: str, value: float | None) -> str:
    from ..metric_table import metric_of

    if value is None:
        return "undefined"
    metric = metric_of(name)
    return f"{value:.1e}" if metric is not None and metric.highest > 1 else f"{value:.4f}"


class _Display(StageDisplay):
    """Which of how many trials is evaluated."""

    def __init__(self, trials: int) -> None:
        super().__init__()
        self._trials = trials
        self._number = 0

    def trial(self, name: str) -> None:
        """The next trial begins."""
        self._number += 1
        self.head(name if self._trials == 1 else f"[{self._number}/{self._trials}] {name}")
