"""Model cards: current, read by Hugging Face's own client, and true of the scores, trials and data they speak of."""

import json
import math
import shutil
import statistics
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st
from model_folders import ModelFactory

from motifzoo.data_cards.cards import card_folder, load_card
from motifzoo.data_cards.motifs import search_database, write_meme
from motifzoo.data_cards.pages.audited import read_findings
from motifzoo.data_cards.pages.eval_yaml import headline_metrics, task_id
from motifzoo.errors import ModelError, MotifzooError
from motifzoo.evaluate import card_scores
from motifzoo.evaluate.benchmark import Evaluated
from motifzoo.evaluate.card_scores import collect_scores, is_current, publish_scores
from motifzoo.evaluate.cli import models
from motifzoo.evaluate.cli.evaluate import _shown
from motifzoo.evaluate.match_tsv import hits_tsv
from motifzoo.evaluate.matching import Matches, match_filters
from motifzoo.evaluate.protocol import PROTOCOL
from motifzoo.evaluate.results import Result, SideFile, Stamps
from motifzoo.files import sha256_file, write_text
from motifzoo.zoo import refresh, sources
from motifzoo.zoo.config import ModelConfig, read_config, write_config
from motifzoo.zoo.model_card import CURVE, README, card_files, write_card
from motifzoo.zoo.model_card.curve import learning_curve
from motifzoo.zoo.model_card.scores import (
    FILTERS,
    SCORES,
    MetricScores,
    ScoredTrial,
    Scores,
    read_scores,
    write_scores,
)
from motifzoo.zoo.model_card.tables import spread
from motifzoo.zoo.model_card.twins import find_twins
from motifzoo.zoo.names import parse
from motifzoo.zoo.recipe import Training, find, packaged
from motifzoo.zoo.schedule import Epoch

NAMES = sources.list_models()
MATCH = "filters/match_fraction"
SVG = "{http://www.w3.org/2000/svg}"
TRUTH = {"SP1": ("MA0079.3",)}
METRICS = {
    "classification/auroc": (0.91236, 0.95, 0.8),
    "classification/aupr": (0.5, None, 0.25),
    "classification/auroc/core motifs only": (0.1, 0.2, 0.3),  # a class: not on the card
    "filters/match_fraction": (0.5, 0.5, 0.5),
    "filters/target_e": (1.2e-12, 3.4e-3, 518.0),
    "filters/target_e/SP1": (1.2e-12, 3.4e-3, 518.0),
}


@pytest.fixture(scope="module")
def matches() -> Matches:
    """Three filters: SP1's matrix, one without any preference, and a dead one."""
    motif = next(motif for motif in search_database() if motif.id == "MA0079.3")
    counts = np.full((3, 4, 20), 25, np.int64)
    counts[0, :, 4 : 4 + motif.width] = np.round(100 * motif.probabilities).astype(np.int64)
    windows = counts.sum(axis=1)[:, 0]
    windows[2] = 1
    return match_filters(counts, windows, np.ones(3, np.float32), np.ones(3, bool), TRUTH)


def evaluated(model: Path, trial: int, matches: Matches, output: Path, **changes: Any) -> Evaluated:
    """A result of one trial with the side files that a card is made from."""
    config, folder = read_config(model), output / f"trial-{trial}"
    folder.mkdir(parents=True, exist_ok=True)
    write_meme(folder / "filters.meme", matches.queries)
    write_text(folder / "hits.tsv", hits_tsv(matches.hits))
    files = {kind: SideFile(name=name, sha256=sha256_file(folder / name)) for kind, name in FILES.items()}
    stamps = Stamps(
        model_sha256=config.trial(trial).sha256,
        data_fingerprint=config.dataset.fingerprint,
        motifs_sha256="0" * 64,
        protocol=PROTOCOL,
        parameters={},
        seeds={},
        versions={"torch": "2.13.0"},
        device="cpu (x86_64, 1 thread)",
        seconds={},
        started="2026-01-01",
        command="motifzoo evaluate ...",
    )
    result = Result(
        model=config.name,
        trial=trial,
        benchmark="synthetic-codes@1",
        architecture=config.architecture,
        activation=config.activation,
        dataset=config.dataset.name,
        metrics={name: values[trial] for name, values in METRICS.items()},
        n=dict.fromkeys(METRICS, 10 + trial),
        filters=matches.filters,
        notes=("True of all.", f"Of trial {trial}."),
        stamps=stamps.model_copy(update=changes),
        files=files,
    )
    return Evaluated(result, folder, True)


FILES = {"filters": "filters.meme", "hits": "hits.tsv"}


@pytest.fixture
def scored(make_model: ModelFactory, matches: Matches, tmp_path: Path) -> Path:
    """A model folder of three trials with its scores published, handed over in no order."""
    folder = make_model(trials=3)
    publish_scores([evaluated(folder, trial, matches, tmp_path / "results") for trial in (2, 0, 1)], folder)
    return folder


def text_of(folder: Path) -> str:
    return (folder / README).read_text(encoding="utf-8")


def table_rows(text: str, heading: str) -> dict[str, list[str]]:
    """The rows of the Markdown table that begins with a heading, by the first cell that is in backticks."""
    lines = text[text.index(heading) :].splitlines()
    rows = {}
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        key = next(cell for cell in cells if cell.startswith("`"))
        rows[key.strip("`")] = cells[cells.index(key) + 1 :]
    return rows


# The packaged cards


def test_packaged_files_are_current() -> None:
    """If this fails: python -m motifzoo.zoo.refresh."""
    assert sorted(refresh.stale_files()) == []


def test_changed_and_missing_files_are_found(tmp_path: Path) -> None:
    for name in NAMES[:2]:
        shutil.copytree(sources.PRETRAINED / name, tmp_path / name)
    assert refresh.stale_files(tmp_path) == {}
    first, second = (tmp_path / name for name in NAMES[:2])
    kept = text_of(first)
    write_text(first / README, kept + "More.\n")
    (second / CURVE).unlink()
    found = refresh.stale_files(tmp_path)
    assert sorted(found) == [first / README, second / CURVE]
    assert found[first / README] == kept


@pytest.mark.parametrize("name", NAMES)
def test_packaged_cards(name: str) -> None:
    """Hugging Face's client reads them, and what they name is there."""
    folder = sources.PRETRAINED / name
    config = read_config(folder)
    loaded, card = ModelCard.load(folder / README), load_card(config.dataset.name)
    assert (loaded.data.license, loaded.data.library_name) == ("mit", "motifzoo")
    assert loaded.data.datasets == [f"motifzoo/{card.name}"]
    assert loaded.data.metrics == [task_id(metric) for metric in headline_metrics(card)]
    assert loaded.data.base_model is None
    for line in loaded.text.splitlines():
        if line.startswith("!["):
            assert (folder / line.partition("](")[2].rstrip(")")).is_file()
    assert config.dataset.fingerprint in loaded.text
    for trial in config.trials:
        assert f"`{trial.sha256[:12]}`" in loaded.text
    assert tuple(parse(name))[:3] == (config.architecture, config.activation, config.dataset.name)


@pytest.mark.parametrize("name", NAMES)
def test_packaged_scores_are_of_the_packaged_weights(name: str) -> None:
    """If this fails: python -m motifzoo.evaluate.card_scores NAME."""
    source = sources.find(name)
    assert is_current(source) or not (source.folder / SCORES).exists()


# Scores


def test_scores_are_the_results(scored: Path) -> None:
    """Means and spread by another implementation, values as `motifzoo evaluate` prints them."""
    over_trials = table_rows(text_of(scored), "| score | metric |")
    each = table_rows(text_of(scored), "| metric | 0 | 1 | 2 |")
    shown = {name: values for name, values in METRICS.items() if "core motifs" not in name}
    assert set(over_trials) == set(each) == set(shown)
    for name, values in shown.items():
        assert each[name] == ["-" if value is None else _shown(name, value) for value in values]
        defined = np.array([value for value in values if value is not None])
        mean, sd, low, high, trials, n, unit = over_trials[name]
        assert (low, high) == (_shown(name, defined.min()), _shown(name, defined.max()))
        assert (trials, n) == (str(len(defined)), "10 to 12")
        assert unit == {"classification": "classes", "filters": "filters"}[name.partition("/")[0]]
        if "target_e" in name:
            assert (mean, sd) == ("-", "-")
        else:
            assert (mean, sd) == (f"{defined.mean():.4f}", f"{defined.std(ddof=1):.4f}")
    assert "True of all." in text_of(scored)
    assert "Of trial" not in text_of(scored)


@given(st.lists(st.none() | st.floats(-1e3, 1e3), max_size=12))
def test_spread(values: list[float | None]) -> None:
    found, defined = spread(values), [value for value in values if value is not None]
    assert found.trials == len(defined)
    assert (found.low, found.high) == ((min(defined), max(defined)) if defined else (None, None))
    if defined:
        assert found.mean == pytest.approx(np.mean(defined), abs=1e-9)
    assert (found.sd is None) == (len(defined) < 2)
    if found.sd is not None:
        assert found.sd == pytest.approx(np.std(defined, ddof=1), abs=1e-9)


def test_headline_scores_are_in_the_front_matter(scored: Path) -> None:
    loaded = ModelCard.load(scored / README)
    found = {result.metric_type: result for result in loaded.data.eval_results}
    assert {kind: result.metric_value for kind, result in found.items()} == {
        "classification_auroc": round(statistics.fmean(METRICS["classification/auroc"]), 4),
        "classification_aupr": 0.375,
        "filters_match_fraction": 0.5,
    }
    assert found["classification_auroc"].metric_name == "AUROC, mean of 3 trials"
    assert found["classification_aupr"].metric_name == "AUPR, mean of 2 trials"
    assert {(result.dataset_type, result.dataset_split) for result in found.values()} == {
        ("motifzoo/synthetic-codes", "test")
    }
    assert loaded.data.model_name == scored.name


def test_filters_and_their_matches(scored: Path, matches: Matches) -> None:
    best = matches.filters[0]
    assert (best.best_motif, best.true_motif, matches.filters[1].hits, matches.filters[2].dead) == (
        "MA0079.3",
        "SP1",
        (),
        "one window",
    )
    assert (
        "Trial 0: of 3 first-layer filters 1 hit a motif of JASPAR 2016 (vertebrates) at E <= 0.1, 1 of them a motif "
        "that the data card names; 1 are dead."
    ) in text_of(scored)
    assert table_rows(text_of(scored), "| filter | consensus |") == {
        best.consensus: ["MA0079.3 SP1", f"{best.best_e:.1e}", "SP1"]
    }
    sheet = ET.parse(scored / FILTERS).getroot()
    captions = [text.text for text in sheet.iter(f"{SVG}text")]
    assert captions[0] == f"filter 0: MA0079.3 SP1, E {best.best_e:.1e}, hits SP1"
    assert captions[1].startswith("filter 1: no match (nearest ")
    assert len(captions) == 2
    logos = [element.get("aria-label") for element in sheet.iter(f"{SVG}svg")][1:]
    assert len(logos) == 3  # a filter and its motif, and a filter
    assert f"]({FILTERS})" in text_of(scored)


def test_no_filter_has_a_matrix(make_model: ModelFactory, matches: Matches, tmp_path: Path) -> None:
    folder = make_model()
    write_text(folder / FILTERS, "of earlier weights")
    dead = match_filters(
        np.zeros((2, 4, 20), np.int64), np.zeros(2, np.int64), np.ones(2, np.float32), np.ones(2, bool), TRUTH
    )
    publish_scores([evaluated(folder, 0, dead, tmp_path / "results")], folder)
    assert not (folder / FILTERS).exists()
    assert "2 are dead" in text_of(folder)
    assert "![" not in text_of(folder)


def test_without_scores_the_card_says_so(make_model: ModelFactory) -> None:
    folder = make_model()
    write_card(read_config(folder), folder)
    assert (
        "## Scores\n\nThe scores are not recorded here yet. This computes them from the weights and the data:\n\n"
        "```\nmotifzoo evaluate . --all-trials\n```\n"
    ) in text_of(folder)
    assert "## Filters" not in text_of(folder)
    assert "## Learning curve" not in text_of(folder)
    assert ModelCard.load(folder / README).data.eval_results is None


def retrained(folder: Path, trial: int) -> ModelConfig:
    """The config with other weights for a trial."""
    config = read_config(folder)
    changed = tuple(
        entry.model_copy(update={"sha256": f"{trial:064x}"}) if entry.trial == trial else entry
        for entry in config.trials
    )
    config = config.model_copy(update={"trials": changed})
    write_config(config, folder)
    return config


def test_scores_of_replaced_weights_do_not_count(scored: Path) -> None:
    config = retrained(scored, 0)
    scores = read_scores(scored, config)
    assert scores is not None
    assert [trial.trial for trial in scores.trials] == [1, 2]
    assert [metric.values for metric in scores.metrics if metric.name == "classification/auroc"] == [(0.95, 0.8)]
    assert scores.filters == ()
    card = card_files(config, scored)[README]
    assert "Not recorded yet: the scores of trial 0." in card
    assert "## Filters" not in card
    assert not is_current(sources.find(str(scored)))
    retrained(scored, 1)
    assert read_scores(scored, retrained(scored, 2)) is None


def test_current_scores(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_current(sources.find(str(scored)))
    with monkeypatch.context() as patch:
        patch.setattr(card_scores, "PROTOCOL", PROTOCOL + 1)
        assert not is_current(sources.find(str(scored)))
    write_text(
        scored / SCORES, (scored / SCORES).read_text().replace(load_card("synthetic-codes").fingerprint, "0" * 64)
    )
    assert not is_current(sources.find(str(scored)))


@given(
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
    st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=200),
)
def test_scores_survive_the_file(notes: list[str], versions: dict[str, str], name: str) -> None:
    scores = Scores(
        model="tiny-relu.synthetic-codes",
        benchmark=name,
        protocol=1,
        data_fingerprint="0" * 64,
        motifs_sha256="0" * 64,
        versions=versions,
        trials=(ScoredTrial(trial=3, sha256="f" * 64, device=name),),
        metrics=(MetricScores(name=name, title=name, unit="filters", values=(None,), n=(None,)),),
        e_threshold=0.1,
        filters=(),
        notes=tuple(notes),
    )
    with TemporaryDirectory() as folder:
        write_scores(scores, Path(folder))
        assert Scores.model_validate_json((Path(folder) / SCORES).read_bytes()) == scores


def test_scores_of_another_model(scored: Path) -> None:
    config = read_config(scored).model_copy(update={"name": "other-relu.synthetic-codes"})
    with pytest.raises(ModelError) as error:
        read_scores(scored, config)
    assert str(error.value) == (
        f"{scored / SCORES} has the scores of 'tiny-relu.synthetic-codes', and the folder holds "
        "'other-relu.synthetic-codes'."
    )


def test_scores_that_are_none(scored: Path) -> None:
    path = scored / SCORES
    kept = path.read_text(encoding="utf-8")
    write_text(path, kept.replace("[0.91236,", "["))
    with pytest.raises(ModelError) as error:
        read_scores(scored, read_config(scored))
    assert str(error.value) == f"{path} is not valid: classification/auroc has 2 values for 3 trials."
    write_text(path, kept.replace('"benchmark"', '"bench"'))
    with pytest.raises(ModelError) as error:
        read_scores(scored, read_config(scored))
    assert str(error.value) == (f"{path} is not valid: benchmark: Field required; bench: unknown field.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda scores: of(scores, MATCH)["values"].__setitem__(0, math.inf),
            "metrics.2.values.0: Input should be a finite number",
        ),
        (
            lambda scores: of(scores, MATCH)["values"].__setitem__(1, math.nan),
            "metrics.2.values.1: Input should be a finite number",
        ),
        (
            lambda scores: of(scores, MATCH)["n"].__setitem__(0, -5),
            "metrics.2.n.0: Input should be greater than or equal to 0",
        ),
        (
            lambda scores: of(scores, MATCH)["n"].__setitem__(0, 2**53 + 1),
            "metrics.2.n.0: Input should be less than or equal to 9007199254740992",
        ),
        (
            lambda scores: of(scores, MATCH)["n"].__setitem__(0, 10**30),
            "metrics.2.n.0: Input should be less than or equal to 9007199254740992",
        ),
        (lambda scores: scores["metrics"].append(of(scores, MATCH)), f"{MATCH} stands there twice"),
        (lambda scores: scores["trials"][2].update(trial=1), "trial 1 stands there twice"),
        (lambda scores: scores.update(e_threshold=math.inf), "e_threshold: Input should be a finite number"),
        (
            lambda scores: scores["filters"][0].update(e=-1.0),
            "filters.0.e: Input should be greater than or equal to 0",
        ),
    ],
)
def test_scores_that_no_evaluation_gives(scored: Path, change: Callable[[dict[str, Any]], None], message: str) -> None:
    path = scored / SCORES
    scores = json.loads(path.read_text(encoding="utf-8"))
    change(scores)
    write_text(path, json.dumps(scores))
    with pytest.raises(ModelError) as error:
        read_scores(scored, read_config(scored))
    assert str(error.value) == f"{path} is not valid: {message}."


def of(scores: dict[str, Any], name: str) -> dict[str, Any]:
    """A metric in the content of a scores.json."""
    found: dict[str, Any] = next(metric for metric in scores["metrics"] if metric["name"] == name)
    return found


WRONG = {
    "weights": (
        {"model_sha256": "e" * 64},
        "the result of tiny-relu.synthetic-codes:1 is of other weights than config.json states. Evaluate it again.",
    ),
    **{
        what: (
            change,
            "the results of tiny-relu.synthetic-codes:1 and tiny-relu.synthetic-codes:0 differ in their "
            f"{what}. Evaluate both again.",
        )
        for what, change in {
            "protocol": {"protocol": PROTOCOL + 1},
            "data": {"data_fingerprint": "e" * 64},
            "motif database": {"motifs_sha256": "e" * 64},
            "versions of packages": {"versions": {"torch": "1.0"}},
        }.items()
    },
}


@pytest.mark.parametrize("case", WRONG)
def test_results_that_do_not_go_together(case: str, make_model: ModelFactory, matches: Matches, tmp_path: Path) -> None:
    changes, message = WRONG[case]
    folder = make_model(trials=2)
    first = evaluated(folder, 0, matches, tmp_path / "results")
    second = evaluated(folder, 1, matches, tmp_path / "results", **changes)
    with pytest.raises(MotifzooError) as error:
        publish_scores([first, second], folder)
    assert str(error.value) == message
    assert not (folder / SCORES).exists()


def test_results_of_another_model_and_none(make_model: ModelFactory, matches: Matches, tmp_path: Path) -> None:
    folder, other = make_model(), make_model("other-relu.synthetic-codes")
    result = evaluated(folder, 0, matches, tmp_path / "results").result
    with pytest.raises(MotifzooError) as error:
        collect_scores([result], read_config(other))
    assert str(error.value) == "the result of tiny-relu.synthetic-codes:0 is not of other-relu.synthetic-codes."
    with pytest.raises(MotifzooError) as error:
        collect_scores([], read_config(other))
    assert str(error.value) == "there are no results of other-relu.synthetic-codes to make scores of."


def test_the_command_scores_what_is_not_current(
    make_model: ModelFactory, matches: Matches, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One model that cannot be evaluated does not keep the others from their scores; the second run has one to do."""
    folders = {path.name: path for path in (make_model(trials=2), make_model("lost-relu.synthetic-codes"))}

    def evaluate(source: sources.Source, output: Path, *, device: str, fresh: bool) -> Evaluated:
        if source.config.name.startswith("lost"):
            raise MotifzooError("its data is lost.")
        assert device == "cpu"
        return evaluated(source.folder, source.trial, matches, output)

    monkeypatch.setattr(sources, "_named", lambda **_: folders)
    monkeypatch.setattr(card_scores, "evaluate_trial", evaluate)
    arguments = ["*.synthetic-codes", "tiny-*", "--output", str(tmp_path / "results")]
    for told in ("tiny-relu.synthetic-codes: 2 trials\n", "tiny-relu.synthetic-codes: current\n"):
        done = CliRunner().invoke(card_scores.main, arguments)
        assert (done.exit_code, done.stdout) == (1, told)
        assert done.stderr == "lost-relu.synthetic-codes: its data is lost.\n"
    assert is_current(sources.find("tiny-relu.synthetic-codes"))


# Words


def packaged_config(model: str, **changes: Any) -> tuple[ModelConfig, Path]:
    folder = sources.PRETRAINED / model
    return read_config(folder).model_copy(update=changes), folder


def test_real_and_synthetic_dna_have_other_limits() -> None:
    planted, real = "predicting regulatory activity of real DNA", "Nobody knows which positions matter in real DNA"
    synthetic = card_files(*packaged_config("cnn-local-relu.synthetic-codes"))[README]
    in_vivo = card_files(*packaged_config("residualbind-relu.chip-irf1"))[README]
    assert (planted in synthetic, real in synthetic) == (True, False)
    assert (planted in in_vivo, real in in_vivo) == (False, True)
    assert "Both strands were in training" in in_vivo
    assert "| trained on both strands | yes | no |" in in_vivo
    for card in ("synthetic-codes", "chip-irf1"):
        text = synthetic if card == "synthetic-codes" else in_vivo
        for trap in load_card(card).traps:
            assert trap in text
        assert text.count("Improving representations of genomic sequence motifs") == 1
        assert load_card(card).citation.strip().splitlines()[0] in text


def test_a_control_says_that_it_is_one(tmp_path: Path) -> None:
    config, source = packaged_config(
        "cnn-local-relu.synthetic-codes",
        name="cnn-local-relu-shuffled.synthetic-codes",
        training=packaged()["cnn-local-relu-shuffled.synthetic-codes"].training,
    )
    shutil.copyfile(source / "training.json", tmp_path / "training.json")
    text = card_files(config, tmp_path)[README]
    assert "**It is a control: the labels it was trained on are shuffled.**" in text
    assert "| labels shuffled (a control) | yes | no |" in text
    assert "motifzoo train cnn-local-relu-shuffled.synthetic-codes" in text


def test_a_penalty_is_told() -> None:
    config, folder = packaged_config("cnn-local-relu.synthetic-codes", training=Training(layer1_l2=0.1))
    text = card_files(config, folder)[README]
    assert "An L2 penalty of 0.1 on the kernel of its first layer" in text
    assert "It comes from a recipe that is not part of motifzoo." in text
    assert "motifzoo train" not in text


@pytest.mark.parametrize("name", NAMES)
def test_the_command_to_train_it_again_has_its_settings(name: str) -> None:
    (recipe,) = find(name)
    config, _ = packaged_config(name)
    assert recipe.training == config.training
    assert f"\nmotifzoo train {name} --trial 0" in text_of(sources.PRETRAINED / name)


def test_the_command_trains_each_trial_as_it_was_trained() -> None:
    """Alone or in a stack, on as many threads, or on a GPU: each rounds otherwise."""
    config, folder = packaged_config("cnn-local-relu.synthetic-codes")
    ways = [
        ("cpu (x86_64, 1 thread)", False),
        ("cpu (x86_64, 1 thread)", True),
        ("cpu (arm64, 8 threads)", False),
        ("cpu (x86_64, 1 thread)", True),
        ("cuda (NVIDIA H200)", True),
        ("mps", None),
    ]
    trials = tuple(
        config.trials[0].model_copy(update={"trial": number, "device": device, "stacked": stacked})
        for number, (device, stacked) in enumerate(ways)
    )
    text = card_files(config.model_copy(update={"trials": trials}), folder)[README]
    after = text.partition("The same again, each trial with its number as its seed; ")[2]
    assert after.split("```")[1].strip().splitlines() == [
        "motifzoo train cnn-local-relu.synthetic-codes --trial 0 --alone --threads 1",
        "motifzoo train cnn-local-relu.synthetic-codes --trial 1 --trial 3 --stacked --threads 1",
        "motifzoo train cnn-local-relu.synthetic-codes --trial 2 --alone --threads 8",
        "motifzoo train cnn-local-relu.synthetic-codes --trial 4 --stacked --device cuda",
        "motifzoo train cnn-local-relu.synthetic-codes --trial 5 --device mps",
    ]


def test_the_software_is_cited_as_it_asks_to_be() -> None:
    """And what the scores of its filters rest on."""
    cff = (Path(__file__).parent.parent / "CITATION.cff").read_text(encoding="utf-8")
    (title,) = [line.removeprefix("title: ").strip('"') for line in cff.splitlines() if line.startswith("title: ")]
    text = card_files(*packaged_config("cnn-local-relu.synthetic-codes"))[README]
    assert f"The software:\n\n- motifzoo contributors. {title}.\n" in text
    assert "Nucleic Acids Research 44, D110-D115 (2016). doi 10.1093/nar/gkv1176\n" in text
    assert "Genome Biology 8, R24 (2007). doi 10.1186/gb-2007-8-2-r24 (Tomtom)\n" in text


def test_weights_that_two_models_share_are_told(make_model: ModelFactory) -> None:
    """On both cards; why, where the seeds are the same and the activations are not."""
    folder = make_model(trials=3)
    config = read_config(folder)
    trials = tuple(
        entry.model_copy(update={"sha256": "f" * 64}) if entry.trial == 1 else entry for entry in config.trials
    )
    twin = config.model_copy(update={"name": "tiny-elu.synthetic-codes", "activation": "elu", "trials": trials})
    copied = twin.model_copy(update={"activation": "relu"})
    reason = (
        " They were trained apart, from the same seed: to what follows the first layer, their activations were one "
        "function in training."
    )

    def told(one: ModelConfig, *models: ModelConfig) -> str:
        text = card_files(one, folder, find_twins(models))[README]
        return text[text.index("## Trials") : text.index("## Limits")].partition("\n\n")[2].partition("\n\n")[2]

    def shared(name: str) -> str:
        return f"Trials 0 and 2 have the same weights as the same trials of `{name}`, to the last bit."

    assert told(config, config, twin) == shared("tiny-elu.synthetic-codes") + reason + "\n\n"
    assert told(twin, config, twin) == shared("tiny-relu.synthetic-codes") + reason + "\n\n"
    assert told(config, config, copied) == shared("tiny-elu.synthetic-codes") + "\n\n"
    assert told(config, config) == ""
    single = twin.model_copy(update={"trials": twin.trials[:1]})
    assert told(config, config, single) == (
        "Trial 0 has the same weights as `tiny-elu.synthetic-codes:0`, to the last bit." + reason + "\n\n"
    )
    moved = twin.model_copy(update={"trials": (twin.trials[0].model_copy(update={"trial": 5}),)})
    assert told(config, config, moved).startswith("Trial 0 has the same weights as `tiny-elu.synthetic-codes:5`, ")


def test_packaged_models_that_share_weights_say_so() -> None:
    """Those of which the README speaks; what is refreshed knows all models of the folder."""
    name = "cnn-local-elu.synthetic-codes"
    card = sources.PRETRAINED / name / README
    text = refresh.stale_files().get(card) or card.read_text(encoding="utf-8")
    assert "Trials 0 and 2 have the same weights as the same trials of `cnn-local-linear.synthetic-codes`, " in text


def test_every_setting_is_told() -> None:
    """A setting without words would leave the table."""
    from motifzoo.zoo.model_card.readme import _SETTINGS

    assert list(_SETTINGS) == list(Training.model_fields)


# The learning curve


def lines_of(svg: str) -> list[list[tuple[float, float]]]:
    """The points of each curve, in the order in which they are drawn."""
    paths = [path.get("d", "") for path in ET.fromstring(svg).iter(f"{SVG}path") if path.get("stroke-width")]
    pairs = [[part.split() for part in path.replace("L", "M").split("M")[1:]] for path in paths]
    return [[(float(x), float(y)) for x, y in path] for path in pairs]


def texts_of(svg: str) -> list[str | None]:
    return [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]


def falling(*losses: float, rate: float = 1e-3) -> list[Epoch]:
    """A curve whose learning rate falls at the last epoch."""
    history = [Epoch(loss=loss, score=1 - loss, learning_rate=rate) for loss in losses]
    return [*history[:-1], history[-1].model_copy(update={"learning_rate": rate / 5})]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_the_curve_goes_through_every_epoch(losses: list[float]) -> None:
    config, _ = packaged_config("cnn-local-relu.synthetic-codes")
    history = [Epoch(loss=loss, score=0.5, learning_rate=1e-3) for loss in losses]
    points = lines_of(learning_curve({0: history}, config))[0]
    assert len(points) == len(losses)
    for (x, y), (later_x, later_y), before, after in zip(points, points[1:], losses, losses[1:], strict=False):
        assert later_x > x
        assert (later_y - y) * (after - before) <= 0  # up is a smaller y
    if max(losses) > min(losses):
        heights = [y for _, y in points]
        assert max(heights) - min(heights) == pytest.approx(150.0, abs=0.11)


def test_the_curve_leaves_out_what_is_not_finite() -> None:
    config, _ = packaged_config("cnn-local-relu.synthetic-codes")
    nan = float("nan")
    history = [
        Epoch(loss=loss, score=nan, learning_rate=rate)
        for loss, rate in ((1.0, 1e-3), (nan, 1e-3), (0.5, 2e-4), (0.25, 2e-4))
    ]
    svg = learning_curve({0: history}, config)
    assert [len(line) for line in lines_of(svg)] == [3]
    assert svg.count("no finite value") == 1
    assert svg.count("stroke-dasharray") == 2  # one drop of the rate, in both plots


def test_every_trial_is_drawn_and_the_first_on_top() -> None:
    """On the same axes: the lowest loss is the second trial's, the last epoch the third's."""
    config, _ = packaged_config("cnn-local-relu.synthetic-codes")
    config = config.model_copy(update={"trials": config.trials[:3]})
    histories = {0: falling(0.8, 0.4), 1: falling(0.6, 0.2), 2: falling(0.7, 0.6, 0.5)}
    svg = learning_curve(histories, config)
    third, second, first = lines_of(svg)[:3]
    assert [x for x, _ in third] == [56.0, 206.0, 356.0]
    assert first == [(56.0, 26.0), (206.0, 126.0)]
    assert second == [(56.0, 76.0), (206.0, 176.0)]
    strokes = [path.get("stroke") for path in ET.fromstring(svg).iter(f"{SVG}path") if path.get("stroke-width")]
    assert strokes == ["#808080", "#808080", "#2f7fd1"] * 2
    assert svg.count("stroke-dasharray") == 2  # the first trial's drop, in both plots
    assert texts_of(svg)[-1] == "Trial 0 (bold) of 3; dotted: its learning rate falls"


@pytest.mark.parametrize(
    ("trials", "histories", "told"),
    [
        (1, {0: falling(0.5, 0.4)}, "Trial 0; dotted: its learning rate falls"),
        (1, {0: falling(0.5)[:1]}, "Trial 0"),
        (3, {1: falling(0.5, 0.4)}, "Trial 1, without 2 that have no curve here; dotted: its learning rate falls"),
        (
            3,
            {0: falling(0.5, 0.4), 2: falling(0.5)},
            "Trial 0 (bold) of 2, without 1 that has no curve here; dotted: its learning rate falls",
        ),
    ],
)
def test_the_curves_say_whose_they_are(
    trials: int, histories: dict[int, list[Epoch]], told: str, make_model: ModelFactory
) -> None:
    """In the picture, in its label, and in what a reader without pictures is told."""
    folder = make_model(trials=trials)
    for trial, history in histories.items():
        write_text(
            sources.weights_path(folder, trial).with_name("training.json"),
            "[" + ",".join(epoch.model_dump_json() for epoch in history) + "]",
        )
    files = card_files(read_config(folder), folder)
    assert f"![Training loss and validation score by epoch. {told}]({CURVE})\n" in files[README]
    assert texts_of(files[CURVE])[-1] == told
    assert ET.fromstring(files[CURVE]).get("aria-label") == (
        "Learning curve of tiny-relu.synthetic-codes: training loss and validation AUROC over "
        f"{max(map(len, histories.values()))} epochs. {told}"
    )


def ending(*scores: float) -> list[Epoch]:
    return [Epoch(loss=0.5, score=score, learning_rate=1e-3) for score in scores]


LAST = "after the last, 3. The protocol keeps the last weights."


@pytest.mark.parametrize(
    ("histories", "told"),
    [
        ([ending(0.6, 0.9, 0.881)], []),
        ([ending(0.6, 0.9, 0.87)], [f"Trial 0's validation AUROC was 0.900 after epoch 2 and 0.870 {LAST}"]),
        ([ending(0.6, 0.9, np.nan)], [f"Trial 0's validation AUROC was 0.900 after epoch 2 and undefined {LAST}"]),
        ([ending(np.nan, np.nan)], []),
        ([ending(0.9), ending(0.5)], []),
        ([ending(0.9), ending(0.86), ending(0.95)], []),
        (
            [ending(0.72), ending(0.9), ending(0.87)],
            [
                "Trial 0 ended far from the others, at a validation AUROC of 0.720 (theirs: 0.870 to 0.900). It is "
                "counted like them."
            ],
        ),
        (
            [ending(0.21), ending(0.78), ending(0.42)],
            ["The trials ended far apart, at a validation AUROC of 0.210 to 0.780. All are counted."],
        ),
    ],
)
def test_a_card_says_where_training_went_wrong(
    histories: list[list[Epoch]], told: list[str], make_model: ModelFactory
) -> None:
    folder = make_model(trials=len(histories))
    for trial, history in enumerate(histories):
        write_text(
            sources.weights_path(folder, trial).with_name("training.json"),
            "[" + ",".join(epoch.model_dump_json() for epoch in history) + "]",
        )
    text = card_files(read_config(folder), folder)[README]
    limits = text[text.index("## Limits") :]
    assert [line[2:] for line in limits.splitlines() if line.startswith(("- Trial ", "- The trials "))] == told


@pytest.mark.parametrize("dataset", ["synthetic-codes", "dhs-4cell", "chip-lef1"])
def test_a_card_says_what_the_audit_of_its_data_found(dataset: str) -> None:
    text = card_files(*packaged_config(sources.list_models(f"*.{dataset}")[0]))[README]
    folder = card_folder(dataset)
    found = read_findings(folder, load_card(dataset))
    assert any("GC content alone tells" in line for line in found)
    assert "What an audit of its data found:\n\n" + "\n".join(f"- {line}" for line in found) in text


def test_a_card_has_the_layers_that_show_prints() -> None:
    name = "cnn-dist-shift_scale_tanh.synthetic-codes"
    text = card_files(*packaged_config(name))[README]
    assert "`cnn-dist` (four convolutions, 24 filters in the first, with small pools" in text
    assert "`shift_scale_tanh` (shifted and scaled hyperbolic tangent, 500 tanh(x - 6) + 500)" in text
    assert "| conv3 | conv | filters 48, kernel 7, padding valid | 48 x 44 |" in text
    printed = CliRunner().invoke(models.show, [name]).output
    layers = text[text.index("## Layers") : text.index("## Scores")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in layers.splitlines() if line[:1] == "|"][
        2:
    ]
    assert len(rows) == len(read_config(sources.PRETRAINED / name).layers)
    for layer, kind, *_ in rows:
        assert f" {layer} " in printed
        assert f" {kind} " in printed


def test_a_network_of_ones_own_is_not_told_as_that_of_its_name(make_model: ModelFactory) -> None:
    folder = make_model("cnn-local-relu.synthetic-codes")
    text = card_files(read_config(folder).model_copy(update={"architecture": "cnn-local"}), folder)[README]
    assert "architecture `cnn-local` with " in text
    assert 'motifzoo.load(".")' in text
    assert "in a clone of its repository" not in text
    assert "motifzoo evaluate . --all-trials" in text


def test_what_a_card_says_of_strands_and_spread() -> None:
    config, folder = packaged_config("cnn-local-relu.synthetic-codes")
    unknown = card_files(config.model_copy(update={"training": None}), folder)[README]
    assert "- Whether both strands were in training is not stated." in unknown
    assert "- It was trained on sequences as they are: " in card_files(config, folder)[README]
    for stacked, told in (
        ((False, False), " only; sd is"),
        ((False, True), ", and in rounding: some trained alone and some in a stack; sd is"),
    ):
        trials = tuple(
            trial.model_copy(update={"stacked": way}) for trial, way in zip(config.trials[:2], stacked, strict=True)
        )
        text = card_files(config.model_copy(update={"trials": trials}), folder)[README]
        assert f"The spread is over trials, which differ in their seed{told} the sample standard deviation." in text
    text = card_files(config.model_copy(update={"trials": config.trials[:1]}), folder)[README]
    assert "The spread is over" not in text


def test_a_card_tells_faster_products(make_model: ModelFactory) -> None:
    folder = make_model()
    config = read_config(folder)
    trial = config.trials[0].model_copy(update={"precision": "tf32", "stacked": True, "device": "cuda (a GPU)"})
    text = card_files(config.model_copy(update={"trials": (trial,)}), folder)[README]
    assert "| cuda (a GPU), tf32 |" in text


def test_a_curve_that_is_none(make_model: ModelFactory) -> None:
    folder = make_model()
    write_text(folder / "training.json", '[{"loss": 1}]')
    with pytest.raises(ModelError) as error:
        card_files(read_config(folder), folder)
    assert str(error.value) == (
        f"{folder / 'training.json'} is not a learning curve: 0.score: Field required; 0.learning_rate: Field required."
    )
