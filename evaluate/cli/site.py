"""`motifzoo leaderboard build` and `serve`: the board as pages."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..leaderboard.site import Site

board_option = click.option(
    "--board", help="A board's folder or hf://ORG/NAME[@REVISION].  [default: the one that comes with motifzoo]"
)


@click.command()
@board_option
@click.option(
    "--output",
    default="site",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the pages; a site that is there is replaced.",
)
def build(board: str | None, output: Path) -> None:
    """Write the leaderboard as pages that need no server.

    Open index.html in a browser, put the folder on any web server, or publish it as a static Space.

    \b
    Examples:
      motifzoo leaderboard build
      motifzoo leaderboard build --board my-board --output pages
    """
    from ..leaderboard.boards import open_board
    from ..leaderboard.site import build_site

    site = build_site(open_board(board), output)
    _tell(site)
    click.echo(f"{site.files} files, {site.size / 1e6:.1f} MB; open {output / 'index.html'}")


@click.command()
@board_option
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
def serve(board: str | None, port: int) -> None:
    """Show the leaderboard at http://127.0.0.1:8000, to this machine only; Ctrl-C ends it.

    \b
    Example:
      motifzoo leaderboard serve --board my-board --port 8080
    """
    from tempfile import TemporaryDirectory

    from ..leaderboard.boards import open_board
    from ..leaderboard.site import build_site
    from ..leaderboard.site.serve import LOOPBACK, site_server

    with TemporaryDirectory(prefix="motifzoo-site-") as temporary:
        folder = Path(temporary) / "site"
        with site_server(folder, port) as server:  # before the build: a taken port is known at once
            _tell(build_site(open_board(board), folder))
            click.echo(f"http://{LOOPBACK}:{server.server_address[1]}/index.html (Ctrl-C ends)")
            with contextlib.suppress(KeyboardInterrupt):  # how a server is meant to end
                server.serve_forever()


def _tell(site: "Site") -> None:
    for problem in site.problems:
        click.echo(f"Notice: {problem}", err=True)
