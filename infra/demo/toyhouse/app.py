"""The shop as an ASGI application: its pages and what it keeps open while it serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from infra.demo.catalogue import Catalogue, load
from infra.demo.toyhouse.door import STATIC, Page, error_page, page
from infra.demo.toyhouse.footfall import Footfall
from infra.demo.toyhouse.pages import account, browse, cart, home, house, letters
from infra.demo.toyhouse.shop import Decide, key_of, open_shop
from schemas.settings import Settings
from schemas.site import Site


def create_app(
    settings: Settings,
    site: Site,
    state_dir: Path,
    *,
    catalogue: Catalogue | None = None,
    decide: Decide | None = None,
) -> Starlette:
    """`decide`: who chooses the homepage; by default Footfall does.

    Raises NoKey, CatalogueError.
    """
    catalogue = catalogue or load()
    server_key = key_of(site, "server")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with Footfall(
            settings.url(settings.ports.personalize),
            settings.url(settings.ports.collect),
            server_key,
            default_variant=site.homepage.default,
        ) as footfall:
            with open_shop(
                site, settings, catalogue, footfall, state_dir, decide
            ) as app.state.shop:
                yield

    return Starlette(
        routes=routes(),
        lifespan=lifespan,
        exception_handlers={HTTPException: error_page, Exception: error_page},
    )


def routes() -> list[Route | Mount]:
    return [
        _get("/", home.home),
        _get("/p/{slug}", browse.product),
        _get("/c/{slug}", browse.category),
        _get("/search", browse.search),
        _get("/gifts", browse.find_gifts),
        Route("/pictures/{sku}.svg", browse.picture),
        Route("/logo.svg", browse.house_sign),
        _get("/cart", cart.cart),
        _post("/cart/add", cart.add),
        _post("/cart/change", cart.change),
        _post("/cart/empty", cart.empty),
        _post("/checkout", cart.start_checkout),
        _get("/checkout", cart.checkout),
        _post("/order", cart.place_order),
        _get("/order/{order_id}", cart.thanks),
        _get("/login", account.login_form),
        _post("/login", account.log_in),
        _post("/logout", account.log_out),
        _get("/account", account.account),
        _post("/account/child", account.keep_child),
        _post("/account/child/remove", account.remove_child),
        _post("/account/child/choose", account.choose_child),
        _get("/newsletter", letters.newsletter),
        _post("/newsletter", letters.sign_up),
        _get("/mail/{number:int}", letters.mail),
        _get("/about", house.about),
        _post("/consent", house.consent),
        Route("/admin/break-checkout", house.break_checkout, methods=["POST"]),
        Route("/health", house.health),
        Route("/ready", house.ready),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]


def _get(path: str, answer: Page) -> Route:
    return Route(path, page(answer), methods=["GET"])


def _post(path: str, answer: Page) -> Route:
    return Route(path, page(answer), methods=["POST"])
