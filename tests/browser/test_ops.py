"""`/ops` in a real browser: shows the live counts, moves with them, and says when it cannot."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from playwright.sync_api import Page, expect

from personalize_api.alerts import alerting
from personalize_api.live import pulse
from schemas.redis_keys import funnel_field, funnel_key
from schemas.settings import Settings
from tests.alert_history import write_arrivals, write_history
from tests.integration.personalize_service import SITE, Client, serving

CHECKOUT = SITE.funnels["checkout"]


WALL, LAPTOP, PHONE = (1920, 1080), (1280, 800), (390, 844)


@pytest.fixture
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with serving(addresses) as client:
        yield client


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as store:
        yield store
        for pattern in ("*:f:*", "ff:{alerts}:*"):
            for key in store.scan_iter(pattern, count=1000):
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


CLIPPED = """[...document.querySelectorAll('.panel, .tile, .steps')]
    .filter(box => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1)
    .map(box => box.id || box.dataset.tile)"""


def test_a_wall_shows_everything_without_scrolling(
    page: Page, client: Client, store: redis.Redis, tmp_path: Path
) -> None:
    fill(store)
    page.goto(f"{client.url}/ops")
    expect(page.locator("#funnel[data-funnel=checkout]")).to_be_visible()
    for width, height in (WALL, (1180, 950), (2560, 1080), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=tmp_path / f"wall-{width}.png")
        size = page.evaluate("[document.body.scrollWidth, document.documentElement.scrollHeight]")
        assert size == [width, height]
        assert page.evaluate(CLIPPED) == []


def test_nothing_moves_when_numbers_do(page: Page, client: Client, store: redis.Redis) -> None:
    """The browser's own measure of layout shifts, from the first numbers on."""
    page.goto(f"{client.url}/ops")
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    page.evaluate(
        """() => { window.shifts = []; new PerformanceObserver(list => list.getEntries()
        .forEach(entry => window.shifts.push(entry.value))).observe({type: 'layout-shift'}) }"""
    )
    count = page.locator("[data-step=product] .count")
    for _ in range(2):
        before = count.text_content()
        fill(store)
        expect(count).not_to_have_text(before or "", timeout=4000)
    page.wait_for_timeout(600)
    assert sum(page.evaluate("window.shifts")) < 0.01


def test_all_of_it_can_be_done_by_keys(page: Page, client: Client, store: redis.Redis) -> None:
    fill(store)
    page.goto(f"{client.url}/ops")
    tabs = page.locator("[role=tab]")
    expect(tabs.first).to_be_visible()
    focused = "document.activeElement.textContent.trim()"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to the numbers"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "auto"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("Tab")
    expect(page.locator("[role=tab][aria-selected=true]")).to_be_focused()
    names = tabs.evaluate_all("tabs => tabs.map(tab => tab.dataset.tab)")
    page.keyboard.press("End")
    expect(page.locator("#funnel")).to_have_attribute("data-funnel", names[-1])
    page.keyboard.press("ArrowRight")
    expect(page.locator("#funnel")).to_have_attribute("data-funnel", names[0])
    ring = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(ring) == "solid"
    stops = []
    while "by variant" not in stops:
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
        assert len(stops) < 6, stops
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="by variant")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("#funnel")).to_have_attribute("data-funnel", names[0])


def test_who_wants_no_motion_gets_none(page: Page, client: Client, store: redis.Redis) -> None:
    fill(store)
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{client.url}/ops")
    fills = page.locator("[data-step=cart] .fill")
    expect(fills).to_be_attached()
    assert fills.evaluate("fill => getComputedStyle(fill).transitionDuration") == "0s"


def test_a_part_that_fails_is_told_and_the_others_go_on(
    page: Page, client: Client, store: redis.Redis
) -> None:
    fill(store)
    page.goto(f"{client.url}/ops")
    expect(page.locator("#pages .why")).to_be_hidden()
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(pulse, "composed", lambda *_: 1 / 0)
        expect(page.locator("#pages .why")).to_contain_text("not available")
        expect(page.locator("[data-tile=visitors] .sub")).to_have_text("not available")
        expect(page.locator("#state")).to_have_attribute("data-state", "live")
        expect(page.locator("#funnels .why")).to_be_hidden()
    expect(page.locator("#pages .why")).to_be_hidden()


def test_an_alert_stands_at_the_top_and_leads_to_its_funnel(
    page: Page,
    addresses: Settings,
    store: redis.Redis,
    kafka_address: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(alerting, "EVALUATE_EVERY_S", 0.2)
    monkeypatch.setattr(alerting, "LOOK_EVERY_S", 0.1)
    write_history(store, CHECKOUT, time.time(), (0.5, 0.4))
    arrive(store, orders=8, ago=12)
    with serving(addresses) as client:
        page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
        page.goto(f"{client.url}/ops")
        expect(page.locator("#alerts .quiet")).to_contain_text("All quiet")
        verdict = page.locator("[data-step=order] .verdict")
        expect(verdict).to_contain_text("as usual")
        page.locator("[data-tab=visits]").click()

        arrive(store, orders=0, minutes=12)
        alert = page.locator("#alerts .alert[data-severity=critical]")
        expect(alert.locator("strong")).to_contain_text("checkout", timeout=15_000)
        expect(page.locator("#announce")).to_contain_text("critical: checkout")
        expect(page).to_have_title(re.compile(r"^\(1\) "))
        expect(page.locator("[data-tab=checkout] .mark")).to_have_attribute("data-state", "behind")
        page.screenshot(path=tmp_path / "alert.png", full_page=True)
        alert.get_by_role("button", name="Show funnel checkout").click()
        expect(page.locator("#funnel")).to_have_attribute("data-funnel", "checkout")
        expect(verdict).to_contain_text("below usual")

        arrive(store, orders=8, minutes=12)
        expect(page.locator("#alerts .quiet")).to_be_visible(timeout=15_000)
        expect(page.locator("#announce")).to_contain_text("alert has ended")


def arrive(store: redis.Redis, orders: int, minutes: int = 40, ago: int = 0) -> None:
    """The last minutes: 40 a minute come, half of them fill a cart, so many order."""
    now = int(time.time()) // 60 - ago
    with store.pipeline() as together:
        for minute in range(now - minutes + 1, now + 1):
            write_arrivals(together, CHECKOUT, minute, (40, 20, orders))
        together.execute()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_page_fits_a_phone(
    page: Page, client: Client, store: redis.Redis, tmp_path: Path, scheme: str
) -> None:
    fill(store)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.goto(f"{client.url}/ops")
    expect(page.locator("#funnel[data-funnel=checkout]")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    page.screenshot(path=tmp_path / f"phone-{scheme}.png", full_page=True)


def test_the_interfaces_own_page_is_drawn(page: Page, client: Client) -> None:
    page.goto(f"{client.url}/docs")
    expect(page.locator("main")).to_contain_text("GET /v1/homepage")
    expect(page.locator("main")).to_contain_text("HomepageAnswer")
