"""Address keys: the pseudonym that the log line of a hit will have, or none at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl
import pytest

from ingest.collector.address_keys import AddressKeys, Told, as_logged
from ingest.collector.caller import Caller
from ingest.collector.harvest import Harvest
from ingest.collector.protocols.beacon import read_beacon
from ingest.collector.protocols.segment import read_batch
from ingest.collector.pseudonym import DAY_MS, Salts, pseudonym
from ingest.collector.rules import Rules
from ingest.logs.events import EventMaker
from ingest.logs.parse import PAGE
from schemas.event import Event
from schemas.sightings import STEP_MS, WINDOW_MS, Unconsented
from schemas.site import ConsentRules, Site, WriteKey

DAY = 20_000
NOON = DAY * DAY_MS + DAY_MS // 2
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SITE = Site(name="shop", hosts=("shop.example",), consent=ConsentRules(mode="opt-in"))
SALTS = {day: bytes([day % 251]) * 16 for day in (DAY - 1, DAY, DAY + 1)}
SERVER = WriteKey(key="sk_demo", kind="server")
BROWSER = WriteKey(key="pk_demo", kind="browser")


class KnownSalts(Salts):
    """As after they were fetched from Redis."""

    def __init__(self, days: dict[int, bytes] = SALTS) -> None:
        super().__init__("redis://127.0.0.1:1/0")
        self._past.update(days)
        self._past_shared.update(days)


def keys(salts: Salts | None = None, *, logs_joined: bool = True) -> AddressKeys:
    return AddressKeys("shop", salts or KnownSalts(), logs_joined=logs_joined)


def imported(client: str, logged_agent: str | None, at_ms: int = NOON) -> str:
    """The device id that `footfall import-logs` gives such a line."""
    table = pl.DataFrame(
        {
            "line": ["line"], "n": [0], "time_ms": [at_ms], "client": [client], "vhost": [None],
            "target": ["/"], "referrer": ["-"], "status": [200], "fate": [PAGE],
            "agent": [logged_agent],
        },
        schema_overrides={"vhost": pl.String, "agent": pl.String},
    )  # fmt: skip
    (event,) = EventMaker("shop", "shop.example").events(table, SALTS)
    return event.device_id


@pytest.mark.parametrize(
    ("address", "agent", "client", "logged"),
    [
        ("198.51.100.7", AGENT, "198.51.100.7", AGENT),
        ("::ffff:198.51.100.7", AGENT, "198.51.100.7", AGENT),
        ("198.51.100.7", AGENT, "::ffff:198.51.100.7", AGENT),
        ("2001:db8::7", AGENT, "2001:DB8:0:0::7", AGENT),
        ("198.51.100.7", 'A "quoted" \\ agent', "198.51.100.7", 'A \\"quoted\\" \\\\ agent'),
        ("198.51.100.7", "caf\xc3\xa9", "198.51.100.7", "caf\\xc3\\xa9"),
        ("198.51.100.7", "caf\xc3\xa9", "198.51.100.7", "café"),
        ("198.51.100.7", "a\tb", "198.51.100.7", "a\\tb"),
    ],
)
def test_it_is_the_pseudonym_of_the_log_line(
    address: str, agent: str, client: str, logged: str
) -> None:
    assert keys().of(address, agent, NOON) == [imported(client, logged)]


@pytest.mark.parametrize(
    ("address", "agent"),
    [("", AGENT), ("198.51.100.7", ""), ("no address", AGENT), ("198.51.100.7", "-")],
)
def test_without_address_or_agent_there_is_none(address: str, agent: str) -> None:
    assert keys().of(address, agent, NOON) == []


def test_what_is_cut_off_is_not_compared() -> None:
    assert as_logged("x" * 1023)
    assert not as_logged("x" * 1024)


def test_a_days_border_is_near_for_half_an_hour_on_both_sides() -> None:
    made, midnight = keys(), DAY * DAY_MS
    today = pseudonym(SALTS[DAY], "shop", "198.51.100.7", AGENT)
    yesterday = pseudonym(SALTS[DAY - 1], "shop", "198.51.100.7", AGENT)
    found = {
        minutes: made.of("198.51.100.7", AGENT, midnight + minutes * 60_000)
        for minutes in (-31, -1, 0, 29, 31)
    }
    assert found == {
        -31: [yesterday],
        -1: [yesterday, today],
        0: [today, yesterday],
        29: [today, yesterday],
        31: [today],
    }


def test_a_salt_that_imports_may_not_share_is_never_invented() -> None:
    salts = KnownSalts({})
    salts.of_past(NOON)  # what stands in for history while Redis is away
    assert keys(salts).of("198.51.100.7", AGENT, NOON) == []


def test_who_was_there_before_the_salt_was_known_may_be_in_the_way_for_a_while() -> None:
    salts = KnownSalts({})
    made = keys(salts)
    assert made.of("198.51.100.7", AGENT, NOON) == []
    salts._past.update(SALTS)
    salts._past_shared.update(SALTS)
    assert made.of("198.51.100.8", AGENT, NOON + WINDOW_MS + STEP_MS) == []
    assert made.of("198.51.100.8", AGENT, NOON + WINDOW_MS + STEP_MS + 1)


def test_a_site_that_joins_no_logs_makes_none() -> None:
    assert keys(logs_joined=False).of("198.51.100.7", AGENT, NOON) == []


# -- what is published --------------------------------------------------------------------------

RULES = Rules(SITE, KnownSalts(), "secret")
KEY = keys().of("198.51.100.7", AGENT, NOON)


def caller(key: WriteKey, agent: str = AGENT) -> Caller:
    scope = {"client": ("198.51.100.7", 4711), "scheme": "https", "query_string": b""}
    return Caller(scope, {b"user-agent": agent.encode("latin-1")}, key, NOON)


def beacon(consent: bool | None) -> Harvest:
    body = {"consent": consent, "load": "x", "events": [{"type": "page", "url": "https://a/"}] * 2}
    return read_beacon(msgspec.json.encode(body)).gather(caller(BROWSER), RULES)


def segment(key: WriteKey, **context: object) -> Harvest:
    at = datetime.fromtimestamp(NOON / 1000, UTC) - timedelta(minutes=7)
    message = {
        "type": "page", "anonymousId": "d", "timestamp": at.isoformat(), "context": context,
    }  # fmt: skip
    body = {"batch": [message]}
    return read_batch(msgspec.json.encode(body)).gather(caller(key), RULES)


def only(harvest: Harvest) -> Event:
    (event,) = harvest.accepted
    return event


def test_a_consenting_visitors_events_carry_it() -> None:
    harvest = beacon(True)
    assert [event.address_keys for event in harvest.accepted] == [KEY, KEY]
    assert harvest.unconsented == []
    assert only(segment(BROWSER, consent=True)).address_keys == KEY


@pytest.mark.parametrize("consent", [False, None])
def test_without_consent_only_that_somebody_was_there_is_said(consent: bool | None) -> None:
    harvest = beacon(consent)
    assert [event.address_keys for event in harvest.accepted] == [[], []]
    assert set(harvest.unconsented) == {Unconsented(device_id=KEY[0], at=NOON)}
    assert Told().news(harvest.unconsented) == [Unconsented(device_id=KEY[0], at=NOON)]
    assert KEY[0] not in str([event.device_id for event in harvest.accepted])


def test_a_backends_own_address_is_nobodys() -> None:
    assert only(segment(SERVER)).address_keys == []


def test_a_backend_may_say_its_visitors_address() -> None:
    event = only(segment(SERVER, ip="198.51.100.7", userAgent=AGENT))
    assert event.address_keys == KEY
    assert event.seen_at == event.event_time == NOON - 7 * 60_000
    refused = segment(SERVER, ip="198.51.100.7", userAgent=AGENT, consent=False)
    assert only(refused).address_keys == []
    assert refused.unconsented == [Unconsented(device_id=KEY[0], at=NOON - 10 * 60_000)]


def test_what_kafka_has_acknowledged_is_said_once() -> None:
    told, lines = Told(), beacon(False).unconsented
    assert len(told.news(lines)) == 1
    assert len(told.news(lines)) == 1, "until it is acknowledged"
    told.acknowledged(lines)
    assert told.news(lines) == []
