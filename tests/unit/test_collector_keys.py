"""Write keys: where they may stand, and from which pages a browser key is taken."""

from __future__ import annotations

import base64

import pytest

from ingest.collector.errors import OriginNotAllowed, UnknownWriteKey
from ingest.collector.keys import WriteKeys
from schemas.site import Site, WriteKey

KEYS = WriteKeys(
    Site(
        name="t",
        origins=("https://toyhouse.example", "http://127.0.0.1:*"),
        write_keys=(
            WriteKey(key="sk_demo", kind="server"),
            WriteKey(key="pk_demo", kind="browser"),
        ),
    )
)
LISTED = b"https://toyhouse.example"


def _basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("authorization", "in_body", "query"),
    [
        (_basic("sk_demo:"), "", b""),
        (_basic("sk_demo"), "", b""),
        (b"Bearer sk_demo", "", b""),
        (b"bearer  sk_demo", "", b""),
        (b"", "sk_demo", b""),
        (b"", "", b"a=b&writeKey=sk_demo"),
        (b"Basic !!!", "sk_demo", b""),
        (b"Digest x", "sk_demo", b""),
    ],
)
def test_a_key_is_found_in_header_body_or_query(
    authorization: bytes, in_body: str, query: bytes
) -> None:
    assert KEYS.admit(authorization, in_body, query, b"").kind == "server"


@pytest.mark.parametrize(
    "authorization", [b"", _basic("nobody:"), b"Bearer nobody", b"Bearer", b"Basic \xff"]
)
def test_an_unknown_key_is_refused(authorization: bytes) -> None:
    with pytest.raises(UnknownWriteKey):
        KEYS.admit(authorization, "", b"", LISTED)


@pytest.mark.parametrize("origin", [LISTED, b"http://127.0.0.1:8082"])
def test_a_browser_key_is_taken_from_a_listed_page(origin: bytes) -> None:
    assert KEYS.admit(b"", "pk_demo", b"", origin).kind == "browser"


@pytest.mark.parametrize(
    "origin",
    [b"", b"null", b"https://evil.example", b"https://toyhouse.example.evil.example", b"x" * 9999],
)
def test_a_browser_key_is_refused_from_anywhere_else(origin: bytes) -> None:
    with pytest.raises(OriginNotAllowed):
        KEYS.admit(b"", "pk_demo", b"", origin)
