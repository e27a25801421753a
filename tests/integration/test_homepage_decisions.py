"""Every decision reaches `footfall.raw`, beside the answer; Kafka away costs no answer."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition

from infra.embedded import broker
from schemas.batch import split_lines
from schemas.decision_token import read
from schemas.event import Decision, raw_line_decoder
from schemas.settings import Settings
from schemas.topics import RAW, partition_of
from tests.integration.personalize_service import SERVER_KEY, make_raw_topic, serving
from tests.servers import own_settings, running


@pytest.fixture(scope="module", autouse=True)
def raw_topic(kafka_address: str) -> None:
    make_raw_topic(kafka_address)


def published(kafka: str, ids: set[str]) -> dict[str, tuple[int, Decision]]:
    """Those of the decisions that are in the topic within ten seconds, with their partitions."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "test-decisions"})
    consumer.assign([TopicPartition(RAW.name, p, 0) for p in range(RAW.partitions)])
    found: dict[str, tuple[int, Decision]] = {}
    deadline = time.monotonic() + 10
    while found.keys() != ids and time.monotonic() < deadline:
        record = consumer.poll(0.2)
        if record is None or record.error():
            continue
        lines = list(split_lines(record.value() or b""))
        assert record.key() is None
        assert record.headers() == [("n", str(len(lines)).encode())]
        for line in map(raw_line_decoder.decode, lines):
            if isinstance(line, Decision) and line.decision_id in ids:
                found[line.decision_id] = (record.partition() or 0, line)
    consumer.close()
    return found


def test_decisions_are_published_also_those_made_just_before_the_stop(
    addresses: Settings, redis_url: str, kafka_address: str
) -> None:
    with serving(addresses) as client:
        answers = [
            client.homepage(anonymous_id=f"decided-{n}", referrer="https://encyclopedia.example/")
            for n in range(50)
        ]
    found = published(kafka_address, {answer["decision_id"] for answer in answers})
    assert len(found) == 50
    for n, answer in enumerate(answers):
        partition, decision = found[answer["decision_id"]]
        assert decision.device_id == f"decided-{n}"
        assert partition == partition_of(decision.device_id, RAW)
        assert (decision.scenario, decision.variant) == ("encyclopedia", "bestsellers")
        assert decision.reason == answer["reason"]
        assert abs(decision.decided_at / 1000 - time.time()) < 60
        assert decision.latency_ms > 0
        assert read(decision.decision_id, addresses.secret_key) is not None


def test_a_decision_without_consent_names_no_device(
    addresses: Settings, redis_url: str, kafka_address: str
) -> None:
    with serving(addresses) as client:
        refused = client.homepage(SERVER_KEY, anonymous_id="named", user_id="anna", gpc="1")
    found = published(kafka_address, {refused["decision_id"]})
    partition, decision = found[refused["decision_id"]]
    assert decision.device_id == ""
    assert partition == partition_of(decision.decision_id, RAW)
    assert b"named" not in msgspec.json.encode(decision)
    assert b"anna" not in msgspec.json.encode(decision)


def test_kafka_that_is_not_there_delays_no_answer(
    addresses: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalize_api.decision.decisions._FLUSH_S", 0.2)
    monkeypatch.setattr("personalize_api.decision.decisions.MAX_WAITING", 20)
    settings = msgspec.structs.replace(addresses, kafka=own_settings().kafka)
    with serving(settings) as client:
        for n in range(30):
            started = time.monotonic()
            assert not client.homepage(anonymous_id=f"d{n}")["degraded"]
            assert time.monotonic() - started < 0.2
        assert client.metric("footfall_decisions_dropped_total") == 10


def test_decisions_wait_for_kafka_and_arrive(
    addresses: Settings, redis_url: str, tmp_path: Path
) -> None:
    own = own_settings()
    settings = msgspec.structs.replace(addresses, kafka=own.kafka)
    with running(broker.service(own.ports.kafka), tmp_path / "log") as kafka:
        make_raw_topic(own.kafka)
        with serving(settings) as client:
            first = client.homepage(anonymous_id="before")["decision_id"]
            assert published(own.kafka, {first}).keys() == {first}
            os.kill(kafka.pid, signal.SIGSTOP)
            try:
                made = {client.homepage(anonymous_id=f"w{n}")["decision_id"] for n in range(20)}
                time.sleep(1)
                assert client.metric("footfall_decisions_waiting") == 20
            finally:
                os.kill(kafka.pid, signal.SIGCONT)
            assert published(own.kafka, made).keys() == made
            assert client.metric("footfall_decisions_dropped_total") == 0
        kafka.kill()  # it has nothing to save
