"""A visit to the demo in a real browser, as its README tells it: arrive, be recognized, order."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor
from tests.demo import Demo

BEAR = "/p/bruno-the-bear"


def test_a_reader_of_the_encyclopedia_is_shown_the_bestsellers_and_told_why(
    visitor: Visitor,
) -> None:
    article = visitor.from_encyclopedia()

    page = visitor.page
    expect(page.locator("main")).to_have_attribute("data-ff-variant", "bestsellers")
    expect(page.locator("[data-test=badge]")).to_contain_text("referrer_source is Encyclopedia")
    visitor.click("badge")
    expect(page.locator("[data-test=badge-scenario]")).to_have_text("encyclopedia")
    assert page.evaluate("document.referrer") == article


def test_who_comes_directly_is_shown_the_classic_homepage(visitor: Visitor) -> None:
    assert visitor.shown() == "classic"
    assert visitor.badge("reason") == "no scenario matched"


def test_from_the_article_to_the_order_is_one_visit_of_one_person(
    visitor: Visitor, running: Demo
) -> None:
    article = visitor.from_encyclopedia("Spinning_top")
    visitor.agree()
    visitor.page.locator(f"a[href='{BEAR}']").first.click()
    visitor.click("add-to-cart")
    visitor.click("to-checkout")
    visitor.click("place-order")
    order = visitor.page.locator("[data-test=order-id]").text_content()
    running.drain()

    device = visitor.device
    ((person, events),) = running.sql(
        f"SELECT person_id, count() FROM events WHERE device_id = '{device}' GROUP BY person_id"
    )
    assert person != "\\N"
    assert int(events) > 8
    assert visitor.events("path", "type = 'page'") == [
        ["/"],
        [BEAR],
        ["/cart"],
        ["/checkout"],
        [f"/order/{order}"],
    ]
    assert visitor.events("referrer", "type = 'page' AND path = '/'") == [[article]]
    deeds = "'Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed'"
    assert visitor.events("name, order_id, currency", f"name IN ({deeds})") == [
        ["Product Viewed", "", "EUR"],
        ["Product Added", "", "EUR"],
        ["Checkout Started", "", "EUR"],
        ["Order Completed", order, "EUR"],
    ]
    assert running.sql(
        "SELECT referrer_source, scenario, variant, entry_path, orders, revenue > 0 "
        f"FROM sessions WHERE device_id = '{device}'"
    ) == [["Encyclopedia", "encyclopedia", "bestsellers", "/", "1", "1"]]
    assert running.sql(
        "SELECT variant, scenario, shown FROM decisions WHERE decision_id IN "
        f"(SELECT decision_id FROM events WHERE device_id = '{device}')"
    ) == [["bestsellers", "encyclopedia", "true"]]


@pytest.mark.parametrize("funnel", ["homepage", "checkout"])
def test_the_live_funnel_counts_what_clickhouse_counts(
    funnel: str, visitor: Visitor, running: Demo
) -> None:
    before = running.live_funnel(funnel)
    visitor.from_encyclopedia()
    visitor.agree()
    visitor.orders(BEAR)
    running.drain()
    time.sleep(1.5)  # the API adds its counters up once a second

    live, batch = running.live(funnel), running.funnel(funnel)
    assert live["steps"] == batch["steps"]
    assert live["by"] == batch["by"]
    assert running.live_funnel(funnel) == {step: n + 1 for step, n in before.items()}


def test_the_live_funnel_tells_by_where_they_came_from_and_what_they_saw(
    visitor: Visitor, running: Demo
) -> None:
    visitor.from_encyclopedia()
    visitor.agree()
    visitor.orders(BEAR)
    running.drain()

    by = running.funnel("homepage")["by"]
    for field, value in (("referrer_source", "Encyclopedia"), ("variant", "bestsellers")):
        counts = [step["count"] for step in by[field][value]]
        assert min(counts) > 0, field


def test_a_member_who_comes_back_is_welcomed_by_name(visitor: Visitor, running: Demo) -> None:
    visitor.go()
    visitor.agree()
    visitor.go(BEAR)
    visitor.log_in("grace@example.org")
    running.drain()

    assert visitor.shown() == "welcome-back"
    assert visitor.badge("class") == "registered"
    expect(visitor.page.locator("h1")).to_contain_text("Grace")
    visitor.orders(BEAR)
    running.drain()
    assert visitor.shown() == "welcome-back"
    assert visitor.badge("class") == "customer"
    ((logins, before_login),) = running.sql(
        "SELECT uniqExactIf(user_id, user_id != ''), countIf(user_id = '' AND type = 'page') > 0 "
        f"FROM events WHERE person_id IN (SELECT person_id FROM events "
        f"WHERE device_id = '{visitor.device}')"
    )
    assert (logins, before_login) == ("1", "1")


def test_after_the_logout_nobody_is_called_by_name(visitor: Visitor, running: Demo) -> None:
    visitor.go()
    visitor.agree()
    visitor.log_in("henry@example.org")
    visitor.click("logout")
    running.drain()

    visitor.go()
    expect(visitor.page.locator("main")).not_to_contain_text("henry", ignore_case=True)
    running.drain()
    pages = visitor.events("path, person_id", "type = 'page' AND path IN ('/', '/account')")
    assert [path for path, _ in pages] == ["/", "/account", "/", "/"]
    before, login, *after = [person for _, person in pages]
    assert before == login
    assert after == [after[0], after[0]]
    assert after[0] != login


def test_a_mother_sees_what_fits_the_child_she_has_chosen(visitor: Visitor, running: Demo) -> None:
    visitor.go()
    visitor.agree()
    visitor.go("/login")
    visitor.click("login-ada")
    expect(visitor.page.locator("h1")).to_contain_text("Ada")
    running.drain()

    assert visitor.shown() == "my-kids"
    assert "profile.age" in visitor.badge("reason")
    for child in ("Tom, 3", "Nora, 6"):
        visitor.page.get_by_role("button", name=child).click()
        expect(visitor.page.locator("h1")).to_have_text(child)
        expect(visitor.page.locator("main")).to_have_attribute("data-ff-variant", "my-kids")


def test_the_live_page_ticks_when_a_toy_is_put_into_the_cart(visitor: Visitor) -> None:
    visitor.go()
    visitor.agree()
    ops = visitor.context.new_page()
    ops.goto(f"{visitor.demo.personalize}/ops")
    expect(ops.locator("#state")).to_have_attribute("data-state", "live")
    count = ops.locator("#funnel[data-funnel=checkout] [data-step=cart] .count")
    before = int((count.text_content() or "").replace(",", ""))
    visitor.go(BEAR)
    visitor.click("add-to-cart")
    expect(count).to_have_text(f"{before + 1:,}", timeout=2000)


def test_the_desk_answers_a_typed_query(visitor: Visitor, running: Demo) -> None:
    visitor.go()
    visitor.agree()
    visitor.go(BEAR)
    running.drain()

    desk = visitor.context.new_page()
    desk.goto(running.desk)
    desk.fill(
        "#query",
        f"SELECT path, count() AS views FROM events WHERE device_id = '{visitor.device}' "
        "AND name = 'Product Viewed' GROUP BY path",
    )
    desk.press("#query", "Control+Enter")
    expect(desk.locator(".result td")).to_have_text([BEAR, "1"])
