"""Adding up minute counters to a funnel over a window."""

from __future__ import annotations

import msgspec

from personalize_api.live.funnel_counts import SHOWN_MINUTES, HourCounts, Tally
from schemas.funnel_result import funnel_result
from schemas.redis_keys import funnel_field
from schemas.site import Funnel, Step

FUNNEL = Funnel(
    name="checkout", steps=(Step(name="product"), Step(name="order")), by=("referrer_source",)
)
HOUR = 500_000
NOW = HOUR * 60 + 30


Entry = tuple[int, int, str, str, int]


def hash_of(*entries: Entry) -> dict[bytes, bytes]:
    return {
        funnel_field(minute, step, by, value).encode(): str(count).encode()
        for minute, step, by, value, count in entries
    }


def counters(*entries: Entry) -> HourCounts:
    counts = HourCounts()
    counts.put(0, hash_of(*entries))
    return counts


def test_partitions_hours_and_minutes_add_up() -> None:
    tally = Tally(FUNNEL, NOW - 60, NOW)
    tally.add(HOUR, counters((10, 0, "", "", 5), (11, 0, "", "", 2), (10, 1, "", "", 1)))
    tally.add(HOUR, counters((10, 0, "", "", 3)))
    tally.add(HOUR - 1, counters((45, 0, "", "", 4)))
    assert tally.totals == [14, 1]


def test_the_window_begins_at_its_minute() -> None:
    tally = Tally(FUNNEL, NOW - 60, NOW)
    tally.add(HOUR - 1, counters((29, 0, "", "", 7), (30, 0, "", "", 1)))
    assert tally.totals == [1, 0]


def test_a_value_may_hold_the_separator() -> None:
    tally = Tally(FUNNEL, NOW - 60, NOW)
    tally.add(HOUR, counters((1, 0, "referrer_source", "a|b|c", 2)))
    assert tally.by == {"referrer_source": {"a|b|c": [2, 0]}}


def test_the_last_hour_is_shown_minute_by_minute() -> None:
    tally = Tally(FUNNEL, NOW - 600, NOW)
    tally.add(HOUR, counters((30, 0, "", "", 5), (30, 1, "", "", 2)))
    tally.add(HOUR - 1, counters((31, 0, "", "", 3), (30, 0, "", "", 9)))
    assert tally.entered == [3] + [0] * (SHOWN_MINUTES - 2) + [5]
    assert tally.completed == [0] * (SHOWN_MINUTES - 1) + [2]


def test_rubbish_among_the_counters_is_counted_and_left_out() -> None:
    tally, counts = Tally(FUNNEL, NOW - 60, NOW), HourCounts()
    counts.put(
        0,
        {
            b"\xff": b"1",
            b"1|0||": b"x",
            b"1|7||": b"1",
            b"1|0": b"1",
            b"": b"",
            b"1|-2||": b"1",
            b"75|0||": b"1",
            b"2|0||": b"6",
        },
    )
    tally.add(HOUR, counts)
    assert (tally.totals, tally.garbled) == ([6, 0], 7)


def test_units_with_more_than_is_kept_make_it_approximate() -> None:
    tally = Tally(FUNNEL, NOW - 60, NOW)
    tally.add(HOUR, counters((30, -1, "", "", 1), (30, 0, "", "", 1)))
    assert tally.approximate
    assert tally.totals == [1, 0]


def test_what_a_partition_says_replaces_what_it_said_before() -> None:
    counts, tally = HourCounts(), Tally(FUNNEL, NOW - 60, NOW)
    counts.put(0, hash_of((10, 0, "", "", 5), (11, 0, "", "", 2)))
    counts.put(1, hash_of((10, 0, "", "", 7)))
    counts.put(0, hash_of((10, 0, "", "", 4), (12, 1, "", "", 1)))
    tally.add(HOUR, counts)
    assert tally.totals == [11, 1]


def test_the_public_shape() -> None:
    by = {"referrer_source": {"b": [1, 1], "Encyclopedia": [4, 1], "a": [1, 0]}}
    result = funnel_result(FUNNEL, 0, 60_500, [6, 2], by)
    told = msgspec.to_builtins(result)
    assert list(told) == ["name", "per", "order", "within_s", "from", "to", "steps", "by"]
    assert (told["from"], told["to"]) == ("1970-01-01T00:00:00.000Z", "1970-01-01T00:01:00.500Z")
    assert told["steps"] == [
        {"name": "product", "count": 6, "share": 1.0, "from_previous": None},
        {"name": "order", "count": 2, "share": 0.333333, "from_previous": 0.333333},
    ]
    assert list(told["by"]["referrer_source"]) == ["Encyclopedia", "a", "b"]


def test_nobody_has_no_share() -> None:
    steps = funnel_result(FUNNEL, 0, 0, [0, 0], {}).steps
    assert [(s.share, s.from_previous) for s in steps] == [(None, None), (None, None)]
