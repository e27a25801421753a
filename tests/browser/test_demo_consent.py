"""What the demo's shop keeps in a browser, and what Footfall knows, by the visitor's choice."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.visitor import Launch, Visitor, visiting
from tests.demo import Demo

KITE, TRAIN = "/p/dragon-tail-kite", "/p/moonlight-music-box"


def test_who_refuses_is_counted_without_a_cookie_and_without_a_person(
    visitor: Visitor, running: Demo
) -> None:
    visitor.go()
    visitor.refuse()
    visitor.go(KITE)
    visitor.go("/search?q=kite")

    expect(visitor.page.locator("[data-test=consent]")).to_be_hidden()
    assert visitor.cookies_sent() == []
    assert visitor.context.cookies() == []
    assert visitor.page.evaluate("localStorage.toyhouse_consent") == "refused"

    visitor.go("/about")
    running.drain()
    (device,) = one_device(running, KITE)
    assert device.startswith("p_")
    rows = running.sql(
        "SELECT path, consent, isNull(person_id), user_id FROM events "
        f"WHERE device_id = '{device}' AND type = 'page' ORDER BY event_time"
    )
    assert rows == [
        ["/", "denied", "1", ""],
        [KITE, "denied", "1", ""],
        ["/search", "denied", "1", ""],
        ["/about", "denied", "1", ""],
    ]


def test_the_order_of_who_refused_belongs_to_the_same_pseudonym(
    visitor: Visitor, running: Demo
) -> None:
    visitor.go()
    visitor.refuse()
    visitor.orders(TRAIN)
    running.drain()

    assert list(visitor.cookies) == ["toyhouse_session"]  # a cart is strictly necessary
    (device,) = one_device(running, TRAIN)
    assert running.sql(
        "SELECT name, isNull(person_id), consent FROM events "
        f"WHERE device_id = '{device}' AND name IN ('Product Viewed', 'Order Completed') "
        "ORDER BY event_time"
    ) == [["Product Viewed", "1", "denied"], ["Order Completed", "1", "denied"]]


def test_global_privacy_control_is_a_refusal_and_nobody_asks(launch: Launch, running: Demo) -> None:
    with visiting(launch, running, gpc=True) as visitor:
        visitor.go()
        expect(visitor.page.locator("[data-test=gpc]")).to_contain_text("Global Privacy Control")
        expect(visitor.page.locator("[data-test=consent]")).to_have_count(0)
        assert "no consent" in visitor.badge("class")
        visitor.go("/p/mosaic-stones")
        visitor.go("/gifts")
        assert visitor.cookies_sent() == []
        assert visitor.context.cookies() == []
    running.drain()

    (device,) = one_device(running, "/p/mosaic-stones")
    assert device.startswith("p_")
    assert running.sql(
        f"SELECT DISTINCT consent, isNull(person_id) FROM events WHERE device_id = '{device}'"
    ) == [["denied", "1"]]


def test_who_agrees_is_known_from_the_page_on_which_they_agreed(
    visitor: Visitor, running: Demo
) -> None:
    article = visitor.from_encyclopedia("Kite")
    visitor.agree()
    visitor.go(KITE)
    running.drain()

    assert set(visitor.cookies) == {"toyhouse_consent", "ff_id"}
    assert visitor.events("path, referrer, variant", "type = 'page'") == [
        ["/", article, "bestsellers"],
        [KITE, "", ""],
    ]


def test_consent_taken_back_ends_the_recognition(visitor: Visitor, running: Demo) -> None:
    visitor.go()
    visitor.agree()
    device = visitor.device
    visitor.go("/c/music")
    visitor.click("consent-open")
    with visitor.page.expect_response("**/consent"):
        visitor.refuse()
    visitor.go("/c/science")
    expect(visitor.page.locator("[data-test=consent]")).to_be_hidden()
    running.drain()

    assert visitor.context.cookies() == []
    known = running.sql(f"SELECT path FROM events WHERE device_id = '{device}' AND type = 'page'")
    assert ["/c/music"] in known
    assert ["/c/science"] not in known
    assert one_device(running, "/c/science")[0].startswith("p_")


def one_device(running: Demo, path: str) -> list[str]:
    """The devices that looked at a page, of whom there should be one."""
    rows = running.sql(f"SELECT DISTINCT device_id FROM events WHERE path = '{path}'")
    return [device for (device,) in rows]
