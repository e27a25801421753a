"""The device cookie: read strictly, written only as far as the browser will keep it."""

from __future__ import annotations

import pytest

from ingest.collector import cookies
from schemas.site import CookieRules

RULES = CookieRules(name="ff_id", domain="toyhouse.example", max_age_s=100)
DEVICE = "7f0c5f0e-6b1c-4c1e-9d1a-0f00fa110001"


def test_the_device_is_found_among_other_cookies() -> None:
    assert cookies.read(f"a=b; ff_id={DEVICE}; c=d".encode(), RULES) == DEVICE


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"ff_id",
        b"ff_id=",
        b"xff_id=abc",
        b"ff_id=p_0123",
        b"ff_id=user:1",
        b"ff_id=a b",
        b'ff_id="abc"',
        b"ff_id=\xff\xfe",
        b"ff_id=" + b"a" * 129,
    ],
)
def test_what_is_not_in_the_form_of_a_device_id_is_no_cookie(header: bytes) -> None:
    assert cookies.read(header, RULES) == ""


def test_a_cookie_that_was_tampered_with_does_not_hide_a_good_one() -> None:
    assert cookies.read(f"ff_id=p_1; ff_id={DEVICE}".encode(), RULES) == DEVICE


def test_the_cookie_is_for_the_collector_alone_and_same_site() -> None:
    written = cookies.write(DEVICE, RULES, host="127.0.0.1:8080", https=False).decode()
    assert written == f"ff_id={DEVICE}; Max-Age=100; Path=/; HttpOnly; SameSite=Lax"


def test_on_https_it_is_secure() -> None:
    assert cookies.write(DEVICE, RULES, host="x", https=True).endswith(b"; Secure")


@pytest.mark.parametrize(
    ("host", "shared"),
    [
        ("toyhouse.example", True),
        ("collect.toyhouse.example:8080", True),
        ("nottoyhouse.example", False),
        ("127.0.0.1:8080", False),
        ("[::1]:8080", False),
        ("", False),
    ],
)
def test_the_domain_is_named_only_by_a_host_under_it(host: str, shared: bool) -> None:
    written = cookies.write(DEVICE, RULES, host=host, https=False)
    assert (b"Domain=toyhouse.example" in written) is shared


def test_taking_it_away_is_a_cookie_without_life() -> None:
    assert cookies.expire(RULES, host="x", https=False).startswith(b"ff_id=; Max-Age=0;")
