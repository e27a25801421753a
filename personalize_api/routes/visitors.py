"""`/v1/visitors/{identifier}`: everything the live state knows about one visitor."""

from __future__ import annotations

import time

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from personalize_api.errors import StateUnavailable
from personalize_api.one_touch.view import one_touch
from personalize_api.routes.room import OpenRoom, admin

router = APIRouter(prefix="/v1", dependencies=[Depends(admin)], tags=["visitors"])


@router.get("/visitors/{identifier:path}", summary="One-touch view, by any identifier")
async def visitor(identifier: str, room: OpenRoom) -> Response:
    now_ms = time.time_ns() // 1_000_000
    secret = room.settings.secret_key
    view = await one_touch(room.reader, identifier, now_ms, room.site.site, secret)
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(view), headers=headers, media_type="application/json")


@router.delete("/visitors/{identifier:path}", summary="Erasure, by any identifier")
async def erase(identifier: str, request: Request) -> Response:
    """Answers when nothing that leads to the person is left: seconds, or minutes with much data."""
    if request.app.state.erase is None:
        raise StateUnavailable("this service was started without erasure; call: footfall forget")
    report = await request.app.state.erase(identifier)
    return Response(report, headers={"Cache-Control": "no-store"}, media_type="application/json")
