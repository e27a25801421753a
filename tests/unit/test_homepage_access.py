"""Who may ask for what."""

from __future__ import annotations

import base64

import pytest

from personalize_api.caller.access import (
    identify,
    is_direct_loopback,
    require_admin,
    require_operator,
)
from personalize_api.errors import AdminOnly, OriginRefused, UnknownKey
from schemas.settings import Settings
from schemas.site import Site, WriteKey

SITE = Site(
    name="Toyhouse",
    origins=("https://toyhouse.example",),
    write_keys=(WriteKey(key="sk", kind="server"), WriteKey(key="pk", kind="browser")),
)
OPEN = Settings.from_environment({"FOOTFALL_ADMIN_TOKEN": "secret"})
CLOSED = Settings.from_environment({})
HOST = (b"host", b"127.0.0.1:8081")


def headers(authorization: str, origin: str = "") -> dict[bytes, bytes]:
    both = {b"authorization": authorization.encode(), b"origin": origin.encode()}
    return {name: value for name, value in both.items() if value}


def test_keys_say_who_asks() -> None:
    assert identify({}, SITE).kind == "none"
    assert identify(headers("Bearer sk"), SITE).kind == "server"
    assert identify(headers("bearer pk", "https://toyhouse.example"), SITE).kind == "browser"


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(UnknownKey):
        identify(headers("Bearer other"), SITE)


@pytest.mark.parametrize("origin", ["", "https://evil.example", "null"])
def test_a_browser_key_counts_only_from_a_listed_origin(origin: str) -> None:
    with pytest.raises(OriginRefused):
        identify(headers("Bearer pk", origin), SITE)


def test_the_admin_token_opens_and_nothing_else_does() -> None:
    require_admin(headers("Bearer secret"), OPEN)
    for wrong in ("", "Bearer ", "Bearer wrong", "Basic secret", "Bearer sécret"):
        with pytest.raises(AdminOnly):
            require_admin({b"authorization": wrong.encode()}, OPEN)


def test_without_a_configured_token_nobody_is_admin_and_the_variable_is_named() -> None:
    for given in ("", "Bearer ", "Bearer x"):
        with pytest.raises(AdminOnly, match="FOOTFALL_ADMIN_TOKEN"):
            require_admin({b"authorization": given.encode()}, CLOSED)


def test_direct_loopback_needs_no_token() -> None:
    require_operator([HOST], "127.0.0.1", CLOSED)
    require_operator([(b"host", b"[::1]:8081")], "::1", CLOSED)
    require_operator([(b"host", b"localhost")], "::1", CLOSED)


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "forwarded",
        "via",
        "x-real-ip",
        "cf-connecting-ip",
        "true-client-ip",
    ],
)
def test_a_forwarded_request_is_not_direct(name: str) -> None:
    assert not is_direct_loopback([HOST, (name.encode(), b"")], "127.0.0.1")
    with pytest.raises(AdminOnly):
        require_operator([HOST, (name.encode(), b"127.0.0.1")], "127.0.0.1", OPEN)


@pytest.mark.parametrize("client", ["10.0.0.1", "2001:db8::1", None])
def test_a_caller_from_elsewhere_is_not_direct(client: str | None) -> None:
    assert not is_direct_loopback([HOST], client)


def test_a_name_rebound_to_loopback_is_not_direct() -> None:
    assert not is_direct_loopback([(b"host", b"evil.example:8081")], "127.0.0.1")
    assert not is_direct_loopback([], "127.0.0.1")


def test_the_admin_token_opens_the_ops_page_also_as_a_browser_sends_it() -> None:
    basic = b"Basic " + base64.b64encode(b"ops:secret")
    require_operator([HOST, (b"authorization", b"Bearer secret")], "10.0.0.1", OPEN)
    require_operator([HOST, (b"authorization", basic)], "10.0.0.1", OPEN)
    for wrong in (b"Basic !!", b"Basic " + base64.b64encode(b"secret"), b"Basic \xff"):
        with pytest.raises(AdminOnly):
            require_operator([HOST, (b"authorization", wrong)], "10.0.0.1", OPEN)
    with pytest.raises(AdminOnly):
        require_admin({b"authorization": basic}, OPEN)
