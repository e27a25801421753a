"""The shop's eight homepages as screenshots: the real pages, each chosen by us."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import uvicorn
from playwright.sync_api import Browser, Page

from infra.demo.place import WORKED_EXAMPLE
from infra.demo.toyhouse.app import create_app
from infra.demo.toyhouse.footfall import Decision, Visit
from infra.demo.toyhouse.variants import VARIANTS
from schemas.settings import Settings
from schemas.site_file import load
from tests.ports import free_offset
from tests.processes import await_true

LOOKED_AT = (
    *("pond-life-microscope", "swallow-stunt-kite", "bruno-the-bear", "puffing-billy-railway"),
    *("the-bear-who-borrowed-the-moon", "moonlight-music-box"),
)
_OF_MEMBERS = ("my-kids", "welcome-back")
ORDERED = ("twirl-spinning-top", "night-sky-telescope")


def homepages(browser: Browser, width: int = 1280, height: int = 1000) -> dict[str, bytes]:
    """Variant -> PNG, of a visitor who agreed, looked around, ordered, and has a child."""
    with shop() as url:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(url)
        with page.expect_response("**/consent"):
            page.click("[data-test=consent-accept]")
        pictures = {name: _shown(page, url, name) for name in VARIANTS if name not in _OF_MEMBERS}
        _become_a_customer(page, url)
        pictures |= {name: _shown(page, url, name) for name in _OF_MEMBERS}
        page.context.close()
    return {name: pictures[name] for name in VARIANTS}


def _shown(page: Page, url: str, name: str) -> bytes:
    if name == "recently-viewed":
        for slug in LOOKED_AT:
            page.goto(f"{url}/p/{slug}")
    page.goto(f"{url}/?variant={name}")
    page.locator("[data-test=badge]").evaluate("badge => badge.remove()")
    page.wait_for_load_state("networkidle")
    return page.screenshot()


def _become_a_customer(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    page.click("[data-test=login-ada]")
    page.wait_for_url("**/account")
    for slug in ORDERED:
        page.goto(f"{url}/p/{slug}")
        page.click("[data-test=add-to-cart]")
        page.wait_for_url("**/cart")
    page.click("[data-test=to-checkout]")
    page.click("[data-test=place-order]")
    page.wait_for_url("**/order/*")


@contextmanager
def shop() -> Iterator[str]:
    """The shop without Footfall; `/?variant=NAME` is that homepage. Its address."""
    # without a collector it would complain of every event
    logging.getLogger("infra.demo.toyhouse.footfall").disabled = True
    settings = Settings.from_environment({"FOOTFALL_PORT_OFFSET": str(free_offset())})
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings, load(WORKED_EXAMPLE), Path(folder), decide=_as_asked)
        configuration = uvicorn.Config(app, port=settings.ports.shop, log_config=None)
        server = uvicorn.Server(configuration)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            await_true(lambda: server.started, 10, "the shop is open")
            yield f"http://127.0.0.1:{settings.ports.shop}"
        finally:
            server.should_exit = True
            thread.join()


async def _as_asked(visit: Visit) -> Decision:
    (variant,) = parse_qs(urlsplit(visit.url).query).get("variant", ["classic"])
    return Decision(variant=variant, anonymous_id=visit.anonymous_id or "somebody")
