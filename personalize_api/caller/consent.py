"""Whether a visitor may be recognized."""

from __future__ import annotations

from personalize_api.caller.access import Headers
from personalize_api.decision.arrival import Arrival
from schemas.event import Consent
from schemas.site import ConsentRules


def consent_of(arrival: Arrival, headers: Headers, rules: ConsentRules) -> Consent:
    """Refusal, said or sent as a signal that the site honours, wins over everything else."""
    signals = {
        "gpc": arrival.gpc or headers.get(b"sec-gpc") == b"1",
        "dnt": headers.get(b"dnt") == b"1",
    }
    if arrival.consent == "denied" or any(signals[name] for name in rules.honour):
        return "denied"
    if arrival.consent == "granted" or rules.mode != "opt-in":
        return "granted"
    return "unknown"
