"""`motifzoo datasets audit`: what a user must know about a data set."""

from typing import TYPE_CHECKING

import click

from .output import as_json, print_json, print_table

if TYPE_CHECKING:
    from ...data_cards.audit import Audit


@click.command(short_help="Look for duplicates, leaks and imbalance.")
@click.argument("name")
@as_json
def audit(name: str, as_json: bool) -> None:
    """Audit data set NAME: duplicates and near duplicates within and across splits, balance, GC content, letters.

    Copies are the same DNA on either strand. Near duplicates are none, but share a quarter of their length in a row
    (32 nt at least).

    \b
    Example:
      motifzoo datasets audit chip-gabpa
    """
    from ...data_cards.audit import audit as audit_dataset
    from ...data_cards.findings import findings
    from ...data_cards.load import load_dataset

    found = audit_dataset(load_dataset(name))
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    _print_splits(found)
    _print_pairs(found)
    _print_classes(found)
    for sentence in findings(found):
        click.echo(click.wrap_text(sentence, 80, initial_indent="- ", subsequent_indent="  "))


def _print_splits(found: "Audit") -> None:
    print_table(
        ("split", "sequences", "extra copies", "labels differ", f"share {found.stretch} nt", "not ACGT", "GC"),
        [
            (
                name,
                f"{split.sequences:,}",
                f"{split.extra_copies:,}",
                f"{split.conflicting:,}",
                f"{split.near_duplicates:,}",
                f"{split.non_acgt_sequences:,}",
                _number(split.gc.mean),
            )
            for name, split in found.splits.items()
        ],
        right=range(1, 7),
        title=f"{found.dataset}@{found.version}: {found.length} nt",
    )


def _print_pairs(found: "Audit") -> None:
    print_table(
        ("", "same DNA", "same strand", "other strand", "labels differ", f"share {found.stretch} nt", "chroms shared"),
        [
            (
                f"{pair.second} in {pair.first}",
                f"{pair.duplicates:,}",
                f"{pair.same_strand:,}",
                f"{pair.opposite_strand:,}",
                f"{pair.conflicting:,}",
                f"{pair.near_duplicates:,}",
                "?" if pair.shared_chromosomes is None else str(len(pair.shared_chromosomes)),
            )
            for pair in found.pairs
        ],
        right=range(1, 7),
        title="across splits: sequences of one that are in another",
    )


def _print_classes(found: "Audit") -> None:
    test = found.splits["test"]
    print_table(
        ("class", *found.splits, "test share", "GC", "GC of others", "AUROC of GC"),
        [
            (
                label,
                *(f"{split.classes[label].positives:,}" for split in found.splits.values()),
                f"{on_test.positives / test.sequences:.1%}",
                _number(on_test.gc_positives.mean),
                _number(on_test.gc_others.mean),
                _number(on_test.gc_auroc),
            )
            for label, on_test in test.classes.items()
        ],
        right=range(1, len(found.splits) + 5),
        title="positives of each class; GC content on test",
    )


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"
