"""Ending what runs beside the requests."""

from __future__ import annotations

import asyncio
from typing import Any

_AGAIN_S = 0.5


async def end(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancels until they are done: where a time-out and the cancellation meet, the latter may get
    lost, and the service would never stop.
    """
    left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=_AGAIN_S)
        for task in done:
            if not task.cancelled():
                task.exception()  # has been seen; whoever runs it has told of it
