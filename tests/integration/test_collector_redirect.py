"""Who clicks a link of ours arrives, and is counted; nobody is led where a stranger wants."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import pytest

from schemas.click_link import link, signature
from schemas.click_token import sign
from schemas.settings import Settings
from schemas.site import ConsentRules
from tests.collector_service import SITE, Answer, Collector, _running, collecting, collector
from tests.servers import own_settings

__all__ = ["_running", "collector"]

SECRET = own_settings().secret_key
BEAR = "https://toyhouse.example/p/bear?utm_source=newsletter&utm_medium=email#reviews"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0"


def follow(
    collector: Collector, url: str, headers: Mapping[str, str] = {}, method: str = "GET"
) -> Answer:
    parts = urlsplit(url)
    return collector.ask(
        method, f"{parts.path}?{parts.query}", None, {"User-Agent": CHROME, **headers}
    )


def whose(user: str) -> str:
    return sign(user, int(time.time() * 1000) + 86_400_000, SECRET)


def test_a_click_in_a_letter_leads_on_with_the_token_and_is_counted(collector: Collector) -> None:
    device, token = str(uuid.uuid4()), whose("anna")
    answer = follow(collector, link("", BEAR, SECRET, token), {"Cookie": f"ff_id={device}"})

    assert answer.status == 302
    assert answer.headers["location"] == BEAR.replace("#", f"&ff_click={token}#")
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    (event,) = collector.events()
    assert (event.name, event.protocol) == ("Email Link Clicked", "pixel")
    assert (event.device_id, event.consent) == (device, "granted")
    assert event.url == answer.headers["location"]
    assert (event.user_id, msgspec.json.decode(event.properties)) == ("", {"link_url": BEAR})


def test_who_has_no_cookie_is_a_pseudonym_that_his_page_will_have_too(collector: Collector) -> None:
    follow(collector, link("", BEAR, SECRET, whose("anna")), {"X-Forwarded-For": "203.0.113.9"})
    (event,) = collector.events()

    assert event.device_id.startswith("p_")
    assert (event.ip, event.url) == ("203.0.113.0", BEAR)
    page = {"key": "pk_demo", "events": [{"type": "page", "url": BEAR}]}
    origin = {"Origin": "https://toyhouse.example", "User-Agent": CHROME}
    collector.post("/b", page, {**origin, "X-Forwarded-For": "203.0.113.9"})
    (view,) = collector.events()
    assert view.device_id == event.device_id


def test_nobody_elses_page_is_told_whose_letter_it_was(collector: Collector) -> None:
    elsewhere = "https://partner.example/offer?a=1"
    answer = follow(collector, link("", elsewhere, SECRET, whose("anna")))

    assert answer.headers["location"] == elsewhere
    (event,) = collector.events()
    assert event.url == ""
    assert msgspec.json.decode(event.properties) == {"link_url": elsewhere}


def test_an_advertisement_is_clicked_and_its_page_may_be_told(collector: Collector) -> None:
    banner = {"Referer": "https://news.example/today"}
    answer = follow(collector, link("", "https://toyhouse.example/?utm_source=ad", SECRET), banner)

    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    (event,) = collector.events()
    assert (event.name, event.referrer) == ("Link Clicked", "https://news.example/today")


def _altered() -> dict[str, dict[str, str]]:
    token = whose("anna")
    good = {"u": BEAR, "s": signature(BEAR, token, SECRET), "ff_click": token}
    return {
        "no signature": {"u": BEAR},
        "of another secret": {**good, "s": signature(BEAR, token, "another")},
        "another target": {**good, "u": BEAR.replace("toyhouse", "evil")},
        "another's token": {**good, "ff_click": whose("ben")},
        "without its token": {"u": good["u"], "s": good["s"]},
        "encoded once more": {**good, "u": quote(BEAR, safe="")},
        "a header in the token": {
            "u": BEAR,
            "s": signature(BEAR, "a\r\nb: c", SECRET),
            "ff_click": "a\r\nb: c",
        },
        "a path": {**good, "u": "//evil.example"},
        "a script": {**good, "u": "javascript:alert(1)"},
        "a header": {**good, "u": BEAR + "\r\nLocation: https://evil.example"},
        **{
            f"signed: {evil!r}": {"u": evil, "s": signature(evil, "", SECRET)}
            for evil in (
                *("https://[::::]/", "https://toyhouse.example:99999/"),
                *("//evil.example", "javascript:alert(1)", "https://toyhouse.example@evil.example"),
                *("https://x/\r\nSet-Cookie: a=1", "https:\\\\evil.example", "https://ä.example/"),
            )
        },
    }


@pytest.mark.parametrize("altered", _altered())
def test_a_link_that_we_did_not_make_leads_nowhere(collector: Collector, altered: str) -> None:
    path = f"/r?{urlencode(_altered()[altered])}"
    answer = collector.ask("GET", path)
    assert (answer.status, answer.json["code"]) == (403, "link_not_signed")
    page = collector.ask("GET", path, None, {"Accept": "text/html,*/*"})
    assert (page.status, b"damaged" in page.body) == (403, True)
    for refused in (answer, page):
        assert "location" not in refused.headers
    assert collector.events() == []


def test_of_a_target_that_stands_twice_the_signed_one_is_gone_to(collector: Collector) -> None:
    twice = link("", BEAR, SECRET) + "&u=https%3A%2F%2Fevil.example"
    assert follow(collector, twice).headers["location"] == BEAR
    evil_first = "/r?u=https%3A%2F%2Fevil.example&" + link("", BEAR, SECRET).partition("?")[2]
    assert collector.ask("GET", evil_first).status == 403


def test_what_a_mail_program_adds_to_a_link_does_no_harm(collector: Collector) -> None:
    answer = follow(collector, link("", BEAR, SECRET) + "&fbclid=abc&mc_eid=1")
    assert (answer.status, answer.headers["location"]) == (302, BEAR)


def test_looking_ahead_is_no_click_nor_is_an_image_of_that_address(collector: Collector) -> None:
    made = link("", BEAR, SECRET)
    assert follow(collector, made, {"Sec-Purpose": "prefetch;prerender"}).status == 302
    in_a_page = follow(collector, made, {"Sec-Fetch-Dest": "image", "Cookie": "ff_id=device-9"})
    assert in_a_page.status == 302
    assert follow(collector, made, method="HEAD").headers["location"] == BEAR
    assert collector.events() == []
    assert follow(collector, made, method="POST").status == 405
    assert collector.ask("GET", "/r").status == 400


def test_where_everybody_is_recognized_the_click_makes_the_device(
    addresses: Settings, redis_url: str
) -> None:
    site = msgspec.structs.replace(SITE, consent=ConsentRules(mode="opt-out"))
    with collecting(addresses, site) as other:
        answer = follow(other, link("", BEAR, SECRET))
        (event,) = other.events()
        assert answer.headers["set-cookie"].startswith(f"ff_id={event.device_id}; Max-Age=")
        refusing = follow(other, link("", BEAR, SECRET), {"Sec-GPC": "1"})
        assert "set-cookie" not in refusing.headers
