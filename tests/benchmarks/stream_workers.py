"""The two workers that bench_stream compares; run as a process: `device` or `table`."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from typing import cast

import faust
import uvloop

from infra.cli.context import EXAMPLE_SITE
from schemas.faults import fault_point_from
from schemas.settings import Settings
from schemas.site_file import load
from streams.app import run
from streams.device_stage import DeviceStage
from streams.records import Record
from streams.worker import Worker

SINGLE_EVENTS = "bench.single"


async def device(settings: Settings) -> None:
    """Our device stage alone, as `footfall stream` runs it."""
    stage = DeviceStage(load(EXAMPLE_SITE), settings.secret_key)
    await run(settings, [stage], asyncio.Event(), lambda lanes: None)


async def table(settings: Settings, events: int) -> None:
    """The same fold, one event a message, state in a Faust Table, emissions by `topic.send`."""
    app = Worker(
        "bench-table",
        broker=f"kafka://{settings.kafka}",
        store="memory://",
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=6.0,  # the embedded broker lets members join after half of it
        broker_heartbeat_interval=1.5,
    )
    app.fault_point = fault_point_from({})
    stage = DeviceStage(load(EXAMPLE_SITE), settings.secret_key)
    states = app.Table("states", default=bytes, partitions=8)
    source = app.topic(
        SINGLE_EVENTS, key_serializer="raw", value_serializer="raw", value_type=bytes, partitions=8
    )
    began, done = 0.0, 0

    async def fold(stream: faust.Stream[bytes]) -> None:
        nonlocal began, done
        async for key, value in stream.items():
            began = began or time.perf_counter()
            record = Record(0, done, int(time.time() * 1000), value, lambda: None)
            lines = stage.decode(record)
            name = cast(bytes, key).decode()
            blob = states[name]
            held = {name: stage.decode_state(blob) if blob else None}
            effects = stage.fold(held, [(record, lines)], 1)
            for write in effects.states:
                states[name] = write.blob
            for (topic, _), emitted in effects.emissions.lines.items():
                for line in emitted:
                    await app.topic(topic, value_serializer="raw").send(value=line)
            done += 1
            if done == events:
                sys.stdout.write(f"events/s {done / (time.perf_counter() - began)}\n")
                sys.stdout.flush()

    app.agent(source)(fold)  # type: ignore[arg-type]
    await app.start()
    await asyncio.Event().wait()


def main(kind: str, events: int) -> None:
    settings = Settings.from_environment(os.environ)
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    uvloop.run(device(settings) if kind == "device" else table(settings, events))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
