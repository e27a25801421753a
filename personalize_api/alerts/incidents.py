"""From what is wrong now to alerts that begin and end: the same trouble is one incident."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from personalize_api.alerts.state import (
    MAX_RECENT,
    Alert,
    AlertState,
    Finding,
    Incident,
    Resolved,
)
from schemas.funnel_result import iso_time

RAISE_AFTER = 2
RESOLVE_AFTER = 3
"""Evaluations in a row; what is watched has its own (`watch`), and is taken as it is found."""

WATCHED = ("funnel", "entry")


class Change(msgspec.Struct, frozen=True):
    raised: list[Alert]
    resolved: list[Resolved]


def change(state: AlertState, found: Iterable[Finding], now_ms: int) -> Change:
    """Moves what is active by one evaluation, in place."""
    by_subject = {finding.subject: finding for finding in found}
    raised = [_raise(state, f, now_ms) for f in by_subject.values() if _is_new(state, f)]
    resolved = []
    for subject, incident in list(state.active.items()):
        finding = by_subject.get(subject)
        if finding is not None:
            incident.missing = 0
            incident.alert = _told_anew(incident.alert, finding)
            continue
        incident.missing += 1
        if incident.alert.kind in WATCHED or incident.missing >= RESOLVE_AFTER:
            del state.active[subject]
            fields = msgspec.structs.asdict(incident.alert)
            resolved.append(Resolved(**fields, until=iso_time(now_ms)))
    state.found = {s: n for s, n in state.found.items() if s in by_subject}
    state.recent = [*resolved, *state.recent][:MAX_RECENT]
    state.at = now_ms
    return Change(raised, resolved)


def ordered(state: AlertState) -> list[Alert]:
    """What is active, the worst first, then the oldest."""
    alerts = [incident.alert for incident in state.active.values()]
    return sorted(alerts, key=lambda alert: (alert.severity != "critical", alert.since, alert.id))


def _is_new(state: AlertState, finding: Finding) -> bool:
    if finding.subject in state.active:
        return False
    times = state.found.pop(finding.subject, 0) + 1
    if finding.kind in WATCHED or times >= RAISE_AFTER:
        return True
    state.found[finding.subject] = times
    return False


def _raise(state: AlertState, finding: Finding, now_ms: int) -> Alert:
    alert = Alert(
        id=f"{finding.subject}@{now_ms // 1000}",
        kind=finding.kind,
        severity=finding.severity,
        title=finding.title,
        detail=finding.detail,
        since=iso_time(finding.since_ms),
    )
    state.active[finding.subject] = Incident(subject=finding.subject, alert=alert)
    return alert


def _told_anew(alert: Alert, finding: Finding) -> Alert:
    """The newest figures; when it began, and who it is, stay. A warning may become critical."""
    return msgspec.structs.replace(
        alert,
        title=finding.title,
        detail=finding.detail,
        severity="critical" if "critical" in (alert.severity, finding.severity) else "warning",
    )
