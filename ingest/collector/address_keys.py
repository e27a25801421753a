"""Under which pseudonyms a web server's log lines of a hit are imported.

The keys of a consenting device's event say where it was seen; of one without consent only a line
of its own is published (`Unconsented`), which says that somebody was there and names nobody. Both
exist so that imported log lines join who alone was seen there (identity rule 5 of design.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.collector import addresses
from ingest.collector.caller import MAX_USER_AGENT
from ingest.collector.pseudonym import DAY_MS, Salts, pseudonym
from schemas.event import Event
from schemas.sightings import STEP_MS, WINDOW_MS, Unconsented

_MAX_REMEMBERED = 8192
_NONE: list[str] = []


class AddressKeys:
    """Makes the keys of one site's hits; asks no server (`Salts` is kept fetched)."""

    def __init__(self, site: str, salts: Salts, *, logs_joined: bool) -> None:
        self._site = site
        self._salts = salts
        self._logs_joined = logs_joined
        self._changes = salts.imported_changes
        self._made: dict[tuple[int, str, str], list[str]] = {}
        self._missed_ms = 0  # the newest hit of which no key could be made

    def of(self, ip: str, user_agent: str, at_ms: int) -> list[str]:
        """The keys of a hit at that time, the UTC day's first; two within WINDOW_MS of its border.

        None without address or user agent, and while a salt is not known that imports will use.
        None soon after that either: who was not seen then might be in the way now.
        """
        if not (ip and user_agent and self._logs_joined):
            return _NONE
        if self._changes != self._salts.imported_changes:
            self._changes = self._salts.imported_changes
            self._made.clear()
        name = at_ms // WINDOW_MS, ip, user_agent
        keys = self._made.get(name)
        if keys is None:
            keys = self._make(ip, user_agent, at_ms)
            if not keys:
                return _NONE
            if len(self._made) >= _MAX_REMEMBERED:
                self._made.clear()
            self._made[name] = keys
        return keys if abs(at_ms - self._missed_ms) > WINDOW_MS + STEP_MS else _NONE

    def _make(self, ip: str, user_agent: str, at_ms: int) -> list[str]:
        address, agent = addresses.readable(ip), as_logged(user_agent)
        if not address or not agent:
            return _NONE
        keys: list[str] = []
        day = at_ms // DAY_MS
        for near in (day, (at_ms - WINDOW_MS) // DAY_MS, (at_ms + WINDOW_MS) // DAY_MS):
            if keys and near == day:
                continue
            salt = self._salts.imported(near)
            if salt is None:
                self._missed_ms = max(self._missed_ms, at_ms)
                return _NONE
            keys.append(pseudonym(salt, self._site, address, agent))
        return keys


def as_logged(user_agent: str) -> str:
    """A user agent as a log import reads it; '' where that cannot be known.

    A request's header comes as latin-1, a log holds it as UTF-8; servers escape what does not
    print, and the import makes it a space.
    """
    if len(user_agent) >= MAX_USER_AGENT or user_agent == "-":
        return ""
    if user_agent.isascii() and user_agent.isprintable():
        return user_agent
    try:
        text = user_agent.encode("latin-1").decode()
    except UnicodeError:
        text = user_agent
    return "".join(sign if sign.isprintable() else " " for sign in text)


def unconsented(event: Event) -> list[Unconsented]:
    """What may be said of an event without consent: that somebody was there about then."""
    at = event.seen_at // STEP_MS * STEP_MS
    return [Unconsented(device_id=key, at=at) for key in event.address_keys]


class Told:
    """The lines that Kafka has acknowledged lately: each is said once."""

    def __init__(self) -> None:
        self._lines: set[Unconsented] = set()

    def news(self, lines: Sequence[Unconsented]) -> list[Unconsented]:
        """Those that have not been said; each once."""
        return [line for line in dict.fromkeys(lines) if line not in self._lines]

    def acknowledged(self, lines: Sequence[Unconsented]) -> None:
        if len(self._lines) >= _MAX_REMEMBERED:
            self._lines.clear()
        self._lines.update(lines)
