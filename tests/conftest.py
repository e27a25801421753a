"""Fixtures for every test: the real servers of tests/servers.py."""

from tests.servers import (
    addresses,
    clickhouse_http_url,
    clickhouse_url,
    kafka_address,
    redis_url,
    settings,
)

__all__ = [
    "addresses",
    "clickhouse_http_url",
    "clickhouse_url",
    "kafka_address",
    "redis_url",
    "settings",
]
