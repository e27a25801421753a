"""What of a visitor's state makes the taste: whose it is, how old, and what must not count."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest

from personalize_api.metrics import Metrics
from personalize_api.picks.answers import Picks
from personalize_api.picks.choose import Chooser, Picked
from personalize_api.picks.shelf import Shelf
from personalize_api.picks.taste import Taste, taste_of
from personalize_api.recognize.visitors import Standing, Visitor
from schemas.activity import ADDED, VIEWED, Activity, interest_name, product_name, with_cell
from schemas.device_state import DeviceState
from schemas.person_state import Contribution, PersonState
from schemas.profiles import AttributeValue
from schemas.purchases import UNIT, WHOLE, Purchase
from schemas.site import Site

NOW = 1_790_000_000_000
HOUR, DAY = 3_600_000, 86_400_000


def looked(*done: tuple[str, int, int]) -> Activity:
    """(product, how long ago, bits)."""
    activity: Activity = {}
    for product, ago, bits in done:
        activity = with_cell(activity, product_name(product), NOW - ago, bits)
    return activity


def visitor(
    device: DeviceState | None = None,
    *others: Contribution,
    since_ms: int = 0,
    attributes: dict[str, AttributeValue] | None = None,
) -> Visitor:
    held = {f"device {n}": each for n, each in enumerate(others)}
    person = PersonState(user_id="anna", counted=True, devices=held)
    standing = Standing(person, Site(name="s"), NOW, "anna", device, since_ms)
    return Visitor(class_="registered", standing=standing, attributes=attributes or {})


def device(activity: Activity, *orders: Purchase) -> DeviceState:
    return DeviceState(first_seen=NOW - DAY, last_seen=NOW, activity=activity, orders=orders)


def contribution(activity: Activity, *purchases: Purchase, gone: bool = False) -> Contribution:
    return Contribution(
        1, gone, NOW - DAY, NOW, 1, len(purchases), activity=activity, purchases=purchases
    )


def seen(taste: Taste) -> list[str]:
    return [product for product, _ in taste.seen]


def test_what_was_seen_last_matters_most_and_a_cart_more_than_a_look() -> None:
    taste = taste_of(
        visitor(device(looked(("old", 5 * DAY, VIEWED), ("new", HOUR, VIEWED)))), NOW, "", ""
    )
    assert seen(taste) == ["new", "old"]
    wanted = looked(("look", HOUR, VIEWED), ("cart", 2 * HOUR, ADDED))
    assert seen(taste_of(visitor(device(wanted)), NOW, "", "")) == ["cart", "look"]


def test_the_whole_person_counts_only_for_who_may_know_it() -> None:
    phone = contribution(
        with_cell(looked(("phone", HOUR, VIEWED)), interest_name("secret"), NOW - HOUR, 1),
        Purchase(NOW - DAY, b"1", UNIT, "EUR", (), ("gift",)),
    )
    laptop = device(looked(("laptop", HOUR, VIEWED)))
    mine = taste_of(visitor(laptop, phone), NOW, "", "")
    assert set(seen(mine)) == {"laptop", "phone"}
    assert mine.owned == {"gift"}
    assert dict(mine.interests).keys() == {"secret"}
    own = taste_of(visitor(laptop, phone), NOW, "", "", whole_person=False)
    assert (seen(own), own.owned, own.interests) == (["laptop"], frozenset(), ())


def test_what_others_did_on_the_device_before_is_not_theirs() -> None:
    shared = device(
        looked(("theirs", 3 * HOUR, VIEWED), ("mine", HOUR, VIEWED)),
        Purchase(NOW - 3 * HOUR, b"1", UNIT, "EUR", (), ("their order",)),
    )
    taste = taste_of(visitor(shared, since_ms=NOW - 2 * HOUR), NOW, "", "", whole_person=False)
    assert (seen(taste), taste.owned) == (["mine"], frozenset())


def test_what_was_returned_or_is_gone_is_not_owned() -> None:
    kept = Purchase(NOW - DAY, b"1", 10 * UNIT, "EUR", (), ("kept",))
    sent_back = Purchase(NOW - DAY, b"2", 10 * UNIT, "EUR", (), ("sent back",))
    refund = Purchase(NOW - HOUR, b"2", -WHOLE, "EUR")
    away = contribution({}, Purchase(NOW, b"3", UNIT, "EUR", (), ("another's",)), gone=True)
    taste = taste_of(visitor(None, contribution({}, kept, sent_back, refund), away), NOW, "", "")
    assert taste.owned == {"kept"}
    assert [product for product, _ in taste.bought] == ["kept"]


@pytest.mark.parametrize(
    "unknown",
    [Visitor(class_="unknown", cause="redis"), Visitor(class_="unknown", logged_in=True)],
    ids=["degraded", "without consent"],
)
def test_of_who_is_not_known_only_the_visit_counts(unknown: Visitor) -> None:
    assert taste_of(unknown, NOW, "Search", "hero") == Taste(source="Search", scenario="hero")


def test_a_year_of_birth_is_an_age() -> None:
    year = datetime.fromtimestamp(NOW / 1000, UTC).year

    def age(attributes: dict[str, AttributeValue]) -> AttributeValue | None:
        return taste_of(visitor(attributes=attributes), NOW, "", "").attributes.get("age")

    assert age({"birth_year": year - 6}) == 6
    assert age({"birth_year": year - 6, "age": 7}) == 7
    assert age({"birth_year": "long ago"}) is None
    assert age({"birth_year": year + 1}) is None


class Slow(Chooser):
    """Takes longer than an answer may wait; what is popular it has at hand."""

    error: Exception | None = None

    def pick(self, taste: Taste, limit: int) -> list[Picked]:
        if self.error:
            raise self.error
        time.sleep(0.2)
        return [Picked("late", 1.0, [], {})]

    def popular(self, source: str, scenario: str) -> list[Picked]:
        return [Picked("popular", 1.0, [], {})]


class Shelves:
    """As `personalize_api.picks.loading` has them, of many products."""

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser


def picked(monkeypatch: pytest.MonkeyPatch, error: Exception | None) -> tuple[list[Picked], float]:
    monkeypatch.setattr("personalize_api.picks.answers.AT_ONCE", -1)
    slow = Slow(Shelf(None, None, 0))
    slow.error = error
    metrics = Metrics()

    async def ask() -> list[Picked]:
        picks = Picks(Shelves(slow), metrics)  # type: ignore[arg-type]
        try:
            return await picks.pick(Taste(about="x"), 1)
        finally:
            picks.close()

    cause = "bug" if error else "deadline"
    return asyncio.run(ask()), metrics.picks_popular[cause]._value.get()


def test_picks_that_come_too_late_or_fail_give_way_to_what_is_popular(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for error in (None, ValueError("a bug of ours")):
        found, counted = picked(monkeypatch, error)
        assert [each.id for each in found] == ["popular"]
        assert counted == 1
