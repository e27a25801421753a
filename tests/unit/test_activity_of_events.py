"""What the device stage keeps of an event's category, order, source and decision."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from schemas.activity import (
    ADDED,
    CONTACTS,
    GOAL,
    INTEREST,
    MAX_TEXT,
    VIEWED,
    Contact,
    contacts,
    first_exposures,
    interests,
    pages,
    products,
    touches,
)
from schemas.batch import encode_batch
from schemas.decision_token import Decided, mint
from schemas.device_state import DeviceState
from schemas.event import Event
from schemas.purchases import UNIT, WHOLE, Purchase
from schemas.site import Experiment
from streams.device_stage import DeviceStage, States
from streams.records import Record
from tests.unit.test_device_stage import NOW, SITE, event

HERO = Experiment(name="hero", arms={"big": 1.0}, goal="Order Completed")
SHOP = msgspec.structs.replace(SITE, experiments={"hero": HERO})
GOOGLE = "https://www.google.com/"


def state_after(*events: Event) -> DeviceState:
    stage, states = DeviceStage(SHOP, "secret"), States()
    record = Record(0, 0, NOW, encode_batch(events), lambda: None)
    stage.fold(states, [(record, stage.decode(record))], 1)
    (state,) = states.values()
    assert state is not None
    return state


def told(minute: int, name: str, properties: Any, **more: Any) -> Event:
    return event(minute, name, properties=msgspec.Raw(json.dumps(properties).encode()), **more)


def categories(*events: Event) -> dict[str, int]:
    return {name: amount for name, _, amount in interests(state_after(*events).activity)}


def test_an_interest_is_what_product_events_name() -> None:
    assert categories(told(0, "Product Viewed", {"category": " trains "})) == {"trains": 1}
    assert categories(told(0, "Product Added", {"category": "dolls"}))["dolls"] in (2, 3)
    listed = told(0, "Product List Viewed", {"products": [{"category": "a"}, {"category": "b"}]})
    assert categories(listed) == {"a": 1, "b": 1}
    assert categories(told(0, "Something Else", {"category": "trains"})) == {}


@pytest.mark.parametrize(
    "properties",
    [
        {"category": 7},
        {"category": ["trains"]},
        {"category": ""},
        {"category": "a\nb"},
        {"category": None, "products": [{"category": {}}]},
        {"category": "trains", "products": "none"},
        {"products": [7]},
        {},
    ],
)
def test_what_is_no_category_is_left_out(properties: Any) -> None:
    assert categories(told(0, "Product Viewed", properties)) == {}


def test_an_order_is_kept_with_its_money_and_categories_however_late() -> None:
    properties = {
        "order_id": 7,
        "revenue": "19.90",
        "currency": "eur",
        "products": [{"category": "trains"}, {"category": "dolls"}, {"category": "trains"}],
    }
    late = NOW + 40 * 86_400_000
    (order,) = state_after(told(0, "Order Completed", properties, received_at=late)).orders
    assert (order.amount, order.currency) == (19_9000, "EUR")
    assert order.categories == ("dolls", "trains")


def test_an_order_without_a_number_is_an_order_of_its_own() -> None:
    orders = state_after(told(0, "Order Completed", {}), told(1, "Order Completed", {})).orders
    assert len({order.order for order in orders}) == 2


def test_a_refund_names_its_order() -> None:
    properties = {"order_id": "7", "revenue": 5}
    orders = state_after(
        told(0, "Order Completed", {"order_id": "7", "revenue": 20}),
        told(1, "Order Refunded", properties),
        told(2, "Order Refunded", {"order_id": "7"}),
        told(3, "Order Refunded", {"revenue": 5}),
    ).orders
    assert [order.amount for order in orders] == [20 * UNIT, -5 * UNIT, -WHOLE]
    assert len({order.order for order in orders}) == 1


def test_a_touch_is_an_arrival_from_outside() -> None:
    state = state_after(
        event(0, referrer=GOOGLE), event(1, referrer="https://toyhouse.example/"), event(2)
    )
    assert [(touch.medium, touch.source) for touch in touches(state.activity)] == [
        ("search", "Google")
    ]


def test_an_exposure_is_a_decision_that_was_shown_and_is_ours() -> None:
    ours = mint(Decided("search-toys", "big", "hero", "big"), "secret")
    unknown = mint(Decided("search-toys", "big", "gone", "big"), "secret")
    forged = mint(Decided("search-toys", "big", "hero", "big"), "another secret")
    state = state_after(
        *(event(n, decision_id=one) for n, one in enumerate((unknown, forged, ours)))
    )
    (exposure,) = first_exposures([state.activity]).values()
    assert exposure.arm == "big"
    assert exposure.time == state.last_seen


def test_a_pseudonym_leaves_nothing_of_what_it_did() -> None:
    ours = mint(Decided("search-toys", "big", "hero", "big"), "secret")
    state = state_after(
        event(0, device_id="p_x", consent="unknown", decision_id=ours, referrer=GOOGLE),
        told(1, "Product Viewed", {"category": "trains"}, device_id="p_x", consent="unknown"),
        told(2, "Order Completed", {"order_id": "1"}, device_id="p_x", consent="unknown"),
    )
    assert (state.activity, state.orders) == ({}, ())


def test_only_what_was_done_is_kept() -> None:
    assert state_after(event(0)).activity == {}
    viewed = state_after(told(0, "Product Viewed", {"category": "trains"}))
    assert {name[0] for name in viewed.activity} == {INTEREST}
    ordered = state_after(told(0, "Order Completed", {"order_id": "1"}))
    assert {name[0] for name in ordered.activity} == {GOAL}


def test_a_purchase_of_an_older_version_can_still_be_read() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode([5, b"12345678"]), type=Purchase) == (
        Purchase(5, b"12345678")
    )


def seen(*events: Event) -> dict[str, int]:
    return {product: bits for product, _, bits in products(state_after(*events).activity)}


def test_products_that_were_looked_at_or_taken_are_remembered() -> None:
    assert seen(told(0, "Product Viewed", {"product_id": "T-1"})) == {"T-1": VIEWED}
    assert seen(told(0, "Product Clicked", {"sku": " T-2 "})) == {"T-2": VIEWED}
    both = told(0, "Product Viewed", {"product_id": 7}), told(1, "Product Added", {"sku": "7"})
    assert seen(*both) == {"7": VIEWED | ADDED}
    assert seen(told(0, "Product List Viewed", {"products": [{"sku": "T-1"}]})) == {}


def test_what_names_no_product_is_none() -> None:
    wrongs: list[object] = ["", " ", "a\nb", "x" * (MAX_TEXT + 1), 7.5, True, None, ["T-1"], {}]
    for wrong in wrongs:
        assert seen(told(0, "Product Viewed", {"product_id": wrong})) == {}


def test_of_many_products_the_last_twelve_stay_in_any_order() -> None:
    looks = [told(5 * n, "Product Viewed", {"product_id": f"T-{n}"}) for n in range(30)]
    kept = {f"T-{n}": VIEWED for n in range(18, 30)}
    assert seen(*looks) == kept
    assert seen(*reversed(looks)) == kept


def test_an_order_keeps_what_was_bought() -> None:
    lines = [{"product_id": "T-2"}, {"sku": "T-1", "product_id": ""}, {"product_id": "T-2"}, {}]
    state = state_after(told(0, "Order Completed", {"order_id": "1", "products": lines}))
    assert state.orders[0].products == ("T-1", "T-2")
    single = state_after(told(0, "Order Completed", {"order_id": "1", "sku": "T-9"}))
    assert single.orders[0].products == ("T-9",)


def test_contacts_are_kept_with_their_subject_and_whether_they_were_answered() -> None:
    said = {"subject": "where is it?", "answered_at": "2026-01-01T00:00:00Z"}
    state = state_after(
        told(0, "Mail Received", said), told(1, "Call Made", {}), told(2, "Mail Received", {})
    )
    assert sorted(contacts(state.activity)) == [
        Contact(event(0, "").event_time, "Mail Received", "where is it?", True),
        Contact(event(1, "").event_time, "Call Made", "", False),
        Contact(event(2, "").event_time, "Mail Received", "", False),
    ]


def test_of_contacts_the_newest_stay_in_any_order() -> None:
    told_of = [told(n, CONTACTS[n], {"subject": str(n)}) for n in range(len(CONTACTS))]
    for order in (told_of, told_of[::-1]):
        kept = sorted(contacts(state_after(*order).activity))
        assert [each.event for each in kept] == list(CONTACTS[-5:])


@pytest.mark.parametrize("said", [{"subject": 7}, {"subject": "a\nb"}, {"subject": None}])
def test_a_subject_that_is_no_text_is_left_out(said: Any) -> None:
    (contact,) = contacts(state_after(told(0, "Chat Sent", said)).activity)
    assert contact.subject == ""


def test_pages_are_kept_of_a_device_with_a_login_only() -> None:
    seen = [
        event(n, "Page Viewed", type="page", url=f"https://toyhouse.example/p/{n}")
        for n in range(8)
    ]
    assert list(pages(state_after(*seen).activity)) == []
    login = event(0, "", type="identify", user_id="anna")
    kept = sorted((ms, path) for path, ms in pages(state_after(login, *seen).activity))
    assert [path for _, path in kept] == [f"/p/{n}" for n in range(3, 8)]
