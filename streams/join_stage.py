"""The join stage: keeps who was seen under each pseudonym, says whose its log lines are.

line of footfall.sightings
  ├─ none of its lines ──────────────────────▶ rejected (invalid_event)
  ├─ whom to forget ▶ pseudonyms without them
  ├─ of who was forgotten since ─────────────▶ says nothing
  ├─ of before the identity horizon ─────────▶ says nothing: others of that day may be forgotten
  └─ says something new ▶ the joined spans ──▶ footfall.corrections, .identity, by difference

Joined lines keep the session of their pseudonym. A log has the hits that the visitor's own events
already tell of; were they one session, each page would count twice there, and live sessions, which
history never touches, would differ from ClickHouse's. So `events_all` says who it was, and counts
of a person's devices and sessions are of what the visitor's own devices told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from schemas.batch import UNREADABLE, encode_line, split_lines
from schemas.forget import Forget
from schemas.messages import Correction, IdentityLink
from schemas.reasons import Reason
from schemas.redis_keys import sighted_key
from schemas.sightings import (
    SightedState,
    Sighting,
    SightingLine,
    encode_sighted,
    sighted_decoder,
    sighting_line_decoder,
)
from schemas.site import Site
from schemas.topics import CORRECTIONS, IDENTITY, SIGHTINGS, version_of
from streams.erasing import sighted_without
from streams.forgotten import Forgetter
from streams.joins import Joined, joined, with_line
from streams.records import Effects, Emissions, Record, StateWrite
from streams.rejected import reject

REASON = "address_and_agent"

_DAY_MS = 86_400_000

Line = SightingLine | Forget | bytes
States = dict[str, SightedState | None]


class JoinStage:
    """Folds batches of `footfall.sightings`; holds the site's rules and no state of its own."""

    topic = SIGHTINGS
    counts = ()
    layouts = None

    def __init__(self, site: Site, secret: str = "") -> None:
        self._secret = secret
        self._horizon_ms = site.identity_horizon_ms

    def decode(self, record: Record) -> list[Line]:
        """The record's lines; bytes stay where a line is none of the topic's."""
        return [_decode(line) for line in split_lines(record.value)]

    def state_keys(
        self, lines: Sequence[Line], known: Collection[str] = ()
    ) -> Iterator[tuple[str, str]]:
        """(name, Redis key) of each state that the lines need and that is not known."""
        wanted = {name for line in lines for name in _pseudonyms(line)}
        for pseudonym in wanted.difference(known):
            yield pseudonym, sighted_key(pseudonym)

    def decode_state(self, blob: bytes) -> SightedState:
        return sighted_decoder.decode(blob)

    def fold(
        self, states: States, batch: Sequence[tuple[Record, Sequence[Line]]], epoch: int
    ) -> Effects:
        """Replaces entries of `states`, never changes one. Emissions depend on no batch border."""
        emissions = Emissions()
        touched: set[str] = set()
        forgetter = Forgetter(SIGHTINGS, self._secret, states)
        for record, lines in batch:
            version = version_of(epoch, record.offset)
            before: dict[str, SightedState | None] = {}
            for number, line in enumerate(lines):
                if isinstance(line, bytes):
                    reason = Reason.INVALID_EVENT
                    reject(emissions, SIGHTINGS, version, record, number, line, reason)
                elif isinstance(line, Forget):
                    for pseudonym in line.keys:
                        before.setdefault(pseudonym, held := states.get(pseudonym))
                        states[pseudonym] = sighted_without(held, line) if held else None
                    forgetter.remember(line)
                elif not self._is_too_old(line) and not forgetter.has_forgotten(line):
                    before.setdefault(line.pseudonym, states.get(line.pseudonym))
                    states[line.pseudonym] = with_line(states.get(line.pseudonym), line)
            for pseudonym, old in before.items():
                new = states[pseudonym]
                if new is not old:
                    touched.add(pseudonym)
                    _emit(emissions, pseudonym, joined(old), joined(new), version)
        # Kept longer than anything is taken about it, so that what is taken finds all the others.
        ttl = self._horizon_ms + 2 * _DAY_MS
        writes = [StateWrite(sighted_key(one), encode_sighted(states[one]), ttl) for one in touched]
        return Effects(emissions, [*writes, *forgetter.writes()], [])

    def _is_too_old(self, line: SightingLine) -> bool:
        if not isinstance(line, Sighting):
            return False
        newest = max((last for _, last in line.spans), default=line.record_time)
        return newest < line.record_time - self._horizon_ms


def _pseudonyms(line: Line) -> tuple[str, ...]:
    if isinstance(line, bytes):
        return ()
    return line.keys if isinstance(line, Forget) else (line.pseudonym,)


def _emit(
    emissions: Emissions,
    pseudonym: str,
    before: Sequence[Joined],
    after: Sequence[Joined],
    version: int,
) -> None:
    old, new = {span.since: span for span in before}, {span.since: span for span in after}
    for since in sorted({*old, *new}):
        if old.get(since) != new.get(since):
            span = new.get(since) or old[since]
            correction = Correction(
                device_id=pseudonym,
                what="person",
                since=since,
                until=span.until,
                person_id=span.person_id,
                session_id=None,
                version=version,
                removed=since not in new,
            )
            emissions.add(CORRECTIONS, pseudonym, encode_line(correction))
    known, linked = _links(before), _links(after)
    for (person, device), since in sorted({**known, **linked}.items()):
        if known.get((person, device)) != linked.get((person, device)):
            link = IdentityLink(
                identifier=pseudonym,
                kind="pseudonym",
                person_id=person,
                valid_from=since,
                reason=REASON,
                device_id=device,
                version=version,
                removed=(person, device) not in linked,
            )
            emissions.add(IDENTITY, person, encode_line(link))


def _links(spans: Sequence[Joined]) -> Mapping[tuple[str, str], int]:
    """(person, device) -> since when log lines are theirs."""
    links: dict[tuple[str, str], int] = {}
    for span in spans:
        name = span.person_id, span.device_id
        links[name] = min(span.since, links.get(name, span.since))
    return links


def _decode(line: bytes) -> Line:
    try:
        return sighting_line_decoder.decode(line)
    except UNREADABLE:
        return line
