"""What Snowplow's events become.

    pv  page view            page
    pp  page ping            track 'Page Pinged', with its heartbeat as engaged time
    se  structured event     track, named by its action
    ue  self-describing      track, named by its schema's name; the data are its properties and
                             `iglu` is its schema. A screen view is a screen. A name of Segment's
                             that a schema cannot have is meant where it says so: order_completed
    tr  ti  older orders     track 'Order Completed', 'Order Line'

Entities are kept as they were sent, under `contexts`, but for what is in columns or properties.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from ingest.collector.errors import RefusedEvent
from ingest.collector.json_text import one_line, read_properties
from ingest.collector.protocols import snowplow_shop
from ingest.collector.protocols.snowplow_messages import (
    Field,
    SelfDescribing,
    SnowplowEvent,
    own_data,
    text_of,
)
from schemas.event import EventType
from schemas.reasons import Reason

OWN_VENDOR = "org.footfall"
"""Of `iglu:org.footfall/visit/...`: consent, gpc, profile_id, decision_id, variant, heartbeat."""

_TRACKERS = ("com.snowplowanalytics.", "com.google.", "org.w3", "org.ietf", "com.apple.")
_SESSION = "client_session"
_HEARTBEAT_S = 10.0  # what Snowplow's own examples and models take
_LONGEST_HEARTBEAT_S = 600.0
_STANDARD = frozenset(
    {
        *("Products Searched", "Product List Viewed", "Product List Filtered", "Product Clicked"),
        *("Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Cart Emptied"),
        *("Checkout Started", "Checkout Step Viewed", "Checkout Step Completed"),
        *("Payment Info Entered", "Order Completed", "Order Updated", "Order Refunded"),
        *("Order Cancelled", "Promotion Viewed", "Promotion Clicked", "Coupon Entered"),
        *("Coupon Applied", "Product Added To Wishlist", "Product Reviewed", "Product Shared"),
        *("Email Opened", "Email Link Clicked", "Signed Up", "Logged In", "Logged Out"),
        *("Signed Out",),
    }
)


class Visit(msgspec.Struct):
    """What a page says in our own entity."""

    consent: str | bool | None = None
    gpc: bool | None = None
    profile_id: str | int | None = None
    decision_id: str | None = None
    variant: str | None = None
    heartbeat: int | float | None = None  # seconds a page ping stands for


class Meaning(NamedTuple):
    type: EventType
    name: str
    properties: dict[str, Any]
    engaged_ms: int = 0
    translated: bool = False  # the shop's entities are in the properties


def meaning(
    event: SnowplowEvent, own: SelfDescribing | None, visit: Visit, around: Sequence[SelfDescribing]
) -> Meaning:
    """`own`: the data of a self-describing event, else None. Raises RefusedEvent."""
    kind = event.e or ""
    if own is not None:
        return _self_describing(own, around)
    if kind == "pv":
        return Meaning("page", "Page Viewed", {})
    if kind == "pp":
        offsets = {
            "pp_xoffset_min": event.pp_mix,
            "pp_xoffset_max": event.pp_max,
            "pp_yoffset_min": event.pp_miy,
            "pp_yoffset_max": event.pp_may,
        }
        scrolled = {n: snowplow_shop.number_of(v) for n, v in offsets.items() if v is not None}
        return Meaning("track", "Page Pinged", scrolled, _heartbeat_ms(visit))
    if kind == "se":
        return _structured(event)
    if kind in ("tr", "ti"):
        told = (snowplow_shop.legacy_order if kind == "tr" else snowplow_shop.legacy_line)(event)
        return Meaning("track", told.name, told.properties)
    if not kind:
        raise RefusedEvent(Reason.MISSING_FIELD, "an event has e, which says what it is")
    raise RefusedEvent(Reason.UNKNOWN_TYPE, f"e: {kind[:64]!r}")


def own_of(event: SnowplowEvent, notes: list[str]) -> SelfDescribing | None:
    """The data of a self-describing event, None of another. Raises RefusedEvent."""
    return own_data(event, notes) if event.e == "ue" else None


def properties_of(
    told: Meaning,
    event: SnowplowEvent,
    around: Sequence[SelfDescribing],
    app_id: str,
    *,
    personal: bool,
) -> msgspec.Raw:
    """As one line of JSON. Raises RefusedEvent for an entity that is no object.

    Unless `personal`, without the entities that trackers add, which name the device.
    """
    members = dict(told.properties)
    own_words = {"app_id": app_id, "platform": event.p, "os_timezone": event.tz}
    for name, value in own_words.items():
        if value:
            members.setdefault(name, value)
    kept = [entity for entity in around if _is_kept(entity, told, personal)]
    if kept:
        members["contexts"] = [
            {"schema": entity.schema, "data": read_properties(entity.data, "co")[0]}
            for entity in kept
        ]
    return one_line(msgspec.json.encode(members))


def visit_of(around: Sequence[SelfDescribing]) -> Visit:
    """What our own entity says; nothing where it is of another shape, or not there."""
    for entity in around:
        if entity.vendor == OWN_VENDOR:
            try:
                return _visit_decoder.decode(entity.data)
            except msgspec.MsgspecError as error:
                raise RefusedEvent(Reason.WRONG_TYPE, f"{entity.schema}: {error}") from error
    return Visit()


def decoded(entity: SelfDescribing, field: str) -> dict[str, Any]:
    """Raises RefusedEvent where its data are no object."""
    return read_properties(entity.data, field)[1]


_visit_decoder = msgspec.json.Decoder(Visit)


def _self_describing(own: SelfDescribing, around: Sequence[SelfDescribing]) -> Meaning:
    said = decoded(own, "ue_pr")
    if own.vendor == snowplow_shop.VENDOR and own.name == snowplow_shop.ACTION:
        entities = [
            (entity.name, decoded(entity, "co"))
            for entity in around
            if entity.vendor == snowplow_shop.VENDOR
        ]
        told = snowplow_shop.action(said, entities)
        return Meaning("track", told.name, told.properties, translated=True)
    if own.name == "screen_view" and own.vendor.startswith(_TRACKERS):
        name = said.get("name")
        return Meaning("screen", name if isinstance(name, str) and name else "Screen Viewed", said)
    standard = own.name.replace("_", " ").title()
    return Meaning(
        "track", standard if standard in _STANDARD else own.name, {**said, "iglu": own.schema}
    )


def _structured(event: SnowplowEvent) -> Meaning:
    name = text_of(event.se_ac)
    if not name:
        raise RefusedEvent(Reason.MISSING_FIELD, "a structured event has an action, se_ac")
    fields: dict[str, Field] = {
        "se_category": event.se_ca,
        "se_label": event.se_la,
        "se_property": event.se_pr,
    }
    told: dict[str, Any] = {n: value for n, value in fields.items() if value not in (None, "")}
    if event.se_va not in (None, ""):
        told["se_value"] = snowplow_shop.number_of(event.se_va)
    return Meaning("track", name, told)


def _is_kept(entity: SelfDescribing, told: Meaning, personal: bool) -> bool:
    if entity.vendor == OWN_VENDOR or entity.name == _SESSION:
        return False
    if told.translated and entity.vendor == snowplow_shop.VENDOR:
        return personal and entity.name not in snowplow_shop.TRANSLATED
    return personal or not entity.vendor.startswith(_TRACKERS)


def _heartbeat_ms(visit: Visit) -> int:
    seconds = _HEARTBEAT_S if visit.heartbeat is None else float(visit.heartbeat)
    return int(min(max(seconds, 0.001), _LONGEST_HEARTBEAT_S) * 1000)
