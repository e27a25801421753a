"""Real servers for tests, on free ports, stopped at the end.

Fixtures: `kafka_address`, `redis_url`, `clickhouse_url`, `clickhouse_http_url`, each of which
starts its server; `settings`, which starts all of them; `apache_kafka`, the real Kafka where there
is a Java. A module of tests gets empty ones, so that what one leaves behind decides nothing in
another, whatever their order. Within a module they are shared: a test uses topics, keys and tables
of its own, or clears what it shares. Apache Kafka alone is shared by all, since it starts slowly.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.embedded import broker, clickhouse_server, redis_server
from infra.embedded.launch import command_line, environment
from infra.embedded.service import EmbeddedError, NotReady, Service
from infra.kafka import server as apache
from schemas.settings import Settings
from sinks.clickhouse.client import connect
from tests.ports import free_offset, given_back
from tests.requirements import require


@contextmanager
def running(service: Service, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The service, ready, for the length of the block; its output goes to `log`.

    Raises EmbeddedError with the end of the log if it does not get ready. A process that the test
    has killed is no error.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command_line(service),
            env=environment(service),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await_ready(service, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(service.stop_timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _await_ready(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + service.ready_timeout_s
    while True:
        try:
            return service.ready(process.pid)
        except NotReady as reason:
            if process.poll() is not None or time.monotonic() > deadline:
                end = log.read_text(errors="replace")[-2000:]
                raise EmbeddedError(f"{service.name} is not ready: {reason}\n{end}") from reason
            time.sleep(0.01)


@pytest.fixture(scope="module", autouse=True)
def ports_of_the_module() -> Iterator[None]:
    """Ports that a module takes are for others when it is over."""
    with given_back():
        yield


@pytest.fixture(scope="session")
def addresses() -> Settings:
    """Where the shared servers will be, on ports that are free; starts none of them."""
    return own_settings(for_session=True)


@pytest.fixture(scope="module")
def settings(
    addresses: Settings, kafka_address: str, redis_url: str, clickhouse_url: str
) -> Settings:
    """Settings of three running servers, with further free ports for a test's own services."""
    assert (addresses.kafka, addresses.redis_url) == (kafka_address, redis_url)
    assert addresses.clickhouse_url == clickhouse_url
    return addresses


def own_settings(*, for_session: bool = False) -> Settings:
    """Settings on another block of free ports, for a test that starts servers of its own."""
    offset = free_offset(for_session=for_session)
    plain = Settings.from_environment({"FOOTFALL_PORT_OFFSET": str(offset)})
    return Settings.from_environment(
        {
            "FOOTFALL_PORT_OFFSET": str(offset),
            "FOOTFALL_KAFKA": plain.kafka,
            "FOOTFALL_REDIS_URL": plain.redis_url,
            "FOOTFALL_CLICKHOUSE_URL": plain.clickhouse_url,
            "FOOTFALL_CLICKHOUSE_HTTP_URL": plain.clickhouse_http_url,
            "FOOTFALL_SECRET_KEY": "a secret for tests",
            "FOOTFALL_ADMIN_TOKEN": "a token for tests",
        }
    )


@pytest.fixture(scope="module")
def kafka_address(addresses: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a running broker without topics."""
    try:
        service = broker.service(addresses.ports.kafka)
    except EmbeddedError as error:
        require("kafka", str(error))
    with running(service, tmp_path_factory.mktemp("broker") / "log") as process:
        yield addresses.kafka
        process.kill()  # it has nothing to save, and told politely it waits 5 s for its clients


@pytest.fixture(scope="session")
def apache_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a running Apache Kafka without topics."""
    port = own_settings(for_session=True).ports.kafka
    directory = tmp_path_factory.mktemp("kafka")
    try:
        service = apache.service(directory / "data", port, port + 1)
    except EmbeddedError as error:
        require("kafka", str(error))
    with running(service, directory / "log") as process:
        yield service.url
        process.kill()  # its log is not wanted any more


@pytest.fixture(scope="module")
def redis_url(addresses: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a running, empty Redis."""
    directory = tmp_path_factory.mktemp("redis")
    try:
        service = redis_server.service(directory / "data", addresses.ports.redis)
    except EmbeddedError as error:
        require("redis", str(error))
    with running(service, directory / "log"):
        yield addresses.redis_url


@pytest.fixture(scope="module")
def clickhouse_url(addresses: Settings, clickhouse: None) -> str:
    """Native-protocol URL of a running ClickHouse with an empty database `footfall`."""
    client = connect(addresses.clickhouse, database="")
    client.execute("DROP DATABASE footfall SYNC")
    client.execute("CREATE DATABASE footfall")
    client.disconnect()
    return addresses.clickhouse_url


@pytest.fixture(scope="session")
def clickhouse(addresses: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The one ClickHouse of the session; `clickhouse_url` empties it."""
    directory = tmp_path_factory.mktemp("clickhouse")
    http_port = addresses.ports.clickhouse_http
    try:
        service = clickhouse_server.service(directory / "data", addresses.clickhouse, http_port)
    except EmbeddedError as error:
        require("clickhouse", str(error))
    with running(service, directory / "log"):
        yield


@pytest.fixture(scope="module")
def clickhouse_http_url(addresses: Settings, clickhouse_url: str) -> str:
    """URL of the same ClickHouse's HTTP interface."""
    return addresses.clickhouse_http_url
