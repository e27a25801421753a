"""How long ClickHouse keeps rows: the site's retention as the tables' TTL.

An event is kept for `retention.events` from when it was received; history (log lines, imports)
from when it was stored, since its own times may be longer past than that. Expiry counts in whole
UTC days, so that ClickHouse writes the oldest part anew once a day and not with every merge.

A correction must outlive the events it speaks of, of which a copy may be replayed as long as Kafka
has it. Identity links and resolutions have no age: one that was said once holds for events that
come today, and a register whose newest row went before an older one would fall back to that.
"""

from __future__ import annotations

import re

import msgspec
from clickhouse_driver import Client

from schemas.settings import ClickHouseAddress
from schemas.site import Retention
from sinks.clickhouse.client import connect

_DAY_MS = 86_400_000
_TTL = re.compile(r" TTL (.*?)(?: SETTINGS .*)?$", re.DOTALL)


class Deviation(msgspec.Struct, frozen=True):
    """A table that keeps its rows for another time than the site file says. SQL; '' for ever."""

    table: str
    wanted: str
    found: str


def ages(retention: Retention) -> dict[str, str]:
    """Table -> TTL as SQL."""
    events, replays = _days(retention.events_ms), _days(retention.kafka_ms)
    return {
        "events_stored": _ttl(
            "if(protocol IN ('log', 'import'), stored_at, toDateTime(received_at))", events
        ),
        "decisions_stored": _ttl("decided_at", events),
        "rejected_stored": _ttl("rejected_at", events),
        "corrections_stored": _ttl("stored_at", events + replays),
    }


def deviations(client: Client, retention: Retention) -> list[Deviation]:
    """Tables that have another TTL than `ages` says. Raises clickhouse_driver.errors.Error."""
    wanted = ages(retention)
    engines = dict(
        client.execute(
            "SELECT name, engine_full FROM system.tables"
            " WHERE database = currentDatabase() AND name IN {names:Array(String)}",
            {"names": list(wanted)},
        )
    )
    found = {name: _written(engine) for name, engine in engines.items()}
    normal = {table: _normal(client, table, ttl) for table, ttl in wanted.items()}
    return [
        Deviation(table, normal[table], found[table])
        for table in wanted
        if table in found and found[table] != normal[table]
    ]


def apply_retention(address: ClickHouseAddress, retention: Retention) -> list[str]:
    """Give every table its age; what was changed, [] where nothing was.

    Goes by what the tables have, which may have been altered by hand. Raises
    clickhouse_driver.errors.Error, OSError.
    """
    client = connect(address)
    try:
        changed = deviations(client, retention)
        for deviation in changed:
            client.execute(f"ALTER TABLE {deviation.table} MODIFY TTL {deviation.wanted}")
    finally:
        client.disconnect()
    return [f"retention of {deviation.table}" for deviation in changed]


def _ttl(moment: str, days: int) -> str:
    return f"toDate({moment} + INTERVAL {days} DAY) + INTERVAL 1 DAY"


def _days(milliseconds: int) -> int:
    """Rounded up: nothing goes before its time."""
    return -(-milliseconds // _DAY_MS)


def _written(engine: str) -> str:
    match = _TTL.search(engine)
    return match[1] if match else ""


def _normal(client: Client, table: str, ttl: str) -> str:
    """The expression as this server writes it back."""
    statement = f"ALTER TABLE {table} MODIFY TTL {ttl}"
    ((text,),) = client.execute(
        "SELECT formatQuerySingleLine({statement:String})", {"statement": statement}
    )
    before, _, expression = str(text).partition("MODIFY TTL ")
    return expression.removesuffix(")") if before.endswith("(") else expression
