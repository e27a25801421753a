"""`/v1/alerts`: what is out of its usual range, or wrong with the system."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Depends, Response

from personalize_api.routes.room import OpenRoom, operator

router = APIRouter(prefix="/v1", dependencies=[Depends(operator)], tags=["live"])


@router.get("/alerts", summary="Alerts that are active, and those that ended lately")
async def alerts(room: OpenRoom) -> Response:
    """503 where nobody has evaluated them within a minute."""
    body = msgspec.json.encode(room.alerting.view())
    return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")
