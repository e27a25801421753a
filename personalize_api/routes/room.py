"""How a route reaches what the service holds."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from personalize_api.room import Room


def _room(request: Request) -> Room:
    return cast(Room, request.app.state.room)


OpenRoom = Annotated[Room, Depends(_room)]


async def admin(request: Request, room: OpenRoom) -> None:
    """Raises AdminOnly, TooManyAttempts."""
    room.ops.require_admin(request.headers.raw, client_of(request))


async def operator(request: Request, room: OpenRoom) -> None:
    """Raises AdminOnly, TooManyAttempts."""
    room.ops.require(request.headers.raw, client_of(request))


def client_of(request: Request) -> str | None:
    """The address that is connected: a proxy's own, whatever it forwards."""
    return request.client.host if request.client else None
