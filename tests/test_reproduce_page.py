"""What `motifzoo reproduce` writes: a self-contained page that shows every trial, tables, and the same bytes again."""

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from click.testing import Result as Invoked
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from model_folders import ModelFactory
from own_files import labelled_fasta
from scipy import stats
from scored_models import measured, result, scored

from motifzoo.data_cards.own import Request, add
from motifzoo.errors import MotifzooError
from motifzoo.evaluate.cli import main
from motifzoo.evaluate.report.words import plural
from motifzoo.evaluate.reproduce.axes import Scale, close_scale, scale_of
from motifzoo.evaluate.reproduce.build import Reproduced, reproduce
from motifzoo.evaluate.reproduce.charts import dot_chart, swarm
from motifzoo.evaluate.reproduce.exports import SCHEMAS
from motifzoo.evaluate.reproduce.scatter import apart
from motifzoo.evaluate.reproduce.scored import Scored
from motifzoo.evaluate.reproduce.tables import answers
from motifzoo.evaluate.reproduce.wording import p_value
from motifzoo.evaluate.results import write_result
from motifzoo.zoo import sources
from motifzoo.zoo.recipe import packaged

VOID = {"meta", "link", "br", "wbr", "line", "path", "circle", "use"}
MATCH, ANY = "filters/match_fraction", "filters/match_any"
AUROC = "attribution/saliency/auroc"
PEAKS = ("chip-gabpa", "tfbs-tp53")


class Page(HTMLParser):
    """A page's elements with their attributes, and whether every tag is closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag, (tag, self.getpos())

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def whole() -> Scored:
    """Scores of some models of each question, one with a single trial, and one missing."""
    random = np.random.default_rng(0)
    models = [
        measured(
            f"{architecture}-{label}.{dataset}",
            {
                name: random.uniform(0.3, 1, trials).tolist()
                for name in ("classification/auroc", "classification/aupr", *names)
            },
        )
        for dataset, architecture, names in (
            ("synthetic-motifs", "cnn-deep", (MATCH, ANY)),
            ("synthetic-codes", "cnn-dist", (MATCH, ANY, AUROC)),
        )
        for label, trials in (("relu", 3), ("exponential", 3), ("elu", 1), ("exp_relu", 4), ("relu-shuffled", 3))
    ]
    return scored(*models, missing=["cnn-deep-tanh.synthetic-motifs"], problems=["<b>a & b</b> is left out."])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    reproduce(whole(), folder)
    return folder


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "index.html").read_text(encoding="utf-8")


def test_the_page_is_well_formed_and_loads_nothing(page: str) -> None:
    parsed = Page(page)
    assert {tag for tag, _ in parsed.elements} & {"script", "img", "iframe", "object", "form"} == set()
    assert parsed.every("link") == [{"rel": "icon", "href": "data:,"}]
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
    identifiers = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    targets = {attributes["href"] for attributes in parsed.every("a")}
    assert {f"#{identifier}" for identifier in identifiers} >= {
        target for target in targets if target and target[0] == "#"
    }


def test_every_link_to_a_table_is_there(folder: Path, page: str) -> None:
    linked = {attributes["href"] for attributes in Page(page).every("a")}
    files = {path.name for path in folder.iterdir()}
    assert {f"{name}.{suffix}" for name in SCHEMAS for suffix in ("csv", "parquet")} <= linked & files
    assert files - linked == {"index.html", "reproduce.md"}


def test_every_chart_shows_every_trial_and_says_it_in_words(page: str) -> None:
    charts = re.findall(r'<div class="dots" role="img" aria-label="([^"]+)">(.*?)</div>', page)
    titles = {told.partition(";")[0] for told, _ in charts}
    assert "Filters matching a true motif, cnn-deep" in titles
    assert "Saliency AUROC, cnn-dist" in titles
    for told, drawn in charts:
        counted = sum(int(count) for count in re.findall(r"\(([0-9]+)\)", told))
        assert drawn.count("<circle") == counted
        assert ("chance" in drawn) == ("AUROC" in told)
        assert drawn.count("missing") == told.count("missing")
    main_chart = next(drawn for told, drawn in charts if told.startswith("Filters matching a true motif, cnn-deep"))
    value = whole().models[0].values[MATCH][1]
    assert f"relu, trial 1: {value:.3f}" in main_chart


def test_text_from_elsewhere_is_escaped(page: str) -> None:
    assert "&lt;b&gt;a &amp; b&lt;/b&gt; is left out." in page
    assert "<b>a & b" not in page


def test_hostile_labels_stay_text(tmp_path: Path) -> None:
    model = whole().models[0]._replace(name="x", label='"><script>alert(1)</script>')
    reproduce(scored(model), tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    Page(text)


def test_text_of_others_is_text_in_the_summary(tmp_path: Path) -> None:
    """Names of architectures are free; a page shows them as they are, and so does Markdown."""
    name = "my <script>alert(1)</script> | net [a](javascript:b) *c*"
    metrics = {
        MATCH: (0.1, 0.2),
        AUROC: (0.6, 0.7),
        "classification/auroc": (0.7, 0.8),
        "classification/aupr": (0.7, 0.8),
    }
    models = [measured(f"cnn-dist-{label}.synthetic-codes", metrics) for label in ("relu", "exponential", "exp_relu")]
    told = "a file\n\n# of <b>somebody</b> & of [others](x). `motifzoo evaluate` writes it again."
    reproduce(scored(*(model._replace(architecture=name) for model in models), problems=[told]), tmp_path)
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    html = MarkdownIt("commonmark").enable("table").render(text)
    parsed = Page(html)
    own = {"h1", "h2", "h3", "p", "blockquote", "code", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in parsed.elements} <= own
    headers = re.findall(r"<th[^>]*>(.*?)</th>", html)
    assert (
        html.count("my &lt;script&gt;alert(1)&lt;/script&gt; | net [a](javascript:b) *c*")
        > headers.count("activation")
        > 3
    )
    assert (
        "<p>a file # of &lt;b&gt;somebody&lt;/b&gt; &amp; of [others](x). <code>motifzoo evaluate</code> writes" in html
    )


@pytest.mark.parametrize("name", ["index.html", "values.csv", "summary.parquet", "reproduce.md"])
def test_files_of_others_are_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(MotifzooError) as error:
        reproduce(whole(), tmp_path)
    assert str(error.value) == (
        f"{tmp_path} holds {name}, which is not of a comparison, and this would replace it. Give an empty or a new "
        "folder with --output."
    )
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [(name, "mine")]


def test_a_comparison_is_replaced_also_one_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    reproduce(whole(), tmp_path)
    for path in [path for path in tmp_path.iterdir() if path.is_file() and path.name != "reproduce.md"]:
        path.unlink()  # the first file is what a run leaves that was killed after it
    reproduce(whole(), tmp_path)
    assert (tmp_path / "index.html").is_file()


def test_a_section_shows_no_network_without_what_it_asks_about() -> None:
    """Modified activations and controls: where a network has none, its plain ones would only stand there twice."""
    models = [*whole().models, measured("cnn-2-relu.synthetic-motifs", {MATCH: (0.5, 0.6)})]
    found = {answer.question.id: answer for answer in answers(scored(*models))}
    shown = {name: {panel.architecture for panel in answer.panels} for name, answer in found.items()}
    assert shown["motifs"] == {"cnn-2", "cnn-deep"}
    assert shown["modified-motifs"] == shown["controls-motifs"] == {"cnn-deep"}
    none = answers(
        scored(*(model for model in models if "_" not in model.name), missing=["cnn-2-exp_relu.synthetic-motifs"])
    )
    assert "modified-motifs" not in {answer.question.id for answer in none}


def test_what_is_missing_is_on_the_page_and_in_the_summary(folder: Path, page: str) -> None:
    assert "<li>cnn-deep-tanh.synthetic-motifs: not trained</li>" in page
    text = (folder / "reproduce.md").read_text(encoding="utf-8")
    assert "| cnn-deep-tanh.synthetic-motifs | 10 | 0 | not trained |" in text
    assert "| tanh | missing |" in text


def test_tables_hold_every_value_and_are_the_same_in_both_formats(folder: Path) -> None:
    for name, schema in SCHEMAS.items():
        stored = pyarrow.parquet.read_table(folder / f"{name}.parquet")
        assert stored.schema.equals(schema)
        text = pyarrow.csv.read_csv(
            folder / f"{name}.csv",
            convert_options=pyarrow.csv.ConvertOptions(column_types=schema, strings_can_be_null=False),
        )
        assert text.equals(stored)
    rows = pyarrow.parquet.read_table(folder / "values.parquet").to_pylist()
    found = {(row["model"], row["metric"], row["trial"]): row["value"] for row in rows}
    assert found == {
        (model.name, metric, trial): value
        for model in whole().models
        for metric, values in model.values.items()
        for trial, value in zip(model.trials, values, strict=True)
    }
    controls = {row["model"] for row in rows if row["control"]}
    assert controls == {name for name in packaged() if name in {row["model"] for row in rows} and "shuffled" in name}


def test_the_same_scores_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    reproduce(whole(), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }


def test_no_scores_at_all(tmp_path: Path) -> None:
    with pytest.raises(MotifzooError) as caught:
        reproduce(scored(problems=["a is left out: b."]), tmp_path / "out")
    assert str(caught.value) == "there are no scores to compare. a is left out: b."
    assert not (tmp_path / "out").exists()


@given(st.lists(st.floats(0, 180), max_size=10))
def test_dots_of_a_row_do_not_cover_each_other_and_stay_in_it(places: list[float]) -> None:
    away = swarm(places)
    assert all(abs(y) <= 7.5 for y in away)
    dots = list(zip(places, away, strict=True))
    for index, (x, y) in enumerate(dots):
        for other_x, other_y in dots[:index]:
            assert abs(x - other_x) >= 4.8 or y != other_y


@given(st.lists(st.floats(0, 220), min_size=1, max_size=30))
def test_names_keep_apart_in_their_order_and_on_the_plot(wanted: list[float]) -> None:
    places = apart(sorted(wanted), 13, 220)
    gap = min(13, 220 / max(1, len(wanted) - 1))
    assert all(second - first >= gap - 1e-9 for first, second in pairwise(places))
    assert places[0] >= -1e-9
    assert places[-1] <= 220 + 1e-9


def test_names_with_room_stay_where_they_are() -> None:
    assert apart([10, 40, 100], 13, 220) == [10, 40, 100]
    assert apart([100, 100], 10, 220) == [95, 105]


@given(st.lists(st.floats(0, 1), min_size=1))
def test_scales_hold_their_values_and_have_few_ticks(values: list[float]) -> None:
    for scale in (close_scale(values, 100), scale_of(AUROC, values, 100), scale_of(MATCH, values, 100)):
        assert all(scale.holds(value) for value in values)
        assert 2 <= len(scale.ticks()) <= 5
        assert all(scale.holds(tick) for tick in scale.ticks())
    assert scale_of(AUROC, values, 100).low < 0.5  # chance is on it


def test_a_scale_by_hand() -> None:
    scale = Scale(0.5, 1.0, 200)
    assert [scale.at(value) for value in (0.5, 0.75, 1.0, 0.2, 3.0)] == [0, 100, 200, 0, 200]
    assert scale.ticks() == [0.5, 0.75, 1.0]


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.04567, "0.046"),
        (1.0, "1.000"),
        (0.001, "0.001"),
        (0.00012, "1.2e\u22124"),
        (3.4e-12, "3.4e\u221212"),
        (0.0, "< 1.0e\u221215"),
        (float("nan"), "\u2013"),
    ],
)
def test_p_values(p: float, text: str) -> None:
    assert p_value(p) == text


def invoke(*arguments: str | Path) -> Invoked:
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)], env={"COLUMNS": "80"})


def test_the_command_prints_a_summary_that_fits_80_columns(tmp_path: Path) -> None:
    done = invoke("--output", tmp_path)
    assert done.exit_code == 0, done.output
    assert all(len(line) <= 80 for line in done.stdout.splitlines()[:-1])
    assert done.stdout.splitlines()[-1] == f"page in {tmp_path / 'index.html'}"
    assert "match_fraction" in done.stdout
    # No cell is broken over two lines: every row has its five columns.
    rows = [line.split("  ") for line in done.stdout.splitlines() if re.match(r" (match_|saliency)", line)]
    assert all(len([cell for cell in row if cell.strip()]) == 5 for row in rows)


def test_the_command_prints_json(tmp_path: Path) -> None:
    done = invoke("*.synthetic-codes", "--json", "--output", tmp_path)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert {row["dataset"] for row in told["summary"]} == {"synthetic-codes"}
    assert told["models"] == len({row["model"] for row in told["summary"]})
    for row in told["tests"]:
        few = min(row["first_n"], row["second_n"]) < 2
        still = not few and row["first_sd"] == row["second_sd"] == 0
        assert (row["p"] is None) == (few or still) == row["verdict"].startswith("not tested: ")
        assert row["p"] != 0
    assert {row["dataset"] for row in told["trades"]} == {"synthetic-codes"}
    for row in told["correlations"]:
        points = [
            (point["classification_mean"], point["mean"])
            for point in told["trades"]
            if (point["architecture"], point["metric"]) == (row["architecture"], row["metric"])
        ]
        assert row["models"] == len(points)
        twins = {trial["model"] for trial in told["shared"] if trial["architecture"] == row["architecture"]}
        assert row["distinct"] == len(points) - max(0, len(twins) - 1)
        if not twins:
            assert row["rho"] == pytest.approx(stats.spearmanr(*zip(*points, strict=True)).statistic)
    assert len(told["tests"]) == pyarrow.parquet.read_table(tmp_path / "tests.parquet").num_rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--results", ".", "--recompute"),
            "--results reads scores and --recompute computes them: give one of the two.",
        ),
        (("--add-packaged",), "--add-packaged adds to the result files of --results: give both."),
        (("--jobs", "2"), "--jobs, --dask, --device and --fresh are about computing: give --recompute too."),
        (("--device", "cuda"), "--jobs, --dask, --device and --fresh are about computing: give --recompute too."),
        (("nothing*",), "no packaged model matches nothing*. `motifzoo models` lists them."),
        (("--recompute", "a*", "b*"), "no packaged model matches a* b*. `motifzoo models` lists them."),
    ],
)
def test_what_cannot_be_asked_for(arguments: Sequence[str], message: str, tmp_path: Path) -> None:
    done = invoke(*arguments, "--output", tmp_path / "out")
    assert done.exit_code != 0
    assert done.stderr.splitlines()[-1] == f"Error: {message}"
    assert not (tmp_path / "out").exists()


def test_the_command_reads_result_files_and_tells_what_it_leaves_out(tmp_path: Path) -> None:
    for trial, value in enumerate((0.5, 0.25)):
        write_result(result("cnn-dist-relu.synthetic-codes", trial, {MATCH: value}), tmp_path / "in" / str(trial))
    (tmp_path / "in" / "broken").mkdir()
    (tmp_path / "in" / "broken" / "result.json").write_text("nonsense")
    done = invoke("--results", tmp_path / "in", "--output", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    assert done.stderr.startswith(f"Notice: {tmp_path / 'in' / 'broken' / 'result.json'} is not a result file: ")
    (row,) = json.loads(done.stdout)["summary"]
    assert (row["mean"], row["n"], row["metric"]) == (0.375, 2, MATCH)


@pytest.fixture
def half_a_model(make_model: ModelFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a model on a data set of its own that lacks the weights of its second trial."""
    monkeypatch.setenv("MOTIFZOO_DATA", str(tmp_path / "data"))
    add(Request(file=labelled_fasta(tmp_path / "peaks.fa"), name="reproduce-tests"))
    folder = make_model("tiny-relu.reproduce-tests", dataset="reproduce-tests", input_length=60, trials=2)
    (folder / "trial-1" / "model.safetensors").unlink()
    return folder


def test_recomputing_names_failures_and_keeps_the_rest(
    half_a_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = half_a_model
    monkeypatch.setattr(sources, "_named", lambda **_: {folder.name: folder})
    done = invoke("--recompute", "--output", tmp_path / "out", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["trials"] == 1
    assert told["problems"] == [
        f"tiny-relu.reproduce-tests:1 could not be evaluated: weights file {folder / 'trial-1' / 'model.safetensors'} "
        "does not exist."
    ]
    assert done.stderr.splitlines()[-1] == (
        "Error: 1 trial could not be evaluated; the notices say why, and the page lists them."
    )
    assert (tmp_path / "out" / "results" / folder.name / "trial-0" / "reproduce-tests@1" / "result.json").is_file()


def test_recomputing_leaves_out_what_this_installation_does_not_hold(
    half_a_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = half_a_model
    monkeypatch.setattr(sources, "PRETRAINED", folder.parent)
    done = invoke("--recompute", "--output", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["trials"] == 1
    assert told["problems"] == [
        "1 trial is left out: not part of this installation, which holds one trial of each main model. Clone the "
        "repository and set MOTIFZOO_MODELS to its folder zoo/pretrained, which holds all trials of all models."
    ]


def test_reproduced_tells_what_it_wrote(tmp_path: Path) -> None:
    done: Reproduced = reproduce(whole(), tmp_path)
    assert {name: len(rows) for name, rows in done.tables.items()} == {
        name: pyarrow.parquet.read_table(tmp_path / f"{name}.parquet").num_rows for name in SCHEMAS
    }


def test_peaks_of_one_factor_have_a_section_each_and_one_link(tmp_path: Path) -> None:
    """Their maps are compared with a scan, and the page says so; the summary is of the study's own data sets."""
    names = {"filters/target_match": [0.25, 0.5], "attribution/saliency/scan_auroc": [0.7, 0.8]}
    models = [measured(f"cnn-dist-{label}.{data}", names) for label in ("relu", "exponential") for data in PEAKS]
    reproduce(scored(*models), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    headings = re.findall(r'<h2 id="((?:chip|tfbs)[^"]+)">([^<]+)</h2>', page)
    assert headings == [("chip-gabpa", "ChIP-seq peaks of GABPA"), ("tfbs-tp53", "Binding sites of TP53")]
    assert "ChIP-seq" not in page.partition('<h2 id="tfbs-tp53">')[2].partition("</section>")[0]
    assert re.findall(r'<a href="#(?:chip|tfbs)[^"]*">[^<]*</a>', page) == ['<a href="#chip-gabpa">One factor</a>']
    assert page.count("Attribution maps against a motif scan (AUROC), cnn-dist") == 4  # a heading, a table's caption
    assert "<b>chip-gabpa</b>" not in page


def still() -> Scored:
    """Two networks that score the same in every trial, and one that does not."""
    values = {"relu": (0.0, 0.0), "exponential": (0.9375, 0.9375), "elu": (0.25, 0.5)}
    return scored(*(measured(f"cnn-deep-{name}.synthetic-motifs", {MATCH: found}) for name, found in values.items()))


def test_trials_that_do_not_differ_have_no_interval_and_no_test(tmp_path: Path) -> None:
    done = reproduce(still(), tmp_path)
    ends = {row["label"]: (row["low"], row["high"]) for row in done.tables["summary"]}
    assert ends["relu"] == ends["exponential"] == (None, None)
    assert None not in ends["elu"]
    verdicts = {row["second"].partition(".")[0]: (row["p"], row["verdict"]) for row in done.tables["tests"]}
    assert verdicts["cnn-deep-relu"] == (None, "not tested: no spread in either")
    assert verdicts["cnn-deep-elu"][0] > 0
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "0.0e" not in page
    assert "0.938 to 0.938" not in page
    row = re.search(r'<th scope="row">relu</th>.*?</tr>', page)
    assert row is not None
    assert [text for text in re.findall(r"<td[^>]*>([^<]*)</td>", row[0]) if text] == [
        "2",
        "0.000",
        "0.000",
        "no spread",
        "0.938",
        "\u2013",
        "not tested: no spread in either",
    ]


def test_a_chart_draws_an_interval_where_trials_differ_only() -> None:
    panel = next(panel for answer in answers(still()) for panel in answer.panels)
    drawn = dot_chart(panel, [panel])
    rows = re.findall(r'<g class="(?:reference|other)">((?:<line.*?|<g class="trials">.*?))</g>(?=<g|</svg>)', drawn)
    assert len(rows) == 3  # relu, exponential, elu
    assert [('class="interval"' in row, 'class="mean"' in row) for row in rows] == [
        (False, True),
        (False, True),
        (True, True),
    ]


def test_each_plot_has_its_own_classification_axis(tmp_path: Path) -> None:
    """What all networks of one architecture reach is not squeezed by an architecture that does worse."""
    models = [
        measured(
            f"{architecture}-{label}.synthetic-motifs",
            {"classification/aupr": (low + step, low + step + 0.004), MATCH: (0.2 + step, 0.3 + step)},
        )
        for architecture, low in (("cnn-2", 0.9), ("cnn-50", 0.5))
        for label, step in (("relu", 0.0), ("exponential", 0.02), ("tanh", 0.04))
    ]
    reproduce(scored(*models), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    plots = re.findall(r'<svg class="scatter".*?</svg>', page)
    spans = []
    for plot in plots:
        places = [float(x) for x in re.findall(r'<circle cx="([0-9.]+)"', plot)]
        assert len(places) == 6
        spans.append(max(places) - min(places))
    assert len(spans) == 2
    assert min(spans) > 220 / 4  # on one scale from .45 to 1, those of cnn-2 would have 18 px
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    for shown in (page, text):
        assert "Does a better classifier have more readable motifs?" in shown
        assert "cnn-2, 3 models: \u03c1 = 1.00, p = 0.333" in shown
    assert "| relu | 0.902 \u00b1 0.003 (2) | 0.250 \u00b1 0.071 (2) |" in text
    numbers = re.search(r'<th scope="row">relu</th><td class="num n">2</td><td [^>]*>0.902</td>.*?</tr>', page)
    assert numbers is not None
    assert re.findall(r">([0-9.]+)</td>", numbers[0]) == ["2", "0.902", "0.003", "0.250", "0.071"]


def test_the_summary_in_markdown_has_no_empty_lines_of_a_list(tmp_path: Path) -> None:
    names = ("cnn-2-relu", "cnn-deep-relu", "cnn-deep-relu-shuffled", "cnn-2-exponential-shuffled")
    models = [measured(f"{name}.synthetic-motifs", {MATCH: (0.1, 0.2)}) for name in names]
    reproduce(scored(*models), tmp_path)
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8").partition("## Controls")[2]
    assert "- cnn-deep: Controls: not told apart: relu-shuffled." in text
    assert re.findall(r"^- [^:]*: *$", text, flags=re.MULTILINE) == []


def test_where_exponential_is_lower_stands_in_short_in_the_summary_and_in_the_terminal(tmp_path: Path) -> None:
    done = invoke("residualbind-*.chip-irf1", "--output", tmp_path)
    assert done.exit_code == 0, done.output
    assert all(len(line) <= 80 for line in done.stdout.splitlines()[:-1])
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    short = page.partition('<h2 id="short">')[2].partition("</section>")[0]
    said = "chip-irf1, residualbind, In silico mutagenesis AUROC, PWM scan: exponential 0.8"
    assert said in short
    assert "<table" not in short  # the main comparison is of other data sets
    assert f"- {said}" in text
    assert said in " ".join(done.stdout.split())
    reproduce(still(), tmp_path / "none")
    page = (tmp_path / "none" / "index.html").read_text(encoding="utf-8")
    assert "No test in any section below tells exponential apart as lower." in page


@pytest.mark.parametrize(
    "values",
    [
        {"relu": (0.1, 0.2)},
        {"relu": (0.1, 0.2), "exponential": (0.9,)},
        {"relu": (0.1, 0.1), "exponential": (0.9, 0.9)},
        {"relu": (0.1, 0.2), "shift_relu": (0.3, 0.4)},
    ],
)
def test_where_nothing_is_tested_against_exponential_the_page_says_so(
    values: dict[str, tuple[float, ...]], tmp_path: Path
) -> None:
    models = [measured(f"cnn-deep-{name}.synthetic-motifs", {MATCH: found}) for name, found in values.items()]
    reproduce(scored(*models), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "There is no test of exponential in any section below." in page
    assert "tells exponential apart as lower" not in page


def test_one_of_something_is_said_in_the_singular(tmp_path: Path) -> None:
    assert (plural(1, "model"), plural(0, "trial"), plural(2000, "trial")) == ("1 model", "0 trials", "2,000 trials")
    one = measured("cnn-deep-relu.synthetic-motifs", {MATCH: (0.5,)})
    reproduce(scored(one, missing=["cnn-deep-tanh.synthetic-motifs"]), tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert ": 1 model, 1 trial. " in page
    assert "<summary>synthetic-motifs: 1 model</summary>" in page
    done = invoke("cnn-2-relu.synthetic-motifs", "--output", tmp_path)
    assert "1 model of the recipes is missing or lacks trials; the page lists them." in done.stdout
    assert "no scores" in done.stdout
