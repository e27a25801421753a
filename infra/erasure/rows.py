"""The rows of ClickHouse: which are whose, taken away, and what is kept against replays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from clickhouse_driver import Client

from infra.erasure.whom import Whom
from schemas.forget import Memory, digest
from sinks.clickhouse.squash import await_rewrites

_SHORT = 6  # characters: what is shorter is looked for only where an identifier stands
_ID_NAMES = "user_?id|anonymous_?id|previous_?id|group_?id|order_?id|id|email|phone|person_?id"

_DEVICES = "device_id IN (SELECT name FROM erasing_stored WHERE what = 'device')"
_USERS = "IN (SELECT name FROM erasing_stored WHERE what = 'user')"
_PERSONS = "IN (SELECT toUUID(name) FROM erasing_stored WHERE what = 'person')"
_SOME_EVENTS = (
    "(device_id, toString(event_id)) IN"
    " (SELECT name, other FROM erasing_stored WHERE what = 'event')"
)
_UNTIL = "<= fromUnixTimestamp64Milli({at})"

_WHOSE = {
    "events_stored": f"(({_DEVICES} OR user_id {_USERS}) AND event_time {_UNTIL})"
    f" OR {_SOME_EVENTS}",
    "corrections_stored": f"{_DEVICES} OR person_id {_PERSONS} OR user_id {_USERS}",
    "identity_stored": f"{_DEVICES} OR person_id {_PERSONS}"
    " OR (kind = 'cookie' AND identifier IN"
    " (SELECT name FROM erasing_stored WHERE what = 'device'))"
    f" OR (kind = 'user_id' AND identifier {_USERS})",
    "resolutions_stored": f"{_DEVICES} OR person_id {_PERSONS} OR resolved_id {_PERSONS}",
    "decisions_stored": f"({_DEVICES} AND decided_at {_UNTIL})"
    " OR decision_id IN (SELECT name FROM erasing_stored WHERE what = 'decision')",
    "rejected_stored": "rejected_id IN"
    " (SELECT toUUID(name) FROM erasing_stored WHERE what = 'rejected')",
}
_OWN = frozenset({"forgotten_stored", "erasing_stored", "schema_ledger"})
_BY_COLUMN = {
    ("device_id", "String"): _DEVICES,
    ("user_id", "String"): f"user_id {_USERS}",
    ("person_id", "UUID"): f"person_id {_PERSONS}",
    ("person_id", "Nullable(UUID)"): f"person_id {_PERSONS}",
}


class Kept(Exception):
    """Rows that should be gone are there: something put them back meanwhile."""


def find_rejected(client: Client, whom: Whom) -> Iterator[str]:
    """Ids of refused inputs that name the person: originals hold whatever was sent."""
    forms = {form for value in whom.identifiers for form in _forms(value)}
    if not forms:
        return
    pattern = _pattern(forms)
    rows = client.execute_iter(
        "SELECT toString(rejected_id), original, concat(detail, ' ', event_id)"
        " FROM rejected_stored WHERE arrayExists(n -> position(lower(concat(original, detail)), n)"
        " > 0, {needles:Array(String)})",
        {"needles": sorted({form.lower() for form in forms})},
        settings={"strings_as_bytes": True},
    )
    for rejected_id, original, detail in rows:
        text = f"{_text(original)} {_text(detail)}"
        if pattern.search(text):
            yield _text(rejected_id)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")


def _forms(value: str) -> set[str]:
    """As it may stand in JSON and in a URL."""
    return {value, quote(value, safe=""), json.dumps(value)[1:-1]}


def _pattern(forms: Iterable[str]) -> re.Pattern[str]:
    long = [re.escape(form) for form in forms if len(form) >= _SHORT]
    short = [re.escape(form) for form in forms if len(form) < _SHORT]
    ways = []
    if long:
        ways.append(rf"(?<![\w.@-])(?:{'|'.join(long)})(?![\w@-])")
    if short:
        ways.append(rf'"(?:{_ID_NAMES})"\s*:\s*"?(?:{"|".join(short)})(?![\w@.-])')
    return re.compile("|".join(ways), re.IGNORECASE)


def keep(
    client: Client,
    memories: Mapping[str, Memory],
    rejected: Iterable[str],
    secret: str,
    told_until: int,
) -> None:
    """What sink and rebuild need so that nothing comes back. `memories`: by place."""
    rows = [
        (place, mark.hex(), first, last, told_until)
        for place, memory in memories.items()
        for mark, spans in memory.items()
        for first, last in spans
    ]
    rows += [
        ("x", digest("rejected", one, secret).hex(), 0, told_until, told_until) for one in rejected
    ]
    if rows:
        client.execute(
            "INSERT INTO forgotten_stored (place, digest, since, until, told_until) VALUES", rows
        )


def erase(client: Client, whom: Whom) -> dict[str, int]:
    """Table -> rows taken away. Raises Kept."""
    client.execute("TRUNCATE TABLE erasing_stored")
    client.execute("INSERT INTO erasing_stored (what, name, other) VALUES", [*_staged(whom)])
    try:
        gone = {}
        for table, where in _tables(client, whom):
            rows = _count(client, table, where)
            if rows:
                client.execute(
                    f"ALTER TABLE {table} DELETE WHERE {where}"
                    " SETTINGS mutations_sync = 2, allow_nondeterministic_mutations = 1"
                )
                await_rewrites(client)  # a squash may have read these rows before
                if left := _count(client, table, where):
                    raise Kept(
                        f"{left} rows of {table} are there again: call footfall forget once more"
                    )
            gone[table.strip("`")] = rows
        return gone
    finally:
        client.execute("TRUNCATE TABLE erasing_stored")


def _staged(whom: Whom) -> Iterator[tuple[str, str, str]]:
    for what, names in (
        ("device", whom.whole),
        ("user", whom.users),
        ("person", whom.persons),
        ("decision", whom.decisions),
        ("rejected", whom.rejected),
    ):
        yield from ((what, name, "") for name in sorted(names))
    yield from (("event", device, event) for device, event in sorted(whom.events))


def _tables(client: Client, whom: Whom) -> Iterator[tuple[str, str]]:
    """Each table and which of its rows; of one that is not known here, by its columns' names."""
    columns: dict[str, list[str]] = {}
    for table, name, kind in client.execute(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
        " AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine LIKE '%MergeTree')"
    ):
        where = _BY_COLUMN.get((name, kind))
        columns.setdefault(table, []).extend([where] if where else [])
    for table in sorted(columns.keys() - _OWN):
        if table in _WHOSE:
            yield table, _WHOSE[table].replace("{at}", str(whom.at))
        elif columns[table]:
            yield f"`{table}`", " OR ".join(columns[table])


def _count(client: Client, table: str, where: str) -> int:
    return int(client.execute(f"SELECT count() FROM {table} WHERE {where}")[0][0])
