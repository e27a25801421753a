"""`footfall alerts`: what is active, the signing key, and a test of the webhooks."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from infra.cli import main
from personalize_api.alerts.state import Alert, AlertState, Incident, encode
from personalize_api.alerts.webhooks import sign
from schemas.redis_keys import ALERTS_STATE_KEY
from tests.receiver import Receiver, receiving

SITE = "version: 1\nsite: {name: Toyhouse}\nalerts: {webhooks: [%s]}\n"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def store(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    monkeypatch.setenv("FOOTFALL_REDIS_URL", redis_url)
    with redis.Redis.from_url(redis_url) as store:
        store.delete(ALERTS_STATE_KEY)
        yield store
        store.delete(ALERTS_STATE_KEY)


def footfall(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_what_is_active_is_shown(store: redis.Redis, capsys: pytest.CaptureFixture[str]) -> None:
    alert = Alert(
        id="rejected@1",
        kind="rejected",
        severity="warning",
        title="7% of the events are rejected",
        detail="70 of 1,000",
        since="2026-11-22T12:00:00.000Z",
    )
    state = AlertState(at=time.time_ns() // 1_000_000)
    store.set(ALERTS_STATE_KEY, encode(state))
    assert footfall("alerts") == 0
    assert "nothing is out of its usual range" in capsys.readouterr().out
    state.active["rejected"] = Incident(subject="rejected", alert=alert)
    store.set(ALERTS_STATE_KEY, encode(state))
    assert footfall("alerts", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["title"] for each in told["alerts"]] == ["7% of the events are rejected"]
    assert footfall("alerts") == 0
    assert "rejected" in capsys.readouterr().out


def test_nobody_evaluating_is_no_all_clear(
    store: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    assert footfall("alerts") == 1
    assert "nobody evaluates alerts" in capsys.readouterr().err


def test_a_test_reaches_every_webhook_and_is_signed_with_the_key_that_is_shown(
    receiver: Receiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(SITE % f"{receiver.url}/a, {receiver.url}/b")
    monkeypatch.setenv("FOOTFALL_SITE", str(site))
    assert footfall("alerts", "--secret", "--state-dir", str(tmp_path)) == 0
    key = base64.b64decode(capsys.readouterr().out.strip().removeprefix("whsec_"))
    assert footfall("alerts", "--test", "--state-dir", str(tmp_path)) == 0
    assert [each.path for each in receiver.received] == ["/a", "/b"]
    for each in receiver.received:
        stamp = int(each.headers["webhook-timestamp"])
        expected = sign(key, each.headers["webhook-id"], stamp, each.body)
        assert each.headers["webhook-signature"] == expected
    receiver.answers = [500]
    assert footfall("alerts", "--test", "--state-dir", str(tmp_path)) == 1
    told = capsys.readouterr()
    assert "webhook 1: 500" in told.err
    assert "1 of 2 webhooks did not arrive" in told.err
    assert receiver.url not in told.err  # it may hold a secret
