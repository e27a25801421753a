"""`footfall rebuild`: live state taken away and folded again is the live state that it was."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from infra.embedded import broker
from infra.positions import Positions
from infra.rebuild import begin_if_forgotten, begin_if_of_another_form
from schemas.event import Event
from schemas.messages import IdentityLink
from schemas.person_state import person_decoder
from schemas.redis_keys import REBUILD_LOCK_KEY
from schemas.states_form import STATES_FORM_KEY
from schemas.topics import EVENTS, IDENTITY, RAW, REJECTED, STREAM_GROUP
from streams.errors import RebuildNeeded
from streams.store import Start, Store
from tests.processes import await_true, environment_of, supervised
from tests.stream_world import World, stream_world, visits


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A stream that has folded a history with logins, orders, aliases and lines it refused."""
    directory = tmp_path_factory.mktemp("rebuild")
    with stream_world(directory) as world:

        def forget() -> None:
            broker.forget_group(world.settings.kafka, STREAM_GROUP)

        with supervised("stream", world.settings, directory / "stream.log", before_restart=forget):
            world.send(visits(devices=60, pages=30) + aliases(30), per_record=20)
            world.send_lines([b"no event", b"{}"])
            world.await_folded()
            yield world


def aliases(count: int) -> list[Event]:
    """Every second of the users is also the one before."""
    now = int(time.time() * 1000)
    return [
        Event(
            event_id=str(uuid.UUID(int=number)),
            event_time=now,
            received_at=now,
            type="alias",
            name="",
            protocol="segment",
            device_id=f"user:user-device-{2 * number}",
            user_id=f"user-device-{2 * number}",
            previous_id=f"user-device-{2 * number + 1}",
            consent="granted",
            server=True,
        )
        for number in range(count)
    ]


def has_committed(world: World) -> bool:
    with Positions(world.settings, STREAM_GROUP) as positions:
        return any(positions.committed(RAW).values())


def test_live_state_is_what_it_was_and_nothing_is_told_twice(world: World) -> None:
    state, told = live_state(world), told_to_clickhouse(world)
    assert {b"d", b"p", b"f", b"u"} <= {key.split(b":")[2] for key in state}
    said = footfall(world, "rebuild")
    assert "live state is there again" in said.stdout
    world.await_folded()
    assert live_state(world) == state
    assert told_to_clickhouse(world) == told
    assert doctor(world) == {"ok": True, "what": "live state", "state": "fits what Kafka has"}


def test_what_came_meanwhile_is_told_and_counted_once(world: World) -> None:
    rows = world.rows()
    footfall(world, "rebuild", "--no-wait")
    later = visits(devices=20, pages=10, seed=7)
    for event in later:
        event.device_id = f"later-{event.device_id}"
    world.send(later, per_record=5)
    world.await_folded()
    added = {row: lines for row, lines in world.rows().items() if row not in rows}
    assert set(added) == {(event.device_id, event.event_id) for event in later}
    assert {len(lines) for lines in added.values()} == {1}


def test_killed_at_any_step_and_called_again_it_does_the_whole_of_it(world: World) -> None:
    state, told = live_state(world), told_to_clickhouse(world)
    command = [sys.executable, "-m", "infra.cli", "rebuild", "--no-wait"]
    for step in ("planned", "stopped", "removed", "begun"):
        killed = subprocess.run(command, env=environment_of(world.settings, FOOTFALL_FAULT=step))
        assert killed.returncode == -signal.SIGKILL
        assert "another footfall rebuild" in footfall(world, "rebuild", code=1).stderr
        world.redis.delete(REBUILD_LOCK_KEY)  # as it goes by itself a while later
        if step == "removed":
            assert "run: footfall rebuild" in doctor(world)["state"]
    footfall(world, "rebuild")
    world.await_folded()
    assert live_state(world) == state
    assert told_to_clickhouse(world) == told


def test_migrate_has_what_redis_forgot_folded_again(world: World) -> None:
    state, told = live_state(world), told_to_clickhouse(world)
    await_true(lambda: has_committed(world), 30, "Kafka knows that the stream has folded")
    assert not begin_if_forgotten(world.settings, made=[])
    world.redis.flushall()
    assert "has lost its data" in doctor(world)["state"]
    assert not begin_if_forgotten(world.settings, made=[RAW.name])
    assert begin_if_forgotten(world.settings, made=[])
    world.await_folded()
    assert live_state(world) == state
    assert told_to_clickhouse(world) == told


def test_migrate_has_what_another_version_wrote_folded_again(world: World) -> None:
    state, told = live_state(world), told_to_clickhouse(world)
    assert not begin_if_of_another_form(world.settings)
    world.redis.delete(STATES_FORM_KEY)  # as before forms were told
    assert "is of form 1" in doctor(world)["state"]
    with pytest.raises(RebuildNeeded, match="run: footfall migrate"):
        start_of(world)
    assert begin_if_of_another_form(world.settings)
    world.await_folded()
    assert live_state(world) == state
    assert told_to_clickhouse(world) == told
    assert start_of(world).position.offset


def start_of(world: World) -> Start:
    """Where a worker that begins now finds the first partition."""

    async def read() -> Start:
        store = Store(world.settings.redis_url)
        try:
            return await store.start(RAW, 0)
        finally:
            await store.close()

    return asyncio.run(read())


def live_state(world: World) -> dict[bytes, Any]:
    """All that stages keep; persons without the versions that are to grow with a rebuild."""
    found: dict[bytes, Any] = {}
    for key in world.redis.scan_iter("ff:{*"):
        kind = key.split(b":")[2]
        if kind in (b"fence", b"quiet", b"touched"):
            continue
        if world.redis.type(key) == b"hash":
            found[key] = world.redis.hgetall(key)
        elif kind == b"p":
            found[key] = without_versions(person_decoder.decode(bytes_at(world, key)))
        else:
            found[key] = world.redis.get(key)
    return found


def bytes_at(world: World, key: bytes) -> bytes:
    found = world.redis.get(key)
    assert isinstance(found, bytes)
    return found


def without_versions(person: Any) -> Any:
    devices = {
        key: msgspec.structs.replace(held, version=0) for key, held in person.devices.items()
    }
    return msgspec.structs.replace(person, devices=devices, root_version=0)


def told_to_clickhouse(world: World) -> tuple[int, int, set[Any]]:
    """Lines of events and refusals; links, which the stage of aliases tells again, as they are."""
    links = [msgspec.json.decode(line, type=IdentityLink) for line in world.lines(IDENTITY)]
    told = {(link.identifier, link.person_id, link.reason, link.status) for link in links}
    return len(list(world.lines(EVENTS))), len(list(world.lines(REJECTED))), told


def footfall(world: World, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "infra.cli", *words],
        env=environment_of(world.settings),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def doctor(world: World) -> Any:
    """What `footfall doctor` says of live state; other checks miss services that are not here."""
    checks = json.loads(footfall(world, "doctor", "--json", code=1).stdout)
    return next(check for check in checks if check["what"] == "live state")
