"""What a lane does with records that are not the next one, and when it is closed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from infra.cli.context import EXAMPLE_SITE
from schemas.site_file import load
from schemas.topics import Position
from streams.errors import LostPartition
from streams.lane import QUEUED_RECORDS, Lane
from streams.person_stage import PersonStage
from streams.records import Record
from streams.store import Start

_NONE: Any = None  # of no use to what is tested here


def lane_at(offset: int) -> Lane:
    start = Start(Position(1, offset))
    return Lane(PersonStage(load(EXAMPLE_SITE)), 0, start, _NONE, _NONE, lambda step: None)


def batches(lane: Lane, *offsets: int) -> list[int]:
    """The offsets that the lane takes of records that come in this order."""

    async def take() -> list[int]:
        for offset in offsets:
            await lane.put(Record(0, offset, 0, b"", lambda: None))
        return [record.offset for record, _ in await lane._next_batch()]

    return asyncio.run(take())


def test_of_a_new_lane_what_was_read_before_the_rebalance_is_let_go_by() -> None:
    assert batches(lane_at(20), 26, 27, 20, 21) == [20, 21]


def test_what_was_applied_before_is_left_out() -> None:
    assert batches(lane_at(20), 18, 19, 20) == [20]


def test_a_gap_behind_what_was_taken_is_another_writers() -> None:
    with pytest.raises(LostPartition, match="read offset 22, but the fence stands at 21"):
        batches(lane_at(20), 20, 22)


def test_what_does_not_come_at_all_ends_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.lane._IN_STEP_S", 0.0)
    lane = lane_at(20)
    assert batches(lane, 26) == []
    with pytest.raises(LostPartition, match="does not come"):
        batches(lane)


def test_who_waits_at_a_full_lane_goes_on_when_it_is_closed() -> None:
    async def close_while_waiting() -> bool:
        lane = lane_at(0)
        for offset in range(QUEUED_RECORDS):
            await lane.put(Record(0, offset, 0, b"", lambda: None))
        waiting = asyncio.create_task(lane.put(Record(0, QUEUED_RECORDS, 0, b"", lambda: None)))
        await asyncio.sleep(0)
        assert not waiting.done()
        lane.close()
        await asyncio.wait_for(waiting, 5)
        return waiting.done()

    assert asyncio.run(close_while_waiting())
