"""Print the README's tables of scores from result files: mean over trials, a row a model.

One table is of synthetic data, with a ground truth; one of real DNA, where filters are compared with known motifs and
attribution maps with a motif scan.

Run: motifzoo evaluate --all-trials $(names of models) --output results; python docs/scores.py results [--write]
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from motifzoo.evaluate.results import Result, read_result
from motifzoo.files import write_text

README = Path(__file__).parents[1] / "README.md"

PLANTED = {
    "AUROC": "classification/auroc",
    "AUPR": "classification/aupr",
    "filters: true motif": "filters/match_fraction",
    "any motif": "filters/match_any",
    "saliency": "attribution/saliency/auroc",
    "mutagenesis": "attribution/mutagenesis/auroc",
    "int. gradients": "attribution/integrated_gradients/auroc",
    "DeepSHAP": "attribution/deepshap/auroc",
}

KNOWN = {
    "AUROC": "classification/auroc",
    "AUPR": "classification/aupr",
    "filters: known motif": "filters/target_match",
    "any motif": "filters/match_any",
    "saliency": "attribution/saliency/scan_auroc",
    "mutagenesis": "attribution/mutagenesis/scan_auroc",
    "int. gradients": "attribution/integrated_gradients/scan_auroc",
    "DeepSHAP": "attribution/deepshap/scan_auroc",
}


def score_table(results: Sequence[Result], columns: Mapping[str, str]) -> str:
    """Markdown: models in rows, the headline metrics in columns, three decimals, mean over each model's trials."""
    lines = ["| model | trials | " + " | ".join(columns) + " |", "|---|---|" + "---|" * len(columns)]
    for model in sorted({result.model for result in results}, key=lambda name: (name.split(".")[1], name)):
        trials = [result for result in results if result.model == model]
        cells = []
        for metric in columns.values():
            values = [result.metrics.get(metric) for result in trials]
            known = [value for value in values if value is not None]
            cells.append(f"{fmean(known):.3f}" if known else "")
        lines.append(f"| {model} | {len(trials)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables of every result file below a folder; with --write, renew the rows that README.md has of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="the folder of result files")
    parser.add_argument("--write", action="store_true", help="renew README.md's rows of these models")
    arguments = parser.parse_args()
    results = [read_result(path) for path in sorted(arguments.results.rglob("result.json"))]
    planted = [result for result in results if "filters/target_match" not in result.metrics]
    known = [result for result in results if "filters/target_match" in result.metrics]
    tables = [score_table(part, columns) for part, columns in ((planted, PLANTED), (known, KNOWN)) if part]
    if not arguments.write:
        print("\n".join(tables), end="")
        return
    new = {line.split(" | ")[0]: line for table in tables for line in table.splitlines()[2:]}
    lines = README.read_text(encoding="utf-8").splitlines()
    write_text(README, "\n".join(new.get(line.split(" | ")[0], line) for line in lines) + "\n")


if __name__ == "__main__":
    main()
