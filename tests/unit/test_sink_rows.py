"""Which lines may become rows: only those whose row will hold exactly what they say."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from schemas.batch import encode_line
from schemas.event import EMPTY_PROPERTIES, Decision, EnrichedEvent, Rejected
from schemas.messages import Correction, IdentityLink, Resolution
from schemas.topics import ALIASES, ALL, RAW, REGISTERS, SIGHTINGS
from sinks.clickhouse.rows import (
    CORRECTIONS,
    DECISIONS,
    EVENTS,
    IDENTITY,
    REJECTED,
    RESOLUTIONS,
    TABLES,
    Table,
    Unfit,
)

ID = str(uuid.UUID(int=7))
T = 1_790_000_000_000
EVENT: dict[str, Any] = msgspec.to_builtins(
    EnrichedEvent(
        event_id=ID,
        event_time=T,
        received_at=T,
        site="s",
        type="track",
        name="Order Completed",
        protocol="segment",
        device_id="d",
        consent="granted",
        person_id=ID,
        session_id=ID,
        revenue="12.3400",
    )
)


def line(**changed: object) -> bytes:
    return msgspec.json.encode({**EVENT, **changed})


def test_every_topic_but_the_stages_own_has_a_table() -> None:
    assert {table.topic for table in TABLES} == set(ALL) - {RAW, ALIASES, REGISTERS, SIGHTINGS}


def fitting() -> list[tuple[Table, msgspec.Struct]]:
    correction = Correction(
        device_id="d",
        what="person",
        since=0,
        until=T,
        person_id=ID,
        session_id=None,
        version=2**62,
    )
    link = IdentityLink(
        identifier="d",
        kind="cookie",
        person_id=ID,
        valid_from=0,
        reason="first_seen",
        device_id="d",
        version=1,
    )
    decision = Decision(
        decision_id="x", decided_at=T, device_id="", scenario="", variant="v", reason=""
    )
    rejected = Rejected(rejected_id=ID, rejected_at=T, reason="wrong_type", original=b"\x00\xff")
    return [
        (EVENTS, msgspec.convert(EVENT, EnrichedEvent)),
        (CORRECTIONS, correction),
        (IDENTITY, link),
        (RESOLUTIONS, Resolution(person_id=ID, device_id="", resolved_id=ID, version=1)),
        (DECISIONS, decision),
        (REJECTED, rejected),
    ]


@pytest.mark.parametrize(("table", "record"), fitting(), ids=lambda value: type(value).__name__)
def test_a_record_of_the_topic_fits(table: Table, record: msgspec.Struct) -> None:
    table.check(encode_line(record))


@pytest.mark.parametrize(
    "changed",
    [
        {"event_id": "not-a-uuid"},
        {"person_id": "p"},
        {"session_id": ""},
        {"event_time": "yesterday"},
        {"event_time": -1},
        {"event_time": 946_684_799_999},
        {"received_at": 4_102_444_800_000},
        {"event_time": 10**30},
        {"device_id": ""},
        {"type": "click"},
        {"is_bot": 1},
        {"search_results": -1},
        {"search_results": 2**32},
        {"engaged_ms": 2**32},
        {"http_status": 65536},
        {"revenue": "12,50"},
        {"revenue": "NaN"},
        {"revenue": "1e3"},
        {"revenue": "123456789012345.00"},
        {"revenue": 12.5},
        {"notes": "late"},
        {"properties": []},
        {"properties": None},
        {"name": None},
    ],
)
def test_a_value_its_column_cannot_hold_does_not_fit(changed: dict[str, object]) -> None:
    with pytest.raises(Unfit):
        EVENTS.check(line(**changed))


@pytest.mark.parametrize(
    "properties",
    [
        b'{"a":"\\ud800"}',
        b'{"a":1e400}',
        b'{"a":NaN}',
        b'{"a":1',
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
)
def test_properties_that_are_no_json_for_the_server_do_not_fit(properties: bytes) -> None:
    with pytest.raises(Unfit):
        EVENTS.check(line()[:-1] + b',"properties":' + properties + b"}")


@pytest.mark.parametrize("raw", [b"", b"rubbish", b"\xff\xfe", b"{}", b"[]", b"null"])
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_rubbish_fits_nowhere(table: Table, raw: bytes) -> None:
    with pytest.raises(Unfit):
        table.check(raw)


@pytest.mark.parametrize(("table", "record"), fitting(), ids=lambda value: type(value).__name__)
def test_a_default_that_is_not_empty_is_computed(table: Table, record: msgspec.Struct) -> None:
    empty: tuple[object, ...] = ("", 0, False, None, b"", EMPTY_PROPERTIES)
    for field in msgspec.structs.fields(type(record)):
        has_other = field.default is not msgspec.NODEFAULT and field.default not in empty
        assert not has_other or field.name in table.computed, field.name


def test_every_field_of_an_event_has_its_column() -> None:
    assert set(EVENTS.columns) == set(EnrichedEvent.__struct_fields__)
