"""Past weeks of a funnel in Redis, as the evaluation would have measured them."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from personalize_api.alerts.hours import Hour, StepHour, encode_hour
from personalize_api.alerts.passage import DELAYS
from schemas.redis_keys import ARRIVED, alerts_history_key, funnel_field, funnel_key
from schemas.site import Funnel


def write_history(
    store: redis.Redis,
    funnel: Funnel,
    now_s: float,
    shares: Sequence[float],
    days: int = 21,
    *,
    entries: bool = False,
) -> None:
    """Of every hour of so many days; `shares`: from the second step on. 1,200 an hour enter, and
    come on at once; `entries`: that so many enter is known, too.
    """
    this_hour = int(now_s) // 3600
    steps = []
    before = 1200.0
    for share in shares:
        came = round(before * share)
        misfit = [float(came + number) for number in range(len(DELAYS))]
        due = [round(before, 1)] * len(DELAYS)
        steps.append(StepHour(round(before), came, came, due, misfit))
        before *= share
    for hour in range(this_hour - 24 * days, this_hour):
        day, clock = divmod(hour, 24)
        store.hset(
            alerts_history_key(funnel.key, day),
            str(clock),
            encode_hour(Hour(steps, 1200 if entries else -1)),
        )


def write_arrivals(
    store: redis.Redis, funnel: Funnel, minute: int, arrived: Sequence[int], partition: int = 3
) -> None:
    """Units that came to each step in that minute (since 1970), as the stream counts them."""
    key = funnel_key(partition, funnel.key, minute // 60)
    for step, count in enumerate(arrived):
        by = ARRIVED if step else ""
        store.hset(key, funnel_field(minute % 60, step, by), count)


def write_breakdown(
    store: redis.Redis, funnel: Funnel, minute: int, variant: str, reached: Sequence[int]
) -> None:
    """Of those who entered in that minute with this variant, how many reached each step."""
    key = funnel_key(4, funnel.key, minute // 60)
    for step, count in enumerate(reached):
        store.hset(key, funnel_field(minute % 60, step, "variant", variant), count)
