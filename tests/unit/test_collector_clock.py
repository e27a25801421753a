"""Event times: the sender's clock put right, and what is no time at all."""

from __future__ import annotations

import pytest

from ingest.collector.clock import event_time, skew_of, to_milliseconds
from ingest.collector.errors import RefusedEvent
from schemas.reasons import Reason

NOW = 1_795_314_668_018
MINUTE = 60_000


def test_a_clock_less_than_two_minutes_off_is_believed() -> None:
    assert skew_of(NOW, NOW - 119_000) == 0
    assert skew_of(NOW, NOW + 119_000) == 0


@pytest.mark.parametrize("ahead", [-1, 1])
def test_a_clock_further_off_is_put_right_by_whole_minutes(ahead: int) -> None:
    assert skew_of(NOW, NOW + ahead * (10 * MINUTE + 12_000)) == -ahead * 10 * MINUTE


def test_a_resend_does_not_move_the_event() -> None:
    happened, sent = NOW - 70 * MINUTE, NOW - 60 * MINUTE
    first = event_time(happened, skew_of(NOW, sent), NOW)
    again = event_time(happened, skew_of(NOW + 5_000, sent + 4_000), NOW + 5_000)
    assert first == again == NOW - 10 * MINUTE


def test_an_event_never_happens_after_its_arrival() -> None:
    assert event_time(NOW + MINUTE, 0, NOW) == NOW
    assert event_time("9999-12-31T23:59:59Z", 0, NOW) == NOW
    assert event_time(1e300, 0, NOW) == NOW


def test_an_event_without_a_time_happened_on_arrival() -> None:
    assert event_time(None, 5 * MINUTE, NOW) == NOW


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-22T02:31:08.018Z", NOW),
        ("2026-11-22T02:31:08.018", NOW),
        ("2026-11-22T03:31:08.018+01:00", NOW),
        ("2026-11-22T02:31:08.018123456Z", NOW),
        (NOW, NOW),
        (float(NOW), NOW),
        (NOW / 1000, NOW),
    ],
)
def test_every_usual_way_to_write_a_time_is_read(written: str | float, meant: int) -> None:
    assert to_milliseconds(written) == pytest.approx(meant, abs=1)


@pytest.mark.parametrize(
    "written",
    ["", "yesterday", "Sun, 22 Nov 2026", "1999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", 0],
)
def test_what_is_no_time_or_before_2000_is_refused(written: str | int) -> None:
    with pytest.raises(RefusedEvent) as refused:
        event_time(written, 0, NOW)
    assert refused.value.reason is Reason.INVALID_TIME


def test_an_unreadable_sent_at_says_nothing_about_the_clock() -> None:
    assert skew_of(NOW, "yesterday") == 0
    assert skew_of(NOW, None) == 0
