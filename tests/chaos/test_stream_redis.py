"""Redis cut off, killed, set back and emptied under a stream that folds; tried side by side."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.embedded import broker
from infra.positions import Positions, behind
from infra.rebuild import begin
from schemas.event import Event
from schemas.topics import RAW, STREAM_GROUP
from tests.processes import await_true, supervised
from tests.stream_expected import assert_each_event_has_one_effect
from tests.stream_world import World, stream_world, visits

DEVICES, PAGES = 40, 30
Trouble = Callable[[World, list[Event]], None]


def cut_off(world: World, events: list[Event]) -> None:
    """Every connection is closed, again and again, whatever is on its way."""
    world.send(events, per_record=5)
    for _ in range(100):
        world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
        time.sleep(0.02)


def killed(world: World, events: list[Event]) -> None:
    """kill -9: the append-only file lacks what was written since it was last synced."""
    for part in parts(events):
        world.send(part, per_record=5)
        time.sleep(0.2)
        world.kill_redis()
        world.start_redis()


def set_back(world: World, events: list[Event]) -> None:
    """Its data of a moment ago, as after a fail-over to a replica that was behind."""
    copy = world.redis_directory.with_suffix(".older")
    shutil.copytree(world.redis_directory, copy)
    for part in parts(events):
        world.send(part, per_record=5)
        await_moved(world)
    world.kill_redis()
    shutil.rmtree(world.redis_directory)
    copy.rename(world.redis_directory)
    world.start_redis()


def emptied(world: World, events: list[Event]) -> None:
    """All its data is gone, and somebody calls `footfall rebuild`, as the stream's log says."""
    world.redis.flushall()
    for part in parts(events):
        world.send(part, per_record=5)
    log = world.redis_directory.with_name("stream.log")
    await_true(lambda: "footfall rebuild" in log.read_text(), 30, "the stream says what mends it")
    begin(world.settings)


def parts(events: list[Event]) -> list[list[Event]]:
    size = len(events) // 3
    return [events[:size], events[size : 2 * size], events[2 * size :]]


def await_moved(world: World) -> None:
    """Until the stream has applied something of what it was sent."""
    with Positions(world.settings) as positions:
        ends = positions.barrier(RAW)
        await_true(lambda: behind(ends, positions.fences(RAW)) < 8, 30, "most of it is applied")


TROUBLES: dict[Trouble, str] = {  # and what the stream says of it
    cut_off: "waits: Redis",
    killed: "waits: Redis",
    set_back: "LostPartition",
    emptied: "footfall rebuild",
}


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    with ThreadPoolExecutor(len(TROUBLES)) as pool:
        yield {
            trouble.__name__: pool.submit(folded, tmp_path_factory.mktemp("redis"), trouble)
            for trouble in TROUBLES
        }


def folded(directory: Path, trouble: Trouble) -> None:
    events = visits(DEVICES, PAGES)
    before, meanwhile = events[:100], events[100:]
    with stream_world(directory) as world:
        log = directory / "stream.log"

        def forget() -> None:
            broker.forget_group(world.settings.kafka, STREAM_GROUP)

        with supervised("stream", world.settings, log, before_restart=forget):
            world.send(before)
            world.await_folded()
            trouble(world, meanwhile)
            world.await_folded(90)
        assert TROUBLES[trouble] in log.read_text()
        assert_each_event_has_one_effect(world, events)


@pytest.mark.parametrize("trouble", list(TROUBLES), ids=lambda trouble: trouble.__name__)
def test_after_redis_was(histories: dict[str, Future[None]], trouble: Trouble) -> None:
    histories[trouble.__name__].result()
