"""One decision from the site's mode, the visitor's choice and the browser's signals."""

from __future__ import annotations

import pytest

from ingest.collector import consent
from schemas.event import Consent
from schemas.site import ConsentRules

OPT_IN = ConsentRules(mode="opt-in", honour=("gpc",))
OPT_OUT = ConsentRules(mode="opt-out", honour=("gpc", "dnt"))
NONE = ConsentRules(mode="none", honour=("gpc",))


@pytest.mark.parametrize(
    ("rules", "said", "decided"),
    [
        (OPT_IN, None, "unknown"),
        (OPT_IN, True, "granted"),
        (OPT_IN, False, "denied"),
        (OPT_OUT, None, "granted"),
        (OPT_OUT, True, "granted"),
        (OPT_OUT, False, "denied"),
        (NONE, False, "granted"),
    ],
)
def test_the_choice_counts_as_the_mode_says(
    rules: ConsentRules, said: bool | None, decided: Consent
) -> None:
    assert consent.decide(rules, said) == decided


def test_a_signal_the_site_honours_outweighs_an_earlier_grant() -> None:
    assert consent.decide(OPT_IN, True, gpc=True) == "denied"
    assert consent.decide(OPT_OUT, True, dnt=True) == "denied"


def test_a_signal_the_site_does_not_honour_changes_nothing() -> None:
    assert consent.decide(OPT_IN, True, dnt=True) == "granted"


def test_a_server_key_vouches_unless_its_event_says_otherwise() -> None:
    assert consent.decide(OPT_IN, None, server=True) == "granted"
    assert consent.decide(OPT_IN, False, server=True) == "denied"
    assert consent.decide(OPT_IN, None, server=True, gpc=True) == "denied"
    assert consent.decide(OPT_IN, "unknown", server=True) == "unknown"
    assert consent.decide(OPT_OUT, "unknown", server=True) == "granted"


@pytest.mark.parametrize(
    ("preferences", "said"),
    [
        ({}, None),
        ({"Analytics": True, "Advertising": False}, True),
        ({"statistics": False, "Advertising": True}, False),
        ({"C0001": True, "C0002": True}, True),
        ({"C0001": True, "C0002": False}, False),
        ({"C0001": None}, False),
    ],
)
def test_segment_categories_speak_for_analytics(
    preferences: dict[str, bool | None], said: bool | None
) -> None:
    assert consent.of_categories(preferences) is said
