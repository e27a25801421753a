"""What an evaluation takes for seen, while the stream is behind, and what it keeps of an hour."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec

from personalize_api.alerts.history import History
from personalize_api.alerts.observed import SOURCES_MINUTES, measure, see
from personalize_api.alerts.series import KEPT_MINUTES, Series
from personalize_api.alerts.state import AlertState
from personalize_api.alerts.watch import Watch
from tests.unit.test_alert_parts import FUNNEL

HOUR = 490_824
SEEN = msgspec.structs.replace(FUNNEL, name="visits", arrived=[[10] * 60, [4] * 58 + [0, 0]])


def test_minutes_that_the_stream_has_not_counted_are_not_judged() -> None:
    minute = HOUR * 60 + 30
    now = see(AlertState(), "visits:1", SEEN, minute, (minute - 2) * 60_000 + 45_000)
    assert now is not None
    assert (now.minute, now.part, now.series.minute) == (minute - 2, 0.75, minute - 2)
    assert now.series.steps == [[10] * 58, [4] * 58]
    assert see(AlertState(), "visits:1", SEEN, minute, (minute - 31) * 60_000) is None


def test_an_hour_is_kept_two_minutes_after_it_is_over_and_once() -> None:
    state = AlertState(measured={"visits:1": HOUR * 60 + 49})
    history = History(2, ZoneInfo("UTC"))
    kept = {}
    for minute in range(HOUR * 60 + 50, HOUR * 60 + 70):
        series = Series(minute, [[10] * KEPT_MINUTES, [4] * KEPT_MINUTES])
        now = see(state, "visits:1", SEEN, minute, minute * 60_000 + 30_000)
        assert now is not None
        now = msgspec.structs.replace(now, series=series)
        sources = {"Google": [3] * SOURCES_MINUTES}
        for hour in measure(history, SEEN, state, "visits:1", now, sources):
            kept[minute - HOUR * 60] = (hour, history.hours[hour].entered)
    assert kept == {60: (HOUR, -1), 62: (HOUR, 600)}, "the last quarter of an hour, and the hour"
    assert history.hours[HOUR].sources == {"Google": 180}


def test_of_an_hour_in_which_nobody_arrived_and_it_was_told_no_arrivals_are_kept() -> None:
    minute = HOUR * 60 + 62
    watch = Watch(floor=HOUR * 60 + 40)  # it ended in that hour
    state = AlertState(watches={"entry/visits": watch}, measured={"visits:1": minute - 1})
    history = History(2, ZoneInfo("UTC"))
    now = see(state, "visits:1", SEEN, minute, minute * 60_000 + 30_000)
    assert now is not None
    long = Series(minute, [[10] * KEPT_MINUTES, [4] * KEPT_MINUTES])
    measure(history, SEEN, state, "visits:1", msgspec.structs.replace(now, series=long), {})
    assert history.hours[HOUR].entered == -1
    assert history.hours[HOUR].steps[0].came == 240
