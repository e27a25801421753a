"""Refused inputs: looked at, and replayed through the reader that refused them.

A replay reads the original bytes as if they came again when they were refused, with the rights of
the key they came with. What is accepted goes to `footfall.raw` and leaves the refused ones; it has
the id that its sender gave it, or else one made of the refusal's, so a second replay adds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, cast

import msgspec
from clickhouse_driver import Client
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from infra.positions import Unreachable
from ingest.collector.caller import Caller
from ingest.collector.errors import RefusedRequest
from ingest.collector.harvest import Harvest
from ingest.collector.hot_paths import Parcel
from ingest.collector.protocols import posthog, segment, snowplow
from ingest.collector.pseudonym import Salts
from ingest.collector.rules import Rules
from schemas.batch import COUNT_HEADER, encode_line, pack_lines
from schemas.event import RawLine, Rejected
from schemas.settings import Settings
from schemas.site import Site, WriteKey
from schemas.topics import RAW, REJECTED, Topic, partition_of

_COLUMNS = (
    "toString(rejected_id), toUnixTimestamp64Milli(rejected_at), reason, detail, protocol,"
    " event_id, original, key, call"
)
_KAFKA_TIMEOUT_S = 30

_NO_WAY_BACK = {
    "": "it is a line of one of our own topics, which a stage or the sink wrote or read; what made "
    "it stands in footfall.raw: footfall rebuild folds that again",
    "log": "import the log file again: that adds only what is missing",
    "beacon": "its device stood in the request's cookie, which is not kept",
    "pixel": "its device stood in the request's cookie or token, which are not kept",
}


class Refused(NamedTuple):
    rejected_id: str
    rejected_at: int  # ms
    reason: str
    detail: str
    protocol: str
    event_id: str
    original: bytes
    key: str
    call: str


class Outcome(NamedTuple):
    """What a replay made of one refused input; `why` it is still refused, '' where it is not."""

    refused: Refused
    why: str


def find(
    client: Client,
    ids: Sequence[str] = (),
    reason: str = "",
    since_ms: int = 0,
    limit: int = 1000,
) -> list[Refused]:
    """Newest first; `ids`, `reason` empty for any."""
    rows = client.execute(
        f"SELECT {_COLUMNS} FROM rejected_stored FINAL"
        " WHERE toUnixTimestamp64Milli(replayed_at) = 0"
        " AND ({reason:String} = '' OR reason = {reason:String})"
        " AND (empty({ids:Array(String)}) OR has({ids:Array(String)}, toString(rejected_id)))"
        " AND rejected_at >= fromUnixTimestamp64Milli({since:Int64})"
        " ORDER BY rejected_at DESC, rejected_id LIMIT {limit:UInt64}",
        {"reason": reason, "ids": list(ids), "since": since_ms, "limit": limit},
        settings={"strings_as_bytes": True},
    )
    return [_refused(row) for row in rows]


def _refused(row: Sequence[Any]) -> Refused:
    cells: list[Any] = [c.decode(errors="replace") if isinstance(c, bytes) else c for c in row]
    cells[6] = row[6]
    return Refused(*cells)


def printable(original: bytes) -> str:
    """The bytes on one line, whatever they are: what a terminal would obey is written out."""
    text = original.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def replay(
    settings: Settings, site: Site, secret: str, refused: Iterable[Refused]
) -> list[Outcome]:
    """Raises Unreachable; then it may be called again."""
    rules = Rules(site, Salts(settings.redis_url), secret)
    outcomes, lines, marks = [], list[RawLine](), list[Rejected]()
    for one in refused:
        harvest, why = _read(one, rules)
        outcomes.append(Outcome(one, why))
        if harvest is not None:
            lines += [*harvest.accepted, *harvest.claims]
            marks.append(_mark(one))
    # the events first: what is killed in between is replayed once more, to no effect
    _publish(settings, RAW, ((line.device_id, encode_line(line)) for line in lines))
    _publish(settings, REJECTED, ((mark.rejected_id, encode_line(mark)) for mark in marks))
    return outcomes


def _read(one: Refused, rules: Rules) -> tuple[Harvest | None, str]:
    """What the protocol's reader makes of it now, and why it still takes it not."""
    if one.protocol in _NO_WAY_BACK:
        return None, _NO_WAY_BACK[one.protocol]
    try:
        parcel = _parcel(one)
        kind = cast(Literal["server", "browser"], one.key or "browser")
        key = WriteKey(key="", kind=kind)
        caller = Caller({"client": None, "scheme": "https"}, {}, key, one.rejected_at)
        harvest = parcel.gather(caller, rules)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:
        return None, f"it is no JSON object: {error}"
    except RefusedRequest as error:
        return None, str(error)
    if harvest.refused:
        again = harvest.refused[0]
        return None, f"{again.reason}: {again.detail}"
    if any(event.consent != "granted" for event in harvest.accepted):
        return None, "without consent: whose it was that day is not kept"
    return harvest, ""


def _parcel(one: Refused) -> Parcel:
    """A request of it alone, with what its own said and it does not. Raises as decoding does."""
    message = msgspec.json.decode(one.original, type=dict[str, msgspec.Raw])
    own_id = msgspec.Raw(msgspec.json.encode(one.rejected_id))
    historical = one.protocol == "import"
    if one.protocol == "snowplow":
        return snowplow.read_post(msgspec.json.encode({"data": [{"eid": own_id, **message}]}))
    if one.protocol == "posthog" or one.call == posthog.CALL:
        batch = {"batch": [{"uuid": own_id, **message}], "historical_migration": historical}
        return posthog.read(msgspec.json.encode(batch))
    if one.call:
        message["type"] = msgspec.Raw(msgspec.json.encode(one.call))
    batch = {"batch": [{"messageId": own_id, **message}], "historical_migration": historical}
    return segment.read_batch(msgspec.json.encode(batch))


def _mark(one: Refused) -> Rejected:
    return Rejected(
        rejected_id=one.rejected_id,
        rejected_at=one.rejected_at,
        reason=one.reason,
        protocol=one.protocol,
        event_id=one.event_id,
        replayed_at=one.rejected_at,
    )


def _publish(settings: Settings, topic: Topic, lines: Iterable[tuple[str, bytes]]) -> None:
    partitions: dict[int, list[bytes]] = {}
    for key, line in lines:
        partitions.setdefault(partition_of(key, topic), []).append(line)
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer({"bootstrap.servers": settings.kafka, "acks": "all", "log_level": 0})
    try:
        for partition, batch in _batches(partitions):
            producer.produce(
                topic.name,
                b"\n".join(batch),
                partition=partition,
                headers=[(COUNT_HEADER, str(len(batch)).encode())],
                on_delivery=delivered,
            )
    except KafkaException as error:
        raise Unreachable(f"Kafka at {settings.kafka}: {error}") from error
    if producer.flush(_KAFKA_TIMEOUT_S) or failures:
        raise Unreachable(f"Kafka at {settings.kafka} does not take what is replayed")


def _batches(partitions: dict[int, list[bytes]]) -> Iterator[tuple[int, list[bytes]]]:
    for partition, lines in partitions.items():
        for batch in pack_lines(lines):
            yield partition, batch
