"""`motifzoo train`: from a recipe to a model folder."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .output import device_option, start_bars

if TYPE_CHECKING:
    import torch
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from ...data_cards.content import SequenceDataset
    from ...zoo.checkpoint import Precision
    from ...zoo.recipe import Recipe
    from ...zoo.schedule import Epoch
    from ...zoo.training import Trained


@click.command(short_help="Train models from a recipe.")
@click.argument("recipe")
@click.option(
    "--trial",
    "trials",
    type=click.IntRange(0, 999_999),
    multiple=True,
    help="Train only this trial, whose number is its seed; repeatable.",
)
@click.option(
    "--output",
    default="models",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the model folders and checkpoints.",
)
@device_option
@click.option("--threads", type=click.IntRange(1), help="CPU threads; part of what a checkpoint can be resumed with.")
@click.option(
    "--stacked/--alone",
    default=None,
    help="Train side by side, or one after another; they round differently. By default a single trial is alone.",
)
@click.option(
    "--precision",
    type=click.Choice(["float32", "tf32", "bfloat16"]),
    default="float32",
    show_default=True,
    help="Of the layers behind the first activation; tf32 and bfloat16 are faster, in stacks on a CUDA GPU only.",
)
def train(
    recipe: str,
    trials: tuple[int, ...],
    output: Path,
    device: str,
    threads: int | None,
    stacked: bool | None,
    precision: "Precision",
) -> None:
    """Train the models of RECIPE: a model's name, a packaged grid (synthetic-codes), or a TOML file.

    The same command after a kill goes on from the last checkpoint and, on a CPU, ends in the same weights.
    Trials that are already in the model folder are skipped; several train side by side, one on each CPU thread or all
    of them in one stack on a GPU. One command at a time trains into a folder.

    \b
    Example:
      motifzoo train cnn-local-exponential.synthetic-codes --trial 0 --output models
    """
    import torch

    from ...data_cards.load import load_dataset
    from ...errors import MotifzooError
    from ...zoo.alone import alone
    from ...zoo.device import describe_device, pick_device
    from ...zoo.recipe import find
    from ...zoo.training import check_trainable

    if precision != "float32":
        if stacked is False:
            raise MotifzooError(
                f"--precision {precision} is for stacks: a trial alone trains in float32. Leave out one."
            )
        stacked = True
    if threads is not None:
        torch.set_num_threads(threads)
    chosen = pick_device(device)
    recipes = find(recipe)
    click.echo(f"training on {describe_device(chosen)}", err=True)
    # All before anything is trained: one that cannot be had shows at once.
    data = {name: load_dataset(name) for name in dict.fromkeys(item.dataset for item in recipes)}
    for item in recipes:
        check_trainable(item, data[item.dataset])
    diverged = []
    # Held from the look at what is there on: a trial that another command adds meanwhile would be lost.
    with alone(output):
        for name, dataset in data.items():
            asked = [
                (item, trial)
                for item in recipes
                if item.dataset == name
                for trial in dict.fromkeys(trials or range(item.trials))
            ]
            diverged += _train(asked, dataset, chosen, output, stacked, precision)
    if diverged:
        raise MotifzooError(
            f"{', '.join(diverged)} diverged: a loss, weight or prediction is not a finite number, so there is no "
            "model. A lower learning rate may help."
        )


def _train(
    asked: "Sequence[tuple[Recipe, int]]",
    dataset: "SequenceDataset",
    device: "torch.device",
    output: Path,
    stacked: bool | None,
    precision: "Precision",
) -> list[str]:
    """Train the trials that are not there yet, side by side where that can be, and add each to its folder as it ends.

    Returns the names of those that diverged.
    """
    from ...zoo.alone import alone
    from ...zoo.stacked import train_stack
    from ...zoo.stacked_layers import can_stack
    from ...zoo.training import train as train_trial

    checkpoints = output / ".checkpoints"
    diverged = []
    stackable = {pair for pair in asked if device.type != "mps" and all(map(can_stack, pair[0].layers()))}
    if stacked:
        stackable = set(asked)  # of which those that cannot be are refused
    elif stacked is False or len(stackable) == 1:
        stackable = set()
    missing = _missing(asked, dataset, output)
    # A trial that was asked for among others is never trained alone, not even as the last that a kill has left over:
    # its weights would be others in the last digits, and it could not go on from its checkpoint.
    together = [pair for pair in missing if pair in stackable]
    if together:
        with _StackDisplay(len(together)) as several:
            finished = train_stack(
                together, dataset, device=device, checkpoint_dir=checkpoints, progress=several, precision=precision
            )
            for done in finished:
                diverged += _keep(done.recipe, done.trained, dataset, output)
    for item, trial in missing:
        if (item, trial) in stackable:
            continue
        path = checkpoints / f"{item.name}.trial-{trial}.safetensors"
        with alone(checkpoints), _Display(f"{item.name}:{trial}", item.training.epochs) as display:
            trained = train_trial(item, trial, dataset, device=device, checkpoint_path=path, progress=display)
        diverged += _keep(item, trained, dataset, output)
    return diverged


def _missing(
    asked: "Sequence[tuple[Recipe, int]]", dataset: "SequenceDataset", output: Path
) -> "list[tuple[Recipe, int]]":
    """The trials that are not in their model folder yet."""
    from ...zoo.publish import present_trials
    from ...zoo.sources import weights_path

    present = {
        item: {entry.trial for entry in present_trials(output / item.name, item, dataset.fingerprint)}
        for item in dict.fromkeys(item for item, _ in asked)
    }
    for item, trial in asked:
        if trial in present[item]:
            here = weights_path(output / item.name, trial).exists()
            without = "" if here else ", without its weights: fetch them, or train into another folder"
            click.echo(f"{item.name}:{trial} is already in {output / item.name}{without}", err=True)
    return [(item, trial) for item, trial in asked if trial not in present[item]]


def _keep(item: "Recipe", trained: "Trained", dataset: "SequenceDataset", output: Path) -> list[str]:
    """Add a finished trial to its model folder; returns its name instead where it diverged."""
    from ...zoo.publish import add_trial

    state = trained.state
    name = f"{item.name}:{state.seed}"
    if not trained.usable:
        how = "diverged" if state.diverged else "ended with weights or predictions that are NaN or infinite"
        click.echo(f"{name} {how} in epoch {len(state.history)}", err=True)
        return [name]
    folder = output / item.name
    add_trial(folder, item, trained)
    (output / ".checkpoints" / f"{item.name}.trial-{state.seed}.safetensors").unlink(missing_ok=True)
    click.echo(
        f"{name} {len(state.history)} epochs in {state.seconds:.0f} s, "
        f"validation {dataset.card.monitor.upper()} {state.history[-1].score:.4f}, in {folder}"
    )
    return []


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


_LINES = 20  # trials that have a line each; of more, what all have done is shown
_SECONDS = 10.0  # between lines about all of them, where that is not a terminal


class _StackDisplay:
    """Progress of trials that train side by side, on standard error: a live line each and one for all, or a line an
    epoch where that is not a terminal. Of more than `_LINES` trials, the line for all."""

    def __init__(self, trials: int) -> None:
        self._trials = trials
        self._each = trials <= _LINES
        self._said = time.monotonic()
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_StackDisplay":
        from rich.progress import BarColumn, TextColumn

        text = TextColumn("{task.description}", markup=False)
        self._bars = start_bars(text, BarColumn(bar_width=10), TextColumn("{task.fields[numbers]}"))
        if self._bars is not None:
            self._all = self._bars.add_task(f"{self._trials} trials", total=None, numbers="")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def epoch(self, recipe: "Recipe", trial: int, number: int, record: "Epoch", seconds: float) -> None:
        """Show an epoch's numbers of one trial."""
        if not self._each:
            return
        name = f"{recipe.name}:{trial}"
        numbers = f"loss {record.loss:.4f}, valid {record.score:.4f}"
        if self._bars is None:
            click.echo(f"{name} epoch {number + 1}/{recipe.training.epochs} {numbers}", err=True)
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=recipe.training.epochs, numbers="")
        self._bars.update(self._tasks[name], completed=number + 1, numbers=f"epoch {number + 1}, {numbers}")

    def overall(self, done: float, to_go: float, left: float) -> None:
        """Show the time left; an upper bound, since trials may stop early."""
        numbers = f"at most {_duration(left)} left"
        if self._bars is not None:
            self._bars.update(self._all, completed=done, total=done + to_go, numbers=numbers)
        elif not self._each and time.monotonic() - self._said >= _SECONDS:
            self._said = time.monotonic()
            click.echo(f"{self._trials} trials: {done:,.0f} of at most {done + to_go:,.0f} epochs, {numbers}", err=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"
