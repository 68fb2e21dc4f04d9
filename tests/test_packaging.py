"""What a user gets: the wheel holds the folders file by file, installs beside others, and says how to cite it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from motifzoo.zoo.config import read_config
from motifzoo.zoo.sources import PRETRAINED

ROOT = Path(__file__).parent.parent
LINKED = ("data_cards", "zoo", "evaluate")
MAX_WHEEL = 40_000_000  # bytes; a registry takes 100 MB, and nobody waits for a zoo that they load by name


def run(arguments: Sequence[str | Path], cwd: Path, **environment: str) -> str:
    """Standard output of a command; its errors are the failure's message."""
    done = subprocess.run(arguments, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def source_files(tree: Path) -> dict[str, bytes]:
    """Every file of the package in a checkout, by its path in an installed package."""
    found = {}
    folders = {"motifzoo": tree / "src" / "motifzoo"} | {f"motifzoo/{name}": tree / name for name in LINKED}
    for place, folder in folders.items():
        for path in folder.rglob("*"):
            inside = path.relative_to(folder)
            if path.is_file():
                found[f"{place}/{inside.as_posix()}"] = path.read_bytes()
    return found


def wheel_files(wheel: Path) -> dict[str, bytes]:
    """Every file of a wheel but its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout's package: a build in the checkout would pick up what earlier builds left there."""
    copy = tmp_path_factory.mktemp("checkout")
    leftovers = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*")
    for name in ("src", *LINKED):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=leftovers)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def build_wheel(tree: Path, folder: Path) -> Path:
    # The build back end stands in this environment already (torch needs it), so nothing is downloaded.
    run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", folder, "."], tree)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tree, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel installed; the dependencies are those of this environment."""
    target = tmp_path_factory.mktemp("site")
    run([sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", target, wheel], target)
    return target


SEVEN = {"linear", "relu", "elu", "softplus", "sigmoid", "tanh", "exponential"}


def is_left_out(name: str) -> bool:
    """Whether a wheel goes without a file: further trials, and the weights and golden values of all but main models."""
    inside = re.search(r"/pretrained/([^/]+)/(trial-[0-9]+/)?(.*)", name)
    if inside is None:
        return False
    model, further, file = inside.groups()
    activation, dataset = model.partition("-")[2].removeprefix("local-").split(".")
    activation = re.sub(r"^(deep|dist|2|50)-", "", activation)
    main = activation in (SEVEN if dataset.startswith("synthetic-") else {"relu", "exponential"})
    return further is not None or (file.endswith(".safetensors") and not main)


def test_wheel_holds_every_file_but_those_of_further_trials_and_other_models(tree: Path, wheel: Path) -> None:
    expected, found = source_files(tree), wheel_files(wheel)
    left_out = {name for name in expected if is_left_out(name)}
    assert len(left_out) >= 2 * 20  # weights and learning curve of each
    assert {
        f"motifzoo/zoo/pretrained/{model}.synthetic-codes/model.safetensors"
        for model in ("cnn-local-relu-shuffled", "cnn-dist-shift_scale_tanh", "cnn-local-log_relu-l2")
    } < left_out
    expected = {name: content for name, content in expected.items() if name not in left_out}
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


def test_wheel_holds_code_data_and_models(wheel: Path) -> None:
    found = wheel_files(wheel)
    assert {
        "motifzoo/py.typed",
        "motifzoo/data_cards/synthetic-codes/card.toml",
        "motifzoo/zoo/recipes/synthetic-codes.toml",
        "motifzoo/zoo/pretrained/cnn-dist-exponential.synthetic-codes/model.safetensors",
    } <= set(found)


def test_wheel_puts_one_package_into_a_users_environment(wheel: Path) -> None:
    """Top-level packages named `evaluate` and `zoo` would overwrite other projects' packages of these names."""
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        (listed,) = [archive.read(name).decode() for name in archive.namelist() if name.endswith("top_level.txt")]
    assert {top for top in tops if not top.endswith(".dist-info")} == {"motifzoo"}
    assert listed.split() == ["motifzoo"]


def test_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < MAX_WHEEL


def test_wheel_declares_licence_and_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
        (licence,) = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
    assert (metadata["License-Expression"], metadata["Requires-Python"]) == ("MIT", ">=3.11")


def test_source_distribution_builds_the_same_wheel(tree: Path, wheel: Path, tmp_path: Path) -> None:
    code = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"
    run([sys.executable, "-c", code, tmp_path], tree)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        assert [member.name for member in packed if member.issym()] == []
        packed.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    rebuilt = build_wheel(unpacked, tmp_path / "rebuilt")
    assert rebuilt.name == wheel.name
    assert wheel_files(rebuilt) == wheel_files(wheel)


def test_installed_wheel_lists_its_data_sets(installed: Path, tmp_path: Path) -> None:
    code = """
import json, motifzoo
from motifzoo.data_cards.cards import list_datasets, load_card
names = [load_card(name).name for name in list_datasets()]
print(json.dumps([motifzoo.__file__, motifzoo.__version__, names]))
"""
    output = run([sys.executable, "-c", code], tmp_path, PYTHONPATH=str(installed))
    place, version, names = json.loads(output)
    assert Path(place) == installed / "motifzoo" / "__init__.py"
    assert version in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert names == sorted(card.parent.name for card in (ROOT / "data_cards").glob("*/card.toml"))


def test_installed_wheel_says_where_other_trials_are(installed: Path, tmp_path: Path) -> None:
    code = """
import sys, motifzoo
try:
    print(len(motifzoo.load(sys.argv[1]).specs))
except motifzoo.errors.MotifzooError as error:
    print(error)
"""
    first, second = (f"cnn-local-relu.synthetic-codes{trial}" for trial in ("", ":1"))
    here = {"PYTHONPATH": str(installed)}
    assert run([sys.executable, "-c", code, first], tmp_path, **here) == "16\n"
    other = "cnn-local-exp_relu.synthetic-codes"
    elsewhere = (
        "not part of this installation, which holds one trial of each main model. Clone the repository and set "
        "MOTIFZOO_MODELS to its folder zoo/pretrained, which holds all trials of all models.\n"
    )
    for name, words in (
        (second, "trial 1 of cnn-local-relu.synthetic-codes is "),
        (other, f"trial 0 of {other} is "),
    ):
        assert run([sys.executable, "-c", code, name], tmp_path, **here) == words + elsewhere
    command = [sys.executable, installed / "bin" / "motifzoo"]
    rows = json.loads(run([*command, "models", "*.synthetic-codes", "--json"], tmp_path, **here))
    held = {row["name"]: row["here"] for row in rows}
    assert held["cnn-local-relu.synthetic-codes"] == [0]
    assert held[other] == []
    trials = len(read_config(PRETRAINED / other).trials)
    counted = "1 trial is " if trials == 1 else f"{trials} trials are "
    assert run([*command, "models", other], tmp_path, **here).splitlines()[-1] == counted + elsewhere.strip()
    shown = run([*command, "show", other], tmp_path, **here)
    assert shown.startswith("cnn-local-exp_relu.synthetic-codes: cnn-local with first-layer activation exp_relu\n")
    here["MOTIFZOO_MODELS"] = str(ROOT / "zoo" / "pretrained")
    for name in (second, other):
        assert run([sys.executable, "-c", code, name], tmp_path, **here) == "16\n"
    assert "installation" not in run([*command, "models"], tmp_path, **here)


def test_installed_wheel_is_well(installed: Path, tmp_path: Path) -> None:
    """Weights that a release leaves out are no damage."""
    command = [sys.executable, installed / "bin" / "motifzoo", "doctor", "cnn-local-*relu.synthetic-codes", "--json"]
    here = {"PYTHONPATH": str(installed), "MOTIFZOO_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    found = json.loads(run([*command, "--quick"], tmp_path, **here))["findings"]
    (weights,) = [finding["text"] for finding in found if finding["subject"] == "weights"]
    assert re.fullmatch(r"1 trial of 1 model as stated; [0-9]+ further trials not on this machine", weights)
    assert [finding for finding in found if "golden.safetensors" in finding["text"]] == []


def test_installed_wheel_has_the_command(installed: Path, tmp_path: Path) -> None:
    output = run([sys.executable, installed / "bin" / "motifzoo", "--help"], tmp_path, PYTHONPATH=str(installed))
    assert output.startswith("Usage: motifzoo")


def test_links_are_relative() -> None:
    """An absolute link works in one clone on one machine."""
    links = {name: os.readlink(ROOT / "src" / "motifzoo" / name) for name in LINKED}
    assert links == {name: f"../../{name}" for name in LINKED}


def test_constraints_pin_every_dependency() -> None:
    """Each dependency and test tool of pyproject.toml is pinned, and installed here as pinned."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [
        re.split(r"[^a-z0-9-]", entry)[0]
        for entry in project["dependencies"] + project["optional-dependencies"]["test"]
    ]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert lines[0] == "torch==2.13.0"
    assert [name for name in named if name not in pins] == []
    # A build's own label, such as torch's +cpu, is not part of a pin: which build to take is the user's matter.
    installed = {name: version(name).partition("+")[0] for name in pins}
    assert installed == pins


def test_citation_is_valid() -> None:
    """The fields that the Citation File Format 1.2.0 requires, and the paper as a reference."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert (citation["cff-version"], citation["type"], citation["license"]) == ("1.2.0", "software", project["license"])
    assert str(citation["version"]) == project["version"]
    assert "preferred-citation" not in citation
    (paper,) = citation["references"]
    assert paper == {
        "type": "article",
        "title": "Improving representations of genomic sequence motifs in convolutional networks "
        "with exponential activations",
        "authors": [
            {"family-names": "Koo", "given-names": "Peter K."},
            {"family-names": "Ploenzke", "given-names": "Matthew"},
        ],
        "journal": "Nature Machine Intelligence",
        "volume": 3,
        "start": 258,
        "end": 266,
        "year": 2021,
        "doi": "10.1038/s42256-020-00291-x",
    }
