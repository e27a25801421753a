"""The device stage on one Faust worker, against the same fold with one event a message: as an agent
with a Table, and in Quix Streams.

Events arrive in order, as nearly all do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.positions import Positions, behind
from schemas.batch import encode_batch
from schemas.event import Event
from schemas.ids import event_uuid
from schemas.topics import RAW
from tests.benchmarks.stream_workers import SINGLE_EVENTS
from tests.processes import environment_of
from tests.stream_world import World, stream_world, visits

ROOT = Path(__file__).parent.parent.parent
QUIX = Path(sys.prefix) / "quix"  # see the Makefile

EVENTS = 200_000
BASELINE_EVENTS = 6_000
A_RECORD = 50
SHOP = "https://toyhouse.example/"
GIVEN_UP_S = 120  # a worker that is not done by then

Measured = TypeVar("Measured")


def run() -> list[dict[str, object]]:
    ours, ours_cpu = _in_own_world(_ours)
    table = _in_own_world(_baseline("tests.benchmarks.stream_workers", "table"))
    against_quix: dict[str, object] = {"name": "the same against Quix Streams", "goal": ">= 2x"}
    if (QUIX / "quixstreams").exists():
        quix = _in_own_world(_baseline("tests.benchmarks.quix_worker"))
        against_quix |= {"value": ours, "unit": "events/s", "baseline": quix, "ratio": ours / quix}
    else:
        against_quix["skipped"] = "Quix Streams is not installed: make bench installs it"
    rows = [
        {
            "name": f"device stage, {A_RECORD} events a record, one worker",
            "value": ours,
            "unit": "events/s",
            "baseline": table,
            "ratio": ours / table,
            "goal": ">= 40,000 events/s, >= 6x a Faust agent with a Table",
        },
        against_quix,
    ]
    if ours_cpu is not None:
        name = "device stage, by the worker's own CPU time"
        rows.append({"name": name, "value": ours_cpu, "unit": "events/s", "goal": ">= 40,000"})
    return rows


def _in_own_world(measure: Callable[[World, Path], Measured]) -> Measured:
    with tempfile.TemporaryDirectory() as folder, stream_world(Path(folder)) as world:
        return measure(world, Path(folder))


def _ours(world: World, directory: Path) -> tuple[float, float | None]:
    """Events a second between the first batch applied and the last; and a second of CPU time."""
    world.send(_in_order(EVENTS), A_RECORD)
    with Positions(world.settings) as positions:
        ends = positions.barrier(RAW)
        total = sum(ends.values())
        with _worker(world, directory, "tests.benchmarks.stream_workers", "device") as process:
            while behind(ends, positions.fences(RAW)) == total:
                time.sleep(0.01)
            began, left = time.perf_counter(), behind(ends, positions.fences(RAW))
            cpu_before = _cpu_seconds(process.pid)
            while behind(ends, positions.fences(RAW)):
                time.sleep(0.01)
            took = time.perf_counter() - began
            cpu_after = _cpu_seconds(process.pid)
    events = EVENTS * left / total
    if cpu_before is None or cpu_after is None:
        return events / took, None
    return events / took, events / (cpu_after - cpu_before)


def _cpu_seconds(pid: int) -> float | None:
    """All threads' time in user and kernel mode; None where there is no /proc."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return None
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _baseline(module: str, *arguments: str) -> Callable[[World, Path], float]:
    """The worker prints its own events a second."""

    def measure(world: World, directory: Path) -> float:
        _send_singly(world, _in_order(BASELINE_EVENTS))
        with _worker(world, directory, module, *arguments) as process:
            assert process.stdout is not None
            late = threading.Timer(GIVEN_UP_S, process.kill)
            late.start()
            for line in process.stdout:
                if line.startswith("events/s "):
                    late.cancel()
                    return float(line.split()[1])
            late.cancel()
        raise RuntimeError(f"{module} ended: {(directory / 'worker.log').read_text()}")

    return measure


def _in_order(count: int) -> list[Event]:
    """Ten events of each device: the first may come from elsewhere, the others from the shop."""
    events = sorted(visits(devices=count // 10, pages=10), key=lambda event: event.event_time)
    come: set[str] = set()
    for event in events:
        if event.device_id in come:
            event.referrer = SHOP
        come.add(event.device_id)
        event.device_id = event_uuid(event.device_id)
    return events


def _send_singly(world: World, events: list[Event]) -> None:
    admin = AdminClient({"bootstrap.servers": world.settings.kafka})
    made = admin.create_topics([NewTopic(SINGLE_EVENTS, num_partitions=8, replication_factor=1)])
    made[SINGLE_EVENTS].result(10)
    producer = Producer({"bootstrap.servers": world.settings.kafka, "acks": "all"})
    for event in events:
        producer.produce(SINGLE_EVENTS, encode_batch([event]), key=event.device_id.encode())
        producer.poll(0)
    assert producer.flush(30) == 0


@contextmanager
def _worker(
    world: World, directory: Path, module: str, *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """One stream worker process for the length of a block."""
    environment = environment_of(world.settings)
    if module.endswith("quix_worker"):
        environment["PYTHONPATH"] = os.pathsep.join((str(QUIX), str(ROOT)))
    with (directory / "worker.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments, str(BASELINE_EVENTS)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=ROOT,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()
