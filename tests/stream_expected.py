"""What the pure stages make of events: what real servers must hold, whatever was done to them."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

from schemas.batch import encode_batch
from schemas.bot_days import MINUTE_MS
from schemas.event import Event
from schemas.pulse import PAGES_TTL_MS
from schemas.topics import ALIASES, RAW, REGISTERS
from streams.alias_stage import AliasStage
from streams.device_stage import DeviceStage
from streams.lane import Stage
from streams.person_stage import PersonStage
from streams.records import Record
from tests.pulse_recount import counts_of, pages_of, recount, stored
from tests.stream_world import SITE, World


def expected_counts(events: list[Event]) -> dict[str, int]:
    """The live counters as the pure stages give them, without any server."""
    now = max(event.event_time for event in events)
    states: dict[str, dict[str, Any]] = {topic.name: {} for topic in (RAW, ALIASES, REGISTERS)}
    stages: dict[str, Stage] = {
        stage.topic.name: stage
        for stage in (DeviceStage(SITE, "secret"), AliasStage(), PersonStage(SITE))
    }
    counts: Counter[str] = Counter()
    waiting = deque([(RAW.name, encode_batch(events))])
    offset = 0
    while waiting:
        topic, value = waiting.popleft()
        record = Record(0, offset, now, value, lambda: None)
        offset += 1
        batch = [(record, stages[topic].decode(record))]
        effects = stages[topic].fold(states[topic], batch, 1)
        for change in effects.counters:
            if ":f:" in change.key:
                counts[change.field.split("|", 1)[1]] += change.delta
        for (name, _), lines in effects.emissions.lines.items():
            if name in stages:
                waiting.append((name, b"\n".join(lines)))
    return {name: count for name, count in counts.items() if count}


def assert_each_event_has_one_effect(world: World, events: list[Event]) -> None:
    """Everyone emitted, nobody with two contents, and live counters as if nothing had happened."""
    rows = world.rows()
    assert set(rows) == {(event.device_id, event.event_id) for event in events}
    repeated = [row for row, lines in rows.items() if len(lines) > 1]
    assert not repeated, f"a repeated emission differs from the first: {repeated[:3]}"
    assert world.live_counts() == expected_counts(events)
    assert_pulse_is_exact(world, events)


def assert_pulse_is_exact(world: World, events: list[Event]) -> None:
    """Visitors, events and pages a minute are those of the set of events."""
    now = int(time.time() * 1000)
    limit = SITE.bots.max_events_a_minute
    found = counts_of(stored(world.redis, "ff:{r*}:v:*"))
    assert found == recount(events, now, limit)
    first = (now - PAGES_TTL_MS) // MINUTE_MS + 10  # the youngest of what still counts
    views = Counter(event.event_time // MINUTE_MS for event in events if event.type == "page")
    seen = Counter[int]()
    for (minute, _), count in pages_of(stored(world.redis, "ff:{r*}:w:*")).items():
        seen[minute] += count
    assert {m: n for m, n in seen.items() if m >= first} == {
        m: n for m, n in views.items() if m >= first
    }
