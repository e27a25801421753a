"""The browser of all browser tests: Debian's Chromium, quiet, started once a module."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.visitor import Launch, Visitor, visiting
from tests.demo import Demo, demo
from tests.requirements import require

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def launch() -> Iterator[Launch]:
    """Starts a browser with more arguments; it ends with the module, if nobody closes it before."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        require("chromium", "no chromium on PATH")
    started: list[Browser] = []
    with sync_playwright() as playwright:

        def launch(*arguments: str) -> Browser:
            browser = playwright.chromium.launch(executable_path=found, args=[*QUIET, *arguments])
            started.append(browser)
            return browser

        yield launch
        for browser in started:
            browser.close()


@pytest.fixture(scope="module")
def browser(launch: Launch) -> Browser:
    return launch()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test for anything it complains about."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    page.close()
    assert [text for text in complaints if not re.search("ERR_|503", text)] == []


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo with nobody in it."""
    with demo(tmp_path_factory.mktemp("demo") / "log") as running:
        yield running


@pytest.fixture
def visitor(launch: Launch, running: Demo) -> Iterator[Visitor]:
    with visiting(launch, running) as visitor:
        yield visitor
