"""The leaderboard's page with 2,000 entries in a browser: `python benchmarks/site.py [ENTRIES]`.

Builds a board of made-up entries, opens its table in chromium and prints: bytes of each page with what it loads, first
paint, and the time from a click on a column's head until the new order is painted. The aims: 500 kB, 1 s, 100 ms.
Times by the clock suffer from whatever else the machine does; beside them stands the processor time that the page's
main thread took (script, style, layout and paint), which does not.
"""

import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from site_boards import BENCHMARK, many, write

from motifzoo.evaluate.leaderboard.boards import open_board
from motifzoo.evaluate.leaderboard.site import build_site

REPEATS = 9
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Until the frame after the one that shows the new order has begun: style, layout and paint are over by then.
CLICK = """(selector) => new Promise((done) => {
  const began = performance.now();
  document.querySelector(selector).click();
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})"""
PAINT = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries()[0].startTime)).observe({ type: "paint", buffered: true });
})"""


def main(entries: int) -> None:
    """Build, open, click, and print."""
    with TemporaryDirectory() as temporary:
        board = write(Path(temporary) / "board", many(entries))
        began = time.perf_counter()
        site = build_site(open_board(str(board)), Path(temporary) / "pages")
        print(f"{entries:,} entries: built in {time.perf_counter() - began:.1f} s, {site.files:,} files")
        style = (site.folder / "style.css").stat().st_size
        for path in sorted((site.folder / BENCHMARK).glob("*.html")):
            print(f"  {path.name:22} {(path.stat().st_size + style) / 1000:6.0f} kB with its style")
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
            for view in ("index", "attribution"):
                measure(browser.new_page(), f"{site.folder.as_uri()}/{BENCHMARK}/{view}.html", view)
            browser.close()


def measure(page: Page, address: str, view: str) -> None:
    """Print first paint, and sorting by two columns in turn."""
    paints = []
    for _ in range(REPEATS):
        page.goto("about:blank")
        page.goto(address)
        paints.append(page.evaluate(PAINT))
    print(f"{view}: first paint {told(paints)}")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    for name, column in (("a metric", "th[data-sort*='saliency'] button"), ("names", "th[data-sort='model'] button")):
        clock, processor = [], []
        for _ in range(REPEATS):
            before = busy(session)
            clock.append(page.evaluate(CLICK, column))
            processor.append(busy(session) - before)
        print(f"{view}: sorting by {name}: {told(clock)}; processor {told(processor)}")
    page.close()


def busy(session: CDPSession) -> float:
    """Processor time of the page's main thread so far, in ms."""
    (spent,) = [
        metric["value"]
        for metric in session.send("Performance.getMetrics")["metrics"]
        if metric["name"] == "TaskDuration"
    ]
    return 1000 * float(spent)


def told(times: Iterable[float]) -> str:
    """Median and largest of times in ms."""
    found = sorted(times)
    return f"{statistics.median(found):.0f} ms (at most {found[-1]:.0f})"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
