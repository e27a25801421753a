"""A user token says who is logged in, or nothing."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest

from personalize_api.caller.user_token import MAX_TOKEN, Member, TokenRefused, read, sign
from schemas.settings import Settings
from schemas.site import Site, WriteKey

NOW = 1_800_000_000
SECRET = "a secret of this site's own, 32+"
SERVER = "sk_of_this_site_" + "0123456789abcdef" * 3  # long enough for HS512 too
BROWSER = "pk_of_this_site_0123456789abcdef"
SITE = Site(
    name="Toyhouse",
    write_keys=(WriteKey(key=BROWSER, kind="browser"), WriteKey(key=SERVER, kind="server")),
)
SETTINGS = Settings.from_environment({"FOOTFALL_SECRET_KEY": SECRET})


def member(token: str, settings: Settings = SETTINGS) -> Member:
    return read(token, SITE, settings, NOW)


def token(key: Any = SERVER, algorithm: str = "HS256", **claims: object) -> str:
    said = {"sub": "anna", "exp": NOW + 600, **claims}
    return jwt.encode({name: value for name, value in said.items() if value}, key, algorithm)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize("key", [SECRET, SERVER])
def test_what_the_site_has_signed_is_believed(key: str) -> None:
    assert member(sign("anna", NOW + 600, key)) == Member("anna")
    assert member(sign("anna", NOW + 600, key, "kid")) == Member("anna", "kid")
    assert member(token(key, iat=NOW, iss="shop", nbf=NOW)) == Member("anna")


@pytest.mark.parametrize("key", [BROWSER, "sk_of_another_site_9876543210abcd", "x" * 32])
def test_another_key_signs_nothing(key: str) -> None:
    with pytest.raises(TokenRefused, match="not signed"):
        member(token(key))


def test_the_built_in_secret_signs_nothing() -> None:
    settings = Settings.from_environment({})
    with pytest.raises(TokenRefused, match="not signed"):
        member(sign("anna", NOW + 600, settings.secret_key), settings)


def test_only_hs256_is_taken() -> None:
    unsigned = f"{part({'alg': 'none'})}.{part({'sub': 'anna', 'exp': NOW + 600})}."
    signed = token().split(".")
    stripped = f"{part({'alg': 'none'})}.{signed[1]}.{signed[2]}"
    for forged in (unsigned, stripped, token(SERVER, "HS512"), token(SERVER, "HS384")):
        with pytest.raises(TokenRefused):
            member(forged)


def test_a_changed_claim_is_seen() -> None:
    head, _, signature = token().split(".")
    forged = f"{head}.{part({'sub': 'ben', 'exp': NOW + 600})}.{signature}"
    with pytest.raises(TokenRefused, match="not signed"):
        member(forged)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": NOW - 61}, "expired"),
        ({"exp": NOW + 86_400 + 61}, "24 hours"),
        ({"exp": None}, "form"),
        ({"exp": "tomorrow"}, "form"),
        ({"nbf": NOW + 61}, "yet"),
        ({"sub": None}, "form"),
        ({"sub": "anonymous"}, "identifier"),
        ({"sub": "x" * 257}, "identifier"),
        ({"sub": "a\nb"}, "identifier"),
        ({"profile": "x" * 257}, "identifier"),
        ({"profile": ["kid"]}, "form"),
        ({"aud": "somebody else"}, "audience"),
    ],
)
def test_claims_that_do_not_hold_are_refused(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(TokenRefused, match=why):
        member(token(**claims))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "..", "{}", "[" * 2000])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        member(text)


def test_a_number_that_is_too_large_is_refused() -> None:
    for number in (float("inf"), float("nan"), 1e300):
        with pytest.raises(TokenRefused):
            member(token(exp=number))


def test_a_token_is_bounded() -> None:
    with pytest.raises(TokenRefused, match="longer"):
        member(token(padding="x" * MAX_TOKEN))


def test_a_refusal_repeats_nothing_of_the_token() -> None:
    with pytest.raises(TokenRefused) as refused:
        member(token(sub="secret-name", exp=NOW - 1000))
    assert "secret-name" not in str(refused.value)
