"""Filters as motifs: windows, matrices, clipping and the metrics, by hand and against a plain re-implementation."""

import math

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from model_folders import small_layers

from motifzoo.data_cards.motifs import search_database
from motifzoo.data_cards.onehot import encode, to_onehot
from motifzoo.errors import ModelError
from motifzoo.evaluate.clip import clip, frequencies, information, why_dead
from motifzoo.evaluate.filters import FilterMatrices, filter_matrices
from motifzoo.evaluate.matching import Matches, filter_metrics, known_metrics, match_filters, planted_metrics
from motifzoo.evaluate.results import FilterResult
from motifzoo.evaluate.tomtom import pvalues
from motifzoo.zoo.activations import FUNCTIONS
from motifzoo.zoo.builder import Network, build, initialise
from motifzoo.zoo.layers import Activation, Conv, Flatten, Pool
from motifzoo.zoo.layers import Dense as DenseSpec


def network_of(activation: str = "relu", length: int = 60, seed: int = 0, filters: int = 6) -> Network:
    layers = (*small_layers(activation, filters=filters)[:3], Pool(name="pool1", size=20), *small_layers()[4:])
    network = build(layers, length)
    initialise(network, torch.Generator().manual_seed(seed))
    return network


def plain(network: Network, codes: npt.NDArray[np.uint8]) -> FilterMatrices:
    """The protocol's section 4, steps 1 and 2, site by site."""
    with torch.inference_mode():
        maps = network.feature_maps(torch.from_numpy(to_onehot(codes))).numpy()
    length = codes.shape[1]
    filters = maps.shape[1]
    counts = np.zeros((filters, 4, 20), np.int64)
    windows = np.zeros(filters, np.int64)
    maximum = maps.max(axis=(0, 2))
    for index in range(filters):
        for row, site in zip(*np.nonzero(maps[:, index] > np.float32(0.5) * maximum[index]), strict=True):
            start = site - 10
            if start > 0 and start + 20 < length:
                windows[index] += 1
                for column in range(20):
                    if codes[row, start + column] < 4:
                        counts[index, codes[row, start + column], column] += 1
    return FilterMatrices(counts, windows, maximum, np.isfinite(maps).all(axis=(0, 2)))


@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
def test_equals_the_plain_way(activation: str) -> None:
    network = network_of(activation)
    codes = np.random.default_rng(0).integers(0, 4, (23, 60)).astype(np.uint8)
    found, expected = filter_matrices(network, codes, batch_size=7), plain(network, codes)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_array_equal(found.windows, expected.windows)
    np.testing.assert_array_equal(found.maximum, expected.maximum)
    assert found.finite.all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), length=st.integers(20, 70), count=st.integers(1, 12), batch=st.integers(1, 13))
def test_batch_size_and_length_change_nothing(seed: int, length: int, count: int, batch: int) -> None:
    network = network_of(length=length, seed=seed)
    codes = np.random.default_rng(seed).integers(0, 5, (count, length)).astype(np.uint8)
    found, expected = filter_matrices(network, codes, batch_size=batch), plain(network, codes)
    np.testing.assert_array_equal(found.counts, expected.counts)
    np.testing.assert_array_equal(found.windows, expected.windows)


def one_filter(length: int, motif: str = "CAT") -> Network:
    """One filter that gives 1 exactly where `motif` is centred and at most 2/3 of it elsewhere (2 of 3 letters)."""
    layers = (
        Conv(name="conv1", filters=1, kernel=3),
        Activation(name="conv1_activation", function="scale_relu"),
        Flatten(name="flatten"),
        DenseSpec(name="head", units=1, bias=True),
    )
    network = build(layers, length)
    with torch.no_grad():
        network.conv1.weight.copy_(torch.from_numpy(to_onehot(encode([motif]))) / 3)
    return network


def test_by_hand() -> None:
    """One CAT, centred at position 30: (2/3)^3 < 0.5, so it is the only site; its window runs from 20 to 39."""
    sequence = "G" * 29 + "CAT" + "G" * 28
    found = filter_matrices(one_filter(60), encode([sequence]))
    assert found.windows.tolist() == [1]
    np.testing.assert_allclose(found.maximum, [1.0], rtol=1e-6)
    letters = found.counts[0].argmax(axis=0)
    assert "".join("ACGT"[letter] for letter in letters) == sequence[20:40]


@pytest.mark.parametrize(("site", "kept"), [(10, False), (11, True), (49, True), (50, False)])
def test_windows_at_the_borders(site: int, kept: bool) -> None:
    """L = 60: a window is kept if its start site - 10 is above 0 and start + 20 below 60, so for sites 11 to 49."""
    sequence = "G" * (site - 1) + "CAT" + "G" * (60 - site - 2)
    assert filter_matrices(one_filter(60), encode([sequence])).windows.tolist() == [int(kept)]


def test_unpadded_convolutions_are_aligned_to_their_centres() -> None:
    layers = tuple(
        layer.model_copy(update={"padding": "valid"}) if isinstance(layer, Conv) else layer
        for layer in one_filter(60).specs
    )
    same, valid = one_filter(60), build(layers, 60)
    with torch.no_grad():
        valid.conv1.weight.copy_(same.conv1.weight)
    codes = encode(["G" * 29 + "CAT" + "G" * 28, "G" * 20 + "CAT" + "G" * 37])
    np.testing.assert_array_equal(filter_matrices(valid, codes).counts, filter_matrices(same, codes).counts)


def test_filters_after_a_pool_are_refused() -> None:
    layers = (
        Conv(name="conv1", filters=2, kernel=3),
        Pool(name="pool1", size=2),
        Activation(name="late", function="relu"),
        Flatten(name="flatten"),
        DenseSpec(name="head", units=1),
    )
    with pytest.raises(ModelError) as error:
        filter_matrices(build(layers, 60), np.zeros((1, 60), np.uint8))
    assert str(error.value) == (
        "filter layer 'late' comes after a pool layer, so its maps have 30 values for 60 positions: filters can be "
        "matched only before any pooling."
    )


def test_non_finite_maps_are_dead_filters() -> None:
    network = network_of("exponential")
    with torch.no_grad():
        network.conv1.weight[2] *= 1e4
        network.conv1.weight[4] = float("nan")
    codes = np.random.default_rng(0).integers(0, 4, (23, 60)).astype(np.uint8)
    found = filter_matrices(network, codes)
    assert found.finite.tolist() == [True, True, False, True, False, True]
    assert found.windows[[2, 4]].tolist() == [0, 0]
    matches = match_filters(*found, {})
    reason = "non-finite feature map"
    assert [entry.dead for entry in matches.filters] == [None, None, reason, None, reason, None]
    assert matches.filters[2].maximum is None
    assert len(matches.queries) == 4


def test_information_and_clipping_by_hand() -> None:
    flat, half, sure = [0.25] * 4, [0.5, 0.5, 0, 0], [1, 0, 0, 0]
    matrix = np.array([flat] * 6 + [sure, flat, half] + [flat] * 5).T
    np.testing.assert_allclose(information(matrix), [0] * 6 + [2, 0, 1] + [0] * 5, atol=1e-15)
    np.testing.assert_array_equal(clip(matrix), matrix[:, 3:12])
    np.testing.assert_array_equal(clip(matrix[:, :7]), matrix[:, 3:7])
    np.testing.assert_array_equal(clip(matrix[:, 6:]), matrix[:, 6 : 6 + 6])
    uniform = np.full((4, 20), 0.25)
    np.testing.assert_array_equal(clip(uniform), uniform)


def test_exactly_half_a_bit_is_not_above() -> None:
    """p = (x, (1-x)/3, ...) with 0.5 bits, found by bisection, nudged to either side."""
    low, high = 0.25, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        rest = (1 - middle) / 3
        bits = 2 + middle * math.log2(middle) + 3 * rest * math.log2(rest)
        low, high = (middle, high) if bits < 0.5 else (low, middle)

    def clipped(p: float) -> int:
        matrix = np.full((4, 20), 0.25)
        matrix[:, 10] = [p] + [(1 - p) / 3] * 3
        return clip(matrix).shape[1]

    assert clipped(low - 1e-6) == 20
    assert clipped(low + 1e-6) == 7


@given(st.lists(st.text("ACGTN", min_size=7, max_size=7), min_size=2, max_size=9))
def test_an_unknown_nucleotide_is_left_out_of_its_column(windows: list[str]) -> None:
    counts = np.array([[[column.count(letter) for column in zip(*windows, strict=True)] for letter in "ACGT"]])
    expected = np.full((4, 7), 0.25)
    for index, column in enumerate(zip(*windows, strict=True)):
        if known := [letter for letter in column if letter != "N"]:
            expected[:, index] = [known.count(letter) / len(known) for letter in "ACGT"]
    np.testing.assert_array_equal(frequencies(counts)[0], expected)
    if "N" not in "".join(windows):  # the mean of the one-hot windows, to the last bit: published scores stay
        np.testing.assert_array_equal(frequencies(counts), counts / len(windows))


def test_filters_whose_windows_hold_unknown_nucleotides_match() -> None:
    """As sequences do that were padded to one length: columns with some known letters, and with none."""
    motif = next(motif for motif in search_database() if motif.id == "MA0083.3")
    counts = np.zeros((1, 4, 20), np.int64)
    counts[0, :, 2 : 2 + motif.width] = np.round(motif.probabilities * 900)  # 100 of 1,000 windows do not know them
    args = np.array([1000]), np.array([1], np.float32), np.array([True]), {"SRF": ["MA0083.3"]}
    matches = match_filters(counts, *args)
    assert matches.filters[0].true_motif == "SRF"
    np.testing.assert_allclose(matches.queries[0].probabilities.sum(axis=0), 1.0, atol=2e-4)  # four decimals each


def test_why_dead() -> None:
    assert [why_dead(0, True), why_dead(1, True), why_dead(2, True), why_dead(9, False)] == [
        "no windows",
        "one window",
        None,
        "non-finite feature map",
    ]


def test_a_filter_that_is_a_motif_matches_it() -> None:
    motif = next(motif for motif in search_database() if motif.id == "MA0083.3")
    counts = np.full((2, 4, 20), 250, np.int64)
    counts[0, :, 2 : 2 + motif.width] = np.round(motif.probabilities * 1000)
    matches = match_filters(
        counts,
        np.array([1000, 1]),
        np.array([1, 1], np.float32),
        np.array([True, True]),
        {"SRF": ["MA0083.1", "MA0083.3"], "YY1": ["MA0095.2"]},
    )
    entry = matches.filters[0]
    assert (entry.best_motif, entry.best_motif_name, entry.true_motif) == ("MA0083.3", "SRF", "SRF")
    assert entry.best_e is not None
    assert entry.best_e < 1e-10
    assert matches.filters[1].dead == "one window"
    assert filter_metrics(matches.filters) == (
        {"filters/match_any": 0.5, "filters/dead": 0.5},
        {"filters/match_any": 2, "filters/dead": 2},
    )
    truth = {"SRF": ["MA0083.3"], "YY1": ["MA0095.2"]}
    assert planted_metrics(matches, truth) == (
        {"filters/match_fraction": 0.5, "filters/motif_coverage": 0.5},
        {"filters/match_fraction": 2, "filters/motif_coverage": 2},
    )
    metrics, n = known_metrics(matches, truth)
    assert list(metrics) == ["filters/target_match", "filters/target_e", "filters/target_e/SRF", "filters/target_e/YY1"]
    assert metrics["filters/target_match"] == 0.5
    assert metrics["filters/target_e"] == metrics["filters/target_e/SRF"] == entry.best_e
    # The only live filter against the only motif of YY1: Tomtom's own answer for the pair.
    pair = pvalues(matches.queries, search_database())
    assert metrics["filters/target_e/YY1"] == pair.e[0, [motif.id for motif in search_database()].index("MA0095.2")]
    assert n == dict.fromkeys(metrics, 2)


def test_metrics_by_hand() -> None:
    def entry(index: int, *hits: str, true: str | None = None) -> FilterResult:
        return FilterResult(filter=index, maximum=1.0, windows=5, dead=None, hits=hits, true_motif=true)

    filters = (entry(0, "A1", "B1", true="A"), entry(1, "C1"), entry(2), entry(3, "B1", true="B"))
    assert filter_metrics(filters)[0] == {"filters/match_any": 0.75, "filters/dead": 0.0}
    matches = Matches(filters, (), (), {"A1": 0.3, "A2": 0.001, "B1": 0.02, "C1": 1e-9})
    truth = {"A": ["A1", "A2"], "B": ["B1"], "D": ["D1"]}
    metrics, n = planted_metrics(matches, truth)
    assert metrics == {"filters/match_fraction": 0.5, "filters/motif_coverage": pytest.approx(2 / 3)}
    assert n == {"filters/match_fraction": 4, "filters/motif_coverage": 3}
    assert planted_metrics(matches, {})[0]["filters/motif_coverage"] is None
    assert known_metrics(matches, truth)[0] == {
        "filters/target_match": 0.5,
        "filters/target_e": 0.001,
        "filters/target_e/A": 0.001,
        "filters/target_e/B": 0.02,
        "filters/target_e/D": None,
    }
    assert known_metrics(matches, {}) == ({}, {})
