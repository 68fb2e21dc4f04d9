"""What a submission may hold: the honest pass, the hostile are refused with every reason, and nothing of them runs."""

import json
import os
import pickle
import shutil
import socket
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from first_zoo import FIRST_ZOO
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_folders import ModelFactory
from safetensors.numpy import load_file, save_file

from motifzoo.errors import BoardError
from motifzoo.evaluate.leaderboard.submission import staging
from motifzoo.evaluate.leaderboard.submission.checks import check_folder
from motifzoo.evaluate.leaderboard.submission.configs import parse_strictly, variant_of
from motifzoo.evaluate.leaderboard.submission.cost import cost, evaluation_operations
from motifzoo.evaluate.leaderboard.submission.limits import LIMITS, Limits, printable, refusal
from motifzoo.evaluate.leaderboard.submission.listing import check_listing, is_allowed, is_kept
from motifzoo.evaluate.leaderboard.submission.staging import copy_in
from motifzoo.evaluate.leaderboard.submission.texts import check_readme, check_svg
from motifzoo.zoo.config import read_config, write_config
from motifzoo.zoo.layers import Activation, Attention, Conv, Dense, GlobalPool, Lstm, Residual
from motifzoo.zoo.sources import PRETRAINED
from motifzoo.zoo.weights import content_hash, read_weights

NAME = "tiny-relu.synthetic-codes"
ONE = f"submission {NAME} is refused for one reason:\n  - "
NOT_HELD = (
    "is not a file that a submission holds. These are: config.json, README.md, model.safetensors, "
    "trial-1/model.safetensors, trial-2/..., and training.json beside each."
)

Config = dict[str, Any]


@pytest.fixture
def folder(make_model: ModelFactory) -> Path:
    return make_model()


def reason(folder: Path, limits: Limits = LIMITS) -> str:
    """The one reason for which a folder is refused."""
    with pytest.raises(BoardError) as error:
        check_folder(folder, limits=limits)
    message = str(error.value)
    assert message.startswith(ONE), message
    return message.removeprefix(ONE)


def changed(folder: Path, change: Callable[[Config], object]) -> Path:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    return folder


def rewrite(folder: Path, change: Callable[[dict[str, np.ndarray]], object], trial: int = 0) -> Path:
    """Change a trial's tensors, and its hash in the config with them."""
    path = folder / "model.safetensors" if trial == 0 else folder / f"trial-{trial}" / "model.safetensors"
    arrays = load_file(path)
    change(arrays)
    save_file(arrays, path, {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    next(entry for entry in config["trials"] if entry["trial"] == trial)["sha256"] = content_hash(arrays)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


# What is in order.


def test_a_model_folder_passes(make_model: ModelFactory) -> None:
    folder = make_model(trials=2)
    assert check_folder(folder) == read_config(folder)


@pytest.mark.parametrize("name", FIRST_ZOO)
def test_the_published_models_pass(name: str) -> None:
    """All that motifzoo itself writes into a model's folder: cards, figures, scores, learning curves."""
    assert check_folder(PRETRAINED / name).name == name


def test_what_a_hub_repository_holds_beside_the_model_stays_behind(folder: Path, tmp_path: Path) -> None:
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    (folder / ".eval_results").mkdir()
    (folder / ".eval_results" / "synthetic-codes@1.yaml").write_text("[]\n")
    check_folder(folder)
    copied = copy_in(folder, tmp_path / "copy")
    assert sorted(path.name for path in copied.iterdir()) == ["config.json", "model.safetensors"]
    assert check_folder(copied) == read_config(folder)


# Files.


def put(name: str, content: bytes = b"x") -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return write


def a_pickle(folder: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, ("touch pwned",)

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))


def a_zip_bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "weights.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 10_000_000)


def a_socket(folder: Path) -> None:
    here = os.getcwd()
    os.chdir(folder)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("training.json")
    finally:
        os.chdir(here)


def a_device(folder: Path) -> None:
    try:
        os.mknod(folder / "training.json", 0o600 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")


def a_deep_folder(folder: Path) -> None:
    (folder / "/".join("d" * 50)).mkdir(parents=True)


def moved_and_linked(folder: Path) -> None:
    (folder / "config.json").rename(folder.parent / "elsewhere.json")
    (folder / "config.json").symlink_to(folder.parent / "elsewhere.json")


def hard_linked(folder: Path) -> None:
    os.link(folder / "model.safetensors", folder.parent / "second-name")


def a_folder_for_weights(folder: Path) -> None:
    (folder / "trial-1" / "model.safetensors").mkdir(parents=True)


HARD_LINK = "model.safetensors is a hard link: it can be changed under another name. Copy the folder (cp -r)."
CODE = "is code, and nothing of a submission runs. Say the network in config.json: motifzoo.export writes it."
PICKLE = "may hold a pickle, which can run code. Weights go into model.safetensors: motifzoo.export writes it."
MISSING = "config.json is missing: it is what makes a folder a model."
FILES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "code": (put("modeling.py", b"import os"), [f"modeling.py {CODE}"]),
    "shell": (put("setup.SH"), [f"setup.SH {CODE}"]),
    "pickle": (a_pickle, [f"pytorch_model.bin {PICKLE}"]),
    "array": (put("trial-1/x.npy"), [f"trial-1/x.npy {PICKLE}"]),
    "zip": (a_zip_bomb, ["weights.zip is an archive. Put the files themselves into the folder."]),
    "program": (put("run", b"\x7fELF"), [f"run {NOT_HELD}"]),
    "hidden": (put(".env"), [f".env {NOT_HELD}"]),
    "git": (put(".git/hooks/post-checkout"), [".git is a folder, not part of a submission."]),
    "other case": (put("Config.json"), [f"Config.json {NOT_HELD}"]),
    "look-alike": (put("\u0441onfig.json"), [f"\\u0441onfig.json {NOT_HELD}"]),
    "right to left": (put("README\u202edm.exe"), [f"README\\u202edm.exe {CODE}"]),
    "terminal": (put("\x1b[2Jclean\n"), [f"\\x1b[2Jclean\\n {NOT_HELD}"]),
    "trial 0": (put("trial-0/model.safetensors"), ["trial-0 is a folder, not part of a submission."]),
    "trial 01": (put("trial-01/model.safetensors"), ["trial-01 is a folder, not part of a submission."]),
    "deep": (a_deep_folder, ["d is a folder, not part of a submission."]),
    "link": (moved_and_linked, ["config.json is a symbolic link, not a file.", MISSING]),
    "link to folder": (
        lambda folder: (folder / "trial-1").symlink_to("/etc"),
        ["trial-1 is a symbolic link, not part of a submission."],
    ),
    "broken link": (
        lambda folder: (folder / "README.md").symlink_to("../../nowhere"),
        ["README.md is a symbolic link, not a file."],
    ),
    "pipe": (lambda folder: os.mkfifo(folder / "README.md"), ["README.md is a named pipe, not a file."]),
    "socket": (a_socket, ["training.json is a socket, not a file."]),
    "device": (a_device, ["training.json is a device, not a file."]),
    "folder": (a_folder_for_weights, ["trial-1/model.safetensors is a folder, not a file."]),
    "hard link": (hard_linked, [HARD_LINK]),
    "no config": (lambda folder: (folder / "config.json").unlink(), [MISSING]),
}


@pytest.mark.parametrize(("spoil", "reasons"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("check", [check_folder, lambda folder: copy_in(folder, folder.parent / "copy")])
def test_files_that_no_submission_holds(
    spoil: Callable[[Path], object],
    reasons: list[str],
    check: Callable[[Path], object],
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused from a listing alone, by the copy and by the check; nothing is read, run or copied."""
    monkeypatch.chdir(tmp_path)
    spoil(folder)
    with pytest.raises(BoardError) as error:
        check(folder)
    told = str(error.value).split(":\n", 1)[1].splitlines()
    assert told == [f"  - {each}" for each in reasons]
    assert not (tmp_path / "copy").exists()
    assert not (tmp_path / "pwned").exists()


def test_every_reason_is_listed(folder: Path) -> None:
    for name in ("a.py", "b.zip", "c"):
        put(name)(folder)
    with pytest.raises(BoardError) as error:
        check_folder(folder)
    assert str(error.value) == (
        f"submission {NAME} is refused for 3 reasons:\n  - a.py {CODE}\n"
        f"  - b.zip is an archive. Put the files themselves into the folder.\n  - c {NOT_HELD}"
    )


def test_very_many_reasons_are_cut_short() -> None:
    message = str(refusal("x", [f"reason {number}." for number in range(400)]))
    assert len(message.splitlines()) == 22
    assert message.endswith("  - reason 19.\n  - and 380 more reasons.")


def test_sizes_are_looked_at_before_anything_is_read(folder: Path) -> None:
    """Files that claim gigabytes and hold nothing on disk."""
    for name, size in (("config.json", 10**7), ("model.safetensors", 10**10), ("README.md", 10**9)):
        (folder / name).touch()
        os.truncate(folder / name, size)
    with pytest.raises(BoardError) as error:
        copy_in(folder, folder.parent / "copy")
    assert str(error.value).splitlines()[1:] == [
        "  - its files have 11,010,000,000 bytes together; the limit is 500,000,000.",
        "  - README.md has 1,000,000,000 bytes; the limit for it is 8,000,000.",
        "  - config.json has 10,000,000 bytes; the limit for it is 1,000,000.",
        "  - model.safetensors has 10,000,000,000 bytes; the limit for it is 200,000,000.",
    ]


def test_number_of_files(folder: Path) -> None:
    assert check_listing(
        dict.fromkeys([f"trial-{n}/model.safetensors" for n in range(1, 300)] + ["config.json"], 1)
    ) == ["it holds 300 files; the limit is 200."]
    (folder / "trial-1").mkdir()
    for number in range(1002):
        (folder / "trial-1" / f"{number:04}").touch()
    with pytest.raises(BoardError, match=r"trial-1/ holds more than 1,000 files; no submission needs as many\."):
        check_folder(folder)


@given(st.text(max_size=40))
def test_no_other_path_is_allowed(path: str) -> None:
    """What is allowed is one of few names in the folder or in trial-k, and nothing else."""
    if is_allowed(path):
        assert path.isascii()
        assert ".." not in path
        assert path.count("/") <= 1
    assert is_kept(path) <= is_allowed(path)


@pytest.mark.parametrize("path", ["../config.json", "/etc/passwd", "a\\..\\b", "trial-1/../../x"])
def test_paths_that_point_out(path: str) -> None:
    """A hub's listing may say anything."""
    assert check_listing({"config.json": 1, path: 1}) == [f"{printable(path)} points out of the folder."]


# The copy.


def test_the_copy_is_plain_and_private(folder: Path, tmp_path: Path) -> None:
    (folder / "config.json").chmod(0o777)
    copied = copy_in(folder, tmp_path / "copy")
    assert copied.stat().st_mode & 0o077 == 0
    assert (copied / "config.json").stat().st_mode & 0o111 == 0
    for name in ("config.json", "model.safetensors"):
        assert (copied / name).read_bytes() == (folder / name).read_bytes()


def test_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"PK")
    for name in ("model.zip", "nothing"):
        with pytest.raises(BoardError) as error:
            copy_in(tmp_path / name, tmp_path / "copy")
        assert str(error.value) == (
            f"submission {tmp_path / name} is refused for one reason:\n"
            "  - it is not a folder: give the folder that holds config.json."
        )


def replaced(path: Path) -> None:
    path.rename(path.with_name("old"))
    path.write_bytes(b"other")


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


@pytest.mark.parametrize(
    ("swap", "told"),
    [
        (replaced, "changed while it was read. Stop what writes to it, then submit again."),
        (linked, "cannot be read: Too many levels of symbolic links."),
        (Path.unlink, "changed while it was read. Stop what writes to it, then submit again."),
        (lambda path: path.write_bytes(b"longer than it was" * 9999), "changed while it was read."),
    ],
)
def test_a_file_that_is_swapped_after_the_listing(
    swap: Callable[[Path], object], told: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = staging.list_folder

    def listing(folder: Path) -> Any:
        found = real(folder)
        swap(folder / "config.json")
        return found

    monkeypatch.setattr(staging, "list_folder", listing)
    with pytest.raises(BoardError) as error:
        copy_in(folder, tmp_path / "copy")
    assert str(error.value).splitlines()[1].startswith(f"  - config.json {told}")


def test_a_folder_that_becomes_a_link_after_the_listing(
    make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files behind it are others, however they are called."""
    folder = make_model(trials=2)
    (tmp_path / "secrets").mkdir()
    shutil.copy(folder / "trial-1" / "model.safetensors", tmp_path / "secrets" / "model.safetensors")
    real = staging.list_folder

    def listing(folder: Path) -> Any:
        found = real(folder)
        (folder / "trial-1").rename(tmp_path / "away")
        (folder / "trial-1").symlink_to(tmp_path / "secrets")
        return found

    monkeypatch.setattr(staging, "list_folder", listing)
    with pytest.raises(BoardError, match=r"trial-1/model\.safetensors changed while it was read"):
        copy_in(folder, tmp_path / "copy")


def test_a_file_that_grows_while_it_is_read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fdopen

    def opened(descriptor: int, mode: str) -> Any:
        with (folder / "config.json").open("ab") as stream:
            stream.write(b" ")
        return real(descriptor, mode)

    monkeypatch.setattr(os, "fdopen", opened)
    with pytest.raises(BoardError, match=r"config\.json changed while it was read"):
        copy_in(folder, tmp_path / "copy")


# config.json.


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"name": "a", "name": "b"}', "the field 'name' is given twice"),
        ('{"seconds": NaN}', "NaN is not a number of JSON"),
        ('{"seconds": -Infinity}', "-Infinity is not a number of JSON"),
        ('{"seconds": 1e999}', "1e999 is larger than any number here"),
        ('{"\\u001b[31mred": 1, "\\u001b[31mred": 2}', "the field '\\x1b[31mred' is given twice"),
    ],
)
def test_json_that_says_two_things_or_none(folder: Path, text: str, told: str) -> None:
    (folder / "config.json").write_text(text)
    assert reason(folder) == f"config.json: {told}"


@pytest.mark.parametrize(
    "text", ["[" * 300_000, '{"a":' * 100_000, f'{{"format": {"9" * 50_000}}}', "\ud800", "", "[]"]
)
def test_hostile_json(folder: Path, text: str) -> None:
    (folder / "config.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    assert reason(folder).startswith("config.json: ")


def test_unknown_fields_reach_no_terminal(folder: Path) -> None:
    changed(folder, lambda config: config.update({"\x1b]0;owned\x07": 1}))
    assert reason(folder) == (
        "config.json: is not valid: \\x1b]0;owned\\x07: unknown field (known: format, name, architecture, activation, "
        "alphabet, input_length, outputs, layers, filter_layer, dataset, training, trials, licence)."
    )


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_strict_parsing_agrees_with_the_standard_library(value: Any) -> None:
    assert parse_strictly(json.dumps(value).encode()) == value


ALPHABET = "write it with letters a to z, digits, spaces and . , : ; / + @ - _ ( ) [ ] only, a letter or digit first."
CONFIGS: dict[str, tuple[Callable[[Config], object], str]] = {
    "script": (
        lambda config: config.update(architecture="<script>alert(1)</script>"),
        f"architecture is '<script>alert(1)</script>'; {ALPHABET}",
    ),
    "look-alike": (
        lambda config: config.update(architecture="\u0441nn-deep"),
        f"architecture is '\\\\u0441nn-deep'; {ALPHABET}",
    ),
    "device": (
        lambda config: config["trials"][0].update(device="cpu <b>"),
        f"device of trial 0 is 'cpu <b>'; {ALPHABET}",
    ),
    "terminal": (
        lambda config: config["trials"][0].update(device="cpu\x1b[2J"),
        "is not valid: trials.0.device: text cannot hold U+001B, which is not a visible character.",
    ),
    "licence": (
        lambda config: config.update(licence="MIT <a href=x>"),
        "licence is 'MIT <a href=x>'; write an SPDX identifier such as MIT or CC-BY-4.0.",
    ),
    "data": (
        lambda config: config["dataset"].update(fingerprint="0" * 64),
        "it was trained on data with fingerprint 000000000000 and synthetic-codes@1 has d9b1777e1d12.",
    ),
    "version": (
        lambda config: config["dataset"].update(version=7),
        "there is no benchmark synthetic-codes@7; `motifzoo datasets` lists the data sets.",
    ),
    "outputs": (
        lambda config: config.update(outputs=["<b>"]),
        "outputs must be the classes of synthetic-codes, in their order: 'core motifs only'.",
    ),
    "other data": (
        lambda config: config.update(name="tiny-relu.synthetic-motifs"),
        "the name tiny-relu.synthetic-motifs must end in .synthetic-codes, the name of its data.",
    ),
    "the study's name": (
        lambda config: config.update(name="cnn-deep-relu.synthetic-codes"),
        "the name cnn-deep-relu.synthetic-codes says architecture cnn-deep with relu, and the fields say tiny with "
        "relu. Choose another name.",
    ),
    "the study's architecture": (
        lambda config: config.update(architecture="cnn-deep"),
        "architecture cnn-deep is one of the study's, and the layers are others. Give a design of your own a name of "
        "its own.",
    ),
    "other case": (
        lambda config: config.update(architecture="CNN-Deep"),
        "architecture CNN-Deep is one of the study's, and the layers are others. Give a design of your own a name of "
        "its own.",
    ),
    "filter layer": (
        lambda config: config.update(filter_layer="conv1"),
        "filter_layer 'conv1' must be an activation, so that its maps have one.",
    ),
    "seed": (
        lambda config: config["trials"][0].update(seed=10**4000),
        "the seed of trial 0 is not between 0 and 2^63 - 1.",
    ),
    "negative seed": (
        lambda config: config["trials"][0].update(seed=-1),
        "the seed of trial 0 is not between 0 and 2^63 - 1.",
    ),
}


@pytest.mark.parametrize(("change", "told"), CONFIGS.values(), ids=CONFIGS)
def test_configs_that_mislead(folder: Path, change: Callable[[Config], object], told: str) -> None:
    assert reason(changed(folder, change)) == f"config.json: {told}"


def test_filters_after_pooling(make_model: ModelFactory) -> None:
    layers = (
        Conv(name="conv1", filters=4, kernel=5),
        *[layer for layer in read_config(make_model("small-relu.synthetic-codes")).layers if layer.name == "pool1"],
        Activation(name="conv1_activation", function="relu"),
        GlobalPool(name="global"),
        Dense(name="head", units=1),
    )
    assert reason(make_model(layers=layers)) == (
        "config.json: filter_layer 'conv1_activation' comes after the pool layer 'pool1'; filters can be matched with "
        "motifs only before any pooling."
    )


def test_input_of_another_length(make_model: ModelFactory) -> None:
    assert reason(make_model(input_length=150)) == (
        "config.json: input_length is 150 and the sequences of synthetic-codes have 200."
    )


def small_with(*inner: Any, filters: int = 4) -> tuple[Any, ...]:
    return (
        Conv(name="conv1", filters=filters, kernel=5),
        Activation(name="conv1_activation", function="relu"),
        *inner,
        GlobalPool(name="global"),
        Dense(name="head", units=1),
    )


def without_weights(make_model: ModelFactory, layers: tuple[Any, ...]) -> Path:
    """A folder whose network is never built: only config.json is about it."""
    folder = make_model()
    config = read_config(folder)
    write_config(config.model_copy(update={"layers": layers}), folder)
    return folder


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        (
            small_with(*[Lstm(name=f"lstm{n}", units=2) for n in range(9)]),
            "the network has 9 LSTM layers; the limit is 8, for the steps of each wait for the one before.",
        ),
        (
            small_with(Conv(name="wide", filters=2048, kernel=1), Conv(name="narrow", filters=2, kernel=1)),
            "",
        ),
        (
            small_with(Conv(name="wide", filters=2048, kernel=1), Activation(name="again", function="relu")),
            "the network holds 819,200 activations of one sequence at once; the limit is 500,000. Use fewer "
            "channels, or pool earlier.",
        ),
        (
            small_with(Conv(name="c", filters=64, kernel=1), Attention(name="a", heads=64)),
            "the network holds 5,196,800 activations of one sequence at once; the limit is 500,000. Use fewer "
            "channels, or pool earlier.",
        ),
        (
            small_with(Conv(name="c", filters=256, kernel=1), *[Residual(name=f"r{n}", kernel=19) for n in range(4)]),
            "evaluating the network takes 2.6e+15 operations; the limit is 1.0e+15. Use fewer channels or layers, or "
            "pool earlier.",
        ),
        (small_with(filters=1025), "'conv1_activation' has 1,025 filters; the limit is 1,024."),
    ],
)
def test_networks_that_take_forever_or_all_the_memory(
    make_model: ModelFactory, layers: tuple[Any, ...], told: str
) -> None:
    """Told from the specs: nothing is allocated, and the weights are not read."""
    folder = without_weights(make_model, layers)
    if told:
        assert reason(folder) == f"config.json: {told}"
    else:
        assert "lacks" in reason(folder)


def test_costs_by_hand() -> None:
    layers = (
        Conv(name="c", filters=8, kernel=5),  # 4 x 100 in, 8 x 100 out; 2 x 800 x 4 x 5
        Activation(name="a", function="relu"),  # 4 x 800
        GlobalPool(name="g"),  # 4 x 8
        Dense(name="d", units=2),  # 2 x 8 x 2
    )
    assert cost(layers, 100) == (1600, 32_000 + 3200 + 32 + 32, 0)
    # 3 passes over 1000 sequences; of 500 each 3 x 100 mutants, and 1 + 200 + 20 gradients at three passes.
    assert evaluation_operations(1.0, 100, 1000) == 3 * 1000 + 500 * (300 + 3 * 221)


def test_variants(folder: Path) -> None:
    config = read_config(folder)
    assert variant_of(config) == ""
    named = config.model_copy(update={"name": "cnn-dist-log_relu-l2.synthetic-codes"})
    assert variant_of(named) == "l2"


# Weights.


def test_weights_that_are_a_pickle(folder: Path) -> None:
    a_pickle(folder)
    (folder / "pytorch_model.bin").replace(folder / "model.safetensors")
    assert reason(folder) == (
        "model.safetensors is a pickle, not a safetensors file. Pickles can run code; nothing was loaded."
    )


@pytest.mark.parametrize("length", [0x0280, 0x0380, 0x0480, 0x0580, 0x4B50])
def test_headers_whose_length_reads_like_the_start_of_a_pickle(length: int, tmp_path: Path) -> None:
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode().ljust(length)
    path = tmp_path / "model.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header + np.float32(2.5).tobytes())
    assert read_weights(path) == {"a": np.float32(2.5)}


def test_a_header_of_ten_gigabytes(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((10**10).to_bytes(8, "little") + b"{}")
    assert reason(folder) == (
        "model.safetensors is not a usable safetensors file: its header claims 10,000,000,000 bytes; the limit is "
        "1,000,000."
    )


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ([0, 8], "tensor 'b' starts at byte 0 where 8 was expected"),
        ([16, 24], "tensor 'b' starts at byte 16 where 8 was expected"),
    ],
)
def test_tensors_that_overlap_or_leave_a_hole(folder: Path, second: list[int], told: str) -> None:
    header = {
        "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "b": {"dtype": "F32", "shape": [2], "data_offsets": second},
    }
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 24)
    assert reason(folder) == f"model.safetensors is damaged: {told}."


def test_weights_that_are_not_finite(folder: Path) -> None:
    rewrite(folder, lambda arrays: arrays["head.bias"].fill(np.nan))
    assert reason(folder) == "tensor 'head.bias' in model.safetensors holds 1 values that are NaN or infinite."


def test_subnormal_weights(folder: Path) -> None:
    rewrite(folder, lambda arrays: arrays["conv1.weight"].fill(1e-40))
    assert reason(folder) == (
        "model.safetensors has 216 of 289 values below 1.2e-38, the smallest normal number, which slow every step "
        "down. Set them to 0."
    )


def test_weights_of_another_network(folder: Path) -> None:
    rewrite(folder, lambda arrays: arrays.pop("head.bias"))
    assert reason(folder) == "model.safetensors does not fit config.json: it lacks 'head.bias'."


def test_the_hash_of_another_trial(make_model: ModelFactory) -> None:
    folder = make_model(trials=2)

    def swap(config: Config) -> None:
        first, second = config["trials"]
        first["sha256"], second["sha256"] = second["sha256"], first["sha256"]

    with pytest.raises(BoardError) as error:
        check_folder(changed(folder, swap))
    assert str(error.value).count("these are not the weights that were published") == 2


def test_one_training_submitted_as_two(make_model: ModelFactory) -> None:
    folder = make_model(trials=2)
    shutil.copy(folder / "model.safetensors", folder / "trial-1" / "model.safetensors")
    changed(folder, lambda config: config["trials"][1].update(sha256=config["trials"][0]["sha256"]))
    with pytest.raises(BoardError) as error:
        check_folder(folder)
    assert str(error.value).splitlines()[1] == (
        "  - config.json: is not valid: two trials have the same weights: 0 and 1."
    )


def test_one_training_with_noise_submitted_as_two(make_model: ModelFactory) -> None:
    folder = make_model(trials=2)
    shutil.copy(folder / "model.safetensors", folder / "trial-1" / "model.safetensors")
    rewrite(folder, lambda arrays: arrays["conv1.weight"].__imul__(np.float32(1.0001)), trial=1)
    assert reason(folder) == (
        "the weights of trials 0 and 1 differ by less than 0.1%: a trial is a network trained from another start."
    )


def test_trials_without_weights_and_weights_without_trials(make_model: ModelFactory) -> None:
    folder = make_model(trials=2)
    (folder / "trial-1").rename(folder / "trial-2")
    with pytest.raises(BoardError) as error:
        check_folder(folder)
    assert str(error.value).splitlines()[1:] == [
        "  - trial-1/model.safetensors, the weights of trial 1, is missing.",
        "  - trial-2/model.safetensors is of a trial that config.json does not have.",
    ]


# Texts.


def bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


READMES: dict[str, tuple[bytes, str]] = {
    "script": (
        b"# Hi\n<script>alert(1)</script>\n",
        "holds HTML (<script...). Write plain Markdown, and &lt; for <.",
    ),
    "image": (b"<img src=x onerror=alert(1)>", "holds HTML (<img...). Write plain Markdown, and &lt; for <."),
    "comment": (b"<!-- x -->", "holds HTML (<!--...). Write plain Markdown, and &lt; for <."),
    "code for some": (
        b"``` a`b\n<script>alert(1)</script>\n```\n",
        "holds HTML (<script...). Write plain Markdown, and &lt; for <.",
    ),
    "escaped code": (b"\\`<script>\\`", "holds HTML (<script...). Write plain Markdown, and &lt; for <."),
    "endless code": (
        b"`" * 200_000 + b"\na" * 200_000 + b"<b>",
        "holds HTML (<b...). Write plain Markdown, and &lt; for <.",
    ),
    "escaped link": (b"[x](javascript\\:alert(1))", "has a link to javascript:, which runs or holds something."),
    "link": (b"[x](JavaScript:alert(1))", "has a link to JavaScript:, which runs or holds something."),
    "hidden link": (b"[x]( &#106;avascript:alert(1))", "has a link to javascript:, which runs or holds something."),
    "reference": (b"[x]: data:text/html;base64,x", "has a link to data:, which runs or holds something."),
    "terminal": (b"ok\n\x1b[2Jgone", "holds U+001B (a control character) in line 2, which nobody can see. Remove it."),
    "zero": (b"a\0b", "holds U+0000 (a control character) in line 1, which nobody can see. Remove it."),
    "overwritten": (b"bad\rgood", "holds U+000D (a control character) in line 1, which nobody can see. Remove it."),
    "right to left": (
        "a\u202eb".encode(),
        "holds U+202E (RIGHT-TO-LEFT OVERRIDE) in line 1, which nobody can see. Remove it.",
    ),
    "zero width": ("a\u200bb".encode(), "holds U+200B (ZERO WIDTH SPACE) in line 1, which nobody can see. Remove it."),
    "binary": (b"\x7fELF\xff\xfe", "is not text: its byte 4 is not UTF-8."),
    "program": (b"#!/bin/sh\nrm -rf /\n", "begins with #!, as a program does."),
    "bomb": (
        f"---\n{bomb()}\n---\n".encode(),
        "has a front matter with anchors or aliases (& and *), which can grow without end.",
    ),
    "object": (
        b"---\na: !!python/object/apply:os.system [touch pwned]\n---\n",
        "has a front matter with the tag tag:yaml.org,2002:python/object/apply:os.system; only plain values belong "
        "there.",
    ),
    "deep": (b"---\na: " + b"[" * 30_000 + b"\n---\n", "has a front matter nested more than 16 deep."),
    "many": (b"---\n" + b"- a\n" * 15_900 + b"---\n", "has a front matter that is not a list of fields (name: value)."),
    "very many": (
        b"---\n- [" + b",".join([b"a"] * 30_000) + b"]\n---\n",
        "has a front matter of more than 20,000 parts.",
    ),
    "large": (
        b"---\n# " + b"a" * 64_000 + b"\n---\n",
        "has a front matter of 64,003 bytes; the limit is 64,000.",
    ),
    "endless": (b"---\nlicense: mit\n", "begins a front matter (---) that it does not end."),
    "other licence": (
        b"---\nlicense: gpl-3.0\n---\n",
        "says license: gpl-3.0 and config.json says MIT: they must agree.",
    ),
}


@pytest.mark.parametrize(("content", "told"), READMES.values(), ids=READMES)
def test_cards_that_do_something(
    folder: Path, content: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (folder / "README.md").write_bytes(content)
    assert reason(folder) == f"README.md {told}"
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    "content",
    [
        "# Modèle 模型\n\nPlain text, &lt;script> as text, <https://example.org>, 3 < 4.\n",
        "---\nlicense: mit\ntags: [a, b]\n---\n\n```python\nif 3 < 4: pass\n```\n",
        "\ufeff---\r\nlicense: MIT\r\n---\r\n\r\nFrom Windows.\r\n",
        "",
    ],
)
def test_cards_in_plain_markdown(folder: Path, content: str) -> None:
    (folder / "README.md").write_bytes(content.encode())
    check_folder(folder)


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"---\n{text}\n---\n".encode("utf-8", "replace"))
)
def test_no_card_crashes_the_check(content: bytes) -> None:
    assert all(told.startswith("README.md ") and told.isascii() for told in check_readme(content, "MIT"))


@pytest.mark.parametrize(
    ("inner", "told"),
    [
        ("<script>alert(1)</script>", "the element script"),
        ("<foreignObject/>", "the element foreignObject"),
        ('<path onload="alert(1)"/>', "the attribute onload='alert(1)'"),
        ('<use href="https://example.org/x.svg#a"/>', "the attribute href='https://example.org/x.svg#a'"),
        ('<path fill="url(https://example.org/x)"/>', "the value 'url(https://example.org/x)'"),
        ('<path style="a:b"/>', "the attribute style='a:b'"),
        ("<?xml-stylesheet href='x'?>", "the instruction xml-stylesheet"),
    ],
)
def test_figures_that_do_something(folder: Path, inner: str, told: str) -> None:
    content = f'<svg xmlns="http://www.w3.org/2000/svg">{inner}</svg>'
    (folder / "filters.svg").write_text(content)
    assert reason(folder) == f"filters.svg holds {told}, which no figure of motifzoo has. Leave the file out."


def test_entities_in_a_figure(folder: Path) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    content = f'<!DOCTYPE svg [<!ENTITY l0 "lol">{laughs}<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&l9;&x;</svg>'
    assert check_svg("filters.svg", content.encode()) == [
        "filters.svg holds a document type, which no figure of motifzoo has. Leave the file out."
    ]


@pytest.mark.parametrize("name", ["scores.json", "training.json"])
@pytest.mark.parametrize("content", ["[" * 100_000, '{"a": 1}', "null", "\x1b[2J"])
def test_generated_files_that_are_none(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    assert reason(folder).startswith(name)
    assert reason(folder).isprintable()


# What a refusal shows.


@given(st.text(max_size=300), st.integers(10, 200))
def test_a_strangers_text_cannot_move_the_cursor_or_turn_the_line(text: str, most: int) -> None:
    shown = printable(text, most)
    assert shown.isascii()
    assert all(letter.isprintable() for letter in shown)
    assert len(shown) <= most
    if len(text) <= most and text.isascii() and text.isprintable():
        assert shown == text


# Anything at all.


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))][bool(not path) :]


ODD = (
    st.sampled_from([0, -1, 1, 2**31, 10**30, 0.5, -0.0, 1e300, True, None, "", "relu", "\x1b[31m", "../x", [], {}])
    | st.text(max_size=20)
    | st.integers()
    | st.floats()
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small published model, to be spoiled in copies."""
    folder = tmp_path_factory.mktemp("whole") / "model"
    shutil.copytree(PRETRAINED / "cnn-local-relu.synthetic-codes", folder)
    return folder


def refused_or_not(folder: Path) -> None:
    """Checking raises nothing but a refusal, and that is fit for a terminal."""
    told = ""
    try:
        check_folder(folder)
    except BoardError as error:
        told = str(error)
    assert all(line.isascii() and line.isprintable() for line in told.splitlines())


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_change_of_a_config_crashes_the_check(whole: Path, data: st.DataObject) -> None:
    text = (whole / "config.json").read_text()
    config = json.loads(text)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(places(config)))
        holder = config
        for key in way:
            holder = holder[key]
        holder[last] = data.draw(ODD)
    try:
        (whole / "config.json").write_bytes(json.dumps(config).encode("utf-8", "surrogatepass"))
        refused_or_not(whole)
    finally:
        (whole / "config.json").write_text(text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(
        ["config.json", "README.md", "model.safetensors", "filters.svg", "scores.json", "training.json"]
    ),
    where=st.floats(0, 1),
    junk=st.binary(max_size=30),
    gone=st.integers(0, 30),
)
def test_no_change_of_bytes_crashes_the_check(whole: Path, name: str, where: float, junk: bytes, gone: int) -> None:
    content = (whole / name).read_bytes()
    begin = int(where * min(len(content), 4000))
    try:
        (whole / name).write_bytes(content[:begin] + junk + content[begin + gone :])
        refused_or_not(whole)
    finally:
        (whole / name).write_bytes(content)
