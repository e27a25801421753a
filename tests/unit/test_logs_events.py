"""Events of log lines: ids that repeat, visitors without a trace, equal lines counted."""

from __future__ import annotations

from collections import Counter, defaultdict

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.logs.events import AGENT_NOT_LOGGED, PAGE_FAILED, EventMaker, is_event, rejected_of
from ingest.logs.parse import MAX_LINE, Parser
from ingest.logs.repeats import HOUR_MS, Repeats
from schemas.batch import encode_line
from schemas.event import Event, raw_line_decoder
from schemas.ids import uuid5
from schemas.reasons import Reason

SALTS = defaultdict(lambda: b"salt", {16_573: b"another"})  # 18 May 2015
AGENT = '"-" "Mozilla/5.0"'


def line(client: str = "198.51.100.7", day: int = 17, page: str = "/", status: int = 200) -> str:
    return f'{client} - - [{day}/May/2015:10:05:03 +0000] "GET {page} HTTP/1.1" {status} 1'


def events(*lines: str) -> list[Event]:
    table = Parser("auto", ("shop.example",), lambda: 1_760_000_000_000).table(list(lines))
    table = table.with_columns(Repeats().number(table["line"], table["time_ms"]).alias("n"))
    return list(EventMaker("Shop", "shop.example").events(table.filter(is_event()), SALTS))


def test_an_event_is_all_that_the_line_says() -> None:
    text = line(page="/p/1?x=y") + ' "https://a.example/" "Mozilla/5.0"'
    (event,) = events(text)
    assert event == Event(
        event_id=uuid5("log", "Shop", text, 0),
        event_time=1_431_857_103_000,
        received_at=1_431_857_103_000,
        type="page",
        name="Page Viewed",
        protocol="log",
        device_id=event.device_id,
        site="Shop",
        url="https://shop.example/p/1?x=y",
        referrer="https://a.example/",
        ip="198.51.100.0",
        user_agent="Mozilla/5.0",
        http_status=200,
    )
    assert raw_line_decoder.decode(encode_line(event)) == event


def test_an_error_page_is_no_page_view() -> None:
    (event,) = events(line(status=500))
    assert (event.type, event.name, event.http_status) == ("track", PAGE_FAILED, 500)


def test_absence_of_a_user_agent_is_told_from_a_format_without_one() -> None:
    without, absent = events(line(), line() + ' "-" "-"')
    assert (without.user_agent, without.notes) == ("", [AGENT_NOT_LOGGED])
    assert (absent.user_agent, absent.notes, absent.referrer) == ("", [], "")


def test_a_visitor_is_one_pseudonym_a_day() -> None:
    same, again, other_agent, other_day, other_client = events(
        line() + f" {AGENT}",
        line(page="/b") + f" {AGENT}",
        line() + ' "-" "Other"',
        line(client="198.51.100.8") + f" {AGENT}",
        line(day=18) + f" {AGENT}",
    )
    assert same.device_id == again.device_id
    devices = {same.device_id, other_agent.device_id, other_day.device_id, other_client.device_id}
    assert len(devices) == 4
    assert all(device.startswith("p_") for device in devices)


def test_addresses_lose_their_host_and_names_are_left_out() -> None:
    found = events(
        line("203.0.113.255"),
        line("2001:db8:1:2::3"),
        line("pool-7.isp.example"),
        line("::ffff:192.0.2.9"),
        line("999.1.1.1"),
    )
    assert [event.ip for event in found] == ["203.0.113.0", "2001:db8:1::", "", "192.0.2.0", ""]


def test_the_virtual_host_names_the_page() -> None:
    (event,) = events(f"www.shop.example:443 {line(page='/a')} {AGENT}")
    assert event.url == "https://www.shop.example/a"


def test_escaped_bytes_are_percent_encoded_in_urls_only() -> None:
    (event,) = events(line(page=r"/caf\xc3\xa9") + r' "http://a.example/\"" "A \"B\" \xff"')
    assert event.url == "https://shop.example/caf%C3%A9"
    assert event.referrer == "http://a.example/%22"
    assert event.user_agent == 'A "B" \ufffd'


def test_events_stand_in_order_of_time() -> None:
    found = events(line(day=18, page="/late"), line(day=17, page="/early"))
    assert [event.url for event in found] == [
        "https://shop.example/early",
        "https://shop.example/late",
    ]


def test_equal_lines_are_different_events_and_the_same_ones_again() -> None:
    lines = [line(), line(page="/b"), line()]
    ids = [event.event_id for event in events(*lines)]
    assert len(set(ids)) == 3
    assert [event.event_id for event in events(*lines)] == ids


def test_a_rejected_line_keeps_its_bytes_and_its_id() -> None:
    table = pl.DataFrame({"row": [1], "line": ["x\\xff"], "n": [0], "fate": ["unknown_format"]})
    originals = [b"", b"x\xff" + b"y" * MAX_LINE]
    first, second = (next(rejected_of(table, originals, "Shop", now)) for now in (1, 2))
    assert first.rejected_id == second.rejected_id
    assert (first.reason, first.protocol) == (Reason.UNKNOWN_FORMAT, "log")
    assert first.original == originals[1][:MAX_LINE]


times = st.one_of(st.none(), st.integers(0, 5).map(lambda hour: hour * HOUR_MS))


@settings(max_examples=200)
@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), times), max_size=8), max_size=5))
def test_equal_lines_are_counted_over_all_blocks(
    blocks: list[list[tuple[str, int | None]]],
) -> None:
    repeats, plain = Repeats(), Counter[str]()
    for block in blocks:
        lines = [f"{text}{time}" for text, time in block]
        expected = []
        for text in lines:
            expected.append(plain[text])
            plain[text] += 1
        found = repeats.number(
            pl.Series(lines, dtype=pl.String),
            pl.Series([time for _, time in block], dtype=pl.Int64),
        )
        assert found.to_list() == expected


def test_forgetting_old_hours_keeps_the_young() -> None:
    repeats = Repeats()
    lines, times_ms = pl.Series(["a", "b"]), pl.Series([0, 5 * HOUR_MS])
    repeats.number(lines, times_ms)
    repeats.forget_before(5 * HOUR_MS)
    assert repeats.number(lines, times_ms).to_list() == [0, 1]
