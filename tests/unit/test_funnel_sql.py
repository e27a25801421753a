"""The query a funnel becomes, before any server sees it."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from schemas.event import EnrichedEvent
from schemas.redis_keys import ARRIVED
from schemas.site import MAX_STEPS, Funnel, Step
from sinks.clickhouse.errors import UnsupportedFunnel
from sinks.clickhouse.funnel_sql import funnel_sql
from sinks.clickhouse.funnel_times import times_sql
from streams.funnels import CompiledFunnel
from streams.matching import Matcher
from streams.walks import Hit

SAID: dict[str, Any] = {
    "event_id": str(uuid.UUID(int=1)),
    "event_time": 1,
    "received_at": 1,
    "site": "s",
    "type": "track",
    "protocol": "beacon",
    "device_id": "d",
    "consent": "granted",
}

PLAIN = Funnel(name="f", steps=(Step(name="a", event="A"), Step(name="b", page="/b/*")))
BROKEN = Funnel(name="f", steps=(Step(name="a", event="A"), Step(name="b", event="B", without="X")))


def test_a_plain_ordered_funnel_is_windowfunnel() -> None:
    assert "windowFunnel(86400000)" in funnel_sql(PLAIN, 0, 1).sql


@pytest.mark.parametrize(("funnel", "by"), [(BROKEN, None), (PLAIN, "country")])
def test_breaks_and_breakdowns_are_not(funnel: Funnel, by: str | None) -> None:
    assert "windowFunnel" not in funnel_sql(funnel, 0, 1, by).sql


@pytest.mark.parametrize("order", ["strict", "any"])
def test_without_is_refused_where_it_means_nothing(order: str) -> None:
    funnel = Funnel(name="basket", order=order, steps=BROKEN.steps)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedFunnel, match=rf"basket.*{order}"):
        funnel_sql(funnel, 0, 1)


@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
@pytest.mark.parametrize("by", [None, "country", "properties.it's"])
def test_no_text_of_the_site_file_is_in_the_query(order: str, by: str | None) -> None:
    evil = "') OR 1 = 1; DROP TABLE events_stored --"
    steps = (
        Step(name=evil, event=evil),
        Step(name="b", page=f"/*{evil}", where={f"properties.{evil}": (evil,)}),
    )
    query = funnel_sql(Funnel(name=evil, order=order, steps=steps), 0, 1, by)  # type: ignore[arg-type]
    assert "DROP" not in query.sql
    assert "it's" not in query.sql
    assert query.sql.count("{p") >= len(query.parameters)


@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
def test_the_longest_funnel_stays_below_the_servers_limit_of_a_query(order: str) -> None:
    steps = tuple(Step(name=str(i), event=f"E{i}", page="/p/*") for i in range(MAX_STEPS))
    query = funnel_sql(Funnel(name="f", order=order, steps=steps), 0, 1, "country")  # type: ignore[arg-type]
    assert len(query.sql) < 200_000


def test_what_only_clickhouse_breaks_down_changes_nothing_that_is_counted_live() -> None:
    more = msgspec.structs.replace(PLAIN, by=("country", "session.referrer_source"))
    live = msgspec.structs.replace(PLAIN, by=("country",))
    assert more.live_by == ("country",)
    assert more.key == live.key != PLAIN.key
    entered = EnrichedEvent(**{**SAID, "name": "A", "country": "DE"})
    (evidence, plain) = (Matcher([one]).evidence(entered) for one in (more, live))
    assert evidence == plain
    assert evidence
    hit = Hit(evidence.time, evidence.said.steps[0], evidence.said.values[0])
    assert {one.by for one in CompiledFunnel(more).count([hit])} == {"", ARRIVED, "country"}


def test_a_session_is_only_asked_for_what_it_knows() -> None:
    assert "FROM sessions" in funnel_sql(PLAIN, 0, 1, "session.referrer_source").sql
    with pytest.raises(UnsupportedFunnel, match=r"session\.shoe_size"):
        funnel_sql(PLAIN, 0, 1, "session.shoe_size")


@pytest.mark.parametrize("order", ["ordered", "strict", "any"])
def test_the_longest_funnels_times_stay_below_that_limit_too(order: str) -> None:
    steps = tuple(Step(name=str(i), event=f"E{i}", page="/p/*") for i in range(MAX_STEPS))
    query = times_sql(Funnel(name="f", order=order, steps=steps), 0, 1)  # type: ignore[arg-type]
    assert len(query.sql) < 200_000
