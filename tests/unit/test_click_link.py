"""A link leads where its maker said, or nowhere."""

from __future__ import annotations

import io
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli import main
from schemas import click_token
from schemas.click_link import NotATarget, is_signed, is_target, link, signature, target
from schemas.click_token import token_in, with_token

SHOP = "https://shop.example/p/bear?utm_medium=email&x=%C3%A4+%2B#top"


def test_a_link_carries_its_target_and_whose_letter_it_is_under_one_signature() -> None:
    made = link("https://events.shop.example/", SHOP, "s", "T0k-_n")
    said = {name: value[0] for name, value in parse_qs(urlsplit(made).query).items()}

    assert made.startswith("https://events.shop.example/r?u=https%3A%2F%2Fshop.example%2Fp%2Fbear")
    assert (said["u"], said["ff_click"]) == (SHOP, "T0k-_n")
    assert is_signed(said["u"], said["ff_click"], said["s"], "s")


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=30))
def test_nothing_else_is_signed(to: str, token: str, given_signature: str) -> None:
    good = signature(SHOP, "T", "s")
    if (to, token) != (SHOP, "T"):
        assert not is_signed(to, token, good, "s")
    assert not is_signed(SHOP, "T", given_signature, "s")
    assert not is_signed(SHOP, "T", good, "another secret")


@pytest.mark.parametrize(
    "evil",
    [
        *("", "/p/bear", "//evil.example", "///evil.example", "https:/evil.example", "https://"),
        *("javascript:alert(1)", "data:text/html,x", "ftp://shop.example/", "HTTP//shop.example"),
        *("https://shop.example@evil.example/", "https://shop.example\\@evil.example/"),
        *("https://shop.example:443@evil.example/", "https://shop.example%40evil.example/"),
        *("https://shop.example/\r\nSet-Cookie: a=1", "https://shop.example/\x00", "https://x/ y"),
        *("https://[::::]/", "https://shop.example:0/", "https://shop.example:65536/"),
        *("https://shop.example\\evil", "https:\\\\evil.example", "https://.evil.example/"),
        *("https://shop.example/ä", "https://shop.example/\u202e", "https://x/" + "y" * 2000),
        *("\thttps://shop.example/", "https://shop.example/\n", 'https://shop.example/"><script>'),
    ],
)
def test_what_two_readers_might_read_in_two_ways_is_no_target(evil: str) -> None:
    assert not is_target(evil)
    assert not is_target(quote(evil))


def test_international_addresses_are_signed_as_they_travel() -> None:
    assert target("https://bücher.example:8443/käse?q=a b#ü") == (
        "https://xn--bcher-kva.example:8443/k%C3%A4se?q=a%20b#%C3%BC"
    )
    assert target(SHOP) == SHOP
    for evil in ("//evil.example", "https://ä@evil.example/", "javascript:ä", "https://[/"):
        with pytest.raises(NotATarget):
            target(evil)


@given(st.text(max_size=80).map(lambda rest: "https://shop.example/" + rest))
def test_whatever_is_signed_may_be_led_to(url: str) -> None:
    try:
        made = target(url)
    except NotATarget:
        return
    assert is_target(made)
    assert (urlsplit(made).hostname, made.isascii()) == ("shop.example", True)


@pytest.mark.parametrize(
    ("url", "arrives"),
    [
        ("https://x", "https://x?ff_click=T"),
        ("https://x/p?a=1#top", "https://x/p?a=1&ff_click=T#top"),
        ("https://x/p?ff_click=old&a=1", "https://x/p?a=1&ff_click=T"),
    ],
)
def test_a_token_takes_its_place_before_the_fragment(url: str, arrives: str) -> None:
    assert with_token(url, "T") == arrives
    assert token_in(arrives) == "T"


def test_the_command_makes_one_link_a_recipient_within_its_campaign(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FOOTFALL_SECRET_KEY", "s")
    monkeypatch.setattr("sys.stdin", io.StringIO("anna\nben\n"))
    url = "https://shop.example/p/bear?utm_source=letter#top"
    campaign = ["--campaign", "spring 1", "--collector", "https://events.shop.example"]
    with pytest.raises(SystemExit) as ended:
        main(["click-link", url, *campaign, "--user", "-"])

    assert ended.value.code == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [user for user, _ in lines] == ["anna", "ben"]
    tagged = "?utm_source=letter&utm_medium=email&utm_campaign=spring+1#top"
    for user, made in lines:
        said = {name: value[0] for name, value in parse_qs(urlsplit(made).query).items()}
        assert said["u"] == f"https://shop.example/p/bear{tagged}"
        assert is_signed(said["u"], said["ff_click"], said["s"], "s")
        click = click_token.read(said["ff_click"], "s")
        assert click is not None
        assert click.user_id == user


def test_the_command_names_what_it_cannot_lead_to(capsys: pytest.CaptureFixture[str]) -> None:
    for url in ("javascript:alert(1)", "https://[/", "https://a@b/"):
        with pytest.raises(SystemExit) as ended:
            main(["click-link", url, "--campaign", "x"])
        assert ended.value.code == 2
        assert "allowed: http(s)://" in capsys.readouterr().err
