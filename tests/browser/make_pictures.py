"""python -m tests.browser.make_pictures: the README's pictures, taken from the running demo.

Everything in them is real: the demo with its simulated week and its shoppers of now, and a visitor
in Chromium among them.
"""

from __future__ import annotations

import asyncio
import io
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console as Terminal
from rich.terminal_theme import MONOKAI

from infra.demo.figures import gather
from infra.demo.place import Place, log_beside, place
from infra.demo.screen import Screen
from infra.demo.story import DAYS, Story
from infra.drain import drain
from infra.embedded.console import Console
from infra.embedded.stack import run_stack
from tests.browser import picture_homepages, picture_sheets
from tests.browser.conftest import QUIET
from tests.browser.picture_sheets import Step
from tests.stack import CHROME

OUT = Path(__file__).parents[2] / "infra" / "pictures"
MARGIN = 12
LIVE_S = 60  # of shoppers who come now, so that the live page has something to show
QUESTION = """SELECT referrer_source AS came_from, variant AS homepage,
    count() AS visits, countIf(orders > 0) AS ordered,
    round(100 * ordered / visits, 1) AS ordered_pct
FROM sessions
WHERE came_from IN ('Encyclopedia', 'Google') AND homepage != ''
GROUP BY ALL HAVING visits >= 100
ORDER BY came_from, ordered_pct DESC"""
_OPEN_BADGE = """badge => {  // its facts; the sentence below them would make it wide
    badge.hidden = false;
    badge.open = true;
    badge.querySelector('p').hidden = true;
    badge.style.background = 'var(--paper)';
}"""


class Witness(Screen):
    """The demo's terminal; tells when its shoppers come."""

    def __init__(self) -> None:
        super().__init__(Terminal())
        self.opened = asyncio.Event()

    def links(self, place: Place) -> None:
        super().links(place)
        self.opened.set()


def main() -> None:
    OUT.mkdir(exist_ok=True)
    with place() as here, (here.directory / "services.log").open("w") as lines:
        asyncio.run(_demo(here, Console(lines)))


async def _demo(here: Place, console: Console) -> None:
    witness = Witness()

    async def while_up() -> None:
        story = asyncio.create_task(Story(here, witness, log_beside(), once=False)())
        opened = asyncio.create_task(witness.opened.wait())
        await asyncio.wait((story, opened), return_when=asyncio.FIRST_COMPLETED)
        if not story.done():
            await asyncio.sleep(LIVE_S)
            await asyncio.to_thread(_take, here)
            story.cancel()
        with suppress(asyncio.CancelledError):
            await story
        _write("summary.svg", await asyncio.to_thread(_summary, here))

    await run_stack(
        here.settings,
        here.site_file,
        here.directory,
        while_up=while_up,
        environment=here.environment,
        console=console,
        pages=here.pages,
    )


def _take(here: Place) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*QUIET, f"--user-agent={CHROME}"]
        )
        _write("visit.png", _drawn(browser, picture_sheets.visit(_visit(browser, here))))
        _write("ops.png", _ops(browser, here))
        shown = picture_homepages.homepages(browser)
        _write("homepages.png", _drawn(browser, picture_sheets.homepages(shown)))
        browser.close()


def _visit(browser: Browser, here: Place) -> list[Step]:
    """From the article to the answer, by one visitor."""
    ports = here.settings.ports
    page = browser.new_page(viewport={"width": 900, "height": 664}, device_scale_factor=2)
    page.goto(f"{here.url(ports.encyclopedia)}/wiki/Teddy_bear")
    article = Step(
        caption="She reads about teddy bears",
        more="and follows the article's link to a shop",
        address=page.url,
        screenshot=page.screenshot(),
    )
    page.click("[data-test=shop-link]")
    with page.expect_response("**/consent"):
        page.click("[data-test=consent-accept]")
    page.wait_for_timeout(500)
    page.reload()  # by the same link, and now she may be recognized
    badge = page.locator("[data-test=badge]")
    badge.evaluate("badge => { badge.hidden = true }")
    homepage = page.screenshot()
    badge.evaluate(_OPEN_BADGE)
    shown = Step(
        caption="The shop knows why she comes",
        more="and says which homepage it chose, and why",
        address=page.url,
        screenshot=homepage,
        callout=badge.screenshot(omit_background=True),
    )
    page.goto(f"{here.url(ports.shop, 'localhost')}/p/bruno-the-bear")
    page.click("[data-test=add-to-cart]")
    page.wait_for_url("**/cart")
    page.context.close()
    return [article, shown, _funnel(browser, here), _answer(browser, here)]


def _funnel(browser: Browser, here: Place) -> Step:
    page = browser.new_page(viewport={"width": 640, "height": 1000}, device_scale_factor=2)
    page.goto(f"{here.personalize}/ops")
    page.locator("[data-tab=homepage]").click()
    page.locator("#funnel[data-funnel=homepage] table").wait_for()
    page.wait_for_timeout(1500)
    page.locator("#funnels").evaluate("panel => scrollTo(0, panel.offsetTop - 12)")
    screenshot = page.screenshot()
    page.context.close()
    return Step(
        caption="Ops see her a second later",
        more="in live funnels that count what ClickHouse counts",
        address=f"{here.personalize}/ops",
        screenshot=screenshot,
    )


def _answer(browser: Browser, here: Place) -> Step:
    address = here.url(here.settings.ports.desk)
    page = browser.new_page(viewport={"width": 1010, "height": 1000}, device_scale_factor=2)
    page.goto(address)
    page.fill("#query", QUESTION)
    page.press("#query", "Control+Enter")
    page.locator(".result td", has_text="bestsellers").wait_for()
    column = page.locator("main").bounding_box()
    assert column is not None
    screenshot = page.screenshot(
        clip={
            "x": column["x"] - MARGIN,
            "y": column["y"] - MARGIN,
            "width": column["width"] + 2 * MARGIN,
            "height": column["width"],
        }
    )
    page.context.close()
    return Step(
        caption="Analysts ask what it was worth",
        more="in SQL, of persons and visits as known now",
        address=address,
        screenshot=screenshot,
    )


def _ops(browser: Browser, here: Place) -> bytes:
    page = browser.new_page(viewport={"width": 1500, "height": 960}, device_scale_factor=1.2)
    page.goto(f"{here.personalize}/ops")
    page.locator("#funnel[data-funnel=checkout] table").wait_for()
    page.wait_for_timeout(1500)
    return page.screenshot()


def _drawn(browser: Browser, sheet: str) -> bytes:
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_content(sheet)
    page.wait_for_timeout(300)
    png = page.locator(".sheet").screenshot(omit_background=True)
    page.context.close()
    return png


def _summary(here: Place) -> bytes:
    """The demo's summary as its terminal shows it, when all is counted; no fonts from elsewhere."""
    if missing := drain(here.settings, 60):
        raise TimeoutError(f"not counted within a minute: {missing}")
    terminal = Terminal(record=True, width=110, file=io.StringIO(), force_terminal=True)
    truth = [here.directory / name for name in ("truth.csv", "live.csv")]
    Screen(terminal).summary(gather(here, truth, DAYS + 1))
    form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
    return terminal.export_svg(title="make demo", theme=MONOKAI, code_format=form).encode()


def _write(name: str, content: bytes) -> None:
    (OUT / name).write_bytes(content)
    sys.stderr.write(f"{name}: {len(content) / 1024:.0f} KB\n")


if __name__ == "__main__":
    main()
