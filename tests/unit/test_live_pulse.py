"""The numbers of /ops that are no funnels: sums of counters, put together without a server."""

from __future__ import annotations

from collections.abc import Mapping

from personalize_api.live.pulse import Pulse, composed
from schemas.funnel_result import iso_time
from schemas.heartbeat import Heartbeat
from schemas.pulse import pulse_field, rejected_field

NOW = 29_833_333 * 60_000 + 15_000  # a quarter of a minute into a minute
MINUTE = NOW // 60_000
HOUR = MINUTE // 60

Fields = Mapping[bytes, bytes]


def fields(**minutes_ago: int) -> Fields:
    """Field -> count, of names like e0, b3: kind and how many minutes ago, all within the hour."""
    return {
        pulse_field(MINUTE - int(name[1:]), name[0]).encode(): b"%d" % count  # type: ignore[arg-type]
        for name, count in minutes_ago.items()
    }


def pulse(
    counts: list[tuple[int, Fields]] | None = None,
    refused: list[tuple[int, Fields]] | None = None,
    pages: Mapping[str, int] | None = None,
    beats: list[Heartbeat] | None = None,
) -> Pulse:
    return composed(NOW, counts or [], refused or [], pages or {}, beats or [])


def test_partitions_and_hours_are_added_up() -> None:
    assert MINUTE % 60 > 5, "the minutes of this test are of one hour"
    hours = [(HOUR, fields(e0=2)), (HOUR, fields(e0=3)), (HOUR - 1, {b"59|e": b"7"})]
    minutes = pulse(hours).events.minutes
    assert minutes[-1] == 5
    assert minutes[-1 - (MINUTE % 60 + 1)] == 7
    assert sum(minutes) == 12


def test_what_is_older_than_an_hour_is_left_out() -> None:
    assert sum(pulse([(HOUR - 1, {b"0|e": b"7"})]).events.minutes) == 0


def test_visitors_now_are_the_devices_seen_last_in_five_minutes() -> None:
    found = pulse([(HOUR, fields(l0=2, l4=3, l5=100, a0=9))]).visitors
    assert found.now == 5
    assert found.minutes[-1] == 9


def test_events_a_second_are_of_the_last_sixty_seconds() -> None:
    assert pulse([(HOUR, fields(e0=30, e1=120))]).events.per_s == (30 + 120 * 0.75) / 60


def test_bots_are_told_apart() -> None:
    found = pulse([(HOUR, fields(e0=1, b0=4))]).events
    assert (found.minutes[-1], found.bots[-1]) == (1, 4)


def test_the_best_ten_pages_are_shown_and_what_is_not_told_apart_is_none_of_them() -> None:
    pages = pulse(pages={"": 900, **{f"/{n}": n for n in range(1, 13)}}).pages
    assert [page.path for page in pages] == [f"/{n}" for n in range(12, 2, -1)]


def test_refusals_are_told_by_reason_and_protocol_newest_first() -> None:
    said = {
        rejected_field(MINUTE - 3, "too_large", "segment").encode(): b"50",
        rejected_field(MINUTE - 4, "malformed_json", "beacon").encode(): b"2",
        rejected_field(MINUTE - 1, "malformed_json", "beacon").encode(): b"3",
    }
    found = pulse(refused=[(HOUR, said)]).rejected
    assert [(each.reason, each.protocol, each.count) for each in found.reasons] == [
        ("malformed_json", "beacon", 5),
        ("too_large", "segment", 50),
    ]
    assert found.reasons[0].newest_at == iso_time((MINUTE - 1) * 60_000)
    assert (found.minutes[-2], found.minutes[-4]) == (3, 50)


def test_decisions_of_all_instances_stand_in_their_minutes() -> None:
    def said(instance: str, decisions: dict[int, int], degraded: dict[int, int]) -> Heartbeat:
        return Heartbeat(
            service="personalize",
            instance=instance,
            at=NOW,
            started_at=NOW,
            site="",
            decisions=decisions,
            degraded=degraded,
        )

    beats = [said("a:1", {MINUTE: 3, MINUTE - 60: 99}, {MINUTE: 1}), said("b:1", {MINUTE: 4}, {})]
    found = pulse(beats=beats).decisions
    assert (found.minutes[-1], sum(found.minutes), found.degraded[-1]) == (7, 7, 1)


def test_garbage_counts_as_nothing() -> None:
    garbage = {b"x|e": b"1", b"\xff": b"1", b"3": b"1", b"3|e": b"many", b"3|e|more": b"1"}
    found = pulse([(HOUR, garbage)], [(HOUR, {b"3|too_large": b"1", b"||": b"1"})])
    assert sum(found.events.minutes) == 0
    assert found.rejected.reasons == []
