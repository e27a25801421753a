"""Inputs of the homepage endpoint: bounded, strict, and forgiving where a page would break."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personalize_api.caller.consent import consent_of
from personalize_api.decision.answer import cache_key
from personalize_api.decision.arrival import (
    MAX_FIELDS,
    MAX_QUERY_BYTES,
    Arrival,
    primary_language,
    read_body,
    read_query,
)
from personalize_api.errors import InvalidInput, TooLarge
from schemas.site import ConsentRules


def test_a_query_is_read_and_of_a_repeated_name_the_first_counts() -> None:
    arrival = read_query(
        b"anonymous_id=a1&anonymous_id=b&referrer=https%3A%2F%2Fx.example%2F&gpc=1"
    )
    assert (arrival.anonymous_id, arrival.referrer, arrival.gpc) == (
        "a1",
        "https://x.example/",
        True,
    )


def test_a_body_is_read() -> None:
    arrival = read_body(b'{"anonymous_id":"a1","user_id":42,"consent":true,"other":[1]}')
    assert (arrival.anonymous_id, arrival.user_id, arrival.consent) == ("a1", "42", "granted")


@pytest.mark.parametrize(
    "value", ["user:42", "p_abc", "-1x", "a b", "é", "a" * 129, "a\nb", "../../etc", "%00"]
)
def test_a_device_id_no_visitor_may_have_is_ignored_and_noted(value: str) -> None:
    arrival = read_body(f'{{"anonymous_id":{value!r}}}'.replace("'", '"').encode())
    assert arrival.anonymous_id == ""
    assert arrival.notes == ["anonymous_id ignored: not a form that a visitor's id may have"]


@pytest.mark.parametrize("value", ["null", "undefined", "Guest", "0", "-1", "NaN", ""])
def test_what_is_no_identifier_counts_as_absent(value: str) -> None:
    arrival = read_query(f"anonymous_id={value}&user_id={value}".encode())
    assert (arrival.anonymous_id, arrival.user_id) == ("", "")


def test_an_overlong_login_is_ignored_and_noted() -> None:
    arrival = read_query(b"user_id=" + b"u" * 300)
    assert arrival.user_id == ""
    assert arrival.notes[0].startswith("user_id ignored")


def test_a_long_referrer_is_cut_not_refused() -> None:
    assert len(read_query(b"referrer=http://x.example/" + b"a" * 9000).referrer) == 4096


@pytest.mark.parametrize(
    "body",
    [
        b"{bad",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"anonymous_id":5}',
        b'{"gpc":NaN}',
        b"[" * 100_000,
        b'{"anonymous_id":"\\ud800"}',
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_body(body)


def test_a_query_is_bounded() -> None:
    with pytest.raises(TooLarge):
        read_query(b"url=" + b"a" * MAX_QUERY_BYTES)
    with pytest.raises(InvalidInput):
        read_query(b"&".join(b"a%d=1" % n for n in range(MAX_FIELDS + 1)))


@given(st.binary(max_size=200))
def test_no_query_raises_anything_else(query: bytes) -> None:
    assert isinstance(read_query(query), Arrival)


@given(st.binary(max_size=200))
def test_no_body_raises_anything_else(body: bytes) -> None:
    with suppress(InvalidInput):
        assert isinstance(read_body(body), Arrival)


@pytest.mark.parametrize(
    ("header", "language"),
    [("de-AT,de;q=0.9", "de-at"), ("en", "en"), ("pt_BR", "pt-br"), ("*", ""), ("<script>", "")],
)
def test_the_first_language_counts(header: str, language: str) -> None:
    assert primary_language(header) == language


OPT_IN = ConsentRules(mode="opt-in", honour=("gpc",))
OPT_OUT = ConsentRules(mode="opt-out", honour=("gpc", "dnt"))


def test_consent_is_what_was_said_under_the_sites_mode() -> None:
    assert consent_of(Arrival(), {}, OPT_IN) == "unknown"
    assert consent_of(Arrival(consent="granted"), {}, OPT_IN) == "granted"
    assert consent_of(Arrival(), {}, OPT_OUT) == "granted"
    assert consent_of(Arrival(consent="denied"), {}, OPT_OUT) == "denied"


def test_a_signal_the_site_honours_is_a_refusal() -> None:
    assert consent_of(Arrival(consent="granted", gpc=True), {}, OPT_IN) == "denied"
    assert consent_of(Arrival(consent="granted"), {b"sec-gpc": b"1"}, OPT_IN) == "denied"
    assert consent_of(Arrival(consent="granted"), {b"dnt": b"1"}, OPT_OUT) == "denied"
    assert consent_of(Arrival(consent="granted"), {b"dnt": b"1"}, OPT_IN) == "granted"


def test_a_page_is_named_by_its_variant_and_its_products_in_their_order() -> None:
    names = [cache_key("my-kids", picks) for picks in ((), ("a", "b"), ("b", "a"), ("ab",))]
    assert names[0] == "my-kids"
    assert len(set(names)) == 4
    assert all(name.startswith("my-kids.") and name.isascii() for name in names[1:])
