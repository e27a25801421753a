"""How far stages say they are behind: in records, and by the age of the oldest that waits."""

from __future__ import annotations

import time

import pytest
from faust.types import TP
from prometheus_client import REGISTRY

from schemas.heartbeat import StageBeat
from sinks.clickhouse.blocks import Block, Record
from sinks.clickhouse.lag import Lag as SinkLag
from streams.lag import Lag, Standing

HERE = TP("footfall.raw", 3)
PLACE = ("footfall.decisions", 3)


class Clock:
    """Of a test: both of the process's clocks stand still until it is moved."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now_s = 1_790_000_000.0
        patch.setattr(time, "time", lambda: self.now_s)
        patch.setattr(time, "monotonic", lambda: self.now_s)

    @property
    def ms(self) -> int:
        return int(self.now_s * 1000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def lane(standing: Standing, end: int | None) -> StageBeat:
    (beat,) = Lag(lambda: {HERE: standing}, lambda tp: end).told().stages
    return beat


def test_a_lane_at_the_end_of_its_partition_is_not_behind(clock: Clock) -> None:
    assert lane(Standing(7, 0, 0), 7) == StageBeat("stream.raw", 3, 0, 0.0)
    assert lane(Standing(7, 0, 0), None).behind == 0


def test_a_lane_is_as_late_as_the_oldest_record_in_its_hand(clock: Clock) -> None:
    assert lane(Standing(7, 2, clock.ms - 1500), 20) == StageBeat("stream.raw", 3, 13, 1.5)


def test_an_end_that_the_broker_told_too_early_hides_nothing(clock: Clock) -> None:
    assert lane(Standing(7, 2, clock.ms), 7).behind == 2


def test_what_no_lane_has_in_hand_is_as_old_as_it_is_known(clock: Clock) -> None:
    end = 7
    lag = Lag(lambda: {HERE: Standing(7, 0, 0)}, lambda tp: end)
    assert lag.told().stages[0].behind_s == 0
    end = 9
    lag.told()
    clock.now_s += 4
    assert lag.told().stages[0] == StageBeat("stream.raw", 3, 2, 4.0)
    end = 7
    assert lag.told().stages[0].behind_s == 0


def block(*records: tuple[int, int]) -> Block:
    """Of records as (offset, Kafka's time)."""
    made = Block()
    for offset, stamp in records:
        made.add(Record(*PLACE, offset, stamp, b""))
    return made


def sink(lag: SinkLag) -> StageBeat:
    (beat,) = lag.told().stages
    return beat


def test_the_sink_is_behind_until_its_blocks_are_delivered(clock: Clock) -> None:
    lag = SinkLag()
    on_its_way = block((5, clock.ms - 2000), (6, clock.ms - 1000))
    lag.measure({PLACE: 4}, [block((7, clock.ms)), on_its_way])
    assert sink(lag) == StageBeat("sink.decisions", 3, 7, 2.0)
    clock.now_s += 3  # told between two measurements: it waits on
    assert sink(lag).behind_s == 5.0
    lag.measure({PLACE: 0}, [Block()])
    assert sink(lag) == StageBeat("sink.decisions", 3, 0, 0.0)


def test_what_the_sink_has_not_fetched_is_as_old_as_it_is_known(clock: Clock) -> None:
    lag = SinkLag()
    lag.measure({PLACE: 4}, [])
    clock.now_s += 2
    lag.measure({PLACE: 6}, [])
    assert sink(lag) == StageBeat("sink.decisions", 3, 6, 2.0)


def test_a_partition_that_another_has_now_is_told_no_more(clock: Clock) -> None:
    sink_lag = SinkLag()
    sink_lag.measure({PLACE: 2}, [])
    sink_lag.measure({}, [block((5, clock.ms))])
    assert sink_lag.told().stages == []
    assert "footfall.decisions[3]" not in exposed("footfall_sink_lag_records")

    lanes = {HERE: Standing(7, 0, 0)}
    lag = Lag(lambda: lanes, lambda tp: 9)
    lag.told()
    assert exposed("footfall_stream_lag_records") == "footfall.raw[3] 2"
    lanes = {}
    assert lag.told().stages == []
    assert exposed("footfall_stream_lag_records") == ""


def exposed(name: str) -> str:
    """What /metrics says of a gauge."""
    samples = [s for metric in REGISTRY.collect() for s in metric.samples if s.name == name]
    return " ".join(f"{s.labels['topic']}[{s.labels['partition']}] {s.value:g}" for s in samples)
