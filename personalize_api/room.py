"""What one running personalization service holds, opened and closed together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from personalize_api.decisions import DecisionLog
from personalize_api.funnels import LiveFunnels
from personalize_api.homepage import Homepage
from personalize_api.live import LiveFeed
from personalize_api.live_experiments import LiveExperiments
from personalize_api.metrics import Metrics
from personalize_api.state_reader import StateReader
from personalize_api.visitors import Visitors
from schemas.referrer import classify
from schemas.settings import Settings
from schemas.site import Site


@dataclass(frozen=True)
class Room:
    settings: Settings
    site: Site
    metrics: Metrics
    reader: StateReader
    decisions: DecisionLog
    homepage: Homepage
    funnels: LiveFunnels
    experiments: LiveExperiments
    feed: LiveFeed


@asynccontextmanager
async def open_room(settings: Settings, site: Site) -> AsyncIterator[Room]:
    """Needs no server to be there; what is not there degrades. Closing publishes what waits."""
    metrics = Metrics()
    reader = StateReader(settings.redis_url, metrics)
    decisions = DecisionLog(settings.kafka, metrics)
    visitors = Visitors(reader, metrics, site)
    funnels = LiveFunnels(settings.redis_url, site, metrics)
    experiments = LiveExperiments(settings.redis_url, site)
    feed = LiveFeed(site.name, funnels, metrics)
    homepage = Homepage(settings, site, visitors, decisions, metrics)
    await _warm_up(site, visitors)
    try:
        yield Room(settings, site, metrics, reader, decisions, homepage, funnels, experiments, feed)
    finally:
        feed.close()
        await funnels.close()
        await experiments.close()
        await reader.close()
        await decisions.close()


async def _warm_up(site: Site, visitors: Visitors) -> None:
    """Reads the referrer list and connects to Redis, so that the first visitor need not wait."""
    classify("", "https://nowhere.invalid/", site)  # a host, or the list is not looked at
    await visitors.look_up("", "", "", 0)
