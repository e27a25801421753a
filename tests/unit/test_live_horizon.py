"""What leaves the live horizon takes back nothing that was counted."""

from __future__ import annotations

from schemas.batch import encode_batch
from schemas.event import Event
from schemas.topics import REGISTERS
from streams.device_stage import DeviceStage
from streams.person_stage import PersonStage
from streams.records import CounterChange, Record
from tests.unit.test_device_stage import NOW, SITE, event

HOUR = 3_600_000


class Stages:
    """Both stages, one event a record."""

    def __init__(self) -> None:
        self._device, self._person = DeviceStage(SITE, "secret"), PersonStage(SITE)
        self._states: tuple[dict, dict] = {}, {}  # type: ignore[type-arg]
        self._offset = 0

    def fold(self, one: Event) -> list[CounterChange]:
        """How an event that comes when it happens changes the funnels' counters."""
        self._offset += 1
        record = Record(0, self._offset, one.event_time, encode_batch([one]), lambda: None)
        batch = [(record, self._device.decode(record))]
        told = self._device.fold(self._states[0], batch, 1).emissions.lines
        changes = []
        for (topic, _), lines in told.items():
            if topic == REGISTERS.name:
                said = Record(0, self._offset, one.event_time, b"\n".join(lines), lambda: None)
                effects = self._person.fold(self._states[1], [(said, self._person.decode(said))], 1)
                changes += effects.counters
        return [one for one in changes if ":f:checkout" in one.key or ":h:checkout" in one.key]


def at(hours_ago: float, name: str = "") -> Event:
    """A page of a product; the one of now is of none."""
    time = NOW - int(hours_ago * HOUR)
    url = f"https://toyhouse.example/{'p/1' if hours_ago else 'about'}"
    return event(0, name, event_id=f"{hours_ago}", event_time=time, received_at=time, url=url)


def test_who_came_to_a_step_stays_counted_when_the_entry_leaves_the_horizon() -> None:
    stages = Stages()
    assert all(change.delta > 0 for change in stages.fold(at(48.5)))
    arrived = stages.fold(at(47, "Product Added"))
    assert sum(change.delta for change in arrived if ":h:" in change.key) == 1
    assert stages.fold(at(0)) == []


def test_who_comes_back_within_the_horizon_leaves_the_entry_before() -> None:
    stages = Stages()
    stages.fold(at(20))
    changes = stages.fold(at(2))
    assert sorted(change.delta for change in changes if ":h:" in change.key) == [-1, 1]
