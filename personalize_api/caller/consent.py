"""Whether a visitor may be recognized."""

from __future__ import annotations

from personalize_api.caller.access import Headers
from personalize_api.decision.arrival import Arrival
from schemas.event import Consent
from schemas.site import ConsentRules


def consent_of(arrival: Arrival, headers: Headers, rules: ConsentRules) -> Consent:
    """Refusal, said or sent as a signal that the site honours, wins over everything else."""
    if arrival.consent == "denied":
        return "denied"
    if "gpc" in rules.honour and (arrival.gpc or headers.get(b"sec-gpc") == b"1"):
        return "denied"
    if "dnt" in rules.honour and headers.get(b"dnt") == b"1":
        return "denied"
    if arrival.consent == "granted" or rules.mode != "opt-in":
        return "granted"
    return "unknown"
