"""Histories of devices and of their twins, as the device stage tells them to a sink that lags."""

from __future__ import annotations

import uuid
from random import Random
from typing import Any

from schemas.event import Claim, Event
from schemas.site import SessionRules, Site
from schemas.topics import CORRECTIONS as CORRECTIONS_TOPIC
from schemas.topics import EVENTS as EVENTS_TOPIC
from schemas.topics import RAW, Topic, partition_of, version_of
from sinks.clickhouse.rows import CORRECTIONS, EVENTS, Table
from tests.sink_world import (
    DAY,
    MINUTE,
    NOON,
    Store,
)

SQUASHED = RAW.partitions // 2  # devices of lower partitions are, their twins are of the others
SITE = Site(
    name="Toyhouse",
    hosts=("toyhouse.example",),
    session=SessionRules(gap_ms=30 * MINUTE, lateness_ms=60 * MINUTE),
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
DEVICES, EVENTS_EACH, ROUNDS = 90, 24, 6


def named(prefix: str, low: bool) -> str:
    """A device id of a partition that is squashed, or of one that is not."""
    while True:
        name = f"{prefix}{uuid.uuid4().hex}"
        if (partition_of(name, RAW) < SQUASHED) == low:
            return name


def lines_of(random: Random, device: str) -> list[Event | Claim]:
    """What one device sends, in the order in which it comes."""
    sent: list[Event | Claim] = []
    for _ in range(random.randrange(3, EVENTS_EACH)):
        at = NOON + random.choice([0, 1, 2]) * DAY // 2 + random.randrange(240) * MINUTE
        kind = random.random()
        fields: dict[str, Any] = {"type": "page", "name": "Page Viewed"}
        if device.startswith("email:") and kind < 0.3:
            user = random.choice(["ann", "bob"])
            claim = Claim(
                device_id=device,
                what="email",
                value="a@example.org",
                user_id=user,
                event_time=at,
                event_id=str(uuid.UUID(int=random.getrandbits(128), version=4)),
                revoked=kind < 0.1,
            )
            sent.append(claim)
            continue
        if kind < 0.15:
            fields = {"type": "identify", "name": "", "user_id": random.choice(["ann", "bob"])}
            fields["revoke"] = kind < 0.03
            fields["server"] = fields["revoke"]
        elif kind < 0.22:
            fields = {"type": "track", "name": "Signed Out"}
        elif kind < 0.25:
            fields = {"type": "track", "name": "Order Completed", "user_id": "cyd"}
        late = random.choice([0, 0, 0, 90]) * MINUTE
        sent.append(
            Event(
                event_id=str(uuid.UUID(int=random.getrandbits(128), version=4)),
                event_time=at,
                received_at=at + late,
                protocol="segment",
                device_id=device,
                consent="granted",
                url="https://toyhouse.example/"
                + ("robots.txt" if random.random() < 0.01 else f"p/{random.randrange(9)}"),
                referrer=random.choice(
                    ["", "", "", "https://www.google.com/", "https://a.example/"]
                ),
                user_agent="Googlebot/2.1" if random.random() < 0.03 else CHROME,
                **fields,
            )
        )
    return sent


class Sink:
    """Delivers what was emitted, of each topic its own share; knows how far all has arrived.

    What one record of footfall.raw made of one topic is one record there, so it arrives as one.
    """

    def __init__(self, opened: Store) -> None:
        self._opened = opened
        self._queues: dict[Topic, list[tuple[int, list[bytes]]]] = {
            EVENTS_TOPIC: [],
            CORRECTIONS_TOPIC: [],
        }
        self._taken = dict.fromkeys(self._queues, 0)
        self.end = 0

    def emitted(self, offset: int, topic: Topic, lines: list[bytes]) -> None:
        self._queues[topic].append((offset, lines))

    def deliver(self, random: Random, everything: bool) -> None:
        for topic, table in ((EVENTS_TOPIC, EVENTS), (CORRECTIONS_TOPIC, CORRECTIONS)):
            queue, taken = self._queues[topic], self._taken[topic]
            again = random.randrange(taken + 1)  # a killed sink begins anywhere before
            until = len(queue) if everything else random.randrange(taken, len(queue) + 1)
            self._insert(table, queue[again:until])
            self._taken[topic] = until

    def repeat_alone(self, random: Random) -> None:
        """An old part of the corrections, without what follows: a sink that was thought dead."""
        taken = self._taken[CORRECTIONS_TOPIC]
        at = random.randrange(taken + 1)
        self._insert(CORRECTIONS, self._queues[CORRECTIONS_TOPIC][at : min(at + 20, taken)])

    def below(self) -> list[int]:
        """What lower versions say is there, in the partitions that are squashed."""
        offset = self.end
        for topic, queue in self._queues.items():
            if self._taken[topic] < len(queue):
                offset = min(offset, queue[self._taken[topic]][0])
        return [version_of(1, offset)] * SQUASHED + [0] * (RAW.partitions - SQUASHED)

    def _insert(self, table: Table, records: list[tuple[int, list[bytes]]]) -> None:
        """Each line of the device, and the same of its twin."""
        lines = [line for _, lines in records for line in lines]
        for line in lines:
            table.check(line)
        assert self._opened.inserter.insert(table, [*lines, *map(_of_twin, lines)]) == []


TWINS: dict[bytes, bytes] = {}


def _of_twin(line: bytes) -> bytes:
    start = line.index(b'"device_id":"') + 13
    end = line.index(b'"', start)
    return line[:start] + TWINS[line[start:end]] + line[end:]


_ANSWER = (
    "SELECT event_id, toString(person_id), toString(session_id), is_bot, bot_reason"
    " FROM events_all WHERE (CRC32(device_id) % 8 < 4) = {low:Bool}"
)


def answers(opened: Store, low: bool) -> dict[uuid.UUID, tuple[Any, ...]]:
    rows = opened.ask(_ANSWER, low=low)
    found = {row[0]: row[1:] for row in rows}
    assert len(found) == len(rows), "an event is there twice"
    return found
