"""What readers make of heartbeats: who is silent, how far stages are behind, what is forgotten."""

from __future__ import annotations

from schemas.heartbeat import (
    ALONE,
    SILENT_MS,
    Heartbeat,
    Service,
    StageBeat,
    StageView,
    encode_heartbeat,
    read_heartbeats,
    services_of,
    stages_of,
)

NOW = 1_790_000_000_000
HOUR = 3_600_000


def beat(
    service: Service,
    *stages: StageBeat,
    host: str = "one",
    ago_ms: int = 0,
    stopped: bool = False,
) -> Heartbeat:
    return Heartbeat(
        service=service,
        instance=f"{host}:8084",
        at=NOW - ago_ms,
        started_at=NOW - HOUR,
        site="0123456789ab",
        stages=list(stages),
        stopped=stopped,
    )


def raw(partition: int, behind: int = 0, behind_s: float = 0.0) -> StageBeat:
    return StageBeat("stream.raw", partition, behind, behind_s)


def read(*beats: Heartbeat) -> list[Heartbeat]:
    return read_heartbeats([encode_heartbeat(each) for each in beats], NOW)


def services(*beats: Heartbeat) -> dict[str, str]:
    """Instance -> state."""
    return {view.instance: view.state for view in services_of(read(*beats), NOW)}


def stage(*beats: Heartbeat) -> StageView:
    (view,) = stages_of(read(*beats), NOW)
    return view


def test_what_is_written_is_read_and_garbage_is_left_out() -> None:
    told = beat("stream", raw(0, 3, 1.5))
    told.decisions = {29_000_000: 7}
    assert read_heartbeats([b"{", encode_heartbeat(told), b"\xff"], NOW) == [told]


def test_who_says_nothing_for_a_quarter_of_a_minute_is_silent() -> None:
    assert services(beat("sink", ago_ms=SILENT_MS)) == {"one:8084": "ok"}
    assert services(beat("sink", ago_ms=SILENT_MS + 1)) == {"one:8084": "silent"}


def test_a_service_that_died_is_missed_for_longer_than_an_instance_that_was_replaced() -> None:
    assert services(beat("sink", ago_ms=24 * HOUR)) == {"one:8084": "silent"}
    assert services(beat("sink", ago_ms=HOUR), beat("sink", host="two")) == {"two:8084": "ok"}
    assert services(beat("sink", ago_ms=8 * 24 * HOUR)) == {}


def test_who_was_stopped_on_purpose_is_told_only_where_nobody_does_his_work() -> None:
    assert services(beat("sink", stopped=True)) == {"one:8084": "stopped"}
    assert services(beat("sink", stopped=True), beat("sink", host="two")) == {"two:8084": "ok"}


def test_a_stage_is_behind_by_all_its_partitions_and_as_old_as_the_oldest() -> None:
    view = stage(beat("stream", raw(0, 3, 1.5), raw(1, 4, 0.25)), beat("stream", host="two"))
    assert (view.partitions, view.behind, view.behind_s, view.state) == (2, 7, 1.5, "ok")
    assert stage(beat("stream", raw(0, 1, 10.0))).state == "behind"


def test_of_a_partition_that_went_to_another_worker_the_newer_word_holds() -> None:
    old = beat("stream", raw(0, 900, 80.0), host="gone", ago_ms=SILENT_MS + 1)
    assert stage(old, beat("stream", raw(0))).state == "ok"
    assert stage(old, beat("stream", raw(0))).behind == 0


def test_a_partition_that_nobody_has_makes_its_stage_silent() -> None:
    dead = beat("stream", raw(0), raw(1), host="gone", ago_ms=SILENT_MS + 1)
    view = stage(dead, beat("stream", raw(1)))
    assert (view.state, view.at) == ("silent", dead.at)


def test_what_each_instance_has_for_itself_is_added_up() -> None:
    waiting = [StageBeat("collect.publish", ALONE, n, 0.1) for n in (2, 5)]
    two = beat("collect", waiting[0]), beat("collect", waiting[1], host="two")
    assert stage(*two).behind == 7
    stopped = beat("collect", waiting[0], stopped=True), beat("collect", waiting[1], host="two")
    assert stage(*stopped).behind == 5
