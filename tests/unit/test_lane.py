"""A lane that is closed while records wait for it: nobody waits for ever."""

from __future__ import annotations

import asyncio
from typing import Any

from schemas.topics import Position
from streams.lane import QUEUED_RECORDS, Lane
from streams.records import Record
from streams.store import Start

_UNUSED: Any = None


def _lane() -> Lane:
    return Lane(_UNUSED, 0, Start(Position(1, 0)), _UNUSED, _UNUSED, lambda step: None)


def _record(offset: int) -> Record:
    return Record(0, offset, 0, b"", lambda: None)


def test_who_waits_at_a_full_lane_goes_on_when_it_is_closed() -> None:
    async def close_while_waiting() -> bool:
        lane = _lane()
        for offset in range(QUEUED_RECORDS):
            await lane.put(_record(offset))
        waiting = asyncio.create_task(lane.put(_record(QUEUED_RECORDS)))
        await asyncio.sleep(0)
        assert not waiting.done()
        lane.close()
        await asyncio.wait_for(waiting, 5)
        return waiting.done()

    assert asyncio.run(close_while_waiting())
