"""The image is always there; what it tells is an event, of whom consent and token say."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.click_token import sign
from schemas.event import Event
from streams.steps.detect_bot import detect_bot
from tests.collector_service import Answer, Collector, _running, collector
from tests.integration.test_collector_bad_input import FUZZ
from tests.servers import own_settings

__all__ = ["_running", "collector"]

READER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
FROM_PAGE = {"Referer": "https://toyhouse.example/p/2"}
CAMPAIGN = {"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": "spring"}
TOMORROW_MS = int(time.time() * 1000) + 86_400_000


def load(
    collector: Collector, headers: Mapping[str, str] = {}, agent: str = READER, /, **said: str
) -> Answer:
    query = urlencode({"key": "pk_demo", **said})
    return collector.ask("GET", f"/pixel.gif?{query}", None, {"User-Agent": agent, **headers})


def is_the_image(answer: Answer) -> bool:
    kept = "no-store" in answer.headers["cache-control"] and answer.headers["pragma"] == "no-cache"
    return (
        (answer.status, answer.headers["content-type"], len(answer.body)) == (200, "image/gif", 43)
        and answer.body[:6] == b"GIF89a"
        and kept
    )


def token(user: str, expires_ms: int = TOMORROW_MS) -> str:
    return sign(user, expires_ms, own_settings().secret_key)


def properties(event: Event) -> dict[str, object]:
    return msgspec.json.decode(event.properties, type=dict[str, object])


def test_an_opened_letter_is_its_recipients_whoever_reads_it(collector: Collector) -> None:
    said = {"ff_click": token("anna"), "consent": "granted", "email_id": "42"}
    answer = load(collector, {"Cookie": f"ff_id={uuid.uuid4()}"}, **said, **CAMPAIGN)

    assert is_the_image(answer)
    assert "set-cookie" not in answer.headers
    (event,) = collector.events()
    assert (event.protocol, event.type, event.name) == ("pixel", "track", "Email Opened")
    assert (event.device_id, event.user_id, event.consent) == ("user:anna", "anna", "granted")
    assert (event.campaign, properties(event)) == (CAMPAIGN, {"email_id": "42"})
    assert event.user_agent == READER


@pytest.mark.parametrize(
    ("said", "headers"),
    [({}, {}), ({"consent": "denied"}, {}), ({"consent": "granted"}, {"Sec-GPC": "1"})],
    ids=["not asked", "refused", "global privacy control"],
)
def test_without_consent_a_letter_is_opened_by_nobody(
    collector: Collector, said: dict[str, str], headers: dict[str, str]
) -> None:
    who = {"ff_click": token("anna"), "user_id": "anna"}
    forwarded = {**headers, "X-Forwarded-For": "203.0.113.77"}
    assert is_the_image(load(collector, forwarded, **who, **said))

    (event,) = collector.events()
    assert event.device_id.startswith("p_")
    assert (event.user_id, event.ip) == ("", "203.0.113.0")
    assert "anna" not in str(event)


def test_a_token_that_is_none_of_ours_names_nobody_and_that_is_noted(collector: Collector) -> None:
    for bad in ("T0ken", token("anna", 1)):
        load(collector, ff_click=bad, consent="granted", user_id="anna")
        (event,) = collector.events()
        assert event.device_id.startswith("p_")
        assert (event.user_id, event.notes) == ("", ["click_token_not_read"])


def test_a_mail_providers_proxy_is_no_device_and_no_bot(collector: Collector) -> None:
    events = []
    for user in ("anna", "anna", "ben"):
        said = {"ff_click": token(user), "consent": "granted", **CAMPAIGN}
        assert "set-cookie" not in load(collector, {}, GMAIL, **said).headers
        events += collector.events()
    first, again, other = events

    assert first.device_id.startswith("p_")
    assert first.device_id == again.device_id != other.device_id
    assert (first.user_id, first.ip, first.user_agent) == ("", "", "")
    assert properties(first) == {"image_proxy": "Google"}
    assert detect_bot(first.user_agent, first.protocol, first.notes) == ""


def test_a_page_without_script_is_viewed_and_gets_the_cookie_with_consent(
    collector: Collector,
) -> None:
    page = {"type": "page", "url": "https://toyhouse.example/p/1"}
    assert "set-cookie" not in load(collector, FROM_PAGE, **page).headers
    collector.events()
    agreed = load(collector, FROM_PAGE, **page, consent="granted").headers["set-cookie"]
    (first,) = collector.events()
    cookie = {**FROM_PAGE, "Cookie": agreed.partition(";")[0]}
    assert "set-cookie" not in load(collector, cookie, **page, user_id="mallory").headers
    (second,) = collector.events()

    assert agreed.startswith(f"ff_id={first.device_id}; Max-Age=")
    assert (first.type, first.name, first.url) == ("page", "Page Viewed", page["url"])
    assert (second.device_id, second.consent) == (first.device_id, "granted")
    assert second.user_id == "", "an image's address logs nobody in"


def test_a_page_whose_visitor_refuses_takes_the_cookie_away(collector: Collector) -> None:
    sent = {"Cookie": "ff_id=device-9", **FROM_PAGE}
    answer = load(collector, sent, type="page", consent="denied")

    assert "Max-Age=0" in answer.headers["set-cookie"]
    (event,) = collector.events()
    assert event.device_id.startswith("p_")
    assert event.url == FROM_PAGE["Referer"]


def test_an_image_in_somebody_elses_page_or_letter_is_not_of_the_cookies_device(
    collector: Collector,
) -> None:
    for referer in ({}, {"Referer": "https://forum.example/thread"}):
        sent = {"Cookie": "ff_id=device-9", **referer}
        page = load(collector, sent, type="page", consent="granted")
        assert page.headers["footfall-refused"] == "origin_not_allowed"
        letter = load(collector, sent, consent="granted")
        for answer in (page, letter):
            assert is_the_image(answer)
            assert "set-cookie" not in answer.headers
        (event,) = collector.events()
        assert event.device_id.startswith("p_")


def test_the_same_id_is_the_same_event(collector: Collector) -> None:
    said = {"anonymous_id": "device-7", "user_id": "anna", "consent": "granted", "event": "Seen"}
    for _ in range(2):
        load(collector, **said, id="letter 7")
    one, same = collector.events()
    assert (one.event_id, one.device_id, one.name) == (same.event_id, "device-7", "Seen")
    assert one.user_id == "anna"


@pytest.mark.parametrize(
    ("said", "headers", "code"),
    [
        ({"key": "nobody"}, {}, "unknown_write_key"),
        ({"key": "sk_demo"}, {}, "unknown_write_key"),
        ({}, {"Origin": "https://evil.example"}, "origin_not_allowed"),
        ({"x": "y" * 9000}, {}, "too_large"),
        ({f"x{n}": "y" for n in range(120)}, {}, "malformed"),
    ],
    ids=["unknown key", "server key", "foreign page", "long", "many"],
)
def test_what_is_refused_is_an_image_all_the_same_and_counted(
    collector: Collector, said: dict[str, str], headers: dict[str, str], code: str
) -> None:
    before = _count(collector, f'refused_requests_total{{code="{code}"}}')
    answer = load(collector, headers, **said)

    assert is_the_image(answer)
    assert answer.headers["footfall-refused"] == code
    assert _count(collector, f'refused_requests_total{{code="{code}"}}') == before + 1
    assert collector.events() == []


def test_an_event_that_is_refused_is_kept_without_the_token_and_the_key(
    collector: Collector,
) -> None:
    secret = token("anna")
    said = {"ff_click": secret, "url": f"https://x/?ff_click={secret}", "user_id": "anna"}
    answer = load(collector, type="party", id="letter 8", **said)

    assert is_the_image(answer)
    assert answer.headers["footfall-refused"] == "unknown_type"
    (record,) = collector.rejected()
    kept = {"type": "party", "id": "letter 8", "url": "https://x/", "user_id": "anna"}
    assert (record.protocol, msgspec.json.decode(record.original)) == ("pixel", kept)
    assert record.event_id


def test_it_is_asked_for_by_get(collector: Collector) -> None:
    head = collector.ask("HEAD", "/pixel.gif?key=pk_demo")
    assert (head.status, head.headers["content-type"], head.body) == (200, "image/gif", b"")
    assert collector.post("/pixel.gif?key=pk_demo", b"").headers["footfall-refused"]
    assert collector.events() == []


_NAMES = ["key", "type", "event", "id", "ff_click", "consent", "user_id", "anonymous_id", "url"]


@FUZZ
@given(
    st.binary(max_size=200).map(lambda raw: "".join(f"%{byte:02x}" for byte in raw))
    | st.dictionaries(st.sampled_from(_NAMES), st.text(max_size=40)).map(
        lambda said: urlencode({"key": "pk_demo", **said}, errors="replace")
    )
)
def test_no_address_makes_it_fail(collector: Collector, query: str) -> None:
    for path in ("/pixel.gif", "/r"):
        assert collector.ask("GET", f"{path}?{query}").status < 500


def _count(collector: Collector, metric: str) -> float:
    text = collector.ask("GET", "/metrics").body.decode()
    found = [line for line in text.splitlines() if line.startswith(f"footfall_collector_{metric}")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0
