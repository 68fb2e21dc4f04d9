"""`motifzoo train`: from a recipe to a model folder."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .output import device_option, start_bars

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from ...zoo.checkpoint import Epoch


@click.command(short_help="Train models from a recipe.")
@click.argument("recipe")
@click.option("--trial", "trials", type=click.IntRange(0, 999_999), multiple=True, help="Train only this trial (seed).")
@click.option(
    "--output",
    default="models",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the model folders and checkpoints.",
)
@device_option
@click.option("--threads", type=click.IntRange(1), help="CPU threads; part of what a checkpoint can be resumed with.")
def train(recipe: str, trials: tuple[int, ...], output: Path, device: str, threads: int | None) -> None:
    """Train the models of RECIPE: a model's name, a packaged grid (synthetic-codes), or a TOML file.

    Every epoch ends in a checkpoint; the same command after a kill goes on from there and ends in the same weights.
    Trials that are already in the model folder are skipped.

    \b
    Example:
      motifzoo train cnn-local-exponential.synthetic-codes --trial 0 --output models
    """
    import torch

    from ...data_cards.load import load_dataset
    from ...zoo.device import describe_device, pick_device
    from ...zoo.publish import add_trial, present_trials
    from ...zoo.recipe import find
    from ...zoo.training import train as train_trial

    if threads is not None:
        torch.set_num_threads(threads)
    chosen = pick_device(device)
    recipes = find(recipe)
    click.echo(f"training on {describe_device(chosen)}", err=True)
    for item in recipes:
        dataset = load_dataset(item.dataset)
        folder = output / item.name
        present = {entry.trial for entry in present_trials(folder, item, dataset.fingerprint)}
        for trial in trials or range(item.trials):
            if trial in present:
                click.echo(f"{item.name}:{trial} is already in {folder}", err=True)
                continue
            path = output / ".checkpoints" / f"{item.name}.trial-{trial}.safetensors"
            with _Display(f"{item.name}:{trial}", item.training.epochs) as display:
                trained = train_trial(item, trial, dataset, device=chosen, checkpoint_path=path, progress=display)
            add_trial(folder, item, trained)
            path.unlink(missing_ok=True)
            last = trained.state.history[-1]
            click.echo(
                f"{item.name}:{trial} {len(trained.state.history)} epochs in {trained.state.seconds:.0f} s, "
                f"validation {dataset.card.monitor.upper()} {last.score:.4f}, in {folder}"
            )


class _Display:
    """Progress of one trial on standard error: a live line on a terminal, a line an epoch elsewhere."""

    def __init__(self, name: str, epochs: int) -> None:
        self._name = name
        self._epochs = epochs
        self._bars: Bars | None = None
        self._last = ""

    def __enter__(self) -> "_Display":
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

        # The name has a line of its own, so that the numbers fit beside the bar in 80 columns.
        self._bars = start_bars(MofNCompleteColumn(), BarColumn(bar_width=10), TextColumn("{task.fields[numbers]}"))
        if self._bars is not None:
            self._bars.console.print(self._name, markup=False, highlight=False)
            self._task = self._bars.add_task("", total=self._epochs, numbers="")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def step(self, epoch: int, done: int, total: int, loss: float) -> None:
        """Show the running loss of the present epoch."""
        if self._bars is not None:
            self._bars.update(self._task, completed=epoch + done / total, numbers=f"loss {loss:.4f}{self._last}")

    def epoch(self, number: int, record: "Epoch", seconds: float) -> None:
        """Show an epoch's numbers; the time left is an upper bound, since training may stop early."""
        left = seconds / (number + 1) * (self._epochs - number - 1)
        self._last = f", valid {record.score:.4f}, lr {record.learning_rate:.0e}, at most {_duration(left)} left"
        if self._bars is None:
            click.echo(f"{self._name} epoch {number + 1}/{self._epochs} loss {record.loss:.4f}{self._last}", err=True)
        else:
            self._bars.update(self._task, completed=number + 1, numbers=f"loss {record.loss:.4f}{self._last}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
