"""What is wrong with the system itself: stages behind, services silent, input refused, decisions
degraded, spool in use. Pure; each rule is a few lines.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from personalize_api.alerts.state import Finding
from personalize_api.live.pulse import Pulse
from schemas.funnel_result import ms_of
from schemas.site import AlertRules

RATE_MINUTES = 5
LEAST_DEGRADED = 5
_CRITICAL = 10.0
"""A stage so many times later than is told at all is critical."""

_STILL = 0.5
"""What is told ends at half of what began it: a rate about its border is one alert, not many."""


_ON_THE_WAY_MS = 1000
"""What was sent less than that ago may not have come to the stream yet."""


def findings(
    pulse: Pulse, rules: AlertRules, now_ms: int, active: Container[str]
) -> Iterator[Finding]:
    """What is wrong now; `active`: subjects that were found before."""
    yield from _late(pulse, rules, now_ms, active)
    yield from _silent(pulse, rules, now_ms)
    yield from _rejected(pulse, rules, now_ms, active)
    yield from _degraded(pulse, rules, now_ms, active)
    yield from _spool(pulse, now_ms)


def counted_until(pulse: Pulse, now_ms: int) -> int:
    """The moment (ms) up to which live counts are complete, as the stream's stages say."""
    stages = [stage for stage in pulse.stages if stage.name.startswith("stream.")]
    heard = [ms_of(stage.at) - round(stage.behind_s * 1000) for stage in stages]
    return min([now_ms, *heard]) - _ON_THE_WAY_MS


def _late(
    pulse: Pulse, rules: AlertRules, now_ms: int, active: Container[str]
) -> Iterator[Finding]:
    border_s = rules.lag_ms / 1000
    for stage in pulse.stages:
        subject = f"lag/{stage.name}"
        if stage.behind_s < border_s * (_STILL if subject in active else 1):
            continue
        yield Finding(
            subject=subject,
            kind="lag",
            severity="critical" if stage.behind_s >= border_s * _CRITICAL else "warning",
            title=f"{stage.name} is {_duration(stage.behind_s)} behind",
            detail=f"{stage.behind:,} records wait; live numbers and decisions are that old",
            since_ms=now_ms - round(stage.behind_s * 1000),
        )


def _silent(pulse: Pulse, rules: AlertRules, now_ms: int) -> Iterator[Finding]:
    """One a service: its instances that are gone while others do its work are told as a warning."""
    expected: dict[str, list[int]] = {}
    missing: dict[str, list[tuple[str, int]]] = {}
    for each in pulse.services:
        if each.state == "stopped":
            continue
        expected.setdefault(each.service, []).append(each.at)
        if now_ms - each.at > rules.silent_ms:
            missing.setdefault(each.service, []).append((each.instance, each.at))
    for service, gone in missing.items():
        all_gone = len(gone) == len(expected[service])
        names = ", ".join(instance for instance, _ in sorted(gone))
        what = "no other runs" if all_gone else "others do its work"
        last = max(at for _, at in gone) if all_gone else min(at for _, at in gone)
        yield Finding(
            subject=f"silent/{service}",
            kind="silent",
            severity="critical" if all_gone else "warning",
            title=f"{service} gives no sign",
            detail=f"{names} was last heard of {_duration((now_ms - last) / 1000)} ago; {what}",
            since_ms=last,
        )


def _rejected(
    pulse: Pulse, rules: AlertRules, now_ms: int, active: Container[str]
) -> Iterator[Finding]:
    part = _STILL if "rejected" in active else 1.0
    count = _last(pulse.rejected.minutes)
    everything = count + _last(pulse.events.minutes) + _last(pulse.events.bots)
    if count < max(rules.rejected_count * part, 1):
        return
    if count < rules.rejected_share * part * everything:
        return
    most = max(pulse.rejected.reasons, key=lambda each: (each.newest_at, each.count), default=None)
    why = f"; newest: {most.reason} by {most.protocol or 'no protocol'}" if most else ""
    yield Finding(
        subject="rejected",
        kind="rejected",
        severity="warning",
        title=f"{count / everything:.0%} of the events are rejected",
        detail=f"{count:,} of {everything:,} in five minutes{why}; see: footfall rejected list",
        since_ms=_began(pulse.rejected.minutes, now_ms),
    )


def _degraded(
    pulse: Pulse, rules: AlertRules, now_ms: int, active: Container[str]
) -> Iterator[Finding]:
    part = _STILL if "degraded" in active else 1.0
    count, everything = _last(pulse.decisions.degraded), _last(pulse.decisions.minutes)
    if count < max(LEAST_DEGRADED * part, 1) or count < rules.degraded_share * part * everything:
        return
    share = count / max(everything, count)
    yield Finding(
        subject="degraded",
        kind="degraded",
        severity="critical" if share > 0.5 else "warning",
        title=f"{share:.0%} of the homepage's decisions are degraded",
        detail=f"{count:,} of {everything:,} in five minutes were made without knowing the visitor",
        since_ms=_began(pulse.decisions.degraded, now_ms),
    )


def _spool(pulse: Pulse, now_ms: int) -> Iterator[Finding]:
    spools = {beat.instance: beat.spool_bytes for beat in pulse.beats if beat.spool_bytes}
    if not spools:
        return
    yield Finding(
        subject="spool",
        kind="spool",
        severity="warning",
        title="events are spooled to disk",
        detail=f"{sum(spools.values()):,} bytes at {', '.join(sorted(spools))}: Kafka takes none",
        since_ms=now_ms,
    )


def _last(minutes: Sequence[int]) -> int:
    return sum(minutes[-RATE_MINUTES:])


def _began(minutes: Sequence[int], now_ms: int) -> int:
    """The beginning of the first of the last minutes, without a gap, in which there were any."""
    back = 0
    while back < len(minutes) - 1 and minutes[-2 - back]:
        back += 1
    return (now_ms // 60_000 - back) * 60_000


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
