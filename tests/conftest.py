"""Fixtures for every test: the real servers of tests/servers.py."""

from hypothesis import settings as hypothesis_settings

from tests.servers import (
    addresses,
    apache_kafka,
    clickhouse,
    clickhouse_http_url,
    clickhouse_url,
    kafka_address,
    ports_of_the_module,
    redis_url,
    settings,
)

# A slow machine is no failure; speed is measured by `make bench`.
hypothesis_settings.register_profile("footfall", deadline=None)
hypothesis_settings.load_profile("footfall")

__all__ = [
    "addresses",
    "apache_kafka",
    "clickhouse",
    "clickhouse_http_url",
    "clickhouse_url",
    "kafka_address",
    "ports_of_the_module",
    "redis_url",
    "settings",
]
