"""What one request brings in: its events, each accepted or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from ingest.collector.address_keys import unconsented
from ingest.collector.answers import Taken
from ingest.collector.claims import claims_of
from ingest.collector.errors import RefusedEvent, TooLarge
from ingest.collector.json_text import Text
from ingest.collector.rejected import rejected
from schemas.batch import MAX_BATCH_EVENTS
from schemas.event import MAX_EVENT_BYTES, Claim, Event, Protocol, Rejected
from schemas.reasons import Reason
from schemas.sightings import Unconsented

ReadEvent = Callable[[msgspec.Raw, list[str]], Event]
"""Makes an event of its raw text and the notes about it; raises RefusedEvent."""


class Harvest(msgspec.Struct):
    """Every event of one request is accepted or refused; accepted ones make the other lines."""

    accepted: list[Event]
    refused: list[Rejected]
    set_cookie: bytes = b""
    claims: list[Claim] = []
    unconsented: list[Unconsented] = []
    answer: Taken | None = None  # None: the one that Segment's clients expect


def harvest(
    entries: Sequence[msgspec.Raw],
    read_event: ReadEvent,
    text: Text,
    *,
    protocol: Protocol,
    received_at: int,
    secret: str,
    key: str = "",
    call: str = "",
    withhold: str = "",
) -> Harvest:
    """Reads event by event; one that is refused does not touch the others.

    `key`, `call`: see `Rejected`; without them what is refused cannot be replayed. `withhold`: see
    `rejected`.

    Raises TooLarge for more events than a request may have.
    """
    if len(entries) > MAX_BATCH_EVENTS:
        raise TooLarge(f"a request has at most {MAX_BATCH_EVENTS} events, not {len(entries)}")
    gathered = Harvest([], [])
    for raw in entries:
        original, notes = text.part(raw)
        try:
            if len(original) > MAX_EVENT_BYTES:
                raise RefusedEvent(
                    Reason.TOO_LARGE, f"{len(original)} bytes, an event has {MAX_EVENT_BYTES}"
                )
            event = read_event(raw, notes)
            if claims := claims_of(event, secret):
                gathered.claims += claims
            if event.address_keys and event.consent != "granted":
                gathered.unconsented += unconsented(event)
                event.address_keys = []  # they would lead from one pseudonym to another
            gathered.accepted.append(event)
        except RefusedEvent as refusal:
            gathered.refused.append(
                rejected(
                    refusal,
                    original,
                    protocol=protocol,
                    received_at=received_at,
                    key=key,
                    call=call,
                    withhold=withhold,
                )
            )
    return gathered
