"""The report page: complete, self-contained, small, safe with hostile text, and honest about what is missing."""

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from safetensors.numpy import save_file

from motifzoo.data_cards.motifs import query_motif, search_database, write_meme
from motifzoo.errors import MotifzooError
from motifzoo.evaluate.match_tsv import hits_tsv
from motifzoo.evaluate.report import build_report, page
from motifzoo.evaluate.report.words import e_value, positions, score, seconds
from motifzoo.evaluate.results import FilterResult, Result, SideFile, Stamps
from motifzoo.evaluate.tomtom import consensus, match, pvalues
from motifzoo.metrics import auroc
from motifzoo.zoo.activations import FUNCTIONS
from motifzoo.zoo.architectures import ARCHITECTURES as BUILT
from motifzoo.zoo.glossary import ACTIVATIONS, ARCHITECTURES

MOTIFS = {motif.id: motif for motif in search_database()}
TRUTH = {"SP1": ("MA0079.3",), "MAX": ("MA0058.3",), "CEBPB": ("MA0466.2",), "YY1": ("MA0095.2",)}
METHODS = ("saliency", "mutagenesis", "integrated_gradients", "deepshap")
COMMAND = "motifzoo evaluate cnn-dist-exponential.synthetic-codes:0"
VOID = {"meta", "link", "br", "wbr", "img", "input", "hr"}


class Page(HTMLParser):
    """A page's elements, its text by element id or class, and whether every tag is closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    def values(self, name):
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def noisy(motif, share, rng, flank=4):
    """A filter's matrix: a motif diluted with uniform background, between random flanks."""
    core = (1 - share) * motif.probabilities + share * 0.25
    return np.concatenate([rng.dirichlet([60] * 4, flank).T, core, rng.dirichlet([60] * 4, flank).T], axis=1)


def result_in(
    folder,
    *,
    filters=12,
    dead=(),
    sequences=6,
    length=200,
    classes=1,
    attribution=True,
    seed=0,
    **changes,
):
    """A synthetic result and its side files: some filters on true motifs, some on others, some on nothing."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    queries, entries = [], []
    names = [identifiers[0] for identifiers in TRUTH.values()]
    for index in range(filters):
        if index in dead:
            continue
        if index % 3 == 2:
            matrix = rng.dirichlet([30] * 4, 20).T
        else:
            identifier = names[index % len(names)] if index % 3 == 0 else sorted(MOTIFS)[rng.integers(len(MOTIFS))]
            motif = MOTIFS[identifier] if index % 2 else MOTIFS[identifier].reverse_complement()
            matrix = noisy(motif, 0.1, rng)
        queries.append(query_motif(f"filter{index}", matrix))
    table = pvalues(queries, search_database()) if queries else None
    hits = table.hits(0.1) if table else []
    true = {identifier: name for name, identifiers in TRUTH.items() for identifier in identifiers}
    for index in range(filters):
        if index in dead:
            entries.append(FilterResult(filter=index, maximum=0.0, windows=0, dead="no windows"))
            continue
        row = [query.id for query in queries].index(f"filter{index}")
        best = table.best(row)
        found = tuple(hit.target_id for hit in hits if hit.query_id == queries[row].id)
        entries.append(
            FilterResult(
                filter=index,
                maximum=3.5,
                windows=200,
                dead=None,
                consensus=consensus(queries[row]),
                best_motif=best.target_id,
                best_motif_name=MOTIFS[best.target_id].name,
                best_e=best.e_value,
                hits=found,
                true_motif=next((true[identifier] for identifier in found if identifier in true), None),
            )
        )
    write_meme(folder / "filters.meme", queries)
    (folder / "hits.tsv").write_text(hits_tsv(hits))
    labels = (rng.random((300, classes)) < 0.4).astype(np.int8)
    probabilities = 1 / (1 + np.exp(-rng.normal(size=labels.shape) - 2 * labels))
    save_file({"probabilities": probabilities, "labels": labels}, folder / "predictions.safetensors")
    metrics = {"classification/auroc": 0.9126, "filters/match_fraction": 0.5, "filters/dead": len(dead) / filters}
    n = {"classification/auroc": classes, "filters/match_fraction": filters, "filters/dead": filters}
    if attribution:
        information = np.zeros((sequences, length))
        information[:, 20:32] = rng.uniform(0.5, 2, 12)
        maps = {method: rng.normal(size=(sequences, length)).astype(np.float32) for method in METHODS}
        arrays = {
            **maps,
            "rows": np.arange(sequences, dtype=np.int64) * 3,
            "codes": rng.integers(0, 4, (sequences, length)).astype(np.uint8),
            "information": information,
        }
        save_file(arrays, folder / "attribution.safetensors")
        metrics |= {f"attribution/{method}/auroc": 0.7 for method in METHODS}
        n |= {f"attribution/{method}/auroc": sequences for method in METHODS}
    result = Result(
        model="cnn-dist-exponential.synthetic-codes",
        trial=0,
        benchmark="synthetic-codes@1",
        architecture="cnn-dist",
        activation="exponential",
        dataset="synthetic-codes",
        metrics=metrics,
        n=n,
        filters=tuple(entries),
        notes=(),
        stamps=Stamps(
            model_sha256="ab" * 32,
            data_fingerprint="cd" * 32,
            motifs_sha256="ef" * 32,
            protocol=1,
            parameters={"filters/e_value": 0.1},
            seeds={"references": 0},
            versions={"motifzoo": "0.1.0", "torch": "2.13.0"},
            device="CPU",
            seconds={"filters": 2.5},
            started="2021-03-01T12:00:00+00:00",
            command=COMMAND,
        ),
        files={},
    )
    # No result has some of these values; a report shows what it is given.
    return stamped(result.model_copy(update=changes), folder), folder


def stamped(result, folder):
    files = {path.stem: SideFile(name=path.name, sha256=sha256(path)) for path in sorted(folder.iterdir())}
    return result.model_copy(update={"files": files})


def built(tmp_path, *evaluated):
    path = tmp_path / "report.html"
    build_report(evaluated, path)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A result with everything: hits, filters without, dead ones, attribution."""
    return result_in(tmp_path_factory.mktemp("usual") / "files", dead=(5, 8))


@pytest.fixture(scope="module")
def usual_page(usual, tmp_path_factory):
    return built(tmp_path_factory.mktemp("page"), usual)


def cards(text):
    """Each filter's card as (number, group title, HTML), in the page's order."""
    found = []
    for section in re.split(r"(?=<h[345]>)", text):
        title = re.match(r"<h\d>([^<]+) <span", section)
        for card in re.findall(r'<figure class="filter">.*?</figure>', section, flags=re.S):
            found.append((int(re.search(r"<span>Filter (\d+)</span>", card)[1]), title[1], card))
    return found


def images(html):
    """The SVG images of a piece of a page, parsed as XML."""
    return [ElementTree.fromstring(text) for text in re.findall(r"<svg\b.*?</svg>", html, flags=re.S)]


def top_letters(image):
    """x -> the uppermost letter of a logo's column."""
    upper = {}
    for use in image.iter("use"):
        x, y = float(use.get("x")), float(use.get("y"))
        if x not in upper or y < upper[x][0]:
            upper[x] = (y, use.get("href")[1:])
    return {x: letter for x, (_, letter) in upper.items()}


def check_self_contained(text, siblings=()):
    """Nothing is loaded or run; every reference leads somewhere on the page or to a named sibling."""
    parsed = Page(text)
    tags = {tag for tag, _ in parsed.elements}
    assert not tags & {"script", "iframe", "object", "embed", "img", "form", "base", "video", "audio"}
    names = {name for _, attributes in parsed.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")} | (names & {"src", "srcset", "xlink:href"})
    ids = parsed.values("id")
    assert len(ids) == len(set(ids))
    for href in parsed.values("href"):
        assert href == "data:," or unquote(href) in siblings or (href[0] == "#" and href[1:] in ids), href
    assert "http:" not in text
    assert "https:" not in text
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    policies = [attributes for tag, attributes in parsed.elements if tag == "meta" and "http-equiv" in attributes]
    assert policies == [
        {
            "http-equiv": "Content-Security-Policy",
            "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
            "base-uri 'none'; form-action 'none'",
        }
    ]
    return parsed


def test_page_is_self_contained(usual_page):
    check_self_contained(usual_page)


def test_images_are_well_formed_and_described(usual_page):
    found = images(usual_page)
    assert len(found) > 30
    for image in found:
        assert image.get("aria-hidden") == "true" or (image.get("role") == "img" and image.get("aria-label"))


def test_tables_have_headers(usual_page):
    tables = re.findall(r"<table.*?</table>", usual_page, flags=re.S)
    assert tables
    for table in tables:
        assert re.search(r'<th scope="(row|col)"', table)
        assert "<thead>" in table or "<caption>" in table


def test_page_says_what_was_evaluated(usual_page):
    text = Page(usual_page).text
    assert "cnn-dist-exponential. synthetic-codes, trial 0" in text
    for words in (
        "Synthetic regulatory codes (task 3)",
        "exponential, exp(x)",
        "four convolutions, 24 filters in the first, with small pools",
        "synthetic-codes@1",
        COMMAND,
        "2021-03-01T12:00:00+00:00",
        "ab" * 32,
        "2.13.0",
        "attribution.safetensors",
    ):
        assert words in text


def test_scores_have_three_decimals_n_and_direction(usual_page):
    text = Page(usual_page).text
    assert "AUROC 0.913 1 class higher Area under the ROC curve on the test split" in text
    assert "Dead filters 0.167 12 filters lower Share of filters without a motif" in text
    assert "In silico mutagenesis AUROC 0.700 6 sequences higher" in text


def test_every_filter_is_shown_best_first(usual, usual_page):
    result, _ = usual
    shown = [(number, title) for number, title, _ in cards(usual_page)]

    def group(entry):
        return 0 if entry.true_motif else 1 if entry.hits else 2

    alive = [entry for entry in result.filters if entry.dead is None]
    assert {group(entry) for entry in alive} == {0, 1, 2}
    titles = ("Match a true motif", "Match another motif", "No match")
    expected = sorted(alive, key=lambda entry: (group(entry), entry.best_e))
    assert shown == [(entry.filter, titles[group(entry)]) for entry in expected]
    assert "no windows 2 5, 8" in Page(usual_page).text


def test_cards_name_motif_and_e(usual, usual_page):
    result, _ = usual
    for number, _, card in cards(usual_page):
        entry = result.filters[number]
        text = Page(card).text
        assert f"{entry.best_motif_name} {entry.best_motif}" in text
        assert f"E {entry.best_e:.1e}" in text
        assert ("nearest:" in text) == (not entry.hits)
        assert (f"true motif {entry.true_motif}" in text) == (entry.true_motif is not None)
        assert images(card)[0].get("aria-label") == f"filter {number}: {entry.consensus}"


def test_motifs_line_up_with_the_filters_made_from_them(usual, usual_page):
    result, _ = usual
    compared = 0
    for number, _, card in cards(usual_page):
        entry = result.filters[number]
        # Every third filter is a true motif under noise; where that is the best hit, columns must read the same.
        if entry.true_motif is None or entry.best_motif not in sum(TRUTH.values(), ()):
            continue
        upper, lower = images(card)
        assert upper.get("viewBox") == lower.get("viewBox")
        strong = {
            float(use.get("x"))
            for use in lower.iter("use")
            if float(use.get("height")) > 0.6 * float(lower.get("height"))
        }
        mine, theirs = top_letters(upper), top_letters(lower)
        assert strong
        assert {x: mine[x] for x in strong} == {x: theirs[x] for x in strong}
        compared += 1
    assert compared >= 3


def test_a_better_hit_does_not_hide_the_true_motif(tmp_path):
    max_motif, usf = MOTIFS["MA0058.3"], "MA0093.2"
    folder = tmp_path / "files"
    result, _ = result_in(folder, filters=1)
    query = query_motif("filter0", max_motif.probabilities)
    write_meme(folder / "filters.meme", [query])
    hits = {hit.target_id: hit for hit in match([query], search_database())}
    (folder / "hits.tsv").write_text(hits_tsv([hits[usf], hits["MA0058.3"]]))
    entry = result.filters[0].model_copy(
        update={
            "best_motif": usf,
            "best_motif_name": "USF1",
            "best_e": hits[usf].e_value,
            "hits": (usf, "MA0058.3"),
            "true_motif": "MAX",
        }
    )
    text = Page(built(tmp_path, (stamped(result.model_copy(update={"filters": (entry,)}), folder), folder))).text
    assert f"USF1 MA0093.2 E {hits[usf].e_value:.1e}" in text
    assert f"also MAX MA0058.3 E {hits['MA0058.3'].e_value:.1e}" in text


def test_attribution_shows_the_first_sequences_with_their_own_auroc(usual, usual_page):
    from safetensors.numpy import load_file

    _, folder = usual
    arrays = load_file(folder / "attribution.safetensors")
    figures = re.findall(r'<figure class="sequence">.*?</figure>', usual_page, flags=re.S)
    assert [re.search(r"Test sequence (\d+)", figure)[1] for figure in figures] == ["0", "3", "6", "9"]
    for index, figure in enumerate(figures):
        captions = re.findall(r'<div class="caption"><b>(.*?)</b>(?: <span>(.*?)</span>)?', figure)
        truth = arrays["information"][index] > 0.01
        expected = [("True motifs", "")] + [
            (title, f"AUROC {auroc(truth, arrays[method][index])[0]:.3f}")
            for title, method in zip(
                ("Saliency", "In silico mutagenesis", "Integrated gradients", "DeepSHAP"), METHODS, strict=True
            )
        ]
        assert captions == expected
        tracks = images(figure)
        assert len(tracks) == 5
        for track in tracks:
            shades = [(shade.get("x"), shade.get("width")) for shade in track.iter("rect")]
            assert shades == [("120", "72")]
        assert "true motifs at positions 20-31" in tracks[0].get("aria-label")


def test_notes_and_undefined_scores(tmp_path):
    metrics = {"attribution/saliency/auroc": None, "attribution/deepshap/auroc": float("nan"), "filters/dead": None}
    notes = ("The saliency maps of 3 sequences are not finite.",)
    page_text = built(tmp_path, result_in(tmp_path / "files", filters=3, metrics=metrics, n={}, notes=notes))
    text = Page(page_text).text
    assert "Note " + notes[0] in text
    rows = {
        row[0]: row[1:]
        for row in re.findall(r'<th scope="row">([^<]*)</th>\s*<td class="num none">(.*?)</tr>', page_text, flags=re.S)
    }
    assert set(rows) == {"Saliency AUROC", "DeepSHAP AUROC", "Dead filters"}
    assert all("undefined" in row[0] for row in rows.values())
    assert notes[0] in rows["Saliency AUROC"][0]
    assert notes[0] not in rows["DeepSHAP AUROC"][0]
    assert "See the notes above." in rows["DeepSHAP AUROC"][0]


def test_an_undefined_classification_score_says_why(tmp_path):
    result, folder = result_in(tmp_path / "files", filters=2, metrics={"classification/auroc": None}, n={})
    save_file(
        {"probabilities": np.full((5, 1), 0.5), "labels": np.zeros((5, 1), np.int8)}, folder / "predictions.safetensors"
    )
    text = Page(built(tmp_path, (stamped(result, folder), folder))).text
    assert "core motifs only: every test sequence has label 0." in text
    assert "undefined: every test sequence has label 0" in text


def test_scores_of_single_classes_stay_out_of_the_table(tmp_path):
    metrics = {"classification/auroc": 0.5, "classification/auroc/SP1": 0.25, "mine/thing": 0.75}
    text = Page(built(tmp_path, result_in(tmp_path / "files", filters=2, metrics=metrics, n={}))).text
    assert "mine/thing 0.750" in text
    assert "classification/auroc/SP1" not in text


def test_scores_that_are_not_finite_leave_gaps(tmp_path):
    result, folder = result_in(tmp_path / "files", filters=2)
    from safetensors.numpy import load_file

    arrays = load_file(folder / "attribution.safetensors")
    arrays["saliency"][0, :3] = [np.nan, np.inf, -np.inf]
    arrays["information"][1] = 0
    save_file(arrays, folder / "attribution.safetensors")
    text = Page(built(tmp_path, (stamped(result, folder), folder))).text
    assert "Saliency AUROC undefined 3 of 200 not finite" in text
    assert "DeepSHAP AUROC undefined no true motif here" in text


def test_all_filters_dead_and_no_attribution(tmp_path):
    text = built(tmp_path, result_in(tmp_path / "files", filters=4, dead=range(4), attribution=False, classes=3))
    parsed = check_self_contained(text)
    assert cards(text) == []
    assert "4 filters: 0 hit at least one motif at E ≤ 0.1" in parsed.text
    assert "no windows 4 0, 1, 2, 3" in parsed.text
    assert "This result has no attribution maps: synthetic-codes@1 does not measure attribution." in parsed.text


def test_no_hits_at_all(tmp_path):
    result, folder = result_in(tmp_path / "files", filters=6)
    (folder / "hits.tsv").write_text(hits_tsv([]))
    entries = tuple(
        entry.model_copy(update={"hits": (), "true_motif": None, "best_e": 3.25}) for entry in result.filters
    )
    text = built(tmp_path, (stamped(result.model_copy(update={"filters": entries}), folder), folder))
    assert [title for _, title, _ in cards(text)] == ["No match"] * 6
    assert all("E 3.2e+00" in card for _, _, card in cards(text))


def test_a_result_with_scores_only(tmp_path):
    result, _ = result_in(tmp_path / "files", filters=2)
    bare = result.model_copy(update={"files": {}, "filters": ()})
    text = check_self_contained(built(tmp_path, (bare, tmp_path / "nowhere"))).text
    assert "AUROC 0.913" in text
    assert "First-layer filters" not in text


@pytest.mark.parametrize(("classes", "panels", "large"), [(1, 0, 2), (12, 12, 0), (164, 0, 2)])
def test_curves_of_few_and_many_classes(tmp_path, classes, panels, large):
    dataset = {1: "synthetic-codes", 12: "synthetic-motifs"}.get(classes, "elsewhere")
    evaluated = result_in(tmp_path / "files", filters=2, classes=classes, dataset=dataset, attribution=False)
    text = built(tmp_path, evaluated)
    parsed = check_self_contained(text)
    assert text.count('<figure class="panel">') == panels
    assert text.count('<figure class="large">') == large
    if classes == 12:
        for name in ("Arid3a", "CEBPB", "STAT1", "YY1"):
            assert re.search(rf"{name} AUROC 0\.\d{{3}} AUPR 0\.\d{{3}}", parsed.text)
    if classes == 164:
        assert "Areas of all 164 classes" in parsed.text
        assert re.search(r"best: class \d+ AUROC 0\.\d{3} median: class \d+ AUROC", parsed.text)
        assert all(f"class {index} 0." in parsed.text for index in range(164))


HOSTILE = '<script>alert("1")</script>&\'"><img src=x onerror=alert(1)>'


def test_hostile_text_is_shown_as_text(tmp_path):
    result, folder = result_in(
        tmp_path / "files",
        filters=3,
        dead=(1,),
        model=HOSTILE,
        dataset=HOSTILE,
        architecture=HOSTILE,
        activation=HOSTILE,
    )
    entries = [
        entry.model_copy(update={"best_motif_name": HOSTILE, "consensus": HOSTILE, "true_motif": HOSTILE})
        if entry.dead is None
        else entry.model_copy(update={"dead": HOSTILE})
        for entry in result.filters
    ]
    hostile = result.model_copy(
        update={
            "filters": tuple(entries),
            "notes": (HOSTILE,),
            "benchmark": HOSTILE,
            "metrics": {HOSTILE: None, "classification/auroc": 0.5},
            "stamps": result.stamps.model_copy(update={"command": HOSTILE, "versions": {HOSTILE: HOSTILE}}),
        }
    )
    one = check_self_contained(built(tmp_path, (hostile, folder)))
    assert one.text.count("<script>alert") >= 8
    check_self_contained(built(tmp_path, (hostile, folder), (result, folder)))


def test_several_trials_share_a_page_with_a_comparison(tmp_path):
    first = result_in(tmp_path / "a", filters=4, metrics={"classification/auroc": 0.91, "filters/dead": 0.0}, n={})
    second = result_in(tmp_path / "b", filters=4, trial=1, seed=1, metrics={"classification/auroc": None}, n={})
    text = built(tmp_path, first, second)
    parsed = check_self_contained(text)
    table = re.search(r'<table class="compare">.*?</table>', text, flags=re.S)[0]
    assert Page(table).text == (
        "Trial Classification Filter matching AUROC Dead filters "
        "cnn-dist-exponential. synthetic-codes:0 synthetic-codes@1 0.910 0.000 "
        "cnn-dist-exponential. synthetic-codes:1 synthetic-codes@1 undefined –"
    )
    assert [href for href in parsed.values("href") if href in ("#t1", "#t2")] == ["#t1", "#t2", "#t1", "#t2"]
    assert len(cards(text)) == 8


def test_more_than_four_trials_get_pages_of_their_own(tmp_path):
    model = "../a b<c>"
    evaluated = [
        result_in(tmp_path / f"files{index}", filters=2, sequences=1, trial=min(index, 3), seed=index, model=model)
        for index in range(5)
    ]
    names = [f"re port-.._a_b_c_-{trial}.html".replace(" ", "_") for trial in range(4)] + ["re_port-.._a_b_c_-3-2.html"]
    folder = tmp_path / "out"
    build_report(evaluated, folder / "re port.html")
    assert sorted(path.name for path in folder.iterdir()) == sorted([*names, "re port.html"])
    summary = check_self_contained((folder / "re port.html").read_text(encoding="utf-8"), names)
    assert [unquote(href) for href in summary.values("href") if href.endswith(".html")] == names
    assert "5 trials compared" in summary.text
    for name in names:
        sibling = check_self_contained((folder / name).read_text(encoding="utf-8"), ["re port.html"])
        assert "All trials" in sibling.text


def test_a_page_that_would_be_too_large_is_split(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "MAX_BYTES", 50_000)
    evaluated = [result_in(tmp_path / f"files{index}", filters=3, trial=index) for index in range(2)]
    build_report(evaluated, tmp_path / "out" / "r.html")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "r-cnn-dist-exponential.synthetic-codes-0.html",
        "r-cnn-dist-exponential.synthetic-codes-1.html",
        "r.html",
    ]


def test_pages_are_small(tmp_path):
    result, folder = result_in(tmp_path / "files", filters=32, sequences=4, classes=12)
    evaluated = [(result.model_copy(update={"trial": trial}), folder) for trial in range(3)]
    for count in (1, 3):
        path = tmp_path / f"{count}.html"
        build_report(evaluated[:count], path)
        text = path.read_text(encoding="utf-8")
        assert path.stat().st_size < 2_000_000
        assert len(cards(text)) == 32 * count
        assert text.count('class="track"') == 4 * 5 * count


def refused(tmp_path, evaluated):
    with pytest.raises(MotifzooError) as caught:
        build_report(evaluated, tmp_path / "report.html")
    return str(caught.value)


def test_nothing_to_report(tmp_path):
    assert refused(tmp_path, []) == "there is no result to report: evaluate at least one trial."


def test_missing_side_file_keeps_the_old_report(tmp_path):
    result, folder = result_in(tmp_path / "files", filters=2)
    (tmp_path / "report.html").write_text("old")
    (folder / "hits.tsv").unlink()
    assert refused(tmp_path, [(result, folder)]) == (
        f"{folder / 'hits.tsv'} cannot be read: No such file or directory. Evaluate again: {COMMAND}"
    )
    assert (tmp_path / "report.html").read_text() == "old"


def test_changed_side_file(tmp_path):
    result, folder = result_in(tmp_path / "files", filters=2)
    path = folder / "predictions.safetensors"
    before = sha256(path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert refused(tmp_path, [(result, folder)]) == (
        f"{path} is not the file its result was written with: SHA-256 {sha256(path)[:12]}..., not {before[:12]}.... "
        f"Evaluate again: {COMMAND}"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("hits.tsv", "Query_ID\tTarget_ID\n", "has no column E-value or Optimal_offset or Orientation"),
        (
            "hits.tsv",
            "Query_ID\tTarget_ID\tOptimal_offset\tE-value\tOrientation\nfilter0\tMA0058.3\tx\t1\t+\n",
            "line 2 is not a line of Tomtom's table",
        ),
        (
            "hits.tsv",
            "Query_ID\tTarget_ID\tOptimal_offset\tE-value\tOrientation\nconv1\tMA0058.3\t0\t1\t+\n",
            "names a motif 'conv1'; filters are named filter0, filter1, ...",
        ),
        ("predictions.safetensors", {"labels": np.zeros((2, 1))}, "has no tensor probabilities"),
        (
            "predictions.safetensors",
            {"labels": np.zeros((2, 1)), "probabilities": np.zeros((2, 2))},
            "has probabilities (2, 2) and labels (2, 1): both must be (N, C)",
        ),
        (
            "attribution.safetensors",
            {
                "rows": np.zeros(2, np.int64),
                "codes": np.zeros((2, 9), np.uint8),
                "information": np.zeros((2, 9)),
                "saliency": np.zeros((2, 8)),
            },
            "has saliency of shape (2, 8); its codes say (2, 9)",
        ),
    ],
)
def test_side_files_with_wrong_content(tmp_path, name, content, message):
    result, folder = result_in(tmp_path / "files", filters=2)
    if isinstance(content, str):
        (folder / name).write_text(content)
    else:
        save_file(content, folder / name)
    assert refused(tmp_path, [(stamped(result, folder), folder)]) == (
        f"{folder / name} {message}. Evaluate again: {COMMAND}"
    )


def test_side_files_that_lack_what_the_result_has(tmp_path):
    result, folder = result_in(tmp_path / "files", filters=2)
    (folder / "hits.tsv").write_text(hits_tsv([]))
    motif = result.filters[0].best_motif
    assert refused(tmp_path, [(stamped(result, folder), folder)]) == (
        f"hits.tsv has no line for filter 0 and motif {motif}. Evaluate again: {COMMAND}"
    )
    write_meme(folder / "filters.meme", [query_motif("filter7", np.full((4, 3), 0.25))])
    assert refused(tmp_path, [(stamped(result, folder), folder)]) == (
        f"filters.meme has no matrix of filter 0. Evaluate again: {COMMAND}"
    )


def test_words_cover_the_zoo():
    assert set(ACTIVATIONS) == set(FUNCTIONS)
    assert set(ARCHITECTURES) == set(BUILT)


def test_numbers_in_words():
    assert [score(value) for value in (0.12349, 1.0, None, float("nan"))] == [
        "0.123",
        "1.000",
        "undefined",
        "undefined",
    ]
    assert [e_value(value) for value in (3.14159e-12, 0.0598, 3.25)] == ["3.1e-12", "6.0e-02", "3.2e+00"]
    assert [seconds(value) for value in (0.421, 7.34, 59.96, 125.2)] == ["0.42 s", "7.3 s", "60.0 s", "2 min 5 s"]
    assert [positions(spans) for spans in ([], [(2, 5)], [(2, 5), (9, 10), (12, 20)])] == [
        "none",
        "2-4",
        "2-4, 9-9 and 12-19",
    ]


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def blended(ground, tint):
    """An rgba() tint over an opaque ground."""
    *colour, opacity = (float(value) for value in re.fullmatch(r"rgba\(([\d., ]+)\)", tint)[1].split(","))
    base = [int(ground[i : i + 2], 16) for i in (1, 3, 5)]
    mixed = [round(opacity * c + (1 - opacity) * b) for c, b in zip(colour, base, strict=True)]
    return "#" + "".join(f"{value:02x}" for value in mixed)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast(scheme):
    style = Path(page.__file__).with_name("style.css").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", style, flags=re.S)[scheme]
    short = dict(re.findall(r"--([\w-]+): ([^;]+);", block))
    colours = {
        name: "#" + "".join(2 * digit for digit in value[1:]) if re.fullmatch(r"#\w{3}", value) else value
        for name, value in short.items()
    }
    tinted = blended(colours["bg"], colours["true"])
    for ground in (colours["bg"], colours["panel"], colours["soft"], tinted):
        assert contrast(colours["text"], ground) >= 4.5
        assert contrast(colours["muted"], ground) >= 4.5
    assert contrast(colours["link"], colours["bg"]) >= 4.5
    assert contrast(colours["badge-text"], colours["badge-bg"]) >= 4.5
    assert contrast(colours["text"], colours["note-bg"]) >= 4.5
    # Letters of a logo are graphics, and told apart by shape: 3 is what WCAG asks of those.
    for letter in "acgt":
        assert min(contrast(colours[letter], ground) for ground in (colours["bg"], colours["soft"], tinted)) >= 3
