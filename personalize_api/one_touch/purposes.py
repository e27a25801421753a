"""What each kind of data is held for, in words for the person it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

What = Literal[
    "cookie",
    "seen",
    "visits",
    "arrivals",
    "interests",
    "products",
    "pages",
    "orders",
    "contacts",
    "experiments",
    "groups",
    "steps",
    "address",
    "country",
    "robot",
    "logins",
    "login",
    "devices",
    "profiles",
    "events",
]

PURPOSES: Mapping[What, str] = {
    "cookie": "A random number by which this browser is recognized when it comes back.",
    "seen": "When you were here first and last: tells who is new from who returns.",
    "visits": "Your visits: chooses the homepage for who is new or returns, and counts visits.",
    "arrivals": "Which site or campaign you came from: shows which of them bring visitors.",
    "interests": "Categories of products you looked at: chooses products and homepage for you.",
    "products": "Products you saw last: shows them again, and others that go with them.",
    "pages": "Pages you saw last: so that our service knows what you ask about.",
    "orders": "What you bought: so that it is not offered again, and for your questions about it.",
    "contacts": "Your calls, mails and chats: so that they are answered in time.",
    "experiments": "Which version of a page you were shown: so that you are shown the same again.",
    "groups": "Groups that follow from your visits and orders: choose the homepage for you.",
    "steps": "Steps on the way to an order in the last two days: shows us where the shop fails.",
    "address": "A keyed code of your address: joins lines of the server's log to your visit.",
    "country": "The country you were in last: chooses the homepage for it.",
    "robot": "Days on which this device asked so often that it was taken for a program.",
    "logins": "That somebody has logged in here: tells who has an account.",
    "login": "Your login: what you do on several devices is yours.",
    "devices": "Devices on which you logged in: so that you are one customer on all of them.",
    "profiles": "What you told us about yourself and yours: chooses products that fit.",
    "events": "Each page view and order as one line, for counting: where the site is good or bad.",
}
