"""What is not JSON but is sent nevertheless is mended, and only that."""

from __future__ import annotations

import json
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.collector.errors import MalformedBody, RefusedEvent
from ingest.collector.json_text import read_envelope, read_properties, with_members

_parts = msgspec.json.Decoder(list[msgspec.Raw])


def _read(body: bytes) -> list[tuple[bytes, bytes, list[str]]]:
    raws, text = read_envelope(_parts, body)
    return [(bytes(raw), *text.part(raw)) for raw in raws]


def test_bare_nan_becomes_null_and_only_its_event_is_noted() -> None:
    good, bad = b'{"a":1}', b'{"a":NaN,"b":[-Infinity,Infinity],"c":"NaN"}'
    assert _read(b"[" + b", ".join([good, bad, good]) + b"]") == [
        (good, good, []),
        (b'{"a":null,"b":[null,null],"c":"NaN"}', bad, ["nan_nulled"]),
        (good, good, []),
    ]


def test_half_a_surrogate_pair_becomes_the_replacement_character() -> None:
    whole, half = rb'{"t":"\ud83d\ude00 \\ud83d"}', rb'{"t":"cut \ud83d"}'
    assert _read(b"[" + whole + b"," + half + b"]") == [
        (whole, whole, []),
        (rb'{"t":"cut \ufffd"}', half, ["surrogate_replaced"]),
    ]


@given(st.lists(st.recursive(st.floats() | st.text(), st.lists, max_leaves=5)))
def test_whatever_python_writes_is_read_with_its_original_bytes(values: list[object]) -> None:
    written = [json.dumps(value).encode() for value in values]
    read = _read(b"[" + b",".join(written) + b"]")
    assert [original for _, original, _ in read] == written
    for mended, _, _ in read:
        msgspec.json.decode(mended)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[NaN", b'["\xff', b"[" * 100_000, b"\x00\x01", b"NaNNaN", b'[{"a":01}]', b"{}"],
)
def test_what_cannot_be_mended_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_envelope(_parts, body)


def test_mending_hostile_text_takes_linear_time() -> None:
    started = time.perf_counter()
    with pytest.raises(MalformedBody):
        read_envelope(_parts, b'["' + b'\\"' * 500_000)
    assert time.perf_counter() - started < 5


def test_properties_are_one_line_whatever_way_they_were_printed() -> None:
    raw, decoded = read_properties(msgspec.Raw(b'{\n  "a": "x y",\r\n "b": 1.0}'), "properties")
    assert bytes(raw) == b'{"a":"x y","b":1.0}'
    assert decoded == {"a": "x y", "b": 1.0}


@pytest.mark.parametrize("absent", [b"", b"null", b"{}"])
def test_absent_properties_are_the_empty_object(absent: bytes) -> None:
    raw, decoded = read_properties(msgspec.Raw(absent), "properties")
    assert (bytes(raw), decoded) == (b"{}", {})


@pytest.mark.parametrize("wrong", [b"[]", b'"x"', b"1", b'{"a":1e999}', b'{"a":"\xff"}'])
def test_properties_that_nobody_could_decode_are_refused(wrong: bytes) -> None:
    with pytest.raises(RefusedEvent):
        read_properties(msgspec.Raw(wrong), "properties")


@pytest.mark.parametrize("own", [b"{}", b"{ }", b'{"a":1}', b' {"a": 1} '])
def test_members_are_added_in_front(own: bytes) -> None:
    joined = msgspec.json.decode(with_members(msgspec.Raw(own), {"g": "x"}))
    assert joined == {"g": "x", **msgspec.json.decode(own)}
