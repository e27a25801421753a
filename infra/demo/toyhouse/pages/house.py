"""The house itself: what it is, consent, and what its keepers need."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from infra.demo.toyhouse.door import own_path, render, see, shop_of
from infra.demo.toyhouse.forms import read_form, require_own_page
from infra.demo.toyhouse.pages.account import introduce
from infra.demo.toyhouse.shopper import Shopper

_LOOPBACK = frozenset({"127.0.0.1", "::1"})


async def about(shopper: Shopper) -> Response:
    return render(shopper, "about.html", ports=shopper.shop.ports)


async def consent(shopper: Shopper) -> Response:
    """The visitor's choice. Of a refusal nothing is kept here: see shopper.py."""
    form = await read_form(shopper.request)
    if form.text("choice", 10) == "granted":
        shopper.agree()
        introduce(shopper)  # a login before the consent was not told of
    else:
        shopper.refuse()
    if shopper.request.headers.get("accept") == "application/json":
        return JSONResponse({"consent": shopper.consent})
    return see(own_path(form.text("next", 500), "/"))


async def health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """The shop sells as long as its database answers, with or without Footfall."""
    shop_of(request).database.row("SELECT 1 FROM session LIMIT 1")
    return JSONResponse({"status": "ready"})


async def break_checkout(request: Request) -> Response:
    """`POST /admin/break-checkout?on=1`: the checkout answers 500 until `?on=0`.

    For demonstrations of what ops see then; from this machine only, and from no other site's page.
    """
    client = request.client.host if request.client else ""
    forwarded = any(name.startswith("x-forwarded") for name in request.headers)
    if client not in _LOOPBACK or forwarded or "forwarded" in request.headers:
        raise HTTPException(403, "Only from the machine itself.")
    if "origin" in request.headers:
        require_own_page(request)
    shop = shop_of(request)
    shop.checkout_is_broken = request.query_params.get("on") == "1"
    return JSONResponse({"checkout": "broken" if shop.checkout_is_broken else "works"})
