"""The token of a mail's links: ours or nothing, and gone from what is stored."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.click_token import Click, read, sign, token_in, without_token

DAY_MS = 86_400_000


@given(st.text(min_size=1, max_size=100), st.integers(0, 2**40))
def test_a_token_says_whose_mail_it_was_and_until_when(user: str, expires: int) -> None:
    assert read(sign(user, expires, "s"), "s") == Click(user, expires // 1000)


def test_a_token_of_another_secret_or_cut_or_forged_says_nothing() -> None:
    token = sign("anna", DAY_MS, "s")
    assert read(token, "other") is None
    assert read(token[:-2], "s") is None
    assert read("A" + token[1:] if token[0] != "A" else "B" + token[1:], "s") is None
    assert read("", "s") is read("%%%", "s") is read("x" * 5000, "s") is None


@pytest.mark.parametrize(
    ("url", "stored"),
    [
        ("https://x/p?ff_click=T0k-_n", "https://x/p"),
        ("https://x/p?ff_click=T0k-_n#top", "https://x/p#top"),
        ("https://x/p?a=1&ff_click=T0k-_n", "https://x/p?a=1"),
        ("https://x/p?ff_click=T0k-_n&a=1", "https://x/p?a=1"),
        ("https://x/p?a=1&ff_click=T0k-_n&b=2#top", "https://x/p?a=1&b=2#top"),
    ],
)
def test_the_token_is_found_in_an_address_and_not_stored(url: str, stored: str) -> None:
    assert token_in(url) == "T0k-_n"
    assert without_token(url) == stored


def test_an_address_without_token_stays_as_it_is() -> None:
    for url in ("", "https://x/ff_click", "https://x/?no_ff_click=1"):
        assert token_in(url) == ""
        assert without_token(url) == url
