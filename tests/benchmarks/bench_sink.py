"""The sink: rows a second into ClickHouse, and what resolving persons costs a funnel.

Baselines, in the same run on the same server: inserts of the same rows already encoded in
ClickHouse's own Native format over HTTP, which no encoder can beat; and windowFunnel on the stored
table, without persons resolved or copies collapsed. Runs alternate, so that what else the machine
does meets both; figures are medians.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
from prometheus_client import REGISTRY

from schemas.batch import encode_line
from schemas.event import EnrichedEvent
from schemas.ids import person_of_device, session_of
from schemas.settings import Settings
from schemas.site import Funnel, Step
from schemas.topics import EVENTS as EVENTS_TOPIC
from schemas.topics import RAW
from sinks.clickhouse.funnel_sql import funnel_sql
from sinks.clickhouse.rows import EVENTS
from sinks.clickhouse.squash import squash
from sinks.clickhouse.writer import run as run_sink
from tests.sink_world import NOON, Store, Topics, own_servers, store

BLOCK = 50_000
ROUNDS = 7
SENT = 600_000
FUNNEL_ROWS = 10_000_000
FUNNEL_DEVICES = 500_000
FUNNEL_MS = 90 * 86_400_000
_PER_RECORD = 200

Row = dict[str, object]


def run() -> list[Row]:
    with (
        tempfile.TemporaryDirectory() as folder,
        own_servers(Path(folder)) as settings,
        store(settings) as opened,
    ):
        inserted = _insert(opened, settings)
        return [inserted, _consume(opened, settings, inserted), *_funnels(opened)]


def _insert(opened: Store, settings: Settings) -> Row:
    """Check and insert blocks of 50,000 of our rows; against the same rows in Native."""
    lines = [encode_line(event) for event in _events(BLOCK)]
    opened.inserter.insert(EVENTS, lines)
    native = _http(settings, "SELECT * FROM events_stored FORMAT Native")
    opened.ask("CREATE TABLE bench_native AS events_stored")

    def ours() -> None:
        for line in lines:
            EVENTS.check(line)
        opened.inserter.insert(EVENTS, lines)

    def baseline() -> None:
        _http(settings, "INSERT INTO bench_native FORMAT Native", native)

    rates = _alternate(ours, baseline)
    opened.ask("DROP TABLE bench_native")
    opened.ask("TRUNCATE TABLE events_stored")
    return {
        "name": "sink: check and insert, one after the other",
        "value": round(BLOCK / rates[0]),
        "unit": "rows/s",
        "baseline": round(BLOCK / rates[1]),
        "ratio": round(rates[1] / rates[0], 2),
        "goal": ">= 100,000 rows/s",
    }


def _consume(opened: Store, settings: Settings, inserted: Row) -> Row:
    """The whole way from the broker, from the first block stored to the last."""
    topics = Topics(settings)
    part: list[bytes] = []
    for number, event in enumerate(_events(SENT)):
        part.append(encode_line(event))
        if len(part) == _PER_RECORD * 50:
            topics.send(EVENTS_TOPIC, part, partition=number % 8, per_record=_PER_RECORD)
            part = []
    before = _stored()
    stop = threading.Event()
    sink = threading.Thread(target=run_sink, args=(settings, stop))
    sink.start()
    marks: list[tuple[float, float]] = []
    while not marks or marks[-1][1] - before < SENT:
        time.sleep(0.02)
        now = _stored()
        if now > (marks[-1][1] if marks else before):
            marks.append((time.monotonic(), now))
    stop.set()
    sink.join()
    count = opened.ask("SELECT count() FROM events")
    assert count == [(SENT,)], count
    seconds = marks[-1][0] - marks[0][0]
    rate = round((marks[-1][1] - marks[0][1]) / seconds)
    baseline = inserted["baseline"]
    assert isinstance(baseline, int)
    return {
        "name": "sink: from the broker into ClickHouse, one process",
        "value": rate,
        "unit": "rows/s",
        "baseline": baseline,
        "ratio": round(rate / baseline, 2),
        "goal": ">= 100,000 rows/s",
    }


def _funnels(opened: Store) -> list[Row]:
    """Four steps over ten million events, a twentieth of the devices with another person now."""
    opened.ask("TRUNCATE TABLE events_stored")
    _fill(opened)
    steps = (
        Step(name="product", page="/p/*"),
        Step(name="cart", event="Product Added"),
        Step(name="checkout", event="Checkout Started"),
        Step(name="order", event="Order Completed"),
    )
    from_ms, to_ms = NOON, NOON + FUNNEL_MS
    plain = funnel_sql(Funnel(name="f", steps=steps), from_ms, to_ms)
    broken = (*steps[:2], msgspec.structs.replace(steps[2], without="Cart Emptied"), steps[3])
    fold = funnel_sql(Funnel(name="f", steps=broken), from_ms, to_ms)
    stored = plain.sql.replace("FROM events WHERE", "FROM events_stored WHERE NOT is_bot AND")
    assert stored != plain.sql
    rows: list[Row] = []

    def by_hand() -> None:
        opened.client.execute(stored, plain.parameters)

    for name, query in (
        ("5 % re-attributed", plain),
        ("with an exclusion", fold),
        ("5 % re-attributed, squashed and merged", plain),
    ):
        if "squashed" in name:
            squash(opened.client, [2**63 - 1] * RAW.partitions)
            for (month,) in opened.ask("SELECT DISTINCT toYYYYMM(event_time) FROM events_stored"):
                opened.ask(f"OPTIMIZE TABLE events_stored PARTITION {month} FINAL")

        def ours(sql: str = query.sql, parameters: dict[str, object] = query.parameters) -> None:
            opened.client.execute(sql, parameters)

        seconds = _alternate(ours, by_hand)
        rows.append(
            {
                "name": f"sink: funnel of 4 steps over 10 million events, {name}",
                "value": round(seconds[0], 3),
                "unit": "s",
                "baseline": round(seconds[1], 3),
                "ratio": round(seconds[0] / seconds[1], 2),
            }
        )
    rows[0]["goal"] = rows[2]["goal"] = "ratio <= 1.5"
    return rows


def _fill(opened: Store) -> None:
    """Rows made by the server, in the order of time as they come from Kafka, in twenty inserts.

    Every device is a person; of 5 % of the devices another person is known now.
    """
    part = FUNNEL_ROWS // 20
    for number in range(FUNNEL_ROWS // part):
        opened.ask(
            "INSERT INTO events_stored (event_id, event_time, received_at, site, type, name,"
            " protocol, device_id, person_id, session_id, path, referrer_source, version)"
            " SELECT generateUUIDv4(), time, time, 'bench', if(kind < 6, 'page', 'track'),"
            " ['Page Viewed', 'Page Viewed', 'Page Viewed', 'Page Viewed', 'Page Viewed',"
            "  'Page Viewed', 'Product Added', 'Checkout Started', 'Order Completed',"
            "  'Searched'][kind + 1],"
            " 'beacon', 'd' || toString(device) AS id, reinterpretAsUUID(MD5(id)),"
            " reinterpretAsUUID(MD5(id || toString(toDate(time)))),"
            " if(kind < 3, '/p/', '/c/') || toString(rand(4) % 1000), 'Google', 1"
            " FROM (SELECT rand(1) % 10 AS kind, rand(2) % {devices:UInt32} AS device,"
            "  fromUnixTimestamp64Milli({noon:Int64} + toInt64(number * {gap:UInt32}), 'UTC')"
            "  AS time FROM numbers({part:UInt32} * {number:UInt32}, {part:UInt32}))",
            devices=FUNNEL_DEVICES,
            noon=NOON,
            gap=FUNNEL_MS // FUNNEL_ROWS,
            part=part,
            number=number,
        )
    opened.ask(
        "INSERT INTO corrections_stored (device_id, what, since, until, person_id, version)"
        " SELECT 'd' || toString(number * 20), 'person', toDateTime64(0, 3), now64(3),"
        " generateUUIDv4(), 1 FROM numbers({count:UInt32})",
        count=FUNNEL_DEVICES // 20,
    )


def _alternate(ours: Callable[[], object], baseline: Callable[[], object]) -> tuple[float, float]:
    """Median seconds of each; the first round only warms up."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS + 1):
        for times, action in zip(seconds, (ours, baseline), strict=True):
            began = time.perf_counter()
            action()
            times.append(time.perf_counter() - began)
    return statistics.median(seconds[0][1:]), statistics.median(seconds[1][1:])


def _stored() -> float:
    value = REGISTRY.get_sample_value("footfall_sink_rows_total", {"table": EVENTS.name})
    return value or 0.0


def _http(settings: Settings, query: str, body: bytes | None = None) -> bytes:
    address = settings.clickhouse
    parameters = urllib.parse.urlencode({"query": query, "database": address.database})
    request = urllib.request.Request(
        f"{settings.clickhouse_http_url}/?{parameters}",
        data=body,
        headers={"X-ClickHouse-User": address.user, "X-ClickHouse-Key": address.password},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: bytes = answer.read()
    return found


def _events(count: int) -> list[EnrichedEvent]:
    """Page views of a shop with what such events carry; one in ten is an order."""
    random = Random(1)
    return [_event(random, number) for number in range(count)]


def _event(random: Random, number: int) -> EnrichedEvent:
    device = f"ff_{random.randrange(20_000)}"
    product = random.randrange(1000)
    is_order = number % 10 == 0
    return EnrichedEvent(
        event_id=str(uuid.UUID(int=random.getrandbits(128), version=4)),
        event_time=NOON + number * 10,
        received_at=NOON + number * 10 + 300,
        site="Toyhouse",
        type="track" if is_order else "page",
        name="Order Completed" if is_order else "Page Viewed",
        protocol="beacon",
        device_id=device,
        consent="granted",
        person_id=person_of_device(device),
        session_id=session_of(device, NOON),
        url=f"https://toyhouse.example/p/{product}",
        host="toyhouse.example",
        path=f"/p/{product}",
        title="A toy",
        referrer="https://encyclopedia.example/toys",
        referrer_medium="referral",
        referrer_source="Encyclopedia",
        device_class="desktop",
        browser="Firefox",
        os="Linux",
        language="de",
        country="DE",
        scenario="encyclopedia",
        variant="bestsellers",
        decision_id=f"decision-of-{device}",
        order_id=f"o{number}" if is_order else "",
        revenue="12.3400" if is_order else None,
        currency="EUR" if is_order else "",
        engaged_ms=random.randrange(60_000),
        properties=msgspec.Raw(
            b'{"product_id":"p%d","price":%d.5,"tags":["toy","wood"],"shop":{"shelf":%d}}'
            % (product, product % 90, product % 9)
        ),
    )


if __name__ == "__main__":
    for row in run():
        print(row)  # noqa: T201
