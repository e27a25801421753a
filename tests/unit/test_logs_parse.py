"""Golden lines of each format, and every other line's fate."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.logs.escapes import text_of as unescaped
from ingest.logs.escapes import url_of
from ingest.logs.formats import Format
from ingest.logs.parse import FAILED, FATES, MAX_LINE, PAGE, Parser, text_of
from ingest.logs.summary import Skipped
from schemas.reasons import Reason

NOW_MS = 1_760_000_000_000
HOSTS = ("shop.example",)
HEAD = "198.51.100.7 - - [17/May/2015:10:05:03 +0000]"
AGENT = '"https://a.example/?q=1" "Mozilla/5.0 (X11)"'


def parsed(line: str, format_: Format = "auto") -> dict[str, Any]:
    table = Parser(format_, HOSTS, lambda: NOW_MS).table([line])
    return table.row(0, named=True)


def fate(request: str, status: int = 200) -> str:
    return str(parsed(f'{HEAD} "{request}" {status} 12 {AGENT}')["fate"])


COMBINED = f'{HEAD} "GET /p/1?x=y HTTP/1.1" 200 123 {AGENT}'
COMMON = f'{HEAD} "GET /p/1?x=y HTTP/1.1" 304 -'
VHOST = f'www.shop.example:443 {HEAD} "GET /p/1?x=y HTTP/1.1" 206 123 {AGENT}'


@pytest.mark.parametrize("format_", ["auto", "combined"])
def test_combined(format_: Format) -> None:
    assert parsed(COMBINED, format_) == {
        "line": COMBINED,
        "fate": PAGE,
        "client": "198.51.100.7",
        "vhost": None,
        "target": "/p/1?x=y",
        "status": 200,
        "referrer": "https://a.example/?q=1",
        "agent": "Mozilla/5.0 (X11)",
        "time_ms": 1_431_857_103_000,
    }


@pytest.mark.parametrize("format_", ["auto", "common"])
def test_common(format_: Format) -> None:
    found = parsed(COMMON, format_)
    assert (found["fate"], found["target"], found["status"]) == (PAGE, "/p/1?x=y", 304)
    assert (found["referrer"], found["agent"]) == (None, None)


@pytest.mark.parametrize("format_", ["auto", "vhost_combined"])
def test_vhost_combined(format_: Format) -> None:
    found = parsed(VHOST, format_)
    assert (found["vhost"], found["client"]) == ("www.shop.example:443", "198.51.100.7")
    assert (found["fate"], found["agent"]) == (PAGE, "Mozilla/5.0 (X11)")


@pytest.mark.parametrize(
    ("line", "format_"),
    [(COMBINED, "common"), (COMMON, "combined"), (COMMON, "vhost_combined")],
)
def test_a_line_of_another_format_than_asked_for_is_rejected(line: str, format_: Format) -> None:
    assert parsed(line, format_)["fate"] == Reason.UNKNOWN_FORMAT


@pytest.mark.parametrize(
    ("line", "client"),
    [
        (COMMON.replace("198.51.100.7", "2001:db8::1"), "2001:db8::1"),
        (COMMON.replace("198.51.100.7", "host-7.isp.example"), "host-7.isp.example"),
        (COMMON.replace("- - [", '- "Mary Ann" ['), "198.51.100.7"),
        (COMBINED + ' "198.51.100.1, 10.0.0.1" 0.012', "198.51.100.7"),
        (COMBINED + "\r", "198.51.100.7"),
    ],
)
def test_what_servers_write_besides(line: str, client: str) -> None:
    found = parsed(line)
    assert (found["client"], found["fate"]) == (client, PAGE)
    assert found["line"] == line.rstrip("\r")


def test_escaped_quotes_stay_inside_the_field() -> None:
    found = parsed(rf'{HEAD} "GET /a\"b HTTP/1.1" 200 1 "-" "An \"agent\" \\ with \xc3\xa9"')
    assert url_of(found["target"]) == "/a%22b"
    assert unescaped(found["agent"]) == 'An "agent" \\ with é'
    assert found["referrer"] == "-"


def test_bytes_that_are_no_text_are_written_as_the_server_writes_them() -> None:
    raw = f'{HEAD} "GET /caf'.encode() + b'\xe9 HTTP/1.1" 200 1'
    found = parsed(text_of(raw))
    assert (found["fate"], url_of(found["target"])) == (PAGE, "/caf%E9")


def test_the_time_has_its_zone() -> None:
    line = '192.0.2.1 - - [07/Mar/2004:16:05:49 -0800] "GET / HTTP/1.0" 200 1'
    assert parsed(line)["time_ms"] == 1_078_704_349_000


@pytest.mark.parametrize(
    ("request_", "status", "expected"),
    [
        ("GET /", 200, PAGE),
        ("GET / HTTP/2.0", 204, PAGE),
        ("GET /index.php HTTP/1.1", 200, PAGE),
        ("GET /twiki/bin/view/Main.WebHome HTTP/1.1", 200, PAGE),
        ("GET /a.b/c HTTP/1.1", 200, PAGE),
        ("GET /search?q=a.png HTTP/1.1", 200, PAGE),
        ("GET http://www.shop.example/p/1 HTTP/1.1", 200, PAGE),
        ("GET https://shop.example HTTP/1.1", 200, PAGE),
        ("GET /missing HTTP/1.1", 404, FAILED),
        ("GET / HTTP/1.1", 503, FAILED),
        ("GET /old HTTP/1.1", 301, Skipped.REDIRECT),
        ("GET /a/logo.PNG?v=3 HTTP/1.1", 200, Skipped.STATIC),
        ("GET /a.tar.gz HTTP/1.1", 404, Skipped.STATIC),
        ("GET /robots.txt HTTP/1.1", 200, "page"),  # it tells a bot
        ("GET /robots.txt?1 HTTP/1.1", 404, "failed"),
        ("GET /en/robots.txt HTTP/1.1", 200, Skipped.DATA),
        ("GET /feed.xml HTTP/1.1", 304, Skipped.DATA),
        ("POST /cart HTTP/1.1", 200, Skipped.NOT_GET),
        ("HEAD / HTTP/1.1", 200, Skipped.NOT_GET),
        ("CONNECT other.example:443 HTTP/1.1", 405, Skipped.NOT_GET),
        ("GET http://other.example/ HTTP/1.1", 404, Skipped.OTHER_HOST),
        ("GET http://shop.example.evil.example/ HTTP/1.1", 404, Skipped.OTHER_HOST),
        ("GET * HTTP/1.1", 400, Skipped.NOT_HTTP),
        ("-", 408, Skipped.NO_REQUEST),
        ("", 400, Skipped.NO_REQUEST),
        (r"\x16\x03\x01\x00", 400, Skipped.NOT_HTTP),
        ("GET /a b HTTP/1.1", 400, Skipped.NOT_HTTP),
        ("GET / HTTP/1.1", 100, Skipped.NOT_HTTP),
    ],
)
def test_fate_of_a_request(request_: str, status: int, expected: str) -> None:
    assert fate(request_, status) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Skipped.BLANK),
        ("  \t", Skipped.BLANK),
        ("#Fields: date time cs-method", Reason.UNKNOWN_FORMAT),
        (COMBINED[: len(COMBINED) - 4], Reason.UNKNOWN_FORMAT),
        (COMBINED[40:], Reason.UNKNOWN_FORMAT),
        ('{"json": true}', Reason.UNKNOWN_FORMAT),
        (COMBINED.replace("17/May", "31/Feb"), Reason.INVALID_TIME),
        (COMBINED.replace("17/May", "17/Mai"), Reason.INVALID_TIME),
        (COMBINED.replace("2015", "1999"), Reason.INVALID_TIME),
        (COMBINED.replace("2015", "2099"), Reason.INVALID_TIME),
        (COMBINED + " " * MAX_LINE, Reason.TOO_LARGE),
        ("é" * (MAX_LINE // 2 + 1), Reason.TOO_LARGE),
    ],
)
def test_fate_of_a_line(line: str, expected: str) -> None:
    assert parsed(line)["fate"] == expected


@settings(max_examples=150)
@given(st.lists(st.binary(max_size=120).map(lambda raw: raw.replace(b"\n", b"")), max_size=20))
def test_rubbish_has_a_fate_too(lines: list[bytes]) -> None:
    table = Parser("auto", HOSTS, lambda: NOW_MS).table([text_of(line) for line in lines])
    assert len(table) == len(lines)
    assert set(table["fate"]) <= set(FATES)
    assert table["fate"].null_count() == 0


@settings(max_examples=300)
@given(
    st.integers(0, len(COMBINED)), st.integers(0, 10), st.text(alphabet='"\\[] \0é9x', max_size=4)
)
def test_a_damaged_line_has_a_fate_too(start: int, length: int, piece: str) -> None:
    found = parsed(COMBINED[:start] + piece + COMBINED[start + length :])
    assert found["fate"] in FATES
    if found["fate"] in (PAGE, FAILED):
        assert found["target"].startswith("/")
        assert None not in (found["client"], found["status"], found["time_ms"])
