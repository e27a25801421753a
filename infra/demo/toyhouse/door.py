"""The front door: what every request passes on its way to a page, and every page on its way out."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from infra.demo.toyhouse.forms import require_own_page
from infra.demo.toyhouse.shop import Shop
from infra.demo.toyhouse.shopper import Shopper

HERE = Path(__file__).parent
STATIC = HERE / "static"

Page = Callable[[Shopper], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def page(answer: Page) -> Endpoint:
    """A page as Starlette calls it. Raises HTTPException, which becomes the error page."""

    async def endpoint(request: Request) -> Response:
        if request.method == "POST":
            require_own_page(request)
        shopper = Shopper(request, shop_of(request))
        response = await answer(shopper)
        shopper.write_cookies(response)
        return response

    return endpoint


def shop_of(request: Request) -> Shop:
    shop = request.app.state.shop
    assert isinstance(shop, Shop)
    return shop


def render(shopper: Shopper, template: str, status: int = 200, **contents: Any) -> Response:
    """A page of the shop in its frame."""
    html = (
        _templates()
        .get_template(template)
        .render(
            shopper=shopper,
            member=shopper.member,
            cart_pieces=shopper.cart.pieces,
            catalogue=shopper.shop.catalogue,
            browser_key=shopper.shop.browser_key,
            path=shopper.request.url.path,
            **contents,
        )
    )
    return HTMLResponse(html, status, headers=_headers(shopper))


def see(path: str) -> Response:
    """Go on to another page, with a GET."""
    return RedirectResponse(path, 303, headers={"Cache-Control": "no-store"})


def own_path(text: str, default: str) -> str:
    """A path of this shop to go on to; `default` for what may lead elsewhere."""
    local = text.startswith("/") and not text.startswith("//") and "\\" not in text
    return text if local and text.isprintable() and len(text) < 500 else default


async def error_page(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = error.detail if isinstance(error, HTTPException) and status not in (404, 405) else ""
    shopper = Shopper(request, shop_of(request))
    response = render(shopper, "error.html", status, code=status, said=said)
    if isinstance(error, HTTPException) and error.headers:
        response.headers.update(error.headers)
    return response


def euros(cents: int) -> str:
    return f"€{cents // 100:,}.{cents % 100:02d}"


def asset(name: str) -> str:
    """The address of a static file, another one when its content is another."""
    return f"/static/{name}?v={_version(name)}"


@cache
def _version(name: str) -> str:
    return f"{zlib.crc32((STATIC / name).read_bytes()):08x}"


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["euros"] = euros
    environment.globals["asset"] = asset
    return environment


def _headers(shopper: Shopper) -> dict[str, str]:
    collector = shopper.collector
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src 'self' {collector}; connect-src 'self' {collector}; "
            f"img-src 'self' {collector}; style-src 'self'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cache-Control": "private, no-cache",
    }
