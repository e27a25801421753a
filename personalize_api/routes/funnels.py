"""`/v1/funnels`, `/v1/experiments`, `/v1/live`: counts for ops, for this machine and the admin."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Response

from personalize_api.live.event_stream import EventStream
from personalize_api.live.funnels import DEFAULT_MINUTES, MAX_MINUTES
from personalize_api.routes.room import OpenRoom, operator

router = APIRouter(prefix="/v1", dependencies=[Depends(operator)], tags=["live"])

Minutes = Annotated[int, Query(ge=1, le=MAX_MINUTES, description="window up to now")]


@router.get("/funnels", summary="Every funnel of the site file, live")
async def all_funnels(room: OpenRoom, minutes: Minutes = DEFAULT_MINUTES) -> Response:
    return _json({"funnels": await room.funnels.own(minutes)})


@router.get("/funnels/{name}", summary="One live funnel")
async def one_funnel(name: str, room: OpenRoom, minutes: Minutes = DEFAULT_MINUTES) -> Response:
    return _json(await room.funnels.one(name, minutes))


@router.get("/experiments", summary="Outcomes of every experiment, by arm")
async def all_experiments(room: OpenRoom, minutes: Minutes = DEFAULT_MINUTES) -> Response:
    return _json({"experiments": await room.experiments.all(minutes)})


@router.get("/live", summary="The live view once a second, as Server-Sent Events")
async def live(
    room: OpenRoom, last_event_id: Annotated[str, Header(max_length=100)] = ""
) -> EventStream:
    """Each event is the whole view, so whoever comes back has missed nothing."""
    return EventStream(room.feed.events(last_event_id), room.metrics)


def _json(value: object) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(msgspec.json.encode(value), headers=headers, media_type="application/json")
