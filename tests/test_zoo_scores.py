"""The models beyond the README's tables score as their cards say: their first trial, recomputed from its weights."""

from pathlib import Path

import pytest
from first_zoo import FIRST_ZOO, REAL_ZOO

from motifzoo.evaluate.benchmark import evaluate_trial
from motifzoo.zoo.model_card.scores import read_scores
from motifzoo.zoo.sources import find, list_models

OTHERS = sorted({*list_models("*.synthetic-*"), *list_models("*.dhs-*")} - {*FIRST_ZOO, *REAL_ZOO})


def test_there_are_others() -> None:
    assert len(OTHERS) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_the_first_trial_scores_as_its_card_says(name: str, tmp_path: Path) -> None:
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
