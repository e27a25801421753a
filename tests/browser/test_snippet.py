"""The snippet for pages that decide in the browser: one version is shown, once, and soon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page

import infra
from schemas.settings import Settings
from schemas.site import Homepage, Scenario
from tests.browser.small_site import small_site
from tests.integration.personalize_service import SITE, Client, make_raw_topic, serving
from tests.slow_proxy import slow_proxy

SNIPPET = Path(infra.__path__[0]) / "docs" / "integrate" / "snippet.html"
SCENARIO = Scenario(name="week", when={"utm_campaign": ("week",)}, variant="bestsellers")
SHOP = msgspec.structs.replace(
    SITE,
    origins=("http://127.0.0.1:*",),
    homepage=Homepage(default="classic", scenarios=(SCENARIO,)),
)
_WATCH = """<script>
  window.seen = []
  new MutationObserver(() => {
    const slot = document.querySelector('[data-ff-slot]')
    const visible = slot && getComputedStyle(slot).visibility === 'visible'
    const versions = visible ? [...slot.children] : []
    const shown = versions.filter(v => getComputedStyle(v).display !== 'none')
      .map(v => v.textContent).join()
    if (shown !== seen.at(-1)) seen.push(shown)
  }).observe(document, {subtree: true, childList: true, attributes: true})
</script>"""


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    make_raw_topic(kafka_address)
    with serving(addresses, SHOP) as client:
        yield client


@contextmanager
def shop(footfall: str) -> Iterator[str]:
    """A page with two versions, whose browser asks at that address."""
    page = f"""<!doctype html><title>Shop</title>{_WATCH}
        <script>window.footfallUrl = '{footfall}'</script>{SNIPPET.read_text()}
        <main data-ff-slot><section data-variant=classic>classic</section>
        <section data-variant=bestsellers hidden>bestsellers</section></main>"""

    with small_site(lambda _: ("text/html", page.encode())) as url:
        yield f"{url}/?utm_campaign=week"


def seen(page: Page, url: str) -> tuple[list[str], str | None]:
    """What was shown, one after another, and the decision that the beacon would tell."""
    page.goto(url)
    page.wait_for_function("seen.at(-1)", timeout=10_000)
    page.wait_for_timeout(900)  # what comes too late must change nothing
    shown: list[str] = page.evaluate("seen.filter(Boolean)")
    decision = page.locator("[data-ff-variant]").get_attribute("data-ff-decision")
    assert page.locator("[data-ff-variant]").get_attribute("data-ff-variant") == shown[-1]
    return shown, decision


def test_the_version_that_was_decided_is_the_first_and_only_one(
    browser: Browser, client: Client
) -> None:
    page = browser.new_page()
    with shop(client.url) as url:
        for _ in range(10):  # a busy machine may be late at first, and then shows the default
            shown, decision = seen(page, url)
            if decision:
                break
    assert shown == ["bestsellers"]
    assert decision
    page.close()


def test_an_answer_that_is_late_or_never_comes_shows_the_default_for_good(
    browser: Browser, client: Client
) -> None:
    page = browser.new_page()
    with slow_proxy(client.port) as slow:
        slow.delay_s = 0.8
        for footfall in (f"http://127.0.0.1:{slow.port}", "http://127.0.0.1:9"):
            with shop(footfall) as url:
                assert seen(page, url) == (["classic"], None)
    page.close()


def test_a_browser_without_script_shows_the_default(browser: Browser, client: Client) -> None:
    page = browser.new_page(java_script_enabled=False)
    with shop(client.url) as url:
        page.goto(url)
        assert page.get_by_text("classic").is_visible()
        assert not page.get_by_text("bestsellers").is_visible()
    page.close()
