"""Which of the site's segments a profile is in."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.activity import Touch
from schemas.person_profile import PersonProfile
from schemas.purchases import UNIT
from schemas.site import InterestRule, Range, SegmentRule, Site, Value

Known = str | float | None


def segments_in(site: Site, profile: PersonProfile, now_ms: int) -> tuple[str, ...]:
    """Names, in the site file's order: of each segment in which all conditions hold."""
    known = _known(site, profile, now_ms)
    shares = {interest.category.lower(): interest.share for interest in profile.interests}
    return tuple(name for name, rule in site.segments.items() if _is_in(rule, known, shares))


def _is_in(rule: SegmentRule, known: Mapping[str, Known], shares: Mapping[str, float]) -> bool:
    return all(
        any(_holds(one, known.get(name), shares) for one in allowed)
        for name, allowed in rule.when.items()
    )


def _holds(
    allowed: Value | Range | InterestRule, found: Known, shares: Mapping[str, float]
) -> bool:
    if isinstance(allowed, InterestRule):
        share = shares.get(allowed.category.lower(), 0.0)
        return share > 0 and share >= allowed.share
    if isinstance(allowed, Range):
        return isinstance(found, float) and allowed.low <= found <= allowed.high
    return isinstance(found, str) and found.lower() == str(allowed).lower()


def _known(site: Site, profile: PersonProfile, now_ms: int) -> dict[str, Known]:
    """What conditions may name, but for interests; ages in ms, None where it never was."""
    return {
        "orders": float(profile.orders),
        "revenue": _revenue(site, profile),
        "sessions": float(profile.sessions),
        "days": float(profile.days),
        "first_seen": _age(profile.first_seen, now_ms),
        "last_seen": _age(profile.last_seen, now_ms),
        "first_order": _age(profile.first_order, now_ms),
        "last_order": _age(profile.last_order, now_ms),
        "class": profile.class_,
        "recency": profile.recency,
        "frequency": profile.frequency,
        "lifecycle": profile.lifecycle,
        **_touched("first_touch", profile.first_touch),
        **_touched("last_touch", profile.last_touch),
    }


def _revenue(site: Site, profile: PersonProfile) -> float:
    """In the site's currency; where the site names none, in the person's only one."""
    if site.currency:
        return profile.money.get(site.currency, 0) / UNIT
    return next(iter(profile.money.values())) / UNIT if len(profile.money) == 1 else 0.0


def _age(time_ms: int, now_ms: int) -> float | None:
    return float(max(0, now_ms - time_ms)) if time_ms else None


def _touched(name: str, touch: Touch | None) -> dict[str, Known]:
    if touch is None:
        return {}
    return {
        f"{name}.medium": touch.medium,
        f"{name}.source": touch.source,
        f"{name}.campaign": touch.campaign,
    }
