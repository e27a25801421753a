"""Which form states in Redis are written in.

Whoever changes what is stored of a device, a person or a pseudonym, or what packed evidence says,
raises STATES_FORM: what another form wrote is never read for this one's. It is folded again from
what the topics hold, which `footfall migrate` begins by itself.
"""

from __future__ import annotations

STATES_FORM = 2

STATES_FORM_KEY = "ff:form"
"""STATES_FORM of what Redis holds. Forms were not told before the second."""


def wrong_form(told: bytes | None) -> str:
    """What is wrong with what stands under STATES_FORM_KEY, and the mend; '' for nothing."""
    form = told.decode() if told is not None else "1"
    if form == str(STATES_FORM):
        return ""
    return (
        f"live state is of form {form}, this version of Footfall writes form {STATES_FORM}; "
        "run: footfall migrate"
    )
