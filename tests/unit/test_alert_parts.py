"""A checkout that breaks on phones only: who is told of, how soon, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from personalize_api.alerts import funnel_alerts, part_alerts
from personalize_api.alerts.flows import KEPT_MINUTES, Flows
from personalize_api.alerts.funnel_alerts import Now, Parts
from personalize_api.alerts.history import History
from personalize_api.alerts.hours import Hour, StepHour
from personalize_api.alerts.incidents import change
from personalize_api.alerts.passage import DELAYS
from personalize_api.alerts.series import Series
from personalize_api.alerts.state import AlertState
from personalize_api.live.by_value import ByValue
from personalize_api.live.funnels import LiveFunnel, MinuteCounts
from schemas.funnel_result import StepResult

DAY: ByValue = {
    ("device_class", "phone"): [6000, 2400],
    ("device_class", "desktop"): [4000, 1600],
    ("device_class", "tv"): [20, 8],
}
START = 490_824 * 60
PER_MINUTE = {"phone": 12, "desktop": 8}
FUNNEL = LiveFunnel(
    name="checkout", per="person", order="ordered", within_s=86400, from_="", to="",
    steps=[StepResult(name=n, count=1, share=None, from_previous=None) for n in ("cart", "order")],
    by={}, approximate=False, minutes=MinuteCounts(entered=[], completed=[]), not_live=[],
    since=None, arrived=[], usual=[], now=[],
)  # fmt: skip


def history() -> History:
    known = History(2, ZoneInfo("UTC"))
    misfit = [float(480 + number) for number in range(len(DELAYS))]
    hour = Hour([StepHour(1200, 480, 480, [1200.0] * len(DELAYS), misfit)], 1200)
    known.load(dict.fromkeys(range(START // 60 - 24 * 20, START // 60), hour))
    return known


def told(left: Callable[[str, int], float], minutes: int, seed: int = 1) -> list[tuple[int, str]]:
    """(minute, subject) of each alert that is raised, '-' before those that end; `left`: the part
    of a value's orders that are still made in a minute.
    """
    random, known, flows, state = np.random.default_rng(seed), history(), Flows(2), AlertState()
    counts: ByValue = {("device_class", name): [0, 0] for name in PER_MINUTE}
    series, found = Series(), []
    totals: list[list[int]] = [[], []]
    flows.see(START - 1, 1, {key: list(row) for key, row in counts.items()})
    for minute in range(minutes):
        for name, rate in PER_MINUTE.items():
            entered = int(random.poisson(rate))
            counts["device_class", name][0] += entered
            counts["device_class", name][1] += int(
                random.binomial(entered, 0.4 * left(name, minute))
            )
        flows.see(START + minute, 1, {key: list(row) for key, row in counts.items()})
        for step in (0, 1):
            everybody = sum(row[step] for row in counts.values())
            totals[step].append(everybody - sum(totals[step]))
        series.see(START + minute, [step[-60:] for step in totals])
        now = Now(series, series.steps, START + minute, 1.0)
        for _ in range(6):
            moved = asyncio.run(_evaluate(known, state, now, Parts(flows, DAY)))
            found += [(minute, alert.id.partition("@")[0]) for alert in moved.raised]
            found += [(minute, "-" + alert.id.partition("@")[0]) for alert in moved.resolved]
    return found


async def _evaluate(known: History, state: AlertState, now: Now, parts: Parts):  # type: ignore[no-untyped-def]
    async def over(_minutes: int) -> list[LiveFunnel]:
        return []

    whole = await funnel_alerts.findings(FUNNEL, known, state, now, 0.2, parts, over)
    part = await part_alerts.findings(FUNNEL, known, state, now, 0.2, parts)
    return change(state, [*whole, *part], now.minute * 60_000)


WHOLE = "funnel/checkout/order"
PHONES = f"{WHOLE}/device_class=phone"


def test_what_is_broken_on_phones_only_is_told_of_them_and_ends() -> None:
    alerts = told(lambda name, minute: float(name != "phone" or not 60 <= minute < 90), 130)
    (raised, what), *others = [alert for alert in alerts if alert[1].lstrip("-") != WHOLE]
    assert what == PHONES
    assert 62 <= raised <= 66, "15 orders of phones"
    assert [subject for _, subject in others] == [f"-{PHONES}"]
    assert 90 < others[0][0] < 110


def test_what_is_broken_for_all_is_told_of_the_step() -> None:
    alerts = told(lambda _, minute: float(not 60 <= minute < 75), 110)
    assert [subject for _, subject in alerts] == [WHOLE, f"-{WHOLE}"], "and of no part when it ends"


@pytest.mark.parametrize("seed", [2, 3])
def test_nothing_is_told_where_nothing_broke(seed: int) -> None:
    assert told(lambda _name, _minute: 1.0, 200, seed) == []


def test_flows_are_what_counts_grew_by() -> None:
    flows, key = Flows(2), ("device_class", "phone")
    flows.see(10, 1, {key: [100, 40]})
    flows.see(10, 1, {key: [103, 41]})
    flows.see(12, 1, {key: [110, 41]})
    assert flows.of(key, 0, 13) == [3, 0, 7, 0]
    assert flows.of(key, 1, 13) == [1, 0, 0, 0]
    flows.see(13, 2, {key: [20, 3]})  # of another hour on: no difference
    flows.see(13, 2, {key: [21, 4], ("device_class", "tv"): [2, 0]})
    assert flows.of(key, 0, 13) == [3, 0, 7, 1]
    assert flows.sums(12) == {key: [8, 1], ("device_class", "tv"): [2, 0]}
    flows.see(13 + KEPT_MINUTES, 2, {key: [22, 4]})
    assert flows.since > 13
