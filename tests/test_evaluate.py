"""Evaluating a trial: every score, recomputable from the side files; cached, resumed, and clear about what is wrong."""

import errno
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from model_folders import ModelFactory, small_layers
from safetensors.numpy import load_file

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.load import built_folder, load_dataset
from motifzoo.errors import ModelError, MotifzooError, UnknownNameError
from motifzoo.evaluate import targets
from motifzoo.evaluate.benchmark import Evaluated, evaluate_trial
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.metric_table import METRICS
from motifzoo.evaluate.protocol import METHODS
from motifzoo.evaluate.results import read_result
from motifzoo.files import cannot_write, sha256_file
from motifzoo.metrics import aupr, auroc
from motifzoo.zoo.load import load_source
from motifzoo.zoo.sources import find

SEQUENCES = 12
MAPS = "attribution.safetensors"
PLANTED = [name for name in METRICS if "target" not in name and "scan" not in name]  # what synthetic data is scored by


@pytest.fixture(autouse=True)
def _few_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "SEQUENCES", SEQUENCES)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, with nothing in it."""
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / "own-cache"))
    return tmp_path / "own-cache"


class Stages:
    """Records which stages were computed; can interrupt at one of them, as Ctrl-C would."""

    def __init__(self, interrupt_at: str | None = None) -> None:
        self.seen: list[str] = []
        self._interrupt_at = interrupt_at

    def stage(self, name: str) -> None:
        if name == self._interrupt_at:
            raise KeyboardInterrupt
        self.seen.append(name)

    def step(self, done: int, total: int) -> None:
        assert 0 < done <= total


ALL_STAGES = ["predictions", "filters", *(f"attribution-{method}" for method in METHODS)]


def evaluated(folder: Path, output: Path, stages: Stages | None = None) -> Evaluated:
    return evaluate_trial(find(str(folder)), output, progress=stages)


def test_every_score_is_recomputed_from_the_side_files(
    make_model: ModelFactory, tmp_path: Path, own_cache: Path
) -> None:
    stages = Stages()
    folder = make_model("tiny-exponential.synthetic-codes", activation="exponential")
    result, where, computed = evaluated(folder, tmp_path / "out", stages)
    assert computed
    assert stages.seen == ALL_STAGES
    assert where == tmp_path / "out" / "tiny-exponential.synthetic-codes" / "trial-0" / "synthetic-codes@1"
    assert read_result(where / "result.json") == result
    assert set(result.metrics) == set(PLANTED)
    assert set(result.n) == set(PLANTED)
    for side in result.files.values():
        assert sha256_file(where / side.name) == side.sha256

    predictions = load_file(where / "predictions.safetensors")
    assert result.metrics["classification/auroc"] == auroc(predictions["labels"].T, predictions["probabilities"].T)[0]
    assert result.metrics["classification/aupr"] == aupr(predictions["labels"].T, predictions["probabilities"].T)[0]
    test = load_dataset("synthetic-codes").test
    network = load_source(find(str(folder)))
    with torch.inference_mode():
        logits = network(torch.from_numpy(test.onehot())).double()
    np.testing.assert_allclose(predictions["probabilities"], logits.sigmoid().numpy(), rtol=1e-6)

    maps = load_file(where / "attribution.safetensors")
    rows = np.flatnonzero(test.labels[:, 0])[:SEQUENCES]
    np.testing.assert_array_equal(maps["rows"], rows)
    np.testing.assert_array_equal(maps["codes"], test.codes[rows])
    model = test.truth(rows)
    np.testing.assert_array_equal(maps["information"], 2 + (model * np.log2(model + 1e-10)).sum(axis=1))
    for method in METHODS:
        assert maps[method].dtype == np.float32
        for name, area in (("auroc", auroc), ("aupr", aupr)):
            expected = area(maps["information"] > 0.01, maps[method]).mean()
            assert result.metrics[f"attribution/{method}/{name}"] == pytest.approx(expected, rel=1e-12)
            assert result.n[f"attribution/{method}/{name}"] == SEQUENCES

    hits = [line.split("\t") for line in (where / "hits.tsv").read_text().splitlines()[1:]]
    for entry in result.filters:
        assert [hit[1] for hit in hits if hit[0] == f"filter{entry.filter}"] == list(entry.hits)


@pytest.mark.parametrize("field", ["metrics", "n"])
def test_a_result_whose_metric_a_terminal_obeys_is_refused(
    field: str, make_model: ModelFactory, tmp_path: Path, own_cache: Path
) -> None:
    path = evaluated(make_model(), tmp_path / "out").folder / "result.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts[field]["classification/auroc/\x1b[31m"] = 5
    path.write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(MotifzooError, match=r"is not a result file: .*U\+001B, which is not a visible character"):
        read_result(path)


def test_nothing_is_computed_twice(make_model: ModelFactory, tmp_path: Path, own_cache: Path) -> None:
    folder = make_model()
    first = evaluated(folder, tmp_path / "a")
    stages = Stages()
    second = evaluated(folder, tmp_path / "b", stages)
    assert stages.seen == []
    assert not second.computed
    changing = {"stamps"}
    assert second.result.model_dump(exclude=changing) == first.result.model_dump(exclude=changing)
    assert second.result.stamps.seconds == first.result.stamps.seconds
    assert evaluate_trial(find(str(folder)), tmp_path / "b", fresh=True, progress=(again := Stages())).computed
    assert again.seen == ALL_STAGES


def test_an_interrupted_run_goes_on(make_model: ModelFactory, tmp_path: Path, own_cache: Path) -> None:
    folder = make_model()
    with pytest.raises(KeyboardInterrupt):
        evaluated(folder, tmp_path / "out", Stages(interrupt_at="attribution-mutagenesis"))
    assert not (tmp_path / "out").exists()
    stages = Stages()
    evaluated(folder, tmp_path / "out", stages)
    assert stages.seen == ALL_STAGES[3:]


def test_another_trial_is_another_result(make_model: ModelFactory, tmp_path: Path, own_cache: Path) -> None:
    folder = make_model(trials=2)
    one, two = (evaluate_trial(find(f"{folder}:{trial}"), tmp_path / "out") for trial in (0, 1))
    assert one.folder != two.folder
    assert one.result.stamps.model_sha256 != two.result.stamps.model_sha256
    assert one.result.metrics != two.result.metrics


def test_a_damaged_cache_is_rebuilt_with_a_notice(
    make_model: ModelFactory, tmp_path: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_model()
    before = evaluated(folder, tmp_path / "out").result.metrics
    path = next((own_cache / "stages").glob("predictions-*"))
    path.write_bytes(path.read_bytes()[:-10])
    parquet = built_folder(load_card("synthetic-codes")) / "valid.parquet"
    parquet.write_bytes(b"PAR1" + bytes(100))
    stages = Stages()
    with caplog.at_level(logging.WARNING):
        assert evaluated(folder, tmp_path / "out", stages).result.metrics == before
    assert stages.seen == ["predictions"]
    assert [record.getMessage().split("(")[0] for record in caplog.records] == [
        "the cached copy of data set synthetic-codes is damaged ",
        f"cached file {path.name} is damaged ",
    ]
    assert caplog.records[0].getMessage().endswith("); it is rebuilt.")
    assert caplog.records[1].getMessage().endswith("); it is computed again.")
    caplog.clear()
    assert not evaluated(folder, tmp_path / "out").computed
    assert caplog.records == []


def test_data_that_was_tampered_with_is_rebuilt(own_cache: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A whole, valid Parquet file with other content: the fingerprint tells."""
    import pyarrow.parquet as pq

    card = load_card("synthetic-codes")
    load_dataset("synthetic-codes")
    path = built_folder(card) / "test.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    assert load_dataset("synthetic-codes").fingerprint == card.fingerprint
    assert [record.getMessage() for record in caplog.records] == [
        "the cached copy of data set synthetic-codes is damaged (the test split of 'synthetic-codes' has 3,999 "
        "sequences; its card says 4,000.); it is rebuilt."
    ]
    assert pq.read_table(path).num_rows == len(table)


def test_a_cache_that_cannot_be_written_costs_only_a_notice(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("a file where the cache folder should be")
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / "file"))
    result = evaluated(make_model(), tmp_path / "out").result
    assert set(result.metrics) == set(PLANTED)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1 + len(ALL_STAGES)
    target = built_folder(load_card("synthetic-codes"))
    assert messages[0] == (
        f"data set synthetic-codes is not kept for next time: cannot write {target}: Not a directory. Set "
        "MOTIFZOO_CACHE to another folder."
    )
    assert messages[1].startswith("predictions is not kept for next time: cannot write ")


def test_a_full_cache_costs_only_a_notice(
    make_model: ModelFactory,
    tmp_path: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from motifzoo.evaluate import stages

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stages, "save_file", full)
    assert set(evaluated(make_model(), tmp_path / "out").result.metrics) == set(PLANTED)
    for name, record in zip(ALL_STAGES, caplog.records, strict=True):
        message = record.getMessage()
        assert message.startswith(f"{name} is not kept for next time: cannot write {own_cache}/stages/{name}-")
        assert message.endswith(
            ".safetensors: No space left on device. Free some space or set MOTIFZOO_CACHE to another folder."
        )
    assert list((own_cache / "stages").iterdir()) == []


def test_a_full_disk_leaves_nothing_half_written(
    make_model: ModelFactory, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError

    def full(*_: object, **__: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    folder = make_model()
    monkeypatch.setattr("safetensors.numpy.save_file", full)
    done = CliRunner().invoke(main, ["evaluate", str(folder), "--output", str(tmp_path / "out")])
    assert done.exit_code == 1
    target = (
        tmp_path / "out" / "tiny-relu.synthetic-codes" / "trial-0" / "synthetic-codes@1" / "predictions.safetensors"
    )
    assert done.stderr.splitlines()[-1] == (
        f"Error: cannot write {target}: I/O error: No space left on device (os error 28). Free some space or choose "
        "another folder."
    )
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []


def test_an_output_that_is_no_folder(make_model: ModelFactory, tmp_path: Path) -> None:
    output = tmp_path / "file"
    output.write_text("in the way")
    done = CliRunner().invoke(main, ["evaluate", str(make_model()), "--output", str(output / "out")])
    assert done.exit_code == 1
    target = output / "out" / "tiny-relu.synthetic-codes" / "trial-0" / "synthetic-codes@1" / "predictions.safetensors"
    assert done.stderr.splitlines()[-1] == f"Error: cannot write {target}: Not a directory. Choose another folder."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "full"), "full. Free some space or choose another folder."),
        (OSError(errno.EDQUOT, "quota"), "quota. Free some space or choose another folder."),
        (OSError("said (os error 28)"), "said (os error 28). Free some space or choose another folder."),
        (OSError(errno.EACCES, "denied"), "denied. Make the folder writable or choose another folder."),
        (OSError(errno.EROFS, "read-only"), "read-only. Make the folder writable or choose another folder."),
        (OSError(errno.EEXIST, "exists"), "exists. Choose another folder."),
        (OSError(errno.ENOENT, "none"), "none. Choose another folder."),
        (OSError("of another kind"), "of another kind. Choose another folder."),
    ],
)
def test_what_helps_against_a_file_that_cannot_be_written(error: OSError, told: str) -> None:
    assert str(cannot_write(Path("results/x"), error)) == f"cannot write results/x: {told}"


def test_which_setting_moves_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "data"))
    for name in ("cache", "data"):
        path = tmp_path / name / "x"
        assert str(cannot_write(path, PermissionError(errno.EACCES, "denied"))) == (
            f"cannot write {path}: denied. Make the folder writable or set MOTIFZOO_{name.upper()} to another folder."
        )


# Memory


def without_memory(error: RuntimeError, folder: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("motifzoo.evaluate.classification.predict", refuse)
    return CliRunner().invoke(main, ["evaluate", str(folder), "--output", str(output)])


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory. Tried to ..."), RuntimeError("CUDA error: out of memory")]
)
def test_too_little_memory(
    error: RuntimeError, make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTorch's own allocator refuses, or CUDA, before that is asked."""
    done = without_memory(error, make_model(), tmp_path, monkeypatch)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == (
        "Error: tiny-relu.synthetic-codes:0 does not fit in the free memory of cpu. Wait until other programs there "
        "have ended, or compute on the CPU: --device cpu"
    )


@pytest.mark.usefixtures("own_cache")
def test_another_error_of_pytorch_is_not_taken_for_one_of_memory(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = RuntimeError("shapes do not fit")
    assert without_memory(error, make_model(), tmp_path, monkeypatch).exception is error


def refused(folder: Path, tmp_path: Path) -> str:
    with pytest.raises((ModelError, UnknownNameError)) as error:
        evaluated(folder, tmp_path / "out")
    return str(error.value)


def test_a_model_of_another_length(make_model: ModelFactory, tmp_path: Path) -> None:
    folder = make_model("long-relu.synthetic-codes", input_length=400)
    assert refused(folder, tmp_path) == (
        "model long-relu.synthetic-codes reads 400 nt and the sequences of synthetic-codes have 200: "
        "it cannot be evaluated on them."
    )


def test_a_model_with_other_outputs(make_model: ModelFactory, tmp_path: Path) -> None:
    folder = make_model("wide-relu.synthetic-codes", outputs=("a", "b"))
    assert refused(folder, tmp_path) == (
        "model wide-relu.synthetic-codes has 2 outputs and synthetic-codes has 1 classes: it cannot be evaluated on it."
    )


def test_a_model_of_unknown_data(make_model: ModelFactory, tmp_path: Path) -> None:
    folder = make_model()
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["dataset"]["name"] = "synthetic-code"
    path.write_text(json.dumps(config))
    assert refused(folder, tmp_path) == (
        "unknown data set 'synthetic-code': did you mean 'synthetic-codes' or 'synthetic-motifs'? "
        "config.json of tiny-relu.synthetic-codes states it."
    )


def test_a_model_trained_on_other_data_is_noted(make_model: ModelFactory, tmp_path: Path) -> None:
    folder = make_model()
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["dataset"]["fingerprint"] = "0" * 64
    path.write_text(json.dumps(config))
    present = load_card("synthetic-codes").fingerprint[:12]
    assert evaluated(folder, tmp_path / "out").result.notes == (
        f"The model was trained on data with fingerprint 000000000000 and is evaluated on {present}.",
    )


def test_overflowing_filters_are_reported(make_model: ModelFactory, tmp_path: Path) -> None:
    """exp overflows: filters are dead, predictions and maps are not numbers - said, not crashed and not zero."""
    folder = make_model("tiny-exponential.synthetic-codes", activation="exponential", scale=1e6)
    result = evaluated(folder, tmp_path / "out").result
    dead = [entry.filter for entry in result.filters if entry.dead == "non-finite feature map"]
    assert dead
    assert result.metrics["filters/dead"] == len(dead) / 6
    assert result.metrics["classification/auroc"] is None
    assert any(f"{len(dead)} of 6 filters are dead (non-finite feature map)" in note for note in result.notes)
    assert any("not a number on some test sequence" in note for note in result.notes)
    assert result.metrics["attribution/saliency/auroc"] is None or result.n["attribution/saliency/auroc"] < SEQUENCES


def test_thread_counts_agree(make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread against two: sums in another order, so equal to 1e-5 and not to the bit."""
    folder = make_model("tiny-exponential.synthetic-codes", activation="exponential")
    threads = torch.get_num_threads()
    files = []
    try:
        for number in (1, 2):
            monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / f"cache-{number}"))
            torch.set_num_threads(number)
            done = evaluated(folder, tmp_path / str(number))
            assert done.result.stamps.device.endswith(("1 thread)", "2 threads)")[number - 1])
            files.append(load_file(done.folder / "predictions.safetensors") | load_file(done.folder / MAPS))
            metrics = done.result.metrics
            files[-1]["metrics"] = np.array([metrics[name] for name in PLANTED], dtype=np.float64)
    finally:
        torch.set_num_threads(threads)
    for name, array in files[0].items():
        np.testing.assert_allclose(array, files[1][name], rtol=1e-5, atol=1e-5)


def test_multi_label_data_has_a_score_a_class_and_no_attribution(make_model: ModelFactory, tmp_path: Path) -> None:
    card = load_card("synthetic-motifs")
    folder = make_model(
        "tiny-relu.synthetic-motifs", dataset="synthetic-motifs", layers=small_layers(outputs=12), outputs=card.classes
    )
    result = evaluated(folder, tmp_path / "out").result
    assert set(result.files) == {"predictions", "filters", "hits"}
    values = [result.metrics[f"classification/auroc/{name}"] for name in card.classes]
    assert result.metrics["classification/auroc"] == pytest.approx(np.mean(values))
    assert not [name for name in result.metrics if name.startswith("attribution")]


def test_command_prints_json_tables_and_a_report(make_model: ModelFactory, tmp_path: Path) -> None:
    folder = make_model(trials=2)
    arguments = ["evaluate", str(folder), "--output", str(tmp_path / "out")]
    done = CliRunner().invoke(main, [*arguments, "--json", "--all-trials", "--report", str(tmp_path / "page.html")])
    assert done.exit_code == 0, done.output
    results = json.loads(done.stdout)
    assert [(item["model"], item["trial"], item["benchmark"]) for item in results] == [
        ("tiny-relu.synthetic-codes", 0, "synthetic-codes@1"),
        ("tiny-relu.synthetic-codes", 1, "synthetic-codes@1"),
    ]
    assert results[0]["metrics"]["filters/match_any"] is not None
    assert "tiny-relu.synthetic-codes" in (tmp_path / "page.html").read_text(encoding="utf-8")
    table = CliRunner().invoke(main, arguments)
    assert table.exit_code == 0
    for name, value in results[0]["metrics"].items():
        line = next(line for line in table.stdout.splitlines() if line.split()[:1] == [name])
        assert f"{value:.4f}" in line
