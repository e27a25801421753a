"""Funnels that every site has, counted live beside its own: what a visit, and a homepage, is worth.

They are compiled from the site file and stand in it only where a site redefines one by its name.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import get_args

from schemas.event import Medium
from schemas.funnel import ANY, Funnel, Step

VISITS, HOMEPAGES = "visits", "homepages"

_ORDER = Step(name="order", event="Order Completed")
_FROM_OUTSIDE = tuple(medium for medium in get_args(Medium) if medium != "internal")


def standard_funnels(own: Container[str], variants: Sequence[str]) -> dict[str, Funnel]:
    """By name, without those of a name in `own`.

    visits     a page that the visitor came to from outside (or from nowhere) -> an order
    homepages  a page that says which homepage it shows, whichever -> an order; none where there
               are no `variants`. So a new scenario or arm is one more value of the breakdown, and
               no other definition.
    """
    arrival = Step(name="arrival", page="*", where={"referrer_medium": _FROM_OUTSIDE})
    shown = Step(name="shown", page="*", where={"variant": (ANY,)})
    standard = [
        Funnel(
            name=VISITS,
            per="session",
            by=("referrer_source", "referrer_medium", "device_class"),
            steps=(arrival, _ORDER),
        )
    ]
    if variants:
        standard.append(
            Funnel(name=HOMEPAGES, per="session", by=("variant",), steps=(shown, _ORDER))
        )
    return {funnel.name: funnel for funnel in standard if funnel.name not in own}
