"""The device stage's fold in Quix Streams: an event a message, state in RocksDB and its changelog.

Run as a process with `bench_stream.QUIX` first on the path: Quix Streams asks for other versions
of what it needs than Footfall does.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

from quixstreams import Application, State
from quixstreams.models import Serializer

from infra.cli.context import EXAMPLE_SITE
from schemas import topics
from schemas.settings import Settings
from schemas.site_file import load
from streams.device_stage import DeviceStage
from streams.records import Record
from tests.benchmarks.stream_workers import SINGLE_EVENTS

_STATE = "device"

Emitted = tuple[str, bytes]  # topic, line


class _Line(Serializer):  # type: ignore[misc]
    """Writes the line of what `fold` yields."""

    def __call__(self, value: Emitted, ctx: object) -> bytes:
        return value[1]


def run(settings: Settings, events: int, state_dir: str) -> None:
    """Says how many events a second it folded, and ends."""
    app = Application(
        settings.kafka,
        consumer_group="bench-quix",
        auto_offset_reset="earliest",
        state_dir=state_dir,
        loglevel="WARNING",
        consumer_extra_config={"session.timeout.ms": 6000, "heartbeat.interval.ms": 1500},
        producer_extra_config={"compression.type": "lz4"},
    )
    stage = DeviceStage(load(EXAMPLE_SITE), settings.secret_key)
    began, done = 0.0, 0
    source = app.topic(SINGLE_EVENTS, key_deserializer="str", value_deserializer="bytes")
    # The embedded broker does not tell it, and Quix Streams makes its changelog topic by it.
    source.broker_config.extra_config.setdefault("retention.ms", "-1")
    sinks = {
        topic.name: app.topic(topic.name, key_serializer="str", value_serializer=_Line())
        for topic in topics.ALL
    }

    def fold(
        value: bytes, key: str, timestamp: int, headers: object, state: State
    ) -> Iterator[Emitted]:
        nonlocal began, done
        began = began or time.perf_counter()
        record = Record(0, done, timestamp, value, lambda: None)
        blob = state.get_bytes(_STATE)
        held = {key: stage.decode_state(blob) if blob else None}
        effects = stage.fold(held, [(record, stage.decode(record))], 1)
        for write in effects.states:
            state.set_bytes(_STATE, write.blob)
        done += 1
        if done == events:
            sys.stdout.write(f"events/s {done / (time.perf_counter() - began)}\n")
            sys.stdout.flush()
        for (topic, _), lines in effects.emissions.lines.items():
            for line in lines:
                yield topic, line

    def topic_of(value: Emitted, *_: Any) -> Any:
        return sinks[value[0]]

    frame = app.dataframe(source).apply(fold, stateful=True, metadata=True, expand=True)
    frame.to_topic(topic_of)
    app.run()


if __name__ == "__main__":
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    with tempfile.TemporaryDirectory() as folder:
        run(Settings.from_environment(os.environ), int(sys.argv[1]), folder)
