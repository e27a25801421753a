"""What the pure stages make of events: what real servers must hold, whatever was done to them."""

from __future__ import annotations

from schemas.event import Event, encode_batch
from schemas.topics import REGISTERS
from streams.device_stage import DeviceStage, States
from streams.person_stage import PersonStage
from streams.person_stage import States as Persons
from streams.records import Record
from tests.stream_world import SITE, World


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


def assert_each_event_has_one_effect(world: World, events: list[Event]) -> None:
    """Everyone emitted, nobody with two contents, and live counters as if nothing had happened."""
    rows = world.rows()
    assert set(rows) == {(event.device_id, event.event_id) for event in events}
    repeated = [row for row, lines in rows.items() if len(lines) > 1]
    assert not repeated, f"a repeated emission differs from the first: {repeated[:3]}"
    assert world.live_counts() == expected_counts(events)
