"""A record as the stages see it, and what a stage makes of a batch of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container

import msgspec

from schemas.topics import Topic, partition_of


class Record(msgspec.Struct, frozen=True):
    """One Kafka record of the stage's topic: a micro-batch and where it stands."""

    partition: int
    offset: int
    time: int  # ms: Kafka's timestamp
    value: bytes
    acknowledge: Callable[[], object]


class Emissions:
    """Lines to publish, by topic and partition, in the order in which they came about."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, int], list[bytes]] = defaultdict(list)

    def add(self, topic: Topic, key: str, line: bytes) -> None:
        self.lines[topic.name, partition_of(key, topic)].append(line)

    def only(self, topics: Container[str]) -> Emissions:
        """What of it goes to these topics."""
        some = Emissions()
        some.lines.update((to, lines) for to, lines in self.lines.items() if to[0] in topics)
        return some

    def __len__(self) -> int:
        return sum(map(len, self.lines.values()))


class CounterChange(msgspec.Struct, frozen=True, gc=False):
    """Add `delta` to one field of a hash that expires.

    `ttl_ms` and `most` are the hash's: all changes of it agree on them. Of a hash with `most`
    fields no other comes to be: what would be in one is added to the field ''.
    """

    key: str
    field: str
    delta: int
    ttl_ms: int
    most: int = 0  # 0: without a bound


class StateWrite(msgspec.Struct, frozen=True, gc=False):
    """An empty blob takes the state away."""

    key: str
    blob: bytes
    ttl_ms: int


class Effects(msgspec.Struct):
    """All that a batch does: what it publishes first, then what it writes in one step."""

    emissions: Emissions
    states: list[StateWrite]
    counters: list[CounterChange]
