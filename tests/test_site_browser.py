"""The leaderboard's pages in a browser: what a reader sees, does and links to, with and without scripts."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright
from site_boards import AUROC, BENCHMARK, MATCH, METRICS, checked, details_of, many, record, trials, write, write_files

from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.entries import entries
from motifzoo.evaluate.leaderboard.ranking import rank
from motifzoo.evaluate.leaderboard.site import build_site

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOSTILE = "</script><script>document.title='run'</script><img src=x onerror=document.title='run'>"
PAGES = (
    "index.html",
    "about.html",
    f"{BENCHMARK}/index.html",
    f"{BENCHMARK}/attribution.html",
    f"{BENCHMARK}/compare.html#a=cnn-dist-relu.synthetic-codes&b=cnn-dist-exponential.synthetic-codes",
    f"{BENCHMARK}/models/cnn-dist-relu.synthetic-codes/index.html",
    f"{BENCHMARK}/models/cnn-bold-relu.synthetic-codes/index.html",
)

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a site of a small board that has an entry of every kind."""
    folder = tmp_path_factory.mktemp("site")
    rng = np.random.default_rng(5)

    def spread(values: list[float], match: float) -> dict[str, object]:
        found = {metric: float(np.clip(rng.normal(0.7, 0.02), 0, 1)) for metric in METRICS}
        return {"metrics": found | {AUROC: values[0], MATCH: match}}

    records = [
        *[checked(item, fresh=0.01) for item in trials("cnn-dist-relu.synthetic-codes", [0.9, 0.91, 0.92])],
        *trials("cnn-dist-exponential.synthetic-codes", [0.95, 0.951, 0.952]),
        *[
            record(
                f"net-{index:02d}-{activation}.synthetic-codes", trial, **spread([0.8 + index / 100], 0.9 - index / 20)
            )
            for index, activation in enumerate(("relu", "exponential", "tanh", "sigmoid"))
            for trial in range(3)
        ],
        *trials("cnn-one-relu.synthetic-codes", [0.93]),
        *trials("cnn-far-relu.synthetic-motifs", [0.6, 0.61]),
        *[
            checked(item, shift=-0.2)
            for item in trials("cnn-bold-relu.synthetic-codes", [0.99, 0.98], notes=(HOSTILE,))
        ],
        *[checked(item, problem=HOSTILE) for item in trials("cnn-slow-relu.synthetic-codes", [0.5], submitter=HOSTILE)],
        *trials("cnn-noise-relu.synthetic-codes", [0.3, 0.32], control="untrained"),
        *trials("cnn-dist-shift_scale_sigmoid.synthetic-codes", [0.7, 0.9], activation=HOSTILE[:190]),
    ]
    board = write(folder / "board", records)
    write_files(board, details_of(record("cnn-dist-relu.synthetic-codes", 0, 0.9)))
    write_files(board, details_of(record("cnn-dist-exponential.synthetic-codes", 0, 0.95)))
    build_site(open_board(str(board)), folder / "pages")
    return (folder / "pages").as_uri() + "/"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("large")
    build_site(open_board(str(write(folder / "board", many(230)))), folder / "pages")
    return (folder / "pages").as_uri() + "/"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; whatever it complains about, refused scripts included, fails the test."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    yield page
    assert complaints == []


def names(page: Page) -> list[str]:
    return page.locator("#board tbody th a").all_text_contents()


def sorted_by(page: Page) -> list[str]:
    return page.locator("#board thead th[aria-sort]").evaluate_all(
        "heads => heads.map((head) => `${head.dataset.sort} ${head.ariaSort}`)"
    )


def board(page: Page, site: str, state: str = "", view: str = "index") -> Page:
    page.goto("about:blank")
    page.goto(f"{site}{BENCHMARK}/{view}.html{state and '#' + state}")
    return page


@pytest.mark.parametrize("view", ["index", "classification", "filters", "attribution"])
def test_script_draws_the_rows_that_the_page_came_with(browser: Browser, page: Page, site: str, view: str) -> None:
    plain = browser.new_context(java_script_enabled=False)
    without = plain.new_page()
    without.goto(f"{site}{BENCHMARK}/{view}.html")
    board(page, site, view=view)
    page.evaluate("document.querySelectorAll('.pick').forEach((cell) => cell.remove())")
    rows = [
        where.locator("#board tbody tr").evaluate_all("rows => rows.map((row) => row.outerHTML)")
        for where in (page, without)
    ]
    plain.close()
    for mine, static in zip(*(map(normal, found) for found in rows), strict=True):
        assert mine == static


def normal(html: str) -> str:
    """HTML without what makes no difference: empty classes."""
    return html.replace(' class=""', "")


def test_without_scripts_the_table_is_there_and_controls_are_not(browser: Browser, large: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{large}{BENCHMARK}/index.html")
    assert len(names(page)) == 50
    expect(page.get_by_text("These are the first 50 of 230 entries.")).to_be_visible()
    expect(page.locator("#q")).to_be_hidden()
    expect(page.locator("#scatter")).to_be_hidden()
    context.close()


def test_sorting_by_clicks_and_keys(page: Page, site: str) -> None:
    board(page, site)
    best = names(page)
    assert best[:2] == ["cnn-dist-exponential", "cnn-one-relu"]
    assert sorted_by(page) == [f"{AUROC} descending"]
    page.get_by_role("button", name="AUROC", exact=True).click()
    assert sorted_by(page) == [f"{AUROC} ascending"]
    assert best[-2:] == names(page)[-2:][::-1] == ["cnn-bold-relu", "cnn-slow-relu"]
    assert names(page)[:-2] == best[:-2][::-1]
    page.get_by_role("button", name="Filters matching a true motif").focus()
    page.keyboard.press("Enter")
    assert sorted_by(page) == [f"{MATCH} descending"]
    expect(page.locator("#by")).to_have_value(MATCH)
    page.get_by_role("button", name="Model").press("Space")
    assert sorted_by(page) == ["model ascending"]
    assert names(page) == sorted(best)


def test_order_and_ranks_are_those_of_the_ranking(page: Page, large: str) -> None:
    ranked = rank(entries(many(230))[BENCHMARK], MATCH)
    board(page, large, f"by={quote(MATCH, safe='')}&page=3")
    assert names(page) == [row.entry.model.removesuffix(".synthetic-codes") for row in ranked[100:150]]
    ranks = page.locator("#board td.rank").evaluate_all("cells => cells.map((cell) => cell.firstChild.data)")
    expected = [
        f"{row.best_rank}–{row.worst_rank}" if row.best_rank != row.worst_rank else str(row.best_rank)
        for row in ranked[100:150]
    ]
    assert ranks == expected


def test_filters_and_search_narrow_the_table_and_the_address_keeps_them(page: Page, site: str) -> None:
    board(page, site)
    page.locator("#choose-activation summary").click()
    page.get_by_label("tanh 1").check()
    page.get_by_label("exponential 2").check()
    assert set(names(page)) == {"cnn-dist-exponential", "net-01-exponential", "net-02-tanh"}
    page.keyboard.press("Escape")
    expect(page.get_by_label("tanh 1")).to_be_hidden()
    page.locator("#q").fill("net CLAIMED")
    assert names(page) == ["net-02-tanh", "net-01-exponential"]
    expect(page.get_by_role("status")).to_have_text("2 entries, of 12")
    state = page.evaluate("location.hash")
    board(page, site, state.removeprefix("#"))
    assert names(page) == ["net-02-tanh", "net-01-exponential"]
    expect(page.locator("#q")).to_have_value("net CLAIMED")
    page.locator("#q").fill("nothing of this name")
    expect(page.get_by_text("No entry matches.")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    assert len(names(page)) == 12
    assert page.evaluate("location.hash") == ""


def test_filters_by_trust_architecture_data_set_and_controls(page: Page, site: str) -> None:
    board(page, site, "trust=recomputed")
    assert names(page) == ["cnn-dist-relu"]
    board(page, site, "dataset=synthetic-motifs")
    assert names(page) == ["cnn-far-relu.synthetic-motifs"]
    board(page, site, "architecture=cnn-dist&trust=claimed")
    assert names(page) == ["cnn-dist-exponential", "cnn-dist-shift_scale_sigmoid"]
    board(page, site, "controls=hide")
    assert "cnn-noise-relu" not in names(page)
    assert not page.locator("#controls").is_checked()


def test_a_view_that_no_board_has_is_the_usual_one(page: Page, site: str) -> None:
    board(page, site, "by=nonsense&sort=x&page=-3&trust=loved&compare=nobody&x=1&y=%E0%A4%A")
    assert len(names(page)) == 12
    expect(page.locator("#comparison")).to_be_hidden()


def test_other_metrics_are_a_click_away_and_keep_the_filters(page: Page, site: str) -> None:
    board(page, site, "activation=tanh&compare=net-02-tanh.synthetic-codes")
    with page.expect_navigation():
        page.get_by_role("link", name="Attribution", exact=True).click()
    assert names(page) == ["net-02-tanh"]
    heads = page.locator("#board thead th[data-sort] button").all_text_contents()
    assert "Saliency AUPR" in heads
    expect(page.locator("#comparison")).to_be_visible()


def test_pages_of_a_long_table(page: Page, large: str) -> None:
    board(page, large)
    expect(page.get_by_role("status")).to_have_text("1–50 of 230 entries")
    for _ in range(4):
        page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("status")).to_have_text("201–230 of 230 entries")
    assert len(names(page)) == 30
    assert page.get_by_role("button", name="Next").is_disabled()
    page.reload()
    expect(page.get_by_text("Page 5 of 5")).to_be_visible()


def test_choosing_two_models_leads_to_their_comparison(page: Page, site: str) -> None:
    board(page, site)
    page.get_by_label("compare cnn-dist-relu", exact=True).check()
    expect(page.get_by_text("choose one more")).to_be_visible()
    page.get_by_label("compare cnn-dist-exponential", exact=True).press("Space")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "compare cnn-dist-exponential"
    with page.expect_navigation():  # the page's scripts have run when it ends
        page.get_by_role("link", name="Side by side").click()
    assert page.title() == "cnn-dist-relu and cnn-dist-exponential - synthetic-codes@1"
    cells = page.locator("#scores tbody tr").first.locator("th, td").all_text_contents()
    assert cells == ["AUROC", "0.910±0.025n = 3", "0.951±0.002n = 3", "−0.041B is better"]
    assert page.locator("img.sheet").count() == 2
    page.locator("img.sheet").last.scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    page.get_by_role("button", name="Swap").click()
    expect(page.get_by_label("A", exact=True)).to_have_value("cnn-dist-exponential.synthetic-codes")
    page.get_by_label("B", exact=True).fill("nobody")
    page.get_by_label("B", exact=True).press("Enter")
    expect(page.get_by_text("No model nobody on this board.")).to_be_visible()


def test_comparison_takes_the_names_that_the_table_shows(page: Page, site: str) -> None:
    page.goto(f"{site}{BENCHMARK}/compare.html#a=cnn-dist-exponential&b=cnn-far-relu.synthetic-motifs")
    assert page.title() == "cnn-dist-exponential and cnn-far-relu.synthetic-motifs - synthetic-codes@1"
    expect(page.get_by_label("A", exact=True)).to_have_value("cnn-dist-exponential.synthetic-codes")
    page.get_by_label("B", exact=True).fill("cnn-dist-relu")
    page.get_by_label("B", exact=True).press("Enter")
    page.wait_for_function("document.title.includes('cnn-dist-relu')")
    expect(page.get_by_label("B", exact=True)).to_have_value("cnn-dist-relu.synthetic-codes")
    page.goto(f"{site}{BENCHMARK}/compare.html#a=cnn-far-relu")
    expect(page.get_by_text("No model cnn-far-relu on this board.")).to_be_visible()


def test_front_is_what_no_other_entry_betters(page: Page, large: str) -> None:
    board(page, large)
    shown = page.evaluate("[...plotted.front].map((entry) => models[entry])")
    points = {
        entry.model: (entry.spreads[AUROC].mean, entry.spreads[MATCH].mean) for entry in entries(many(230))[BENCHMARK]
    }
    rounded = {name: tuple(round(value * 10_000) for value in point) for name, point in points.items()}
    front = {
        name
        for name, (x, y) in rounded.items()
        if not any(a >= x and b >= y and (a, b) != (x, y) for a, b in rounded.values())
    }
    assert set(shown) == front
    assert page.locator("#scatter .point.best").count() == len(front)
    assert page.locator("#scatter .point").count() == 230


def test_scatter_by_keys_and_by_pointer(page: Page, site: str) -> None:
    board(page, site)
    scatter, detail = page.locator("#scatter"), page.locator("#detail")
    scatter.focus()
    page.keyboard.press("End")
    assert (detail.text_content() or "").startswith("cnn-bold-relu (disputed, 2 trials): AUROC 0.985 ±0.064")
    page.keyboard.press("ArrowLeft")
    assert "cnn-dist-exponential" in (detail.text_content() or "")
    assert (detail.text_content() or "").endswith("; on the front")
    mark = page.locator("#scatter .point.best").first.bounding_box()
    assert mark is not None
    page.mouse.move(mark["x"] + 3, mark["y"] + 3)
    assert "on the front" in (detail.text_content() or "")
    expect(page.get_by_text("Outside the frame: cnn-noise-relu (0.310, 0.310).")).to_be_visible()
    page.locator("#y").select_option("attribution/saliency/auroc")
    assert "y=attribution%2Fsaliency%2Fauroc" in page.evaluate("location.hash")
    scatter.focus()
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cnn-bold-relu.synthetic-codes/index.html")


def test_colours_follow_the_system_and_the_reader(browser: Browser, site: str) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    background: Callable[[], str] = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")  # noqa: E731
    page.goto(site + "index.html")
    assert background() == "rgb(18, 22, 27)"
    page.get_by_label("Colours").select_option("light")
    assert background() == "rgb(255, 255, 255)"
    page.goto(site + "about.html")
    assert background() == "rgb(255, 255, 255)"
    page.get_by_label("Colours").select_option("auto")
    assert background() == "rgb(18, 22, 27)"
    context.close()


# For every text on the page: its colour over the first opaque ground behind it, as a ratio of luminances (WCAG 2.2).
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest("script, option, :disabled")) continue;
    seen += 1;
    const style = getComputedStyle(element);
    const inked = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [a, b] = [light(parse(inked)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if (ratio < needed) low.push(`${walker.currentNode.data.trim()} ${ratio.toFixed(2)}`);
  }
  return [seen, low];
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast_aa(browser: Browser, site: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    for path in PAGES:
        page.goto("about:blank")
        page.goto(site + path)
        seen, low = page.evaluate(CONTRAST)
        assert seen > 20
        assert low == [], path
    context.close()


def test_contrast_check_finds_what_is_too_faint(page: Page, site: str) -> None:
    page.goto(site + "index.html")
    page.evaluate("document.querySelector('h1').style.color = '#8a8a8a'")  # large text: 3.45 is enough
    assert page.evaluate(CONTRAST)[1] == []
    page.evaluate("document.querySelector('.how').style.color = '#8a8a8a'")
    assert len(page.evaluate(CONTRAST)[1]) == 1


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_wider_than_the_screen(page: Page, site: str, path: str) -> None:
    page.goto(site + path)
    for width in (360, 390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_a_phone_shows_rank_model_and_the_score_ranked_by(browser: Browser, site: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    board(page, site)
    rows = page.locator("#board tr")
    shown = """rows => rows.map((row) =>
        [...row.cells].filter((cell) => cell.checkVisibility()).map((cell) => cell.innerText))"""
    first = [re.split(r"\s", text)[0] for text in rows.evaluate_all(shown)[1]]
    assert first == ["1–5", "cnn-dist-exponential", "0.951"]
    page.get_by_label("Rank by").select_option(MATCH)
    heads = rows.evaluate_all(shown)[0]
    assert [text.split()[0] for text in heads] == ["Rank", "Model", "Filters"]
    context.close()


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("index.html", ".homes"),
        ("about.html", ".metrics"),
        (PAGES[5], "#scores ~ .scroll"),
        (PAGES[5], "#trials ~ .scroll"),
    ],
)
def test_a_phone_stacks_the_columns_of_wide_tables(page: Page, site: str, path: str, table: str) -> None:
    page.goto(site + path)
    cells = page.locator(table).locator("tbody").locator("th, td").filter(has_text=re.compile(r"\S"))
    count = cells.count()
    assert count > 4
    for width in (360, 390, 600):
        page.set_viewport_size({"width": width, "height": 800})
        edges = cells.evaluate_all("cells => cells.map((cell) => cell.getBoundingClientRect().right)")
        assert len(edges) == count
        assert max(edges) <= width
    names = "cells => cells.map((cell) => getComputedStyle(cell, '::before').content)"
    shown = {text for text in cells.evaluate_all(names) if text != "none"}
    page.set_viewport_size({"width": 1280, "height": 800})
    assert len(shown) > 1
    assert set(cells.evaluate_all(names)) == {"none"}


def test_a_phone_shows_commands_to_their_ends(page: Page, site: str) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.goto(site + PAGES[5])
    commands = page.locator(".command pre")
    assert commands.count() == 3
    assert commands.evaluate_all("all => all.map((one) => one.scrollWidth - one.clientWidth)") == [0, 0, 0]


def test_hostile_words_run_nothing(page: Page, site: str) -> None:
    for path in (
        f"{BENCHMARK}/index.html",
        f"{BENCHMARK}/models/cnn-slow-relu.synthetic-codes/index.html",
        f"{BENCHMARK}/models/cnn-bold-relu.synthetic-codes/index.html",
        f"{BENCHMARK}/compare.html#a={quote(HOSTILE)}",
    ):
        page.goto("about:blank")
        page.goto(site + path)
        assert page.title() != "run"
    board(page, site, f"q={quote(HOSTILE[:20])}&activation={quote(HOSTILE[:190])}")
    assert page.locator("#choose-activation summary span").text_content() == HOSTILE[:190]
    assert page.locator("#board img").count() == 0


def test_no_script_of_a_stranger_would_run(context: BrowserContext, site: str) -> None:
    """Were something written to a page unescaped, the policy would still refuse it."""
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{site}{BENCHMARK}/index.html")
    page.evaluate(
        "document.body.append(document.createRange().createContextualFragment("
        '\'<script>document.title = "run"</scr\' + \'ipt><img src="x:" onerror="document.title = 1">\'))'
    )
    page.wait_for_timeout(50)
    assert page.title() == "synthetic-codes@1 - motifzoo"
    assert any("Content Security Policy" in text for text in refused)


def test_pictures_of_a_model_are_there(page: Page, site: str) -> None:
    page.goto(f"{site}{BENCHMARK}/models/cnn-dist-relu.synthetic-codes/index.html")
    images = page.locator("main img")
    for index in range(images.count()):
        images.nth(index).scroll_into_view_if_needed()
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert images.count() == 2 + 2 * 5
    assert all(images.nth(index).get_attribute("alt") for index in range(images.count()))


def test_a_table_reads_as_a_table(page: Page, site: str) -> None:
    board(page, site)
    table = page.get_by_role("table", name=re.compile("ranked by AUROC"))
    assert table.get_by_role("columnheader").count() == 3 + 6 + 1 + 1
    assert table.get_by_role("rowheader").count() == 12
    numbers: Locator = table.locator("tbody td.by")
    assert numbers.first.evaluate("cell => getComputedStyle(cell).textAlign") == "right"
    assert "tabular-nums" in numbers.first.evaluate("cell => getComputedStyle(cell).fontVariantNumeric")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


def test_print_has_the_table_and_no_controls(page: Page, site: str) -> None:
    board(page, site)
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("#board tbody tr").first).to_be_visible()
    expect(page.locator("#q")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
