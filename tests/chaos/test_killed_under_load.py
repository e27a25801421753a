"""kill -9 of stream and sink in the middle of 20,000 events; the stack stopped and started."""

from __future__ import annotations

from pathlib import Path

from tests.stack import Stack, stack

EVENTS = 20_000
BATCH = 200


def send(running: Stack, first: int, count: int) -> None:
    """Events number `first` and following, of a hundred devices; each batch acknowledged."""
    for start in range(first, first + count, BATCH):
        batch = [
            {
                "type": "track",
                "event": "Clicked",
                "messageId": f"message-{number}",
                "anonymousId": f"device-{number % 100}",
            }
            for number in range(start, min(start + BATCH, first + count))
        ]
        assert running.segment("batch", batch=batch) == {"success": True}


def counts(running: Stack) -> list[list[str]]:
    return running.sql(
        "SELECT count(), uniqExact((device_id, event_id)), uniqExact(device_id) FROM events_all"
    )


def test_stream_and_sink_killed_in_the_middle_of_twenty_thousand_events(tmp_path: Path) -> None:
    with stack(tmp_path / "state", tmp_path / "up.log") as running:
        send(running, 0, EVENTS // 4)
        running.kill("stream")
        send(running, EVENTS // 4, EVENTS // 4)
        running.kill("sink")
        send(running, EVENTS // 2, EVENTS // 4)
        running.kill("sink")
        running.kill("stream")
        send(running, EVENTS * 3 // 4, EVENTS // 4)
        running.drain()
        assert counts(running) == [[str(EVENTS), str(EVENTS), "100"]]
        assert running.sql("SELECT count() FROM rejected") == [["0"]]


def test_the_stack_started_again_on_the_same_directory_keeps_and_adds(tmp_path: Path) -> None:
    state, log = tmp_path / "state", tmp_path / "up.log"
    with stack(state, log) as running:
        send(running, 0, 50)
    with stack(state, log) as running:
        assert running.sql("SELECT count() FROM events_all") == [["50"]]
        send(running, 50, 5)
        running.drain()
        assert running.sql("SELECT count() FROM events_all") == [["55"]]
        assert running.sql("SELECT uniqExact(person_id) FROM events_all") == [["55"]]
