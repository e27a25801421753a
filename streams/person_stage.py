"""The person stage: keeps the newest register of each device, counts the person by what they say.

line of footfall.registers
  ├─ not a register ─────────────────────▶ rejected (invalid_event)
  ├─ older than what is held ────────────▶ says nothing new
  └─ newest ▶ the person, recomputed ────▶ live counters change by the difference
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from schemas.event import Register, split_lines
from schemas.reasons import Reason
from schemas.redis_keys import (
    Contribution,
    PersonState,
    encode_state,
    funnel_field,
    funnel_key,
    person_decoder,
    person_key,
)
from schemas.site import Site
from schemas.topics import REGISTERS, partition_of, version_of
from streams.device import live_horizon
from streams.funnels import Funnels, Hits, Told
from streams.last_few import LastFew
from streams.records import CounterChange, Effects, Emissions, Record, StateWrite
from streams.rejected import reject

_COUNTER_TTL_MS = 50 * 3600 * 1000

Line = Register | bytes
States = dict[str, PersonState | None]

_decoder = msgspec.json.Decoder(Register)


class PersonStage:
    """Folds batches of `footfall.registers`; holds the site's rules and no state of its own."""

    topic = REGISTERS

    def __init__(self, site: Site) -> None:
        self._site = site
        self._funnels = Funnels(site)
        self._known = LastFew[tuple[str, str], tuple[Contribution, Hits]]()

    def decode(self, record: Record) -> list[Line]:
        """The record's lines; bytes stay where a line is no register."""
        return [_decode(line) for line in split_lines(record.value)]

    def state_keys(self, lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
        """(name, Redis key) of each state that the lines need."""
        for person in {line.person_id for line in lines if isinstance(line, Register)}:
            yield person, person_key(person)

    def decode_state(self, blob: bytes) -> PersonState:
        return person_decoder.decode(blob)

    def fold(
        self, states: States, batch: Sequence[tuple[Record, Sequence[Line]]], epoch: int
    ) -> Effects:
        """Replaces entries of `states`, never changes one."""
        emissions = Emissions()
        before: dict[str, PersonState | None] = {}
        newest = 0
        for record, lines in batch:
            for number, line in enumerate(lines):
                if isinstance(line, Register):
                    before.setdefault(line.person_id, states.get(line.person_id))
                    states[line.person_id] = with_register(states.get(line.person_id), line)
                    newest = max(newest, line.record_time)
                else:
                    version = version_of(epoch, record.offset)
                    reject(
                        emissions, REGISTERS, version, record, number, line, Reason.INVALID_EVENT
                    )
        writes, changes = [], Counter[tuple[str, str]]()
        for person, old in before.items():
            new = states[person]
            if new is None or new is old:
                continue
            ttl = self._site.retention.visitors_ms
            writes.append(StateWrite(person_key(person), encode_state(new), ttl))
            self._count(changes, person, self._told(person, old), self._told(person, new))
        horizon_hour = live_horizon(newest) // 3_600_000
        counters = [
            CounterChange(key, field, delta, _COUNTER_TTL_MS)
            for (key, field), delta in changes.items()
            if delta and int(key.rsplit(":", 1)[1]) >= horizon_hour
        ]
        return Effects(emissions, writes, counters)

    def _count(
        self, changes: Counter[tuple[str, str]], person: str, before: Told, after: Told
    ) -> None:
        """Take away where the person's units stood, add where they stand."""
        partition = partition_of(person, REGISTERS)
        for counted, sign in self._funnels.changes(before, after):
            for (key, step, by, value), minute in counted.items():
                name = funnel_key(partition, key, minute // 60)
                changes[name, funnel_field(minute % 60, step, by, value)] += sign

    def _told(self, person: str, state: PersonState | None) -> Told:
        """What the person's devices say, remembered: what is new now is old next time."""
        if state is None:
            return Told(counted=False, hits={})
        hits = {}
        for device, held in state.devices.items():
            name = person, device
            known = self._known.get(name)
            if known is None or known[0] is not held:
                known = (held, self._funnels.hits(held.layout, held.starts, held.evidence))
                self._known[name] = known
            hits[device] = known[1]
        return Told(state.counted, hits)


def with_register(state: PersonState | None, register: Register) -> PersonState:
    """The person with this register, the same object where a newer one is already there."""
    held = state.devices.get(register.device_id) if state else None
    if state is not None and held is not None and held.version >= register.version:
        return state
    contribution = Contribution(
        version=register.version,
        gone=register.gone,
        first_seen=register.first_seen,
        last_seen=register.last_seen,
        sessions=register.sessions,
        orders=register.orders,
        profiles=register.profiles,
        layout=register.layout,
        starts=register.starts,
        evidence=register.evidence,
        purchases=register.purchases,
        activity=register.activity,
        days=register.days,
    )
    devices = dict(state.devices) if state else {}
    devices[register.device_id] = contribution
    user = register.user_id or (state.user_id if state else "")
    counted = (register.counted and not register.gone) or (state.counted if state else False)
    return PersonState(user_id=user, counted=counted, devices=devices)


def _decode(line: bytes) -> Line:
    try:
        return _decoder.decode(line)
    except msgspec.MsgspecError:
        return line
