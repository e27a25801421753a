"""Whose address counts, and how it is truncated."""

from __future__ import annotations

import pytest

from ingest.collector import addresses


def test_a_public_peer_cannot_speak_for_others() -> None:
    assert addresses.client("198.51.100.7", b"1.2.3.4") == "198.51.100.7"


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (b"", "127.0.0.1"),
        (b"198.51.100.7", "198.51.100.7"),
        (b"1.2.3.4, 198.51.100.7", "198.51.100.7"),
        (b"1.2.3.4, 198.51.100.7, 10.0.0.3", "198.51.100.7"),
        (b"198.51.100.7:4711", "198.51.100.7"),
        (b"[2001:db8::1]:443", "2001:db8::1"),
        (b"nonsense, 198.51.100.7", "198.51.100.7"),
        (b"198.51.100.7, nonsense", "127.0.0.1"),
        (b"10.0.0.9", "10.0.0.9"),
        (b"x" * 100_000, "127.0.0.1"),
        (b"1.1.1.1," * 10_000 + b"198.51.100.7", "198.51.100.7"),
    ],
)
def test_behind_a_proxy_the_right_most_foreign_hop_is_the_visitor(
    forwarded: bytes, client: str
) -> None:
    assert addresses.client("127.0.0.1", forwarded) == client


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.77", "198.51.100.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("::ffff:198.51.100.77", "198.51.100.0"),
        ("", ""),
        ("unix:", ""),
    ],
)
def test_without_consent_only_the_network_is_kept(address: str, network: str) -> None:
    assert addresses.truncated(address) == network


def test_what_is_no_address_is_none() -> None:
    assert addresses.readable("0.0.0.256") == ""
    assert addresses.readable("1" * 10_000) == ""
