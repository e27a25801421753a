"""`/v1/live`: one computation a second for all viewers, and an end when the service stops."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import msgspec
import pytest
import redis

from personalize_api.live import event_stream, pulse
from personalize_api.live import feed as live
from schemas.redis_keys import funnel_field, funnel_key
from schemas.settings import Settings
from tests.integration.personalize_service import SITE, Client, serving
from tests.servers import own_settings


@pytest.fixture(scope="module")
def client(addresses: Settings, redis_url: str, kafka_address: str) -> Iterator[Client]:
    with serving(addresses) as client:
        yield client


@contextmanager
def viewing(client: Client, last_id: str = "") -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection(client.host, client.port, timeout=10)
    try:
        connection.request("GET", "/v1/live", headers={"Last-Event-ID": last_id} if last_id else {})
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
        streams = [viewers.enter_context(viewing(client)) for _ in range(200)]
        assert client.metric("footfall_live_viewers") == 200
        before = client.metric("footfall_live_seconds_count")
        started = time.monotonic()
        for _ in range(2):
            for stream in streams:
                assert next_event(stream)[0] == "live"
        seconds = time.monotonic() - started
        computed = client.metric("footfall_live_seconds_count") - before
        assert computed <= seconds + 2
    deadline = time.monotonic() + 5
    while client.metric("footfall_live_viewers"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def next_id(stream: http.client.HTTPResponse) -> str:
    while not (line := stream.readline()).startswith(b"id: "):
        assert line, "the stream has ended"
    return line[4:].strip().decode()


def test_whoever_comes_back_gets_the_newest_at_once_and_nothing_twice(client: Client) -> None:
    with viewing(client) as other:
        seen = next_id(other)
        missed = next_id(other)
        started = time.monotonic()
        with viewing(client, seen) as back:
            assert next_id(back) == missed
            assert time.monotonic() - started < 0.5
        with viewing(client, missed) as back:
            assert next_id(back) not in (seen, missed)


def test_ids_of_another_life_of_the_service_count_for_nothing(client: Client) -> None:
    with viewing(client) as other:
        number = next_id(other).partition("-")[2]
        with viewing(client, f"0-{number}") as back:
            started = time.monotonic()
            next_event(back)
            assert time.monotonic() - started < 0.5


def test_a_viewer_who_reads_nothing_is_let_go(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within the patience, however much the kernel would hold."""
    monkeypatch.setattr(event_stream, "PATIENCE_S", 0.5)
    monkeypatch.setattr(live, "_EVERY_S", 0.05)
    dropped = client.metric("footfall_live_viewers_dropped_total")
    with socket.socket() as idle, viewing(client) as reader:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect((client.host, client.port))
        idle.sendall(b"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        deadline = time.monotonic() + 25
        while client.metric("footfall_live_viewers_dropped_total") == dropped:
            assert time.monotonic() < deadline, "who reads nothing is still served"
            next_event(reader)
        assert client.metric("footfall_live_viewers") == 1
        next_event(reader)


def test_a_part_that_cannot_be_read_is_told_and_the_others_go_on(
    client: Client, redis_url: str
) -> None:
    """What fails is a fault of ours in one reader: here the one of the pulse."""
    with viewing(client) as stream, pytest.MonkeyPatch.context() as broken:
        broken.setattr(pulse, "composed", lambda *_: 1 / 0)
        deadline = time.monotonic() + 20
        while (view := next_event(stream)[1])["visitors"] is not None:
            assert time.monotonic() < deadline
        assert view["stages"] is None
        assert "see the log" in view["unavailable"]["visitors"]
        assert view["funnels"][0]["name"] == "checkout"
        broken.undo()
        while (view := next_event(stream)[1])["visitors"] is None:
            assert time.monotonic() < deadline
        assert "visitors" not in view["unavailable"]


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
