"""The live page over a whole stack: follows events, outlives its API, sees a checkout break, and
names nobody.
"""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import redis
from playwright.sync_api import Browser, Page, expect

from infra.cli.context import EXAMPLE_SITE
from schemas.site_file import load
from tests.alert_history import write_history
from tests.stack import CHROME, Stack, stack, started

SHOPPERS = 50
USUAL = (0.5, 0.6, 0.7)
"""Of the demo's checkout funnel, from the second step on."""


@pytest.fixture(scope="module")
def footfall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("ops")
    with stack(directory / "state", directory / "log") as running:
        yield running


@pytest.fixture(scope="module")
def shop(footfall: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("shop")
    offset = int(footfall.environment["FOOTFALL_PORT_OFFSET"])
    words = ("infra.demo.toyhouse", "--state-dir", str(directory))
    with started(words, offset, directory / "log", "the shop is open"):
        yield f"http://127.0.0.1:{8082 + offset}"


@pytest.fixture
def page(browser: Browser, footfall: Stack) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.goto(f"{footfall.personalize}/ops")
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    yield page
    page.close()


def step(page: Page, name: str) -> int:
    return int((page.locator(f"[data-step={name}] .count").text_content() or "").replace(",", ""))


def test_numbers_move_within_two_seconds_of_an_event(page: Page, footfall: Stack) -> None:
    footfall.page("warm-up", "/p/bruno-the-bear")
    expect(page.locator("[data-step=product] .count")).not_to_have_text("0", timeout=10_000)
    before = step(page, "product")
    footfall.page("somebody-else", "/p/bruno-the-bear")
    expect(page.locator("[data-step=product] .count")).to_have_text(str(before + 1), timeout=2000)
    expect(page.locator("[data-tile=visitors] .value")).to_have_text("2", timeout=2000)
    expect(page.locator("#pages .path").first).to_have_text("/p/bruno-the-bear", timeout=2000)


def test_every_stage_is_told(page: Page) -> None:
    for stage in ("stream.raw", "stream.registers"):
        expect(page.locator(f"[data-stage='{stage}']")).to_have_attribute("data-state", "ok")


def test_nobody_can_be_found_in_a_snapshot(footfall: Stack) -> None:
    """Of a visit with everything that might name somebody, in ids, properties and addresses."""
    secrets = {
        "anonymous": "7e57ab1e-0000-4000-8000-00000000cafe",
        "user": "m-7e57-1042",
        "email": "anna.secret@example.org",
        "phone": "+491701234567",
        "order": "A-7e57-99",
        "child": "Rumpelstilzchen",
        "search": "a present for uncle Ottokar",
        "token": "8f14e45fceea167a5a36dedd4bea2543",
        "address": "203.0.113.77",
    }
    ids = {"anonymousId": secrets["anonymous"], "userId": secrets["user"]}
    traits = {"email": secrets["email"], "email_verified": True, "phone": secrets["phone"]}
    context = {"ip": secrets["address"], "userAgent": CHROME}
    footfall.segment("identify", **ids, traits={**traits, "name": secrets["child"]})
    for path in (
        f"/search?q={secrets['search']}",
        f"/account/{secrets['email']}",
        f"/reset/{secrets['token']}",
        f"/orders/{secrets['order']}?phone={secrets['phone']}",
    ):
        footfall.page(secrets["anonymous"], path, userId=secrets["user"])
    order = {"order_id": secrets["order"], "revenue": 10, "currency": "EUR"}
    footfall.segment("track", event="Order Completed", **ids, properties=order, context=context)
    footfall.segment("track", **ids, properties=order)  # no event: refused, with its reason
    footfall.drain()
    person = footfall.sql(f"SELECT any(person_id) FROM events WHERE user_id = '{secrets['user']}'")
    device = secrets["anonymous"]
    sessions = footfall.sql(f"SELECT DISTINCT session_id FROM events WHERE device_id = '{device}'")
    time.sleep(1.2)
    told = snapshot(footfall)
    assert "/search" in told
    named = [*secrets.values(), *person[0], *(row[0] for row in sessions)]
    for name in [*named, "7e57", "Ottokar", "anna.secret", "1701234567"]:
        assert name.lower() not in told.lower()


def snapshot(footfall: Stack) -> str:
    address = urlsplit(footfall.personalize)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.request("GET", "/v1/live")
    stream = connection.getresponse()
    while not (line := stream.readline()).startswith(b"data: "):
        pass
    connection.close()
    return line.decode()


def test_a_checkout_that_breaks_is_seen_also_by_a_page_whose_api_was_killed(
    page: Page, footfall: Stack, shop: str, browser: Browser, redis_of: str, tmp_path: Path
) -> None:
    checkout = load(EXAMPLE_SITE).funnels["checkout"]
    with redis.Redis.from_url(redis_of) as store:
        write_history(store, checkout, time.time(), USUAL)
    footfall.kill("personalize")
    expect(page.locator("#state")).to_have_attribute("data-state", "lost")
    expect(page.locator("#state")).to_have_attribute("data-state", "live", timeout=30_000)
    expect(page.locator("#alerts .quiet")).to_contain_text("All quiet", timeout=30_000)

    assert httpx.post(f"{shop}/admin/break-checkout?on=1", trust_env=False).is_success
    for number in range(SHOPPERS):
        _goes_to_the_checkout(footfall, shop, number)
    visitor = browser.new_page(user_agent=CHROME)
    visitor.goto(f"{shop}/p/bruno-the-bear")
    visitor.locator("[data-test=add-to-cart]").click()
    visitor.locator("[data-test=to-checkout]").click()
    expect(visitor.locator("body")).not_to_contain_text("Order now")
    visitor.close()

    alert = page.locator("#alerts .alert[data-severity=critical]")
    expect(alert.locator("strong")).to_have_text(re.compile("^checkout: "), timeout=150_000)
    page.screenshot(path=tmp_path / "broken.png")
    alert.get_by_role("button").click()
    expect(page.locator("[data-step=order] .verdict")).to_contain_text("below usual")


@pytest.fixture
def redis_of(footfall: Stack) -> str:
    return f"redis://127.0.0.1:{16379 + int(footfall.environment['FOOTFALL_PORT_OFFSET'])}/0"


def _goes_to_the_checkout(footfall: Stack, shop: str, number: int) -> None:
    """And sees what the shop makes of it. The product's page says itself that it was seen."""
    headers = {"User-Agent": f"{CHROME} {number}", "Origin": shop}
    form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    with httpx.Client(base_url=shop, trust_env=False, headers=headers, timeout=30) as browser:
        browser.cookies.set("toyhouse_consent", "granted", domain="127.0.0.1")
        browser.get("/")
        footfall.page(browser.cookies["ff_id"], "/p/bruno-the-bear")
        browser.post("/cart/add", data={"sku": "T-0001", "quantity": "1"}, headers=form)
        started = browser.post("/checkout", headers=form)
        assert browser.get(started.headers["location"]).status_code == 500
