"""`motifzoo match`: Tomtom on a MEME file."""

import sys
from pathlib import Path

import click

_File = click.Path(dir_okay=False, path_type=Path)


@click.command(short_help="Match motifs to known ones (Tomtom).")
@click.argument("queries", type=_File)
@click.option("--database", type=_File, help="MEME file of target motifs.  [default: JASPAR 2016 vertebrates, 518]")
@click.option("--threshold", type=float, default=0.1, show_default=True, help="Largest E-value of a hit.")
@click.option("--output", type=_File, help="TSV file to write.  [default: standard output]")
def match(queries: Path, database: Path | None, threshold: float, output: Path | None) -> None:
    """Match the motifs in QUERIES (MEME format) against known ones and write the hits as TSV.

    Statistics and columns are those of MEME's Tomtom with -evalue.

    \b
    Example:
      motifzoo match filters.meme --output hits.tsv
    """
    from ...files import write_text
    from ..match_tsv import hits_tsv, match_files

    hits = match_files(queries, database, threshold)
    if output is None:
        sys.stdout.write(hits_tsv(hits))
    else:
        write_text(output, hits_tsv(hits))
        click.echo(f"wrote {len(hits)} hits to {output}", err=True)
