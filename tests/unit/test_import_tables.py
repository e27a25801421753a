"""CSV as people write it: each row once, each bad row with its line and reason, the rest taken."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.imports.contacts import Contacts
from ingest.imports.errors import BadRow, MissingColumns
from ingest.imports.importer import Counts, Maker, read_table
from ingest.imports.kinds import KINDS, KindName
from ingest.imports.members import Members
from ingest.imports.messages import Timed
from ingest.imports.orders import Orders
from ingest.imports.reference import Costs, Products
from ingest.imports.values import Clock

NOW = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1000)
CLOCK = Clock(ZoneInfo("Europe/Berlin"), NOW)
FIRST_IMPORT = NOW - 86_400_000


class Read:
    """What a file gives, what is bad in it, and how it was counted."""

    def __init__(self, kind: KindName, content: str | bytes, piece: int = 1 << 20) -> None:
        raw = content if isinstance(content, bytes) else content.encode()
        makers: dict[KindName, Maker[Any]] = {
            "orders": Orders("shop", CLOCK),
            "contacts": Contacts("shop", CLOCK),
            "members": Members("shop", CLOCK, FIRST_IMPORT),
            "products": Products(),
            "costs": Costs(),
        }
        self.counts, bad = Counts(), list[BadRow]()
        pieces = [raw[at : at + piece] for at in range(0, len(raw), piece)]
        self.made = list(read_table(pieces, KINDS[kind], makers[kind], self.counts, bad.append))
        self.bad = [(row.line, str(row.fault)) for row in bad]
        self.details = [row.detail for row in bad]

    @property
    def messages(self) -> list[dict[str, Any]]:
        assert all(isinstance(each, Timed) for each in self.made)
        return [each.message for each in self.made]


ORDERS = "order_id,ordered_at,email,phone,revenue,currency\n"


def test_an_order_by_telephone_is_an_event_of_whom_the_address_leads_to() -> None:
    (message,) = Read("orders", ORDERS + "o1,2026-11-20 14:30,Anna@Example.com,,49.90,eur").messages
    assert message.pop("messageId")
    assert message == {
        "type": "track",
        "event": "Order Completed",
        "timestamp": int(datetime(2026, 11, 20, 13, 30, tzinfo=UTC).timestamp() * 1000),
        "properties": {"order_id": "o1", "currency": "EUR", "channel": "phone", "revenue": 49.9},
        "context": {"traits": {"email": "anna@example.com"}},
    }


def test_lines_of_one_order_are_one_order_wherever_they_stand() -> None:
    read = Read(
        "orders",
        "Order-ID;Date;customer_id;SKU;Qty;Price;channel;note\n"
        "o1;2026-11-20;c1;T-1;2;10,50;shop;x\n"
        "o2;2026-11-20;c2;T-9;1;5;shop;\n"
        "o1;2026-11-20;c1;T-2;;4;shop;y\n",
    )
    first, other = read.messages
    assert first["properties"] == {
        "order_id": "o1",
        "channel": "shop",
        "revenue": 25,
        "products": [
            {"product_id": "T-1", "quantity": 2, "price": 10.5},
            {"product_id": "T-2", "quantity": 1, "price": 4},
        ],
    }
    assert (first["userId"], other["userId"]) == ("c1", "c2")
    assert (read.counts.rows, read.counts.taken, read.counts.unused) == (3, 3, ["note"])


def test_an_order_with_a_bad_line_is_not_taken_in_part() -> None:
    read = Read(
        "orders",
        "order_id,ordered_at,product_id,price\n"
        "o1,2026-11-20,T-1,5\n"
        "o1,2026-11-20,T-2,cheap\n"
        "o2,2026-11-20,T-1,5\n"
        "o3,2026-11-20,T-1,5\n"
        "o3,2026-11-21,T-2,5\n",
    )
    assert [message["properties"]["order_id"] for message in read.messages] == ["o2"]
    assert read.bad == [
        (3, "not_a_number"),
        (2, "incomplete_order"),
        (5, "contradiction"),
        (6, "contradiction"),
    ]
    assert (read.counts.rows, read.counts.taken) == (5, 1)


def test_refunds_of_a_part_and_of_all() -> None:
    read = Read(
        "orders",
        "order_id,ordered_at,revenue,refunded,refunded_at\n"
        "o1,2026-11-20,50,12.50,2026-11-21\no2,2026-11-20,50,all,\no3,2026-11-20,50,0,\n",
    )
    refunds = [each for each in read.messages if each["event"] == "Order Refunded"]
    assert [each["properties"].get("revenue") for each in refunds] == [12.5, None]
    assert refunds[0]["timestamp"] - refunds[1]["timestamp"] == 86_400_000


@pytest.mark.parametrize(
    ("row", "fault", "detail"),
    [
        (",2026-11-20,,,1,", "missing_value", "order_id is empty"),
        ("null,2026-11-20,,,1,", "not_an_identifier", "order_id 'null' names nobody"),
        ("o1,,,,1,", "missing_value", "ordered_at is empty"),
        ("o1,20.11.2026,,,1,", "not_a_time", "allowed: 2026-11-22"),
        ("o1,1999-12-31,,,1,", "not_a_time", "before the year 2000"),
        ("o1,2026-11-23,,,1,", "in_the_future", "has not come yet"),
        ("o1,2026-11-20,no address,,1,", "not_an_identifier", "email 'no address' is none"),
        ("o1,2026-11-20,,12,1,", "not_an_identifier", "phone '12' is none"),
        ("o1,2026-11-20,,,,", "missing_value", "neither revenue nor price"),
        ('o1,2026-11-20,,,"1,234",', "not_a_number", "allowed: 12.50 or 12,50"),
        ("o1,2026-11-20,,,-1,", "not_a_number", "below 0"),
        ("o1,2026-11-20,,,1,euros", "not_allowed", "currency 'EUROS'"),
        ("o1,2026-11-20,,,1,EUR,7", "wrong_cells", "7 cells where the header has 6"),
        ("o1,2026-11-20", "wrong_cells", "2 cells"),
    ],
)
def test_a_bad_row_says_what_is_wrong(row: str, fault: str, detail: str) -> None:
    good = "o7,2026-11-20,,,1,\n"
    read = Read("orders", ORDERS + good + row + "\n" + good.replace("o7", "o8"))
    assert read.bad == [(3, fault)]
    assert detail in read.details[0]
    assert len(read.messages) == 2


def test_lines_are_those_of_the_file_whatever_stands_between() -> None:
    content = (
        b"\xef\xbb\xbforder_id,ordered_at,channel,revenue\r\n"
        b"\r\n"
        b'o1,2026-11-20,"by\nletter, ""soon""",1\r\n'  # lines 3 and 4
        b",,,\r\n"
        b"o2,2026-11-20,\xff,1\r\n"  # line 6
        b'o3,2026-11-20,"caf\xe9",1\r\n'
        b'o4,2026-11-20,"never closed,1\r\n'  # line 8
        b"o5,2026-11-20,5\" screen,1\r\n"
        b"o6,2026-11-20," + b"x" * 40_000 + b",1\r\n"
        b"o7,bad,,1"
    )  # fmt: skip
    for piece in (1, 7, 1 << 20):
        read = Read("orders", content, piece)
        assert read.bad == [
            (6, "not_utf8"),
            (7, "not_utf8"),
            (8, "open_quote"),
            (10, "too_large"),
            (11, "not_a_time"),
        ]
        channels = [message["properties"]["channel"] for message in read.messages]
        assert channels == ['by\nletter, "soon"', '5" screen']


@pytest.mark.parametrize(
    ("kind", "header", "message"),
    [
        ("orders", "order_id,revenue", r"missing columns: ordered_at; the header has: order_id"),
        ("orders", "ordr_id,ordered_at,price", r"missing columns: order_id \(is ordr_id order_id"),
        ("orders", "order_id,ordered_at", "missing columns: revenue or price"),
        ("contacts", "date,channel", "user_id or email or phone or device_id or order_id"),
        ("costs", "day,cost", "utm_source or utm_medium or utm_campaign"),
        ("products", "sku,id", "two columns are product_id: sku, id"),
        ("members", "", "the file is empty"),
    ],
)
def test_missing_columns_are_named(kind: KindName, header: str, message: str) -> None:
    with pytest.raises(MissingColumns, match=message):
        Read(kind, header)


def test_contacts_are_events_named_by_channel_and_direction() -> None:
    read = Read(
        "contacts",
        "contacted_at,channel,direction,phone,ticket,answered_at,duration_s,subject\n"
        "2026-11-20T10:00Z,call,,030 123-456,t1,2026-11-20T10:00:30Z,300,parcel\n"
        "2026-11-20T11:00Z,e-mail,out,030123456,,,,\n"
        "2026-11-20T11:00Z,e-mail,out,030123456,,,,\n"
        "2026-11-20T11:00Z,pigeon,,030123456,,,,\n"
        "2026-11-20T11:00Z,chat,,,,,,\n",
    )
    call, mail = read.messages
    assert (call["event"], mail["event"]) == ("Call Received", "Mail Sent")
    assert call["context"] == {"traits": {"phone": "030123456"}}
    assert call["properties"] == {
        "contact_id": "t1",
        "subject": "parcel",
        "answered_at": "2026-11-20T10:00:30.000+00:00",
        "duration_s": 300,
    }
    assert read.bad == [(4, "repeated"), (5, "not_allowed"), (6, "missing_value")]


def test_members_claim_addresses_and_their_children_are_profiles() -> None:
    read = Read(
        "members",
        "member_id,email,email_verified,phone,profile_id,birth_year,newsletter,zip,updated_at\n"
        "anna,Anna@example.com,,+49 30 123456,,1980,true,01234,2026-11-01\n"
        "anna,,,,mia,2019,,,\n"
        "bert,bert@example.com,no,,,,,,\n"
        "bert,,,,,,,,\n",
    )
    anna, mia, bert = read.messages
    assert anna["traits"] == {
        "email": "anna@example.com",
        "email_verified": True,
        "phone": "+4930123456",
        "phone_verified": True,
        "birth_year": 1980,
        "newsletter": True,
        "zip": "01234",
    }
    assert (mia["context"], mia["traits"]) == ({"profile_id": "mia"}, {"birth_year": 2019})
    assert bert["traits"] == {"email": "bert@example.com"}
    assert (mia["timestamp"], bert["timestamp"]) == (FIRST_IMPORT, FIRST_IMPORT)
    assert read.bad == [(5, "repeated")]


def test_products_and_costs() -> None:
    read = Read(
        "products",
        "sku,name,maker,price,colour,attributes\n"
        "T-1,Bruno,Bramblewick,34.90,brown,material=mohair;age_from=3\n"
        "T-1,Bruno,,1,,\nT-2,x,,,,material\n",
    )
    (product,) = read.made
    assert (product.product_id, product.brand, product.price) == (
        "T-1",
        "Bramblewick",
        Decimal("34.90"),
    )
    assert product.attributes == {"colour": "brown", "material": "mohair", "age_from": "3"}
    assert read.bad == [(3, "repeated"), (4, "not_allowed")]
    costs = Read(
        "costs",
        "date\tsource\tcampaign\tspend\tclicks\n"
        "2026-11-20\tGoogle\tbears\t12,5\t30\n2026-11-20\tGoogle\tbears\t1\t1\n",
    )
    assert (costs.made[0].cost, costs.made[0].clicks) == (Decimal("12.5"), 30)
    assert costs.bad == [(3, "repeated")]


def test_the_same_rows_have_the_same_ids_whatever_the_order_of_columns() -> None:
    one = Read("orders", "order_id,ordered_at,revenue\no1,2026-11-20,5\n").messages
    other = Read("orders", "revenue,order_id,ordered_at\n5,o1,2026-11-20\n").messages
    changed = Read("orders", "order_id,ordered_at,revenue\no1,2026-11-20,6\n").messages
    assert one[0]["messageId"] == other[0]["messageId"] != changed[0]["messageId"]


@given(st.binary(max_size=300) | st.text("ab,;\"\n'0-2026é", max_size=300).map(str.encode))
def test_whatever_the_file_every_row_is_taken_or_bad(rubbish: bytes) -> None:
    read = Read("orders", ORDERS.encode() + rubbish, 16)
    assert read.counts.rows == read.counts.taken + len(read.bad)
    assert len(read.bad) == read.counts.bad.total()
    lines = [line for line, _ in read.bad]
    assert all(2 <= line <= rubbish.count(b"\n") + 2 for line in lines)
