"""The page of `motifzoo reproduce` on a phone: results are in sight, and rows are as high as what stands in them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from scored_models import measured, scored

from motifzoo.evaluate.reproduce.build import reproduce

CHROMIUM = Path("/usr/bin/chromium")
MATCH, MAPS = "filters/match_fraction", "attribution/mutagenesis/auroc"
PHONE, DESK = 390, 1280

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no browser at {CHROMIUM}")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("reproduce")
    labels = ("relu", "exponential", "shift_scale_sigmoid", "log_relu-l2", "relu-shuffled")
    models = [
        measured(
            f"cnn-dist-{label}.synthetic-codes",
            {"classification/auroc": (0.9, 0.91), MATCH: (0.1 + place / 9, 0.2), MAPS: (0.7, 0.7 + place / 50)},
        )
        for place, label in enumerate(labels)
    ]
    still = measured("cnn-dist-log_relu.synthetic-codes", {MATCH: (0.0, 0.0), MAPS: (0.6, None)})
    before = [
        measured(f"cnn-dist-{label}-untrained.synthetic-codes", {MATCH: (0.0, 0.0), MAPS: values})
        for label, values in (("relu", (0.6, 0.62)), ("exponential", (0.55, 0.57)))
    ]
    missing = ["cnn-dist-tanh.synthetic-codes"]
    reproduce(scored(*models, still, missing=missing, untrained=before), folder)
    return (folder / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(params=[320, PHONE])
def phone(browser: Browser, address: str, request: pytest.FixtureRequest) -> Page:
    return opened(browser, address, request.param)


@pytest.fixture
def desk(browser: Browser, address: str) -> Page:
    return opened(browser, address, DESK)


def opened(browser: Browser, address: str, width: int) -> Page:
    """The page with everything unfolded."""
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    return page


def test_nothing_of_a_table_lies_beyond_the_edge_of_a_phone(phone: Page) -> None:
    beyond = """[...document.querySelectorAll('.short th, .short td, .numbers th, .numbers td')]
        .filter(cell => cell.offsetWidth > 1 && cell.getBoundingClientRect().right > innerWidth)
        .filter(cell => !cell.closest('thead'))
        .map(cell => cell.textContent)"""
    assert phone.evaluate(beyond) == []
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_number_says_on_a_phone_what_it_is(phone: Page) -> None:
    """The head of a table is not in sight there."""
    result = phone.locator(".short td.result").first
    assert result.evaluate("cell => getComputedStyle(cell, '::before').content") == '"higher than "'
    row = phone.locator(".numbers tr", has_text="shift_scale_sigmoid").first
    labels = row.locator("td.more").evaluate_all(
        "cells => cells.map(cell => getComputedStyle(cell, '::before').content)"
    )
    assert labels[0].replace("\u2009", " ") == '"95 % "'
    assert labels[1:3] == ['"exponential less this "', '"p "']


def test_rows_are_no_higher_than_their_lines(phone: Page) -> None:
    """A cell that wraps out of sight once made every row twice as high."""
    spare = phone.locator(".numbers tbody tr").evaluate_all(
        """rows => rows.map(row => {
            const texts = [...row.children].map(cell => {
                const range = document.createRange();
                range.selectNodeContents(cell);
                return range.getBoundingClientRect();
            });
            const inSight = texts.filter(text => text.width > 0 && text.left < innerWidth);
            return row.getBoundingClientRect().bottom - Math.max(...inSight.map(text => text.bottom));
        })"""
    )
    assert spare
    assert max(spare) < 12


def test_a_dash_takes_no_place_on_a_phone_and_stands_in_a_wide_table(phone: Page, desk: Page) -> None:
    for page, shown in ((phone, False), (desk, True)):
        gaps = page.locator(".numbers td.gap")
        assert gaps.count() > 0
        assert gaps.first.text_content() == "\u2013"
        assert gaps.first.is_visible() == shown


def test_the_numbers_of_untrained_networks_are_in_the_colours_of_their_dots_and_fit(phone: Page) -> None:
    row = phone.locator(".dots", has_text="untrained").first
    texts, dots = row.locator("g.untrained tspan:not(.n)"), row.locator("g.untrained > g .mean")
    colour = "(found, name) => found.map(one => getComputedStyle(one)[name])"
    assert texts.all_text_contents() == ["0.61", "0.56"]  # relu and exponential
    drawn = texts.evaluate_all(colour, "fill")
    assert len(set(drawn)) == 2
    assert drawn == dots.evaluate_all(colour, "stroke")
    spare = """numbers => numbers.map(one =>
        one.ownerSVGElement.getBoundingClientRect().right - one.getBoundingClientRect().right)"""
    assert min(phone.locator(".dots svg:last-child text").evaluate_all(spare)) >= 0
