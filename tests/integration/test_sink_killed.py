"""kill -9 of the sink in the middle of 20,000 events: each is there exactly once."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from schemas.topics import EVENTS
from tests.processes import await_true, footfall
from tests.sink_world import Topics, event, lines, new_device, own_servers, store

EVENTS_SENT = 20_000
KILLS = 2


def test_every_event_is_there_exactly_once(tmp_path: Path) -> None:
    device = new_device()
    sent = [event(device, at) for at in range(EVENTS_SENT)]
    log = tmp_path / "sink.log"
    with own_servers(tmp_path) as settings, store(settings) as opened:
        topics = Topics(settings)
        counts = "SELECT count(), uniqExact(event_id) FROM events_all WHERE device_id = {d:String}"
        stored = "SELECT count() FROM events_stored"
        for kill in range(KILLS + 1):
            with footfall("sink", settings, log) as process:
                part = lines(sent[kill :: KILLS + 1])
                for partition in range(8):
                    topics.send(EVENTS, part[partition::8], partition=partition, per_record=20)
                if kill < KILLS:
                    before = opened.ask(stored)
                    await_true(lambda: opened.ask(stored) != before, 60, "some rows")  # noqa: B023
                    time.sleep(0.01 * kill)  # not always between the same two steps
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                else:
                    await_true(
                        lambda: opened.ask(counts, d=device) == [(EVENTS_SENT, EVENTS_SENT)],
                        60,
                        f"{EVENTS_SENT} events once each",
                    )
                    process.send_signal(signal.SIGTERM)
                    assert process.wait(30) == 0
