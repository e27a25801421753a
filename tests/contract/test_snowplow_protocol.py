"""Snowplow's tracker protocol v2, event by event."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from ingest.collector.caller import Caller
from ingest.collector.errors import MalformedBody, TooLarge
from ingest.collector.harvest import Harvest
from ingest.collector.keys import origin_of
from ingest.collector.protocols.snowplow import read_get, read_post
from ingest.collector.pseudonym import Salts
from ingest.collector.rules import Rules
from schemas.event import Event, Rejected
from schemas.ids import is_pseudonym
from schemas.reasons import Reason
from schemas.site import ConsentRules, Site, WriteKey

NOW = 1_795_314_668_018
SERVER = WriteKey(key="sk_demo", kind="server")
BROWSER = WriteKey(key="pk_demo", kind="browser", app_ids=("web",))
SCOPE = {"client": ("198.51.100.7", 4711), "scheme": "https", "query_string": b""}
HEADERS = {b"user-agent": b"Firefox", b"accept-language": b"de-DE,en;q=0.5"}
ECOMMERCE = "iglu:com.snowplowanalytics.snowplow.ecommerce/{}/jsonschema/1-0-0"
VISIT = "iglu:org.footfall/visit/jsonschema/1-0-0"
SEEN = {"duid": "dev-1", "url": "https://toyhouse.example/p", "aid": "pk_demo"}


def rules(mode: Any) -> Rules:
    site = Site(name="Toyhouse", consent=ConsentRules(mode=mode), write_keys=(SERVER, BROWSER))
    return Rules(site, Salts("redis://127.0.0.1:1/0"), "secret")


def gather(
    *events: object, key: WriteKey = BROWSER, mode: str = "opt-out", **headers: bytes
) -> Harvest:
    schema = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4"
    body = json.dumps({"schema": schema, "data": events}).encode()
    sent = {
        **HEADERS,
        **{name.replace("_", "-").encode(): value for name, value in headers.items()},
    }
    return read_post(body).gather(Caller(SCOPE, sent, key, NOW), rules(mode))


def accepted(event: dict[str, Any], **more: Any) -> Event:
    harvest = gather({**SEEN, **event}, **more)
    assert harvest.refused == []
    return harvest.accepted[0]


def refused(event: dict[str, Any], **more: Any) -> Rejected:
    harvest = gather(event, **more)
    assert harvest.accepted == []
    return harvest.refused[0]


def told(event: Event) -> Any:
    return msgspec.json.decode(event.properties)


def own(schema: str, data: object) -> dict[str, str]:
    outer = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
    return {
        "e": "ue",
        "ue_pr": json.dumps({"schema": outer, "data": {"schema": schema, "data": data}}),
    }


def beside(*entities: tuple[str, object]) -> dict[str, str]:
    outer = "iglu:com.snowplowanalytics.snowplow/contexts/jsonschema/1-0-0"
    data = [{"schema": schema, "data": entity} for schema, entity in entities]
    return {"co": json.dumps({"schema": outer, "data": data})}


def test_a_page_view() -> None:
    event = accepted(
        {
            **{"e": "pv", "page": "Teddy", "refr": "https://www.google.com/", "uid": "4711"},
            **{"eid": "fc3351bf-d82d-434e-b5c6-9bb4a0493531", "lang": "fr", "p": "web"},
        }
    )
    assert (event.type, event.name, event.protocol) == ("page", "Page Viewed", "snowplow")
    assert event.event_id == "fc3351bf-d82d-434e-b5c6-9bb4a0493531"
    assert (event.device_id, event.user_id, event.server) == ("dev-1", "4711", False)
    assert (event.url, event.title) == ("https://toyhouse.example/p", "Teddy")
    assert (event.referrer, event.language) == ("https://www.google.com/", "fr")
    assert (event.ip, event.user_agent) == ("198.51.100.7", "Firefox")
    assert told(event) == {"platform": "web"}


def test_a_self_describing_event_keeps_its_schema_and_its_entities() -> None:
    schema = "iglu:com.acme/add_to_list/jsonschema/1-0-0"
    entity = ("iglu:com.acme/user/jsonschema/2-0-1", {"a": 1})
    event = accepted({**own(schema, {"sku": "T-1"}), **beside(entity), "aid": "web"})
    assert (event.type, event.name) == ("track", "add_to_list")
    assert told(event) == {
        "sku": "T-1",
        "iglu": schema,
        "app_id": "web",
        "contexts": [{"schema": entity[0], "data": entity[1]}],
    }


def test_base64_says_the_same() -> None:
    plain = {**own("iglu:com.acme/x/jsonschema/1-0-0", {"ä": "ö?>"}), **beside((VISIT, {}))}
    packed = {
        "e": "ue",
        "ue_px": base64.urlsafe_b64encode(plain["ue_pr"].encode()).decode().rstrip("="),
        "cx": base64.b64encode(plain["co"].encode()).decode(),
    }
    assert accepted(packed).properties == accepted(plain).properties


def test_a_name_that_a_schema_cannot_have_is_meant_where_it_is_segments() -> None:
    for name, meant in {
        "order_completed": "Order Completed",
        "logged_out": "Logged Out",
        "order_pizza": "order_pizza",
    }.items():
        assert accepted(own(f"iglu:com.acme/{name}/jsonschema/1-0-0", {})).name == meant


def test_a_structured_event_is_named_by_its_action() -> None:
    event = accepted(
        {"e": "se", "se_ca": "shop", "se_ac": "add", "se_la": "x", "se_pr": "p", "se_va": "2.5"}
    )
    assert (event.type, event.name) == ("track", "add")
    assert told(event) == {
        **{"se_category": "shop", "se_label": "x", "se_property": "p", "se_value": 2.5},
    }
    assert accepted({"e": "se", "se_ac": "Logged Out"}).name == "Logged Out"


def test_a_page_ping_is_engaged_time() -> None:
    ping = {"e": "pp", "pp_mix": "0", "pp_may": "300"}
    event = accepted(ping)
    assert (event.type, event.name, event.engaged_ms) == ("track", "Page Pinged", 10_000)
    assert told(event) == {"pp_xoffset_min": 0, "pp_yoffset_max": 300}
    assert accepted({**ping, **beside((VISIT, {"heartbeat": 5}))}).engaged_ms == 5000


def test_a_screen_view_is_a_screen() -> None:
    schema = "iglu:com.snowplowanalytics.mobile/screen_view/jsonschema/1-0-0"
    event = accepted(own(schema, {"id": "1", "name": "Cart"}))
    assert (event.type, event.name) == ("screen", "Cart")


def test_an_e_commerce_action_has_segments_name_and_its_entities_as_properties() -> None:
    def shop(action: str, *entities: tuple[str, dict[str, Any]]) -> Event:
        schema = ECOMMERCE.format("snowplow_ecommerce_action")
        around = [(ECOMMERCE.format(name), data) for name, data in entities]
        return accepted({**own(schema, {"type": action}), **beside(*around)})

    teddy = {"id": "T-1", "name": "Teddy", "price": 20, "quantity": 2, "currency": "EUR"}
    kite = {"id": "K-1", "price": 9.5}
    added = shop("add_to_cart", ("product", teddy), ("cart", {"total_value": 40}))
    assert (added.name, told(added)["product_id"], told(added)["cart_value"]) == (
        *("Product Added", "T-1", 40),
    )
    order = {"transaction_id": "o-1", "revenue": 49.5, "currency": "EUR"}
    bought = shop("transaction", ("transaction", order), ("product", teddy), ("product", kite))
    assert bought.name == "Order Completed"
    assert told(bought) == {
        **{"order_id": "o-1", "revenue": 49.5, "currency": "EUR"},
        "products": [
            {"product_id": "T-1", **{k: v for k, v in teddy.items() if k != "id"}},
            {"product_id": "K-1", "price": 9.5},
        ],
    }
    back = shop("refund", ("refund", {"transaction_id": "o-1", "refund_amount": 20}))
    assert (back.name, told(back)) == ("Order Refunded", {"order_id": "o-1", "revenue": 20})
    names = [shop("checkout_step", ("checkout_step", {"step": step})).name for step in (1, 2)]
    assert names == ["Checkout Started", "Checkout Step Completed"]


def test_an_older_order_is_an_order() -> None:
    event = accepted({"e": "tr", "tr_id": "o-1", "tr_tt": "12.50", "tr_cu": "EUR", "tr_ci": "Bonn"})
    assert event.name == "Order Completed"
    assert told(event) == {"order_id": "o-1", "revenue": 12.5, "currency": "EUR", "city": "Bonn"}
    line = accepted({"e": "ti", "ti_id": "o-1", "ti_sk": "T-1", "ti_pr": "nan", "ti_qu": "2"})
    assert line.name == "Order Line"
    assert told(line) == {"transaction_id": "o-1", "sku": "T-1", "price": "nan", "quantity": 2}


def test_its_time_is_put_right_by_the_trackers_clock_unless_it_is_true() -> None:
    slow = {"e": "pv", "dtm": str(NOW - 3_660_018), "stm": str(NOW - 3_600_018)}
    assert accepted(slow).event_time == NOW - 60_018
    assert accepted({**slow, "ttm": str(NOW - 9_000_000)}).event_time == NOW - 9_000_000
    assert accepted({"e": "pv"}).event_time == NOW
    assert refused({**SEEN, "e": "pv", "dtm": "soon"}).reason == Reason.INVALID_TIME


def test_a_server_speaks_for_its_visitor() -> None:
    said = {"e": "pv", "ip": "203.0.113.9", "ua": "Chrome", "uid": "u1"}
    event = accepted(said, key=SERVER)
    assert (event.ip, event.user_agent, event.server) == ("203.0.113.9", "Chrome", True)
    harvest = gather({"e": "pv", "uid": "u1"}, key=SERVER)
    assert harvest.accepted[0].device_id == "user:u1"
    assert refused({"e": "pv", "uid": "u1"}).reason == Reason.NO_IDENTIFIER
    session = (
        "iglu:com.snowplowanalytics.snowplow/client_session/jsonschema/1-0-2",
        {"userId": "app-1"},
    )
    app = gather({"e": "pv", **beside(session)}, key=SERVER).accepted[0]
    assert (app.device_id, "contexts" in told(app)) == ("app-1", False)


def test_without_consent_nothing_names_the_visitor() -> None:
    page = ("iglu:com.snowplowanalytics.snowplow/web_page/jsonschema/1-0-0", {"id": "w-1"})
    own_entity = ("iglu:com.acme/shelf/jsonschema/1-0-0", {"name": "toys"})
    event = accepted({"e": "pv", "uid": "4711", **beside(page, own_entity)}, mode="opt-in")
    assert (event.consent, is_pseudonym(event.device_id)) == ("unknown", True)
    assert (event.ip, event.user_id) == ("198.51.100.0", "")
    assert [entity["data"] for entity in told(event)["contexts"]] == [{"name": "toys"}]
    assert accepted({"e": "pv"}, sp_anonymous=b"*").consent == "denied"


PREFERENCES = "iglu:com.snowplowanalytics.snowplow/consent_preferences/jsonschema/1-0-0"
GDPR = "iglu:com.snowplowanalytics.snowplow/gdpr/jsonschema/1-0-0"
CONSENTED = {"basisForProcessing": "consent"}
SELECTED = {"eventType": "allow_selected"}


@pytest.mark.parametrize(
    ("said", "consent"),
    [
        (beside((VISIT, {"consent": "granted"})), "granted"),
        (beside((VISIT, {"consent": True})), "granted"),
        (
            beside((VISIT, {"consent": "denied"}), (GDPR, {"basisForProcessing": "consent"})),
            "denied",
        ),
        (beside((VISIT, {"consent": True, "gpc": True})), "denied"),
        (beside((GDPR, CONSENTED)), "granted"),
        (beside((GDPR, {"basisForProcessing": "contract"})), "unknown"),
        (own(PREFERENCES, {"eventType": "allow_all"}), "granted"),
        (own(PREFERENCES, {"eventType": "withdrawn"}), "denied"),
        (own(PREFERENCES, {"eventType": "pending"}), "unknown"),
        (
            own(PREFERENCES, {"eventType": "allow_selected", "consentScopes": ["analytics"]}),
            "granted",
        ),
        (own(PREFERENCES, {"eventType": "allow_selected", "consentScopes": ["ads"]}), "denied"),
        ({}, "unknown"),
    ],
)
def test_consent_is_what_was_said_of_it(said: dict[str, str], consent: str) -> None:
    assert accepted({"e": "pv", **said}, mode="opt-in").consent == consent


def test_a_decision_that_was_shown_is_told() -> None:
    entity = (VISIT, {"decision_id": "d-1", "variant": "bestsellers", "profile_id": 7})
    event = accepted({"e": "pv", **beside(entity)})
    assert (event.decision_id, event.variant, event.profile_id) == ("d-1", "bestsellers", "7")
    assert told(event) == {}


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"duid": "d"}, Reason.MISSING_FIELD),
        ({"e": "zz", "duid": "d"}, Reason.UNKNOWN_TYPE),
        ({"e": "se", "duid": "d"}, Reason.MISSING_FIELD),
        ({"e": "ue", "duid": "d"}, Reason.MISSING_FIELD),
        ({"e": "ue", "duid": "d", "ue_pr": "{"}, Reason.MALFORMED_JSON),
        ({"e": "ue", "duid": "d", "ue_px": "é"}, Reason.WRONG_TYPE),
        (
            {"e": "ue", "duid": "d", "ue_pr": '{"data":{"schema":"x","data":{}}}'},
            Reason.MISSING_FIELD,
        ),
        ({**own("iglu:com.acme/x/jsonschema/1-0-0", [1]), "duid": "d"}, Reason.WRONG_TYPE),
        ({"e": "pv", "duid": "d", **beside(("iglu:a/b/c/d", 7))}, Reason.WRONG_TYPE),
        ({"e": "pv", "duid": "p_1"}, Reason.RESERVED_IDENTIFIER),
        (7, Reason.WRONG_TYPE),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_bytes(event: Any, reason: Reason) -> None:
    record = refused(event)
    assert (record.reason, record.protocol) == (reason, "snowplow")
    assert json.loads(record.original) == event


def test_a_servers_key_is_not_among_what_analysts_read() -> None:
    record = refused({"e": "zz", "duid": "d", "aid": "sk_demo"}, key=SERVER)
    assert b"sk_demo" not in record.original
    assert json.loads(record.original)["duid"] == "d"
    assert b"pk_demo" in refused({"e": "zz", "duid": "d", "aid": "pk_demo"}).original


def test_json_within_is_mended_as_json_around_it_is() -> None:
    text = own("iglu:com.acme/x/jsonschema/1-0-0", {"a": float("nan")})
    event = accepted(text)
    assert (event.notes, told(event)["a"]) == (["nan_nulled"], None)


def test_a_query_is_one_event_and_its_answer_an_image() -> None:
    query = urlencode({**SEEN, "e": "pv", "page": "Über uns & mehr"}).encode()
    parcel = read_get(query)
    assert parcel.key == "pk_demo"
    harvest = parcel.gather(Caller(SCOPE, HEADERS, BROWSER, NOW), rules("opt-out"))
    (event,) = harvest.accepted
    assert (event.title, event.url) == ("Über uns & mehr", SEEN["url"])
    assert harvest.answer is not None
    assert (harvest.answer.media, len(harvest.answer.content)) == (b"image/gif", 43)
    with pytest.raises(MalformedBody):
        read_get(b"")
    with pytest.raises(TooLarge):
        read_get(b"a=" + b"x" * 70_000)


def test_the_application_id_is_the_key_or_stands_for_one() -> None:
    keys = rules("none").keys
    assert keys.known(b"", "pk_demo", b"").kind == "browser"
    assert keys.known(b"", "web", b"").key == "pk_demo"
    assert keys.known(b"", "other", b"writeKey=sk_demo").key == "sk_demo"


@pytest.mark.parametrize(
    ("referer", "origin"),
    [
        (b"https://toyhouse.example/p?x=1", b"https://toyhouse.example"),
        (b"http://127.0.0.1:8082/", b"http://127.0.0.1:8082"),
        (b"https://a.example?x", b"https://a.example"),
        (b"", b""),
        (b"about:blank", b""),
        (b"https:///x", b""),
    ],
)
def test_an_image_comes_from_its_pages_origin(referer: bytes, origin: bytes) -> None:
    assert origin_of(referer) == origin
