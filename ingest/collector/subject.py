"""Under which name an event is stored: the device's own with consent, a daily pseudonym without."""

from __future__ import annotations

from typing import NamedTuple

from ingest.collector import addresses
from ingest.collector.pseudonym import Salts, pseudonym
from schemas.event import Consent


class Subject(NamedTuple):
    """What may be written about who sent an event."""

    device_id: str
    ip: str
    consent: Consent

    @property
    def recognized(self) -> bool:
        return self.consent == "granted"


class Namer:
    """Names the subjects of one site's events."""

    def __init__(self, site: str, salts: Salts) -> None:
        self._site = site
        self._salts = salts

    def recognized(self, device_id: str, ip: str) -> Subject:
        """For a visitor who consented."""
        return Subject(device_id, ip, "granted")

    def pseudonymous(
        self, consent: Consent, *, ip: str, user_agent: str, now_ms: int, else_from: str = ""
    ) -> Subject:
        """For a visitor who did not: a pseudonym that ends with the UTC day, and only the network.

        Where neither address nor user agent is known (a backend's event), the pseudonym is made
        from `else_from`, so that not all of them are one device.
        """
        seed = user_agent if ip or user_agent else f"\x1f{else_from}"
        device_id = pseudonym(self._salts.of(now_ms), self._site, ip, seed)
        return Subject(device_id, addresses.truncated(ip), consent)
