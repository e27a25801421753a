"""What `footfall funnel` and the reports are told of a funnel: its shape, times and breakdowns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from schemas.ids import session_of
from schemas.settings import Settings
from schemas.site import Funnel, Step
from sinks.clickhouse.funnels import compute_funnel, timed
from sinks.clickhouse.rows import EVENTS
from tests.sink_world import MINUTE, NOON, Store, event, new_device, store


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


SHOP = Funnel(
    name="checkout",
    by=("referrer_source",),
    steps=(
        Step(name="product", page="/p/*"),
        Step(name="cart", event="Product Added"),
        Step(name="checkout", event="Checkout Started", without="Cart Emptied"),
        Step(name="order", event="Order Completed", where={"currency": ("EUR",)}),
    ),
)


def shop_visit(opened: Store, at: int, acts: Sequence[str], **fields: Any) -> None:
    device = new_device()
    named = {"Product": {"path": "/p/1"}, "Order Completed": {"currency": "EUR"}}
    for number, act in enumerate(acts):
        more: dict[str, Any] = {**named.get(act, {}), **fields}
        is_page = act == "Product"
        kind = {} if is_page else {"type": "track", "name": act}
        opened.put(EVENTS, event(device, at + number * 1000, **kind, **more))


def test_the_answer_has_the_contracts_shape(opened: Store) -> None:
    start = 400 * 86_400_000  # a day no other test touches
    everything = ["Product", "Product Added", "Checkout Started", "Order Completed"]
    shop_visit(opened, start, everything, referrer_source="Encyclopedia")
    shop_visit(opened, start, everything[:2], referrer_source="Google")
    shop_visit(opened, start, ["Product", "Product Added", "Cart Emptied", "Checkout Started"])
    shop_visit(opened, start, everything[1:])
    shop_visit(opened, start, everything, is_bot=True, person_id=None, session_id=None)
    shop_visit(opened, start, everything, person_id=None)
    answer = compute_funnel(opened.client, SHOP, NOON + start, NOON + start + 60_000)
    assert msgspec.to_builtins(answer) == {
        "name": "checkout",
        "per": "person",
        "order": "ordered",
        "within_s": 86400,
        "from": "2027-10-26T14:20:00.000Z",
        "to": "2027-10-26T14:21:00.000Z",
        "steps": [
            {"name": "product", "count": 3, "share": 1.0, "from_previous": None},
            {"name": "cart", "count": 3, "share": 1.0, "from_previous": 1.0},
            {"name": "checkout", "count": 1, "share": 0.333333, "from_previous": 0.333333},
            {"name": "order", "count": 1, "share": 0.333333, "from_previous": 1.0},
        ],
        "by": msgspec.to_builtins(answer.by),
    }
    counts = {
        value: [step.count for step in found]
        for value, found in answer.by["referrer_source"].items()
    }
    assert counts == {"": [1, 1, 0, 0], "Encyclopedia": [1, 1, 1, 1], "Google": [1, 1, 0, 0]}


def test_nobody_gives_zeros_and_no_shares(opened: Store) -> None:
    answer = compute_funnel(opened.client, SHOP, 946_684_800_000, 946_684_900_000, [])
    assert [(s.count, s.share, s.from_previous) for s in answer.steps] == [(0, None, None)] * 4
    assert answer.by == {}


def test_times_are_told_by_step_with_how_many_took_them(opened: Store) -> None:
    start = 410 * 86_400_000
    everything = ["Product", "Product Added", "Checkout Started", "Order Completed"]
    for number in range(5):
        shop_visit(opened, start + number * 10_000, everything[: 2 + number // 2])
    shop_visit(opened, start + 60_000, ["Product", "Product Added", *everything[1:3]])
    window = (NOON + start, NOON + start + 600_000)
    counted = compute_funnel(opened.client, SHOP, *window)
    answer = msgspec.to_builtins(timed(opened.client, SHOP, counted, window))
    one, three = ({"median": s, "p90": s} for s in (1.0, 3.0))
    assert answer["times"] == [
        {"step": "cart", "n": 6, "from_previous_s": one, "from_first_s": one},
        {
            "step": "checkout",
            "n": 4,  # one put something into the cart twice, and that one's way is the longest
            "from_previous_s": {"median": 1.0, "p90": 1.7},
            "from_first_s": {"median": 2.0, "p90": 2.7},
        },
        {"step": "order", "n": 1, "from_previous_s": one, "from_first_s": three},
    ]
    assert [step["count"] for step in answer["steps"][1:]] == [one["n"] for one in answer["times"]]


def test_a_breakdown_by_the_session_takes_its_entry(opened: Store) -> None:
    start = 420 * 86_400_000
    search = Funnel(
        name="deep",
        per="session",
        by=("referrer_source", "session.referrer_source", "session.entry_path"),
        steps=(Step(name="product", page="/p/*"), Step(name="cart", event="Product Added")),
    )
    for number, source in enumerate(["Encyclopedia", "Encyclopedia", "Google", ""]):
        device = new_device()
        own = {"session_id": session_of(device, NOON + start)}
        entry = {"referrer_source": source, "referrer_medium": "referral" if source else "direct"}
        rows = [
            event(device, start - MINUTE, path="/", **own, **entry),
            event(device, start, path="/p/1", referrer_medium="internal", **own),
        ]
        if number:
            rows.append(event(device, start + 1000, type="track", name="Product Added", **own))
        opened.put(EVENTS, *rows)
    answer = compute_funnel(opened.client, search, NOON + start, NOON + start + MINUTE)
    counts = {
        field: {value: [step.count for step in found] for value, found in values.items()}
        for field, values in answer.by.items()
    }
    assert counts == {
        "referrer_source": {"": [4, 3]},
        "session.referrer_source": {"Encyclopedia": [2, 1], "": [1, 1], "Google": [1, 1]},
        "session.entry_path": {"/": [4, 3]},
    }
