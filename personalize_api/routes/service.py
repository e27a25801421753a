"""What operators and their tools ask every service: alive, ready, metrics; and the API's page."""

from __future__ import annotations

import asyncio
import time

import msgspec
from fastapi import APIRouter, Response

from personalize_api.metrics import CONTENT_TYPE
from personalize_api.recognize.state_reader import Unreachable
from personalize_api.recognize.states import GarbledState
from personalize_api.routes.room import OpenRoom
from schemas.redis_keys import fence_key
from schemas.topics import RAW

router = APIRouter(tags=["service"])

_PATIENCE_S = 1.0


@router.get("/health", summary="The process is alive")
async def health() -> Response:
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get("/ready", summary="Takes requests; `degraded` while Redis cannot be read")
async def ready(room: OpenRoom) -> Response:
    """200 in both cases: without Redis the homepage still has to be answered, by this process.

    A site file that is wrong is no reason either: the one before is in use, and `site` says so.
    """
    started = time.perf_counter()
    degraded = False
    try:
        deadline = asyncio.get_running_loop().time() + _PATIENCE_S
        await room.reader.get((fence_key(RAW, 0),), deadline)
    except (Unreachable, GarbledState):
        degraded = True
    taken_ms = round((time.perf_counter() - started) * 1000, 3)
    answer = {
        "ready": True,
        "waits_for": "",
        "degraded": degraded,
        "redis_ms": taken_ms,
        "site": room.site.told(),
        "picks": room.shelves.told(),
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


@router.get("/metrics", summary="Prometheus metrics")
async def metrics(room: OpenRoom) -> Response:
    return Response(room.metrics.exposition(), media_type=CONTENT_TYPE)
