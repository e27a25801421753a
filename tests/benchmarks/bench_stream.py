"""The device stage on one Faust worker, against the same fold as a per-event agent with a Table.

Events arrive in order, as nearly all do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.positions import Positions, behind
from schemas.event import Event, encode_batch
from schemas.topics import RAW
from tests.benchmarks.stream_workers import SINGLE_EVENTS
from tests.processes import environment_of
from tests.stream_world import World, stream_world, visits

EVENTS = 200_000
BASELINE_EVENTS = 6_000
A_RECORD = 50


def run() -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory() as folder:
        ours = _ours(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        baseline = _baseline(Path(folder))
    return [
        {
            "name": f"device stage, {A_RECORD} events a record, one worker",
            "value": ours,
            "unit": "events/s",
            "baseline": baseline,
            "ratio": ours / baseline,
            "goal": ">= 40,000 events/s, >= 6x",
        }
    ]


def _ours(directory: Path) -> float:
    """Events a second between the first batch applied and the last."""
    with stream_world(directory) as world:
        world.send(_in_order(EVENTS), A_RECORD)
        with Positions(world.settings) as positions:
            ends = positions.barrier(RAW)
            total = sum(ends.values())
            with _worker("device", world, directory):
                while behind(ends, positions.fences(RAW)) == total:
                    time.sleep(0.01)
                began, left = time.perf_counter(), behind(ends, positions.fences(RAW))
                while behind(ends, positions.fences(RAW)):
                    time.sleep(0.01)
                took = time.perf_counter() - began
    return EVENTS * left / total / took


def _baseline(directory: Path) -> float:
    """The worker prints its own events a second."""
    with stream_world(directory) as world:
        _send_singly(world, _in_order(BASELINE_EVENTS))
        with _worker("table", world, directory) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("events/s "):
                    return float(line.split()[1])
    raise RuntimeError(f"the baseline worker ended: {(directory / 'worker.log').read_text()}")


def _in_order(count: int) -> list[Event]:
    return sorted(visits(devices=count // 10, pages=10), key=lambda event: event.event_time)


def _send_singly(world: World, events: list[Event]) -> None:
    admin = AdminClient({"bootstrap.servers": world.settings.kafka})
    made = admin.create_topics([NewTopic(SINGLE_EVENTS, num_partitions=8, replication_factor=1)])
    made[SINGLE_EVENTS].result(10)
    producer = Producer({"bootstrap.servers": world.settings.kafka, "acks": "all"})
    for event in events:
        producer.produce(SINGLE_EVENTS, encode_batch([event]), key=event.device_id.encode())
        producer.poll(0)
    assert producer.flush(30) == 0


class _worker:
    """One stream worker process for the length of a block."""

    def __init__(self, kind: str, world: World, directory: Path) -> None:
        self._log = (directory / "worker.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.stream_workers", kind, str(BASELINE_EVENTS)],
            env=environment_of(world.settings),
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=Path(__file__).parent.parent.parent,
        )

    def __enter__(self) -> subprocess.Popen[str]:
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()
