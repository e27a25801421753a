"""Live counts of visitors, events and pages: equal to a recount, in any order and batching."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.batch import encode_batch
from schemas.bot_days import MINUTE_MS
from schemas.event import Claim, Event
from schemas.forget import Forget
from schemas.pulse import PAGES_TTL_MS
from schemas.redis_keys import LIVE_HORIZON_MS
from schemas.site import BotRules
from streams.device_stage import DeviceStage, States
from streams.pages import page_path
from streams.records import Record
from tests.pulse_recount import counts_of, pages_of, recount
from tests.unit.test_device_stage import NOW, SITE, event

LIMIT = 3
RULES = msgspec.structs.replace(SITE, bots=BotRules(max_events_a_minute=LIMIT))
CRAWLER = "Googlebot/2.1"
HORIZON_MINUTES = LIVE_HORIZON_MS // MINUTE_MS

Hashes = dict[str, dict[str, int]]


def at(minutes_ago: int, number: int = 0, device: str = "d", **more: object) -> Event:
    time = NOW // MINUTE_MS * MINUTE_MS - minutes_ago * MINUTE_MS + number
    said: dict[str, Any] = {
        "event_id": f"{time}-{more.get('name', '')}",
        "device_id": device,
        **more,
    }
    return event(0, event_time=time, received_at=time, **said)


def fold(
    batches: Sequence[Sequence[Event | Claim | Forget]], states: States | None = None
) -> Hashes:
    """The hashes that all changes make, each batch one record."""
    stage = DeviceStage(RULES, "secret")
    states = {} if states is None else states
    hashes: Hashes = {}
    for offset, batch in enumerate(batches):
        record = Record(0, offset, NOW, encode_batch(batch), lambda: None)
        for change in stage.fold(states, [(record, stage.decode(record))], 1).counters:
            fields = hashes.setdefault(change.key, {})
            fields[change.field] = fields.get(change.field, 0) + change.delta
    return hashes


def counts(*batches: Sequence[Event | Forget]) -> dict[tuple[int, str], int]:
    """(minutes ago, kind) -> count."""
    hashes = {key: fields for key, fields in fold(batches).items() if ":v:" in key}
    now = NOW // MINUTE_MS
    return {(now - minute, kind): n for (minute, kind), n in counts_of(hashes).items()}


def views(*events: Event) -> dict[str, int]:
    """Path -> views."""
    hashes = {key: fields for key, fields in fold([events]).items() if ":w:" in key}
    return {path: n for (_, path), n in pages_of(hashes).items()}


AGENTS = ["", "", "", CRAWLER]
MINUTES = st.one_of(
    st.integers(0, 4),
    st.integers(0, HORIZON_MINUTES + 30),
    st.integers(HORIZON_MINUTES - 3, HORIZON_MINUTES + 3),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    more: dict[str, object] = {}
    if draw(st.sampled_from(AGENTS)):
        more["user_agent"] = CRAWLER
    if draw(st.integers(0, 11)) == 0:
        more["url"] = "https://toyhouse.example/robots.txt"
    device = draw(st.sampled_from(["d", "e", "p_x"]))
    return at(draw(MINUTES), draw(st.integers(0, 9)), device, **more)


def unique(event: Event) -> tuple[str, str]:
    return event.device_id, event.event_id


@settings(max_examples=300, deadline=None)
@given(
    st.lists(events(), min_size=1, max_size=25, unique_by=unique),
    st.randoms(use_true_random=False),
)
def test_any_order_batching_and_repetition_gives_the_recount(
    history: list[Event], random: object
) -> None:
    repeated = [event for event in history[:4] if event.user_agent != CRAWLER]
    told = history + repeated
    random.shuffle(told)  # type: ignore[attr-defined]
    cuts = sorted(random.randrange(len(told) + 1) for _ in range(3))  # type: ignore[attr-defined]
    edges = [0, *cuts, len(told)]
    batches = [told[a:b] for a, b in pairwise(edges) if a < b]
    hashes = {key: fields for key, fields in fold(batches).items() if ":v:" in key}
    assert counts_of(hashes) == recount(history, NOW, LIMIT, CRAWLER)


def test_a_device_stands_in_the_minute_of_its_last_event_and_was_there_in_all_of_them() -> None:
    found = counts([at(5)], [at(5, 1), at(2)])
    assert found == {(5, "e"): 2, (2, "e"): 1, (5, "a"): 1, (2, "a"): 1, (2, "l"): 1}


def test_what_is_older_than_the_live_horizon_touches_nothing() -> None:
    assert counts([at(HORIZON_MINUTES + 1)]) == {}


def test_a_crawler_is_no_visitor() -> None:
    assert counts([at(0, user_agent=CRAWLER)]) == {(0, "b"): 1}


def test_a_device_that_turns_out_a_bot_is_taken_out_of_visitors_and_events() -> None:
    before = [at(1), at(0, 1), at(0, 2)]
    robots = at(0, 3, url="https://toyhouse.example/robots.txt")
    assert counts(before, [robots], [at(0, 4)]) == {(1, "b"): 1, (0, "b"): 4}


def test_events_of_servers_are_no_behaviour() -> None:
    told = [at(0, n, server=True) for n in range(LIMIT + 5)]
    assert counts(told) == {(0, "e"): LIMIT + 5, (0, "a"): 1, (0, "l"): 1}


def test_what_servers_say_of_a_device_stays_when_it_turns_out_a_bot() -> None:
    robots = at(0, 2, url="https://toyhouse.example/robots.txt")
    before, after = at(0, 1, server=True), at(0, 3, server=True)
    assert counts([before, robots, after])[0, "e"] == 2
    assert counts([robots, before, after])[0, "e"] == 2


def test_a_device_of_which_page_and_server_speak_is_there_once_a_minute() -> None:
    by_page_first = counts([at(0, 1), at(0, 2, server=True)])
    by_server_first = counts([at(0, 1, server=True), at(0, 2)])
    assert by_page_first == by_server_first == {(0, "e"): 2, (0, "a"): 1, (0, "l"): 1}


def test_who_is_forgotten_is_no_visitor_any_more() -> None:
    forget = Forget(partition=0, at=NOW, keys=("d",), devices={"d": ((0, NOW),)})
    before = [at(1), at(1, device="e")]
    assert counts(before, [forget]) == {(1, "e"): 2, (1, "a"): 2, (1, "l"): 1}


def test_who_is_only_known_by_his_number_is_no_visitor() -> None:
    ordered = at(0, device="user:anna", user_id="anna", server=True, name="Order Completed")
    assert counts([ordered]) == {(0, "e"): 1}


# -- pages --------------------------------------------------------------------------------------


def test_page_views_are_counted_by_path_without_the_query() -> None:
    page = at(0, url="https://toyhouse.example/p/1?email=anna@example.org#x")
    cart = at(0, 1, url="https://toyhouse.example/cart", name="Product Added")
    assert views(page, cart) == {"/p/1": 1}


def test_pages_that_failed_bots_and_what_is_older_than_an_hour_are_left_out() -> None:
    old = at(PAGES_TTL_MS // MINUTE_MS + 1)
    missing = at(0, 1, http_status=404)
    assert views(old, missing, at(0, 2, user_agent=CRAWLER)) == {}


def test_a_path_that_may_name_somebody_is_folded() -> None:
    for path, shown in {
        "/": "/",
        "/p/teddy-bear-brown": "/p/teddy-bear-brown",
        "/p/12345": "/p/12345",
        "/u/anna@example.org/edit": "/u/*/edit",
        "/u/anna%40example.org": "/u/*",
        "/order/4711-0815": "/order/*",
        "/call/+49%2030%20123456": "/call/*",
        "/reset/eyJhbGciOiJIUzI1NiJ9": "/reset/*",
        "/r/AbCdEfGhIjKlMnOpQr": "/r/*",
        "/s/3f2504e0-4f89-11d3-9a0c-0305e82c3301": "/s/*",
        "/eisenbahnzubehoersortiment": "/eisenbahnzubehoersortiment",
        "/a/b/c/d/e/f/g/h/i/j": "/a/b/c/d/e/f/g/h/*",
    }.items():
        assert page_path(path) == shown
    assert len(page_path("/" + "x-" * 4000)) <= 200
