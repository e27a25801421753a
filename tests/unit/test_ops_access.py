"""Who may see the live page, and who tries."""

from __future__ import annotations

import base64

import pytest

from personalize_api.caller.ops_access import COOKIE, SESSION_S, Attempts, OpsAccess
from personalize_api.errors import AdminOnly, ForeignForm, TooManyAttempts
from schemas.settings import ConfigurationError, Settings

SETTINGS = Settings.from_environment({"FOOTFALL_ADMIN_TOKEN": "secret"})
HOST = (b"host", b"ops.example")
OWN = [HOST, (b"origin", b"https://ops.example")]
AWAY = "192.0.2.7"


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> OpsAccess:
    return OpsAccess(SETTINGS, clock, Attempts(clock))


def with_cookie(cookie: str) -> list[tuple[bytes, bytes]]:
    return [HOST, (b"cookie", b"other=1; " + cookie.partition(";")[0].encode())]


def bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [HOST, (b"authorization", b"Bearer " + token.encode())]


def test_somebody_from_elsewhere_is_not_let_in(access: OpsAccess) -> None:
    for headers in ([HOST], [(b"host", b"127.0.0.1")], with_cookie(f"{COOKIE}=x")):
        with pytest.raises(AdminOnly):
            access.require(headers, AWAY)


def test_a_login_lasts_over_restarts(access: OpsAccess, clock: Clock) -> None:
    cookie = access.log_in(OWN, AWAY, "secret")
    access.require(with_cookie(cookie), AWAY)
    OpsAccess(SETTINGS, clock).require(with_cookie(cookie), "198.51.100.1")
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} <= set(cookie.split("; "))


def test_a_login_without_https_has_a_cookie_that_comes_back(access: OpsAccess) -> None:
    cookie = access.log_in([HOST, (b"origin", b"http://ops.example")], AWAY, "secret")
    assert "Secure" not in cookie


def test_a_session_ends(access: OpsAccess, clock: Clock) -> None:
    cookie = access.log_in(OWN, AWAY, "secret")
    clock.now += SESSION_S - 60
    access.require(with_cookie(cookie), AWAY)
    clock.now += 61
    with pytest.raises(AdminOnly):
        access.require(with_cookie(cookie), AWAY)


def test_a_session_that_is_used_is_renewed_once_a_day(access: OpsAccess, clock: Clock) -> None:
    cookie = access.log_in(OWN, AWAY, "secret")
    clock.now += 3600
    assert access.renewal(with_cookie(cookie)) is None
    clock.now += 2 * 86_400
    renewed = access.renewal(with_cookie(cookie))
    assert renewed is not None
    clock.now += SESSION_S - 86_400
    access.require(with_cookie(renewed), AWAY)
    assert access.renewal(with_cookie(cookie)) is None
    assert access.renewal([HOST]) is None


@pytest.mark.parametrize("name", ["FOOTFALL_ADMIN_TOKEN", "FOOTFALL_SECRET_KEY"])
def test_another_secret_ends_every_session(access: OpsAccess, clock: Clock, name: str) -> None:
    cookie = access.log_in(OWN, AWAY, "secret")
    changed = {"FOOTFALL_ADMIN_TOKEN": "secret", name: "another"}
    with pytest.raises(AdminOnly):
        OpsAccess(Settings.from_environment(changed), clock).require(with_cookie(cookie), AWAY)


def test_without_an_admin_token_no_cookie_counts(access: OpsAccess, clock: Clock) -> None:
    closed = OpsAccess(Settings.from_environment({}), clock)
    cookie = closed._cookie({})  # as somebody would make it who knows the built-in secret
    with pytest.raises(AdminOnly, match="FOOTFALL_ADMIN_TOKEN"):
        closed.require(with_cookie(cookie), AWAY)
    with pytest.raises(AdminOnly):
        closed.log_in(OWN, AWAY, "")


def test_a_changed_cookie_is_none(access: OpsAccess) -> None:
    value = access.log_in(OWN, AWAY, "secret").partition(";")[0]
    ends, _, signature = value.partition("=")[2].partition(".")
    for forged in (f"{int(ends) + 1}.{signature}", f"{ends}.", f"{ends}.{signature}x", "", "."):
        with pytest.raises(AdminOnly):
            access.require(with_cookie(f"{COOKIE}={forged}"), AWAY)


@pytest.mark.parametrize(
    "headers",
    [
        [HOST],
        [HOST, (b"origin", b"https://evil.example")],
        [HOST, (b"origin", b"null")],
        [(b"origin", b"")],
        [*OWN, (b"sec-fetch-site", b"cross-site")],
        [*OWN, (b"sec-fetch-site", b"same-site")],
        [*OWN, (b"sec-fetch-site", b"none")],
    ],
)
def test_a_form_of_another_page_logs_nobody_in(
    access: OpsAccess, headers: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(ForeignForm):
        access.log_in(headers, AWAY, "secret")


def test_our_own_form_behind_a_proxy_that_changes_host_logs_in(access: OpsAccess) -> None:
    headers = [(b"host", b"inner:8081"), (b"origin", b"https://ops.example")]
    assert access.log_in([*headers, (b"sec-fetch-site", b"same-origin")], AWAY, "secret")


def guess(access: OpsAccess, client: str, times: int) -> None:
    for number in range(times):
        with pytest.raises(AdminOnly):
            access.require(bearer(f"guess {number}"), client)


def test_guessing_is_slowed_and_not_by_finding_the_token(access: OpsAccess, clock: Clock) -> None:
    guess(access, AWAY, 20)
    basic = (b"authorization", b"Basic " + base64.b64encode(b"ops:secret"))
    for headers in (bearer("guess"), bearer("secret"), [HOST, basic]):
        with pytest.raises(TooManyAttempts):
            access.require(headers, AWAY)
    with pytest.raises(TooManyAttempts):
        access.log_in(OWN, AWAY, "secret")
    clock.now += 3.1
    guess(access, AWAY, 1)
    with pytest.raises(TooManyAttempts):
        access.require(bearer("guess"), AWAY)
    clock.now += 3.1
    access.require(bearer("secret"), AWAY)


def test_who_is_logged_in_is_not_shut_out_by_somebodys_guesses(access: OpsAccess) -> None:
    cookie = access.log_in(OWN, AWAY, "secret")
    guess(access, AWAY, 20)
    access.require(with_cookie(cookie), AWAY)
    access.require(bearer("secret"), "198.51.100.1")


def test_a_network_of_addresses_is_one_guesser(access: OpsAccess) -> None:
    for number in range(20):
        guess(access, f"2001:db8:1:2::{number:x}", 1)
    with pytest.raises(TooManyAttempts):
        access.require(bearer("secret"), "2001:db8:1:2:ffff::1")
    access.require(bearer("secret"), "2001:db8:1:3::1")


def test_a_caller_without_a_token_is_no_guesser(access: OpsAccess) -> None:
    for _ in range(50):
        with pytest.raises(AdminOnly):
            access.require([HOST], AWAY)
    access.require(bearer("secret"), AWAY)


def test_what_is_remembered_of_guessers_is_bounded(clock: Clock) -> None:
    attempts = Attempts(clock)
    for number in range(10_050):
        attempts.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts._left) == 10_000


def test_the_page_is_open_only_by_explicit_setting(clock: Clock) -> None:
    environment = {"FOOTFALL_ADMIN_TOKEN": "secret", "FOOTFALL_OPS_ACCESS": "open"}
    OpsAccess(Settings.from_environment(environment), clock).require([HOST], AWAY)
    for wrong in ("yes", "OPEN", "true", "none"):
        with pytest.raises(ConfigurationError, match="FOOTFALL_OPS_ACCESS"):
            Settings.from_environment({"FOOTFALL_OPS_ACCESS": wrong})
