"""Under which name an event is stored: the device's own with consent, a daily pseudonym without."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from ingest.collector import addresses
from ingest.collector.pseudonym import Salts, pseudonym
from schemas.event import Consent


class Subject(msgspec.Struct, frozen=True, gc=False):
    """What may be written about who sent an event."""

    device_id: str
    ip: str
    consent: Consent

    @property
    def recognized(self) -> bool:
        return self.consent == "granted"


class Namer:
    """Names the subjects of one site's events."""

    def __init__(self, site: str, salts: Salts, past_life_ms: int = 0) -> None:
        """`past_life_ms`: how long the salts of history are kept."""
        self._site = site
        self._salts = salts
        self._past_life_ms = past_life_ms

    async def expect_past(self, days: Iterable[int]) -> None:
        """Makes ready to name subjects of history on these UTC days (since 1970).

        Address keys at a day's border need those beside them.
        """
        around = {near for day in days for near in (day - 1, day, day + 1)}
        await self._salts.fetch_past(around, self._past_life_ms)

    def recognized(self, device_id: str, ip: str) -> Subject:
        """For a visitor who consented."""
        return Subject(device_id, ip, "granted")

    def pseudonymous(
        self,
        consent: Consent,
        *,
        ip: str,
        user_agent: str,
        time_ms: int,
        past: bool = False,
        else_from: str = "",
    ) -> Subject:
        """For a visitor who did not: a pseudonym that ends with the UTC day, and only the network.

        `time_ms`: now; or with `past` when it happened, on a day that `expect_past` was told.

        Where neither address nor user agent is known (a backend's event), the pseudonym is made
        from `else_from`, so that not all of them are one device.
        """
        seed = user_agent if ip or user_agent else f"\x1f{else_from}"
        salt = self._salts.of_past(time_ms) if past else self._salts.of(time_ms)
        device_id = pseudonym(salt, self._site, ip, seed)
        return Subject(device_id, addresses.truncated(ip), consent)
