"""From findings to alerts: each trouble is one incident, raised once and resolved once."""

from __future__ import annotations

import msgspec

from personalize_api.alerts.incidents import RAISE_AFTER, RESOLVE_AFTER, change, ordered
from personalize_api.alerts.state import AlertState, Finding, Kind, encode, state_decoder

LATE = Finding(
    subject="lag/stream.raw",
    kind="lag",
    severity="warning",
    title="late",
    detail="40 s",
    since_ms=1_700_000_000_000,
)


def finding(subject: str, kind: Kind) -> Finding:
    return msgspec.structs.replace(LATE, subject=subject, kind=kind)


def test_trouble_that_stays_is_raised_once_and_resolved_once() -> None:
    state, raised, resolved = AlertState(), 0, 0
    for now in range(RAISE_AFTER + 5):
        raised += len(change(state, [LATE], now).raised)
    for now in range(RESOLVE_AFTER + 5):
        resolved += len(change(state, [], now).resolved)
    assert (raised, resolved) == (1, 1)
    assert not state.active
    assert state.recent[0].title == "late"


def test_what_shows_once_is_not_told() -> None:
    state = AlertState()
    for now in range(10):
        assert not change(state, [] if now % 2 else [LATE], now).raised


def test_a_moment_without_it_does_not_end_it() -> None:
    state = AlertState()
    for now in range(RAISE_AFTER):
        change(state, [LATE], now)
    for now in range(20):
        found = [] if now % 3 else [LATE]
        assert not change(state, found, now).resolved


def test_a_funnels_alarm_is_taken_as_it_is_found_since_it_was_judged_before() -> None:
    state = AlertState()
    broken = finding("funnel/checkout/order", "funnel")
    assert len(change(state, [broken], 1).raised) == 1
    assert len(change(state, [], 2).resolved) == 1


def test_a_restart_neither_repeats_nor_forgets() -> None:
    state = AlertState()
    change(state, [LATE], 0)
    for now in range(1, 10):
        state = state_decoder.decode(encode(state))
        raised = change(state, [LATE], now).raised
        assert len(raised) == (1 if now == RAISE_AFTER - 1 else 0)
    assert len(ordered(state)) == 1


def test_figures_follow_and_the_identity_stays() -> None:
    state = AlertState()
    for now in range(RAISE_AFTER):
        change(state, [LATE], now)
    (first,) = ordered(state)
    worse = msgspec.structs.replace(LATE, detail="400 s", severity="critical", since_ms=0)
    change(state, [worse], 10)
    (second,) = ordered(state)
    assert (second.id, second.since) == (first.id, first.since)
    assert (second.detail, second.severity) == ("400 s", "critical")
    change(state, [LATE], 11)
    assert ordered(state)[0].severity == "critical"  # it was


def test_the_worst_comes_first() -> None:
    state = AlertState()
    found = [
        finding("lag/a", "lag"),
        msgspec.structs.replace(finding("silent/collect", "silent"), severity="critical"),
    ]
    for now in range(RAISE_AFTER):
        change(state, found, now)
    assert [alert.kind for alert in ordered(state)] == ["silent", "lag"]
