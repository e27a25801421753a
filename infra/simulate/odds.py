"""What the simulated world is like: every share and every odd, in tables to read and to change.

A share lies between 0 and 1. A weight is relative to the others of its table.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping
from itertools import accumulate
from random import Random
from typing import Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")
Way = Literal["direct", "search", "encyclopedia", "social", "ai", "email", "paid", "referral"]
"""How a visit arrives."""

Reach = Literal["bounce", "browse", "product", "cart", "checkout", "order"]
"""How far a visit goes."""


class Weighted(Generic[T]):
    """Values to draw from, by weight."""

    def __init__(self, weights: Iterable[tuple[T, float]]) -> None:
        listed = list(weights)
        self._values = [value for value, _ in listed]
        self._reach = list(accumulate(weight for _, weight in listed))

    def draw(self, chance: Random) -> T:
        return self._values[bisect(self._reach, chance.random() * self._reach[-1])]


class Dirt(msgspec.Struct, frozen=True, kw_only=True):
    """What makes real data dirty; each is a share."""

    bots: float = 0.04  # of page views
    disguised: float = 0.1  # of crawls: they name no user agent, or a browser's
    scrapers: float = 0.01  # of crawls: a browser's user agent, and pages faster than anybody reads
    duplicates: float = 0.01  # of messages: sent again, at once or minutes later
    disorder: float = 0.05  # of messages: they arrive up to `MAX_DELAY_S` after they happened
    refusals: float = 0.2  # of people: no consent
    deleted_cookies: float = 0.03  # of visits: the device has forgotten its id
    offline: float = 0.01  # of visits: all their messages arrive up to `MAX_OFFLINE_H` later
    public_computers: float = 0.0  # of members' visits: where everybody logs in and out
    logins_taken_back: float = 0.0  # of logins on a shared computer: the backend says, hours later
    wrong_clocks: float = 0.04  # of devices, live only: off by whole minutes


HARD = Dirt(
    disguised=0.2,
    duplicates=0.05,
    disorder=0.15,
    deleted_cookies=0.06,
    offline=0.05,
    public_computers=0.04,
    logins_taken_back=0.1,
)
"""A world in which more goes wrong, and devices have more users than a device may have."""

MAX_DELAY_S = 240
MAX_OFFLINE_H = 20
MIN_SKEW_MIN, MAX_SKEW_MIN = 3, 12  # at two, and a moment on the way, a clock counts as right

# How far visits go that the default homepage welcomed, or none: share that orders.
ORDERS: Mapping[Way, float] = {
    "direct": 0.035,
    "search": 0.03,
    "encyclopedia": 0.05,
    "social": 0.015,
    "ai": 0.03,
    "email": 0.045,
    "paid": 0.03,
    "referral": 0.02,
}

# What a homepage is worth to those it was made for, as a factor on the share above. The first
# column is a way, or what a visitor is (`visits.Visit`). Whoever is not named does not care.
LIFTS: Mapping[tuple[str, str], float] = {
    ("encyclopedia", "bestsellers"): 2.4,  # they look for the two toys they read about
    ("new from search", "search-hero"): 1.3,
    ("email", "offers"): 1.4,
    ("paid", "offers"): 1.25,
    ("social", "gift-finder"): 1.3,
    ("ai", "gift-finder"): 1.3,
    ("parent", "my-kids"): 1.4,
    ("member", "welcome-back"): 1.2,
    ("returning", "recently-viewed"): 1.15,
}

# Of the visits that do not order.
FALLS_SHORT: Mapping[Reach, float] = {
    "bounce": 33,
    "browse": 24,
    "product": 26,
    "cart": 12,
    "checkout": 5,
}

# How people come: to a shop they do not know yet, and to one they have been to. Newsletters are
# clicked by those who ordered them; for others their weight goes to `direct`.
FIRST_WAYS: Mapping[Way, float] = {
    "search": 36,
    "direct": 15,
    "encyclopedia": 14,
    "social": 11,
    "paid": 11,
    "ai": 6,
    "referral": 7,
}
LATER_WAYS: Mapping[Way, float] = {
    "direct": 44,
    "search": 20,
    "email": 12,
    "encyclopedia": 9,
    "paid": 6,
    "social": 4,
    "ai": 3,
    "referral": 2,
}

# Share of arrivals that land on the homepage; the others land on a product or category.
LANDS_HOME: Mapping[Way, float] = {
    "direct": 0.85,
    "search": 0.55,
    "encyclopedia": 0.95,
    "social": 0.6,
    "ai": 0.5,
    "email": 0.9,
    "paid": 0.75,
    "referral": 0.5,
}

SEARCH_TERM_CARRIED = 0.08  # of arrivals by search; engines keep the rest to themselves

# People
HAS_ACCOUNT = 0.35  # of those who consent, when the history begins
SHARES_COMPUTER = 0.14  # of people: those of one household on one computer
HOUSEHOLDS: Mapping[int, float] = {2: 75, 3: 16, 4: 9}  # of those who share one
FORGETS_LOGOUT = 0.3  # of those who share one
IN_AN_OFFICE = 0.08  # of those with a computer of their own: address and browser are the office's
AT_ONE_OFFICE = 24
PUBLIC_COMPUTER_FOR = 3000  # people there is one
BLOCKS_BEACON = 0.03  # of people: a web server's log knows their visits, nothing else does
SECOND_ACCOUNT = 0.1  # of members with several devices: another member number on the last one
NEWSLETTER = 0.25  # of people get it when the history begins
MEMBERS_NEWSLETTER = 0.5  # of the other members get it too
IS_PARENT = 0.5
SPEAKS: Mapping[str, float] = {"de-DE": 62, "en-GB": 12, "de-AT": 10, "en-US": 8, "fr-FR": 8}
DEVICES: Mapping[str, float] = {"phone": 0.85, "computer": 0.6, "tablet": 0.15}
FURTHER_VISITS_A_WEEK = 1.3  # mean, after the first visit
EAGERNESS = 0.6  # shape of the gamma distribution around it: the smaller, the more people differ

# Mails, and what the shop's backend does
FORWARDED = 0.15  # of would-be clicks by people who get no newsletter: in somebody else's mail
VERIFIES = 0.7  # of accounts: their e-mail, at the first login
VERIFIES_TELEPHONE = 0.5  # of them
SHARES_EMAIL = 0.15  # of households on one computer
ORDERS_BY_TELEPHONE = 0.01  # of visits: after it
JOINS_ACCOUNTS = 0.8  # of second accounts
MISTAKEN = 0.02  # of accounts: an address and an account are taken for theirs, for some hours

# During a visit
LOGS_IN = 0.5  # of members' visits that go further than the first page, where not logged in
MAKES_ACCOUNT = 0.3  # of first orders
SEES_HOME_LOGGED_IN = 0.5  # of logins: they end on the homepage
LOGS_OUT = 0.1  # of visits that end logged in, on a device of one's own
LOGS_OUT_SHARED = 0.75
NOTICES_OTHER_LOGIN = 0.5  # sees that somebody else is logged in, logs out and in again
MAKES_PROFILES = 0.6  # of parents' visits, once logged in, until they have made them
SIGNS_UP = 0.03  # of visits that go further, for the newsletter
SEES_HOME_AGAIN = 0.08
SEARCHES = 0.4  # of the looks for a product; the others go by category
EMPTIES_CART = 0.07
FINDS_NOTHING = 0.08  # of searches: mistyped, or not sold here

THINKING_S = (22.0, 0.9)  # log-normal: median and sigma of the time on a page
LONGEST_S = 1500.0  # always below the 30 minutes that end a session
PAUSE_MS = 31 * 60_000  # between two visits of one device

# When people shop, in the site's time zone: by hour, and by weekday from Monday.
HOURS = (3, 2, 1, 1, 1, 2, 5, 9, 13, 16, 17, 17, 18, 16, 15, 16, 17, 19, 22, 27, 30, 26, 16, 8)
WEEKDAYS = (1.0, 0.95, 0.95, 1.0, 1.0, 1.15, 1.25)

# Live
PACE = 0.15  # of the thinking times above, so that funnels tick
COMES_AGAIN = 0.25  # of visits: by somebody who was there, on another device or later

WEB_LOG_BOTS = 0.25  # what bots are of a web server's page requests: they run no script
NOT_FOUND = 0.01  # of a web server's page requests by people: dead links
ASKED_TWICE = 0.005  # of them: a second click within the second makes an equal line


def falls_short(chance: Random, lift: float) -> Reach:
    """How far a visit goes that does not order; what lifts orders also keeps people here."""
    reach = _FALLS_SHORT.draw(chance)
    if reach == "bounce" and chance.random() > lift**-0.5:
        return "product"
    return reach


def is_drawn(chance: Random, share: float) -> bool:
    return chance.random() < share


_FALLS_SHORT = Weighted(FALLS_SHORT.items())
