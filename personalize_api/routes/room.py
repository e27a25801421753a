"""How a route reaches what the service holds."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from personalize_api.access import require_admin, require_operator
from personalize_api.room import Room


def _room(request: Request) -> Room:
    return cast(Room, request.app.state.room)


OpenRoom = Annotated[Room, Depends(_room)]


async def admin(request: Request, room: OpenRoom) -> None:
    """Raises AdminOnly."""
    require_admin(dict(request.headers.raw), room.settings)


async def operator(request: Request, room: OpenRoom) -> None:
    """Raises AdminOnly."""
    client = request.client.host if request.client else None
    require_operator(request.headers.raw, client, room.settings)
