"""The shared servers answer over their real protocols."""

from __future__ import annotations

import urllib.request

import redis
from clickhouse_driver import Client
from confluent_kafka.admin import AdminClient

from schemas.settings import Settings


def test_the_broker_answers_a_metadata_request(kafka_address: str, settings: Settings) -> None:
    assert settings.kafka == kafka_address
    answer = AdminClient({"bootstrap.servers": kafka_address}).list_topics(timeout=5)
    assert answer.brokers


def test_redis_answers(redis_url: str, settings: Settings) -> None:
    assert settings.redis_url == redis_url
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
        assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_clickhouse_answers_on_both_ports(clickhouse_url: str, clickhouse_http_url: str) -> None:
    with Client.from_url(clickhouse_url) as client:
        assert client.execute("SELECT currentDatabase(), timezone()") == [("footfall", "UTC")]
    with urllib.request.urlopen(f"{clickhouse_http_url}/ping", timeout=5) as answer:
        assert answer.read() == b"Ok.\n"
