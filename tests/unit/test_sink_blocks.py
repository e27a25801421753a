"""What a block makes of records: rows, rejections, offsets."""

from __future__ import annotations

import msgspec

from schemas.batch import encode_line
from schemas.event import EMPTY_PROPERTIES, Rejected
from schemas.reasons import Reason
from schemas.topics import EVENTS as EVENTS_TOPIC
from schemas.topics import REJECTED as REJECTED_TOPIC
from sinks.clickhouse.blocks import MAX_ORIGINAL_BYTES, Block, Record
from sinks.clickhouse.insert import Refused
from sinks.clickhouse.rows import EVENTS, REJECTED
from tests.sink_world import event, lines, new_device

T = 1_790_000_000_000


def record(*values: bytes, topic: str = EVENTS_TOPIC.name, offset: int = 5) -> Record:
    return Record(topic=topic, partition=3, offset=offset, time=T, value=b"\n".join(values))


def test_good_lines_become_rows_and_the_next_offset_a_position() -> None:
    good = lines([event("a"), event("b")])
    block = Block()
    block.add(record(*good))
    assert block.rows[EVENTS.name].lines == good
    assert block.positions == {(EVENTS_TOPIC.name, 3): 6}
    assert (block.count, block.rejected) == (2, [])


def test_a_bad_line_is_rejected_and_the_rest_of_its_batch_kept() -> None:
    one = event(new_device())
    wrong = encode_line(one).replace(b'"beacon"', b'"telegram"')
    block = Block()
    block.add(record(*lines([one]), wrong, b"rubbish"))
    assert block.rows[EVENTS.name].lines == lines([one])
    first, second = block.rejected
    assert (first.reason, first.event_id, first.original) == (
        Reason.INVALID_EVENT,
        one.event_id,
        wrong,
    )
    assert "footfall.events[3] at 5" in first.detail
    assert "telegram" in first.detail
    assert (second.event_id, second.original) == ("", b"rubbish")


def test_a_redelivered_record_makes_the_same_refusals() -> None:
    twice = [Block(), Block()]
    for block in twice:
        block.add(record(b"rubbish", b"more"))
    assert twice[0].rejected == twice[1].rejected
    assert len({one.rejected_id for one in twice[0].rejected}) == 2


def test_what_clickhouse_refuses_is_rejected_with_its_line() -> None:
    good = lines([event("a"), event("b"), event("c")])
    block = Block()
    block.add(record(good[0]))
    block.add(record(good[1], good[2], offset=6))
    block.stored(EVENTS, [Refused(2, "no such thing")])
    (refused,) = block.rejected
    assert (refused.reason, refused.original) == (Reason.NOT_STORABLE, good[2])
    assert "at 6: no such thing" in refused.detail
    assert block.rows == {}


def test_a_bad_line_of_the_rejected_topic_becomes_a_row_and_is_not_published_again() -> None:
    good = Rejected(rejected_id=event("a").event_id, rejected_at=T, reason=Reason.WRONG_TYPE)
    block = Block()
    block.add(record(b"rubbish", encode_line(good), topic=REJECTED_TOPIC.name))
    assert block.rejected == []
    found = [msgspec.json.decode(row, type=Rejected) for row in block.rows[REJECTED.name].lines]
    assert sorted(one.original for one in found) == [b"", b"rubbish"]
    assert len(block.rows[REJECTED.name].records) == 2


def test_a_huge_original_is_cut_and_says_so() -> None:
    block = Block()
    block.add(record(b"x" * (MAX_ORIGINAL_BYTES + 1)))
    (refused,) = block.rejected
    assert len(refused.original) == MAX_ORIGINAL_BYTES
    assert f"of {MAX_ORIGINAL_BYTES + 1} bytes" in refused.detail


def test_an_empty_record_only_moves_the_position() -> None:
    block = Block()
    block.add(record(b"", b""))
    assert (block.count, block.positions) == (0, {(EVENTS_TOPIC.name, 3): 6})


def test_properties_left_out_are_an_empty_object() -> None:
    assert event("a").properties == EMPTY_PROPERTIES
