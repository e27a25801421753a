"""PostHog's and Snowplow's own trackers in a real browser, on a page of another origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page

from schemas.event import Event
from schemas.ids import is_pseudonym
from tests.browser.small_site import small_site
from tests.collector_service import Collector, _running, collector
from tests.npm import installed
from tests.processes import await_true

__all__ = ["_running", "collector"]

PACKAGES = Path(__file__).parents[1] / "contract" / "trackers"
SCRIPTS = {
    "/posthog.js": "node_modules/posthog-js/dist/array.full.no-external.js",
    "/snowplow.js": "node_modules/@snowplow/browser-tracker/dist/index.umd.min.js",
}

# What a page says that has asked its visitor.
POSTHOG = """([host, said, more]) => new Promise((done) => posthog.init('pk_demo', {
    api_host: host, opt_out_useragent_filter: true, request_batching: false, ...more,
    loaded: (started) => { started.register(said); done() }, // before its own page view
})).then(() => null)"""
GRANTED = {"consent": "granted"}
SNOWPLOW = """([host, more]) => {
    const { newTracker, addGlobalContexts, enableActivityTracking, trackPageView } =
        snowplowBrowserTracking;
    newTracker('shop', host, { appId: 'pk_demo', ...more });
    addGlobalContexts([{
        schema: 'iglu:org.footfall/visit/jsonschema/1-0-0',
        data: { consent: 'granted', decision_id: 'd-1', heartbeat: 1 },
    }]);
    enableActivityTracking({ minimumVisitLength: 1, heartbeatDelay: 1 });
    trackPageView();
}"""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """A page of another origin than the collector's that loads both trackers from its own."""
    packages = installed(PACKAGES)

    def shop_page(asked: str) -> tuple[str, bytes]:
        if script := SCRIPTS.get(asked.partition("?")[0]):
            return "text/javascript", (packages / script).read_bytes()
        tags = "".join(f'<script src="{name}"></script>' for name in SCRIPTS)
        page = f"<!doctype html><title>Toys</title><link rel=icon href=data:,>{tags}"
        return "text/html", page.encode()

    with small_site(shop_page) as url:
        yield url


@pytest.fixture
def page(browser: Browser, shop: str) -> Iterator[Page]:
    """At the shop from elsewhere; fails the test for anything the page complains about."""
    complaints: list[str] = []
    context = browser.new_context(locale="de-DE")
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"{shop}/p/1?utm_source=letter", referer="https://www.google.com/")
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def arrived(collector: Collector) -> Callable[[str], dict[str, Event]]:
    """Waits for an event of that name, and gives all so far by their names."""
    events: dict[str, Event] = {}

    def wait(name: str) -> dict[str, Event]:
        def come() -> bool:
            for event in collector.events():
                events[event.name or event.type] = event
            return name in events

        await_true(come, 20, f"{name}, there are {list(events)}")
        return events

    return wait


def test_posthog_recognizes_its_visitor_until_he_logs_out(
    page: Page, collector: Collector, shop: str, arrived: Callable[[str], dict[str, Event]]
) -> None:
    page.evaluate(POSTHOG, [collector.url, GRANTED, {}])
    page.evaluate("posthog.capture('$pageview'); posthog.capture('Product Added', { sku: 'T-1' })")
    page.evaluate("posthog.identify('4711', { plan: 'gold' }); posthog.capture('Looked')")
    arrived("Looked")
    page.evaluate("posthog.reset(); posthog.register({ consent: true })")
    page.evaluate("posthog.capture('Looked Again', { long: 'ü'.repeat(3000) })")
    arrived("Looked Again")
    events = arrived("Logged Out")
    view = events["Page Viewed"]
    assert (view.protocol, view.consent, view.language) == ("posthog", "granted", "de-DE")
    assert (view.url, view.title) == (f"{shop}/p/1?utm_source=letter", "Toys")
    assert view.referrer == "https://www.google.com/"
    assert {event.device_id for event in events.values()} == {view.device_id}
    added = events["Product Added"]
    assert added.user_id == ""
    assert msgspec.json.decode(added.properties)["sku"] == "T-1"
    assert not {"$device_id", "$session_id", "token"} & set(msgspec.json.decode(added.properties))
    assert (events["identify"].user_id, events["Looked"].user_id) == ("4711", "4711")
    assert msgspec.json.decode(events["identify"].properties) == {"plan": "gold"}
    assert (events["Looked Again"].user_id, events["Logged Out"].user_id) == ("", "")
    assert collector.rejected() == []


def test_posthog_without_cookies_is_a_refusal(
    page: Page, collector: Collector, arrived: Callable[[str], dict[str, Event]]
) -> None:
    page.evaluate(POSTHOG, [collector.url, {}, {"cookieless_mode": "always"}])
    page.evaluate("posthog.capture('Looked')")
    event = arrived("Looked")["Looked"]
    assert (event.consent, is_pseudonym(event.device_id)) == ("denied", True)
    assert collector.rejected() == []


def test_posthog_sends_what_is_left_when_the_page_is_left(
    page: Page, collector: Collector, arrived: Callable[[str], dict[str, Event]]
) -> None:
    page.evaluate(POSTHOG, [collector.url, GRANTED, {"request_batching": True}])
    page.wait_for_timeout(300)
    page.goto("about:blank")
    left = arrived("Page Left")["Page Left"]
    assert 100 <= left.engaged_ms < 20_000


@pytest.mark.parametrize("method", ["post", "get"])
def test_snowplow_tells_pages_pings_and_who_is_there(
    method: str,
    page: Page,
    collector: Collector,
    shop: str,
    arrived: Callable[[str], dict[str, Event]],
) -> None:
    page.evaluate(SNOWPLOW, [collector.url, {"eventMethod": method}])
    page.evaluate(
        """() => {
            snowplowBrowserTracking.setUserId('4711');
            snowplowBrowserTracking.trackSelfDescribingEvent({ event: {
                schema: 'iglu:com.acme/product_added/jsonschema/1-0-0', data: { sku: 'T-1' },
            } });
            setInterval(() => document.dispatchEvent(new Event('click')), 200);
        }"""
    )
    events = arrived("Page Pinged")
    view = events["Page Viewed"]
    assert (view.protocol, view.consent, view.language) == ("snowplow", "granted", "de-DE")
    assert (view.url, view.title) == (f"{shop}/p/1?utm_source=letter", "Toys")
    assert (view.referrer, view.decision_id) == ("https://www.google.com/", "d-1")
    assert {event.device_id for event in events.values()} == {view.device_id}
    assert events["Product Added"].user_id == "4711"
    assert msgspec.json.decode(events["Product Added"].properties)["sku"] == "T-1"
    assert events["Page Pinged"].engaged_ms == 1000
    assert collector.rejected() == []


def test_snowplow_in_server_anonymisation_is_a_refusal(
    page: Page, collector: Collector, arrived: Callable[[str], dict[str, Event]]
) -> None:
    anonymous = {"anonymousTracking": {"withServerAnonymisation": True}}
    page.evaluate(SNOWPLOW, [collector.url, anonymous])
    event = arrived("Page Viewed")["Page Viewed"]
    assert (event.consent, is_pseudonym(event.device_id)) == ("denied", True)
