"""`/v1/live`: one computation a second for all viewers, and an end when the service stops."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
import pytest
import redis

from schemas.redis_keys import funnel_field, funnel_key
from schemas.settings import Settings
from tests.integration.personalize_service import SITE, Client, serving
from tests.servers import own_settings


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with serving(addresses) as client:
        yield client


@contextmanager
def viewing(client: Client) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(client.host, client.port, timeout=10)
    try:
        connection.request("GET", "/v1/live")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.getheader("content-type", "").startswith("text/event-stream")
        yield answer
    finally:
        connection.close()


def next_event(stream: http.client.HTTPResponse) -> tuple[str, Any]:
    name = ""
    while True:
        line = stream.readline()
        assert line, "the stream has ended"
        if line.startswith(b"event: "):
            name = line[7:].strip().decode()
        elif line.startswith(b"data: "):
            return name, json.loads(line[6:])


def test_numbers_move_within_two_seconds(client: Client, redis_url: str) -> None:
    hour, minute = divmod(int(time.time()) // 60, 60)
    key = funnel_key(4, SITE.funnels["checkout"].key, hour)
    with viewing(client) as stream, redis.Redis.from_url(redis_url) as store:
        name, before = next_event(stream)
        assert (name, before["site"]) == ("live", "Toyhouse")
        count = before["funnels"][0]["steps"][0]["count"]
        store.hincrby(key, funnel_field(minute, 0), 3)
        started = time.monotonic()
        while (after := next_event(stream)[1]["funnels"][0])["steps"][0]["count"] == count:
            assert time.monotonic() - started < 2
        store.delete(key)
    assert after["steps"][0]["count"] == count + 3
    assert len(after["minutes"]["entered"]) == 60
    assert sum(after["minutes"]["entered"][-2:]) == 3


def test_many_viewers_share_one_computation(client: Client) -> None:
    with ExitStack() as viewers:
        streams = [viewers.enter_context(viewing(client)) for _ in range(100)]
        assert client.metric("footfall_live_viewers") == 100
        before = client.metric("footfall_live_funnels_seconds_count")
        started = time.monotonic()
        for _ in range(2):
            for stream in streams:
                assert next_event(stream)[0] == "live"
        seconds = time.monotonic() - started
        computed = client.metric("footfall_live_funnels_seconds_count") - before
        assert computed <= seconds + 2
    deadline = time.monotonic() + 5
    while client.metric("footfall_live_viewers"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_viewers_do_not_hold_the_service_up_when_it_stops(
    addresses: Settings, redis_url: str, kafka_address: str
) -> None:
    with ExitStack() as viewers:
        with serving(addresses) as client:
            stream = viewers.enter_context(viewing(client))
            next_event(stream)
            started = time.monotonic()
        assert time.monotonic() - started < 3


def test_redis_away_is_told_and_the_stream_goes_on(kafka_address: str) -> None:
    settings = msgspec.structs.replace(own_settings(), kafka=kafka_address)
    with serving(settings) as client, viewing(client) as stream:
        for _ in range(2):
            name, trouble = next_event(stream)
            assert name == "trouble"
            assert "Redis" in trouble["message"]
