"""A person's interests, money and touches after both stages, against a slow oracle over all events:
in any order, batching and repetition, with logins that join, split and re-attribute devices.
"""

from __future__ import annotations

import json
import math
import random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.identity import LOGOUT
from schemas.ids import person_of_device, person_of_user
from schemas.person_profile import PersonProfile, profile_of
from schemas.person_state import PersonState
from schemas.site import LifecycleRules
from streams.device import digest
from tests.unit.test_device_stage import NOW, event
from tests.unit.test_identity import oracle as owner_oracle
from tests.unit.test_persons_any_order import persons

HOUR, MINUTE, FORTNIGHT = 3_600_000, 60_000, 14 * 86_400_000
EURO = 10_000
RULES = LifecycleRules()
WEIGHTS = {"Product Viewed": 1, "Product Added": 3}
SOURCES = {
    "https://www.google.com/": ("search", "Google"),
    "https://duckduckgo.com/": ("search", "DuckDuckGo"),
}


def said(ago: int, device: str, n: int, name: str, properties: dict[str, object]) -> Event:
    return _at(ago, device, n, name=name, properties=msgspec.Raw(json.dumps(properties).encode()))


def looked(ago: int, device: str, n: int, name: str, category: str) -> Event:
    return said(ago, device, n, name, {"category": category})


def bought(ago: int, device: str, n: int, order: int, euros: int, category: str) -> Event:
    products = [{"category": category}]
    properties = {"order_id": order, "revenue": euros, "currency": "EUR", "products": products}
    return said(ago, device, n, "Order Completed", properties)


def refunded(ago: int, device: str, n: int, order: int, euros: int) -> Event:
    return said(ago, device, n, "Order Refunded", {"order_id": order, "revenue": euros})


def arrived(ago: int, device: str, n: int, referrer: str) -> Event:
    return _at(ago, device, n, referrer=referrer)


def logged(ago: int, device: str, n: int, user: str) -> Event:
    return _at(ago, device, n, user=user) if user else _at(ago, device, n, name="Logged Out")


def _at(ago: int, device: str, n: int, name: str = "", user: str = "", **more: Any) -> Event:
    """So many times 20 minutes ago; `anna` as a device is a backend that speaks for her."""
    owner = user or ("anna" if device == "user:anna" else "")
    kind = "identify" if user else "track" if name else "page"
    one = event(0, name, owner, type=kind, event_id=f"{n:08}-0000-4000-8000-000000000000",
                device_id=device, event_time=NOW - ago * 20 * MINUTE, received_at=NOW,
                **more)  # fmt: skip
    return one if name or user else msgspec.structs.replace(one, name="Page Viewed")


moments = st.one_of(st.integers(0, 12), st.integers(0, 60 * 24))
cookies = st.sampled_from(["phone", "laptop"])
senders = st.sampled_from(["phone", "laptop", "user:anna"])
numbers = st.integers(0, 10**8 - 1)
categories = st.sampled_from(["trains", "dolls"])
orders = st.integers(1, 3)
euros = st.integers(0, 9)
histories = st.lists(
    st.one_of(
        st.builds(looked, moments, cookies, numbers, st.sampled_from([*WEIGHTS]), categories),
        st.builds(bought, moments, senders, numbers, orders, euros, categories),
        st.builds(refunded, moments, senders, numbers, orders, euros),
        st.builds(arrived, moments, cookies, numbers, st.sampled_from([*SOURCES])),
        st.builds(logged, moments, cookies, numbers, st.sampled_from(["anna", "ben", ""])),
    ),
    min_size=1,
    max_size=16,
    unique_by=lambda e: e.event_id,
)


class Oracle:
    """Everything about every person, from the whole history at once."""

    def __init__(self, history: list[Event]) -> None:
        self._history = history
        self._marks: dict[str, list[tuple[int, str]]] = {}
        for one in history:
            if one.user_id:
                self._marks.setdefault(one.device_id, []).append((one.event_time, one.user_id))
            elif one.name == "Logged Out":
                self._marks.setdefault(one.device_id, []).append((one.event_time, LOGOUT))

    def owner(self, device: str, time: int) -> str:
        if device == "user:anna":
            return person_of_user("anna")
        user, logout = owner_oracle(self._marks.get(device, []), time)
        return person_of_user(user) if user else person_of_device(device, logout)

    def interests(self) -> dict[str, dict[str, float]]:
        """Person -> category -> decayed score; what an hour says is of whoever began it."""
        hours: dict[tuple[str, str, int], list[Event]] = {}
        for one in self._history:
            if one.name in WEIGHTS:
                key = (one.device_id, properties(one)["category"], one.event_time // HOUR)
                hours.setdefault(key, []).append(one)
        found: dict[str, dict[str, float]] = {}
        for (device, category, _), events in hours.items():
            first = min(one.event_time for one in events)
            slots = {
                int.from_bytes(digest(one.event_id)[2 * bit : 2 * bit + 2]) % 22
                for one in events
                for bit in range(WEIGHTS[one.name])
            }
            amount = round(22 * math.log(22 / (22 - len(slots))))
            self._add(found, self.owner(device, first), category, amount, first)
        for person, told in self._orders().items():
            for order in told.values():
                for category in order["categories"]:
                    self._add(found, person, category, 5, order["time"])
        return found

    def money(self) -> dict[str, int]:
        """Person -> euros: each order at its largest amount, less its different refunds."""
        return {
            person: sum(max(0, o["paid"] - sum(o["back"])) for o in told.values())
            for person, told in self._orders().items()
        }

    def order_counts(self) -> dict[str, int]:
        return {person: len(told) for person, told in self._orders().items()}

    def touches(self) -> dict[str, tuple[tuple[int, str], tuple[int, str]]]:
        """Person -> first and last (time, source); of an hour's from one source the first."""
        hours: dict[tuple[str, str, int], int] = {}
        for one in self._history:
            if one.referrer:
                key = (one.device_id, SOURCES[one.referrer][1], one.event_time // HOUR)
                hours[key] = min(one.event_time, hours.get(key, one.event_time))
        found: dict[str, list[tuple[int, str]]] = {}
        for (device, source, _), time in hours.items():
            found.setdefault(self.owner(device, time), []).append((time, source))
        return {person: (min(told), max(told)) for person, told in found.items()}

    def _orders(self) -> dict[str, dict[object, dict[str, Any]]]:
        found: dict[str, dict[object, dict[str, Any]]] = {}
        for one in self._history:
            if one.name == "Order Completed":
                told, person = properties(one), self.owner(one.device_id, one.event_time)
                new: dict[str, Any] = {"time": NOW, "paid": 0, "back": set(), "categories": set()}
                order = found.setdefault(person, {}).setdefault(told["order_id"], new)
                order["time"] = min(order["time"], one.event_time)
                order["paid"] = max(order["paid"], told["revenue"])
                order["categories"] |= {each["category"] for each in told["products"]}
        for one in self._history:
            if one.name == "Order Refunded":
                told, person = properties(one), self.owner(one.device_id, one.event_time)
                known = found.get(person, {}).get(told["order_id"])
                if known is not None:
                    known["back"].add(told["revenue"] or 10**9)
        return found

    def _add(
        self, found: dict[str, dict[str, float]], person: str, category: str, amount: int, at: int
    ) -> None:
        scores = found.setdefault(person, {})
        scores[category] = scores.get(category, 0.0) + amount * 0.5 ** ((NOW - at) / FORTNIGHT)


def properties(one: Event) -> Any:
    return msgspec.json.decode(one.properties)


def profiles(found: dict[str, PersonState]) -> dict[str, PersonProfile]:
    return {
        name: profile_of(state.devices.values(), RULES, NOW, has_login=bool(state.user_id))
        for name, state in found.items()
    }


@settings(max_examples=200, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_any_order_batching_and_repetition_gives_the_same_person(
    history: list[Event], chance: random.Random
) -> None:
    events = history + history[:3]
    chance.shuffle(events)
    cuts = sorted(chance.sample(range(len(events) + 1), k=min(2, len(events))))
    batches = [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    found = profiles(persons([batch for batch in batches if batch], chance))
    oracle = Oracle(history)
    assert {p: one.orders for p, one in found.items() if one.orders} == oracle.order_counts()
    money = {p: sum(one.money.values()) for p, one in found.items() if one.money}
    assert money == {p: euros * EURO for p, euros in oracle.money().items() if euros}
    touched = {p: (one.first_touch, one.last_touch) for p, one in found.items() if one.first_touch}
    assert {
        p: tuple((touch.time, touch.source) for touch in both if touch)
        for p, both in touched.items()
    } == oracle.touches()
    scores = {
        p: {interest.category: interest.score for interest in one.interests}
        for p, one in found.items()
        if one.interests
    }
    wanted = oracle.interests()
    assert {p: {*told} for p, told in scores.items()} == {p: {*told} for p, told in wanted.items()}
    for person, told in scores.items():
        for category, score in told.items():
            assert math.isclose(score, wanted[person][category], abs_tol=1e-3)
