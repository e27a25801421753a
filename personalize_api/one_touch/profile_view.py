"""A person's profile as the one-touch view shows it. Times are ISO 8601, UTC."""

from __future__ import annotations

import msgspec

from personalize_api.recognize.visitors import Standing
from schemas.activity import Touch
from schemas.funnel_result import iso_time
from schemas.person_profile import Interest
from schemas.purchases import UNIT


class TouchView(msgspec.Struct, kw_only=True):
    """An arrival from outside."""

    time: str
    medium: str
    source: str
    campaign: str


class ArmView(msgspec.Struct, kw_only=True):
    """The person's arm of an experiment: that of the earliest exposure."""

    experiment: str
    arm: str
    since: str
    running: bool  # the site file has it, with the same goal


class PersonView(msgspec.Struct, kw_only=True):
    """`money`: a decimal number by currency, less refunds. `interests`: strongest first."""

    lifecycle: str
    recency: str
    frequency: str
    segments: list[str]
    first_seen: str | None
    last_seen: str | None
    days: int
    first_order: str | None
    last_order: str | None
    money: dict[str, str]
    interests: list[Interest]
    first_touch: TouchView | None
    last_touch: TouchView | None
    experiments: list[ArmView]


def person_view(standing: Standing) -> PersonView:
    profile = standing.profile
    running = {each.key for each in standing.site.experiments.values()}
    return PersonView(
        lifecycle=profile.lifecycle,
        recency=profile.recency,
        frequency=profile.frequency,
        segments=list(standing.segments),
        first_seen=_time(profile.first_seen),
        last_seen=_time(profile.last_seen),
        days=profile.days,
        first_order=_time(profile.first_order),
        last_order=_time(profile.last_order),
        money={currency: decimal(amount) for currency, amount in profile.money.items()},
        interests=list(profile.interests),
        first_touch=_touch(profile.first_touch),
        last_touch=_touch(profile.last_touch),
        experiments=[
            ArmView(
                experiment=key.rpartition(":")[0],
                arm=shown.arm,
                since=iso_time(shown.time),
                running=key in running,
            )
            for key, shown in sorted(profile.exposures.items())
        ],
    )


def _time(ms: int) -> str | None:
    return iso_time(ms) if ms else None


def decimal(amount: int) -> str:
    """12.50 of 125000, with the digits that are there, two at least."""
    whole, rest = divmod(amount, UNIT)
    digits = f"{rest:04d}".rstrip("0")
    return f"{whole}.{digits:0<2}"


def _touch(touch: Touch | None) -> TouchView | None:
    if touch is None:
        return None
    return TouchView(
        time=iso_time(touch.time),
        medium=touch.medium,
        source=touch.source,
        campaign=touch.campaign,
    )
