"""The encyclopedia's pages: the main page and the articles, with links that lead to the shop."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import jinja2
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from infra.demo.encyclopedia import articles
from infra.demo.encyclopedia.articles import Article
from infra.demo.pictures import figure, logo
from schemas.settings import Settings

_HERE = Path(__file__).parent
_FEATURED = "Teddy_bear"
_HEADERS = {
    # the shop is to learn which article sent a visitor, not only which site
    "Referrer-Policy": "no-referrer-when-downgrade",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_CACHED = {"Cache-Control": "public, max-age=3600"}


def create_app(settings: Settings) -> Starlette:
    """The ASGI application. It keeps nothing and needs no other service. Raises ArticleError."""
    site = _Site(settings, articles.load())
    return Starlette(
        routes=[
            Route("/", site.main),
            Route("/wiki/{name}", site.article),
            Route("/pictures/{name}.svg", site.picture),
            Route("/toyhouse.svg", _sign),
            Route("/health", _health),
            Route("/ready", _health),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
        exception_handlers={404: site.missing},
        middleware=[Middleware(GZipMiddleware, minimum_size=1000)],
    )


class _Site:
    """The pages, each a handler of a route."""

    def __init__(self, settings: Settings, pages: dict[str, Article]) -> None:
        self._settings = settings
        self._pages = pages
        self._by_title = sorted(pages.values(), key=lambda each: each.title)
        self._pictures = {name: _picture(article) for name, article in pages.items()}
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )

    async def main(self, request: Request) -> Response:
        return self._page(request, "main.html", featured=self._pages[_FEATURED])

    async def article(self, request: Request) -> Response:
        name = request.path_params["name"]
        found = self._pages.get(name)
        if found is None:
            meant = _meant(name, self._by_title)
            if meant is None:
                return self._absent(request, name)
            return RedirectResponse(f"/wiki/{meant.name}", 301, _HEADERS)
        see_also = [each for each in self._by_title if each.title in found.see_also]
        return self._page(request, "article.html", article=found, see_also=see_also)

    async def picture(self, request: Request) -> Response:
        drawn = self._pictures.get(request.path_params["name"])
        if drawn is None:
            return Response("no such picture", 404, _HEADERS, "text/plain")
        return Response(drawn, headers={**_HEADERS, **_CACHED}, media_type="image/svg+xml")

    async def missing(self, request: Request, error: Exception) -> Response:
        return self._absent(request, request.url.path.strip("/"))

    def _absent(self, request: Request, name: str) -> Response:
        return self._page(request, "missing.html", 404, title=name[:80].replace("_", " "))

    def _page(
        self, request: Request, template: str, status: int = 200, **values: object
    ) -> Response:
        html = self._templates.get_template(template).render(
            articles=self._by_title,
            shop=shop_address(request, self._settings),
            search=quote_plus,
            **values,
        )
        return HTMLResponse(html, status, _HEADERS)


async def _sign(request: Request) -> Response:
    return Response(logo(), headers={**_HEADERS, **_CACHED}, media_type="image/svg+xml")


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


def shop_address(request: Request, settings: Settings) -> str:
    """The shop's origin, on the other name of this machine.

    Cookies belong to a host name whatever the port: under another name the shop is another site,
    as it would be on the web, and the browser sends it a Referer.
    """
    other = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}
    host = request.url.hostname or "localhost"
    return f"http://{other.get(host, host)}:{settings.ports.shop}"


def _picture(article: Article) -> str:
    drawing = article.figure
    return figure(drawing.kind, drawing.colour, drawing.seed, drawing.theme)


def _meant(name: str, by_title: list[Article]) -> Article | None:
    """The article of a title that is written in another case, with spaces, or in the plural."""
    plain = name.replace(" ", "_").casefold()
    wanted = {plain, plain.removesuffix("s")}
    return next((each for each in by_title if each.name.casefold() in wanted), None)
