"""kill -9 of `footfall stream` at each step of the protocol: every event once, nothing twice.

A worker spends its start waiting for its group, so the steps are tried side by side.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.embedded import broker
from schemas.topics import STREAM_GROUP
from tests.processes import footfall
from tests.pulse_recount import stored
from tests.stream_expected import assert_each_event_has_one_effect
from tests.stream_world import aliases, stream_world, visits

LANE_STEPS = ("loaded", "folded", "published", "applied", "acknowledged")
FAULTS = [
    *(f"footfall.raw.{step}:3" for step in LANE_STEPS),
    *(f"footfall.registers.{step}:2" for step in LANE_STEPS),
    *(f"footfall.aliases.{step}:1" for step in ("published", "applied")),
    *(f"footfall.rejected.{step}:1" for step in ("published", "applied")),
    "committing:2",  # the first commit is that of the fences, before anything is read
    "committed:2",
]
AT_ONCE = 6


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[None]]]:
    """For each fault what became of a worker that was killed there, and its successor."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            fault: pool.submit(killed_and_started_again, tmp_path_factory.mktemp("killed"), fault)
            for fault in FAULTS
        }


def killed_and_started_again(directory: Path, fault: str) -> None:
    events = [*visits(devices=40, pages=25), *aliases(devices=40)]
    log = directory / "stream.log"
    with stream_world(directory) as world:
        world.send(events, per_record=10)
        world.send_lines([b"no event", b"{}"])
        with footfall("stream", world.settings, log, FOOTFALL_FAULT=fault) as process:
            assert process.wait(60) == -signal.SIGKILL
        # a group without its dead member: its time-out is no part of this
        broker.forget_group(world.settings.kafka, STREAM_GROUP)
        with footfall("stream", world.settings, log):
            world.await_folded()
        assert_each_event_has_one_effect(world, events)
        refused = stored(world.redis, "ff:{j*}:v:*").values()
        assert sum(sum(fields.values()) for fields in refused) == 2


@pytest.mark.parametrize("fault", FAULTS)
def test_killed_at_a_step_every_event_has_one_effect(
    histories: dict[str, Future[None]], fault: str
) -> None:
    histories[fault].result()
