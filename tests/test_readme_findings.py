"""What the README's sentences say beyond its tables, computed again from weights and data."""

import csv
import json
import re
from collections.abc import Iterator
from itertools import product, takewhile
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from scipy import stats
from torch.nn.functional import max_pool1d

import motifzoo
from motifzoo.data_cards.cards import list_datasets
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.comparison import Sample, compare
from motifzoo.metrics import aupr
from motifzoo.zoo.model_card.scores import read_scores
from motifzoo.zoo.names import parse
from motifzoo.zoo.sources import find, list_models

LINES = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8").splitlines()
README = " ".join(" ".join(LINES).split())
ONE_FUNCTION = ("relu", "elu", "linear")
SEVEN = (*ONE_FUNCTION, "exponential", "softplus", "tanh", "sigmoid")


def stated(pattern: str) -> tuple[str, ...]:
    """What the groups of a pattern hold in the README, which has it once."""
    (found,) = re.finditer(pattern, README)
    return found.groups()


def words(*counts: int) -> tuple[str, ...]:
    """Counts up to ten, as the README writes them."""
    named = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return tuple(named[count] for count in counts)


def batches(split: str, dataset: str) -> Iterator[torch.Tensor]:
    sequences = motifzoo.load_dataset(dataset).split(split)
    for begin in range(0, len(sequences), 1000):
        yield torch.from_numpy(sequences.onehot(slice(begin, begin + 1000)))


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_cnn_50_predicts_better_with_its_first_dropout_left_on(activation: str) -> None:
    with_dropout, without = (
        dict(zip(("tanh", "sigmoid"), map(float, pair), strict=True))
        for pair in (
            stated(r"first layer's dropout left on, their first trials predict .*? of ([0-9.]+) and ([0-9.]+), and"),
            stated(r"with it off, as anybody uses them, with ([0-9.]+) and ([0-9.]+)\."),
        )
    )
    labels = np.asarray(motifzoo.load_dataset("synthetic-motifs").valid.labels)
    model = motifzoo.load(f"cnn-50-{activation}.synthetic-motifs")

    def pooled() -> float:
        with torch.no_grad():
            scores = torch.cat([model(batch) for batch in batches("valid", "synthetic-motifs")]).numpy()
        return float(aupr(labels.reshape(1, -1), scores.reshape(1, -1))[0])

    assert pooled() == pytest.approx(without[activation], abs=0.006)
    model.conv1_dropout.train()
    torch.manual_seed(0)
    assert pooled() == pytest.approx(with_dropout[activation], abs=0.01)  # another draw moves the third digit


def test_trials_of_cnn_50_with_sigmoid_differ_as_said() -> None:
    said = stated(r"with it off, the three trials of sigmoid come to ([0-9.]+), ([0-9.]+) and ([0-9.]+)\. ")
    trials = find("cnn-50-sigmoid.synthetic-motifs").config.trials
    assert tuple(f"{trial.score:.2f}" for trial in trials) == said


@pytest.mark.slow
def test_behind_a_pool_of_50_hardly_a_maximum_is_not_positive() -> None:
    maxima, most = (
        int(text.replace(",", "")) for text in stated(r"of the ([0-9,]+) maxima .* at most ([0-9]+) are not")
    )
    counted = []
    for activation in ONE_FUNCTION:
        for trial in range(3):
            model = motifzoo.load(f"cnn-local-{activation}.synthetic-codes:{trial}")
            taken: list[torch.Tensor] = []
            model.conv1_norm.register_forward_hook(lambda _, __, maps, taken=taken: taken.append(max_pool1d(maps, 50)))
            with torch.no_grad():
                for split in ("train", "test"):
                    for batch in batches(split, "synthetic-codes"):
                        model(batch)
            values = torch.cat(taken)
            assert values.numel() == maxima
            counted.append(int((values <= 0).sum()))
    assert max(counted) == most


def printed(*words: str | Path) -> Any:
    """What a command prints with --json."""
    done = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_maps_of_exponential_networks_are_told_apart_from_as_many_others_as_said(tmp_path: Path) -> None:
    said = stated(
        r"saliency, mutagenesis and DeepSHAP maps of exponential networks are told apart from those of all (\w+) other "
        r"activations on both networks .* their integrated gradients from (\w+) of them on cnn-local and from (\w+) on "
        r"cnn-dist\."
    )
    tests = printed("reproduce", "cnn-local-*.synthetic-codes", "cnn-dist-*.synthetic-codes", "--output", tmp_path)

    def apart(network: str) -> dict[str, int]:
        found = {}
        for method in ("saliency", "mutagenesis", "integrated_gradients", "deepshap"):
            verdicts = [
                test["verdict"]
                for test in tests["tests"]
                if test["scope"] == f"synthetic-codes, {network}, plain"
                and test["kind"] == "exponential against each other activation"
                and test["metric"] == f"attribution/{method}/auroc"
            ]
            assert len(verdicts) == 6
            found[method] = verdicts.count("higher")
        return found

    local, dist = apart("cnn-local"), apart("cnn-dist")
    (of_all,) = {found[method] for found in (local, dist) for method in ("saliency", "mutagenesis", "deepshap")}
    assert said == words(of_all, local["integrated_gradients"], dist["integrated_gradients"])


def test_the_comparison_of_maps_is_over_as_many_trials_as_said() -> None:
    assert "On synthetic-codes, ten trials each, the saliency" in README
    for network, activation in product(("cnn-local", "cnn-dist"), SEVEN):
        assert len(find(f"{network}-{activation}.synthetic-codes", weights=False).config.trials) == 10


def test_sequences_that_also_stand_in_training_are_as_many_as_said() -> None:
    count, name, others, *unbuilt = stated(
        r"(\d+) in (\S+), none in the (\w+) others that have been built \((\S+) and (\S+) have not\)\."
    )
    audits = {path.parent.name: path for path in (Path(__file__).parents[1] / "data_cards").glob("*/audit.json")}
    leaked = {name: json.loads(path.read_text(encoding="utf-8"))["leaked"] for name, path in audits.items()}
    assert {data: found for data, found in leaked.items() if found} == {name: int(count)}
    assert words(len(leaked) - 1) == (others,)
    assert set(list_datasets()) - leaked.keys() == set(unbuilt)


def test_modified_activations_are_told_apart_as_said(tmp_path: Path) -> None:
    low, high, exponential = stated(
        r"they learn ([0-9.]+) to ([0-9.]+) of their cnn-dist filters .* \(exponential: ([0-9.]+)\)"
    )
    rows = {row["synthetic-codes, first layer"]: row for row in table("| synthetic-codes, first layer |")}
    filters = {name: row["cnn-dist filters"].split()[0] for name, row in rows.items()}
    steep = ("shift_scale_relu", "shift_scale_tanh", "shift_scale_sigmoid")
    assert sorted(filters[name] for name in steep)[::2] == [low, high]
    assert filters["exponential"] == exponential
    tests = printed("reproduce", "cnn-*.synthetic-codes", "--output", tmp_path)["tests"]

    def others(network: str, verdict: str, metric: str, kind: str) -> set[str]:
        return {
            test["second"].removeprefix(f"{network}-").partition(".")[0]
            for test in tests
            if test["scope"] == f"synthetic-codes, {network}, modified"
            and (test["verdict"], test["metric"]) == (verdict, metric)
            and test["kind"].startswith(kind)
        }

    saliency, match, against = "attribution/saliency/auroc", "filters/match_fraction", "exponential against"
    made_apart = {"cnn-local": {*steep, "log_relu-l2"}, "cnn-dist": {*steep}}
    for network, apart in made_apart.items():
        for metric in (saliency, match):
            assert set(steep) <= others(network, "not told apart", metric, against)
        assert set(SEVEN) - {"exponential"} <= others(network, "higher", match, against)
        assert others(network, "lower", saliency, "what it is made of") == apart
    logarithms = {"exp_relu", "log_relu", "log_relu-l2"}
    assert others("cnn-local", "higher", saliency, against) & logarithms == {"exp_relu", "log_relu"}
    assert others("cnn-dist", "higher", saliency, against) & logarithms == logarithms

    penalised, free = stated(
        r"On cnn-local the penalty makes log_relu's saliency better \(([0-9.]+) against ([0-9.]+)\)\."
    )
    assert [rows[name]["cnn-local saliency"].split()[0] for name in ("log_relu-l2", "log_relu")] == [penalised, free]

    mutagenesis = "attribution/mutagenesis/auroc"
    assert others("cnn-local", "lower", mutagenesis, against) == {"shift_scale_tanh"}
    assert others("cnn-local", "higher", mutagenesis, against).isdisjoint(steep)
    assert others("cnn-dist", "lower", mutagenesis, against) == set()
    assert others("cnn-dist", "higher", mutagenesis, against) & set(steep) == {"shift_scale_relu"}
    better, worse = stated(
        r"on cnn-local shift_scale_tanh is better than the exponential \(by ([0-9.]+)\), on cnn-dist shift_scale_relu "
        r"is worse \(by ([0-9.]+)\)"
    )
    difference = {
        test["second"]: f"{abs(test['difference']):.2f}"
        for test in tests
        if (test["metric"], test["kind"][: len(against)]) == (mutagenesis, against)
    }
    assert difference["cnn-local-shift_scale_tanh.synthetic-codes"] == better
    assert difference["cnn-dist-shift_scale_relu.synthetic-codes"] == worse


def test_the_leaderboard_tells_as_many_apart_from_the_exponential_as_said() -> None:
    methods = ("saliency", "mutagenesis", "deepshap", "integrated_gradients")
    said = stated(
        r"on cnn-local it tells (\w+) of the six apart from the exponential by saliency, (\w+) by mutagenesis, "
        r"(\w+) by DeepSHAP and (\w+) by integrated gradients, on cnn-dist (\w+), (\w+), (\w+) and (\w+)\."
    )
    networks = ("cnn-local", "cnn-dist")
    assert said == words(*(told_apart_on_the_leaderboard(one, method) for one in networks for method in methods))


def told_apart_on_the_leaderboard(network: str, method: str) -> int:
    """How many of the six others a network's exponential is above, and told apart from over all pairs of entries."""
    rows = printed("leaderboard", "show", "--benchmark", "synthetic-codes", "--metric", f"attribution/{method}/auroc")
    tested = [row for row in rows if row["tested"]]
    mean, sd, n = (np.array([row[key] for row in tested]) for key in ("mean", "sd", "n"))
    below = compare(Sample(mean, sd, n)).below
    plain = [
        place
        for place, row in enumerate(tested)
        if row["architecture"] == network and row["activation"] in SEVEN and not row["variant"]
    ]
    (own,) = [place for place in plain if tested[place]["activation"] == "exponential"]
    assert len(plain) == 7
    found = []
    for other in {*plain} - {own}:
        places = (own, other)
        facts = [value for place in places for value in (mean[place], sd[place], n[place])]
        found.append(stats.ttest_ind_from_stats(*facts, equal_var=False).pvalue < below and mean[own] > mean[other])
    return found.count(True)


def test_first_layers_behind_a_pool_of_50_share_weights_as_said() -> None:
    same, of = stated(r"in (\w+) of the (\w+) trials 3 to 9, cnn-local networks with relu, with elu and with linear")
    weights = [
        {trial.trial: trial.sha256 for trial in find(f"cnn-local-{name}.synthetic-codes", weights=False).config.trials}
        for name in ONE_FUNCTION
    ]
    equal = [trial for trial in range(3, 10) if len({own[trial] for own in weights}) == 1]
    assert (same, of) == words(len(equal), 7)
    assert "elu and linear have them in trials 0 and 2, too" in README
    assert [trial for trial in range(3) if weights[1][trial] == weights[2][trial]] == [0, 2]


def table(first: str) -> list[dict[str, str]]:
    """The rows of the README's table whose header begins so, by column."""
    start = next(number for number, line in enumerate(LINES) if line.startswith(first))
    lines = takewhile(lambda line: line.startswith("|"), LINES[start:])
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def test_in_as_many_pairs_on_single_factors_the_exponential_is_ahead_as_said() -> None:
    said = stated(
        r"In (\w+) of the (\w+) pairs more exponential filters match the factor's motif than ReLU ones; saliency "
        r"agrees more with the scan in (\w+), mutagenesis in (\w+), and the AUROC is higher in (\w+)\."
    )
    rows = table("| data set | network | filters, exponential |")

    def ahead(score: str) -> int:
        return sum(float(row[f"{score}, exponential"]) > float(row[f"{score}, relu"]) for row in rows)

    assert said == words(ahead("filters"), len(rows), *map(ahead, ("saliency", "mutagenesis", "AUROC")))


def test_exponential_networks_classify_real_dna_better_as_said() -> None:
    (pairs, low, high) = stated(
        r"In (\w+) of the five pairs the exponential network classifies better, by ([0-9.]+) to ([0-9.]+) of"
    )
    rows = {row["model"]: row for row in table("| model | trials | AUROC | AUPR | filters: known motif |")}
    gains = [
        float(row["AUPR"]) - float(rows[name.replace("-exponential.", "-relu.")]["AUPR"])
        for name, row in rows.items()
        if "-exponential." in name
    ]
    better = sorted(gain for gain in gains if gain > 0)
    assert (len(gains), pairs) == (5, *words(len(better)))
    assert (f"{better[0]:.2f}", f"{better[-1]:.2f}") == (low, high)


def test_mutagenesis_on_irf1_is_told_apart_as_said(tmp_path: Path) -> None:
    relu, exponential = stated(
        r"on chip-irf1 that of ReLU networks agrees more \(([0-9.]+) against ([0-9.]+), told apart"
    )
    rows = {row["model"]: row for row in table("| model | trials | AUROC | AUPR | filters: known motif |")}
    assert rows["residualbind-relu.chip-irf1"]["mutagenesis"] == relu
    assert rows["residualbind-exponential.chip-irf1"]["mutagenesis"] == exponential
    tests = printed("reproduce", "residualbind-*.chip-irf1", "--output", tmp_path)["tests"]
    (found,) = [
        test
        for test in tests
        if test["metric"] == "attribution/mutagenesis/scan_auroc" and test["second"] == "residualbind-relu.chip-irf1"
    ]
    assert (found["first"], found["verdict"]) == ("residualbind-exponential.chip-irf1", "lower")


def test_the_exponential_comes_first_on_most_peaks() -> None:
    assert stated(r"The exponential comes first in (\w+) of the (\w+) rows") == ("eighteen", "twenty")
    assert stated(
        r"The two exceptions are those of cnn-dist on (\w+): no network has a filter there that matches, and (\w+) has "
        r"the"
    )
    best: dict[str, list[str]] = {}
    for score in ("filters", "saliency"):
        for row in table(f"| {score} on | "):
            title = row.pop(f"{score} on")
            values = {name: float(cell.split()[0]) for name, cell in row.items()}
            assert len(values) == 7
            top = max(values.values())
            best[f"{score} {title}"] = [name for name, value in values.items() if value == top]
    exceptions = {name: first for name, first in best.items() if first != ["exponential"]}
    assert len(best) == 20
    assert exceptions.keys() == {"filters chip-lef1 cnn-dist", "saliency chip-lef1 cnn-dist"}
    assert len(exceptions["filters chip-lef1 cnn-dist"]) == 7  # all are nought
    assert exceptions["saliency chip-lef1 cnn-dist"] == ["tanh"]


def test_on_peaks_the_exponential_leads_by_other_scores_as_often_as_said() -> None:
    said = stated(
        r"of these ten pairs of data and network, in (\w+) by integrated gradients and by DeepSHAP, in (\w+) by "
        r"mutagenesis \(it is the last of the seven on IRF1, and with cnn-dist on LEF1 and REST\), in (\w+) by AUROC, "
        r"and in (\w+) by AUPR\."
    )
    values: dict[str, dict[tuple[str, str], dict[str, float]]] = {}
    for name in list_models():
        parts = parse(name)
        if parts.dataset.startswith(("chip-", "tfbs-")) and parts.activation in SEVEN and not parts.variant:
            source = find(name, weights=False)
            scores = read_scores(source.folder, source.config)
            assert scores is not None
            for metric in scores.metrics:
                mean = fmean(value for value in metric.values if value is not None)
                place = (parts.dataset, parts.architecture)
                values.setdefault(metric.name, {}).setdefault(place, {})[parts.activation] = mean

    def leads(metric: str) -> int:
        assert len(values[metric]) == 10
        return sum(max(row, key=row.__getitem__) == "exponential" for row in values[metric].values())

    maps = "attribution/{}/scan_auroc".format
    assert leads(maps("integrated_gradients")) == leads(maps("deepshap"))
    metrics = (maps("deepshap"), maps("mutagenesis"), "classification/auroc", "classification/aupr")
    assert said == words(*map(leads, metrics))
    rows = values[maps("mutagenesis")]
    assert {place for place, row in rows.items() if min(row, key=row.__getitem__) == "exponential"} == {
        ("chip-irf1", "residualbind"),
        ("chip-lef1", "cnn-dist"),
        ("chip-rest", "cnn-dist"),
    }


def test_first_layers_on_dhs_4cell_are_as_said() -> None:
    most, tanh, exponential = stated(
        r"\(cnn-2, cnn-deep\) at most ([0-9.]+) of the filters match with any of the six others\. Behind the pool of "
        r"50, tanh has more filters that match than the exponential, ([0-9.]+) against ([0-9.]+) with one trial each"
    )
    rows = {row.pop("dhs-4cell, first layer"): row for row in table("| dhs-4cell, first layer |")}
    assert rows.keys() == set(SEVEN)

    def column(title: str) -> dict[str, float]:
        return {name: float(row[title].split()[0]) for name, row in rows.items()}

    others = [
        share
        for network in ("cnn-2", "cnn-deep")
        for name, share in column(f"{network} filters").items()
        if name != "exponential"
    ]
    assert (len(others), f"{max(others):.2f}") == (12, most)
    shares, auprs = column("cnn-50 filters"), column("cnn-50 AUPR")
    assert (f"{shares['tanh']:.2f}", f"{shares['exponential']:.2f}", shares["sigmoid"]) == (tanh, exponential, 0)
    assert sorted(auprs, key=auprs.__getitem__)[1] == "tanh"
    for network in ("cnn-2", "cnn-deep", "cnn-50"):
        for score in ("saliency", "AUPR"):
            found = column(f"{network} {score}")
            assert max(found, key=found.__getitem__) == "exponential"


def test_accuracy_goes_with_maps_as_said(tmp_path: Path) -> None:
    low, high, p = map(float, stated(r"correlation of their means ([0-9.]+) to ([0-9.]+), p at most ([0-9.]+), not"))
    printed("reproduce", "cnn-*.synthetic-codes", "--output", tmp_path)
    with (tmp_path / "correlations.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"].startswith("attribution/")]
    assert {(row["architecture"], row["metric"].split("/")[1]) for row in rows} == {
        (network, method)
        for network in ("cnn-local", "cnn-dist")
        for method in ("saliency", "mutagenesis", "integrated_gradients", "deepshap")
    }
    assert {(row["architecture"], row["models"], row["distinct"]) for row in rows} == {
        ("cnn-local", "13", "11"),
        ("cnn-dist", "13", "13"),
    }
    found = [float(row["rho"]) for row in rows]
    assert (round(min(found), 2), round(max(found), 2)) == (low, high)
    assert p - 0.001 < max(float(row["p"]) for row in rows) <= p


def untrained(metric: str) -> dict[tuple[str, str, str], float]:
    """Means of the untrained controls on the packaged board, by data set, architecture and first layer."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for record in open_board().snapshot().records.values():
        if record.control == "untrained" and (value := record.metrics.get(metric)) is not None:
            values.setdefault((record.dataset, record.architecture, record.activation), []).append(value)
    return {place: fmean(found) for place, found in values.items()}


def test_untrained_networks_score_as_said() -> None:
    spans = stated(
        r"of an untrained network, ([0-9]+) to ([0-9]+) % of the filters have one with ReLU, by data set, and "
        r"([0-9]+) to ([0-9]+) % with the exponential"
    )
    shares = untrained("filters/match_any")
    ends = [
        pick(round(100 * share) for (*_, activation), share in shares.items() if activation == first)
        for first in ("relu", "exponential")
        for pick in (min, max)
    ]
    assert ends == list(map(int, spans))
    local, dist, low, high = stated(
        r"The in silico mutagenesis of untrained networks has an AUROC of ([0-9.]+) \(cnn-local\) and ([0-9.]+) "
        r"\(cnn-dist\), not 0\.5, and against the scan one of ([0-9.]+) to ([0-9.]+) on real DNA"
    )
    codes = untrained("attribution/mutagenesis/auroc")
    assert len(codes) == 4
    for (_, architecture, _), value in codes.items():
        assert f"{value:.2f}" == {"cnn-local": local, "cnn-dist": dist}[architecture]
    scan = untrained("attribution/mutagenesis/scan_auroc").values()
    assert (f"{min(scan):.2f}", f"{max(scan):.2f}") == (low, high)


def test_mutagenesis_on_lef1_is_below_that_of_untrained_networks_as_said() -> None:
    trained, before = stated(r"less with the scan than that of untrained networks does \(([0-9.]+) against ([0-9.]+)\)")
    rows = {(row["data set"], row["network"]): row for row in table("| data set | network | filters, exponential |")}
    row = rows["chip-lef1", "cnn-dist"]
    assert (row["mutagenesis, exponential"], row["mutagenesis, untrained"]) == (trained, before)


def test_behind_a_small_pool_exponential_networks_classify_as_well_as_said() -> None:
    said = stated(r"an AUPR of ([0-9.]+) against ([0-9.]+) in cnn-2, of ([0-9.]+) against ([0-9.]+) in cnn-deep\.")
    rows = {row["model"]: row for row in table("| model | trials | AUROC | AUPR | filters: true motif |")}
    found = [
        float(rows[f"{network}-{activation}.synthetic-motifs"]["AUPR"])
        for network in ("cnn-2", "cnn-deep")
        for activation in ("exponential", "relu")
    ]
    assert tuple(f"{value:.2f}" for value in found) == said
    assert found[0] >= found[1]
    assert found[2] >= found[3]


def test_one_relu_filter_of_cnn_2_shows_a_planted_motif() -> None:
    (filters,) = stated(r"hardly a ReLU filter shows a planted motif \(one of ([0-9]+) in the three trials of cnn-2\)")
    source = find("cnn-2-relu.synthetic-motifs")
    scores = read_scores(source.folder, source.config)
    assert scores is not None
    (shares,) = [metric.values for metric in scores.metrics if metric.name == "filters/match_fraction"]
    assert len(shares) == 3
    assert sum(shares) / 3 * int(filters) == pytest.approx(1)  # type: ignore[arg-type]
