"""How a visit begins: from where, with which address, on which page."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from urllib.parse import quote_plus

import msgspec

from infra.demo.product import Product
from infra.simulate.mails import Mails
from infra.simulate.odds import (
    FIRST_WAYS,
    LANDS_HOME,
    LATER_WAYS,
    SEARCH_TERM_CARRIED,
    Way,
    Weighted,
    is_drawn,
)
from infra.simulate.people import Device, Person
from infra.simulate.shelves import Shelves
from infra.simulate.steps import Step

_FIRST = Weighted(FIRST_WAYS.items())
_LATER = Weighted(LATER_WAYS.items())

# (the engine's page, the parameter that would carry the term)
_ENGINES: Weighted[tuple[str, str]] = Weighted(
    [
        (("https://www.google.com/", "q"), 34),
        (("https://www.google.de/", "q"), 34),
        (("https://www.google.co.uk/", "q"), 6),
        (("https://www.bing.com/", "q"), 10),
        (("https://duckduckgo.com/", "q"), 7),
        (("https://www.ecosia.org/", "q"), 5),
        (("https://search.yahoo.com/", "p"), 3),
        (("https://search.brave.com/", "q"), 2),
    ]
)
ARTICLES: Weighted[str] = Weighted(
    [
        ("Teddy_bear", 46),
        ("Spinning_top", 30),
        ("Rocking_horse", 6),
        ("Toy_block", 6),
        ("Jigsaw_puzzle", 4),
        ("Picture_book", 4),
        ("Kite", 4),
    ]
)
_NETWORKS: Weighted[str] = Weighted(
    [
        ("https://www.facebook.com/", 3),
        ("https://l.instagram.com/", 4),
        ("https://www.pinterest.com/", 3),
        ("https://www.tiktok.com/", 2),
        ("https://www.youtube.com/", 1),
        ("https://www.reddit.com/r/toys/", 1),
    ]
)
_ASSISTANTS: Weighted[str] = Weighted(
    [
        ("https://chatgpt.com/", 6),
        ("https://www.perplexity.ai/", 2),
        ("https://claude.ai/", 1),
        ("https://gemini.google.com/", 1),
    ]
)
_SITES: Weighted[str] = Weighted(
    [
        ("https://parents-weekly.example/gifts/best-toys", 4),
        ("https://nursery-blog.example/2026/wooden-toys", 3),
        ("https://compare-prices.example/toys", 2),
        ("https://town-library.example/links", 1),
    ]
)
_SEARCHED_FOR = ("toyhouse", "toy shop", "teddy bear", "wooden toys", "gift for 3 year old", "toys")
_CLICK_ID = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


class Arrival(msgspec.Struct):
    """`path` with its query; `product` or `category` say what page it is, neither: the homepage."""

    way: Way
    path: str
    referrer: str
    product: Product | None = None
    category: str = ""
    recipient: str = ""  # the member number of who got the mail, if one was clicked

    @property
    def at_home(self) -> bool:
        return self.product is None and not self.category

    def clicked_by(self, step: Step) -> str:
        """Whom the mail was sent to whose link led to the page of this step; '' for none."""
        return self.recipient if step.path == self.path else ""


def arrive(
    chance: Random, shelves: Shelves, mails: Mails, person: Person, device: Device, at_ms: int
) -> Arrival:
    way = (_LATER if person.visits else _FIRST).draw(chance)
    recipient = mails.recipient(person) if way == "email" else ""
    if recipient is None:
        way, recipient = "direct", ""
    arrival = Arrival(way, "/", "", recipient=recipient)
    if not is_drawn(chance, LANDS_HOME[way]):
        if is_drawn(chance, 0.25):
            arrival.category = chance.choice(person.taste)
            arrival.path = f"/c/{arrival.category}"
        else:
            product = arrival.product = shelves.product_for(chance, person)
            arrival.path = f"/p/{product.slug}"
    arrival.referrer = _referrer(chance, way, device)
    token = mails.parameter(recipient, at_ms)
    if tags := "&".join(filter(None, (_tags(chance, way, at_ms), token))):
        arrival.path += f"?{tags}"
    return arrival


def _referrer(chance: Random, way: Way, device: Device) -> str:
    if way == "search" or way == "paid":
        engine, parameter = _ENGINES.draw(chance)
        if way == "search" and is_drawn(chance, SEARCH_TERM_CARRIED):
            return f"{engine}search?{parameter}={quote_plus(chance.choice(_SEARCHED_FOR))}"
        return engine if way == "search" else "https://www.google.com/"
    if way == "encyclopedia":
        return f"https://encyclopedia.example/wiki/{ARTICLES.draw(chance)}"
    if way == "social":
        return _NETWORKS.draw(chance)
    if way == "ai":
        return _ASSISTANTS.draw(chance)
    if way == "referral":
        return _SITES.draw(chance)
    if way == "email" and device.kind == "computer" and is_drawn(chance, 0.5):
        return "https://mail.google.com/"  # programs for mail send none
    return ""


def _tags(chance: Random, way: Way, at_ms: int) -> str:
    """Campaign parameters of the address, '' for none."""
    if way == "email":
        week = datetime.fromtimestamp(at_ms / 1000, UTC).isocalendar().week
        return f"utm_source=newsletter&utm_medium=email&utm_campaign=week-{week:02d}"
    if way == "paid":
        return "gclid=" + "".join(chance.choices(_CLICK_ID, k=40))
    return ""
