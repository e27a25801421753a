"""What to do next for a visitor: the first rule that holds, with its reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from personalize_api.one_touch.next_action import Known, next_action
from personalize_api.one_touch.recent import Contact, Recent, Seen, recent_of
from schemas.activity import (
    ADDED,
    ANSWERED,
    VIEWED,
    Activity,
    contact_name,
    interest_name,
    page_name,
    product_name,
    with_cell,
)
from schemas.person_profile import profile_of
from schemas.person_state import Contribution
from schemas.purchases import UNIT, WHOLE, Purchase, orders_of
from schemas.site import LifecycleRules, Site, ValueTiers
from schemas.value_tier import in_site_money, value_tier

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = 20_000 * DAY


def known(
    *purchases: Purchase,
    activity: Activity | None = None,
    seen: int = NOW - HOUR,
    days: int = 1,
    **more: Any,
) -> Known:
    held = Contribution(1, False, seen, seen, 1, 0)
    held.purchases, held.activity = purchases, activity or {}
    held.days = tuple(range(days))
    has_login = more.pop("has_login", False)
    orders = tuple(orders_of(purchases))
    return Known(
        profile=profile_of([held], LifecycleRules(), NOW, has_login=has_login),
        orders=orders,
        recent=more.pop("recent", None) or recent_of({"d": held.activity}, orders),
        tier=more.pop("tier", ""),
        has_login=has_login,
        variant="classic",
        scenario="default",
        now_ms=NOW,
    )


def order(age: int, number: int = 1, *products: str) -> Purchase:
    return Purchase(NOW - age, b"%d" % number, 10 * UNIT, "EUR", (), products)


def done(*cells: tuple[str, int, int]) -> Activity:
    activity: Activity = {}
    for name, age, bits in cells:
        activity = with_cell(activity, name, NOW - age, bits)
    return activity


MAIL = contact_name("Mail Received", "where is it?")
TRAIN = product_name("train")
IN_CART = (TRAIN, 5 * HOUR, ADDED)


def test_nothing_open_shows_the_homepage_and_says_which() -> None:
    action = next_action(known())
    assert (action.action, action.about) == ("show-homepage", ("classic",))
    assert "scenario default" in action.reason


def test_a_contact_that_waits_too_long_comes_first() -> None:
    action = next_action(known(activity=done((MAIL, 61 * HOUR, 0), IN_CART)))
    assert action.action == "answer-contact"
    assert action.reason == "a mail about 'where is it?' has waited for 61 hours; 48 were promised"
    within = next_action(known(activity=done((MAIL, 40 * HOUR, 0))))
    assert within.reason.endswith("has waited for 40 hours; 8 are left of 48")


@pytest.mark.parametrize(
    "cells",
    [
        [(MAIL, 61 * HOUR, ANSWERED)],
        [(MAIL, 61 * HOUR, 0), (contact_name("Call Made", ""), 50 * HOUR, 0)],
        [(contact_name("Call Received", ""), 61 * HOUR, 0)],
        [(MAIL, 31 * DAY, 0)],
    ],
)
def test_a_contact_that_is_answered_or_long_past_waits_no_more(cells: Any) -> None:
    assert next_action(known(activity=done(*cells))).action == "show-homepage"


def test_who_gave_everything_back_is_asked() -> None:
    back = Purchase(NOW - DAY, b"1", -WHOLE, "EUR")
    action = next_action(known(order(3 * DAY, 1, "train"), back))
    assert (action.action, action.about) == ("ask-what-was-wrong", ("train",))


def test_a_cart_that_was_left_is_reminded_of() -> None:
    action = next_action(known(activity=done(IN_CART)))
    assert (action.action, action.about) == ("remind-of-cart", ("train",))
    assert action.reason == "a product was put into the cart 5 hours ago and not bought"


@pytest.mark.parametrize(
    ("purchases", "cell"),
    [
        ((), (TRAIN, HOUR // 2, ADDED)),  # still in the shop
        ((), (TRAIN, 8 * DAY, ADDED)),  # long ago
        ((), (TRAIN, 5 * HOUR, VIEWED)),  # only looked at
        ((order(4 * HOUR, 1, "train"),), IN_CART),  # bought
        ((order(4 * HOUR, 1),), IN_CART),  # ordered since, of what is not told
        ((order(20 * DAY, 1, "train"),), IN_CART),  # had it before
    ],
)
def test_what_was_not_left_is_not_reminded_of(purchases: Any, cell: Any) -> None:
    assert next_action(known(*purchases, activity=done(cell))).action != "remind-of-cart"


def test_good_customers_who_stay_away_are_won_back() -> None:
    loyal = [order((100 + n) * DAY, n) for n in range(6)]
    action = next_action(known(*loyal, seen=NOW - 95 * DAY))
    assert action.action == "win-back"
    assert "a loyal customer (6 orders) was last seen 95 days ago and is asleep" in action.reason
    small = known(order(100 * DAY), seen=NOW - 95 * DAY)
    assert next_action(small).action == "show-homepage"
    assert next_action(msgspec.structs.replace(small, tier="large")).action == "win-back"
    assert next_action(known(*loyal)).action == "show-homepage"


def test_the_second_order_is_thanked_for_and_the_first_followed() -> None:
    assert next_action(known(order(DAY, 1), order(40 * DAY, 2))).action == "thank-second-order"
    assert next_action(known(order(9 * DAY, 1), order(40 * DAY, 2))).action == "show-homepage"
    assert next_action(known(order(20 * DAY, 1))).action == "invite-second-order"
    assert next_action(known(order(2 * DAY, 1))).action == "show-homepage"


def test_who_has_not_ordered_is_invited_by_interest_or_helped() -> None:
    likes = done((interest_name("trains"), DAY, 7))
    action = next_action(known(activity=likes, has_login=True))
    assert (action.action, action.about) == ("invite-first-order", ("trains",))
    assert "100 % of what is known of interests is trains" in action.reason
    assert next_action(known(days=3)).action == "offer-help"
    assert next_action(known(days=2)).action == "show-homepage"


def test_recent_is_newest_first_and_of_all_devices() -> None:
    phone = done((page_name("/a"), 3 * HOUR, 0), (TRAIN, 3 * HOUR, VIEWED), (MAIL, DAY, 0))
    laptop = done((page_name("/b"), HOUR, 0), (TRAIN, HOUR, ADDED), (MAIL, DAY, 0))
    recent = recent_of({"phone": phone, "via\x1flaptop": laptop}, [])
    assert [(page.path, page.device_id) for page in recent.pages] == [
        ("/b", "laptop"),
        ("/a", "phone"),
    ]
    assert recent.products == (Seen(NOW - HOUR, "train", True),)
    assert recent.contacts == (Contact(NOW - DAY, "mail", True, "where is it?", False),)
    assert recent_of({}, []) == Recent((), (), (), ())


@pytest.mark.parametrize(
    ("orders", "money", "tier"),
    [
        (0, {}, ""),
        (1, {"EUR": 99_9999}, "small"),
        (1, {"EUR": 100 * UNIT}, "medium"),
        (1, {"EUR": 200 * UNIT, "": 100 * UNIT}, "large"),
        (1, {"USD": 2000 * UNIT}, "top"),
        (1, {"EUR": 5000 * UNIT, "JPY": 1}, ""),
        (1, {}, "small"),
    ],
)
def test_value_tiers_are_those_of_the_site_file(
    orders: int, money: dict[str, int], tier: str
) -> None:
    site = Site(name="s", currency="EUR", currencies={"USD": Decimal("0.5")})
    assert value_tier(orders, in_site_money(money, site), site) == tier
    bare = Site(name="s", value_tiers=ValueTiers())
    assert in_site_money({"EUR": 1}, bare) is None
