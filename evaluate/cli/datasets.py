"""`motifzoo datasets`: the packaged data sets, and their export."""

from pathlib import Path

import click

from .output import as_json, print_json, print_table


@click.group(invoke_without_command=True, short_help="List and export the data sets.")
@as_json
@click.pass_context
def datasets(ctx: click.Context, as_json: bool) -> None:
    """List the packaged data sets, or work on one.

    \b
    Examples:
      motifzoo datasets
      motifzoo datasets export synthetic-codes --format h5 --output synthetic-codes.h5
    """
    if ctx.invoked_subcommand is not None:
        return
    from ...data_cards.cards import list_datasets, load_card

    cards = [load_card(name) for name in list_datasets()]
    if as_json:
        print_json([card.model_dump(mode="json", exclude={"generator"}) for card in cards])
        return
    print_table(
        ("data set", "task", "classes", "nt", "train", "valid", "test"),
        [
            (
                card.name,
                card.task,
                str(len(card.classes)),
                str(card.length),
                *(f"{size:,}" for size in card.splits.values()),
            )
            for card in cards
        ],
        right=(2, 3, 4, 5, 6),
    )


@datasets.command()
@click.argument("name")
@click.option("--format", "layout", type=click.Choice(["h5"]), default="h5", show_default=True, help="File format.")
@click.option(
    "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write; replaced if there."
)
def export(name: str, layout: str, output: Path) -> None:
    """Write data set NAME to a file.

    h5 is the layout of the paper's authors: X_train (N, 4, L), Y_train (N, C), model_train (N, 4, L), and the same
    for valid and test.

    \b
    Example:
      motifzoo datasets export synthetic-motifs --format h5 --output synthetic-motifs.h5
    """
    from ...data_cards.export import export_h5
    from ...data_cards.load import load_dataset

    export_h5(load_dataset(name), output)
    click.echo(f"wrote {output} ({output.stat().st_size / 1e6:.1f} MB)")
