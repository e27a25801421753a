"""Pseudonyms: the same visitor within a day and site, nobody's for anybody else."""

from __future__ import annotations

import pytest

from ingest.collector.pseudonym import DAY_MS, Salts, pseudonym
from ingest.collector.subject import Namer
from schemas.ids import is_pseudonym

NOW = 20_000 * DAY_MS
SALT = b"0123456789abcdef"
NO_REDIS = "redis://127.0.0.1:1/0"


def test_it_is_recognized_as_one() -> None:
    assert is_pseudonym(pseudonym(SALT, "shop", "198.51.100.7", "Firefox"))


@pytest.mark.parametrize(
    "other",
    [
        pseudonym(b"another salt", "shop", "198.51.100.7", "Firefox"),
        pseudonym(SALT, "other", "198.51.100.7", "Firefox"),
        pseudonym(SALT, "shop", "198.51.100.8", "Firefox"),
        pseudonym(SALT, "shop", "198.51.100.7", "Safari"),
        pseudonym(SALT, "shop", "198.51.100.7F", "irefox"),
    ],
)
def test_salt_site_address_and_user_agent_all_count(other: str) -> None:
    assert other != pseudonym(SALT, "shop", "198.51.100.7", "Firefox")


def test_without_redis_a_day_has_one_salt_and_the_next_another() -> None:
    salts = Salts(NO_REDIS)
    assert salts.of(NOW) == salts.of(NOW + DAY_MS - 1)
    assert salts.of(NOW) != salts.of(NOW + DAY_MS)


def test_without_consent_only_the_network_is_written() -> None:
    subject = Namer("shop", Salts(NO_REDIS)).pseudonymous(
        "denied", ip="198.51.100.77", user_agent="Firefox", time_ms=NOW
    )
    assert subject.ip == "198.51.100.0"
    assert not subject.recognized


def test_backends_that_name_no_visitor_are_not_all_one_device() -> None:
    namer = Namer("shop", Salts(NO_REDIS))
    first, again, other = (
        namer.pseudonymous("denied", ip="", user_agent="", time_ms=NOW, else_from=device)
        for device in ("a", "a", "b")
    )
    assert first == again != other
