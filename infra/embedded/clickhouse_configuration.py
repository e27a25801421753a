"""The configuration files of the embedded ClickHouse, generated into its directory at each start.

Two users. `default` is the one the engine itself logs in as; it must have no password, so it is
allowed one session at a time, which the engine holds from before the ports open until the end:
nobody else can log in as it. The application user has a password and may do everything in its own
database. What is closed and what is not: infra/decisions/0003-embedded-servers.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

MEMORY_LIMIT = 2 << 30
QUERY_MEMORY_LIMIT = 1536 << 20
_NOT_FOR_PAGES = "This port is not for web pages.\n"

# What stores rows on this server or looks them up; nothing that reaches files or the network.
_TABLE_ENGINES = (
    *("MergeTree", "ReplacingMergeTree", "SummingMergeTree", "AggregatingMergeTree"),
    *("CollapsingMergeTree", "VersionedCollapsingMergeTree", "Memory", "Null", "Set", "Join"),
    *("Buffer", "Merge", "Dictionary", "Atomic"),
)


@dataclass(frozen=True)
class Configuration:
    """What may differ between two embedded servers."""

    directory: Path
    host: str
    tcp_port: int
    http_port: int
    user: str
    password: str
    database: str

    @property
    def run_directory(self) -> Path:
        """The engine's working directory: it reads ./config.xml."""
        return self.directory / "run"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def keep_alive(self) -> Path:
        """The FIFO that the engine's one query reads for as long as the server shall live."""
        return self.run_directory / "keep-alive"

    def write(self) -> None:
        """Make the directories and both files, readable by nobody else."""
        for path in (self.run_directory, self.data, self.directory / "log"):
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in (("config.xml", self._server()), ("users.xml", self._users())):
            path = self.run_directory / name
            path.touch(mode=0o600)
            path.write_text(text)

    def _server(self) -> str:
        directory = escape(str(self.directory))
        hosts = escape("|".join(re.escape(name) for name in (self.host, "localhost")))
        return f"""<clickhouse>
  <listen_host>{escape(self.host)}</listen_host>
  <tcp_port>{self.tcp_port}</tcp_port>
  <http_port>{self.http_port}</http_port>
  <users_config>{directory}/run/users.xml</users_config>
  <log-level>information</log-level>
  <logger>
    <log>{directory}/log/server.log</log>
    <errorlog>{directory}/log/error.log</errorlog>
    <size>10M</size>
    <count>2</count>
  </logger>
  <http_handlers>
    <rule>
      <headers><Origin>regex:.+</Origin></headers>
      <handler><type>static</type><status>403</status><response_content>{_NOT_FOR_PAGES}</response_content></handler>
    </rule>
    <rule>
      <url>/ping</url>
      <handler><type>static</type><response_content>Ok.
</response_content></handler>
    </rule>
    <rule>
      <headers><Host>regex:({hosts})(:[0-9]+)?</Host></headers>
      <handler><type>dynamic_query_handler</type><query_param_name>query</query_param_name></handler>
    </rule>
  </http_handlers>
  <max_server_memory_usage>{MEMORY_LIMIT}</max_server_memory_usage>
  <mark_cache_size>{128 << 20}</mark_cache_size>
  <uncompressed_cache_size>{32 << 20}</uncompressed_cache_size>
  <max_connections>256</max_connections>
  <background_pool_size>2</background_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <background_common_pool_size>2</background_common_pool_size>
  <background_move_pool_size>1</background_move_pool_size>
  <background_fetches_pool_size>1</background_fetches_pool_size>
  <background_schedule_pool_size>8</background_schedule_pool_size>
  <background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
  <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
  <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
  <merge_tree>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
"""

    def _users(self) -> str:
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        database = _quoted(self.database)
        keep_alive = [
            f"GRANT CREATE DATABASE ON {database}.*",
            "GRANT TABLE ENGINE ON Atomic",
            "GRANT SYSTEM LISTEN ON *.*",
            "GRANT CREATE TEMPORARY TABLE ON *.*",  # the file() function makes one
            "GRANT READ ON FILE",
        ]
        application = [
            f"GRANT ALL ON {database}.*",
            f"REVOKE CREATE DICTIONARY ON {database}.*",
            "GRANT SELECT ON system.*",
            "GRANT SELECT ON information_schema.*",
            "GRANT SELECT ON INFORMATION_SCHEMA.*",
            "GRANT SYSTEM RELOAD DICTIONARY ON *.*",
            f"GRANT SET DEFINER ON {_quoted(self.user)}",
            *(f"GRANT TABLE ENGINE ON {engine}" for engine in _TABLE_ENGINES),
        ]
        return f"""<clickhouse>
  <profiles>
    <engine>
      <max_sessions_for_user>1</max_sessions_for_user>
      <constraints><max_sessions_for_user><const/></max_sessions_for_user></constraints>
    </engine>
    <default>
      <network_compression_method>LZ4</network_compression_method>
      <output_format_native_write_json_as_string>1</output_format_native_write_json_as_string>
      <max_memory_usage>{QUERY_MEMORY_LIMIT}</max_memory_usage>
    </default>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip></networks>
      <profile>engine</profile>
      <quota>default</quota>
      <grants>{_queries(keep_alive)}</grants>
    </default>
    <{self.user}>
      <password_sha256_hex>{digest}</password_sha256_hex>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <default_database>{escape(self.database)}</default_database>
      <grants>{_queries(application)}</grants>
    </{self.user}>
  </users>
</clickhouse>
"""


def _queries(grants: list[str]) -> str:
    return "".join(f"<query>{escape(grant)}</query>" for grant in grants)


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
