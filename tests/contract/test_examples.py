"""Every golden example of schemas/examples, run through codec, device stage and ClickHouse.

An example says: `raw` lines of footfall.raw, the `rows` of events_all that come of them (only the
fields it speaks of; a person as 'user:<id>' or 'device:<id>'), and reasons of what is `rejected`.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

import schemas
from infra.cli.context import EXAMPLE_SITE
from schemas.batch import encode_line
from schemas.event import EnrichedEvent, Rejected, raw_line_decoder
from schemas.ids import person_of_device, person_of_user
from schemas.settings import Settings
from schemas.site_file import load
from sinks.clickhouse.rows import EVENTS
from streams.device_stage import DeviceStage
from streams.records import Record
from tests.sink_world import Store, store

FILES = sorted((Path(schemas.__path__[0]) / "examples").glob("*.json"))


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Store]:
    with store(settings) as one:
        yield one


def folded(example: dict[str, Any]) -> dict[str, list[bytes]]:
    """Emitted lines by topic."""
    value = b"\n".join(json.dumps(line).encode() for line in example["raw"])
    stage = DeviceStage(load(EXAMPLE_SITE), "secret")
    record = Record(0, 0, example["raw"][-1]["event_time"], value, lambda: None)
    emitted = stage.fold({}, [(record, stage.decode(record))], 1).emissions.lines
    return {topic: lines for (topic, _), lines in emitted.items()}


def person(name: str | None) -> str | None:
    if name is None:
        return None
    kind, _, identifier = name.partition(":")
    return person_of_user(identifier) if kind == "user" else person_of_device(identifier)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_an_example_becomes_what_it_says(file: Path, opened: Store) -> None:
    example = json.loads(file.read_text())
    lines = folded(example)
    rows = [msgspec.json.decode(line, type=EnrichedEvent) for line in lines["footfall.events"]]
    assert len(rows) == len(example["rows"])
    opened.put(EVENTS, *rows)
    for row, wanted in zip(rows, example["rows"], strict=True):
        names = ", ".join(wanted)
        (stored,) = opened.ask(
            f"SELECT {names} FROM events_all WHERE event_id = {{id:UUID}}", id=row.event_id
        )
        for name, found in zip(wanted, stored, strict=True):
            assert plain(found) == (person(wanted[name]) if name == "person_id" else wanted[name])
    refused = lines.get("footfall.rejected", [])
    reasons = [msgspec.json.decode(line, type=Rejected).reason for line in refused]
    assert reasons == example.get("rejected", [])


def plain(found: object) -> object:
    """A value as ClickHouse gave it, as JSON would have it."""
    if isinstance(found, Decimal):
        return f"{found:.4f}"
    return str(found) if isinstance(found, uuid.UUID) else found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.stem))
def test_what_the_codec_reads_it_writes_the_same(file: Path) -> None:
    for line in json.loads(file.read_text())["raw"]:
        if "event_id" in line:
            written = encode_line(raw_line_decoder.decode(json.dumps(line)))
            assert json.loads(written) == line
