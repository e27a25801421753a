"""Webhooks to a receiver that takes them, fails, hangs, sends elsewhere, or is not there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence

import pytest

from personalize_api.alerts import webhooks
from personalize_api.alerts.state import Alert, Message, Resolved, encode
from personalize_api.alerts.webhooks import Outbox, digest, messages, shown_key, sign
from personalize_api.metrics import Metrics
from tests.receiver import Receiver, receiving

Send = Callable[[int], Coroutine[None, None, None]]
SECRET = "a secret for tests"
HOUR_MS = 3_600_000
ALERT = Alert(
    id="funnel/checkout/order@1790000000",
    kind="funnel",
    severity="critical",
    title="checkout: none come to order",
    detail="0 of 120 came",
    since="2026-09-21T13:46:00.000Z",
)
ENDED = Resolved(
    **{name: getattr(ALERT, name) for name in Alert.__struct_fields__},
    until="2026-09-21T13:59:00.000Z",
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


class Kept:
    """What the store would keep."""

    def __init__(self) -> None:
        self.again: list[Message] = []
        self.done: list[Message] = []

    async def __call__(self, again: Sequence[Message], done: Sequence[Message]) -> None:
        self.again += again
        self.done += done


def deliver(
    addresses: Sequence[str],
    steps: Callable[[Outbox, Send], Coroutine[None, None, None]],
    created: int = 0,
) -> tuple[Kept, Metrics]:
    """An outbox with a raised and a resolved alert for each address, for the length of `steps`.

    `steps` is handed a function that sends what is due at that time (ms), and waits for it.
    """
    kept, metrics = Kept(), Metrics()

    async def run() -> None:
        outbox = Outbox(SECRET, metrics, kept)
        known = {digest(url): url for url in addresses}

        async def send(now_ms: int) -> None:
            outbox.send(known, now_ms)
            await asyncio.gather(*outbox._sending.values())

        try:
            outbox.replace(messages(addresses, "Toyhouse", created, [ALERT], [ENDED]))
            await steps(outbox, send)
        finally:
            await outbox.close()

    asyncio.run(run())
    return kept, metrics


def outcome(metrics: Metrics, name: str) -> float:
    value = metrics.registry.get_sample_value("footfall_alert_webhooks_total", {"outcome": name})
    assert value is not None
    return value


def test_a_signature_is_the_one_that_standard_webhooks_gives() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_sent_can_be_verified_and_read(receiver: Receiver) -> None:
    async def steps(_: Outbox, send: Send) -> None:
        await send(1)

    kept, metrics = deliver([f"{receiver.url}/hook?token=t"], steps)
    first, second = receiver.received
    assert (first.path, receiver.told()) == (
        "/hook?token=t",
        ["alert.raised", "alert.resolved"],
    )
    assert first.headers["content-type"] == "application/json"
    told = first.json()
    assert told["data"] == {
        "site": "Toyhouse",
        "id": ALERT.id,
        "kind": "funnel",
        "severity": "critical",
        "title": ALERT.title,
        "detail": ALERT.detail,
        "since": ALERT.since,
    }
    assert "Toyhouse: checkout: none come to order" in told["text"]
    assert second.json()["data"]["until"] == ENDED.until
    key = base64.b64decode(shown_key(SECRET).removeprefix("whsec_"))
    stamp, name = first.headers["webhook-timestamp"], first.headers["webhook-id"]
    expected = hmac.new(key, f"{name}.{stamp}.".encode() + first.body, hashlib.sha256).digest()
    assert first.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
    assert abs(time.time() - int(stamp)) < 60
    assert name != second.headers["webhook-id"]
    assert SECRET.encode() not in key
    assert (len(kept.done), outcome(metrics, "delivered")) == (2, 2)


@pytest.mark.parametrize("answer", [500, 503, 404, 429, 302, 307])
def test_what_is_not_taken_is_sent_again_later_in_order(receiver: Receiver, answer: int) -> None:
    receiver.answers = [answer, answer]

    async def steps(_: Outbox, send: Send) -> None:
        await send(1)
        await send(1)  # not yet
        assert receiver.told() == ["alert.raised"]
        await send(60_000)
        await send(600_000)

    kept, _ = deliver([receiver.url], steps)
    assert receiver.told() == ["alert.raised"] * 3 + ["alert.resolved"]
    ids = [each.headers["webhook-id"] for each in receiver.received]
    assert len(set(ids[:3])) == 1
    assert {each.path for each in receiver.received} == {"/"}, "a redirect was followed"
    waits = [message.next_at for message in kept.again]
    assert len(waits) == 2


def test_a_receiver_that_says_it_is_gone_and_one_that_fails_for_a_day_are_given_up(
    receiver: Receiver,
) -> None:
    receiver.answers = [410, 500, 500, 500]

    async def steps(_: Outbox, send: Send) -> None:
        await send(1)
        await send(24 * HOUR_MS)
        await send(24 * HOUR_MS + 600_001)

    kept, metrics = deliver([receiver.url], steps)
    assert receiver.told() == ["alert.raised", *["alert.resolved"] * 3]
    assert len(kept.done) == 2
    assert outcome(metrics, "given_up") == 2


def test_an_address_that_hangs_holds_up_no_other_and_is_given_up_waiting_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.5)
    with receiving() as hanging:
        hanging.hang_s = 60

        async def steps(outbox: Outbox, send: Send) -> None:
            both = asyncio.create_task(send(1))
            started = time.monotonic()
            while len(receiver.received) < 2:
                assert time.monotonic() - started < 5
                await asyncio.sleep(0.01)
            assert not both.done(), "the other one hangs"
            await asyncio.wait_for(both, 10)

        kept, _ = deliver([hanging.url, receiver.url], steps)
        assert [message.address for message in kept.again] == [digest(hanging.url)]
        assert len(hanging.received) == 1


def test_nobody_there(receiver: Receiver) -> None:
    async def steps(_: Outbox, send: Send) -> None:
        await send(1)

    kept, metrics = deliver(["http://127.0.0.1:9/", "https://127.0.0.1:9/"], steps)
    assert len(kept.again) == 2
    assert outcome(metrics, "failed") == 2


def test_an_address_that_left_the_site_file_is_not_called(receiver: Receiver) -> None:
    kept = Kept()

    async def run() -> None:
        outbox = Outbox(SECRET, Metrics(), kept)
        outbox.replace(messages([receiver.url], "Toyhouse", 0, [ALERT], []))
        outbox.send({}, 1)
        await asyncio.gather(*outbox._sending.values())
        await outbox.close()

    asyncio.run(run())
    assert not receiver.received
    assert len(kept.done) == 1


def test_what_waits_tells_no_address() -> None:
    (message,) = messages(["https://hooks.example/T0/secret"], "Toyhouse", 0, [ALERT], [])
    assert b"secret" not in encode(message)
