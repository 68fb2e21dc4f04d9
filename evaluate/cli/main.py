"""The `motifzoo` group: its commands, and how errors, notices and Ctrl-C reach a person."""

import logging
from typing import Any

import click

from ...errors import MotifzooError
from .datasets import datasets
from .doctor import doctor
from .evaluate import evaluate_command
from .leaderboard import leaderboard
from .match import match
from .models import models, show
from .publish import publish
from .reproduce import reproduce
from .submit import submit
from .train import train
from .verify import verify

INTERRUPTED = 130  # the shell's code for a program ended by Ctrl-C


class _Notices(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"Notice: {record.getMessage()}", err=True)


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a user's mistake becomes one line without a traceback."""
        logger = logging.getLogger("motifzoo")
        handler = _Notices()
        logger.addHandler(handler)
        logger.propagate = False
        try:
            return super().invoke(ctx)
        except MotifzooError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("\nInterrupted. What was finished is kept; the same command goes on from there.", err=True)
            ctx.exit(INTERRUPTED)
        finally:
            logger.removeHandler(handler)
            logger.propagate = True


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="motifzoo")
def main() -> None:
    """Genomic CNNs, and how readable the motifs are that they learned.

    \b
    Start here:
      motifzoo models                                          what there is
      motifzoo evaluate cnn-dist-exponential.synthetic-codes   recompute a model's scores
    """


for command in (
    models,
    show,
    datasets,
    evaluate_command,
    reproduce,
    match,
    train,
    submit,
    verify,
    leaderboard,
    publish,
    doctor,
):
    main.add_command(command)
