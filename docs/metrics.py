"""Print docs/metrics.md, the definitions of all metrics, from the table that the harness itself uses.

Run: python docs/metrics.py > docs/metrics.md
"""

from motifzoo.evaluate.metric_table import METRICS, Metric, Tolerance

_HEAD = """# The metrics

Made from the metric table by `python docs/metrics.py`; [protocol.md](protocol.md) says exactly how each is computed.
A result may also hold the parts of a metric (one class, one known motif) under its name and the part's; they share
everything else with it. Every metric is at least 0. `n` is what a result's `n` counts; an undefined metric is null.

| metric | what it is | n counts | best | worst | verified within |
|---|---|---|---|---|---|
"""

_TAIL = """
*Verified within* is how far a claim may lie from what a maintainer recomputes before the row is disputed;
[verification.md](verification.md) has the measurements behind it.
"""


def tolerance(allowed: Tolerance) -> str:
    """A tolerance in words."""
    parts = []
    if allowed.absolute:
        parts.append(f"{allowed.absolute:g}")
    if allowed.relative:
        parts.append(f"{allowed.relative:.0%}")
    if allowed.items:
        parts.append(f"{allowed.items} of n")
    return " + ".join(parts) or "nothing"


def row(name: str, metric: Metric) -> str:
    """One metric's row."""
    ends = (f"{metric.highest:g}", "0")
    best, worst = ends if metric.higher_is_better else ends[::-1]
    meaning = metric.meaning[0].upper() + metric.meaning[1:]
    return f"| `{name}` | {meaning} | {metric.unit} | {best} | {worst} | {tolerance(metric.tolerance)} |\n"


def main() -> None:
    """Print the page."""
    print(_HEAD + "".join(row(name, metric) for name, metric in METRICS.items()) + _TAIL, end="")


if __name__ == "__main__":
    main()
