"""Squashing changes no answer: histories of devices, as the device stage itself tells them.

Every history is told of two devices: one in a partition that is squashed now and then, its twin in
one that never is. The sink lags, and delivers again what it has delivered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from redis import Redis

from infra.squash import MANY, SinkBehind, is_due, run_squash
from schemas.batch import encode_batch
from schemas.ids import person_of_device, person_of_user
from schemas.messages import Correction, Resolution
from schemas.redis_keys import REBUILDING, fence_key
from schemas.settings import Settings
from schemas.topics import CORRECTIONS as CORRECTIONS_TOPIC
from schemas.topics import EVENTS as EVENTS_TOPIC
from schemas.topics import RAW, Position, partition_of, version_of
from sinks.clickhouse.client import connect
from sinks.clickhouse.rows import CORRECTIONS, EVENTS, RESOLUTIONS
from sinks.clickhouse.squash import QueriesRun, Squashed, squash
from streams.device_stage import DeviceStage, States
from streams.records import Record
from tests.servers import own_settings
from tests.sink_world import (
    DAY,
    MINUTE,
    NOON,
    Store,
    Topics,
    event,
    new_device,
    own_clickhouse,
    store,
)
from tests.squash_twins import (
    DEVICES,
    ROUNDS,
    SITE,
    TWINS,
    Sink,
    answers,
    lines_of,
    named,
)

EVERYTHING = [2**63 - 1] * RAW.partitions


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A ClickHouse of its own: what is squashed here must not hide what other tests correct."""
    settings = own_settings()
    with own_clickhouse(settings, tmp_path_factory.mktemp("squash")), store(settings) as one:
        yield one


@pytest.fixture(autouse=True)
def _emptied(opened: Store) -> None:
    for table in ("events", "corrections", "resolutions", "squashed"):
        opened.ask(f"TRUNCATE TABLE {table}_stored")


@pytest.mark.parametrize("seed", range(3))
def test_no_answer_depends_on_when_it_was_squashed(opened: Store, seed: int) -> None:
    random = Random(seed)
    queues = []
    for number in range(DEVICES):
        prefix = ["cookie-"] * 8 + ["email:", "p_"]
        device = named(prefix[number % 10], low=True)
        TWINS[device.encode()] = named(prefix[number % 10], low=False).encode()
        queues.append(lines_of(random, device))
    stage, states, sunk = DeviceStage(SITE, "secret"), States(), Sink(opened)
    rewritten = folded = 0
    for number in range(ROUNDS):
        for queue in queues:
            share = len(queue) if number == ROUNDS - 1 else random.randrange(len(queue) // 3 + 1)
            part, queue[:] = queue[:share], queue[share:]
            record = Record(0, sunk.end, NOON + 2 * DAY, encode_batch(part), lambda: None)
            emissions = stage.fold(states, [(record, stage.decode(record))], 1).emissions
            for topic in (EVENTS_TOPIC, CORRECTIONS_TOPIC):
                made = [part for to, part in emissions.lines.items() if to[0] == topic.name]
                if made:
                    sunk.emitted(record.offset, topic, [line for part in made for line in part])
            sunk.end = record.offset + 1
        is_at_rest = number % 2 == 1
        sunk.deliver(random, everything=is_at_rest)
        before = answers(opened, low=True)
        done = squash(opened.client, sunk.below())
        rewritten, folded = rewritten + done.rows, folded + done.corrections
        assert answers(opened, low=True) == before
        if is_at_rest:
            assert before == answers(opened, low=False)
        sunk.repeat_alone(random)
        assert answers(opened, low=True) == before, "folded corrections that come again say nothing"
    assert rewritten > 50
    assert folded > 50


class Killed(BaseException):
    """Stands for kill -9: nothing after it is done."""


def corrected(opened: Store, visits: int = 3, device: str = "") -> tuple[str, str]:
    """(device, person): a device with events that a correction gives to a user."""
    device = device or named("cookie-", low=True)
    person = person_of_user(f"user of {device}")
    opened.put(EVENTS, *(event(device, at * MINUTE) for at in range(visits)))
    opened.put(CORRECTIONS, span(device, person))
    return device, person


def span(device: str, person: str | None, **fields: Any) -> Correction:
    given: dict[str, Any] = {
        "what": "person",
        "since": 0,
        "until": NOON + DAY,
        "session_id": None,
        "version": 1,
    }
    return Correction(device_id=device, person_id=person, **{**given, **fields})


def people(opened: Store, device: str) -> set[str]:
    rows = opened.ask("SELECT person_id FROM events_all WHERE device_id = {d:String}", d=device)
    assert rows
    return {str(person) for (person,) in rows}


def looked_up(opened: Store) -> int:
    ((count,),) = opened.ask("SELECT count() FROM corrections_stored")
    return int(count)


STEPS = (
    "await squashes",
    "rewrite 202609",
    "await readers of rows",
    "raise below",
    "await readers of corrections",
    "delete corrections",
)


@pytest.mark.parametrize("killed_before", STEPS)
def test_killed_at_any_step_nothing_changes_and_the_next_does_what_is_left(
    opened: Store, killed_before: str
) -> None:
    device, person = corrected(opened)
    steps: list[str] = []

    def kill(step: str) -> None:
        steps.append(step)
        if step == killed_before:
            raise Killed

    with pytest.raises(Killed):
        squash(opened.client, EVERYTHING, reached=kill)
    assert people(opened, device) == {person}
    opened.put(CORRECTIONS, span(device, person))  # a sink delivers it again
    assert people(opened, device) == {person}
    squash(opened.client, EVERYTHING)
    assert people(opened, device) == {person}
    assert looked_up(opened) == 0
    assert steps == list(STEPS[: len(steps)])


def test_twice_is_once(opened: Store) -> None:
    device, person = corrected(opened)
    first = squash(opened.client, EVERYTHING)
    assert (first.rows, first.corrections, first.left) == (3, 1, 0)
    assert squash(opened.client, EVERYTHING).rows == 0
    versions = opened.ask("SELECT uniqExact(bitShiftRight(version, 42)) FROM events_stored FINAL")
    assert versions == [(1,)]
    assert people(opened, device) == {person}


def test_two_at_once_do_no_harm(opened: Store) -> None:
    devices = [corrected(opened) for _ in range(20)]
    address = opened.address
    problems: list[BaseException] = []

    def work() -> None:
        client = connect(address)
        try:
            squash(client, EVERYTHING)
        except BaseException as error:  # noqa: BLE001
            problems.append(error)
        finally:
            client.disconnect()

    both = [threading.Thread(target=work) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(60)
    assert problems == []
    assert [people(opened, device) for device, _ in devices] == [{person} for _, person in devices]
    assert looked_up(opened) == 0


def test_an_old_copy_that_comes_again_is_not_believed(opened: Store) -> None:
    device = named("cookie-", low=True)
    sent = event(device)
    opened.put(EVENTS, sent)
    opened.put(CORRECTIONS, span(device, person_of_user("ann")))
    squash(opened.client, EVERYTHING)
    opened.put(EVENTS, sent)
    assert people(opened, device) == {person_of_user("ann")}


def test_what_was_folded_is_corrected_again_by_what_comes_later(opened: Store) -> None:
    device, ann = corrected(opened)
    squash(opened.client, [2] * RAW.partitions)
    opened.put(CORRECTIONS, span(device, person_of_user("bob"), version=2))
    assert people(opened, device) == {person_of_user("bob")}
    opened.put(CORRECTIONS, span(device, ann, version=1))  # once more, long after
    assert people(opened, device) == {person_of_user("bob")}


def test_newer_corrections_and_those_of_pseudonyms_stay(opened: Store) -> None:
    device, person = corrected(opened)
    pseudonym = named("p_", low=True)
    opened.put(EVENTS, event(pseudonym, person_id=None, protocol="log"))
    opened.put(CORRECTIONS, span(pseudonym, person))
    newer, _ = corrected(opened, device=named("cookie-", low=True))
    opened.put(CORRECTIONS, span(newer, person, version=7))
    done = squash(opened.client, [5] * RAW.partitions)
    assert (done.rows, done.left) == (3 + 3, 2)
    later = event(pseudonym, 5, person_id=None, protocol="log")
    opened.put(EVENTS, later)  # of a log that is imported in two parts
    assert [people(opened, d) for d in (device, newer, pseudonym)] == [{person}] * 3


def test_an_alias_can_be_taken_back_after_it(opened: Store) -> None:
    device, person = corrected(opened)
    root = person_of_user("ann")
    opened.put(RESOLUTIONS, Resolution(person_id=person, device_id="", resolved_id=root, version=1))
    apart = person_of_device(device)
    opened.put(
        RESOLUTIONS, Resolution(person_id=root, device_id=device, resolved_id=apart, version=1)
    )
    squash(opened.client, EVERYTHING)
    assert people(opened, device) == {apart}
    opened.put(
        RESOLUTIONS, Resolution(person_id=root, device_id=device, resolved_id=root, version=2)
    )
    assert people(opened, device) == {root}
    opened.put(
        RESOLUTIONS, Resolution(person_id=person, device_id="", resolved_id=person, version=2)
    )
    assert people(opened, device) == {person}


def test_all_columns_of_a_rewritten_row_are_what_they_were(opened: Store) -> None:
    device = named("cookie-", low=True)
    sent = event(
        device,
        title="Bär",
        revenue="12.3400",
        search_results=0,
        notes=["nan_nulled"],
        properties=msgspec.Raw(
            b'{"price":1.50,"n":{"a":[1,2]},"tags":["x"],"big":123456789012345678901}'
        ),
    )
    opened.put(EVENTS, sent)
    everything = "SELECT * EXCEPT (person_id) FROM events_all WHERE device_id = {d:String}"
    before = opened.ask(everything, d=device)
    opened.put(CORRECTIONS, span(device, person_of_user("ann")))
    assert squash(opened.client, EVERYTHING).rows == 1
    assert opened.ask(everything, d=device) == before


def test_who_began_to_read_before_is_awaited(opened: Store) -> None:
    """A reader that saw the rows of before must see the corrections of before."""
    device, person = corrected(opened)
    client = connect(opened.address)
    slow = "SELECT sleepEachRow(0.3) FROM events_all"  # of three events
    reader = threading.Thread(target=lambda: client.execute(slow))
    awaited = threading.Event()

    def begin_reading(step: str) -> None:
        if step == "await readers of rows":
            reader.start()
            threading.Event().wait(0.3)
        if step == "raise below":
            assert not reader.is_alive()
            awaited.set()

    squash(opened.client, EVERYTHING, reached=begin_reading)
    reader.join()
    client.disconnect()
    assert awaited.is_set()
    assert people(opened, device) == {person}


def test_a_query_that_does_not_end_puts_it_off(opened: Store) -> None:
    device, person = corrected(opened)
    client = connect(opened.address)
    slow = "SELECT sleepEachRow(0.5) FROM events_all"
    reader = threading.Thread(target=lambda: client.execute(slow))

    def begin_reading(step: str) -> None:
        if step == "await readers of rows":
            reader.start()
            threading.Event().wait(0.3)

    with pytest.raises(QueriesRun):
        squash(opened.client, EVERYTHING, timeout_s=0.2, reached=begin_reading)
    reader.join()
    client.disconnect()
    assert looked_up(opened) == 1
    assert people(opened, device) == {person}


def test_it_is_due_once_a_week_and_when_there_is_much(opened: Store) -> None:
    ((now,),) = opened.ask("SELECT toUnixTimestamp(now())")
    assert not is_due(opened.client, now)
    corrected(opened)
    assert is_due(opened.client, now)
    squash(opened.client, EVERYTHING)
    opened.put(CORRECTIONS, span("d", None))
    assert not is_due(opened.client, now + 7 * 86_400 - 60)
    assert is_due(opened.client, now + 7 * 86_400 + 60)
    opened.ask(
        "INSERT INTO corrections_stored (device_id, what) SELECT toString(number), 'person'"
        " FROM numbers({n:UInt32})",
        n=MANY,
    )
    assert is_due(opened.client, now + 10)


def test_nothing_is_folded_before_the_sink_has_taken_what_was_emitted(settings: Settings) -> None:
    Topics(settings)  # and no sink
    with pytest.raises(SinkBehind, match="footfall"):
        run_squash(settings, timeout_s=0.5)


def test_only_what_lies_below_a_fence_is_folded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = Redis.from_url(settings.redis_url)
    redis.set(fence_key(RAW, 2), Position(3, 70).encode())
    redis.set(fence_key(RAW, 5), REBUILDING)
    folded: list[list[int]] = []

    def squashing(_client: object, below: list[int], *_: object) -> Squashed:
        folded.append(below)
        return Squashed(0, 0, 0)

    monkeypatch.setattr("infra.squash.await_sunk", lambda *_: [])
    monkeypatch.setattr("infra.squash.squash", squashing)
    run_squash(settings)
    redis.delete(fence_key(RAW, 2), fence_key(RAW, 5))
    redis.close()
    assert folded == [[0, 0, version_of(3, 70), 0, 0, 0, 0, 0]]


def test_the_server_computes_partitions_as_everybody_does(opened: Store) -> None:
    devices = [new_device() for _ in range(50)]
    rows = opened.ask(
        "SELECT CRC32(d) % 8 FROM (SELECT arrayJoin({d:Array(String)}) AS d)", d=devices
    )
    assert [number for (number,) in rows] == [partition_of(device, RAW) for device in devices]
