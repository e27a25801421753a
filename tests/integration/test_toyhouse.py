"""Toyhouse beside a whole stack: the homepage is Footfall's choice, and what happens is counted."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from tests.processes import await_true
from tests.stack import CHROME, Stack, stack

ENCYCLOPEDIA = "https://encyclopedia.example/wiki/Teddy_bear"


@pytest.fixture(scope="module")
def footfall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("toyhouse")
    secret = "of the stack and of the shop's letters"
    with stack(directory / "state", directory / "log", FOOTFALL_SECRET_KEY=secret) as running:
        yield running


@pytest.fixture(scope="module")
def shop_url(footfall: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("shop")
    offset = int(footfall.environment["FOOTFALL_PORT_OFFSET"])
    url = f"http://127.0.0.1:{8082 + offset}"
    command = [sys.executable, "-m", "infra.demo.toyhouse", "--state-dir", str(directory)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env=footfall.environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        await_true(lambda: _answers(url) or process.poll() is not None, 30, "the shop is open")
        _warm(url)
        yield url
        process.terminate()
        assert process.wait(10) == 0, (directory / "log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class Browser(httpx.Client):
    """A visitor: keeps cookies, follows redirects, and says where a form was sent from."""

    def __init__(self, url: str, name: str, *, agreed: bool = False) -> None:
        self.name = f"{CHROME} {name}"  # a user agent of its own: another pseudonym
        super().__init__(
            base_url=url,
            follow_redirects=True,
            headers={"User-Agent": self.name},
            trust_env=False,
        )
        if agreed:
            self.cookies.set("toyhouse_consent", "granted", domain="127.0.0.1")

    def send_form(self, path: str, page: str = "/", **fields: str) -> httpx.Response:
        origin = str(self.base_url).rstrip("/")
        headers = {"Origin": origin, "Referer": origin + page}
        headers["Content-Type"] = "application/x-www-form-urlencoded"  # of an empty form, too
        return self.post(path, data=fields, headers=headers)

    def homepage(self, path: str = "/", referrer: str = "") -> str:
        """The homepage's text, chosen by Footfall: on a busy machine it is asked again."""
        headers = {"Referer": referrer} if referrer else {}
        page = self.get(path, headers=headers).text
        for _ in range(20):
            if "Footfall did not answer" not in page:
                break
            page = self.get(path, headers=headers).text
        return page


@pytest.mark.parametrize(
    ("path", "referrer", "variant", "scenario"),
    [
        ("/", "", "classic", "default"),
        ("/", ENCYCLOPEDIA, "bestsellers", "encyclopedia"),
        ("/?utm_source=newsletter&utm_medium=email", "", "offers", "newsletter"),
        ("/?gclid=abc", "https://www.google.com/", "offers", "advertisement"),
        ("/", "https://chatgpt.com/", "gift-finder", "presents"),
    ],
)
def test_the_homepage_fits_where_the_visitor_comes_from(
    shop_url: str, path: str, referrer: str, variant: str, scenario: str
) -> None:
    with Browser(shop_url, "newcomer") as browser:
        page = browser.homepage(path, referrer)

    assert _shown(page) == variant
    assert _badge(page, "scenario") == scenario
    assert 'data-ff-decision="' in page


def test_the_badge_says_why(shop_url: str) -> None:
    with Browser(shop_url, "reader") as browser:
        page = browser.homepage("/", ENCYCLOPEDIA)

    assert _badge(page, "reason") == "referrer_source is Encyclopedia"


def test_a_visitor_who_agrees_keeps_the_id_that_footfall_gave(
    footfall: Stack, shop_url: str
) -> None:
    with Browser(shop_url, "agreeing", agreed=True) as browser:
        browser.homepage()
        given = browser.cookies["ff_id"]
        browser.homepage()

        assert browser.cookies["ff_id"] == given
    assert footfall.homepage(anonymous_id=given, consent="granted")["visitor"]["class"] != "unknown"


def test_from_cart_to_order_is_one_visit_of_one_person(footfall: Stack, shop_url: str) -> None:
    with Browser(shop_url, "buyer", agreed=True) as browser:
        browser.homepage("/", ENCYCLOPEDIA)
        device = browser.cookies["ff_id"]
        browser.send_form("/cart/add", "/p/bruno-the-bear", sku="T-0001", quantity="2")
        browser.send_form("/cart/change", "/cart", sku="T-0001", quantity="1")
        browser.send_form("/checkout", "/cart")
        thanks = browser.send_form("/order", "/checkout", name="Robin")
    order = _tested(thanks.text, "order-id")
    footfall.drain()

    rows = footfall.sql(
        "SELECT name, path, order_id, toFloat64(ifNull(revenue, 0)), currency "
        f"FROM events WHERE device_id = '{device}' ORDER BY event_time"
    )
    assert rows == [
        ["Product Added", "/p/bruno-the-bear", "", "0", "EUR"],
        ["Product Removed", "/cart", "", "0", "EUR"],
        ["Checkout Started", "/cart", "", "0", "EUR"],
        ["Order Completed", "/checkout", order, "34.9", "EUR"],
    ]
    persons = "SELECT uniqExact(person_id), uniqExact(session_id) FROM events"
    assert footfall.sql(f"{persons} WHERE device_id = '{device}'") == [["1", "1"]]


def test_a_form_sent_twice_is_one_order(footfall: Stack, shop_url: str) -> None:
    with Browser(shop_url, "impatient", agreed=True) as browser:
        browser.send_form("/cart/add", sku="T-0002")
        browser.send_form("/order", "/checkout")
        again = browser.send_form("/order", "/checkout")
        device = browser.cookies["ff_id"]
    footfall.drain()

    assert again.url.path == "/cart"
    orders = f"device_id = '{device}' AND name = 'Order Completed'"
    assert footfall.sql(f"SELECT count() FROM events WHERE {orders}") == [["1"]]


def test_a_member_is_greeted_and_a_child_chooses_the_homepage(
    footfall: Stack, shop_url: str
) -> None:
    with Browser(shop_url, "member", agreed=True) as browser:
        account = browser.send_form(
            "/login", "/login", email="Grace@Example.org", password="1234", next="/account"
        )
        footfall.drain()
        greeted = browser.homepage()
        browser.send_form("/account/child", "/account", name="Ida", age="4", interests="games")
        footfall.drain()
        for_ida = browser.homepage()
        device = browser.cookies["ff_id"]
        browser.send_form("/logout", "/account")
        footfall.drain()
        after = browser.homepage()

    assert account.url.path == "/account"
    assert _shown(greeted) == "welcome-back"
    assert "Good to see you again, Grace." in greeted
    assert _shown(for_ida) == "my-kids"
    assert "Ida, 4" in for_ida
    assert "Grace" not in after
    described = f"device_id = '{device}' AND profile_id != '' AND type = 'identify'"
    rows = footfall.sql(
        "SELECT user_id, profile_id, toString(properties.age), positionCaseInsensitive("
        f"toString(properties), 'Ida') FROM events WHERE {described}"
    )
    ((user, profile, age, name_at),) = rows
    assert profile == f"{user}-1"
    assert (age, name_at) == ("4", "0")  # its age is told, its name never


def test_a_letter_says_that_it_was_opened_and_whose_it_is_where_it_is_read(
    footfall: Stack, shop_url: str
) -> None:
    with Browser(shop_url, "at-the-office", agreed=True) as office:
        office.send_form("/login", "/login", email="Hedy@Example.org", password="1234")
        letter = html.unescape(office.get("/mail/2").text)
    with Browser(shop_url, "no-member", agreed=True) as stranger:
        assert "ff_click" not in stranger.get("/mail/2").text
    links = re.findall(r'href="([^"]+/r[?][^"]+p%2F[^"]+ff_click=[^"]+)"', letter)
    (pixel,) = re.findall(r'src="([^"]+/pixel.gif[^"]+)"', letter)
    with Browser(shop_url, "on-the-sofa", agreed=True) as sofa:
        sofa.homepage()
        device = sofa.cookies["ff_id"]
        assert sofa.get(pixel).headers["content-type"] == "image/gif"
        toy = sofa.get(links[0])
        assert toy.is_success
        assert str(toy.url).startswith(f"{shop_url}/p/")
        _beacon(footfall, sofa, str(toy.url))
    footfall.drain()

    told = f"FROM identities WHERE identifier = '{device}' AND reason = 'mail_click'"
    came = f"FROM events WHERE device_id = '{device}'"
    (hedy,) = footfall.sql(f"SELECT toString(person_id) {told}")
    assert footfall.sql(f"SELECT DISTINCT toString(person_id) {came}") == [hedy]
    assert footfall.sql(f"SELECT count() {came} AND url LIKE '%ff_click%'") == [["0"]]
    opened = "SELECT utm_campaign FROM events WHERE name = 'Email Opened'"
    assert footfall.sql(f"{opened} AND toString(person_id) = '{hedy[0]}'") == [["bears-picnic"]]
    visits = (
        "SELECT utm_medium, entry_path LIKE '/p/%', pages, bounced FROM sessions"
        f" WHERE toString(person_id) = '{hedy[0]}' AND referrer_medium = 'email'"
    )
    assert footfall.sql(visits) == [["email", "1", "1", "true"]]  # reading a letter is no visit


def test_who_only_looks_around_gets_no_cookie(shop_url: str) -> None:
    with Browser(shop_url, "shy") as browser:
        for path in ("/", "/p/bruno-the-bear", "/c/games", "/search?q=bear", "/gifts", "/cart"):
            answer = browser.get(path)
            assert answer.status_code == 200
            assert "set-cookie" not in answer.headers, path
        browser.send_form("/consent", "/", choice="refused")

        assert not browser.cookies


def test_a_refused_visitor_has_one_pseudonym_in_pages_and_orders(
    footfall: Stack, shop_url: str
) -> None:
    with Browser(shop_url, "refusing") as browser:
        browser.send_form("/cart/add", "/p/little-bruno", sku="T-0002")
        cookies = set(browser.cookies)
        browser.send_form("/checkout", "/cart")
        browser.send_form("/order", "/checkout")
        _beacon(footfall, browser, f"{shop_url}/p/little-bruno")
    footfall.drain()

    assert cookies == {"toyhouse_session"}
    of_little_bruno = (
        "SELECT device_id FROM events WHERE path = '/p/little-bruno' AND type = 'page'"
    )
    rows = footfall.sql(
        "SELECT uniqExact(device_id), any(device_id LIKE 'p\\_%'), uniqExact(person_id), "
        "groupUniqArray(user_id), countIf(name = 'Order Completed')"
        f" FROM events WHERE device_id IN ({of_little_bruno})"
    )
    assert rows == [["1", "1", "0", "['']", "1"]]


def test_global_privacy_control_is_a_refusal(shop_url: str) -> None:
    with Browser(shop_url, "gpc", agreed=True) as browser:
        browser.headers["Sec-GPC"] = "1"
        answer = browser.get("/", headers={"Referer": ENCYCLOPEDIA})
        agreed = browser.send_form("/consent", "/", choice="granted")

    assert 'data-consent="denied"' in answer.text
    assert 'data-test="consent"' not in answer.text
    assert "Global Privacy Control" in answer.text
    assert "set-cookie" not in answer.headers
    assert "ff_id" not in agreed.headers.get("set-cookie", "")


def test_consent_that_is_taken_back_takes_its_cookies(shop_url: str) -> None:
    with Browser(shop_url, "wavering", agreed=True) as browser:
        browser.homepage()
        browser.get("/p/bruno-the-bear")
        assert "ff_id" in browser.cookies
        browser.send_form("/consent", "/", choice="refused")

        assert not browser.cookies


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/ready", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _warm(url: str) -> None:
    with Browser(url, "first") as browser:
        browser.homepage()


def _shown(page: str) -> str:
    found = re.search(r'data-ff-variant="([^"]*)"', page)
    return found[1] if found else ""


def _badge(page: str, what: str) -> str:
    return _tested(page, f"badge-{what}")


def _tested(page: str, name: str) -> str:
    found = re.search(rf'data-test="{name}">([^<]*)<', page)
    return html.unescape(found[1]).strip() if found else ""


def _beacon(footfall: Stack, browser: Browser, url: str) -> None:
    """The page view that a browser's tracker sends; these visitors have none."""
    agreed = "ff_id" in browser.cookies
    body = {"key": "pk_demo", "consent": agreed, "events": [{"type": "page", "url": url}]}
    origin = str(browser.base_url).rstrip("/")
    headers = {"Origin": origin, "User-Agent": browser.name}
    if agreed:
        headers["Cookie"] = f"ff_id={browser.cookies['ff_id']}"
    answer = httpx.post(f"{footfall.collector}/b", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 204
