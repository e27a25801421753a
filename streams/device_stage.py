"""The device stage: what happens to an event, in order, on one screen.

line of footfall.raw
  ├─ not a record of ours ────────────────────────────▶ rejected (invalid_event)
  ├─ whom to forget ▶ states without them; from then on, of what they did before
  │    ├─ told before: it has had its end ────────────▶ nothing
  │    └─ told since ─────────────────────────────────▶ rejected (forgotten), without its bytes
  ├─ a decision ──────────────────────────────────────▶ footfall.decisions
  ├─ a claim: whose an identifier is ─────────────────▶ footfall.corrections
  ├─ somebody without consent was there ──────────────▶ footfall.sightings
  ├─ repeated (same device and event id) ─────────────▶ is the event that was there before
  ├─ detect_bot ── a bot ─────────────────────────────▶ footfall.events, flagged; no state
  ├─ follow: session, person ─────────────────────────▶ footfall.corrections
  ├─ note_behaviour ── a bot that day ────────────────▶ footfall.corrections; contributes nothing
  ├─ read_profile: what a server says of its user
  ├─ an alias of two users ───────────────────────────▶ footfall.aliases
  ├─ enrich: user agent, url, referrer, order, credited decision
  ├─ activities: interests, touches, exposures, orders
  ├─ live? evidence for funnels
  ├─ visitors, events, pages a minute ────────────────▶ live counts
  ├─ the enriched event ──────────────────────────────▶ footfall.events
  └─ after the record ┬─ what devices contribute ─────▶ footfall.registers
                      ├─ links of identifiers ────────▶ footfall.identity
                      └─ where devices were seen ─────▶ footfall.sightings
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import cast

from schemas.batch import UNREADABLE, encode_line, lines_at_once, split_lines
from schemas.bot_days import MINUTE_MS, reason_at
from schemas.device_state import DeviceState, decode_device_state, encode_device_state
from schemas.event import EMPTY_PROPERTIES, Claim, Decision, EnrichedEvent, Event, raw_line_decoder
from schemas.forget import Forget
from schemas.identity import differs_until, segments_of
from schemas.ids import is_pseudonym
from schemas.reasons import Reason
from schemas.redis_keys import device_key
from schemas.sightings import Unconsented
from schemas.site import Site
from schemas.topics import (
    ALIASES,
    CORRECTIONS,
    DECISIONS,
    EVENTS,
    RAW,
    SIGHTINGS,
    version_of,
)
from streams import sightings
from streams.activity import Activities
from streams.after_record import tell_contributions, tell_links
from streams.alias_stage import alias_of
from streams.bots import is_behaviour, note_behaviour, taken_back
from streams.corrections import person_corrections
from streams.device import (
    add_evidence,
    digest,
    follow,
    is_closed,
    is_repeated,
    live_horizon,
    with_profile,
)
from streams.enrich import Enricher, Page
from streams.erasing import device_without
from streams.forgotten import Forgetter
from streams.funnels import Funnels
from streams.pulse import Pulse
from streams.records import Effects, Emissions, Record, StateWrite
from streams.rejected import reject
from streams.said import claimed, has_timeline, is_logout, said_by, with_logout
from streams.steps.detect_bot import detect_bot
from streams.steps.read_profile import OVER_LIMIT, read_profile

_FORGOTTEN = "it happened before its visitor was forgotten"
_PSEUDONYM_TTL_MS = 48 * 3600 * 1000

Line = Event | Claim | Decision | Unconsented | Forget | bytes
States = dict[str, DeviceState | None]

_OF_A_DEVICE = (Event, Claim)


class DeviceStage:
    """Folds batches of `footfall.raw`; holds the site's rules and no state of its own."""

    topic = RAW

    def __init__(self, site: Site, secret: str) -> None:
        self._site = site
        self._secret = secret
        self._gap_ms, self._lateness_ms = site.session.gap_ms, site.session.lateness_ms
        self._identity_horizon_ms = site.identity_horizon_ms
        self._max_a_minute = site.bots.max_events_a_minute
        self._enrich = Enricher(site, secret)
        self._funnels = Funnels(site)
        self.layouts = self._funnels.layouts
        self.counts = [funnel.key for funnel in site.live_funnels.values()]
        self._activities = Activities(site)

    def decode(self, record: Record) -> list[Line]:
        """The record's lines; bytes stay where a line is no record of ours."""
        lines = lines_at_once(raw_line_decoder, record.value)
        if lines is not None and all(map(_has_an_object, lines)):
            return cast(list[Line], lines)
        return [_decode(line) for line in split_lines(record.value)]

    def state_keys(
        self, lines: Sequence[Line], known: Collection[str] = ()
    ) -> Iterator[tuple[str, str]]:
        """(name, Redis key) of each state that the lines need and that is not known."""
        wanted: set[str] = set()
        for line in lines:
            if isinstance(line, _OF_A_DEVICE):
                wanted.add(line.device_id)
            elif isinstance(line, Forget):
                wanted.update(line.keys)
        for device in wanted.difference(known):
            yield device, device_key(device)

    def decode_state(self, blob: bytes) -> DeviceState:
        return decode_device_state(blob)

    def fold(
        self, states: States, batch: Sequence[tuple[Record, Sequence[Line]]], epoch: int
    ) -> Effects:
        """Replaces entries of `states`, never changes one. Emissions depend on no batch border."""
        emissions = Emissions()
        touched: set[str] = set()
        forgetter = Forgetter(RAW, self._secret, states)
        pulse = Pulse(batch[0][0].partition)
        for record, lines in batch:
            version = version_of(epoch, record.offset)
            pulse.at(record.time)
            self._record(states, record, lines, version, forgetter, touched, emissions, pulse)
        writes = [self._write(device, states[device]) for device in touched]
        return Effects(emissions, [*writes, *forgetter.writes()], list(pulse.changes()))

    def _record(
        self,
        states: States,
        record: Record,
        lines: Sequence[Line],
        version: int,
        forgetter: Forgetter,
        touched: set[str],
        emissions: Emissions,
        pulse: Pulse,
    ) -> None:
        """Adds to `touched` the devices whose states are to be written."""
        memory = forgetter.memory
        before: dict[str, DeviceState | None] = {}
        evidence: dict[str, Event | Claim] = {}
        for number, line in enumerate(lines):
            if memory and forgetter.has_forgotten(line):
                _refuse(line, forgetter, version, record, number, emissions)
                touched.update(_keep_logout(states, line, forgetter))
            elif isinstance(line, Event):
                device = line.device_id
                if device not in before:
                    before[device] = states.get(device)
                state = self._event(states, line, record, version, emissions, pulse)
                if state is not None:
                    states[device] = state
                    if device not in evidence:
                        evidence[device] = line
            elif isinstance(line, Claim):
                before.setdefault(line.device_id, states.get(line.device_id))
                states[line.device_id] = self._claim(states, line, version, emissions)
                evidence[line.device_id] = line
            elif isinstance(line, bytes):
                reject(emissions, RAW, version, record, number, line, Reason.INVALID_EVENT)
            elif isinstance(line, Forget):
                self._forget(states, line, before, version, emissions)
                touched.update(line.keys)
                memory = forgetter.remember(line)
            else:
                _pass_on(line, emissions)
        pulse.moved(before, states)
        tell_contributions(before, states, record, self._funnels, version, emissions)
        tell_links(before, states, evidence, version, emissions)
        touched.update(evidence)

    def _event(
        self,
        states: States,
        event: Event,
        record: Record,
        version: int,
        emissions: Emissions,
        pulse: Pulse,
    ) -> DeviceState | None:
        """The device's new state; None where the event leaves none."""
        before = states.get(event.device_id)
        page = self._enrich.page(event)
        if page.suspected and self._is_crawlers(event, page, before, emissions):
            pulse.crawler(event)
            return None
        mark = digest(event.event_id)
        if is_repeated(before, mark):
            return None
        waited = event.received_at - event.event_time
        late = waited > self._lateness_ms or is_closed(before, event.event_time)
        said = said_by(event, self._secret, self._identity_horizon_ms)
        step = follow(before, event, mark, page.source, late, self._gap_ms, version, said)
        note = said.note
        if event.type == "identify" and (told := read_profile(event)) is not None:
            fits = with_profile(step.state, event.user_id, event.profile_id, told.profile)
            note = OVER_LIMIT if not fits else told.note
        state = step.state
        minute = event.event_time // MINUTE_MS
        behaves = is_behaviour(event)
        is_news = behaves and note_behaviour(state, event, minute, self._max_a_minute)
        bot = reason_at(state.bot_days, event.event_time) if state.bot_days else ""
        row = self._enrich.visit(event, page, step, late, note, bot)
        pulse.event(before, event, row, minute, behaves=behaves, is_news=is_news)
        if not bot:
            self._activities.keep(state, row, mark, external=page.referrer.external)
            newest = before is None or event.event_time > before.last_seen
            self._keep_evidence(state, row, newest, record)
        elif is_news:
            flag = taken_back(state, event, version)
            emissions.add(CORRECTIONS, flag.device_id, encode_line(flag))
        if self._site.join_logs:
            held = state.sightings
            if (seen := sightings.with_sighting(held, event)) is not held:
                state.sightings = seen
        for correction in step.corrections:
            emissions.add(CORRECTIONS, correction.device_id, encode_line(correction))
        if event.type == "alias" and (alias := alias_of(event, record.time)) is not None:
            emissions.add(ALIASES, "", encode_line(alias))
        emissions.add(EVENTS, row.person_id or row.device_id, encode_line(row))
        return state

    def _is_crawlers(
        self, event: Event, page: Page, before: DeviceState | None, emissions: Emissions
    ) -> bool:
        """Whether the event is a known bot's; then it is emitted as that."""
        bot = detect_bot(event.user_agent, event.protocol, event.notes)
        if bot:
            days = before.bot_days if before is not None else {}
            row = self._enrich.bot(event, page, reason_at(days, event.event_time) or bot)
            emissions.add(EVENTS, event.device_id, encode_line(row))
        return bool(bot)

    def _claim(
        self, states: States, claim: Claim, version: int, emissions: Emissions
    ) -> DeviceState:
        """The node's new state; what only the identifier named follows its holder."""
        before = states.get(claim.device_id)
        after = claimed(before, claim)
        if before is not None and before.seen:
            old, new = segments_of(claim.device_id, before), segments_of(claim.device_id, after)
            if old != new:
                newest = before.last_seen
                for span in person_corrections(claim.device_id, old, new, newest, version):
                    emissions.add(CORRECTIONS, claim.device_id, encode_line(span))
        return after

    def _forget(
        self,
        states: States,
        line: Forget,
        before: dict[str, DeviceState | None],
        version: int,
        emissions: Emissions,
    ) -> None:
        for device in line.keys:
            held = states.get(device)
            before.setdefault(device, held)
            left = states[device] = device_without(device, held, line) if held else None
            if held is None or left is None or not held.seen:
                continue
            old, new = segments_of(device, held), segments_of(device, left)
            if differs_until(old, new, held.last_seen):
                for span in person_corrections(device, old, new, held.last_seen, version):
                    emissions.add(CORRECTIONS, device, encode_line(span))

    def _keep_evidence(
        self, state: DeviceState, row: EnrichedEvent, newest: bool, record: Record
    ) -> None:
        entry = self._funnels.matcher.evidence(row) if not row.late else None
        if entry is not None or state.evidence:
            horizon = live_horizon(record.time)
            add_evidence(state, entry, self.layouts, newest, horizon)

    def _write(self, device: str, state: DeviceState | None) -> StateWrite:
        if state is None:
            return StateWrite(device_key(device), b"", 0)
        ttl = _PSEUDONYM_TTL_MS if is_pseudonym(device) else self._site.retention.visitors_ms
        return StateWrite(device_key(device), encode_device_state(state), ttl)


def _refuse(
    line: Line,
    forgetter: Forgetter,
    version: int,
    record: Record,
    number: int,
    emissions: Emissions,
) -> None:
    """What came before the erasure has had its end; what came since gets one that names nobody."""
    if isinstance(line, Event) and record.time > forgetter.until(line):
        reject(emissions, RAW, version, record, number, b"", Reason.FORGOTTEN, _FORGOTTEN)


def _keep_logout(states: States, line: Line, forgetter: Forgetter) -> tuple[str, ...]:
    """The device, if it is others' too and was logged out: that names nobody, and tells whose the
    device was not from then on.
    """
    if not isinstance(line, Event) or not is_logout(line):
        return ()
    device, time = line.device_id, line.event_time
    if forgetter.has_forgotten_all_of(device) or not has_timeline(device):
        return ()
    states[device] = with_logout(states.get(device), time)
    return (device,)


def _pass_on(line: Decision | Unconsented, emissions: Emissions) -> None:
    if isinstance(line, Decision):
        emissions.add(DECISIONS, line.device_id, encode_line(line))
    else:
        emissions.add(SIGHTINGS, line.pseudonym, encode_line(line))


def _decode(line: bytes) -> Line:
    try:
        record = raw_line_decoder.decode(line)
        if not line.isascii():  # the decoder leaves properties as they are
            line.decode()
    except UNREADABLE:
        return line
    return record if _has_an_object(record) else line


def _has_an_object(line: Line) -> bool:
    """Whether an event's properties are one."""
    if type(line) is not Event or line.properties is EMPTY_PROPERTIES:
        return True
    return bytes(line.properties).startswith(b"{")
