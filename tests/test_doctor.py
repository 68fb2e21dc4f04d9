"""`motifzoo doctor`: what is well is not called ill, and what is ill is named with its size and its likely cause."""

import json
import shutil
import socket
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as any_array
from model_folders import ModelFactory
from own_files import labelled_fasta

from motifzoo.data_cards.cards import load_card
from motifzoo.data_cards.load import built_folder, load_dataset
from motifzoo.data_cards.own import Request, add
from motifzoo.evaluate.attribution.methods import attribute
from motifzoo.evaluate.cli.doctor import doctor
from motifzoo.evaluate.cli.main import main
from motifzoo.evaluate.doctor import environment, examination, examine, holdings
from motifzoo.evaluate.doctor.findings import Finding
from motifzoo.evaluate.drift import QUANTITIES, ROUNDINGS, drifts
from motifzoo.evaluate.golden import compute, golden_values
from motifzoo.evaluate.protocol import PROTOCOL
from motifzoo.zoo.config import read_config, write_config
from motifzoo.zoo.golden import GOLDEN, Golden, read_golden, seal, write_golden
from motifzoo.zoo.load import load
from motifzoo.zoo.sources import PRETRAINED, Source, find

NAME = "cnn-local-exponential.synthetic-codes"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packaged model's folder, with golden values computed here."""
    folder = tmp_path_factory.mktemp("original") / NAME
    shutil.copytree(PRETRAINED / NAME, folder)
    write_golden(golden_values(find(str(folder))), folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(original, tmp_path / NAME))


@pytest.fixture
def recorded(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine gives what was written in `original`, without the seconds that computing takes."""
    arrays = golden_of(original).arrays
    monkeypatch.setattr("motifzoo.evaluate.golden.compute", lambda network, codes: (arrays, {}))


def golden_of(folder: Path) -> Golden:
    found = read_golden(folder, read_config(folder))
    assert found is not None
    return found


def change(folder: Path, arrays: Mapping[str, npt.NDArray[Any]] | None = None, **facts: Any) -> None:
    """Golden values as another machine may have written them."""
    golden = golden_of(folder)
    changed = {**golden.arrays, **(arrays or {})}
    stated = golden.facts.model_copy(update=facts)
    write_golden(Golden(stated.model_copy(update={"values": seal(stated, changed)}), changed), folder)


def drop(folder: Path, *names: str, **facts: Any) -> None:
    """Golden values without these tensors."""
    golden = golden_of(folder)
    kept = {name: array for name, array in golden.arrays.items() if name not in names}
    stated = golden.facts.model_copy(update=facts)
    write_golden(Golden(stated.model_copy(update={"values": seal(stated, kept)}), kept), folder)


def run(*arguments: object) -> Result:
    group = type(main)(name="motifzoo", commands={"doctor": doctor})  # whose errors are those of the real one
    return CliRunner().invoke(group, ["doctor", *map(str, arguments)])


def examined(*arguments: object) -> tuple[int, dict[str, Any]]:
    done = run("--quick", "--json", *arguments)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, json.loads(done.stdout)


def problems(report: dict[str, Any]) -> list[str]:
    return [finding["text"] for finding in report["findings"] if finding["level"] == "problem"]


# What is well


def test_what_was_written_here_is_well_here(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTIFZOO_MIRROR", raising=False)  # it is worth a finding of its own
    code, report = examined(original)
    assert (code, report["well"], problems(report)) == (0, True, [])
    assert {drift["quantity"]: drift["size"] for drift in report["drifts"]} == dict.fromkeys(QUANTITIES, 0.0)
    subjects = {finding["subject"] for finding in report["findings"]}
    assert subjects == {
        *("python", "torch", "numpy", "devices", "packages", "cache", "own data", "hub", "weights", "data sets"),
        "golden values",
    }


def test_nothing_needs_a_network(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert run(original).exit_code == 0


@pytest.mark.parametrize("how", ["two threads", "batches", "without oneDNN"])
def test_another_way_of_float32_is_rounding(how: str, original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden, threads = golden_of(original), torch.get_num_threads()
    if how == "batches":
        monkeypatch.setattr("motifzoo.evaluate.golden.attribute", lambda *a, **k: attribute(*a, **k, batch_size=60))
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", how != "without oneDNN")
    torch.set_num_threads(2 if how == "two threads" else threads)
    try:
        here, left_out = compute(load(str(original)), golden.codes)
    finally:
        torch.set_num_threads(threads)
    for drift in drifts(golden, here, left_out, "cpu", {}):
        assert not drift.beyond, drift


@pytest.mark.usefixtures("recorded")
def test_the_table_fits_80_columns(folder: Path) -> None:
    done = run("--quick", folder)
    assert done.output.splitlines()[-1] == "All is well."
    change(folder, {"logits": golden_of(folder).arrays["logits"] + 1})
    done = run("--quick", folder)
    assert max(map(len, done.output.splitlines())) <= 80
    assert " PROBLEM   golden values " in done.output
    assert done.output.splitlines()[-1] == "1 problem."


# Drift


def drifted(report: dict[str, Any]) -> set[str]:
    return {drift["quantity"] for drift in report["drifts"] if drift["beyond"]}


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_change_of_one_quantity_is_named_as_that(quantity: str, folder: Path) -> None:
    golden = golden_of(folder).arrays[quantity]
    change(folder, {quantity: golden + np.float32(0.02) * np.abs(golden).max()})
    code, report = examined(folder)
    assert (code, drifted(report)) == (1, {quantity})


@pytest.mark.usefixtures("recorded")
def test_the_library_that_differs_is_named(folder: Path) -> None:
    golden = golden_of(folder)
    others = {**golden.facts.versions, "tangermeme": "1.0.0", "python": "3.0"}
    change(folder, {"deepshap": golden.arrays["deepshap"] * np.float32(1.5)}, versions=others)
    code, report = examined(folder)
    assert code == 1
    assert problems(report) == [
        f"DeepSHAP drifted in 1 of 1 model on {golden.facts.device}: by up to 3.3e-01 (limit 1e-04): {NAME}. "
        f"What differs: tangermeme 1.0.0 there and {metadata.version('tangermeme')} here."
    ]
    notes = [finding["text"] for finding in report["findings"] if finding["subject"] == "versions"]
    assert notes == [
        f"python {golden.facts.versions['python']}; golden values are of 3.0",
        f"tangermeme {metadata.version('tangermeme')}; golden values are of 1.0.0",
    ]


@pytest.mark.usefixtures("recorded")
def test_a_library_that_a_quantity_does_not_use_is_not_blamed(folder: Path) -> None:
    golden = golden_of(folder)
    changed = {"logits": golden.arrays["logits"] + 1}
    change(folder, changed, versions={**golden.facts.versions, "tangermeme": "1.0.0"})
    assert problems(examined(folder)[1])[0].endswith(
        "Libraries and device are those of the golden values: please report this."
    )
    change(folder, changed, device="cpu (sparc, 3 threads)")
    assert problems(examined(folder)[1])[0].endswith(
        f"What differs: cpu (sparc, 3 threads) there and {golden.facts.device} here."
    )


def test_two_builds_of_one_version_differ_in_their_device(original: Path) -> None:
    """A wheel for CUDA has another local version than the one for CPUs that the zoo's golden values are of."""
    golden, gpu = golden_of(original), "cuda (NVIDIA A100)"
    golden = golden._replace(facts=golden.facts.model_copy(update={"versions": {"torch": "2.13.0+cpu"}}))
    device = f"{golden.facts.device} there and {gpu} here"

    def causes(torch_version: str) -> tuple[str, ...]:
        return drifts(golden, golden.arrays, {}, gpu, {"torch": torch_version})[0].causes

    assert causes("2.13.0+cu130") == causes("2.13.0") == (device,)
    assert causes("2.14.0+cu130") == ("torch 2.13.0+cpu there and 2.14.0+cu130 here", device)
    assert causes("2.13.0.post1") == ("torch 2.13.0+cpu there and 2.13.0.post1 here", device)
    case = examination._Case(find(str(original)), golden)
    assert [*examination._versions([case], {"torch": "2.13.0+cu130"})] == []
    assert [finding.text for finding in examination._versions([case], {"torch": "2.14.0"})] == [
        "torch 2.14.0; golden values are of 2.13.0+cpu"
    ]


def test_values_that_are_no_longer_there(original: Path) -> None:
    golden = golden_of(original)
    here = {name: array for name, array in golden.arrays.items() if name != "deepshap"}
    found = {
        drift.quantity: drift for drift in drifts(golden, here, {"deepshap": "it failed."}, golden.facts.device, {})
    }
    assert (found["deepshap"].size, found["deepshap"].reason, found["deepshap"].beyond) == (None, "it failed.", True)
    assert not found["logits"].beyond


def test_what_the_golden_values_leave_out_is_not_compared(original: Path) -> None:
    golden = golden_of(original)
    fewer = {name: array for name, array in golden.arrays.items() if name != "deepshap"}
    facts = golden.facts.model_copy(update={"left_out": {"deepshap": "no rule"}})
    compared = [drift.quantity for drift in drifts(Golden(facts, fewer), golden.arrays, {}, "cpu", {})]
    assert compared == [name for name in QUANTITIES if name != "deepshap"]


@pytest.mark.usefixtures("recorded")
def test_what_the_golden_values_leave_out_is_told(folder: Path) -> None:
    drop(folder, "deepshap", left_out={"deepshap": "it has no rule for attention."})
    code, report = examined(folder)
    assert code == 0
    assert f"no DeepSHAP for {NAME}: it has no rule for attention." in [
        finding["text"] for finding in report["findings"] if finding["level"] == "note"
    ]


@pytest.mark.usefixtures("recorded")
def test_golden_values_without_predictions_are_a_problem(folder: Path) -> None:
    everything = dict.fromkeys(golden_of(folder).arrays, "it was not there.")
    drop(folder, *everything, left_out=everything)
    code, report = examined(folder)
    assert (code, problems(report)) == (1, [f"{NAME}: its {GOLDEN} has no predictions: it was not there."])


@pytest.mark.usefixtures("recorded")
def test_golden_values_of_another_protocol_are_a_problem(folder: Path) -> None:
    change(folder, protocol=99)
    code, report = examined(folder)
    assert (code, problems(report)) == (
        1,
        [
            f"{NAME}: its {GOLDEN} is of protocol version 99, and this motifzoo follows {PROTOCOL}. Compute it anew: "
            "python -m motifzoo.evaluate.golden FOLDER"
        ],
    )


def test_a_model_of_many_roundings_has_wider_limits(original: Path) -> None:
    golden = golden_of(original)
    rough = Golden(golden.facts.model_copy(update={"rounding": {"logits": 0.01, "maxima": 1e-9}}), golden.arrays)
    limits = {drift.quantity: drift.limit for drift in drifts(rough, golden.arrays, {}, "cpu", {})}
    assert limits["logits"] == ROUNDINGS * 0.01
    assert limits["maxima"] == QUANTITIES["maxima"].limit


# Sizes, by hand


def test_logits_are_measured_in_units_of_the_largest_but_never_of_less_than_one() -> None:
    golden = np.array([[10.0, -20.0], [0.1, 0.0]], np.float32)
    here = golden + np.array([[2.0, 0.0], [0.0, 0.3]], np.float32)
    assert QUANTITIES["logits"].size(golden, here) == pytest.approx(0.3)


def test_one_sequence_at_a_kink_is_no_drift_of_gradients_and_half_of_them_are() -> None:
    golden = np.ones((8, 5), np.float32)
    here = golden.copy()
    here[:3, 2] = 4.0
    assert QUANTITIES["saliency"].size(golden, here) == 0.0
    assert QUANTITIES["mutagenesis"].size(golden, here) == 3.0
    here[3:5, 2] = 4.0
    assert QUANTITIES["saliency"].size(golden, here) == 3.0


def test_windows_that_come_and_go_are_counted() -> None:
    """Ten windows in two filters; one goes from the first filter, and two come to the second."""
    golden = np.zeros((2, 4, 20), np.float32)
    golden[0, 0], golden[1, 1] = 4, 6
    here = golden.copy()
    here[0, 0] -= 1
    here[1, 2] += 2
    assert QUANTITIES["counts"].size(golden, here) == pytest.approx(0.3)
    assert QUANTITIES["counts"].size(np.zeros_like(golden), np.zeros_like(golden)) == 0.0


@given(
    any_array(np.float32, (8, 6), elements=st.floats(-100, 100, width=32)),
    any_array(np.float32, (8, 6), elements=st.floats(-100, 100, width=32)),
    st.permutations(range(8)),
    st.sampled_from(["logits", "saliency", "mutagenesis", "integrated_gradients", "deepshap"]),
)
def test_sizes_are_nothing_for_equals_and_the_same_in_any_order(
    golden: npt.NDArray[np.float32], here: npt.NDArray[np.float32], order: list[int], name: str
) -> None:
    size = QUANTITIES[name].size
    assert size(golden, golden) == 0.0
    assert size(golden, here) >= 0.0
    assert size(golden[order], here[order]) == size(golden, here)
    assert size(-golden, -here) == size(golden, here)


# Damage


@pytest.mark.usefixtures("recorded")
def test_damaged_weights(folder: Path) -> None:
    path = folder / "trial-1" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    code, report = examined(folder)
    stated = read_config(folder).trial(1).sha256[:12]
    assert code == 1
    (problem,) = problems(report)
    assert problem.startswith(f"{NAME}:1: {path} has content hash ")
    assert problem.endswith(
        f" and config.json states {stated}: these are not the weights that were published. Fetch the model again."
    )


def test_a_trial_that_a_release_leaves_out_is_no_damage_but_the_first_is(folder: Path) -> None:
    left = len(read_config(folder).trials) - 1
    shutil.rmtree(folder / "trial-2")
    assert list(holdings.weights([find(str(folder))])) == [
        Finding("ok", "weights", f"{left} trials of 1 model as stated; 1 further trial not on this machine")
    ]
    (folder / "model.safetensors").unlink()
    code, report = examined(folder)
    assert code == 1
    assert problems(report)[0] == f"{NAME}:0: weights file {folder}/model.safetensors does not exist."


@pytest.mark.usefixtures("recorded")
def test_a_damaged_golden_file_does_not_keep_others_from_being_compared(original: Path, folder: Path) -> None:
    (folder / GOLDEN).write_bytes(b"")
    code, report = examined(folder, original)
    assert code == 1
    assert problems(report) == [f"{folder / GOLDEN} is cut short: 0 bytes are no safetensors file."]
    assert {drift["model"] for drift in report["drifts"]} == {NAME}


def test_a_folder_without_golden_values_is_no_damage(make_model: ModelFactory) -> None:
    code, report = examined(make_model())
    assert code == 0
    notes = [finding["text"] for finding in report["findings"] if finding["level"] == "note"]
    assert "1 model without golden.safetensors: tiny-relu.synthetic-codes" in notes


def test_a_damaged_config_is_an_error_of_the_usual_kind(folder: Path) -> None:
    (folder / "config.json").write_text("{}")
    done = run(folder)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {folder / 'config.json'} is not valid: ")


def test_an_unknown_model() -> None:
    done = run("cnn-dist-exponential.synthetic-code")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: unknown model 'cnn-dist-exponential.synthetic-code': did you mean ")


def test_a_packaged_model_without_golden_values_is_damage(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not one that a release leaves out with its weights."""
    for module in ("zoo.sources", "evaluate.doctor.examination"):
        monkeypatch.setattr(f"motifzoo.{module}.PRETRAINED", tmp_path)
    folders = [make_model(), make_model("other-relu.synthetic-codes"), make_model("absent-relu.synthetic-codes")]
    (folders[2] / "model.safetensors").unlink()
    code, report = examined(*folders)
    assert code == 1
    assert problems(report) == [
        "golden.safetensors is missing from 2 packaged models: tiny-relu.synthetic-codes, other-relu.synthetic-codes. "
        "Install motifzoo again."
    ]


# Devices


@pytest.fixture
def two_devices(recorded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a CUDA device, whatever this one has."""
    monkeypatch.setattr(examination, "_devices", lambda quick: ("cpu", "cuda"))
    monkeypatch.setattr("motifzoo.zoo.load.load_source", lambda source, device: None)
    monkeypatch.setattr("motifzoo.zoo.device.pick_device", lambda name: name)
    monkeypatch.setattr("motifzoo.zoo.device.describe_device", lambda device: device)


def refuse(monkeypatch: pytest.MonkeyPatch, device: str, error: RuntimeError, model: str = NAME) -> None:
    """What becomes of loading a model on a device; on others, and of other models, all is well."""

    def load_source(source: Source, where: str) -> None:
        if (where, source.config.name) == (device, model):
            raise error

    monkeypatch.setattr("motifzoo.zoo.load.load_source", load_source)


@pytest.fixture
def other(original: Path, tmp_path: Path) -> Path:
    """A model of another name with the same weights and golden values."""
    copy = Path(shutil.copytree(original, tmp_path / "other"))
    change(copy, model="other.synthetic-codes")
    write_config(read_config(copy).model_copy(update={"name": "other.synthetic-codes"}), copy)
    return copy


@pytest.mark.usefixtures("two_devices")
@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried to ..."), RuntimeError("CUDA error: out of memory\n...")],
)
def test_a_full_device_is_a_problem_of_that_model_there(
    error: RuntimeError, original: Path, other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "cuda", error)
    report = examine([find(str(original)), find(str(other))])
    assert [finding.text for finding in report.findings if finding.level == "problem"] == [
        f"1 model not computed on cuda ({NAME}): too little free memory. Run it again when other programs there have "
        "ended."
    ]
    assert [finding.text for finding in report.findings[-2:]] == [
        "2 models on cpu: the same but for rounding",
        "1 model on cuda: the same but for rounding",
    ]
    assert {(drift.model, drift.device) for drift in report.drifts} == {
        (NAME, "cpu"),
        ("other.synthetic-codes", "cpu"),
        ("other.synthetic-codes", "cuda"),
    }


@pytest.mark.usefixtures("two_devices")
def test_what_a_device_refuses_is_told_in_a_line(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "cuda", RuntimeError("CUDA error: no kernel image is available.\nCompile with ..."))
    report = examine([find(str(original))])
    assert [finding.text for finding in report.findings if finding.level == "problem"] == [
        f"1 model not computed on cuda ({NAME}): CUDA error: no kernel image is available."
    ]


@pytest.mark.usefixtures("two_devices")
def test_an_error_of_pytorch_on_the_cpu_is_not_hidden(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "cpu", RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        examine([find(str(original))])


# Data sets


def of_data_sets(**options: bool) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"ok": [], "problem": []}
    for finding in holdings.data_sets(**options):
        found[finding.level].append(finding.text)
    return found


def test_data_sets_here_and_not_yet_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path))
    found = of_data_sets(read=False)
    assert found["problem"] == []
    assert found["ok"][0] == "dhs-4cell: here, not read"
    assert found["ok"][1].endswith(
        "synthetic-codes, synthetic-motifs, tfbs-tp53: not built yet, which the first use does"
    )
    assert "basset" not in found["ok"][1]
    assert found["ok"][2:] == [
        "basset-dnase164: not built yet; `motifzoo datasets show NAME` says how to get their files, which nobody serves"
    ]


def test_a_damaged_copy_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = load_card("synthetic-codes")
    load_dataset("synthetic-codes")
    built = built_folder(card)
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path))
    folder = Path(shutil.copytree(built, built_folder(card)))
    assert of_data_sets(read=True)["ok"][0] == (
        "dhs-4cell, synthetic-codes: here, each with the fingerprint of its card"
    )
    (folder / "test.parquet").write_bytes(b"PAR1" * 100)
    (problem,) = of_data_sets(read=True)["problem"]
    assert problem.startswith("synthetic-codes: ")
    assert problem.endswith(" Its next use builds it anew.")
    (folder / "test.parquet").unlink()
    assert of_data_sets(read=False)["problem"] == [
        f"synthetic-codes: tables are missing from {folder}. Its next use builds it anew."
    ]
    load_dataset("synthetic-codes")
    assert of_data_sets(read=True)["problem"] == []


def test_an_own_data_set_whose_tables_are_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path))
    add(Request(name="tiny-own", file=labelled_fasta(tmp_path / "x.fa")))
    assert of_data_sets(read=True)["problem"] == []
    home = tmp_path / "datasets" / "tiny-own"
    (home / "train.parquet").unlink()
    assert of_data_sets(read=True)["problem"] == [f"tiny-own: its tables are missing from {home}. Add it again."]
    (home / "card.toml").write_text("name = 3")
    (problem,) = of_data_sets(read=True)["problem"]
    assert problem.startswith("tiny-own: the card of data set 'tiny-own' is not valid: ")


# The environment


def of_environment(subject: str) -> list[Finding]:
    return [finding for finding in environment.environment() if finding.subject == subject]


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path / "file" / "cache"))
    assert of_environment("cache") == [
        Finding(
            "problem",
            "cache",
            f"{tmp_path}/file/cache (not there yet): cannot write (Not a directory). Make it writable or set "
            "MOTIFZOO_CACHE to another folder.",
        )
    ]


def test_a_folder_that_is_looked_at_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "not" / "yet"))
    (finding,) = of_environment("own data")
    assert finding.level == "ok"
    assert finding.text.startswith(f"{tmp_path}/not/yet (not there yet): writable, ")
    assert list(tmp_path.iterdir()) == []


def test_little_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTIFZOO_CACHE", str(tmp_path))
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 123_000_000))  # type: ignore[attr-defined]
    assert of_environment("cache") == [Finding("note", "cache", f"{tmp_path}: writable, 0.1 GB free")]


def test_packages_that_are_missing_or_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(name: str) -> str:
        if name == "tangermeme":
            raise metadata.PackageNotFoundError(name)
        return "1.9.1" if name == "numpy" else metadata.version(name)

    monkeypatch.setattr(environment, "version", installed)
    assert [finding.text for finding in of_environment("packages")] == [
        "numpy 1.9.1 is installed and motifzoo needs >=2: pip install 'numpy>=2'",
        "tangermeme is not installed: pip install 'tangermeme>=1.5'",
    ]


def test_the_hub_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://me:secret@hub.example:8080/x")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/cache")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert of_environment("hub") == [
        Finding(
            "ok",
            "hub",
            "hub.example:8080, offline (HF_HUB_OFFLINE): only what is cached loads; a token is set; cache /cache",
        )
    ]


def test_the_hub_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://hub.example")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", "/cache")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert of_environment("hub") == [Finding("ok", "hub", "hub.example, not asked; no token; cache /cache")]


def test_a_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def of(mirror: object) -> tuple[str, str]:
        monkeypatch.setenv("MOTIFZOO_MIRROR", str(mirror))
        (finding,) = of_environment("mirror")
        return finding.level, finding.text

    assert of(tmp_path) == ("ok", f"upstream files come from folder {tmp_path} (MOTIFZOO_MIRROR)")
    assert of("https://me:secret@mirror.example/x") == (
        "ok",
        "upstream files come from mirror.example (MOTIFZOO_MIRROR)",
    )
    assert of(tmp_path / "none") == ("problem", f"MOTIFZOO_MIRROR names {tmp_path}/none, and there is no such folder.")


# Quick, and the packaged models


@pytest.mark.usefixtures("recorded")
def test_quick_computes_one_model_an_architecture(original: Path, tmp_path: Path) -> None:
    sources = [find(str(original))]
    for name in ("other-a", "other-b"):
        copy = Path(shutil.copytree(original, tmp_path / name))
        change(copy, model=f"{name}.synthetic-codes")
        changes = {"name": f"{name}.synthetic-codes", "architecture": "other"}
        write_config(read_config(copy).model_copy(update=changes), copy)
        sources.append(find(str(copy)))
    quick = [drift.model for drift in examine(sources, quick=True).drifts]
    assert list(dict.fromkeys(quick)) == [NAME, "other-a.synthetic-codes"]
    assert len({drift.model for drift in examine(sources).drifts}) == 3


def test_every_packaged_model_has_golden_values_of_its_weights() -> None:
    """`python -m motifzoo.evaluate.golden` writes those that are missing."""
    for config in sorted(PRETRAINED.glob("*/config.json")):
        assert read_golden(config.parent, read_config(config.parent)) is not None, config.parent.name


@pytest.mark.slow
def test_every_packaged_model_gives_its_golden_values_here() -> None:
    """The scores of a sample of them are recomputed in test_zoo_scores.py."""
    report = examine([find(config.parent.name) for config in sorted(PRETRAINED.glob("*/config.json"))])
    assert [finding.text for finding in report.findings if finding.level == "problem"] == []
    assert len({drift.model for drift in report.drifts}) == len(list(PRETRAINED.glob("*/config.json")))
