"""Evaluation results for the models' own repositories, in Hugging Face's format: `.eval_results/<benchmark>.yaml`.

One file a model and benchmark, one entry a headline metric, each the better the higher it is.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import yaml  # type: ignore[import-untyped]
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

from ....data_cards.pages.eval_yaml import headline_metrics, task_id
from ...report.words import score
from ..current import packaged_card
from ..entries import Entry
from ..headline import headline

DIGITS: Final = 4


def eval_results(grouped: Mapping[str, Sequence[Entry]], url: str | None) -> dict[str, bytes]:
    """`eval_results/<model>/<benchmark>.yaml` -> content, for every entry of `entries.entries` that has a rank.

    Controls, disputed and outdated entries are no results of a model, and a benchmark without a packaged data card has
    no data set on the hub. url: as in `exports`.
    """
    found = {}
    for benchmark, rows in grouped.items():
        card = packaged_card(benchmark)
        if card is None:
            continue
        tasks = headline_metrics(card)  # those of the data set's eval.yaml
        metrics = [name for name in headline(benchmark) if name in tasks]
        for entry in rows:
            if entry.control is None and not entry.outdated and entry.trust != "disputed":
                results = [_result(entry, name, url) for name in metrics if _has(entry, name)]
                if results:
                    text = yaml.safe_dump(eval_result_entries_to_yaml(results), sort_keys=False)
                    found[f"eval_results/{entry.model}/{benchmark}.yaml"] = text.encode()
    return found


def _has(entry: Entry, metric: str) -> bool:
    return metric in entry.spreads and entry.spreads[metric].n > 0


def _result(entry: Entry, metric: str, url: str | None) -> EvalResultEntry:
    found = entry.spreads[metric]
    over = f"mean of {found.n} trials, 95 % interval {score(found.low)} to {score(found.high)}"
    who = "recomputed by a maintainer" if entry.trust == "recomputed" else "claimed by the submitter"
    return EvalResultEntry(
        dataset_id=f"motifzoo/{entry.benchmark.partition('@')[0]}",
        task_id=task_id(metric),
        value=round(found.mean, DIGITS),
        date=_date(entry),
        source_url=url,
        source_name="motifzoo leaderboard" if url else None,
        notes=f"{entry.benchmark}, protocol {entry.stamps.protocol}; {over if found.n > 1 else 'one trial'}; {who}",
    )


def _date(entry: Entry) -> str | None:
    """The day of the newest number; None where a submitter wrote something else than a time."""
    days = []
    for trial in entry.trials:
        stated = trial.verification.at if trial.verification else trial.submitted
        try:
            days.append(datetime.fromisoformat(stated).date().isoformat())
        except ValueError:
            return None
    return max(days)
