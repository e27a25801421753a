"""Devices and log lines at addresses, and the stages that join them."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.batch import encode_batch
from schemas.event import EnrichedEvent, Event, Rejected
from schemas.messages import Correction, IdentityLink
from schemas.sightings import STEP_MS, Unconsented, sighted_decoder
from schemas.site import SessionRules, Site
from streams.device_stage import DeviceStage
from streams.device_stage import States as DeviceStates
from streams.join_stage import JoinStage, States
from streams.records import Record
from tests.unit.test_device_stage import CHROME

MINUTE = 60_000
START = 1_790_035_200_000  # midnight UTC
NOW = START + 86_400_000
ONE, OTHER = (f"p_{digit * 32}" for digit in "12")  # addresses
SITE = Site(name="Toyhouse", session=SessionRules(lateness_ms=86_400_000))

RawEvent = Event | Unconsented


def _event(minute: float, device: str, **more: object) -> Event:
    time = START + int(minute * MINUTE)
    fields: dict[str, object] = {
        "event_id": f"{device}-{minute}-{sorted(more.items())}",
        "event_time": time,
        "received_at": time,
        "type": "page",
        "name": "Page Viewed",
        "protocol": "segment",
        "device_id": device,
        "consent": "granted",
        "url": "https://toyhouse.example/p/1",
        "user_agent": CHROME,
    }
    return msgspec.convert({**fields, **more}, Event)


def seen(minute: float, device: str = "cookie", address: str = ONE, **more: Any) -> Event:
    """A consenting device's event from an address."""
    return _event(minute, device, address_keys=[address], **more)


def login(minute: float, user: str, device: str = "cookie") -> Event:
    return _event(minute, device, type="identify", name="", user_id=user)


def logout(minute: float, device: str = "cookie") -> Event:
    return _event(minute, device, type="track", name="Logged Out")


def line(minute: float, address: str = ONE) -> Event:
    """A log line from an address."""
    return _event(minute, address, protocol="log", consent="unknown")


def refusal(minute: float, address: str = ONE) -> Unconsented:
    """Somebody without consent, at that address."""
    return Unconsented(device_id=address, at=(START + int(minute * MINUTE)) // STEP_MS * STEP_MS)


class World:
    """Both stages; `persons` is what the ClickHouse views make of what they emitted."""

    def __init__(self, site: Site = SITE) -> None:
        self._devices, self._joins = DeviceStage(site, "secret"), JoinStage(site)
        self._device_states: DeviceStates = {}
        self.states: States = {}
        self.rejected: list[Rejected] = []
        self._offset = 0
        self._rows: dict[str, EnrichedEvent] = {}
        self._corrections: dict[tuple[str, int], Correction] = {}
        self._links: dict[tuple[str, str, str], IdentityLink] = {}

    def send(self, *events: RawEvent, time_ms: int = NOW) -> World:
        """One record of footfall.raw, and at once what follows from it."""
        self.tell(self.told(*events, time_ms=time_ms), time_ms=time_ms)
        return self

    def told(self, *events: RawEvent, time_ms: int = NOW) -> list[bytes]:
        """Lines for the second stage."""
        record = self._record(encode_batch(events), time_ms)
        lines = self._devices.decode(record)
        emissions = self._devices.fold(self._device_states, [(record, lines)], 1).emissions
        found: list[bytes] = []
        for (topic, _), emitted in emissions.lines.items():
            if topic == "footfall.sightings":
                found += emitted
            if topic == "footfall.events":
                rows = (msgspec.json.decode(one, type=EnrichedEvent) for one in emitted)
                self._rows.update({row.event_id: row for row in rows})
        return found

    def tell(self, lines: list[bytes], time_ms: int = NOW) -> None:
        if not lines:
            return
        record = self._record(b"\n".join(lines), time_ms)
        effects = self._joins.fold(self.states, [(record, self._joins.decode(record))], 1)
        for write in effects.states:
            name = write.key.rsplit(":", 1)[1]
            assert sighted_decoder.decode(write.blob) == self.states[name]
        for (topic, _), emitted in effects.emissions.lines.items():
            for one in emitted:
                if topic == "footfall.corrections":
                    span = msgspec.json.decode(one, type=Correction)
                    self._corrections[span.device_id, span.since] = span
                elif topic == "footfall.identity":
                    link = msgspec.json.decode(one, type=IdentityLink)
                    self._links[link.identifier, link.person_id, link.device_id] = link
                else:
                    self.rejected.append(msgspec.json.decode(one, type=Rejected))

    def persons(self) -> dict[str, str | None]:
        """Event id -> person, of the log lines."""
        spans = [span for span in self._corrections.values() if not span.removed]
        return {
            row.event_id: next(
                (
                    span.person_id
                    for span in spans
                    if span.device_id == row.device_id
                    and span.since <= row.event_time <= span.until
                ),
                row.person_id,
            )
            for row in self._rows.values()
            if row.protocol == "log"
        }

    def person(self) -> str | None:
        """Of the only log line."""
        (person,) = self.persons().values()
        return person

    def links(self) -> set[tuple[str, str, str]]:
        """(pseudonym, person, device) that hold."""
        return {name for name, link in self._links.items() if not link.removed}

    def _record(self, value: bytes, time_ms: int) -> Record:
        self._offset += 1
        return Record(0, self._offset, time_ms, value, lambda: None)
