"""What a partition has forgotten, asked about the lines that come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from schemas.aliases import ALIAS_TTL_MS
from schemas.event import Claim, Decision, Event
from schemas.forget import (
    FORGOTTEN,
    Forget,
    Memory,
    Named,
    covers,
    digest,
    encode_memory,
    remembered,
)
from schemas.messages import Alias, Register, Root
from schemas.redis_keys import forgotten_key
from schemas.sightings import Sighting
from schemas.topics import RAW, Topic
from streams.records import StateWrite


class Forgetter:
    """Of one batch of one partition. `states` are the lane's, the memory being one of them."""

    def __init__(self, topic: Topic, secret: str, states: Mapping[str, Any]) -> None:
        self._topic = topic
        self._secret = secret
        self._states = cast(dict[str, Any], states)
        self._partition: int | None = None  # where something was added

    @property
    def memory(self) -> Memory:
        return cast(Memory, self._states.get(FORGOTTEN) or {})

    def remember(self, line: Forget) -> Memory:
        """What is forgotten from now on."""
        if self._topic is not RAW:  # where times are those of what was said, not of what was done
            whole = {device: line.devices[device] for device in line.whole}
            line = msgspec.structs.replace(line, devices=whole)
        memory = self.memory
        grown = remembered(memory, line, self._secret)
        if grown is not memory:
            self._states[FORGOTTEN] = grown
            self._partition = line.partition
        return grown

    def writes(self) -> list[StateWrite]:
        """What was added, to be written with the batch's states."""
        if self._partition is None:
            return []
        key = forgotten_key(self._topic, self._partition)
        return [StateWrite(key, encode_memory(self.memory), ALIAS_TTL_MS)]

    def has_forgotten(self, line: object) -> bool:
        """Whether a line speaks of a time of which nothing counts any more."""
        if not self.memory:
            return False
        match line:
            case Event():
                return (
                    self._covers("device", line.device_id, line.event_time)
                    or self._covers("user", line.user_id, line.event_time)
                    or self._covers("user", line.previous_id, line.event_time)
                )
            case Claim():
                return self._covers("user", line.user_id, line.event_time)
            case Decision():
                return self._covers("device", line.device_id, line.decided_at)
            case Alias():
                users = (line.one, line.other)
                return any(self._covers("user", user, line.event_time) for user in users)
            case Register() | Sighting():
                if self._covers("device", line.device_id, line.record_time):
                    return True
                person = line.person_id if isinstance(line, Register) else ""
                return self._covers("person", person, line.record_time)
            case Root():
                return self._covers("person", line.person_id, line.record_time)
            case _:
                return False

    def until(self, event: Event) -> int:
        """When (ms) the last of those whom the event names was forgotten."""
        named: tuple[tuple[Named, str], ...] = (
            ("device", event.device_id),
            ("user", event.user_id),
            ("user", event.previous_id),
        )
        marks = [digest(kind, name, self._secret) for kind, name in named if name]
        return max((self.memory[mark][-1][1] for mark in marks if mark in self.memory), default=0)

    def has_forgotten_all_of(self, device: str) -> bool:
        spans = self.memory.get(digest("device", device, self._secret), ())
        return bool(spans) and spans[0][0] == 0

    def _covers(self, named: Named, identifier: str, time_ms: int) -> bool:
        if not identifier:
            return False
        return covers(self.memory, digest(named, identifier, self._secret), time_ms)
