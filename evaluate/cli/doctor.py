"""`motifzoo doctor`: examine this installation, and recompute the models' golden values."""

from typing import TYPE_CHECKING

import click

from .output import as_json, print_json, print_table, start_bars

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from ..doctor import Report

_MARKS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}


@click.command(short_help="Check that this machine gives the published numbers.")
@click.argument("models", nargs=-1)
@click.option("--quick", is_flag=True, help="One model an architecture, on the CPU, and no reading of data sets.")
@as_json
@click.pass_context
def doctor(ctx: click.Context, models: tuple[str, ...], quick: bool, as_json: bool) -> None:
    """Report what motifzoo runs on, whether weights and data sets are whole, and recompute golden values of MODELS.

    MODELS are names, patterns or model folders; without any, all packaged models and those in MOTIFZOO_MODELS. Golden
    values are predictions, filter matrices and attributions of eight sequences, kept with each model: what differs here
    by more than rounding is named with its size and the libraries that differ. Needs no network. Ends with 1 when
    something is wrong.

    \b
    Examples:
      motifzoo doctor --quick
      motifzoo doctor "*.synthetic-codes" ./my-model
    """
    from ..doctor import examine
    from ..golden import sources_of

    with _Display() as display:
        report = examine(sources_of(models), quick=quick, progress=display)
    if as_json:
        print_json(_as_json(report))
    else:
        _print(report)
    if not report.well:
        ctx.exit(1)


def _as_json(report: "Report") -> dict[str, object]:
    return {
        "well": report.well,
        "findings": [finding._asdict() for finding in report.findings],
        "drifts": [{**drift._asdict(), "beyond": drift.beyond} for drift in report.drifts],
    }


def _print(report: "Report") -> None:
    from ..drift import QUANTITIES

    findings = sorted(report.findings, key=lambda finding: finding.level == "problem")  # what matters stands last
    print_table(("", "what", "finding"), [(_MARKS[one.level], one.subject, one.text) for one in findings])
    for device in dict.fromkeys(drift.device for drift in report.drifts):
        rows = []
        for name, quantity in QUANTITIES.items():
            drifts = [drift for drift in report.drifts if (drift.device, drift.quantity) == (device, name)]
            if drifts:
                sizes = [drift.size for drift in drifts if drift.size is not None]
                largest = f"{max(sizes):.1e}" if sizes else "none here"
                limits = dict.fromkeys(f"{drift.limit:.0e}" for drift in sorted(drifts, key=lambda one: one.limit))
                limit = " to ".join([*limits][:: max(1, len(limits) - 1)])
                rows.append((quantity.title, largest, limit, str(len(drifts))))
        click.echo(f"Golden values on {device}")
        print_table(("quantity", "largest drift", "limit", "models"), rows, right=(1, 2, 3))
    problems = sum(finding.level == "problem" for finding in findings)
    click.echo("All is well." if not problems else f"{problems} problem{'s' if problems > 1 else ''}.")


class _Display:
    """A bar on standard error while models are computed; nothing where that is no terminal."""

    def __init__(self) -> None:
        self._bars: Bars | None = None

    def __enter__(self) -> "_Display":
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

        self._bars = start_bars(MofNCompleteColumn(), BarColumn(bar_width=10), TextColumn("{task.description}"))
        if self._bars is not None:
            self._task = self._bars.add_task("golden values", total=None)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def step(self, model: str, done: int, total: int) -> None:
        """Show the model that is computed."""
        if self._bars is not None:
            self._bars.update(self._task, completed=done, total=total, description=model)
