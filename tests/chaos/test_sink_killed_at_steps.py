"""kill -9 of `footfall sink` at each step of a block: every line has one fate, whatever landed.

Each step has a broker of its own and all share one ClickHouse. A block holds several tables and
events of three months, so ClickHouse takes it in many parts. They are tried side by side, since a
sink spends its start waiting until its group has missed the one that was killed.
"""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from infra.embedded import broker
from infra.positions import Positions, behind
from schemas.batch import encode_line
from schemas.ids import person_of_user
from schemas.messages import Correction, IdentityLink
from schemas.settings import Settings
from schemas.topics import CORRECTIONS, EVENTS, IDENTITY, SINK_GROUP
from sinks.clickhouse.rows import TABLES
from tests.processes import await_true, footfall
from tests.servers import own_settings, running
from tests.sink_world import (
    DAY,
    NOON,
    Store,
    Topics,
    event,
    lines,
    new_device,
    own_clickhouse,
    store,
)

FAULTS = (
    "sink.taken",
    "sink.events_stored",
    "sink.inserted",
    "sink.published",
    "sink.rejected_stored",  # what it published itself, read again
)
GOOD, BAD, REFUSED = 900, 5, 3


class Shared(msgspec.Struct):
    """The ClickHouse of all and its address."""

    settings: Settings
    opened: Store


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """For each step what became of a sink that was killed there, and its successor."""
    directory = tmp_path_factory.mktemp("steps")
    settings = own_settings()
    with own_clickhouse(settings, directory), store(settings) as opened:
        opened.ask("ALTER TABLE events_stored ADD CONSTRAINT t CHECK title != 'forbidden'")
        with ThreadPoolExecutor(len(FAULTS)) as pool:
            yield {
                fault: pool.submit(
                    killed_and_started_again, settings, tmp_path_factory.mktemp("step"), fault
                )
                for fault in FAULTS
            }


def killed_and_started_again(clickhouse: Settings, directory: Path, fault: str) -> None:
    own = own_settings()
    settings = msgspec.structs.replace(own, clickhouse_url=clickhouse.clickhouse_url)
    device, log = new_device(), directory / "sink.log"
    service = broker.service(settings.ports.kafka)
    with running(service, directory / "broker.log") as process, store(settings) as opened:
        send(Topics(settings), device)
        with footfall("sink", settings, log, FOOTFALL_FAULT=fault) as killed:
            assert killed.wait(60) == -signal.SIGKILL
        with footfall("sink", settings, log):
            await_all_committed(settings)
        assert_every_line_has_one_fate(opened, device)
        process.kill()


def send(topics: Topics, device: str) -> None:
    """Good events of three months, and among them lines that sink or ClickHouse refuse."""
    good = [event(device, -30 * DAY * (at % 3) + at) for at in range(GOOD)]
    forbidden = [event(device, at, title="forbidden") for at in range(REFUSED)]
    rubbish = [b"rubbish %d of %s" % (at, device.encode()) for at in range(BAD)]
    mixed = [*lines(good), *lines(forbidden), *rubbish]
    for partition in range(3):
        topics.send(EVENTS, mixed[partition::3], partition=partition)
    person = person_of_user(device)
    correction = Correction(
        device_id=device,
        what="person",
        since=NOON,
        until=NOON + 10,
        person_id=person,
        session_id=None,
        version=7,
    )
    link = IdentityLink(
        identifier=device,
        kind="cookie",
        person_id=person,
        valid_from=NOON,
        reason="login",
        device_id=device,
        version=7,
    )
    topics.send(CORRECTIONS, [encode_line(correction)])
    topics.send(IDENTITY, [encode_line(link)])


def await_all_committed(settings: Settings) -> None:
    with Positions(settings, SINK_GROUP) as positions:

        def is_all_committed() -> bool:
            return all(
                behind(positions.ends(table.topic), positions.committed(table.topic)) == 0
                for table in TABLES
            )

        await_true(is_all_committed, 60, "everything is committed")


def assert_every_line_has_one_fate(opened: Store, device: str) -> None:
    counts = (
        "SELECT count(), uniqExact((device_id, event_id)) FROM events_all"
        " WHERE device_id = {d:String}"
    )
    assert opened.ask(counts, d=device) == [(GOOD, GOOD)]
    refused = (
        "SELECT reason, count(), uniqExact(original) FROM rejected"
        " WHERE position(original, {d:String}) > 0 GROUP BY reason ORDER BY reason"
    )
    assert opened.ask(refused, d=device) == [
        ("invalid_event", BAD, BAD),
        ("not_storable", REFUSED, REFUSED),
    ]
    moved = "SELECT count() FROM events_all WHERE device_id = {d:String} AND person_id = {p:UUID}"
    spoken_of = sum(1 for at in range(GOOD) if at % 3 == 0 and at <= 10)
    assert opened.ask(moved, d=device, p=uuid.UUID(person_of_user(device))) == [(spoken_of,)]
    links = "SELECT count() FROM identities WHERE identifier = {d:String}"
    assert opened.ask(links, d=device) == [(1,)]


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_at_a_step_every_line_has_one_fate(
    histories: dict[str, Future[None]], fault: str
) -> None:
    histories[fault].result()
