"""An order counts once from wherever it was told; money in the site's currency; reference data."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schemas.event import EnrichedEvent
from schemas.ids import person_of_device, person_of_user, session_of
from schemas.settings import Settings
from schemas.site import Site
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.rows import EVENTS
from tests.servers import own_settings
from tests.sink_world import DAY, MINUTE, NOON, Store, event, new_device, own_clickhouse

SITE = Site(name="Toyhouse", currency="EUR", currencies={"USD": Decimal("0.92")})


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    settings: Settings = own_settings()
    with own_clickhouse(settings, tmp_path_factory.mktemp("orders")):
        one = Store(settings)
        migrate(settings.clickhouse, site=SITE)
        yield one
        one.close()


def order(device: str, at: int, number: str, revenue: str | None, **fields: Any) -> EnrichedEvent:
    properties = fields.pop("properties", {})
    given = {"type": "track", "name": "Order Completed", "currency": "EUR", **fields}
    raw = msgspec.Raw(msgspec.json.encode(properties))
    return event(device, at, order_id=number, revenue=revenue, properties=raw, **given)


def number() -> str:
    return f"o-{uuid.uuid4().hex[:12]}"


def only(opened: Store, columns: str, number: str) -> tuple[Any, ...]:
    query = f"SELECT {columns} FROM orders WHERE order_id = {{o:String}}"
    (row,) = opened.ask(query, o=number)
    return row


def test_one_order_told_by_browser_backend_and_import_is_one(opened: Store) -> None:
    device, one = new_device(), number()
    anna = person_of_user(f"anna-{device}")
    backend = f"user:anna-{device}"
    line = {"product_id": "T-1", "quantity": 2, "price": 5}
    told = [
        order(device, 0, one, "10.0000", properties={"products": [{"product_id": "T-1"}]}),
        order(
            backend, MINUTE, one, "12.5000", user_id=f"anna-{device}", person_id=anna,
            session_id=session_of(backend, MINUTE),
            properties={"products": [line, {"sku": "T-2", "price": "2.50"}], "coupon": "SPRING"},
        ),
        order(f"email:{device}", 2 * DAY, one, "12.5000", protocol="import"),
    ]  # fmt: skip
    opened.put(EVENTS, *told, *told)
    row = only(
        opened,
        "person_id, session_id, toUnixTimestamp64Milli(ordered_at), revenue, currency, items,"
        " channel, refunded, revenue_site, coupon",
        one,
    )
    assert (str(row[0]), str(row[1]), row[2]) == (anna, session_of(device, NOON), NOON)
    assert row[3:] == (Decimal("12.5"), "EUR", 3, "web", 0, Decimal("12.5"), "SPRING")
    items = opened.ask(
        "SELECT product_id, quantity, price FROM order_items WHERE order_id = {o:String}"
        " ORDER BY product_id",
        o=one,
    )
    assert items == [("T-1", 2, 5), ("T-2", 1, Decimal("2.5"))]


def test_refunds_add_up_once_each_and_take_no_more_than_was_paid(opened: Store) -> None:
    device, part, whole, none = new_device(), number(), number(), number()
    refund = {"name": "Order Refunded"}
    opened.put(
        EVENTS,
        *(order(device, 0, each, "20.0000") for each in (part, whole, none)),
        *(order(device, at, part, "5.0000", **refund) for at in (1, 2)),
        order(device, 3, part, "-3.0000", **refund),
        order(device, 3, part, "3.0000", **{**refund, "currency": ""}),
        order(device, 3, part, "9.0000", **{**refund, "currency": "USD"}),
        order(device, 4, whole, None, **{**refund, "currency": ""}),
        order(device, 5, number(), "7.0000", **refund),
    )
    assert only(opened, "refunded, revenue", part) == (8, 20)
    assert only(opened, "refunded", whole) == (20,)
    assert only(opened, "refunded", none) == (0,)
    row = opened.ask(
        "SELECT orders, revenue, revenue_site, value_tier FROM persons WHERE person_id = {p:UUID}",
        p=person_of_device(device),
    )
    assert row == [(3, 32, 32, "small")]


def test_money_in_the_sites_currency_and_none_where_the_rate_is_unknown(opened: Store) -> None:
    device = new_device()
    dollars, pounds, unsaid = number(), number(), number()
    opened.put(
        EVENTS,
        order(device, 0, dollars, "1000.0000", currency="USD"),
        order(device, 0, unsaid, "7.0000", currency=""),
    )
    assert only(opened, "revenue, currency, revenue_site", dollars) == (1000, "USD", 920)
    assert only(opened, "revenue_site", unsaid) == (7,)
    money = "SELECT revenue_site FROM {} WHERE device_id = {{d:String}}"
    person = "SELECT revenue, revenue_site, value_tier FROM persons WHERE person_id = {p:UUID}"
    assert opened.ask(money.format("sessions"), d=device) == [(927,)]
    assert opened.ask(person, p=person_of_device(device)) == [(None, 927, "large")]

    opened.put(EVENTS, order(device, 1, pounds, "3.0000", currency="GBP"))
    assert only(opened, "revenue, revenue_site", pounds) == (3, None)
    assert opened.ask(money.format("sessions"), d=device) == [(None,)]
    assert opened.ask(person, p=person_of_device(device)) == [(None, None, "")]
    rows = opened.ask(f"{money.format('events')} ORDER BY currency", d=device)
    assert rows == [(7,), (None,), (920,)]
    counted = "SELECT count(), countIf(isNull(revenue_site)) FROM orders WHERE person_id = {p:UUID}"
    assert opened.ask(counted, p=person_of_device(device)) == [(3, 1)]


def test_an_order_of_which_little_is_known_is_an_order(opened: Store) -> None:
    device = new_device()
    nameless = order(device, 0, "", None, properties={"products": "none", "channel": 5})
    strange = number()
    opened.put(
        EVENTS,
        nameless,
        order(
            f"phone:{device}", 0, strange, "1.0000",
            properties={"products": [{"quantity": "many", "price": {}}, 7], "channel": "phone"},
        ),
    )  # fmt: skip
    row = only(opened, "revenue, revenue_site, items, channel, refunded", nameless.event_id)
    assert row == (None, None, 0, "5", 0)
    assert only(opened, "channel, revenue", strange) == ("phone", 1)
