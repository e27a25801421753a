"""Live funnels: sums of the stream's minute counters in Redis.

Who entered in minute m and how far they came stands in the counters of m (schemas.redis_keys), so
any window up to now is a plain sum over partitions, hours and minutes. A window is added up at
most once a second, whoever asks, and never takes more than half of the time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import pairwise

import msgspec
from redis.exceptions import RedisError

from personalize_api.errors import NotThere, StateUnavailable
from personalize_api.live.by_value import ByValue, by_value, entered
from personalize_api.live.funnel_counts import Tally
from personalize_api.live.funnel_reader import FunnelReader
from personalize_api.metrics import Metrics
from personalize_api.seldom import SeldomLogger
from schemas import begun
from schemas.current_site import CurrentSite
from schemas.funnel_result import FunnelResult, funnel_result, iso_time
from schemas.site import Funnel

DEFAULT_MINUTES = 1440
MAX_MINUTES = 2880
NOW_MINUTES = 15

_AT_MOST_EVERY_S = 0.95  # a little less than the live feed's second
_SHARE_OF_TIME = 0.5


class MinuteCounts(msgspec.Struct, frozen=True, kw_only=True):
    """The last hour, one number a minute, oldest first: who entered, and how many of them came to
    the last step.
    """

    entered: list[int]
    completed: list[int]


class UsualShare(msgspec.Struct, frozen=True, kw_only=True):
    """What share of a step's arrivals is usual in this hour of the day."""

    share: float
    low: float
    high: float
    days: int  # so many past days say so


class LiveFunnel(FunnelResult, frozen=True, kw_only=True):
    """The public shape, and what only the live view knows."""

    approximate: bool  # somebody did more than is kept: counts may be off by those
    minutes: MinuteCounts
    not_live: list[str]  # breakdowns that only `footfall funnel` tells
    since: str | None  # when this definition began to be counted live; None: it always was
    arrived: list[
        list[int]
    ]  # a step: units a minute of the last hour that came to it, oldest first
    usual: list[UsualShare | None]  # a step: of `now` in this hour of past days; None: not known
    now: list[float | None]  # a step: arrivals of 15 minutes, of those of the step before


class _Computed(msgspec.Struct):
    good_until: float  # monotonic, s
    funnels: asyncio.Task[list[LiveFunnel]]


class LiveFunnels:
    """Must be made and used in one event loop."""

    def __init__(self, redis_url: str, site: CurrentSite, metrics: Metrics) -> None:
        self._reader = FunnelReader(redis_url)
        self._site = site
        self._metrics = metrics
        self._log = SeldomLogger(logging.getLogger(__name__))
        self._computed: dict[int, _Computed] = {}

    async def own(self, minutes: int = DEFAULT_MINUTES) -> list[LiveFunnel]:
        """The funnels of the site file. Raises StateUnavailable."""
        own = self._site.site.funnels
        return [funnel for funnel in await self.all(minutes) if funnel.name in own]

    async def all(self, minutes: int = DEFAULT_MINUTES) -> list[LiveFunnel]:
        """These and the standard funnels. Raises StateUnavailable."""
        now = time.monotonic()
        computed = self._computed.get(minutes)
        if computed is None or (computed.funnels.done() and now >= computed.good_until):
            self._forget(now)
            task = asyncio.create_task(self._compute(minutes))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._computed[minutes] = computed = _Computed(now + _AT_MOST_EVERY_S, task)
        return await asyncio.shield(computed.funnels)

    def by_value(self, funnel: Funnel, first_hour: int, last_hour: int) -> ByValue:
        """Of those who entered in these hours (since 1970), as was read last."""
        hours = range(first_hour, last_hour + 1)
        counts = (self._reader.counts(funnel.key, hour) for hour in hours)
        return by_value(counts, len(funnel.steps))

    def entered(self, funnel: Funnel, field: str, first: int, last: int) -> dict[str, list[int]]:
        """Units by value and minute of entry (since 1970, inclusive), as was read last."""
        hours = range(first // 60, last // 60 + 1)
        counts = {hour: self._reader.counts(funnel.key, hour) for hour in hours}
        return entered(counts, field, first, last)

    async def one(self, name: str, minutes: int = DEFAULT_MINUTES) -> LiveFunnel:
        """Raises NotThere, StateUnavailable."""
        for funnel in await self.all(minutes):
            if funnel.name == name:
                return funnel
        known = ", ".join(self._site.site.live_funnels)
        raise NotThere(f"there is no funnel of this name; there is: {known}")

    async def close(self) -> None:
        for computed in self._computed.values():
            computed.funnels.cancel()
        await asyncio.gather(
            *(computed.funnels for computed in self._computed.values()), return_exceptions=True
        )
        await self._reader.close()

    def _forget(self, now: float) -> None:
        """Windows nobody asked for lately."""
        for minutes, computed in list(self._computed.items()):
            if computed.funnels.done() and now >= computed.good_until:
                del self._computed[minutes]

    async def _compute(self, minutes: int) -> list[LiveFunnel]:
        started = time.monotonic()
        to_ms = time.time_ns() // 1_000_000
        live = self._site.site.live_funnels
        from_minute, to_minute = (to_ms - minutes * 60_000) // 60_000, to_ms // 60_000
        await self._read(
            {funnel.key for funnel in live.values()}, from_minute // 60, to_minute // 60
        )
        result = []
        for funnel in live.values():
            result.append(self._sum(funnel, from_minute, to_ms))
            await asyncio.sleep(0)  # visitors are waiting in the same loop
        taken = time.monotonic() - started
        self._metrics.funnel_seconds.observe(taken)
        good_for = max(_AT_MOST_EVERY_S, taken / _SHARE_OF_TIME)
        self._computed[minutes].good_until = started + good_for
        return result

    async def _read(self, keys: set[str], first_hour: int, last_hour: int) -> None:
        try:
            await self._reader.read(keys, first_hour, last_hour)
        except (RedisError, OSError) as error:
            self._log.warning("live funnels cannot be read: %s", error)
            raise StateUnavailable("live counters cannot be read: Redis is not there") from error

    def _sum(self, funnel: Funnel, from_minute: int, to_ms: int) -> LiveFunnel:
        to_minute = to_ms // 60_000
        since = begun.since(self._reader.begun, funnel.key, to_ms)
        tally = Tally(funnel, max(from_minute, since // 60_000), to_minute)
        for hour in range(from_minute // 60, to_minute // 60 + 1):
            if (counts := self._reader.counts(funnel.key, hour)) is not None:
                tally.add(hour, counts)
        if tally.garbled:
            self._log.warning("%d counters of %s are garbled", tally.garbled, funnel.name)
        return _live(funnel, from_minute * 60_000, to_ms, tally, since)


def _live(funnel: Funnel, from_ms: int, to_ms: int, tally: Tally, since_ms: int) -> LiveFunnel:
    counted = msgspec.structs.replace(funnel, by=funnel.live_by)
    plain = funnel_result(counted, from_ms, to_ms, tally.totals, tally.by)
    return LiveFunnel(
        **{name: getattr(plain, name) for name in FunnelResult.__struct_fields__},
        approximate=tally.approximate,
        minutes=MinuteCounts(entered=tally.entered, completed=tally.completed),
        not_live=[field for field in funnel.by if field not in funnel.live_by],
        since=iso_time(since_ms) if since_ms else None,
        arrived=tally.arrived,
        usual=[None] * len(funnel.steps),
        now=_shares_now(tally.arrived),
    )


def _shares_now(arrived: list[list[int]]) -> list[float | None]:
    lately = [sum(minutes[-NOW_MINUTES:]) for minutes in arrived]
    shares = [part / whole if whole else None for whole, part in pairwise(lately)]
    return [None, *(None if share is None else round(share, 6) for share in shares)]
