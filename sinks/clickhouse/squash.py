"""Squashing: what corrections say is written into the rows they speak of, and they are let go.

    rewrite rows ─▶ await queries ─▶ raise `below` ─▶ await queries ─▶ delete corrections

A rewritten row is a copy of a higher version, so it holds whatever is inserted again. Until `below`
is raised the corrections still say what the row says now; from then on no query looks at them. A
query that took its view of the rows before they were written must not see the raised `below`, nor
one that has seen the lower `below` miss the corrections: so each step awaits the queries that run.
Killed at any point, and called again, it does what is left. Two at once do the same twice: no row
is ever written from older corrections than those that `below` hides, since an insert is one query
that is awaited too.

Who is whose alias, and which devices are apart from a person, is not folded: that is said of rows
still to come as well, and may be taken back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import msgspec
from clickhouse_driver import Client

from sinks.clickhouse.errors import Unavailable

FOLDED = (
    "NOT startsWith(device_id, 'p_') AND what != 'void'"
    " AND version < {below:Array(UInt64)}[1 + CRC32(device_id) % 8]"
)
"""Of a correction: whether it is folded. A log of a pseudonym's day may be imported any time, and
its lines be emitted by a stream that has forgotten the pseudonym: its corrections stay. What says
that a login was taken back stays too: later spans speak of the events that name that user."""

_PARTITIONS = 8
_POLL_S = 0.1
_TIMEOUT_S = 600.0
_COUNT_OF_SQUASHES = "bitShiftLeft(toUInt64(1), 42)"  # see `version` in rows.py
_REWRITTEN = {
    "person_id": "owner_id",
    "session_id": "corrected_session",
    "is_bot": "toBool(is_bot OR bot_day != '')",
    "bot_reason": "if(bot_day = '', bot_reason, bot_day)",
    "version": f"version + {_COUNT_OF_SQUASHES}",
}
_SETTINGS = (
    "optimize_on_insert = 0, max_threads = 2, max_insert_threads = 1,"
    " max_block_size = 8192, min_insert_block_size_rows = 100000,"
    " min_insert_block_size_bytes = 67108864, do_not_merge_across_partitions_select_final = 1"
)


class Squashed(msgspec.Struct):
    """What one squash did."""

    rows: int  # written anew
    corrections: int  # let go
    left: int  # corrections that queries still look up: newer ones, and what is never folded


class QueriesRun(Unavailable):
    """Queries that had begun before did not end in time; what was rewritten stays, and is right."""


def squash(
    client: Client,
    below: Sequence[int],
    timeout_s: float = _TIMEOUT_S,
    reached: Callable[[str], None] = lambda step: None,
) -> Squashed:
    """Fold all corrections of versions lower than `below`, by partition of footfall.raw.

    The caller knows that these corrections, and all events emitted no later than them, are in
    ClickHouse. `reached`: told the name of each step before it begins. Raises QueriesRun,
    clickhouse_driver.errors.Error, OSError.
    """
    if len(below) != _PARTITIONS:
        raise ValueError(f"footfall.raw has {_PARTITIONS} partitions, not {len(below)}")
    parameters: dict[str, object] = {"below": list(below)}
    ((found,),) = client.execute(
        f"SELECT count() FROM corrections_stored WHERE {FOLDED}", parameters
    )
    rows = 0
    if found:
        reached("await squashes")
        await_rewrites(client, timeout_s)
        for month in _months(client, parameters):
            reached(f"rewrite {month}")
            rows += _rewrite(client, month, parameters)
        reached("await readers of rows")
        _await_queries(client, timeout_s)
        reached("raise below")
        client.execute(
            "INSERT INTO squashed_stored (partition, below) VALUES", list(enumerate(below))
        )
        reached("await readers of corrections")
        _await_queries(client, timeout_s)
        reached("delete corrections")
        client.execute(
            f"ALTER TABLE corrections_stored DELETE WHERE {FOLDED} SETTINGS mutations_sync = 2",
            parameters,
        )
    ((left,),) = client.execute("SELECT count() FROM corrections_stored FINAL")
    return Squashed(rows, found, left)


def await_rewrites(client: Client, timeout_s: float = _TIMEOUT_S) -> None:
    """Until no squash writes any more what it read before this call. Raises QueriesRun."""
    _await_queries(client, timeout_s, "AND query LIKE 'INSERT INTO events_stored%'")


def _months(client: Client, parameters: dict[str, object]) -> Iterable[int]:
    """Partitions of events_stored in which rows may be spoken of."""
    ((since, until),) = client.execute(
        f"SELECT toYYYYMM(min(since)), toYYYYMM(max(until)) FROM corrections_stored WHERE {FOLDED}",
        parameters,
    )
    rows = client.execute(
        "SELECT DISTINCT toUInt32(partition) FROM system.parts WHERE active"
        " AND database = currentDatabase() AND table = 'events_stored' ORDER BY 1"
    )
    return [month for (month,) in rows if since <= month <= until]


def _rewrite(client: Client, month: int, parameters: dict[str, object]) -> int:
    """Rows of a month that corrections change, written as a higher version; how many."""
    columns = [
        name
        for (name,) in client.execute(
            "SELECT name FROM system.columns WHERE database = currentDatabase()"
            " AND table = 'events_stored' AND default_kind NOT IN ('MATERIALIZED', 'ALIAS')"
        )
    ]
    values = [
        f"{_REWRITTEN[name]} AS new_{name}" if name in _REWRITTEN else name for name in columns
    ]
    client.execute(
        f"INSERT INTO events_stored ({', '.join(columns)})"
        f" SELECT {', '.join(values)} FROM corrected_stored"
        f" WHERE toYYYYMM(event_time) = {int(month)} AND device_id IN"
        f" (SELECT device_id FROM corrections_stored WHERE {FOLDED})"
        " AND (NOT (owner_id <=> person_id) OR NOT (corrected_session <=> session_id)"
        " OR bot_day NOT IN ('', bot_reason))"
        f" SETTINGS {_SETTINGS}",
        parameters,
    )
    progress = client.last_query.progress if client.last_query else None
    return int(getattr(progress, "written_rows", 0) or 0)


def _await_queries(client: Client, timeout_s: float, which: str = "") -> None:
    """Until none runs any more of the queries that run now and may read our tables."""
    waited_for = {query_id for (query_id,) in client.execute(_RUNNING + which)}
    deadline = time.monotonic() + timeout_s
    while waited_for:
        waited_for &= {query_id for (query_id,) in client.execute(_RUNNING + which)}
        if waited_for and time.monotonic() > deadline:
            raise QueriesRun(
                f"{len(waited_for)} queries run for more than {timeout_s:g} s,"
                f" e.g. {min(waited_for)}; the next squash goes on"
            )
        if waited_for:
            time.sleep(_POLL_S)


_RUNNING = (
    "SELECT query_id FROM system.processes WHERE query_id != queryID()"
    " AND user != ''"  # what keeps the embedded server alive
    " AND (current_database = currentDatabase()"
    " OR match(query, '\\\\b' || currentDatabase() || '`?\\\\.`?\\\\w')) "
)
