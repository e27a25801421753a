"""Where each field of the live view comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from personalize_api.alerts.alerting import Alerting
from personalize_api.funnels import LiveFunnels
from personalize_api.live_composer import Source
from personalize_api.pulse import LivePulse, Pulse, Stage
from schemas.funnel_result import iso_time
from schemas.heartbeat import ServiceView

_OF_THE_PULSE = ("visitors", "events", "pages", "rejected", "stages", "decisions")


def live_sources(funnels: LiveFunnels, pulse: LivePulse, alerting: Alerting) -> list[Source]:
    async def read_funnels() -> dict[str, Any]:
        return {"funnels": alerting.with_usual(await funnels.all())}

    async def read_alerts() -> dict[str, Any]:
        return {"alerts": alerting.view().alerts}

    async def read_pulse() -> dict[str, Any]:
        now = await pulse.now()
        told = {name: getattr(now, name) for name in _OF_THE_PULSE}
        return {**told, "stages": stages_and_services(now)}

    return [
        Source(("funnels",), read_funnels),
        Source(("alerts",), read_alerts),
        Source(_OF_THE_PULSE, read_pulse),
    ]


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
