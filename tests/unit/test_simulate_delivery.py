"""Sending history to a collector that is sometimes not able to take it."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from infra.simulate import delivery
from infra.simulate.delivery import SendingFailed, send
from infra.simulate.messages import history
from infra.simulate.truth import Truth
from schemas.batch import MAX_BATCH_EVENTS
from tests.unit.simulated import plan


class Door(ThreadingHTTPServer):
    """A collector's door: refuses as told, then takes everything."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.refusals: list[tuple[int, str]] = []  # status, Retry-After
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Door

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.refusals:
            status, retry_after = self.server.refusals.pop(0)
            self.send_response(status)
            self.send_header("Retry-After", retry_after)
        else:
            self.server.bodies.append(json.loads(gzip.decompress(body)))
            self.server.headers.append(dict(self.headers))
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def door() -> Iterator[Door]:
    with Door() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def sent_to(url: str, rate: float = 0, shoppers: int = 150) -> list[Truth]:
    """The truth of what the door has taken."""
    taken: list[Truth] = []
    asyncio.run(send(history(plan(shoppers=shoppers)), url, "sk_demo", taken.append, rate=rate))
    return taken


def test_history_goes_in_batches_in_its_order_and_says_that_it_is_history(door: Door) -> None:
    taken = sent_to(door.url)
    messages = [message for body in door.bodies for message in body["batch"]]
    assert messages == [each.message for each in history(plan(shoppers=150))]
    assert {truth.event_id for truth in taken} == {message["messageId"] for message in messages}
    assert len(taken) == len({truth.event_id for truth in taken})
    assert all(body["historical_migration"] is True for body in door.bodies)
    assert max(len(body["batch"]) for body in door.bodies) == MAX_BATCH_EVENTS
    assert all(headers["authorization"] == "Bearer sk_demo" for headers in door.headers)


@pytest.mark.parametrize("status", [429, 503])
def test_a_refused_batch_comes_again_when_it_was_told_to(door: Door, status: int) -> None:
    door.refusals = [(status, "0.2"), (status, "0.2")]
    began = time.monotonic()
    taken = sent_to(door.url)
    assert time.monotonic() - began >= 0.4
    assert sum(len(body["batch"]) for body in door.bodies) >= len(taken) > 500


def test_what_can_never_be_taken_ends_the_sending(door: Door) -> None:
    door.refusals = [(401, "")]
    with pytest.raises(SendingFailed, match="401"):
        sent_to(door.url)
    assert door.bodies == []


def test_a_collector_that_stays_away_ends_it_after_a_while(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "_PATIENCE_S", 0.5)
    door.refusals = [(503, "0.1")] * 50
    with pytest.raises(SendingFailed, match="took nothing for"):
        sent_to(door.url)


def test_a_rate_is_kept(door: Door) -> None:
    began = time.monotonic()
    taken = sent_to(door.url, rate=400, shoppers=40)
    seconds = time.monotonic() - began
    assert len(taken) / seconds == pytest.approx(400, rel=0.3)
