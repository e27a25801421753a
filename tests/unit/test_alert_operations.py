"""What is wrong with the system itself, each rule at its border."""

from __future__ import annotations

import msgspec
import pytest

from personalize_api.alerts.operations import counted_until, findings
from personalize_api.alerts.state import Finding
from personalize_api.live.pulse import (
    Decisions,
    Events,
    Pulse,
    RefusedInput,
    Rejected,
    Stage,
    Visitors,
)
from schemas.funnel_result import iso_time
from schemas.heartbeat import Heartbeat, Service, ServiceView
from schemas.site import AlertRules

NOW = 1_790_000_000_000
RULES = AlertRules()
NONE = [0] * 60


def last(*counts: int) -> list[int]:
    return [0] * (60 - len(counts)) + list(counts)


def service(name: Service, instance: str, silent_s: float, *, stopped: bool = False) -> ServiceView:
    return ServiceView(
        service=name,
        instance=instance,
        at=NOW - int(silent_s * 1000),
        started_at=0,
        site="",
        state="stopped" if stopped else "silent" if silent_s > 15 else "ok",
    )


def stage(behind_s: float) -> Stage:
    return Stage(name="stream.raw", partitions=8, behind=1200, behind_s=behind_s, at="", state="ok")


WELL = Pulse(
    visitors=Visitors(now=3, minutes=NONE),
    events=Events(per_s=10.0, minutes=[600] * 60, bots=NONE),
    pages=[],
    rejected=Rejected(minutes=NONE, reasons=[]),
    stages=[stage(1.0)],
    decisions=Decisions(minutes=[100] * 60, degraded=NONE),
    services=[service("collect", "a:8080", 1.0), service("stream", "a:8084", 2.0)],
    beats=[],
)


def found(pulse: Pulse, *active: str, rules: AlertRules = RULES) -> list[Finding]:
    return list(findings(pulse, rules, NOW, active))


def only(pulse: Pulse, *active: str) -> Finding:
    (one,) = found(pulse, *active)
    return one


def test_all_is_well() -> None:
    assert found(WELL) == []


def test_a_stage_that_is_behind_is_told_with_since_when() -> None:
    late = msgspec.structs.replace(WELL, stages=[stage(40.0)])
    told = only(late)
    assert (told.kind, told.severity, told.subject) == ("lag", "warning", "lag/stream.raw")
    assert told.title == "stream.raw is 40 s behind"
    assert told.since_ms == NOW - 40_000
    assert only(msgspec.structs.replace(WELL, stages=[stage(1200.0)])).severity == "critical"
    assert found(msgspec.structs.replace(WELL, stages=[stage(29.0)])) == []


def test_a_stage_about_the_border_is_one_alert() -> None:
    about = msgspec.structs.replace(WELL, stages=[stage(20.0)])
    assert found(about) == []
    assert only(about, "lag/stream.raw").kind == "lag"


def test_a_service_that_gives_no_sign_is_critical() -> None:
    dead = [service("collect", "a:8080", 60.0), service("stream", "a:8084", 1.0)]
    told = only(msgspec.structs.replace(WELL, services=dead))
    assert (told.subject, told.severity) == ("silent/collect", "critical")
    assert "a:8080" in told.detail
    assert told.since_ms == NOW - 60_000


def test_one_of_several_instances_is_a_warning() -> None:
    some = [service("collect", "a:8080", 60.0), service("collect", "b:8080", 1.0)]
    assert only(msgspec.structs.replace(WELL, services=some)).severity == "warning"


def test_a_service_that_was_stopped_on_purpose_is_not_missed() -> None:
    stopped = [service("collect", "a:8080", 600.0, stopped=True)]
    assert found(msgspec.structs.replace(WELL, services=stopped)) == []


@pytest.mark.parametrize(
    ("counts", "events", "told"),
    [
        (last(30, 30), 600, False),  # 60 of 3,060 are 2 %
        (last(200, 200), 600, True),
        (last(20, 20), 1, False),  # nearly all, but few
        (last(60), 0, True),  # all
        (last(900, 0, 0, 0, 0, 0), 1, False),  # it is over
    ],
)
def test_rejected_events_are_told_by_share_and_number(
    counts: list[int], events: int, told: bool
) -> None:
    pulse = msgspec.structs.replace(
        WELL,
        events=Events(per_s=0.0, minutes=[events] * 60, bots=NONE),
        rejected=Rejected(minutes=counts, reasons=[]),
    )
    assert [each.kind for each in found(pulse)] == (["rejected"] if told else [])


def test_rejected_says_why_and_since_when() -> None:
    reasons = [
        RefusedInput(reason="invalid_event", protocol="segment", count=9, newest_at="2026-01-02"),
        RefusedInput(reason="too_large", protocol="beacon", count=90, newest_at="2026-01-01"),
    ]
    pulse = msgspec.structs.replace(
        WELL, rejected=Rejected(minutes=last(0, 500, 500, 500), reasons=reasons)
    )
    told = only(pulse)
    assert "invalid_event by segment" in told.detail
    assert told.since_ms == (NOW // 60_000 - 2) * 60_000


def test_degraded_decisions_are_told_and_half_of_them_are_critical() -> None:
    def degraded(*counts: int) -> Pulse:
        return msgspec.structs.replace(
            WELL, decisions=Decisions(minutes=[100] * 60, degraded=last(*counts))
        )

    assert found(degraded(20)) == []
    assert only(degraded(20), "degraded").severity == "warning"  # until half of the border
    assert only(degraded(40)).severity == "warning"
    assert only(degraded(100, 100, 100)).severity == "critical"


def test_a_spool_in_use_is_told() -> None:
    beat = Heartbeat(
        service="collect", instance="a:8080", at=NOW, started_at=0, site="", spool_bytes=70_000
    )
    assert "70,000 bytes at a:8080" in only(msgspec.structs.replace(WELL, beats=[beat])).detail


def test_borders_are_those_of_the_site_file() -> None:
    late = msgspec.structs.replace(WELL, stages=[stage(40.0)])
    assert found(late, rules=AlertRules(lag_ms=60_000)) == []
    few = msgspec.structs.replace(WELL, rejected=Rejected(minutes=last(10), reasons=[]))
    assert found(few, rules=AlertRules(rejected_count=5, rejected_share=0.0001))


def test_live_counts_are_complete_up_to_what_the_slowest_stage_has_read() -> None:
    def at(ago_s: float, behind_s: float) -> Stage:
        heard = iso_time(NOW - round(ago_s * 1000))
        return msgspec.structs.replace(stage(behind_s), at=heard)

    pulse = msgspec.structs.replace(WELL, stages=[at(1.0, 0.0), at(2.0, 90.0)])
    assert counted_until(pulse, NOW) == NOW - 93_000
    gone = msgspec.structs.replace(WELL, stages=[at(600.0, 0.0)])
    assert counted_until(gone, NOW) == NOW - 601_000, "what gives no sign counts nothing"
    sink = msgspec.structs.replace(at(1.0, 500.0), name="sink.events")
    assert counted_until(msgspec.structs.replace(WELL, stages=[sink]), NOW) == NOW - 1_000
