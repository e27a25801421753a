"""The pages: `/ops`, the live page for ops, and `/docs`. No build step, nothing from elsewhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter, Depends, Response

from personalize_api.errors import NotThere
from personalize_api.routes.room import operator

router = APIRouter()

_FILES = Path(__file__).parent.parent / "ops"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@router.get(
    "/ops", summary="The live page for ops", dependencies=[Depends(operator)], tags=["live"]
)
async def ops() -> Response:
    return _page("ops.html")


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    return _page("docs.html")


@router.get("/ops/{name}", include_in_schema=False)
async def page_file(name: str) -> Response:
    """Styles and scripts, which say nothing about anybody."""
    if name not in _assets():
        raise NotThere(f"there is nothing at /ops/{name[:100]}")
    return _page(name)


@cache
def _assets() -> frozenset[str]:
    return frozenset(path.name for path in _FILES.iterdir() if path.suffix in (".css", ".js"))


@cache
def _content(name: str) -> bytes:
    return (_FILES / name).read_bytes()


def _page(name: str) -> Response:
    return Response(_content(name), headers=_HEADERS, media_type=_TYPES[Path(name).suffix])
