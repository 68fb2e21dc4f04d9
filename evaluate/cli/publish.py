"""`motifzoo publish`: bring models, data sets, a leaderboard or its site to a hub."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import as_json, print_json, print_table

if TYPE_CHECKING:
    from ..publish.push import Published


@click.command(short_help="Publish models, data sets, a leaderboard or a site to a hub.")
@click.argument("what")
@click.option("--to", required=True, metavar="hf://ORG[/NAME]", help="Where to: an organisation, or one repository.")
@click.option("--dry-run", is_flag=True, help="List what would be sent, and send nothing.")
@click.option("--private", is_flag=True, help="Make repositories that are not there yet private.")
@click.option(
    "--board",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Board whose scores models show on the hub.  [default: that of motifzoo]",
)
@as_json
def publish(what: str, to: str, dry_run: bool, private: bool, board: Path | None, as_json: bool) -> None:
    """Publish WHAT: a packaged model or a pattern of their names, a data set, `leaderboard`, or the folder of a model,
    data set, leaderboard or site.

    Each goes into a repository of its own as one commit of the files that changed; nothing is sent when nothing did.
    Hidden and temporary files are never sent, nor files that hold an access token. Who you are, the hub knows from
    `hf auth login` or HF_TOKEN; HF_ENDPOINT names another hub.

    \b
    Examples:
      motifzoo publish "*.synthetic-codes" --to hf://my-lab --dry-run
      motifzoo publish synthetic-codes --to hf://datasets/my-lab
      motifzoo publish leaderboard --to hf://datasets/my-lab/leaderboard
      motifzoo publish site/ --to hf://spaces/my-lab/leaderboard
    """
    from ..publish.publish import publish as publish_all

    done = []
    for published in publish_all(what, to, board=board, dry_run=dry_run, private=private):
        done.append(published)
        if not as_json:
            _print(published, dry_run=dry_run)
    if as_json:
        print_json([_as_dict(published) for published in done])


def _print(published: "Published", *, dry_run: bool) -> None:
    size = sum(change.bytes for change in published.changes)
    count = f"{len(published.changes)} file{'' if len(published.changes) == 1 else 's'}, {size:,} bytes"
    if not published.changes:
        click.echo(f"{published.address}: nothing to publish, all {published.unchanged} files are there already")
    elif dry_run:
        print_table(
            ("file", "", "bytes"),
            [(change.path, change.action, f"{change.bytes:,}") for change in published.changes],
            right=(2,),
            title=f"{published.address}: {count} would be published",
        )
    else:
        click.echo(f"{published.address}: {count} published, {published.url}")
    for path in published.left_out:
        click.echo(f"left out: {path}", err=True)


def _as_dict(published: "Published") -> dict[str, Any]:
    return {
        "name": published.name,
        "to": str(published.address),
        "commit": published.commit,
        "url": published.url,
        "changes": [change._asdict() for change in published.changes],
        "unchanged": published.unchanged,
        "left_out": list(published.left_out),
    }
