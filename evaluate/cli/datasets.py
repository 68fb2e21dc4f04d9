"""`motifzoo datasets`: list, show and export data sets, and remove one's own."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .add import add
from .audit import audit
from .output import as_json, print_json, print_table

if TYPE_CHECKING:
    from ...data_cards.cards import Card


@click.group(invoke_without_command=True, short_help="List, audit, export and add data sets.")
@as_json
@click.pass_context
def datasets(ctx: click.Context, as_json: bool) -> None:
    """List the data sets, the packaged and your own, or work on one.

    \b
    Examples:
      motifzoo datasets
      motifzoo datasets audit chip-gabpa
      motifzoo datasets add peaks.fa --negatives background.fa --name my-tf
    """
    if ctx.invoked_subcommand is not None:
        return
    from ...data_cards.cards import SPLITS, list_datasets, load_card
    from ...errors import MotifzooError

    cards: list[Card] = []
    broken: dict[str, str] = {}
    for name in list_datasets():
        try:
            cards.append(load_card(name))
        except MotifzooError as error:  # of one's own, perhaps edited: the others are to be seen all the same
            broken[name] = str(error)
    if as_json:
        print_json(
            [card.model_dump(mode="json", exclude={"generator"}) for card in cards]
            + [{"name": name, "error": message} for name, message in broken.items()]
        )
        return
    rows = [
        (
            card.name,
            card.task,
            str(len(card.classes)),
            str(card.length),
            *(f"{card.splits[split]:,}" if card.splits else "?" for split in SPLITS),
        )
        for card in cards
    ]
    rows += [(name, "not valid", *["?"] * 5) for name in broken]
    print_table(("data set", "task", "classes", "nt", "train", "valid", "test"), sorted(rows), right=range(2, 7))
    for message in broken.values():
        click.echo(f"Error: {message}", err=True)


datasets.add_command(add)
datasets.add_command(audit)


@datasets.command()
@click.argument("name")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show what the card of data set NAME says, and where its folder is.

    \b
    Example:
      motifzoo datasets show chip-gabpa
    """
    from ...data_cards.cards import card_folder, load_card

    card, folder = load_card(name), card_folder(name)
    if as_json:
        print_json({**card.model_dump(mode="json"), "folder": str(folder)})
        return
    classes = f"{len(card.classes)} {'class' if len(card.classes) == 1 else 'classes'}"
    facts = {
        "title": card.title,
        "summary": card.summary,
        "benchmark": f"{card.benchmark}: {', '.join(card.benchmarks)}",
        "task": f"{card.task}, {classes}, {card.length} nt",
        "assay": card.assay,
        "organism": f"{card.organism}; genome build: {card.genome}",
        "known motifs": _motifs(card),
        "licence": card.licence,
        "source": card.source,
        "collection": " ".join(card.collection.split()),
        "fingerprint": card.fingerprint,
        "folder": str(folder),
    }
    width = max(map(len, facts))
    for label, text in facts.items():
        if text:
            click.echo(f"{label:>{width}}  {text}")
    for trap in card.traps:
        click.echo(f"{'trap':>{width}}  {trap}")
    if card.splits:
        print_splits(card)


def _motifs(card: "Card") -> str:
    known = [(label, motif, ids) for label, motifs in card.known_motifs.items() for motif, ids in motifs.items()]
    known += [("planted", motif, ids) for motif, ids in card.ground_truth.items()]
    return "; ".join(f"{label}: {motif} {', '.join(ids)}" for label, motif, ids in known)


def print_splits(card: "Card") -> None:
    """Print the sizes of the splits and how many of each class there are."""
    from ...data_cards.cards import SPLITS

    total = sum(card.splits.values())
    rows = [("sequences", *(f"{card.splits[split]:,} ({card.splits[split] / total:.1%})" for split in SPLITS))]
    if card.positives:
        rows += [
            (
                label,
                *(
                    f"{card.positives[split][number]:,} ({card.positives[split][number] / card.splits[split]:.1%})"
                    for split in SPLITS
                ),
            )
            for number, label in enumerate(card.classes)
        ]
    print_table(("", *SPLITS), rows, right=range(1, len(SPLITS) + 1))


@datasets.command()
@click.argument("name")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["parquet", "h5", "fasta"]),
    default="parquet",
    show_default=True,
    help="What to write.",
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="File to write, replaced if there; for parquet, a new folder.",
)
def export(name: str, layout: str, output: Path) -> None:
    """Write data set NAME to a file, or as Parquet to a folder. `motifzoo datasets add` reads all three again.

    parquet: a folder with a file a split, the card and its pages: a Hugging Face data set. Nothing is lost.
    h5: the layout of the paper's authors: X_train (N, 4, L), Y_train (N, C), and the same for valid and test;
    model_train (N, 4, L) where motifs were planted.
    fasta: one file, with label, split and what else is known of a sequence in its header.

    \b
    Examples:
      motifzoo datasets export synthetic-motifs --format h5 --output synthetic-motifs.h5
      motifzoo datasets export dhs-4cell --format parquet --output dhs-4cell
    """
    from ...data_cards.export import EXPORTS
    from ...data_cards.load import load_dataset

    written = EXPORTS[layout](load_dataset(name), output)  # type: ignore[index]  # click has checked it
    files = [written.path] if written.path.is_file() else list(written.path.iterdir())
    click.echo(f"wrote {written.path} ({sum(path.stat().st_size for path in files) / 1e6:.1f} MB)")
    for note in written.notes:
        click.echo(note)


@datasets.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, yes: bool) -> None:
    """Remove data set NAME, one of your own, with its tables and its card.

    \b
    Example:
      motifzoo datasets remove my-tf
    """
    from ...data_cards.own.remove import check_own
    from ...data_cards.own.remove import remove as remove_own

    check_own(name)
    if not yes:
        click.confirm(
            f"Remove data set {name!r}? Nothing can make it again but the files it was added from.", abort=True
        )
    remove_own(name)
    click.echo(f"removed {name}")
