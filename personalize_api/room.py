"""What one running personalization service holds, opened and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from personalize_api.alerts.alerting import Alerting
from personalize_api.caller.ops_access import OpsAccess
from personalize_api.decision.decisions import DecisionLog
from personalize_api.decision.homepage import Homepage
from personalize_api.ending import end
from personalize_api.experiments.arm_weights import ArmWeights
from personalize_api.experiments.live import LiveExperiments
from personalize_api.live.composer import LiveComposer
from personalize_api.live.feed import LiveFeed
from personalize_api.live.funnels import LiveFunnels
from personalize_api.live.pulse import LivePulse
from personalize_api.live.sources import live_sources
from personalize_api.metrics import Metrics
from personalize_api.picks.answers import Picks
from personalize_api.picks.endpoint import PicksEndpoint
from personalize_api.picks.loading import Shelves
from personalize_api.recognize.state_reader import StateReader
from personalize_api.recognize.visitors import Visitors
from personalize_api.worker import Worker
from schemas.current_site import CurrentSite
from schemas.referrer import classify
from schemas.settings import Settings


@dataclass(frozen=True)
class Room:
    settings: Settings
    site: CurrentSite
    metrics: Metrics
    reader: StateReader
    decisions: DecisionLog
    homepage: Homepage
    funnels: LiveFunnels
    experiments: LiveExperiments
    feed: LiveFeed
    ops: OpsAccess
    arm_weights: ArmWeights
    alerting: Alerting
    shelves: Shelves
    picks: PicksEndpoint


@asynccontextmanager
async def open_room(
    settings: Settings, site: CurrentSite, worker: Worker | None = None
) -> AsyncIterator[Room]:
    """Needs no server to be there; what is not there degrades. Closing publishes what waits."""
    metrics = Metrics(worker)
    metrics.follow(site)
    reader = StateReader(settings.redis_url, metrics)
    decisions = DecisionLog(settings.kafka, metrics)
    visitors = Visitors(reader, metrics)
    funnels = LiveFunnels(settings.redis_url, site, metrics)
    arm_weights = ArmWeights(settings.redis_url, site)
    experiments = LiveExperiments(settings.redis_url, site, arm_weights)
    pulse = LivePulse(settings.redis_url)
    alerting = Alerting(settings, site, funnels, pulse, metrics)
    composer = LiveComposer(lambda: site.site.name, metrics, live_sources(funnels, pulse, alerting))
    feed = LiveFeed(composer, metrics)
    shelves = Shelves(settings.redis_url, site)
    picks = Picks(shelves, metrics)
    homepage = Homepage(settings, site, visitors, decisions, metrics, arm_weights.split, picks)
    await _warm_up(site, visitors)
    beside = [asyncio.create_task(site.watch()), asyncio.create_task(metrics.share())]
    arm_weights.start()
    alerting.start()
    await shelves.start()
    try:
        yield Room(
            settings,
            site,
            metrics,
            reader,
            decisions,
            homepage,
            funnels,
            experiments,
            feed,
            OpsAccess(settings),
            arm_weights,
            alerting,
            shelves,
            PicksEndpoint(site, homepage, metrics),
        )
    finally:
        await end(*beside)
        feed.close()
        await alerting.close()
        await funnels.close()
        await experiments.close()
        await pulse.close()
        await arm_weights.close()
        picks.close()
        await shelves.close()
        await reader.close()
        await decisions.close()


async def _warm_up(site: CurrentSite, visitors: Visitors) -> None:
    """Reads the referrer list and connects to Redis, so that the first visitor need not wait."""
    classify("", "https://nowhere.invalid/", site.site)  # a host, or the list is not looked at
    await visitors.look_up(site.site, "", "", "", 0)
