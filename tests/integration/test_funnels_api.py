"""`/v1/funnels`: live counters in Redis as a funnel, for those who may see it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from schemas.begun import encode_begun
from schemas.funnel_result import iso_time
from schemas.redis_keys import (
    ARRIVED,
    TOUCHED_HOURS,
    begun_key,
    experiment_field,
    experiment_key,
    experiment_total_key,
    funnel_field,
    funnel_key,
    touched_key,
)
from schemas.settings import Settings
from schemas.topics import RAW
from tests.integration.personalize_service import ADMIN, SITE, Client, serving

CHECKOUT = SITE.funnels["checkout"]


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with serving(addresses) as client:
        yield client


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as store:
        yield store
        for key in (*store.scan_iter("*:f:*"), *store.scan_iter("*:x:*")):
            store.delete(key)
        for hour in range(int(time.time()) // 3600 - 48, int(time.time()) // 3600 + 1):
            touch(store, 0, hour)


def touch(store: redis.Redis, partition: int, hour: int) -> None:
    """As the stream does when it changes counters."""
    store.hincrby(touched_key(partition), str(hour % TOUCHED_HOURS), 1)


def enter(
    store: redis.Redis,
    partition: int,
    counts: tuple[int, ...],
    *,
    minutes_ago: int = 0,
    by: str = "",
    value: str = "",
) -> None:
    minute = int(time.time()) // 60 - minutes_ago
    key = funnel_key(partition, CHECKOUT.key, minute // 60)
    for step, count in enumerate(counts):
        store.hincrby(key, funnel_field(minute % 60, step, by, value), count)
    touch(store, partition, minute // 60)


def fresh(client: Client, path: str) -> Any:
    """The answer after what is shared for a second has been computed anew."""
    time.sleep(1.0)
    answer = client.ask(path)
    assert answer.status == 200, answer.body
    return answer.json()


def test_counts_are_summed_over_partitions_and_minutes(client: Client, store: redis.Redis) -> None:
    enter(store, 0, (5, 3, 1))
    enter(store, 7, (5, 2, 1), minutes_ago=90)
    enter(store, 3, (100, 100, 100), minutes_ago=1500)
    enter(store, 0, (4, 2, 1), by="referrer_source", value="Encyclopedia")
    funnel = fresh(client, "/v1/funnels/checkout")
    assert [(s["name"], s["count"]) for s in funnel["steps"]] == [
        ("product", 10),
        ("cart", 5),
        ("order", 2),
    ]
    assert [s["share"] for s in funnel["steps"]] == [1.0, 0.5, 0.2]
    assert [s["from_previous"] for s in funnel["steps"]] == [None, 0.5, 0.4]
    by_source = funnel["by"]["referrer_source"]
    assert [s["count"] for s in by_source["Encyclopedia"]] == [4, 2, 1]
    assert funnel["by"]["variant"] == {}
    assert (funnel["per"], funnel["order"], funnel["within_s"]) == ("person", "ordered", 86400)
    assert not funnel["approximate"]


def test_outcomes_of_experiments_are_summed_by_arm(client: Client, store: redis.Redis) -> None:
    key = SITE.experiments["hero"].key
    minute = int(time.time()) // 60
    for partition, ago, medium, arm, counts in (
        (0, 0, "search", "search-hero", (5, 2)),
        (7, 90, "email", "search-hero", (1, 1)),
        (3, 0, "search", "holdout", (2, 0)),
        (3, 1500, "search", "holdout", (100, 100)),
        (4, 0, "search", "nobody-now", (0, 0)),
    ):
        hour, rest = divmod(minute - ago, 60)
        for step, count in enumerate(counts):
            field = funnel_field(rest, step, medium, arm)
            store.hincrby(experiment_key(partition, key, hour), field, count)
            total = experiment_field(step, medium, arm)
            store.hincrby(experiment_total_key(partition, key), total, count)
    (hero,) = fresh(client, "/v1/experiments")["experiments"]
    assert (hero["name"], hero["goal"]) == ("hero", "")
    assert hero["arms"] == [
        {"name": "holdout", "exposed": 2, "converted": 0, "rate": 0.0},
        {"name": "search-hero", "exposed": 6, "converted": 3, "rate": 0.5},
    ]
    assert [(arm["name"], arm["exposed"]) for arm in hero["total"]] == [
        ("holdout", 102),
        ("search-hero", 6),
    ]
    assert {m: [arm["exposed"] for arm in arms] for m, arms in hero["media"].items()} == {
        "email": [1],
        "search": [102, 5],
    }
    (hero,) = fresh(client, "/v1/experiments?minutes=60")["experiments"]
    assert [arm["exposed"] for arm in hero["arms"]] == [2, 5]


def test_an_hour_that_was_touched_is_read_again(client: Client, store: redis.Redis) -> None:
    enter(store, 2, (5, 0, 0), minutes_ago=300)
    assert fresh(client, "/v1/funnels/checkout")["steps"][0]["count"] == 5
    enter(store, 2, (-2, 0, 0), minutes_ago=300)
    enter(store, 6, (0, 1, 0), minutes_ago=301)
    funnel = fresh(client, "/v1/funnels/checkout")
    assert [step["count"] for step in funnel["steps"]] == [3, 1, 0]


def test_a_changed_definition_counts_from_when_it_began(client: Client, store: redis.Redis) -> None:
    enter(store, 2, (5, 0, 0), minutes_ago=300)
    enter(store, 2, (3, 0, 0), minutes_ago=100)
    now = int(time.time() * 1000)
    anew, other = {CHECKOUT.key: now - 200 * 60_000}, {"another:00000000": 0}
    for partition, begun in ((0, {CHECKOUT.key: 0}), (1, anew), (2, other)):
        store.set(begun_key(RAW, partition), encode_begun(begun))
    funnel = fresh(client, "/v1/funnels/checkout")
    assert funnel["since"] == iso_time(anew[CHECKOUT.key])
    assert funnel["steps"][0]["count"] == 3
    store.delete(begun_key(RAW, 0), begun_key(RAW, 1))
    waiting = fresh(client, "/v1/funnels/checkout")
    assert waiting["since"] == waiting["to"], "the stream does not know of it yet"
    store.delete(begun_key(RAW, 2))
    assert fresh(client, "/v1/funnels/checkout")["since"] is None


def test_the_window_can_be_chosen(client: Client, store: redis.Redis) -> None:
    enter(store, 0, (5, 3, 1))
    enter(store, 7, (5, 2, 1), minutes_ago=90)
    enter(store, 3, (100, 100, 100), minutes_ago=1500)
    assert fresh(client, "/v1/funnels/checkout?minutes=60")["steps"][0]["count"] == 5
    assert fresh(client, "/v1/funnels/checkout?minutes=2880")["steps"][0]["count"] == 110


def test_the_sites_own_funnels_are_listed_and_the_standard_ones_are_known(client: Client) -> None:
    listed = client.ask("/v1/funnels").json()["funnels"]
    assert [funnel["name"] for funnel in listed] == ["checkout", "anyhow"]
    visits = client.ask("/v1/funnels/visits").json()
    assert [step["name"] for step in visits["steps"]] == ["arrival", "order"]
    assert client.ask("/v1/funnels/homepages").status == 200
    unknown = client.ask("/v1/funnels/none")
    assert unknown.status == 404
    assert "checkout, anyhow, visits, homepages" in unknown.json()["message"]


def test_arrivals_are_told_by_minute_and_what_share_came_on(
    client: Client, store: redis.Redis
) -> None:
    enter(store, 0, (8, 0, 0), minutes_ago=2)
    enter(store, 5, (8, 0, 0), minutes_ago=20)
    enter(store, 0, (0, 4, 1), minutes_ago=1, by=ARRIVED)
    funnel = fresh(client, "/v1/funnels/checkout")
    assert [sum(minutes) for minutes in funnel["arrived"]] == [16, 4, 1]
    assert sum(funnel["arrived"][1][-3:]) == 4
    assert funnel["now"] == [None, 0.5, 0.25]
    assert (funnel["usual"], funnel["since"]) == ([None] * 3, None)
    assert funnel["steps"][1]["count"] == 0, "who arrived is no entry"


def test_rubbish_among_the_counters_is_left_out(client: Client, store: redis.Redis) -> None:
    enter(store, 0, (5, 3, 1))
    hour = int(time.time()) // 3600
    store.hset(funnel_key(1, CHECKOUT.key, hour), mapping={b"\xff": b"1", b"1|0||": b"many"})
    store.set(funnel_key(2, CHECKOUT.key, hour), "not a hash")
    assert fresh(client, "/v1/funnels/checkout")["steps"][0]["count"] == 5


@pytest.mark.parametrize(
    "path", ["/ops", "/v1/live", "/v1/funnels", "/v1/funnels/checkout", "/v1/experiments"]
)
@pytest.mark.parametrize(
    "header", [{"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=::1"}, {"Via": "1.1 p"}]
)
def test_a_forwarded_caller_needs_the_admin_token(
    client: Client, path: str, header: dict[str, str]
) -> None:
    assert client.ask(path, headers=header).status == 401
    wrong = {**header, "Authorization": "Bearer sk_demo"}
    assert client.ask(path, headers=wrong).status == 401
    if path != "/v1/live":
        assert client.ask(path, headers={**header, **ADMIN}).status == 200


def test_the_ops_page_is_strict_about_what_it_loads(client: Client) -> None:
    page = client.ask("/ops")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert b"//" not in page.body.replace(b"<!doctype", b"")
    for name, kind in (("ops.css", "text/css"), ("ops.js", "text/javascript")):
        file = client.ask(f"/ops/{name}")
        assert (file.status, file.headers["content-type"].split(";")[0]) == (200, kind)
