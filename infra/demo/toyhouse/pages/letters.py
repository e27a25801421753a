"""The newsletter: signing up, and the mails as they arrive."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from infra.demo.catalogue import Catalogue
from infra.demo.product import Product
from infra.demo.toyhouse.door import render
from infra.demo.toyhouse.forms import read_form
from infra.demo.toyhouse.members import MAX_EMAIL, NotAnAddress, address
from infra.demo.toyhouse.shopper import Shopper


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One newsletter. `search`: what it is about; '' : the offers."""

    campaign: str
    subject: str
    greeting: str
    search: str = ""

    def products(self, catalogue: Catalogue) -> list[Product]:
        found = catalogue.search(self.search) if self.search else catalogue.offers(6)
        return found[:6]

    def link(self, path: str) -> str:
        """Where a link of this mail leads, tagged so that Footfall knows the campaign."""
        tags = {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": self.campaign}
        return f"{path}?{urlencode(tags)}"


ISSUES = (
    Issue(
        campaign="offers-of-the-month",
        subject="This month's six best offers",
        greeting="The shelves are full and the new season is on its way. So these six are leaving "
        "for less than they came for.",
    ),
    Issue(
        campaign="bears-picnic",
        subject="If you go down to the woods today",
        greeting="We have packed a blanket and invited all the bears we know. They are looking for "
        "somebody to go home with.",
        search="teddy",
    ),
    Issue(
        campaign="rainy-sunday",
        subject="Rain on Sunday? Good.",
        greeting="The forecast is terrible and the kitchen table is free. Here is what goes on it.",
        search="puzzle",
    ),
)


async def newsletter(shopper: Shopper) -> Response:
    return render(shopper, "newsletter.html", signed_up=False, said="", issues=ISSUES)


async def sign_up(shopper: Shopper) -> Response:
    form = await read_form(shopper.request)
    try:
        email = address(form.text("email", MAX_EMAIL + 1))
    except NotAnAddress as error:
        return render(
            shopper, "newsletter.html", 422, signed_up=False, said=str(error), issues=ISSUES
        )
    new = shopper.shop.database.change("INSERT OR IGNORE INTO reader VALUES (?)", email)
    if new:
        # Without the address: what an event says is read by everybody who may read events.
        shopper.shop.footfall.track(shopper.deed(), "Newsletter Signed Up")
    return render(shopper, "newsletter.html", signed_up=True, said="", issues=ISSUES)


async def mail(shopper: Shopper) -> Response:
    """A mail is no page of the shop: nothing is tracked in it, and its links carry no referrer."""
    number = shopper.request.path_params["number"]
    if not 1 <= number <= len(ISSUES):
        raise HTTPException(404)
    issue = ISSUES[number - 1]
    products = issue.products(shopper.shop.catalogue)
    response = render(shopper, "mail.html", issue=issue, number=number, products=products)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
