"""The homepage: Footfall chooses it, here on the server, before anything is drawn."""

from __future__ import annotations

from dataclasses import replace

from starlette.responses import Response

from infra.demo.toyhouse.door import render
from infra.demo.toyhouse.shopper import Shopper
from infra.demo.toyhouse.variants import FALLBACK, VARIANTS, picked


async def home(shopper: Shopper) -> Response:
    decision = await shopper.shop.decide(shopper.visit())
    shopper.keep_device(decision.anonymous_id)
    if decision.variant not in VARIANTS:
        # What was decided is not what is shown: its id would credit a page nobody saw.
        unknown = f"{decision.reason}; but this shop has no homepage {decision.variant!r}"
        decision = replace(decision, variant=FALLBACK, decision_id="", reason=unknown)
    contents = VARIANTS[decision.variant](shopper)
    picks = picked(shopper.shop.catalogue, decision.picks)
    page = f"variants/{decision.variant}.html"
    return render(shopper, page, decision=decision, picks=picks, **contents)
