"""The canary of the embedded ClickHouse: what a new chdb-core must still do before we pin it."""

from __future__ import annotations

import os
import signal
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from infra.embedded import clickhouse_server
from infra.embedded.service import EmbeddedError, NotReady, Service
from schemas.settings import Settings
from tests.servers import own_settings, running


class Server:
    """One ClickHouse of a test's own, on a directory that outlives its runs."""

    def __init__(self, directory: Path) -> None:
        self.settings: Settings = own_settings()
        self.directory = directory / "clickhouse"
        self.log = directory / "log"

    def service(self) -> Service:
        return clickhouse_server.service(
            self.directory, self.settings.clickhouse, self.settings.ports.clickhouse_http
        )

    def tcp(self, statement: str, rows: object = None) -> object:
        with Client.from_url(self.settings.clickhouse_url) as client:
            return client.execute(statement, rows)

    def http(self, query: str, **headers: str) -> str:
        address = self.settings.clickhouse
        login = {"X-ClickHouse-User": address.user, "X-ClickHouse-Key": address.password}
        url = f"{self.settings.clickhouse_http_url}/"
        request = urllib.request.Request(url, query.encode(), {**login, **headers})
        with urllib.request.urlopen(request, timeout=10) as answer:
            text: str = answer.read().decode()
            return text.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("clickhouse"))
    with running(server.service(), server.log):
        yield server


def test_what_was_inserted_over_tcp_is_there_over_http_and_after_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with running(server.service(), server.log) as process:
        server.tcp("CREATE TABLE visits (n UInt32) ENGINE = MergeTree ORDER BY n")
        server.tcp("INSERT INTO visits VALUES", [(n,) for n in range(1000)])
        assert server.http("SELECT count(), sum(n) FROM visits") == "1000\t499500"
    assert process.returncode == 0, server.log.read_text()

    with running(server.service(), server.log):
        server.tcp("INSERT INTO visits VALUES", [(1000,)])
        assert server.tcp("SELECT count() FROM visits") == [(1001,)]


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    server = Server(tmp_path)
    with running(server.service(), server.log) as process:
        server.tcp("CREATE TABLE visits (n UInt32) ENGINE = MergeTree ORDER BY n")
        server.tcp("INSERT INTO visits VALUES", [(n,) for n in range(1000)])
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    with running(server.service(), server.log):
        assert server.tcp("SELECT count() FROM visits") == [(1000,)]


def test_a_second_server_on_the_same_directory_is_refused(server: Server) -> None:
    second = Server(server.directory.parent)
    with (
        pytest.raises(EmbeddedError, match=r"is in use by another ClickHouse \(process \d+\)"),
        running(second.service(), second.log.with_name("second-log")),
    ):
        pass
    assert server.http("SELECT 1") == "1"


def test_another_server_on_the_port_is_not_taken_for_ours(server: Server) -> None:
    with pytest.raises(NotReady, match="another ClickHouse answers"):
        server.service().ready(os.getpid())


def test_clickhouse_driver_reads_json_columns_and_speaks_lz4(server: Server) -> None:
    server.tcp("CREATE TABLE properties (p JSON) ENGINE = MergeTree ORDER BY tuple()")
    server.http("""INSERT INTO properties FORMAT JSONEachRow {"p": {"price": 7, "tag": ["a"]}}""")
    with Client.from_url(f"{server.settings.clickhouse_url}?compression=lz4") as client:
        rows = client.execute("SELECT p FROM properties")
        assert rows == [({"price": 7, "tag": ["a"]},)]
        assert client.execute("SELECT p.price::UInt32 FROM properties") == [(7,)]


def test_the_application_user_does_what_the_product_needs(server: Server) -> None:
    for statement in (
        "CREATE TABLE part (day Date, n UInt32) ENGINE = ReplacingMergeTree(n) "
        "PARTITION BY toYYYYMM(day) ORDER BY day TTL day + INTERVAL 400 DAY",
        "CREATE VIEW part_view AS SELECT * FROM part FINAL",
        "CREATE VIEW part_since AS SELECT * FROM part WHERE day >= {since:Date}",
        "CREATE MATERIALIZED VIEW part_count REFRESH EVERY 1 HOUR "
        "ENGINE = MergeTree ORDER BY n AS SELECT count() AS n FROM part",
        "ALTER TABLE part ADD COLUMN word String",
        "ALTER TABLE part DELETE WHERE n = 1",
        "DELETE FROM part WHERE n = 2",
        "OPTIMIZE TABLE part FINAL",
        "SYSTEM REFRESH VIEW part_count",
        "DROP VIEW part_since",
    ):
        server.tcp(statement)
    assert server.tcp("SELECT count() FROM system.parts WHERE database = 'footfall'")


@pytest.mark.parametrize("password", ["", "footfall"])
def test_nobody_logs_in_as_the_engines_own_user(server: Server, password: str) -> None:
    ports = server.settings.ports
    with (
        Client("127.0.0.1", ports.clickhouse, user="default", password=password) as client,
        pytest.raises(ServerException),
    ):
        client.execute("SELECT 1")
    parameters = {"user": "default", "password": password, "query": "SELECT 1"}
    for more in ({}, {"max_sessions_for_user": "0"}, {"session_id": "mine"}):
        query = urllib.parse.urlencode(parameters | more)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.settings.clickhouse_http_url}/?{query}", timeout=10)
        refused.value.close()
        assert refused.value.code in (401, 403, 500)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:9/', 'LineAsString', 'line String')",
        "SELECT * FROM remote('127.0.0.1', 'system.one')",
        "SELECT * FROM executable('id', 'TabSeparated', 'line String')",
        "CREATE TABLE leak (line String) ENGINE = File('LineAsString', '/etc/hostname')",
        "CREATE DICTIONARY leak (n UInt64) PRIMARY KEY n LAYOUT(FLAT()) LIFETIME(0) "
        "SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'TabSeparated'))",
        "CREATE VIEW leak DEFINER = default SQL SECURITY DEFINER AS SELECT 1",
        "CREATE TABLE default.other (n UInt8) ENGINE = Memory",
        "CREATE USER eve",
        "KILL QUERY WHERE user = '' SYNC",
        "SYSTEM STOP LISTEN TCP",
        "SYSTEM SHUTDOWN",
    ],
)
def test_the_application_user_reaches_nothing_but_its_database(
    server: Server, statement: str
) -> None:
    with pytest.raises(ServerException, match=r"Not enough privileges|attempts to kill query"):
        server.tcp(statement)


def test_a_web_page_gets_no_answer(server: Server) -> None:
    for header in ({"Origin": "https://evil.example"}, {"Host": "evil.example:18123"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            server.http("SELECT 1", **header)
        refused.value.close()
        assert refused.value.code in (403, 404)


def test_generated_files_are_for_the_owner_only(server: Server) -> None:
    for path in (server.directory, server.directory / "run", server.directory / "data"):
        assert path.stat().st_mode & 0o077 == 0
    for path in (server.directory / "run").iterdir():
        assert path.stat().st_mode & 0o077 == 0
    assert (
        "footfall"
        not in (server.directory / "run" / "users.xml").read_text().split("password_sha256_hex")[1]
    ), "the password is stored as a digest"
