"""`motifzoo models` and `motifzoo show`: what the zoo holds."""

from typing import Any

import click

from .output import as_json, print_json, print_table


@click.command(short_help="List the packaged models.")
@click.argument("pattern", default="*")
@as_json
def models(pattern: str, as_json: bool) -> None:
    """List the packaged models, all or those that match PATTERN.

    \b
    Example:
      motifzoo models "*-exponential.*"
    """
    from ...zoo.shapes import plan
    from ...zoo.sources import ELSEWHERE, find, list_models, weights_path

    rows: list[dict[str, Any]] = []
    for name in list_models(pattern):
        source = find(name, weights=False)
        config = source.config
        rows.append(
            {
                "name": name,
                "architecture": config.architecture,
                "activation": config.activation,
                "dataset": config.dataset.name,
                "trials": [trial.trial for trial in config.trials],
                "here": [trial.trial for trial in config.trials if weights_path(source.folder, trial.trial).exists()],
                "parameters": plan(config.layers, config.input_length).parameters,
            }
        )
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(f"No packaged model matches {pattern!r}.")
        return
    absent = sum(len(row["trials"]) - len(row["here"]) for row in rows)
    print_table(
        ("model", "trials", *(("here",) if absent else ()), "parameters"),
        [
            (
                row["name"],
                ranges(row["trials"]),
                *((ranges(row["here"]),) if absent else ()),
                f"{row['parameters']:,}",
            )
            for row in rows
        ],
        right=(3 if absent else 2,),
    )
    if absent:
        trials = "1 trial is" if absent == 1 else f"{absent} trials are"
        click.echo(f"{trials} not part of this installation, which holds {ELSEWHERE}")


def ranges(numbers: list[int]) -> str:
    """`[0, 1, 2, 5]` as `0-2, 5`."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


@click.command(short_help="Show one model: layers, data, trials.")
@click.argument("name")
@as_json
def show(name: str, as_json: bool) -> None:
    """Show one model: NAME of a packaged model, or the path of a model folder.

    \b
    Example:
      motifzoo show cnn-dist-exponential.synthetic-codes
    """

    from ...zoo.glossary import ACTIVATIONS, ARCHITECTURES, unusual
    from ...zoo.layer_rows import layer_rows
    from ...zoo.shapes import plan
    from ...zoo.sources import find

    config = find(name, weights=False).config
    if as_json:
        print_json(config.model_dump(mode="json"))
        return
    planned = plan(config.layers, config.input_length)
    click.echo(f"{config.name}: {config.architecture} with first-layer activation {config.activation}")
    for sentence in unusual(config.training):
        click.echo(sentence)
    for title, name, words in (
        ("network", config.architecture, ARCHITECTURES),
        ("layer 1", config.activation, ACTIVATIONS),
    ):
        if name in words:
            click.echo(f"{title} {words[name]}")
    click.echo(f"reads   one-hot DNA, {config.input_length} nt, channels {config.alphabet}")
    click.echo(
        f"gives   {len(config.outputs)} logit{'s' if len(config.outputs) > 1 else ''}: {', '.join(config.outputs)}"
    )
    data = config.dataset
    click.echo(f"data    {data.name} version {data.version}, fingerprint {data.fingerprint[:12]}")
    click.echo(f"licence {config.licence}")
    print_table(
        ("layer", "kind", "settings", "output"),
        list(layer_rows(config)),
        title=f"{planned.parameters:,} parameters",
    )
    print_table(
        ("trial", "seed", "epochs", "validation", "device", "content hash"),
        [
            (
                str(trial.trial),
                str(trial.seed),
                "" if trial.epochs is None else str(trial.epochs),
                "" if trial.score is None else f"{trial.score:.4f}",
                trial.device,
                trial.sha256[:12],
            )
            for trial in config.trials
        ],
        right=(0, 1, 2, 3),
        title="trials",
    )
