"""Every command and snippet in the README runs, and the demo prints the table that the README shows."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from first_zoo import FIRST_ZOO, REAL_ZOO
from hub_server import HubServer, point_at

from motifzoo.data_cards.motifs import jaspar2016
from motifzoo.data_cards.onehot import decode
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.leaderboard.boards import EMBEDDED
from motifzoo.evaluate.leaderboard.store import read_records

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOTIFZOO = str(Path(sys.executable).parent / "motifzoo")
QUICK = {"models", "show", "datasets", "reproduce", "leaderboard"}
OWN = "my-tf"  # the README's example of one's own data set


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """The `motifzoo` commands, in order, without comments."""
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    parsed = [shlex.split(line, comments=True) for line in lines]
    return [words for words in parsed if words[:1] == ["motifzoo"]]


def run(words: list[str], cwd: Path) -> str:
    done = subprocess.run([MOTIFZOO, *words[1:]], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def scores(table: str) -> dict[str, tuple[float, int]]:
    """Metric -> value and n, from a printed table of one trial."""
    rows = re.findall(r"^ *([a-z_]+(?:/[a-z_]+)+) +([0-9.]+) +([0-9]+) *$", table, flags=re.MULTILINE)
    return {name: (float(value), int(n)) for name, value, n in rows}


def test_there_are_commands_and_snippets() -> None:
    assert {words[1] for words in commands()} == set(main.commands)
    assert len(blocks("python")) == 1
    assert len(scores(blocks("text")[0])) == 14


def test_the_loading_snippet_has_five_lines_and_runs(tmp_path: Path) -> None:
    snippet = blocks("python")[0]
    assert len([line for line in snippet.splitlines() if line.strip()]) == 5
    code = (
        snippet
        + "\nprint(tuple(probabilities.shape), float(probabilities.min()) >= 0, float(probabilities.max()) <= 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(5, 1) True True\n"


def anchors(text: str) -> set[str]:
    """What a Markdown page's headings are linked by."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if not target.startswith("https://"):
            path, _, section = target.partition("#")
            text = (ROOT / path).read_text(encoding="utf-8") if path else README
            assert not section or section in anchors(text), target


def is_quick(words: list[str]) -> bool:
    return words[1] in QUICK and not any(OWN in word for word in words) and words[2:3] != ["build"]


def is_of_a_hub(words: list[str]) -> bool:
    return any(word.startswith("hf://") for word in words)


@pytest.mark.parametrize("words", [words for words in commands() if is_quick(words)], ids=" ".join)
def test_quick_commands(words: list[str], tmp_path: Path) -> None:
    assert run(words, tmp_path)


def test_the_picture_says_what_the_zoo_gives() -> None:
    """Its headings and its first column of verdicts, recomputed; letters may differ by a rounded pixel elsewhere."""
    spec = importlib.util.spec_from_file_location("picture", ROOT / "docs" / "filters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = (ROOT / "docs" / "filters.svg").read_text(encoding="utf-8")
    pattern = r">([^<>]*: of [0-9]+ filters [^<>]*)<|>(no hit|[A-Za-z0-9:().]+  E)"
    found = re.findall(pattern, module.picture())
    assert len(found) == 2 + 2 * module.FILTERS
    assert found == re.findall(pattern, shown)


def write_own_files(folder: Path) -> None:
    """The files of the README's example: random DNA, half of it with the motif of TP53."""
    random = np.random.default_rng(0)
    motif = next(motif for motif in jaspar2016() if motif.id == "MA0106.3")
    for name, planted in (("peaks", True), ("background", False)):
        codes = random.integers(0, 4, (150, 120)).astype(np.uint8)
        if planted:
            codes[:, 50 : 50 + motif.width] = motif.probabilities.argmax(axis=0)
        text = "".join(f">{name}_{row}\n{sequence}\n" for row, sequence in enumerate(decode(codes)))
        (folder / f"{name}.fa").write_text(text)


@pytest.mark.parametrize("words", [words for words in commands() if is_of_a_hub(words)], ids=" ".join)
def test_commands_on_a_hub(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubServer(tmp_path / "hub", organisations={"MY-ORG": {"alice"}}) as server:
        point_at(monkeypatch, server, tmp_path / "home", "alice")
        assert "cnn-local-relu.synthetic-codes" in run(words, tmp_path)


def test_the_comparison_is_of_the_scores_that_models_carry() -> None:
    printed = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "comparison.py")], capture_output=True, text=True, check=True
    ).stdout
    for table in printed.strip().split("\n\n"):
        assert table in README


def test_what_the_text_says_of_controls_is_what_the_board_holds() -> None:
    rows = read_records(EMBEDDED)[0].values()

    def values(model: str, metric: str) -> list[float]:
        found = [row.metrics.get(metric) for row in rows if re.fullmatch(model, row.model)]
        return [value for value in found if value is not None]

    def mean(model: str, metric: str) -> float:
        return float(np.mean(values(rf"{model}\.synthetic-codes", metric)))

    mutagenesis = "attribution/mutagenesis/auroc"
    untrained = [mean(rf"{network}-\w+-untrained", mutagenesis) for network in ("cnn-local", "cnn-dist")]
    assert "has an AUROC of {:.2f} (cnn-local) and {:.2f} (cnn-dist)".format(*untrained) in README.replace("\n", " ")
    assert f"reaches {mean('motif-scan', mutagenesis):.3f}." in README.replace("\n", " ")


@pytest.mark.slow
def test_long_commands_in_the_readmes_order(tmp_path: Path) -> None:
    """`match` reads what `evaluate` wrote, and the trained folder evaluates."""
    write_own_files(tmp_path)
    (tmp_path / "board").mkdir()
    for words in commands():
        if not is_quick(words) and not is_of_a_hub(words):
            run(words, tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 2_000_000
    assert (tmp_path / "models" / "cnn-local-exponential.synthetic-codes" / "config.json").is_file()
    assert "TP53" in (tmp_path / "my-tf.html").read_text(encoding="utf-8")
    assert (tmp_path / "my-tf.fa").read_text(encoding="utf-8").count(">") == 300
    assert "recomputed" in (tmp_path / "site" / "synthetic-codes@1" / "index.html").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None or shutil.which("git") is None, reason="needs make and git")
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the git repository to clone")
def test_the_demo_in_a_fresh_clone_prints_the_readmes_table(tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(tmp_path / "clone")], check=True)
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    environment["MOTIFZOO_CACHE"] = str(tmp_path / "cache")
    done = subprocess.run(
        ["make", "demo"], cwd=tmp_path / "clone", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown, expected = scores(done.stdout), scores(blocks("text")[0])
    assert shown.keys() == expected.keys()
    for name, (value, n) in expected.items():
        # Four printed digits; other processors round the sums differently.
        assert shown[name][0] == pytest.approx(value, abs=2e-4), name
        assert shown[name][1] == n
    page = (tmp_path / "clone" / "demo" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") > 24


def score_rows(*patterns: str) -> dict[str, list[str]]:
    """The cells of the score tables' rows, by model, of the models on data sets that match."""
    return {
        cells[0]: cells[1:]
        for line in README.splitlines()
        if any(re.match(rf"\| [a-z0-9-]+\.{pattern}", line) for pattern in patterns)
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
    }


def recompute(rows: dict[str, list[str]], folder: Path) -> None:
    """Every model of a score table, every trial, from weights and data."""
    run(["motifzoo", "evaluate", *rows, "--all-trials", "--output", "results"], folder)
    printed = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "scores.py"), "results"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    again = {}
    for line in printed.splitlines():
        name, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        again[name] = cells
    for name, expected in rows.items():
        for shown, value in zip(again[name], expected, strict=True):
            # Three printed digits; other processors round the sums differently.
            assert shown == value or float(shown) == pytest.approx(float(value), abs=1.1e-3), name


def test_the_score_tables_are_of_the_zoo() -> None:
    assert score_rows("synthetic-").keys() == set(FIRST_ZOO)
    assert score_rows("dhs-", "chip-").keys() == set(REAL_ZOO)


@pytest.mark.slow
def test_the_scores_on_synthetic_data_are_what_the_zoo_gives(tmp_path: Path) -> None:
    recompute(score_rows("synthetic-"), tmp_path)


@pytest.mark.slow
def test_the_scores_on_packaged_real_dna_are_what_the_zoo_gives(tmp_path: Path) -> None:
    recompute(score_rows("dhs-"), tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the in vivo files are not here")
@pytest.mark.parametrize("pattern", ["chip-irf1", "chip-zbed2"])
def test_the_scores_on_chip_peaks_are_what_the_zoo_gives(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTIFZOO_MIRROR", str(SHARED))
    recompute(score_rows(pattern), tmp_path)
