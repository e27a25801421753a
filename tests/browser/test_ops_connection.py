"""How `/ops` is reached: by a login, by a connection that breaks, by a stream that is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Page, Route, expect

from schemas.settings import Settings
from tests.browser.visitor import Launch
from tests.integration.personalize_service import Client, serving
from tests.servers import own_settings


@pytest.fixture
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with serving(addresses) as client:
        yield client


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


def test_a_stream_that_is_refused_is_asked_for_again(page: Page, client: Client) -> None:
    """Browsers give an event stream up for good where the answer is an error."""
    page.route("**/v1/live", lambda route: route.fulfill(status=503, body="starting"))
    page.goto(f"{client.url}/ops")
    expect(page.locator("#state")).to_have_attribute("data-state", "lost")
    page.unroute("**/v1/live")
    expect(page.locator("#state")).to_have_attribute("data-state", "live", timeout=10_000)


def test_a_session_that_has_ended_leads_to_the_login(launch: Launch, client: Client) -> None:
    browser = launch("--host-resolver-rules=MAP ops.example 127.0.0.1")
    page = browser.new_page()
    page.goto(f"http://ops.example:{client.port}/ops/login")
    page.fill("#token", "a token for tests")
    page.press("#token", "Enter")
    expect(page.locator("#state")).to_have_attribute("data-state", "live")

    def end_session(route: Route) -> None:
        page.context.clear_cookies()
        route.fulfill(status=401)

    page.route("**/v1/live", end_session)
    page.reload()
    expect(page).to_have_url(re.compile("/ops/login$"))
    browser.close()


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
