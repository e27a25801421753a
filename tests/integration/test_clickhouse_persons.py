"""Sessions and persons as analysts read them: where they came from, what they led to, once each."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from schemas.event import EnrichedEvent
from schemas.ids import person_of_device, person_of_user, session_of
from schemas.settings import Settings
from sinks.clickhouse.rows import EVENTS
from tests.sink_world import DAY, Store, event, new_device, store


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


def test_a_session_tells_where_it_came_from_and_what_it_led_to(opened: Store) -> None:
    device = new_device()
    order: dict[str, Any] = {"type": "track", "name": "Order Completed", "currency": "EUR"}
    source = {"referrer_medium": "referral", "referrer_source": "Encyclopedia"}
    opened.put(
        EVENTS,
        event(device, 0, path="/", referrer_medium="direct", country="DE", device_class="phone"),
        event(device, 1000, path="/p/1", **source, engaged_ms=2500),
        event(device, 2000, path="/home", variant="bestsellers", scenario="encyclopedia"),
        event(device, 3000, path="/p/2", variant="classic"),
        event(device, 4000, path="/thanks", order_id="o1", revenue="10.0000", **order),
        event(device, 5000, path="/thanks", order_id="o1", revenue="10.0000", **order),
        event(device, 61_000, path="/thanks", order_id="o2", revenue="2.5000", **order),
    )
    (row,) = opened.ask(
        "SELECT session_number, duration_s, engaged_s, pages, events, entry_path, exit_path,"
        " bounced, referrer_medium, referrer_source, device_class, country, scenario, variant,"
        " orders, revenue FROM sessions WHERE device_id = {d:String}",
        d=device,
    )
    assert row == (
        *(1, 61.0, 2.5, 4, 7, "/", "/p/2"),
        *(False, "referral", "Encyclopedia", "phone", "DE", "encyclopedia", "bestsellers"),
        *(2, Decimal("12.5")),
    )


def test_sessions_are_numbered_by_person_across_devices(opened: Store) -> None:
    phone, laptop = new_device(), new_device()
    person = person_of_user(f"u-{phone}")
    for number, (device, at) in enumerate([(phone, 0), (laptop, DAY), (phone, 2 * DAY)]):
        session = session_of(device, at + number)
        opened.put(EVENTS, event(device, at, person_id=person, session_id=session))
    rows = opened.ask(
        "SELECT device_id, session_number, bounced FROM sessions WHERE person_id = {p:UUID}"
        " ORDER BY started_at",
        p=person,
    )
    assert rows == [(phone, 1, True), (laptop, 2, True), (phone, 3, True)]


def test_a_person_is_one_row_over_all_devices(opened: Store) -> None:
    phone, laptop = new_device(), new_device()
    user = f"u-{phone}"
    person = person_of_user(user)
    order: dict[str, Any] = {"type": "track", "name": "Order Completed", "person_id": person}
    opened.put(
        EVENTS,
        event(phone, 0, person_id=person),
        event(laptop, DAY, person_id=person, session_id=session_of(laptop, 1)),
        event(laptop, DAY, order_id="o1", revenue="5.0000", currency="EUR", **order),
        event(f"user:{user}", DAY, order_id="o1", revenue="5.0000", currency="EUR", **order),
        event(phone, DAY, order_id="o2", revenue="7.0000", currency="EUR", **order),
    )
    (row,) = opened.ask(
        "SELECT devices, orders, revenue, frequency_class, dateDiff('day', first_seen, last_seen)"
        " FROM persons WHERE person_id = {p:UUID}",
        p=person,
    )
    assert row == (2, 2, Decimal(12), "second-time", 1)


def test_a_refund_is_taken_off_the_revenue_once_and_no_further(opened: Store) -> None:
    device = new_device()
    person = person_of_device(device)

    def told(name: str, order: str, revenue: str | None) -> EnrichedEvent:
        return event(device, 0, type="track", name=name, order_id=order, revenue=revenue,
                     currency="EUR" if revenue else "")  # fmt: skip

    opened.put(
        EVENTS,
        *(told("Order Completed", order, "20.0000") for order in ("o1", "o2", "o3", "o4")),
        *(told("Order Refunded", "o1", "5.0000") for _ in range(2)),
        told("Order Refunded", "o1", "3.0000"),
        told("Order Refunded", "o2", None),
        told("Order Refunded", "o3", "-50.0000"),
        told("Order Refunded", "unknown", "7.0000"),
    )
    (row,) = opened.ask("SELECT orders, revenue FROM persons WHERE person_id = {p:UUID}", p=person)
    assert row == (4, Decimal(12 + 20))


def test_lifecycle_stages(opened: Store) -> None:
    now = int(time.time() * 1000)
    stages = []
    for age_days, orders, user in [(1, 0, ""), (400, 0, ""), (1, 0, "u"), (1, 2, "u"), (40, 2, "u"),
                                   (100, 9, ""), (400, 1, "u")]:  # fmt: skip
        device = new_device()
        person = person_of_user(f"u-{device}") if user else person_of_device(device)
        at: dict[str, Any] = {"person_id": person, "event_time": now - age_days * DAY}
        at["user_id"] = f"u-{device}" if user else ""
        bought = {"type": "track", "name": "Order Completed", **at}
        opened.put(
            EVENTS,
            event(device, **at),
            *(event(device, order_id=f"{n}", **bought) for n in range(orders)),
        )
        query = "SELECT lifecycle FROM persons WHERE person_id = {p:UUID}"
        stages.append(opened.ask(query, p=person)[0][0])
    assert stages == ["visitor", "visitor", "lead", "second-time", "silent", "asleep", "lost"]


def test_money_in_two_currencies_is_not_added_up(opened: Store) -> None:
    device = new_device()
    order: dict[str, Any] = {"type": "track", "name": "Order Completed", "revenue": "5.0000"}
    opened.put(
        EVENTS,
        event(device, 0, order_id="o1", currency="EUR", **order),
        event(device, 1, order_id="o2", currency="CHF", **order),
    )
    money = "SELECT orders, revenue FROM sessions WHERE device_id = {d:String}"
    assert opened.ask(money, d=device) == [(2, None)]


def test_pseudonyms_have_sessions_and_no_person(opened: Store) -> None:
    device = f"p_{uuid.uuid4().hex}"
    opened.put(EVENTS, event(device, person_id=None))
    assert opened.ask(
        "SELECT session_number, person_id FROM sessions WHERE device_id = {d:String}", d=device
    ) == [(1, None)]
