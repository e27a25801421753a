"""Above the site's limits: 429 with Retry-After, in every protocol, and nothing is taken."""

from __future__ import annotations

import msgspec

from schemas.click_link import link
from schemas.settings import Settings
from schemas.site import LimitRules
from tests.collector_service import PAGE, SERVER_KEY, SITE, Collector, collecting

TRACK = {"type": "track", "event": "Product Added", "anonymousId": "device-1"}
LIMITED = msgspec.structs.replace(SITE, limits=LimitRules(address=60, keys={"sk_demo": 60}))
HERE, THERE = {"X-Forwarded-For": "203.0.113.1"}, {"X-Forwarded-For": "203.0.113.2"}


def test_who_sends_too_much_is_told_and_nobody_else_is_held_up(
    addresses: Settings, kafka_address: str, redis_url: str
) -> None:
    with collecting(addresses, LIMITED) as collector:
        _a_page_is_limited_by_its_address(collector)
        _an_image_and_a_link_too_but_whoever_clicks_arrives(collector, addresses.secret_key)
        _a_server_is_limited_by_its_key_alone(collector)
        refused = 'refused_requests_total{code="too_many_requests"} 6.0'
        assert refused in collector.ask("GET", "/metrics").body.decode()


def _a_page_is_limited_by_its_address(collector: Collector) -> None:
    batch = {"batch": [TRACK] * 300, "writeKey": "pk_demo"}
    assert collector.post("/v1/batch", batch, {**PAGE, **HERE}).status == 200
    beacon = {"key": "pk_demo", "consent": True, "events": [{"type": "page", "url": "https://x/"}]}
    posthog = {"api_key": "pk_demo", "event": "$pageview", "distinct_id": "d"}
    for path, body in (("/v1/batch", batch), ("/b", beacon), ("/e/", posthog)):
        answer = collector.post(path, body, {**PAGE, **HERE})
        assert (answer.status, answer.json["code"]) == (429, "too_many_requests")
        assert 60 <= int(answer.headers["retry-after"]) <= 241
        assert answer.headers["access-control-allow-origin"] == PAGE["Origin"]
    assert len(collector.events()) == 300
    assert collector.post("/b", beacon, {**PAGE, **THERE}).status == 204
    assert collector.post("/b", beacon, PAGE).status == 204, "our own network has no limit"
    assert len(collector.events()) == 2


def _an_image_and_a_link_too_but_whoever_clicks_arrives(collector: Collector, secret: str) -> None:
    pixel = collector.ask("GET", "/pixel.gif?key=pk_demo", None, HERE)
    assert (pixel.status, pixel.headers["footfall-refused"]) == (200, "too_many_requests")
    shop = "https://toyhouse.example/"
    click = collector.ask("GET", link("", shop, secret), None, HERE)
    assert (click.status, click.headers["location"]) == (302, shop)
    assert collector.events() == []


def _a_server_is_limited_by_its_key_alone(collector: Collector) -> None:
    batch = {"batch": [TRACK] * 300}
    assert collector.post("/v1/batch", batch, {**SERVER_KEY, **HERE}).status == 200
    assert collector.post("/v1/track", TRACK, {**SERVER_KEY, **THERE}).status == 429
    assert len(collector.events()) == 300
