"""What is answered below ASGI is what uvicorn would have answered, byte for byte."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.hot_http import MAX_BODY_BYTES
from tests.http_pair import KEEP_ALIVE_S, HttpPair, turns

REFUSED = (
    b"HTTP/1.1 400 Bad Request\r\ndate: today\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 30\r\nconnection: close\r\n\r\nInvalid HTTP request received."
)
LAST = b"GET /now?last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

_methods = st.sampled_from([b"GET", b"POST", b"POST", b"POST", b"HEAD", b"OPTIONS", b"PUT"])
_paths = st.sampled_from(
    [
        *(b"/now", b"/soon", b"/task", b"/now", b"/soon", b"/task", b"/empty", b"/kept", b"/other"),
        *(b"/plain", b"/large", b"/fails", b"/fails-later", b"/n%6fw", b"//now", b"/now/"),
        *(b"http://x/now", b"*"),
    ]
)
_queries = st.sampled_from(
    [
        b"",
        b"",
        b"?",
        b"?a=1&b=%20+",
        b"?a?b",
        b"?a#b",
        b"#b",
        b"?%zz",
        b"?\xc3\xa4",
        b"?" + b"q" * 300,
    ]
)
_versions = st.sampled_from([b"1.1"] * 8 + [b"1.0"])
_headers = st.lists(
    st.sampled_from(
        [
            *(b"X-A: 1", b"x-a: 2", b"X-Empty:", b"Cookie: a=b; c=d", b"X-Latin: \xe4\xf6"),
            *(b"Authorization: Basic czo=", b"If-None-Match: *", b"X-Long: " + b"l" * 5000),
            *(b"Connection: keep-alive", b"Connection: close", b"Connection: keep-alive, x"),
            *(b"Expect: 100-continue", b"Expect: 100-CONTINUE", b"Expect: more"),
            *(b"Connection: upgrade\r\nUpgrade: h2c", b"Upgrade: websocket"),
            *(b"X : space", b" folded", b"no colon", b"X-Nul: a\x00b", b"Content-Length: 3"),
            b"Transfer-Encoding: chunked",
        ]
    ),
    max_size=3,
)
_contents = st.one_of(
    st.just(b""),
    st.binary(max_size=40),
    st.sampled_from([b'{"a":1}' * 30, LAST]),
)


Framing = Callable[[bytes], bytes]


def _sized(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def _in_chunks(body: bytes) -> bytes:
    half = len(body) // 2
    parts = [part for part in (body[:half], body[half:]) if part]
    chunks = b"".join(b"%x;e=1\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nX-Trailer: t\r\n\r\n"


def _smuggled(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n" % len(body) + _in_chunks(body)


def _said_twice(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n" % (len(body) + 1) + _sized(body)


def _signed(body: bytes) -> bytes:
    return b"Content-Length: +%d\r\n\r\n%b" % (len(body), body)


_framings: st.SearchStrategy[Framing] = st.sampled_from(
    [_sized] * 6 + [_in_chunks] * 2 + [_smuggled, _said_twice, _signed, lambda _: b"\r\n"]
)


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    line = b"%b %b%b HTTP/%b" % (draw(_methods), draw(_paths), draw(_queries), draw(_versions))
    head = [line, b"Host: x", *draw(_headers)]
    return b"\r\n".join(head) + b"\r\n" + draw(_framings)(draw(_contents))


@st.composite
def _plain_requests(draw: st.DrawFn) -> bytes:
    """Such as the services get all day."""
    body = draw(_contents)
    method = b"POST" if body else draw(st.sampled_from([b"GET", b"POST"]))
    path = draw(st.sampled_from([b"/now", b"/soon", b"/task", b"/plain", b"/empty"]))
    head = b"%b %b%b HTTP/1.1\r\nHost: x\r\n" % (method, path, draw(_queries))
    return head + (_sized(body) if body else b"\r\n")


_streams = st.one_of(
    st.lists(_plain_requests(), max_size=4), st.lists(_requests() | _plain_requests(), max_size=4)
)
_cuts = st.lists(st.floats(0, 1), max_size=6)


@pytest.fixture(scope="module")
def pair() -> Iterator[HttpPair]:
    with HttpPair() as made:
        yield made


@settings(max_examples=250)
@given(stream=_streams, cuts=_cuts)
def test_any_requests_in_any_pieces_are_answered_alike(
    pair: HttpPair, stream: list[bytes], cuts: list[float]
) -> None:
    sent = b"".join([*stream, LAST])
    borders = sorted({0, len(sent), *(int(cut * len(sent)) for cut in cuts)})
    parts = [sent[start:end] for start, end in pairwise(borders)]

    stock = pair.run(pair.ask(pair.stock, parts))
    hot = pair.run(pair.ask(pair.hot, parts))

    if hot != stock:  # uvicorn may refuse what cannot be read before it answers what came before it
        assert hot.endswith(REFUSED)
        assert stock.endswith(REFUSED)
        assert hot.startswith(stock.removesuffix(REFUSED))


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /now HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
        b"POST /now HTTP/1.1\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"GET /now HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET /now HTTP/1.1\r\nContent-Length: 9\r\n\r\n",  # which does not come
        b"GET /fails HTTP/1.1\r\n\r\n",
        b"GET /fails-later HTTP/1.1\r\n\r\n",
        b"GET /now HTTP/1.1\r\nConnection: close\r\n\r\n",
    ],
)
def test_what_is_not_plain_is_answered_alike(pair: HttpPair, request_bytes: bytes) -> None:
    async def answered(port: int) -> bytes:
        client = await pair.open(port)
        client.send(request_bytes)
        await client.until(b"HTTP/1.1 ")
        await asyncio.sleep(0.02)
        client.transport.abort()
        return bytes(client.received)

    assert pair.run(answered(pair.hot)) == pair.run(answered(pair.stock))


@pytest.mark.parametrize("length", [65_535, 65_536, 65_537, 1_000_000])
@pytest.mark.parametrize("framing", [_sized, _in_chunks])
def test_long_bodies_are_answered_alike(pair: HttpPair, framing: Framing, length: int) -> None:
    request = b"POST /now HTTP/1.1\r\nHost: x\r\n" + framing(b"y" * length)
    parts = [request[:100], request[100:70_000], request[70_000:], LAST]

    before = pair.below
    received = pair.run(pair.ask(pair.hot, parts))

    both_below = pair.below - before == 2
    assert both_below is (framing is _sized and length <= MAX_BODY_BYTES)
    assert b"'body': (%d, " % length in received
    assert received == pair.run(pair.ask(pair.stock, parts))


def test_plain_requests_are_answered_below_asgi(pair: HttpPair) -> None:
    before = pair.below
    body = b"POST /soon HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"

    async def one_after_another() -> bytes:
        client = await pair.open(pair.hot)
        for count in range(5):
            client.send(body.replace(b"soon", b"soon?%d" % count))
            await client.until(b"'query': b'%d'" % count)
        client.send(LAST)
        return await client.until_closed()

    assert pair.run(one_after_another()).count(b"HTTP/1.1 200 OK") == 6
    assert pair.below == before + 6


def test_answers_come_in_the_order_of_the_requests(pair: HttpPair) -> None:
    gate = b"GET /gate?%d HTTP/1.1\r\nHost: x\r\n\r\n"

    async def asked_at_once() -> bytes:
        client = await pair.open(pair.hot)
        client.send(b"".join([gate % 1, gate % 2, LAST]))
        await turns(10)
        assert client.received == b""
        for _ in range(2):
            pair.gates.pop().set_result(None)
            await turns(10)
        return await client.until_closed()

    received = pair.run(asked_at_once())

    order = [received.find(b"'query': b'%b'" % query) for query in (b"1", b"2", b"last")]
    assert -1 < order[0] < order[1] < order[2]


def test_a_server_that_stops_answers_what_is_open_and_closes(pair: HttpPair) -> None:
    async def stopped_while_it_waits() -> bytes:
        client = await pair.open(pair.hot)
        idle = await pair.open(pair.hot)
        client.send(b"GET /gate HTTP/1.1\r\nHost: x\r\n\r\n")
        await turns(10)
        for connection in list(pair.states[1].connections):
            connection.shutdown()
        await idle.until_closed()
        assert not client.closed
        pair.gates.pop().set_result(None)
        return await client.until_closed()

    received = pair.run(stopped_while_it_waits())

    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in received


@pytest.mark.parametrize(
    "sent", [b"POST /now HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf", b"GET /gate HTTP/1.1\r\n\r\n"]
)
def test_who_hangs_up_is_forgotten_and_others_are_served(pair: HttpPair, sent: bytes) -> None:
    async def gone() -> bytes:
        client = await pair.open(pair.hot)
        client.send(sent)
        await turns(10)
        client.transport.abort()
        await turns(10)
        while pair.gates:
            pair.gates.pop().set_result(None)
        await turns(10)
        return await pair.ask(pair.hot, [LAST])

    before = len(pair.asked)
    assert pair.run(gone()).startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(pair.asked) - before == (2 if b"/gate" in sent else 1)
    assert not pair.states[1].connections


def test_who_does_not_read_is_not_served_without_end(pair: HttpPair) -> None:
    count = 500
    request = b"GET /large?slow HTTP/1.1\r\nHost: x\r\n\r\n"

    async def reads_late() -> tuple[int, bytes]:
        client = await pair.open(pair.hot)
        client.transport.pause_reading()
        client.send(request * count + LAST)
        await asyncio.sleep(0.3)
        served = pair.asked.count("slow")
        client.transport.resume_reading()
        return served, await client.until_closed()

    served, received = pair.run(reads_late())

    assert served < count - 100  # the kernel's buffers hold some
    assert received.count(b"HTTP/1.1 200 OK") == count + 1


def test_a_connection_that_rests_is_closed(pair: HttpPair) -> None:
    async def rests() -> float:
        client = await pair.open(pair.hot)
        client.send(b"GET /now HTTP/1.1\r\nHost: x\r\n\r\n")
        await client.until(b"200 OK")
        began = time.monotonic()
        await client.until_closed()
        return time.monotonic() - began

    assert pair.run(rests()) > KEEP_ALIVE_S * 0.9


@pytest.mark.parametrize("start", [b"GET /now?", b"GET /elsewhere HTTP/1.1\r\nX-A: "])
def test_a_head_without_end_is_refused(pair: HttpPair, start: bytes) -> None:
    parts = [start, *[b"a" * 10_000] * 7]

    received = pair.run(pair.ask(pair.hot, parts))

    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
    assert json.loads(body)["code"] == "too_large"


def test_a_header_that_would_end_its_line_is_not_sent(pair: HttpPair) -> None:
    request = b"GET /splits HTTP/1.1\r\nHost: x\r\n\r\n"
    assert b"b: c" not in pair.run(pair.ask(pair.hot, [request]))
