"""`/v1/me`: what is held about whoever asks."""

from __future__ import annotations

import time

import msgspec
from fastapi import APIRouter, Request, Response

from personalize_api.caller.access import Caller, Headers, identify
from personalize_api.caller.consent import consent_of
from personalize_api.caller.permitted import cookie, restrict
from personalize_api.caller.user_token import HEADER, TokenRefused, read
from personalize_api.decision.arrival import Arrival, device_id, read_query
from personalize_api.errors import UserTokenRefused
from personalize_api.one_touch.me import Asking, me
from personalize_api.room import Room
from personalize_api.routes.open_to_pages import answer, preflight
from personalize_api.routes.room import OpenRoom
from schemas.site import Site

router = APIRouter(prefix="/v1", tags=["me"])


@router.get("/me", summary="What is held about the calling device, and what for")
async def about_me(request: Request, room: OpenRoom) -> Response:
    site = room.site.site

    async def make() -> Response:
        headers: Headers = dict(request.headers.raw)
        caller = identify(headers, site)
        arrival = read_query(request.scope["query_string"])
        now_ms = time.time_ns() // 1_000_000
        asking = _asking(room, site, headers, caller, arrival, now_ms)
        found = await me(room.reader, asking, site, now_ms)
        return Response(msgspec.json.encode(found), media_type="application/json")

    return await answer(request, site, make)


@router.options("/me", include_in_schema=False)
async def may_ask(request: Request, room: OpenRoom) -> Response:
    return preflight(request, room.site.site, b"GET")


def _asking(
    room: Room, site: Site, headers: Headers, caller: Caller, arrival: Arrival, now_ms: int
) -> Asking:
    """Raises UserTokenRefused: who shows a token wants the member's data, or to know why not."""
    token = headers.get(HEADER, b"").decode("latin-1") or arrival.user_token
    if token:
        try:
            read(token, site, room.settings, now_ms / 1000)
        except TokenRefused as refused:
            raise UserTokenRefused(f"this user token does not count: {refused}") from refused
    restrict(caller, headers, arrival, site, room.settings, now_ms / 1000)
    if caller.kind == "none":  # an id in the address is no proof that the device is the caller's
        arrival.anonymous_id = device_id(cookie(headers, site.cookie.name), [])
    return Asking(
        device_id=arrival.anonymous_id,
        user_id=arrival.user_id,
        consent=consent_of(arrival, headers, site.consent),
    )
