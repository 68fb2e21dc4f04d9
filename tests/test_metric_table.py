"""Every metric a result can hold has its line in the table, and nothing else does."""

from motifzoo.data_cards.motifs import search_database
from motifzoo.evaluate.metric_table import METRICS, metric_of
from motifzoo.evaluate.protocol import METHODS


def test_headline_metrics() -> None:
    assert set(METRICS) == {
        "classification/auroc",
        "classification/aupr",
        "filters/match_fraction",
        "filters/match_any",
        "filters/motif_coverage",
        "filters/target_match",
        "filters/target_e",
        "filters/dead",
        *(
            f"attribution/{method}/{score}"
            for method in METHODS
            for score in ("auroc", "aupr", "scan_auroc", "scan_aupr")
        ),
    }


def test_each_says_what_it_means() -> None:
    for metric in METRICS.values():
        assert metric.title
        assert metric.meaning
        assert metric.unit in {"classes", "filters", "motifs", "sequences"}
    lower = [name for name, metric in METRICS.items() if not metric.higher_is_better]
    assert lower == ["filters/target_e", "filters/dead"]
    assert {name: metric.highest for name, metric in METRICS.items() if metric.highest != 1} == {
        "filters/target_e": len(search_database())  # an E-value is a p-value times the motifs searched
    }


def test_a_part_has_its_metric() -> None:
    assert metric_of("filters/target_e/GATA1") is METRICS["filters/target_e"]
    assert metric_of("classification/auroc/K562") is METRICS["classification/auroc"]
    assert metric_of("filters/dead") is METRICS["filters/dead"]
    assert metric_of("speed") is None
