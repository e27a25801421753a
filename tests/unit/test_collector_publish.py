"""How lines become records: one lane a partition, filled while its record is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from ingest.collector.publish import MAX_IN_FLIGHT, Lane, Receipt
from schemas.batch import MAX_BATCH_EVENTS, MAX_RECORD_BYTES
from schemas.topics import RAW


@pytest.fixture
def new_receipt() -> Iterator[Callable[[], Receipt]]:
    loop = asyncio.new_event_loop()
    yield lambda: Receipt(loop.create_future())
    loop.close()


def test_a_request_waits_once_for_each_record_that_holds_its_lines(
    new_receipt: Callable[[], Receipt],
) -> None:
    receipt, lanes = new_receipt(), [Lane(RAW, partition) for partition in range(2)]
    for lane in lanes:
        for _ in range(3):
            lane.add(b"line", receipt)
    assert receipt.waiting == 2
    receipt.settle(True)
    assert not receipt.future.done()
    receipt.settle(True)
    assert receipt.future.result() is True


def test_one_record_that_failed_makes_the_whole_request_fail(
    new_receipt: Callable[[], Receipt],
) -> None:
    receipt, lanes = new_receipt(), [Lane(RAW, partition) for partition in range(2)]
    for lane in lanes:
        lane.add(b"line", receipt)
    receipt.settle(False)
    receipt.settle(True)
    assert receipt.future.result() is False


def test_a_record_has_at_most_500_lines(new_receipt: Callable[[], Receipt]) -> None:
    lane = Lane(RAW, 0)
    for _ in range(MAX_BATCH_EVENTS + 1):
        lane.add(b"line", new_receipt())
    full, rest = lane.next(), lane.next()
    assert full is not None
    assert len(full.lines) == MAX_BATCH_EVENTS
    assert rest is not None
    assert len(rest.lines) == 1
    assert lane.next() is None


def test_a_record_stays_below_its_bytes_unless_one_line_is_larger(
    new_receipt: Callable[[], Receipt],
) -> None:
    lane = Lane(RAW, 0)
    for _ in range(3):
        lane.add(b"x" * (MAX_RECORD_BYTES // 2), new_receipt())
    lane.add(b"x" * (MAX_RECORD_BYTES + 1), new_receipt())
    sizes = []
    while (batch := lane.next()) is not None:
        sizes.append(len(batch.lines))
    assert sizes == [1, 1, 1, 1]


def test_while_a_record_is_on_its_way_the_next_one_collects(
    new_receipt: Callable[[], Receipt],
) -> None:
    lane = Lane(RAW, 0)
    lane.in_flight = 1
    lane.add(b"line", new_receipt())
    assert lane.next() is None
    lane.in_flight = 0
    assert lane.next() is not None


def test_full_records_are_sent_meanwhile_but_not_without_end(
    new_receipt: Callable[[], Receipt],
) -> None:
    lane = Lane(RAW, 0)
    for _ in range(MAX_BATCH_EVENTS + 1):
        lane.add(b"line", new_receipt())
    lane.in_flight = MAX_IN_FLIGHT
    assert lane.next() is None
    lane.in_flight = MAX_IN_FLIGHT - 1
    assert lane.next() is not None
