"""The newsletter: signing up, and the mails as they arrive."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from infra.demo.catalogue import Catalogue
from infra.demo.product import Product
from infra.demo.toyhouse.door import render
from infra.demo.toyhouse.footfall import Consent
from infra.demo.toyhouse.forms import read_form
from infra.demo.toyhouse.members import MAX_EMAIL, NotAnAddress, address
from infra.demo.toyhouse.shopper import Shopper
from schemas import click_link, click_token

_CLICKS_COUNT_MS = 90 * 86_400_000  # in what was mailed by then


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One newsletter. `search`: what it is about; '' : the offers."""

    campaign: str
    subject: str
    greeting: str
    search: str = ""

    def products(self, catalogue: Catalogue) -> list[Product]:
        found = catalogue.search(self.search) if self.search else catalogue.offers(6)
        return found[:6]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """An issue as one reader gets it."""

    issue: Issue
    shop: str  # address, without a path
    collector: str  # the same
    browser_key: str
    secret: str
    consent: Consent  # of the reader, as known when it was sent
    token: str = ""  # says that it was this member's letter

    def link(self, path: str) -> str:
        """Where a link leads, tagged with the campaign: by way of the collector, which counts."""
        to = f"{self.shop}{path}?{urlencode(self._campaign)}"
        return click_link.link(self.collector, to, self.secret, self.token)

    @property
    def pixel(self) -> str:
        """The image by which the reader's mail program tells that the letter was opened."""
        said = {"key": self.browser_key, "consent": self.consent, **self._campaign}
        if self.token:
            said[click_token.PARAMETER] = self.token
        return f"{self.collector}/pixel.gif?{urlencode(said)}"

    @property
    def _campaign(self) -> dict[str, str]:
        return {
            "utm_source": "newsletter",
            "utm_medium": "email",
            "utm_campaign": self.issue.campaign,
        }


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
    """A mail is no page of the shop: no script is in it, and its links carry no referrer."""
    number = shopper.request.path_params["number"]
    if not 1 <= number <= len(ISSUES):
        raise HTTPException(404)
    issue = ISSUES[number - 1]
    response = render(
        shopper,
        "mail.html",
        issue=issue,
        letter=Letter(
            issue=issue,
            shop=_shop_address(shopper),
            collector=shopper.collector,
            browser_key=shopper.shop.browser_key,
            secret=shopper.shop.mail_secret,
            consent=shopper.consent,
            token=_token(shopper),
        ),
        products=issue.products(shopper.shop.catalogue),
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _shop_address(shopper: Shopper) -> str:
    """As the reader knows it, if it is ours: what stands in `Host` is not signed unseen."""
    url = shopper.request.url
    address = f"{url.scheme}://{url.netloc}"
    ours = shopper.shop.site.allows_origin(address)
    return address if ours else f"http://127.0.0.1:{shopper.shop.ports.shop}"


def _token(shopper: Shopper) -> str:
    """Members get letters of their own; who only signed up has no account to lead to."""
    if shopper.member is None:
        return ""
    expires_ms = int(time.time() * 1000) + _CLICKS_COUNT_MS
    return click_token.sign(shopper.member.id, expires_ms, shopper.shop.mail_secret)
