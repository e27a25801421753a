"""The person stage: keeps the newest register of each device, counts the person by what they say.

line of footfall.registers
  ├─ neither register nor root ──────────▶ rejected (invalid_event)
  ├─ whom to forget ▶ persons without them
  ├─ of who was forgotten since ─────────▶ says nothing
  ├─ older than what is held ────────────▶ says nothing new
  └─ newest ▶ the person, recomputed ────▶ live counters change by the difference
       └─ what he hands on, if changed ──▶ footfall.registers, footfall.resolutions
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from schemas.aliases import ALIAS_TTL_MS
from schemas.batch import UNREADABLE, lines_at_once, split_lines
from schemas.forget import FORGET_BEGINS, Forget
from schemas.messages import Register, Root
from schemas.person_state import Contribution, PersonState, encode_person_state, person_decoder
from schemas.persons import contribution_key, counting, is_over, to_keep
from schemas.reasons import Reason
from schemas.redis_keys import (
    ARRIVED,
    DAYS_KEPT,
    TOUCHED_HOURS,
    funnel_days_field,
    funnel_days_key,
    funnel_field,
    funnel_key,
    person_key,
    touched_key,
)
from schemas.site import Site
from schemas.topics import REGISTERS, partition_of, version_of
from streams.device import live_horizon
from streams.erasing import person_without
from streams.experiments import Experiments, minute_counter, total_counter
from streams.forgotten import Forgetter
from streams.funnels import Funnels, Hits, Standing, Told
from streams.handing_on import contribution_of, hand_on
from streams.last_few import LastFew
from streams.records import CounterChange, Effects, Emissions, Record, StateWrite
from streams.rejected import reject

_HOUR_MS = 3_600_000
_COUNTER_TTL_MS = 50 * _HOUR_MS
_DAYS_TTL_MS = DAYS_KEPT * 24 * _HOUR_MS

Line = Register | Root | Forget | bytes
States = dict[str, PersonState | None]

_OF_A_PERSON = (Register, Root)

_registers = msgspec.json.Decoder(Register)
_roots = msgspec.json.Decoder(Root)
_forgets = msgspec.json.Decoder(Forget)


class PersonStage:
    """Folds batches of `footfall.registers`; holds the site's rules and no state of its own."""

    topic = REGISTERS
    counts = ()
    layouts = None

    def __init__(self, site: Site, secret: str = "") -> None:
        self._site = site
        self._secret = secret
        self._funnels = Funnels(site)
        self._experiments = Experiments(site)
        self._known = LastFew[tuple[str, str], tuple[Contribution, Hits]]()

    def decode(self, record: Record) -> list[Line]:
        """The record's lines; bytes stay where a line is none of ours."""
        registers = lines_at_once(_registers, record.value)
        if registers is not None:  # as nearly always
            return cast(list[Line], registers)
        return [_decode(line) for line in split_lines(record.value)]

    def state_keys(
        self, lines: Sequence[Line], known: Collection[str] = ()
    ) -> Iterator[tuple[str, str]]:
        """(name, Redis key) of each state that the lines need and that is not known."""
        wanted = {line.person_id for line in lines if isinstance(line, _OF_A_PERSON)}
        for line in lines:
            if isinstance(line, Forget):
                wanted.update(line.keys)
        for person in wanted.difference(known):
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
        forgetter = Forgetter(REGISTERS, self._secret, states)
        for record, lines in batch:
            version = version_of(epoch, record.offset)
            touched: dict[str, PersonState | None] = {}
            at = 0
            for number, line in enumerate(lines):
                if isinstance(line, bytes):
                    reject(
                        emissions, REGISTERS, version, record, number, line, Reason.INVALID_EVENT
                    )
                    continue
                if isinstance(line, Forget):
                    _forget(states, line, touched)
                    at = max(at, line.at)
                    forgetter.remember(line)
                    continue
                if forgetter.has_forgotten(line):
                    continue
                old = states.get(line.person_id)
                touched.setdefault(line.person_id, old)
                states[line.person_id] = with_line(old, line)
                at = max(at, line.record_time)
            for person, old in touched.items():
                before.setdefault(person, old)
                if (new := states[person]) is not None and new is not old:
                    hand_on(emissions, person, old, new, version, at)
                    states[person] = to_keep(new)
            newest = max(newest, at)
        writes, counters = self._changes(before, states, newest)
        return Effects(emissions, [*writes, *forgetter.writes()], counters)

    def _changes(
        self, before: Mapping[str, PersonState | None], states: States, newest: int
    ) -> tuple[list[StateWrite], list[CounterChange]]:
        """What a batch wrote, and how live counters change by it."""
        writes = []
        funnels = Counter[_Counted]()
        minutes, totals = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for person, old in before.items():
            new = states[person]
            if new is old:
                continue
            writes.append(self._write(person, new))
            partition = partition_of(person, REGISTERS)
            changes = self._funnels.changes(self._told(person, old), self._told(person, new))
            for key, counter, sign in changes:
                funnels[partition, key, counter] += sign
            for standing, sign in self._experiments.changes(old, new):
                minutes[minute_counter(partition, standing)] += sign
                totals[total_counter(partition, standing)] += sign
        horizon_hour = live_horizon(newest) // _HOUR_MS
        kept_ms = self._site.retention.events_ms
        counters = [
            *_of_funnels(funnels, horizon_hour),
            *(
                CounterChange(key, field, delta, _COUNTER_TTL_MS)
                for (key, field), delta in minutes.items()
                if delta and int(key.rsplit(":", 1)[1]) >= horizon_hour
            ),
            *(CounterChange(*at, delta, kept_ms) for at, delta in totals.items() if delta),
        ]
        return writes, counters

    def _write(self, person: str, state: PersonState | None) -> StateWrite:
        if state is None:
            return StateWrite(person_key(person), b"", 0)
        ttl = ALIAS_TTL_MS if state.root else self._site.retention.visitors_ms
        return StateWrite(person_key(person), encode_person_state(state), ttl)

    def _told(self, person: str, state: PersonState | None) -> Told:
        """What the person's devices say, remembered: what is new now is old next time."""
        if state is None:
            return Told(counted=False, hits={})
        hits = {}
        for device, held in counting(state).items():
            name = person, device
            known = self._known.get(name)
            if known is None or known[0] is not held:
                known = (held, self._funnels.hits(held.layout, held.starts, held.evidence))
                self._known[name] = known
            hits[device] = known[1]
        return Told(state.counted, hits)


_Counted = tuple[int, str, Standing]
"""Partition, funnel key and counter."""


def _of_funnels(changes: Mapping[_Counted, int], horizon_hour: int) -> list[CounterChange]:
    """The counters to change; those of units that entered before the horizon stay as they are."""
    deltas, days = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    touched: set[tuple[str, str]] = set()
    for (partition, key, standing), delta in changes.items():
        step, by, value, minute, entered = standing
        if not delta or entered // 60 < horizon_hour:
            continue
        hour, rest = divmod(minute, 60)
        if by == ARRIVED:
            day = funnel_days_key(partition, key, hour // 24)
            days[day, funnel_days_field(hour % 24, step)] += delta
            if step == 0:
                continue  # the total says the same
        deltas[funnel_key(partition, key, hour), funnel_field(rest, step, by, value)] += delta
        touched.add((touched_key(partition), str(hour % TOUCHED_HOURS)))
    return [
        *(CounterChange(*name, delta, _COUNTER_TTL_MS) for name, delta in deltas.items() if delta),
        *(CounterChange(*name, delta, _DAYS_TTL_MS) for name, delta in days.items() if delta),
        *(CounterChange(*name, 1, _COUNTER_TTL_MS) for name in sorted(touched)),
    ]


def _forget(states: States, line: Forget, touched: dict[str, PersonState | None]) -> None:
    for person in line.keys:
        held = states.get(person)
        touched.setdefault(person, held)
        states[person] = person_without(person, held, line) if held else None


def with_line(state: PersonState | None, line: Register | Root) -> PersonState:
    """The person with this line, the same object where a newer one is already there."""
    return with_register(state, line) if isinstance(line, Register) else with_root(state, line)


def with_register(state: PersonState | None, register: Register) -> PersonState:
    key = contribution_key(register.device_id, register.via)
    held = state.devices.get(key) if state else None
    if state is not None and held is not None and held.version >= register.version:
        return state
    devices = dict(state.devices) if state else {}
    devices[key] = contribution_of(register)
    user = register.user_id or (state.user_id if state else "")
    counted = (register.counted and not register.gone) or (state.counted if state else False)
    if state is None:
        return PersonState(user_id=user, counted=counted, devices=devices)
    new = msgspec.structs.replace(state, user_id=user, counted=counted, devices=devices)
    new.over = is_over(new)
    return new


def with_root(state: PersonState | None, line: Root) -> PersonState:
    if state is None:
        state = PersonState(user_id="", counted=False, devices={})
    if state.root_version >= line.version:
        return state
    return msgspec.structs.replace(state, root=line.root, root_version=line.version)


def _decode(line: bytes) -> Line:
    decoder: msgspec.json.Decoder[Any] = _registers
    if line.startswith(FORGET_BEGINS):
        decoder = _forgets
    elif line.find(b'"device_id":') < 0:
        decoder = _roots
    try:
        found: Line = decoder.decode(line)
    except UNREADABLE:
        return line
    return found
