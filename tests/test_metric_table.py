"""Every metric a result can hold has its line in the table, and nothing else does."""

from motifzoo.evaluate.metric_table import METRICS
from motifzoo.evaluate.protocol import METHODS


def test_headline_metrics() -> None:
    assert set(METRICS) == {
        "classification/auroc",
        "classification/aupr",
        "filters/match_fraction",
        "filters/match_any",
        "filters/motif_coverage",
        "filters/dead",
        *(f"attribution/{method}/{score}" for method in METHODS for score in ("auroc", "aupr")),
    }


def test_each_says_what_it_means() -> None:
    for metric in METRICS.values():
        assert metric.title
        assert metric.meaning
        assert metric.unit in {"classes", "filters", "motifs", "sequences"}
    assert [name for name, metric in METRICS.items() if not metric.higher_is_better] == ["filters/dead"]
