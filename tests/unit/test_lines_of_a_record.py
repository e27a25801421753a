"""The lines of a record: each is read as what it is, together or one by one."""

from __future__ import annotations

import pytest

from schemas.batch import encode_line
from schemas.event import Event
from schemas.forget import Forget
from schemas.messages import Alias, Register, Root
from streams.alias_stage import AliasStage
from streams.device_stage import DeviceStage
from streams.lane import Stage
from streams.person_stage import PersonStage
from streams.records import Record
from tests.stream_world import SITE

EVENT = encode_line(
    Event(
        event_id="e",
        event_time=1,
        received_at=1,
        type="page",
        name="Page Viewed",
        protocol="beacon",
        device_id="d",
        title="B\u00e4r",
    )
)
REGISTER = encode_line(Register(person_id="p", device_id="d", version=1, record_time=1))
ROOT = encode_line(Root(person_id="p", root='"device_id":', version=1, record_time=1))
ALIAS = encode_line(Alias(one="a", other="b", event_time=1, event_id="e", record_time=1))
FORGET = encode_line(Forget(partition=0, at=1))

DEVICES, PERSONS, ALIASES = DeviceStage(SITE, "secret"), PersonStage(SITE), AliasStage()


def kinds(stage: Stage, value: bytes) -> list[str]:
    return [type(line).__name__ for line in stage.decode(Record(0, 0, 1, value, lambda: None))]


@pytest.mark.parametrize(
    ("stage", "lines", "expected"),
    [
        (DEVICES, (EVENT, EVENT), ["Event", "Event"]),
        (DEVICES, (EVENT, b"rubbish", FORGET), ["Event", "bytes", "Forget"]),
        (PERSONS, (REGISTER, REGISTER), ["Register", "Register"]),
        (PERSONS, (REGISTER, ROOT, FORGET, b"{}"), ["Register", "Root", "Forget", "bytes"]),
        (ALIASES, (ALIAS, FORGET, b"{}"), ["Alias", "Forget", "bytes"]),
    ],
)
def test_each_line_is_what_it_says(stage: Stage, lines: list[bytes], expected: list[str]) -> None:
    assert kinds(stage, b"\n".join(lines)) == expected


def test_empty_lines_are_none() -> None:
    assert kinds(DEVICES, EVENT + b"\n\n" + EVENT + b"\n") == ["Event", "Event"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (EVENT + EVENT, "two values"),
        (EVENT[:-1] + b', "properties": []}', "properties that are no object"),
        (EVENT[:-1] + b', "properties": {"a": "\xff"}}', "properties that are no UTF-8"),
        (EVENT.replace(b",", b",\n", 1), "a value over two lines"),
    ],
)
def test_beside_others_a_line_is_refused_alone(line: bytes, why: str) -> None:
    found = kinds(DEVICES, b"\n".join((EVENT, line, EVENT)))
    assert found == ["Event", *["bytes"] * (1 + line.count(b"\n")), "Event"], why


def test_what_is_in_memory_is_not_asked_for() -> None:
    lines = DEVICES.decode(Record(0, 0, 1, EVENT, lambda: None))
    assert [name for name, _ in DEVICES.state_keys(lines)] == ["d"]
    assert not list(DEVICES.state_keys(lines, known={"d"}))
