"""Connections to ClickHouse over its native protocol."""

from __future__ import annotations

from clickhouse_driver import Client

from schemas.settings import ClickHouseAddress

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def connect(address: ClickHouseAddress, *, database: str | None = None) -> Client:
    """A client that connects at its first query; parameters `{name:Type}` are the server's.

    `database`: another one than the address names ('' for the user's own).
    """
    return Client(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database if database is None else database,
        client_name="footfall",
        connect_timeout=5,
        send_receive_timeout=120,
        compression=False if address.host in _LOOPBACK else "lz4",
        settings={"server_side_params": True},
    )
