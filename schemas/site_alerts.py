"""The site file's alerts: what ops are told of, and where they are told it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from urllib.parse import urlsplit

from schemas import site_values as values
from schemas.site import AlertRules
from schemas.site_yaml import Section, unknown

MAX_WEBHOOKS = 8

_ALERTS = (
    *("webhooks", "leave_out", "fall", "holidays"),
    *("lag", "silent", "rejected", "degraded"),
)


def read_alerts(file: Section, funnels: Iterable[str]) -> AlertRules:
    """`funnels`: what may be left out."""
    section = file.open("alerts", _ALERTS)
    rejected = section.open("rejected", ("share", "count"))
    default = AlertRules()
    webhooks = section.many("webhooks", _url)
    if len(webhooks) > MAX_WEBHOOKS:
        section.problems.add(
            section.node("webhooks") or section.line,
            f"webhooks in alerts: {len(webhooks)} addresses; allowed: up to {MAX_WEBHOOKS}",
        )
    known = tuple(funnels)

    def funnel(name: str) -> str:
        if name not in known:
            raise ValueError(unknown("funnel", name, "", known))
        return name

    return AlertRules(
        webhooks=webhooks,
        leave_out=section.many("leave_out", funnel),
        fall=section.read("fall", _part, default.fall),
        lag_ms=section.read("lag", values.duration_within("1s", "1d"), default.lag_ms),
        silent_ms=section.read("silent", values.duration_within("15s", "1h"), default.silent_ms),
        rejected_share=rejected.read("share", _part, default.rejected_share),
        rejected_count=rejected.read("count", values.whole(1, 999_999_999), default.rejected_count),
        degraded_share=section.read("degraded", _part, default.degraded_share),
        holidays=section.many("holidays", _day),
    )


def _day(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise ValueError(f"{value!r} is no date; allowed: 2026-12-25") from error


def _part(value: str) -> float:
    found = values.share(value)
    if not 0.01 <= found <= 1:
        raise ValueError(f"{value!r} is out of range; allowed: 1% to 100%")
    return found


def _url(value: str) -> str:
    text = values.text(value)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        port, parts = 0, urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("no web address; allowed: https://host/path")
    if parts.fragment or " " in text:
        raise ValueError("no web address; allowed: without '#' and spaces")
    return text
