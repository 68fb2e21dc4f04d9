"""Fresh draws: the same task, other sequences; and how far two draws differ by chance."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.content import SequenceDataset
from motifzoo.data_cards.generate import generate
from motifzoo.data_cards.load import load_dataset
from motifzoo.evaluate.leaderboard.record import FreshDraw, Verification
from motifzoo.evaluate.leaderboard.verification.compare import Gap, gaps
from motifzoo.evaluate.leaderboard.verification.fresh import fresh_draw, new_seed, noise, variances
from motifzoo.evaluate.results import Result, SideFile
from motifzoo.metrics import auroc


@pytest.fixture(scope="module", params=["synthetic-codes", "synthetic-motifs"])
def dataset(request: pytest.FixtureRequest) -> SequenceDataset:
    return load_dataset(request.param)


@pytest.fixture(scope="module")
def drawn(dataset: SequenceDataset) -> SequenceDataset:
    found = fresh_draw(dataset, 20_261_122)
    assert found is not None
    return found


def test_only_the_test_sequences_are_new(dataset: SequenceDataset, drawn: SequenceDataset) -> None:
    assert drawn.train is dataset.train
    assert drawn.valid is dataset.valid
    assert len(drawn.test) == len(dataset.test)
    assert drawn.test.codes.shape == dataset.test.codes.shape
    assert drawn.fingerprint != dataset.fingerprint
    old = {codes.tobytes() for split in (dataset.train, dataset.valid, dataset.test) for codes in split.codes[:]}
    assert not any(codes.tobytes() in old for codes in drawn.test.codes[:])


def test_it_is_the_same_task(dataset: SequenceDataset, drawn: SequenceDataset) -> None:
    """The same motifs, planted as often: another background would be a harder or an easier task."""
    fixed, fresh = Counter(dataset.test.placements.motif), Counter(drawn.test.placements.motif)
    assert fixed.keys() == fresh.keys()
    for motif in fixed:
        assert abs(fixed[motif] - fresh[motif]) < 6 * np.sqrt(fixed[motif] + fresh[motif])
    counts = [np.bincount(set_.test.placements.row, minlength=len(set_.test)) for set_ in (dataset, drawn)]
    error = np.sqrt(sum(count.var() / len(count) for count in counts))
    assert abs(counts[0].mean() - counts[1].mean()) < 5 * error
    positive = [set_.test.labels.mean(axis=0) for set_ in (dataset, drawn)]
    assert np.all(np.abs(positive[0] - positive[1]) < 5 * np.sqrt(0.5 / len(dataset.test)))


def test_a_seed_means_one_draw(dataset: SequenceDataset, drawn: SequenceDataset) -> None:
    again, other = fresh_draw(dataset, 20_261_122), fresh_draw(dataset, 1)
    assert again is not None
    assert other is not None
    assert again.fingerprint == drawn.fingerprint
    assert other.fingerprint != drawn.fingerprint


def test_the_generator_is_that_of_the_card() -> None:
    """From the card's own seed the very data set comes out."""
    card = load_card("synthetic-motifs")
    assert card.generator is not None
    assert generate(card, sequences_seed=card.generator.seed).fingerprint == card.fingerprint


def test_real_dna_cannot_be_drawn() -> None:
    assert fresh_draw(load_dataset("dhs-4cell"), 1) is None


def test_seeds_are_unknown_and_fit_the_generator() -> None:
    seeds = {new_seed() for _ in range(50)}
    assert len(seeds) > 45
    assert all(0 <= seed < 2**32 for seed in seeds)


def result_in(folder: Path, arrays: dict[str, np.ndarray], kind: str, metrics: dict[str, float]) -> Result:
    """A result with one side file."""
    folder.mkdir(exist_ok=True)
    save_file(arrays, folder / f"{kind}.safetensors")
    files = {kind: SideFile(name=f"{kind}.safetensors", sha256="0" * 64)}
    return Result.model_construct(metrics=metrics, files=files)


def two_classes(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    labels = (random.random((count, 2)) < 0.4).astype(np.int8)
    logits = random.normal(size=(count, 2)) + labels * np.array([1.0, 2.5])
    return labels, 1 / (1 + np.exp(-logits))


def test_noise_of_classification_is_what_draws_show(tmp_path: Path) -> None:
    """The bootstrap's standard error against the spread over 400 independent draws."""
    random = np.random.default_rng(1)
    names = ["classification/auroc", "classification/auroc/one", "classification/auroc/two"]
    metrics = dict.fromkeys([*names, "classification/aupr"], 0.5)
    results = []
    for number in range(2):
        labels, probabilities = two_classes(random, 1500)
        arrays = {"labels": labels, "probabilities": probabilities}
        folder = tmp_path / str(number)
        results.append((result_in(folder, arrays, "predictions", metrics), folder))
    told = noise(results[0], results[1])
    assert told.keys() == metrics.keys()
    areas = np.array([auroc(*(part.T for part in two_classes(random, 1500))) for _ in range(400)])
    for name, values in zip(names, [areas.mean(axis=1), areas[:, 0], areas[:, 1]], strict=True):
        assert told[name] == pytest.approx(np.sqrt(2) * values.std(ddof=1), rel=0.2)


def test_noise_of_attribution_is_the_standard_error_of_the_mean(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    information = np.zeros((60, 40))
    information[:, 10:20] = 1.0
    maps = random.normal(size=(60, 40)).astype(np.float32) + information.astype(np.float32)
    maps[0, 0] = np.inf  # overflowed: no score, and no part in the mean
    arrays = {"information": information, "saliency": maps}
    result = result_in(tmp_path, arrays, "attribution", {"attribution/saliency/auroc": 0.7})
    each = auroc(information[1:] > 0.5, maps[1:])
    assert variances(result, tmp_path) == {"attribution/saliency/auroc": pytest.approx(each.var(ddof=1) / 59)}


def verification(fixed: dict[str, float | None], fresh: dict[str, float | None], **noises: float) -> Verification:
    drawn = FreshDraw(
        seed=1,
        sequences=10,
        metrics=fresh,
        noise={f"classification/{name}": value for name, value in noises.items()},
    )
    return Verification(by="me", at="now", device="cpu", versions={}, metrics=fixed, fresh=drawn)


def test_a_gap_is_telling_in_the_models_favour_only() -> None:
    found = verification(
        {"classification/auroc": 0.9, "classification/aupr": 0.5, "filters/dead": 0.2, "filters/match_any": None},
        {"classification/auroc": 0.85, "classification/aupr": 0.7, "filters/dead": 0.4, "filters/match_any": 0.5},
        auroc=0.01,
        aupr=0.01,
    )
    assert list(gaps(found)) == [
        Gap("classification/auroc", 0.9, 0.85, 0.01, True),
        Gap("classification/aupr", 0.5, 0.7, 0.01, False),
        Gap("filters/dead", 0.2, 0.4, None, False),
    ]


def test_a_gap_within_chance_tells_nothing() -> None:
    found = verification({"classification/auroc": 0.9}, {"classification/auroc": 0.861}, auroc=0.01)
    assert [gap.telling for gap in gaps(found)] == [False]


def test_no_fresh_draw_no_gap() -> None:
    assert not list(gaps(Verification(by="me", at="now", device="cpu", versions={}, metrics={"filters/dead": 0.1})))
