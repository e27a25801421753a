"""Evaluates alerts every ten seconds, in one process of all that run; every process shows them.

The leader is whoever holds a lock in Redis. What it knows stands there too, and is written in one
step with the webhooks that follow from it: a restart neither repeats nor forgets. After any
trouble the leader forgets what it had in memory and begins from Redis again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from zoneinfo import ZoneInfo

import msgspec
from redis.exceptions import RedisError

from personalize_api.alerts import entry_alerts, funnel_alerts, observed, operations, part_alerts
from personalize_api.alerts.entry_alerts import SOURCE, Entry
from personalize_api.alerts.flows import ENTERED_HOURS, Flows
from personalize_api.alerts.history import History
from personalize_api.alerts.hours import Hour
from personalize_api.alerts.incidents import change, ordered
from personalize_api.alerts.state import (
    Alert,
    AlertState,
    Message,
    Resolved,
    encode,
    state_decoder,
)
from personalize_api.alerts.store import AlertStore, NotTheLeader
from personalize_api.alerts.webhooks import Outbox, digest, messages
from personalize_api.alerts.whom import counts_of
from personalize_api.ending import end
from personalize_api.errors import StateUnavailable
from personalize_api.live.by_value import ByValue
from personalize_api.live.funnel_counts import SHOWN_MINUTES
from personalize_api.live.funnels import DEFAULT_MINUTES, LiveFunnel, LiveFunnels
from personalize_api.live.pulse import LivePulse
from personalize_api.metrics import Metrics
from personalize_api.seldom import SeldomLogger
from schemas.current_site import CurrentSite
from schemas.funnel_result import iso_time
from schemas.settings import Settings
from schemas.site import Funnel, Site
from schemas.standard_funnels import VISITS

EVALUATE_EVERY_S = 10.0
LOOK_EVERY_S = 2.0
STALE_S = 60.0
"""What was evaluated longer ago is not told as if it were so now."""

_SETTLED_EVERY_S = 60.0
_DAY_EVERY_S = 300.0

logger = logging.getLogger(__name__)

Hours = dict[tuple[str, int], Hour]


class AlertsView(msgspec.Struct, kw_only=True):
    """`/v1/alerts`."""

    at: str  # ISO 8601, UTC: when it was evaluated
    alerts: list[Alert]  # the worst first
    recent: list[Resolved]  # the newest first
    learning: list[str]  # funnels of which some step's usual share is not known yet


class Alerting:
    """Must be made and used in one event loop. Nothing that it offers waits."""

    def __init__(
        self,
        settings: Settings,
        site: CurrentSite,
        funnels: LiveFunnels,
        pulse: LivePulse,
        metrics: Metrics,
    ) -> None:
        self._site = site
        self._funnels = funnels
        self._pulse = pulse
        self._metrics = metrics
        self._store = AlertStore(settings.redis_url)
        self._outbox = Outbox(settings.secret_key, metrics, self._settled)
        self._log = SeldomLogger(logger)
        self._state = AlertState()
        self._histories: dict[str, History] = {}  # by funnel key
        self._flows: dict[str, Flows] = {}  # by funnel key
        self._day: dict[str, ByValue] = {}  # by funnel
        self._day_at = 0.0  # monotonic: when it is read again
        self._settled_at: dict[str, float] = {}  # monotonic: when they are read again
        self._leads = False
        self._evaluate_at = 0.0  # monotonic
        self._trouble = "not yet"
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        await end(self._task)
        await self._outbox.close()
        with suppress(RedisError, OSError):
            await self._store.step_down()
        await self._store.close()

    def view(self) -> AlertsView:
        """Raises StateUnavailable where nobody has evaluated alerts lately."""
        if time.time() - self._state.at / 1000 > STALE_S:
            raise StateUnavailable(f"alerts are not evaluated: {self._trouble}")
        return AlertsView(
            at=iso_time(self._state.at),
            alerts=ordered(self._state),
            recent=self._state.recent,
            learning=[name for name, told in self._state.usual.items() if None in told[1:]],
        )

    def with_usual(self, funnels: Iterable[LiveFunnel]) -> list[LiveFunnel]:
        """The same, with what is usual of their steps."""
        told = self._state.usual
        return [
            msgspec.structs.replace(funnel, usual=told[funnel.name])
            if len(told.get(funnel.name, ())) == len(funnel.steps)
            else funnel
            for funnel in funnels
        ]

    async def _run(self) -> None:
        while True:
            started = time.monotonic()
            try:
                await self._look()
            except NotTheLeader:
                self._step_back()
            except (RedisError, OSError, StateUnavailable) as error:
                self._trouble = "Redis is not there"
                self._log.warning("alerts cannot be evaluated: %s", error)
                self._step_back()
            except Exception:
                self._trouble = "a fault of ours; see the log"
                logger.exception("alerts cannot be evaluated")
                self._step_back()
            await asyncio.sleep(max(0.1, LOOK_EVERY_S - (time.monotonic() - started)))

    def _step_back(self) -> None:
        """What memory holds may be ahead of Redis, or behind: it is read again."""
        self._leads = False
        self._outbox.stop()

    async def _look(self) -> None:
        leads, new = await self._store.lead()
        if not leads:
            self._step_back()
            self._show(await self._store.read())
            return
        if new or not self._leads:
            await self._take_over()
        if time.monotonic() >= self._evaluate_at:
            self._evaluate_at = time.monotonic() + EVALUATE_EVERY_S
            await self._evaluate(time.time_ns() // 1_000_000)
        addresses = {digest(url): url for url in self._site.site.alerts.webhooks}
        self._outbox.send(addresses, time.time_ns() // 1_000_000)

    async def _take_over(self) -> None:
        self._histories, self._flows, self._day_at = {}, {}, 0.0
        self._show(await self._store.read())
        self._outbox.replace(await self._store.read_outbox())
        self._leads = True

    async def _evaluate(self, now_ms: int) -> None:
        site, minute = self._site.site, now_ms // 60_000
        state = state_decoder.decode(encode(self._state))
        pulse = await self._pulse.now()
        found = list(operations.findings(pulse, site.alerts, now_ms, state.active))
        hours: Hours = {}
        usual = {}
        entries = []
        watched = await self._watched(site)
        until_ms = operations.counted_until(pulse, now_ms)
        for definition, funnel in watched:
            history = await self._history(definition, site, minute)
            usual[funnel.name] = funnel_alerts.shown(funnel, history, minute)
            now = observed.see(state, definition.key, funnel, minute, until_ms)
            if now is None:
                found += funnel_alerts.still(funnel, state)
                continue
            sources = self._sources(definition, now.minute)
            for hour in observed.measure(history, funnel, state, definition.key, now, sources):
                hours[definition.key, hour] = history.hours[hour]
            fall, parts = site.alerts.fall, await self._parts(definition, now.minute)
            found += await funnel_alerts.findings(
                funnel, history, state, now, fall, parts, self._funnels.all
            )
            found += await part_alerts.findings(funnel, history, state, now, fall, parts)
            entries.append(Entry(funnel.name, history, now, sources))
        found += await entry_alerts.findings(entries, state)
        observed.forget(state, watched)
        state.usual = usual
        changed = change(state, found, now_ms)
        webhooks = messages(
            site.alerts.webhooks, site.name, now_ms, changed.raised, changed.resolved
        )
        await self._store.save(state, webhooks, hours=hours)
        self._outbox.add(webhooks)
        self._show(state)
        _log(changed.raised, changed.resolved)

    async def _watched(self, site: Site) -> list[tuple[Funnel, LiveFunnel]]:
        watched = []
        for funnel in await self._funnels.all(SHOWN_MINUTES):
            definition = site.live_funnels.get(funnel.name)
            if definition is None or funnel.name in site.alerts.leave_out:
                continue
            if [step.name for step in definition.steps] == [step.name for step in funnel.steps]:
                watched.append((definition, funnel))  # else the site has changed just now
        return watched

    async def _history(self, funnel: Funnel, site: Site, minute: int) -> History:
        history = self._histories.get(funnel.key)
        holidays = site.alerts.holidays
        if history is None or history.holidays != {*holidays}:
            history = History(len(funnel.steps), ZoneInfo(site.timezone), holidays)
            today = minute // 1440
            history.load(await self._store.read_history(funnel.key, today))
            self._histories[funnel.key] = history
            self._settled_at.pop(funnel.key, None)
        if history.needs_settled and time.monotonic() >= self._settled_at.get(funnel.key, 0.0):
            # again and again: an import may have brought the past while this service runs
            self._settled_at[funnel.key] = time.monotonic() + _SETTLED_EVERY_S
            settled = await self._store.read_settled(funnel.key, history.steps, minute // 1440)
            history.load_settled(settled)
        return history

    def _sources(self, funnel: Funnel, minute: int) -> dict[str, list[int]]:
        """Who entered in each of the last two hours' minutes, by where they came from."""
        if funnel.name != VISITS or SOURCE not in funnel.live_by:
            return {}
        return self._funnels.entered(funnel, SOURCE, minute - observed.SOURCES_MINUTES + 1, minute)

    async def _parts(self, funnel: Funnel, minute: int) -> funnel_alerts.Parts:
        flows = self._flows.setdefault(funnel.key, Flows(len(funnel.steps)))
        first = minute // 60 - ENTERED_HOURS
        flows.see(minute, first, self._funnels.by_value(funnel, first, minute // 60))
        if time.monotonic() >= self._day_at:
            self._day_at = time.monotonic() + _DAY_EVERY_S
            lately = await self._funnels.all(DEFAULT_MINUTES)
            self._day = {each.name: counts_of(each.by) for each in lately}
        return funnel_alerts.Parts(flows, self._day.get(funnel.name, {}))

    def _show(self, state: AlertState) -> None:
        self._state = state
        self._metrics.alerts_evaluated.set(state.at / 1000)
        self._metrics.alerts(
            (incident.alert.kind, incident.alert.severity, subject)
            for subject, incident in state.active.items()
        )

    async def _settled(self, again: Sequence[Message], done: Sequence[Message]) -> None:
        try:
            await self._store.save(messages=again, done=[message.id for message in done])
        except NotTheLeader:
            logger.info("another process leads now; it may send a webhook again")
        except (RedisError, OSError) as error:
            self._log.warning("what became of a webhook cannot be kept: %s", error)


def _log(raised: Iterable[Alert], resolved: Iterable[Resolved]) -> None:
    for alert in raised:
        logger.warning("alert: %s: %s", alert.title, alert.detail)
    for alert in resolved:
        logger.info("resolved: %s", alert.title)
