"""What to do next for a visitor, and why: an ordered list of rules, of which the first holds.

Pure. Each rule looks at what is known and either gives its action with the reason, as a sentence
for whoever has the visitor before him, or passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from personalize_api.one_touch.recent import Recent
from schemas.person_profile import PersonProfile
from schemas.purchases import Order
from schemas.value_tier import ValueTier

ActionName = Literal[
    "answer-contact",
    "ask-what-was-wrong",
    "remind-of-cart",
    "win-back",
    "thank-second-order",
    "invite-second-order",
    "invite-first-order",
    "offer-help",
    "show-homepage",
]

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
ANSWER_WITHIN_MS = 48 * _HOUR_MS
"""The promise for a mail, chat or letter (design.md section 5, `contacts`)."""

_FORGOTTEN_MS = 30 * _DAY_MS  # a contact so old is answered elsewhere, or too late
_CART_FROM_MS, _CART_UNTIL_MS = _HOUR_MS, 7 * _DAY_MS
_RETURNED_WITHIN_MS = 14 * _DAY_MS
_SECOND_ORDER_AFTER_MS = 14 * _DAY_MS
_THANK_WITHIN_MS = 7 * _DAY_MS
_HESITANT_DAYS = 3


class NextAction(msgspec.Struct, frozen=True, kw_only=True):
    """`about`: product ids or categories that the action is about, the most important first."""

    action: ActionName
    reason: str
    about: tuple[str, ...] = ()


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules may look at."""

    profile: PersonProfile
    orders: tuple[Order, ...]  # oldest first
    recent: Recent
    tier: ValueTier
    has_login: bool
    variant: str  # what the homepage would show
    scenario: str
    now_ms: int


Rule = Callable[[Known], NextAction | None]


def next_action(known: Known) -> NextAction:
    for rule in _RULES:
        if (action := rule(known)) is not None:
            return action
    return NextAction(
        action="show-homepage",
        reason=f"nothing is open; scenario {known.scenario} shows the homepage {known.variant}",
        about=(known.variant,),
    )


def _answer(known: Known) -> NextAction | None:
    waiting = [each for each in known.recent.contacts if each.answered is False]
    waiting = [each for each in waiting if known.now_ms - each.time <= _FORGOTTEN_MS]
    if not waiting:
        return None
    oldest = min(waiting, key=lambda each: each.time)
    waited_ms = known.now_ms - oldest.time
    about = f" about {oldest.subject!r}" if oldest.subject else ""
    late = waited_ms > ANSWER_WITHIN_MS
    due = "48 were promised" if late else f"{_hours(ANSWER_WITHIN_MS - waited_ms)} are left of 48"
    reason = f"a {oldest.channel}{about} has waited for {_hours(waited_ms)} hours; {due}"
    return NextAction(action="answer-contact", reason=reason)


def _returned(known: Known) -> NextAction | None:
    if not known.orders or not known.orders[-1].is_returned:
        return None
    last = known.orders[-1]
    if known.now_ms - last.time > _RETURNED_WITHIN_MS:
        return None
    reason = f"all of the last order, {_days(known.now_ms - last.time)} ago, was given back"
    return NextAction(action="ask-what-was-wrong", reason=reason, about=last.products)


def _cart(known: Known) -> NextAction | None:
    left = known.recent.cart
    if not left or not _CART_FROM_MS <= known.now_ms - left[0].time <= _CART_UNTIL_MS:
        return None
    products = tuple(each.product_id for each in left)
    count = "a product was" if len(products) == 1 else f"{len(products)} products were"
    reason = f"{count} put into the cart {_ago(known.now_ms - left[0].time)} and not bought"
    return NextAction(action="remind-of-cart", reason=reason, about=products)


def _win_back(known: Known) -> NextAction | None:
    profile = known.profile
    if profile.recency == "active" or not profile.frequency:
        return None
    if profile.frequency not in ("loyal", "repeat") and known.tier not in ("top", "large"):
        return None
    worth = f", value tier {known.tier}" if known.tier else ""
    reason = (
        f"a {profile.frequency} customer ({_orders(profile.orders)}{worth}) was last seen "
        f"{_days(known.now_ms - profile.last_seen)} ago and is {profile.recency}"
    )
    return NextAction(action="win-back", reason=reason, about=_interests(profile))


def _thank(known: Known) -> NextAction | None:
    if known.profile.orders != 2 or known.now_ms - known.profile.last_order > _THANK_WITHIN_MS:
        return None
    reason = (
        f"the second order came {_ago(known.now_ms - known.profile.last_order)}: "
        "who buys twice is on the way to become a regular customer"
    )
    return NextAction(action="thank-second-order", reason=reason, about=_interests(known.profile))


def _second_order(known: Known) -> NextAction | None:
    profile = known.profile
    since_ms = known.now_ms - profile.first_order
    if profile.orders != 1 or profile.recency != "active" or since_ms < _SECOND_ORDER_AFTER_MS:
        return None
    reason = f"the first and only order is {_days(since_ms)} old, and the visitor still comes"
    return NextAction(action="invite-second-order", reason=reason, about=_interests(profile))


def _first_order(known: Known) -> NextAction | None:
    profile = known.profile
    if profile.orders or not known.has_login or not profile.interests:
        return None
    favourite = profile.interests[0]
    reason = (
        f"registered and has not ordered; {round(favourite.share * 100)} % of what is known of "
        f"interests is {favourite.category}"
    )
    return NextAction(action="invite-first-order", reason=reason, about=_interests(profile))


def _help(known: Known) -> NextAction | None:
    if known.profile.orders or known.profile.days < _HESITANT_DAYS:
        return None
    reason = f"came on {known.profile.days} days and has not ordered"
    return NextAction(action="offer-help", reason=reason, about=_interests(known.profile))


_RULES: tuple[Rule, ...] = (
    _answer,
    _returned,
    _cart,
    _win_back,
    _thank,
    _second_order,
    _first_order,
    _help,
)


def _interests(profile: PersonProfile) -> tuple[str, ...]:
    return tuple(interest.category for interest in profile.interests[:3])


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"


def _hours(span_ms: int) -> int:
    return max(0, span_ms) // _HOUR_MS


def _days(span_ms: int) -> str:
    days = max(0, span_ms) // _DAY_MS
    return "1 day" if days == 1 else f"{days} days"


def _ago(span_ms: int) -> str:
    """'5 hours ago', '3 days ago'."""
    if span_ms >= 2 * _DAY_MS:
        return f"{_days(span_ms)} ago"
    hours = _hours(span_ms)
    return "less than an hour ago" if hours < 1 else f"{hours} hour{'s' * (hours > 1)} ago"
