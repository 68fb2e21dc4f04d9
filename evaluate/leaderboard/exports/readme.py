"""README.md of a board: the Hugging Face card of its data set, with the headline tables."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from huggingface_hub import CardData

from ....data_cards.pages.front_matter import feature
from ...metric_table import METRICS
from ...report.words import capital, score
from ...statistics import Spread
from ..entries import Entry
from ..headline import headline
from ..ranking import Ranked, rank

MOST_ROWS: Final = 50

_SIZES: Final = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGEST: Final = "1M<n<10M"
_TEXT: Final = """# Leaderboard: which genomic CNNs learn motifs that a person can read?

Scores of genomic CNNs, one row a model on each benchmark: how well a model classifies, how many of its first-layer
filters match motifs, and how well its attribution maps find them. `results/<benchmark>/<model>/trial-<k>.json` are the
records; this page, the Parquet files and `eval_results/` are made from them (`motifzoo leaderboard export`).

**How to read the tables.** A score is the mean over a model's trials (*n* of them, trained with other seeds) ± half of
its 95 % interval. *Rank* is the range of places that an entry may have: entries are told apart by Welch's test with
Holm's correction over all pairs of the benchmark and metric (p < 0.05), and those that are not share a tie group, the
number in brackets. An entry of one trial is not tested, nor are two entries of which neither has any spread. *Controls*
are no contestants and have no rank. *Claimed* numbers are the submitter's own; *recomputed* ones a maintainer's, anew
from the weights; *disputed* entries, whose numbers could not be confirmed, and entries measured under other conditions
than the current ones have no rank."""
_USE: Final = """## Use it

```python
import datasets

results = datasets.load_dataset("ORG/NAME", split="results")  # or pandas.read_parquet("results.parquet")
```

`motifzoo leaderboard show --board hf://ORG/NAME` prints the tables of every metric, `motifzoo submit` adds a model."""


def readme(grouped: Mapping[str, Sequence[Entry]], table: pa.Table) -> str:
    """The text of README.md for the entries of every benchmark (`entries.entries`) and the table of all results."""
    sections = [_TEXT, *(_section(benchmark, rows) for benchmark, rows in grouped.items()), _USE]
    return f"---\n{_front_matter(table)}\n---\n\n" + "\n\n".join(filter(None, sections)) + "\n"


def in_code(text: str) -> str:
    """Any text as inline code of a Markdown table, where neither Markdown nor HTML nor an address in it does anything.

    What would end the code or the cell is replaced by what looks alike; what cannot be seen, by a space.
    """
    swapped = text.replace("`", "\u02cb").replace("|", "\u00a6")
    visible = "".join(letter if letter.isprintable() else " " for letter in swapped).strip()
    return f"`{visible}`" if visible else "-"


def _front_matter(table: pa.Table) -> str:
    rows = table.num_rows
    matter: dict[str, Any] = {
        "pretty_name": "motifzoo leaderboard",
        "license": "mit",
        "tags": ["motifzoo", "leaderboard", "biology", "genomics", "dna", "sequence-motifs", "interpretability"],
        "size_categories": [next((name for limit, name in _SIZES if rows < limit), _LARGEST)],
        "configs": [{"config_name": "default", "data_files": [{"split": "results", "path": "results.parquet"}]}],
        "dataset_info": {
            "config_name": "default",
            "features": [feature(field) for field in table.schema],
            "splits": [{"name": "results", "num_bytes": table.nbytes, "num_examples": rows}],
        },
    }
    return CardData(**matter).to_yaml()


def _section(benchmark: str, rows: Sequence[Entry]) -> str:
    metrics = [name for name in headline(benchmark, rows) if name in METRICS]
    if not metrics:
        return ""
    ranked = {name: {id(row.entry): row for row in rank(rows, name)} for name in metrics}
    header = ["rank", "model", *(capital(METRICS[name].title) for name in metrics), "n", "trust", "submitter"]
    lines = [header, ["---:", "---", *("---:" for _ in metrics), "---:", "---", "---"]]
    first = list(ranked[metrics[0]].values())
    for row in first[:MOST_ROWS]:
        entry = row.entry
        cells = [_score(ranked[name][id(entry)]) for name in metrics]
        who = ", ".join(sorted({trial.submitter for trial in entry.trials}))
        lines.append([_rank(row), in_code(entry.model), *cells, str(len(entry.trials)), _trust(entry), in_code(who)])
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    left = len(first) - MOST_ROWS
    more = f"\n\n{left:,} more are in `results.parquet`." if left > 0 else ""
    order = f"In the order of {METRICS[metrics[0]].title}; the rank is by that."
    return f"## {benchmark}\n\n{order}\n\n{text}{more}"


def _rank(row: Ranked) -> str:
    if row.best_rank is None:
        return ""
    return str(row.best_rank) if row.best_rank == row.worst_rank else f"{row.best_rank}-{row.worst_rank}"


def _score(row: Ranked) -> str:
    group = "" if row.group is None or not row.tested else f" ({row.group})"
    return score_text(row.spread) + group


def score_text(found: Spread) -> str:
    """A mean and half of its interval to three decimals, `0.963 ± 0.008`; "-" for none."""
    if not found.n:
        return "-"
    return score(found.mean) + (f" ± {score(found.high - found.mean)}" if found.n > 1 else "")


def _trust(entry: Entry) -> str:
    if entry.control is not None:
        return f"control: {entry.control.replace('_', ' ')}"
    return f"{entry.trust}, outdated" if entry.outdated else entry.trust
