"""Tells the stages whom to forget: one line a partition, which its own worker folds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from infra.erasure.whom import Whom
from infra.positions import Unreachable
from schemas.batch import COUNT_HEADER, encode_line
from schemas.forget import Forget, Memory, remembered
from schemas.settings import Settings
from schemas.topics import ALIASES, RAW, REGISTERS, SIGHTINGS, Topic, partition_of

_KAFKA_TIMEOUT_S = 30
_KEYS_A_LINE = 500  # so that a line stays far below what one record holds

Lines = list[tuple[Topic, Forget]]


def raw_lines(whom: Whom, mentioned: Collection[str]) -> Lines:
    """Of the device stage. Every partition learns the users, who may come with any device."""
    here: dict[int, set[str]] = defaultdict(set)
    for device in {*whom.devices, *mentioned}:
        here[partition_of(device, RAW)].add(device)
    lines = []
    for partition in range(RAW.partitions):
        for devices in _some(here.get(partition, ())):
            spans = {device: whom.devices.get(device, ()) for device in devices}
            lines.append((RAW, _forget(whom, partition, devices, spans)))
    return lines


def lines_for(topic: Topic, whom: Whom, names: Collection[str]) -> Lines:
    """Of another stage: of the states that hold something of whom."""
    here: dict[int, list[str]] = defaultdict(list)
    for name in sorted(names):
        here[partition_of(name, topic)].append(name)
    return [
        (topic, _forget(whom, partition, some, whom.devices))
        for partition, mine in sorted(here.items())
        for some in _some(mine)
    ]


def _some(names: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(names)
    return [ordered[at : at + _KEYS_A_LINE] for at in range(0, max(len(ordered), 1), _KEYS_A_LINE)]


def _forget(
    whom: Whom, partition: int, keys: list[str], devices: dict[str, tuple[tuple[int, int], ...]]
) -> Forget:
    return Forget(
        partition=partition,
        at=whom.at,
        keys=tuple(keys),
        devices=devices,
        users=tuple(sorted(whom.users)),
        persons=tuple(sorted(whom.persons)),
    )


def publish(settings: Settings, lines: Lines) -> None:
    """Returns when Kafka has acknowledged all. Raises Unreachable."""
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer(
        {
            "bootstrap.servers": settings.kafka,
            "acks": "all",
            "enable.idempotence": True,
            "log_level": 0,
        }
    )
    try:
        for topic, line in lines:
            producer.produce(
                topic.name,
                encode_line(line),
                partition=line.partition,
                headers=[(COUNT_HEADER, b"1")],
                on_delivery=delivered,
            )
    except KafkaException as error:
        raise Unreachable(f"Kafka at {settings.kafka}: {error}") from error
    if producer.flush(_KAFKA_TIMEOUT_S) or failures:
        raise Unreachable(f"Kafka at {settings.kafka} does not take what is to be forgotten")


def memories(lines: Lines, secret: str) -> dict[tuple[str, int], Memory]:
    """(topic, partition) -> what its memory holds at least, once the lines are folded."""
    found: dict[tuple[str, int], Memory] = {}
    for topic, line in lines:
        if topic is not RAW:
            whole = {device: line.devices[device] for device in line.whole}
            line = msgspec.structs.replace(line, devices=whole)
        place = topic.name, line.partition
        found[place] = remembered(found.get(place, {}), line, secret)
    return found


def all_lines(whom: Whom, names: dict[str, set[str]]) -> Lines:
    """What all stages are told; `names`: topic -> of its states those that mention whom."""
    lines = raw_lines(whom, names[RAW.name])
    lines += lines_for(REGISTERS, whom, names[REGISTERS.name] | whom.persons)
    lines += lines_for(SIGHTINGS, whom, names[SIGHTINGS.name])
    if users := names[ALIASES.name] | whom.users:
        for some in _some(users):
            lines.append((ALIASES, _forget(whom, 0, some, {})))
    return lines
