"""Toyhouse where Footfall is away, or is somebody else: the shop goes on."""

from __future__ import annotations

import asyncio
import http.server
import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import uvicorn

from infra.demo.toyhouse.app import create_app
from infra.demo.toyhouse.footfall import Decision, Footfall, Visit
from infra.demo.toyhouse.variants import VARIANTS
from infra.simulate.checkout import Checkout
from schemas.settings import Settings
from schemas.site import Site
from schemas.site_file import load
from tests.ports import free_offset
from tests.processes import await_true

SITE = Path(__file__).parents[2] / "infra" / "demo" / "shop.yaml"


@pytest.fixture(scope="module")
def site() -> Site:
    return load(SITE)


class Chooser:
    """Decides what it was last told to."""

    def __init__(self) -> None:
        self.decision = Decision(variant="classic")
        self.asked: list[Visit] = []

    async def __call__(self, visit: Visit) -> Decision:
        self.asked.append(visit)
        return self.decision


@pytest.fixture
def chooser() -> Chooser:
    return Chooser()


@pytest.fixture
def shop(site: Site, chooser: Chooser, tmp_path: Path) -> Iterator[httpx.Client]:
    """The shop, its homepage chosen by `chooser`, its events going nowhere."""
    yield from _open(site, tmp_path, chooser)


@pytest.fixture
def lonely(site: Site, tmp_path: Path) -> Iterator[httpx.Client]:
    """The shop where nobody listens at Footfall's ports."""
    yield from _open(site, tmp_path, None)


def _open(site: Site, directory: Path, decide: Chooser | None) -> Iterator[httpx.Client]:
    settings = Settings.from_environment({"FOOTFALL_PORT_OFFSET": str(free_offset())})
    app = create_app(settings, site, directory, decide=decide)
    server = uvicorn.Server(
        uvicorn.Config(app, port=settings.ports.shop, log_level="error", log_config=None)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    url = f"http://127.0.0.1:{settings.ports.shop}"
    try:
        await_true(lambda: server.started, 20, "the shop is open")
        with httpx.Client(
            base_url=url, headers={"Origin": url}, follow_redirects=True, trust_env=False
        ) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def test_without_footfall_everybody_gets_the_default(lonely: httpx.Client) -> None:
    began = time.monotonic()
    page = lonely.get("/", headers={"Referer": "https://encyclopedia.example/wiki/Kite"})

    assert time.monotonic() - began < 2
    assert page.status_code == 200
    assert 'data-ff-variant="classic"' in page.text
    assert "data-ff-decision" not in page.text
    assert "degraded" in page.text


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_homepage_shows_toys_and_says_which_it_is(
    shop: httpx.Client, chooser: Chooser, variant: str
) -> None:
    chooser.decision = Decision(variant=variant, decision_id="d-1", reason="so we wanted")
    page = shop.get("/").text

    assert f'data-look="{variant}"' in page
    assert f'data-ff-variant="{variant}"' in page
    assert 'data-ff-decision="d-1"' in page
    assert len(re.findall(r'src="/pictures/T-\d+\.svg"', page)) >= 4


def test_the_homepages_are_those_of_the_site_file(site: Site) -> None:
    chosen = {scenario.variant for scenario in site.homepage.scenarios if scenario.variant}
    arms = {arm for experiment in site.experiments.values() for arm in experiment.arms}

    assert chosen | arms | {site.homepage.default} == set(VARIANTS)


def test_a_homepage_that_is_not_there_is_the_default_and_credits_nothing(
    shop: httpx.Client, chooser: Chooser
) -> None:
    chooser.decision = Decision(variant="snow-globe", decision_id="d-1")
    page = shop.get("/").text

    assert 'data-ff-variant="classic"' in page
    assert "data-ff-decision" not in page


def test_only_a_visitor_who_agreed_gets_the_id(shop: httpx.Client, chooser: Chooser) -> None:
    chooser.decision = Decision(variant="classic", anonymous_id="from-footfall")
    shop.get("/")
    assert "ff_id" not in shop.cookies
    shop.cookies.set("toyhouse_consent", "granted", domain="127.0.0.1")
    shop.get("/")

    assert shop.cookies["ff_id"] == "from-footfall"


def test_footfall_is_told_the_way_the_visitor_came(shop: httpx.Client, chooser: Chooser) -> None:
    shop.get("/?utm_medium=email", headers={"Referer": "https://mail.example/", "Sec-GPC": "1"})
    (visit,) = chooser.asked

    assert visit.url == f"{shop.headers['Origin']}/?utm_medium=email"
    assert visit.referrer == "https://mail.example/"
    assert (visit.ip, visit.gpc, visit.consent) == ("127.0.0.1", True, "denied")


def test_a_letter_leads_to_the_shop_whatever_host_was_asked_for(shop: httpx.Client) -> None:
    """Otherwise anybody could have a link to his own pages signed."""
    for host in ("evil.example", "127.0.0.1@evil.example", "evil.example:8082"):
        letter = shop.get("/mail/1", headers={"Host": host}).text
        targets = re.findall(r"/r[?]u=(.*?)&", letter)
        own = quote(str(shop.headers["Origin"]), safe="")
        assert targets
        assert all(target.startswith(f"{own}%2F") for target in targets), host


def test_search_says_how_much_it_found(shop: httpx.Client) -> None:
    found = shop.get("/search?q=spinning+top").text
    count = re.search(r'data-test="search-count">(\d+)<', found)

    assert count is not None
    assert int(count[1]) >= 1
    assert 'data-event="Products Searched"' in found
    assert f'"search_results": {count[1]}' in found


def test_what_is_searched_for_is_text(shop: httpx.Client) -> None:
    page = shop.get("/search", params={"q": "<script>alert('1')</script>"}).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", ""])
def test_a_form_of_another_site_is_refused(shop: httpx.Client, origin: str) -> None:
    shop.headers["Origin"] = origin
    answer = shop.post("/cart/add", data={"sku": "T-0001"})

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_form_that_is_too_long_is_refused(shop: httpx.Client) -> None:
    answer = shop.post("/login", data={"email": "a" * 20_000})

    assert answer.status_code == 413


def test_an_order_is_seen_by_nobody_else(shop: httpx.Client) -> None:
    shop.post("/cart/add", data={"sku": "T-0001"})
    order = shop.post("/order", data={"name": "Robin"}).url.path
    assert shop.get(order).status_code == 200
    shop.cookies.clear()
    assert shop.get(order).status_code == 404
    shop.post("/cart/add", data={"sku": "T-0001"})  # a session, but another one

    assert shop.get(order).status_code == 404


def test_an_account_has_one_password(shop: httpx.Client) -> None:
    login = {"email": "grace@example.org", "password": "first"}
    shop.post("/login", data=login)
    member = re.search(r"member (m-\d+)", shop.get("/account").text)
    shop.post("/logout")
    wrong = shop.post("/login", data={**login, "password": "other"})
    assert wrong.status_code == 422
    shop.post("/login", data=login)
    again = re.search(r"member (m-\d+)", shop.get("/account").text)

    assert member is not None
    assert again is not None
    assert member[1] == again[1]


def test_a_login_takes_the_cart_along_and_changes_the_session(shop: httpx.Client) -> None:
    shop.post("/cart/add", data={"sku": "T-0001"})
    before = shop.cookies["toyhouse_session"]
    shop.post("/login", data={"as": "ben"})

    assert shop.cookies["toyhouse_session"] != before
    assert "Bruno the Bear" in shop.get("/cart").text


@pytest.mark.parametrize(
    "path", ["//elsewhere.example", "https://elsewhere.example", "/\\e.example"]
)
def test_a_login_leads_nowhere_else(shop: httpx.Client, path: str) -> None:
    answer = shop.post("/login", data={"as": "ben", "next": path}, follow_redirects=False)

    assert answer.headers["location"] == "/account"


def test_a_broken_checkout_is_a_500_until_it_is_mended(shop: httpx.Client) -> None:
    shop.post("/cart/add", data={"sku": "T-0001"})
    shop.post("/admin/break-checkout?on=1")
    assert shop.post("/checkout").status_code == 500
    assert shop.post("/order", data={"name": "Robin"}).status_code == 500
    shop.post("/admin/break-checkout?on=0")

    assert shop.post("/order", data={"name": "Robin"}).status_code == 200


def test_simulated_shoppers_find_a_broken_checkout_broken(shop: httpx.Client) -> None:
    async def works(url: str) -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            return await Checkout(client, url).works()

    url = str(shop.base_url)
    assert asyncio.run(works(url))
    shop.post("/admin/break-checkout?on=1")
    assert not asyncio.run(works(url))
    assert asyncio.run(works(""))


def test_nobody_from_outside_breaks_the_checkout(shop: httpx.Client) -> None:
    forwarded = shop.post("/admin/break-checkout?on=1", headers={"X-Forwarded-For": "192.0.2.1"})
    foreign = shop.post("/admin/break-checkout?on=1", headers={"Origin": "https://e.example"})

    assert (forwarded.status_code, foreign.status_code) == (403, 403)


def test_a_page_that_is_not_there_is_a_404_of_the_shop(shop: httpx.Client) -> None:
    answer = shop.get("/p/never-made")

    assert answer.status_code == 404
    assert 'data-test="error"' in answer.text


def test_pages_load_nothing_from_elsewhere(shop: httpx.Client) -> None:
    policy = shop.get("/").headers["content-security-policy"]
    sources = set(re.findall(r"https?://[^ ;]+", policy))

    assert {source.rpartition(":")[0] for source in sources} == {"http://127.0.0.1"}
    assert "unsafe" not in policy


class _Collector(http.server.BaseHTTPRequestHandler):
    """Takes nothing at first, then everything."""

    refusals = 2
    taken: list[dict[str, Any]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = 200
        if _Collector.refusals:
            _Collector.refusals -= 1
            status = 503
        else:
            _Collector.taken += body["batch"]
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def test_events_wait_for_a_collector_that_is_away() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"

        async def shop() -> None:
            async with Footfall(url, url, "sk", default_variant="classic") as footfall:
                visit = Visit(url="http://shop.example/cart?utm_source=x", anonymous_id="a-1")
                for number in range(3):
                    footfall.track(visit, "Product Added", {"quantity": number})

        asyncio.run(shop())
        server.shutdown()
        thread.join()

    sent = _Collector.taken
    assert [message["properties"]["quantity"] for message in sent] == [0, 1, 2]
    assert len({message["messageId"] for message in sent}) == 3
    assert {message["context"]["consent"] for message in sent} == {"denied"}
    assert not any("anonymousId" in message for message in sent)  # there was no consent
    assert {message["context"]["page"]["url"] for message in sent} == {"http://shop.example/cart"}
