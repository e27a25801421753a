"""The whole stack on Apache Kafka: what the embedded broker stands for."""

from __future__ import annotations

from pathlib import Path

from tests.stack import stack


def test_a_visit_is_counted_once_and_again_after_the_stack_was_started_anew(
    apache_kafka: str, tmp_path: Path
) -> None:
    log = tmp_path / "up.log"
    with stack(tmp_path / "state", log, FOOTFALL_KAFKA=apache_kafka) as running:
        running.page("anna", "/p/1", referrer="https://encyclopedia.example/toys")
        running.segment("track", anonymousId="anna", event="Product Added")
        running.segment("identify", anonymousId="anna", userId="u-anna")
        running.drain()
        assert running.live_funnel("checkout") == {
            "product": 1,
            "cart": 1,
            "checkout": 0,
            "order": 0,
        }
        assert running.homepage(anonymous_id="anna")["visitor"]["class"] == "registered"
        for service in ("stream", "sink"):
            running.kill(service)
        running.segment("track", anonymousId="anna", event="Checkout Started")
        running.drain()
        events = "SELECT count(), uniqExact(person_id), uniqExact(session_id) FROM events_all"
        assert running.sql(events) == [["4", "1", "1"]]
        assert running.live_funnel("checkout")["checkout"] == 1
    with stack(tmp_path / "state", log, FOOTFALL_KAFKA=apache_kafka) as running:
        running.segment("track", anonymousId="anna", event="Order Completed", messageId="m")
        running.drain()
        assert running.sql(events) == [["5", "1", "1"]]
