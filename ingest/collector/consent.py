"""Whether a visitor may be recognized: one decision from all that was said about consent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from schemas.event import Consent
from schemas.site import ConsentRules

Said = bool | Literal["unknown"] | None
"""The visitor's explicit choice; `unknown`: explicitly none yet; None: nothing was said of it."""

ANALYTICS = frozenset({"analytics", "statistics", "performance", "measurement"})


def decide(
    rules: ConsentRules,
    said: Said,
    *,
    gpc: bool = False,
    dnt: bool = False,
    server: bool = False,
) -> Consent:
    """`granted`: recognize. `denied`: refused, or a signal the site honours. `unknown`: not asked.

    A signal outweighs an earlier grant. A server key vouches for consent unless its event says
    otherwise, be it that nobody was asked yet.
    """
    if rules.mode == "none":
        return "granted"
    if said is False:
        return "denied"
    if (gpc and "gpc" in rules.honour) or (dnt and "dnt" in rules.honour):
        return "denied"
    if said is True or (server and said is None) or rules.mode == "opt-out":
        return "granted"
    return "unknown"


def of_categories(preferences: Mapping[str, bool | None]) -> bool | None:
    """Segment's `categoryPreferences`: the analytics category if there is one, else all of them."""
    if not preferences:
        return None
    named = [bool(on) for category, on in preferences.items() if category.lower() in ANALYTICS]
    return all(named or map(bool, preferences.values()))


def of_word(word: str) -> Said:
    """`granted`, `denied` or `unknown` as text; anything else says nothing."""
    words: dict[str, Said] = {"granted": True, "denied": False, "unknown": "unknown"}
    return words.get(word.lower())
