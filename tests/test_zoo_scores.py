"""Models beyond the README's tables score as their cards say: first trials, recomputed from the weights."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from first_zoo import FIRST_ZOO, REAL_ZOO

from motifzoo.evaluate.benchmark import evaluate_trial
from motifzoo.zoo.model_card.scores import read_scores
from motifzoo.zoo.names import parse
from motifzoo.zoo.sources import find, list_models

SHARED = Path(__file__).parent.parent.parent / "shared" / "data"
OTHERS = sorted({*list_models("*.synthetic-*"), *list_models("*.dhs-*")} - {*FIRST_ZOO, *REAL_ZOO})
FETCHED = sorted({*list_models("*.chip-*"), *list_models("*.tfbs-*")} - {*REAL_ZOO})  # models on data that is fetched


def sample(names: Sequence[str]) -> list[str]:
    """As many of these models as it takes for every network on every data set, and every first layer, to be among them.

    The zoo grows and CI's time does not; the golden values of all of them are recomputed in test_doctor.py.
    """
    chosen: list[str] = []
    covered: set[tuple[str, str]] = set()
    for name in names:
        parts = parse(name)
        kinds = {(parts.architecture, parts.dataset), (parts.activation, parts.variant)}
        if not kinds <= covered:
            chosen.append(name)
            covered |= kinds
    return chosen


def test_the_sample_has_every_kind_of_model_and_no_more_than_it_needs() -> None:
    assert len(OTHERS) >= 10
    chosen = sample(OTHERS)
    for kind in (lambda name: (parse(name).architecture, parse(name).dataset), lambda name: parse(name)[1::2]):
        assert set(map(kind, chosen)) == set(map(kind, OTHERS))
    assert len(chosen) <= 24
    assert len(FETCHED) >= len(sample(FETCHED)) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("name", sample(OTHERS))
def test_the_first_trial_scores_as_its_card_says(name: str, tmp_path: Path) -> None:
    scores_as_its_card_says(name, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the in vivo files are not here")
@pytest.mark.parametrize("name", sample(FETCHED))
def test_the_first_trial_on_peaks_scores_as_its_card_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTIFZOO_MIRROR", str(SHARED))
    scores_as_its_card_says(name, tmp_path)


def scores_as_its_card_says(name: str, tmp_path: Path) -> None:
    source = find(name)
    scores = read_scores(source.folder, source.config)
    assert scores is not None
    place = [trial.trial for trial in scores.trials].index(source.trial)
    found = evaluate_trial(source, tmp_path).result.metrics
    for metric in scores.metrics:
        value, again = metric.values[place], found[metric.name]
        if value is None or again is None:
            assert value == again, metric.name
        else:
            # Three printed digits; other processors round the sums differently.
            assert again == pytest.approx(value, abs=1.1e-3), metric.name
