"""What joins log lines to a visitor: who was seen at which address and agent, and when.

The lines of `footfall.sightings`, keyed by the pseudonym that log lines of that address and agent
carry on that UTC day (identity rule 5 of design.md section 4). They go one way: from the stage
that folds a device, or a pseudonym's own log lines, to the stage that folds the pseudonym.
"""

from __future__ import annotations

import msgspec

from schemas.forget import Forget

WINDOW_MS = 30 * 60_000
"""A log line so far or less from a sighting may be of who was seen."""

STEP_MS = 5 * 60_000
"""How finely is told when a sighting ended and when somebody without consent was there."""


class Sighting(msgspec.Struct, kw_only=True, omit_defaults=True, tag_field="kind", tag="sighting"):
    """A consenting device was at this address with this agent, and whose it was around that time.

    The newest version a (pseudonym, device) replaces the older; without spans it does not count.
    """

    pseudonym: str
    device_id: str
    version: int
    record_time: int  # ms: Kafka timestamp of the raw record that made it
    spans: tuple[tuple[int, int], ...] = ()  # [first, last] ms; last rounded down to STEP_MS
    owners: tuple[tuple[int, str], ...] = ()  # (since ms, person), sorted; the first from ever on


class Unconsented(msgspec.Struct, kw_only=True, frozen=True, tag_field="kind", tag="unconsented"):
    """Somebody who did not consent was there within STEP_MS from `at`; linked to nothing else."""

    device_id: str  # the pseudonym
    at: int  # ms, rounded down to STEP_MS

    @property
    def pseudonym(self) -> str:
        return self.device_id


class Logged(msgspec.Struct, kw_only=True, frozen=True, tag_field="kind", tag="logged"):
    """Log lines of this pseudonym were imported, all of them within these spans."""

    pseudonym: str
    spans: tuple[tuple[int, int], ...]  # [first, last] ms, rounded outwards to STEP_MS; they grow


SightingLine = Sighting | Unconsented | Logged

sighting_line_decoder: msgspec.json.Decoder[SightingLine | Forget] = msgspec.json.Decoder(
    SightingLine | Forget
)


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """One device's sightings as the pseudonym's state keeps them."""

    version: int
    spans: tuple[tuple[int, int], ...]
    owners: tuple[tuple[int, str], ...]


class SightedState(msgspec.Struct, array_like=True, frozen=True):
    """All that is known of one pseudonym; every field is a function of the set of its lines."""

    logged: tuple[tuple[int, int], ...] = ()  # [first, last] ms
    crowded: bool = False  # more devices than are kept: nothing of that day is joined
    devices: dict[str, Seen] = {}
    blocked: tuple[tuple[int, int], ...] = ()  # [first, last] `at` of those without consent, ms


encode_sighted = msgspec.msgpack.Encoder().encode
sighted_decoder: msgspec.msgpack.Decoder[SightedState] = msgspec.msgpack.Decoder(SightedState)
