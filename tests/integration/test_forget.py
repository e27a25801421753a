"""`footfall forget` on the whole stack: what is searched for afterwards is found nowhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import cast
from uuid import UUID, uuid4

import msgspec
import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from redis import Redis

from infra.positions import Positions
from schemas.batch import encode_batch
from schemas.event import Rejected
from schemas.identifiers import node_of
from schemas.ids import person_of_device, person_of_user
from schemas.settings import Settings
from schemas.topics import ALL, REJECTED, Topic
from sinks.clickhouse.client import connect
from tests.stack import Stack, stack

SECRET = "a secret for forgetting"
PHONE = "7d0a0b5e-26d5-4f0c-8f59-5a4d2f6b9d01"
TABLET = "9f3c3a52-9a43-4dc0-9d04-9b0b6d0f5a02"
FAMILY = "c3b5a9e0-1c6b-4b5f-8a51-b3a9f3a7ce03"
MAIL = "ada.lovelace@example.org"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("forget")
    with stack(folder / "state", folder / "up.log", FOOTFALL_SECRET_KEY=SECRET,
               FOOTFALL_ADMIN_TOKEN="a token for forgetting") as running:  # fmt: skip
        yield running


def redis_of(site: Stack) -> Redis:
    port = 16379 + int(site.environment["FOOTFALL_PORT_OFFSET"])
    return Redis(port=port)


def redis_texts(site: Stack) -> Iterator[bytes]:
    """Every key and every value."""
    redis = redis_of(site)
    for key in redis.scan_iter(count=1000):
        yield key
        kind = redis.type(key)
        if kind == b"string":
            yield cast(bytes, redis.get(key))
        elif kind == b"hash":
            yield from chain(*cast(dict[bytes, bytes], redis.hgetall(key)).items())
        elif kind in (b"set", b"zset", b"list"):
            yield repr(redis.sort(key, alpha=True)).encode()


def clickhouse_texts(site: Stack) -> Iterator[bytes]:
    """Every row of every table, as JSON; and the mutations that ClickHouse remembers."""
    client = connect(Settings.from_environment(site.environment).clickhouse)
    tables = client.execute(
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine LIKE '%MergeTree'"
    )
    for (table,) in [*tables, ("system.mutations",)]:
        for (row,) in client.execute(f"SELECT formatRowNoNewline('JSONEachRow', *) FROM {table}"):
            yield row.encode()
    client.disconnect()


def found(texts: Iterable[bytes], identifiers: Iterable[str]) -> set[tuple[str, str]]:
    """(identifier, where) for each that stands somewhere."""
    needles = {name: name.encode() for name in identifiers}
    hits = set()
    for text in texts:
        for name, needle in needles.items():
            if re.search(rb"(?<![\w-])" + re.escape(needle) + rb"(?![\w-])", text):
                hits.add((name, text[:200].decode(errors="replace")))
    return hits


def shop(site: Stack, device: str, user: str, order: str, mail: str = "") -> None:
    """A visit through the whole funnel."""
    site.page(device, "/p/bear", "https://encyclopedia.example/toys")
    site.segment("identify", anonymousId=device, userId=user)
    if mail:
        site.segment("identify", anonymousId=device, userId=user,
                     traits={"email": mail, "email_verified": True})  # fmt: skip
    for event in ("Product Added", "Checkout Started", "Order Completed"):
        said = {"order_id": order, "currency": "EUR", "revenue": 9}
        site.segment("track", anonymousId=device, userId=user, event=event, properties=said)


def ada_visits(site: Stack) -> set[str]:
    """Ada with two logins, two devices, mails, orders and a refused input. All that names her."""
    shop(site, PHONE, "ada-1815", "order-ada-77", MAIL)
    site.page(TABLET, "/p/train")
    site.segment("identify", anonymousId=TABLET, userId="countess")
    site.segment("alias", userId="countess", previousId="ada-1815")
    # a mail that was opened, a call: known by the address alone
    site.segment("track", event="Email Opened", properties={"email": MAIL})
    refused = {"email": MAIL, "email_verified": True}
    site.browser("identify", anonymousId="nobody-knows", userId="ada-1815", traits=refused,
                 context={"consent": True})  # fmt: skip
    site.homepage(anonymous_id=PHONE)
    named = {PHONE, TABLET, "ada-1815", "countess", MAIL, "order-ada-77"}
    named |= {person_of_user("ada-1815"), person_of_user("countess")}
    named |= {person_of_device(PHONE), person_of_device(TABLET)}
    named |= {node_of("email", MAIL, SECRET), node_of("order_id", "order-ada-77", SECRET)}
    return named | {short(PHONE), short(TABLET), "user:countess"}


def short(device: str) -> str:
    """As it stands in a key of Redis."""
    return urlsafe_b64encode(UUID(device).bytes)[:22].decode()


def counts(site: Stack) -> dict[str, int]:
    batch = {step["name"]: step["count"] for step in site.funnel("checkout")["steps"]}
    assert site.live_funnel("checkout") == batch
    return batch


def others(site: Stack) -> list[list[str]]:
    return site.sql(
        "SELECT device_id, name, person_id, session_id FROM events_all"
        f" WHERE device_id NOT IN ('{PHONE}', '{TABLET}') AND user_id NOT IN ('ada-1815')"
        " AND device_id NOT LIKE 'email:%' AND device_id NOT LIKE 'user:%' ORDER BY ALL"
    )


def test_a_forgotten_person_is_found_nowhere_and_no_replay_brings_them_back(site: Stack) -> None:
    shop(site, "laptop-of-ben", "ben", "order-ben-1", "ben@example.org")
    named = ada_visits(site)
    site.drain()
    before, bens = counts(site), others(site)
    kept = {"ben", "laptop-of-ben", "ben@example.org", person_of_user("ben")}
    assert {name for name, _ in found(clickhouse_texts(site), named)} >= {PHONE, MAIL, "countess"}
    assert {name for name, _ in found(redis_texts(site), named)} >= {"ada-1815", short(PHONE)}
    states_of_ben = [blob for blob in redis_texts(site) if b"ben" in blob and b"ada" not in blob]

    done = json.loads(site.footfall("forget", MAIL.upper(), "--json"))

    assert (done["kind"], done["again"]) == ("email", False)
    assert done["clickhouse"]["events_stored"] >= 8
    assert done["clickhouse"]["rejected_stored"] == 1
    assert done["kafka_until"] > done["asked_at"][:10]
    assert found(redis_texts(site), named) == set()
    assert found(clickhouse_texts(site), named) == set()
    assert {name for name, _ in found(clickhouse_texts(site), kept)} == kept
    assert set(states_of_ben) <= set(redis_texts(site))
    assert others(site) == bens
    after = counts(site)
    assert after == {step: count - 1 for step, count in before.items()}

    tell_again(site)
    assert found(redis_texts(site), named) == set()
    assert found(clickhouse_texts(site), named) == set()
    assert (counts(site), others(site)) == (after, bens)

    replay(site)
    assert found(redis_texts(site), named) == set()
    assert found(clickhouse_texts(site), named) == set()
    assert (counts(site), others(site)) == (after, bens)

    assert json.loads(site.footfall("forget", MAIL, "--json"))["again"]
    assert "nobody is known by this" in fail(site, "forget", "nobody@example.org")


def test_what_happened_before_and_comes_after_names_nobody(site: Stack) -> None:
    site.page(PHONE, "/p/old")
    site.segment("identify", anonymousId=PHONE, userId="countess")
    site.footfall("forget", PHONE)
    late = {"timestamp": "2026-11-01T10:00:00Z", "messageId": "sent-again"}
    site.page(PHONE, "/p/late", **late)
    site.segment("track", userId="countess", event="Called", **late)
    site.drain()
    refused = site.sql("SELECT count() FROM rejected WHERE reason = 'forgotten' AND original = ''")
    assert refused == [["2"]]
    assert found(clickhouse_texts(site), {PHONE, "countess"}) == set()
    # the cookie was not dropped: from now on it is a new visitor's
    site.page(PHONE, "/p/new")
    site.drain()
    assert site.sql(f"SELECT path FROM events WHERE device_id = '{PHONE}'") == [["/p/new"]]
    assert json.loads(site.footfall("visitor", PHONE))["class"] == "first-time"


def test_of_a_family_computer_only_one_person_is_taken_away(site: Stack) -> None:
    now = datetime.now(UTC)

    def ago(minutes: int) -> str:
        return (now - timedelta(minutes=minutes)).isoformat()

    site.page(FAMILY, "/p/hers", timestamp=ago(50))
    site.segment("identify", anonymousId=FAMILY, userId="mother", timestamp=ago(40))
    site.segment("track", anonymousId=FAMILY, event="Logged Out", timestamp=ago(30))
    site.segment("identify", anonymousId=FAMILY, userId="daughter", timestamp=ago(20))
    site.page(FAMILY, "/p/daughters", timestamp=ago(10))
    site.drain()
    query = f"SELECT path, person_id, session_id FROM events WHERE device_id = '{FAMILY}'"
    daughters = site.sql(f"{query} AND person_id = '{person_of_user('daughter')}' ORDER BY ALL")
    seen = visitor(site, "daughter")
    entered = counts(site)["product"]

    done = json.loads(site.footfall("forget", "mother", "--json"))

    assert (done["shared_devices"], done["clickhouse"]["events_stored"]) == (1, 3)
    assert site.sql(f"{query} ORDER BY ALL") == daughters
    named = {"mother", person_of_user("mother")}
    assert found(chain(redis_texts(site), clickhouse_texts(site)), named) == set()
    assert visitor(site, "daughter") == seen
    assert counts(site)["product"] == entered - 1
    replay(site)
    assert found(chain(redis_texts(site), clickhouse_texts(site)), named) == set()
    assert visitor(site, "daughter") == seen
    assert counts(site)["product"] == entered - 1


def tell_again(site: Stack) -> None:
    """Every record of every topic once more, as who reads a topic from its beginning sees it."""
    kafka = f"127.0.0.1:{19092 + int(site.environment['FOOTFALL_PORT_OFFSET'])}"
    settings = Settings.from_environment(site.environment)
    producer = Producer({"bootstrap.servers": kafka, "acks": "all", "log_level": 0})
    for topic in ALL:
        with Positions(settings) as positions:
            ends = positions.barrier(topic)
        for message in read(kafka, topic, ends):
            producer.produce(
                topic.name,
                message.value(),
                partition=message.partition() or 0,
                timestamp=message.timestamp()[1],
            )
    assert producer.flush(30) == 0
    site.drain()


def read(kafka: str, topic: Topic, ends: dict[int, int]) -> Iterator[Message]:
    consumer = Consumer(
        {"bootstrap.servers": kafka, "group.id": f"again-{topic.name}", "log_level": 0}
    )
    consumer.assign([TopicPartition(topic.name, partition, 0) for partition in ends])
    left = dict(ends)
    while left:
        message = consumer.poll(5)
        assert message is not None
        assert message.error() is None
        yield message
        if (message.offset() or 0) + 1 == left[message.partition() or 0]:
            del left[message.partition() or 0]
    consumer.close()


def replay(site: Stack) -> None:
    site.footfall("rebuild", "--no-wait")
    site.drain()


def visitor(site: Stack, identifier: str) -> tuple[object, ...]:
    """What live state tells of a visitor, but for when they came after a logout of another."""
    told = json.loads(site.footfall("visitor", identifier))
    told["person"].pop("first_seen")
    devices = [(one["device_id"], one["last_seen"], one["sessions"]) for one in told["devices"]]
    return devices, told["sessions"], told["orders"], told["person"]


def fail(site: Stack, *words: str) -> str:
    """What a command that fails says."""
    command = [sys.executable, "-m", "infra.cli", *words]
    done = subprocess.run(command, env=site.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    return done.stderr


def test_the_endpoint_erases_for_who_has_the_admin_token(site: Stack) -> None:
    site.segment("identify", anonymousId="cookie-of-eve", userId="eve")
    assert ask_to_erase(site, "eve", "Bearer wrong")[0] == 401
    status, report = ask_to_erase(site, "eve", "Bearer a token for forgetting")
    assert (status, report["kind"]) == (200, "user_id")
    assert (
        found(chain(redis_texts(site), clickhouse_texts(site)), {"eve", "cookie-of-eve"}) == set()
    )
    assert ask_to_erase(site, "never-seen", "Bearer a token for forgetting")[0] == 404


def ask_to_erase(site: Stack, identifier: str, authorization: str) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(
        f"{site.personalize}/v1/visitors/{identifier}",
        headers={"Authorization": authorization},
        method="DELETE",
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_what_was_refused_is_replayed_after_a_fix_with_the_rights_that_it_came_with(
    site: Stack,
) -> None:
    track = {"anonymousId": "refused-device", "event": "Called", "context": {"consent": True}}
    good = refusal(track, key="server", call="track")
    alias = {"type": "alias", "userId": "x1", "previousId": "x2", "anonymousId": "refused-device"}
    forbidden = refusal(alias, key="browser", call="")
    beacon = msgspec.structs.replace(good, rejected_id=str(uuid4()), protocol="beacon")
    odd = msgspec.structs.replace(good, rejected_id=str(uuid4()), original=b"\x1b[31m\xff{")
    posthog, snowplow = refused_by_other_protocols()
    told = [good, forbidden, beacon, odd, posthog, snowplow]
    refuse(site, told)
    for one in told:
        assert f"{one.rejected_id}  " in site.footfall("rejected", "list", "--reason", "wrong_type")
    assert "\\x1b[31m\\xff{" in site.footfall("rejected", "show", odd.rejected_id)

    said = site.footfall("rejected", "replay", "--reason", "wrong_type")

    assert "replayed: 3, still refused: 3" in said
    site.drain()
    events = "SELECT name, event_id FROM events_all WHERE device_id = 'refused-device'"
    stored = site.sql(events)
    assert sorted(name for name, _ in stored) == ["Called", "Looked", "Page Viewed"]
    assert "no refused input" in fail(site, "rejected", "replay", good.rejected_id)
    refuse(site, told)  # told again, as by a sink that reads the topic anew
    left = site.sql("SELECT rejected_id FROM rejected WHERE reason = 'wrong_type'")
    assert sorted(row[0] for row in left) == sorted(one.rejected_id for one in told[1:4])
    assert site.sql(events) == stored


def refused_by_other_protocols() -> list[Rejected]:
    """One of PostHog's and one of Snowplow's, of the same device."""
    posthog = {
        "event": "Looked",
        "distinct_id": "u",
        "properties": {"$device_id": "refused-device"},
    }
    snowplow = {"e": "pv", "duid": "refused-device", "url": "https://toyhouse.example/"}
    return [
        msgspec.structs.replace(refusal(message, key="server", call=""), protocol=protocol)
        for protocol, message in (("posthog", posthog), ("snowplow", snowplow))
    ]


def refusal(message: Mapping[str, object], key: str, call: str) -> Rejected:
    """Of a version of before a fix."""
    return Rejected(
        rejected_id=str(uuid4()),
        rejected_at=int(time.time() * 1000) - 60_000,
        reason="wrong_type",
        protocol="segment",
        original=json.dumps(message).encode(),
        key=key,
        call=call,
    )


def refuse(site: Stack, refused: list[Rejected]) -> None:
    settings = Settings.from_environment(site.environment)
    producer = Producer({"bootstrap.servers": settings.kafka, "acks": "all", "log_level": 0})
    producer.produce(REJECTED.name, encode_batch(refused), partition=0)
    assert producer.flush(30) == 0
    site.drain()
