"""How much one address, and all who use a write key, may send in a minute (`limits`, site file).

A bucket holds a minute's worth of events and fills again evenly. It is kept as one number, the
time at which it will be full (the generic cell rate algorithm), so a request costs two look-ups.
What it brings is known only when it is read: it is let in while there is one event in the bucket,
and what it takes too much delays the next.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Callable
from functools import lru_cache

from ingest.collector import addresses
from ingest.collector.caller import Caller
from ingest.collector.errors import TooManyRequests
from schemas.site import LimitRules

_BURST_S = 60.0
_MINUTE_S = 60.0
_MAX_BUCKETS = 65_536
_V6_NETWORK = 64  # bits that one line of a provider has


class Limits:
    """Buckets of one site; belongs to one event loop. `clock`: seconds, never backwards.

    A server key's caller has no address, so the limit of addresses is not his.
    """

    def __init__(self, rules: LimitRules, clock: Callable[[], float] = time.monotonic) -> None:
        self._address_s = _MINUTE_S / rules.address if rules.address else 0.0  # an event
        self._keys = {key: (f"key {key}", _MINUTE_S / most) for key, most in rules.keys.items()}
        self._full_at: dict[str, float] = {}
        self._clock = clock

    def admit(self, caller: Caller) -> None:
        """Raises TooManyRequests while a bucket that the caller takes from is empty."""
        if self._keys and (limited := self._keys.get(caller.key.key)):
            self._look_into(*limited, "with this write key")
        if self._address_s and (network := network_of(caller.ip)):
            self._look_into(network, self._address_s, "from this address")

    def charge(self, caller: Caller, events: int) -> None:
        """Takes the events of a request that was let in."""
        if self._keys and (limited := self._keys.get(caller.key.key)):
            self._take(limited[0], events * limited[1])
        if self._address_s and (network := network_of(caller.ip)):
            self._take(network, events * self._address_s)

    def _look_into(self, bucket: str, event_s: float, whose: str) -> None:
        full_at = self._full_at.get(bucket)
        if full_at is None:
            return
        wait = full_at + event_s - self._clock() - _BURST_S
        if wait > 0:
            raise TooManyRequests(
                f"too many events {whose} (the site file's `limits`)", math.ceil(wait)
            )

    def _take(self, bucket: str, seconds: float) -> None:
        now = self._clock()
        full_at = self._full_at.get(bucket, now)
        if len(self._full_at) >= _MAX_BUCKETS:
            self._full_at = {name: at for name, at in self._full_at.items() if at > now}
            if len(self._full_at) >= _MAX_BUCKETS:  # so many at once: better to let them in
                self._full_at = {}
        self._full_at[bucket] = (full_at if full_at > now else now) + seconds


@lru_cache(maxsize=8192)
def network_of(address: str) -> str:
    """What counts as one address: itself, of IPv6 the /64; '' for what is no visitor's.

    An address of our own networks is that of a proxy which does not say for whom it asks, or of
    our own programs: a limit there would shut out everybody at once.
    """
    readable = addresses.readable(address)
    if not readable or addresses.is_proxy(readable):
        return ""
    if ":" not in readable:
        return readable
    return str(ipaddress.ip_network((readable, _V6_NETWORK), strict=False))
