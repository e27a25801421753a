"""kill -9 of `footfall stream` at each step of the protocol: every event once, nothing twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from schemas.event import Event, encode_batch
from schemas.topics import REGISTERS
from streams.device_stage import DeviceStage, States
from streams.person_stage import PersonStage
from streams.person_stage import States as Persons
from streams.records import Record
from tests.processes import footfall
from tests.stream_world import SITE, World, stream_world, visits


def expected_counts(events: list[Event]) -> dict[str, int]:
    """The live counters as the pure stages give them, without any server."""
    now = max(event.event_time for event in events)
    devices, persons = DeviceStage(SITE, "secret"), PersonStage(SITE)
    raw = Record(0, 0, now, encode_batch(events), lambda: None)
    states: States = {}
    emitted = devices.fold(states, [(raw, devices.decode(raw))], 1).emissions
    people: Persons = {}
    counts: dict[str, int] = {}
    for (topic, _), lines in emitted.lines.items():
        if topic == REGISTERS.name:
            registers = Record(0, 0, now, b"\n".join(lines), lambda: None)
            batch = [(registers, persons.decode(registers))]
            for change in persons.fold(people, batch, 1).counters:
                name = change.field.split("|", 1)[1]
                counts[name] = counts.get(name, 0) + change.delta
    return {name: count for name, count in counts.items() if count}


def assert_each_event_once(world: World, events: list[Event]) -> None:
    rows = world.rows()
    assert set(rows) == {(event.device_id, event.event_id) for event in events}
    assert world.live_counts() == expected_counts(events)


@pytest.mark.parametrize("step", ["loaded", "published", "applied", "acknowledged"])
def test_killed_at_a_step_every_event_has_one_effect(tmp_path: Path, step: str) -> None:
    events = visits(devices=40, pages=25)
    with stream_world(tmp_path) as world:
        world.send(events, per_record=10)
        log = tmp_path / "stream.log"
        with footfall("stream", world.settings, log, FOOTFALL_FAULT=f"{step}:3") as process:
            assert process.wait(60) == -signal.SIGKILL
        with footfall("stream", world.settings, log):
            world.await_folded()
        assert_each_event_once(world, events)
        repeated = [line for lines in world.rows().values() for line in lines]
        assert len(repeated) == len(events), "a repeated emission differs from the first"
