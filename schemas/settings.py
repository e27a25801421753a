"""Where the servers are and which secrets hold: the environment of a Footfall process.

Every variable is optional; the defaults are the embedded stack's (contract.md section 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

_DEVELOPMENT_SECRET = "footfall-development-secret"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class ConfigurationError(Exception):
    """The environment or a configuration file is wrong. The message names the mend."""


class ClickHouseAddress(msgspec.Struct, frozen=True):
    """A `clickhouse://user:password@host:port/database` address, taken apart."""

    host: str
    port: int
    user: str
    password: str
    database: str

    def __repr__(self) -> str:
        return f"clickhouse://{self.user}:***@{self.host}:{self.port}/{self.database}"


class Ports(msgspec.Struct, frozen=True):
    """Default ports, each moved by FOOTFALL_PORT_OFFSET."""

    collect: int
    personalize: int
    shop: int
    encyclopedia: int
    stream: int  # /health, /ready, /metrics only
    sink: int  # /health, /ready, /metrics only
    desk: int  # the demo's page for SQL
    kafka: int
    redis: int
    clickhouse: int
    clickhouse_http: int

    @classmethod
    def with_offset(cls, offset: int) -> Ports:
        base = (8080, 8081, 8082, 8083, 8084, 8085, 8086, 19092, 16379, 19000, 18123)
        return cls(*(port + offset for port in base))


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process reads from its environment, once, at start."""

    bind: str
    ports: Ports
    kafka: str  # host:port,...
    redis_url: str
    clickhouse_url: str
    clickhouse_http_url: str
    site_file: Path | None
    secret_key: str
    admin_token: str  # '' : administration is closed
    spool: Path | None = None  # where the collector keeps what Kafka does not take
    given: frozenset[str]  # which of kafka, redis, clickhouse the environment named
    ops_access: Literal["token", "open"] = "token"  # who sees the live page beside this machine

    @property
    def clickhouse(self) -> ClickHouseAddress:
        return parse_clickhouse_url(self.clickhouse_url)

    def url(self, port: int) -> str:
        """Where a program on this machine reaches what listens at that port of ours."""
        every_address = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        host = every_address.get(self.bind, self.bind)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def has_own_secret(self) -> bool:
        """Whether `secret_key` is one that not everybody can read in the source."""
        return self.secret_key != _DEVELOPMENT_SECRET

    def __repr__(self) -> str:
        return f"Settings(bind={self.bind!r}, kafka={self.kafka!r}, site_file={self.site_file!r})"

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Settings:
        """Raises ConfigurationError naming the variable that is wrong."""
        ports = Ports.with_offset(_integer(env, "FOOTFALL_PORT_OFFSET", 0, 0, 40_000))
        bind = env.get("FOOTFALL_BIND") or "127.0.0.1"
        secret = env.get("FOOTFALL_SECRET_KEY", "")
        if not secret:
            if bind not in _LOOPBACK:
                raise ConfigurationError(
                    f"FOOTFALL_BIND is {bind}: set FOOTFALL_SECRET_KEY to a secret of your own "
                    "(the built-in one is for loopback only)"
                )
            secret = _DEVELOPMENT_SECRET
        names = {"kafka": "FOOTFALL_KAFKA", "redis": "FOOTFALL_REDIS_URL"}
        names["clickhouse"] = "FOOTFALL_CLICKHOUSE_URL"
        native = f"clickhouse://footfall:footfall@127.0.0.1:{ports.clickhouse}/footfall"
        native = env.get("FOOTFALL_CLICKHOUSE_URL") or native
        address = parse_clickhouse_url(native)
        http_port = ports.clickhouse_http if address.port == ports.clickhouse else 8123
        http = f"http://{address.host}:{http_port}"
        site_file = env.get("FOOTFALL_SITE")
        return cls(
            bind=bind,
            ports=ports,
            kafka=env.get("FOOTFALL_KAFKA") or f"127.0.0.1:{ports.kafka}",
            redis_url=env.get("FOOTFALL_REDIS_URL") or f"redis://127.0.0.1:{ports.redis}/0",
            clickhouse_url=native,
            clickhouse_http_url=env.get("FOOTFALL_CLICKHOUSE_HTTP_URL") or http,
            site_file=Path(site_file) if site_file else None,
            secret_key=secret,
            admin_token=env.get("FOOTFALL_ADMIN_TOKEN", ""),
            spool=Path(spool) if (spool := env.get("FOOTFALL_SPOOL")) else None,
            given=frozenset(what for what, name in names.items() if env.get(name)),
            ops_access=_ops_access(env),
        )


def parse_clickhouse_url(url: str) -> ClickHouseAddress:
    """Raises ConfigurationError for anything but clickhouse://user:password@host:port/database."""
    try:
        parts = urlsplit(url)
        port = parts.port or 9000
    except ValueError as error:
        raise ConfigurationError(f"FOOTFALL_CLICKHOUSE_URL: {error}") from error
    if parts.scheme != "clickhouse" or not parts.hostname:
        raise ConfigurationError(
            "FOOTFALL_CLICKHOUSE_URL must look like clickhouse://user:password@host:9000/footfall"
        )
    return ClickHouseAddress(
        host=parts.hostname,
        port=port,
        user=unquote(parts.username or "default"),
        password=unquote(parts.password or ""),
        database=parts.path.strip("/") or "footfall",
    )


def _ops_access(env: Mapping[str, str]) -> Literal["token", "open"]:
    text = env.get("FOOTFALL_OPS_ACCESS") or "token"
    if text == "token":
        return "token"
    if text == "open":
        return "open"
    raise ConfigurationError(
        f"FOOTFALL_OPS_ACCESS must be token or open (/ops for everybody who can reach it), "
        f"not {text!r}"
    )


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name)
    if not text:
        return default
    if not text.isdigit() or not low <= int(text) <= high:
        raise ConfigurationError(
            f"{name} must be a whole number from {low} to {high}, not {text!r}"
        )
    return int(text)
