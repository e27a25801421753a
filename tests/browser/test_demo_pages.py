"""Every page of the demo's shop in a real browser: it complains of nothing and is usable by all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Launch, Visitor, visiting
from tests.demo import Demo

TOP = "/p/twirl-spinning-top"
ANYBODY = (
    *("/", "/?gclid=demo", "/?utm_source=friends&utm_medium=social"),
    *("/c/building", "/c/books?by=price", "/search?q=bear", "/search?q=nothing+of+the+kind"),
    *("/gifts?age=3-5&budget=30", TOP, "/login", "/newsletter", "/mail/1", "/about", "/cart"),
)
MEMBER = ("/", "/account", "/cart", "/checkout")
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}

_WITH_ALL_PICTURES = """Promise.all([...document.images].map(image => {
    image.loading = 'eager';
    return image.complete || new Promise(done => { image.onload = image.onerror = done });
}))"""


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_no_page_complains_or_is_wider_than_the_screen(
    launch: Launch, running: Demo, viewport: dict[str, int]
) -> None:
    with visiting(launch, running, viewport=viewport) as visitor:
        for path in ANYBODY:
            open_whole(visitor, path)
        visitor.go()
        visitor.agree()
        visitor.go("/login")
        visitor.click("login-ada")
        visitor.go(TOP)
        visitor.click("add-to-cart")
        for path in MEMBER:
            open_whole(visitor, path)
        visitor.click("place-order")
        expect(visitor.page).to_have_url(re.compile("/order/"))
        open_whole(visitor, visitor.page.url.removeprefix(running.shop))


def open_whole(visitor: Visitor, path: str) -> None:
    """With all pictures, also those further down."""
    visitor.go(path)
    page = visitor.page
    page.evaluate(_WITH_ALL_PICTURES)
    assert (
        page.evaluate(
            "[...document.images].filter(image => !image.naturalWidth).map(image => image.src)"
        )
        == []
    ), path
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.evaluate("document.documentElement.clientWidth"), path


def test_consent_cart_and_order_need_no_mouse(launch: Launch, running: Demo) -> None:
    with visiting(launch, running) as visitor:
        visitor.go(TOP)
        for control in ("consent-accept", "add-to-cart", "to-checkout", "place-order"):
            expect(visitor.page.locator(f"[data-test={control}]").first).to_be_visible()
            press(visitor, control)
            if control == "consent-accept":
                expect(visitor.page.locator("[data-test=consent]")).to_be_hidden()
        expect(visitor.page.locator("h1")).to_have_text("Thank you.")


def press(visitor: Visitor, control: str) -> None:
    """Tab to a control, which must show that it has the focus, and Enter."""
    page = visitor.page
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.test") == control:
            break
    focused = page.locator(f"[data-test={control}]").first
    expect(focused).to_be_focused()
    assert focused.evaluate("it => getComputedStyle(it).outlineStyle") != "none"
    page.keyboard.press("Enter")
    if control != "consent-accept":
        expect(focused).to_have_count(0)


def test_who_runs_no_script_can_order_all_the_same(launch: Launch, running: Demo) -> None:
    with visiting(launch, running, java_script_enabled=False) as visitor:
        visitor.orders(TOP)
        expect(visitor.page.locator("h1")).to_have_text("Thank you.")


def test_a_page_that_is_not_there_says_so_kindly(launch: Launch, running: Demo) -> None:
    with visiting(launch, running) as visitor:
        answer = visitor.page.goto(f"{running.shop}/p/no-such-toy")
        assert answer is not None
        assert answer.status == 404
        expect(visitor.page.locator("main a").first).to_have_attribute("href", "/")
        visitor.complaints.clear()  # the browser notes the status, as it should


def test_a_broken_checkout_keeps_the_cart(launch: Launch, running: Demo) -> None:
    with visiting(launch, running) as visitor:
        visitor.go(TOP)
        visitor.click("add-to-cart")
        request = visitor.context.request
        assert request.post(f"{running.shop}/admin/break-checkout?on=1").ok
        visitor.click("to-checkout")
        expect(visitor.page.locator("[data-test=broken]")).to_contain_text("your cart is safe")
        assert any(text.endswith(" 500") for text in visitor.complaints)
        assert request.post(f"{running.shop}/admin/break-checkout?on=0").ok
        visitor.complaints.clear()
        visitor.go("/checkout")
        expect(visitor.page.locator("[data-test=place-order]")).to_be_visible()
