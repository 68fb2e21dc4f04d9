"""The leaderboard's pages as files: complete, the same every time, small, and safe with what strangers write."""

import hashlib
import json
import re
import threading
import urllib.error
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args
from urllib.parse import unquote, urldefrag

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from site_boards import (
    AUROC,
    BENCHMARK,
    MATCH,
    checked,
    details_of,
    many,
    record,
    trials,
    write,
    write_files,
)

from motifzoo.data_cards.cards import load_card
from motifzoo.errors import BoardError
from motifzoo.evaluate.cli.site import build, serve
from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.entries import entries
from motifzoo.evaluate.leaderboard.ranking import rank
from motifzoo.evaluate.leaderboard.record import Control
from motifzoo.evaluate.leaderboard.site import build_site
from motifzoo.evaluate.leaderboard.site.columns import Scale, column, column_data, half_interval, steps, ten_thousandths
from motifzoo.evaluate.leaderboard.site.files import board_files
from motifzoo.evaluate.leaderboard.site.model_view import command_of
from motifzoo.evaluate.leaderboard.site.pages import STYLE, asset, embedded
from motifzoo.evaluate.leaderboard.site.serve import site_server
from motifzoo.evaluate.leaderboard.site.table import Table, gap_text, recomputed
from motifzoo.evaluate.leaderboard.site.words import CONTROL, CONTROLS, motif_words
from motifzoo.evaluate.statistics import Spread, spread

PAGE_BYTES = 500_000
VOID = {"meta", "link", "br", "wbr", "img", "input", "hr"}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`&{{7*7}}"


class Page(HTMLParser):
    """A page's elements, ids, links and text; every tag must be closed in order."""

    def __init__(self, path: Path):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if "script" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def values(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


def a_board(folder: Path) -> Path:
    """A board with an entry of every kind."""
    records = [
        *[
            checked(item, fresh=0.01 + item.trial / 1000)
            for item in trials("cnn-dist-relu.synthetic-codes", [0.9, 0.91, 0.92])
        ],
        *trials("cnn-dist-exponential.synthetic-codes", [0.95, 0.951, 0.952]),
        *trials("cnn-one-relu.synthetic-codes", [0.93]),
        *[checked(item, shift=-0.2) for item in trials("cnn-bold-relu.synthetic-codes", [0.99, 0.98])],
        *[checked(item, problem="it took too long") for item in trials("cnn-slow-relu.synthetic-codes", [0.5])],
        *trials("cnn-noise-relu.synthetic-codes", [0.5, 0.52], control="untrained"),
        *trials("cnn-old-relu.synthetic-codes", [0.8], data_fingerprint="0" * 64),
    ]
    write(folder, records)
    write_files(folder, details_of(record("cnn-dist-relu.synthetic-codes", 0, 0.9)))
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(open_board(str(a_board(folder / "board"))), folder / "pages")
    return folder / "pages"


def data_of(path: Path):
    """The data that a page holds for its script."""
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text())[1])


def model_page(site: Path, name: str) -> Page:
    return Page(site / BENCHMARK / "models" / f"{name}.synthetic-codes" / "index.html")


def test_every_link_and_image_leads_to_a_file_of_the_site(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 2 + 5 + 7  # first page, how to read it; four views and the comparison; a page a model
    for path in pages:
        page = Page(path)
        for link in page.values("href") + page.values("src"):
            place, fragment = urldefrag(link)
            if link == "data:,":
                continue
            target = (path.parent / unquote(place)).resolve() if place else path
            assert target.is_file(), (path, link)
            assert target.is_relative_to(site)
            if fragment and target.suffix == ".svg":
                assert f'<view id="{fragment}"' in target.read_text()
            elif fragment and "=" not in fragment:
                assert fragment in Page(target).values("id"), (path, link)


def test_pages_run_only_their_own_scripts(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = Page(path)
        (policy,) = [attributes["content"] for tag, attributes in page.elements if "http-equiv" in attributes]
        assert policy.startswith("default-src 'none'; script-src 'sha256-")
        assert "unsafe" not in policy
        names = {name for _, attributes in page.elements for name in attributes}
        assert [name for name in names if name.startswith("on") or name == "style"] == []
        assert [attributes for tag, attributes in page.elements if tag == "script" and "src" in attributes] == []


def test_the_same_board_gives_the_same_bytes(tmp_path: Path) -> None:
    board = a_board(tmp_path / "board")
    contents = []
    for name in ("one", "two"):
        build_site(open_board(str(board)), tmp_path / name)
        contents.append(
            {
                path.relative_to(tmp_path / name): path.read_bytes()
                for path in (tmp_path / name).rglob("*")
                if path.is_file()
            }
        )
    assert contents[0] == contents[1]


def test_a_space_needs_no_more_than_the_folder(site: Path) -> None:
    readme = (site / "README.md").read_text()
    assert readme.startswith("---\ntitle: motifzoo leaderboard\n")
    assert "\nsdk: static\napp_file: index.html\n" in readme


def test_rows_say_how_each_entry_stands(site: Path) -> None:
    text = (site / BENCHMARK / "index.html").read_text()
    rows = re.findall(
        r'<tr class="([^"]*)"><td class="rank">([^<]*)<small>([^<]*)</small></td><th[^>]*><a[^>]*>(.*?)</a>', text
    )
    assert rows == [
        ("g1 first", "1–2", "group 1", "cnn-dist-exponential"),
        ("g1", "1–3", "untested, n = 1", "cnn-one-relu"),
        ("g0 first", "2–3", "group 2", "cnn-dist-relu"),
        ("control", "–", "control", "cnn-noise-relu"),
        ("disputed", "–", "disputed", "cnn-bold-relu"),
        ("disputed", "–", "disputed", "cnn-slow-relu"),
    ]


def test_disputed_rows_show_both_numbers(site: Path) -> None:
    text = (site / BENCHMARK / "index.html").read_text()
    row = next(row for row in text.split("<tr ") if "cnn-bold-relu" in row)
    assert row.count("<em>recomputed 0.785</em>") == 6
    assert re.search(r">0\.985<small>±0\.064</small>", row)
    row = next(row for row in text.split("<tr ") if "cnn-slow-relu" in row)
    assert row.count("<em>not recomputed</em>") == 6
    page = model_page(site, "cnn-slow-relu")
    assert "disputed it took too long" in page.text


def test_only_metrics_in_dispute_are_marked() -> None:
    claim = checked(record(value=0.9), shift=-0.1)
    check = claim.verification.model_copy(update={"differs": (AUROC,)})
    (entry,) = entries([claim.model_copy(update={"verification": check})])[BENCHMARK]
    assert (recomputed(entry, AUROC), recomputed(entry, MATCH)) == ("recomputed 0.800", "")


def test_gap_of_fresh_draws_is_shown_where_there_is_one(site: Path) -> None:
    rows = (site / BENCHMARK / "index.html").read_text().split("<tr ")
    with_gap = next(row for row in rows if ">cnn-dist-relu<" in row)
    assert '<td class="gap">+0.011<em>above 0</em></td>' in with_gap
    assert '<td class="gap">–</td>' in next(row for row in rows if "cnn-one-relu" in row)
    text = model_page(site, "cnn-dist-relu").text
    assert "AUROC 0.910 ±0.025 0.010 2–3 group 2 0.910 0.910 0.899 +0.011 24 classes" in text


def test_older_results_stand_apart(site: Path) -> None:
    text = Page(site / BENCHMARK / "index.html").text
    assert "cnn-dist-relu" in data_of(site / BENCHMARK / "index.html")["models"]
    assert "cnn-old-relu" not in data_of(site / BENCHMARK / "index.html")["models"]
    assert "Older results" in text
    page = model_page(site, "cnn-old-relu").text
    assert "Older result. It was measured under another protocol, with other motifs or on other data" in page


def test_first_page_names_the_best_means_and_what_is_tied_or_untested(site: Path) -> None:
    text = Page(site / "index.html").text
    assert (
        "synthetic-codes@1 Synthetic regulatory codes (task 3) 5 10 1 "
        "AUROC 0.951 cnn-dist-exponential (none tied, 1 untested)"
    ) in text


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("chip-zbed2", "Known motif, from JASPAR 2016: IRF1 (MA0050.2) for class ZBED2 peak."),
        (
            "dhs-4cell",
            "Known motifs, from JASPAR 2016: GATA1 (MA0035.3) for class K562; Pou5f1::Sox2 (MA0142.1) and ZIC3 "
            "(MA0697.1) for class hESCT0; HNF4G (MA0484.1) and FOXA2 (MA0047.2) for class HepG2; IRF1 (MA0050.2) and "
            "RUNX3 (MA0684.1) for class GM12878.",
        ),
        ("synthetic-codes", "True motifs, which decide the label: SP1, Gabpa, CEBPB, MAX, YY1."),
        ("basset-dnase164", ""),
    ],
)
def test_motifs_that_a_benchmark_is_scored_by(name: str, told: str) -> None:
    assert motif_words(load_card(name)) == told


def test_page_of_a_benchmark_names_its_motifs_and_what_to_beware_of(tmp_path: Path) -> None:
    card = load_card("chip-zbed2")
    stated = {"benchmark": card.benchmark, "data_fingerprint": card.fingerprint}
    board = write(tmp_path / "board", trials("residualbind-relu.chip-zbed2", [0.9, 0.8], **stated))
    build_site(open_board(str(board)), tmp_path / "pages")
    for view in ("index", "filters"):
        text = Page(tmp_path / "pages" / card.benchmark / f"{view}.html").text
        assert motif_words(card) in text
        assert f"What to beware of in these data {' '.join(card.traps)}" in text


def test_page_of_a_control_says_what_it_is_in_a_sentence(tmp_path: Path) -> None:
    claims = trials("cnn-a-relu.synthetic-codes", [0.5], control="shuffled_labels")
    build_site(open_board(str(write(tmp_path / "board", claims))), tmp_path / "pages")
    told = "This is a control: networks trained on shuffled labels, from which there was nothing to learn."
    assert told in model_page(tmp_path / "pages", "cnn-a-relu").text
    assert set(CONTROL) == set(CONTROLS) == set(get_args(Control))


def test_model_page_has_filters_maps_trials_hashes_and_commands(site: Path) -> None:
    page = model_page(site, "cnn-dist-relu")
    for told in (
        "Trial 0: 3 filters: 1 hit at least one motif at E ≤ 0.1, 1 of them a ground-truth motif of the data set; "
        "1 hit none; 1 dead.",
        "✓ true motif YY1",
        "no windows: 2",
        "Test sequence 3",
        "motifzoo evaluate cnn-dist-relu.synthetic-codes:2",
        f"weights of trial 1 {record(trial=1).model_sha256}",
        "maintainer, 2026-11-21",
    ):
        assert told in page.text
    (name,) = {src for src in page.values("src") if src.startswith("filters") and src.endswith("f0")}
    assert name == "filters.svg#f0"
    assert len([src for src in page.values("src") if src.startswith("maps.svg#")]) == 2 * (1 + 4)
    alternatives = [attributes["alt"] for tag, attributes in page.elements if tag == "img"]
    assert alternatives[0].startswith("filter 0 over YY1 MA0095.2")
    assert "The board holds no pictures of this model." in model_page(site, "cnn-one-relu").text


def test_results_of_a_model_elsewhere_are_linked(tmp_path: Path) -> None:
    second = trials("cnn-dist-relu.synthetic-codes", [0.7], benchmark="synthetic-codes@2")
    board = write(tmp_path / "board", [*trials("cnn-dist-relu.synthetic-codes", [0.9, 0.92]), *second])
    build_site(open_board(str(board)), tmp_path / "pages")
    page = model_page(tmp_path / "pages", "cnn-dist-relu")
    assert "synthetic-codes@2 1 trial, claimed; AUROC 0.700" in page.text
    assert "../../../synthetic-codes@2/models/cnn-dist-relu.synthetic-codes/index.html" in page.values("href")


def test_hostile_words_are_only_words(tmp_path: Path) -> None:
    hostile = {
        "submitter": HOSTILE,
        "notes": (HOSTILE,),
        "device": HOSTILE,
        "activation": HOSTILE,
        "architecture": HOSTILE,
        "dataset": HOSTILE,
        "submitted": HOSTILE,
        "source": HOSTILE,
        "command": f"motifzoo evaluate x; {HOSTILE}",
        "versions": {HOSTILE: HOSTILE},
        "metrics": {AUROC: 0.9, "classification/auroc/a -- b (c)": 0.5},
        "n": {},
    }
    claims = [record("cnn-bad-relu.synthetic-codes", 0, **hostile), checked(record(trial=1), problem=HOSTILE)]
    board = write(tmp_path / "board", claims)
    write_files(board, {f"results/{BENCHMARK}/<b>{HOSTILE.replace('/', '')[:60]}/trial-0.json": b"<b>"})
    build_site(open_board(str(board)), tmp_path / "pages")
    for path in (tmp_path / "pages").rglob("*.html"):
        text = path.read_text()
        page = Page(path)
        assert "<img src=x" not in text
        assert "49" not in page.text or "{{7*7}}" in page.text
        scripts = [tag for tag, _ in page.elements if tag == "script"]
        assert len(scripts) == text.count("<script")
        assert len(scripts) == text.count("</script>")
        assert "<b>" not in re.sub(r"<b>[^<]*</b>", "", text)
    page = Page(tmp_path / "pages" / BENCHMARK / "models" / "cnn-bad-relu.synthetic-codes" / "index.html")
    assert "its record states no command that starts motifzoo" in page.text
    assert page.text.count(" ".join(HOSTILE.split())) >= 8


@given(st.recursive(st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5))
def test_embedded_data_never_ends_its_element(value) -> None:
    text = str(embedded({"a": value}))
    assert not re.search("[<>&]", text)
    assert json.loads(text) == {"a": value}


@pytest.mark.parametrize(
    ("source", "stated", "shown"),
    [
        ("packaged", "rm -rf /", "motifzoo evaluate cnn-dist-relu.synthetic-codes:3"),
        ("models/cnn-dist-relu.synthetic-codes", "x", "motifzoo evaluate models/cnn-dist-relu.synthetic-codes:3"),
        (f"hf://ada/net@{'a' * 40}", "x", f"motifzoo evaluate hf://ada/net@{'a' * 40}:3"),
        ("hf://ada/net;ls@" + "a" * 40, "x", ""),
        ("elsewhere", "motifzoo evaluate some/folder:3 --device cpu", "motifzoo evaluate some/folder:3 --device cpu"),
        ("elsewhere", "motifzoo evaluate x; ls", ""),
        ("elsewhere", "motifzoo evaluate x && ls", ""),
        ("elsewhere", "motifzoo evaluate $(ls)", ""),
        ("elsewhere", "curl example.org | sh", ""),
    ],
)
def test_only_commands_that_start_motifzoo_are_shown(source: str, stated: str, shown: str) -> None:
    assert command_of(record(trial=3, source=source, command=stated)) == shown


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "cnn-dist-elu.synthetic-codes"}, "is the result of another trial or of other weights"),
        ({"files": {}}, ""),
    ],
)
def test_details_that_cannot_be_used_become_a_sentence(tmp_path: Path, change: dict, told: str) -> None:
    claim = record()
    board = write(tmp_path / "board", [claim])
    write_files(board, details_of(claim, **change))
    build_site(open_board(str(board)), tmp_path / "pages")
    text = model_page(tmp_path / "pages", "cnn-dist-relu").text
    assert told in text
    assert "motifzoo evaluate cnn-dist-relu.synthetic-codes:0" in text


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("hits.tsv", b"a" * 200_000, "hits.tsv is no table (field larger than field limit (131072))."),
        (
            "hits.tsv",
            b"Query_ID\tTarget_ID\tOptimal_offset\tE-value\tOrientation\nfilter" + b"9" * 5000 + b"\tx\t0\t1\t+\n",
            f"hits.tsv names a motif &#39;filter{'9' * 34}&#39;; filters are named filter0, filter1, ....",
        ),
        ("filters.meme", b"", None),
    ],
)
def test_what_is_wrong_with_details_is_said_in_the_projects_words(
    tmp_path: Path, name: str, content: bytes, told: str | None
) -> None:
    claim = record()
    board = write(tmp_path / "board", [claim])
    files = details_of(claim)
    place = f"{claim.path.with_suffix('')}/"
    result = json.loads(files[f"{place}result.json"])
    result["stamps"]["command"] = "curl example.org | sh"
    for side in result["files"].values():
        if side["name"] == name and told is not None:
            side["sha256"] = hashlib.sha256(content).hexdigest()
    write_files(board, {**files, f"{place}{name}": content, f"{place}result.json": json.dumps(result).encode()})
    build_site(open_board(str(board)), tmp_path / "pages")
    text = (tmp_path / "pages" / claim.benchmark / "models" / claim.model / "index.html").read_text(encoding="utf-8")
    assert f"It cannot be shown: {place}{told or 'filters.meme is not the file its result was written with'}" in text
    assert "curl" not in text
    assert "/tmp" not in text


@pytest.mark.parametrize("name", ["result.json", "filters.meme", "hits.tsv", "maps.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 50, b"<script>", b"x" * 8_000_001])
def test_broken_details_break_no_page(tmp_path: Path, name: str, content: bytes) -> None:
    claim = record()
    board = write(tmp_path / "board", [claim])
    files = details_of(claim)
    write_files(board, {path: content if path.endswith(name) else file for path, file in files.items()})
    build_site(open_board(str(board)), tmp_path / "pages")
    assert "It cannot be shown: " in model_page(tmp_path / "pages", "cnn-dist-relu").text


def test_pages_of_a_large_board_are_small() -> None:
    """Two thousand entries, with everything that a page loads but images."""
    table = Table(BENCHMARK, entries(many(2000))[BENCHMARK])
    sizes = {path: len(text.encode()) + len(asset(STYLE)) for path, text in board_files(table, (), {"revision": "0"})}
    assert {path.rpartition("/")[2] for path in sizes} == {
        "index.html",
        "classification.html",
        "filters.html",
        "attribution.html",
        "compare.html",
    }
    assert max(sizes.values()) < PAGE_BYTES, sizes


def test_page_of_a_model_with_very_many_trials_and_classes_is_small(tmp_path: Path) -> None:
    classes = {f"classification/auroc/class {index:04d} of a data set with many": 0.5 for index in range(1900)}
    notes = tuple(f"{index} " + "x" * 1900 for index in range(50))
    claims = trials("cnn-dist-relu.synthetic-codes", [0.9] * 200, metrics={AUROC: 0.9} | classes, notes=notes)
    build_site(open_board(str(write(tmp_path / "board", claims))), tmp_path / "pages")
    path = tmp_path / "pages" / BENCHMARK / "models" / "cnn-dist-relu.synthetic-codes" / "index.html"
    assert path.stat().st_size < PAGE_BYTES
    assert "The first 50 of 200 trials." in Page(path).text


@given(st.floats(-1, 1))
def test_numbers_of_the_script_print_as_python_prints(value: float) -> None:
    number = ten_thousandths(value)
    assert abs(number - value * 10_000) < 1.5
    assert (number + 5) // 10 == round(float(f"{value:.3f}") * 1000)


@given(st.lists(st.integers(-10_000, 10_000)))
def test_steps_add_up_to_the_values(values: list[int]) -> None:
    total, found = 0, []
    for step in steps(values):
        total += step
        found.append(total)
    assert found == values


@given(st.integers(-2000, 12_000), st.integers(-2000, 12_000))
def test_scale_keeps_order_and_bounds(one: int, other: int) -> None:
    scale = Scale(5000, 10_000)
    assert 0 <= scale.place(one) <= 100
    assert scale.place(min(one, other)) <= scale.place(max(one, other))
    assert (scale.place(5000), scale.place(7500), scale.place(10_000)) == (0, 50, 100)


def test_half_of_an_interval() -> None:
    assert half_interval(spread([0.5, 0.52, 0.54])) == 50  # 4.303 x 0.02 / sqrt(3)
    assert half_interval(Spread(0.5, float("nan"), 1, float("nan"), float("nan"))) is None


def test_gap_as_text() -> None:
    assert [gap_text(value) for value in (123, -4, -6, 5, 10_000)] == ["+0.012", "0.000", "−0.001", "+0.001", "+1.000"]


def test_column_data_repeats_the_ranking() -> None:
    rows = entries(many(60))[BENCHMARK]
    ranked = rank(rows, AUROC)
    numbers = {id(entry): number for number, entry in enumerate(rows)}
    data = column_data(column(AUROC, ranked), numbers)
    assert [rows[number] for number in data["order"]] == [row.entry for row in ranked]
    assert data["untested"] == [place for place, row in enumerate(ranked) if len(row.entry.trials) == 1]
    groups = [row.group for row in ranked]
    assert data["leads"] == [groups.index(number) for number in range(1, max(groups) + 1)]
    best = [sum(data["best"][: place + 1]) for place in range(len(ranked))]
    assert best == [row.best_rank for row in ranked]


def test_undefined_scores_and_e_values_have_no_drawing() -> None:
    metrics = {AUROC: 0.9, MATCH: None, "filters/target_e": 3.1e-12}
    table = Table(BENCHMARK, entries(trials("a-relu.synthetic-codes", [0, 0], metrics=metrics))[BENCHMARK])
    assert table.metrics == (AUROC, "filters/target_e")
    (view,) = [view for view in table.views if view.name == "filters"]
    (row,) = table.rows(view)
    assert row.cells == (("3.1e-12", "", ""),)
    assert table.data(view)["metrics"][0]["e"] == ["3.1e-12"]


def test_a_board_without_results_is_a_page_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "board").mkdir()
    build_site(open_board(str(tmp_path / "board")), tmp_path / "pages")
    assert "There is no result on this board yet." in Page(tmp_path / "pages" / "index.html").text


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    board = open_board(str(write(tmp_path / "board", [record()])))
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("years")
    with pytest.raises(BoardError) as error:
        build_site(board, other)
    assert str(error.value) == (
        f"{other} holds something else than a leaderboard's pages, and a build would replace it. Give an empty or a "
        "new folder with --output."
    )
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]


def test_a_build_replaces_the_site_before_it_and_leaves_nothing_else(tmp_path: Path) -> None:
    board = write(tmp_path / "board", [record()])
    build_site(open_board(str(board)), tmp_path / "pages")
    (board / record().path).unlink()
    build_site(open_board(str(board)), tmp_path / "pages")
    assert not (tmp_path / "pages" / BENCHMARK).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board", "pages"]


def test_a_build_that_fails_leaves_the_site_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = open_board(str(write(tmp_path / "board", [record()])))
    build_site(board, tmp_path / "pages")
    before = (tmp_path / "pages" / "index.html").read_bytes()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BoardError) as error:
        build_site(board, tmp_path / "pages")
    assert str(error.value) == (
        f"cannot write the pages to {tmp_path / 'pages'}: No space left on device. Give another --output."
    )
    assert (tmp_path / "pages" / "index.html").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["board", "pages"]


def test_build_command(tmp_path: Path) -> None:
    board = write(tmp_path / "board", [record()])
    (board / f"results/{BENCHMARK}/cnn-dist-relu.synthetic-codes/trial-9.json").write_text("{")
    done = CliRunner().invoke(build, ["--board", str(board), "--output", str(tmp_path / "pages")])
    assert done.exit_code == 0
    assert done.stdout.startswith("10 files, ")
    assert done.stdout.endswith(f"open {tmp_path / 'pages' / 'index.html'}\n")
    assert "Notice: results/synthetic-codes@1/cnn-dist-relu.synthetic-codes/trial-9.json is not a record" in done.stderr


@pytest.fixture
def server(site: Path):
    with site_server(site, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def status_of(url: str, host: str | None = None) -> int:
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_server_gives_pages_to_this_machine_only(server: str, site: Path) -> None:
    port = server.rpartition(":")[2]
    (site.parent / "secret.txt").write_text("secret")
    (site / "link.txt").symlink_to(site.parent / "secret.txt")
    try:
        assert status_of(f"{server}/{BENCHMARK}/index.html") == 200
        assert status_of(f"{server}/index.html", f"localhost:{port}") == 200
        assert status_of(f"{server}/index.html", "evil.example") == 403
        assert status_of(f"{server}/index.html", f"evil.example:{port}") == 403
        assert status_of(f"{server}/../secret.txt") == 404
        assert status_of(f"{server}/%2e%2e/secret.txt") == 404
        assert status_of(f"{server}/link.txt") == 404
        assert status_of(f"{server}/{BENCHMARK}/models/") == 404
    finally:
        (site / "link.txt").unlink()


def test_serve_says_when_a_port_is_taken(server: str, tmp_path: Path) -> None:
    port = server.rpartition(":")[2]
    done = CliRunner().invoke(serve, ["--board", str(write(tmp_path / "board", [record()])), "--port", port])
    assert isinstance(done.exception, BoardError)
    assert str(done.exception) == (
        f"cannot serve on port {port} of 127.0.0.1: Address already in use. Give another --port, or 0 for a free one."
    )
