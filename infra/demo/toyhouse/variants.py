"""The eight homepages: for each variant of the site file, what it shows.

How each looks is in `templates/variants/<name>.html`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice, zip_longest
from typing import Any

from infra.demo.catalogue import Catalogue
from infra.demo.product import Product
from infra.demo.toyhouse.footfall import Pick
from infra.demo.toyhouse.shopper import Shopper
from schemas.referrer import classify

Contents = dict[str, Any]

FALLBACK = "classic"

AGES = {"0-2": (0, 2), "3-5": (3, 5), "6-8": (6, 8), "9-12": (9, 12), "13+": (13, 99)}
BUDGETS = {"15": 1500, "30": 3000, "60": 6000}  # euros -> cents
GIFTS = 24

_SEARCHED = (
    *("teddy", "wooden train", "spinning top", "kite", "puzzle", "dinosaur", "picture book"),
    *("marble run", "watercolour", "doll", "yo-yo", "board game", "telescope", "rocking horse"),
)


def classic(shopper: Shopper) -> Contents:
    catalogue = shopper.shop.catalogue
    newest = [_newest(catalogue, category.slug) for category in catalogue.categories]
    first = [product for products in zip_longest(*newest) for product in products if product]
    rooms = {each.slug: catalogue.in_category(each.slug) for each in catalogue.categories}
    return {
        "window": catalogue.bestsellers(5)[2:5],
        "faces": {slug: products[0] for slug, products in rooms.items() if products},
        "news": first[:8],
    }


def bestsellers(shopper: Shopper) -> Contents:
    ranked = shopper.shop.catalogue.bestsellers(14)
    return {"winners": ranked[:2], "ranked": ranked[2:]}


def my_kids(shopper: Shopper) -> Contents:
    catalogue, child = shopper.shop.catalogue, shopper.child
    if child is None:
        return {"child": None, "shelves": [], "more": catalogue.bestsellers(8)}
    shelves = []
    for slug in child.interests:
        category = catalogue.category(slug)
        suitable = [p for p in catalogue.in_category(slug) if p.suits(child.age) and p.stock]
        if category is not None and suitable:
            shelves.append((category, suitable[:4]))
    seen = {product.sku for _, products in shelves for product in products}
    more = (p for p in catalogue.for_age(child.age, 40) if p.sku not in seen)
    return {"child": child, "shelves": shelves, "more": list(islice(more, 8))}


def offers(shopper: Shopper) -> Contents:
    found = shopper.shop.catalogue.offers(19)
    return {"best": found[:1], "offers": found[1:]}


def search_hero(shopper: Shopper) -> Contents:
    catalogue = shopper.shop.catalogue
    visit = shopper.visit()
    term = classify(visit.url, visit.referrer, shopper.shop.site).term
    return {
        "term": term,
        "found": catalogue.search(term)[:8] if term else [],
        "searched": [word for word in _SEARCHED if catalogue.search(word)][:10],
        "popular": catalogue.bestsellers(8),
    }


def gift_finder(shopper: Shopper) -> Contents:
    query = shopper.request.query_params
    return gifts(shopper.shop.catalogue, query.get("age", ""), query.get("budget", ""))


def gifts(catalogue: Catalogue, age: str, budget: str) -> Contents:
    """What makes a present for an age of AGES and a budget of BUDGETS; '' : any."""
    low, high = AGES.get(age, (0, 99))
    most = BUDGETS.get(budget)
    suitable = [
        product
        for product in catalogue.products
        if product.stock
        and product.age_from <= high
        and product.age_to >= low
        and (age == "" or product.age_from >= low - 3)
        and (most is None or product.price <= most)
    ]
    suitable.sort(key=lambda product: (not product.bestseller, product.bestseller, product.sku))
    return {
        "ages": AGES,
        "budgets": BUDGETS,
        "age": age if age in AGES else "",
        "budget": budget if budget in BUDGETS else "",
        "gifts": _mixed(suitable)[:GIFTS],
        "count": len(suitable),
    }


def welcome_back(shopper: Shopper) -> Contents:
    sessions, catalogue = shopper.shop.sessions, shopper.shop.catalogue
    orders = sessions.orders_of(shopper.member.id, 3) if shopper.member else []
    owned = [line.product for order in orders for line in order.lines]
    recent = sessions.recent(shopper.anonymous_id) if shopper.anonymous_id else []
    basis = owned or recent
    return {
        "last": orders[0] if orders else None,
        "because": basis[:1],
        "goes_with": _like(catalogue, basis, 8) or catalogue.bestsellers(8),
        "recent": recent[:4],
    }


def recently_viewed(shopper: Shopper) -> Contents:
    catalogue = shopper.shop.catalogue
    recent = shopper.shop.sessions.recent(shopper.anonymous_id) if shopper.anonymous_id else []
    return {
        "recent": recent[:12],
        "alike": _like(catalogue, recent, 8) or catalogue.bestsellers(8),
    }


def picked(catalogue: Catalogue, picks: Iterable[Pick]) -> list[tuple[Product, Pick]]:
    """What Footfall picked of what is in stock, best first."""
    found = ((catalogue.by_sku(pick.id), pick) for pick in picks)
    return [(product, pick) for product, pick in found if product is not None and product.stock]


VARIANTS: dict[str, Callable[[Shopper], Contents]] = {
    "classic": classic,
    "bestsellers": bestsellers,
    "my-kids": my_kids,
    "offers": offers,
    "search-hero": search_hero,
    "gift-finder": gift_finder,
    "welcome-back": welcome_back,
    "recently-viewed": recently_viewed,
}


def _newest(catalogue: Catalogue, category: str) -> list[Product]:
    stocked = (product for product in catalogue.in_category(category) if product.stock)
    return sorted(stocked, key=lambda product: product.sku, reverse=True)


def _like(catalogue: Catalogue, basis: list[Product], n: int) -> list[Product]:
    """What goes with the products of `basis`, the first one's before the second's."""
    known = {product.sku for product in basis}
    found: dict[str, Product] = {}
    alike = [catalogue.similar(product, n) for product in basis[:4]]
    for products in zip_longest(*alike):
        for product in products:
            if product is not None and product.sku not in known:
                found.setdefault(product.sku, product)
    return list(found.values())[:n]


def _mixed(products: Iterable[Product]) -> list[Product]:
    """Dealt from their categories in turn, so that no category fills the page alone."""
    groups: dict[str, list[Product]] = {}
    for product in products:
        groups.setdefault(product.category, []).append(product)
    return [p for turn in zip_longest(*groups.values()) for p in turn if p is not None]
