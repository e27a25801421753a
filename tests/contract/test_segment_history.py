"""A batch of Segment's API with `historical_migration`: what another system collected."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest.collector.harvest import Harvest
from ingest.collector.protocols.segment import read_batch
from ingest.collector.pseudonym import DAY_MS
from schemas.event import Event
from schemas.ids import is_pseudonym
from schemas.reasons import Reason
from schemas.site import WriteKey
from tests.contract.test_segment_protocol import BROWSER, NOW, RULES, SERVER, TRACK, _caller

LAST_WEEK = {**TRACK, "timestamp": "2026-11-15T02:00:00.250Z"}
LAST_WEEK_MS = 1_794_708_000_250


def told(*messages: dict[str, Any], key: WriteKey = SERVER, sentAt: str | None = None) -> Harvest:
    body = {"batch": messages, "historical_migration": True, "sentAt": sentAt}
    return read_batch(json.dumps(body).encode()).gather(_caller(key), RULES)


def event(message: dict[str, Any], sentAt: str | None = None) -> Event:
    harvest = told(message, sentAt=sentAt)
    assert harvest.refused == []
    return harvest.accepted[0]


def test_it_arrives_at_its_own_time() -> None:
    found = event(LAST_WEEK)
    assert (found.event_time, found.received_at) == (LAST_WEEK_MS, LAST_WEEK_MS)
    assert (found.protocol, found.server) == ("import", True)


def test_a_senders_clock_corrects_nothing() -> None:
    assert event(LAST_WEEK, sentAt="2026-11-15T02:00:00Z").event_time == LAST_WEEK_MS


def test_what_has_not_happened_yet_happens_now() -> None:
    found = event({**TRACK, "timestamp": "2036-11-15T02:00:00Z"})
    assert (found.event_time, found.received_at) == (NOW, NOW)


def test_a_page_cannot_tell_history() -> None:
    (refused,) = told(LAST_WEEK, key=BROWSER).refused
    assert refused.reason == Reason.NEEDS_SERVER_KEY


def test_history_without_a_time_is_refused_and_the_rest_kept() -> None:
    harvest = told(TRACK, LAST_WEEK)
    assert [record.reason for record in harvest.refused] == [Reason.MISSING_FIELD]
    assert [found.event_time for found in harvest.accepted] == [LAST_WEEK_MS]


def test_told_again_it_is_the_same_event_even_without_a_message_id() -> None:
    assert event(LAST_WEEK).event_id == event(LAST_WEEK).event_id
    assert event(LAST_WEEK).event_id != event({**LAST_WEEK, "event": "Order Completed"}).event_id


def test_without_consent_each_day_has_its_own_pseudonym() -> None:
    refusal = {"consent": "denied", "ip": "203.0.113.9", "userAgent": "Safari"}
    days = [event({**LAST_WEEK, "timestamp": NOW - n * DAY_MS, "context": refusal}) for n in (1, 2)]
    again = event({**LAST_WEEK, "timestamp": NOW - DAY_MS, "context": refusal})
    assert all(is_pseudonym(day.device_id) for day in days)
    assert days[0].device_id != days[1].device_id
    assert days[0].device_id == again.device_id


def test_the_days_whose_salts_it_needs_are_known_before_it_is_read() -> None:
    messages = [LAST_WEEK, TRACK, 7, {"timestamp": "soon"}, {"timestamp": "2036-01-01"}]
    parcel = read_batch(json.dumps({"batch": messages, "historical_migration": True}).encode())
    assert set(parcel.past_days(NOW)) == {LAST_WEEK_MS // DAY_MS, NOW // DAY_MS}
    assert not read_batch(json.dumps({"batch": messages}).encode()).past_days(NOW)


@pytest.mark.parametrize("no", [False, None])
def test_without_the_word_it_is_late_as_ever(no: bool | None) -> None:
    body = {"batch": [LAST_WEEK], "historical_migration": no}
    (found,) = read_batch(json.dumps(body).encode()).gather(_caller(SERVER), RULES).accepted
    assert (found.event_time, found.received_at, found.protocol) == (LAST_WEEK_MS, NOW, "segment")
