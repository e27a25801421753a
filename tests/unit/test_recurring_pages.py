"""What is remembered of a page and of a device changes no event that comes later."""

from __future__ import annotations

import uuid

import msgspec

from infra.cli.context import EXAMPLE_SITE
from schemas.batch import encode_batch
from schemas.event import EnrichedEvent, Event
from schemas.redis_keys import device_key
from schemas.site_file import load
from schemas.topics import EVENTS, REGISTERS, Topic
from streams.device_stage import DeviceStage, States
from streams.records import Record
from tests.stream_world import CHROME

SITE = load(EXAMPLE_SITE)
NOON = 20_779 * 86_400_000 + 43_200_000  # ms


def seen(number: int, **fields: object) -> Event:
    """A page of the shop, looked at so many seconds after noon."""
    at = NOON + number * 1000
    page = Event(
        event_id=str(uuid.UUID(int=number)), event_time=at, received_at=at, type="page",
        name="Page Viewed", protocol="beacon", device_id="d", consent="granted",
        url="https://toyhouse.example/about", user_agent=CHROME,
    )  # fmt: skip
    return msgspec.structs.replace(page, **fields)


def emitted(events: list[Event], topic: Topic) -> list[list[bytes]]:
    """Lines of the topic for each event, which come in a record each."""
    stage, states = DeviceStage(SITE, "secret"), States()
    found = []
    for offset, event in enumerate(events):
        record = Record(0, offset, NOON, encode_batch([event]), lambda: None)
        lines = stage.fold(states, [(record, stage.decode(record))], 1).emissions.lines
        found.append(
            [one for (name, _), many in lines.items() if name == topic.name for one in many]
        )
    return found


def rows(events: list[Event]) -> list[EnrichedEvent]:
    return [msgspec.json.decode(line, type=EnrichedEvent) for (line,) in emitted(events, EVENTS)]


def test_an_event_leaves_nothing_on_its_page_for_the_next() -> None:
    order = msgspec.Raw(b'{"order_id": "o", "revenue": 5, "currency": "EUR"}')
    first = seen(
        1, type="track", name="Order Completed", properties=order, variant="hero",
        title="About", user_id="anna", notes=["mended"],
    )  # fmt: skip
    after, alone = rows([first, seen(2, device_id="e")])[1], rows([seen(2, device_id="e")])[0]
    assert after == alone
    assert (after.order_id, after.variant, after.notes) == ("", "", [])


def test_a_campaign_told_beside_the_address_is_each_events_own() -> None:
    events = [seen(n, campaign={"utm_source": name}) for n, name in enumerate(["may", "june"])]
    assert [row.utm_source for row in rows([*events, seen(3)])] == ["may", "june", ""]


def test_a_register_is_sent_only_where_it_says_something_new() -> None:
    onward = {"referrer": "https://toyhouse.example/"}
    pages = [seen(1), seen(2, **onward), seen(400, **onward)]
    registers = emitted(pages, REGISTERS)
    assert [len(lines) for lines in registers] == [1, 0, 1]


def test_cookies_that_begin_alike_have_keys_of_their_own() -> None:
    cookies = [str(uuid.UUID(int=number)) for number in range(2000)]
    assert len({device_key(cookie) for cookie in cookies}) == len(cookies)
