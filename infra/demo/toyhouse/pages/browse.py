"""Looking around: products, categories, search, presents, and the pictures of them all."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from infra.demo.catalogue import Catalogue
from infra.demo.pictures import logo, picture_of
from infra.demo.product import Product
from infra.demo.toyhouse.door import render, shop_of
from infra.demo.toyhouse.sessions import MAX_QUANTITY
from infra.demo.toyhouse.shopper import Shopper
from infra.demo.toyhouse.variants import gifts
from infra.demo.toyhouse.wares import product_properties

MAX_QUERY = 100
MAX_FOUND = 60

_SORTS: dict[str, Callable[[Product], tuple[int, str]]] = {
    "price": lambda product: (product.price, product.sku),
    "age": lambda product: (product.age_from, product.sku),
}


async def product(shopper: Shopper) -> Response:
    catalogue = shopper.shop.catalogue
    found = catalogue.by_slug(shopper.request.path_params["slug"])
    if found is None:
        raise HTTPException(404)
    if shopper.anonymous_id:
        shopper.shop.sessions.looked_at(shopper.anonymous_id, found)
    return render(
        shopper,
        "product.html",
        product=found,
        category=catalogue.category(found.category),
        similar=catalogue.similar(found, 4),
        most=min(found.stock, MAX_QUANTITY),
        told=("Product Viewed", product_properties(found, shopper.shop.site.currency)),
    )


async def category(shopper: Shopper) -> Response:
    catalogue = shopper.shop.catalogue
    found = catalogue.category(shopper.request.path_params["slug"])
    if found is None:
        raise HTTPException(404)
    products = catalogue.in_category(found.slug)
    by = shopper.request.query_params.get("by", "")
    if key := _SORTS.get(by):
        products = sorted(products, key=key)
    return render(
        shopper, "category.html", category=found, products=products, by=by if by in _SORTS else ""
    )


async def search(shopper: Shopper) -> Response:
    query = " ".join(shopper.request.query_params.get("q", "").split())[:MAX_QUERY]
    found = shopper.shop.catalogue.search(query) if query else []
    told = ("Products Searched", {"query": query, "search_results": len(found)})
    return render(
        shopper,
        "search.html",
        query=query,
        found=found[:MAX_FOUND],
        count=len(found),
        popular=shopper.shop.catalogue.bestsellers(8),
        told=told if query else None,
    )


async def find_gifts(shopper: Shopper) -> Response:
    query = shopper.request.query_params
    contents = gifts(shopper.shop.catalogue, query.get("age", ""), query.get("budget", ""))
    return render(shopper, "gifts.html", **contents)


async def picture(request: Request) -> Response:
    """No page: nobody is asked who looks at a picture."""
    body = _drawn(shop_of(request).catalogue, request.path_params["sku"])
    if not body:
        raise HTTPException(404)
    return _svg(body)


async def house_sign(_request: Request) -> Response:
    """The logo."""
    return _svg(logo())


def _svg(body: str) -> Response:
    headers = {
        "Cache-Control": "public, max-age=86400",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, media_type="image/svg+xml", headers=headers)


@lru_cache(maxsize=512)
def _drawn(catalogue: Catalogue, sku: str) -> str:
    """'' for a product that is not there."""
    found = catalogue.by_sku(sku)
    return picture_of(found) if found else ""
