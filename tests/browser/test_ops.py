"""`/ops` in a real browser: shows the live counts, moves with them, and says when it cannot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from schemas.redis_keys import funnel_field, funnel_key
from schemas.settings import Settings
from tests.browser.visitor import Launch
from tests.integration.personalize_service import SITE, Client, serving
from tests.servers import own_settings

CHECKOUT = SITE.funnels["checkout"]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test for anything it complains about."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    page.close()
    assert [text for text in complaints if "ERR_" not in text] == []


@pytest.fixture
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with serving(addresses) as client:
        yield client


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as store:
        yield store
        for key in store.scan_iter("*:f:*"):
            store.delete(key)


def enter(
    store: redis.Redis, counts: tuple[int, ...], minutes_ago: int = 0, by: str = "", value: str = ""
) -> None:
    minute = int(time.time()) // 60 - minutes_ago
    key = funnel_key(minutes_ago % 8, CHECKOUT.key, minute // 60)
    for step, count in enumerate(counts):
        store.hincrby(key, funnel_field(minute % 60, step, by, value), count)


def fill(store: redis.Redis) -> None:
    for minutes_ago in range(1, 60, 2):
        enter(store, (40 - minutes_ago // 2, 20 - minutes_ago // 4, 5), minutes_ago)
    enter(store, (300, 160, 70), 5, "referrer_source", "Encyclopedia")
    enter(store, (200, 90, 40), 5, "referrer_source", "Google")
    enter(store, (150, 60, 30), 5, "referrer_source", "")
    enter(store, (3, 0, 0), 5, "referrer_source", "<img src=x onerror=alert(1)>")


def test_the_page_shows_the_funnel_and_moves(
    page: Page, client: Client, store: redis.Redis, tmp_path: Path
) -> None:
    fill(store)
    page.goto(f"{client.url}/ops")
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    checkout = page.locator("#funnel[data-funnel=checkout]")
    expect(checkout.locator("[data-step=product] .count")).to_have_text("765")
    expect(checkout.locator("[data-step=cart] .from")).to_contain_text("of product")
    expect(checkout.locator("table")).to_contain_text("<img src=x onerror=alert(1)>")
    enter(store, (10, 0, 0))
    expect(checkout.locator("[data-step=product] .count")).to_have_text("775", timeout=4000)
    page.screenshot(path=tmp_path / "ops.png", full_page=True)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_fits_a_phone(
    page: Page, client: Client, store: redis.Redis, tmp_path: Path, scheme: str
) -> None:
    fill(store)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{client.url}/ops")
    expect(page.locator("#funnel[data-funnel=checkout]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.screenshot(path=tmp_path / f"phone-{scheme}.png", full_page=True)


def test_redis_away_is_shown(page: Page, kafka_address: str) -> None:
    settings = msgspec.structs.replace(own_settings(), kafka=kafka_address)
    with serving(settings) as client:
        page.goto(f"{client.url}/ops")
        expect(page.locator("#state")).to_have_attribute("data-state", "trouble")
        expect(page.locator("#state")).to_contain_text("Redis")


def test_a_lost_connection_is_shown(
    page: Page, addresses: Settings, redis_url: str, kafka_address: str
) -> None:
    with serving(addresses) as client:
        page.goto(f"{client.url}/ops")
        expect(page.locator("#state")).to_have_attribute("data-state", "live")
    expect(page.locator("#state")).to_have_attribute("data-state", "lost")


def test_the_interfaces_own_page_is_drawn(page: Page, client: Client) -> None:
    page.goto(f"{client.url}/docs")
    expect(page.locator("main")).to_contain_text("GET /v1/homepage")
    expect(page.locator("main")).to_contain_text("HomepageAnswer")


def test_from_elsewhere_a_browser_logs_in_and_stays_logged_in(
    launch: Launch, client: Client
) -> None:
    """By a name that is no loopback's, over plain HTTP, as on an internal network."""
    browser = launch("--host-resolver-rules=MAP ops.example 127.0.0.1")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://ops.example:{client.port}/ops")
    expect(page).to_have_url(f"http://ops.example:{client.port}/ops/login")
    page.fill("#token", "not the token")
    page.press("#token", "Enter")
    expect(page.locator("[role=alert]")).to_contain_text("not the admin token")
    page.fill("#token", "a token for tests")
    page.press("#token", "Enter")
    expect(page).to_have_url(f"http://ops.example:{client.port}/ops")
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    assert page.evaluate("document.cookie") == ""
    kept = context.storage_state()
    context.close()
    restarted = browser.new_context(storage_state=kept).new_page()
    restarted.goto(f"http://ops.example:{client.port}/ops")
    expect(restarted.locator("#state")).to_have_attribute("data-state", "live")
    restarted.context.clear_cookies()
    restarted.reload()
    expect(restarted.locator("#token")).to_be_focused()
    browser.close()
