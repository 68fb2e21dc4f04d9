"""`motifzoo datasets add`: a data set of one's own."""

from pathlib import Path
from typing import Any

import click

from .output import as_json, print_json

_FACTS = {
    "title": "Title of the data set.",
    "assay": "How it was measured, such as ChIP-seq of TP53.",
    "organism": "Of which organism the DNA is.",
    "genome": "Genome build.",
    "licence": "Licence of the data, an SPDX identifier.",
}
_Path = click.Path(path_type=Path)


def _fact_options(function: Any) -> Any:
    for name, text in reversed(_FACTS.items()):
        function = click.option(f"--{name}", help=text)(function)
    return function


@click.command(short_help="Add a data set of your own.")
@click.argument("file", type=_Path)
@click.option("--name", required=True, help="Name of the data set: lower-case letters, digits and hyphens.")
@click.option("--valid", type=_Path, help="File of the validation split, where each split has a file.")
@click.option("--test", type=_Path, help="File of the test split, where each split has a file.")
@click.option("--negatives", type=_Path, help="File of the sequences without the class; FILE has those with it.")
@click.option(
    "--label-from", metavar="header|TABLE", help="Labels of FASTA: in the headers, or a table of id and label."
)
@click.option("--positive", help="The label that means yes, where it is not 1.")
@click.option("--classes", help="Names of the classes, with commas between them, in the order they are to have.")
@click.option(
    "--task", type=click.Choice(["binary", "multi-class", "multi-label"]), help="[default: as labels suggest]"
)
@click.option("--split", metavar="TRAIN,VALID,TEST", help="Split by these shares.  [default: 0.7,0.1,0.2]")
@click.option("--split-by-chromosome", is_flag=True, help="Whole chromosomes for each split; needs places.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of a random split.")
@click.option("--length", type=click.IntRange(1, 1_000_000), help="Cut or pad sequences to this many nt, centred.")
@click.option("--sequence-column", help="Column of the sequences in a table.  [default: sequence]")
@click.option("--label-column", help="Column of the labels in a table.  [default: label]")
@click.option("--split-column", help="Column of the splits in a table.  [default: split, if there]")
@click.option("--keep", multiple=True, help="A further column of a table to keep.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["fasta", "table", "authors-h5", "basset-h5", "parquet"]),
    help="What the files are.  [default: found out]",
)
@click.option(
    "--known-motif",
    "known_motifs",
    multiple=True,
    metavar="[CLASS:]NAME=ID",
    help="A motif that acts in a class, with its JASPAR 2016 id; attribution maps are scored against it.",
)
@_fact_options
@click.option("--replace", is_flag=True, help="Replace a data set of your own that has this name.")
@as_json
def add(
    file: Path,
    label_from: str | None,
    classes: str | None,
    split: str | None,
    split_by_chromosome: bool,
    layout: Any,
    as_json: bool,
    **options: Any,
) -> None:
    """Make a data set of labelled sequences in FILE, to train and evaluate on.

    FILE is FASTA, a table with a header line (TSV, CSV), HDF5 of the paper's authors or of Basset, or Parquet (a file,
    or a folder such as `motifzoo datasets export` writes); plain or gzip. Labels of FASTA are in the headers (`>1`,
    `>peak_7 1`, `>peak_7 label=1`), in a table, or given by a file of negatives. Two labels make a binary task, more a
    multi-class one; with commas in them they are multi-label.

    Splits that the files state are kept. Otherwise sequences are dealt at random, each class by the same shares, and
    copies of the same DNA, on either strand, stay together.

    \b
    Examples:
      motifzoo datasets add peaks.fa --negatives background.fa --name my-tf
      motifzoo datasets add peaks.fa --name my-tf --label-from labels.tsv --split 0.8,0.1,0.1
      motifzoo datasets add sites.tsv.gz --name my-sites --label-column cell --split-by-chromosome
      motifzoo datasets add train.fa --test test.fa --name my-tf --known-motif TP53=MA0106.3
    """
    from ...data_cards.own import Request, Shares
    from ...data_cards.own import add as add_dataset

    facts = {name: value for name in _FACTS if (value := options.pop(name)) is not None}
    added = add_dataset(
        Request(
            file=file,
            label_from=None if label_from in (None, "header") else Path(label_from),
            classes=tuple(name.strip() for name in classes.split(",")) if classes else (),
            shares=None if split is None else Shares.parse(split),
            by_chromosome=split_by_chromosome,
            format=layout,
            facts=facts,
            **options,
        )
    )
    if as_json:
        card = added.card.model_dump(mode="json", exclude={"generator"})
        print_json({**card, "folder": str(added.folder), "notes": list(added.notes)})
        return
    from .datasets import print_splits

    click.echo(f"{added.card.name}: {added.card.task}, {added.card.length} nt, in {added.folder}")
    print_splits(added.card)
    for note in added.notes:
        click.echo(note)
    click.echo("Next:")
    click.echo(f"  motifzoo datasets audit {added.card.name}")
    if architecture := _fitting(added.card.length):
        click.echo(f"  motifzoo train {architecture}-exponential.{added.card.name} --trial 0")
    else:
        click.echo(f"No architecture here takes sequences of {added.card.length} nt: add longer ones to train on them.")


def _fitting(length: int) -> str | None:
    """An architecture that sequences of this length can pass through, if there is one."""
    from ...errors import ModelError
    from ...zoo.architectures import layers
    from ...zoo.shapes import plan

    for name in ("cnn-dist", "cnn-local", "cnn-2"):
        try:
            plan(layers(name, "exponential", length=length, outputs=1), length)
        except ModelError:
            continue
        return name
    return None
