"""The tracker in a real browser, on a page of another origin, against the real collector."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Cookie, Page

from schemas.event import Event
from schemas.ids import is_pseudonym
from tests.browser.small_site import small_site
from tests.collector_service import Collector, _running, collector
from tests.processes import await_true

__all__ = ["_running", "collector"]


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="de-DE")
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the test for any error in it."""
    errors: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


@pytest.fixture
def shop(collector: Collector) -> Iterator[str]:
    """Address of a shop whose every page carries the tracker; `?consent=` is its data-consent."""

    def shop_page(asked: str) -> tuple[str, bytes]:
        path, _, consent = asked.partition("?consent=")
        given = f'data-consent="{consent}"' if consent else ""
        html = f"""<!doctype html><title>Shop {path}</title>
            <script src="{collector.url}/beacon.js" data-key="pk_demo" {given} async></script>
            <main data-ff-decision="d-1" data-ff-variant="bestsellers">Toys</main>"""
        return "text/html", html.encode()

    with small_site(shop_page) as url:
        yield url


@pytest.fixture
def arrived(collector: Collector) -> Callable[[int], list[Event]]:
    """Waits for that many events and gives them in the order they happened."""
    events: list[Event] = []

    def wait(count: int) -> list[Event]:
        deadline = time.monotonic() + 20
        while len(events) < count:
            assert time.monotonic() < deadline, [event.name for event in events]
            events.extend(collector.events())
        return sorted(events, key=lambda event: event.event_time)

    return wait


def _visit(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_function("window.footfall")


def _one_cookie(context: BrowserContext) -> Cookie:
    """The answer that sets it comes after the event is in Kafka, where the test looks first."""
    await_true(context.cookies, 5, "the cookie in the browser")
    (cookie,) = context.cookies()
    return cookie


def test_two_page_views_are_one_device_with_one_cookie(
    page: Page, shop: str, context: BrowserContext, arrived: Callable[[int], list[Event]]
) -> None:
    _visit(page, f"{shop}/p/1?consent=granted")
    arrived(1)
    first = _one_cookie(context)
    _visit(page, f"{shop}/p/2?consent=granted")
    events = arrived(3)  # with the leaving of the first page
    assert context.cookies() == [first]
    assert (first.get("name"), first.get("httpOnly"), first.get("sameSite")) == (
        "ff_id",
        True,
        "Lax",
    )
    assert {event.device_id for event in events} == {first.get("value")}
    views = [event for event in events if event.type == "page"]
    assert [view.url for view in views] == [
        f"{shop}/p/1?consent=granted",
        f"{shop}/p/2?consent=granted",
    ]
    assert (views[0].title, views[0].language) == ("Shop /p/1", "de-DE")
    assert (views[0].decision_id, views[0].variant) == ("d-1", "bestsellers")


@pytest.mark.parametrize("asked", ["", "?consent=denied"])
def test_without_consent_there_is_no_cookie(
    asked: str,
    page: Page,
    shop: str,
    context: BrowserContext,
    arrived: Callable[[int], list[Event]],
) -> None:
    _visit(page, f"{shop}/p/1{asked}")
    (event,) = arrived(1)
    assert is_pseudonym(event.device_id)
    assert context.cookies() == []


def test_global_privacy_control_is_honoured(
    page: Page, shop: str, context: BrowserContext, arrived: Callable[[int], list[Event]]
) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    _visit(page, f"{shop}/p/1?consent=granted")
    (event,) = arrived(1)
    assert event.consent == "denied"
    assert context.cookies() == []


def test_consent_given_later_makes_the_device_known(
    page: Page, shop: str, context: BrowserContext, arrived: Callable[[int], list[Event]]
) -> None:
    _visit(page, f"{shop}/p/1")
    arrived(1)
    page.evaluate("footfall.consent(true)")
    granted = arrived(2)[-1]
    assert (granted.name, granted.consent) == ("Consent Granted", "granted")
    assert _one_cookie(context).get("value") == granted.device_id


@pytest.mark.parametrize("agrees", [True, False])
def test_while_the_page_asks_what_it_tells_waits_for_the_answer(
    agrees: bool,
    page: Page,
    shop: str,
    context: BrowserContext,
    arrived: Callable[[int], list[Event]],
) -> None:
    _visit(page, f"{shop}/p/1?consent=ask")
    page.wait_for_timeout(800)
    page.evaluate(f"footfall.consent({'true' if agrees else 'false'})")
    view, answer = arrived(2)
    assert [view.type, answer.name] == ["page", "Consent Granted" if agrees else "Consent Refused"]
    assert {view.consent, answer.consent} == {"granted" if agrees else "denied"}
    if agrees:
        assert _one_cookie(context).get("value") == view.device_id
    else:
        assert is_pseudonym(view.device_id)
        assert context.cookies() == []


def test_who_answers_late_is_counted_without_a_name_and_then_from_the_beginning(
    page: Page, shop: str, context: BrowserContext, arrived: Callable[[int], list[Event]]
) -> None:
    """What was sent before stays nobody's; the view is told again, so that the visit has one."""
    _visit(page, f"{shop}/p/1?consent=ask")
    arrived(1)
    assert context.cookies() == []
    page.evaluate("footfall.consent(true)")
    before, view, granted = arrived(3)
    assert (before.consent, is_pseudonym(before.device_id)) == ("unknown", True)
    assert (view.type, view.url, view.variant) == ("page", before.url, before.variant)
    assert _one_cookie(context).get("value") == granted.device_id == view.device_id


def test_a_single_page_application_has_a_view_for_each_address(
    page: Page, shop: str, arrived: Callable[[int], list[Event]]
) -> None:
    _visit(page, f"{shop}/p/1?consent=granted")
    arrived(1)
    page.wait_for_timeout(300)
    page.evaluate("document.title = 'Second'; history.pushState({}, '', '/p/2')")
    events = arrived(3)
    left = next(event for event in events if event.name == "Page Left")
    second = [event for event in events if event.type == "page"][-1]
    assert left.url == f"{shop}/p/1?consent=granted"
    assert 200 <= left.engaged_ms < 10_000
    assert (second.url, second.title) == (f"{shop}/p/2", "Second")
    assert second.referrer == f"{shop}/p/1?consent=granted"


def test_the_page_tells_what_happens(
    page: Page, shop: str, arrived: Callable[[int], list[Event]]
) -> None:
    _visit(page, f"{shop}/p/1?consent=granted")
    page.evaluate(
        """footfall.track('Product Added', {sku: 'T-1', price: 19.9});
           footfall.identify(4711, {plan: 'gold'});
           footfall.reset();"""
    )
    events = {event.name or event.type: event for event in arrived(4)}
    assert msgspec.json.decode(events["Product Added"].properties) == {"sku": "T-1", "price": 19.9}
    assert events["identify"].user_id == "4711"
    assert "Logged Out" in events
    assert len({event.event_id for event in events.values()}) == 4


def test_it_never_throws_into_the_page(page: Page, shop: str) -> None:
    page.add_init_script(
        """navigator.sendBeacon = () => { throw new Error('no') };
           window.fetch = undefined; delete window.crypto.randomUUID;"""
    )
    _visit(page, f"{shop}/p/1?consent=granted")
    page.evaluate(
        """const loop = {}; loop.loop = loop;
           footfall.track('x', loop); footfall.track(); footfall.identify(); footfall.consent();
           history.pushState({}, '', '/p/2');"""
    )
    page.wait_for_timeout(600)
