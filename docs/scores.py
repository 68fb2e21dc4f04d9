"""Print the README's table of scores from result files: mean over trials, a row a model.

Run: motifzoo evaluate --all-trials $(names of models) --output results; python docs/scores.py results
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from motifzoo.evaluate.results import Result, read_result

COLUMNS = {
    "AUROC": "classification/auroc",
    "AUPR": "classification/aupr",
    "filters: true motif": "filters/match_fraction",
    "any motif": "filters/match_any",
    "saliency": "attribution/saliency/auroc",
    "mutagenesis": "attribution/mutagenesis/auroc",
    "int. gradients": "attribution/integrated_gradients/auroc",
    "DeepSHAP": "attribution/deepshap/auroc",
}


def score_table(results: Sequence[Result]) -> str:
    """Markdown: models in rows, the headline metrics in columns, three decimals, mean over each model's trials."""
    lines = ["| model | trials | " + " | ".join(COLUMNS) + " |", "|---|---|" + "---|" * len(COLUMNS)]
    for model in sorted({result.model for result in results}, key=lambda name: (name.split(".")[1], name)):
        trials = [result for result in results if result.model == model]
        cells = []
        for metric in COLUMNS.values():
            values = [result.metrics.get(metric) for result in trials]
            known = [value for value in values if value is not None]
            cells.append(f"{fmean(known):.3f}" if known else "")
        lines.append(f"| {model} | {len(trials)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the table of every result file below a folder."""
    print(score_table([read_result(path) for path in sorted(Path(sys.argv[1]).rglob("result.json"))]), end="")


if __name__ == "__main__":
    main()
