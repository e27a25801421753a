"""Inserting a block: what the server refuses is found, the rest is kept."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from schemas.ids import session_of
from schemas.settings import ClickHouseAddress, Settings
from sinks.clickhouse.errors import Unavailable
from sinks.clickhouse.insert import Inserter
from sinks.clickhouse.rows import EVENTS
from tests.sink_world import DAY, NOON, Store, event, lines, new_device, store

COUNT = "SELECT count() FROM events WHERE device_id = {d:String}"


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


@pytest.mark.parametrize(
    ("of", "bad"), [(100, [0]), (100, [99]), (100, [3, 50, 51]), (8, list(range(8)))]
)
def test_lines_the_server_cannot_read_are_named_and_the_others_kept(
    opened: Store, of: int, bad: list[int]
) -> None:
    device = new_device()
    block = lines([event(device) for _ in range(of)])
    for at in bad:
        block[at] = b'{"event_id": broken'
    refused = opened.inserter.insert(EVENTS, block)
    assert [one.at for one in refused] == bad
    assert "could not be read as JSON" in refused[0].detail
    assert opened.ask(COUNT, d=device) == [(of - len(bad),)]


def test_a_value_the_server_cannot_store_is_refused(opened: Store) -> None:
    device = new_device()
    deep = b'{"a":' * 600 + b"[" * 600 + b"]" * 600 + b"}" * 600
    block = lines([event(device), event(device, properties=msgspec.Raw(deep)), event(device)])
    assert [one.at for one in opened.inserter.insert(EVENTS, block)] == [1]
    assert opened.ask(COUNT, d=device) == [(2,)]


def test_duplicate_and_odd_property_names_are_stored(opened: Store) -> None:
    device = new_device()
    odd = msgspec.Raw(b'{"a":1,"a":2,"":3,"x y":4,"a.b":5,"c":{"d":6},"c.d":7,"q\\"`":8}')
    opened.put(EVENTS, event(device, properties=odd))
    assert opened.ask(COUNT, d=device) == [(1,)]


def test_a_block_may_span_many_months(opened: Store) -> None:
    device = new_device()
    opened.put(EVENTS, *(event(device, -31 * DAY * month) for month in range(150)))
    assert opened.ask(COUNT, d=device) == [(150,)]


@pytest.mark.parametrize("late_last", [True, False])
def test_of_history_told_twice_the_copy_that_was_late_does_not_count(
    opened: Store, late_last: bool
) -> None:
    device = new_device()
    first = event(device, received_at=NOON, protocol="import")
    late = msgspec.structs.replace(first, session_id=session_of(device, 1), late=True)
    for copy in (first, late) if late_last else (late, first):
        opened.put(EVENTS, copy)
    query = "SELECT toString(session_id) FROM events WHERE device_id = {d:String}"
    assert opened.ask(query, d=device) == [(first.session_id,)]


def test_no_server_is_unavailable_and_not_the_lines_fault(settings: Settings) -> None:
    real = settings.clickhouse
    nowhere = ClickHouseAddress(real.host, 1, real.user, real.password, real.database)
    inserter = Inserter(nowhere)
    with pytest.raises(Unavailable):
        inserter.insert(EVENTS, lines([event("d")]))


def test_a_missing_table_is_unavailable(opened: Store, settings: Settings) -> None:
    missing = msgspec.structs.replace(EVENTS, name="nowhere_stored")
    inserter = Inserter(settings.clickhouse)
    inserter._sql[missing.name] = missing.insert_sql
    with pytest.raises(Unavailable, match="nowhere_stored"):
        inserter.insert(missing, lines([event("d")]))
