"""Where each field of the live view comes from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from personalize_api.alerts.alerting import Alerting
from personalize_api.live.composer import Source
from personalize_api.live.funnels import LiveFunnels
from personalize_api.live.pulse import LivePulse, Page, Pulse, Stage
from schemas.funnel_result import iso_time
from schemas.heartbeat import ServiceView

_OF_THE_PULSE = ("visitors", "events", "pages", "rejected", "stages", "decisions")

MANY_VIEWS = 5
_DIGITS = re.compile(r"[^/]*\d[^/]*")


def live_sources(funnels: LiveFunnels, pulse: LivePulse, alerting: Alerting) -> list[Source]:
    async def read_funnels() -> dict[str, Any]:
        return {"funnels": alerting.with_usual(await funnels.all())}

    async def read_alerts() -> dict[str, Any]:
        return {"alerts": alerting.view().alerts}

    async def read_pulse() -> dict[str, Any]:
        now = await pulse.now()
        told = {name: getattr(now, name) for name in _OF_THE_PULSE}
        return {**told, "stages": stages_and_services(now), "pages": pages_of_many(now.pages)}

    return [
        Source(("funnels",), read_funnels),
        Source(("alerts",), read_alerts),
        Source(_OF_THE_PULSE, read_pulse),
    ]


def pages_of_many(pages: Sequence[Page]) -> list[Page]:
    """What few have seen may be somebody's own page: there a segment with a digit is shown as `*`,
    be it an order's number or a product's.
    """
    views = Counter[str]()
    for page in pages:
        views[page.path if page.views >= MANY_VIEWS else _DIGITS.sub("*", page.path)] += page.views
    return [Page(path=path, views=count) for path, count in views.most_common()]


def stages_and_services(pulse: Pulse) -> list[Stage]:
    """Stages, and each service that has none: it too may give no sign of life."""
    named = {stage.name.partition(".")[0] for stage in pulse.stages}
    services: dict[str, list[ServiceView]] = {}
    for view in pulse.services:
        if view.service not in named:
            services.setdefault(view.service, []).append(view)
    return [*pulse.stages, *(_as_stage(name, views) for name, views in services.items())]


def _as_stage(name: str, views: Sequence[ServiceView]) -> Stage:
    """Of several instances the one that was heard of longest ago."""
    oldest = min(views, key=lambda view: view.at)
    return Stage(
        name=name,
        partitions=0,
        behind=0,
        behind_s=0.0,
        at=iso_time(oldest.at),
        state="ok" if oldest.state == "ok" else "silent",
    )
