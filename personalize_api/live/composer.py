"""Puts the live view together: every source is asked at once, and none waits for another."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from personalize_api.errors import PersonalizeError
from personalize_api.live import order_rates
from personalize_api.live.feed import Snapshot
from personalize_api.live.funnels import LiveFunnel
from personalize_api.live.view import SHOWN_VALUES, LiveTrouble, LiveView
from personalize_api.metrics import Metrics
from personalize_api.seldom import SeldomLogger
from schemas.funnel_result import iso_time
from schemas.standard_funnels import HOMEPAGES, VISITS

_PATIENCE_S = 4.0

logger = SeldomLogger(logging.getLogger(__name__))


@dataclass(frozen=True)
class Source:
    """Who fills some fields of the view: `read` gives them by name."""

    fields: tuple[str, ...]
    read: Callable[[], Awaitable[dict[str, Any]]]


@dataclass
class LiveComposer:
    """`site_name` follows the site file. Every source is optional."""

    site_name: Callable[[], str]
    metrics: Metrics
    sources: Sequence[Source] = field(default_factory=tuple)

    async def __call__(self) -> Snapshot:
        """The view as an event `live`; as `trouble` where no source could be read."""
        started = time.perf_counter()
        at = iso_time(time.time_ns() // 1_000_000)
        results = await asyncio.gather(
            *(_in_time(source) for source in self.sources), return_exceptions=True
        )
        view = LiveView(at=at, site=self.site_name())
        for source, result in zip(self.sources, results, strict=True):
            if isinstance(result, BaseException):
                why = _why(source, result)
                view.unavailable.update(dict.fromkeys(source.fields, why))
            else:
                for name, value in result.items():
                    setattr(view, name, value)
        failed = [result for result in results if isinstance(result, BaseException)]
        if failed and len(failed) == len(results):
            return "trouble", msgspec.json.encode(
                LiveTrouble(at=at, message=_why(self.sources[0], failed[0]))
            )
        _rate(view)
        data = msgspec.json.encode(view)
        self.metrics.live_seconds.observe(time.perf_counter() - started)
        return "live", data


async def _in_time(source: Source) -> dict[str, Any]:
    async with asyncio.timeout(_PATIENCE_S):
        return await source.read()


def _why(source: Source, error: BaseException) -> str:
    if isinstance(error, PersonalizeError):
        return error.message
    if isinstance(error, TimeoutError):
        return f"no answer within {_PATIENCE_S:.0f} s"
    logger.error(f"{', '.join(source.fields)} of the live view cannot be told", error)
    return "a fault of ours; see the log"


def _rate(view: LiveView) -> None:
    """Rates, from funnels that are there; then of each breakdown only what is shown."""
    if view.funnels is None:
        why = view.unavailable.get("funnels", "")
        view.unavailable.update({"variants": why, "referrers": why})
        return
    funnels = {funnel.name: funnel for funnel in view.funnels}
    if HOMEPAGES in funnels:
        view.variants = order_rates.variants(funnels[HOMEPAGES])
    else:
        view.unavailable["variants"] = "homepages are not counted live"
    if VISITS in funnels:
        view.referrers = order_rates.referrers(funnels[VISITS])
    else:
        view.unavailable["referrers"] = "visits are not counted live"
    view.funnels = [_shortened(funnel) for funnel in view.funnels]


def _shortened(funnel: LiveFunnel) -> LiveFunnel:
    by = {name: dict(list(values.items())[:SHOWN_VALUES]) for name, values in funnel.by.items()}
    return msgspec.structs.replace(funnel, by=by)
