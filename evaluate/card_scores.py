"""Scores for model cards: `python -m motifzoo.evaluate.card_scores [PATTERN...]`.

Evaluates every trial of the packaged models and writes what their cards show of it into their folders: scores.json,
filters.svg (the filters of the first trial) and the card itself. Models whose scores are current are left alone.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from ..data_cards.cards import load_card
from ..errors import MotifzooError
from ..files import write_text
from ..zoo.config import ModelConfig, read_config
from ..zoo.model_card import write_card
from ..zoo.model_card.scores import (
    FILTERS,
    FilterMatch,
    MetricScores,
    ScoredTrial,
    Scores,
    read_scores,
    write_scores,
)
from ..zoo.sources import Source, find
from .benchmark import Evaluated, evaluate_trial
from .metric_table import METRICS, metric_of
from .protocol import E_VALUE, PROTOCOL
from .report.filter_sheet import filter_sheet
from .results import FilterResult, Result
from .upkeep import counted, device_option, for_each, packaged_names

_MOTIF_PARTS = "filters/target_e/"  # the parts of a metric that a card shows: a few known motifs


def publish_scores(evaluated: Sequence[Evaluated], folder: Path) -> Scores:
    """Write the scores of a model's trials into its folder, with the sheet of its filters and the card.

    evaluated: results with their folders, of trials of the model in `folder`, on one benchmark. What the folder had
    before is replaced. Raises MotifzooError when they are not of this model's weights or differ in what they were
    computed from, CacheError when the folder refuses.
    """
    config = read_config(folder)
    ordered = sorted(evaluated, key=lambda item: item.result.trial)
    scores = collect_scores([item.result for item in ordered], config)
    sheet = filter_sheet(ordered[0].result, ordered[0].folder)
    if sheet is None:
        (folder / FILTERS).unlink(missing_ok=True)
    else:
        write_text(folder / FILTERS, sheet)
    write_scores(scores, folder)
    write_card(config, folder)
    return scores


def collect_scores(results: Sequence[Result], config: ModelConfig) -> Scores:
    """The scores of a model's trials from their results, in that order.

    Of a metric's parts (classes, motifs) those of known motifs are kept. Raises MotifzooError as `publish_scores`.
    """
    if not results:
        raise MotifzooError(f"there are no results of {config.name} to make scores of.")
    first = results[0]
    for result in results:
        _check(result, first, config)
    names = dict.fromkeys(name for result in results for name in result.metrics)
    parts = [name for name in names if name.startswith(_MOTIF_PARTS)]
    order = list(METRICS)
    kept = sorted((name for name in names if name in METRICS), key=order.index) + parts
    return Scores(
        model=config.name,
        benchmark=first.benchmark,
        protocol=first.stamps.protocol,
        data_fingerprint=first.stamps.data_fingerprint,
        motifs_sha256=first.stamps.motifs_sha256,
        versions=dict(first.stamps.versions),
        trials=tuple(
            ScoredTrial(trial=result.trial, sha256=result.stamps.model_sha256, device=result.stamps.device)
            for result in results
        ),
        metrics=tuple(_metric(name, results) for name in kept),
        e_threshold=E_VALUE,
        filters=tuple(map(_filter, first.filters)),
        notes=tuple(note for note in first.notes if all(note in result.notes for result in results)),
    )


def _check(result: Result, first: Result, config: ModelConfig) -> None:
    name = f"{result.model}:{result.trial}"
    if result.model != config.name:
        raise MotifzooError(f"the result of {name} is not of {config.name}.")
    if result.stamps.model_sha256 != config.trial(result.trial).sha256:
        raise MotifzooError(f"the result of {name} is of other weights than config.json states. Evaluate it again.")
    for what, mine, others in (
        ("benchmark", result.benchmark, first.benchmark),
        ("protocol", result.stamps.protocol, first.stamps.protocol),
        ("data", result.stamps.data_fingerprint, first.stamps.data_fingerprint),
        ("motif database", result.stamps.motifs_sha256, first.stamps.motifs_sha256),
        ("versions of packages", result.stamps.versions, first.stamps.versions),
    ):
        if mine != others:
            raise MotifzooError(
                f"the results of {name} and {first.model}:{first.trial} differ in their {what}. Evaluate both again."
            )


def _metric(name: str, results: Sequence[Result]) -> MetricScores:
    metric = metric_of(name)
    assert metric is not None
    part = f": {name.removeprefix(_MOTIF_PARTS)}" if name not in METRICS else ""
    return MetricScores(
        name=name,
        title=metric.title + part,
        unit=metric.unit,
        e_value=metric.highest > 1,
        values=tuple(result.metrics.get(name) for result in results),
        n=tuple(result.n.get(name) for result in results),
    )


def _filter(entry: FilterResult) -> FilterMatch:
    return FilterMatch(
        filter=entry.filter,
        consensus=entry.consensus,
        motif=entry.best_motif,
        motif_name=entry.best_motif_name,
        e=entry.best_e,
        hit=bool(entry.hits),
        true_motif=entry.true_motif,
        dead=entry.dead,
    )


def is_current(source: Source) -> bool:
    """Whether a model's folder has the scores of all its trials, under the present protocol and on the present data."""
    scores = read_scores(source.folder, source.config)
    if scores is None or len(scores.trials) < len(source.config.trials):
        return False
    data = load_card(source.config.dataset.name).fingerprint
    return (scores.protocol, scores.data_fingerprint) == (PROTOCOL, data)


@click.command()
@click.argument("patterns", nargs=-1)
@device_option
@click.option(
    "--output",
    default="results",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for result files.",
)
@click.option("--fresh", is_flag=True, help="Score models whose scores are current, too, and ignore the cache.")
def main(patterns: tuple[str, ...], device: str, output: Path, fresh: bool) -> None:
    """Evaluate every trial of the packaged models that match PATTERNS, such as '*.synthetic-codes' (all without one),
    and write their scores, filters and cards."""

    def score(name: str) -> str:
        source = find(name, packaged=True)
        if not fresh and is_current(source):
            return "current"
        trials = [find(f"{name}:{trial.trial}", packaged=True) for trial in source.config.trials]
        evaluated = [evaluate_trial(trial, output, device=device, fresh=fresh) for trial in trials]
        publish_scores(evaluated, source.folder)
        return counted(trials)

    try:
        names = packaged_names(patterns)
    except MotifzooError as error:
        raise click.ClickException(str(error)) from error
    for_each(names, score)


if __name__ == "__main__":
    main()
